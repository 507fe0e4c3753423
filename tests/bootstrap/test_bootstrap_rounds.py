"""A whole round in this process: rows, contract, resuming, extending, refusing."""

import json
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from bootstrap.lock import locked
from bootstrap.manifest import finish_round
from bootstrap.recipe import Teacher
from bootstrap.rounds import begin_round
from bootstrap.rows import SCHEMA
from bootstrap.shards.reader import read_examples
from bootstrap.shards.validate import validate_dataset
from bootstrap.tally import Tally
from models.artifacts import read_json, sha256_file
from models.types import Grid
from models.video import read_window
from tests.bootstrap.factory_fakes import FAIR, GRID, ShiftTeacher, key_of, make_round, plan, work_off, write_sources

_make = make_round


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
        window, _ = read_window(folder / "driving" / row["driving"], GRID, row["window"][0])
        assert np.array_equal(example.reference, example.target.frames[0])
        assert np.abs(example.target.frames.astype(int) - window.frames).mean() < 1.5
        assert not np.array_equal(example.driver.frames, example.target.frames)
        driver, target = example.driver, example.target
        assert (len(driver), driver.size, driver.fps) == (len(target), target.size, target.fps)
    record = read_json(folder / "out" / "run.json")
    assert (
        record["filter_metrics"] == []
        and record["counts"]["kept"] == 9
        and set(record["yields"]) == {"decodable", "length", "moving", "distinct"}
    )


def test_unusable_files_are_rows_outside_the_limit(folder):
    (folder / "driving" / "empty.mp4").write_bytes(b"")
    (folder / "references" / "text.png").write_text("no")
    outcome = _make(folder, limit=3)
    assert (outcome.attempted, outcome.unreadable) == (3, 2)
    first, second = _rows(folder / "out")[:2]
    assert (first["driving"], first["reference"], first["status"]) == ("empty.mp4", "", "failed") and first["reason"]
    assert (second["driving"], second["reference"], second["status"]) == ("", "text.png", "failed") and second["reason"]


def test_a_failing_pair_is_a_row_and_the_rest_is_finished(folder):
    key = key_of(plan(folder, folder / "plan"), 3)
    outcome = _make(folder, teacher=ShiftTeacher(fail_on=key))
    assert (outcome.kept, outcome.failed, outcome.reasons) == (8, 1, {"teacher: RuntimeError: out of luck": 1})
    row = next(row for row in _rows(folder / "out") if row["key"] == key)
    assert (row["status"], row["reason"], row["shard"]) == ("failed", "teacher: RuntimeError: out of luck", "")


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


def test_a_lost_sidecar_or_shard_is_made_again(folder):
    _make(folder)
    before = _bytes(folder / "out")
    (folder / "out" / "shard-000001.parquet").unlink()
    (folder / "out" / "shard-000002.tar").unlink()
    (folder / "out" / ".shard-000002.tar.12345678.tmp").write_bytes(b"draft of a killed run")
    _make(folder)
    assert _bytes(folder / "out") == before and not list((folder / "out").glob(".*.tmp"))


def test_a_cut_shard_or_a_damaged_sidecar_is_made_again(folder):
    _make(folder)
    before = _bytes(folder / "out")
    cut, flipped = folder / "out" / "shard-000000.tar", folder / "out" / "shard-000003.tar"
    cut.write_bytes(before[cut.name][:-700])
    flipped.write_bytes(before[flipped.name][:3000] + b"?" + before[flipped.name][3001:])
    (folder / "out" / "shard-000001.parquet").write_text("{")
    whole = (folder / "out" / "shard-000002.parquet").read_bytes()
    (folder / "out" / "shard-000002.parquet").write_bytes(whole[: len(whole) // 2] + whole[-8:])
    round_ = plan(folder, folder / "out")
    assert round_.pending() == [0, 1, 2, 3]
    _make(folder)
    assert _bytes(folder / "out") == before and validate_dataset(folder / "out") == []


def test_only_shards_written_after_their_sidecar_are_hashed(folder, monkeypatch):
    _make(folder)
    hashed, shard = [], folder / "out" / "shard-000000.tar"
    monkeypatch.setattr("bootstrap.ledger.sha256_file", lambda location: hashed.append(location) or sha256_file(location))
    assert plan(folder, folder / "out").pending() == [] and hashed == []
    shard.write_bytes(shard.read_bytes())
    assert plan(folder, folder / "out").pending() == [] and hashed == [str(shard)]
    shard.write_bytes(shard.read_bytes() + b"\0")
    assert plan(folder, folder / "out").pending() == [0]


@pytest.mark.parametrize("name", ["run.json", "manifest.parquet"])
def test_a_damaged_end_is_written_again(folder, name):
    _make(folder, limit=2)
    before = (folder / "out" / name).read_bytes()
    (folder / "out" / name).write_bytes(b"[]")
    assert any(name in problem for problem in validate_dataset(folder / "out"))
    _make(folder, limit=2)
    assert (folder / "out" / name).read_bytes() == before and validate_dataset(folder / "out") == []


def test_a_lost_card_is_written_again_and_a_lost_plan_is_told(folder):
    _make(folder, limit=2)
    card = folder / "out" / "README.md"
    before = card.read_bytes()
    card.unlink()
    _make(folder, limit=2)
    assert card.read_bytes() == before
    (folder / "out" / "work" / "plan.json").unlink()
    with pytest.raises(ValueError, match="out: work/plan.json: got none, expected the settings .*restore it from a copy"):
        _make(folder, limit=2)


def test_lost_pairs_are_tried_again_and_leave_no_trace(folder):
    _make(folder)
    round_ = plan(folder, folder / "again")
    key = key_of(round_, 2)
    work_off(round_, begin_round(round_), ShiftTeacher(), deaths={key: "worker died (SIGSEGV)"})
    finish_round(round_)
    lost = [row for row in _rows(folder / "again") if row["status"] == "failed"]
    assert [(row["key"], row["reason"]) for row in lost] == [(key, "worker died (SIGSEGV)")] and validate_dataset(folder / "again") == []
    assert round_.pending() == [1]
    assert _make(folder, "again").kept == 9
    assert _bytes(folder / "again") == _bytes(folder / "out")


class _Odd(ShiftTeacher):
    """Fails in the ways that would get past a careless record."""

    error: BaseException = RuntimeError()

    def animate(self, request):
        if request.id == self.fail_on:
            raise self.error
        return super().animate(request)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (RuntimeError("bad \udcff and \ud800 bytes"), "teacher: RuntimeError: bad \ufffd and \ufffd bytes"),
        (SystemExit(3), "teacher: SystemExit: 3"),
        (
            FileNotFoundError(2, "No such file or directory", "/somewhere/secret.pt"),
            "teacher: FileNotFoundError: No such file or directory",
        ),
        (RuntimeError("two\nlines"), "teacher: RuntimeError: two lines"),
        (AssertionError(), "teacher: AssertionError"),
    ],
)
def test_one_odd_error_is_one_row(folder, monkeypatch, error, reason):
    monkeypatch.setattr(_Odd, "error", error)
    key = key_of(plan(folder, folder / "plan"), 3)
    outcome = _make(folder, teacher=_Odd(fail_on=key), limit=4)
    assert (outcome.kept, outcome.failed) == (3, 1)
    assert [row["reason"] for row in _rows(folder / "out") if row["status"] == "failed"] == [reason]


