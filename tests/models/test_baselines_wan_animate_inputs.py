"""What Wan-Animate is shown of a driver: pose pictures, face pictures, masks, and a pose brought to another body or refused."""

from dataclasses import replace

import numpy as np
import pytest

from models.baselines.local.face_crops import faces_of
from models.baselines.local.pose_video import absence_note, draw_wan_pose, main_person, with_pose
from models.baselines.local.replacement import background, blocked, hull_masks, recorded_masks
from models.baselines.local.retarget import retargeted
from models.images import encode_image
from models.pose.skeleton import JOINTS
from models.types import Clip, Origin, PoseTrack
from tests.models.tiny_local import FPS, request_of, swinging
from tests.models.tiny_wan_animate import whole_body

BIG = (320, 400)


def person(**joints):
    """One frame of 17 joints; those given as (x, y) are seen."""
    points, confidence = np.zeros((1, 1, 17, 2), np.float32), np.zeros((1, 1, 17), np.float32)
    for name, place in joints.items():
        points[0, 0, JOINTS.index(name)], confidence[0, 0, JOINTS.index(name)] = place, 1
    return PoseTrack(points=points, confidence=confidence, skeleton="coco17", fps=FPS)


def test_limbs_are_dimmed_and_joints_are_not():
    (picture,) = draw_wan_pose(person(left_elbow=(20, 50), left_wrist=(80, 50)), (100, 100))
    assert picture[50, 50].tolist() == [51, 153, 0]  # 60 % of (85, 255, 0)
    assert picture[50, 20].tolist() == [0, 255, 0] and picture[50, 80].tolist() == [0, 255, 85]
    assert not picture[:45].any() and not picture[55:].any()


def test_the_neck_is_the_middle_of_both_shoulders():
    both = draw_wan_pose(person(left_shoulder=(80, 40), right_shoulder=(20, 40)), (100, 100))[0]
    assert both[40, 50].tolist() == [255, 85, 0] and both[40, 35].any() and both[40, 65].any()
    assert np.argwhere(draw_wan_pose(person(left_shoulder=(80, 40)), (100, 100))[0].any(-1)).min(0).tolist() == [39, 79]  # no neck


def test_hands_and_toes_are_drawn_and_the_face_is_not():
    coarse = swinging(1, BIG, FPS)
    fine = whole_body(coarse)
    body, whole = (draw_wan_pose(each, BIG)[0].astype(int) for each in (coarse, fine))
    more = np.argwhere((whole != body).any(-1))[:, ::-1]
    near = np.concatenate([coarse.points[0, 0, [9, 10, 15, 16]]])
    assert len(more) and np.linalg.norm(more[:, None] - near, axis=-1).min(1).max() < 45
    assert (whole == (0, 0, 255)).all(-1).sum() >= 42


def test_strokes_follow_the_picture():
    thin, thick = (draw_wan_pose(swinging(1, size, FPS), size)[0].any(-1) for size in ((300, 300), (1000, 1000)))
    assert thick[500].sum() > 2 * thin[150].sum()


def test_the_largest_person_over_the_clip_is_taken():
    one, other = swinging(4, (64, 64), FPS), swinging(4, (128, 128), FPS)
    both = replace(one, points=np.concatenate([one.points, other.points], 1), confidence=np.ones((4, 2, 17), np.float32))
    assert np.array_equal(main_person(both).points, other.points)
    both = replace(both, confidence=both.confidence * np.float32([1, 0.1])[:, None])
    assert np.array_equal(main_person(both).points, one.points)


def test_a_pose_is_estimated_of_the_driver_as_it_was_read():
    asked, seen = request_of(9), []

    class Estimator:
        def estimate(self, clip):
            seen.append(clip)
            return swinging(len(clip), clip.size, clip.fps)

    origin = Origin(file="a.mp4", start_s=1.0, crop=(0, 0, 48, 32), source_size=(48, 32))
    asked = replace(asked, driving=replace(asked.driving, origin=origin), num_frames=5)
    assert with_pose(asked, Estimator()).pose.points.shape[0] == 5 and not seen
    assert len(with_pose(replace(asked, pose=None), Estimator()).pose) == 5 and seen[0].origin == origin and len(seen[0]) == 5


