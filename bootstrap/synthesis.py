"""One pair made: the teacher's synthetic clip is the *driver*, the real footage is the *target*.

    driver = teacher(motion of V, identity),    reference = V[0],    target = V
In: a `PairSpec`, its media on the grid, its prompts, a teacher; out: a `Candidate` with the encoded members of its sample. The
reference is the first frame of the *encoded* target, so `reference == target[0]` holds to the pixel for a reader.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Mapping

import numpy as np

from bootstrap.pairing import PairSpec
from bootstrap.prompts import NO_PROMPTS, PairPrompts
from bootstrap.sources import read_identity
from models.images import encode_image, fit_image
from models.protocols import Animator
from models.types import AnimationRequest, Clip, Grid, require
from models.video import Window, encode_video, read_video, read_window

CRF = 4
"""Quality of the stored clips (H.264 yuv444p, one encoder thread); lower is better, 10 the most a dataset may have."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PairMedia:
    """The real material of a pair on the grid. `clip`: V; `identity`: uint8 `[H,W,3]`, with how it was adapted."""

    clip: Clip
    window: Window
    identity: np.ndarray
    identity_notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Candidate:
    """A pair before judgement. `members` are the encoded files of the sample."""

    spec: PairSpec
    media: PairMedia
    members: Mapping[str, bytes]
    prompts: PairPrompts = NO_PROMPTS


def read_media(spec: PairSpec, driving: Path, references: Path, grid: Grid) -> PairMedia:
    """Cut the pair's window and bring the identity to the grid (centred crop). Raises MediaError."""
    clip, window = read_window(driving / spec.driving, grid, spec.start_s)
    identity, notes = read_identity(references / spec.identity)
    return PairMedia(clip=clip, window=window, identity=fit_image(identity, grid.size), identity_notes=notes)


def synthesize_pair(spec: PairSpec, media: PairMedia, teacher: Animator, grid: Grid, prompts: PairPrompts = NO_PROMPTS) -> Candidate:
    """Let the teacher move the identity like V and encode the sample. Raises ValueError for an output off the grid."""
    request = AnimationRequest(
        id=spec.key,
        reference=media.identity,
        driving=media.clip,
        size=grid.size,
        num_frames=grid.num_frames,
        seed=spec.seed,
        prompt=prompts.teacher.prompt,
    )
    driver = teacher.animate(request).clip
    require(driver.size == grid.size, "teacher output", "size", driver.size, str(grid.size))
    require(abs(driver.fps - grid.fps) < 1e-6, "teacher output", "fps", driver.fps, str(grid.fps))
    target_mp4 = encode_video(media.clip, crf=CRF)
    members = {
        "driver.mp4": encode_video(driver, crf=CRF),
        "reference.png": encode_image(read_video(target_mp4).frames[0]),
        "target.mp4": target_mp4,
    }
    return Candidate(spec=spec, media=media, members=members, prompts=prompts)
