"""The media of a suite in a folder are brought to its grid once, whatever the number of runs, and come out the same to the byte."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from awbench.cases import Suite
from awbench.suites import case_media, prepared
from awbench.suites.from_media import write_suite_from_media
from awbench.suites.load import load_suite
from awbench.suites.snapshot import write_snapshot
from models.images import encode_image
from models.storage import write_bytes
from models.types import Clip, Grid
from models.video import write_video

GRID = Grid(width=24, height=16, fps=8.0, num_frames=4)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(prepared, "cache_folder", lambda: tmp_path / "cache")
    return tmp_path / "cache" / "suites"


def walker(seed: int, frames: int = 12, size: tuple[int, int] = (96, 32)) -> Clip:
    rng = np.random.default_rng(seed)
    pictures = np.full((frames, size[1], size[0], 3), 90, np.uint8)
    texture = rng.integers(0, 255, (16, 12, 3)).astype(np.uint8)
    for t in range(frames):
        pictures[t, 8:24, 64 + 2 * (t % 3) : 76 + 2 * (t % 3)] = texture
    return Clip(frames=pictures, fps=10.0)


def made(tmp_path: Path, fit: str = "crop", track: str = "cross", **wishes: object) -> Path:
    """A suite of two clips and two pictures that are not on its grid; on the self track of the clips alone."""
    for seed in range(2):
        write_video(tmp_path / "d" / f"{seed}.mp4", walker(seed))
        write_bytes(tmp_path / "r" / f"{seed}.png", encode_image(walker(seed + 2, size=(80, 96)).frames[0]))
    references = tmp_path / "r" if track == "cross" else None
    write_suite_from_media(tmp_path / "d", references, tmp_path / "suite", GRID, fit=fit, track=track, **wishes)
    return tmp_path / "suite"


def stored(suite: Suite, out: Path) -> dict[str, bytes]:
    write_snapshot(suite, out)
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in sorted(out.rglob("*")) if path.is_file()}


def unprepared(suite: Suite) -> Suite:
    """The same suite whose media are always read: nobody knows the hashes of its files."""
    return replace(suite, source=replace(suite.source, hashes={}))


def no_reading(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("read again")

    for name in ("read_window", "read_image"):
        monkeypatch.setattr(case_media, name, refuse)


@pytest.mark.parametrize("track", ["cross", "self"])
@pytest.mark.parametrize("fit", ["crop", "pad", "subject"])
def test_a_second_run_reads_nothing_and_stores_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path, fit: str, track: str
) -> None:
    suite = load_suite(made(tmp_path, fit, track))
    plain = stored(unprepared(suite), tmp_path / "plain")
    assert not cache.exists() and b"problem" not in plain["suite.yaml"]
    assert stored(suite, tmp_path / "first") == plain
    no_reading(monkeypatch)
    assert stored(load_suite(tmp_path / "suite"), tmp_path / "second") == plain
    assert b"driver_origin: 0.0," in plain["suite.yaml"]


def test_a_late_window_is_another_one(tmp_path: Path) -> None:
    table = tmp_path / "p.csv"
    table.write_text("driver,reference,start_s\n0,0,\n0,0,0.1\n")
    suite = load_suite(made(tmp_path, pairing=table))
    plain = stored(unprepared(suite), tmp_path / "plain")
    assert stored(suite, tmp_path / "first") == plain == stored(suite, tmp_path / "second")
    assert len([name for name in plain if name.endswith(".mp4")]) == 2


def test_what_many_cases_share_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite, seen = load_suite(made(tmp_path)), []
    read = case_media.read_window
    monkeypatch.setattr(case_media, "read_window", lambda path, *a, **k: seen.append(path.name) or read(path, *a, **k))
    assert len(suite.cases) == 4 and len(stored(suite, tmp_path / "out")) == 5
    assert sorted(seen) == ["0.mp4", "1.mp4"]


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: data[:200] + b"x" + data[201:]])
def test_a_damaged_entry_is_made_anew(tmp_path: Path, cache: Path, damage: object) -> None:
    suite = load_suite(made(tmp_path))
    plain = stored(suite, tmp_path / "first")
    whole = {path: path.read_bytes() for path in cache.iterdir()}
    for path, data in whole.items():
        path.write_bytes(damage(data))
    assert stored(suite, tmp_path / "second") == plain
    assert {path: path.read_bytes() for path in cache.iterdir()} == whole


def test_another_content_grid_or_name_is_another_entry(tmp_path: Path, cache: Path) -> None:
    folder = made(tmp_path)
    stored(load_suite(folder), tmp_path / "first")
    before = len(list(cache.iterdir()))
    write_video(folder / "driving" / "0.mp4", walker(9))
    assert stored(load_suite(folder), tmp_path / "second") == stored(unprepared(load_suite(folder)), tmp_path / "plain")
    assert len(list(cache.iterdir())) == before + 1
    text = (folder / "suite.yaml").read_text()
    (folder / "suite.yaml").write_text(text.replace("width: 24", "width: 32"))
    assert stored(load_suite(folder), tmp_path / "wide") == stored(unprepared(load_suite(folder)), tmp_path / "plain wide")


def test_a_file_that_changed_since_it_was_hashed_is_not_kept(tmp_path: Path) -> None:
    folder = made(tmp_path)
    good, suite = (folder / "driving" / "0.mp4").read_bytes(), load_suite(folder)
    write_video(folder / "driving" / "0.mp4", walker(9))
    stored(suite, tmp_path / "mixed")
    (folder / "driving" / "0.mp4").write_bytes(good)
    assert stored(suite, tmp_path / "first") == stored(unprepared(suite), tmp_path / "plain")


def test_a_missing_file_is_a_problem_and_none_once_it_is_there(tmp_path: Path) -> None:
    folder = made(tmp_path)
    good = (folder / "reference" / "0.png").read_bytes()
    (folder / "reference" / "0.png").unlink()
    told = stored(load_suite(folder), tmp_path / "first")["suite.yaml"]
    assert told.count(b"no such file") == 2 and told == stored(unprepared(load_suite(folder)), tmp_path / "plain")["suite.yaml"]
    (folder / "reference" / "0.png").write_bytes(good)
    assert b"problem" not in stored(load_suite(folder), tmp_path / "second")["suite.yaml"]


def test_what_is_kept_is_bounded_and_what_was_used_last_stays(tmp_path: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = load_suite(made(tmp_path))
    plain = stored(suite, tmp_path / "first")
    sizes = {path: path.stat().st_size for path in cache.iterdir()}
    for path in sizes:
        os.utime(path, (1, 1))
    stored(suite.only([suite.cases[0].id]), tmp_path / "one")
    used = {path for path in sizes if path.stat().st_mtime > 1}
    assert (len(used), len(sizes)) == (2, 4)  # a driver and a picture
    monkeypatch.setattr(prepared, "MOST_B", sum(sizes[path] for path in used))
    stored(suite.only([suite.cases[0].id]), tmp_path / "again")
    assert set(cache.iterdir()) == used
    assert stored(suite, tmp_path / "all") == plain
    monkeypatch.setattr(prepared, "MOST_B", 0)
    assert stored(suite, tmp_path / "none") == plain and list(cache.iterdir()) == []


def test_a_cache_that_cannot_be_written_costs_time_and_no_result(tmp_path: Path, cache: Path) -> None:
    suite = load_suite(made(tmp_path))
    write_bytes(cache, b"a file where the folder should be")
    assert stored(suite, tmp_path / "first") == stored(unprepared(suite), tmp_path / "plain")


def test_all_modules_that_make_the_pixels_are_part_of_the_address() -> None:
    """Another source of any of them must give other entries."""
    code = """
import sys
from awbench.suites import prepared
import models.video, models.images
named = {name for name in sys.modules if name.partition(".")[0] == "models" or name.startswith("awbench.suites")}
files = {sys.modules[name].__file__ for name in named}
print(sorted(file for file in files if file not in set(map(str, prepared.sources()))))
"""
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert told.strip() == "[]"
