"""Leads, ratios, ranks and agreement of votes: closed forms, coverage by simulation, the edges."""

import json
import math
from fractions import Fraction
from itertools import combinations

import numpy as np
import pandas
import pytest
from evalica import alpha

from awbench.bradley_terry import _all_strengths, _strengths, _tables, places
from awbench.preference import MIN_RATERS, Choice, binomial_two_sided, crossed, preference
from awbench.rater_agreement import (
    NORMALISED,
    RAW,
    agreement,
    agreement_of,
    interval_alphas,
    leave_one_out_spearman,
    ordinal_alphas,
)  # fmt: skip
from tests.benchmarks.video_bench_agreement import components, read_scores, told


def choices(values, pair=("a", "b")):
    """`values[c][r]`: the vote of rater r on case c, None where there is none."""
    found = [(c, r, value) for c, row in enumerate(values) for r, value in enumerate(row) if value is not None]
    return [Choice(rater=f"r{r}", case=f"c{c}", first=pair[0], second=pair[1], value=int(value)) for c, r, value in found]


# the paper's Figure 5: shares of votes as printed, lead as printed
FIGURE_5 = {
    "DreamActor-M1": (66, 25, 9, 57.04),
    "Wan2.2-Animate": (62, 27, 11, 51.43),
    "Kling-O1": (50, 44, 6, 43.66),
    "Kling 2.6": (32, 46, 22, 9.66),
}


@pytest.mark.parametrize("rival", FIGURE_5)
def test_the_papers_shares_give_its_leads_as_far_as_they_are_printed(rival):
    good, same, bad, printed = FIGURE_5[rival]
    found = preference(choices([[value] for value in [1] * good + [0] * same + [-1] * bad]))
    assert (found.good, found.same, found.bad) == (good, same, bad)
    assert found.lead.mean == pytest.approx((good - bad) / 100)
    assert abs(100 * found.lead.mean - printed) <= 1.0  # each of two shares is rounded by up to half a point
    assert found.ratio == pytest.approx((good + same) / (bad + same))


def test_ratio_as_kling_reports_it():
    for (good, same, bad, _), ratio in zip(FIGURE_5.values(), (2.68, 2.34, 1.88, 1.15)):
        found = preference(choices([[value] for value in [1] * good + [0] * same + [-1] * bad]))
        assert round(found.ratio, 2) == pytest.approx(ratio, abs=0.011)
        assert found.ratio_low < found.ratio < found.ratio_high
        assert found.ratio_low * found.ratio_high == pytest.approx(found.ratio**2)


def test_of_independent_votes_the_interval_is_the_plain_one():
    values = [1] * 40 + [0] * 30 + [-1] * 30
    found = preference(choices([[value] for value in values]))
    error = np.std(values, ddof=1) / 10
    assert found.lead.error == pytest.approx(error) and found.lead.df == 99
    assert (found.cases, found.raters, found.votes) == (100, 1, 100) and not found.enough


def test_copies_of_a_rater_add_nothing():
    """Ten raters who say the same on every case know no more than one: the interval stays that of the cases."""
    column = [1, 1, 1, 0, -1, 1, 1, -1, 0, 1, 1, 1]
    one, ten = (preference(choices([[value] * count for value in column])) for count in (1, 10))
    assert ten.lead.high - ten.lead.low >= 0.95 * (one.lead.high - one.lead.low)
    assert ten.p_sign == one.p_sign


def test_never_narrower_than_independent_votes():
    rng = np.random.default_rng(0)
    for _ in range(50):
        values = rng.integers(-1, 2, (6, 5))
        found = preference(choices(values)).lead
        assert found.high - found.low >= 2 * 1.96 * values.std(ddof=1) / math.sqrt(30) - 1e-9 or found.high == 1 or found.low == -1


