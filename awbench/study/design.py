"""Who sees which two systems on which case, on which side, in which order: balanced, and decided by a seed.

In: systems, cases, the number of raters (slots) and of pairs that each of them compares. Out: for every slot a list of `Shown`. Who knows
the seed knows all of it.

pairs    Unit k of all (pair, case) has the pair k mod P and case (k + k // lcm(P, N)) mod N, which runs through all P N once. Slot
         s takes T in a row from s T on, round and round. So units, and pairs within a slot, are shown equally often to within one, cases
         within a slot to within two, and no slot has a unit twice. Which case has which number is drawn.
sides    Within a slot a pair's two sides alternate. With which it begins is chosen so that the sides of the pair over all slots differ by
         one at most, then so that a unit is seen from both sides by different raters.
order    Drawn anew in every slot.
checks   `attention_same`: one clip twice, expected "same"; `attention_bad`: a clip and its degraded copy, expected the clip. Systems and
         answers are as even over all slots as there are checks, and dealt to slots at random. `repeat`: a pair of the first third again in
         the last third, its sides swapped. Shares of the pairs: `SHARES`, and from `LEAST_CHECKED` pairs on `LEAST` of each: of four
        attention pairs one may be missed by an honest rater, of two none.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Mapping, Sequence

import numpy as np

from models.types import require

KINDS = ("pair", "repeat", "attention_same", "attention_bad")
SHARES = {"repeat": 0.1, "attention_same": 0.05, "attention_bad": 0.05}
LEAST = {"repeat": 1, "attention_same": 2, "attention_bad": 2}
LEAST_CHECKED = 8
MOST_PAIRS = 40
"""Pairs that a rater compares unless told otherwise: about a quarter of an hour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One trial. `left`, `right`: systems, one and the same in attention trials; `repeats`: the place, in its slot, of what it repeats."""

    kind: str
    case: str
    left: str
    right: str
    expected: str | None = None
    repeats: int | None = None

    @property
    def unit(self) -> tuple[str, frozenset[str]]:
        return self.case, frozenset((self.left, self.right))


@dataclass(frozen=True, slots=True, kw_only=True)
class Design:
    """`slots`: what each rater sees, in order; `pairs_each`: comparisons of two systems in a slot, checks aside."""

    systems: tuple[str, ...]
    cases: tuple[str, ...]
    slots: tuple[tuple[Shown, ...], ...]
    pairs_each: int

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return list(combinations(self.systems, 2))

    @property
    def units(self) -> int:
        """How many pairs of systems on a case there are."""
        return len(self.pairs) * len(self.cases)

    @property
    def unseen(self) -> int:
        """How many of them no slot shows."""
        return max(0, self.units - len(self.slots) * self.pairs_each)

    def counts(self) -> dict[str, int]:
        """How many trials of each kind a slot has."""
        return {kind: sum(shown.kind == kind for shown in self.slots[0]) for kind in KINDS}


def check_counts(pairs: int) -> dict[str, int]:
    """How many trials of each kind of check stand among so many pairs."""
    wanted = {kind: math.floor(share * pairs + 0.5) for kind, share in SHARES.items()}
    return {kind: max(LEAST[kind], count) for kind, count in wanted.items()} if pairs >= LEAST_CHECKED else wanted


def make_design(systems: Sequence[str], cases: Sequence[str], raters: int, *, pairs_each: int | None = None, seed: int = 0) -> Design:
    """Design a study. `pairs_each`: None for all, at most `MOST_PAIRS`. Raises ValueError for what cannot be."""
    pairs = list(combinations(systems, 2))
    require(len(set(systems)) == len(systems) >= 2, "study", "systems", ", ".join(systems), "two or more, each with a name of its own")
    require(len(set(cases)) == len(cases) >= 1, "study", "cases", len(cases), "one or more, each once")
    require(1 <= raters <= 10_000, "study", "raters", raters, "1 to 10000")
    units = len(pairs) * len(cases)
    each = min(units, MOST_PAIRS) if pairs_each is None else pairs_each
    require(1 <= each <= units, "study", "trials", each, f"1 to {units}, as many as there are pairs of systems on cases")
    rng = np.random.default_rng([seed, 21])
    names = [cases[place] for place in rng.permutation(len(cases))]
    plain = _sided(_units(pairs, names, raters, each), pairs, rng)
    checks = _checks(raters, each, systems, rng)
    slots = tuple(_slot(chosen, known, names, rng) for chosen, known in zip(plain, checks))
    return Design(systems=tuple(systems), cases=tuple(cases), slots=slots, pairs_each=each)


def draw_cases(tags: Mapping[str, Mapping[str, str]], count: int, seed: int) -> list[str]:
    """`count` of the cases that are the keys of `tags`, in their order, every value of a tag as often as another as far as there are any.

    One by one, that case whose values were drawn least (the squares of the counts grow least), equals in an order that the seed decides.
    """
    names = list(tags)
    left = [names[place] for place in np.random.default_rng([seed, 7]).permutation(len(names))]
    seen: Counter[tuple[str, str]] = Counter()
    while len(names) - len(left) < count:
        best = min(left, key=lambda case: sum(seen[tag] for tag in tags[case].items()))
        left.remove(best)
        seen.update(tags[best].items())
    return [case for case in names if case not in set(left)]


def tag_counts(tags: Mapping[str, Mapping[str, str]], cases: Sequence[str]) -> dict[str, dict[str, int]]:
    """Tag -> value -> how many of `cases`; without tags that tell every case from every other."""
    found: dict[str, Counter[str]] = {}
    for case in cases:
        for name, value in tags[case].items():
            found.setdefault(name, Counter())[value] += 1
    return {name: dict(sorted(counts.items())) for name, counts in sorted(found.items()) if max(counts.values()) > 1}


def _units(pairs: Sequence[tuple[str, str]], cases: Sequence[str], raters: int, each: int) -> list[list[tuple[tuple[str, str], str]]]:
    """(pair, case) of every slot."""
    units, block = len(pairs) * len(cases), math.lcm(len(pairs), len(cases))
    order = [(pairs[k % len(pairs)], cases[(k + k // block) % len(cases)]) for k in range(units)]
    return [[order[k % units] for k in range(slot * each, (slot + 1) * each)] for slot in range(raters)]


def _sided(slots: list[list[tuple[tuple[str, str], str]]], pairs: Sequence[tuple[str, str]], rng: np.random.Generator) -> list[list[Shown]]:
    """Decide who stands left."""
    tilt, seen = dict.fromkeys(pairs, 0), dict[tuple[tuple[str, str], str], int]()
    made: list[list[Shown]] = []
    for units in slots:
        made.append([])
        for pair in pairs:
            own = [unit for unit in units if unit[0] == pair]
            begin = _begin(own, tilt[pair], seen, rng)
            for index, unit in enumerate(own):
                sign = begin * (-1) ** index  # 1: the first of the pair stands left
                tilt[pair] += sign
                seen[unit] = seen.get(unit, 0) + sign
                left, right = pair if sign > 0 else pair[::-1]
                made[-1].append(Shown(kind="pair", case=unit[1], left=left, right=right))
    return made


def _begin(own: list, tilt: int, seen: dict, rng: np.random.Generator) -> int:
    """1 or -1: the side with which a slot begins a pair."""
    drawn = 1 if rng.random() < 0.5 else -1
    if len(own) % 2 and tilt:
        return -1 if tilt > 0 else 1
    lean = sum(seen.get(unit, 0) * (-1) ** index for index, unit in enumerate(own))
    return drawn if not lean else (-1 if lean > 0 else 1)


def _slot(chosen: list[Shown], checks: Sequence[tuple[str, str, str]], cases: Sequence[str], rng: np.random.Generator) -> tuple[Shown, ...]:
    """One rater's trials in order; `checks`: (kind, system, expected)."""
    counts, pairs = check_counts(len(chosen)), [chosen[place] for place in rng.permutation(len(chosen))]
    third = max(1, len(pairs) // 3)
    sources = rng.permutation(third)[: counts["repeat"]]
    late = [replace(pairs[source], kind="repeat", left=pairs[source].right, right=pairs[source].left) for source in sources]
    drawn = rng.permutation(len(cases))
    attention = [
        Shown(kind=kind, case=cases[drawn[place % len(cases)]], left=system, right=system, expected=expected)
        for place, (kind, system, expected) in enumerate(checks)
    ]
    placed = [(float(place), shown) for place, shown in enumerate(pairs)]
    placed += [(rng.uniform(len(pairs) - third, len(pairs)), shown) for shown in late]
    placed += [(rng.uniform(0.5, len(pairs)), shown) for shown in attention]
    order = [shown for _, shown in sorted(placed, key=lambda one: one[0])]
    where = {shown.unit: place for place, shown in enumerate(order) if shown.kind == "pair"}
    return tuple(replace(shown, repeats=where[shown.unit]) if shown.kind == "repeat" else shown for shown in order)


def _checks(raters: int, each: int, systems: Sequence[str], rng: np.random.Generator) -> list[list[tuple[str, str, str]]]:
    """Of every slot (kind, system, expected answer) of its attention trials: systems and answers even over all slots, dealt at random."""
    counts, dealt = check_counts(each), []
    for kind, answers in (("attention_same", ("same",)), ("attention_bad", ("left", "right"))):
        block, number = math.lcm(len(systems), len(answers)), raters * counts[kind]
        even = [(kind, systems[(k + k // block) % len(systems)], answers[k % len(answers)]) for k in range(number)]
        order = [even[place] for place in rng.permutation(number)]
        dealt.append([order[slot * counts[kind] : (slot + 1) * counts[kind]] for slot in range(raters)])
    return [same + bad for same, bad in zip(*dealt)]
