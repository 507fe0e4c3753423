"""Write any suite as a folder suite: media by content hash, truth as archives, suite.yaml last.

A run carries such a copy of its suite, so it can be moved, scored and replayed without the original. What a suite in a folder takes to be
read and encoded is done once for all its runs (`awbench.suites.prepared`). A case whose media
cannot be read is kept, with the reason in the place of its files. A suite that has grown is written over its smaller self: cases that
are there already keep their media.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any, Collection

import yaml

from awbench.cases import Case, Suite
from awbench.suites.parse import SUITE_FILE, read_yaml
from awbench.suites.prepared import stored_media, trim_prepared
from models.artifacts import sha256
from models.progress import Progress
from models.storage import write_bytes
from models.types import Grid

MEDIA_FOLDER = "media"
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def suite_yaml(name: str, version: str, grid: Grid, cases: list[dict[str, Any]], fit: str = "crop") -> bytes:
    """The bytes of a suite.yaml; `cases` as the entries of that file."""
    content = {"name": name, "version": version, "grid": asdict(grid), "fit": fit, "cases": cases}
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=140).encode()


def case_entry(case: Case, **files: str | float) -> dict[str, Any]:
    """A case as an entry of suite.yaml; empty fields are left out."""
    own = {
        "prompt": case.prompt,
        "tags": dict(case.tags),
        "driver_id": case.driver_id,
        "identity_id": case.identity_id,
        "reference_pose": case.reference_pose,
    }
    return {"id": case.id} | {key: value for key, value in (files | own).items() if value}


def stored_entries(out: Path) -> dict[str, dict[str, Any]]:
    """The entries of OUT/suite.yaml by case id; none where there is no such file."""
    return {entry["id"]: entry for entry in read_yaml(out)["cases"]} if (out / SUITE_FILE).is_file() else {}


def write_snapshot(suite: Suite, out: Path, anew: Collection[str] = ()) -> None:
    """Write `suite` under `out`. Equal media are stored once; suite.yaml appears last.

    Cases that are there already are kept as they are, but for those of `anew`.
    """
    kept = {name: entry for name, entry in stored_entries(out).items() if name not in anew}
    entries = []
    with Progress(f"suite {suite.name}", len(suite.cases), already=sum(case.id in kept for case in suite.cases)) as bar:
        for case in suite.cases:
            entries.append(kept.get(case.id) or _store_case(suite, case, out))
            if case.id not in kept:
                bar.step(failed="problem" in entries[-1])
    trim_prepared()
    write_bytes(out / SUITE_FILE, suite_yaml(suite.name, suite.version, suite.grid, entries, suite.fit))


def _store_case(suite: Suite, case: Case, out: Path) -> dict[str, Any]:
    try:
        media = stored_media(suite, case)
    except (ValueError, OSError) as error:
        return case_entry(case, problem=str(error)[:1000] or type(error).__name__)
    files = {"driver": _store(media.driver, ".mp4", out), "reference": _store(media.reference, ".png", out)}
    files["truth"] = _store(media.truth, ".npz", out) if isinstance(media.truth, bytes) else media.truth
    known = {name: getattr(media, name) for name in ("adaptation", "driver_cut", "driver_origin")}
    return case_entry(case, **files, **known)


def _store(data: bytes, suffix: str, out: Path) -> str:
    name = f"{MEDIA_FOLDER}/{sha256(data)[:24]}{suffix}"
    if not (out / name).is_file() or (out / name).read_bytes() != data:
        write_bytes(out / name, data)
    return name
