"""The headers of a tar of anybody's, one after another; no member is read, and nothing declared in them is believed.

In: an open file and its size. Out: where each member lies. Plain ustar, with the pax records that other writers add for times and long
names; whatever else a tar can hold (links, devices, sparse files, sizes beyond octal) has a `fault`, or ends the walk as a `BrokenTar`.
Memory and time follow the bytes that are there, not those that are declared.
Source: POSIX.1-2017, pax, "ustar Interchange Format" and "pax Header Block".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import BinaryIO, Iterator

BLOCK_B = 512
_MOST_PAX_B, _MOST_FILLING_B = 1 << 16, 1 << 20
_SIZE, _NUMBER = re.compile(rb" *([0-7]{1,11})[ \0]*"), re.compile(rb"[ \0]*([0-7]+)[ \0]*")
_RECORD = re.compile(rb"[0-9]+ ([^=\n]+)=([^\n]*)\n")
_KINDS = {b"1": "a hard link", b"2": "a link", b"3": "a device", b"4": "a device", b"5": "a folder", b"6": "a FIFO", b"S": "a sparse file"}
_TOLD = ("atime", "ctime", "mtime", "uid", "gid", "uname", "gname", "comment", "SCHILY.", "LIBARCHIVE.", "path")
"""Pax records that change nothing but names and times."""


class BrokenTar(ValueError):
    """What follows cannot be found any more."""


@dataclass(frozen=True, slots=True)
class Header:
    """A member: `size_b` bytes from `at_b` on. `fault`: why it is no plain file, else ""."""

    name: str
    at_b: int
    size_b: int
    fault: str


def headers_of(file: BinaryIO, file_b: int) -> Iterator[Header]:
    """Every member of a tar of `file_b` bytes. Raises BrokenTar where it is cut or broken, after what stands before."""
    at, name = 0, ""
    while (block := _block(file, at)).count(0) < BLOCK_B:
        kind, size = block[156:157], _size_in(block, at)
        begin, at = at + BLOCK_B, at + BLOCK_B + size + -size % BLOCK_B
        own, name = name or _name_in(block), ""
        if begin + size > file_b:
            raise BrokenTar(f"cut inside {own}")
        if kind in b"xg":
            name = _renamed(file, size)
        else:
            yield Header(own, begin, size, "" if kind in b"0\0" else _KINDS.get(kind, f"of the kind {kind!r}"))
    _check_filling(file, file_b - at)


def _block(file: BinaryIO, at: int) -> bytes:
    file.seek(at)
    block = file.read(BLOCK_B)
    if len(block) < BLOCK_B:
        raise BrokenTar("cut")
    return block


def _size_in(block: bytes, at: int) -> int:
    """The declared size of a header whose sum is right."""
    told = _NUMBER.fullmatch(block[148:156])
    if not told or int(told[1], 8) != sum(block) - sum(block[148:156]) + 8 * ord(" "):
        raise BrokenTar("broken header" if at else "no tar header at its beginning")
    size = _SIZE.fullmatch(block[124:136])
    if not size:
        raise BrokenTar(f"{_name_in(block)}: size: got {block[124:136]!r}, expected an octal number")
    return int(size[1], 8)


def _name_in(block: bytes) -> str:
    prefix = block[345:500].partition(b"\0")[0] if block[257:263] == b"ustar\0" else b""
    return b"/".join(part for part in (prefix, block[:100].partition(b"\0")[0]) if part).decode("utf-8", "backslashreplace")


def _renamed(file: BinaryIO, size: int) -> str:
    """The name that pax records give the next member, else "". Raises BrokenTar for records that change where its bytes lie."""
    if size > _MOST_PAX_B:
        raise BrokenTar(f"pax records: got {size} bytes, expected at most {_MOST_PAX_B}")
    records = {name.decode("utf-8", "backslashreplace"): value for name, value in _RECORD.findall(file.read(size))}
    for name in records:
        if not name.startswith(_TOLD):
            raise BrokenTar(f"pax record {name}: expected plain members")
    return records.get("path", b"").decode("utf-8", "backslashreplace")


def _check_filling(file: BinaryIO, rest_b: int) -> None:
    """Only zeros follow the end, and not many: a broken header must not be taken for an end."""
    if rest_b > _MOST_FILLING_B:
        raise BrokenTar(f"{rest_b} bytes after its end")
    if file.read().count(0) + BLOCK_B < rest_b:
        raise BrokenTar("broken header")
