"""Which pixels are the figure where nobody drew a mask, and the picture without the figure.

Figure: what a fill from the border does not reach, where the background is flat; else GrabCut, seeded by the bones (Rother, Kolmogorov and
Blake, "GrabCut", 2004). Background: what surrounds the figure, grown into it by Telea's inpainting (2004) on a small copy, as the hole is
as large as the figure and would come out in streaks.

Points are complex px x + iy.
"""

from __future__ import annotations

import cv2
import numpy as np

from models.baselines.weightless.puppet.rig import TRUNK, Rig

_FLAT = 14
"""Levels of 255 from pixel to pixel that a flat background, paper or a wall, may change by; and the spread of the border's pixels."""
_LONG_SIDE_PX = 256
_HOLE_SIDE_PX = 128
BACKGROUNDS = ("inpaint", "flat")


def figure_mask(image: np.ndarray, rig: Rig) -> np.ndarray:
    """bool `[H,W]` of the figure with those bones in uint8 `[H,W,3]`."""
    share = min(1.0, _LONG_SIDE_PX / max(image.shape[:2]))
    size = tuple(max(8, round(side * share)) for side in image.shape[1::-1])
    small = cv2.resize(np.ascontiguousarray(image), size, interpolation=cv2.INTER_AREA)
    core = strokes(rig, small.shape[:2], share, 0.06)
    found = _off_the_flat(small, core)
    if found is None:
        found = _cut(small, core, strokes(rig, small.shape[:2], share, 0.45))
    found = _touching(found | core, core)
    return cv2.resize(found.astype(np.float32), image.shape[1::-1], interpolation=cv2.INTER_LINEAR) > 0.5


def strokes(rig: Rig, shape: tuple[int, int], share: float, width: float) -> np.ndarray:
    """The bones as lines, bool `[H,W]`; `width`: half of theirs, in lengths of the trunk, which is twice as wide."""
    canvas, trunk = np.zeros(shape, np.uint8), abs(rig.rest(rig.bones[0]))
    for bone in rig.bones:
        wide = width * trunk * share * (2 if bone.name == TRUNK else 1)
        ends = [
            tuple(np.clip(np.rint([z.real, z.imag]), -9999, 9999).astype(int).tolist())
            for z in (rig.joints[bone.start] * share, rig.joints[bone.end] * share)
        ]
        cv2.line(canvas, *ends, 255, max(1, round(2 * wide)))
    return canvas > 0


def _off_the_flat(image: np.ndarray, core: np.ndarray) -> np.ndarray | None:
    """What a fill from the border leaves; None where the border is not flat or the fill runs into the figure, or nowhere."""
    border = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]]).astype(np.float32)
    if np.median(np.abs(border - np.median(border, 0))) > _FLAT:
        return None
    padded = cv2.copyMakeBorder(image, 1, 1, 1, 1, cv2.BORDER_REPLICATE)
    filled = np.zeros((padded.shape[0] + 2, padded.shape[1] + 2), np.uint8)
    flags = 4 | (255 << 8) | cv2.FLOODFILL_MASK_ONLY
    paper = np.median(border, 0)
    for x, y in _around(padded.shape):
        if filled[y + 1, x + 1] == 0 and np.abs(padded[y, x] - paper).max() <= 3 * _FLAT:
            cv2.floodFill(padded, filled, (x, y), 0, (_FLAT // 2,) * 3, (_FLAT // 2,) * 3, flags)
    left = filled[2:-2, 2:-2] == 0
    return left if 0.02 < left.mean() < 0.8 and left[core].mean() > 0.7 else None


def _around(shape: tuple[int, ...], step: int = 4) -> list[tuple[int, int]]:
    height, width = shape[:2]
    across, down = range(0, width, step), range(0, height, step)
    return [(x, y) for x in across for y in (0, height - 1)] + [(x, y) for x in (0, width - 1) for y in down]


def _cut(image: np.ndarray, core: np.ndarray, around: np.ndarray) -> np.ndarray:
    labels = np.where(core, cv2.GC_FGD, np.where(around, cv2.GC_PR_FGD, cv2.GC_BGD)).astype(np.uint8)
    if not (labels == cv2.GC_BGD).any():
        return around
    cv2.setRNGSeed(0)
    cv2.grabCut(np.ascontiguousarray(image), labels, None, np.zeros((1, 65)), np.zeros((1, 65)), 4, cv2.GC_INIT_WITH_MASK)
    return (labels == cv2.GC_FGD) | (labels == cv2.GC_PR_FGD)


def _touching(mask: np.ndarray, core: np.ndarray) -> np.ndarray:
    """The pieces of a mask that a bone goes through."""
    _, pieces = cv2.connectedComponents(mask.astype(np.uint8))
    kept = np.unique(pieces[core & mask])
    return np.isin(pieces, kept[kept > 0])


def without_figure(image: np.ndarray, mask: np.ndarray, how: str) -> np.ndarray:
    """uint8 `[H,W,3]` with the figure bool `[H,W]`, and a rim for its shadow and blur, painted over. `how`: one of `BACKGROUNDS`."""
    if not mask.any():
        return image.copy()
    rim = max(2, round(min(mask.shape) / 80))
    hole = cv2.dilate(mask.astype(np.uint8), cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * rim + 1,) * 2))
    if hole.all() or how == "flat":
        ring = image[hole == 0] if not hole.all() else image.reshape(-1, 3)
        fill = np.broadcast_to(np.median(ring, 0).astype(np.uint8), image.shape)
    else:
        fill = _grown(image, hole)
    soft = cv2.GaussianBlur(hole.astype(np.float32), (0, 0), rim / 2)[..., None] * (hole[..., None] > 0)
    soft = np.where(mask[..., None], 1, soft)
    return (fill * soft + image * (1 - soft) + 0.5).astype(np.uint8)


def _grown(image: np.ndarray, hole: np.ndarray) -> np.ndarray:
    share = min(1.0, _HOLE_SIDE_PX / max(image.shape[:2]))
    size = tuple(max(8, round(side * share)) for side in image.shape[1::-1])
    known = (1 - hole).astype(np.float32)
    weight = cv2.resize(known, size, interpolation=cv2.INTER_AREA)
    colours = cv2.resize(image * known[..., None], size, interpolation=cv2.INTER_AREA) / np.maximum(weight, 1e-3)[..., None]
    small = np.clip(colours, 0, 255).astype(np.uint8)
    grown = cv2.inpaint(small, (weight < 0.5).astype(np.uint8), 5, cv2.INPAINT_TELEA)
    smooth = cv2.GaussianBlur(grown, (0, 0), 2.0)
    return cv2.resize(smooth, image.shape[1::-1], interpolation=cv2.INTER_CUBIC)
