"""What became of a dataset's inputs: those that give nothing, grouped by reason, and why a dataset has no pairs.

In: a `DatasetReport`. Out: groups and sentences as plain values.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from awbench.report.dataset import Attempt, DatasetReport, reason_counts

ROLES = {"driving": "driving clip", "reference": "identity"}
NAMED = 5
"""Files of a group that are named at once; the others are a click away."""
_MOST = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class InputGroup:
    """Inputs that give nothing for one reason. `reason`: that of the first of them; `files`: their ids, in the manifest's order."""

    role: str
    reason: str
    files: tuple[str, ...]

    @property
    def told(self) -> str:
        """The group in a few words."""
        return f"{counted(len(self.files), self.role)}: {self.reason}" + " (and the like)" * (len(self.files) > 1)


def counted(count: int, role: str) -> str:
    """`count` things of a role in words."""
    return f"{count} {role if count == 1 else {'identity': 'identities'}.get(role, f'{role}s')}"


def input_groups(report: DatasetReport) -> list[InputGroup]:
    """Inputs that gave no pair by role and reason, the largest group first; reasons that differ in numbers and names are one."""
    found: dict[tuple[str, str], list[Attempt]] = {}
    for row in report.unreadable:
        role = ROLES["driving" if row.driving else "reference"]
        found.setdefault((role, _gist(row.reason)), []).append(row)
    groups = [
        InputGroup(role=role, reason=rows[0].reason or "no reason recorded", files=tuple(row.driving or row.reference for row in rows))
        for (role, _), rows in found.items()
    ]
    return sorted(groups, key=lambda group: -len(group.files))


def _gist(reason: str) -> str:
    return re.sub(r"\d+(\.\d+)?", "#", re.sub(r"^(double of) .*: ", r"\1 another: ", reason))


def why_nothing(report: DatasetReport) -> list[str]:
    """Sentences on why no pair was kept; none where one was."""
    if report.with_status("kept"):
        return []
    if report.pairs:
        stopped = [f"{count} {status} ({step}), for example: {example}" for status, step, count, example in reason_counts(report)[:_MOST]]
        return [f"Of {len(report.pairs)} attempted pairs:", *stopped]
    told = [group.told for group in input_groups(report)[:_MOST]]
    return [_unpaired(report), *told]


def _unpaired(report: DatasetReport) -> str:
    usable = report.usable
    lacking = [what for role, what in (("driving", "driving clips"), ("reference", "identities")) if usable and not usable.get(role)]
    if lacking:
        return f"No pair could be planned: there are no usable {' and no usable '.join(lacking)}."
    if usable:
        counts = " and ".join(counted(usable[role], name) for role, name in ROLES.items())
        return f"{counts} can be used, but not together: rules by tag forbid it, or they are of one footage."
    return "No pair was attempted."
