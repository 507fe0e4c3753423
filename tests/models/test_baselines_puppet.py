"""The puppet: a drawn stick figure moves as it would have been drawn, from annotations, tracks and BVH; what it refuses, and how."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from models.animators.load import load_animator
from models.baselines.weightless.puppet.animator import PuppetAnimator, PuppetOptions, capabilities, create, estimate, missing, options
from models.baselines.weightless.puppet.annotations import annotations_hash, annotations_in, found_in
from models.baselines.weightless.puppet.rig import rig_of
from models.baselines.weightless.puppet.silhouette import figure_mask, without_figure
from models.estimate import Workload
from models.framing import FITS, fit_image
from models.images import encode_image
from models.pose.skeleton import JOINTS
from models.types import AnimationRequest, Clip, PoseTrack

PAPER, INK = (230, 228, 220), (40, 60, 160)
SIDE = 160
FIGURE: dict[str, complex] = {
    "head": 80 + 30j,
    "left_shoulder": 96 + 52j, "right_shoulder": 64 + 52j, "left_elbow": 118 + 52j, "right_elbow": 42 + 52j,
    "left_wrist": 140 + 52j, "right_wrist": 20 + 52j, "left_hip": 92 + 98j, "right_hip": 68 + 98j,
    "left_knee": 94 + 122j, "right_knee": 66 + 122j, "left_ankle": 96 + 146j, "right_ankle": 64 + 146j,
}  # fmt: skip
TO_DRAWN = {"head": "neck", "wrist": "hand", "ankle": "foot"}
LIMBS = [("shoulder", "elbow"), ("elbow", "wrist"), ("hip", "knee"), ("knee", "ankle")]


def drawn(joints: dict[str, complex]) -> np.ndarray:
    """A mask of the figure, bool `[H,W]`."""
    canvas = np.zeros((SIDE, SIDE), np.uint8)

    def at(z: complex) -> tuple[int, int]:
        return round(z.real), round(z.imag)

    trunk = [joints[name] for name in ("left_shoulder", "right_shoulder", "right_hip", "left_hip")]
    cv2.fillConvexPoly(canvas, np.array([at(z) for z in trunk], np.int32), 255)
    cv2.line(canvas, at(sum(trunk[:2]) / 2), at(joints["head"]), 255, 9)
    cv2.circle(canvas, at(joints["head"]), 13, 255, -1)
    for side in ("left", "right"):
        for start, end in LIMBS:
            cv2.line(canvas, at(joints[f"{side}_{start}"]), at(joints[f"{side}_{end}"]), 255, 9)
    return canvas > 0


def painted(mask: np.ndarray) -> np.ndarray:
    return np.where(mask[..., None], np.uint8(INK), np.uint8(PAPER))


def inked(frame: np.ndarray) -> np.ndarray:
    """The pixels nearer to ink than to paper."""
    frame = frame.astype(float)
    return np.linalg.norm(frame - INK, axis=-1) < np.linalg.norm(frame - PAPER, axis=-1)


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return (one & other).sum() / (one | other).sum()


def pose_of(*poses: dict[str, complex], hidden: tuple[str, ...] = ()) -> PoseTrack:
    """A frame a pose."""
    points, confidence = np.zeros((len(poses), 1, 17, 2), np.float32), np.zeros((len(poses), 1, 17), np.float32)
    for t, joints in enumerate(poses):
        for j, name in enumerate(JOINTS):
            place = joints.get("head" if j < 5 else name)
            if place is not None and name not in hidden and not (j < 5 and "head" in hidden):
                points[t, 0, j], confidence[t, 0, j] = (place.real, place.imag), 1
    return PoseTrack(points=points, confidence=confidence, skeleton="coco17", fps=8.0)


def turned(joints: dict[str, complex], about: str, names: tuple[str, ...], degrees: float) -> dict[str, complex]:
    turn = np.exp(1j * np.deg2rad(degrees))
    return joints | {name: joints[about] + turn * (joints[name] - joints[about]) for name in names}


ARM_UP = turned(FIGURE, "left_shoulder", ("left_elbow", "left_wrist"), -90)


def annotated(folder: Path, picture: np.ndarray | None = None, joints: dict[str, complex] = FIGURE, mask: bool = True) -> Path:
    """A folder as Animated Drawings names its files."""
    folder.mkdir(exist_ok=True)
    picture = painted(drawn(FIGURE)) if picture is None else picture
    rows = [{"name": "root", "loc": [80, 98], "parent": None}, {"name": "torso", "loc": [80, 52], "parent": "root"}]
    for name, place in joints.items():
        side, _, part = name.rpartition("_")
        theirs = "_".join(word for word in (side, TO_DRAWN.get(part, part)) if word)
        rows.append({"name": theirs, "loc": [round(place.real), round(place.imag)], "parent": "torso"})
    content = {"height": picture.shape[0], "width": picture.shape[1], "skeleton": rows}
    (folder / "stick.joints.yaml").write_text(yaml.safe_dump(content))
    (folder / "stick.png").write_bytes(encode_image(picture))
    if mask:
        (folder / "stick.mask.png").write_bytes(encode_image(np.repeat(drawn(FIGURE)[..., None] * np.uint8(255), 3, -1)))
    return folder


class Nobody:
    """An estimator that is not asked, or sees nobody."""

    weights_hash = ""

    def estimate(self, clip: Clip) -> PoseTrack:
        return PoseTrack(points=np.zeros((len(clip), 0, 17, 2)), confidence=np.zeros((len(clip), 0, 17)), skeleton="coco17", fps=clip.fps)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.baselines.weightless.puppet.animator.load_pose_estimator", lambda name: Nobody())


def request(pose: PoseTrack | None, reference: np.ndarray | None = None, size=(SIDE, SIDE), **changes) -> AnimationRequest:
    reference = painted(drawn(FIGURE)) if reference is None else reference
    count = len(pose) if pose else 2
    driving = Clip(frames=np.zeros((count, size[1], size[0], 3), np.uint8), fps=8.0)
    fields = {"id": "a", "reference": reference, "driving": driving, "size": size, "num_frames": count, "seed": 0, "pose": pose}
    return AnimationRequest(**(fields | changes))


def moved(tmp_path: Path, *poses: dict[str, complex], hidden: tuple[str, ...] = (), **chosen) -> np.ndarray:
    animator = create(str(annotated(tmp_path / "drawn")), options=PuppetOptions(smooth_s=0, **chosen))
    return animator.animate(request(pose_of(*poses, hidden=hidden))).clip.frames


def test_its_own_pose_gives_the_reference_back(tmp_path: Path) -> None:
    reference = painted(drawn(FIGURE)).astype(float)
    frame = moved(tmp_path, FIGURE)[0]
    assert 10 * np.log10(255**2 / np.mean((frame - reference) ** 2)) > 30
    assert overlap(inked(frame), drawn(FIGURE)) > 0.97


@pytest.mark.parametrize(
    "pose",
    [
        ARM_UP,
        turned(FIGURE, "left_shoulder", ("left_elbow", "left_wrist"), 75),
        turned(FIGURE, "right_elbow", ("right_wrist",), 90),
        turned(turned(FIGURE, "left_hip", ("left_knee", "left_ankle"), -35), "left_knee", ("left_ankle",), 50),
        {name: 80 + 90j + np.exp(0.3j) * (place - 80 - 90j) for name, place in FIGURE.items()},
    ],
    ids=["arm up", "arm down", "forearm", "leg", "all"],
)
def test_a_turned_limb_is_drawn_where_it_should_be(tmp_path: Path, pose: dict[str, complex]) -> None:
    frame = moved(tmp_path, FIGURE, pose)[1]
    before = overlap(drawn(FIGURE), drawn(pose))
    assert overlap(inked(frame), drawn(pose)) > max(0.85, (1 + before) / 2)


def test_the_figure_keeps_its_proportions_and_goes_the_drivers_way_in_its_own_measure(tmp_path: Path) -> None:
    half = {name: 0.5 * place for name, place in FIGURE.items()}
    away = {name: place + 10 for name, place in half.items()}
    still, gone = moved(tmp_path, half, away)
    assert overlap(inked(still), drawn(FIGURE)) > 0.97
    assert overlap(inked(gone), np.roll(drawn(FIGURE), 20, 1)) > 0.93  # 10 px of a driver of half the height
    _, stays = moved(tmp_path, half, away, travel=0.0)
    assert overlap(inked(stays), drawn(FIGURE)) > 0.97


def test_it_stays_in_the_picture_whatever_the_way(tmp_path: Path) -> None:
    far = {name: place + 5000 for name, place in FIGURE.items()}
    assert inked(moved(tmp_path, FIGURE, far)[1]).sum() > 0.2 * drawn(FIGURE).sum()


def test_a_joint_not_seen_holds_its_last_direction(tmp_path: Path) -> None:
    track = pose_of(ARM_UP, FIGURE)
    confidence = track.confidence.copy()
    confidence[1, 0, JOINTS.index("left_elbow")] = 0
    track = PoseTrack(points=track.points, confidence=confidence, skeleton="coco17", fps=8.0)
    animator = create(str(annotated(tmp_path / "drawn")), options=PuppetOptions(smooth_s=0))
    frames = animator.animate(request(track)).clip.frames
    assert overlap(inked(frames[1]), drawn(ARM_UP)) > 0.85


def test_a_driver_of_an_upper_body_moves_the_arms_and_leaves_the_rest(tmp_path: Path) -> None:
    below = tuple(f"{side}_{part}" for side in ("left", "right") for part in ("hip", "knee", "ankle"))
    _, frame = moved(tmp_path, FIGURE, ARM_UP, hidden=below)
    assert overlap(inked(frame), drawn(ARM_UP)) > 0.85


def test_a_driver_seen_from_behind_moves_the_limb_on_its_side_of_the_picture(tmp_path: Path) -> None:
    def behind(joints: dict[str, complex]) -> dict[str, complex]:
        other = {"left": "right", "right": "left"}
        return {"_".join([other.get((w := name.split("_"))[0], w[0]), *w[1:]]): place for name, place in joints.items()}

    _, frame = moved(tmp_path, behind(FIGURE), behind(ARM_UP))
    assert overlap(inked(frame), drawn(ARM_UP)) > 0.85


def test_a_figure_without_legs_or_head_works_with_what_there_is(tmp_path: Path) -> None:
    some = {name: place for name, place in FIGURE.items() if "knee" not in name and "ankle" not in name and name != "head"}
    animator = create(str(annotated(tmp_path / "drawn", joints=some)), options=PuppetOptions(smooth_s=0))
    frame = animator.animate(request(pose_of(FIGURE, ARM_UP))).clip.frames[1]
    assert overlap(inked(frame), drawn(ARM_UP)) > 0.85
    assert len(rig_of({"left_shoulder": 10j, "right_shoulder": 20 + 10j}, "x").bones) == 1  # seen to the waist


def test_a_figure_cut_at_the_waist_leans_from_where_its_chest_is(tmp_path: Path) -> None:
    reference = np.ascontiguousarray(painted(drawn(FIGURE))[:80, 20:140])
    (tmp_path / "bust.png").write_bytes(encode_image(reference))
    down = {name: place - 20 for name, place in FIGURE.items()}
    bust = pose_of(down, hidden=tuple(name for name in FIGURE if name.endswith(("hip", "knee", "ankle"))))
    np.savez(tmp_path / "bust.npz", points=bust.points, confidence=bust.confidence)
    lean = {name: 60 + 52j + np.exp(-0.4j) * (place - 60 - 52j) for name, place in down.items()}
    asked = request(pose_of(lean, lean), reference=reference, size=(120, 80))
    frame = create(str(tmp_path), options=PuppetOptions(smooth_s=0)).animate(asked).clip.frames[0]
    wanted = np.zeros((80, 120), bool)
    wanted[:] = drawn({name: place + 20 for name, place in lean.items()})[:80, 20:140]
    assert overlap(inked(frame)[:60], wanted[:60]) > 0.8


@pytest.mark.parametrize("fit", FITS)
def test_the_annotation_is_found_however_the_reference_was_fitted(tmp_path: Path, fit: str) -> None:
    wide = np.concatenate([painted(drawn(FIGURE)), np.full((SIDE, 60, 3), PAPER, np.uint8)], 1)
    animator = create(str(annotated(tmp_path / "drawn", picture=wide, mask=False)), options=PuppetOptions(smooth_s=0))
    reference = fit_image(wide, (96, 96), fit)
    result = animator.animate(request(pose_of(FIGURE, FIGURE), reference=reference, size=(96, 96)))
    assert "annotation stick" in result.provenance["note"] and "outlined" in result.provenance["note"]
    error = np.abs(result.clip.frames[0].astype(float) - reference).mean()
    assert error < 4 and result.clip.size == (96, 96)


def test_what_the_crop_cuts_off_comes_into_view_when_it_moves(tmp_path: Path) -> None:
    folder = annotated(tmp_path / "drawn")
    reference = fit_image(painted(drawn(FIGURE)), (160, 80))  # head and feet are cut off
    far = {name: place + 40j for name, place in FIGURE.items()}
    frame = create(str(folder), options=PuppetOptions(smooth_s=0)).animate(
        request(pose_of(FIGURE, far), reference=reference, size=(160, 80))
    )
    assert overlap(inked(frame.clip.frames[1]), np.roll(drawn(FIGURE), 40, 0)[40:120]) > 0.9


def test_a_reference_nobody_annotated_is_refused_or_given_to_an_estimator(tmp_path: Path) -> None:
    folder = annotated(tmp_path / "drawn")
    other = np.random.default_rng(0).integers(0, 255, (SIDE, SIDE, 3), np.uint8)
    with pytest.raises(ValueError, match=r"none of 1 annotated ones \(nearest: stick by .*expected one of stick.*estimator=NAME"):
        create(str(folder)).animate(request(pose_of(FIGURE), reference=other))
    with pytest.raises(ValueError, match="reference: people: got none found"):
        create(str(folder), options=PuppetOptions(estimator="tiny")).animate(request(pose_of(FIGURE), reference=other))
    with pytest.raises(ValueError, match="driver of a: people: got none found"):
        create(str(folder)).animate(request(None))
    with pytest.raises(ValueError, match="animator puppet: joints of references"):
        load_animator("puppet")


def test_an_estimator_of_the_reference_needs_no_files(monkeypatch: pytest.MonkeyPatch) -> None:
    class Knows(Nobody):
        def estimate(self, clip: Clip) -> PoseTrack:
            return pose_of(FIGURE)

    monkeypatch.setattr("models.baselines.weightless.puppet.animator.load_pose_estimator", lambda name: Knows())
    result = PuppetAnimator(None, PuppetOptions(estimator="tiny", smooth_s=0)).animate(request(pose_of(FIGURE, ARM_UP)))
    assert overlap(inked(result.clip.frames[1]), drawn(ARM_UP)) > 0.8 and "joints by tiny" in result.provenance["note"]


def test_the_same_request_gives_the_same_pixels_and_files_make_the_hash(tmp_path: Path) -> None:
    one, two = moved(tmp_path, FIGURE, ARM_UP), moved(tmp_path, FIGURE, ARM_UP)
    assert np.array_equal(one, two)
    folder = tmp_path / "drawn"
    before = create(str(folder)).weights_hash
    (folder / "stick.mask.png").unlink()
    assert create(str(folder)).weights_hash != before and annotations_hash(annotations_in(folder, None))


def test_a_folder_of_animated_drawings_and_a_track_of_one_frame_are_annotations_too(tmp_path: Path) -> None:
    folder = annotated(tmp_path / "drawn")
    character = tmp_path / "out" / "stick"
    character.mkdir(parents=True)
    for old, new in (("stick.joints.yaml", "char_cfg.yaml"), ("stick.png", "texture.png"), ("stick.mask.png", "mask.png")):
        (folder / old).rename(character / new)
    reference = painted(drawn(FIGURE))
    drawing, _ = found_in(reference, annotations_in(tmp_path / "out", None))
    assert drawing.name == "stick" and drawing.joints["left_wrist"] == FIGURE["left_wrist"] and drawing.mask is not None
    track = pose_of(FIGURE)
    np.savez(folder / "other.npz", points=track.points, confidence=track.confidence)
    with pytest.raises(ValueError, match="annotation other: picture: got none.*images=FOLDER"):
        annotations_in(folder, None)
    images = tmp_path / "images"
    images.mkdir()
    (images / "other.png").write_bytes(encode_image(reference))
    drawing, _ = found_in(reference, annotations_in(folder, images))
    assert drawing.joints["left_wrist"] == pytest.approx(FIGURE["left_wrist"])


def test_files_that_do_not_belong_together_are_named(tmp_path: Path) -> None:
    folder = annotated(tmp_path / "drawn", picture=painted(drawn(FIGURE))[:150])
    with pytest.raises(ValueError, match="stick.mask.png: size"):
        found_in(np.zeros((8, 8, 3), np.uint8), annotations_in(folder, None))
    with pytest.raises(ValueError, match="annotations empty: annotations: got nothing"):
        (tmp_path / "empty").mkdir()
        annotations_in(tmp_path / "empty", None)


def test_an_outline_is_found_on_paper_and_in_a_scene() -> None:
    rig = rig_of(FIGURE, "x")
    assert overlap(figure_mask(painted(drawn(FIGURE)), rig), drawn(FIGURE)) > 0.9
    rng = np.random.default_rng(1)
    scene = np.where(drawn(FIGURE)[..., None], np.uint8((220, 40, 40)), rng.integers(0, 120, (SIDE, SIDE, 3), np.uint8))
    assert overlap(figure_mask(scene, rig), drawn(FIGURE)) > 0.7


@pytest.mark.parametrize("how", ["inpaint", "flat"])
def test_the_background_is_the_picture_without_its_figure(how: str) -> None:
    background = without_figure(painted(drawn(FIGURE)), drawn(FIGURE), how)
    assert np.abs(background.astype(int) - PAPER).max() <= 12
    assert np.array_equal(without_figure(painted(drawn(FIGURE)), np.zeros((SIDE, SIDE), bool), how), painted(drawn(FIGURE)))


def test_what_it_states_of_itself() -> None:
    assert capabilities("puppet").kind == "weightless" and "pose" in capabilities("puppet").needs and options("puppet") is PuppetOptions
    small, large = (estimate("puppet", Workload(size=(side, side), num_frames=24, fps=24.0), PuppetOptions()) for side in (256, 512))
    assert 0 < small.seconds < large.seconds and small.usd == 0
    for wrong in ({"background": "sky"}, {"smooth_s": -1.0}, {"travel": 3.0}, {"vertices": 3}):
        with pytest.raises(ValueError, match=f"puppet: {next(iter(wrong))}"):
            PuppetOptions(**wrong)


def test_cases_whose_reference_nobody_annotated_are_missing(tmp_path: Path) -> None:
    folder, known = annotated(tmp_path / "drawn"), painted(drawn(FIGURE))
    pictures = {"a": known, "b": 255 - known, "c": None, "d": 255 - known}
    stated = missing("puppet", PuppetOptions(), str(folder), pictures, pictures.get)
    assert len(stated) == 1 and stated[0].startswith("joints of references: 2 of 4 cases show none of 1 annotated pictures (b, d); ")
    assert missing("puppet", PuppetOptions(estimator="tiny"), str(folder), pictures, pictures.get) == []
    assert missing("puppet", PuppetOptions(), str(folder), ["a"], pictures.get) == []
    assert missing("puppet", PuppetOptions(), str(folder), ["b"]) == [], "pictures are not at hand"
