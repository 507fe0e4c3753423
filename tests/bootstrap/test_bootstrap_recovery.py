"""What was made once is not lost: deleted and damaged shards, kills between files, judges and storages that do not answer."""

import errno
import json
import os
import shutil
import signal
import tarfile
from contextlib import suppress
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from bootstrap import material, sealing
from bootstrap.filters.filter import Filter
from bootstrap.manifest import finish_round
from bootstrap.rounds import begin_round
from bootstrap.shards.reader import read_samples
from bootstrap.shards.validate import validate_dataset
from models import storage
from models.artifacts import read_json, sha256
from models.mllm.errors import Unreachable
from models.retry_failed import RetryFailed
from models.video import write_video
from pipelines.factory import export_requests
from pipelines.stations import Staff
from tests.bootstrap.factory_fakes import (
    FAIR,
    CountingTeacher,
    NoTeacher,
    ShiftTeacher,
    asked,
    config,
    footage,
    key_of,
    make_round,
    moving_square,
    plan,
    write_sources,
)

STRICT = replace(FAIR, distinct=200)


@pytest.fixture
def folder(tmp_path):
    write_sources(tmp_path, clips=2, identities=2)
    return tmp_path


def _rows(folder, out="out"):
    return pq.read_table(folder / out / "manifest.parquet").to_pylist()


def _files(folder, out="out"):
    return {path.name: path.read_bytes() for path in [*(folder / out).glob("shard-*.tar"), folder / out / "manifest.parquet"]}


def _keys(folder, out="out"):
    """The samples that are somewhere on disk, whole."""
    made = {path.stem for path in _records(folder, out) if tarfile.open(path).getnames()[1:]}
    return made | {key for shard in (folder / out).rglob("shard-*.tar") for key, _, _ in read_samples([shard])}


def _records(folder, out="out"):
    return list((folder / out / "work" / "made").rglob("*.tar"))


def _everything(folder, out="out"):
    """All that is published."""
    return {path.name: path.read_bytes() for path in (folder / out).iterdir() if path.is_file()}


def _split(folder):
    """Thresholds between the pairs of the first unit: one stays kept, one goes."""
    values = [json.loads(row["verdicts"])[-1]["value"] for row in _rows(folder)[:2]]
    return replace(FAIR, distinct=sum(values) / 2)


def _killed(monkeypatch, module, name, number):
    """The process dies at the `number`-th call of a function."""
    calls, real = [], getattr(module, name)

    def dying(*args):
        calls.append(args)
        if len(calls) > number:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(module, name, dying)
    return calls


def test_a_deleted_folder_of_rejected_candidates_costs_no_teacher_and_no_kept_pair(folder):
    make_round(folder)
    make_round(folder, teacher=NoTeacher(), thresholds=_split(folder), retry_filters=True)
    assert {row["status"] for row in _rows(folder)[:2]} == {"kept", "rejected"}
    middle, kept = _split(folder), _keys(folder)
    shutil.rmtree(folder / "out" / "rejected")
    outcome = make_round(folder, teacher=NoTeacher(), thresholds=middle)
    assert outcome.failed == 0 and outcome.kept == len(_keys(folder)) and _keys(folder) < kept
    assert not any(row["shard"].startswith("rejected/") for row in _rows(folder)) and validate_dataset(folder / "out") == []
    shutil.rmtree(folder / "out" / "rejected", ignore_errors=True)
    again = make_round(folder, teacher=NoTeacher(), thresholds=FAIR, retry_filters=True)
    assert (again.kept, again.failed) == (outcome.kept, 0)


STAGES = [(name, number) for name in ("put_away", "_write", "write_sidecar", "clear_records") for number in range(3)]


@pytest.mark.parametrize(("stage", "number"), STAGES)
def test_a_kill_anywhere_loses_no_sample_while_it_is_judged_again(folder, monkeypatch, stage, number):
    make_round(folder)
    first, whole, middle, kills = _files(folder), _keys(folder), _split(folder), 0
    for thresholds in (middle, FAIR):  # out of the kept shard, and back into it
        with monkeypatch.context() as patched:
            calls = _killed(patched, sealing, stage, number)
            with suppress(KeyboardInterrupt):
                make_round(folder, teacher=NoTeacher(), thresholds=thresholds, retry_filters=True)
            kills += len(calls) > number
        assert _keys(folder) == whole
    assert kills or number == 2
    outcome = make_round(folder, teacher=NoTeacher(), thresholds=FAIR, retry_filters=True)
    assert (outcome.kept, outcome.failed) == (4, 0) and _files(folder) == first and validate_dataset(folder / "out") == []


