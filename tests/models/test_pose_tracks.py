"""Known motion: where clips come from, npz tracks through time, crop and resize, BVH by closed forms, and files meant to hurt."""

import io
import zipfile

import numpy as np
import pytest

from models.pose.augment import BOX_SHARE
from models.pose.bvh import forward_kinematics, parse_bvh, rest_positions
from models.pose.catalog import load_pose_estimator
from models.pose.mocap import FACE_CONFIDENCE, mocap_track, named_joints
from models.pose.skeleton import HEAD, JOINTS
from models.types import Clip, Grid, Origin
from models.video import encode_video, read_video, read_window, write_video

JOINT = {name: j for j, name in enumerate(JOINTS)}
SOURCE = (64, 48)


def origin(**change) -> Origin:
    return Origin(**({"file": "walk.mp4", "start_s": 0.0, "crop": (0, 0, *SOURCE), "source_size": SOURCE} | change))


def clip(frames: int = 4, size=SOURCE, fps: float = 8.0, **change) -> Clip:
    return Clip(frames=np.zeros((frames, size[1], size[0], 3), np.uint8), fps=fps, origin=origin(**change))


def moving(frames: int = 8, joints: int = 17) -> dict:
    """Person 0 goes 2 px right a row, person 1 stands; fps 8."""
    points = np.zeros((frames, 2, joints, 2), np.float32)
    points[:, 0, :, 0] = 10 + 2 * np.arange(frames)[:, None]
    points[:, 1] = 20
    points[:, :, :, 1] += np.arange(joints, dtype=np.float32)
    return {"points": points, "confidence": np.ones(points.shape[:3], np.float32), "fps": np.float64(8)}


def estimator(folder, name: str = "walk.npz", **arrays):
    np.savez(folder / name, **(moving() | arrays))
    return load_pose_estimator(f"tracks:{folder}")


def refused(call, *args) -> str:
    with pytest.raises(ValueError) as caught:
        call(*args)
    return str(caught.value)


# --- where a clip comes from


def test_a_clip_read_from_a_file_says_where_it_was_cut_and_one_from_bytes_does_not(tmp_path):
    footage = Clip(frames=np.random.default_rng(0).integers(0, 255, (12, 48, 64, 3), dtype=np.uint8), fps=8.0)
    write_video(tmp_path / "walk.mp4", footage)
    whole = read_video(tmp_path / "walk.mp4")
    assert whole.origin == origin() and read_video(str(tmp_path / "walk.mp4")).origin == origin()
    part, window = read_window(tmp_path / "walk.mp4", Grid(width=24, height=24, fps=4.0, num_frames=3), start_s=0.5)
    assert part.origin == origin(start_s=0.5, crop=(8, 0, 48, 48)) and part.origin.crop == window.crop
    data = encode_video(footage)
    assert read_video(data).origin is None and read_window(data, Grid(width=24, height=24, fps=4.0, num_frames=3))[0].origin is None
    write_video(tmp_path / "one.mp4", Clip(frames=footage.frames[:1], fps=8.0))
    assert read_video(tmp_path / "one.mp4").origin.file == "one.mp4"


@pytest.mark.parametrize("change", [{"file": "../walk.mp4"}, {"file": ""}, {"start_s": float("nan")}, {"crop": (0, 0, 0, 9)},
                                    {"crop": (1, 2, 3)}, {"source_size": (0, 4)}])  # fmt: skip
def test_an_origin_that_says_nonsense_is_refused(change):
    assert f"Origin: {next(iter(change))}: got" in refused(lambda: origin(**change))


# --- npz tracks


def test_a_track_comes_back_as_it_is_for_the_whole_clip(tmp_path):
    tracks = estimator(tmp_path)
    pose = tracks.estimate(clip(8))
    assert np.array_equal(pose.points, moving()["points"]) and pose.confidence.min() == 1 and pose.fps == 8.0
    assert tracks.skeleton == "coco17" and tracks.name == f"tracks:{tmp_path}" and len(tracks.weights_hash) == 64


def test_a_window_starts_and_steps_where_the_clip_does(tmp_path):
    pose = estimator(tmp_path).estimate(clip(3, fps=4.0, start_s=0.25))
    assert np.allclose(pose.points[:, 0, 0, 0], [14, 18, 22]) and pose.fps == 4.0


