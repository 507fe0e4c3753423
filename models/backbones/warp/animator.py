"""Runs a warp checkpoint: reference and driver -> clip, at 48 px, in windows of six frames.

In: a checkpoint folder whose card says `"class": "WarpAnimator"`. Out: an `Animator` like any other.
"""

from __future__ import annotations

import time
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Mapping

import cv2
import numpy as np
import torch

from models.animators.checkpoint import ESTIMATOR, WEIGHTS, checked_weights
from models.animators.framing import framing_note, from_canvas, to_canvas
from models.artifacts import sha256
from models.backbones.warp.canvas import compose
from models.backbones.warp.moves import joint_moves
from models.backbones.warp.network import TinyConfig, WarpNetwork
from models.framing import fit_image
from models.optical_flow import backward_warp
from models.pixels import to_signed, to_uint8
from models.pose.draw import draw_poses
from models.pose.fit import fit_pose
from models.pose.heatmap import load_estimator
from models.protocols import PoseEstimator
from models.runtime import Runtime
from models.types import AnimationRequest, AnimationResult, Clip, Grid, PoseTrack, require

_LEAST_PX = 96  # DIS needs a few pyramid levels of 8-px patches


class WarpAnimator:
    """Animates at the checkpoint's own grid, to which the picture is stretched, and back; every window sees the original reference."""

    def __init__(
        self, network: WarpNetwork, *, motion: str, estimator: PoseEstimator | None, grid: Grid, card: Mapping[str, Any], name: str
    ) -> None:
        self.network, self.motion, self.estimator, self.grid, self.name = network.eval(), motion, estimator, grid, name
        digests = [card["sha256"], *([estimator.weights_hash] if estimator is not None else [])]
        self.weights_hash = digests[0] if len(digests) == 1 else sha256("".join(digests).encode())
        self.filter_metrics = tuple(card.get("filter_metrics", ()))

    def animate(self, request: AnimationRequest) -> AnimationResult:
        start, count = time.perf_counter(), request.num_frames
        got = f"{len(request.driving)} frames"
        require(len(request.driving) >= count, f"request {request.id}", "driving length", got, f"at least {count}")
        shaped = to_canvas(request, self.grid.size)
        driving, reference = Clip(frames=shaped.driving.frames[:count], fps=request.driving.fps), shaped.reference
        pictures, pose = self._signal(driving, shaped.pose)
        frames = np.zeros((count, self.grid.height, self.grid.width, 3), np.uint8)
        length = self.grid.num_frames
        for first in sorted({min(s, max(count - length, 0)) for s in range(0, count, length)}):
            kept = np.minimum(np.arange(first, first + length), count - 1)
            window = None if pictures is None else (pictures[kept], None if pose is None else _frames_of(pose, kept))
            frames[first : first + length] = self._sample(reference, window, request.seed)[: count - first]
        clip = Clip(frames=from_canvas(frames, request.size), fps=driving.fps)
        label, note = f"{self.name}@{self.weights_hash[:12]}", framing_note(self.grid.size, request.size)
        about = {"note": note} if note else {}
        return AnimationResult(request_id=request.id, clip=clip, animator=label, seconds=time.perf_counter() - start, provenance=about)

    def _signal(self, driving: Clip, pose: PoseTrack | None) -> tuple[np.ndarray | None, PoseTrack | None]:
        """The pictures of the driver's half, and the joints drawn there where they are drawn."""
        if self.motion == "blank":
            return None, None
        if self.motion == "raw":
            return np.stack([fit_image(frame, self.grid.size) for frame in driving.frames]), None
        fitted = fit_pose(pose if pose is not None else self.estimator.estimate(driving), driving.size, self.grid.size)
        return draw_poses(fitted, self.grid.size), fitted

    @torch.inference_mode()
    def _sample(self, reference: np.ndarray, window: tuple[np.ndarray, PoseTrack | None] | None, seed: int) -> np.ndarray:
        """One step from pure noise: the mean of what the network believes."""
        network, length = self.network, self.grid.num_frames
        reference_BChw = network.encode(to_signed(reference)[None, None])[:, :, 0]
        motion_BCThw, moves_BT2hw = None, None
        if window is not None:
            motion_BCThw = network.encode(to_signed(window[0])[None])
            moves_BT2hw = torch.from_numpy(_moves(*window, network.config.cell_px)).movedim(-1, 1)[None]
        noise = torch.randn((*reference_BChw.shape[:2], length, *reference_BChw.shape[2:]), generator=torch.Generator().manual_seed(seed))
        clean = network(noise, torch.ones(1), compose(reference_BChw, motion_BCThw, length), moves_BT2hw)
        return to_uint8(network.decode(clean)[0])


