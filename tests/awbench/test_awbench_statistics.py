"""Closed forms, coverage under crossed drivers and references, and what may be concluded."""

from __future__ import annotations

import math

import numpy as np
import pytest

from awbench.statistics import (
    MIN_CLUSTERS,
    Estimate,
    cases_needed,
    detectable,
    estimate,
    holm,
    paired,
    ranks,
    sign_test,
)
from awbench.student_t import probability, quantile, two_sided


def named(values):
    return {f"case-{index:03d}": float(value) for index, value in enumerate(values)}


def sides(drivers, references):
    return ({f"case-{index:03d}": str(who) for index, who in enumerate(side)} for side in (drivers, references))


# Student's t


@pytest.mark.parametrize(
    ("share", "df", "value"),
    [(0.975, 1, 12.7062), (0.975, 5, 2.57058), (0.975, 30, 2.04227), (0.8, 4, 0.940965), (0.995, 9, 3.24984), (0.975, 10**6, 1.95997)],
)
def test_quantiles_agree_with_printed_tables(share, df, value):
    assert quantile(share, df) == pytest.approx(value, rel=2e-6) == -quantile(1 - share, df)


def test_probabilities_agree_with_closed_forms():
    for t in (-40.0, -2.0, -0.1, 0.0, 0.3, 5.0, 1e5):
        assert probability(t, 1) == pytest.approx(0.5 + math.atan(t) / math.pi, abs=1e-13)
        assert probability(t, 2) == pytest.approx(0.5 + t / (2 * math.sqrt(2 + t * t)), abs=1e-13)
    assert two_sided(40, 9) == pytest.approx(1.8983e-11, rel=1e-3) and two_sided(math.inf, 3) == 0


# the mean and its interval


def test_no_case_has_no_mean():
    assert estimate({}) == Estimate(mean=None, low=None, high=None, n=0, drivers=0, references=0)


def test_one_case_has_a_mean_and_no_interval():
    assert estimate({"a": 0.25}) == Estimate(mean=0.25, low=None, high=None, n=1, drivers=1, references=1)


@pytest.mark.parametrize("value", [0.1, 0.0, -3.3, 45.68])
def test_constants_have_an_interval_of_no_width(value):
    found = estimate(named([value] * 7))
    assert (found.mean, found.low, found.high, found.error, found.n) == (value, value, value, 0.0, 7)


def test_cases_of_their_own_have_the_interval_of_students_t():
    values = np.random.default_rng(1).normal(5, 2, 12)
    found = estimate(named(values))
    half = 2.20099 * values.std(ddof=1) / math.sqrt(12)
    assert (found.mean, found.high - found.mean, found.df) == (pytest.approx(values.mean()), pytest.approx(half, rel=1e-5), 11)


def test_two_way_variance_agrees_with_the_formula_written_out():
    rng = np.random.default_rng(8)
    drivers, references = rng.integers(0, 7, 40), rng.integers(0, 9, 40)
    values = rng.normal(0, 1, 40) + drivers + 0.5 * references
    e = values - values.mean()

    def one_way(labels):
        groups = set(labels)
        return len(groups) / (len(groups) - 1) * sum(sum(x for x, own in zip(e, labels) if own == g) ** 2 for g in groups) / 40**2

    variance = one_way(list(drivers)) + one_way(list(references)) - one_way(list(zip(drivers, references)))
    found = estimate(named(values), *sides(drivers, references))
    assert found.error == pytest.approx(math.sqrt(variance)) and found.df == 6
    assert (found.drivers, found.references) == (7, 9)


def test_where_the_variance_is_not_positive_the_largest_part_stands_in():
    values = [1.0, -1.0, -1.0, 1.0]  # every driver and every reference has mean 0: the two-way variance is negative
    found = estimate(named(values), *sides([0, 0, 1, 1], [0, 1, 0, 1]))
    assert found.error == pytest.approx(np.std(values, ddof=1) / 2) and found.df == 1