def test_coverage_of_a_known_preference():
    """The large table is that of tests/benchmarks/study_coverage.py; here 12 cases, 8 raters, effects of both."""
    rng = np.random.default_rng(7)
    hits, trials, spread = 0, 400, math.sqrt(0.6**2 + 0.3**2 + 1)
    normal = lambda x: 0.5 * (1 + math.erf(x / math.sqrt(2)))  # noqa: E731
    truth = 1 - normal((0.4 - 0.5) / spread) - normal((-0.4 - 0.5) / spread)
    cases, raters = (np.indices((12, 8)).reshape(2, -1)).astype(str)
    for _ in range(trials):
        latent = 0.5 + rng.normal(0, 0.6, (12, 1)) + rng.normal(0, 0.3, (1, 8)) + rng.normal(size=(12, 8))
        found = crossed(((latent > 0.4) * 1.0 - (latent < -0.4)).ravel(), cases, raters)
        hits += found.low <= truth <= found.high
    assert 0.925 <= hits / trials <= 0.98


def test_edges_one_rater_one_case_none_and_all_same():
    empty = preference([])
    assert (empty.votes, empty.lead.mean, empty.ratio, empty.p_sign) == (0, None, None, 1.0)
    single = preference(choices([[1]]))
    assert single.lead.mean == 1 and single.lead.low is None and single.ratio is None
    one_case = preference(choices([[1, 0, -1, 1, 1]]))
    assert one_case.cases == 1 and one_case.lead.low < 0.4 < one_case.lead.high and not one_case.enough and one_case.p_sign == 1.0
    same = preference(choices([[0] * 6] * 12))
    assert same.lead.mean == 0 and same.ratio == 1 and same.ratio_low is None and same.p_sign == 1.0
    assert same.lead.high == pytest.approx(1 - 0.05 ** (1 / 12)) and same.lead.low == -same.lead.high
    won = preference(choices([[1] * 6] * 12))
    assert won.lead.high == 1 and 0.5 < won.lead.low < 1 and won.p_sign == 2 / 2**12 and won.enough and MIN_RATERS <= 6


def test_each_case_has_one_sign():
    """Three cases for the first by 9 : 1 votes are three signs, not thirty votes."""
    assert preference(choices([[1] * 9 + [-1]] * 3)).p_sign == 0.25


def table(quality, cases=12, raters=8, seed=0):
    rng = np.random.default_rng(seed)
    found = []
    for pair in combinations(quality, 2):
        latent = quality[pair[0]] - quality[pair[1]] + rng.normal(0, 0.4, (cases, 1)) + rng.normal(size=(cases, raters))
        found += choices((latent > 0.4) * 1 - (latent < -0.4) * 1, pair)
    return found


def test_ranks_follow_the_quality_and_equals_share_a_range():
    ranked = places(table({"a": 0.0, "b": 1.2, "c": 0.0}), ["a", "b", "c"])
    assert [one.system for one in ranked][0] == "b" and (ranked[0].rank_low, ranked[0].rank_high) == (1, 1)
    assert {(one.rank_low, one.rank_high) for one in ranked[1:]} == {(2, 3)}
    assert sum(one.strength for one in ranked) == pytest.approx(0, abs=1e-5)
    assert all(one.low < one.strength < one.high for one in ranked)


def test_two_systems_have_the_closed_form():
    """6 : 2 with a tie more between them: odds 6.5 : 2.5."""
    found = places(choices([[1], [1], [1], [1], [1], [1], [-1], [-1]]), ["a", "b"])
    assert found[0].strength - found[1].strength == pytest.approx(math.log(6.5 / 2.5), abs=1e-5)


def test_ranks_of_ties_strangers_and_nobody():
    assert places([], ["a", "b"]) == []
    level = places(choices([[0, 0], [0, 0]]), ["a", "b", "never shown"])
    assert [(one.system, one.rank, one.strength) for one in level] == [("a", 1, 0.0), ("b", 1, 0.0)]
    unbeaten = places(choices([[1, 1], [1, 1]]), ["a", "b"])
    assert all(math.isfinite(one.strength) for one in unbeaten) and unbeaten[0].system == "a"


