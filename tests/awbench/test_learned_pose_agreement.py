"""pose_agreement: invariances, planted faults, missing joints, several subjects, and the order of answers by the world's own poses."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest

from awbench.evidence import Evidence
from awbench.metrics.learned import keypoints, pose_agreement
from awbench.metrics.learned.models import LearnedModels
from awbench.metrics.learned.pose_agreement import agreement
from awbench.metrics.metric import Unscored
from awbench.scoring import load_metric
from awbench.world.render import render
from awbench.world.shot import sample_shot, with_motion_of
from models.types import Clip, PoseTrack

FPS, FRAMES = 12.0, 18
REST = np.array(
    [(0, -62), (3, -66), (-3, -66), (7, -64), (-7, -64), (14, -48), (-14, -48), (20, -24), (-20, -24), (22, -2), (-22, -2)]
    + [(9, 0), (-9, 0), (10, 32), (-10, 32), (10, 62), (-10, 62)],
    float,
)


def swung(points: np.ndarray, about: int, joints: list[int], angles: np.ndarray) -> None:
    """Turn joints of `[T,17,2]` about one of them by angles `[T]`."""
    cos, sin = np.cos(angles)[:, None], np.sin(angles)[:, None]
    arm = points[:, joints] - points[:, [about]]
    points[:, joints] = points[:, [about]] + np.stack([cos * arm[..., 0] - sin * arm[..., 1], sin * arm[..., 0] + cos * arm[..., 1]], -1)


def figure(rate: float = 1.0, phase: float = 0.0, swing: float = 1.0, walk: float = 4.0, frames: int = FRAMES) -> np.ndarray:
    """Somebody who waves the left arm, kicks the right leg and walks: `[T,17,2]` px."""
    t = np.arange(frames) / FPS
    points = np.repeat(REST[None], frames, 0)
    swung(points, 5, [7, 9], swing * (-1 + np.sin(2 * np.pi * rate * t + phase)))
    swung(points, 7, [9], swing * 0.7 * np.cos(2 * np.pi * 1.3 * rate * t + phase))
    swung(points, 12, [14, 16], swing * 0.8 * np.sin(2 * np.pi * 0.8 * rate * t + 1 + phase))
    return points + np.array([128, 128]) + (walk * np.arange(frames))[:, None, None] * np.array([1, 0])


def track(*people: np.ndarray, confidence: np.ndarray | float = 1.0) -> PoseTrack:
    points = np.stack(people, 1).astype(np.float32)
    return PoseTrack(points=points, confidence=np.broadcast_to(np.float32(confidence), points.shape[:3]), skeleton="coco17", fps=FPS)


def still(points: np.ndarray) -> np.ndarray:
    return np.repeat(points[:1], len(points), 0)


STANDING = track(REST[None] + 128)


def test_the_same_motion_is_one_at_any_place_size_and_proportion():
    driver = figure()
    assert agreement(track(driver), track(driver), STANDING) == pytest.approx(1)
    assert agreement(track(driver), track(0.4 * driver + 30), STANDING) == pytest.approx(1)
    stubby = driver.copy()  # forearms half as long
    for elbow, wrist in ((7, 9), (8, 10)):
        stubby[:, wrist] = driver[:, elbow] + 0.5 * (driver[:, wrist] - driver[:, elbow])
    assert agreement(track(driver), track(stubby), STANDING) == pytest.approx(1)


def test_right_before_wrong_before_still():
    driver = track(figure())
    wrong = agreement(driver, track(figure(rate=1.7, phase=2, walk=-2)), STANDING)
    assert agreement(driver, track(still(figure())), STANDING) < 0.02 < wrong < 0.6


@pytest.mark.parametrize(
    "fault",
    [
        lambda p: p * [1, -1] + [0, 256],  # upside down
        lambda p: p * [-1, 1] + [256, 0],  # mirrored
        lambda p: p[::-1],
        lambda p: p[np.random.default_rng(0).permutation(len(p))],
        lambda p: still(p) + (p.mean(1) - p[:1].mean(1))[:, None],  # a still that is pushed along the driver's way
    ],
)
def test_faults_stay_below_six_tenths(fault):
    assert agreement(track(figure()), track(fault(figure())), STANDING) < 0.6


def test_weaker_motion_and_more_jitter_score_less_and_less():
    driver, rng = track(figure()), np.random.default_rng(0)
    weak = [agreement(driver, track(figure(swing=swing)), STANDING) for swing in (1, 0.8, 0.5, 0.2)]
    jitter = [agreement(driver, track(figure() + rng.normal(0, px, (FRAMES, 17, 2))), STANDING) for px in (0, 2, 5, 12)]
    for values in (weak, jitter):
        assert values == sorted(values, reverse=True) and values[1] > 0.85 and values[-1] < 0.65


def test_two_that_rest_agree_and_one_that_fidgets_does_not():
    resting = track(still(figure()))
    assert agreement(resting, track(still(figure()) + 9), STANDING) == pytest.approx(1)
    assert agreement(resting, track(figure()), STANDING) < 0.3


def test_too_few_keypoints_are_unscored_with_the_share_told():
    nobody = track(figure(), confidence=0.1)
    answer = agreement(nobody, track(figure()), STANDING)
    assert isinstance(answer, Unscored) and "driver: 0 %" in answer.reason
    lost = agreement(track(figure()), nobody, track(REST[None], confidence=0.0))
    assert isinstance(lost, Unscored) and "answer: 0 %" in lost.reason
    empty = PoseTrack(points=np.zeros((FRAMES, 0, 17, 2)), confidence=np.zeros((FRAMES, 0, 17)), skeleton="coco17", fps=FPS)
    assert isinstance(agreement(empty, track(figure()), STANDING), Unscored)


def test_a_subject_that_the_reference_shows_and_the_answer_loses_counts_zero():
    driver, nobody = track(figure()), track(figure(), confidence=0.1)
    assert agreement(driver, nobody, STANDING) == 0
    half = np.ones((FRAMES, 1, 17))
    half[FRAMES // 2 :] = 0
    assert agreement(driver, track(figure(), confidence=half), STANDING) < 0.8
    legs = np.ones((FRAMES, 1, 17))
    legs[:, :, 13:] = 0
    upper = np.ones((1, 1, 17))
    upper[:, :, 13:] = 0
    assert agreement(driver, track(figure(), confidence=legs), track(REST[None], confidence=upper)) == pytest.approx(1)
    assert agreement(driver, track(figure(), confidence=legs), STANDING) < 0.9


def test_each_of_several_subjects_follows_one():
    one, two = figure(), figure(rate=1.6, phase=1, walk=-3) + [60, 0]
    pair, crowd = track(one, two), track(REST[None] + 128, REST[None] + 188)
    assert agreement(pair, track(two, one), crowd) == pytest.approx(1)  # columns have no order
    assert agreement(pair, track(one, one + 60), crowd) < 0.8
    assert agreement(pair, track(one), crowd) == pytest.approx(0.5)
    assert agreement(track(one), track(one, one + 60), crowd) == pytest.approx(1)  # one driver, two subjects
    assert agreement(track(one), track(one, still(one) + 60), crowd) < 0.6
    assert agreement(pair, track(one), STANDING) == pytest.approx(1)  # the reference has one subject only


@lru_cache(maxsize=1)
def world_answers() -> list[dict[str, tuple[Clip, PoseTrack]]]:
    """Per case driver, right answer, wrong motion and a still, with the world's own poses."""
    cases = []
    motions = ("walk", "wave", "dance", "punch", "jumping_jack", "squat")
    for k, motion in enumerate(motions):
        seeds = {"framing": "full", "camera": "static", "count": 1}
        driver = sample_shot("train", 2 * k, subject="human", motion=motion, **seeds)
        other = sample_shot("train", 2 * k + 100, subject="human", motion=motions[(k + 2) % len(motions)], **seeds)
        reference = sample_shot("train", 2 * k + 200, subject=("human", "cartoon", "bird")[k % 3], motion="sway", **seeds)
        shots = {"driver": driver, "right": with_motion_of(reference, driver), "wrong": with_motion_of(reference, other)}
        made = {name: render(shot, (96, 96), FRAMES, FPS) for name, shot in shots.items()}
        case = {name: (one.clip, one.pose) for name, one in made.items()}
        first, pose = render(reference, (96, 96), 1, FPS).clip.frames, render(reference, (96, 96), 1, FPS).pose
        case["still"] = (Clip(frames=np.repeat(first, FRAMES, 0), fps=FPS), replaced(pose, np.zeros(FRAMES, int)))
        case["reference"] = (Clip(frames=first, fps=1.0), pose)
        cases.append(case)
    return cases


