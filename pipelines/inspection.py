"""Files looked at by worker processes, with progress, as they come.

In: (location, kind) of files that nobody has looked at yet; out: what `bootstrap.sources.inspection` says of each.
"""

from __future__ import annotations

from contextlib import ExitStack
from typing import Callable, Iterator, Sequence

from awbench.media.kinds import Kind
from bootstrap.sources.facts import Facts, Unread
from models.progress import Progress
from pipelines.executor.pools import Cluster, Lost, Policy
from pipelines.executor.run import run_items
from pipelines.executor.session import session

File = tuple[str, Kind]
PATIENCE_S = 3600.0
"""A file that has not been read through after so long never answers."""


def inspected(files: Sequence[File], workers: int, held: ExitStack, cluster: Cluster = Cluster()) -> Iterator[tuple[str, Facts]]:
    """(location, facts) of every file. `held`: keeps the workers' session open for what comes next; `cluster`: what that needs."""
    held.enter_context(session(workers, cluster=cluster))
    policy = Policy(timeout_s=PATIENCE_S, name_of=lambda file: file[0])
    with Progress(f"inspect {_what(files)}", total=len(files)) as progress:
        spotless = not any(kind.startswith("people by ") for _, kind in files)  # an estimator stays where it was loaded
        for place, facts in run_items(_make_inspector, files, workers, label="inspect", policy=policy, spotless=spotless):
            facts = Unread(reason=facts.reason, transient=True) if isinstance(facts, Lost) else facts
            progress.step(failed=isinstance(facts, Unread))
            yield files[place][0], facts


def _what(files: Sequence[File]) -> str:
    kinds = {kind for _, kind in files}
    if len(kinds) > 1:
        return "files"
    (kind,) = kinds
    return "people" if kind.startswith("people by ") else f"{kind}s"


def _make_inspector() -> Callable[[File], Facts]:
    return _inspect


def _inspect(file: File) -> Facts:
    from bootstrap.sources.inspection import inspect

    return inspect(*file)