def test_one_cluster_of_a_side_is_left_out_and_never_enough():
    values = named(np.random.default_rng(4).random(12))
    one_driver, own = dict.fromkeys(values, "d"), {case: case for case in values}
    pairs_of_two = {case: str(index // 2) for index, case in enumerate(values)}
    alone = estimate(values, one_driver, pairs_of_two)
    assert alone.error == pytest.approx(estimate(values, pairs_of_two, own).error) and alone.df == 5
    assert (alone.drivers, alone.references, alone.enough) == (1, 6, False)
    single = estimate(values, one_driver, dict.fromkeys(values, "r"))
    assert (single.error, single.df, single.enough) == (estimate(values).error, 11, False) and estimate(values).enough


def test_order_of_the_cases_does_not_matter_to_the_bit():
    rng = np.random.default_rng(5)
    values = named(rng.random(30))
    drivers, references = sides(rng.integers(0, 6, 30), rng.integers(0, 8, 30))
    for seed in range(5):
        order = np.random.default_rng(seed).permutation(sorted(values))
        assert estimate({case: values[case] for case in order}, drivers, references) == estimate(values, drivers, references)
    assert sign_test(dict(reversed(values.items())), drivers) == sign_test(values, drivers)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_refused_by_case(value):
    with pytest.raises(ValueError, match="case bad: value"):
        estimate({"fine": 0.0, "bad": value})


def test_bad_settings_are_refused():
    with pytest.raises(ValueError, match="interval: confidence"):
        estimate({"a": 0.0, "b": 1.0}, confidence=1.0)


# coverage


def skewed(rng, size):
    """The difference of two systems that both have skewed effects."""
    return rng.exponential(1, size) - rng.exponential(1, size)


def normal(rng, size):
    return rng.normal(0, 1, size)


def crossed(rng, drivers, per_driver, pool, draw=normal, spread=(1, 1, 1)):
    """Differences of two equal systems: an effect of the driver, of the reference and of the case, all of mean 0."""
    count = drivers * per_driver
    driver = np.repeat(np.arange(drivers), per_driver)
    reference = rng.permutation(np.arange(count) % pool)
    effects = (draw(rng, drivers)[driver], draw(rng, pool)[reference], draw(rng, count))
    return named(sum(size * effect for size, effect in zip(spread, effects))), *sides(driver, reference)


def covers(found):
    return found.low <= 0 <= found.high


def resampled(values, rng, resamples=200):
    """The interval that went before: the percentile bootstrap of single cases."""
    numbers = np.array(list(values.values()))
    means = numbers[rng.integers(0, len(numbers), (resamples, len(numbers)))].mean(1)
    return Estimate(mean=0.0, low=np.quantile(means, 0.025), high=np.quantile(means, 0.975), n=len(numbers), drivers=0, references=0)


DESIGNS = [(6, 1, 200), (6, 4, 8), (6, 4, 200), (10, 4, 8), (20, 1, 8), (20, 4, 30), (100, 1, 8), (100, 1, 200), (100, 4, 30)]


@pytest.mark.parametrize("draw", [normal, skewed])
@pytest.mark.parametrize("design", DESIGNS, ids=str)
def test_a_nominal_95_percent_covers_93_to_98(design, draw):
    rng = np.random.default_rng([*design, draw is skewed])
    hits = [covers(estimate(*crossed(rng, *design, draw))) for _ in range(700)]
    assert 0.93 - 0.01 <= np.mean(hits) <= 0.98 + 0.01, np.mean(hits)  # 700 draws: a standard error of 0.008


def test_over_all_designs_95_percent_covers_94_to_97():
    rng, hits = np.random.default_rng(11), []
    for spread in ((1, 1, 1), (1, 0, 1), (0, 1, 1), (0, 0, 1), (0.59, 0.39, 0.58)):
        for design in DESIGNS:
            hits += [covers(estimate(*crossed(rng, *design, spread=spread))) for _ in range(80)]
    assert 0.94 <= np.mean(hits) <= 0.97, np.mean(hits)


@pytest.mark.parametrize(("design", "at_most"), [((6, 4, 8), 0.85), ((20, 4, 8), 0.7), ((100, 1, 8), 0.7), ((100, 4, 30), 0.7)])
def test_single_cases_resampled_would_not_cover(design, at_most):
    rng = np.random.default_rng(12)
    hits = [covers(resampled(crossed(rng, *design)[0], rng)) for _ in range(200)]
    assert np.mean(hits) <= at_most


def test_drivers_alone_would_not_cover_with_shared_references():
    rng, both, alone = np.random.default_rng(13), [], []
    for _ in range(300):
        values, drivers, references = crossed(rng, 100, 1, 8)
        both.append(covers(estimate(values, drivers, references)))
        alone.append(covers(estimate(values, drivers)))
    assert np.mean(alone) <= 0.75 and np.mean(both) >= 0.92


# pairs


def test_paired_differences_use_shared_cases_only():
    found = paired({"a": 1.0, "b": 2.0, "only here": 9.0}, {"a": 0.5, "b": 1.5, "only there": -9.0})
    assert (found.mean, found.low, found.high, found.n) == (0.5, 0.5, 0.5, 2)


def test_pairing_sees_what_two_separate_intervals_hide():
    rng = np.random.default_rng(7)
    hard = rng.normal(0, 1, 60)
    base, better = named(hard), named(hard + 0.1 + rng.normal(0, 0.05, 60))
    assert estimate(better).low < estimate(base).high
    assert paired(better, base).beyond(0.05) and not paired(better, base).beyond(0.1)


def test_beyond_and_within_speak_of_the_whole_interval():
    one = Estimate(mean=0.02, low=0.01, high=0.03, n=9, drivers=9, references=9)
    assert one.beyond(0.0) and not one.beyond(0.01) and one.within(0.03) and not one.within(0.02)
    below = Estimate(mean=-0.02, low=-0.03, high=-0.01, n=9, drivers=9, references=9)
    assert below.beyond(0.005) and not below.beyond(0.01) and below.within(0.03)
    none = estimate({"a": 1.0})
    assert not none.beyond(0) and not none.within(10)


# tests


def test_sign_test_is_exact_and_counts_drivers():
    assert sign_test(named([1.0] * 6)) == pytest.approx(2 / 64)
    assert sign_test(named([1.0] * 8 + [-1.0] * 2)) == pytest.approx(2 * (1 + 10 + 45) / 1024)
    assert sign_test(named([1.0, -1.0])) == 1.0 and sign_test({}) == 1.0 and sign_test(named([0.0] * 9)) == 1.0
    assert sign_test(named([1.0] * 5 + [0.0] * 20)) == pytest.approx(2 / 32)
    drivers, _ = sides([0, 0, 0, 1, 1, 1, 2, 2], range(8))
    assert sign_test(named([3.0, -1.0, -1.0, 1.0, 1.0, 1.0, 2.0, 2.0]), drivers) == pytest.approx(2 / 8)  # the first driver's mean is > 0


def test_holm_agrees_with_its_worked_example_and_keeps_order():
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03, "d": 0.005}) == pytest.approx({"a": 0.03, "b": 0.06, "c": 0.06, "d": 0.02})
    assert holm({}) == {} and holm({"a": 0.4, "b": 0.6}) == {"a": 0.8, "b": 0.8}