def _frames_of(pose: PoseTrack, kept: np.ndarray) -> PoseTrack:
    return PoseTrack(points=pose.points[kept], confidence=pose.confidence[kept], skeleton=pose.skeleton, fps=pose.fps)


def _moves(pictures: np.ndarray, pose: PoseTrack | None, cell_px: int) -> np.ndarray:
    """Where the cells of every picture lie in the first one, float32 `[T,H/cell,W/cell,2]` px: by the joints, else by estimated flow."""
    height, width = pictures.shape[1:3]
    if pose is not None:
        return joint_moves(pose, (width, height), cell_px)
    so_far, moves = np.zeros((height, width, 2), np.float32), []
    for t in range(len(pictures)):
        if t:
            step = _careful_flow(pictures[t], pictures[t - 1])
            so_far = step + backward_warp(so_far, step)
        small = cv2.resize(so_far, (width // cell_px, height // cell_px), interpolation=cv2.INTER_AREA)
        moves.append(small.astype(np.float16).astype(np.float32))
    return np.stack(moves)


def _careful_flow(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """DIS at its finest scale, the median of what grey and each colour say: an edge that one does not show the others do."""
    height, width = first.shape[:2]
    scale = max(1.0, _LEAST_PX / min(height, width))
    dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    dis.setFinestScale(0)
    seen = [(cv2.cvtColor(first, cv2.COLOR_RGB2GRAY), cv2.cvtColor(second, cv2.COLOR_RGB2GRAY))]
    seen += zip(np.moveaxis(first, -1, 0), np.moveaxis(second, -1, 0))
    flow = np.median([dis.calc(_enlarged(a, scale), _enlarged(b, scale), None) for a, b in seen], 0)
    if scale != 1:
        flow = cv2.resize(flow, (width, height), interpolation=cv2.INTER_AREA) / scale
    return np.ascontiguousarray(flow, dtype=np.float32)


def _enlarged(channel: np.ndarray, scale: float) -> np.ndarray:
    channel = np.ascontiguousarray(channel)
    return channel if scale == 1 else cv2.resize(channel, None, fx=scale, fy=scale, interpolation=cv2.INTER_CUBIC)


def load(folder: Path, card: Mapping[str, Any], runtime: Runtime = Runtime()) -> WarpAnimator:
    """The animator of a checked card, on the CPU in float32. Raises ValueError for weights that are damaged or misfit, and for a runtime
    that asks for anything else."""
    _refuse_other_runtimes(card.get("name", folder.name), runtime)
    weights, _ = checked_weights(folder, card)
    fields = {key: value for key, value in card["backbone"].items() if key != "family"}
    network = WarpNetwork(TinyConfig(**fields))
    try:
        network.load_state_dict({name: tensor.float() for name, tensor in weights.items()})
    except RuntimeError as error:
        raise ValueError(f"{folder}: {WEIGHTS} does not fit its card: {' '.join(str(error).split())[:300]}") from error
    estimator = load_estimator(folder / ESTIMATOR) if card["motion"] == "skeleton" else None
    grid = Grid(**card["grid"])
    return WarpAnimator(network, motion=card["motion"], estimator=estimator, grid=grid, card=card, name=card.get("name", folder.name))


def _refuse_other_runtimes(name: str, runtime: Runtime) -> None:
    advice = "the shipped warps are a second of one core a clip and know no other way to run"
    for field, good in {"device": ("auto", "cpu"), "dtype": ("auto", "float32")}.items():
        got = getattr(runtime, field)
        require(got in good, f"animator {name}", f"--runtime.{field}", got, " or ".join(good), advice)
    plain = replace(Runtime(), device=runtime.device, dtype=runtime.dtype)
    idle = [field.name.replace("_", "-") for field in fields(runtime) if getattr(runtime, field.name) != getattr(plain, field.name)]
    require(not idle, f"animator {name}", "--runtime", ", ".join(idle), "device and dtype alone", advice)
