"""Bone scaling of whole bodies, and the box over the whole clip: exact invariances and what must stay."""

import numpy as np
import pytest

from models.pose.augment import normalise_box, random_bone_factors, scale_bones
from models.pose.skeleton import ANATOMIES
from models.types import SKELETONS, PoseTrack

WHOLE = {part.name: part for part in ANATOMIES["wholebody133"].parts}


def track(skeleton: str = "coco17", frames: int = 4, people: int = 2, seed: int = 0) -> PoseTrack:
    points = np.random.default_rng(seed).integers(0, 1024, (frames, people, SKELETONS[skeleton], 2)) / 16
    return PoseTrack(points=points, confidence=np.ones(points.shape[:3]), skeleton=skeleton, fps=8.0)


def changed(pose: PoseTrack, points: np.ndarray, confidence: np.ndarray | None = None) -> PoseTrack:
    return PoseTrack(points=points, confidence=pose.confidence if confidence is None else confidence, skeleton=pose.skeleton, fps=pose.fps)


def box(pose: PoseTrack) -> tuple[np.ndarray, np.ndarray]:
    places = pose.points[pose.confidence >= 0.25]
    return places.min(0), places.max(0)


def spread(pose: PoseTrack, joints) -> np.ndarray:
    part = pose.points[..., list(joints), :]
    return part - part[..., :1, :]


def test_hands_and_feet_follow_their_joint_without_changing():
    before = track("wholebody133")
    after = scale_bones(before, {"left_arm": 1.2, "right_leg": 0.8})
    for name, moves in (("left_hand", True), ("right_hand", False), ("left_foot", False), ("right_foot", True)):
        part = WHOLE[name]
        way = after.points[..., part.carrier, :] - before.points[..., part.carrier, :]
        ways = after.points[..., part.joints, :] - before.points[..., part.joints, :]
        assert np.allclose(ways, way[..., None, :], atol=1e-4) and bool(np.abs(way).max() > 1) == moves
        assert np.allclose(spread(before, part.joints), spread(after, part.joints), atol=1e-4)


def test_a_face_is_part_of_the_head():
    before = track("wholebody133")
    before = changed(before, np.concatenate([before.points[..., :23, :], before.points[..., [0] * 68, :], before.points[..., 91:, :]], 2))
    after = scale_bones(before, {"head": 1.2, "trunk": 0.9})
    assert np.array_equal(after.points[..., 23:91, :], after.points[..., [0] * 68, :])  # points on the nose stay on the nose
    neck = before.points[..., (5, 6), :].mean(-2)
    bigger = scale_bones(before, {"head": 1.2}).points[..., 30, :] - neck
    assert np.allclose(bigger, 1.2 * (before.points[..., 30, :] - neck), atol=1e-4)


@pytest.mark.parametrize("skeleton", SKELETONS)
def test_factors_of_one_change_nothing_and_the_body_of_a_whole_body_changes_like_coco17(skeleton):
    pose = track(skeleton)
    same = scale_bones(pose, {})
    assert np.allclose(same.points, pose.points, atol=1e-4)
    factors = random_bone_factors(np.random.default_rng(3))
    body = PoseTrack(points=pose.points[:, :, :17], confidence=pose.confidence[:, :, :17], skeleton="coco17", fps=8.0)
    assert np.array_equal(scale_bones(pose, factors).points[:, :, :17], scale_bones(body, factors).points)


@pytest.mark.parametrize("size", [(64, 64), (96, 48), (30, 200)])
def test_the_box_is_centred_and_takes_its_share_of_the_tighter_side(size):
    out = normalise_box(track(), size)
    low, high = box(out)
    assert np.allclose((low + high) / 2, (np.array(size) - 1) / 2, atol=1e-3)
    shares = (high - low) / size
    assert shares.max() == pytest.approx(0.8, abs=1e-4)
    low, high = box(normalise_box(track(), size, share=0.5))
    assert ((high - low) / size).max() == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize("scale", [1.0, 2.0, 0.25])
@pytest.mark.parametrize("shift", [(0, 0), (37, -12), (-256, 640)])
def test_moved_and_scaled_input_gives_exactly_the_same_output(scale, shift):
    pose = track()
    other = changed(pose, pose.points * np.float32(scale) + np.float32(shift))
    assert np.array_equal(normalise_box(other, (96, 64)).points, normalise_box(pose, (96, 64)).points)


def test_any_other_shift_and_scale_gives_the_same_output_within_a_thousandth_of_a_pixel():
    pose = track()
    other = changed(pose, pose.points * np.float32(1.37) + np.float32((3.3, -81.7)))
    assert np.allclose(normalise_box(other, (96, 64)).points, normalise_box(pose, (96, 64)).points, atol=1e-3)


def test_normalising_twice_is_normalising_once():
    once = normalise_box(track(), (96, 64))
    assert np.allclose(normalise_box(once, (96, 64)).points, once.points, atol=1e-3)


def test_the_box_is_that_of_the_whole_clip_so_motion_through_the_picture_stays():
    standing = track(frames=1, people=1).points[0]
    walk = np.stack([standing + np.float32((16 * t, 0)) for t in range(8)])
    out = normalise_box(PoseTrack(points=walk, confidence=np.ones(walk.shape[:3]), skeleton="coco17", fps=8.0), (64, 64)).points
    steps = np.diff(out[:, 0, 0, 0])
    assert np.allclose(steps, steps[0], atol=1e-3) and steps[0] > 1
    ratio = np.ptp(out[0, 0], axis=0) / np.ptp(standing[0], axis=0)
    assert ratio[0] == pytest.approx(ratio[1], rel=1e-4)  # aspect ratio


def test_joints_that_are_not_seen_do_not_count_and_confidence_stays():
    pose = track()
    points, confidence = pose.points.copy(), pose.confidence.copy()
    points[1, 0, 3], confidence[1, 0, 3] = 1e5, 0.1
    points[2, 1, 4], confidence[2, 1, 4] = np.nan, 0.0
    out = normalise_box(changed(pose, points, confidence), (64, 64))
    assert np.array_equal(out.confidence, confidence) and box(out)[1].max() < 64 and np.isfinite(out.points).all()


def test_nobody_one_point_and_a_line_are_no_division_by_zero():
    nobody = PoseTrack(points=np.zeros((2, 0, 17, 2)), confidence=np.zeros((2, 0, 17)), skeleton="coco17", fps=8.0)
    assert normalise_box(nobody, (64, 64)) is nobody
    pose = track()
    point = normalise_box(changed(pose, pose.points * 0 + 5), (65, 33))
    assert np.array_equal(point.points[0, 0, 0], (32, 16))
    line = normalise_box(changed(pose, pose.points * np.float32((1, 0))), (64, 64))
    assert np.ptp(line.points[..., 0]) == pytest.approx(0.8 * 64, abs=1e-3) and np.allclose(line.points[..., 1], 31.5)


def test_a_share_outside_of_zero_to_one_is_refused():
    with pytest.raises(ValueError, match="normalise_box: share: got 1.5, expected 0 < share <= 1"):
        normalise_box(track(), (64, 64), share=1.5)
