"""The metrics against the world: the truth is the ceiling, and every planted fault is seen by the metric it aims at.

Differences are paired by case; "below" means that the whole bootstrap interval lies below 0.
"""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from awbench.cases import Truth
from awbench.controls import CONTROLS
from awbench.evidence import Evidence
from awbench.metrics import psnr, psnr_subject, ssim
from awbench.metrics.appearance_consistency import METRIC as APPEARANCE
from awbench.metrics.driver_leak import METRIC as LEAK
from awbench.metrics.imaging_quality import METRIC as IMAGING
from awbench.metrics.metric import Unscored
from awbench.metrics.motion_fidelity import METRIC as MOTION
from awbench.metrics.motion_smoothness import METRIC as SMOOTHNESS
from awbench.metrics.overall import overall
from awbench.metrics.temporal_consistency import METRIC as CONSISTENCY
from awbench.statistics import paired
from awbench.world.render import render, seen_from_reference
from awbench.world.shot import NOVEL_SUBJECTS, SUBJECTS, Shot, sample_shot, with_motion_of
from models.baselines.flow_warp import FlowWarp
from models.types import AnimationRequest, Clip
from models.video import encode_video, read_video

METRICS = (IMAGING, SMOOTHNESS, CONSISTENCY, APPEARANCE, MOTION, LEAK, psnr.METRIC, psnr_subject.METRIC, ssim.METRIC)
SIZES = {"48px": (12, 48, 6, 8.0), "128px": (6, 128, 6, 10.0)}  # cases, side px, frames, fps
PLANS = tuple(plan for plan in SUBJECTS if plan not in NOVEL_SUBJECTS)
AIMED_AT = {"wrong_identity": APPEARANCE.name, "wrong_motion": MOTION.name} | {name: aim for name, (aim, _) in CONTROLS.items()}
SHARED = ("driver_flow", "truth_flow", "exact_flow", "subject", "reference_subject")


def shots(index: int) -> tuple[Shot, Shot, Shot, Shot]:
    """Driver, reference, another identity, another motion; subjects, framing, camera and count mixed over cases."""
    framing, count = ("full", "full", "half", "full", "face")[index % 5], 2 if index % 7 == 3 else 1
    how = {"camera": "moving" if index % 3 == 1 else "static", "framing": "full" if count == 2 else framing, "count": count}
    driver = sample_shot("heldout", 31_000 + index, subject=PLANS[index % 5], **how)
    reference, other = (sample_shot("heldout", seed + index, subject=PLANS[(index + index // 5) % 5], **how) for seed in (41_000, 51_000))
    mover = next(shot for k in range(60) if (shot := sample_shot("heldout", 61_000 + 60 * index + k)).motion != driver.motion)
    return driver, reference, other, mover


def outputs(truth: Clip, driver: Clip, reference: np.ndarray, index: int, size: tuple[int, int]) -> dict[str, Clip]:
    frames, fps = len(truth), truth.fps
    drive, refer, other, mover = shots(index)
    answer = with_motion_of(refer, drive)
    moved = replace(answer, motion=mover.motion, motion_seed=mover.motion_seed, start_s=mover.start_s)
    request = AnimationRequest(id="c", reference=reference, driving=driver, size=size, num_frames=frames, seed=0)
    return {
        "truth": truth,
        "still": Clip(frames=np.repeat(reference[None], frames, 0), fps=fps),
        "echo": driver,
        "flow_warp": FlowWarp().animate(request).clip,
        "wrong_identity": render(with_motion_of(other, drive), size, frames, fps).clip,
        "wrong_motion": render(moved, size, frames, fps).clip,
    } | {name: spoil(truth, np.random.default_rng(index)) for name, (_, spoil) in CONTROLS.items()}


def scores_of_case(index: int, side: int, frames: int, fps: float) -> dict[str, dict[str, float]]:
    size, (drive, refer, _, _) = (side, side), shots(index)
    answer = with_motion_of(refer, drive)
    shown = answer if index % 2 else refer  # the reference is the truth's first frame, or in a pose of its own
    right, picture = render(answer, size, frames, fps, flow=True), render(shown, size, 1, fps)
    seen = seen_from_reference(answer, shown, size, frames, fps)
    truth = Truth(clip=right.clip, subject=right.subject, reference_subject=picture.subject[0], seen=seen, flow=right.flow)
    driver, reference, known, table = render(drive, size, frames, fps).clip, picture.clip.frames[0], {}, {}
    for name, clip in outputs(right.clip, driver, reference, index, size).items():
        stored = read_video(encode_video(clip))  # every system's output goes through a file
        case = Evidence(case_id=f"c{index}", output=stored, driver=driver, reference=reference, truth=truth)
        case.__dict__.update(known)
        answers = {metric.name: metric.function(case) for metric in METRICS}
        known = {key: case.__dict__[key] for key in SHARED if key in case.__dict__}
        table[name] = answers | {"overall": overall(answers)}
    return table


@cache
def table(size: str) -> dict[str, dict[str, np.ndarray]]:
    """Values per system and metric over the cases, nan where unscored."""
    cases, side, frames, fps = SIZES[size]
    rows = [scores_of_case(index, side, frames, fps) for index in range(cases)]

    def number(value):
        return np.nan if isinstance(value, Unscored) else value

    return {name: {metric: np.array([number(row[name][metric]) for row in rows]) for metric in rows[0][name]} for name in rows[0]}


def interval(size: str, system: str, metric: str) -> tuple[float, float]:
    """95 % of the mean paired difference system - truth, turned so that more is better."""
    values, truth = (scored(size, name, metric) for name in (system, "truth"))
    found = paired(values, truth)
    return found.low, found.high


def scored(size: str, system: str, metric: str) -> dict[str, float]:
    """Values by case, turned so that more is better; unscored cases are left out."""
    sign = -1 if metric == LEAK.name else 1
    return {str(case): sign * value for case, value in enumerate(table(size)[system][metric]) if np.isfinite(value)}


@pytest.mark.parametrize("size", SIZES)
def test_nothing_beats_the_truth_on_any_metric(size):
    for system, values in table(size).items():
        for metric in values:
            low, _ = interval(size, system, metric)
            assert low <= 1e-9, f"{system} beats the truth on {metric} by at least {low}"


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("control", AIMED_AT)
def test_a_planted_fault_is_seen_by_its_metric_and_by_overall(size, control):
    for metric in (AIMED_AT[control], "overall"):
        _, high = interval(size, control, metric)
        assert high < 0, f"{control} on {metric}: the interval of the difference ends at {high}"


@pytest.mark.parametrize("size", SIZES)
def test_degenerate_systems_are_worth_nothing_overall(size):
    found = table(size)
    assert not found["still"][MOTION.name].any() and not found["still"]["overall"].any()
    assert not found["frozen"][MOTION.name].any()
    assert np.all(found["echo"][LEAK.name] == 1) and not found["truth"][LEAK.name].any()
    assert np.nanmean(found["echo"][APPEARANCE.name]) < 0.05 and np.nanmean(found["wrong_identity"][APPEARANCE.name]) < 0.35
    assert np.mean(found["reversed"][MOTION.name]) < 0.6 and np.mean(found["wrong_motion"][MOTION.name]) < 0.5


@pytest.mark.parametrize("size", SIZES)
def test_the_truth_saturates_through_a_video_file(size):
    truth = table(size)["truth"]
    for metric in (IMAGING, SMOOTHNESS, CONSISTENCY, APPEARANCE, MOTION):
        assert np.nanmean(truth[metric.name]) > 0.995
    assert all(np.isfinite(values).all() for metric, values in truth.items() if metric != APPEARANCE.name)
