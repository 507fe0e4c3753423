"""What filters look at: the driver as it is stored beside the real material, with everything dear computed once and shared.

The words are the factory's: the *driver* is the teacher's synthetic clip, `source` the real window whose motion it was to take, `identity`
the picture whose look. The referee's words for the same three are output, driver and reference: `as_answer` translates.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from awbench.evidence import Evidence
from models.types import Clip


@dataclass(frozen=True, kw_only=True, eq=False)
class PairEvidence:
    """`driver`, `source`: clips of one size and length; `identity`: uint8 `[H,W,3]` of that size; `prompt`: the pair's, or ""."""

    key: str
    driver: Clip
    source: Clip
    identity: np.ndarray
    prompt: str = ""

    @cached_property
    def as_answer(self) -> Evidence:
        """The pair as the referee's metrics see a case: no truth is known."""
        return Evidence(case_id=self.key, output=self.driver, driver=self.source, reference=self.identity, prompt=self.prompt)

    @property
    def driver_frames(self) -> np.ndarray:
        """The driver on the working raster, uint8 `[T,h,w,3]`."""
        return self.as_answer.output_frames

    @property
    def source_frames(self) -> np.ndarray:
        return self.as_answer.driver_frames
