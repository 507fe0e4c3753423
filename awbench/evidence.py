"""What a metric may look at: one decoded output beside its case, with the optical flows computed once and shared.

In: the output on the suite's grid, driver, reference and, in the world, the truth. Out: the same, plus reduced copies
("working raster": short side at most `WORKING_SIDE_PX`) on which motion is measured, so that cost does not grow with
resolution. Flow units are px of the working raster. Everything is computed on first use and kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np

from awbench.cases import Truth
from models.optical_flow import flow_sequence, resize_flow
from models.types import Clip, check_image, require

WORKING_SIDE_PX = 144


def reduced(frames: np.ndarray, side_px: int = WORKING_SIDE_PX) -> np.ndarray:
    """Shrink uint8 `[T,H,W,3]` by area so that the short side is at most `side_px`; smaller frames come back as they are."""
    height, width = frames.shape[1:3]
    scale = side_px / min(height, width)
    if scale >= 1:
        return frames
    size = (round(width * scale), round(height * scale))
    return np.stack([cv2.resize(frame, size, interpolation=cv2.INTER_AREA) for frame in frames])


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """One output with its case. `track`: "self" (driver shows the reference's identity) or "cross"."""

    case_id: str
    output: Clip
    driver: Clip
    reference: np.ndarray
    truth: Truth | None = None
    track: str = "cross"

    def __post_init__(self) -> None:
        item, want = f"case {self.case_id}", (len(self.driver), self.driver.size)
        object.__setattr__(self, "reference", check_image(self.reference, item, "reference"))
        require(self.track in ("self", "cross"), item, "track", repr(self.track), "'self' or 'cross'")
        got = (len(self.output), self.output.size)
        require(got == want, item, "output (T, size)", got, f"the driver's {want}", "bring the output to the suite's grid")
        require(self.reference.shape[1::-1] == want[1], item, "reference size", self.reference.shape[1::-1], f"the driver's {want[1]}")
        if self.truth is not None:
            got = (len(self.truth.clip), self.truth.clip.size)
            require(got == want, item, "truth (T, size)", got, f"the driver's {want}")

    @cached_property
    def output_frames(self) -> np.ndarray:
        """The output on the working raster, uint8 `[T,h,w,3]`."""
        return reduced(self.output.frames)

    @cached_property
    def driver_frames(self) -> np.ndarray:
        return reduced(self.driver.frames)

    @cached_property
    def truth_frames(self) -> np.ndarray | None:
        return None if self.truth is None else reduced(self.truth.clip.frames)

    @cached_property
    def output_flow(self) -> np.ndarray:
        """Estimated forward flow of the output, float32 `[T-1,h,w,2]` px of the working raster."""
        return flow_sequence(self.output_frames)

    @cached_property
    def driver_flow(self) -> np.ndarray:
        return flow_sequence(self.driver_frames)

    @cached_property
    def truth_flow(self) -> np.ndarray | None:
        """Flow of the truth as the same estimator sees it: what the estimator itself gets wrong is not the output's fault."""
        return None if self.truth is None else flow_sequence(self.truth_frames)

    @cached_property
    def exact_flow(self) -> np.ndarray | None:
        """The truth's exact flow, brought to the working raster."""
        if self.truth is None:
            return None
        height, width = self.truth_frames.shape[1:3]
        flows = self.truth.flow
        return flows if flows.shape[1:3] == (height, width) else np.stack([resize_flow(flow, (width, height)) for flow in flows])

    @cached_property
    def subject(self) -> np.ndarray | None:
        """The truth's subject masks on the working raster, bool `[T,h,w]`."""
        return None if self.truth is None else self._reduced_masks(self.truth.subject)

    @cached_property
    def reference_subject(self) -> np.ndarray | None:
        """The reference's subject mask on the working raster, bool `[h,w]`."""
        return None if self.truth is None else self._reduced_masks(self.truth.reference_subject[None])[0]

    def _reduced_masks(self, masks: np.ndarray) -> np.ndarray:
        size = self.output_frames.shape[2:0:-1]
        return np.stack([cv2.resize(mask.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST) for mask in masks]).astype(bool)
