"""Joints of drawings from files of anybody: what is read, and every way in which they are refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from models.pose.animated_drawings import read_joints
from models.pose.bvh import parse_bvh
from models.pose.mocap import mocap_depth
from tests.models.test_pose_tracks import clip, estimator

GOOD = """height: 100
width: 80
skeleton:
- {loc: [40, 60], name: root, parent: null}
- {loc: [40, 30], name: torso, parent: root}
- {loc: [20.5, 30], name: right_shoulder, parent: torso}
"""


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "a.joints.yaml"
    file.write_text(text)
    return file


def test_places_and_size_are_read(tmp_path: Path) -> None:
    drawn = read_joints(written(tmp_path, GOOD))
    assert drawn.size == (80, 100) and drawn.places["right_shoulder"] == (20.5, 30.0) and len(drawn.places) == 3


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (GOOD.replace("parent: root}", "parent: right_shoulder}"), "parents of torso: got a circle"),
        (GOOD.replace("parent: torso", "parent: right_shoulder"), "parents of right_shoulder: got a circle"),
        (GOOD.replace("parent: torso", "parent: tail"), "got 'tail', expected a joint of the file"),
        (GOOD.replace("parent: torso", "parent: [1]"), r"got '\[1\]'|got \[1\]"),
        (GOOD.replace("parent: torso", "parent: null"), "joints without parent: got root, right_shoulder"),
        (GOOD.replace("parent: null", "parent: torso"), "joints without parent: got none"),
        (GOOD.replace("right_shoulder", "torso"), "torso twice"),
        (GOOD.replace("[20.5, 30]", "[-200, 30]"), r"loc of right_shoulder: got \[-200, 30\].*80 x 100"),
        (GOOD.replace("[20.5, 30]", "[1.0e+300, 30]"), "loc of right_shoulder"),
        (GOOD.replace("[20.5, 30]", "[.nan, 30]"), "loc of right_shoulder"),
        (GOOD.replace("[20.5, 30]", "[true, 30]"), "loc of right_shoulder"),
        (GOOD.replace("[20.5, 30]", "20"), "loc of right_shoulder"),
        (GOOD.replace("height: 100", "height: 1000000000000"), "height: got 1000000000000"),
        (GOOD.replace("height: 100", "height: -3"), "height: got -3"),
        (GOOD.replace("height: 100\n", ""), "height: got None"),
        (GOOD.replace("name: torso", "name: 7"), "skeleton: got"),
        ("height: 100\nwidth: 80\nskeleton: []", "skeleton: got 0"),
        ("height: 100\nwidth: 80\nskeleton: {a: 1}", "skeleton: got dict"),
        ("- 1\n- 2", "content: got list"),
        ("", "content: got NoneType"),
        ("a: &x [1]\nb: *x", "yaml: got aliases"),
        ("height: [", "expected plain yaml"),
        ("a: !!python/object/apply:os.system ['true']", "expected plain yaml"),
        ("[" * 5000, "yaml: got more than 8 levels"),
        (GOOD + "#" * 70000, "size: got"),
    ],
)
def test_a_damaged_or_hostile_file_is_refused_by_name(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"a\.joints\.yaml: .*(" + said + ")"):
        read_joints(written(tmp_path, text))


BVH = """HIERARCHY
ROOT Hips
{ OFFSET 0 0 0 CHANNELS 4 Xposition Yposition Zposition Yrotation
  JOINT LeftArm { OFFSET 2 4 0 CHANNELS 0 JOINT LeftForeArm { OFFSET 2 0 0 CHANNELS 0
    JOINT LeftHand { OFFSET 0 0 3 CHANNELS 0 End Site { OFFSET 1 0 0 } } } }
  JOINT RightArm { OFFSET -2 4 0 CHANNELS 0 End Site { OFFSET -1 0 0 } }
  JOINT LeftUpLeg { OFFSET 1 0 0 CHANNELS 0 End Site { OFFSET 0 -1 0 } }
  JOINT RightUpLeg { OFFSET -1 0 0 CHANNELS 0 End Site { OFFSET 0 -1 0 } }
}
MOTION
Frames: 2
Frame Time: 0.125
0 0 0 0
0 0 4 0
"""


def test_depth_is_that_of_the_camera_in_widths_of_the_shoulders(tmp_path: Path) -> None:
    depth = mocap_depth(parse_bvh(BVH, "x"))
    assert depth.shape == (2, 17) and depth[:, 5] == pytest.approx([0, 1]) and depth[:, 9] == pytest.approx([0.75, 1.75])
    assert not depth[:, 15].any()  # no ankles in the file
    flat = estimator(tmp_path)
    assert flat.depths(clip()) is None
    (tmp_path / "walk.npz").unlink()
    (tmp_path / "walk.bvh").write_text(BVH)
    rows = flat.depths(clip(frames=3, fps=16.0))
    assert rows.shape == (3, 1, 17) and rows[:, 0, 5] == pytest.approx([0, 0.5, 1]) and np.isfinite(rows).all()
