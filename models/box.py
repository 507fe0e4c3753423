"""Boxes of pictures, (x, y, w, h) px, and the largest of a shape that fits into a picture."""

from __future__ import annotations

Box = tuple[int, int, int, int]


def largest_within(source: tuple[int, int], target: tuple[int, int]) -> tuple[int, int]:
    """(w, h) px of the largest box in a `source` (W,H) picture that has the aspect ratio of `target` (W,H)."""
    width, height = source
    return min(width, max(1, round(height * target[0] / target[1]))), min(height, max(1, round(width * target[1] / target[0])))


def centred_crop(source: tuple[int, int], target: tuple[int, int]) -> Box:
    """That box in the middle of the picture."""
    across, down = largest_within(source, target)
    return (source[0] - across) // 2, (source[1] - down) // 2, across, down
