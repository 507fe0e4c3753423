"""What a later run does with earlier pairs: failed ones again, judged ones by other thresholds, rejected ones kept aside."""

import builtins
import errno
import fcntl
import json
import tarfile
import threading
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from bootstrap.recipe import RECORDED, Recipe, Teacher
from bootstrap.shards.validate import validate_dataset
from models.artifacts import read_json
from models.retry_failed import RetryFailed
from tests.bootstrap.factory_fakes import (
    FAIR,
    CountingTeacher,
    NoTeacher,
    ShiftTeacher,
    asked,
    cards_of,
    key_of,
    make_round,
    plan,
    write_sources,
)

STRICT, LAX = replace(FAIR, distinct=200), FAIR


@pytest.fixture
def folder(tmp_path):
    write_sources(tmp_path, clips=2, identities=2)
    return tmp_path


def _rows(folder, out="out"):
    return pq.read_table(folder / out / "manifest.parquet").to_pylist()


def _statuses(folder):
    return [row["status"] for row in _rows(folder)]


def _files(folder, out="out"):
    return {path.name: path.read_bytes() for path in [*(folder / out).glob("shard-*.tar"), folder / out / "manifest.parquet"]}


@pytest.mark.parametrize("retry", [RetryFailed(), RetryFailed(reason="of luck")])
def test_failed_pairs_are_tried_again_and_only_they_are_made(folder, retry):
    key = key_of(plan(folder, folder / "plan"), 1)
    assert make_round(folder, teacher=ShiftTeacher(fail_on=key)).failed == 1
    asked.clear()
    assert make_round(folder, teacher=CountingTeacher(), retry=retry).kept == 4
    assert asked == [key] and validate_dataset(folder / "out") == []
    make_round(folder, out="direct")
    assert _files(folder) == _files(folder, "direct")


@pytest.mark.parametrize("retry", [RetryFailed(keep=True), RetryFailed(reason="of memory")])
def test_failed_pairs_that_are_not_asked_for_stay(folder, retry):
    key = key_of(plan(folder, folder / "plan"), 1)
    make_round(folder, teacher=ShiftTeacher(fail_on=key))
    before = {path: path.stat().st_mtime_ns for path in (folder / "out").rglob("*") if path.is_file() and path.name != ".lock"}
    assert make_round(folder, teacher=NoTeacher(), retry=retry).failed == 1
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_pair_that_fails_again_leaves_the_shard_of_its_neighbour_alone(folder):
    key = key_of(plan(folder, folder / "plan"), 1)
    make_round(folder, teacher=ShiftTeacher(fail_on=key))
    shard = folder / "out" / "shard-000000.tar"
    written, inode = shard.stat().st_mtime_ns, shard.stat().st_ino
    assert make_round(folder, teacher=ShiftTeacher(fail_on=key)).failed == 1
    assert (shard.stat().st_mtime_ns, shard.stat().st_ino) == (written, inode)


def test_a_missing_answer_is_waited_for(folder):
    recorded = Teacher(name=RECORDED)
    key = key_of(plan(folder, folder / "plan", teacher=recorded), 0)
    assert make_round(folder, teacher=ShiftTeacher(fail_on=key), mark=recorded).failed == 1
    asked.clear()
    assert make_round(folder, teacher=CountingTeacher(), mark=recorded).kept == 4 and asked == [key]


def test_rejected_candidates_are_kept_aside(folder):
    outcome = make_round(folder, thresholds=STRICT, keep_rejected=True)
    assert outcome.rejected == 4 and validate_dataset(folder / "out") == []
    rows = _rows(folder)
    assert {row["shard"] for row in rows} == {"rejected/shard-000000.tar", "rejected/shard-000001.tar"}
    with tarfile.open(folder / "out" / rows[0]["shard"]) as tar:
        names = tar.getnames()
        card = json.load(tar.extractfile(f"{rows[0]['key']}.json"))
    assert names[:4] == [f"{rows[0]['key']}.{part}" for part in ("driver.mp4", "json", "reference.png", "target.mp4")]
    assert not all(verdict["passed"] for verdict in card["verdicts"])
    assert set(read_json(folder / "out" / "run.json")["rejected_shards"]) == {row["shard"] for row in rows}


def test_other_thresholds_judge_again_without_a_teacher(folder):
    make_round(folder, thresholds=LAX)
    first = _files(folder)
    with pytest.raises(ValueError, match="thresholds: got .*--retry-filters judges again"):
        make_round(folder, teacher=NoTeacher(), thresholds=STRICT)
    keys = [row["key"] for row in _rows(folder)]
    outcome = make_round(folder, teacher=NoTeacher(), thresholds=STRICT, retry_filters=True)
    assert (outcome.kept, outcome.rejected) == (0, 4) and validate_dataset(folder / "out") == []
    assert [row["key"] for row in _rows(folder)] == keys and {row["shard"][:9] for row in _rows(folder)} == {"rejected/"}
    assert read_json(folder / "out" / "run.json")["config"]["thresholds"]["distinct"] == 200
    assert make_round(folder, teacher=NoTeacher(), thresholds=LAX, retry_filters=True).kept == 4
    assert _files(folder) == first and not list((folder / "out" / "rejected").glob("*.tar"))