def test_many_tables_at_once_are_what_evalica_says_of_each():
    tables = _tables(table({"a": 0.5, "b": 0.0, "c": 1.0, "d": -0.3}), ["a", "b", "c", "d"]).sum((0, 1))
    several = np.stack([tables, tables.T, np.zeros_like(tables)])
    assert np.allclose(_all_strengths(several), [_strengths(one) for one in several], atol=2e-6)
    rng = np.random.default_rng(0)
    for systems in range(2, 8):
        sparse = 2.0 * rng.poisson(0.4, (6, systems, systems)) * (1 - np.eye(systems))
        assert np.allclose(_all_strengths(sparse), [_strengths(one) for one in sparse], atol=2e-6)


def test_the_range_of_two_systems_holds_what_was_found():
    found = places(table({"a": 0.5, "b": 0.0}), ["a", "b"])
    assert all(one.low < one.strength < one.high and one.rank_low <= one.rank <= one.rank_high for one in found)
    assert found[0].strength > 0.1 and found[0].low == pytest.approx(-found[1].high, abs=0.01)


def test_of_few_cases_or_raters_no_range_is_said():
    assert [(one.rank, one.low, one.rank_low) for one in places(choices([[1]]), ["a", "b"])] == [(1, None, None), (2, None, None)]
    few, enough = ([[1, 1, -1, 1, 0]] * count for count in (5, 6))  # cases; five raters each
    assert all(one.rank_low is None for one in places(choices(few), ["a", "b"]))
    assert all(one.rank_low is None for one in places(choices([row[:4] for row in enough]), ["a", "b"]))
    assert all(one.rank_low <= one.rank <= one.rank_high for one in places(choices(enough), ["a", "b"]))


def test_two_votes_of_a_rater_on_one_case_are_one_cell():
    """As one who voted in two slots: copying every vote makes no interval narrower than the floor of independent votes allows."""
    values = np.random.default_rng(8).integers(-1, 2, (14, 9)) + np.eye(14, 9, dtype=int)
    once = choices(np.clip(values, -1, 1))
    one, twice = preference(once).lead, preference(once + once).lead
    assert twice.error == pytest.approx(one.error, rel=0.02) and twice.mean == one.mean


def test_agreement_of_copies_is_1_and_of_noise_about_0():
    rng = np.random.default_rng(1)
    column = rng.integers(-1, 2, 40)
    alike = agreement(choices([[value] * 4 for value in column]))
    assert [one.alpha for one in alike] == [1.0, pytest.approx(1.0)] and alike[0].units == 40 and alike[0].raters == 4
    noise = agreement(choices(rng.integers(-1, 2, (200, 4))))
    assert all(one.low < 0 < one.high and abs(one.alpha) < 0.1 for one in noise)
    assert [one.alpha for one in agreement(choices([[0, 0]] * 9))] == [None, None]
    assert [one.units for one in agreement([])] == [0, 0]


def test_normalising_takes_off_what_raters_have_of_their_own():
    """A table of the form of Video-Bench's: four raters' 1-5 scores of each video, alike but for offset and spread."""
    rng = np.random.default_rng(2)
    truth = rng.normal(size=300)
    ratings = {
        f"r{place}": {f"v{n}": float(np.clip(round(level + spread * (truth[n] + 0.6 * rng.normal())), 1, 5)) for n in range(300)}
        for place, (level, spread) in enumerate(((4.4, 0.5), (2.9, 1.0), (3.0, 0.9), (1.8, 0.6)))
    }
    found = {one.scale: one for one in agreement_of(ratings)}
    assert found[RAW].alpha < 0.35 and found[NORMALISED].alpha > 0.5 and found[NORMALISED].low > found[RAW].high
    assert all(0.55 < rho < 0.9 for rho in leave_one_out_spearman(ratings).values())
    assert leave_one_out_spearman({"a": {"v": 1.0}, "b": {"v": 2.0}}) == {"a": None, "b": None}


def scores_file(scores):
    """Video-Bench's format: `scores[record][model]`, a list of four."""
    return [
        {"prompt_en": f"p{n}", "videos": {model: f"{model}/p{n}.mp4" for model in one}, "human_anno": one} for n, one in enumerate(scores)
    ]