def test_between_rows_it_is_linear_with_the_smaller_confidence(tmp_path):
    confidence = moving()["confidence"]
    confidence[1], confidence[2] = 0.5, 0.0
    points = moving()["points"]
    points[2] = np.nan
    pose = estimator(tmp_path, points=points, confidence=confidence).estimate(clip(5, fps=16.0))
    assert np.allclose(pose.points[:3, 0, 0, 0], [10, 11, 12]) and pose.points[0, 0, 0, 0] == 10
    assert np.allclose(pose.confidence[:, 0, 0], [1, 0.5, 0.5, 0, 0])


def test_points_go_through_the_crop_and_the_resize_as_the_picture_does(tmp_path):
    tracks = estimator(tmp_path)
    half = tracks.estimate(clip(8, size=(24, 24), crop=(8, 0, 48, 48)))
    assert np.allclose((half.points + 0.5) * 2 - 0.5 + (8, 0), moving()["points"], atol=1e-5)
    wide = tracks.estimate(clip(8, size=(128, 48)))
    assert np.allclose(wide.points[..., 1], moving()["points"][..., 1], atol=1e-5)
    assert np.allclose(wide.points[..., 0], (moving()["points"][..., 0] + 0.5) * 2 - 0.5, atol=1e-5)


def test_a_dot_is_found_where_the_window_shows_it(tmp_path):
    """The whole road: a dot in a file, the window of it, and the track of the dot."""
    frames = np.zeros((8, 48, 64, 3), np.uint8)
    points = np.zeros((8, 1, 17, 2), np.float32)
    for t in range(8):
        frames[t, 20:24, 20 + 2 * t : 24 + 2 * t] = 255
        points[t] = (21.5 + 2 * t, 21.5)
    write_video(tmp_path / "dot.mp4", Clip(frames=frames, fps=8.0))
    tracks = estimator(tmp_path, "dot.npz", points=points, confidence=np.ones((8, 1, 17)))
    part, _ = read_window(tmp_path / "dot.mp4", Grid(width=96, height=96, fps=4.0, num_frames=3), start_s=0.25)
    weight = part.frames.astype(float).sum(-1)
    shown = np.stack([(weight * grid).sum((1, 2)) / weight.sum((1, 2)) for grid in np.mgrid[:96, :96][::-1]], -1)
    assert np.abs(tracks.estimate(part).points[:, 0, 0] - shown).max() < 0.3


def test_without_a_rate_of_its_own_a_track_has_a_row_a_frame(tmp_path):
    arrays = moving()
    del arrays["fps"]
    np.savez(tmp_path / "walk.npz", **arrays)
    tracks = load_pose_estimator(f"tracks:{tmp_path}")
    assert np.array_equal(tracks.estimate(clip(8, fps=25.0)).points, arrays["points"])


def test_a_whole_body_track_says_so_and_nobody_is_nobody(tmp_path):
    tracks = estimator(tmp_path, **moving(joints=133))
    assert tracks.skeleton == "wholebody133" and tracks.estimate(clip(2)).points.shape == (2, 2, 133, 2)
    (tmp_path / "empty").mkdir()
    nobody = estimator(tmp_path / "empty", points=np.zeros((8, 0, 17, 2)), confidence=np.zeros((8, 0, 17)))
    assert nobody.estimate(clip(2)).points.shape == (2, 0, 17, 2)


def test_a_track_that_ends_before_the_clip_is_refused_and_its_last_row_is_shown_to_its_end(tmp_path):
    tracks = estimator(tmp_path)
    assert "walk.npz: length: got 1.00 s, expected at least 1.38 s of walk.mp4" in refused(tracks.estimate, clip(12))
    late = tracks.estimate(clip(3, fps=24.0, start_s=0.9))
    assert np.allclose(late.points[:, 0, 0, 0], 24)


def test_a_missing_track_names_the_clip_and_what_there_is(tmp_path):
    tracks = estimator(tmp_path)
    said = refused(tracks.estimate, clip(2, file="other.mp4"))
    assert "track: got none for other.mp4 in walk.npz, expected exactly one of other.npz, other.bvh" in said
    (tmp_path / "walk.bvh").write_text("")
    assert "got walk.npz and walk.bvh, expected exactly one of" in refused(tracks.estimate, clip(2))
    assert "clip.origin: got None" in refused(tracks.estimate, Clip(frames=clip().frames, fps=8.0))


