"""A study's design is balanced by closed forms, decided by its seed, and says what it can find before anyone votes."""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations
from statistics import NormalDist

import numpy as np
import pytest

from awbench.study.design import KINDS, LEAST_CHECKED, MOST_PAIRS, check_counts, make_design
from awbench.study.power import detectable_lead

SHAPES = [(2, 12, 4, None), (3, 12, 6, None), (3, 12, 5, 7), (4, 10, 9, 13), (5, 8, 11, 20), (3, 5, 7, 15), (2, 1, 1, 1), (6, 9, 4, 31)]


def design_of(systems, cases, raters, each=None, seed=0):
    return make_design([f"s{n}" for n in range(systems)], [f"c{n}" for n in range(cases)], raters, pairs_each=each, seed=seed)


def plain(slot):
    return [shown for shown in slot if shown.kind == "pair"]


def spread(counts, keys) -> int:
    found = [counts.get(key, 0) for key in keys]
    return max(found) - min(found)


@pytest.mark.parametrize(("systems", "cases", "raters", "each"), SHAPES)
def test_pairs_and_cases_are_shown_equally_often(systems, cases, raters, each):
    design = design_of(systems, cases, raters, each)
    units = [(case, frozenset(pair)) for case in design.cases for pair in design.pairs]
    pairs = [frozenset(pair) for pair in combinations(design.systems, 2)]
    shown = [plain(slot) for slot in design.slots]
    assert {len(slot) for slot in shown} == {each or min(len(units), MOST_PAIRS)}
    assert spread(Counter(one.unit for slot in shown for one in slot), units) <= 1
    for slot in shown:
        seen = Counter(one.unit for one in slot)
        assert max(seen.values()) == 1
        assert spread(Counter(unit[1] for unit in seen), pairs) <= 1
        assert spread(Counter(one.case for one in slot), design.cases) <= 2


@pytest.mark.parametrize(("systems", "cases", "raters", "each"), SHAPES)
def test_sides_are_balanced_overall_and_for_each_rater(systems, cases, raters, each):
    design = design_of(systems, cases, raters, each)
    for slots in (design.slots, *([slot] for slot in design.slots)):
        for one, other in design.pairs:
            sides = Counter((shown.left, shown.right) for slot in slots for shown in plain(slot))
            assert abs(sides[one, other] - sides[other, one]) <= 1


def test_what_two_raters_see_of_one_case_is_seen_from_both_sides():
    design = design_of(3, 12, 2)
    first, second = ({one.unit: one.left for one in plain(slot)} for slot in design.slots)
    assert len(first) == 36 and all(first[unit] != second[unit] for unit in first)


@pytest.mark.parametrize("pairs", [1, 7, 8, 12, 36, 40, 100])
def test_checks_have_their_shares(pairs):
    counts = check_counts(pairs)
    assert all(counts.values()) or pairs < LEAST_CHECKED
    if pairs == 1:
        assert not any(counts.values())
    if pairs >= 40:
        assert counts == {"repeat": pairs // 10, "attention_same": pairs // 20, "attention_bad": pairs // 20}
    assert design_of(2, pairs, 1, pairs).counts() == {"pair": pairs} | counts


@pytest.mark.parametrize(("systems", "cases", "raters", "each"), [shape for shape in SHAPES if (shape[3] or 99) >= LEAST_CHECKED])
def test_checks_have_known_answers_and_stand_apart_from_what_they_repeat(systems, cases, raters, each):
    design, bad_sides = design_of(systems, cases, raters, each), Counter()
    for slot in design.slots:
        for place, shown in enumerate(slot):
            if shown.kind == "repeat":
                before = slot[shown.repeats]
                assert before.kind == "pair" and before.unit == shown.unit and (before.left, before.right) == (shown.right, shown.left)
                assert place - shown.repeats >= len(plain(slot)) // 3
            elif shown.kind != "pair":
                assert shown.left == shown.right
                assert shown.expected in {"attention_same": ("same",), "attention_bad": ("left", "right")}[shown.kind]
                bad_sides[shown.expected] += shown.kind == "attention_bad"
            else:
                assert shown.expected is None and shown.repeats is None and shown.left != shown.right
    assert abs(bad_sides["left"] - bad_sides["right"]) <= 1
    assert {shown.kind for slot in design.slots for shown in slot} == set(KINDS)


def test_the_seed_decides_and_another_decides_otherwise():
    assert design_of(3, 12, 6).slots == design_of(3, 12, 6).slots
    one, other = design_of(3, 12, 6), design_of(3, 12, 6, seed=1)
    assert all(mine != theirs for mine, theirs in zip(one.slots, other.slots))
    assert len({tuple(shown.unit for shown in slot) for slot in one.slots}) == 6  # an order of its own for each rater


def test_who_stands_left_cannot_be_told_from_the_place_in_the_order():
    designs = [design_of(2, 40, 1, seed=seed) for seed in range(60)]
    left = np.mean([[shown.left == "s0" for shown in plain(slot)[:10]] for design in designs for slot in design.slots], axis=0)
    assert np.abs(left - 0.5).max() < 4 * 0.5 / math.sqrt(60)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ((["a"], ["c"], 1), "systems"),
        ((["a", "a"], ["c"], 1), "systems"),
        ((["a", "b"], [], 1), "cases"),
        ((["a", "b"], ["c"], 0), "raters"),
    ],
)
def test_what_cannot_be_is_refused(wrong, said):
    with pytest.raises(ValueError, match=said):
        make_design(*wrong)
    with pytest.raises(ValueError, match="trials"):
        design_of(2, 3, 1, 4)


def test_the_detectable_lead_solves_its_own_equation():
    z = NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(0.8)
    for votes, cases in ((100, 100), (72, 12), (600, 50)):
        found = detectable_lead(votes, cases)
        worth = votes / (1 + (votes / cases - 1) * 0.2)
        assert found.lead == pytest.approx(z * math.sqrt((1 - 0.25 - found.lead**2) / worth))
    assert detectable_lead(400, 400).lead == pytest.approx(0.121, abs=0.001)  # 1.43 half-widths of referee's table: .085
    assert detectable_lead(10**9, 12).lead == pytest.approx(z * math.sqrt(0.75 / (12 / 0.2 + z * z)), rel=1e-3)


def test_a_lead_of_that_size_is_found_four_times_in_five():
    found, rng = detectable_lead(200, 200), np.random.default_rng(0)
    share = np.array([(0.75 + found.lead) / 2, 0.25, (0.75 - found.lead) / 2])
    votes = rng.choice([1, 0, -1], size=(4000, 200), p=share)
    assert np.mean(np.abs(votes.mean(1)) > 1.96 * votes.std(1) / math.sqrt(200)) == pytest.approx(0.8, abs=0.03)
