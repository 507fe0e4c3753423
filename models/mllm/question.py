"""What is asked: texts and frames in their order, the schema of the reply, and the hash its answer is kept under."""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from typing import Any, Mapping

import numpy as np

from models.artifacts import sha256, to_json
from models.mllm.endpoint import Endpoint
from models.mllm.schema import check_schema
from models.types import Clip, check_image, require

MAX_SIDE_PX, JPEG_QUALITY = 1024, 90


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Frame:
    """A picture to show: uint8 `[H,W,3]`. `number` counts from 1 within `of` ("driver"); `time_s` None for a still image."""

    image: np.ndarray
    time_s: float | None = None
    number: int = 1
    of: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "image", check_image(self.image, "frame", "image"))

    @property
    def caption(self) -> str:
        """What is said before the picture: "driver, frame 3, t=0.50 s"; a still is called by `of`, else "image"."""
        if self.time_s is None:
            return self.of or "image"
        return f"{self.of}, " * bool(self.of) + f"frame {self.number}, t={self.time_s:.2f} s"

    @property
    def pixels_hash(self) -> str:
        return sha256(f"{self.image.shape}".encode() + self.image.tobytes())


def frames_of_clip(clip: Clip, count: int, of: str = "") -> tuple[Frame, ...]:
    """`count` evenly spaced frames, first and last among them, with their times; all frames of a shorter clip."""
    require(count >= 1, "frames of a clip", "count", count, ">= 1")
    places = np.round(np.linspace(0, len(clip) - 1, min(count, len(clip)))).astype(int)
    return tuple(Frame(image=clip.frames[i], time_s=float(i / clip.fps), number=k, of=of) for k, i in enumerate(places, 1))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Question:
    """What is asked. `parts`: texts and frames in their order; `schema`: of the reply, called `name`; `version`: of the prompt.

    The schema may use object, array, string, number, integer, boolean, enum, minimum, maximum, minItems and maxItems. As strict
    mode demands, an object allows and requires exactly its properties; a string is never blank.
    """

    name: str
    system: str
    parts: tuple[str | Frame, ...]
    schema: Mapping[str, Any]
    version: str

    def __post_init__(self) -> None:
        item = f"question {self.name}"
        require(bool(re.fullmatch(r"[A-Za-z0-9_-]{1,64}", self.name)), item, "name", repr(self.name), "letters, digits, _ and -")
        require(bool(self.parts), item, "parts", "none", "at least one text or frame")
        wrong = {type(part).__name__ for part in self.parts if not isinstance(part, (str, Frame))}
        require(not wrong, item, "parts", sorted(wrong), "str and Frame")
        require(self.schema.get("type") == "object", item, "schema type", self.schema.get("type"), "object")
        check_schema(self.schema, f"{item}: schema")


def question_key(question: Question, endpoint: Endpoint) -> str:
    """The hash an answer is kept under: of everything that shapes it; where it was asked does not."""
    shown = [part if isinstance(part, str) else [part.caption, part.pixels_hash] for part in question.parts]
    about = {
        "model": endpoint.model,
        "seed": endpoint.seed,
        "temperature": endpoint.temperature,
        "system": question.system,
        "parts": shown,
        "picture": [MAX_SIDE_PX, JPEG_QUALITY],
        "schema": [question.name, dict(question.schema)],
        "version": question.version,
    }
    return sha256(to_json(about).encode())


def messages_of(question: Question) -> list[dict[str, Any]]:
    """The question as chat messages: system, then user with each caption before its picture."""
    content: list[dict[str, Any]] = []
    for part in question.parts:
        content.append({"type": "text", "text": part if isinstance(part, str) else part.caption})
        if isinstance(part, Frame):
            content.append({"type": "image_url", "image_url": {"url": _data_uri(part.image)}})
    return [{"role": "system", "content": question.system}, {"role": "user", "content": content}]


def _data_uri(image: np.ndarray) -> str:
    import cv2  # here, because importing it takes longer than all else in this module

    scale = MAX_SIDE_PX / max(image.shape[:2])
    if scale < 1:
        size = tuple(max(1, round(side * scale)) for side in image.shape[1::-1])
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    bgr = cv2.cvtColor(np.ascontiguousarray(image), cv2.COLOR_RGB2BGR)
    jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
    return "data:image/jpeg;base64," + base64.b64encode(jpeg).decode("ascii")
