"""Types that refuse what does not fit, lazy catalogs, atomic files, item seeds, the progress line, optical flow."""

import io
import json
import threading
import time

import numpy as np
import pyarrow as pa
import pytest

from models import artifacts, storage
from models.catalog import Catalog, Entry
from models.optical_flow import backward_warp, flow_between, flow_sequence, resize_flow
from models.progress import Progress
from models.seeds import item_rng, item_seed
from models.types import AnimationRequest, Clip, Grid, PoseTrack, TrainingExample

FRAMES = np.zeros((3, 4, 6, 3), np.uint8)


@pytest.mark.parametrize("change,message", [
    ({"frames": FRAMES.astype(float)}, "Clip: frames: got float64"), ({"frames": FRAMES[0]}, "Clip: frames"),
    ({"frames": FRAMES[:0]}, "Clip: frames"), ({"fps": 0}, "Clip: fps: got 0"), ({"fps": float("nan")}, "Clip: fps"),
])  # fmt: skip
def test_a_clip_refuses_what_it_cannot_be(change, message):
    with pytest.raises(ValueError, match=message):
        Clip(**({"frames": FRAMES, "fps": 8.0} | change))


def test_frames_cannot_be_changed_behind_a_clips_back():
    clip = Clip(frames=FRAMES, fps=8.0)
    with pytest.raises(ValueError):
        clip.frames[0] = 1
    assert clip.size == (6, 4) and len(clip) == 3 and clip.duration_s == pytest.approx(0.375)


def test_a_pose_track_checks_joints_confidence_and_skeleton():
    good = {"points": np.zeros((2, 1, 17, 2)), "confidence": np.ones((2, 1, 17)), "skeleton": "coco17", "fps": 8.0}
    assert len(PoseTrack(**good)) == 2
    for change in ({"points": np.zeros((2, 1, 16, 2))}, {"confidence": np.full((2, 1, 17), 1.5)}, {"skeleton": "spider"}):
        with pytest.raises(ValueError, match="PoseTrack"):
            PoseTrack(**(good | change))
    with pytest.raises(ValueError, match="non-finite"):
        PoseTrack(**(good | {"points": np.full((2, 1, 17, 2), np.nan)}))


def test_an_example_needs_driver_and_target_alike():
    clip, short = Clip(frames=FRAMES, fps=8.0), Clip(frames=FRAMES[:2], fps=8.0)
    with pytest.raises(ValueError, match=r"example e: driver \(T, size, fps\)"):
        TrainingExample(id="e", reference=FRAMES[0], driver=short, target=clip)


def test_a_request_names_the_field_that_is_wrong():
    good = {"id": "r", "reference": FRAMES[0], "driving": Clip(frames=FRAMES, fps=8.0), "size": (6, 4), "num_frames": 3, "seed": 0}
    for change, field in (
        ({"seed": -1}, "seed"),
        ({"size": (0, 4)}, "size"),
        ({"num_frames": 0}, "num_frames"),
        ({"reference": FRAMES}, "reference"),
    ):
        with pytest.raises(ValueError, match=f"request r: {field}"):
            AnimationRequest(**(good | change))


def test_a_grid_of_one_frame_has_no_motion():
    with pytest.raises(ValueError, match="one frame has no motion"):
        Grid(width=8, height=8, fps=8.0, num_frames=1)


def test_catalog_is_lazy_and_suggests_the_nearest_name():
    catalog = Catalog(kind="thing", group="actorforge.none", entries={"seed": Entry(target="models.seeds:item_seed", summary=""),
                                                                     "broken": Entry(target="no.such:thing", summary="")})  # fmt: skip
    assert catalog.load("seed") is item_seed and list(catalog.table()) == ["broken", "seed"]
    with pytest.raises(ValueError, match="thing: got 'sed', expected one of broken, seed; did you mean seed"):
        catalog.load("sed")


def test_publish_shows_a_file_whole_or_not_at_all(tmp_path):
    with pytest.raises(RuntimeError), storage.publish(tmp_path / "x.bin") as draft:
        draft.write_bytes(b"half")
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []
    storage.write_bytes(tmp_path / "x.bin", b"whole")
    assert (tmp_path / "x.bin").read_bytes() == b"whole" and len(list(tmp_path.iterdir())) == 1