def test_a_folder_without_tracks_is_refused(tmp_path):
    (tmp_path / "walk.mp4").write_bytes(b"x")
    (tmp_path / "none").mkdir()
    assert "tracks: got walk.mp4" in refused(load_pose_estimator, f"tracks:{tmp_path}").replace("none, ", "")
    assert "tracks: got an empty folder" in refused(load_pose_estimator, f"tracks:{tmp_path / 'none'}")
    assert "tracks: got no such folder" in refused(load_pose_estimator, f"tracks:{tmp_path / 'gone'}")
    assert "expected tracks:DIR" in refused(load_pose_estimator, "tracks")


def test_the_hash_follows_names_and_bytes_of_the_tracks_alone(tmp_path):
    first = estimator(tmp_path).weights_hash
    (tmp_path / "walk.mp4").write_bytes(b"x")
    assert load_pose_estimator(f"tracks:{tmp_path}").weights_hash == first
    (tmp_path / "walk.npz").rename(tmp_path / "run.npz")
    assert load_pose_estimator(f"tracks:{tmp_path}").weights_hash != first


def npz(**arrays) -> bytes:
    sink = io.BytesIO()
    np.savez(sink, **arrays)
    return sink.getvalue()


def zipped(name: str, data: bytes) -> bytes:
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, data)
    return sink.getvalue()


GOOD = moving()
HEADER = f"{{'descr': '<f4', 'fortran_order': False, 'shape': ({1 << 45}, 1, 17, 2)}}".ljust(117) + "\n"
HUGE = np.lib.format.magic(1, 0) + len(HEADER).to_bytes(2, "little") + HEADER.encode()


@pytest.mark.parametrize("data,reason", [
    (npz(**GOOD | {"points": np.array([{"a": 1}], object)}), "Object arrays cannot be loaded when allow_pickle=False"),
    (npz(**GOOD | {"skeleton": np.array(["coco17", None], object)}), "Object arrays cannot be loaded"),
    (b"", "BadZipFile"), (b"no zip at all", "BadZipFile"), (npz(**GOOD)[:300], "BadZipFile"),
    (zipped("points.npy", b"\x80\x04N."), "points: got |S4, expected an array"),
    (zipped("points.npy", HUGE), "expected an npz of plain arrays"),
    (npz(points=GOOD["points"]), "confidence: got missing"), (npz(**GOOD | {"points": np.array("x")}), "points: got <U1"),
    (npz(**GOOD | {"points": GOOD["points"][:, 0]}), "points: got (8, 17, 2), expected [T,N,J,2]"),
    (npz(**GOOD | {"points": GOOD["points"][:0], "confidence": GOOD["confidence"][:0]}), "with T >= 1"),
    (npz(**GOOD | {"points": GOOD["points"] * np.nan}), "points: got non-finite"),
    (npz(**GOOD | {"confidence": GOOD["confidence"] * np.nan}), "confidence: got values outside 0-1"),
    (npz(**GOOD | {"confidence": GOOD["confidence"] * 2}), "confidence: got values outside 0-1"),
    (npz(**GOOD | {"confidence": GOOD["confidence"][:3]}), "confidence: got (3, 2, 17)"),
    (npz(**GOOD | {"fps": np.float64(0)}), "fps: got 0.0"), (npz(**GOOD | {"fps": np.array([8.0, 9.0])}), "walk.npz"),
    (npz(**GOOD | {"skeleton": np.array("hand21")}), "skeleton: got hand21"), (npz(**moving(joints=21)), "skeleton: got 21 joints"),
])  # fmt: skip
def test_npz_files_that_lie_are_refused_by_name(tmp_path, data, reason):
    (tmp_path / "walk.npz").write_bytes(data)
    said = refused(load_pose_estimator, f"tracks:{tmp_path}")
    assert reason in said and said.startswith("walk.npz")


def test_a_file_that_unpacks_to_too_much_is_refused_before_it_does(tmp_path, monkeypatch):
    monkeypatch.setattr("models.pose.tracks._MAX_BYTES", 1000)
    np.savez_compressed(tmp_path / "walk.npz", **moving())
    assert "bytes unpacked, expected at most 1000" in refused(load_pose_estimator, f"tracks:{tmp_path}")


def test_all_tracks_of_a_folder_share_a_skeleton(tmp_path):
    np.savez(tmp_path / "walk.npz", **moving(joints=133))
    tracks = estimator(tmp_path, "a_first.npz")
    assert "walk.npz: skeleton: got wholebody133, expected coco17" in refused(tracks.estimate, clip(2))


# --- BVH

