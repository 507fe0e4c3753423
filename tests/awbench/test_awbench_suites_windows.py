"""Where a case's window begins in its clip: start_s of a pairing table, what is wrong with one, and a note where the first one is dull."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import yaml

from awbench.suites.folder import load_folder
from awbench.suites.from_media import MadeSuite, write_suite_from_media
from awbench.suites.load import load_suite, validate
from awbench.suites.snapshot import write_snapshot
from models.images import encode_image
from models.storage import write_bytes
from models.types import Clip, Grid
from models.video import read_window, write_video

GRID = Grid(width=24, height=16, fps=8.0, num_frames=4)
OLD = """name: old
version: '1'
grid: {width: 24, height: 16, fps: 8.0, num_frames: 4}
fit: subject
cases:
- {id: a, driver: d.mp4, reference: r.png, prompt: p, tags: {track: cross}, driver_id: d.mp4, identity_id: r.png}
- {id: b, driver: d.mp4, reference: first.png, tags: {track: self}, reference_pose: first_frame}
"""


def counted(frames: int = 32, fps: float = 8.0) -> Clip:
    """Each frame is of one grey that says its number."""
    greys = np.arange(frames, dtype=np.uint8) * 7
    return Clip(frames=np.broadcast_to(greys[:, None, None, None], (frames, 16, 24, 3)).copy(), fps=fps)


def first_shown(clip: Clip) -> int:
    return round(clip.frames[0].mean() / 7)


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    write_video(tmp_path / "d" / "run.mp4", counted())
    write_bytes(tmp_path / "r" / "man.png", encode_image(counted().frames[9]))
    return tmp_path / "d", tmp_path / "r"


def make(folders: tuple[Path, Path], out: Path, *rows: str, columns: str = "driver,reference,start_s") -> MadeSuite:
    table = out.with_suffix(".csv")
    table.write_text("\n".join([columns, *rows]) + "\n", encoding="utf-8")
    return write_suite_from_media(*folders, out, GRID, pairing=table)


def test_a_table_says_where_the_window_of_a_case_begins(folders: tuple[Path, Path], tmp_path: Path) -> None:
    made = make(folders, tmp_path / "out", "run,man,2.5", "run,man,", "run,man,0", "run,man,2.5")
    suite = load_suite(tmp_path / "out")
    late, first = suite.cases
    assert made.skipped == () and validate(tmp_path / "out") == []
    assert [first_shown(suite.load(case.id).driving) for case in (late, first)] == [20, 0]
    assert "start_s" not in late.tags and late.driver_id == first.driver_id == "driving/run.mp4"
    assert "driver from 2.5 s on" in suite.load(late.id).adaptation and "from" not in suite.load(first.id).adaptation
    assert suite.load(late.id).driving.origin.start_s == 2.5
    entries = yaml.safe_load((tmp_path / "out" / "suite.yaml").read_text())["cases"]
    assert entries[0]["driver_start_s"] == 2.5 and "driver_start_s" not in entries[1]
    assert suite.case_marks[late.id] != suite.case_marks[first.id]


def test_semicolons_come_with_decimal_commas(folders: tuple[Path, Path], tmp_path: Path) -> None:
    made = make(folders, tmp_path / "out", "run;man;1,5", "run;man; +2. ", "run;man;,5", columns="driver;reference;Start s")
    suite = load_suite(tmp_path / "out")
    assert made.skipped == () and [first_shown(suite.load(case.id).driving) for case in suite.cases] == [12, 16, 4]


@pytest.mark.parametrize("text", ["-1", "-0.5", "NaN", "inf", "1e400", "1:30", "2.5 s", "half", "1_0", "0x2", "1.000,5", "٣"])
def test_a_start_that_is_no_moment_is_a_line_and_costs_no_other_row(folders: tuple[Path, Path], tmp_path: Path, text: str) -> None:
    made = make(folders, tmp_path / "out", f'run,man,"{text}"', "run,man,1")
    assert made.added == 1 and len(made.skipped) == 1
    assert f"out.csv line 2: driver: start_s: got {text!r}, expected seconds >= 0, such as 2.5" in made.skipped[0]


@pytest.mark.parametrize("text", ["3.8", "40", "99999999999"])
def test_a_start_too_near_the_end_says_when_the_clip_ends(folders: tuple[Path, Path], tmp_path: Path, text: str) -> None:
    made = make(folders, tmp_path / "out", f"run,man,{text}", "run,man,1")
    assert made.added == 1 and len(made.skipped) == 1
    assert f"out.csv line 2: driver run.mp4 from {float(text):g} s on: too short: " in made.skipped[0]


def test_an_old_suite_keeps_its_fingerprint_and_its_marks(tmp_path: Path) -> None:
    (tmp_path / "suite.yaml").write_text(OLD)
    for name, content in (("d.mp4", b"driver"), ("r.png", b"picture"), ("first.png", b"first")):
        (tmp_path / name).write_bytes(content)
    suite = load_folder(tmp_path)
    assert suite.fingerprint == "2d00fe66e1242e68c0a00c23f79cf9dbe657e7afd1ab34cfbbb3e052012cf6fd"
    assert suite.case_marks["a"] == "a112bb1399ebc45ebf847ecf5f01928066131f820bddcca0ea95740116f8bec0"
    assert suite.case_marks["b"] == "cae9f5def86ab43a5168e3b5466bbd66fd38192b84e2b3e4f16ceb2ceb87c079"


def test_a_suite_grows_by_windows_and_its_old_cases_stay(folders: tuple[Path, Path], tmp_path: Path) -> None:
    write_suite_from_media(*folders, tmp_path / "out", GRID)
    before = load_suite(tmp_path / "out")
    made = make(folders, tmp_path / "out", "run,man,0", "run,man,2")
    after = load_suite(tmp_path / "out")
    assert made.added == 1 and after.cases[0] == before.cases[0]
    assert after.case_marks[before.cases[0].id] == before.case_marks[before.cases[0].id]
    assert make(folders, tmp_path / "out", "run,man,2").added == 0


def test_a_run_keeps_the_window_and_where_it_was_cut(folders: tuple[Path, Path], tmp_path: Path) -> None:
    make(folders, tmp_path / "out", "run,man,2.5")
    write_snapshot(load_suite(tmp_path / "out"), tmp_path / "run")
    stored = load_suite(tmp_path / "run")
    driving = stored.load(stored.cases[0].id).driving
    assert first_shown(driving) == 20 and driving.origin.start_s == 2.5
    assert "driver_start_s" not in (tmp_path / "run" / "suite.yaml").read_text()


@pytest.mark.parametrize("start", [-1, "2.5", True, float("nan"), float("inf"), [1]])
def test_a_start_in_a_yaml_is_seconds(folders: tuple[Path, Path], tmp_path: Path, start: object) -> None:
    make(folders, tmp_path / "out", "run,man,1")
    path = tmp_path / "out" / "suite.yaml"
    content = yaml.safe_load(path.read_text())
    content["cases"][0]["driver_start_s"] = start
    path.write_text(yaml.safe_dump(content))
    with pytest.raises(ValueError, match="driver_start_s: got .*, expected seconds >= 0"):
        load_suite(tmp_path / "out")


def test_a_filmed_truth_is_read_from_the_moment_its_driver_is(folders: tuple[Path, Path], tmp_path: Path) -> None:
    make(folders, tmp_path / "out", "run,man,1.5")
    path = tmp_path / "out" / "suite.yaml"
    content = yaml.safe_load(path.read_text())
    content["cases"][0]["truth"] = "driving/run.mp4"
    path.write_text(yaml.safe_dump(content))
    suite = load_suite(tmp_path / "out")
    assert first_shown(suite.load(suite.cases[0].id).truth.clip) == 12 and validate(tmp_path / "out") == []
    content["cases"][0]["driver_start_s"] = 3.9
    path.write_text(yaml.safe_dump(content))
    assert ["driver driving/run.mp4: too short" in line for line in validate(tmp_path / "out")] == [True, False]


def test_only_files_that_the_table_names_are_looked_at(folders: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    driving, references = folders
    write_video(driving / "short.mp4", counted(2))
    write_video(driving / "other.mp4", counted())
    (driving / "bad.mp4").write_bytes(b"nothing")
    (driving / "raw.braw").write_bytes(b"nothing")
    (references / "bad.png").write_bytes(b"nothing")
    seen: list[str] = []
    monkeypatch.setattr("awbench.suites.from_media.read_window", lambda place, *a, **k: seen.append(place) or read_window(place, *a, **k))
    made = make(folders, tmp_path / "out", "run,man", "run.mp4,man.png", columns="driver,reference")
    assert (made.added, made.skipped, made.notes) == (1, (), ()) and [Path(place).name for place in seen] == ["run.mp4"]
    assert sorted(path.name for path in (tmp_path / "out").rglob("*.*")) == ["man.png", "run.mp4", "suite.yaml"]
    made = make(folders, tmp_path / "more", "short,man", "bad,man", "raw,man", "run,bad", "run,man", "gone,man", columns="driver,reference")
    parts = [line.partition(": ")[2].partition(" ")[0] for line in made.skipped]
    assert made.added == 1 and parts == ["driver", "driver", "driver", "reference", "driver:"]
    assert "driver short.mp4: too short" in made.skipped[0] and "driver raw.braw: " in made.skipped[2]
    assert "line 5: reference bad.png: " in made.skipped[3] and "got 'gone', expected a file of that name" in made.skipped[4]


def figure(still_s: float, moving_s: float, fps: float = 10.0, seed: int = 0) -> Clip:
    """A noisy picture in which a square walks about after a while."""
    rng = np.random.default_rng(seed)
    frames = rng.integers(100, 104, (round((still_s + moving_s) * fps), 48, 64, 3)).astype(np.uint8)
    for t, frame in enumerate(frames):
        x = 8 + (0 if t < still_s * fps else 3 * (t % 12))
        frame[16:32, x : x + 12] = 230
    return Clip(frames=frames, fps=fps)


@pytest.mark.parametrize(("still_s", "moving_s", "said"), [(3.0, 3.0, True), (0.0, 6.0, False), (6.0, 0.0, False), (1.0, 5.0, False)])
def test_a_first_window_that_hardly_moves_while_the_rest_does_is_noted(tmp_path: Path, still_s: float, moving_s: float, said: bool) -> None:
    write_video(tmp_path / "d" / "wave.mp4", figure(still_s, moving_s))
    write_bytes(tmp_path / "r" / "man.png", encode_image(counted().frames[9]))
    grid = Grid(width=24, height=16, fps=8.0, num_frames=16)
    made = write_suite_from_media(tmp_path / "d", tmp_path / "r", tmp_path / "out", grid)
    assert len(made.notes) == said and made.skipped == ()
    if said:
        assert "driver driving/wave.mp4: hardly moves in its first 2 s" in made.notes[0] and "start_s" in made.notes[0]
    again = write_suite_from_media(tmp_path / "d", tmp_path / "r", tmp_path / "out", grid)
    assert again.notes == ()  # told when a case begins there, not again


def test_a_window_somebody_chose_is_not_called_dull(tmp_path: Path) -> None:
    write_video(tmp_path / "d" / "wave.mp4", figure(4.0, 4.0))
    write_bytes(tmp_path / "r" / "man.png", encode_image(counted().frames[9]))
    folders = tmp_path / "d", tmp_path / "r"
    assert make(folders, tmp_path / "late", "wave,man,5").notes == () == make(folders, tmp_path / "early", "wave,man,0").notes
    assert "hardly moves in its first" in make(folders, tmp_path / "blank", "wave,man,").notes[0]


@pytest.mark.parametrize("by_table", [False, True])
def test_clips_and_pictures_may_lie_in_one_folder(tmp_path: Path, by_table: bool) -> None:
    write_video(tmp_path / "m" / "run.mp4", counted())
    write_bytes(tmp_path / "m" / "man.png", encode_image(counted().frames[9]))
    one = tmp_path / "m", tmp_path / "m"
    rows = ["man,man", "run,man", "run,run"]
    made = (
        make(one, tmp_path / "out", *rows, columns="driver,reference") if by_table else write_suite_from_media(*one, tmp_path / "out", GRID)
    )
    assert made.added == 1 and len(load_suite(tmp_path / "out").cases) == 1
    if by_table:
        assert "driver man.png: a still picture, expected a clip" in made.skipped[0]
        assert "reference run.mp4: a clip, expected a picture" in made.skipped[1]
