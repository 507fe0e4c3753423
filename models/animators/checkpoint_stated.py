"""What a checkpoint folder of ours states by its card, without loading a weight; the module behind such a folder's path.

A checkpoint paints any size and any number of frames: it brings them to its own grid itself and says so in its note. Its options are the
fields of `Sampling`, those of its card where nothing else is said.
"""

from __future__ import annotations

from dataclasses import asdict, field, fields, make_dataclass
from functools import lru_cache
from math import sqrt
from pathlib import Path
from typing import Any, get_type_hints

from models.animators.sampling import Sampling
from models.animators.windows import windows
from models.artifacts import read_json
from models.capabilities import Capabilities, Input
from models.estimate import Estimate, Workload
from models.protocols import Animator
from models.runtime import Runtime
from models.types import require

CARD = "animator.json"
_NEEDS: dict[str, tuple[Input, ...]] = {"skeleton": ("pose",), "raw": ("driver",), "blank": ()}
_GEOMETRY = {"wan": (4, 16), "wan_ti2v": (4, 32), "hunyuan": (4, 16), "hunyuan15": (4, 16)}
"""Frames of a latent frame and px of a token's side, as published; a tiny backbone's card says its own."""


def _card(argument: str | None) -> dict[str, Any]:
    card = read_json(Path(argument or "") / CARD)
    require(isinstance(card, dict), str(argument), CARD, type(card).__name__, "an object")
    return card


def capabilities(name: str, argument: str | None = None) -> Capabilities:
    card = _card(argument)
    grid, backbone = card.get("grid", {}), card.get("backbone", {})
    motion = card.get("motion", "")
    kind = motion.get("kind", "") if isinstance(motion, dict) else motion
    own = f"paints at the area of {grid.get('width')}x{grid.get('height')} px, {grid.get('num_frames')} frames at a time"
    words = ("prompt",) if card.get("class") == "InContextAnimator" and backbone.get("family") != "tiny" else ()
    return Capabilities(
        kind="local",
        needs=_NEEDS.get(kind, ("driver",)),
        takes=words,
        licence="that of its base weights and of what it was trained on",
        weights=str((backbone.get("weights") or {}).get("name", "")),
        note=f"{backbone.get('family', '?')}, motion {kind}; {own}, at {grid.get('fps', 0):g} fps, and comes back as asked",
    )


def options(name: str, argument: str | None = None) -> type | None:
    """`Sampling` with the card's values as defaults; None for a class that samples nothing."""
    card = _card(argument)
    if card.get("class") != "InContextAnimator":
        return None
    own = card.get("sampling", {})
    known = {each.name for each in fields(Sampling)}
    require(isinstance(own, dict) and set(own) <= known, str(argument), "sampling", own, f"the fields {', '.join(sorted(known))}")
    return _sampling(tuple(sorted(own.items())))


@lru_cache(maxsize=32)
def _sampling(own: tuple[tuple[str, Any], ...]) -> type:
    types, values = get_type_hints(Sampling), dict(own)
    stated = [(name, types[name], field(default=value)) for name, value in values.items()]
    return make_dataclass("Sampling", stated, bases=(Sampling,), frozen=True, kw_only=True)


def estimate(name: str, workload: Workload, options: Sampling | None, argument: str | None = None) -> Estimate:
    card = _card(argument)
    backbone, grid = card.get("backbone", {}), card["grid"]
    family = backbone.get("family")
    stride, token_px = (1, backbone.get("patch_px", 8)) if family == "tiny" else _GEOMETRY.get(family, (0, 0))
    if options is None or not stride:
        return Estimate(basis="a card of this class says nothing of it")
    scale = sqrt(grid["width"] * grid["height"] / (workload.size[0] * workload.size[1]))
    across, down = (max(1, round(side * scale / token_px)) for side in workload.size)
    count = max(1, int((workload.num_frames - 1) / workload.fps * grid["fps"] + 1e-6) + 1)
    gap, tail = int(card.get("gap_frames", 1)), options.tail_frames
    plan = windows(count, grid["num_frames"], stride=stride, gap_frames=gap, tail_frames=tail)
    tokens = sum(((window.length - 1) // stride + 1) * 2 * across * down for window in plan)
    basis = f"{len(plan)} window{'s' * (len(plan) > 1)} of a canvas of two {across * token_px}x{down * token_px} px"
    return Estimate(tokens=tokens, passes=options.steps * (2 if options.guidance > 1 else 1), basis=basis)


def create(argument: str | None = None, *, name: str = "", runtime: Runtime = Runtime(), options: Sampling | None = None) -> Animator:
    """The animator of the folder `argument`, sampling by `options`."""
    from models.animators.checkpoint import load_checkpoint  # imports torch

    return load_checkpoint(str(argument), runtime, None if options is None else asdict(options))
