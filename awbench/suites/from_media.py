"""Make a suite folder from a folder of driving clips and a folder of reference images.

Labels come from clips.csv or manifest.csv beside the media or one folder up (columns file, subject, framing, count,
camera; `file` relative to the table). Media are copied into the suite, so that it can be moved. Pairing is seeded and
even: every clip and every image comes up before any comes up twice as often as another.
"""

from __future__ import annotations

import csv
import re
from math import lcm
from pathlib import Path
from typing import Any, Callable

from awbench.cases import MAX_ID_CHARS, Case
from awbench.suites.folder import SUITE_FILE, load_folder
from awbench.suites.snapshot import case_entry, suite_yaml
from models.artifacts import write_bytes
from models.images import IMAGE_SUFFIXES, read_image
from models.seeds import item_rng
from models.types import Grid, require
from models.video import VIDEO_SUFFIXES, read_window

LABEL_FILES = ("clips.csv", "manifest.csv")
_LABELS = ("subject", "framing", "count", "camera")
_SYNONYMS = {("count", "one"): "1", ("camera", "fixed"): "static"}

Labels = dict[Path, dict[str, str]]


def write_suite_from_media(
    driving: str | Path, references: str | Path, out: str | Path, grid: Grid, *, pairs: int | None = None, seed: int = 0, name: str = ""
) -> list[str]:
    """Write OUT/suite.yaml and its media; returns one line for each file that could not be used, with the reason.

    `pairs`: number of cases, None for every clip with every image. Raises ValueError when nothing can be paired.
    """
    out = Path(out)
    require(not (out / SUITE_FILE).exists(), f"suite {out}", SUITE_FILE, "already there", "a new folder", "choose another folder")
    require(pairs is None or pairs >= 1, f"suite {out}", "pairs", pairs, "a number >= 1, or None for all")
    clips, bad_clips = _usable(Path(driving), VIDEO_SUFFIXES, lambda path: read_window(path, grid))
    images, bad_images = _usable(Path(references), IMAGE_SUFFIXES, read_image)
    skipped = bad_clips + bad_images
    for kind, found, folder in (("driving clips", clips, driving), ("reference images", images, references)):
        require(
            bool(found), f"suite {out}", kind, f"none usable in {folder} ({len(skipped)} skipped)", "at least one", "; ".join(skipped[:3])
        )
    labels = read_labels(Path(driving)) | read_labels(Path(references))
    chosen = pair_evenly(sorted(clips), sorted(images), pairs, seed)
    places = {path: f"driving/{path.relative_to(driving).as_posix()}" for path in clips}
    places |= {path: f"reference/{path.relative_to(references).as_posix()}" for path in images}
    entries = [_entry(index, clip, image, places, labels) for index, (clip, image) in enumerate(chosen, 1)]
    for path in sorted({path for pair in chosen for path in pair}):
        write_bytes(out / places[path], path.read_bytes())
    write_bytes(out / SUITE_FILE, suite_yaml(name or "from-media", "1", grid, entries))
    load_folder(out, fingerprint=False)
    return skipped


def _usable(folder: Path, suffixes: frozenset[str], read: Callable[[Path], Any]) -> tuple[list[Path], list[str]]:
    require(folder.is_dir(), "suite", "media folder", folder, "an existing folder")
    good, bad = [], []
    for path in sorted(folder.rglob("*")):
        if (
            not path.is_file()
            or path.suffix.lower() not in suffixes
            or any(part.startswith(".") for part in path.relative_to(folder).parts)
        ):
            continue
        try:
            read(path)
            good.append(path)
        except (ValueError, OSError) as error:
            bad.append(f"{path.name}: {error}")
    return good, bad


def read_labels(folder: Path) -> Labels:
    """Labels by resolved file path, from the tables in `folder` and its parent."""
    labels: Labels = {}
    for table in (place / name for place in (folder.parent, folder) for name in LABEL_FILES):
        if not table.is_file():
            continue
        with open(table, newline="", encoding="utf-8-sig") as handle:
            for row in csv.DictReader(handle):
                values = {key: (row.get(key) or "").strip() for key in _LABELS}
                clean = {key: _SYNONYMS.get((key, value), value) for key, value in values.items() if value and value != "unknown"}
                labels[(table.parent / (row.get("file") or "")).resolve()] = clean
    return labels


def pair_evenly(clips: list[Path], images: list[Path], pairs: int | None, seed: int) -> list[tuple[Path, Path]]:
    """`pairs` different (clip, image) pairs, at most all, in a seeded order that walks both lists in step."""
    clips, images = list(clips), list(images)
    item_rng(seed, "clips").shuffle(clips)
    item_rng(seed, "images").shuffle(images)
    total, turn = len(clips) * len(images), lcm(len(clips), len(images))
    steps = range(total if pairs is None else min(pairs, total))
    return [(clips[k % len(clips)], images[(k + k // turn) % len(images)]) for k in steps]


def _entry(index: int, clip: Path, image: Path, places: dict[Path, str], labels: Labels) -> dict[str, Any]:
    driver, reference = labels.get(clip.resolve(), {}), labels.get(image.resolve(), {})
    tags = {key: driver[key] for key in ("framing", "count", "camera") if key in driver}
    tags |= {"driver_subject": driver["subject"]} if "subject" in driver else {}
    tags |= {"subject": reference["subject"], "reference_subject": reference["subject"]} if "subject" in reference else {}
    case = Case(
        id=case_id(index, clip, image),
        tags=tags | {"track": "cross", "novel": False},
        driver_id=places[clip],
        identity_id=places[image],
        reference_pose="independent",
    )
    return case_entry(case, driver=places[clip], reference=places[image])


def case_id(index: int, clip: Path, image: Path) -> str:
    """A legible id that stays within the rules: 0001-CLIP-IMAGE, shortened."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", f"{clip.stem[:28]}-{image.stem[:28]}").strip("-")
    return f"{index:04d}-{plain}"[:MAX_ID_CHARS].rstrip("-")
