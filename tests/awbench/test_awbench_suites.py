"""Folder suites: any user's yaml, good and bad; archives; framing; marks of cases."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml

from awbench.cases import Truth
from awbench.suites.arrays import digest, pack, truth_arrays, truth_from_arrays, unpack
from awbench.suites.case_media import read_part
from awbench.suites.check import few_to_compare, notes_of_suite, validate_suite
from awbench.suites.folder import load_folder
from awbench.suites.load import load_suite, validate
from awbench.suites.snapshot import write_snapshot
from models.images import MediaError, encode_image
from models.storage import write_bytes
from models.types import Clip
from models.video import write_video

GRID = {"width": 24, "height": 16, "fps": 8, "num_frames": 4}
CASE = {"id": "a", "driver": "d.mp4", "reference": "r.png"}


def noise(frames: int = 4, size: tuple[int, int] = (24, 16), fps: float = 8.0, seed: int = 0) -> Clip:
    coarse = np.random.default_rng(seed).integers(0, 255, (frames, size[1] // 4, size[0] // 4, 3), np.uint8)
    return Clip(frames=coarse.repeat(4, 1).repeat(4, 2), fps=fps)


def folder_with(tmp_path: Path, **changes: object) -> Path:
    """A good suite folder of one case; `changes` replace keys of its yaml."""
    write_video(tmp_path / "d.mp4", noise())
    write_bytes(tmp_path / "r.png", encode_image(noise(seed=1).frames[0]))
    content = {"name": "mine", "version": "1", "grid": GRID, "cases": [CASE]} | changes
    (tmp_path / "suite.yaml").write_text(yaml.safe_dump({key: value for key, value in content.items() if value is not None}))
    return tmp_path


def truth() -> Truth:
    mask = np.random.default_rng(0).random((4, 16, 24)) > 0.5
    flow = np.random.default_rng(1).normal(size=(3, 16, 24, 2)).astype(np.float32)
    return Truth(clip=noise(seed=2), subject=mask, reference_subject=mask[0], seen=~mask, flow=flow)


def test_a_good_folder_loads_and_validates(tmp_path: Path) -> None:
    tags = {"subject": "dog", "count": 2, "novel": True}
    folder = folder_with(tmp_path, version=2, cases=[CASE | {"tags": tags, "prompt": "p", "driver_id": 7, "reference_pose": "first_frame"}])
    suite = load_suite(folder)
    case, media = suite.cases[0], suite.load("a")
    assert validate_suite(folder) == [] == validate(folder / "suite.yaml")
    assert (suite.version, case.tags, case.driver_id) == ("2", {"subject": "dog", "count": "2", "novel": True}, "7")
    assert np.array_equal(media.reference, noise(seed=1).frames[0])
    assert (len(media.driving), media.driving.size, media.driving.fps) == (4, (24, 16), 8.0)
    assert media.truth is None and media.adaptation == ""


def test_a_self_case_that_starts_as_its_driver_has_the_driver_as_its_truth(tmp_path: Path) -> None:
    own, kept = {"tags": {"track": "self"}, "reference_pose": "first_frame"}, noise(seed=2)
    cases = [CASE | own, CASE | {"id": "b", "tags": {"track": "self"}}, CASE | {"id": "c", "reference_pose": "first_frame"}]
    folder = folder_with(tmp_path, cases=[*cases, CASE | own | {"id": "d", "truth": "t.mp4"}])
    write_video(folder / "t.mp4", kept)
    suite = load_folder(folder)
    media = {case.id: suite.load(case.id) for case in suite.cases}
    assert suite.has_truth and validate_suite(folder) == [] and media["a"].truth.clip is media["a"].driving
    assert media["b"].truth is None and media["c"].truth is None
    assert np.abs(media["d"].truth.clip.frames.astype(int) - kept.frames).mean() < 2
    named = load_folder(folder_with(tmp_path, cases=[CASE | own | {"truth": "driver"}]))
    assert named.case_marks["a"] == suite.case_marks["a"]


def test_other_rasters_are_brought_to_the_grid_and_it_is_said_how(tmp_path: Path) -> None:
    folder = folder_with(tmp_path)
    write_video(folder / "d.mp4", noise(frames=20, size=(64, 64), fps=24))
    write_bytes(folder / "r.png", encode_image(noise(size=(40, 40)).frames[0]))
    media = load_folder(folder).load("a")
    assert (len(media.driving), media.driving.size, media.driving.fps) == (4, (24, 16), 8.0)
    for part in (
        "driver cropped to (0, 10, 64, 43) and resized from 64x64",
        "from 24 to 8 fps",
        "reference cropped and resized from 40x40",
    ):
        assert part in media.adaptation


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": None}, "keys: got .* expected also name"),
        ({"name": "a/b"}, "suite: name: got 'a/b'"),
        ({"grid": {"width": 8}}, "grid: got .* expected a mapping with exactly width, height, fps, num_frames"),
        ({"grid": GRID | {"fps": 0}}, r"grid: fps: got 0"),
        ({"grid": GRID | {"width": "8"}}, r"grid.width: got '8', expected a number"),
        ({"cases": {}}, "cases: got dict, expected a list"),
        ({"cases": []}, "cases: got none"),
        ({"cases": ["a"]}, "case number 1: entry: got str"),
        ({"cases": [{"driver": "d.mp4", "reference": "r.png"}]}, "case number 1: id: got none"),
        ({"cases": [CASE | {"id": "a.b"}]}, "id: got 'a.b'"),
        ({"cases": [CASE | {"id": 12}]}, "a number needs quotes"),
        ({"cases": [CASE | {"id": "né"}]}, "id: got 'né'"),
        ({"cases": [CASE | {"id": "x" * 5000}]}, "5000 characters"),
        ({"cases": [CASE, CASE]}, "case id: got a, expected each id once"),
        ({"cases": [CASE | {"drive": "x"}]}, "keys: got drive, expected only"),
        ({"cases": [CASE | {"driver": None}]}, "case a: driver: got none"),
        ({"cases": [CASE | {"driver": 3}]}, "case a: driver: got 3"),
        ({"cases": [CASE | {"driver": "../d.mp4"}]}, "case a: driver: got ../d.mp4, expected a path inside"),
        ({"cases": [CASE | {"driver": "x/../../d.mp4"}]}, "expected a path inside"),
        ({"cases": [CASE | {"reference_pose": "same"}]}, "case a: reference_pose: got same"),
        ({"cases": [CASE | {"tags": {"track": "both"}}]}, "case a: tags.track: got both"),
        ({"cases": [CASE | {"tags": {"subject": None}}]}, "case a: tags.subject: got None"),
    ],
)
def test_a_wrong_yaml_is_refused_and_validate_says_the_same(tmp_path: Path, changes: dict, message: str) -> None:
    folder = folder_with(tmp_path, **changes)
    with pytest.raises(ValueError, match=message) as caught:
        load_folder(folder)
    assert str(caught.value) in validate_suite(folder)


@pytest.mark.parametrize("text", ["a: [", "- 1", "\x00", "!!python/object/apply:os.system [ls]", ""])
def test_what_is_no_yaml_mapping_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "suite.yaml").write_text(text)
    assert len(validate_suite(tmp_path)) == 1
    with pytest.raises(ValueError, match="suite.yaml"):
        load_folder(tmp_path)


def test_every_unreadable_medium_is_named_and_spoils_only_its_case(tmp_path: Path) -> None:
    names = ("missing.mp4", "empty.mp4", "text.mp4", "short.mp4")
    cases = [CASE, *({"id": name[:-4], "driver": name, "reference": "r.png"} for name in names)]
    cases += [CASE | {"id": "ref", "reference": "bad.png"}, CASE | {"id": "tru", "truth": "t.npz"}]
    folder = folder_with(tmp_path, cases=cases)
    (folder / "empty.mp4").write_bytes(b"")
    (folder / "text.mp4").write_text("hello")
    (folder / "bad.png").write_bytes(b"\x89PNG nothing")
    (folder / "t.npz").write_bytes(b"PK nothing")
    write_video(folder / "short.mp4", noise(frames=1))
    problems = validate_suite(folder)
    assert len(problems) == 6
    for name in (*names, "bad.png", "t.npz"):
        assert any(name in line for line in problems)
    suite = load_folder(folder)
    assert suite.load("a").driving.size == (24, 16)
    with pytest.raises(MediaError, match="driver empty.mp4: empty file"):
        suite.load("empty")


def test_a_truth_off_the_grid_is_a_problem_of_its_case(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, cases=[CASE | {"truth": "t.npz"}, CASE | {"id": "b"}])
    write_bytes(folder / "t.npz", pack(truth_arrays(truth())))
    assert validate_suite(folder) == [] and load_folder(folder).has_truth
    text = (folder / "suite.yaml").read_text()
    (folder / "suite.yaml").write_text(text.replace("width: 24", "width: 32"))
    (problem,) = validate_suite(folder)
    assert problem.startswith("case a: ") and "truth (frames, size, fps)" in problem


def test_the_fingerprint_follows_the_content_of_the_media(tmp_path: Path) -> None:
    folder = folder_with(tmp_path)
    before = load_folder(folder).fingerprint
    assert before == load_folder(folder).fingerprint
    write_video(folder / "d.mp4", noise(seed=9))
    assert load_folder(folder).fingerprint != before


def test_a_truth_archive_comes_back_to_the_bit_and_a_video_counts_every_pixel(tmp_path: Path) -> None:
    cases = [CASE | {"truth": "t.npz"}, CASE | {"id": "b", "truth": "d.mp4"}]
    folder = folder_with(tmp_path, cases=cases)
    write_bytes(folder / "t.npz", pack(truth_arrays(truth())))
    suite = load_folder(folder)
    assert digest(truth_arrays(suite.load("a").truth)) == digest(truth_arrays(truth()))
    whole = suite.load("b").truth
    assert whole.subject.all() and whole.seen.all() and whole.flow is None


def test_archives_are_equal_bytes_and_refuse_damage_and_pickles(tmp_path: Path) -> None:
    data = pack(truth_arrays(truth()))
    assert data == pack(truth_arrays(truth()))
    for bad in (b"", data[:-40], data[:200] + b"x" * 40 + data[240:], b"text"):
        with pytest.raises(ValueError, match="npz archive"):
            unpack(bad)
    np.savez(tmp_path / "p.npz", digest=np.array("0"), a=np.array([{}], dtype=object))
    with pytest.raises(ValueError, match="without pickles"):
        unpack((tmp_path / "p.npz").read_bytes())
    np.savez(tmp_path / "q.npz", digest=np.array("0"), a=np.zeros(3))
    with pytest.raises(ValueError, match="digest"):
        unpack((tmp_path / "q.npz").read_bytes())


def test_a_truth_archive_without_an_array_names_it() -> None:
    arrays = truth_arrays(truth())
    del arrays["flow"]
    with pytest.raises(ValueError, match="flow"):
        truth_from_arrays(arrays)


@pytest.mark.parametrize(("name", "message"), [("world-minni", "did you mean world-mini"), ("/no/such", "no such folder")])
def test_unknown_suites_are_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_suite(name)


def test_a_clip_can_be_its_own_truth(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, cases=[CASE | {"truth": "driver", "tags": {"track": "self"}}])
    suite = load_folder(folder)
    media = suite.load("a")
    assert suite.has_truth and validate_suite(folder) == []
    assert media.truth.clip is media.driving and media.truth.subject.all() and media.truth.flow is None
    assert truth_from_arrays(truth_arrays(media.truth)).flow is None
    write_snapshot(suite, tmp_path / "run")
    (entry,) = yaml.safe_load((tmp_path / "run" / "suite.yaml").read_text())["cases"]
    assert entry["truth"] == "driver" and not list((tmp_path / "run").rglob("*.npz"))


def test_padding_keeps_the_whole_picture_between_grey_bars(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, fit="pad", cases=[CASE | {"truth": "d.mp4"}])
    write_video(folder / "d.mp4", noise(size=(16, 32)))
    write_bytes(folder / "r.png", encode_image(noise(size=(32, 16)).frames[0]))
    media = load_folder(folder).load("a")
    grey = np.full((16, 8, 3), 128)
    for clip in (media.driving, media.truth.clip):  # 16x32 becomes 8x16 in the middle of 24x16
        assert (clip.frames[:, :, :8] == grey).all() and (clip.frames[:, :, 16:] == grey).all() and clip.frames[:, :, 8:16].std() > 20
    assert (media.reference[:2] == 128).all() and (media.reference[14:] == 128).all() and media.reference[2:14].std() > 20
    assert "driver padded to (-16, 0, 48, 32) and resized from 16x32" in media.adaptation
    assert "reference padded and resized from 32x16" in media.adaptation
    write_snapshot(load_folder(folder), tmp_path / "run")
    assert load_folder(tmp_path / "run").fit == "pad" and (load_folder(tmp_path / "run").load("a").reference == media.reference).all()


def test_a_stored_driver_knows_where_it_was_cut_from(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, fit="pad", cases=[CASE | {"driver": "a, b's clip.mp4"}])
    write_video(folder / "a, b's clip.mp4", noise(size=(16, 32)))
    write_snapshot(load_folder(folder), tmp_path / "run")
    write_snapshot(load_folder(tmp_path / "run"), tmp_path / "again")
    stored = (folder, tmp_path / "run", tmp_path / "again")
    first, second, third = (load_folder(place).load("a").driving.origin for place in stored)
    assert first == second == third and first.file == "a, b's clip.mp4" and first.crop == (-16, 0, 48, 32)
    assert first.source_size == (16, 32) and first.start_s == 0


def test_a_suite_on_which_nothing_can_be_told_says_what_it_lacks(tmp_path: Path) -> None:
    suite = load_folder(folder_with(tmp_path))
    assert few_to_compare(suite)[0].endswith("on it, at least 6 drivers and 6 references are needed")
    many = [replace(suite.cases[0], id=f"c{k}", driver_id=f"d{k}", identity_id=f"i{k}") for k in range(6)]
    assert few_to_compare(replace(suite, cases=tuple(many))) == [] and few_to_compare(replace(suite, cases=tuple(many[:5])))


def test_what_cropping_cuts_away_is_a_note_and_no_problem(tmp_path: Path) -> None:
    folder = folder_with(tmp_path)
    write_video(folder / "d.mp4", noise(size=(16, 32)))
    lines = notes_of_suite(folder)
    assert len(lines) == 2 and "driver d.mp4: cropping to 24x16 cuts 66% of its picture away (1 case(s), e.g. a)" in lines[0]
    assert "fit: pad" in lines[1] and validate_suite(folder) == []
    text = (folder / "suite.yaml").read_text()
    (folder / "suite.yaml").write_text(text + "fit: pad\n")
    assert notes_of_suite(folder) == []
    (folder / "suite.yaml").write_text(text + "fit: squeeze\n")
    assert "fit: got 'squeeze', expected one of crop, pad" in validate_suite(folder)[0]


def test_the_mark_of_a_case_follows_its_own_fields_and_media_alone(tmp_path: Path) -> None:
    cases = [CASE, CASE | {"id": "b", "reference": "s.png"}]
    folder = folder_with(tmp_path, cases=cases)
    write_bytes(folder / "s.png", encode_image(noise(seed=3).frames[0]))
    before = load_folder(folder).case_marks
    write_bytes(folder / "s.png", encode_image(noise(seed=4).frames[0]))
    after = load_folder(folder).case_marks
    assert before["a"] == after["a"] and before["b"] != after["b"]
    changes = ({"prompt": "p"}, {"tags": {"age": "child"}}, {"reference_pose": "first_frame"}, {"truth": "driver"})
    marks = [load_folder(folder_with(tmp_path, cases=[CASE | change])).case_marks["a"] for change in changes]
    marks.append(load_folder(folder_with(tmp_path, cases=[CASE], grid=GRID | {"fps": 4})).case_marks["a"])
    marks.append(load_folder(folder_with(tmp_path, cases=[CASE], fit="pad")).case_marks["a"])
    assert len({before["a"], *marks}) == 7
    assert load_folder(folder_with(tmp_path, cases=[CASE])).case_marks == {"a": before["a"]}  # without its neighbour


def test_guides_know_the_drivers_tags_without_prefix(tmp_path: Path) -> None:
    tags = {"driver_framing": "half", "driver_subject": "human", "reference_subject": "cartoon", "reference_framing": "full"}
    described = load_folder(folder_with(tmp_path, cases=[CASE | {"tags": tags}])).cases[0].described()
    assert (described["framing"], described["subject"], described["driver_subject"]) == ("half", "cartoon", "human")


def test_the_referee_loads_without_torch_or_ray() -> None:
    modules = "awbench.runs, awbench.ground_truth, awbench.suites.load, awbench.suites.world, awbench.suites.from_media"
    code = f"import sys, awbench, {modules}; print({{'torch', 'ray'}} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path(__file__).parents[2])
    assert done.stdout.strip() == "set()"


def test_what_is_wrong_with_a_medium_does_not_tell_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"x")

    def refuse(path: Path):
        raise PermissionError(13, "Permission denied", str(path))

    with pytest.raises(MediaError) as caught:
        read_part(tmp_path, "reference", "a.png", refuse)
    assert str(caught.value) == "reference a.png: Permission denied"