def test_a_filter_that_gives_no_number_fails_its_pair(folder):
    outcome = _make(folder, limit=2, thresholds=replace(FAIR, more=("tests.bootstrap.factory_fakes:NO_NUMBER=0.5",)))
    assert outcome.failed == 2 and list(outcome.reasons) == [
        "filters: ValueError: check no_number: value: got nan, expected a finite number"
    ]


def test_a_row_that_cannot_be_written_fails_its_pair(folder, monkeypatch):
    monkeypatch.setattr("bootstrap.attempt.judged_row", lambda *_: {"seed": float("inf")})
    outcome = _make(folder, limit=2)
    assert outcome.failed == 2 and list(outcome.reasons)[0].startswith("record: ValueError: Out of range float")


def test_rejections_of_one_check_are_one_reason(folder):
    outcome = _make(folder, teacher=ShiftTeacher(freeze=True))
    assert outcome.reasons == {"moving: 0 < 0.5 of the source's moving steps: static, frozen or stuttering": 9}


def test_long_reasons_are_cut(folder, monkeypatch):
    monkeypatch.setattr(_Odd, "error", RuntimeError("x" * 1000))
    key = key_of(plan(folder, folder / "plan"), 0)
    (label,) = _make(folder, teacher=_Odd(fail_on=key), limit=1).reasons
    assert label == _rows(folder / "out")[0]["reason"] and 400 <= len(label) < 420 and label.endswith("x ...")


def test_failures_that_differ_in_numbers_and_hashes_are_one_reason_told_whole_by_the_first(folder):
    remedy = "add it to the folder, or rename what was meant; " * 3
    tally, reasons = Tally(), [f"teacher: {digit * 20}.mp4: got {digit} of 8 files; {remedy}" for digit in "07"]
    for reason in [*reasons, "teacher: Mute"]:
        tally.add({"driving": "a", "reference": "b", "status": "failed", "reason": reason})
    assert tally.outcome().reasons == {reasons[0]: 2, "teacher: Mute": 1}


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"seed": 1}, "seed"),
        ({"limit": 3}, "limit"),
        ({"pairs_per_unit": 3}, "pairs_per_unit"),
        ({"shard_mb": 3}, "shard_mb"),
        ({"thresholds": replace(FAIR, moving=0.1)}, "thresholds"),
        ({"grid": Grid(width=16, height=16, fps=8.0, num_frames=4)}, "grid"),
    ],
)
def test_any_other_changed_setting_is_refused_by_name(folder, changes, field):
    _make(folder, limit=4)
    with pytest.raises(ValueError, match=rf"out: {field}: got .*, expected .*; repeat"):
        _make(folder, **{"limit": 4, **changes})


def test_another_teacher_is_refused(folder):
    _make(folder)
    with pytest.raises(ValueError, match="teacher: got .*new.*expected"):
        _make(folder, mark=Teacher(name="shift", weights_hash="new"))


@pytest.mark.parametrize("out", ["driving", "driving/out", "references/out", "."])
def test_a_dataset_and_its_sources_do_not_lie_inside_each_other(folder, out):
    before = sorted(folder.rglob("*"))
    with pytest.raises(ValueError, match="out: got .* with --(driving|references) .*neither inside the other"):
        _make(folder, out)
    assert sorted(folder.rglob("*")) == before


def test_pairs_in_any_order_give_the_same_bytes(folder):
    _make(folder)
    round_ = plan(folder, folder / "other")
    work_off(round_, begin_round(round_)[::-1], ShiftTeacher())
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
    round_ = plan(folder, folder / "out")
    with locked(round_.out), pytest.raises(ValueError, match="in use by another"):
        _make(folder)
