"""Skeleton drawing, bone scaling and the heatmap decoder on planted maps."""

import numpy as np
import pytest
import torch

from models.pose.augment import random_bone_factors, scale_bones
from models.pose.draw import draw_poses
from models.pose.heatmap import HeatmapEstimator, PoseNet, decode, letterbox, load_estimator, save_estimator
from models.pose.skeleton import BONES, MIRRORED
from models.training.pose_estimator import AnnotatedFrames, _rate, fit_estimator, pck, targets_of
from models.types import Clip, PoseTrack


def person(shift=(0.0, 0.0)) -> np.ndarray:
    columns = {0: (24, 8), 1: (25, 7), 2: (23, 7), 3: (27, 8), 4: (21, 8), 5: (29, 14), 6: (19, 14), 7: (32, 20), 8: (16, 20),
               9: (33, 26), 10: (15, 26), 11: (27, 26), 12: (21, 26), 13: (28, 34), 14: (20, 34), 15: (28, 42), 16: (20, 42)}  # fmt: skip
    return np.array([columns[j] for j in range(17)], np.float32) + np.float32(shift)


def track(points: np.ndarray, confidence: float = 1.0) -> PoseTrack:
    return PoseTrack(points=points[None, None], confidence=np.full((1, 1, 17), confidence, np.float32), skeleton="coco17", fps=8.0)


def tracks(*people: np.ndarray) -> PoseTrack:
    """One person, a frame each."""
    points = np.stack(people)[:, None]
    return PoseTrack(points=points, confidence=np.ones(points.shape[:3], np.float32), skeleton="coco17", fps=8.0)


def lengths(pose: PoseTrack) -> np.ndarray:
    return np.array([np.linalg.norm(pose.points[0, 0, a] - pose.points[0, 0, b]) for a, b in BONES])


def test_a_frame_without_a_pose_is_a_blank_picture():
    assert not draw_poses(track(person(), confidence=0.0), (48, 48)).any()
    empty = PoseTrack(points=np.zeros((2, 0, 17, 2)), confidence=np.zeros((2, 0, 17)), skeleton="coco17", fps=8.0)
    assert draw_poses(empty, (48, 48)).sum() == 0


def test_drawing_follows_the_joints():
    picture = draw_poses(track(person()), (48, 48))[0]
    assert picture[38:42, 27:30].any() and not picture[:4].any()


def test_joints_far_outside_do_not_crash_the_drawing():
    assert draw_poses(track(person((1e7, -1e7))), (48, 48)).shape == (1, 48, 48, 3)


def test_scaling_arms_changes_arm_lengths_by_the_factor_and_nothing_else():
    before = track(person())
    after = scale_bones(before, {"left_arm": 1.2})
    ratio = lengths(after) / lengths(before)
    arm = [i for i, bone in enumerate(BONES) if bone in ((5, 7), (7, 9))]
    assert np.allclose(ratio[arm], 1.2, atol=1e-4) and np.allclose(np.delete(ratio, arm), 1, atol=1e-4)


def test_scaling_the_trunk_lifts_the_shoulders_and_keeps_the_legs():
    after = scale_bones(track(person()), {"trunk": 1.2}).points[0, 0]
    assert after[5, 1] < person()[5, 1] and np.allclose(after[11:], person()[11:])


def test_random_factors_stay_in_the_papers_range():
    factors = [f for s in range(50) for f in random_bone_factors(np.random.default_rng(s)).values()]
    assert 0.8 <= min(factors) < 0.85 and 1.15 < max(factors) <= 1.2


def test_decoder_finds_a_planted_person_with_subcell_accuracy():
    seen = np.ones((1, 17), bool)
    joints, centre, offsets, _ = targets_of(person()[None], seen)
    points, confidence = decode(joints[None], centre, offsets)
    assert points.shape == (1, 17, 2) and confidence.min() > 0.5
    assert np.abs((points[0] + 0.5) * 2 - 0.5 - person()).max() < 0.01


