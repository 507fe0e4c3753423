"""The driver's face, cut out frame by frame: Wan-Animate reads expressions from these pictures, not from keypoints.

    pose ──face_boxes──▶ a box a frame ──crop_faces──▶ uint8 [T,S,S,3]

The box around the 68 face points has 1.3 times their area and reaches three times as far up as down; it is brought to a square without
keeping its shape, as in Wan's preprocessing. A skeleton of 17 joints knows eyes, ears and nose alone: a square around them. Where a frame
shows no face the box of the nearest frame that does is taken; where none does, the crops are black, which is what the model sees for "no
face" in its unconditional pass.
Source: wan/modules/animate/preprocess/utils.py of Wan2.2 (`get_face_bboxes`).
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from models.box import Box
from models.pose.skeleton import ANATOMIES, HEAD
from models.types import Clip, PoseTrack

MIN_CONFIDENCE = 0.5
"""As joints are drawn: a face that is none would be mimicked."""
AREA = 1.3
"""Of the box to that around the points."""
_SQUARE = 1.6
"""Side of the square around eyes, ears and nose, to the larger extent of those that are seen."""
_LEAST_PX = 4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Faces:
    """`pictures`: uint8 `[T,S,S,3]`; `found`: in how many frames a face was."""

    pictures: np.ndarray
    found: int

    @property
    def note(self) -> str:
        """What a row says of it, "" where every frame has its face."""
        count = len(self.pictures)
        if not self.found:
            return "no face found: face pictures are black"
        return "" if self.found == count else f"no face in {count - self.found} of {count} frames: box of the nearest frame taken"


def faces_of(driving: Clip, pose: PoseTrack, side: int) -> Faces:
    """The face of the first person of `pose`, whose joints are px of the driver."""
    boxes = [_box(pose, t, driving.size) for t in range(len(pose))]
    known = np.flatnonzero([box is not None for box in boxes])
    pictures = np.zeros((len(driving), side, side, 3), np.uint8)
    for t in range(len(driving) if len(known) else 0):
        x, y, w, h = boxes[known[np.abs(known - t).argmin()]]
        pictures[t] = cv2.resize(np.ascontiguousarray(driving.frames[t, y : y + h, x : x + w]), (side, side))
    return Faces(pictures=pictures, found=len(known))


def _box(pose: PoseTrack, t: int, size: tuple[int, int]) -> Box | None:
    """The box of frame `t`, inside of the picture; None where there is no face in it, or one of less than 4 px."""
    if not pose.points.shape[1]:
        return None
    seen = pose.confidence[t, 0] >= MIN_CONFIDENCE
    face = next((part.joints for part in ANATOMIES[pose.skeleton].parts if part.name == "face"), ())
    fine = [joint for joint in face if seen[joint]]
    coarse = [joint for joint in HEAD if seen[joint]]
    if face and len(fine) >= len(face) / 2:
        low, high = _grown(pose.points[t, 0, fine])
    elif len(coarse) >= 2:
        low, high = _square(pose.points[t, 0, coarse])
    else:
        return None
    left, top = np.clip(low, 0, size).astype(int)
    right, bottom = np.clip(high, 0, size).astype(int)
    inside = right - left >= _LEAST_PX and bottom - top >= _LEAST_PX
    return (int(left), int(top), int(right - left), int(bottom - top)) if inside else None


def _grown(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = points.min(0), points.max(0)
    more = (high - low) * (np.sqrt(AREA) - 1)
    return low - more * (0.5, 0.75), high + more * (0.5, 0.25)


def _square(points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    low, high = points.min(0), points.max(0)
    middle, half = (low + high) / 2, _SQUARE * (high - low).max() / 2
    return middle - half, middle + half
