"""`export DATASET --to TRAINER`: the kept pairs of a finished dataset -> the folder that another trainer reads."""

from __future__ import annotations

import sys
from pathlib import Path

from bootstrap.export.folder import export_pairs
from bootstrap.export.formats import FORMATS
from models import storage
from models.types import require

_SHOWN = 5


def export_dataset(dataset: str, *, to: str, out: Path) -> str:
    """Write the folder; returns the line to print. Damaged samples are told on standard error."""
    require(to in FORMATS, "export", "--to", to, f"one of {', '.join(FORMATS)}")
    done = export_pairs(storage.resolve(dataset), out, FORMATS[to])
    for line in done.damaged[:_SHOWN]:
        print(f"export: left out: {line}", file=sys.stderr)
    left_out = f", {len(done.damaged)} damaged and left out" if done.damaged else ""
    if not done.written and not done.damaged:
        return f"{out}: already exported"
    return f"{out}: {done.pairs} pairs for {FORMATS[to].trainer}{left_out}"
