"""What a metric may look at: one decoded output beside its case, with the optical flows computed once and shared.

In: the output on the suite's grid, driver, reference and, in the world, the truth. Out: the same, plus reduced copies
("working raster": short side at most `WORKING_SIDE_PX`) on which motion is measured, so that cost does not grow with
resolution. Flow units are px of the working raster. Everything is computed on first use and kept.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import cv2
import numpy as np

from awbench.cases import Truth
from awbench.motion_signature import own_motion, signature_of
from models.optical_flow import chain, flow_sequence, resize_flow
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


def channel_mean(values: np.ndarray) -> np.ndarray:
    """Mean over the three colours of float32 `[...,3]`: as `mean(-1)` to the bit, several times faster."""
    return (values[..., 0] + values[..., 1] + values[..., 2]) / np.float32(3)


def sampled(frames: int, most: int) -> np.ndarray:
    """At most `most` frame numbers of `frames`, evenly spread, first and last among them."""
    return np.unique(np.linspace(0, frames - 1, min(most, frames)).round().astype(int))


@dataclass(frozen=True, kw_only=True, eq=False)
class Evidence:
    """One output with its case. `track`: "self" (driver shows the reference's identity) or "cross".

    `lag_s`: how far the output was ahead of its driver before both were cut to comparable frames (`awbench/alignment.py`);
    `completeness`: the share of the driver's frames that were answered, 0-1; `prompt`: what the case says in words.
    """

    case_id: str
    output: Clip
    driver: Clip
    reference: np.ndarray
    truth: Truth | None = None
    track: str = "cross"
    lag_s: float = 0.0
    completeness: float = 1.0
    prompt: str = ""

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

    def cut(self, frames: list[int], source: list[int], **told: float) -> Evidence:
        """The evidence at output frames `frames` and, as many, frames `source` of driver and truth; `told`: lag_s, completeness."""
        everything = list(range(len(self.driver)))
        if frames == source == everything:
            return self._keeping(replace(self, **told), ("output", "driver", "truth"))
        truth = None if self.truth is None else truth_at(self.truth, source)
        shorter = replace(self, output=clip_at(self.output, frames), driver=clip_at(self.driver, source), truth=truth, **told)
        parts = (("output", frames), ("driver", source), ("truth", source))
        return self._keeping(shorter, tuple(part for part, chosen in parts if _in_a_row(chosen)), {"output": frames[0]}, source[0])

    def _keeping(self, other: Evidence, parts: tuple[str, ...], first: dict[str, int] | None = None, start: int = 0) -> Evidence:
        """Hand on what was computed already, from the frame on at which `other` begins."""
        for part in parts:
            begin = (first or {}).get(part, start if first else 0)
            for name, less in ((f"{part}_frames", 0), (f"{part}_flow", 1), (f"{part}_motion", 1), (f"{part}_signature", 1)):
                if self.__dict__.get(name) is not None:
                    other.__dict__[name] = self.__dict__[name][begin : begin + len(other.output) - less]
        return other

    def once(self, name: str, value: Callable[[], Any]) -> Any:
        """`value()`, computed once for this evidence: what two metrics share."""
        kept = self.__dict__.setdefault("_kept", {})
        if name not in kept:
            kept[name] = value()
        return kept[name]

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
    def output_motion(self) -> np.ndarray:
        """The output's flow less the camera's, on the small raster on which motion is compared: float32 `[T-1,h,w,2]`."""
        return own_motion(self.output_flow)

    @cached_property
    def driver_motion(self) -> np.ndarray:
        return own_motion(self.driver_flow)

    @cached_property
    def truth_motion(self) -> np.ndarray | None:
        return None if self.truth is None else own_motion(self.truth_flow)

    @cached_property
    def exact_motion(self) -> np.ndarray | None:
        """That of the exact flow."""
        known = self.exact_flow is self.truth_flow
        return self.truth_motion if known else own_motion(self.exact_flow)

    @cached_property
    def output_signature(self) -> np.ndarray:
        """Which directions move how much at every step of the output, camera out: float32 `[T-1,BINS]`."""
        return signature_of(self.output_motion)

    @cached_property
    def driver_signature(self) -> np.ndarray:
        return signature_of(self.driver_motion)

    @cached_property
    def truth_flow(self) -> np.ndarray | None:
        """Flow of the truth as the same estimator sees it: what the estimator itself gets wrong is not the output's fault."""
        return None if self.truth is None else flow_sequence(self.truth_frames)

    @cached_property
    def exact_flow(self) -> np.ndarray | None:
        """The truth's exact flow, brought to the working raster; the estimated one of a filmed truth."""
        if self.truth is None or self.truth.flow is None:
            return self.truth_flow
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


def _in_a_row(frames: list[int]) -> bool:
    return frames == list(range(frames[0], frames[0] + len(frames)))


def clip_at(clip: Clip, chosen: list[int]) -> Clip:
    """The clip at `chosen` frames; its origin begins at the first of them, and is left out where they do not follow on one another."""
    known = clip.origin is not None and _in_a_row(chosen)
    origin = replace(clip.origin, start_s=clip.origin.start_s + chosen[0] / clip.fps) if known else None
    return replace(clip, frames=clip.frames[chosen], origin=origin)


def truth_at(truth: Truth, chosen: list[int]) -> Truth:
    """The truth at `chosen` frames; flows over several steps are chained."""
    pose = truth.pose
    return replace(
        truth,
        clip=clip_at(truth.clip, chosen),
        subject=truth.subject[chosen],
        seen=truth.seen[chosen],
        flow=None if truth.flow is None else _flows_at(truth.flow, chosen),
        pose=None if pose is None else replace(pose, points=pose.points[chosen], confidence=pose.confidence[chosen]),
    )


def _flows_at(flows: np.ndarray, chosen: list[int]) -> np.ndarray:
    found = []
    for first, last in zip(chosen[:-1], chosen[1:]):
        total = flows[first]
        for step in range(first + 1, last):
            total = chain(total, flows[step])
        found.append(total)
    return np.stack(found).astype(np.float32) if found else np.zeros((0, *flows.shape[1:]), np.float32)
