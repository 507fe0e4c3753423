"""Control videos: OpenPose's drawing joint by joint, gray, recorded ones; and how a long driver is cut into segments."""

from dataclasses import replace

import numpy as np
import pytest

from models.baselines.local.control import build_control
from models.baselines.local.native import painted_size, within
from models.baselines.local.openpose import draw_openpose
from models.baselines.local.segments import frames_up, segments
from models.capabilities import Capabilities, FrameRule, SizeRule
from models.types import Clip, PoseTrack
from models.video import write_video
from tests.models.tiny_local import request_of, swinging

SIDE = 512


def pose_of(points, skeleton="coco17", confidence=1.0):
    """One frame, one person; joints that are not given are not seen."""
    joints = {"coco17": 17, "wholebody133": 133}[skeleton]
    places, seen = np.zeros((1, 1, joints, 2), np.float32), np.zeros((1, 1, joints), np.float32)
    for joint, place in points.items():
        places[0, 0, joint], seen[0, 0, joint] = place, confidence
    return PoseTrack(points=places, confidence=seen, skeleton=skeleton, fps=16)


def drawn(points, skeleton="coco17", hands=True, confidence=1.0):
    return draw_openpose(pose_of(points, skeleton, confidence), (SIDE, SIDE), hands=hands)[0]


@pytest.mark.parametrize(
    "joint, colour",
    [
        (0, (255, 0, 0)),
        (6, (255, 170, 0)),
        (5, (85, 255, 0)),
        (10, (170, 255, 0)),
        (9, (0, 255, 85)),
        (16, (0, 170, 255)),
        (3, (255, 0, 85)),
    ],
)
def test_joints_have_openposes_colours(joint, colour):
    """Nose red, right shoulder orange, left shoulder green, ...: the palette networks were trained on."""
    picture = drawn({joint: (100, 200)})
    assert tuple(picture[200, 100]) == colour and 40 <= (picture.any(axis=-1)).sum() <= 60  # a disc of 4 px


def test_limbs_are_dimmed_and_the_neck_is_between_the_shoulders():
    picture = drawn({5: (300, 200), 6: (200, 200)})
    assert tuple(picture[200, 250]) == (255, 85, 0)  # the neck, a joint of its own
    assert tuple(picture[200, 225]) == (153, 0, 0) and tuple(picture[200, 275]) == (153, 51, 0)
    assert not drawn({5: (300, 200)})[200, 250].any()  # one shoulder has no neck


def test_what_is_hardly_seen_is_not_drawn():
    assert not drawn({0: (100, 200), 5: (30, 30)}, confidence=0.29).any() and drawn({0: (100, 200)}, confidence=0.31).any()


def test_hands_are_drawn_where_asked_and_the_face_always():
    points = {91: (100, 100), 92: (140, 100), 23: (300, 300)}
    with_hands, without = drawn(points, "wholebody133"), drawn(points, "wholebody133", hands=False)
    assert tuple(with_hands[100, 100]) == (0, 0, 255) and tuple(with_hands[100, 120]) == (255, 0, 0)
    assert not without[100].any() and tuple(without[300, 300]) == (255, 255, 255)


def test_strokes_grow_with_the_picture_and_leave_it_unharmed():
    pose = swinging(3, (64, 64), 16.0)
    small = draw_openpose(pose, (64, 64))
    large = draw_openpose(replace(pose, points=pose.points * 8), (512, 512))
    share = [float((picture.any(axis=-1)).mean()) for picture in (small, large)]
    assert small.any(axis=(1, 2, 3)).all() and (small[0] != small[2]).any() and 0.3 < share[0] / share[1] < 3.5
    off = draw_openpose(replace(pose, points=pose.points + 1e9), (64, 64))
    assert off.shape == (3, 64, 64, 3) and not off.any()


def test_no_people_is_black():
    empty = PoseTrack(points=np.zeros((2, 0, 17, 2)), confidence=np.zeros((2, 0, 17)), skeleton="coco17", fps=16)
    assert not draw_openpose(empty, (32, 16)).any()


