"""`actorforge validate PATH`: what PATH is, and everything that is wrong with it, one line each.

PATH is a suite (name, folder or suite.yaml), a dataset, a run, a checkpoint or a folder of clips and images.
"""

from __future__ import annotations

from pathlib import Path

from models.types import require


def validate(path: str) -> tuple[str, list[str]]:
    """The kind of thing at `path` and its problems. Raises ValueError where there is nothing to check."""
    from awbench.catalog import SUITES

    folder = Path(path)
    if path.partition(":")[0] in SUITES.table() or folder.name == "suite.yaml" or (folder / "suite.yaml").is_file():
        from awbench.suites.load import validate as validate_suite

        return "suite", validate_suite(path)
    known = f"a suite ({', '.join(SUITES.table())} or a folder), a dataset, a run, a checkpoint or a folder of media"
    require(folder.is_dir(), "validate", "path", path, known)
    if (folder / "animator.json").is_file():
        return "checkpoint", _checkpoint_problems(folder)
    if (folder / "manifest.parquet").is_file() or (folder / "units").is_dir() or any(folder.glob("shard-*.tar")):
        from bootstrap.shards.validate import validate_dataset

        return "dataset", validate_dataset(folder)
    if (folder / "suite" / "suite.yaml").is_file() or (folder / "plan.json").is_file():
        from awbench.run_validation import validate_run

        return "run", validate_run(folder)
    return "clip folder", _media_problems(folder)


def notes(path: str) -> list[str]:
    """What should be known of a suite without problems, though it is none: see `awbench.suites.folder.notes_of_suite`."""
    from awbench.suites.folder import SUITE_FILE, notes_of_suite

    folder = Path(path).parent if Path(path).name == SUITE_FILE else Path(path)
    return notes_of_suite(folder) if (folder / SUITE_FILE).is_file() else []


def _checkpoint_problems(folder: Path) -> list[str]:
    from models.animators.load import load_animator

    try:
        load_animator(str(folder))
    except Exception as error:  # a damaged description or weights that do not fit it fail in many ways
        return [f"checkpoint {folder}: {' '.join(str(error).split())[:500]}"]
    return []


def _media_problems(folder: Path) -> list[str]:
    from bootstrap.sources import scan_driving, scan_references
    from models.types import Grid

    clips, pictures = scan_driving(folder, Grid(width=16, height=16, fps=8.0, num_frames=2)), scan_references(folder)
    found = {item.id: item.reason for listing in (pictures, clips) for item in listing.unreadable}
    usable = {item.id for listing in (pictures, clips) for item in listing.usable} - set(found)
    require(bool(usable or found), "validate", "path", folder, "a folder that holds media, a suite, a dataset, a run or a checkpoint")
    return [f"{name}: {reason}" for name, reason in sorted(found.items())]
