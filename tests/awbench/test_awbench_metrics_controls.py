"""The metrics against the world: the truth is the ceiling, and every planted fault is seen by the metric it aims at.

Differences are paired by case; "below" means that the whole interval lies below 0. What a right answer is turned into comes from the
self-test's damages; wrong answers go through a video file, as everybody's do.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from awbench.metrics.appearance_consistency import METRIC as APPEARANCE
from awbench.metrics.driver_leak import METRIC as LEAK
from awbench.metrics.imaging_quality import METRIC as IMAGING
from awbench.metrics.motion_fidelity import METRIC as MOTION
from awbench.metrics.motion_smoothness import METRIC as SMOOTHNESS
from awbench.metrics.temporal_consistency import METRIC as CONSISTENCY
from awbench.scoring import load_metrics
from awbench.selftest.bench import LAG_ERROR, SHOWN, Bench, bench_of
from awbench.selftest.damages import DAMAGES
from awbench.selftest.scenes import Answer, Scene, flow_warp, world_scenes
from awbench.selftest.tricks import TRICKS
from awbench.statistics import paired
from models.seeds import item_rng
from models.types import Clip, Grid
from models.video import encode_video, read_video

SIZES = {  # cases and their grid
    "48px": (7, Grid(width=48, height=48, fps=8.0, num_frames=8)),
    "96px": (6, Grid(width=96, height=96, fps=10.0, num_frames=6)),
}
LEVELS = {"blur": 4, "oversharp": 4, "noise": 3, "pixelated": 4, "jpeg": 4, "flicker": 4, "jitter": 4, "stutter": 4, "freeze_tail": 5}
LEVELS |= {"reverse": 5, "wrong_motion": 5, "missing_subject": 5, "scrambled": 5}
AIMED_AT = {"wrong_identity": APPEARANCE.name} | {name: DAMAGES[name].aims for name in LEVELS}
AIMED_AT["reverse"] = "overall"  # a short motion run backwards may look like itself early or late: completeness and lag pay for it


def outputs(scene: Scene) -> dict[str, Clip]:
    known = {"truth": scene.answer, "flow_warp": flow_warp(scene.reference, scene.driver), "wrong_identity": scene.wrong_identity}
    known |= {name: TRICKS[name](scene).clip for name in ("still", "echo")}
    return known | {name: DAMAGES[name].answer(scene, level, item_rng(0, scene.id, name)).clip for name, level in LEVELS.items()}


def scores_of(scene: Scene) -> dict[str, dict[str, float]]:
    bench, metrics = Bench(cases={SHOWN: bench_of(scene).cases[SHOWN]}), load_metrics()
    stored = {name: read_video(encode_video(clip)) for name, clip in outputs(scene).items()}
    table = {name: bench.values(Answer(clip=clip), metrics) for name, clip in stored.items()}
    assert not [value for values in table.values() for value in values if value.reason.startswith("failed")]
    return {
        name: {one.metric: np.nan if one.value is None else one.value for one in values if one.metric != LAG_ERROR}
        for name, values in table.items()
    }


@cache
def table(size: str) -> dict[str, dict[str, np.ndarray]]:
    """Values per system and metric over the cases, nan where unscored."""
    rows = [scores_of(source.make()) for source in world_scenes(*SIZES[size], seed=1)]
    return {name: {metric: np.array([row[name][metric] for row in rows]) for metric in rows[0][name]} for name in rows[0]}


def interval(size: str, system: str, metric: str) -> tuple[float, float]:
    """95 % of the mean paired difference system - truth, turned so that more is better."""
    values, truth = (scored(size, name, metric) for name in (system, "truth"))
    found = paired(values, truth)
    return found.low, found.high


def scored(size: str, system: str, metric: str) -> dict[str, float]:
    """Values by case, turned so that more is better; unscored cases are left out."""
    values = table(size)[system][metric]
    turned = -np.abs(values) if metric in (LEAK.name, "lag") else values
    return {str(case): value for case, value in enumerate(turned) if np.isfinite(value)}


@pytest.mark.parametrize("size", SIZES)
def test_nothing_beats_the_truth_on_any_metric(size):
    for system, values in table(size).items():
        for metric in values:
            low, _ = interval(size, system, metric)
            assert low <= 1e-9, f"{system} beats the truth on {metric} by at least {low}"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("fault", AIMED_AT)
def test_a_planted_fault_is_seen_by_its_metric_and_by_overall(size, fault):
    for metric in (AIMED_AT[fault], "overall"):
        _, high = interval(size, fault, metric)
        assert high < 0, f"{fault} on {metric}: the interval of the difference ends at {high}"


@pytest.mark.parametrize("size", SIZES)
def test_degenerate_systems_are_worth_nothing_overall(size):
    found = table(size)
    assert not found["still"][MOTION.name].any() and not found["still"]["overall"].any()
    assert not found["freeze_tail"][MOTION.name].any()
    assert np.all(found["echo"][LEAK.name] == 1) and not found["truth"][LEAK.name].any()
    assert np.nanmean(found["echo"][APPEARANCE.name]) < 0.05 and np.nanmean(found["wrong_identity"][APPEARANCE.name]) < 0.35
    assert np.mean(found["reverse"]["overall"]) < 0.7 and np.mean(found["wrong_motion"][MOTION.name]) < 0.5


@pytest.mark.parametrize("size", SIZES)
def test_the_truth_saturates_through_a_video_file(size):
    truth = table(size)["truth"]
    for metric in (IMAGING, SMOOTHNESS, CONSISTENCY, APPEARANCE, MOTION):
        assert np.nanmean(truth[metric.name]) > 0.995
    assert all(np.isfinite(values).all() for metric, values in truth.items() if metric != APPEARANCE.name)


def test_reencoding_costs_no_motion_where_the_subject_fills_the_frame():
    """There the largest consensus of a field is the subject, not the camera."""
    scene = next(source for source in world_scenes(10, SIZES["48px"][1], seed=1) if source.id == "wh-0234").make()
    stored = read_video(encode_video(scene.answer))
    (motion,) = (one for one in bench_of(scene).values(Answer(clip=stored), (MOTION,)) if (one.judged, one.metric) == (SHOWN, MOTION.name))
    assert motion.value > 0.95
