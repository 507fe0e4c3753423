"""The form of a dataset's shards: plain WebDataset tars with the same members for every key, found by one walk over the headers.

    KEY.driver.mp4  KEY.json  KEY.reference.png  KEY.target.mp4
The factory writes them (`bootstrap.shards.writer`), training and reports read them; nothing is unpacked or trusted here: sizes are held
against the shard's own and against a limit, and a damaged shard or sample is handed to `on_damage` as a `DamagedShard` that names both
(default: raise). After a broken tar the rest of that shard is lost, after a broken sample only that sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, islice
from typing import Any, Callable, Iterable, Iterator, Sequence

from models.storage import exists, facts_of, is_url, join, open_read, read_range, redacted
from models.tar_headers import BrokenTar, Header, headers_of

MEMBERS = ("driver.mp4", "json", "reference.png", "target.mp4")
"""What every sample holds."""
LIMITS_B = {"driver.mp4": 1 << 29, "json": 1 << 22, "reference.png": 1 << 27, "target.mp4": 1 << 29}
"""At most so large: more is never read into memory."""
_MARKS = ("manifest.parquet", "work/plan.json", "shard-000000.tar")
_HEADER_B = 8192
"""Read at a time where headers are looked for: much more would read into the members."""
_BETWEEN_B = 1 << 16
"""Headers and filling between the members of one sample take less than this."""
_ADVICE = "run the same synthesize command again"


class DamagedShard(ValueError):
    """A shard or sample that cannot be read; the message names both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a sample lies: `spans` are (offset, size) in bytes of each member, in the order of `MEMBERS`."""

    shard: str
    key: str
    spans: Sequence[tuple[int, int]]


def stop(error: DamagedShard) -> None:
    """The default policy: damage ends the reading."""
    raise error


def is_dataset(folder: str) -> bool:
    """Whether the folder at a location is one that `synthesize` writes, finished or not."""
    return any(exists(join(folder, mark)) for mark in _MARKS)


def shown(text: str, most_chars: int = 80) -> str:
    """A name out of a shard as it may be printed: short, in one line, what commands a terminal escaped."""
    return _escaped(text if len(text) <= most_chars else f"{text[:most_chars]}...")


def sample_of(shard: str, key: str) -> str:
    """What messages call a sample."""
    return f"{shown_place(shard)}: sample {shown(key)}"


def shown_place(location: str) -> str:
    """A location as it may be printed, whole."""
    return _escaped(redacted(location))


def _escaped(text: str) -> str:
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape", "surrogatepass").decode() for sign in text)


def places_in(shards: Iterable[str], *, on_damage: Callable[[DamagedShard], Any] = stop) -> Iterator[Place]:
    """Where every whole sample of shards lies: from header to header, no member is read. A key that comes again is damage."""
    seen = set[str]()
    for shard in shards:
        try:
            for place in _places(shard, on_damage):
                if place.key in seen:
                    on_damage(DamagedShard(f"{sample_of(shard, place.key)}: key: got it a second time, expected each once"))
                    continue
                seen.add(place.key)
                yield place
        except (BrokenTar, OSError) as error:
            on_damage(unreadable(shard, error))


def unreadable(shard: str, error: Exception) -> DamagedShard:
    """The damage of a whole shard."""
    why = error.strerror if isinstance(error, OSError) and error.strerror else shown(str(error), 200)
    damage = DamagedShard(f"{shown_place(shard)}: not a readable tar ({type(error).__name__}: {why}); {_ADVICE}")
    damage.__cause__ = error  # a storage that does not answer is no damage: who must know asks
    return damage


def _places(shard: str, on_damage: Callable[[DamagedShard], Any]) -> Iterator[Place]:
    last, size_b, broken = "", facts_of(shard).size_b, list[BrokenTar]()
    with open_read(shard, block_b=_HEADER_B) as file:
        for key, headers in groupby(_until(broken, headers_of(file, size_b)), lambda header: header.name.partition(".")[0]):
            first, more = _few(headers)
            fault = _fault_of(key, sorted(first, key=lambda header: header.name), more)
            if not fault:
                spans = {header.name.partition(".")[2]: (header.at_b, header.size_b) for header in first}
                yield Place(shard=shard, key=key, spans=tuple(spans[name] for name in MEMBERS))
            elif not broken:  # else it lacks what was cut off
                on_damage(DamagedShard(f"{sample_of(shard, key)}: {fault}"))
            last = key if not (fault and broken) else last
    for error in broken:
        raise BrokenTar(f"{error} after sample {last}" if last else str(error)) from error


def _until(broken: list[BrokenTar], headers: Iterator[Header]) -> Iterator[Header]:
    """The headers up to the break of a tar: what stands before is whole."""
    try:
        yield from headers
    except BrokenTar as error:
        broken.append(error)


def _few(headers: Iterator[Header]) -> tuple[list[Header], int]:
    """As many as a sample has and one, and how many follow: there may be any number."""
    return list(islice(headers, len(MEMBERS) + 1)), sum(1 for _ in headers)


def _fault_of(key: str, headers: Sequence[Header], more: int) -> str:
    names = [header.name.partition(".")[2] for header in headers]
    if key.startswith("/") or not key or not key.isprintable():
        return f"key: got the member '{shown(headers[0].name)}', expected a name that a sample can have"
    if tuple(names) != MEMBERS:
        told = [shown(name) for name in names[: len(MEMBERS) + 1]]
        return f"members: got {told}{f' and {more} more' if more else ''}, expected {list(MEMBERS)}"
    odd = next((header for header in headers if header.fault), None)
    if odd is not None:
        return f"{shown(odd.name.partition('.')[2])}: got {odd.fault}, expected a plain file"
    return spans_fault([(header.at_b, header.size_b) for header in headers])


def spans_fault(spans: Sequence[tuple[int, int]]) -> str:
    """Why members that lie so are not read, "" where they are."""
    for name, (at, size) in zip(MEMBERS, spans):
        if at < 0 or not 0 <= size <= LIMITS_B[name]:
            return f"{name}: got {size} bytes at {at}, expected at most {LIMITS_B[name]}"
    if _extent(spans)[1] > sum(size for _, size in spans) + _BETWEEN_B:
        return "members: got other bytes between them, expected one after another"
    return ""


def read_members(place: Place, read: Callable[[str, int, int], bytes] = read_range) -> dict[str, bytes]:
    """The bytes of a sample by member name; `read_range` opens the shard anew, so threads share no file position. Raises DamagedShard."""
    start_b, size_b = _extent(place.spans)
    try:
        data = memoryview(read(place.shard, start_b, start_b + size_b))
    except OSError as error:
        raise DamagedShard(f"{sample_of(place.shard, place.key)}: {type(error).__name__}: {error.strerror}") from error
    members = {name: bytes(data[at - start_b : at - start_b + count]) for name, (at, count) in zip(MEMBERS, place.spans)}
    for name, (_, count) in zip(MEMBERS, place.spans):
        if len(members[name]) != count:
            raise DamagedShard(f"{sample_of(place.shard, place.key)}: cut inside {name}")
    return members


def _extent(spans: Iterable[tuple[int, int]]) -> tuple[int, int]:
    """First byte and number of bytes of all spans together: a sample is read at once."""
    spans = list(spans)
    start_b = min(at for at, _ in spans)
    return start_b, max(at + count for at, count in spans) - start_b


class OneOpen:
    """Reads ranges of shards one after another: the shard that was read last stays open, where it is a local file. Not for threads."""

    def __init__(self) -> None:
        self._shard, self._file = "", None

    def __call__(self, shard: str, start_b: int, end_b: int) -> bytes:
        if is_url(shard):
            return read_range(shard, start_b, end_b)
        if shard != self._shard:
            self.close()
            self._shard, self._file = shard, open_read(shard)
        self._file.seek(start_b)
        return self._file.read(end_b - start_b)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
        self._shard, self._file = "", None
