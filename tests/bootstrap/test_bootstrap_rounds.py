"""A whole round in this process: rows, contract, resuming, extending, refusing."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from bootstrap.filters import Thresholds
from bootstrap.manifest import SCHEMA
from bootstrap.rounds import Teacher, begin_round, plan_round
from bootstrap.shards.reader import read_examples
from bootstrap.shards.validate import validate_dataset
from bootstrap.units import run_unit
from models.artifacts import read_json
from models.types import Grid
from models.video import read_window
from pipelines.synthesize import synthesize
from tests.bootstrap.factory_fakes import TEACHER, ShiftTeacher, config, write_sources


def _make(folder, out="out", teacher=None, **changes):
    made = teacher or ShiftTeacher()
    return synthesize(config(folder, **changes), folder / out, 0, lambda: made, TEACHER)


def _rows(folder):
    table = pq.read_table(folder / "manifest.parquet")
    assert table.schema.names == SCHEMA.names
    return table.to_pylist()


def _bytes(folder):
    return {path.name: path.read_bytes() for path in [*folder.glob("shard-*.tar"), folder / "manifest.parquet"]}


@pytest.fixture
def folder(tmp_path):
    write_sources(tmp_path)
    return tmp_path


def test_every_pair_is_kept_and_keeps_the_contract(folder):
    outcome = _make(folder)
    assert (outcome.attempted, outcome.kept) == (9, 9) and validate_dataset(folder / "out") == []
    rows = {row["key"]: row for row in _rows(folder / "out")}
    for example in read_examples(folder / "out"):
        row = rows[example.id]
        window, _ = read_window(folder / "driving" / row["driving"], config(folder).grid, row["window"][0])
        assert np.array_equal(example.reference, example.target.frames[0])
        assert np.abs(example.target.frames.astype(int) - window.frames).mean() < 1.5
        assert not np.array_equal(example.driver.frames, example.target.frames)
        driver, target = example.driver, example.target
        assert (len(driver), driver.size, driver.fps) == (len(target), target.size, target.fps)
    record = read_json(folder / "out" / "run.json")
    assert record["filter_metrics"] == ["appearance_consistency", "motion_fidelity"] and record["counts"]["kept"] == 9


def test_unusable_files_are_rows_outside_the_limit(folder):
    (folder / "driving" / "empty.mp4").write_bytes(b"")
    (folder / "references" / "text.png").write_text("no")
    outcome = _make(folder, limit=3)
    assert (outcome.attempted, outcome.unreadable) == (3, 2)
    first, second = _rows(folder / "out")[:2]
    assert (first["driving"], first["reference"], first["status"]) == ("empty.mp4", "", "failed") and first["reason"]
    assert (second["driving"], second["reference"], second["status"]) == ("", "text.png", "failed") and second["reason"]


def test_a_failing_pair_is_a_row_and_the_rest_is_finished(folder):
    key = plan_round(config(folder), TEACHER, folder / "plan").pairing.spec(3).key
    outcome = _make(folder, teacher=ShiftTeacher(fail_on=key))
    assert (outcome.kept, outcome.failed, outcome.reasons) == (8, 1, {"RuntimeError": 1})
    row = next(row for row in _rows(folder / "out") if row["key"] == key)
    assert (row["status"], row["reason"], row["shard"]) == ("failed", "RuntimeError: out of luck", "")


def test_nothing_kept_writes_no_shard_and_says_why(folder):
    outcome = _make(folder, teacher=ShiftTeacher(freeze=True))
    assert outcome.kept == 0 and outcome.rejected == 9 and not list((folder / "out").glob("*.tar"))
    verdicts = json.loads(_rows(folder / "out")[0]["verdicts"])
    assert {"check", "value", "threshold", "passed", "reason"} == set(verdicts[0]) and validate_dataset(folder / "out") == []


def test_a_finished_folder_is_a_no_op(folder):
    first = _make(folder)
    before = {path: path.stat().st_mtime_ns for path in (folder / "out").rglob("*") if path.name != ".lock"}
    assert _make(folder, teacher=ShiftTeacher(freeze=True)) == first
    assert before == {path: path.stat().st_mtime_ns for path in (folder / "out").rglob("*") if path.name != ".lock"}


@pytest.mark.parametrize("small", [1, 3, 4])
def test_raising_the_limit_extends_to_the_same_bytes(folder, small):
    _make(folder, limit=small)
    assert len(_rows(folder / "out")) == small
    _make(folder, limit=7)
    _make(folder, "direct", limit=7)
    assert _bytes(folder / "out") == _bytes(folder / "direct") and validate_dataset(folder / "out") == []


def test_a_lost_marker_or_shard_is_made_again(folder):
    _make(folder)
    before = _bytes(folder / "out")
    (folder / "out" / "units" / "unit-000001.json").unlink()
    (folder / "out" / "shard-000002.tar").unlink()
    (folder / "out" / ".shard-000002.tar.12345678.tmp").write_bytes(b"draft of a killed run")
    _make(folder)
    assert _bytes(folder / "out") == before and not list((folder / "out").glob(".*.tmp"))


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"seed": 1}, "seed"),
        ({"limit": 3}, "limit"),
        ({"pairs_per_unit": 3}, "pairs_per_unit"),
        ({"thresholds": Thresholds(moving=0.1)}, "thresholds"),
        ({"grid": Grid(width=16, height=16, fps=8.0, num_frames=4)}, "grid"),
    ],
)
def test_any_other_changed_setting_is_refused_by_name(folder, changes, field):
    _make(folder)
    with pytest.raises(ValueError, match=rf"out: {field}: got .*, expected .*; repeat"):
        _make(folder, **changes)


def test_another_teacher_or_changed_sources_are_refused(folder):
    _make(folder)
    with pytest.raises(ValueError, match="teacher: got .*new.*expected"):
        synthesize(config(folder), folder / "out", 0, ShiftTeacher, Teacher(name="shift", weights_hash="new"))
    (folder / "references" / "who9.png").write_bytes((folder / "references" / "who0.png").read_bytes())
    with pytest.raises(ValueError, match="references: got .*who9.png"):
        _make(folder)


def test_a_folder_with_other_files_is_refused(folder):
    with pytest.raises(ValueError, match="out: got .*other files"):
        synthesize(config(folder), folder / "driving", 0, ShiftTeacher, TEACHER)


def test_units_in_any_order_give_the_same_bytes(folder):
    _make(folder)
    round_ = plan_round(config(folder), TEACHER, folder / "other")
    for unit in reversed(begin_round(round_)):
        run_unit(round_, unit, ShiftTeacher())
    _make(folder, "other")
    assert _bytes(folder / "out") == _bytes(folder / "other")


def test_damage_is_found_by_validation(folder):
    _make(folder)
    shard = folder / "out" / "shard-000001.tar"
    data = bytearray(shard.read_bytes())
    data[2000] ^= 255
    shard.write_bytes(data)
    problems = validate_dataset(folder / "out")
    assert any("shard-000001.tar: sha256" in problem for problem in problems)


def test_two_writers_at_once_are_refused(folder):
    round_ = plan_round(config(folder), TEACHER, folder / "out")
    with round_.ledger.lock(), pytest.raises(ValueError, match="in use by another"):
        _make(folder)