def test_writing_through_fsspec():
    import fsspec

    storage.write_bytes("memory://actorforge-test/a.bin", b"data")
    assert fsspec.filesystem("memory").cat("/actorforge-test/a.bin") == b"data"


def test_json_is_canonical_and_refuses_nan(tmp_path):
    artifacts.write_json(tmp_path / "a.json", {"b": 1, "a": [1.5, "ü"]})
    assert (tmp_path / "a.json").read_text() == artifacts.to_json({"a": [1.5, "ü"], "b": 1})
    with pytest.raises(ValueError):
        artifacts.to_json({"a": float("nan")})
    (tmp_path / "a.json").write_text("{")
    with pytest.raises(ValueError, match="a.json: not valid JSON"):
        artifacts.read_json(tmp_path / "a.json")


def test_equal_rows_give_equal_parquet(tmp_path):
    schema = pa.schema([("a", pa.int64()), ("b", pa.string())])
    for name in "xy":
        artifacts.write_parquet(tmp_path / name, [{"a": 1, "b": "k"}, {"a": 2, "b": None}], schema)
    assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()


def test_item_seeds_depend_on_run_and_item_alone():
    assert item_seed(1, "a") == item_seed(1, "a") != item_seed(2, "a") and item_seed(1, "a", "b") != item_seed(1, "ab")
    assert item_rng(3, "x").integers(1 << 30) == item_rng(3, "x").integers(1 << 30)
    assert 0 <= item_seed(0, "") < 2**63


def test_progress_counts_failures_and_says_where_it_stopped():
    stream = io.StringIO()
    with pytest.raises(KeyboardInterrupt), Progress("work", total=4, already=1, stream=stream, every_s=0) as bar:
        bar.step()
        bar.step(failed=True, note="clip 3")
        raise KeyboardInterrupt
    text = stream.getvalue()
    assert "work 3/4" in text and "ETA" in text and "1 failed" in text and "clip 3" in text and "stopped by Ctrl-C" in text


def test_progress_says_that_nothing_is_done_and_stops_saying_so_at_the_end():
    stream, before = io.StringIO(), threading.active_count()
    with Progress("work", total=4, stream=stream, quiet_s=0.01):
        deadline = time.monotonic() + 10
        while stream.getvalue().count("nothing done for") < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
    assert stream.getvalue().count("work 0/4 · 0.00/s · ETA ? · nothing done for 0:00") >= 2
    deadline = time.monotonic() + 10
    while threading.active_count() > before and time.monotonic() < deadline:
        time.sleep(0.01)
    assert threading.active_count() == before


def textured(shift: tuple[int, int]) -> np.ndarray:
    import cv2

    noise = cv2.GaussianBlur(np.random.default_rng(0).integers(0, 255, (96, 96, 3), dtype=np.uint8), (0, 0), 2)
    return np.roll(cv2.normalize(noise, None, 0, 255, cv2.NORM_MINMAX), shift, axis=(0, 1))


def test_flow_finds_a_planted_shift_and_warping_undoes_it():
    first, second = textured((0, 0)), textured((2, 3))
    flow = flow_between(first, second)
    assert flow.shape == (96, 96, 2)
    assert np.allclose(np.median(flow[10:-10, 10:-10].reshape(-1, 2), axis=0), [3, 2], atol=0.3)
    back = backward_warp(second, flow)[12:-12, 12:-12].astype(int)
    assert np.abs(back - first[12:-12, 12:-12]).mean() < 0.2 * np.abs(second[12:-12, 12:-12].astype(int) - first[12:-12, 12:-12]).mean()


def test_flow_of_one_frame_is_empty_and_resizing_scales_vectors():
    assert flow_sequence(textured((0, 0))[None]).shape == (0, 96, 96, 2)
    field = np.ones((10, 20, 2), np.float32)
    assert np.allclose(resize_flow(field, (40, 10)), [2.0, 1.0]) and json.dumps(resize_flow(field, (40, 10)).shape)
