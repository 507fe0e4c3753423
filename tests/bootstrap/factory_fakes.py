"""Tiny media and fake teachers for the factory's tests; importable in worker processes."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import av
import cv2
import numpy as np

from bootstrap.rounds import RoundConfig, Teacher
from models.images import encode_image
from models.types import AnimationRequest, AnimationResult, Clip, Grid
from models.video import encode_video, write_video

GRID = Grid(width=32, height=32, fps=8.0, num_frames=4)


def moving_square(colour: tuple[int, int, int], background: int, frames: int = 6, size: int = 32) -> Clip:
    """A textured square that runs to the right over plain ground."""
    rng = np.random.default_rng(background)
    texture = np.clip(np.array(colour) + rng.integers(-40, 40, (12, 12, 1)), 0, 255).astype(np.uint8)
    ground = np.full((size, size, 3), background, np.uint8)
    video = np.stack([ground] * frames)
    for t in range(frames):
        video[t, 8:20, 2 + 3 * t : 14 + 3 * t] = texture[:, : size - 2 - 3 * t]
    return Clip(frames=video, fps=8.0)


def write_sources(folder: Path, clips: int = 3, identities: int = 3) -> tuple[Path, Path]:
    """Folders of driving clips and identity images."""
    driving, references = folder / "driving", folder / "references"
    for n in range(clips):
        write_video(driving / f"clip{n}.mp4", moving_square((200, 60 + 40 * n, 30), 40 + 20 * n))
    references.mkdir(parents=True)
    for n in range(identities):
        picture = moving_square((20, 90, 120 + 50 * n), 220 - 15 * n).frames[0]
        (references / f"who{n}.png").write_bytes(encode_image(picture))
    return driving, references


def write_bad_clips(driving: Path) -> set[str]:
    """One clip of every kind that cannot be used; returns their names."""
    data = encode_video(moving_square((9, 9, 200), 90))
    (driving / "cut.mp4").write_bytes(data[: len(data) // 2])
    (driving / "empty.mp4").write_bytes(b"")
    (driving / "text.mp4").write_text("not a video at all\n" * 50)
    write_video(driving / "one_frame.mp4", moving_square((9, 9, 200), 90, frames=1))
    with av.open(str(driving / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return {"cut.mp4", "empty.mp4", "text.mp4", "one_frame.mp4", "sound.mp4"}


def write_odd_pictures(references: Path) -> set[str]:
    """Pictures that are usable after a change: 16 bit, alpha, 4000 px wide; returns their names."""
    cv2.imwrite(str(references / "deep.png"), np.full((8, 8, 3), 40000, np.uint16))
    cv2.imwrite(str(references / "glass.png"), np.full((8, 8, 4), 90, np.uint8))
    cv2.imwrite(str(references / "huge.jpg"), np.full((60, 4000, 3), 90, np.uint8))
    return {"deep.png", "glass.png", "huge.jpg"}


def config(folder: Path, **changes: object) -> RoundConfig:
    """Settings over `write_sources(folder)`; small units so that there are several."""
    base = {"driving": folder / "driving", "references": folder / "references", "teacher": "shift", "grid": GRID, "pairs_per_unit": 2}
    return RoundConfig(**{**base, **changes})


@dataclass(frozen=True, kw_only=True)
class ShiftTeacher:
    """Moves the identity picture 3 px a frame. `delays_s`: first letter of a key -> wait, to upset the order of completion."""

    name: str = "shift"
    weights_hash: str = ""
    slowest_s: float = 0.0
    die_on: str = ""
    fail_on: str = ""
    freeze: bool = False
    size: tuple[int, int] | None = None

    def animate(self, request: AnimationRequest) -> AnimationResult:
        if self.slowest_s:
            time.sleep(self.slowest_s * (15 - int(request.id[0], 16)) / 15)
        if self.die_on and request.id == self.die_on:
            os.kill(os.getpid(), 9)
        if self.fail_on and request.id == self.fail_on:
            raise RuntimeError("out of luck")
        step = 0 if self.freeze else 3
        frames = np.stack([np.roll(request.reference, step * t, axis=1) for t in range(request.num_frames)])
        if self.size:
            frames = np.stack([cv2.resize(frame, self.size) for frame in frames])
        return AnimationResult(request_id=request.id, clip=Clip(frames=frames, fps=request.driving.fps), animator=self.name, seconds=0.0)


TEACHER = Teacher(name="shift", weights_hash="")
