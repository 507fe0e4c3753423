"""Closed forms, coverage and the resampling unit of the statistics."""

from __future__ import annotations

import numpy as np
import pytest

from awbench.statistics import MIN_CLUSTERS, Estimate, estimate, paired


def named(values):
    return {f"case-{index:03d}": float(value) for index, value in enumerate(values)}


def test_no_case_has_no_mean():
    assert estimate({}) == Estimate(mean=None, low=None, high=None, n=0, clusters=0)


def test_one_case_has_a_mean_and_no_interval():
    assert estimate({"a": 0.25}) == Estimate(mean=0.25, low=None, high=None, n=1, clusters=1)


@pytest.mark.parametrize("value", [0.1, 0.0, -3.3, 45.68])
def test_constants_have_an_interval_of_no_width(value):
    found = estimate(named([value] * 7))
    assert (found.mean, found.low, found.high, found.n) == (value, value, value, 7)


def test_two_cases_span_both_values():
    found = estimate({"a": 0.0, "b": 1.0})
    assert (found.mean, found.low, found.high) == (0.5, 0.0, 1.0)


def test_width_agrees_with_the_normal_interval_of_many_cases():
    values = np.random.default_rng(1).normal(5, 2, 400)
    found = estimate(named(values))
    half = 1.96 * values.std() / np.sqrt(400)
    assert found.mean == pytest.approx(values.mean(), abs=1e-12)
    assert (found.high - found.low) / 2 == pytest.approx(half, rel=0.06)


def test_nominal_95_percent_covers_normal_means_93_to_97_percent():
    rng, hits = np.random.default_rng(2), 0
    for _ in range(1200):
        found = estimate(named(rng.normal(0, 1, 80)))
        hits += found.low <= 0 <= found.high
    assert 0.93 <= hits / 1200 <= 0.97


def test_clusters_restore_the_coverage_that_single_cases_lose():
    rng, clustered, naive, rounds = np.random.default_rng(3), 0, 0, 300
    drivers = {f"case-{index:03d}": str(index // 4) for index in range(160)}
    for _ in range(rounds):
        values = named(rng.normal(0, 1, 40).repeat(4) + rng.normal(0, 0.5, 160))
        wide, narrow = estimate(values, drivers), estimate(values)
        clustered += wide.low <= 0 <= wide.high
        naive += narrow.low <= 0 <= narrow.high
    assert clustered / rounds >= 0.91 and naive / rounds <= 0.8


def test_clusters_of_one_case_each_change_nothing():
    values = named(np.random.default_rng(4).random(20))
    assert estimate(values, {case: case for case in values}) == estimate(values)


def test_one_cluster_has_the_interval_of_its_cases_but_is_never_clear():
    values = named([0.1, 0.2, 0.3] * MIN_CLUSTERS)
    one, apart = estimate(values, dict.fromkeys(values, "one driver")), estimate(values)
    assert (one.low, one.high, one.n) == (apart.low, apart.high, apart.n)
    assert (one.clusters, one.clear) == (1, False) and apart.clear


def test_order_of_the_cases_does_not_matter():
    values = named(np.random.default_rng(5).random(30))
    assert estimate(dict(reversed(values.items()))) == estimate(values)


def test_seed_moves_the_interval_but_not_the_mean():
    values = named(np.random.default_rng(6).random(30))
    one, other = estimate(values, seed=0), estimate(values, seed=1)
    assert one.mean == other.mean and one.low != other.low


def test_paired_differences_use_shared_cases_only():
    found = paired({"a": 1.0, "b": 2.0, "only here": 9.0}, {"a": 0.5, "b": 1.5, "only there": -9.0})
    assert (found.mean, found.low, found.high, found.n) == (0.5, 0.5, 0.5, 2)


def test_pairing_sees_what_two_separate_intervals_hide():
    rng = np.random.default_rng(7)
    hard = rng.normal(0, 1, 60)
    base, better = named(hard), named(hard + 0.1 + rng.normal(0, 0.05, 60))
    assert estimate(better).low < estimate(base).high
    assert paired(better, base).clear


def test_too_few_cases_are_never_clear():
    assert not estimate(named([1.0] * (MIN_CLUSTERS - 1))).clear
    assert estimate(named([1.0] * MIN_CLUSTERS)).clear


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_number_that_is_not_finite_is_refused_by_case(value):
    with pytest.raises(ValueError, match="case bad: value"):
        estimate({"fine": 0.0, "bad": value})


@pytest.mark.parametrize("settings", [{"resamples": 0}, {"confidence": 1.0}])
def test_bad_settings_are_refused(settings):
    with pytest.raises(ValueError, match="bootstrap"):
        estimate({"a": 0.0, "b": 1.0}, **settings)
