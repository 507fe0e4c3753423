"""Damages of time, motion and identity: frames held, moved, mixed, or warped by another motion. Shares are of the clip's length."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from awbench.alignment import Given
from awbench.selftest.scenes import Answer, Scene
from models.optical_flow import backward_warp, since_first
from models.types import Clip


def chosen(clip: Clip, frames: np.ndarray) -> Clip:
    return Clip(frames=clip.frames[frames], fps=clip.fps)


def count(scene: Scene, share: float) -> int:
    return round(share * len(scene.answer))


def stutter(scene: Scene, share: float, rng: np.random.Generator) -> Clip:
    """That share of the steps holds the frame before; more of it holds the same ones and others."""
    total = len(scene.answer)
    order, frames = 1 + rng.permutation(total - 1), np.arange(total)
    for t in sorted(order[: round(share * (total - 1))]):
        frames[t] = frames[t - 1]
    return chosen(scene.answer, frames)


def shuffle(scene: Scene, share: float, rng: np.random.Generator) -> Clip:
    """That share of the pairs of neighbours is swapped; above 1, all frames are in a random order."""
    total = len(scene.answer)
    frames, pairs = np.arange(total), 2 * rng.permutation(total // 2)
    if share > 1:
        return chosen(scene.answer, rng.permutation(total))
    for t in pairs[: max(1, round(share * len(pairs)))]:
        frames[t], frames[t + 1] = t + 1, t
    return chosen(scene.answer, frames)


def freeze_tail(scene: Scene, share: float, rng: np.random.Generator) -> Clip:
    """The last part holds one frame, and nobody says so; 1 is a still picture."""
    return chosen(scene.answer, np.minimum(np.arange(len(scene.answer)), max(0, len(scene.answer) - 1 - count(scene, share))))


def reverse(scene: Scene, share: float, rng: np.random.Generator) -> Clip:
    """The last part runs backwards."""
    total = len(scene.answer)
    start = total - max(2, count(scene, share))
    return chosen(scene.answer, np.concatenate([np.arange(start), np.arange(start, total)[::-1]]).astype(int))


def delay(scene: Scene, share: float, rng: np.random.Generator) -> Answer:
    """The motion starts late: the first frame is held, the end is missing."""
    late = max(1, count(scene, share))
    frames = np.maximum(np.arange(len(scene.answer)) - late, 0)
    return Answer(clip=chosen(scene.answer, frames), lag_s=-late / scene.answer.fps)


def cut_short(scene: Scene, share: float, rng: np.random.Generator) -> Answer:
    """The answer ends early and holds its last frame; how many frames were given is known, as in a run."""
    left = len(scene.answer) - max(1, count(scene, share))
    clip = chosen(scene.answer, np.minimum(np.arange(len(scene.answer)), left - 1))
    return Answer(clip=clip, given=Given(frames=left, fps=clip.fps))


def id_drift(scene: Scene, share: float, rng: np.random.Generator) -> Clip:
    """Fades evenly towards somebody else, who is there by that share at the end."""
    total = len(scene.answer)
    weight = (share * np.arange(total) / max(1, total - 1))[:, None, None, None].astype(np.float32)
    mixed = (1 - weight) * scene.answer.frames + weight * scene.wrong_identity.frames
    return Clip(frames=np.round(mixed).astype(np.uint8), fps=scene.answer.fps)


def id_switch(scene: Scene, share: float, rng: np.random.Generator) -> Clip:
    """The last part shows somebody else."""
    start = len(scene.answer) - max(1, count(scene, share))
    frames = np.concatenate([scene.answer.frames[:start], scene.wrong_identity.frames[start:]])
    return Clip(frames=frames, fps=scene.answer.fps)


def warped(picture: np.ndarray, driver: Clip, change: Callable[[np.ndarray, int], np.ndarray] = lambda flow, t: flow) -> Clip:
    """`picture` moved as `driver` moves; `change` is applied to every flow since the first frame, float32 `[H,W,2]` px."""
    frames = [backward_warp(picture, change(flow, t)) for t, flow in enumerate(since_first(driver.frames))]
    return Clip(frames=np.stack(frames), fps=driver.fps)


def amplitude(scene: Scene, scale: float, rng: np.random.Generator) -> Clip:
    """The answer's first frame under its own motion, larger or smaller."""
    return warped(scene.answer.frames[0], scene.answer, lambda flow, t: scale * flow)


def mirror(scene: Scene, amount: float, rng: np.random.Generator) -> Clip:
    """The answer's first frame moves left where it should move right; at 0.5 it only moves up and down."""
    across = np.float32([1 - 2 * amount, 1])
    return warped(scene.answer.frames[0], scene.answer, lambda flow, t: flow * across)


def wrong_motion(scene: Scene, share: float, rng: np.random.Generator) -> Clip:
    """The answer's first frame under a mixture of its own motion and another clip's."""
    other = list(since_first(scene.wrong_driver.frames))
    return warped(scene.answer.frames[0], scene.answer, lambda flow, t: (1 - share) * flow + share * other[t])
