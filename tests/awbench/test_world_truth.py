"""Pose and flow: exact, checked against pictures and against closed forms."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from awbench.world import render as renderer
from awbench.world.affine import compose
from awbench.world.camera import MARGIN, TRACK, camera_path, scene_path
from awbench.world.render import render
from awbench.world.shot import SUBJECTS, Shot, sample_shot
from awbench.world.stage import crossing_start_s, stage_of

SIZE = (96, 96)


def shot_of(subject: str, seed: int = 3, **fixed: object) -> Shot:
    return sample_shot("heldout", seed, subject=subject, **{"framing": "full", "camera": "static", "count": 1, **fixed})


def pulled(later: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """The later picture brought back by forward flow."""
    y, x = np.mgrid[: flow.shape[0], : flow.shape[1]].astype(np.float32)
    return cv2.remap(later, x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


@pytest.mark.parametrize("subject", SUBJECTS)
def test_flow_explains_the_next_frame(subject: str) -> None:
    warped, still = [], []
    for seed in range(3):
        made = render(shot_of(subject, seed, motion="sway"), SIZE, 4, 8, flow=True)
        frames = made.clip.frames.astype(np.float32)
        for t in range(3):
            inside = made.subject[t]
            warped.append(np.abs(pulled(frames[t + 1], made.flow[t]) - frames[t])[inside].mean())
            still.append(np.abs(frames[t + 1] - frames[t])[inside].mean())
    assert np.mean(warped) < 0.45 * np.mean(still)


def test_flow_of_a_static_scene_is_zero_and_only_subjects_move() -> None:
    made = render(shot_of("quadruped", motion="walk"), SIZE, 3, 8, flow=True)
    outside = cv2.erode((~made.subject[0]).astype(np.uint8), np.ones((3, 3))) > 0
    assert np.abs(made.flow[0][outside]).max() == 0 and np.abs(made.flow[0][made.subject[0]]).max() > 1


def test_flow_of_a_camera_is_its_closed_form() -> None:
    shot = next(shot for seed in range(60) if _is_pan(shot := shot_of("blob", seed, camera="moving")))
    made = render(shot, SIZE, 3, 8, flow=True)
    moves = camera_path(shot.camera, shot.camera_seed, np.arange(3) / 8)[..., 2] * SIZE[1]
    outside = cv2.erode((~made.subject[0]).astype(np.uint8), np.ones((3, 3))) > 0
    assert np.abs(moves[1] - moves[0]).max() > 0.3
    np.testing.assert_allclose(made.flow[0][outside], np.broadcast_to(moves[1] - moves[0], (outside.sum(), 2)), atol=1e-4)


def _is_pan(shot: Shot) -> bool:
    path = camera_path(shot.camera, shot.camera_seed, np.array([0.0, 0.5]))
    return bool(np.allclose(path[1, :, :2], np.eye(2)) and abs(path[1, 0, 2]) > 0.01)


def test_flow_comes_only_on_request() -> None:
    assert render(shot_of("bird"), SIZE, 2, 8).flow is None
    assert render(shot_of("bird"), SIZE, 1, 8, flow=True).flow.shape == (0, 96, 96, 2)


@pytest.mark.parametrize("seed", range(30))
def test_a_camera_starts_at_the_identity_and_stays_within_the_margin(seed: int) -> None:
    path = camera_path("moving", seed, np.arange(0, 12, 0.05))
    np.testing.assert_allclose(path[0], [[1, 0, 0], [0, 1, 0]], atol=1e-12)
    assert np.abs(path[:, :, 2]).max() < MARGIN and np.linalg.det(path[:, :, :2]).min() > 0.99
    assert np.abs(np.diff(path, axis=0)).max() < 0.06


@pytest.mark.parametrize("subject", ["human", "cartoon"])
def test_joints_lie_on_the_subject(subject: str) -> None:
    inside = []
    for seed in range(8):
        made = render(shot_of(subject, seed), SIZE, 4, 8)
        near = np.stack([cv2.dilate(mask.astype(np.uint8), np.ones((3, 3))) for mask in made.subject])
        times, _, joints = np.nonzero(made.pose.confidence > 0)
        x, y = np.rint(made.pose.points[times, 0, joints]).astype(int).T
        inside.append(near[times, y, x].mean())
    assert np.mean(inside) > 0.97


def test_left_and_right_are_the_characters_own() -> None:
    made = render(shot_of("human", motion="jumping_jack"), SIZE, 1, 8)
    left_shoulder, right_shoulder = made.pose.points[0, 0, 5], made.pose.points[0, 0, 6]
    assert left_shoulder[0] > right_shoulder[0]  # seen from the front, their left is the picture's right


def test_a_face_turned_away_has_no_confidence() -> None:
    made = render(shot_of("human", motion="spin"), SIZE, 24, 8)
    nose = made.pose.confidence[:, 0, 0]
    assert 0 < nose.sum() < len(nose)


def test_pose_follows_subjects_plan_and_count() -> None:
    assert render(shot_of("human", count=3), SIZE, 2, 8).pose.points.shape == (2, 3, 17, 2)
    for subject in ("blob", "octopus"):
        assert render(shot_of(subject), SIZE, 1, 8).pose is None


@pytest.mark.parametrize("subject", ["quadruped", "bird"])
def test_the_counterpart_joints_of_animals_move_with_the_animal(subject: str) -> None:
    made = render(shot_of(subject), (96, 96), 6, 8)
    x, y = np.rint(made.pose.points[:, 0, :13]).astype(int).clip(1, 94).transpose(2, 0, 1)
    near = np.stack([cv2.dilate(mask.astype(np.uint8), np.ones((5, 5))) for mask in made.subject])
    assert near[np.arange(6)[:, None], y, x].mean() > 0.9
    assert np.ptp(made.pose.points[:, 0], axis=0).max() > 3


def test_joints_outside_the_picture_have_no_confidence() -> None:
    made = render(shot_of("human", framing="face", motion="talk"), SIZE, 2, 8)
    ankles = made.pose.confidence[:, :, 15:]
    assert (ankles == 0).all() and (made.pose.confidence[:, :, :3] == 1).all()


def test_pose_is_in_pixels_of_any_size() -> None:
    shot = shot_of("human")
    small, large = render(shot, (48, 48), 1, 8).pose.points, render(shot, (96, 96), 1, 8).pose.points
    np.testing.assert_allclose(large + 0.5, 2 * (small + 0.5), atol=1e-3)


def test_one_motion_drives_two_identities_alike() -> None:
    shot = shot_of("human", 12, motion="dance")
    tracks = [render(replace(shot, identities=(identity,)), SIZE, 12, 8).pose.points[:, 0] for identity in (21, 23)]
    wrist, other = ((track[:, 9] - track[:, 5]).ravel() for track in tracks)
    assert np.corrcoef(wrist, other)[0, 1] > 0.95


LARGE = (256, 192)


def crossing(subject: str, seed: int, count: int = 2, **fixed: object) -> Shot:
    shot = replace(shot_of(subject, seed, count=count, motion="sway", **fixed), formation="crossing")
    return replace(shot, start_s=crossing_start_s(shot))


@pytest.mark.parametrize("subject", ["human", "bird", "octopus"])
def test_flow_explains_the_next_frame_at_a_large_size_where_characters_cross(subject: str) -> None:
    made = render(crossing(subject, 5), LARGE, 24, 12, flow=True)
    frames, errors, still, hidden = made.clip.frames.astype(np.float32), [], [], []
    for t in range(23):
        for n in range(2):
            stays = pulled(made.subjects[t + 1, n].astype(np.float32), made.flow[t]) > 0.999  # seen at t, of the same body at t + 1
            inside = cv2.erode((made.subjects[t, n] & stays).astype(np.uint8), np.ones((5, 5))) > 0
            errors.append(np.abs(pulled(frames[t + 1], made.flow[t]) - frames[t])[inside])
            still.append(np.abs(frames[t + 1] - frames[t])[inside])
            hidden.append((made.subjects[t, n] & ~stays).mean())
    errors, still = np.concatenate(errors), np.concatenate(still)
    assert np.median(errors) < 2 and errors.mean() < 0.45 * still.mean()  # what remains are limbs before the own body
    assert max(hidden) > 0.005


def test_the_flow_of_what_goes_behind_another_is_its_own_motion() -> None:
    shot = crossing("human", 7)
    made = render(shot, LARGE, 24, 12, flow=True)
    times = np.arange(24) / 12
    stage = stage_of(shot, times, compose(renderer._raster(LARGE), camera_path("static", 0, times)))
    for n in range(2):
        ids = (1, stage.first_id[n + 1] - stage.first_id[n] + 1)
        alone = replace(stage, actors=stage.actors[n : n + 1], order=np.zeros((24, 1), int), first_id=ids)
        layers = [renderer._layers(alone, t, LARGE) for t in range(24)]
        own = renderer._flow(alone, layers, np.tile(np.eye(2, 3), (24, 1, 1)), LARGE)
        both = [renderer._layers(stage, t, LARGE) for t in range(23)]
        mine = np.stack([(layer.parts >= stage.first_id[n]) & (layer.parts < stage.first_id[n + 1]) for layer in both])
        np.testing.assert_allclose(made.flow[mine], own[mine], atol=1e-4)


@pytest.mark.parametrize("count", [2, 3])
def test_masks_of_several_subjects_are_a_partition_and_the_nearer_one_is_on_top(count: int) -> None:
    shot = crossing("human", 9, count)
    made = render(shot, LARGE, 24, 12)
    assert made.subjects.shape == (24, count, LARGE[1], LARGE[0])
    np.testing.assert_array_equal(made.subjects.sum(1), made.subject.astype(int))
    times = np.arange(24) / 12
    stage = stage_of(shot, times, compose(renderer._raster(LARGE), camera_path("static", 0, times)))
    area = made.subjects.mean((2, 3))
    front = stage.order[:, -1]
    whole = np.array([area[front == n, n].min() if (front == n).any() else np.nan for n in range(count)])
    behind = [area[t, n] / np.nanmax(area[:, n]) for t in range(24) for n in range(count) if front[t] != n]
    assert np.nanmin(whole) > 0.03 and min(behind) < 0.75  # nobody in front is hidden, somebody behind is


def test_a_single_subject_is_all_of_the_subject() -> None:
    made = render(shot_of("blob"), SIZE, 2, 8)
    np.testing.assert_array_equal(made.subjects[:, 0], made.subject)


def test_a_joint_behind_another_character_has_no_confidence() -> None:
    hidden = 0
    for seed in range(4):
        shot = crossing("human", seed)
        made = render(shot, LARGE, 24, 12)
        seen = made.pose.confidence > 0
        t, n, j = np.nonzero(seen)
        x, y = np.rint(made.pose.points[t, n, j]).astype(int).T
        assert not made.subjects[t, 1 - n, y, x].any()
        hidden += int((~seen[:, :, 5:]).sum())  # shoulders to ankles are confident unless somebody is before them
    assert hidden > 20


def test_flow_scales_with_the_size() -> None:
    shot = crossing("quadruped", 3)
    small, large = (render(shot, (edge, edge), 3, 12, flow=True) for edge in (96, 288))
    both = small.subject[0] & large.subject[0][1::3, 1::3]
    both = cv2.erode(both.astype(np.uint8), np.ones((5, 5))) > 0
    gap = np.abs(large.flow[0][1::3, 1::3] / 3 - small.flow[0])[both]
    assert np.median(gap) < 1e-4 and np.mean(gap > 0.05) < 0.02  # outlines of parts fall on other pixels


@pytest.mark.parametrize("facing", [1.0, -1.0])
def test_a_tracking_camera_passes_the_scene_and_keeps_the_subject(facing: float) -> None:
    shot = next(shot for seed in range(40) if (shot := shot_of("human", seed, motion="walk", camera="tracking")).facing == facing)
    made, still = render(shot, LARGE, 24, 12, flow=True), render(replace(shot, camera="static"), LARGE, 24, 12)
    np.testing.assert_array_equal(made.subject, still.subject)
    moves = scene_path("tracking", facing, np.arange(24) / 12)[..., 0, 2] * LARGE[1]
    outside = cv2.erode((~made.subject[0]).astype(np.uint8), np.ones((3, 3))) > 0
    np.testing.assert_allclose(made.flow[0][outside][:, 0], moves[1] - moves[0], atol=1e-3)
    assert np.sign(moves[-1]) == -facing and 0.5 * LARGE[1] < abs(moves[-1]) < TRACK * LARGE[1]
