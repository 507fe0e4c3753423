"""Perceptual hashes, and colours: what copies, other codecs, scales and qualities of a picture keep.

A hash has 63 signs of a picture's lowest frequencies. The picture is brought to 32x32 grey whatever its shape; of the cosine transform's
8x8 lowest coefficients the signs are kept, the mean brightness left out. A mirrored picture has the signs of its odd horizontal frequencies
turned, so the mirrored hash needs no picture. Different people before one ground have nearly equal signs: the mean colours of CELLS x CELLS
cells tell them apart.
Source: Zauner, "Implementation and Benchmarking of Perceptual Image Hash Functions", 2010 (the DCT hash, with signs in place of a median).
"""

from __future__ import annotations

import cv2
import numpy as np

SIDE_PX, FREQUENCIES, CELLS = 32, 8, 4
COLOURS_B = 3 * CELLS * CELLS
_MIRROR = np.packbits(np.tile(np.arange(FREQUENCIES) % 2, FREQUENCIES).astype(np.uint8)).view(np.uint64)[0]


def print_of(image: np.ndarray) -> bytes:
    """The hash of uint8 `[H,W,3]` RGB: 8 bytes."""
    grey = cv2.resize(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_AREA)
    signs = cv2.dct(grey.astype(np.float32))[:FREQUENCIES, :FREQUENCIES] > 0
    signs[0, 0] = False
    return np.packbits(signs).tobytes()


def colours_of(image: np.ndarray) -> bytes:
    """The mean colours of the cells of uint8 `[H,W,3]` RGB, row by row: COLOURS_B bytes."""
    return cv2.resize(image, (CELLS, CELLS), interpolation=cv2.INTER_AREA).tobytes()


def as_cells(colours: bytes) -> np.ndarray:
    """Colours on end -> uint8 `[n, CELLS, CELLS, 3]`."""
    return np.frombuffer(colours, np.uint8).reshape(-1, CELLS, CELLS, 3)


def as_words(prints: bytes) -> np.ndarray:
    """Hashes on end -> uint64 `[n]`."""
    return np.frombuffer(prints, np.uint64)


def mirrored(words: np.ndarray) -> np.ndarray:
    """The hashes uint64 of the same pictures mirrored."""
    return words ^ _MIRROR


def distance(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """How many of the 63 signs differ, element by element."""
    return np.bitwise_count(first ^ second)
