"""What a round came to, counted row by row: nothing of a row is held but its numbers."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Mapping, Sequence

_HASH = re.compile(r"\b[0-9a-f]{16,}\b")
_DOUBLE, _NUMBER = re.compile(r"^double of .*: "), re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a finished round holds. `unreadable`: unusable input files; `reasons`: reason -> pairs, `causes`: reason -> such files.

    Commonest first, each told by the first of it, whole. Rejections by one check are one reason; so are failures, and files, whose reasons
    differ in numbers only, or in the hash that a pair is called by.
    """

    attempted: int
    kept: int
    rejected: int
    failed: int
    unreadable: int
    reasons: dict[str, int]
    causes: dict[str, int] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Tally:
    """Counts over the rows of a manifest: pairs, and input files that could not be used."""

    _statuses: Counter[str] = field(default_factory=Counter)
    _groups: dict[str, list[Any]] = field(default_factory=dict)
    _inputs: dict[str, list[Any]] = field(default_factory=dict)
    _judged: Counter[str] = field(default_factory=Counter)
    _passed: Counter[str] = field(default_factory=Counter)

    def add(self, row: Mapping[str, Any]) -> None:
        """Count a row; one without verdicts adds to no yield, one with one side only is an input file."""
        status, reason = row["status"], row["reason"]
        if not (row["driving"] and row["reference"]):
            cause = _DOUBLE.sub("double: ", reason)
            self._inputs.setdefault(_NUMBER.sub("#", cause), [cause, 0])[1] += 1
            return
        self._statuses[status] += 1
        if status != "kept":
            group = reason.partition(":")[0] if status == "rejected" else _NUMBER.sub("#", _HASH.sub("#", reason))
            self._groups.setdefault(group, [reason, 0])[1] += 1
        for verdict in json.loads(row.get("verdicts", "[]")):
            self._judged[verdict["check"]] += 1
            self._passed[verdict["check"]] += verdict["passed"]

    def outcome(self) -> Outcome:
        return Outcome(
            attempted=self._statuses.total(),
            **{status: self._statuses[status] for status in ("kept", "rejected", "failed")},
            unreadable=sum(count for _, count in self._inputs.values()),
            reasons=_commonest(self._groups),
            causes=_commonest(self._inputs),
        )

    def yields(self) -> dict[str, dict[str, int]]:
        """Check -> how many pairs it judged and how many passed, in the order in which pairs met them."""
        return {check: {"judged": count, "passed": self._passed[check]} for check, count in self._judged.items()}


def _commonest(groups: Mapping[str, Sequence[Any]]) -> dict[str, int]:
    counts: Counter[str] = Counter()
    for first, count in groups.values():
        counts[first] += count
    return dict(counts.most_common())
