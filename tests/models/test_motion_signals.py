"""What an animator sees of the driver: one road for training and inference."""

import ast
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

from models.animators.motion import MOTIONS, Blank, Raw, Skeleton, build_motion, motion_class
from models.pose.draw import draw_poses
from models.training.augment import Augmentation
from models.types import Clip, PoseTrack

STICK = np.random.default_rng(3).uniform(10, 38, (17, 2)).astype(np.float32)


def track(points, frames=1):
    points = np.repeat(np.asarray(points, np.float32)[None, None], frames, 0)
    return PoseTrack(points=points, confidence=np.ones(points.shape[:3]), skeleton="coco17", fps=8.0)


class Fixed:
    """An estimator that always sees the same person."""

    name, weights_hash, skeleton = "fixed", "abc", "coco17"

    def __init__(self, points):
        self.points = points

    def estimate(self, clip):
        return track(self.points, len(clip))


def clip(width=48, height=48, frames=3):
    return Clip(frames=np.random.default_rng(0).integers(0, 255, (frames, height, width, 3), dtype=np.uint8), fps=8.0)


def test_blank_shows_nothing_and_raw_shows_the_frames_that_are_kept():
    assert Blank().draw(Blank().prepare(clip()), np.arange(3), (48, 48)) is None
    shown = Raw().draw(Raw().prepare(clip()), np.array([2, 0, 0]), (48, 48))
    assert np.array_equal(shown, clip().frames[[2, 0, 0]])
    assert Raw().draw(clip(60, 40), np.arange(2), (16, 24)).shape == (2, 24, 16, 3)


@pytest.mark.parametrize("size", [(48, 48), (96, 96), (120, 60), (60, 200)])
def test_a_skeleton_stands_where_the_fitted_picture_of_the_driver_shows_its_person(size):
    scale = min(size) / 48
    points = (STICK + 0.5) * scale - 0.5 + (np.float32(size) - min(size)) / 2  # in the middle square, which fit_image keeps
    signal = Skeleton(Fixed(points))
    drawn = signal.draw(signal.prepare(clip(*size, frames=1)), np.arange(1), (48, 48))
    assert np.array_equal(drawn, draw_poses(track(STICK), (48, 48)))


def test_a_pose_that_is_given_overrides_the_estimate():
    signal = Skeleton(Fixed(STICK))
    other = track(STICK[::-1], 3)
    assert np.array_equal(signal.draw(signal.prepare(clip(), other), np.arange(3), (48, 48)), draw_poses(other, (48, 48)))


def test_a_normalised_skeleton_does_not_tell_place_and_scale():
    plain, boxed = Skeleton(Fixed(STICK)), Skeleton(Fixed(STICK), normalised=True)
    moved = Skeleton(Fixed(STICK * 0.5 + 7), normalised=True)
    draw = [signal.draw(signal.prepare(clip(frames=1)), np.arange(1), (48, 48)) for signal in (plain, boxed, moved)]
    assert np.abs(draw[1].astype(int) - draw[2]).max() <= 2 and np.abs(draw[0].astype(int) - draw[1]).max() > 100


def test_a_change_of_the_sample_reaches_every_signal():
    change = Augmentation(mirror=1.0, bones=0, driver_stretch=0, driver_colour=0).draw(np.random.default_rng(0), (48, 48))
    assert np.array_equal(Raw().draw(clip(), np.arange(3), (48, 48), change), clip().frames[:, :, ::-1])
    signal = Skeleton(Fixed(STICK))
    mirrored = signal.draw(signal.prepare(clip()), np.arange(3), (48, 48), change)
    assert not np.array_equal(mirrored, draw_poses(track(STICK, 3), (48, 48)))


def test_what_a_card_keeps_builds_the_same_signal_and_unknown_kinds_are_named(tmp_path):
    assert build_motion(Raw().describe()).kind == "raw" and build_motion(Blank().describe()).kind == "blank"
    built = build_motion({"kind": "skeleton", "estimator": "tiny", "normalised": True})
    assert built.normalised and build_motion(built.describe()).weights_hash == built.weights_hash
    with pytest.raises(ValueError, match=r"motion: got 'flow', expected one of " + ", ".join(MOTIONS)):
        build_motion({"kind": "flow"})


def test_a_kind_says_what_it_needs_and_what_changes_it_before_anything_is_loaded():
    skeleton = motion_class({"kind": "skeleton", "estimator": "/no/such"})
    assert [kind for kind, signal in MOTIONS.items() if signal.needs_estimator] == ["skeleton"] and skeleton is Skeleton
    assert [kind for kind, signal in MOTIONS.items() if signal.needs_driver] == ["raw", "skeleton"]
    assert {name for signal in MOTIONS.values() for name in signal.changes} <= {field.name for field in fields(Augmentation)}
    with pytest.raises(ValueError, match="motion: got 'flow'"):
        motion_class({"kind": "flow"})


@pytest.mark.parametrize("share", ["bones", "driver_stretch", "driver_colour"])
@pytest.mark.parametrize("signal", [Raw(), Skeleton(Fixed(STICK))])
def test_a_signal_is_changed_by_what_it_says_changes_it(signal, share):
    none = {"mirror": 0, "bones": 0, "driver_stretch": 0, "driver_colour": 0}
    change = Augmentation(**{**none, share: 1.0}).draw(np.random.default_rng(1), (48, 48))
    shown = [signal.draw(signal.prepare(clip()), np.arange(3), (48, 48), c) for c in (None, change)]
    assert np.array_equal(*shown) == (share not in signal.changes)


def test_no_file_asks_for_a_kind_of_signal_by_its_name():
    root = Path(__file__).resolve().parents[2]
    files = [path for room in ("pipelines", "bootstrap", "models/training", "models/animators") for path in (root / room).rglob("*.py")]
    asked = [
        f"{path.relative_to(root)}:{node.lineno}"
        for path in files
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Compare)
        and any(isinstance(part, ast.Constant) and part.value in MOTIONS for part in (node.left, *node.comparators))
    ]
    assert len(files) > 30 and not asked
