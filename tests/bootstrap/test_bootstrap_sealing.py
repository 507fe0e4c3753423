"""Units sealed: parts of bounded size, the sidecar's rows and footer, and a round of a million pairs in little memory."""

import json
import os
import tarfile
import tracemalloc
from dataclasses import replace

import numpy as np
import pyarrow.parquet as pq
import pytest

from bootstrap.doing import make_pair, record_trouble
from bootstrap.generations import DRIVING, REFERENCE, Generation, History
from bootstrap.in_flight import InFlight
from bootstrap.placing import laid_out, size_in_shard
from bootstrap.planned import JudgePair, MakePair
from bootstrap.rounds import Round, begin_round, record_plan
from bootstrap.rows import SCHEMA
from bootstrap.sealing import seal
from bootstrap.shards.reader import read_samples
from bootstrap.shards.validate import validate_dataset
from bootstrap.sidecar import read_marker
from bootstrap.sight import check_sight
from bootstrap.sources.source import Listing, Source
from bootstrap.units import Work
from models.shards import MEMBERS
from models.storage import read_range
from tests.bootstrap.factory_fakes import FAIR, NoTeacher, ShiftTeacher, config, key_of, make_round, plan, write_sources

STRICT = replace(FAIR, distinct=200)


@pytest.fixture
def folder(tmp_path):
    write_sources(tmp_path, clips=2, identities=3)
    return tmp_path


def _small_shards(monkeypatch, size_b):
    whole = Round.context.fget
    monkeypatch.setattr(Round, "context", property(lambda self: replace(whole(self), shard_b=size_b)))


def _published(out):
    return {path.relative_to(out).as_posix(): path.read_bytes() for path in out.rglob("*") if path.is_file() and "work" not in path.parts}


def test_samples_go_on_with_a_part_until_it_would_exceed_the_limit():
    samples = [("kept", 40), ("kept", 60), ("rejected", 90), ("kept", 1), ("kept", 200), ("rejected", 10)]
    assert laid_out(7, samples, 100) == [
        "shard-000007.tar",
        "shard-000007.tar",
        "rejected/shard-000007.tar",
        "shard-000007_1.tar",
        "shard-000007_2.tar",
        "rejected/shard-000007.tar",
    ]


@pytest.mark.parametrize("thresholds", [FAIR, STRICT])
def test_a_unit_is_cut_into_parts_that_hold_the_same_samples(folder, monkeypatch, thresholds):
    make_round(folder, "whole", pairs_per_unit=6, thresholds=thresholds, keep_rejected=True)
    below = "" if thresholds is FAIR else "rejected/"
    one = folder / "whole" / below / "shard-000000.tar"
    samples = list(read_samples([one]))
    sizes = [size_in_shard([len(members[name]) for name in MEMBERS]) for _, members, _ in samples]
    _small_shards(monkeypatch, sizes[0] + sizes[1])
    make_round(folder, pairs_per_unit=6, thresholds=thresholds, keep_rejected=True)
    parts = sorted((folder / "out" / below).glob("shard-*.tar"))
    assert [part.name for part in parts][:2] == ["shard-000000.tar", "shard-000000_1.tar"] and len(parts) >= 3
    assert [key for key, _, _ in read_samples(parts)] == [key for key, _, _ in samples] and validate_dataset(folder / "out") == []


def test_a_failed_pair_that_is_made_later_moves_others_to_the_next_part_and_loses_none(folder, monkeypatch):
    _small_shards(monkeypatch, 1)  # every sample a part of its own
    key = key_of(plan(folder, folder / "plan", pairs_per_unit=6), 1)
    make_round(folder, "whole", pairs_per_unit=6)
    assert make_round(folder, teacher=ShiftTeacher(fail_on=key), pairs_per_unit=6).failed == 1
    assert len(list((folder / "out").glob("*.tar"))) == 5
    make_round(folder, pairs_per_unit=6)
    assert _published(folder / "out") == _published(folder / "whole")


def test_the_sidecar_says_where_every_member_lies_and_its_footer_what_is_done(folder):
    key = key_of(plan(folder, folder / "plan"), 1)
    make_round(folder, teacher=ShiftTeacher(fail_on=key))
    sidecar = folder / "out" / "shard-000000.parquet"
    kept, failed = pq.read_table(sidecar).to_pylist()
    manifest = pq.read_table(folder / "out" / "manifest.parquet").to_pylist()
    assert [{name: row[name] for name in SCHEMA.names} for row in (kept, failed)] == manifest[:2]
    assert (failed["key"], failed["spans"], failed["content"], failed["shard"]) == (key, [], "", "") and kept["content"]
    shard = folder / "out" / kept["shard"]
    with tarfile.open(shard) as tar:
        whole = [tar.extractfile(f"{kept['key']}.{name}").read() for name in MEMBERS]
    spans = zip(kept["spans"][::2], kept["spans"][1::2])
    assert [read_range(str(shard), at, at + size) for at, size in spans] == whole
    told = json.loads(pq.read_metadata(sidecar).metadata[b"actorforge"])
    assert set(told) == {"unit", "pairs", "filters", "shards", "again", "failed"} and told["failed"] == [failed["reason"]]
    assert told["shards"]["shard-000000.tar"]["bytes"] == shard.stat().st_size
    assert read_marker(str(sidecar)).numbers == tuple(map(tuple, told["pairs"]))


