"""Perceptual hashes: 63 signs of a picture's lowest frequencies. Copies, other codecs, scales and qualities keep nearly all of them.

A picture is brought to 32x32 grey whatever its shape; of the cosine transform's 8x8 lowest coefficients the signs are kept, the mean
brightness left out. A mirrored picture has the signs of its odd horizontal frequencies turned, so the mirrored hash needs no picture.
Source: Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010 (the DCT hash, with signs in place of a median).
"""

from __future__ import annotations

import cv2
import numpy as np

SIDE_PX, FREQUENCIES = 32, 8
_MIRROR = np.packbits(np.tile(np.arange(FREQUENCIES) % 2, FREQUENCIES).astype(np.uint8)).view(np.uint64)[0]


def print_of(image: np.ndarray) -> bytes:
    """The hash of uint8 `[H,W,3]` RGB: 8 bytes."""
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    signs = cv2.dct(grey.astype(np.float32))[:FREQUENCIES, :FREQUENCIES] > 0
    signs[0, 0] = False
    return np.packbits(signs).tobytes()


def colour_of(image: np.ndarray) -> bytes:
    """The mean colour of uint8 `[H,W,3]` RGB: 3 bytes."""
    return image.mean((0, 1)).round().astype(np.uint8).tobytes()


def as_words(prints: bytes) -> np.ndarray:
    """Hashes on end -> uint64 `[n]`."""
    return np.frombuffer(prints, np.uint64)


def mirrored(words: np.ndarray) -> np.ndarray:
    """The hashes uint64 of the same pictures mirrored."""
    return words ^ _MIRROR


def distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """How many of the 63 signs differ, element by element."""
    return np.bitwise_count(first ^ second)
