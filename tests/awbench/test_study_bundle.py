"""The folder of a study: nothing in its public half tells a system, its private half tells all, and a stopped command continues."""

from __future__ import annotations

import io
import json
import shutil
from functools import cache

import av
import numpy as np
import pytest

from awbench.run_folder import Run
from awbench.study import bundle, checks
from awbench.study.bundle import common_cases, make_study
from awbench.study.degraded import degraded
from awbench.study.key import read_key
from awbench.study.media import box
from models.artifacts import read_json
from models.images import read_image
from models.video import encode_video, read_video
from tests.awbench.study_runs import CASES, FPS, FRAMES, SYSTEMS, clip_of, make_runs, shown_in


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return make_runs(tmp_path_factory.mktemp("runs"), broken=(CASES[1].id,))


@pytest.fixture(scope="module")
def folder(runs, tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "study"
    make_study(runs, out, cases=4, raters=3, completion_code="C0FFEE")
    return out


def test_no_byte_of_the_public_half_names_a_system_a_run_or_a_case(folder):
    words = [*SYSTEMS, *(case.id for case in CASES), "wombat", "painter", "studied", read_json(folder / "key.json")["secret"]]
    for path in (folder / "site").rglob("*"):
        said = str(path.relative_to(folder)).encode().lower() + (path.read_bytes().lower() if path.is_file() else b"")
        assert not [word for word in words if word.lower().encode() in said], path
        assert not [word for word in (b"attention", b'repeat":', b"expected") if path.suffix == ".json" and word in said]


def test_files_that_stand_beside_each_other_differ_in_pixels_alone(folder):
    for trial in (trial for slot in shown_in(folder / "site") for trial in slot):
        left, right = ((folder / "site" / trial[side]).read_bytes() for side in ("left", "right"))
        assert len(left) == len(right) and left != right and trial["left"] != trial["right"]
        facts = [facts_of(data) for data in (left, right)]
        assert facts[0] == facts[1] == ({}, FRAMES, FPS, (192, 192), "h264", "yuv420p")


def test_no_count_of_names_and_no_time_of_writing_tells_a_twin(folder):
    """Both encodings of an answer stand in pairs, a pair that is shown again has the other ones; files were written in order of names."""
    key = read_json(folder / "key.json")
    shown = {trial["trial"]: trial for slot in shown_in(folder / "site") for trial in slot}
    files = lambda kind: {shown[name][side] for name, about in key["trials"].items() if about["kind"] == kind for side in ("left", "right")}  # noqa: E731
    in_pairs = len(files("attention_same") & files("pair")), len(files("attention_same"))
    assert in_pairs[0] >= in_pairs[1] - 1 and len(files("pair")) > 4 * 3
    for name, about in key["trials"].items():
        if about["kind"] == "repeat":
            before = shown[about["repeats"]]
            assert not {shown[name]["left"], shown[name]["right"]} & {before["left"], before["right"]}
    written = sorted((folder / "site" / "media").iterdir(), key=lambda path: path.stat().st_mtime_ns)
    for case in {about["case"] for about in key["trials"].values()}:
        own = {f for n, about in key["trials"].items() if about["case"] == case for f in (shown[n]["left"], shown[n]["right"])}
        order = [path.name for path in written if f"media/{path.name}" in own]
        assert order == sorted(order)


def test_a_seed_that_is_not_given_is_drawn_and_kept(runs, folder, tmp_path):
    assert read_json(folder / "key.json")["seed"] > 1000
    assert make_study(runs, folder, cases=4, raters=3, completion_code="C0FFEE").new_files == 0
    made = make_study(runs, tmp_path / "given", cases=4, raters=3, seed=5)
    assert read_json(tmp_path / "given" / "key.json")["seed"] == 5 and made.tags == {"driver_subject": {"animal": 2, "human": 2}}


def facts_of(data: bytes):
    with av.open(io.BytesIO(data)) as container:
        stream = container.streams.video[0]
        said = {
            name: text for name, text in container.metadata.items() if name not in ("major_brand", "minor_version", "compatible_brands")
        }
        size = (stream.width, stream.height)
        assert float(stream.duration * stream.time_base) == FRAMES / FPS
        return said, stream.frames, float(stream.average_rate), size, stream.codec_context.name, stream.pix_fmt


def test_where_no_number_of_cases_is_given_few_are_enough(runs, tmp_path):
    assert len(make_study(runs, tmp_path / "all", raters=1, pairs_each=3).design.cases) == len(CASES) - 1


def test_the_key_says_what_each_trial_shows(folder, runs):
    key, study = read_json(folder / "key.json"), read_json(folder / "site" / "study.json")
    assert (
        read_key(folder).systems == SYSTEMS and key["clip_s"] == FRAMES / FPS and key["detectable_lead"]["lead"] is None
    )  # 4 cases, 3 raters: no lead can be called
    assert (study["slots"], study["trials"]) == (3, len(key["slots"][0]))
    assert [[trial["trial"] for trial in slot] for slot in shown_in(folder / "site")] == key["slots"] and len(key["trials"]) == sum(
        map(len, key["slots"])
    )
    shown = {trial["trial"]: trial for slot in shown_in(folder / "site") for trial in slot}
    for name, trial in key["trials"].items():
        case, (left, right) = int(trial["case"][-2:]), (decoded(folder, shown[name][side]) for side in ("left", "right"))
        own = {side: clip_of(case, 20 * SYSTEMS.index(trial[side])).frames.repeat(4, 1).repeat(4, 2) for side in ("left", "right")}
        good = {"left": near(left, own["left"]), "right": near(right, own["right"])}
        wanted = {side: trial["kind"] != "attention_bad" or trial["expected"] == side for side in ("left", "right")}
        assert good == wanted, trial
        same = np.abs(left.astype(int) - right).mean() < 1
        assert same == (trial["kind"] == "attention_same") and not (left == right).all()
        assert near(decoded(folder, shown[name]["driver"]), clip_of(case).frames.repeat(4, 1).repeat(4, 2))
        assert (read_image(folder / "site" / shown[name]["reference"]).image[::4, ::4] == clip_of(case).frames[0]).all()


@cache
def decoded(folder, name) -> np.ndarray:
    return read_video(folder / "site" / name).frames


def near(frames, wanted) -> bool:
    return np.abs(frames.astype(int) - wanted).mean() < 4


def test_a_degraded_copy_is_plainly_worse_and_as_long():
    clip = clip_of(3)
    bad = degraded(clip, 0)
    assert (bad.size, len(bad), bad.fps) == (clip.size, len(clip), clip.fps)
    assert np.abs(bad.frames.astype(int) - clip.frames).mean() > 8
    still = [np.array_equal(one, other) for one, other in zip(bad.frames, bad.frames[1:])]
    assert np.mean(still) >= 0.5


def test_a_file_with_a_box_of_anything_plays():
    data = encode_video(clip_of(0), pix_fmt="yuv420p")
    longer = data + box(bytes(range(250)) * 4)
    assert len(longer) == len(data) + 1008 and (read_video(longer).frames == read_video(data).frames).all()


def test_a_stopped_command_continues_and_the_key_comes_last(runs, folder, tmp_path, monkeypatch):
    out, real, calls = tmp_path / "study", bundle.write_case, []

    def stopping(*args):
        calls.append(args)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(bundle, "write_case", stopping)
    with pytest.raises(KeyboardInterrupt):
        make_study(runs, out, cases=4, raters=3)
    before = {path: path.stat().st_mtime_ns for path in (out / "site" / "media").iterdir()}
    draft = out / "site" / "media" / ".half.mp4.01234567.tmp"
    draft.write_bytes(b"half a file")
    assert before and not (out / "key.json").exists()
    monkeypatch.setattr(bundle, "write_case", real)
    made = make_study(runs, out, cases=4, raters=3)
    assert made.new_files > 0 and all(path.stat().st_mtime_ns == when for path, when in before.items())
    assert sorted(path.name for path in out.iterdir()) == ["key.json", "site"] and not draft.exists()
    assert make_study(runs, out, cases=4, raters=3).new_files == 0
    with pytest.raises(ValueError, match="another study"):
        make_study(runs, out, cases=4, raters=3, seed=1)


def test_another_study_that_was_not_finished_makes_room(runs, tmp_path, monkeypatch):
    """Nobody can have voted on it: there is no key. So a command with other answers, or other numbers, takes its place."""
    out, real = tmp_path / "study", bundle._write_site
    monkeypatch.setattr(bundle, "_write_site", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        make_study(runs, out, cases=4, raters=3)
    before = {path.name for path in (out / "site" / "media").iterdir()}
    monkeypatch.setattr(bundle, "_write_site", real)
    made = make_study(runs, out, cases=2, raters=3)
    after = {path.name for path in (out / "site" / "media").iterdir()}
    assert before and len(after) == made.new_files and not before & after and not (out / "making.json").exists()


@pytest.mark.parametrize(
    "damage", [lambda data: data[:3000], lambda data: b"", lambda data: b"another video"], ids=["cut", "empty", "other"]
)
def test_a_video_that_is_not_the_one_generated_is_named_before_anything_is_written(runs, tmp_path, damage):
    shutil.copytree(runs[1].path, tmp_path / "copied")
    video = tmp_path / "copied" / "videos" / f"{CASES[2].id}.mp4"
    video.write_bytes(damage(video.read_bytes()))
    with pytest.raises(ValueError, match=f"run copied, case {CASES[2].id}: video: got sha256 .* as generated"):
        make_study([runs[0], Run.open(tmp_path / "copied")], tmp_path / "study", cases=6, raters=2)
    assert not (tmp_path / "study").exists()


def test_names_come_from_a_secret_and_the_design_from_the_seed(runs, folder, tmp_path):
    seed = read_json(folder / "key.json")["seed"]
    make_study(runs, tmp_path / "again", cases=4, raters=3, completion_code="C0FFEE", seed=seed)
    one, other = read_json(folder / "key.json"), read_json(tmp_path / "again" / "key.json")
    facts = [
        [[(key["trials"][name]["case"], key["trials"][name]["left"]) for name in slot] for slot in key["slots"]] for key in (one, other)
    ]
    assert facts[0] == facts[1] and one["study"] != other["study"]
    media = [{path.name for path in (out / "site" / "media").iterdir()} for out in (folder, tmp_path / "again")]
    assert not media[0] & media[1]


def test_nobody_is_held_to_a_spoiled_copy_that_looks_like_the_clip(runs, tmp_path, monkeypatch):
    monkeypatch.setattr(checks, "degraded", lambda clip, seed: clip)
    made = make_study(runs, tmp_path / "alike", cases=4, raters=3)
    expected = {trial["kind"]: trial["expected"] for trial in read_json(tmp_path / "alike" / "key.json")["trials"].values()}
    assert made.no_checks == 6 and expected["attention_bad"] is None and expected["attention_same"] == "same"


def test_cases_that_a_run_failed_are_left_out(runs):
    assert common_cases(runs) == [case.id for case in CASES if case.id != CASES[1].id]


def test_wrong_use_is_refused(runs, tmp_path):
    for wrong, said in (({"cases": 6}, "cases: got 6"), ({"raters": 0}, "raters"), ({"pairs_each": 99}, "trials")):
        with pytest.raises(ValueError, match=said):
            make_study(runs, tmp_path / "no", **{"cases": 2, "raters": 1} | wrong)
    with pytest.raises(ValueError, match="two or more"):
        make_study(runs[:1], tmp_path / "no", cases=2, raters=1)
    with pytest.raises(ValueError, match="one run of each"):
        make_study([runs[0], runs[0]], tmp_path / "no", cases=2, raters=1)
    assert not (tmp_path / "no").exists()


def test_no_text_can_end_the_page_it_stands_in():
    assert "</script>" not in bundle._inside({"x": "</script><b>"}) and json.loads(bundle._inside({"x": "</script>"})) == {"x": "</script>"}
