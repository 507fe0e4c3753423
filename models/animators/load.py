"""From what a user writes after --animator to an Animator: a name, `name:argument`, or a checkpoint folder."""

from __future__ import annotations

from inspect import signature
from pathlib import Path

from models.animators.registry import ANIMATORS
from models.catalog import Catalog
from models.protocols import Animator
from models.runtime import Runtime
from models.types import require

CHECKPOINT_FILE = "animator.json"
SHIPPED = Path(__file__).resolve().parents[1] / "weights"


def is_checkpoint(path: str | Path) -> bool:
    """Whether `path` is a checkpoint folder: one with animator.json in it."""
    return (Path(path) / CHECKPOINT_FILE).is_file()


def checkpoint_folder(name_or_path: str) -> Path:
    """The folder of a checkpoint, given as such or by the name of a shipped one. Raises ValueError naming what there is."""
    for folder in (Path(name_or_path), SHIPPED / name_or_path):
        if is_checkpoint(folder):
            return folder
    shipped = ", ".join(sorted(path.parent.name for path in SHIPPED.glob(f"*/{CHECKPOINT_FILE}")))
    expected = f"a finished checkpoint folder or one of {shipped}"
    raise ValueError(f"checkpoint {name_or_path}: got no {CHECKPOINT_FILE} there, expected {expected}")


def load_animator(name_or_path: str, catalog: Catalog = ANIMATORS, runtime: Runtime = Runtime()) -> Animator:
    """The animator of that name (`still`), name and argument (`recorded:DIR`) or checkpoint folder.

    `runtime` is for those that run a network: checkpoints, and names whose factory takes it.
    Raises ValueError with the nearest known names, or saying what a folder lacks.
    """
    name, colon, argument = name_or_path.partition(":")
    if name in catalog.table():
        factory = catalog.load(name)
        runs = {"runtime": runtime} if "runtime" in signature(factory).parameters else {}
        return factory(argument if colon else None, **runs)
    if is_checkpoint(name_or_path):
        from models.animators.checkpoint import load_checkpoint  # imports torch

        return load_checkpoint(name_or_path, runtime)
    got = "a folder without " + CHECKPOINT_FILE
    require(not Path(name_or_path).is_dir(), f"animator {name_or_path}", "folder", got, "a checkpoint folder or a known name")
    return catalog.load(name_or_path)


def absolute_animator(name: str, catalog: Catalog = ANIMATORS) -> str:
    """An animator's name with the path in it (`FOLDER`, `name:FOLDER`) made absolute: a worker has another working folder.

    Known names win over folders of the same name.
    """
    head, colon, argument = name.partition(":")
    if head in catalog.table():
        return f"{head}:{Path(argument).resolve()}" if colon and Path(argument).exists() else name
    return str(Path(name).resolve()) if Path(name).is_dir() else name
