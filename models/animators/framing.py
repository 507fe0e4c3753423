"""A request in the shape its model paints in, and the answer back in the shape that was asked for: the picture is cut at most once.

    request ──to_canvas──▶ the same request, reference and driver of the canvas' shape ──model──▶ frames ──from_canvas──▶ frames as asked

A reference or driver of another shape than is asked for is cropped to that, as `fit_image` crops. From there to the canvas and back the
picture is stretched, so that the answer shows what the request shows: a canvas of whole tokens is a few per cent off the shape, a model
that knows one square is off by as much as the request is.
"""

from __future__ import annotations

from dataclasses import replace
from math import log, sqrt

import numpy as np

from models.framing import box_within, fit_box, fit_image
from models.types import AnimationRequest, Clip, PoseTrack

Size = tuple[int, int]


def to_canvas(request: AnimationRequest, canvas: Size) -> AnimationRequest:
    """`request` with its reference at `canvas` (W,H) px, and its driver and pose in the canvas' shape at about their own area."""
    reference = fit_image(_cropped(request.reference, request.size), canvas, "stretch")
    driving = _shaped(request.driving, request.size, canvas)
    pose = request.pose
    if pose is not None and driving is not request.driving:
        pose = _shaped_pose(pose, request, driving.size)
    return replace(request, reference=reference, driving=driving, pose=pose)


def from_canvas(frames: np.ndarray, size: Size) -> np.ndarray:
    """Painted frames uint8 `[T,h,w,3]` at `size` (W,H) px, the picture whole."""
    return np.stack([fit_image(frame, size, "stretch") for frame in frames])


def framing_note(canvas: Size, size: Size) -> str:
    """What a case's row says of it, "" where the model paints what is asked for."""
    if canvas == tuple(size):
        return ""
    stretched = ", stretched there and back" if not _same_shape(canvas, size) else ""
    return f"painted at {canvas[0]}x{canvas[1]} px{stretched}"


def _same_shape(one: Size, other: Size) -> bool:
    return abs(log(one[0] / one[1] * other[1] / other[0])) < 0.01


def _cropped(image: np.ndarray, size: Size) -> np.ndarray:
    x, y, w, h = fit_box((image.shape[1], image.shape[0]), size)
    return image[y : y + h, x : x + w]


def _shaped(driving: Clip, size: Size, canvas: Size) -> Clip:
    x, y, w, h = fit_box(driving.size, size)
    goal = _driver_size((w, h), canvas)
    if goal == driving.size:
        return driving
    frames = np.stack([fit_image(frame[y : y + h, x : x + w], goal, "stretch") for frame in driving.frames])
    origin = None if driving.origin is None else replace(driving.origin, crop=box_within(driving.origin.crop, driving.size, (x, y, w, h)))
    return Clip(frames=frames, fps=driving.fps, origin=origin)


def _driver_size(shown: Size, canvas: Size) -> Size:
    """The size of the canvas' shape with the area of `shown`; `shown` itself where it has that shape."""
    if _same_shape(shown, canvas):
        return shown
    area, shape = shown[0] * shown[1], canvas[0] / canvas[1]
    return max(1, round(sqrt(area * shape))), max(1, round(sqrt(area / shape)))


def _shaped_pose(pose: PoseTrack, request: AnimationRequest, goal: Size) -> PoseTrack:
    x, y, w, h = fit_box(request.driving.size, request.size)
    points = (pose.points - np.float32((x, y)) + 0.5) * (np.float32(goal) / np.float32((w, h))) - 0.5
    return replace(pose, points=points.astype(np.float32))
