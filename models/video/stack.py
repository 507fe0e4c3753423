"""Frames that arrive one by one -> one array, without a second copy of them: 720p clips weigh hundreds of megabytes."""

from __future__ import annotations

import numpy as np

_FIRST = 32


class FrameStack:
    """`add` uint8 `[H,W,3]` frames of one size, then take `frames` `[T,H,W,3]`. `capacity`: how many are to come, where that is known."""

    def __init__(self, capacity: int = 0) -> None:
        self._block = np.empty((0, 0, 0, 3), np.uint8)
        self._capacity, self._count = capacity or _FIRST, 0

    def __len__(self) -> int:
        return self._count

    def add(self, image: np.ndarray) -> None:
        if not self._count:
            self._block = np.empty((self._capacity, *image.shape), np.uint8)
        elif self._count == len(self._block):
            self._block.resize((self._count + max(_FIRST, self._count // 4), *image.shape), refcheck=False)  # moved, not copied, when large
        self._block[self._count] = image
        self._count += 1

    @property
    def frames(self) -> np.ndarray:
        """uint8 `[T,H,W,3]`; nothing can be added after."""
        if self._count != len(self._block):
            self._block.resize((self._count, *self._block.shape[1:]), refcheck=False)
        return self._block