def test_frames_without_anybody_are_counted():
    pose = swinging(4, BIG, FPS)
    assert absence_note(pose) == ""
    assert (
        absence_note(replace(pose, confidence=pose.confidence * np.float32([1, 0, 1, 0])[:, None, None])) == "nobody found in 2 of 4 frames"
    )


def ramp(frames=3, size=BIG):
    """A driver whose red is x / 2 and whose green is y / 2."""
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    picture[..., 0], picture[..., 1] = np.arange(size[0])[None] // 2, np.arange(size[1])[:, None] // 2
    return Clip(frames=np.repeat(picture[None], frames, axis=0), fps=FPS)


def test_a_face_picture_has_the_area_and_place_of_wans():
    pose = whole_body(swinging(1, BIG, FPS))
    points = pose.points.copy()
    points[0, 0, 23:91] = np.linspace((100, 200), (160, 280), 68)
    picture = faces_of(ramp(1), replace(pose, points=points), 64).pictures[0].astype(float)
    grown = np.sqrt(1.3) - 1
    left, right = 100 - 30 * grown, 160 + 30 * grown
    top, bottom = 200 - 60 * grown, 280 + 20 * grown
    got = [2 * picture[32, 0, 0], 2 * picture[32, -1, 0], 2 * picture[0, 32, 1], 2 * picture[-1, 32, 1]]
    assert np.abs(np.array(got) - (left, right, top, bottom)).max() <= 3


def test_a_frame_without_a_face_takes_the_nearest_box():
    pose = whole_body(swinging(3, BIG, FPS))
    confidence = pose.confidence.copy()
    confidence[1:] = 0
    faces = faces_of(ramp(3), replace(pose, confidence=confidence), 32)
    assert np.array_equal(faces.pictures[2], faces.pictures[0]) and faces.pictures.any()
    assert faces.note == "no face in 2 of 3 frames: box of the nearest frame taken" and faces.found == 1


def test_seventeen_joints_give_a_square_around_the_head():
    pose = swinging(1, BIG, FPS)
    faces = faces_of(ramp(1), pose, 32)
    middle = 2.0 * faces.pictures[0, 16, 16, :2]
    assert faces.note == "" and np.abs(middle - pose.points[0, 0, :5].mean(0)).max() < 8
    assert not faces_of(ramp(1), person(nose=(50, 50)), 32).pictures.any()


def test_a_face_outside_of_the_picture_is_none():
    pose = whole_body(swinging(1, BIG, FPS))
    assert faces_of(ramp(1), replace(pose, points=pose.points - 1000), 32).found == 0


def test_a_hull_holds_the_joints_and_grows_in_blocks():
    pose = swinging(2, BIG, FPS)
    hull = hull_masks(pose, BIG)
    x, y = np.round(pose.points[0, 0]).astype(int).T
    assert (hull[0, y, x] == 255).all() and hull[0].mean() < 128
    box, blocks = blocked(hull, 1), blocked(hull, 8)
    rows, columns = np.flatnonzero(box[0].any(1)), np.flatnonzero(box[0].any(0))
    assert (box[0, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] == 255).all()
    assert (hull <= blocks).all() and (blocks <= box).all() and blocks[0].sum() < box[0].sum()
    kept = background(ramp(2).frames, box)
    assert not kept[box > 0].any() and np.array_equal(kept[box == 0], ramp(2).frames[box == 0])
    nobody = replace(pose, confidence=pose.confidence * 0)
    assert not blocked(hull_masks(nobody, BIG), 1).any()


