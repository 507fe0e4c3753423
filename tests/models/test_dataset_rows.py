"""Rows and diary of a dataset at any moment of its making."""

import pytest

from models.dataset_events import read_events, seconds_by_step
from models.dataset_rows import is_finished, keys_of, read_rows, row_of, sidecar_of
from models.pair_records import members_of_record
from tests.bootstrap.made_dataset import FAILED, KEPT, REJECTED, finished, members, unfinished


def test_a_dataset_in_the_making_has_the_rows_of_sealed_units_and_of_records(tmp_path):
    folder = unfinished(tmp_path / "pairs")
    found = read_rows(str(folder))
    assert not found.finished and found.planned == 9
    assert [row["key"] for row in found.rows] == [KEPT[0], FAILED, *KEPT[1:], REJECTED]
    records = {row["key"]: row.get("record") for row in found.rows}
    assert records[KEPT[0]] is None and records[KEPT[1]] == f"work/made/000001/{KEPT[1]}.tar"
    assert members_of_record(str(folder / records[KEPT[1]])) == members(KEPT[1], "it moves")


def test_keys_single_rows_and_columns_are_read_without_the_rest(tmp_path):
    whole, making = str(finished(tmp_path / "pairs")), str(unfinished(tmp_path / "other"))
    assert is_finished(whole) and not is_finished(making)
    for folder in (whole, making):
        rows = {row["key"]: row for row in read_rows(folder).rows}
        assert sorted(keys_of(folder)) == sorted(rows) and {key: row_of(folder, key) for key in rows} == rows
        assert row_of(folder, "nobody") is None
        chosen = read_rows(folder, ("key", "status")).rows
        assert [row["status"] for row in chosen] == [row["status"] for row in rows.values()] and "verdicts" not in chosen[0]


def test_a_finished_one_has_those_of_its_manifest(tmp_path):
    found = read_rows(str(finished(tmp_path / "pairs")))
    assert found.finished and found.planned == 5 and [row["key"] for row in found.rows] == [*KEPT, REJECTED, FAILED]


def test_what_is_cut_or_gone_is_passed_over(tmp_path):
    folder = unfinished(tmp_path / "pairs")
    whole = sorted((folder / "work/made/000001").glob("*.tar"))
    whole[0].write_bytes(whole[0].read_bytes()[:700])
    (folder / "work/made/000001/.draft.tar.tmp").write_bytes(b"x")
    assert len(read_rows(str(folder)).rows) == 4
    with pytest.raises(ValueError, match="not a readable record"):
        members_of_record(str(whole[0]))


def test_a_damaged_sidecar_and_a_folder_of_something_else_are_named(tmp_path):
    folder = unfinished(tmp_path / "pairs")
    (folder / "shard-000000.parquet").write_bytes(b"garbage")
    with pytest.raises(ValueError, match="shard-000000.parquet: unreadable"):
        read_rows(str(folder))
    with pytest.raises(ValueError, match="expected a folder that synthesize writes"):
        read_rows(str(tmp_path))


def test_the_sidecar_of_a_part_is_that_of_its_unit():
    for shard in ("shard-000012.tar", "shard-000012_3.tar", "rejected/shard-000012.tar"):
        assert sidecar_of(shard) == "shard-000012.parquet"


def test_the_diary_is_read_up_to_where_it_was_cut(tmp_path):
    events = read_events(str(unfinished(tmp_path / "pairs")))
    assert len(events) == 5 and seconds_by_step(events) == {"sources": 0.25, "teacher": 2.0, "filters": 0.75}
    assert read_events(str(tmp_path / "nowhere")) == []