def replaced(pose: PoseTrack, frames: np.ndarray) -> PoseTrack:
    return replace(pose, points=pose.points[frames], confidence=pose.confidence[frames])


class Oracle:
    """An estimator that knows the poses of the clips it may be shown."""

    weights_hash = "0" * 64

    def __init__(self, cases: list[dict[str, tuple[Clip, PoseTrack]]]) -> None:
        self.known = {clip.frames.tobytes(): pose for case in cases for clip, pose in case.values()}

    def estimate(self, clip: Clip) -> PoseTrack:
        return self.known[np.ascontiguousarray(clip.frames).tobytes()]


def test_in_the_world_the_right_answer_leads_and_the_still_is_last(monkeypatch):
    cases = world_answers()
    monkeypatch.setattr(keypoints, "estimator", lambda name: oracle)
    oracle, scores = Oracle(cases), {"right": [], "wrong": [], "still": []}
    metric = load_metric("pose_agreement", LearnedModels(estimator="oracle-of-this-test"))
    assert metric.scored_version == "1+000000"
    for case in cases:
        for name, values in scores.items():
            clip, reference = case[name][0], case["reference"][0].frames[0]
            values.append(metric.function(Evidence(case_id="c", output=clip, driver=case["driver"][0], reference=reference)))
    right, wrong, stills = (np.array(values) for values in scores.values())
    assert (right > wrong).all() and right.mean() > 0.8 and wrong.max() < 0.6
    assert right.mean() - wrong.mean() > 0.4 and wrong.mean() > stills.mean() and stills.max() < 0.35


def test_a_clip_is_estimated_once(monkeypatch):
    asked = []

    class Counting:
        def estimate(self, clip: Clip) -> PoseTrack:
            asked.append(len(clip))
            return replaced(track(figure(frames=4)), np.arange(len(clip)))

    monkeypatch.setattr(keypoints, "estimator", lambda name: Counting())
    clip = Clip(frames=np.random.default_rng(0).integers(0, 255, (4, 8, 8, 3), dtype=np.uint8), fps=8.0)
    evidence = Evidence(case_id="c", output=clip, driver=clip, reference=clip.frames[1])
    models = LearnedModels(estimator="counting-of-this-test")
    assert pose_agreement.pose_agreement(evidence, models) == pose_agreement.pose_agreement(evidence, models) == pytest.approx(1)
    assert sorted(asked) == [1, 4]
