"""Cases and suites validate themselves: ids, tags, duplicates, the grid."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from awbench.cases import Case, CaseMedia, Suite, Truth
from models.types import Clip, Grid, PoseTrack

GRID = Grid(width=10, height=8, fps=8.0, num_frames=3)


def clip(frames: int = 3, size: tuple[int, int] = (10, 8), fps: float = 8.0) -> Clip:
    return Clip(frames=np.zeros((frames, size[1], size[0], 3), np.uint8), fps=fps)


def truth(**changes: object) -> Truth:
    parts: dict = {
        "clip": clip(),
        "subject": np.zeros((3, 8, 10), bool),
        "reference_subject": np.zeros((8, 10), bool),
        "seen": np.ones((3, 8, 10), bool),
        "flow": np.zeros((2, 8, 10, 2), np.float32),
    }
    return Truth(**(parts | changes))


def suite(media: CaseMedia | None = None, **changes: object) -> Suite:
    media = media or CaseMedia(reference=clip().frames[0], driving=clip())
    parts: dict = {"name": "s", "version": "1", "grid": GRID, "cases": (Case(id="a"), Case(id="b")), "source": lambda case: media}
    return Suite(**(parts | changes))


def test_a_truth_may_know_poses_of_its_own_length() -> None:
    pose = PoseTrack(points=np.zeros((3, 2, 17, 2), np.float32), confidence=np.ones((3, 2, 17), np.float32), skeleton="coco17", fps=8.0)
    assert truth().pose is None and truth(pose=pose).pose.points.shape[1] == 2
    with pytest.raises(ValueError, match="Truth: pose: got 3 frames, expected 2 as the clip"):
        masks = {"subject": np.zeros((2, 8, 10), bool), "seen": np.ones((2, 8, 10), bool), "flow": np.zeros((1, 8, 10, 2), np.float32)}
        truth(clip=clip(2), pose=pose, **masks)


@pytest.mark.parametrize("good", ["a", "wh-0001", "A_b-9", "0", "x" * 64])
def test_good_ids(good: str) -> None:
    assert Case(id=good).id == good


@pytest.mark.parametrize(
    "bad", ["", "a.b", "a/b", "..", "-a", "_a", "a b", "é", "a\n", "x" * 65, "x" * 100_000, 7, None, "a\x00", "aux\\b"]
)
def test_bad_ids_are_refused_in_a_short_message(bad: object) -> None:
    with pytest.raises(ValueError, match="id: got") as caught:
        Case(id=bad)
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tags": ["x"]}, "tags: got list"),
        ({"tags": {"count": 2}}, "tags.count: got 2"),
        ({"tags": {"track": "other"}}, "tags.track: got other"),
        ({"reference_pose": "any"}, "reference_pose: got any"),
        ({"prompt": None}, "prompt: got None"),
        ({"driver_id": 4}, "driver_id: got 4"),
    ],
)
def test_bad_fields_are_named_with_their_case(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=f"case c: {message}"):
        Case(id="c", **changes)


def test_track_is_cross_unless_tagged() -> None:
    assert Case(id="a").track == "cross"
    assert Case(id="a", tags={"track": "self"}).track == "self"


@pytest.mark.parametrize("second", ["a", "A"])
def test_duplicate_ids_are_refused_whatever_their_case(second: str) -> None:
    with pytest.raises(ValueError, match=f"case id: got {second}, expected each id once"):
        suite(cases=(Case(id="a"), Case(id="b"), Case(id=second)))


@pytest.mark.parametrize(
    ("changes", "message"), [({"name": "a/b"}, "name"), ({"version": 1}, "version"), ({"cases": ()}, "cases: got none")]
)
def test_bad_suites_are_refused(changes: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        suite(**changes)


def test_load_returns_media_and_refuses_an_unknown_case() -> None:
    assert suite().load("b").driving.size == (10, 8)
    with pytest.raises(ValueError, match="expected one of its 2 ids"):
        suite().load("c")


@pytest.mark.parametrize(
    ("media", "message"),
    [
        (CaseMedia(reference=np.zeros((8, 9, 3), np.uint8), driving=clip()), r"reference size: got \(9, 8\)"),
        (CaseMedia(reference=clip().frames[0], driving=clip(frames=4)), r"driver \(frames, size, fps\): got \(4,"),
        (CaseMedia(reference=clip().frames[0], driving=clip(fps=9)), "9"),
    ],
)
def test_media_off_the_grid_are_refused(media: CaseMedia, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        suite(media).load("a")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("subject", np.zeros((3, 8, 10), np.uint8)),
        ("subject", np.zeros((2, 8, 10), bool)),
        ("reference_subject", np.zeros((10, 8), bool)),
        ("flow", np.zeros((3, 8, 10, 2), np.float32)),
        ("flow", np.full((2, 8, 10, 2), np.nan, np.float32)),
        ("seen", None),
    ],
)
def test_a_wrong_truth_names_the_array(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"Truth: {field}: got"):
        truth(**{field: value})


def test_values_are_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        Case(id="a").id = "b"  # type: ignore[misc]
    media = CaseMedia(reference=clip().frames[0], driving=clip(), truth=truth())
    with pytest.raises(ValueError, match="read-only"):
        media.reference[0, 0] = 1
