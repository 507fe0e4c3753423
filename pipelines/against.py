"""`validate SUITE --against DATA`: footage and identities of a benchmark that are also in the data somebody trained on.

In: a suite, and a dataset of pairs or any media; out: one line for each driver or reference that is in both (`bootstrap.overlap`).
"""

from __future__ import annotations

from awbench.suites.load import load_suite
from bootstrap.overlap.against import overlaps as overlaps_with
from bootstrap.overlap.data import dataset_facts, media_facts
from models.storage import resolve
from models.types import require
from pipelines.folder_kind import KIND_NAMES, kind_of_folder


def overlaps(suite: str, data: str) -> tuple[list[str], list[str], list[str]]:
    """What is in both, one line each; what could not be looked at; the ids of the cases to leave out.

    Raises ValueError for what is no suite, or no data.
    """
    benchmark, kind = load_suite(suite), kind_of_folder(data)
    require(kind in ("dataset", "media"), "validate", "--against", f"{data}, {KIND_NAMES[kind]}", "a dataset or media")
    return overlaps_with(benchmark, dataset_facts(resolve(data)) if kind == "dataset" else media_facts(data))