def test_gray_is_the_driver_without_colours():
    asked = request_of(3)
    gray, driver = build_control("gray", "tiny", hands=True).draw(asked), asked.driving.frames
    assert gray.shape == driver.shape and (gray[..., 0] == gray[..., 2]).all()
    assert np.abs(gray[..., 0] - driver @ (0.299, 0.587, 0.114)).max() <= 0.501


def test_the_requests_own_pose_wins_and_the_estimator_decides_otherwise():
    asked, control = request_of(3), build_control("pose", "tiny", hands=True)
    assert np.array_equal(control.draw(asked), draw_openpose(asked.pose, asked.size)) and control.weights_hash
    assert (control.draw(replace(asked, pose=None)) != control.draw(asked)).any()


def recorded(folder, frames, fps=16.0, name="case-1.mp4"):
    folder.mkdir(exist_ok=True)
    levels = np.linspace(20, 230, frames).astype(np.uint8)
    write_video(folder / name, Clip(frames=np.broadcast_to(levels[:, None, None, None], (frames, 32, 48, 3)), fps=fps))
    return build_control(f"recorded:{folder}", "tiny", hands=True)


@pytest.mark.parametrize("fps, frames", [(16.0, 9), (32.0, 17)])
def test_a_recorded_control_goes_the_way_of_the_driver(tmp_path, fps, frames):
    asked = request_of(9)
    driven = recorded(tmp_path / "depth", frames, fps).drive(asked)
    levels = driven.driving.frames.mean(axis=(1, 2, 3))
    assert len(driven.driving) == 9 and driven.driving.fps == 16 and driven.pose is None
    assert np.abs(levels - np.linspace(20, 230, 9)).max() < 5


def test_recorded_controls_that_are_not_there_or_too_short(tmp_path):
    with pytest.raises(ValueError, match="length: got 5 frames at 16 fps, expected >= 9"):
        recorded(tmp_path / "short", 5).drive(request_of(9))
    with pytest.raises(ValueError, match="case-1.mp4"):
        recorded(tmp_path / "other", 9, name="case-2.mp4").drive(request_of(9))
    with pytest.raises(ValueError, match="folder"):
        build_control(f"recorded:{tmp_path / 'nowhere'}", "tiny", hands=True)


def test_what_lies_in_a_folder_of_controls_is_identity(tmp_path):
    one, again, other = recorded(tmp_path / "a", 9), recorded(tmp_path / "b", 9), recorded(tmp_path / "c", 5)
    assert one.weights_hash == again.weights_hash != other.weights_hash


@pytest.mark.parametrize("count", [1, 2, 9, 10, 40, 81])
@pytest.mark.parametrize("most, overlap", [(9, 0), (9, 1), (9, 5), (81, 5)])
def test_segments_cover_every_frame_once(count, most, overlap):
    plan = segments(count, most, overlap)
    assert [frame for s in plan for frame in range(s.start, s.start + s.new)] == list(range(count))
    for s in plan:
        assert s.length % 4 == 1 and s.tail + s.new <= s.length <= most and s.tail == min(overlap, s.start)
        shown = s.driver_frames(count)
        assert shown[s.tail : s.tail + s.new].tolist() == list(range(s.start, s.start + s.new)) and shown.max() < count


def test_counts_are_rounded_up_to_4k_plus_1():
    assert [frames_up(n) for n in (1, 2, 5, 6, 80, 81)] == [1, 5, 5, 9, 81, 81]


def test_painted_sizes_keep_the_shape_at_the_area():
    assert painted_size((512, 288), 832 * 480, 16) == (848, 480) and painted_size((832, 480), 832 * 480, 16) == (832, 480)
    assert painted_size((50, 38), 0, 16) == (48, 32) and painted_size((3, 300), 0, 16) == (16, 304)


def test_within_brings_reference_driver_and_pose_along():
    asked = request_of(9, size=(50, 38))
    said = Capabilities(kind="local", size=SizeRule(multiple=16), frames=FrameRule(fps=16.0))
    adapted = within(asked, said, area_px=64 * 48, fps=8.0)
    request = adapted.request
    assert request.size == (64, 48) == request.driving.size and request.reference.shape == (48, 64, 3)
    assert len(request.driving) == len(request.pose) == request.num_frames == 5 and adapted.undo(request.driving).size == (50, 38)
