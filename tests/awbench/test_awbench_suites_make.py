"""Suites made from folders of media: pairing by number, table and label, self tracks, labels and prompts, growth."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from awbench.cases import check_id
from awbench.media.labels import TagRule, label
from awbench.suites.entries import case_id, mode_of
from awbench.suites.folder import load_folder
from awbench.suites.from_media import write_suite_from_media
from awbench.suites.load import load_suite, validate
from awbench.suites.pairing import pair_evenly
from models.images import encode_image
from models.storage import write_bytes
from models.types import Clip, Grid
from models.video import read_video, write_video
from pipelines.cli import main
from pipelines.generate import generate

GRID = Grid(width=24, height=16, fps=8.0, num_frames=4)
FLAGS = ["--size", "24x16", "--fps", "8", "--num-frames", "4"]


def noise(frames: int = 6, size: tuple[int, int] = (24, 16), seed: int = 0) -> Clip:
    coarse = np.random.default_rng(seed).integers(0, 255, (frames, size[1] // 4, size[0] // 4, 3), np.uint8)
    return Clip(frames=coarse.repeat(4, 1).repeat(4, 2), fps=8.0)


def clip(folder: Path, name: str, **shape: object) -> None:
    write_video(folder / name, noise(seed=sum(map(ord, name)), **shape))


def image(folder: Path, name: str) -> None:
    write_bytes(folder / name, encode_image(noise(seed=sum(map(ord, name))).frames[0]))


def table(path: Path, *rows: str) -> Path:
    path.write_text("\n".join(rows) + "\n", encoding="utf-8")
    return path


def media_folders(tmp_path: Path) -> tuple[Path, Path]:
    driving, references = tmp_path / "in" / "driving", tmp_path / "in" / "reference"
    for name in ("run.mp4", "sub/run.mp4", "jump.mp4"):
        clip(driving, name)
    for name in ("cat.png", "fée d'or.png"):
        image(references, name)
    (driving / "cut.mp4").write_bytes(b"nothing")
    (driving / "notes.txt").write_text("not a clip")
    rows = ["file,subject,framing,count,camera", "driving/run.mp4,Person,full-body,one,fixed", "reference/cat.png,cat,Close up,one,unknown"]
    table(tmp_path / "in" / "manifest.csv", *rows)
    return driving, references


def labelled(tmp_path: Path) -> tuple[Path, Path]:
    """Two clips and three images whose labels are known."""
    driving, references = tmp_path / "d", tmp_path / "r"
    for name in ("solo.mp4", "crowd.mp4"):
        clip(driving, name)
    for name in ("man.png", "toon.png", "toons.png"):
        image(references, name)
    table(driving / "clips.csv", "file,subject,count,framing,age", "solo.mp4,human,1,upper body,kid", "crowd.mp4,animal,several,full,")
    table(references / "clips.csv", "file,subject,count", "man.png,human,one", "toon.png,anime,single", "toons.png,cartoon,3")
    return driving, references


def case_of(folder: Path, driver: str, reference: str):
    cases = load_suite(folder).cases
    return next(case for case in cases if case.driver_id == f"driving/{driver}" and case.identity_id == f"reference/{reference}")


def test_a_suite_from_media_pairs_all_labels_them_and_validates(tmp_path: Path) -> None:
    made = write_suite_from_media(*media_folders(tmp_path), tmp_path / "out", GRID)
    suite = load_suite(tmp_path / "out")
    assert len(made.skipped) == 1 and made.skipped[0].startswith("cut.mp4: ") and made.notes == ()
    assert validate(tmp_path / "out") == [] and (made.cases, made.added, len(suite.cases)) == (6, 6, 6)
    assert len({(case.driver_id, case.identity_id) for case in suite.cases}) == 6
    driver = {"driver_subject": "human", "driver_framing": "full", "driver_count": "1", "driver_camera": "static"}
    reference = {"reference_subject": "cat", "reference_framing": "face", "reference_count": "1"}
    expected = driver | reference | {"mode": "one_to_one", "track": "cross"}
    assert case_of(tmp_path / "out", "run.mp4", "cat.png").tags == expected
    assert case_of(tmp_path / "out", "sub/run.mp4", "cat.png").tags == reference | {"track": "cross"}  # not the labels of run.mp4


def test_no_column_is_dropped_and_both_sides_are_told_apart(tmp_path: Path) -> None:
    driving, references = labelled(tmp_path)
    table(driving / "clips.csv", "File, Licence ,shot by,framing,prompt,count", "solo.mp4,CC0,A. B.,Half-Body,someone waves,1")
    write_suite_from_media(driving, references, tmp_path / "out", GRID)
    case = case_of(tmp_path / "out", "solo.mp4", "toons.png")
    assert case.tags["driver_licence"] == "CC0" and case.tags["driver_shot_by"] == "A. B." and case.tags["driver_framing"] == "half"
    assert case.tags["reference_count"] == "3" and case.tags["mode"] == "one_to_many" and case.prompt == "someone waves"


@pytest.mark.parametrize(
    ("driver", "reference", "mode"),
    [
        ("1", "1", "one_to_one"),
        ("1", "many", "one_to_many"),
        ("2", "many", "many_to_many"),
        ("many", "1", ""),
        ("", "1", ""),
        ("1", "", ""),
    ],
)
def test_the_mode_follows_from_the_counts(driver: str, reference: str, mode: str) -> None:
    assert mode_of(driver, reference) == mode


@pytest.mark.parametrize(
    ("column", "written", "word"),
    [("framing", text, "full") for text in ("full", "Full body", "full-body", " FULL_BODY ")]
    + [("count", "One", "1"), ("age", "Young-Adult", "young adult"), ("subject", "Dog", "dog"), ("licence", " CC-BY ", "CC-BY")],
)
def test_labels_that_mean_the_same_become_one_word(column: str, written: str, word: str) -> None:
    assert label(column, written) == word


def test_rows_find_their_files_as_users_write_them(tmp_path: Path) -> None:
    driving, references = tmp_path / "d", tmp_path / "r"
    names = [unicodedata.normalize("NFD", "Größe 1.mp4"), "b.MP4", "sub/c.mp4", "d.mp4", "a.mp4"]
    for name in names:
        clip(driving, name)
    image(references, "man.png")
    written = [unicodedata.normalize("NFC", names[0]), "B.mp4", "sub\\c.mp4", "./d.mp4", " a.mp4 "]
    text = "\n".join(["file;subject", *(f"{name};human" for name in written), "gone.mp4;human"])
    (driving / "clips.csv").write_bytes(text.encode("utf-16"))
    made = write_suite_from_media(driving, references, tmp_path / "out", GRID)
    assert [case.tags["driver_subject"] for case in load_suite(tmp_path / "out").cases] == ["human"] * 5
    assert made.skipped == ("gone.mp4: listed in clips.csv line 7 but missing",)


def test_media_come_from_globs_tables_and_several_folders(tmp_path: Path) -> None:
    driving, references = labelled(tmp_path)
    clip(tmp_path / "more", "solo.mp4", frames=7)
    wanted = table(tmp_path / "wanted.csv", "uri,id,licence", "r/man.png,hero.png,CC0", "r/toon.png,../../out.png,CC0")
    made = write_suite_from_media([driving / "*.mp4", tmp_path / "more"], [wanted], tmp_path / "out", GRID)
    cases = load_suite(tmp_path / "out").cases
    assert {case.driver_id for case in cases} == {"driving/crowd.mp4", "driving/more/solo.mp4", "driving/solo.mp4"}
    assert {case.identity_id for case in cases} == {"reference/hero.png"} and cases[0].tags["reference_licence"] == "CC0"
    assert [line for line in made.skipped if line.startswith("../../out.png: entry: id: got")] == list(made.skipped)
    assert validate(tmp_path / "out") == []


def test_a_clip_is_no_reference(tmp_path: Path) -> None:
    driving, references = labelled(tmp_path)
    clip(references, "moving.mp4")
    made = write_suite_from_media(driving, references, tmp_path / "out", GRID)
    assert made.cases == 6 and "reference: 1 clip(s) passed over: a reference is a picture" in made.notes


def test_a_text_beside_a_clip_is_its_prompt(tmp_path: Path) -> None:
    driving, references = labelled(tmp_path)
    (driving / "solo.txt").write_text("a child\njumps\n", encoding="utf-8")
    (references / "man.txt").write_text("a man in red")
    (driving / "crowd.txt").write_text("x" * 3000)
    made = write_suite_from_media(driving, references, tmp_path / "out", GRID)
    case = case_of(tmp_path / "out", "solo.mp4", "man.png")
    assert (case.prompt, case.tags["reference_prompt"]) == ("a child jumps", "a man in red")
    assert case_of(tmp_path / "out", "crowd.mp4", "man.png").prompt == "a man in red"
    assert made.skipped == () and "driving: crowd.mp4: prompt: got 3000 characters" in made.notes[0]


def test_a_table_says_the_pairs_as_anybody_would_write_them(tmp_path: Path) -> None:
    driving, references = labelled(tmp_path)
    rows = ["driver,reference,id,prompt,mode,story", "SOLO,man.png,first,she waves,One-to-one,a", "d/crowd.mp4,r\\toons.png,,,,b"]
    rows += ["solo.mp4,toon.jpg,,,,c", "solo,man,,she waves,,again"]
    made = write_suite_from_media(driving, references, tmp_path / "out", GRID, pairing=table(tmp_path / "p.csv", *rows))
    first, second = load_suite(tmp_path / "out").cases
    assert (first.id, first.prompt, first.tags["story"], first.tags["mode"]) == ("first", "she waves", "a", "one_to_one")
    assert (second.driver_id, second.identity_id) == ("driving/crowd.mp4", "reference/toons.png")
    assert second.tags["mode"] == "many_to_many" and second.id == "0002-crowd-toons"
    assert len(made.skipped) == 1 and "p.csv line 4: reference: file: got 'toon.jpg'" in made.skipped[0]
    bad = table(tmp_path / "bad.csv", "driver,reference,id", "solo.mp4,man.png,a/b", "crowd.mp4,man.png,good")
    made = write_suite_from_media(driving, references, tmp_path / "three", GRID, pairing=bad)
    assert [case.id for case in load_suite(tmp_path / "three").cases] == ["good"] and "a/b" in made.skipped[0]
    with pytest.raises(ValueError, match="columns: got .*expected driver and reference"):
        write_suite_from_media(driving, references, tmp_path / "two", GRID, pairing=table(tmp_path / "q.csv", "a,b", "1,2"))


def test_pairs_by_label_agree_or_are_as_asked(tmp_path: Path) -> None:
    driving, references = labelled(tmp_path)
    write_suite_from_media(driving, references, tmp_path / "same", GRID, by_tag=["subject"])
    assert [(c.driver_id, c.identity_id) for c in load_suite(tmp_path / "same").cases] == [("driving/solo.mp4", "reference/man.png")]
    write_suite_from_media(driving, references, tmp_path / "other", GRID, by_tag=["subject=human:cartoon", "count"])
    assert [(c.driver_id, c.identity_id) for c in load_suite(tmp_path / "other").cases] == [("driving/solo.mp4", "reference/toon.png")]
    with pytest.raises(ValueError, match=r"by-tag: got framing=full:full.*drivers full 1, half 1; references none 3"):
        write_suite_from_media(driving, references, tmp_path / "none", GRID, by_tag=["framing=full:full"])
    with pytest.raises(ValueError, match="expected NAME or NAME=DRIVER:REFERENCE"):
        TagRule.parse("framing=half")


def test_a_self_track_has_its_own_first_frame_and_is_its_own_truth(tmp_path: Path) -> None:
    driving, _ = labelled(tmp_path)
    clip(driving, "tall.mp4", size=(16, 32))
    write_suite_from_media(driving, None, tmp_path / "out", GRID, track="self")
    suite = load_suite(tmp_path / "out")
    assert validate(tmp_path / "out") == [] and len(suite.cases) == 3 and suite.has_truth
    for case in suite.cases:
        media = suite.load(case.id)
        assert case.track == "self" and case.reference_pose == "first_frame" and media.truth.clip is media.driving
        assert np.array_equal(media.reference, media.driving.frames[0])  # cropped alike
    solo = next(case for case in suite.cases if "solo" in case.id)
    assert solo.tags["reference_subject"] == "human" and solo.tags["mode"] == "one_to_one"


def test_a_suite_grows_and_its_old_cases_stay(tmp_path: Path) -> None:
    driving, references = labelled(tmp_path)
    write_suite_from_media(driving, references, tmp_path / "out", GRID, pairs=3, name="mine")
    before, text = load_folder(tmp_path / "out"), (tmp_path / "out" / "suite.yaml").read_text()
    again = write_suite_from_media(driving, references, tmp_path / "out", None, pairs=3)
    assert (again.added, (tmp_path / "out" / "suite.yaml").read_text()) == (0, text)
    clip(driving, "new.mp4")
    made = write_suite_from_media(driving, references, tmp_path / "out", None, pairs=4)
    after = load_folder(tmp_path / "out")
    assert (made.added, made.cases, after.name, after.grid) == (1, 4, "mine", GRID)
    assert after.cases[:3] == before.cases and after.cases[3].driver_id == "driving/new.mp4"  # the clip used least
    assert {name: after.case_marks[name] for name in before.case_marks} == before.case_marks
    assert len({case.id for case in after.cases}) == 4 and (tmp_path / "out" / "suite.yaml").read_text().startswith(text)
    with pytest.raises(ValueError, match="track: got self, expected cross as all its cases are"):
        write_suite_from_media(driving, None, tmp_path / "out", None, track="self")


def test_a_suite_does_not_grow_into_another_one(tmp_path: Path) -> None:
    driving, references = labelled(tmp_path)
    write_suite_from_media(driving, references, tmp_path / "out", GRID, pairs=2)
    for wish, field in (({"name": "x"}, "name"), ({"fit": "pad"}, "fit")):
        with pytest.raises(ValueError, match=f"{field}: got .*as in its suite.yaml"):
            write_suite_from_media(driving, references, tmp_path / "out", GRID, **wish)
    with pytest.raises(ValueError, match="grid: got .*as in its suite.yaml"):
        write_suite_from_media(driving, references, tmp_path / "out", Grid(width=32, height=16, fps=8.0, num_frames=4))
    text = (tmp_path / "out" / "suite.yaml").read_text()
    for name in ("solo.mp4", "crowd.mp4"):
        clip(driving, name, size=(32, 16))
    with pytest.raises(ValueError, match=r"driving/(solo|crowd)\.mp4: got another file than the suite's"):
        write_suite_from_media(driving, references, tmp_path / "out", None)
    assert (tmp_path / "out" / "suite.yaml").read_text() == text
    with pytest.raises(ValueError, match="grid: got none"):
        write_suite_from_media(driving, references, tmp_path / "fresh", None)


def test_a_suite_from_media_is_seeded_and_limited(tmp_path: Path) -> None:
    driving, references = media_folders(tmp_path)
    for name, seed in (("one", 0), ("two", 0), ("three", 5)):
        write_suite_from_media(driving, references, tmp_path / name, GRID, pairs=3, seed=seed)
    one, two, three = ((tmp_path / name / "suite.yaml").read_text() for name in ("one", "two", "three"))
    assert one == two != three and len(load_suite(tmp_path / "one").cases) == 3


def test_a_suite_needs_usable_media_and_wishes_that_go_together(tmp_path: Path) -> None:
    driving, references = media_folders(tmp_path)
    with pytest.raises(ValueError, match="driving clips: got none usable"):
        write_suite_from_media(driving, references, tmp_path / "out", Grid(width=24, height=16, fps=8.0, num_frames=50))
    with pytest.raises(ValueError, match="existing folder"):
        write_suite_from_media(tmp_path / "none", references, tmp_path / "out", GRID)
    wrong = [(references, {"track": "self"}), (None, {}), (references, {"pairing": "p.csv", "pairs": 3}), (references, {"pairs": 0})]
    for folder, wish in wrong:
        with pytest.raises(ValueError, match="expected"):
            write_suite_from_media(driving, folder, tmp_path / "out", GRID, **wish)
    assert not (tmp_path / "out").exists()


def test_what_is_passed_over_is_told(tmp_path: Path) -> None:
    driving, references = labelled(tmp_path)
    for name in ("Thumbs.db", "half.mp4.part", ".hidden.mp4", "photo.xyz", "still.png"):
        (driving / name).write_bytes(b"x")
    made = write_suite_from_media(driving, references, tmp_path / "out", GRID)
    assert made.notes == ("driving: 1 file(s) of another kind passed over: .png 1; first still.png",)
    assert len(made.skipped) == 1 and made.skipped[0].startswith("photo.xyz: .xyz: not an ending the decoder knows")


@pytest.mark.parametrize(("clips", "images"), [(3, 5), (4, 6), (1, 7), (6, 6)])
def test_pairing_is_even_and_covers_the_product_once(clips: int, images: int) -> None:
    left, right = [Path(f"c{k}") for k in range(clips)], [Path(f"i{k}") for k in range(images)]
    pairs = pair_evenly(left, right, None, 0)
    assert len(set(pairs)) == len(pairs) == clips * images
    first = pairs[: max(clips, images)]
    assert {clip for clip, _ in first} == set(left) and {image for _, image in first} == set(right)


def test_ids_made_from_file_names_are_legible_and_keep_the_rules() -> None:
    assert case_id(3, "my clip.v2.mp4", "Ünï.png") == "0003-my-clip-v2-Uni"
    assert case_id(4, "sub/Größe 1.mp4", "Łódź ærø.jpg") == "0004-Grosse-1-Lodz-aero"
    names = ["踊る人 01", "踊る人 02", "танец", "x" * 200, "x" * 200 + "踊", "跳舞 dance", ".hidden"]
    ids = [case_id(12345, f"{name}.mp4", f"{other}.png") for name in names for other in names]
    assert len({made.lower() for made in ids}) == len(ids) and all(check_id(made, "case") for made in ids)
    assert case_id(1, "跳舞 dance.mp4", "a.png").startswith("0001-dance-")
    nfc, nfd = (unicodedata.normalize(form, "ガール.mp4") for form in ("NFC", "NFD"))
    assert case_id(1, nfc, "a.png") == case_id(1, nfd, "a.png")


def test_the_verb_makes_grows_and_tells(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    driving, references = labelled(tmp_path)
    clip(driving, "tall.mp4", size=(16, 32))
    (driving / "bad.mp4").write_bytes(b"nothing")
    make = ["suite", "make", "--driving", str(driving / "s*.mp4"), str(driving / "[bc]*.mp4"), "--driving", str(driving)]
    make += ["--references", str(references), "--out", str(tmp_path / "my suite")]
    assert main([*make, *FLAGS, "--by-tag", "subject=human:cartoon", "--pairs", "5"]) == 0
    assert "2 case(s) added, 2 in" in (told := capsys.readouterr().out) and "skipped: bad.mp4: " in told
    assert main([*make, "--pairs", "9"]) == 0
    told = capsys.readouterr().out
    assert "7 case(s) added, 9 in" in told and "note: driver driving/tall.mp4: cropping to 24x16 cuts 66%" in told
    assert load_suite(tmp_path / "my suite").name == "my-suite"
    assert yaml.safe_load((tmp_path / "my suite" / "suite.yaml").read_text())["fit"] == "crop"
    assert main(["validate", str(tmp_path / "my suite")]) == 0
    assert "note: driver driving/tall.mp4" in (told := capsys.readouterr().out) and "no problems" in told
    assert main([*make, "--size", "24x16"]) == 2 and "expected all three" in capsys.readouterr().err


def walker(frames: int = 8, size: tuple[int, int] = (128, 32), at: int = 96) -> Clip:
    """Something that moves about far from the middle of a wide, still picture."""
    pictures = np.full((frames, size[1], size[0], 3), 90, np.uint8)
    texture = np.random.default_rng(1).integers(0, 255, (16, 12, 3)).astype(np.uint8)
    for t in range(frames):
        pictures[t, 8:24, at + 2 * (t % 3) : at + 2 * (t % 3) + 12] = texture
    return Clip(frames=pictures, fps=8.0)


def test_a_suite_is_cut_where_its_subjects_are(tmp_path: Path) -> None:
    driving, references = tmp_path / "d", tmp_path / "r"
    write_video(driving / "walk.mp4", walker())
    image(references, "man.png")
    grid = Grid(width=32, height=32, fps=8.0, num_frames=4)
    shares = {}
    for fit in ("crop", "subject"):
        write_suite_from_media(driving, references, tmp_path / fit, grid, fit=fit)
        suite = load_suite(tmp_path / fit)
        media = suite.load(suite.cases[0].id)
        shares[fit] = float((np.abs(media.driving.frames[0].astype(int) - 90).max(-1) > 30).mean())
        told = "driver cropped around the subject to (" if fit == "subject" else "driver cropped to (48, 0, 32, 32)"
        assert suite.fit == fit and told in media.adaptation
    assert shares["crop"] == 0 and shares["subject"] > 0.1
    assert validate(tmp_path / "subject") == []


def test_on_the_self_track_the_reference_is_cut_as_its_driver_is(tmp_path: Path) -> None:
    write_video(tmp_path / "d" / "walk.mp4", walker())
    grid = Grid(width=32, height=32, fps=8.0, num_frames=4)
    write_suite_from_media(tmp_path / "d", None, tmp_path / "out", grid, track="self", fit="subject")
    suite = load_suite(tmp_path / "out")
    media = suite.load(suite.cases[0].id)
    assert np.array_equal(media.reference, media.driving.frames[0]) and media.truth.clip is media.driving


@pytest.mark.parametrize(("size", "told"), [((256, 64), "as its driver to ("), ((64, 96), "output cropped and resized")])
def test_an_answer_is_cut_as_its_driver_was_or_in_the_middle(tmp_path: Path, size: tuple[int, int], told: str) -> None:
    driving, references = tmp_path / "d", tmp_path / "r"
    write_video(driving / "walk.mp4", walker())
    image(references, "man.png")
    write_suite_from_media(driving, references, tmp_path / "out", Grid(width=32, height=32, fps=8.0, num_frames=4), fit="subject")
    (case,) = load_suite(tmp_path / "out").cases
    answer = walker(frames=4, at=24)  # what a system shows elsewhere is not looked for
    frames = np.stack([cv2.resize(frame, size) for frame in answer.frames])
    write_video(tmp_path / "answers" / f"{case.id}.mp4", Clip(frames=frames, fps=8.0))
    run = generate(f"recorded:{tmp_path / 'answers'}", str(tmp_path / "out"), tmp_path / "run")
    (row,) = run.generation().to_dict("records")
    assert row["status"] == "ok" and told in row["adaptation"]
    shown = read_video(run.video_path(case.id)).frames
    assert (size == (256, 64)) == (float((np.abs(shown.astype(int) - 90).max(-1) > 30).mean()) < 0.01)


def test_a_filmed_truth_is_not_cut_by_its_own_subject(tmp_path: Path) -> None:
    driving, references = tmp_path / "d", tmp_path / "r"
    write_video(driving / "walk.mp4", walker())
    image(references, "man.png")
    write_suite_from_media(driving, references, tmp_path / "out", Grid(width=32, height=32, fps=8.0, num_frames=4), fit="subject")
    write_video(tmp_path / "out" / "truth.mp4", walker())
    path = tmp_path / "out" / "suite.yaml"
    content = yaml.safe_load(path.read_text())
    content["cases"][0]["truth"] = "truth.mp4"
    path.write_text(yaml.safe_dump(content))
    assert any("truth.mp4: fit: got subject, expected crop or pad" in line for line in validate(tmp_path / "out"))


def test_a_still_picture_among_the_clips_is_passed_over_and_a_moving_one_is_a_clip(tmp_path: Path) -> None:
    driving, references = labelled(tmp_path)
    image(driving, "thumb.png")
    made = write_suite_from_media(driving, references, tmp_path / "out", GRID)
    assert made.skipped == () and made.notes == ("driving: 1 file(s) of another kind passed over: .png 1; first thumb.png",)