def test_judging_again_moves_samples_between_shards_of_several_parts(folder, monkeypatch):
    _small_shards(monkeypatch, 1)
    make_round(folder, "whole", pairs_per_unit=6)
    make_round(folder, pairs_per_unit=6)
    outcome = make_round(folder, teacher=NoTeacher(), pairs_per_unit=6, thresholds=STRICT, retry_filters=True)
    assert outcome.rejected == 6 and not list((folder / "out").glob("*.tar")) and validate_dataset(folder / "out") == []
    assert make_round(folder, teacher=NoTeacher(), pairs_per_unit=6, retry_filters=True).kept == 6
    assert _published(folder / "out") == _published(folder / "whole")


def test_labels_that_change_between_a_kill_and_the_rerun_give_a_pair_one_record(folder):
    key = key_of(plan(folder, folder / "plan"), 0)
    table = folder / "driving" / "clips.csv"
    make_round(folder, teacher=ShiftTeacher(fail_on=key))
    table.write_text("file,prompt\nclip0.mp4,a dog\nclip1.mp4,a dog\n")
    assert make_round(folder).kept == 6 and validate_dataset(folder / "out") == []
    rows = pq.read_table(folder / "out" / "manifest.parquet").to_pylist()
    assert rows[0]["key"] != key and len({row["key"] for row in rows}) == 6


def test_a_dataset_of_an_earlier_version_is_refused_by_name(folder):
    make_round(folder, limit=2)
    (folder / "out" / "work" / "unit-000000.json").write_text("{}")
    with pytest.raises(ValueError, match="out: got .*earlier version.*choose another --out"):
        make_round(folder, limit=2)


def _million(out) -> Round:
    clips = tuple(Source(id=f"c{n}", location=f"/c{n}", sha256=f"{n:064x}", starts_s=(0.0,)) for n in range(1000))
    people = tuple(Source(id=f"p{n}", location=f"/p{n}", sha256=f"{n + 5000:064x}") for n in range(1000))
    pairs = np.stack(np.divmod(np.arange(1_000_000), 1000), axis=1)
    history = History([Generation(added={DRIVING: clips, REFERENCE: people}, pairs=pairs)])
    asked = config(pairs_per_unit=64)
    return Round(out=str(out), config=asked, driving=Listing(usable=clips), references=Listing(usable=people), history=history, since=1)


def test_a_million_pairs_are_handed_out_one_by_one_from_little_memory(tmp_path):
    round_ = _million(tmp_path)
    work, count = Work(round_=round_, pending=range(len(round_.ranges))), 0
    assert len(round_.ranges) == 15_625 and work.next() is not None

    def hand_out(items: int) -> int:
        tracemalloc.start()
        for _ in range(items):
            item = work.next()
            if isinstance(item, MakePair):
                work.pair_is_back(item.unit)
            else:
                work._open.pop(item.unit)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return peak

    hand_out(600)
    first, later = hand_out(600), hand_out(6000)
    assert later < 2 * first + 200_000 and count == 0


def test_a_worker_that_does_not_see_what_the_head_sees_says_which_file_where(folder, monkeypatch):
    monkeypatch.setattr("socket.gethostname", lambda: "node7")
    round_ = plan(folder, folder / "out")
    begin_round(round_)
    check_sight(round_.context)
    with pytest.raises(ValueError, match="worker on node7: .*plan.json: got another plan"):
        check_sight(replace(round_.context, plan="0"))
    with pytest.raises(ValueError, match="worker on node7: .*elsewhere.*plan.json: got no such file.*mount"):
        check_sight(replace(round_.context, out=str(folder / "elsewhere")))
    with pytest.raises(ValueError, match="worker on node7: .*gone.mp4: got No such file"):
        check_sight(replace(round_.context, seen=(str(folder / "driving" / "gone.mp4"),)))


def test_a_pair_that_fails_late_keeps_the_seconds_of_the_steps_before(folder):
    round_ = plan(folder, folder / "out")
    begin_round(round_)
    item = Work(round_=round_, pending=[0]).next()
    report = make_pair(round_.context, item, ShiftTeacher(fail_on=item.key), None)
    assert report.status == "failed" and set(report.seconds) == {"sources", "guidance", "target", "teacher"}


def test_a_pair_in_flight_is_counted_until_it_comes_back(tmp_path):
    for starts in range(1, 4):
        note = InFlight(str(tmp_path))
        note.begin("other")
        note.end("other")
        note.begin("deadly")
        assert InFlight(str(tmp_path)).is_deadly("deadly") == (starts == 3)
    note.stopped("deadly")
    assert not InFlight(str(tmp_path)).is_deadly("deadly")
    note.end("deadly")
    assert not (tmp_path / "in_flight.json").exists()


