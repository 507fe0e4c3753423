"""What a system can be asked for: its inputs, sizes, lengths and subjects, and on which terms.

Stated by the module behind a name, so that it is known without loading a weight (`models.stated`). A request outside of it is adapted and
the answer brought back (`models.adaptation`).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from models.types import require

Kind = Literal["weightless", "local", "external", "hosted"]
Input = Literal["driver", "pose", "face", "mask", "prompt", "first_frame"]
"""Beside the reference, which all take. `driver`: its pixels; `pose`: keypoints of it, estimated where a request brings none;
`first_frame`: the reference must stand as the driver's first frame does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeRule:
    """Pictures a system takes and paints, px. `multiple`: of both sides; `max_ratio`: long by short side.

    `sizes`: the only (W,H) there are.
    """

    multiple: int = 1
    min_side_px: int = 1
    max_side_px: int | None = None
    max_area_px: int | None = None
    max_ratio: float | None = None
    sizes: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        require(self.multiple >= 1, "size rule", "multiple", self.multiple, ">= 1 px")
        most = self.max_side_px
        require(1 <= self.min_side_px <= (most or self.min_side_px), "size rule", "min_side_px", self.min_side_px, f"1 to {most}")
        require(self.max_ratio is None or self.max_ratio >= 1, "size rule", "max_ratio", self.max_ratio, ">= 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class FrameRule:
    """Lengths a system takes: `step`·n + `offset` frames, `least` to `most` of them, `least_s` to `most_s` seconds.

    `fps`: the only rate it takes; None: any.
    """

    step: int = 1
    offset: int = 0
    least: int = 1
    most: int | None = None
    least_s: float = 0.0
    most_s: float | None = None
    fps: float | None = None

    def __post_init__(self) -> None:
        require(0 <= self.offset < max(self.step, 1), "frame rule", "offset", self.offset, f"0 to step - 1 = {self.step - 1}")
        require(self.least >= 1 and (self.most is None or self.most >= self.least), "frame rule", "most", self.most, f">= {self.least}")
        require(self.fps is None or self.fps > 0, "frame rule", "fps", self.fps, "> 0")


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """`needs`: inputs beside the reference; `takes`: those it can use but does without; `subjects`: how many people it follows, None any.

    `licence`: terms of code and weights, or of the service; `weights`: what to get, and where; `note`: the trap to know before using it.
    """

    kind: Kind
    needs: tuple[Input, ...] = ()
    takes: tuple[Input, ...] = ()
    size: SizeRule = field(default_factory=SizeRule)
    frames: FrameRule = field(default_factory=FrameRule)
    subjects: int | None = None
    licence: str = ""
    weights: str = ""
    note: str = ""
