"""The row of an attempted pair, as sidecars and manifest hold it: nothing in it depends on time, host, workers or order of completion."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from bootstrap.filters import Pair, Rejection
from bootstrap.pairing import PairSpec
from bootstrap.recipe import Recipe
from models.artifacts import to_json

SCHEMA = pa.schema(
    [
        ("key", pa.string()),
        ("driving", pa.string()),
        ("driving_sha256", pa.string()),
        ("reference", pa.string()),
        ("reference_sha256", pa.string()),
        ("window", pa.list_(pa.float64())),  # start and end in the source, s
        ("crop", pa.list_(pa.int32())),  # x, y, w, h in the source, px
        ("teacher", pa.string()),
        ("teacher_hash", pa.string()),
        ("seed", pa.int64()),
        ("status", pa.string()),
        ("reason", pa.string()),
        ("verdicts", pa.string()),  # JSON list of {check, value, threshold, passed, reason}
        ("shard", pa.string()),
    ]
)


def judged_row(recipe: Recipe, result: Pair | Rejection) -> dict[str, Any]:
    """The row of a pair that was made and judged; its shard is said when there is one."""
    kept, window, grid = isinstance(result, Pair), result.media.window, recipe.grid
    return _row(
        recipe,
        result.spec,
        window=[window.start_s, window.start_s + (grid.num_frames - 1) / grid.fps],
        crop=list(window.crop),
        status="kept" if kept else "rejected",
        reason="" if kept else result.reason,
        verdicts=to_json([verdict.to_json() for verdict in result.verdicts]).strip(),
        shard="",
    )


def failed_row(recipe: Recipe, spec: PairSpec, reason: str) -> dict[str, Any]:
    """The row of a pair that could not be made."""
    return _row(recipe, spec, window=None, crop=None, status="failed", reason=reason, verdicts="[]", shard="")


def _row(recipe: Recipe, spec: PairSpec, **fields: Any) -> dict[str, Any]:
    teacher = {"teacher": recipe.teacher.name, "teacher_hash": recipe.teacher.weights_hash, "seed": spec.seed}
    hashes = {"driving_sha256": spec.driving_sha256, "reference_sha256": spec.identity_sha256}
    return {"key": spec.key, "driving": spec.driving, "reference": spec.identity, **hashes, **teacher, **fields}
