"""Guidance without a model: a fixed sentence from the tags, and what frame differences can honestly say of the motion.

Measured is how much of the picture changes within a quarter of a second and, where a tag says that the camera is static, which way the
changing region travels. That is all: differences do not know what moves, and of a camera that moves by its tag nothing is measured.
Equal input gives equal text.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

import numpy as np

from models.guidance.guide import Guidance, described
from models.types import Clip, check_image, require

VERSION = "template-2"
_STEP_S, _SIDE_PX = 0.25, 64
_CHANGES_LEVELS = 12  # grey levels of 255, on the shrunk picture, where noise of the sensor and of the codec has averaged out
_TRAVELS = 0.08  # of the picture's width or height
_EXTENTS = ((0.005, "hardly any motion"), (0.05, "small motion"), (0.20, "clear motion"), (1.01, "large motion"))


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredMotion:
    """`share` of the picture that changes, 0-1; `travel` of the changing region (right, down), as shares of width and height.

    None where it cannot be measured: one frame has no motion, a still clip has no region.
    """

    share: float | None
    travel: tuple[float, float] | None


def measure_motion(clip: Clip) -> MeasuredMotion:
    """Share and travel of what differs between frames a quarter of a second apart."""
    step = max(1, min(round(clip.fps * _STEP_S), len(clip) - 1))
    grey = np.stack([_shrunk(frame) for frame in clip.frames[::step]])
    changes = np.abs(np.diff(grey, axis=0)) > _CHANGES_LEVELS  # [T-1,h,w]
    if not len(changes):
        return MeasuredMotion(share=None, travel=None)
    return MeasuredMotion(share=float(changes.mean()), travel=_travel(changes))


def _shrunk(frame: np.ndarray) -> np.ndarray:
    import cv2

    scale = min(1.0, _SIDE_PX / max(frame.shape[:2]))
    size = tuple(max(1, round(side * scale)) for side in frame.shape[1::-1])
    return cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.float32).mean(-1)


def _travel(changes: np.ndarray) -> tuple[float, float] | None:
    """From the middle of what changes in the first half of the clip to that in the last half; twice that is the whole way."""
    half = (len(changes) + 1) // 2
    early, late = (np.argwhere(part) for part in (changes[:half], changes[-half:]))
    if len(changes) < 2 or not len(early) or not len(late):
        return None
    down, right = 2 * (late[:, 1:].mean(0) - early[:, 1:].mean(0)) / changes.shape[1:]
    return float(right), float(down)


def _extent(share: float) -> str:
    return next(word for limit, word in _EXTENTS if share < limit)


def _direction(motion: MeasuredMotion) -> str:
    right, down = motion.travel or (0.0, 0.0)
    words = ["right" if right > 0 else "left"] * (abs(right) > _TRAVELS) + ["down" if down > 0 else "up"] * (abs(down) > _TRAVELS)
    return f"travelling {' and '.join(words)} in the picture" if words else ""


def _seen(measured: MeasuredMotion, camera: str | None) -> str:
    """What may be said: of a moving camera nothing, of an unknown one how much changes but not which way."""
    if measured.share is None:
        return "one frame, no motion to see"
    if camera not in (None, "static"):
        return ""
    return ", ".join(text for text in (_extent(measured.share), _direction(measured) if camera else "") if text)


def _target(labels: Mapping[str, str]) -> str:
    subject, count = labels.get("subject", "character"), labels.get("count", "1")
    one = f"{'an' if subject[0].lower() in 'aeiou' else 'a'} {subject}" if "subject" in labels else "the character of the reference image"
    if count == "1":
        return one
    return f"{count} characters, each {one}" if "subject" in labels else f"the {count} characters of the reference image"


def _act(labels: Mapping[str, str]) -> str:
    if labels.get("count", "1") == "1":
        return " performs the driving motion with its own body"
    return f"{',' * ('subject' in labels)} perform the driving motion with their own bodies"


def _motion(driving: Clip, labels: Mapping[str, str]) -> str:
    seen = _seen(measure_motion(driving), labels.get("camera"))
    return ", ".join(text for text in (labels.get("motion"), seen) if text) or "not measured, the camera moves"


def _view(labels: Mapping[str, str]) -> str:
    words = [f"{labels[key]} {noun}" for key, noun in (("framing", "shot"), ("camera", "camera")) if key in labels]
    return f"; {', '.join(words)}" if words else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateGuide:
    """The default: knows tags and frame differences, nothing else."""

    name: str = "template"
    version: str = VERSION

    def guide(self, driving: Clip, reference: np.ndarray, tags: Mapping[str, str]) -> Guidance:
        """One sentence: the target of the tags does the driver's motion with its own body."""
        check_image(reference, "guide template", "reference")
        labels = described(tags)
        target, motion = _target(labels), _motion(driving, labels)
        prompt = f"{target[0].upper()}{target[1:]}{_act(labels)}: {motion}{_view(labels)}."
        return Guidance(motion=motion, appearance=target, prompt=prompt, guide=self.name, version=self.version)


def create(argument: str | None = None) -> TemplateGuide:
    """The template guide; it takes no argument."""
    require(not argument, "guide template", "argument", repr(argument), "none", "write template")
    return TemplateGuide()
