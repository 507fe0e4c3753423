"""Skeletons agree with themselves; drawing paints what a plain reference paints, for any number of people, hands, feet and face."""

import colorsys

import numpy as np
import pytest

from models.pose.draw import MIN_CONFIDENCE, draw_poses
from models.pose.skeleton import ANATOMIES, BONES, HEAD, SHOULDERS
from models.types import SKELETONS, PoseTrack

WHOLE = ANATOMIES["wholebody133"]
PARTS = {part.name: part for part in WHOLE.parts}


def random_pose(skeleton: str, people: int, frames: int = 2, size=(48, 48), seed: int = 0) -> PoseTrack:
    rng, joints = np.random.default_rng(seed), SKELETONS[skeleton]
    points = rng.uniform(-10, max(size) + 10, (frames, people, joints, 2)).astype(np.float32)
    confidence = rng.uniform(0, 1, points.shape[:3]).astype(np.float32)
    return PoseTrack(points=points, confidence=confidence, skeleton=skeleton, fps=8.0)


def only(pose: PoseTrack, joints) -> PoseTrack:
    """The track with the confidence of these joints alone."""
    confidence = np.zeros_like(pose.confidence)
    confidence[..., list(joints)] = 1
    return PoseTrack(points=pose.points, confidence=confidence, skeleton=pose.skeleton, fps=pose.fps)


def paint(picture: np.ndarray, start, end, radius: float, colour) -> None:
    """A stroke over every pixel of the picture, with nothing spared."""
    x, y = np.arange(picture.shape[1], dtype=np.float32), np.arange(picture.shape[0], dtype=np.float32)[:, None]
    along, length2 = end - start, float(((end - start) ** 2).sum())
    share = ((x - start[0]) * along[0] + (y - start[1]) * along[1]) / length2 if length2 > 0 else np.zeros_like(x + y)
    share = share.clip(0, 1)
    cover = (radius + 0.5 - np.hypot(x - start[0] - share * along[0], y - start[1] - share * along[1])).clip(0, 1)[..., None]
    picture += cover * (np.float32(colour) - picture)


def reference_drawing(pose: PoseTrack, size) -> np.ndarray:
    """coco17 as it was drawn when the shipped animators were trained."""
    radius = max(0.5, min(size) / 64)
    frames = np.zeros((len(pose), size[1], size[0], 3), np.float32)
    limbs = [255 * np.float32(colorsys.hsv_to_rgb(i / len(BONES), 1.0, 1.0)) for i in range(len(BONES))]
    heads = ((255, 255, 255), (255, 160, 255), (160, 255, 255), (255, 0, 200), (0, 200, 255))
    for t, picture in enumerate(frames):
        for points, confidence in zip(pose.points[t], pose.confidence[t]):
            seen = confidence >= MIN_CONFIDENCE
            for colour, (a, b) in zip(limbs, BONES):
                if seen[a] and seen[b] and (a not in HEAD or b not in HEAD):
                    paint(picture, points[a], points[b], radius, colour)
            for joint, colour in zip(HEAD, heads):
                if seen[joint]:
                    paint(picture, points[joint], points[joint], 1.6 * radius, colour)
            shoulders = [points[joint] for joint in SHOULDERS if seen[joint]]
            if seen[0] and shoulders:
                paint(picture, np.mean(shoulders, axis=0), points[0], radius, (200, 200, 200))
    return (frames + 0.5).astype(np.uint8)


def test_every_skeleton_has_an_anatomy_of_its_joints():
    assert ANATOMIES.keys() == SKELETONS.keys()
    for name, anatomy in ANATOMIES.items():
        joints = sorted(j for part in anatomy.parts for j in part.joints)
        assert joints == list(range(17, SKELETONS[name])) and len(anatomy.mirrored) == SKELETONS[name]
        assert all(a in (*part.joints, part.carrier) and b in part.joints for part in anatomy.parts for a, b in part.bones)
        assert len(anatomy.head) == (5 if name == "coco17" else 73)


@pytest.mark.parametrize("name", ANATOMIES)
def test_the_mirror_of_the_mirror_is_the_joint_itself_and_parts_go_to_parts(name):
    anatomy = ANATOMIES[name]
    assert [anatomy.mirrored[j] for j in anatomy.mirrored] == list(range(SKELETONS[name]))
    for part in anatomy.parts:
        other = next(p for p in anatomy.parts if anatomy.mirrored[part.joints[0]] in p.joints)
        assert {anatomy.mirrored[j] for j in part.joints} == set(other.joints)
        assert {(anatomy.mirrored[a], anatomy.mirrored[b]) for a, b in part.bones} == set(other.bones)


