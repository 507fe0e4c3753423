"""The in-context animator: a backbone over the canvas plus a motion signal. Pose-driven and end-to-end differ by the signal.

    reference, driver ──prepare, draw──▶ driver pictures ──compose──▶ canvas ──condition, paint──▶ latents ──decode──▶ clip

A driver of any length and rate is animated at the checkpoint's own rate, in windows. Every window sees the original reference; with
`tail_frames` a window also sees the frames painted last, so that it goes on where they end. The first window starts with the gap: blank
driver frames that are cut off again.
Source: DreamActor-M2, section 3 (canvas) and 5.1 (one second of blank driver before the clip).
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from models.animators.framing import framing_note, from_canvas, to_canvas
from models.animators.motion import MotionSignal
from models.animators.sampling import Sampling
from models.animators.windows import Window, windows
from models.backbones.backbone import Backbone, Condition, keep_driver, paint
from models.canvas import Canvas, compose, left_half
from models.pixels import clips_to_signed, clips_to_uint8, to_signed
from models.runtime import Runtime
from models.seams import seams
from models.types import AnimationRequest, AnimationResult, Clip, Grid, PoseTrack, require

_PLAIN = Sampling()


class InContextAnimator:
    """Animates by a checkpoint. `name`, `weights_hash` (of everything that decides a pixel) and `filter_metrics` (metrics that chose its
    training pairs) come from the checkpoint; `grid.num_frames` is the length of its training clips, `gap_frames` of their start gap."""

    def __init__(
        self,
        *,
        backbone: Backbone,
        motion: MotionSignal,
        grid: Grid,
        gap_frames: int,
        name: str,
        weights_hash: str,
        sampling: Sampling = _PLAIN,
        runtime: Runtime = Runtime(),
        filter_metrics: tuple[str, ...] = (),
        guide: str = "none",
    ) -> None:
        room = grid.num_frames - 1
        require(sampling.tail_frames < room, f"animator {name}", "tail_frames", sampling.tail_frames, f"less than {room}")
        self.backbone, self.motion, self.grid, self.gap_frames = backbone, motion, grid, gap_frames
        self.name, self.weights_hash, self.filter_metrics = name, weights_hash, filter_metrics
        self.sampling, self.runtime, self.guide = sampling, runtime, guide

    def animate(self, request: AnimationRequest) -> AnimationResult:
        start, count = time.perf_counter(), request.num_frames
        got = f"{len(request.driving)} frames"
        require(len(request.driving) >= count, f"request {request.id}", "driving length", got, f"at least {count} frames")
        kept, back = at_rate(count, request.driving.fps, self.grid.fps)
        size = self.canvas_size(request.size)
        shaped = to_canvas(request, size)
        driving = replace(shaped.driving, frames=shaped.driving.frames[kept], fps=self.grid.fps)
        pose = None if shaped.pose is None else _frames_of(shaped.pose, kept, self.grid.fps)
        count, reference, prepared = len(kept), shaped.reference, self.motion.prepare(driving, pose)
        frames = np.zeros((count, size[1], size[0], 3), np.uint8)
        plan = self.plan(count, self.sampling)
        generator = torch.Generator().manual_seed(request.seed)
        for window in plan:
            tail = frames[window.start - window.tail : window.start]
            pictures = self.motion.draw(prepared, window.driver_frames(count), size)
            frames[window.start : window.start + window.new] = self._paint(reference, pictures, tail, window, request.prompt, generator)
        clip = Clip(frames=from_canvas(frames[back], request.size), fps=request.driving.fps)
        return AnimationResult(
            request_id=request.id,
            clip=clip,
            animator=f"{self.name}@{self.weights_hash[:12]}",
            seconds=time.perf_counter() - start,
            provenance=self._provenance(size, plan, seams(frames, [window.start for window in plan]), request),
        )

    def plan(self, count: int, sampling: Sampling) -> list[Window]:
        """The windows that paint `count` frames at the checkpoint's own rate."""
        stride, tail = self.backbone.codec.time_stride, sampling.tail_frames
        return windows(count, self.grid.num_frames, stride=stride, gap_frames=self.gap_frames, tail_frames=tail)

    def canvas_size(self, size: tuple[int, int]) -> tuple[int, int]:
        """(W,H) px of one half: the shape that is asked for at the area of the grid, in whole tokens."""
        width, height = self.grid.size
        if abs(np.log(size[0] / size[1] * height / width)) < 0.01:
            return self.grid.size
        area, shape = width * height, size[0] / size[1]
        units = [self.backbone.codec.space_stride * self.backbone.patch[axis] for axis in (2, 1)]
        return tuple(max(unit, round(float(np.sqrt(side)) / unit) * unit) for unit, side in zip(units, (area * shape, area / shape)))

    @torch.inference_mode()
    def _paint(
        self, reference: np.ndarray, pictures: np.ndarray | None, tail: np.ndarray, window: Window, prompt: str, generator: torch.Generator
    ) -> np.ndarray:
        canvas = compose(
            to_signed(reference)[None],
            None if pictures is None else clips_to_signed(pictures[None]),
            window.length,
            gap_frames=1 if window.tail else self.gap_frames,
            tail_B3nHW=clips_to_signed(tail[None]) if window.tail else None,
        )
        condition, without = self._conditions(canvas, prompt)
        noise = torch.randn(condition.latents_BCThw2.shape, generator=generator).to(condition.latents_BCThw2)
        sampling = self.sampling
        how = {"steps": sampling.steps, "guidance": sampling.guidance, "known_driver": sampling.driver_half == "path"}
        latents = paint(self.backbone, noise, condition, without=without, **how)
        painted = left_half(self.backbone.codec.decode(latents))
        return clips_to_uint8(painted)[0, window.lead : window.lead + window.new]

    def _conditions(self, canvas: Canvas, prompt: str) -> tuple[Condition, Condition | None]:
        """With the prompt, and, where guidance asks for it, without."""
        condition = self.backbone.condition(canvas, (prompt,))
        condition = keep_driver(condition) if self.sampling.driver_half == "clean" else condition
        if self.sampling.guidance <= 1:
            return condition, None
        return condition, replace(condition, words=self.backbone.words(canvas, (self.sampling.negative_prompt,)))

    def _provenance(self, size: tuple[int, int], plan: list[Window], seams: dict[str, float], request: AnimationRequest) -> dict[str, Any]:
        own, fps = self.grid.fps, request.driving.fps
        notes = [note] if (note := framing_note(size, request.size)) else []
        notes += [f"painted at {own:g} fps"] if abs(fps - own) >= 1e-3 * fps else []
        notes += [f"{len(plan)} windows, seam ratio {ratio}" for ratio in seams.values()]
        canvas = f"{size[0]}x{size[1]}x{plan[0].length}"
        facts = {"steps": self.sampling.steps, "canvas": canvas, "windows": len(plan), "runtime": self.runtime.record()}
        return facts | seams | ({"note": ", ".join(notes)} if notes else {})


def at_rate(count: int, fps: float, model_fps: float) -> tuple[np.ndarray, np.ndarray]:
    """Which of `count` frames at `fps` a model sees at its own rate, and which of what it paints is shown at each of the `count` frames.

    The nearest in time both ways; equal rates change nothing.
    """
    if abs(fps - model_fps) < 1e-3 * fps:
        return np.arange(count), np.arange(count)
    seen = np.arange(int((count - 1) / fps * model_fps + 1e-6) + 1)
    kept = np.minimum(np.round(seen / model_fps * fps).astype(int), count - 1)
    return kept, np.minimum(np.round(np.arange(count) / fps * model_fps).astype(int), len(seen) - 1)


def _frames_of(pose: PoseTrack, kept: np.ndarray, fps: float) -> PoseTrack:
    return PoseTrack(points=pose.points[kept], confidence=pose.confidence[kept], skeleton=pose.skeleton, fps=fps)
