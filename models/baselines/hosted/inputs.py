"""Pictures as a service takes them, within its bytes, and the hash under which a job is kept.

The hash is of pixels and words, not of encoded files: another version of an encoder must not have a job billed again.
"""

from __future__ import annotations

import base64
import hashlib
from typing import Any, Mapping

import numpy as np

from models.artifacts import sha256, to_json
from models.types import AnimationRequest, Clip

_QUALITIES, _CRFS = (95, 88, 75), (10, 18, 24, 30)


def job_key(request: AnimationRequest, asked: Mapping[str, Any], sees_driver: bool) -> str:
    """sha256 of what is asked: of whom, with which settings, for which pixels, words and seed."""
    driver = request.driving
    seen = {"driver": _hash(driver.frames), "fps": float(driver.fps)} if sees_driver else {"seconds": round(driver.duration_s, 3)}
    words = {"reference": _hash(request.reference), "prompt": request.prompt, "seed": request.seed, "size": list(request.size)}
    return sha256(to_json({**words, **seen, "asked": dict(asked), "version": 1}).encode())


def _hash(pixels: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(pixels).data).hexdigest() + f" {'x'.join(map(str, pixels.shape))}"


def image_file(image: np.ndarray, item: str, most_b: int) -> tuple[bytes, str]:
    """(file, media type): PNG, or JPEG where that is too large. Raises ValueError where both are."""
    import cv2

    bgr = image[..., ::-1]
    tries = [(".png", [], "image/png")] + [(".jpg", [cv2.IMWRITE_JPEG_QUALITY, quality], "image/jpeg") for quality in _QUALITIES]
    for ending, how, kind in tries:
        data = cv2.imencode(ending, np.ascontiguousarray(bgr), how)[1].tobytes()
        if len(data) <= most_b:
            return data, kind
    raise ValueError(f"{item}: reference: got {len(data)} bytes at its smallest, expected at most {most_b}; use a smaller picture")


def video_file(clip: Clip, item: str, most_b: int) -> bytes:
    """H.264 in mp4 with half the resolution of colour, which every service reads. Raises ValueError where it is too large."""
    from models.video import encode_video

    for crf in _CRFS:
        data = encode_video(clip, pix_fmt="yuv420p", crf=crf)
        if len(data) <= most_b:
            return data
    raise ValueError(f"{item}: driver: got {len(data)} bytes at its smallest, expected at most {most_b}; use a shorter or smaller one")


def bare_base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
