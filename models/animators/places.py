"""Where that lies which a checkpoint names but does not hold: base weights, a pose estimator's folder.

Checkpoints are published, so none says where things lie on the machine that made it: it holds the relative way to what lies near it, so
that both may move together, and the bare name of what does not. A name is looked for below the folders of ACTORFORGE_WEIGHTS (separated
as PATH is), then where this machine saw it last (`places.json` in the cache).
"""

from __future__ import annotations

import os
from pathlib import Path

from models.artifacts import cache_folder, read_json, write_json

WEIGHTS_PATH = "ACTORFORGE_WEIGHTS"


def way_to(place: Path, folder: Path) -> str:
    """How a checkpoint in `folder` may name `place`: the relative way, or the bare name where that way would tell of this machine."""
    place, folder = place.resolve(), folder.resolve()
    if _near(place, folder):
        return Path(os.path.relpath(place, folder)).as_posix()
    _remember(place)
    return place.name


def find_place(way: str, folder: Path, name: str = "") -> tuple[Path | None, list[Path]]:
    """What a checkpoint in `folder` names by `way` (or by `name`), None where there is none; and where it was looked for."""
    name = name or Path(way).name
    tried = [(folder / way).resolve()] if way else []
    tried += [Path(root) / name for root in os.environ.get(WEIGHTS_PATH, "").split(os.pathsep) if root]
    tried += [Path(known)] if (known := _remembered().get(name)) else []
    return next((place for place in tried if place.exists()), None), tried


def _near(place: Path, folder: Path) -> bool:
    """Whether the way between them stays below a folder that is neither the root nor above somebody's home."""
    try:
        shared = Path(os.path.commonpath([place, folder]))
    except ValueError:  # two drives
        return False
    return shared != Path(shared.anchor) and shared not in Path.home().resolve().parents


def _places() -> Path:
    return cache_folder() / "places.json"


def _remembered() -> dict[str, str]:
    try:
        known = read_json(_places()) if _places().exists() else {}
    except (OSError, ValueError):  # a damaged cache remembers nothing
        return {}
    return {name: place for name, place in known.items() if isinstance(place, str)} if isinstance(known, dict) else {}


def _remember(place: Path) -> None:
    write_json(_places(), _remembered() | {place.name: str(place)})
