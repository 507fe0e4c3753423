"""A study's design is balanced by closed forms and decided by its seed."""

from __future__ import annotations

import math
from collections import Counter
from itertools import combinations

import numpy as np
import pytest

from awbench.study.design import KINDS, LEAST_CHECKED, MOST_PAIRS, check_counts, draw_cases, make_design, tag_counts

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


def tags_of(*columns):
    return {f"c{n:02d}": {f"tag{place}": value for place, value in enumerate(values)} for n, values in enumerate(zip(*columns))}


def test_cases_are_drawn_evenly_over_the_values_of_a_tag():
    tags = tags_of("a" * 30 + "b" * 8 + "c" * 2)
    for seed in range(5):
        drawn = draw_cases(tags, 12, seed)
        assert tag_counts(tags, drawn) == {"tag0": {"a": 5, "b": 5, "c": 2}}  # two c are all there are
        assert drawn == sorted(drawn) and len(set(drawn)) == 12 and drawn == draw_cases(tags, 12, seed)
    assert len({tuple(draw_cases(tags, 12, seed)) for seed in range(5)}) == 5
    assert draw_cases(tags, 40, 0) == list(tags)


def test_cases_are_drawn_evenly_over_several_tags_at_once():
    rng = np.random.default_rng(0)
    tags = tags_of(rng.choice(list("ab"), 60, p=[0.8, 0.2]), rng.choice(list("xyz"), 60, p=[0.7, 0.2, 0.1]), [f"{n}" for n in range(60)])
    counts = tag_counts(tags, draw_cases(tags, 12, 3))
    assert spread(counts["tag0"], "ab") <= 1 and spread(counts["tag1"], "xyz") <= 1
    assert "tag2" not in counts  # a tag that names every case is none
    assert draw_cases({"c0": {}, "c1": {}}, 1, 0) in (["c0"], ["c1"])


@pytest.mark.parametrize("systems", [2, 3, 4])
def test_checks_are_even_over_systems_and_sides_and_no_slot_number_tells_them(systems):
    found = [design_of(systems, 12, 24, seed=seed) for seed in range(6)]
    for design in found:
        shown = [one for slot in design.slots for one in slot]
        same = Counter(one.left for one in shown if one.kind == "attention_same")
        bad = Counter((one.left, one.expected) for one in shown if one.kind == "attention_bad")
        assert spread(same, design.systems) <= 1
        assert spread(bad, [(system, side) for system in design.systems for side in ("left", "right")]) <= 1
    sides = [[next(one.expected for one in slot if one.kind == "attention_bad") for slot in design.slots] for design in found]
    assert len({tuple(one) for one in sides}) == len(found)
