"""Samples -> WebDataset tars, byte-reproducible: ustar, mtime 0, no owner, members of a sample together and sorted.

A sample is a key without dots and the same members for every key:
    KEY.driver.mp4  KEY.json  KEY.reference.png  KEY.target.mp4
Headers are packed here, so that their bytes depend on no library's version. A `fragment` is what one sample takes of a shard: shards are
made of fragments, one after another, and an end. In: bytes by member name, or fragments. Out: where they lie, and size and sha256 of all.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import BinaryIO, Mapping, Sequence

from models.shards import LIMITS_B, MEMBERS
from models.types import require

_KEY = re.compile(r"[0-9A-Za-z_-]{1,64}")
_BLOCK_B, _RECORD_B = 512, 10240
_MOST_B = 8**11 - 1
_TOGETHER_B = 1 << 20
"""Samples up to this size are written at once: few calls cost less than the copy."""
_BEFORE_SIZE = b"0000644\0" + b"0000000\0" * 2  # mode, owner, group
_BEFORE_SUM, _AFTER_SUM = b"0" * 11 + b"\0", b"0" + bytes(100) + b"ustar\x0000" + bytes(247)  # time; regular file, no link, no names
_FIXED_SUM = sum(_BEFORE_SIZE + _BEFORE_SUM + _AFTER_SUM) + 8 * ord(" ")

Spans = tuple[tuple[int, int], ...]
"""(offset, size) in bytes of each of `MEMBERS`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardFacts:
    """A finished shard."""

    bytes: int
    sha256: str


def member(name: str, data: bytes) -> bytes:
    """One file of a tar: its header, its bytes, zeros up to a whole block."""
    return b"".join((_header(name, len(data)), data, _filling(len(data))))


def ending(size_b: int) -> bytes:
    """What follows the last member of a tar that has `size_b` bytes so far."""
    return bytes(2 * _BLOCK_B + -(size_b + 2 * _BLOCK_B) % _RECORD_B)


def fragment(key: str, members: Mapping[str, bytes]) -> bytes:
    """The bytes a shard holds of one sample. Raises ValueError for a bad key or member set."""
    return b"".join(_pieces(key, members))


class ShardWriter:
    """Samples go to `file` as they come; nothing is kept but their keys. `size_b`: bytes written so far.

    `checksum=False` leaves sha256 empty. The file is the caller's to open, publish and close.
    """

    def __init__(self, file: BinaryIO, *, checksum: bool = True) -> None:
        self.size_b = 0
        self._file, self._keys = file, set[str]()
        self._hash = hashlib.sha256() if checksum else None

    def add(self, key: str, members: Mapping[str, bytes]) -> Spans:
        """Write a sample; where its members lie. Raises ValueError for a bad key or member set, and for a key that is there already."""
        pieces = _pieces(key, members)
        spans = _spans(self.size_b, [len(members[name]) for name in MEMBERS])
        self._write(key, pieces)
        return spans

    def close(self) -> ShardFacts:
        """Write the end of the tar; the writer is of no use after it."""
        self._put(ending(self.size_b))
        return ShardFacts(bytes=self.size_b, sha256="" if self._hash is None else self._hash.hexdigest())

    def _write(self, key: str, pieces: Sequence[bytes | memoryview]) -> None:
        _check_key(key)
        require(key not in self._keys, "sample", "key", repr(key), "unique within its shard")
        self._keys.add(key)
        for piece in [b"".join(pieces)] if sum(map(len, pieces)) <= _TOGETHER_B else pieces:
            self._put(piece)

    def _put(self, data: bytes | memoryview) -> None:
        self._file.write(data)
        self.size_b += len(data)
        if self._hash is not None:
            self._hash.update(data)


def _pieces(key: str, members: Mapping[str, bytes]) -> list[bytes]:
    _check_key(key)
    require(tuple(sorted(members)) == MEMBERS, f"sample {key}", "members", sorted(members), str(list(MEMBERS)))
    pieces = []
    for name in MEMBERS:
        data = members[name]
        require(len(data) <= LIMITS_B[name], f"sample {key}: {name}", "bytes", len(data), f"<= {LIMITS_B[name]}, what readers take")
        pieces += [_header(f"{key}.{name}", len(data)), data, _filling(len(data))]
    return pieces


def _check_key(key: str) -> None:
    require(bool(_KEY.fullmatch(key)), "sample", "key", repr(key), "unique, of 1-64 letters, digits, _ and -")


def _spans(start_b: int, sizes: Sequence[int]) -> Spans:
    """Where the members of a sample that begins at `start_b` lie."""
    spans = []
    for size in sizes:
        spans.append((start_b + _BLOCK_B, size))
        start_b += _BLOCK_B + size + -size % _BLOCK_B
    return tuple(spans)


def _header(name: str, size: int) -> bytes:
    require(size <= _MOST_B, name, "bytes", size, f"<= {_MOST_B}")
    title, digits = name.encode("ascii").ljust(100, b"\0"), b"%011o\0" % size
    check = b"%06o\0 " % (sum(title) + sum(digits) + _FIXED_SUM)
    return b"".join((title, _BEFORE_SIZE, digits, _BEFORE_SUM, check, _AFTER_SUM))


def _filling(size: int) -> bytes:
    return bytes(-size % _BLOCK_B)