@pytest.mark.parametrize("retry", [True, False])
def test_a_kill_between_shard_and_marker_costs_no_teacher_where_pairs_were_made_before(folder, monkeypatch, retry):
    make_round(folder)
    first, middle = _files(folder), _split(folder)
    with monkeypatch.context() as patched:
        _killed(patched, sealing, "write_sidecar", 0)
        with pytest.raises(KeyboardInterrupt):
            make_round(folder, teacher=NoTeacher(), thresholds=middle, retry_filters=True)
    outcome = make_round(folder, teacher=NoTeacher(), thresholds=middle, retry_filters=retry)
    assert outcome.failed == 0 and validate_dataset(folder / "out") == []
    make_round(folder, teacher=NoTeacher(), thresholds=FAIR, retry_filters=True)
    assert _files(folder) == first


@pytest.mark.parametrize(("stage", "number"), STAGES[3:])
def test_a_kill_while_a_new_unit_is_sealed_costs_no_pair(folder, monkeypatch, stage, number):
    make_round(folder, "whole")
    with monkeypatch.context() as patched:
        calls = _killed(patched, sealing, stage, number)
        with suppress(KeyboardInterrupt):
            make_round(folder)
    killed = len(calls) > number
    assert killed == (number < 2) and (folder / "out" / "run.json").exists() != killed
    made = len(_keys(folder))
    asked.clear()
    assert make_round(folder, teacher=CountingTeacher()).kept == 4
    assert len(asked) == 4 - made and not (folder / "out" / "work" / "made").exists()
    assert _everything(folder) == _everything(folder, "whole") and validate_dataset(folder / "out") == []


@pytest.mark.parametrize("number", range(5))
def test_a_kill_between_two_pairs_costs_what_is_in_flight(folder, number):
    make_round(folder, "whole")

    class Killer(ShiftTeacher):
        def animate(self, request):
            if len(asked) == number:
                os.kill(os.getpid(), signal.SIGINT)
            asked.append(request.id)
            return super().animate(request)

    asked.clear()
    with suppress(KeyboardInterrupt):
        make_round(folder, teacher=Killer())
    asked.clear()
    assert make_round(folder, teacher=CountingTeacher()).kept == 4 and len(asked) == 4 - min(number, 4)
    assert _everything(folder) == _everything(folder, "whole")


def test_a_damaged_record_is_made_again(folder):
    make_round(folder, "whole")

    class Killer(ShiftTeacher):
        def animate(self, request):
            if len(_records(folder)) == 1:
                os.kill(os.getpid(), signal.SIGINT)
            return super().animate(request)

    with suppress(KeyboardInterrupt):
        make_round(folder, teacher=Killer())
    (record,) = _records(folder)
    data = bytearray(record.read_bytes())
    data[600] ^= 255  # in the driver: the card knows
    record.write_bytes(data)
    asked.clear()
    assert make_round(folder, teacher=CountingTeacher()).kept == 4 and len(asked) == 4 and asked.count(record.stem) == 1
    assert _everything(folder) == _everything(folder, "whole")


def test_a_cut_record_is_made_again(folder):
    make_round(folder, "whole")
    round_ = plan(folder, folder / "out")
    begin_round(round_)
    folder_of = folder / "out" / "work" / "made" / "000000"
    folder_of.mkdir(parents=True)
    (folder_of / f"{key_of(round_, 0)}.tar").write_bytes((folder / "whole" / "shard-000000.tar").read_bytes()[:5000])
    assert make_round(folder).kept == 4 and _everything(folder) == _everything(folder, "whole")


def test_one_damaged_sample_costs_one_call_of_the_teacher(folder):
    make_round(folder)
    first, shard = _files(folder), folder / "out" / "shard-000000.tar"
    data = bytearray(shard.read_bytes())
    data[600] ^= 255  # in the first member of the first sample
    shard.write_bytes(data)
    asked.clear()
    make_round(folder, teacher=CountingTeacher())
    assert asked == [_rows(folder)[0]["key"]] and _files(folder) == first


def test_judging_again_leaves_a_unit_alone_whose_samples_cannot_be_read(folder, capsys):
    make_round(folder)
    (folder / "out" / "shard-000000.tar").write_bytes(b"not a tar")
    marker = (folder / "out" / "shard-000000.parquet").read_bytes()
    outcome = make_round(folder, teacher=NoTeacher(), thresholds=STRICT, retry_filters=True)
    assert "2 pairs keep their earlier verdict" in capsys.readouterr().err and (outcome.kept, outcome.rejected) == (2, 2)
    assert (folder / "out" / "shard-000000.parquet").read_bytes() == marker
    asked.clear()
    assert make_round(folder, teacher=CountingTeacher(), thresholds=STRICT).rejected == 4 and len(asked) == 2


