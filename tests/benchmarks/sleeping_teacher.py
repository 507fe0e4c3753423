"""A plug-in teacher that takes as long as it is told: sleeping_teacher:SECONDS. Its answer is the identity moved by a coarse flow of the
driving clip, which filters keep; what is left of its time it sleeps, as a teacher on an accelerator leaves the processor alone.

Where LOG names a folder, every process notes there when it was asked, a line a pair.
`install(folder)` makes a plug-in of it: with `folder` in PYTHONPATH, `--teacher sleeping:0.25` is known.
"""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from models.optical_flow import backward_warp, resize_flow, since_first
from models.types import AnimationRequest, AnimationResult, Clip

COARSE_PX = 64
LOG = "SLEEPING_TEACHER_LOG"


@dataclass(frozen=True, slots=True)
class SleepingTeacher:
    seconds: float
    name: str = "sleeping"
    weights_hash: str = ""

    def animate(self, request: AnimationRequest) -> AnimationResult:
        end, size = time.perf_counter() + self.seconds, request.size
        if LOG in os.environ:
            with open(Path(os.environ[LOG]) / str(os.getpid()), "a") as log:
                log.write(f"{time.time()}\n")
        coarse = tuple(max(8, round(side * min(1.0, COARSE_PX / min(size)))) for side in size)
        small = np.stack([cv2.resize(frame, coarse, interpolation=cv2.INTER_AREA) for frame in request.driving.frames])
        frames = np.stack([backward_warp(request.reference, resize_flow(flow, size)) for flow in since_first(small)])
        time.sleep(max(0.0, end - time.perf_counter()))
        clip = Clip(frames=frames, fps=request.driving.fps)
        return AnimationResult(request_id=request.id, clip=clip, animator=self.name, seconds=self.seconds)


def create(argument: str | None = None) -> SleepingTeacher:
    return SleepingTeacher(seconds=float(argument or 0.25))


def install(folder: Path) -> None:
    about = folder / "sleeping_teacher-1.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: sleeping-teacher\nVersion: 1\n")
    (about / "entry_points.txt").write_text("[actorforge.animators]\nsleeping = sleeping_teacher:create\n")
    shutil.copy(__file__, folder / "sleeping_teacher.py")