MIXAMO = {"shoulder": "Arm", "elbow": "ForeArm", "wrist": "Hand", "hip": "UpLeg", "knee": "Leg", "ankle": "Foot"}
ARM = {"Shoulder": ((1, 5, 0), {"Arm": ((1, 0, 0), {"ForeArm": ((3, 0, 0), {"Hand": ((2, 0, 0), {})})})})}
LEG = {"UpLeg": ((1, -1, 0), {"Leg": ((0, -4, 0), {"Foot": ((0, -4, 0), {})})})}


def limbs(tree: dict, side: str, sign: int) -> dict:
    return {side + name: ((sign * x, y, z), limbs(below, side, sign)) for name, ((x, y, z), below) in tree.items()}


RIG = {"Hips": ((0, 0, 0), {"Spine": ((0, 2, 0), {"Neck": ((0, 5, 0), {"Head": ((0, 1, 0), {})}),
       **limbs(ARM, "Left", 1), **limbs(ARM, "Right", -1)}), **limbs(LEG, "Left", 1), **limbs(LEG, "Right", -1)})}  # fmt: skip
"""A T pose 4 units across at the shoulders, facing +z, its left along +x."""


def bvh(rig: dict = RIG, turns=({},), root=(0, 0, 0), rename=lambda name: name, order="Zrotation Xrotation Yrotation", step="0.125") -> str:
    """The text of a file with a row for every item of `turns`: joint -> its three angles in the order of the channels."""
    lines, names = ["HIERARCHY"], []

    def write(tree: dict, top: bool) -> None:
        for name, (offset, below) in tree.items():
            names.append(name)
            channels = "CHANNELS 6 Xposition Yposition Zposition " if top else "CHANNELS 3 "
            lines.extend([f"{'ROOT' if top else 'JOINT'} {rename(name)}", "{", "OFFSET {} {} {}".format(*offset), channels + order])
            write(below, False)
            lines.extend([] if below else ["End Site", "{", "OFFSET 0 1 0", "}"])
            lines.append("}")

    write(rig, True)
    lines += ["MOTION", f"Frames: {len(turns)}", f"Frame Time: {step}"]
    for turn in turns:
        values = [*root, *(angle for name in names for angle in turn.get(name, (0, 0, 0)))]
        lines.append(" ".join(str(value) for value in values))
    return "\n".join(lines) + "\n"


def places(text: str) -> dict[str, np.ndarray]:
    motion = parse_bvh(text, "test.bvh")
    return dict(zip([joint.name for joint in motion.joints], forward_kinematics(motion)[0].swapaxes(0, 1)))


def points(text: str, size=(100, 100)) -> np.ndarray:
    return mocap_track(parse_bvh(text, "test.bvh"), size, "test.bvh").points[:, 0]


def test_a_rig_at_rest_is_the_sum_of_its_offsets():
    motion = parse_bvh(bvh(root=(7, 8, 9)), "test.bvh")
    moved = forward_kinematics(motion)[0][0]
    assert np.allclose(moved, rest_positions(motion.joints) + (7, 8, 9)) and motion.fps == 8
    assert np.allclose(places(bvh())["LeftHand"][0], (7, 7, 0))


def test_a_turned_joint_carries_everything_below_it_and_nothing_else():
    up = places(bvh(turns=[{"LeftArm": (90, 0, 0)}]))  # about z: from left to up
    assert np.allclose(up["LeftArm"][0], (2, 7, 0)) and np.allclose(up["LeftForeArm"][0], (2, 10, 0))
    assert np.allclose(up["LeftHand"][0], (2, 12, 0)) and np.allclose(up["RightHand"][0], (-7, 7, 0))


def test_rotations_follow_the_order_of_the_channels():
    first_z = places(bvh(turns=[{"LeftArm": (90, 90, 0)}]))["LeftForeArm"][0]  # Rz Rx (3,0,0) = Rz (3,0,0)
    assert np.allclose(first_z, (2, 10, 0))
    first_x = places(bvh(turns=[{"LeftArm": (90, 90, 0)}], order="Xrotation Zrotation Yrotation"))["LeftForeArm"][0]  # Rx Rz (3,0,0)
    assert np.allclose(first_x, (2, 7, 3))


def test_position_channels_take_the_offsets_place():
    text = bvh({"Hips": ((5, 5, 5), {})}, root=(1, 2, 3))
    assert np.allclose(places(text)["Hips"][0], (1, 2, 3))


