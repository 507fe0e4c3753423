"""How a checkpoint of ours paints: what its card says and `--set` may change."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import Literal

from models.types import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How a clip is painted. `steps`: of the sampler; more are slower and finer. `negative_prompt`: what is not wanted, in words.

    `guidance`: above 1 classifier-free guidance by text against `negative_prompt`, else none.
    `tail_frames`: frames of the window before that a window is given; 0 starts each one from the reference. `driver_half`: what of the
    driver's half of the canvas the network sees beside the condition: the known driver noised to each step's time, as in training (path),
    what it paints there itself, as a stock pipeline would (noise), or the driver itself, free of noise (clean).
    """

    steps: int = 30
    guidance: float = 1.0
    negative_prompt: str = ""
    tail_frames: int = 0
    driver_half: Literal["path", "noise", "clean"] = "path"

    def __post_init__(self) -> None:
        require(self.steps >= 1, "sampling", "steps", self.steps, "a whole number >= 1")
        require(self.guidance >= 0 and isfinite(self.guidance), "sampling", "guidance", self.guidance, "a finite number >= 0")
        require(self.tail_frames >= 0, "sampling", "tail_frames", self.tail_frames, "a whole number >= 0")
        require(self.driver_half in ("path", "noise", "clean"), "sampling", "driver_half", repr(self.driver_half), "path, noise or clean")