def test_a_judgement_that_no_worker_brings_to_an_end_leaves_the_verdict_and_is_made_later(folder):
    make_round(folder)
    round_ = plan(folder, folder / "out", thresholds=STRICT, retry_filters=True)
    record_plan(round_)
    work, context = Work(round_=round_, pending=begin_round(round_)), round_.context
    while (item := work.next()) is not None:
        if isinstance(item, JudgePair):
            record_trouble(context, item, "timed out after 1 s")
            work.pair_is_back(item.unit)
        else:
            work.unit_is_back(seal(context, item))
    assert [round_.ledger.marker(index).again for index in range(3)] == [2, 2, 2]
    assert make_round(folder, teacher=NoTeacher(), thresholds=STRICT).rejected == 6


def _rows(folder):
    return pq.read_table(folder / "out" / "manifest.parquet").to_pylist()


def test_pairs_turned_down_among_kept_ones_move_and_the_dataset_stays_whole(folder):
    make_round(folder, pairs_per_unit=6)
    first = _published(folder / "out")
    values = [json.loads(row["verdicts"])[3]["value"] for row in _rows(folder)]
    assert [verdict["check"] for verdict in json.loads(_rows(folder)[0]["verdicts"])][3] == "distinct" and min(values) < max(values)
    some = replace(FAIR, distinct=sorted(values)[3])
    outcome = make_round(folder, teacher=NoTeacher(), pairs_per_unit=6, thresholds=some, retry_filters=True)
    assert outcome.kept and outcome.rejected and outcome.kept + outcome.rejected == 6 and validate_dataset(folder / "out") == []
    assert make_round(folder, teacher=NoTeacher(), pairs_per_unit=6, retry_filters=True).kept == 6
    assert _published(folder / "out") == first


def test_a_sidecar_of_another_unit_costs_its_own_unit_and_no_other(folder):
    make_round(folder)
    first, out = _published(folder / "out"), folder / "out"
    (out / "shard-000002.parquet").write_bytes((out / "shard-000000.parquet").read_bytes())
    assert make_round(folder).kept == 6 and _published(out) == first


def test_what_a_sidecar_names_outside_its_unit_is_never_removed(folder):
    make_round(folder)
    first, sidecar, victim = _published(folder / "out"), folder / "out" / "shard-000001.parquet", folder / "victim.txt"
    victim.write_text("mine")
    table = pq.read_table(sidecar)
    told = json.loads(table.schema.metadata[b"actorforge"])
    told["shards"]["../victim.txt"] = {"bytes": 4, "sha256": "0" * 64}
    pq.write_table(table.replace_schema_metadata({b"actorforge": json.dumps(told).encode()}), sidecar)
    assert make_round(folder).kept == 6 and victim.read_text() == "mine" and _published(folder / "out") == first


def test_a_sidecar_with_damaged_rows_is_made_again_by_the_command_that_met_it_and_the_next(folder):
    make_round(folder)
    first, sidecar = _published(folder / "out"), folder / "out" / "shard-000001.parquet"
    data = bytearray(sidecar.read_bytes())
    data[60:200] = bytes(140)
    sidecar.write_bytes(data)
    (folder / "out" / "run.json").unlink()
    with pytest.raises(ValueError, match="none or a damaged one of unit 1.*run the same command again"):
        make_round(folder)
    assert make_round(folder).kept == 6 and _published(folder / "out") == first


def test_records_of_another_plan_are_not_taken_and_pipes_among_them_stop_nothing(folder):
    make_round(folder, "whole")
    round_, other = plan(folder, folder / "out"), plan(folder, folder / "other", seed=5)
    for each in (round_, other):
        begin_round(each)
    item = next(item for item in iter(Work(round_=other, pending=[0]).next, None) if isinstance(item, MakePair))
    make_pair(other.context, item, ShiftTeacher(), None)
    (foreign,) = (folder / "other" / "work" / "made" / "000000").iterdir()
    place = folder / "out" / "work" / "made" / "000000"
    place.mkdir(parents=True)
    (place / foreign.name).write_bytes(foreign.read_bytes())
    os.mkfifo(place / "ff.tar")
    assert make_round(folder).kept == 6 and _published(folder / "out") == _published(folder / "whole")


def test_a_lost_part_costs_its_own_samples_and_no_later_part(folder, monkeypatch):
    _small_shards(monkeypatch, 1)
    make_round(folder, pairs_per_unit=6)
    first, (lost,) = _published(folder / "out"), [row["key"] for row in _rows(folder) if row["shard"] == "shard-000000.tar"]
    (folder / "out" / "shard-000000.tar").unlink()
    (folder / "out" / "work" / "events.jsonl").unlink()
    assert make_round(folder, pairs_per_unit=6).kept == 6 and _published(folder / "out") == first
    events = map(json.loads, (folder / "out" / "work" / "events.jsonl").read_text().splitlines())
    assert [line["key"] for line in events if line["event"] == "pair"] == [lost]
