"""A request brought within what a system can be asked for, and its answer brought back.

    request ──adapt──▶ Adapted.request ──system──▶ clip ──Adapted.undo──▶ clip as asked

Size: the reference is cropped to the asked shape, as `fit_image` crops, then brought to the nearest allowed size: stretched where that
shape is off by less than 3 %, else padded by its own edge; `undo` cuts the pad off and resizes. Driver and pose go the same way.
An answer of another shape than the canvas is cropped to it in the middle, or stretched where it is off by less than 3 %.
Length: the driver is resampled to the system's rate (nearest moments), its last frame held up to an allowed count, or cut at the most
there may be; `undo` brings the rate back and cuts held frames off. A cut answer stays short: the referee counts it.
Everything that was done stands in `note`, in words; what the answer needed beside stands in the clip's `notes`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np

from models.box import Box
from models.capabilities import Capabilities
from models.estimate import Workload
from models.framing import box_within, fit_box, fit_image
from models.lengths import count_within, frames_at, same_rate
from models.nearest_size import STRETCH_BELOW, content_box, nearest_size, shape_off
from models.types import AnimationRequest, Clip, Origin, PoseTrack
from models.video.times import nearest_frames

Size = tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Adapted:
    """`request`: within the rules, reference and driver of exactly its size and length; `note`: what was done, "" where nothing was."""

    request: AnimationRequest
    asked: AnimationRequest
    note: str

    def undo(self, clip: Clip) -> Clip:
        """The system's answer at the asked size and the asked driver's rate, no longer than asked; a shorter one stays shorter."""
        fps, frames = self.asked.driving.fps, clip.frames[self._shown(clip)]
        canvas, asked = self.request.size, tuple(self.asked.size)
        notes = clip.notes + ((_answered(clip.size, canvas),) if clip.size != canvas else ())
        if clip.size == canvas == asked:
            return Clip(frames=frames, fps=fps, notes=notes)
        box = _box_in_answer(clip.size, canvas, content_box(asked, canvas))
        return Clip(frames=np.stack([fit_image(frame, asked, box=box) for frame in frames]), fps=fps, notes=notes)

    def _shown(self, clip: Clip) -> np.ndarray:
        """Which frame of the answer each asked frame shows, as far as there is one."""
        count, fps = self.asked.num_frames, self.asked.driving.fps
        source = np.arange(count) if same_rate(fps, clip.fps) else nearest_frames(count, fps, clip.fps)
        return source[source < len(clip)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """A workload within the rules: `within`; `content`: where the asked picture stands on its canvas; `spanned`: its frames that are asked
    for, before any is held or cut."""

    asked: Workload
    within: Workload
    content: Box
    spanned: int

    @property
    def note(self) -> str:
        """What differs, in words; "" where nothing does."""
        parts = (_size_note(self.asked.size, self.within.size, self.content), _length_note(self))
        return "; ".join(part for part in parts if part)


def fitted(asked: Workload, capabilities: Capabilities) -> Fitted:
    """What a request of that size and length becomes. Raises ValueError where the rules allow no size or no length."""
    canvas = nearest_size(tuple(asked.size), capabilities.size)
    own = capabilities.frames.fps or asked.fps
    fps = asked.fps if same_rate(asked.fps, own) else own
    spanned = frames_at(asked.num_frames, asked.fps, fps)
    within = Workload(size=canvas, num_frames=count_within(spanned, capabilities.frames, fps), fps=fps)
    return Fitted(asked=asked, within=within, content=content_box(tuple(asked.size), canvas), spanned=spanned)


def adapt(request: AnimationRequest, capabilities: Capabilities) -> Adapted:
    """`request` within the rules. Raises ValueError where the rules allow no size or no length."""
    asked = Workload(size=tuple(request.size), num_frames=request.num_frames, fps=request.driving.fps)
    plan = fitted(asked, capabilities)
    canvas, content, count, fps = plan.within.size, plan.content, plan.within.num_frames, plan.within.fps
    source = nearest_frames(count, fps, request.driving.fps) if fps != request.driving.fps else np.arange(count)
    source = np.minimum(source, min(len(request.driving), request.num_frames) - 1)
    adapted = replace(
        request,
        reference=_placed(request.reference, fit_box(_size(request.reference), request.size), content, canvas),
        driving=_driver(request, content, canvas, source, fps),
        pose=None if request.pose is None else _pose(request.pose, request, content, source, fps),
        size=canvas,
        num_frames=count,
    )
    lacking = len(request.driving) < request.num_frames
    parts = [f"driver of {len(request.driving)} frames held to {request.num_frames}"] * lacking + [plan.note] * bool(plan.note)
    return Adapted(request=adapted, asked=request, note="; ".join(parts))


def _size(image: np.ndarray) -> Size:
    return image.shape[1], image.shape[0]


def _placed(image: np.ndarray, box: Box, content: Box, canvas: Size) -> np.ndarray:
    """`box` of an image at `content` of the canvas, the rest its own edge."""
    left, top, width, height = content
    picture = fit_image(image, (width, height), "stretch", box=box)
    right, bottom = canvas[0] - left - width, canvas[1] - top - height
    if not (left or top or right or bottom):
        return picture
    return cv2.copyMakeBorder(picture, top, bottom, left, right, cv2.BORDER_REPLICATE)


def _driver(request: AnimationRequest, content: Box, canvas: Size, source: np.ndarray, fps: float) -> Clip:
    driving = request.driving
    box = fit_box(driving.size, request.size)
    kept = np.unique(source)
    if driving.size == canvas == tuple(request.size):
        frames = driving.frames if len(source) == len(driving) == len(kept) else driving.frames[source]
    else:
        placed = np.stack([_placed(driving.frames[index], box, content, canvas) for index in kept])
        frames = placed[np.searchsorted(kept, source)]
    origin = None if driving.origin is None else _origin(driving.origin, driving.size, box, content, canvas)
    return Clip(frames=frames, fps=fps, origin=origin, notes=driving.notes)


def _origin(origin: Origin, shown: Size, box: Box, content: Box, canvas: Size) -> Origin:
    """The origin with the canvas' box in the source; a padded canvas reaches beyond what was shown."""
    across, down = box[2] / content[2], box[3] / content[3]
    whole = (box[0] - content[0] * across, box[1] - content[1] * down, canvas[0] * across, canvas[1] * down)
    return replace(origin, crop=box_within(origin.crop, shown, whole))


