"""Small runs for studies: three systems, each with a shade of its own, on cases with names that must not be seen."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from awbench.cases import Case, CaseMedia, Suite
from awbench.run_folder import Run
from awbench.runs import finish_generation, generate_case, start_run
from models.types import AnimationResult, Clip, Grid

FRAMES, FPS, SIDE = 12, 12.0, 48
SYSTEMS = ("quokka_v2", "zebrafish:large", "numbat")
CASES = tuple(Case(id=f"pelican{index:02d}", tags={"driver_subject": ("human", "animal")[index % 2]}) for index in range(6))


def clip_of(seed: int, shade: int = 0) -> Clip:
    """A bright square that crosses a textured picture, one place a frame."""
    rng = np.random.default_rng(seed)
    ground = rng.integers(30, 90, (SIDE // 4, SIDE // 4, 3), np.uint8).repeat(4, 0).repeat(4, 1)
    frames = np.repeat((ground + shade)[None], FRAMES, axis=0)
    for index in range(FRAMES):
        frames[index, 14:34, 2 * index : 2 * index + 16] = (220, 180 - shade, 120 + shade)
    return Clip(frames=frames, fps=FPS)


def media_of(case: Case) -> CaseMedia:
    clip = clip_of(int(case.id[-2:]))
    return CaseMedia(reference=clip.frames[0], driving=clip, truth=None)


SUITE = Suite(
    name="studied", version="1", grid=Grid(width=SIDE, height=SIDE, fps=FPS, num_frames=FRAMES), cases=CASES, source=media_of
)  # fmt: skip


class Painter:
    """Answers with its own shade; refuses the cases in `broken`."""

    weights_hash = ""

    def __init__(self, place: int, broken: tuple[str, ...] = ()) -> None:
        self.name, self.place, self.broken = SYSTEMS[place], place, broken

    def animate(self, request):
        if request.id in self.broken:
            raise ValueError("no pose found")
        clip = clip_of(int(request.id[-2:]), shade=20 * self.place)
        return AnimationResult(request_id=request.id, clip=clip, animator=self.name, seconds=0.0)


def shown_in(site: Path) -> list[list[dict[str, str]]]:
    """The trials of every slot of a published study."""
    files = sorted((site / "slots").iterdir(), key=lambda path: int(path.stem))
    return [json.loads(path.read_text().removeprefix("window.studySlot = ").rstrip(";\n")) for path in files]


def make_runs(root: Path, broken: tuple[str, ...] = ()) -> list[Run]:
    """One run of each system; the last of them has no answer to the cases in `broken`."""
    runs = []
    for place in range(3):
        animator = Painter(place, broken if place == 2 else ())
        run = start_run(root / f"wombat-run-{place}", SUITE, "painter", animator, 0)
        for case in CASES:
            generate_case(run, case.id, animator)
        runs.append(finish_generation(run))
    return runs
