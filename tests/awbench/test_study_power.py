"""The detectable lead is one that the report itself calls, in four studies of five; where it can call none, that is said."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from awbench.preference import Choice, preference
from awbench.study.analysis import AHEAD, COUNTED, UNCLEAR, Lead, judged, sentences
from awbench.study.power import called, detectable_lead, latent_share
from tests.benchmarks.study_coverage import called_share


def everyone(cases, raters):
    return [(f"c{case}", f"r{rater}") for case in range(cases) for rater in range(raters)]


@pytest.mark.parametrize(("cases", "raters", "pairs"), [(12, 6, 3), (16, 5, 1)])
def test_a_lead_of_that_size_is_called_four_times_in_five(cases, raters, pairs):
    """The large table is that of tests/benchmarks/study_coverage.py. 150 studies: standard error 3.3 points."""
    stated = detectable_lead(everyone(cases, raters), pairs)
    assumed = stated.alike_case, stated.alike_rater
    assert called_share(stated.lead, cases, raters, pairs, assumed, 150, 3) == pytest.approx(0.8, abs=0.09)
    assert called_share(stated.lead / 2, cases, raters, pairs, assumed, 40, 3) < 0.5


def test_called_is_what_the_report_calls():
    """Table by table, on votes with holes, of pairs whose other pairs say nothing."""
    rng, pairs = np.random.default_rng(5), 3
    votes = [vote for vote in everyone(12, 7) if rng.random() < 0.8]
    cases, raters = (np.unique(list(side), return_inverse=True)[1] for side in zip(*votes))
    values = rng.choice([1.0, 0.0, -1.0], (150, len(votes)), p=[0.55, 0.2, 0.25])
    empty = [Lead(of=COUNTED, question="overall", tag="", first="a", second=f"{n}", found=preference([_vote(0, *votes[0])])) for n in "xy"]
    wanted = []
    for row in values:
        found = preference([_vote(int(value), *vote) for value, vote in zip(row, votes)])
        wanted.append(
            judged([Lead(of=COUNTED, question="overall", tag="", first="a", second="b", found=found), *empty])[0].outcome == AHEAD
        )
    assert called(values, cases, raters, pairs).tolist() == wanted and 20 < sum(wanted) < 130


def _vote(value, case, rater):
    return Choice(rater=rater, case=case, first="a", second="b", value=value)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (
            lambda case, rater: 1 if rater < 5 else -1,
            "raters or cases differ too much",
        ),  # five people of seven, on every case
        (lambda case, rater: 1 if case % 3 else -(rater == 0), "too few cases lean the same way"),
    ],
)
def test_a_lead_large_enough_that_is_not_called_is_told_why(value, said):
    cases = 30 if "differ" in said else 12
    found = preference([_vote(value(case, rater), f"c{case}", f"r{rater}") for case in range(cases) for rater in range(7)])
    (lead,) = judged([Lead(of=COUNTED, question="overall", tag="", first="a", second="b", found=found)])
    report = SimpleNamespace(leads=[replace(lead, detectable=0.4)], key=SimpleNamespace(questions=["overall"]))
    assert lead.outcome == UNCLEAR and found.lead.mean > 0.4 and sentences(report)[0].endswith(f"; {said}.")


def test_more_of_anything_finds_less_and_more_pairs_need_more():
    lead = lambda cases, raters, pairs=1, **assumed: detectable_lead(everyone(cases, raters), pairs, **assumed).lead  # noqa: E731
    base = lead(12, 6)
    assert lead(24, 6) < base < lead(12, 6, 3) and lead(12, 12) < base == lead(12, 6)
    assert lead(12, 6, alike_rater=0.0) < base < lead(12, 6, alike_rater=0.2) and lead(12, 6, alike_case=0.0) < base
    assert lead(100, 5) > 0.25  # five people are five, on however many cases


@pytest.mark.parametrize(
    ("cases", "raters", "pairs", "said"),
    [(5, 8, 1, "fewer than 6 cases"), (12, 4, 1, "fewer than 5 raters"), (6, 6, 3, "fewer than 7 cases"), (12, 6, 120, "than 13 cases"),
     (1, 1, 1, "6 cases and 5 raters")],
)  # fmt: skip
def test_where_nothing_can_be_called_that_is_said(cases, raters, pairs, said):
    found = detectable_lead(everyone(cases, raters), pairs)
    assert found.lead is None and said in found.line and "none" in found.line
    if cases >= 6 and raters >= 5:  # and so it is: even where all votes are for one
        values = np.ones((1, cases * raters))
        assert not called(values, *np.indices((cases, raters)).reshape(2, -1), pairs)[0]


def test_what_is_assumed_is_said():
    line = detectable_lead(everyone(12, 8), 3, ties=0.3, alike_case=0.15, alike_rater=0.05).line
    for words in ("96 votes of 8 raters on 12 cases", "over 3 pairs after Holm", "ties 30%", "by 0.15", "by 0.05", "power 80%"):
        assert words in line


def test_a_latent_share_gives_the_correlation_of_votes_it_was_asked_for():
    rng, share = np.random.default_rng(1), latent_share(0.2, 0.25)
    common = rng.normal(size=200_000) * np.sqrt(share)
    one, other = (common + rng.normal(size=200_000) * np.sqrt(1 - share) for _ in range(2))
    votes = [np.sign(side) * (abs(side) > 0.3186) for side in (one, other)]
    assert np.corrcoef(votes)[0, 1] == pytest.approx(0.2, abs=0.01) and np.mean(votes[0] == 0) == pytest.approx(0.25, abs=0.005)
    assert latent_share(0.0, 0.25) == pytest.approx(0, abs=1e-6)


def test_what_cannot_be_is_refused():
    for wrong in ({"ties": 1.0}, {"alike_case": 1.0}, {"alike_case": 0.7, "alike_rater": 0.7}, {"pairs": 0}):
        with pytest.raises(ValueError, match="power"):
            detectable_lead(everyone(6, 6), **wrong)
    with pytest.raises(ValueError, match="votes"):
        detectable_lead([])