def test_equal_systems_are_rarely_called_different_by_anything():
    """Four systems, seven metrics, all equal: at most 5 % of tables may hold one call; unadjusted, most do."""
    rng, rounds, called, unadjusted = np.random.default_rng(14), 120, 0, 0
    for _ in range(rounds):
        p_values = {number: estimate(*crossed(rng, 20, 1, 20)).p for number in range(21)}
        called += min(holm(p_values).values()) < 0.05
        unadjusted += min(p_values.values()) < 0.05
    assert called / rounds <= 0.1 and unadjusted / rounds >= 0.4


def test_detectable_differences_are_found_four_times_in_five():
    rng, found, rounds = np.random.default_rng(15), 0, 600
    error = 1 / math.sqrt(40)
    known = Estimate(mean=0.0, low=0.0, high=0.0, n=40, drivers=40, references=40, error=error, df=39)
    true = detectable(known)
    for _ in range(rounds):
        found += estimate(named(rng.normal(true, 1, 40))).p < 0.05
    assert 0.76 <= found / rounds <= 0.84


def test_needed_cases_are_those_at_which_the_difference_would_be_found():
    shown = estimate(named(np.random.default_rng(16).normal(0.2, 1, 30)))
    needed = cases_needed(shown)
    spread = shown.error * math.sqrt(30)
    later = Estimate(
        mean=0.0, low=0.0, high=0.0, n=needed, drivers=needed, references=needed, error=spread / math.sqrt(needed), df=needed - 1
    )
    assert needed > 30 and detectable(later) == pytest.approx(abs(shown.mean), rel=0.02)
    assert cases_needed(shown, margin=0.05) > needed and cases_needed(shown, alpha=0.005) > needed
    assert cases_needed(shown, margin=1.0) is None and cases_needed(estimate({"a": 1.0})) is None


def test_few_drivers_need_more_whatever_they_say():
    drivers, references = sides([0, 0, 1, 1, 2, 2], range(6))
    assert cases_needed(estimate(named([1.0, 1.1, 1.0, 1.1, 1.0, 1.1]), drivers, references)) >= 2 * MIN_CLUSTERS
    assert cases_needed(estimate(named([1.0] * 4)), alpha=0.05) == MIN_CLUSTERS
    assert cases_needed(estimate(named([1.0] * 6)), alpha=0.05 / 20) == 10  # 2 / 2**10 < 0.0025 < 2 / 2**9


def test_equal_values_share_their_places():
    assert ranks({"a": 3.0, "b": 1.0, "c": 3.0, "d": 2.0}) == {"a": 1.5, "b": 4.0, "c": 1.5, "d": 3.0}
    assert ranks({"a": 0.98, "b": 0.97, "c": 0.9}, margin=0.02) == {"a": 1.5, "b": 1.5, "c": 3.0}
