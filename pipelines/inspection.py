"""Files looked at by worker processes, with progress, as they come.

In: (location, kind) of files that nobody has looked at yet; out: what `bootstrap.sources.inspection` says of each.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Callable, Iterator, Sequence

from awbench.media.kinds import Kind
from bootstrap.sources.facts import Facts, Unread
from models.progress import Progress
from pipelines.cluster import Lost, cluster, run_units

File = tuple[str, Kind]


def inspected(files: Sequence[File], workers: int, held: ExitStack) -> Iterator[tuple[str, Facts]]:
    """(location, facts) of every file. `held`: keeps the workers' cluster open for what comes next."""
    held.enter_context(cluster(workers))
    with Progress(f"inspect {files[0][1]}s", total=len(files)) as progress:
        for place, facts in run_units(_make_inspector, files, workers, label="inspect"):
            facts = Unread(reason=facts.reason, transient=True) if isinstance(facts, Lost) else facts
            progress.step(failed=isinstance(facts, Unread))
            yield files[place][0], facts


def _make_inspector() -> Callable[[File], Facts]:
    return _inspect


def _inspect(file: File) -> Facts:
    from bootstrap.sources.inspection import inspect

    return inspect(*file)
