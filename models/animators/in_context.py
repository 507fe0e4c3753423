"""The in-context animator: a backbone over the canvas plus a motion signal. Pose-driven and end-to-end differ by the signal.

Source: DreamActor-M2, section 3 (one latent canvas for reference and motion; first with skeletons, then with raw drivers).
"""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np
import torch

from models.animators.motion import MotionSignal, Signal
from models.backbones.tiny import TinyBackbone
from models.canvas import compose
from models.images import fit_image
from models.pixels import to_signed, to_uint8
from models.rectified_flow import sample_euler
from models.types import AnimationRequest, AnimationResult, Clip, Grid, PoseTrack


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """Euler steps and time shift (> 1 spends more steps near noise).

    One step is the mean of what the network believes: at the tiny size that is nearer the truth than any of its samples
    (docs/tiny_models.md).
    """

    steps: int = 1
    shift: float = 1.0


class InContextAnimator:
    """Animates at the checkpoint's own grid, in windows of its number of frames, then resizes to the requested size.

    Every window sees the original reference, so a long clip cannot drift; the last window is aligned to the end.
    `name`, `weights_hash` (sha256 of the weights file, with the pose estimator's where there is one) and `filter_metrics`
    (metrics that chose its training pairs) come from the checkpoint.
    """

    def __init__(
        self,
        *,
        backbone: TinyBackbone,
        motion: MotionSignal,
        grid: Grid,
        name: str,
        weights_hash: str,
        sampling: Sampling = Sampling(),
        filter_metrics: tuple[str, ...] = (),
    ) -> None:
        self.backbone, self.motion, self.grid, self.sampling = backbone.eval(), motion, grid, sampling
        self.name, self.weights_hash, self.filter_metrics = name, weights_hash, filter_metrics

    def animate(self, request: AnimationRequest) -> AnimationResult:
        start = time.perf_counter()
        count = request.num_frames
        if len(request.driving) < count:
            raise ValueError(f"request {request.id}: driving length: got {len(request.driving)} frames, expected at least {count}")
        driving = Clip(frames=request.driving.frames[:count], fps=request.driving.fps)
        pose = None if request.pose is None else _first_frames(request.pose, count)
        reference = fit_image(request.reference, self.grid.size)
        frames = self._windows(reference, self.motion.read(driving, pose, self.grid.size), count, request.seed)
        clip = Clip(frames=np.stack([fit_image(frame, request.size) for frame in frames]), fps=driving.fps)
        label = f"{self.name}@{self.weights_hash[:12]}"
        provenance = {"steps": self.sampling.steps, "grid": f"{self.grid.width}x{self.grid.height}x{self.grid.num_frames}"}
        return AnimationResult(request_id=request.id, clip=clip, animator=label, seconds=time.perf_counter() - start, provenance=provenance)

    def _windows(self, reference: np.ndarray, signal: Signal, count: int, seed: int) -> np.ndarray:
        length = self.grid.num_frames
        frames = np.zeros((count, self.grid.height, self.grid.width, 3), np.uint8)
        starts = sorted({min(s, max(count - length, 0)) for s in range(0, count, length)})
        for start in starts:
            made = self._sample(reference, signal.window(start, length), seed)
            frames[start : start + length] = made[: count - start]
        return frames

    @torch.inference_mode()
    def _sample(self, reference: np.ndarray, signal: Signal, seed: int) -> np.ndarray:
        backbone, length = self.backbone, self.grid.num_frames
        reference_BChw = backbone.encode(to_signed(reference)[None, None])[:, :, 0]
        motion_BCThw, moves_BT2hw = None, None
        if signal.pictures is not None:
            motion_BCThw = backbone.encode(to_signed(signal.pictures)[None])
            moves_BT2hw = torch.from_numpy(signal.moves(backbone.config.cell_px)).movedim(-1, 1)[None]
        canvas = compose(reference_BChw, motion_BCThw, length)
        shape = (*reference_BChw.shape[:2], length, *reference_BChw.shape[2:])
        noise = torch.randn(shape, generator=torch.Generator().manual_seed(seed))
        latents = sample_euler(
            lambda x, t: backbone(x, t, canvas, moves_BT2hw),
            noise,
            kind=backbone.prediction,
            steps=self.sampling.steps,
            shift=self.sampling.shift,
        )
        return to_uint8(backbone.decode(latents)[0])


def _first_frames(pose: PoseTrack, count: int) -> PoseTrack:
    return PoseTrack(points=pose.points[:count], confidence=pose.confidence[:count], skeleton=pose.skeleton, fps=pose.fps)