def test_the_front_view_puts_the_persons_left_to_the_right_and_the_head_up():
    pose = mocap_track(parse_bvh(bvh(), "t"), (200, 100), "t")
    p = {name: pose.points[0, 0, j] for name, j in JOINT.items()}
    assert p["left_wrist"][0] > p["left_shoulder"][0] > p["right_shoulder"][0] > p["right_wrist"][0]
    assert p["nose"][1] < p["left_shoulder"][1] < p["left_hip"][1] < p["left_knee"][1] < p["left_ankle"][1]
    unit = (p["left_hip"][1] - p["left_shoulder"][1]) / 8
    assert np.allclose(p["left_wrist"] - p["right_wrist"], (14 * unit, 0), atol=1e-3)
    assert p["nose"][0] == pytest.approx((p["left_ear"][0] + p["right_ear"][0]) / 2, abs=1e-3)
    low, high = pose.points.min((0, 1, 2)), pose.points.max((0, 1, 2))
    assert ((high - low) / (200, 100)).max() == pytest.approx(BOX_SHARE, abs=1e-4)
    assert np.allclose((low + high) / 2, (99.5, 49.5), atol=1e-3)


WAVE = [{"LeftArm": (20 * t, 0, 0), "RightLeg": (0, 10 * t, 0), "Head": (0, 0, 5 * t)} for t in range(6)]


@pytest.mark.parametrize("about", [(0, 0, 0), (0, 0, 73), (0, 0, -160), (0, 90, 0)])
def test_it_does_not_matter_where_the_person_stands_which_way_and_which_axis_is_up(about):
    turned = bvh(turns=[turn | {"Hips": about} for turn in WAVE], root=(30, 1, -20))
    assert np.allclose(points(turned), points(bvh(turns=WAVE)), atol=1e-3)  # (0, 90, 0) lays y on z: another program's up


def test_the_scale_is_one_for_the_whole_clip():
    pose = points(bvh(turns=WAVE))
    length = np.linalg.norm(pose[:, JOINT["left_elbow"]] - pose[:, JOINT["left_shoulder"]], axis=-1)
    assert np.allclose(length, length[0], atol=1e-3)  # the arm turns in the picture's plane


def spelled(style: str):
    def rename(name: str) -> str:
        side, part = next(((s, name.removeprefix(s)) for s in ("Left", "Right") if name.startswith(s)), ("", name))
        limb = next((key for key, value in MIXAMO.items() if value == part), None)
        daz = {"shoulder": "Shldr", "elbow": "ForeArm", "wrist": "Hand", "hip": "Thigh", "knee": "Shin", "ankle": "Foot"}
        unreal = {"shoulder": "upperarm", "elbow": "lowerarm", "wrist": "hand", "hip": "thigh", "knee": "calf", "ankle": "foot"}
        names = {
            "mixamo": "mixamorig:" + name,
            "cmu": name,
            "simple": f"{side}{limb.capitalize()}" if limb else (f"{side}Collar" if side else name),
            "max": f"Bip01 {side[:1]} {unreal[limb].capitalize()}" if limb else "Bip01 " + (f"{side[:1]} Clavicle" if side else name),
            "unreal": f"{unreal[limb]}_{side[0].lower()}" if limb else (f"clavicle_{side[0].lower()}" if side else name.lower()),
            "daz": f"{side[0].lower()}{daz[limb]}" if limb else (f"{side[0].lower()}Collar" if side else name.lower()),
            "smpl": f"{side[0]}_{limb.capitalize()}" if limb else (f"{side[0]}_Collar" if side else name),
        }
        return names[style]

    return rename


@pytest.mark.parametrize("style", ["mixamo", "cmu", "simple", "max", "unreal", "daz", "smpl"])
def test_the_usual_names_of_joints_are_known(style):
    text = bvh(turns=WAVE, rename=spelled(style))
    assert np.array_equal(points(text), points(bvh(turns=WAVE))), named_joints([j.name for j in parse_bvh(text, "t").joints])


def test_a_rig_whose_names_say_nothing_is_refused_with_them_and_a_missing_limb_is_not_seen():
    said = refused(points, bvh(rename=lambda name: f"bone{len(name)}"))
    assert "test.bvh: joint names: got bone4" in said and "left_shoulder" in said
    text = bvh(rename=lambda name: {"LeftForeArm": "x", "Head": "y", "Neck": "z"}.get(name, name))
    seen = mocap_track(parse_bvh(text, "t"), (64, 64), "t").confidence[0, 0]
    assert not seen[JOINT["left_elbow"]] and not seen[list(HEAD)].any() and seen[JOINT["left_wrist"]] == 1


