"""Joints of a drawing as Animated Drawings writes them: NAME.joints.yaml, or char_cfg.yaml in a folder of its own.

    height: 392
    width: 333
    skeleton:
    - {loc: [166, 248], name: root, parent: null}
    - {loc: [134, 133], name: right_shoulder, parent: torso}     right is the figure's own, at the picture's left

Its `neck` lies in the middle of the head, its `torso` between the shoulders, its `root` between the hips. Source: Smith et al., "A Method
for Animating Children's Drawings of the Human Figure" (2023). The file may come from anywhere: small, plain and one tree, or refused.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import Any, Mapping

from models.types import require

_MAX_BYTES, _MAX_JOINTS, _MAX_SIDE_PX = 1 << 16, 256, 1 << 15
_MAX_DEPTH = 8
_BEYOND = 0.1
"""Share of the picture by which a joint may lie outside of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnJoints:
    """`size`: (W,H) px of the picture; `places`: joint -> (x, y) px of it."""

    size: tuple[int, int]
    places: Mapping[str, tuple[float, float]]


def read_joints(file: Path) -> DrawnJoints:
    """Raises ValueError naming the file, and what is wrong with it."""
    content = _content(file)
    require(isinstance(content, dict), file.name, "content", type(content).__name__, "height, width and skeleton")
    size = (_side(content, "width", file.name), _side(content, "height", file.name))
    rows = content.get("skeleton")
    count = len(rows) if isinstance(rows, list) else type(rows).__name__
    require(isinstance(rows, list) and 0 < len(rows) <= _MAX_JOINTS, file.name, "skeleton", count, f"a list of 1-{_MAX_JOINTS} joints")
    for row in rows:
        named = isinstance(row, dict) and isinstance(row.get("name"), str)
        require(named, file.name, "skeleton", repr(row)[:80], "joints of name, loc, parent")
    names = [row["name"] for row in rows]
    double = sorted({name for name in names if names.count(name) > 1})
    require(not double, file.name, "joint names", f"{', '.join(double)[:80]} twice", "every joint once")
    _check_tree({row["name"]: row.get("parent") for row in rows}, file.name)
    return DrawnJoints(size=size, places={row["name"]: _place(row, size, file.name) for row in rows})


def _content(file: Path) -> Any:
    import yaml

    size = file.stat().st_size
    require(size <= _MAX_BYTES, file.name, "size", f"{size} bytes", f"at most {_MAX_BYTES}", "joints of one drawing are small")
    text = file.read_text(encoding="utf-8", errors="replace")
    try:
        _check_plain(yaml, text, file.name)
        return yaml.safe_load(text)
    except (yaml.YAMLError, RecursionError) as error:
        raise ValueError(f"{file.name}: yaml: got {' '.join(str(error).split())[:120]}, expected plain yaml; write it again") from error


def _check_plain(yaml: Any, text: str, item: str) -> None:
    """No aliases, which may unfold to any size, and no depths that a parser takes for ever over; told before anything is built."""
    depth = 0
    for event in yaml.parse(text):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        require(depth <= _MAX_DEPTH, item, "yaml", f"more than {_MAX_DEPTH} levels", "joints of name, loc, parent")
        require(not isinstance(event, yaml.AliasEvent), item, "yaml", "aliases", "plain values", "write every joint out")


def _side(content: dict, name: str, item: str) -> int:
    value = content.get(name)
    ok = isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MAX_SIDE_PX
    require(ok, item, name, repr(value)[:40], f"1 to {_MAX_SIDE_PX} px")
    return value


def _place(row: dict, size: tuple[int, int], item: str) -> tuple[float, float]:
    loc = row.get("loc")
    plain = isinstance(loc, list) and len(loc) == 2 and all(isinstance(v, int | float) and not isinstance(v, bool) for v in loc)
    ok = plain and all(isfinite(v) and -_BEYOND * side <= v <= (1 + _BEYOND) * side for v, side in zip(loc, size))
    require(ok, item, f"loc of {row['name'][:40]}", repr(loc)[:60], f"two numbers, px of the {size[0]} x {size[1]} picture")
    return float(loc[0]), float(loc[1])


def _check_tree(parents: Mapping[str, Any], item: str) -> None:
    """Every joint hangs, by its parents, on the one that has none."""
    roots = [name for name, parent in parents.items() if parent is None]
    require(len(roots) == 1, item, "joints without parent", ", ".join(roots)[:80] or "none", "one")
    for name in parents:
        seen, at = set(), name
        while at is not None:
            known = isinstance(at, str) and at in parents
            require(known, item, f"parent on the way up from {name[:40]}", repr(at)[:40], "a joint of the file")
            require(at not in seen, item, f"parents of {name[:40]}", "a circle", "a tree")
            seen.add(at)
            at = parents[at]
