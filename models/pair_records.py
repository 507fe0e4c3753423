"""What came of one pair of a dataset in the making, as it lies there until its unit is sealed; nothing is unpacked or trusted.

    work/made/UUUUUU/KEY.tar    the members of the sample as a shard has them, none without a sample
                                KEY.row.json    {pair, row, content, again, trouble, filters}
The factory writes and seals these records (`bootstrap.records`); whoever looks on reads them here.
"""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

from models import storage
from models.shards import LIMITS_B, MEMBERS
from models.types import require

MADE = "work/made"
"""Where the records of pairs lie below a dataset, by unit."""
ROW = "row.json"
_ROW_B = 1 << 24
_BLOCK_B = 8192


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRecord:
    """`told`: the fields of KEY.row.json; `spans`: (offset, size) of each of MEMBERS, empty without a sample."""

    told: Mapping[str, Any]
    spans: Sequence[tuple[int, int]] = field(default=())

    @property
    def row(self) -> dict[str, Any]:
        return dict(self.told["row"])


def name_of_record(unit: int, key: str) -> str:
    """Where a pair's record lies below the dataset."""
    return f"{MADE}/{unit:06d}/{key}.tar"


def unit_of_record(name: str) -> str:
    """The unit's number in the name of a record, as its files have it."""
    return name.removeprefix(f"{MADE}/").partition("/")[0]


def is_record(name: str) -> bool:
    return name.startswith(f"{MADE}/") and name.endswith(".tar")


def read_pair_record(location: str) -> PairRecord | None:
    """None for one that is gone, or damaged. Raises OSError where the storage does not answer."""
    try:
        return _read(location)
    except FileNotFoundError:
        return None
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError, AttributeError):
        return None


def members_of_record(location: str) -> dict[str, bytes]:
    """The sample in a record, by what follows the key. Raises OSError, and ValueError for one that is damaged or has none."""
    try:
        spans = _read(location).spans
    except (tarfile.TarError, EOFError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{storage.redacted(location)}: not a readable record ({error})") from error
    require(bool(spans), storage.redacted(location), "members", "none", ", ".join(MEMBERS))
    return {name: storage.read_range(location, at, at + size) for name, (at, size) in zip(MEMBERS, spans)}


def _read(location: str) -> PairRecord:
    with storage.open_read(location, block_b=_BLOCK_B) as file, tarfile.open(fileobj=file, mode="r:") as tar:
        headers = {header.name.partition(".")[2]: header for header in tar if header.isreg()}
        last = headers.pop(ROW)
        require(last.size <= _ROW_B, location, ROW, f"{last.size} bytes", f"at most {_ROW_B}")
        told = json.loads(tar.extractfile(last).read())
    require(isinstance(told["row"], dict), location, ROW, type(told["row"]).__name__, "a row")
    return PairRecord(told=told, spans=_spans(location, headers))


def _spans(location: str, headers: Mapping[str, tarfile.TarInfo]) -> tuple[tuple[int, int], ...]:
    if not headers:
        return ()
    require(headers.keys() == set(MEMBERS), location, "members", ", ".join(headers), ", ".join(MEMBERS))
    large = [name for name, header in headers.items() if header.size > LIMITS_B[name]]
    require(not large, location, "members", f"too large: {', '.join(large)}", "what readers take")
    return tuple((headers[name].offset_data, headers[name].size) for name in MEMBERS)