def test_the_face_is_less_sure_than_the_limbs_and_turns_with_the_head():
    pose = mocap_track(parse_bvh(bvh(turns=[{}, {"Head": (0, 0, 60)}]), "t"), (100, 100), "t")
    assert (pose.confidence[..., list(HEAD)] == FACE_CONFIDENCE).all() and pose.confidence[..., 5:].min() == 1
    nose, neck = pose.points[:, 0, 0, 0], pose.points[:, 0, (5, 6), 0].mean(1)
    assert nose[0] == pytest.approx(neck[0], abs=1e-3) and nose[1] > neck[1] + 1  # to its left


def test_a_bvh_track_is_sampled_at_the_times_of_the_clip_and_fills_the_source(tmp_path):
    (tmp_path / "walk.bvh").write_text(bvh(turns=WAVE))
    tracks = load_pose_estimator(f"tracks:{tmp_path}")
    whole = tracks.estimate(clip(6))
    assert tracks.skeleton == "coco17" and np.allclose(whole.points[:, 0], points(bvh(turns=WAVE), SOURCE), atol=1e-4)
    assert np.array_equal(tracks.estimate(clip(2, start_s=0.25)).points, whole.points[2:4])
    between = tracks.estimate(clip(3, fps=16.0)).points
    assert np.allclose(between[1], (whole.points[0] + whole.points[1]) / 2, atol=1e-4)


WHOLE = bvh(turns=WAVE)


@pytest.mark.parametrize("text,reason", [
    ("", "MOTION: got no such line"), ("a text of no meaning", "MOTION: got no such line"), (WHOLE[: len(WHOLE) // 4], "MOTION"),
    (WHOLE[: WHOLE.index("Frames")], "expected Frames: N"), (WHOLE[:-300], "the file is cut off or damaged"),
    (WHOLE + "1 2 3\n", "motion values: got"), (WHOLE.replace("Frames: 6", "Frames: 999999999999"), "motion values: got"),
    (WHOLE.replace("Frames: 6", "Frames: 0"), "at least 1 x 1"), (WHOLE.replace("0.125", "0"), "Frame Time: got 0"),
    (WHOLE.replace("0.125", "nan"), "Frame Time: got nan"), (WHOLE.replace("0.125", "soon"), "Frame Time: got soon"),
    (WHOLE[::-1].replace("0", "nan"[::-1], 1)[::-1], "motion values: got non-finite"),
    (WHOLE[::-1].replace("0", "x", 1)[::-1], "expected numbers"),
    (WHOLE.replace("}", "", 1), "HIERARCHY: got"), (WHOLE.replace("{", "", 1), "HIERARCHY: got"), ("}\n" + WHOLE, "HIERARCHY: got"),
    (WHOLE.replace("OFFSET 0 2 0", "OFFSET 0 inf 0", 1), "HIERARCHY: got OFFSET"),
    (WHOLE.replace("OFFSET 0 2 0", "OFFSET 0 two 0", 1), "HIERARCHY: got"),
    (WHOLE.replace("CHANNELS 3", "CHANNELS 90", 1), "HIERARCHY: got"),
    (WHOLE.replace("Zrotation", "Wrotation", 1), "HIERARCHY: got CHANNELS"),
    (WHOLE.replace("JOINT Spine", "ROOT Spine"), "exactly one ROOT"),
    ("HIERARCHY\nMOTION\nFrames: 1\nFrame Time: 1\n", "HIERARCHY: got no ROOT"), (WHOLE.replace("OFFSET", "OFSET", 1), "the word 'OFSET'"),
])  # fmt: skip
def test_damaged_bvh_files_are_refused_by_name(tmp_path, text, reason):
    (tmp_path / "walk.bvh").write_text(text)
    said = refused(load_pose_estimator(f"tracks:{tmp_path}").estimate, clip(2))
    assert said.startswith("walk.bvh: ") and reason in said


def test_a_tower_of_braces_is_no_recursion():
    deep = 5000
    text = "HIERARCHY\nROOT a\n{\n" + "JOINT b\n{\n" * deep + "}\n" * (deep + 1) + "MOTION\nFrames: 1\nFrame Time: 1\n"
    assert "frames x channels: got 1 x 0" in refused(parse_bvh, text, "t")
