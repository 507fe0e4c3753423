"""What replace mode keeps of the driver: a mask of the person who is to be painted, white, and the driver without it.

    recorded     DIR/NAME.mp4 or DIR/NAME.png (one for all frames), NAME the driver's file: white is the person (SAM 2, a matte, by hand)
    from pose    the hull of the person's joints, grown by a tenth of its height; hair, clothes and what is held may stick out

Either is dilated three times by 7x7 px and then filled block by block over the person's box, which hides the shape of the person who is
replaced; one block, the default of Wan's preprocessing, is the whole box.
Source: wan/modules/animate/preprocess/utils.py of Wan2.2 (`get_mask_body_img`, `get_aug_mask`).
"""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from models.images import read_image
from models.types import Clip, Origin, PoseTrack, require
from models.video import read_video

ITERATIONS, KERNEL_PX = 3, 7
GROWTH = 0.1
MIN_CONFIDENCE = 0.3


def hull_masks(pose: PoseTrack, size: tuple[int, int]) -> np.ndarray:
    """The first person of each frame, uint8 `[T,H,W]` 0 or 255."""
    masks = np.zeros((len(pose), size[1], size[0]), np.uint8)
    seen = pose.confidence >= MIN_CONFIDENCE
    for t in range(len(pose) if pose.points.shape[1] else 0):
        points = np.round(pose.points[t, 0, seen[t, 0]].clip(-1e4, 1e4)).astype(np.int32)
        if len(points) >= 3:
            cv2.fillConvexPoly(masks[t], cv2.convexHull(points), 255)
            reach = 2 * max(1, round(GROWTH * float(np.ptp(points[:, 1])))) + 1
            masks[t] = cv2.dilate(masks[t], cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (reach, reach)))
    return masks


def recorded_masks(folder: Path, driving: Clip) -> Clip:
    """The driver's masks as a clip beside it, of its frames and shape. Raises ValueError where there are none, or they end too early."""
    origin, item = driving.origin, f"masks {folder.name}"
    require(origin is not None, item, "clip.origin", None, "the file the driver was read from", "read a file, not bytes")
    stem = Path(origin.file).stem
    found = [path for suffix in (".mp4", ".png") if (path := folder / f"{stem}{suffix}").is_file()]
    got = " and ".join(path.name for path in found) or "no such file"
    require(len(found) == 1, item, "mask", got, f"exactly one of {stem}.mp4, {stem}.png")
    if found[0].suffix == ".png":
        frames = np.repeat(read_image(found[0]).image[None], len(driving), axis=0)
    else:
        masks = read_video(found[0])
        wanted = np.round((origin.start_s + np.arange(len(driving)) / driving.fps) * masks.fps).astype(int)
        last_s = f"at least {wanted[-1] / masks.fps:.2f} s"
        require(
            wanted[-1] < len(masks),
            item,
            found[0].name,
            f"{masks.duration_s:.2f} s",
            last_s,
            "one mask for each frame of the driver's file",
        )
        frames = masks.frames[wanted]
    return Clip(frames=np.stack([_as_shown(frame, origin, driving.size) for frame in frames]), fps=driving.fps)


def _as_shown(mask: np.ndarray, origin: Origin, size: tuple[int, int]) -> np.ndarray:
    """A mask of the whole source picture through the crop and resize of the clip; bars around the source are nobody."""
    share = np.array(mask.shape[1::-1]) / origin.source_size
    corner, step = np.array(origin.crop[:2]) * share, np.array(origin.crop[2:]) * share / size
    matrix = np.column_stack([np.diag(step), corner + step / 2 - 0.5])
    return cv2.warpAffine(np.ascontiguousarray(mask), matrix, size, flags=cv2.INTER_NEAREST | cv2.WARP_INVERSE_MAP)


def blocked(masks: np.ndarray, blocks: int) -> np.ndarray:
    """Masks dilated and filled in blocks of the person's box, uint8 `[T,H,W]` 0 or 255; a frame without a person keeps all of it."""
    kernel = np.ones((KERNEL_PX, KERNEL_PX), np.uint8)
    return np.stack([_filled(cv2.dilate(mask, kernel, iterations=ITERATIONS), blocks) for mask in masks])


def _filled(mask: np.ndarray, blocks: int) -> np.ndarray:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    if not len(rows):
        return mask
    filled = np.zeros_like(mask)
    down = np.linspace(rows[0], rows[-1] + 1, blocks + 1).round().astype(int)
    across = np.linspace(columns[0], columns[-1] + 1, blocks + 1).round().astype(int)
    for top, bottom in zip(down, down[1:]):
        for left, right in zip(across, across[1:]):
            if mask[top:bottom, left:right].any():
                filled[top:bottom, left:right] = 255
    return filled


def background(frames: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """The driver, black where somebody is to be painted."""
    return np.where(masks[..., None] > 0, np.uint8(0), frames)