out_of_order: list[Exception] = []
JUDGE = Filter(name="moody", function=lambda evidence: _moody(), lacking="")


def _moody():
    if out_of_order:
        raise out_of_order[0]
    return 0.75


MOODY = replace(FAIR, more=("tests.bootstrap.test_bootstrap_recovery:JUDGE=0.5",))


@pytest.fixture
def outage():
    yield out_of_order
    out_of_order.clear()


@pytest.mark.parametrize("error", [Unreachable("got HTTP 503", transient=True), RuntimeError("broken")])
def test_a_filter_that_fails_while_judging_again_is_told_and_tried_again(folder, capsys, outage, error):
    make_round(folder)
    outage.append(error)
    outcome = make_round(folder, teacher=NoTeacher(), thresholds=MOODY, retry_filters=True)
    said = capsys.readouterr().err
    assert outcome.kept == 4 and "4 pairs keep their earlier verdict, a later run tries again: filters:" in said
    assert not any("moody" in row["verdicts"] for row in _rows(folder))
    outage.clear()
    assert make_round(folder, teacher=NoTeacher(), thresholds=MOODY).kept == 4
    assert all("moody" in row["verdicts"] for row in _rows(folder)) and validate_dataset(folder / "out") == []


def test_a_verdict_stands_until_its_source_is_back_and_is_judged_then(folder):
    make_round(folder)
    clip = folder / "driving" / "clip0.mp4"
    data = clip.read_bytes()
    clip.unlink()
    for _ in range(2):
        assert make_round(folder, teacher=NoTeacher(), thresholds=STRICT, retry_filters=True).rejected == 2
    clip.write_bytes(data)
    assert make_round(folder, teacher=NoTeacher(), thresholds=STRICT).rejected == 4


def test_what_the_teacher_made_outlives_an_outage_of_the_judge(folder, outage):
    make_round(folder, "whole", thresholds=MOODY)
    outage.append(Unreachable("got HTTP 503", transient=True))
    first = make_round(folder, thresholds=MOODY)
    assert first.failed == 4 and all(reason.startswith("filters: ") for reason in first.reasons)
    assert {row["shard"] for row in _rows(folder)} == {""} and validate_dataset(folder / "out") == []
    assert read_json(folder / "out" / "run.json")["rejected_shards"] == {}
    outage.clear()
    assert make_round(folder, teacher=NoTeacher(), thresholds=MOODY).kept == 4
    assert _files(folder) == _files(folder, "whole") and validate_dataset(folder / "out") == []
    assert not list((folder / "out" / "work").rglob("*.tar"))


def test_a_filter_that_is_broken_is_mended_without_the_teacher(folder, outage):
    outage.append(RuntimeError("broken"))
    assert make_round(folder, thresholds=MOODY).failed == 4
    outage.clear()
    assert make_round(folder, teacher=NoTeacher(), thresholds=MOODY, retry=RetryFailed(keep=True)).failed == 4
    assert make_round(folder, teacher=NoTeacher(), thresholds=MOODY).kept == 4


def test_judging_again_plans_nothing(folder):
    make_round(folder, limit=1)
    outcome = make_round(folder, teacher=NoTeacher(), thresholds=STRICT, retry_filters=True)
    assert (outcome.attempted, outcome.rejected) == (1, 1)
    assert make_round(folder, thresholds=STRICT, limit=1).attempted == 1


def test_a_storage_that_does_not_answer_is_no_lost_sidecar(folder, monkeypatch):
    make_round(folder)
    before, real = _files(folder), storage.read_bytes

    def stale(location):
        if "shard-000001" in str(location):
            raise OSError(errno.EIO, "Input/output error")
        return real(location)

    with monkeypatch.context() as patched:
        patched.setattr(storage, "read_bytes", stale)
        with pytest.raises(OSError, match="Input/output error"):
            make_round(folder, teacher=NoTeacher())
    assert _files(folder) == before and make_round(folder, teacher=NoTeacher()).kept == 4


