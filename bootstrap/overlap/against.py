"""A benchmark against data: one line for each driver or reference of the suite that is in it, how it was seen, and what to leave out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

from awbench.cases import Suite
from bootstrap.overlap.data import DataFacts
from bootstrap.overlap.shared import shared
from bootstrap.overlap.suite import suite_facts
from bootstrap.sources.facts import ClipFacts, ImageFacts

_SHOWN = 3


def overlaps(suite: Suite, theirs: DataFacts) -> tuple[list[str], list[str], list[str]]:
    """What is in both, one line each; what could not be looked at; and the ids of the cases that use anything of it, sorted."""
    mine = suite_facts(suite)
    found = {(one.mine, one.theirs): one.how for phase in reversed(mine.phases) for one in shared(phase, theirs.facts)}
    for name, facts in mine.phases[0].items():
        if isinstance(facts, ClipFacts | ImageFacts) and facts.sha256 in theirs.hashes:
            found[name, theirs.hashes[facts.sha256]] = "the same bytes"
    seen: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for (own, other), how in sorted(found.items()):
        seen[own][how].append(other)
    lines = [_line(own, how, mine.users[own]) for own, how in seen.items()]
    return lines, [*mine.unread, *theirs.unread], sorted({case for own in seen for case in mine.users[own]})


def _line(own: str, seen: Mapping[str, Sequence[str]], users: Sequence[str]) -> str:
    said = "; ".join(f"{how} as {', '.join(others[:_SHOWN])}{' ...' * (len(others) > _SHOWN)}" for how, others in seen.items())
    return f"{own}: {said} ({len(users)} case(s), e.g. {users[0]})"
