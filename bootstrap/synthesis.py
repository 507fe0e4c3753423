"""One pair made: the teacher's synthetic clip is the *driver*, the real footage is the *target*.

    driver = teacher(motion of V, identity),    reference = V[0],    target = V
Its parts are functions of plain arrays and bytes, so that they may run in different processes: `read_media` and `encode_target`, the
teacher's `answer_of` and `driver_of`, and `encode_driver`. The reference is the first frame of the *encoded* target, so that
`reference == target[0]` holds to the pixel for a reader. The target is encoded before the teacher is given anything, and it is given
copies: one that writes into them spoils its own answer only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

import numpy as np

from bootstrap.pairing import PairSpec
from bootstrap.prompts import NO_PROMPTS, PairPrompts
from bootstrap.sources.identity import read_identity
from models.framing import fit_image
from models.images import encode_image
from models.protocols import Animator
from models.types import AnimationRequest, AnimationResult, Clip, Grid, require
from models.video import Window, encode_video, fit_clip, read_first_frame, read_window

CRF = 4
"""Quality of the stored clips (H.264, one encoder thread); lower is better, 10 the most a dataset may have."""
_SHAPE_TOLERANCE = 0.03


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairMedia:
    """The real material of a pair on the grid. `clip`: V; `identity`: uint8 `[H,W,3]`, with how it was adapted."""

    clip: Clip
    window: Window
    identity: np.ndarray
    identity_notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidate:
    """A pair before judgement. `members` are the encoded files of the sample; `driver_notes`: how the teacher's answer was adapted."""

    spec: PairSpec
    media: PairMedia
    members: Mapping[str, bytes]
    prompts: PairPrompts = NO_PROMPTS
    driver_notes: str = ""


def read_media(driving: str, start_s: float, identity: str, grid: Grid, fit: str = "crop") -> PairMedia:
    """Cut the window of the clip at `driving` and bring the picture at `identity` to the grid. Raises MediaError or OSError."""
    clip, window = read_window(driving, grid, start_s, fit)
    picture, notes = read_identity(identity)
    return PairMedia(clip=clip, window=window, identity=fit_image(picture, grid.size, fit), identity_notes=notes)


def encode_target(media: PairMedia, pix_fmt: str) -> dict[str, bytes]:
    """The members of a sample that do not need the teacher: target.mp4 and reference.png."""
    target = encode_video(media.clip, crf=CRF, pix_fmt=pix_fmt)
    return {"reference.png": encode_image(read_first_frame(target)), "target.mp4": target}


def answer_of(spec: PairSpec, media: PairMedia, teacher: Animator, grid: Grid, prompts: PairPrompts = NO_PROMPTS) -> AnimationResult:
    """What the teacher makes of the identity, moved like V."""
    return teacher.animate(_request(spec, media, grid, prompts))


def driver_of(answer: AnimationResult, grid: Grid, *, adapt: bool = False) -> tuple[Clip, str]:
    """The driver. Raises ValueError for an answer off the grid.

    `adapt`: one of the grid's shape and length, but of another size or frame rate, is brought to the grid; the text says how.
    """
    driver, notes = answer.clip, ""
    require(isinstance(driver, Clip), "teacher output", "clip", type(driver).__name__, "a Clip")
    if adapt:
        driver, notes = _on_grid(driver, grid)
    require(driver.size == grid.size, "teacher output", "size", driver.size, str(grid.size))
    require(abs(driver.fps - grid.fps) < 1e-6, "teacher output", "fps", driver.fps, str(grid.fps))
    return driver, notes


def encode_driver(driver: Clip, pix_fmt: str) -> bytes:
    """driver.mp4."""
    return encode_video(driver, crf=CRF, pix_fmt=pix_fmt)


def _request(spec: PairSpec, media: PairMedia, grid: Grid, prompts: PairPrompts) -> AnimationRequest:
    return AnimationRequest(
        id=spec.key,
        reference=media.identity.copy(),  # what is judged stays ours
        driving=Clip(frames=media.clip.frames.copy(), fps=media.clip.fps, origin=media.clip.origin),
        size=grid.size,
        num_frames=grid.num_frames,
        seed=spec.seed,
        prompt=prompts.teacher.prompt,
    )


def _on_grid(answer: Clip, grid: Grid) -> tuple[Clip, str]:
    """An answer made elsewhere on the grid, and what was done to it."""
    if (answer.size, answer.fps, len(answer)) == (grid.size, grid.fps, grid.num_frames):
        return answer, ""
    shapes = [width / height for width, height in (answer.size, grid.size)]
    require(abs(shapes[0] / shapes[1] - 1) <= _SHAPE_TOLERANCE, "answer", "size", answer.size, f"the shape of {grid.size}")
    needed_s = (grid.num_frames - 1) / grid.fps
    require(answer.duration_s > needed_s - 1e-6, "answer", "length", f"{answer.duration_s:.3f} s", f"more than {needed_s:.3f} s")
    was = f"{len(answer)} frames of {answer.size[0]}x{answer.size[1]} px at {answer.fps:g} fps brought to the grid"
    return fit_clip(answer, grid), was
