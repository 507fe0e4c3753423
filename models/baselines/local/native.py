"""A request at a pipeline's own picture area and rate: what it was trained on, not what a suite happens to ask for.

request ──within──▶ Adapted.request (asked shape, own area, whole tokens, own fps) ──pipeline──▶ clip ──Adapted.undo──▶ as asked
"""

from __future__ import annotations

from dataclasses import replace
from math import sqrt

from models.adaptation import Adapted, adapt
from models.capabilities import Capabilities
from models.types import AnimationRequest


def painted_size(asked: tuple[int, int], area_px: int, multiple: int) -> tuple[int, int]:
    """(W,H) px of the asked shape at `area_px` (0: at the asked area), both sides in whole `multiple`s."""
    width, height = asked
    scale = sqrt(area_px / (width * height)) if area_px else 1.0
    return tuple(max(multiple, round(side * scale / multiple) * multiple) for side in (width, height))


def painted_words(asked: tuple[int, int], area_px: int, multiple: int) -> str:
    """Where it paints, "" where that is the asked size."""
    size, why = painted_size(asked, area_px, multiple), "its own area, --set area_px=0 keeps the asked one" if area_px else "whole tokens"
    return "" if size == asked else f"painted at {size[0]}x{size[1]} px ({why}), brought back to {asked[0]}x{asked[1]}"


def within(request: AnimationRequest, capabilities: Capabilities, *, area_px: int, fps: float | None) -> Adapted:
    """`request` at the size a pipeline paints it in and at its rate; None: the driver's."""
    size = painted_size(request.size, area_px, capabilities.size.multiple)
    own = replace(capabilities, size=replace(capabilities.size, sizes=(size,)), frames=replace(capabilities.frames, fps=fps))
    return adapt(request, own)
