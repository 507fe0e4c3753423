"""An animator over a control model: the driver as a control video, in segments, the reference as a picture.

    request ──Control.drive, within──▶ request at the model's size and rate ──Control.draw──▶ control video
      ──segments──▶ Shot ──painter──▶ frames ──undo──▶ clip as asked

Each segment after the first is given the last frames painted before it. The seed draws one stream of noise over all segments.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch

from models.artifacts import sha256
from models.baselines.local.account import account
from models.baselines.local.control import Control
from models.baselines.local.native import within
from models.baselines.local.segments import Segment, segments
from models.capabilities import Capabilities
from models.runtime import Runtime
from models.types import AnimationRequest, AnimationResult, Clip


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shot:
    """One segment to paint. `control`: uint8 `[L,H,W,3]`, L = 4k+1; `tail`: uint8 `[n,H,W,3]`, the first n frames as painted before."""

    reference: np.ndarray
    control: np.ndarray
    tail: np.ndarray
    prompt: str
    generator: torch.Generator


class Painter(Protocol):
    def paint(self, shot: Shot) -> np.ndarray:
        """uint8 `[L,H,W,3]`, as many frames as the control has."""
        ...


class ControlledAnimator:
    """`options` has area_px, fps, segment, overlap and steps; `weights_hash` covers the weights and what the control depends on."""

    def __init__(
        self, painter: Painter, control: Control, *, name: str, weights: str, options: Any, capabilities: Capabilities, runtime: Runtime
    ) -> None:
        self.painter, self.control, self.name, self.options, self.runtime = painter, control, name, options, runtime
        self.capabilities = capabilities
        self.weights_hash = sha256(f"{weights} {control.kind} {control.weights_hash}".encode())

    def animate(self, request: AnimationRequest) -> AnimationResult:
        start = time.perf_counter()
        adapted = within(self.control.drive(request), self.capabilities, area_px=self.options.area_px, fps=self.options.fps)
        frames, plan = self._paint(adapted.request)
        clip = adapted.undo(Clip(frames=frames, fps=adapted.request.driving.fps))
        return AnimationResult(
            request_id=request.id,
            clip=clip,
            animator=f"{self.name}@{self.weights_hash[:12]}",
            seconds=time.perf_counter() - start,
            provenance=self._provenance(frames, plan, adapted.note),
        )

    def _paint(self, request: AnimationRequest) -> tuple[np.ndarray, list[Segment]]:
        """All frames, and the segments they were painted in."""
        count, generator = request.num_frames, torch.Generator().manual_seed(request.seed)
        control, plan = self.control.draw(request), segments(request.num_frames, self.options.segment, self.options.overlap)
        frames = np.zeros((count, *control.shape[1:]), np.uint8)
        for segment in plan:
            shot = Shot(
                reference=request.reference,
                control=control[segment.driver_frames(count)],
                tail=frames[segment.start - segment.tail : segment.start],
                prompt=request.prompt,
                generator=generator,
            )
            frames[segment.start : segment.start + segment.new] = self.painter.paint(shot)[segment.tail : segment.tail + segment.new]
        return frames, plan

    def _provenance(self, frames: np.ndarray, plan: list[Segment], note: str) -> dict[str, Any]:
        steps, kind, starts = self.options.steps, self.control.kind, [segment.start for segment in plan]
        return account(frames, starts, [note], steps=steps, length=plan[0].length, runtime=self.runtime, control=kind)
