"""From what a user writes after --animator to an Animator: a name, `name:argument`, or a checkpoint folder."""

from __future__ import annotations

from pathlib import Path

from models.animators.registry import ANIMATORS
from models.catalog import Catalog
from models.protocols import Animator

CHECKPOINT_FILE = "animator.json"


def is_checkpoint(path: str | Path) -> bool:
    """Whether `path` is a checkpoint folder: one with animator.json in it."""
    return (Path(path) / CHECKPOINT_FILE).is_file()


def load_animator(name_or_path: str, catalog: Catalog = ANIMATORS) -> Animator:
    """The animator of that name (`still`), name and argument (`recorded:DIR`) or checkpoint folder.

    Raises ValueError with the nearest known names, or saying what a folder lacks.
    """
    name, colon, argument = name_or_path.partition(":")
    if name in catalog.table():
        return catalog.load(name)(argument if colon else None)
    if is_checkpoint(name_or_path):
        from models.animators.checkpoint import load_checkpoint  # imports torch

        return load_checkpoint(name_or_path)
    if Path(name_or_path).is_dir():
        raise ValueError(f"animator {name_or_path}: got a folder without {CHECKPOINT_FILE}, expected a checkpoint folder or a known name")
    return catalog.load(name_or_path)