def _pose(pose: PoseTrack, request: AnimationRequest, content: Box, source: np.ndarray, fps: float) -> PoseTrack:
    x, y, w, h = fit_box(request.driving.size, request.size)
    scale = np.float32(content[2:]) / np.float32((w, h))
    points = (pose.points[source] - np.float32((x, y)) + 0.5) * scale - 0.5 + np.float32(content[:2])
    return replace(pose, points=points.astype(np.float32), confidence=pose.confidence[source], fps=fps)


def _box_in_answer(answer: Size, canvas: Size, content: Box) -> Box:
    """The box of an answer that shows what stands at `content` of the canvas, within the answer."""
    crop = fit_box(answer, canvas, "stretch" if shape_off(answer, canvas) < STRETCH_BELOW else "crop")
    x, y, w, h = box_within(crop, canvas, content)
    x, y = min(x, answer[0] - 1), min(y, answer[1] - 1)
    return x, y, min(w, answer[0] - x), min(h, answer[1] - y)


def _answered(answer: Size, canvas: Size) -> str:
    cropped = shape_off(answer, canvas) >= STRETCH_BELOW
    return f"answered at {answer[0]}x{answer[1]} px" + (f", cropped to the shape of {canvas[0]}x{canvas[1]}" if cropped else "")


def _size_note(asked: Size, canvas: Size, content: Box) -> str:
    if canvas == asked:
        return ""
    left, top, width, height = content
    across = _pads(left, canvas[0] - left - width, "left", "right")
    down = _pads(top, canvas[1] - top - height, "above", "below")
    stretched = "" if across or down or shape_off(asked, canvas) < 0.01 else "stretched there and back"
    return ", ".join(part for part in (f"painted at {canvas[0]}x{canvas[1]} px", across, down, stretched) if part)


def _pads(before: int, behind: int, one: str, other: str) -> str:
    if before == behind:
        return f"padded {before} px {one} and {other}" if before else ""
    return "padded " + " and ".join(f"{pad} px {side}" for pad, side in ((before, one), (behind, other)) if pad)


def _length_note(plan: Fitted) -> str:
    held = plan.within.num_frames - plan.spanned
    parts = [f"driver at {plan.within.fps:g} fps"] if plan.within.fps != plan.asked.fps else []
    parts += [f"{held} last frame{'s' * (held != 1)} held"] if held > 0 else []
    parts += [f"cut to {plan.within.num_frames} of {plan.spanned} frames"] if held < 0 else []
    return ", ".join(parts)
