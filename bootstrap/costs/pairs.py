"""How many pairs there are to make: all that the rules allow, and those within a limit, without listing them.

In: the clips and identities of a survey, rules, a limit. Out: a `Counts`. Pairs are drawn so that windows and identities are used evenly:
within a limit every window is used before one is used twice.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Iterable, Mapping, Sequence

from bootstrap.pair_rules import PairRules
from bootstrap.sources.source import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """`all_pairs`: what the rules allow; `pairs`: of those within the limit; `windows_used`: windows that a pair is made of."""

    clips: int
    windows: int
    identities: int
    all_pairs: int
    pairs: int
    windows_used: int

    @property
    def pairs_a_window(self) -> float:
        """The mean over the windows that are used."""
        return self.pairs / self.windows_used if self.windows_used else 0.0


def count_pairs(
    clips: Sequence[Source], people: Sequence[Source], rules: PairRules, limit: int | None, apart: Iterable[tuple[str, str]] = ()
) -> Counts:
    """The numbers. `apart`: contents of clips and identities that never meet, beside those that are the same."""
    usable, windows_used = _by_labels(clips, people, rules)
    all_pairs = usable - _own_pictures(clips, people, rules, apart)
    pairs = all_pairs if limit is None else min(limit, all_pairs)
    return Counts(
        clips=len(clips),
        windows=sum(len(clip.starts_s) for clip in clips),
        identities=len(people),
        all_pairs=all_pairs,
        pairs=pairs,
        windows_used=min(pairs, windows_used),
    )


def _by_labels(clips: Sequence[Source], people: Sequence[Source], rules: PairRules) -> tuple[int, int]:
    """Pairs that the rules allow, and the windows in them: sources of the same labels are counted together."""
    names = rules.names
    windows, identities = Counter[tuple[str, ...]](), Counter[tuple[str, ...]]()
    for clip in clips:
        windows[tuple(clip.tags.get(name, "") for name in names)] += len(clip.starts_s)
    for person in people:
        identities[tuple(person.tags.get(name, "") for name in names)] += 1
    fits = {
        labels: sum(count for others, count in identities.items() if rules.kind_of(dict(zip(names, labels)), dict(zip(names, others))))
        for labels in windows
    }
    pairs = sum(count * fits[labels] for labels, count in windows.items())
    return pairs, sum(count for labels, count in windows.items() if fits[labels])


def _own_pictures(clips: Sequence[Source], people: Sequence[Source], rules: PairRules, apart: Iterable[tuple[str, str]]) -> int:
    """Pairs of a clip with its own picture, which are never made."""
    by_content: Mapping[str, Source] = {clip.sha256: clip for clip in clips}
    pictures = {person.sha256: person for person in people}
    meetings = {(content, content) for content in by_content} | set(apart)
    met = ((by_content.get(clip), pictures.get(person)) for clip, person in meetings)
    return sum(len(clip.starts_s) for clip, person in met if clip and person and rules.kind_of(clip.tags, person.tags))
