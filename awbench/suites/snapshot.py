"""Write any suite as a folder suite: media by content hash, truth as archives, suite.yaml last.

A run carries such a copy of its suite, so it can be moved, scored and replayed without the original. A case whose media
cannot be read is kept, with the reason in the place of its files.
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from awbench.cases import Case, CaseMedia, Suite
from awbench.suites.arrays import pack, truth_arrays
from awbench.suites.folder import SUITE_FILE
from models.artifacts import sha256, write_bytes
from models.images import encode_image
from models.progress import Progress
from models.types import Grid
from models.video import encode_video

MEDIA_FOLDER = "media"
_Dumper = getattr(yaml, "CSafeDumper", yaml.SafeDumper)


def suite_yaml(name: str, version: str, grid: Grid, cases: list[dict[str, Any]]) -> bytes:
    """The bytes of a suite.yaml; `cases` as the entries of that file."""
    content = {"name": name, "version": version, "grid": asdict(grid), "cases": cases}
    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=140).encode()


def case_entry(case: Case, **files: str) -> dict[str, Any]:
    """A case as an entry of suite.yaml; empty fields are left out."""
    own = {
        "prompt": case.prompt,
        "tags": dict(case.tags),
        "driver_id": case.driver_id,
        "identity_id": case.identity_id,
        "reference_pose": case.reference_pose,
    }
    return {"id": case.id} | {key: value for key, value in (files | own).items() if value}


def write_snapshot(suite: Suite, out: Path) -> None:
    """Write `suite` under `out`. Equal media are stored once; suite.yaml appears last."""
    entries = []
    with Progress(f"suite {suite.name}", len(suite.cases)) as bar:
        for case in suite.cases:
            entries.append(_store_case(suite, case, out))
            bar.step(failed="problem" in entries[-1])
    write_bytes(out / SUITE_FILE, suite_yaml(suite.name, suite.version, suite.grid, entries))


def _store_case(suite: Suite, case: Case, out: Path) -> dict[str, Any]:
    try:
        media = suite.load(case.id)
    except (ValueError, OSError) as error:
        return case_entry(case, problem=str(error)[:1000] or type(error).__name__)
    return case_entry(case, **_store_media(media, out), adaptation=media.adaptation)


def _store_media(media: CaseMedia, out: Path) -> dict[str, str]:
    files = {
        "driver": _store(encode_video(media.driving), ".mp4", out),
        "reference": _store(encode_image(media.reference), ".png", out),
    }
    return files if media.truth is None else files | {"truth": _store(pack(truth_arrays(media.truth)), ".npz", out)}


def _store(data: bytes, suffix: str, out: Path) -> str:
    name = f"{MEDIA_FOLDER}/{sha256(data)[:24]}{suffix}"
    if not (out / name).is_file() or (out / name).read_bytes() != data:
        write_bytes(out / name, data)
    return name
