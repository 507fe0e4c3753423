"""What a run adds to a dataset: the pairs that come next, and what has changed since, told by name.

In: the history, what lies behind the flags now, rules, seed and limit; out: a `Growth`. Drawing goes over the windows and identities that
are there now and passes over what was planned before, so it costs what is drawn and what was.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import Callable, Collection, Iterable, Iterator, Mapping, Sequence

import numpy as np

from awbench.media.labels import told_labels
from bootstrap.generations import DRIVING, NO_PAIRS, REFERENCE, Generation, History, unknown
from bootstrap.pair_rules import PairRules
from bootstrap.pairing import Side, draw
from bootstrap.sources.source import Listing, Source

_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Growth:
    """`history`: the old generations and what is planned now; `since`: the first generation that changed; `told`: lines to show."""

    history: History
    since: int
    told: tuple[str, ...]


def grow(
    history: History,
    driving: Listing,
    references: Listing,
    rules: PairRules,
    seed: int,
    limit: int | None,
    apart: Collection[tuple[str, str]] = (),
) -> Growth:
    """Plan pairs until there are `limit` in all (None: until every pair is planned). `apart`: contents that never meet."""
    told = tuple(_changes(history, {DRIVING: driving, REFERENCE: references}))
    new = unknown(history, driving.usable, references.usable)
    begins = bool(new[DRIVING] or new[REFERENCE])
    trial = History([*history.generations, Generation(added=new)]) if begins else history
    count = None if limit is None else max(0, limit - history.total)
    here = (driving.usable, references.usable)
    pairs = NO_PAIRS
    if count != 0 and trial.generations:
        pairs = _next_pairs(
            trial, *here, lambda *sides, drawn, gone: draw(*sides, rules, seed, drawn, count, apart, _kinds(trial, gone, rules))
        )
    if not len(pairs):
        why = _waiting(new, limit) if begins and count == 0 else _none_fit(here, rules, apart) if not history.total else ()
        return Growth(history=history, since=len(history.generations), told=(*told, *why))
    *before, last = trial.generations
    grown = History([*before, replace(last, pairs=np.concatenate([last.pairs, pairs]))])
    return Growth(history=grown, since=len(before), told=told)


def unchanged(history: History, driving: Listing, references: Listing) -> Growth:
    """No new pairs: what has changed is told all the same."""
    told = tuple(_changes(history, {DRIVING: driving, REFERENCE: references}))
    return Growth(history=history, since=len(history.generations), told=told)


def _next_pairs(history: History, clips: Sequence[Source], people: Sequence[Source], draw_from: Callable[..., np.ndarray]) -> np.ndarray:
    """Numbers of the windows and identities to pair next; those of the last generation first."""
    last = history.generations[-1].added
    windows = [(clip, history.window_numbers[clip.sha256, start_s]) for clip in clips for start_s in clip.starts_s]
    identities = [(person, history.identity_numbers[person.sha256]) for person in people]
    firsts = (
        len(history.windows) - sum(len(clip.starts_s) for clip in last[DRIVING]),
        len(history.identities) - len(last[REFERENCE]),
    )
    numbers = [np.array([number for _, number in side], np.int64) for side in (windows, identities)]
    sides = [_side([source for source, _ in side], number, first) for side, number, first in zip((windows, identities), numbers, firsts)]
    sizes = (len(history.windows), len(history.identities))
    places = np.stack([_places(number, size)[column] for number, size, column in zip(numbers, sizes, history.pairs.T)], axis=1)
    there = (places >= 0).all(1)
    drawn = draw_from(*sides, drawn=places[there], gone=history.pairs[~there])
    return np.stack([numbers[0][drawn[:, 0]], numbers[1][drawn[:, 1]]], axis=1) if len(drawn) else NO_PAIRS


def _kinds(history: History, pairs: np.ndarray, rules: PairRules) -> dict[str, int]:
    """Kind -> how many of the planned pairs are of it, by the labels they were planned with."""
    counts: Counter[str] = Counter()
    for window, identity in pairs.tolist() if rules.quotas else ():
        clip = history.known[DRIVING][history.windows[window][0]]
        counts[rules.kind_of(clip.tags, history.known[REFERENCE][history.identities[identity]].tags)] += 1
    return dict(counts)


def _side(sources: Sequence[Source], numbers: np.ndarray, first_fresh: int) -> Side:
    return Side(content=[source.sha256 for source in sources], labels=[source.tags for source in sources], fresh=numbers >= first_fresh)


def _places(numbers: np.ndarray, size: int) -> np.ndarray:
    """Number -> index among those that are there, -1 for the others."""
    places = np.full(size, -1, np.int64)
    places[numbers] = np.arange(len(numbers))
    return places


def _waiting(new: Mapping[str, Sequence[Source]], limit: int | None) -> tuple[str, ...]:
    counts = ", ".join(f"{len(sources)} {role}" for role, sources in new.items() if sources)
    return (f"new sources wait ({counts}): all {limit} pairs of --limit are planned, raise it to use them",)


def _none_fit(here: tuple[Sequence[Source], Sequence[Source]], rules: PairRules, apart: Collection[tuple[str, str]]) -> Iterator[str]:
    """Which labels there are, and what was kept apart, where no pair is left."""
    clips, people = ({source.sha256: source for source in side} for side in here)
    own = {*((content, content) for content in clips), *apart}
    for clip, person in sorted((clips[clip].id, people[person].id) for clip, person in own if clip in clips and person in people)[:_SHOWN]:
        yield f"no pair: {person} shows a moment of {clip}, and together they would teach copying"
    for name in rules.names:
        driving, references = (told_labels(name, (source.tags for source in side)) for side in here)
        yield f"no pair fits the rules: {name}: driving {driving}; references {references}"


def _changes(history: History, now: Mapping[str, Listing]) -> Iterator[str]:
    for role, listing in now.items():
        known = history.known[role]
        contents, names = {source.sha256 for source in listing.usable}, {source.id for source in listing.usable}
        unusable = {item.id for item in listing.unusable}
        lost = [source for source in known.values() if source.sha256 not in contents]
        advice = "its pairs stay"
        yield from _named(
            f"{role}: changed content", (one.id for one in lost if one.id in names), f"{advice}, the new content is a new source"
        )
        yield from _named(f"{role}: cannot be used any more", (one.id for one in lost if one.id in unusable), advice)
        yield from _named(f"{role}: gone", (one.id for one in lost if one.id not in names | unusable), advice)
        retold = (one.id for one in listing.usable if one.sha256 in known and dict(known[one.sha256].tags) != dict(one.tags))
        yield from _named(f"{role}: other labels than before", retold, "pairs already made keep the old ones")


def _named(what: str, ids: Iterable[str], advice: str) -> Iterator[str]:
    names = sorted(ids)
    if names:
        more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
        yield f"{what}: {', '.join(names[:_SHOWN])}{more}; {advice}"
