"""How a dataset grows: which sources each generation added, and which pairs are attempted. Nothing that was planned is ever taken back.

    work/generation-000000.sources.parquet    role, id, sha256, starts_s, tags: the files this generation added
    work/generation-000000.pairs.parquet      window, identity: the pairs it plans, in order
Windows and identities are counted through over all generations; a pair is two such numbers, so that plans stay small and hold whatever
happens to the folders. New footage, identities or windows begin a generation; a raised limit goes on with the last one. Sources are known
by content: a file under another name is no new one, another content under the same name is.
"""

from __future__ import annotations

import io
import json
from dataclasses import dataclass, field
from typing import Any, Iterator, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from bootstrap.sources.source import Source
from models import storage
from models.artifacts import write_parquet

DRIVING, REFERENCE = "driving", "reference"
_SOURCES = pa.schema(
    [("role", pa.string()), ("id", pa.string()), ("sha256", pa.string()), ("starts_s", pa.list_(pa.float64())), ("tags", pa.string())]
)
_PAIRS = pa.schema([("window", pa.int32()), ("identity", pa.int32())])
NO_PAIRS = np.zeros((0, 2), np.int64)

WindowId = tuple[str, float]
"""A window as it is known: sha256 of the clip and its start, s."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Generation:
    """`added`: role -> the sources it brought, with new windows only; `pairs`: int64 `[N,2]` numbers of windows and identities."""

    added: Mapping[str, tuple[Source, ...]]
    pairs: np.ndarray = field(default_factory=lambda: NO_PAIRS)


class History:
    """What earlier generations know. `windows`, `identities`: number -> what it stands for."""

    def __init__(self, generations: Sequence[Generation] = ()) -> None:
        self.generations: tuple[Generation, ...] = tuple(generations)
        self.windows: list[WindowId] = []
        self.identities: list[str] = []
        self.known: dict[str, dict[str, Source]] = {DRIVING: {}, REFERENCE: {}}
        self.born: dict[tuple[str, str], int] = {}
        for number, generation in enumerate(self.generations):
            self._learn(number, generation)
        self.window_numbers = {window: number for number, window in enumerate(self.windows)}
        self.identity_numbers = {content: number for number, content in enumerate(self.identities)}

    def _learn(self, number: int, generation: Generation) -> None:
        for source in generation.added[DRIVING]:
            self.windows += [(source.sha256, start_s) for start_s in source.starts_s]
        self.identities += [source.sha256 for source in generation.added[REFERENCE]]
        for role, sources in generation.added.items():
            self.known[role].update((source.sha256, source) for source in sources)
            for source in sources:
                self.born.setdefault((role, source.sha256), number)

    @property
    def pairs(self) -> np.ndarray:
        """All planned pairs, int64 `[N,2]`."""
        return np.concatenate([NO_PAIRS, *(generation.pairs for generation in self.generations)])

    @property
    def total(self) -> int:
        return sum(len(generation.pairs) for generation in self.generations)

    def units(self, size: int) -> Iterator[tuple[int, int, int]]:
        """(generation, start, stop) of every unit: at most `size` pairs of one generation."""
        for number, generation in enumerate(self.generations):
            for start in range(0, len(generation.pairs), size):
                yield number, start, min(start + size, len(generation.pairs))


def unknown(history: History, driving: Sequence[Source], references: Sequence[Source]) -> dict[str, tuple[Source, ...]]:
    """Role -> sources that no generation has, clips with the windows that none has."""
    clips = (_with_new_windows(source, history) for source in driving)
    people = tuple(source for source in references if source.sha256 not in history.identity_numbers)
    return {DRIVING: tuple(clip for clip in clips if clip.starts_s), REFERENCE: people}


def _with_new_windows(source: Source, history: History) -> Source:
    starts_s = tuple(start_s for start_s in source.starts_s if (source.sha256, start_s) not in history.window_numbers)
    return Source(id=source.id, location="", sha256=source.sha256, starts_s=starts_s, tags=source.tags)


def _name(folder: str, number: int, part: str) -> str:
    return storage.join(folder, f"generation-{number:06d}.{part}.parquet")


def read_history(folder: str) -> History:
    """The generations recorded in `folder`. One without its pairs was never begun."""
    generations: list[Generation] = []
    while storage.exists(_name(folder, len(generations), "pairs")):
        number = len(generations)
        sources = [_source(row) for row in _rows(_name(folder, number, "sources"), _SOURCES)]
        added = {role: tuple(source for named, source in sources if named == role) for role in (DRIVING, REFERENCE)}
        table = _table(_name(folder, number, "pairs"), _PAIRS)
        pairs = np.stack([table[name].to_numpy() for name in _PAIRS.names], axis=1).astype(np.int64)
        generations.append(Generation(added=added, pairs=pairs))
    return History(generations)


def write_history(folder: str, history: History, since: int) -> None:
    """Record the generations from number `since` on, each declared begun by its pairs."""
    for number in range(since, len(history.generations)):
        generation = history.generations[number]
        rows = [_row(role, source) for role, sources in generation.added.items() for source in sources]
        write_parquet(_name(folder, number, "sources"), rows, _SOURCES)
        sink = io.BytesIO()
        columns = [pa.array(column, pa.int32()) for column in generation.pairs.T]
        pq.write_table(pa.table(columns, schema=_PAIRS), sink, compression="zstd")
        storage.write_bytes(_name(folder, number, "pairs"), sink.getvalue())


def _table(location: str, schema: pa.Schema) -> pa.Table:
    try:
        return pq.ParquetFile(io.BytesIO(storage.read_bytes(location))).read(columns=schema.names).cast(schema)
    except (pa.ArrowException, ValueError, FileNotFoundError) as error:
        why = "no such file" if isinstance(error, FileNotFoundError) else type(error).__name__
        raise ValueError(f"{location}: not a readable plan ({why}); restore it from a copy, or choose another --out") from error


def _rows(location: str, schema: pa.Schema) -> list[dict[str, Any]]:
    return _table(location, schema).to_pylist()


def _row(role: str, source: Source) -> dict[str, Any]:
    tags = json.dumps(dict(source.tags), sort_keys=True, ensure_ascii=False)
    return {"role": role, "id": source.id, "sha256": source.sha256, "starts_s": list(source.starts_s), "tags": tags}


def _source(row: Mapping[str, Any]) -> tuple[str, Source]:
    starts_s, tags = tuple(row["starts_s"]), json.loads(row["tags"])
    return row["role"], Source(id=row["id"], location="", sha256=row["sha256"], starts_s=starts_s, tags=tags)
