"""Files found by what somebody wrote for them: whatever the Unicode form, case, slashes, `./` and blanks around the parts."""

from __future__ import annotations

import re
import unicodedata
from typing import Iterable

from models.types import require


def plain_name(name: str) -> str:
    """A relative path as it is compared: composed Unicode, `/`, no `.` parts, no blanks around parts, case folded."""
    parts = unicodedata.normalize("NFC", name).replace("\\", "/").split("/")
    return "/".join(part.strip().casefold() for part in parts if part.strip() not in ("", "."))


class FileNames:
    """Names of files (paths relative to one folder, `/` between parts), found by what is written for them."""

    def __init__(self, names: Iterable[str]) -> None:
        self._exact = dict.fromkeys(names)
        self._plain: dict[str, list[str]] = {}
        self._tails: dict[str, list[str]] | None = None
        for name in self._exact:
            self._plain.setdefault(plain_name(name), []).append(name)

    def find(self, written: str) -> str | None:
        """The file of that path. Raises ValueError where several are meant by it."""
        return written if written in self._exact else self._one(written, self._plain.get(plain_name(written), []))

    def find_by_part(self, written: str) -> str | None:
        """The file of that path, or the only one whose path ends so, with or without folders and ending. Raises ValueError for several."""
        found, parts, tails = self.find(written), plain_name(written).split("/"), self._by_tail()
        for first in range(len(parts)):
            found = found or self._one(written, tails.get("/".join(parts[first:]), []))
        return found

    def _by_tail(self) -> dict[str, list[str]]:
        if self._tails is None:
            self._tails = {}
            for name in self._exact:
                for tail in _tails(plain_name(name)):
                    self._tails.setdefault(tail, []).append(name)
        return self._tails

    def _one(self, written: str, names: list[str]) -> str | None:
        shown = ", ".join(sorted(names)[:3])
        require(len(names) < 2, f"file {written!r}", "meaning", f"{len(names)} files ({shown})", "one", "write its whole path")
        return names[0] if names else None


def _tails(name: str) -> set[str]:
    parts = name.split("/")
    tails = {"/".join(parts[first:]) for first in range(len(parts))}
    return tails | {re.sub(r"(?<=[^/])\.[^./]*$", "", tail) for tail in tails}
