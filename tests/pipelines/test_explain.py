"""`explain`: everything a dataset knows of one pair."""

import json

import pytest

from models.artifacts import sha256
from pipelines.cli import main
from tests.bootstrap.made_dataset import FAILED, KEPT, REJECTED, finished, key_hash, members, unfinished


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return finished(tmp_path_factory.mktemp("explain") / "pairs")


@pytest.fixture(scope="module")
def making(tmp_path_factory):
    return unfinished(tmp_path_factory.mktemp("explain") / "pairs")


def explain(capsys, folder, key, *more, status=0):
    assert main(["explain", key, "--data", str(folder), *more]) == status
    said = capsys.readouterr()
    return said.err if status else said.out


def test_a_kept_pair_is_told_from_its_parents_to_its_bytes(whole, capsys):
    text = explain(capsys, whole, KEPT[0])
    parts = [f"{KEPT[0]}  kept", "clip1.mp4, sha256 " + key_hash("clip1"), "1.500 to 2.125 s, 32x32 px at 4, 0 of 64x32", "licence: CC0"]
    parts += ["who.png, sha256 " + key_hash("who"), f"weights {'ab' * 32}", "seed 1", "32x32 px, 6 frames at 8 fps; seed of the run 7"]
    parts += ["A knight waves.", "moving 2.5 (threshold 0.5): passed", "actorforge 0.1.0", "shard-000000.tar, bytes 512 to ", "crf 4"]
    parts += ["attempt 1, host a, sources 0.25 s, teacher 2 s", f"--data {whole} --remake <FOLDER>", "consent: signed"]
    assert [part for part in parts if part not in text] == []


def test_the_span_and_hash_of_every_member_are_its_own(whole, capsys):
    told = json.loads(explain(capsys, whole, KEPT[1], "--json"))
    shard = (whole / told["row"]["shard"]).read_bytes()
    for name, data in members(KEPT[1], "NA").items():
        at, size = told["spans"][name]
        assert shard[at : at + size] == data and told["card"]["members_sha256"].get(name, sha256(data)) == sha256(data)


def test_failed_and_rejected_pairs_say_why(whole, making, capsys):
    for folder in (whole, making):
        assert "failed: teacher: out of luck" in explain(capsys, folder, FAILED)
        text = explain(capsys, folder, REJECTED)
        assert "rejected: moving: 0.1 < 0.5" in text and "moving 0.1 (threshold 0.5): moving: 0.1 < 0.5" in text
    assert "none is stored" in explain(capsys, whole, REJECTED) and "not in a shard yet" in explain(capsys, making, REJECTED)


def test_a_pair_in_the_making_has_its_card_and_parents(making, capsys):
    text = explain(capsys, making, KEPT[2])
    assert "it moves" in text and f"work/made/000001/{KEPT[2]}.tar, not in a shard yet" in text and "licence: CC0" in text


def test_the_beginning_of_a_key_is_enough_and_others_are_told_the_nearest(whole, capsys):
    assert explain(capsys, whole, KEPT[0][:4]).startswith(KEPT[0])
    assert f"expected one of 5 keys, such as {KEPT[0]}" in explain(capsys, whole, KEPT[0][:-1] + "7", status=2)
    assert "got 'zzz', expected one of 5 keys" in explain(capsys, whole, "zzz", status=2)
    assert "expected a folder that synthesize writes" in explain(capsys, whole.parent, KEPT[0], status=2)


def test_a_dataset_without_sidecars_is_walked(whole, tmp_path, capsys):
    import shutil

    folder = shutil.copytree(whole, tmp_path / "pairs")
    (folder / "shard-000000.parquet").unlink()
    assert explain(capsys, folder, KEPT[1]).replace(str(folder), "") == explain(capsys, whole, KEPT[1]).replace(str(whole), "")


def test_sources_without_a_folder_to_remake_in_are_refused(whole, capsys):
    assert "--remake: got none" in explain(capsys, whole, KEPT[0], "--driving", "x", status=2)