def test_every_view_of_a_picture_says_where_the_joints_are_in_the_picture_itself():
    seen = np.ones((1, 17), bool)
    joints, centre, offsets, _ = targets_of(person()[None], seen)
    moved = targets_of(person((1, 1))[None], seen)[0]
    points, _ = decode(np.stack([joints, moved]), centre, offsets)
    assert np.abs((points[0] + 0.5) * 2 - 0.5 - person()).max() < 0.01


def test_a_mirrored_picture_gets_the_mirrored_answer():
    torch.manual_seed(0)
    estimator, pictures = HeatmapEstimator(PoseNet(8)), torch.rand(2, 3, 48, 48)
    with torch.no_grad():
        plain, mirrored = estimator._with_mirror(pictures), estimator._with_mirror(pictures.flip(-1))
    joints, centre, offsets = (x.flip(-1) for x in mirrored)
    assert torch.allclose(joints[:, list(MIRRORED)], plain[0], atol=1e-5) and torch.allclose(centre, plain[1], atol=1e-5)
    across, down = (offsets.unflatten(1, (17, 2))[:, list(MIRRORED), axis] for axis in (0, 1))
    assert torch.allclose(-across, plain[2][:, 0::2], atol=1e-4) and torch.allclose(down, plain[2][:, 1::2], atol=1e-4)


def test_decoder_separates_two_people_and_finds_none_in_an_empty_map():
    both = np.stack([person((-12, 0)), person((12, 0))])
    joints, centre, offsets, _ = targets_of(both, np.ones((2, 17), bool))
    assert decode(joints[None], centre, offsets)[0].shape[0] == 2
    assert decode(joints[None] * 0, centre * 0, offsets)[0].shape == (0, 17, 2)


def test_estimator_keeps_coordinates_of_any_picture_size(tmp_path):
    torch.manual_seed(0)
    save_estimator(PoseNet(8), tmp_path, {})
    estimator = load_estimator(tmp_path)
    clip = Clip(frames=np.random.default_rng(0).integers(0, 255, (3, 90, 160, 3), dtype=np.uint8), fps=8.0)
    pose = estimator.estimate(clip)
    assert len(pose) == 3 and pose.points.shape[2] == 17
    _, box = letterbox(clip.frames[0])
    assert box.scale == pytest.approx(0.3) and box.left == 0 and box.top > 0


def test_pck_is_one_for_the_truth_and_zero_for_nothing():
    truth = track(person())
    nothing = PoseTrack(points=np.zeros((1, 0, 17, 2)), confidence=np.zeros((1, 0, 17)), skeleton="coco17", fps=8.0)
    assert pck(truth, truth).share == 1.0 and pck(nothing, truth).share == 0.0 and pck(nothing, truth).found == 0.0
    assert pck(track(person((8, 0))), truth).share == 0.0


def test_training_the_estimator_lowers_its_error_and_is_repeatable(tmp_path):
    rng = np.random.default_rng(0)
    shifts = rng.uniform(-4, 4, (24, 2))
    points = np.stack([person(s)[None] for s in shifts])
    frames = np.stack([draw_poses(track(p[0]), (48, 48))[0] for p in points])
    data = AnnotatedFrames(frames=frames, points=points, confidence=np.ones((24, 1, 17), np.float32))
    first = fit_estimator(data, steps=3, out=tmp_path / "a", batch_size=4, width=8)
    again = fit_estimator(data, steps=3, out=tmp_path / "b", batch_size=4, width=8)
    assert first.weights_hash == again.weights_hash and isinstance(first, HeatmapEstimator)
    assert fit_estimator(data, steps=3, out=tmp_path / "a", batch_size=4, width=8).weights_hash == first.weights_hash
    with pytest.raises(ValueError, match="steps: got 99, expected 3 as in the finished estimator"):
        fit_estimator(data, steps=99, out=tmp_path / "a", batch_size=4, width=8)


@pytest.mark.parametrize("steps", [1, 2, 10, 100])
def test_the_estimators_rate_is_positive_and_bounded_for_any_length(steps):
    rates = [_rate(step, steps) for step in range(steps)]
    assert all(0 < rate <= 1 for rate in rates) and rates[-1] <= rates[steps // 10]