def test_a_dataset_judged_before_a_filter_was_there_is_judged_again(folder, monkeypatch):
    today = Recipe.filters.fget
    before = property(lambda recipe: today(recipe) | {"thresholds": _without(today(recipe)["thresholds"], "articulated")})
    monkeypatch.setattr(Recipe, "filters", before)
    make_round(folder)
    monkeypatch.undo()
    with pytest.raises(ValueError, match="thresholds: got .'articulated': 0.0.*--retry-filters judges again"):
        make_round(folder, teacher=NoTeacher())
    assert make_round(folder, teacher=NoTeacher(), retry_filters=True).kept == 4
    assert make_round(folder, teacher=NoTeacher()).kept == 4
    make_round(folder, out="direct")
    assert _files(folder) == _files(folder, "direct")


def _without(values, name):
    return {key: value for key, value in values.items() if key != name}


def test_what_was_not_kept_aside_stays_rejected_and_it_is_said(folder, capsys):
    make_round(folder, thresholds=STRICT)
    outcome = make_round(folder, teacher=NoTeacher(), thresholds=LAX, retry_filters=True)
    assert (outcome.kept, outcome.rejected) == (0, 4)
    assert "4 rejected pairs stay rejected: without --keep-rejected they were not kept" in capsys.readouterr().err


def test_judging_again_where_a_source_is_gone_leaves_its_verdict(folder):
    make_round(folder, thresholds=LAX)
    (folder / "driving" / "clip0.mp4").unlink()
    outcome = make_round(folder, teacher=NoTeacher(), thresholds=STRICT, retry_filters=True)
    assert (outcome.kept, outcome.rejected) == (2, 2)
    assert {row["driving"] for row in _rows(folder) if row["status"] == "kept"} == {"clip0.mp4"}


def test_judging_again_leaves_failed_pairs_as_they_are(folder):
    key = key_of(plan(folder, folder / "plan"), 0)
    make_round(folder, teacher=ShiftTeacher(fail_on=key), thresholds=LAX, limit=2)
    assert make_round(folder, teacher=NoTeacher(), thresholds=STRICT, retry_filters=True, limit=2).failed == 1


def test_a_teacher_that_writes_into_its_input_spoils_no_target(folder):
    class Vandal(ShiftTeacher):
        def animate(self, request):
            result = super().animate(request)
            for array in (request.driving.frames, request.reference):
                while array.base is not None:
                    array = array.base
                array.flags.writeable = True
                array[:] = 0
            return result

    make_round(folder, teacher=Vandal())
    make_round(folder, out="good")
    assert _files(folder) == _files(folder, "good")


def test_an_error_whose_text_fails_is_one_row(folder):
    class Mute(Exception):
        def __str__(self):
            raise RuntimeError("no words")

    class Teller(ShiftTeacher):
        def animate(self, request):
            if request.id == self.fail_on:
                raise Mute
            return super().animate(request)

    key = key_of(plan(folder, folder / "plan"), 0)
    outcome = make_round(folder, teacher=Teller(fail_on=key))
    assert (outcome.kept, outcome.failed, list(outcome.reasons)) == (3, 1, ["teacher: Mute"])


def test_every_card_has_the_same_fields_of_the_same_types(folder):
    (folder / "driving" / "clips.csv").write_text("file,subject,mood\nclip0.mp4,human,gay\n")
    make_round(folder)

    def shape(value):
        if isinstance(value, dict):
            return {name: shape(one) for name, one in value.items()}
        return [shape(one) for one in value[:1]] if isinstance(value, list) else type(value).__name__

    cards = list(cards_of(folder / "out").values())
    assert all(shape(card) == shape(cards[0]) for card in cards)
    tags = [card["tags"]["driving"] for card in cards if card["driving"] == "clip0.mp4"]
    assert tags[0]["subject"] == "human" and json.loads(tags[0]["more"]) == {"mood": "gay"} and tags[0]["licence"] == ""


@pytest.mark.parametrize("code", ["ENOLCK", "EOPNOTSUPP"])
def test_a_file_system_without_locks_is_told_and_no_obstacle(folder, monkeypatch, capsys, code):
    def flock(*_):
        raise OSError(getattr(errno, code), "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    assert make_round(folder, limit=1).kept == 1
    assert "this file system has no locks (No locks available): start one run at a time" in capsys.readouterr().err


def test_a_finished_folder_that_cannot_be_written_to_is_a_no_op(folder, monkeypatch, capsys):
    first = make_round(folder)
    whole = builtins.open

    def read_only(path, mode="r", *args, **kwargs):
        if "w" in mode and str(path).startswith(str(folder / "out")):
            raise OSError(errno.EROFS, "Read-only file system")
        return whole(path, mode, *args, **kwargs)

    monkeypatch.setattr(builtins, "open", read_only)
    assert make_round(folder, teacher=NoTeacher()) == first
    assert "out: cannot be written to (Read-only file system)" in capsys.readouterr().err


def test_a_folder_of_another_kind_is_left_as_it_is(folder):
    (folder / "taken").mkdir()
    (folder / "taken" / "letter.txt").write_text("dear reader")
    with pytest.raises(ValueError, match="out: got .*other files"):
        make_round(folder, "taken")
    assert [path.name for path in (folder / "taken").rglob("*")] == ["letter.txt"]


def test_sources_that_are_away_for_a_moment_cost_a_wait_and_no_pair(folder):
    driving, away = folder / "driving", folder / "away"

    class Mover(ShiftTeacher):
        def animate(self, request):
            if not moved:
                driving.rename(away)
                moved.append(threading.Timer(0.5, away.rename, (driving,)))
                moved[0].start()
            return super().animate(request)

    moved: list[threading.Timer] = []
    assert make_round(folder, teacher=Mover()).kept == 4 and moved
    moved[0].join()