def test_video_benchs_file_of_four_raters_is_read_and_0_is_no_score():
    rng = np.random.default_rng(3)
    levels = {"kling": 1.0, "gen3": 0.0, "lavie": -1.0}

    def of(model):
        truth = levels[model] + rng.normal()
        return [int(np.clip(round(level + truth + 0.5 * rng.normal()), 1, 5)) for level in (3.5, 2.9, 4.4, 2.6)]

    records = scores_file([{model: of(model) for model in levels} for _ in range(60)])
    records[0]["human_anno"]["kling"] = [0, 4, 5, 3]
    found = read_scores(json.loads(json.dumps(records)))
    assert found["kling"].shape == (60, 4) and np.isnan(found["kling"][0, 0]) and found["kling"][0, 1] == 4
    lines = told(found)
    assert lines[0].startswith("180 videos, 719 scores, means: rater 1 3.")
    raw, normal = (float(line.split(": ")[1].split(" ")[0]) for line in lines[1:3])
    assert 0 < raw < normal < 1 and lines[3].count("rater") == 4
    of_case, of_rater, ties = components(found)
    assert 0.1 < of_case < 0.6 and abs(of_rater) < 0.05 and 0.1 < ties < 0.5


@pytest.mark.parametrize(
    "wrong",
    [{}, [], [{"prompt_en": "p"}], scores_file([{"a": [3, 3], "b": [3]}]), scores_file([{"a": [3, 3]}, {"b": [3, 3]}]),
     scores_file([{"a": [3, 7], "b": [1, 1]}])],
)  # fmt: skip
def test_another_format_of_scores_is_refused(wrong):
    with pytest.raises(ValueError, match="scores: "):
        read_scores(wrong)


def test_resampled_alphas_are_those_of_the_resampled_table():
    """Weights 1 give evalica's alpha; units that are drawn twice count as two."""
    rng = np.random.default_rng(4)
    values = rng.integers(1, 6, (5, 40)).astype(float)
    values[rng.random(values.shape) < 0.4] = np.nan
    values = values[:, (~np.isnan(values)).sum(0) > 1]
    drawn = np.random.default_rng(0).multinomial(values.shape[1], np.full(values.shape[1], 1 / values.shape[1]), 3)
    for name, many in (("ordinal", ordinal_alphas), ("interval", interval_alphas)):
        found = many(values, np.vstack([np.ones(values.shape[1]), drawn]).astype(float))
        tables = [values, *(np.repeat(values, weights, axis=1) for weights in drawn)]
        assert found == pytest.approx([alpha(pandas.DataFrame(table), name).alpha for table in tables])


def test_the_interval_of_alpha_covers_where_units_have_unequally_many_votes():
    """8 raters, each on half of 60 cases; the truth is alpha of very many such cases with the same raters."""
    rng = np.random.default_rng(6)

    def votes(cases):
        latent = rng.normal(0, 0.8, (1, cases)) + rng.normal(size=(8, cases))
        values = (latent > 0.4) * 1.0 - (latent < -0.4)
        values[rng.random(values.shape) < 0.5] = np.nan
        return {f"r{r}": {f"c{c}": value for c, value in enumerate(row) if not np.isnan(value)} for r, row in enumerate(values)}

    truth, hits = {one.scale: one.alpha for one in agreement_of(votes(4000), resamples=2)}, 0
    for _ in range(40):
        for one in agreement_of(votes(60), resamples=200):
            assert one.low < one.alpha < one.high
            hits += one.low <= truth[one.scale] <= one.high
    assert 0.87 <= hits / 80


def test_binomial():
    assert binomial_two_sided(0, 0) == 1 and binomial_two_sided(5, 10) == 1
    assert binomial_two_sided(0, 10) == binomial_two_sided(10, 10) == pytest.approx(2 / 2**10)
    for hits, trials in ((3, 12), (990, 2000), (10, 1000)):
        exact = Fraction(2 * sum(math.comb(trials, k) for k in range(hits + 1)), 2**trials)
        assert binomial_two_sided(hits, trials) == pytest.approx(float(exact), rel=1e-9)
    assert binomial_two_sided(149_000, 300_000) == pytest.approx(math.erfc((1000 - 0.5) / math.sqrt(2 * 75_000)), rel=1e-3)
