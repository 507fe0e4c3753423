"""A no-reference image quality model as an ONNX file. onnxruntime is imported when it is loaded; it is no dependency of ours.

Input: one tensor float32 `[N,3,H,W]` or `[1,3,H,W]`, RGB, 0-1. Where H and W are numbers, a picture is looked at in squares (see
clip_iqa) that are resized to them; where they are free, pictures come as they are. Output: the first one, one number a picture.
A JSON of the same name beside the file may say `mean` and `std` (three numbers each, applied to the colours) and `low` and `high`: the
values for the worst and the best picture, 0 and 1 unless told (MUSIQ on KonIQ: 0 and 100). `low` above `high` means lower is better.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from awbench.metrics.learned.clip_iqa import squares
from models.artifacts import read_json
from models.types import require

_FACTS = {"mean": [0.0] * 3, "std": [1.0] * 3, "low": 0.0, "high": 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class OnnxQuality:
    """`size` (W,H) px or None where the model takes any."""

    session: Any
    size: tuple[int, int] | None
    mean: np.ndarray
    std: np.ndarray
    low: float
    high: float

    def quality(self, frames: Sequence[np.ndarray]) -> float:
        """Mean quality of uint8 `[H,W,3]` frames, 0-1, values outside of low and high cut."""
        pictures = list(frames) if self.size is None else [_resized(part, self.size) for frame in frames for part in squares(frame)]
        values = np.array([self._value(picture) for picture in pictures])
        return float(np.clip((values - self.low) / (self.high - self.low), 0, 1).mean())

    def _value(self, picture: np.ndarray) -> float:
        colours = ((picture.astype(np.float32) / 255 - self.mean) / self.std).transpose(2, 0, 1)[None]
        answer = np.asarray(self.session.run(None, {self.session.get_inputs()[0].name: np.ascontiguousarray(colours)})[0])
        require(answer.size == 1, "--iqa", "output", answer.shape, "one number a picture")
        return float(answer.ravel()[0])


def _resized(picture: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(picture, size, interpolation=cv2.INTER_AREA if picture.shape[0] > size[1] else cv2.INTER_CUBIC)


@lru_cache(maxsize=1)
def load_onnx(text: str) -> OnnxQuality:
    """Raises ValueError saying what does not fit."""
    import onnxruntime

    path = Path(text).expanduser()
    card = path.with_suffix(".json")
    facts = _FACTS | (read_json(card) if card.is_file() else {})
    item = f"--iqa {text}"
    require(set(facts) == set(_FACTS), item, card.name, sorted(facts), f"only {', '.join(_FACTS)}")
    require(facts["low"] != facts["high"], item, "low and high", facts["low"], "two different numbers")
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own errors share no narrower class
        raise ValueError(f"{item}: got {type(error).__name__}: {str(error)[:200]}, expected an ONNX model") from error
    inputs = session.get_inputs()
    shape = list(inputs[0].shape)
    fits = len(inputs) == 1 and len(shape) == 4 and shape[1] == 3
    require(fits, item, "input", [list(one.shape) for one in inputs], "one tensor [N,3,H,W]")
    size = (shape[3], shape[2]) if all(isinstance(side, int) for side in shape[2:]) else None
    mean, std = (np.float32(facts[name]) for name in ("mean", "std"))
    return OnnxQuality(session=session, size=size, mean=mean, std=std, low=float(facts["low"]), high=float(facts["high"]))
