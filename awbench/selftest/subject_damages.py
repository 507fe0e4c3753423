"""Damages of who is shown: they follow the subject's masks and leave the rest of the picture as it is (`background`: the other way).

Each function takes a scene with masks, an amount and a generator, and answers with a clip. A frame without the subject stays as it is.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np

from awbench.selftest.picture_damages import displaced, each, random_field
from awbench.selftest.scenes import Scene
from models.types import Clip

_GREY = 128.0


def _each_subject(scene: Scene, change: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Clip:
    """Change float32 frames `[H,W,3]` with their masks `[H,W]`, where the mask isn't empty."""
    return each(scene.answer, lambda frame, t: change(frame, scene.subject[t]) if scene.subject[t].any() else frame)


def without_subject(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Float32 `[H,W,3]` with the subject painted over from its surroundings."""
    wide = cv2.dilate(mask.astype(np.uint8), np.ones((3, 3), np.uint8))
    return cv2.inpaint(frame.astype(np.uint8), wide, 3, cv2.INPAINT_TELEA).astype(np.float32)


def head(mask: np.ndarray) -> tuple[int, int, int]:
    """Middle (x, y) px of the top eighth of a subject, and the subject's height px."""
    rows, columns = np.nonzero(mask)
    height = int(rows.max() - rows.min() + 1)
    top = rows < rows.min() + 0.25 * height
    return int(columns[top].mean()), int(rows.min() + 0.12 * height), height


def background(scene: Scene, share: float, rng: np.random.Generator) -> Clip:
    """Everything but the subject fades into somebody else's picture."""

    def change(frame: np.ndarray, t: int) -> np.ndarray:
        other = scene.wrong_identity.frames[t].astype(np.float32)
        return np.where(scene.subject[t][..., None], frame, (1 - share) * frame + share * other)

    return each(scene.answer, change)


def missing(scene: Scene, share: float, rng: np.random.Generator) -> Clip:
    """The subject fades away; at 1 it is gone."""
    return _each_subject(scene, lambda frame, mask: (1 - share) * frame + share * without_subject(frame, mask))


def disc_on_head(scene: Scene, radius: float, rng: np.random.Generator) -> Clip:
    """A grey disc over the head; `radius` as a share of the subject's height."""

    def change(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        x, y, height = head(mask)
        return cv2.circle(frame.copy(), (x, y), max(1, round(radius * height)), (_GREY,) * 3, -1)

    return _each_subject(scene, change)


def _bent(frame: np.ndarray, region: np.ndarray, field: np.ndarray) -> np.ndarray:
    """Displaced by `field` inside the region, fading out around it."""
    short = min(region.shape)
    weight = cv2.GaussianBlur(cv2.dilate(region.astype(np.float32), np.ones((5, 5))), (0, 0), max(0.5, 0.02 * short))
    return displaced(frame, field * weight[..., None])


def melted_face(scene: Scene, amount: float, rng: np.random.Generator) -> Clip:
    """The head deformed."""
    field = random_field(scene.subject.shape[1:], amount, rng)

    def change(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        x, y, height = head(mask)
        return _bent(frame, cv2.circle(np.zeros(mask.shape, np.uint8), (x, y), max(2, round(0.16 * height)), 1, -1), field)

    return _each_subject(scene, change)


def deformed(scene: Scene, amount: float, rng: np.random.Generator) -> Clip:
    """The whole body deformed, the same way in every frame."""
    field = random_field(scene.subject.shape[1:], amount, rng)
    return _each_subject(scene, lambda frame, mask: _bent(frame, mask, field))


def upside_down(scene: Scene, share: float, rng: np.random.Generator) -> Clip:
    """In the last part of the clip the subject stands on its head, where it stood."""
    start = len(scene.answer) - max(1, round(share * len(scene.answer)))

    def change(frame: np.ndarray, t: int) -> np.ndarray:
        mask = scene.subject[t]
        if t < start or not mask.any():
            return frame
        rows, columns = (slice(line.min(), line.max() + 1) for line in np.nonzero(mask))
        painted = without_subject(frame, mask)
        turned, there = frame[rows, columns][::-1], mask[rows, columns][::-1]
        painted[rows, columns][there] = turned[there]
        return painted

    return each(scene.answer, change)


def scrambled(scene: Scene, share: float, rng: np.random.Generator) -> Clip:
    """That share of the subject's pixels change places among themselves: right colours, no shape."""

    def change(frame: np.ndarray, mask: np.ndarray) -> np.ndarray:
        rows, columns = np.nonzero(mask)
        order = rng.permutation(len(rows))[: round(share * len(rows))]
        mixed, target = frame.copy(), np.roll(order, 1)
        mixed[rows[order], columns[order]] = frame[rows[target], columns[target]]
        return mixed

    return _each_subject(scene, change)