def test_face_points_and_their_mirror_lie_on_one_height_of_an_upright_face():
    """Heights of the 68 points: jaw and eyes as half circles, brows, nose and lips as rows."""
    up = np.zeros(68)
    up[:17] = -np.sin(np.pi * np.arange(17) / 16)
    up[17:27] = 3 + np.array([0, 1, 2, 1, 0.5, 0.5, 1, 2, 1, 0])
    up[27:31], up[31:36] = (4, 5, 6, 7), (8, 8.2, 8.4, 8.2, 8)
    up[36:48] = (10, 11, 11.5, 10, 9, 8, 10, 11.5, 11, 10, 8, 9)  # both eyes clockwise from the picture's left corner
    up[48:60] = 20 + np.array([0, 1, 2, 1.5, 2, 1, 0, -1, -2, -2.5, -2, -1])
    up[60:68] = 30 + np.array([0, 1, 1.5, 1, 0, -1, -1.5, -1])
    mirrored = np.array(WHOLE.mirrored[23:91]) - 23
    assert np.allclose(up[mirrored], up, atol=1e-9) and (mirrored == np.arange(68)).sum() == 10


@pytest.mark.parametrize("size", [(48, 48), (64, 40), (33, 97), (1, 1), (128, 128)])
@pytest.mark.parametrize("people", [0, 1, 3])
def test_coco17_is_drawn_to_the_bit_as_the_plain_reference(size, people):
    pose = random_pose("coco17", people, size=size)
    assert np.array_equal(draw_poses(pose, size), reference_drawing(pose, size))


def test_a_whole_body_is_the_body_of_coco17_with_parts_over_it():
    pose = random_pose("wholebody133", 2)
    body = PoseTrack(points=pose.points[:, :, :17], confidence=pose.confidence[:, :, :17], skeleton="coco17", fps=8.0)
    assert np.array_equal(draw_poses(only(pose, range(17)), (48, 48)), draw_poses(only(body, range(17)), (48, 48)))
    assert (draw_poses(pose, (48, 48)) != draw_poses(body, (48, 48))).any()


@pytest.mark.parametrize("name", PARTS)
def test_every_part_is_drawn_by_itself_where_its_joints_are_and_thinner_than_a_limb(name):
    points = np.full((1, 1, 133, 2), 200.0, np.float32)
    part = PARTS[name]
    joints = [*part.joints, *([part.carrier] if part.carrier is not None else [])]
    points[0, 0, joints, 0], points[0, 0, joints, 1] = np.linspace(30, 90, len(joints)), 64
    pose = PoseTrack(points=points, confidence=np.ones((1, 1, 133)), skeleton="wholebody133", fps=8.0)
    picture = draw_poses(only(pose, joints), (128, 128))[0]
    rows, columns = np.nonzero(picture.any(-1))
    assert rows.min() >= 62 and rows.max() <= 66 and columns.min() >= 28 and columns.max() <= 92  # limbs are 5 px thick there
    assert not draw_poses(only(pose, ()), (128, 128)).any()


def test_a_hand_needs_both_ends_of_a_bone_and_a_face_only_its_point():
    pose = random_pose("wholebody133", 1, size=(40, 40))
    assert not draw_poses(only(pose, [PARTS["left_hand"].joints[0]]), (60, 60)).any()
    inside = PoseTrack(points=pose.points * 0 + 20, confidence=pose.confidence, skeleton="wholebody133", fps=8.0)
    assert draw_poses(only(inside, [40]), (60, 60)).any()


def test_points_that_are_not_seen_may_be_anything():
    pose = random_pose("wholebody133", 1)
    hidden = pose.confidence < 0.5
    wild = np.where(hidden[..., None], np.nan, pose.points)
    kept = np.where(hidden, 0, pose.confidence)
    pictures = [draw_poses(PoseTrack(points=p, confidence=kept, skeleton="wholebody133", fps=8.0), (48, 48)) for p in (wild, pose.points)]
    assert np.array_equal(*pictures)