def test_a_shard_that_cannot_be_read_for_the_moment_is_not_made_again(folder, monkeypatch):
    make_round(folder)
    shard = folder / "out" / "shard-000000.tar"
    data = shard.read_bytes()
    shard.write_bytes(data + b"\0")

    def stale(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    with monkeypatch.context() as patched:
        patched.setattr("models.shards.open_read", stale)
        with pytest.raises(PermissionError):
            make_round(folder, teacher=NoTeacher())
    asked.clear()
    assert make_round(folder, teacher=CountingTeacher()).kept == 4 and asked == [] and shard.read_bytes() == data


def test_an_end_that_changes_is_no_end_while_it_is_written(folder, monkeypatch):
    make_round(folder)
    (folder / "driving" / "empty.mp4").write_bytes(b"")

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("bootstrap.manifest.write_sources", full)
        with pytest.raises(OSError):
            make_round(folder)
    assert not (folder / "out" / "run.json").exists()
    assert make_round(folder).unreadable == 1 and validate_dataset(folder / "out") == []


def test_a_plan_that_lacks_a_sidecar_at_the_end_says_so(folder):
    make_round(folder)
    (folder / "out" / "shard-000001.parquet").unlink()
    with pytest.raises(ValueError, match="sidecar: got none or a damaged one of unit 1"):
        finish_round(plan(folder, folder / "out"))


def test_cards_keep_one_shape_when_filters_change_and_a_source_is_gone(folder):
    make_round(folder)
    (folder / "driving" / "clip0.mp4").unlink()
    more = replace(FAIR, light=0.01, more=("tests.bootstrap.test_bootstrap_recovery:JUDGE=0.5",))
    assert make_round(folder, teacher=NoTeacher(), thresholds=more, retry_filters=True).kept == 4
    assert validate_dataset(folder / "out") == []


def test_a_source_that_changes_while_a_run_is_under_way_fails_its_pairs_and_is_new_in_the_next(folder):
    clip = folder / "driving" / "clip0.mp4"

    class Exchanging(ShiftTeacher):
        def animate(self, request):
            write_video(clip, moving_square((40, 200, 90), 120))
            return super().animate(request)

    first = make_round(folder, teacher=Exchanging())
    assert set(first.reasons) == {"sources: Changed: clip0.mp4 has changed since it was looked at"}
    contents = {sha256(clip.read_bytes()), *(sha256(path.read_bytes()) for path in (folder / "driving").iterdir())}
    rows = [row for row in _rows(folder) if row["status"] == "kept"]
    assert rows and sum(row["driving_sha256"] not in contents for row in rows) <= 1  # what was read before the exchange
    make_round(folder)
    assert {row["driving_sha256"] for row in _rows(folder) if row["status"] == "kept"} >= contents
    assert validate_dataset(folder / "out") == []


def test_a_source_that_changes_while_it_is_read_fails(folder, monkeypatch):
    real = material.read_media

    def reading(driving, *args):
        media = real(driving, *args)
        os.utime(driving, ns=(1, 1))
        return media

    monkeypatch.setattr(material, "read_media", reading)
    assert set(make_round(folder, limit=1).reasons) == {
        f"sources: Changed: {_rows(folder)[0]['driving']} has changed since it was looked at"
    }


def test_a_lost_pair_comes_back_under_the_labels_and_the_key_it_had(folder):
    table = folder / "driving" / "clips.csv"
    table.write_text("file,prompt\nclip0.mp4,a cat\nclip1.mp4,a cat\n")
    make_round(folder)
    first = _files(folder)
    table.write_text("file,prompt\nclip0.mp4,a dog\nclip1.mp4,a dog\n")
    (folder / "out" / "shard-000000.tar").unlink()
    make_round(folder)
    assert _files(folder) == first


def test_an_export_leaves_a_finished_dataset_finished(folder):
    make_round(folder, limit=2)
    before = {path: path.read_bytes() for path in (folder / "out").iterdir() if path.is_file()}
    asked_for = config(limit=4)
    count, failures = export_requests(asked_for, str(folder / "out"), footage(folder), Staff(), str(folder / "requests"))
    assert (count, failures) == (2, {})
    assert {path: path.read_bytes() for path in (folder / "out").iterdir() if path.is_file()} == before
    assert make_round(folder, limit=4).kept == 4


@pytest.mark.parametrize("spoil", [lambda path: path.unlink(), lambda path: path.write_bytes(b"PAR1")])
def test_a_table_of_sources_that_is_lost_is_written_again(folder, spoil):
    make_round(folder)
    table = folder / "out" / "sources.parquet"
    data = table.read_bytes()
    spoil(table)
    assert make_round(folder, teacher=NoTeacher()).kept == 4 and table.read_bytes() == data


def test_a_generation_whose_sources_are_lost_is_told_by_name(folder):
    make_round(folder)
    (folder / "out" / "work" / "generation-000000.sources.parquet").unlink()
    with pytest.raises(ValueError, match="generation-000000.sources.parquet: not a readable plan .no such file.; restore it"):
        make_round(folder)


def test_answers_that_are_not_there_are_one_reason(folder):
    class Waiting(ShiftTeacher):
        def animate(self, request):
            raise FileNotFoundError(f"no answer {request.id}.mp4 yet")

    assert make_round(folder, teacher=Waiting()).reasons == {"teacher: FileNotFoundError: no answer KEY.mp4 yet": 4}