def test_one_mask_picture_serves_all_frames_through_crop_and_resize(tmp_path):
    mask = np.zeros((200, 100, 3), np.uint8)
    mask[100:150, 20:40] = 255
    (tmp_path / "a.png").write_bytes(encode_image(mask))
    origin = Origin(file="a.webm", start_s=0.0, crop=(0, 50, 200, 300), source_size=(200, 400))  # the mask was made at half size
    driving = Clip(frames=np.zeros((3, 150, 100, 3), np.uint8), fps=FPS, origin=origin)
    frames = recorded_masks(tmp_path, driving).frames[..., 0]
    assert frames.shape == (3, 150, 100)
    rows, columns = np.flatnonzero(frames[2].any(1)), np.flatnonzero(frames[2].any(0))
    assert (rows[0], rows[-1], columns[0], columns[-1]) == (75, 124, 20, 39)
    barred = replace(driving, origin=replace(origin, crop=(-100, 0, 400, 400)))
    assert not recorded_masks(tmp_path, barred).frames[:, :, :25].any()
    for other in (replace(driving, origin=None), replace(driving, origin=replace(origin, file="b.mp4"))):
        with pytest.raises(ValueError, match="origin|b.mp4"):
            recorded_masks(tmp_path, other)


def built(*, arms=1.0, legs=1.0, size=1.0, at=(0.0, 0.0), frames=1):
    """The swinging person with other limbs, size and place."""
    from models.pose.augment import scale_bones

    factors = {"left_arm": arms, "right_arm": arms, "left_leg": legs, "right_leg": legs}
    pose = scale_bones(swinging(frames, BIG, FPS), factors)
    return replace(pose, points=np.float32((pose.points - BIG[0] / 2) * size + BIG[0] / 2 + np.float32(at)))


def test_a_pose_takes_the_build_and_place_of_the_reference():
    driver, model = built(frames=5), built(arms=1.3, legs=0.8, size=0.5, at=(40, -10))
    wanted = built(arms=1.3, legs=0.8, size=0.5, at=(40, -10), frames=5)
    assert np.abs(retargeted(driver, model, "case").points - wanted.points).max() < 0.01
    assert np.abs(retargeted(driver, built(), "case").points - driver.points).max() < 0.01


def hidden(pose, *names):
    confidence = pose.confidence.copy()
    confidence[..., [JOINTS.index(name) for name in names]] = 0
    return replace(pose, confidence=confidence)


def turned(pose, narrow):
    """Seen from the side: shoulders and hips nearer to each other."""
    points = pose.points.copy()
    points[..., 0] = (points[..., 0] - BIG[0] / 2) * narrow + BIG[0] / 2
    return replace(pose, points=points)


def foreshortened(pose, share):
    points = pose.points.copy()
    for joint in (7, 9):
        points[..., joint, :] = points[..., 5, :] + share * (points[..., joint, :] - points[..., 5, :])
    return replace(pose, points=points)


@pytest.mark.parametrize(
    "driver, model, said",
    [
        (built(), hidden(built(), "left_ankle"), "joints of the reference: got no left_ankle"),
        (hidden(built(), "left_hip"), built(), "joints of the driver's first frame: got no left_hip"),
        (built(), built(legs=0.4), "leg by trunk"),
        (built(), built(arms=2.5), "arm by trunk"),
        (built(), turned(built(), 0.3), "shoulder width"),
        (foreshortened(built(), 0.4), built(), "arms of the driver's first frame"),
        (built(), foreshortened(built(), 0.4), "arms of the reference"),
    ],
)
def test_people_who_do_not_stand_alike_are_refused(driver, model, said):
    with pytest.raises(ValueError, match=f"case: {said}.*retarget=none"):
        retargeted(driver, model, "case")


def test_limbs_the_driver_never_shows_are_not_asked_for():
    legs = ("left_knee", "right_knee", "left_ankle", "right_ankle")
    assert len(retargeted(hidden(built(frames=3), *legs), hidden(built(), *legs), "case")) == 3


def test_nobody_and_somebody_are_no_match():
    nobody = PoseTrack(points=np.zeros((1, 0, 17, 2)), confidence=np.zeros((1, 0, 17)), skeleton="coco17", fps=FPS)
    for pair in ((nobody, built()), (built(), nobody)):
        with pytest.raises(ValueError, match="people in"):
            retargeted(*pair, "case")
