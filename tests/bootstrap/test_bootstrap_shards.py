"""Shards: bytes, interchange with webdataset, damage."""

import io
import json
import tarfile

import numpy as np
import pytest

from bootstrap.rows import SCHEMA
from bootstrap.shards.decoding import decode
from bootstrap.shards.reader import read_examples, read_samples, shards_of
from bootstrap.shards.validate import sample_problems, validate_dataset
from models.artifacts import sha256, sha256_file, write_json, write_parquet
from models.images import encode_image
from models.shards import MEMBERS, DamagedShard
from models.storage import delete, write_bytes
from models.video import encode_video, read_video
from tests.bootstrap.factory_fakes import moving_square
from tests.bootstrap.shard_fakes import pack, write_shard


def _members(level: int = 40) -> dict[str, bytes]:
    target = encode_video(moving_square((220, 60, 30), level, frames=4))
    return {
        "driver.mp4": encode_video(moving_square((20, 60, 230), 200, frames=4)),
        "json": json.dumps({"prompt": f"a square on {level}"}).encode(),
        "reference.png": encode_image(read_video(target).frames[0]),
        "target.mp4": target,
    }


@pytest.fixture(scope="module")
def samples():
    return [(f"key{n}", _members(40 + n)) for n in range(3)]


def test_headers_hold_no_time_and_no_owner(tmp_path, samples):
    write_shard(tmp_path / "s.tar", samples)
    with tarfile.open(tmp_path / "s.tar") as tar:
        headers = tar.getmembers()
    assert {(h.mtime, h.uid, h.gid, h.uname, h.gname) for h in headers} == {(0, 0, 0, "", "")}
    assert [h.name for h in headers] == [f"{key}.{name}" for key, _ in samples for name in MEMBERS]
    assert pack(samples) == (tmp_path / "s.tar").read_bytes()


def test_examples_come_back_in_order(tmp_path, samples):
    write_shard(tmp_path / "shard-000000.tar", samples[:2])
    write_shard(tmp_path / "shard-000001.tar", samples[2:])
    examples = list(read_examples([tmp_path / "shard-000000.tar", tmp_path / "shard-000001.tar"]))
    assert [example.id for example in examples] == ["key0", "key1", "key2"]
    assert all(np.array_equal(example.reference, example.target.frames[0]) for example in examples)
    assert examples[1].prompt == "a square on 41" and len(examples[0].driver) == 4


def test_webdataset_reads_the_same_bytes(tmp_path, samples):
    webdataset = pytest.importorskip("webdataset")
    write_shard(tmp_path / "s.tar", samples)
    read = list(webdataset.WebDataset(str(tmp_path / "s.tar"), shardshuffle=False))
    assert [sample["__key__"] for sample in read] == ["key0", "key1", "key2"]
    assert all(sample[name] == members[name] for sample, (_, members) in zip(read, samples) for name in MEMBERS)


@pytest.mark.parametrize("bad", ["with.dot", "", "a/b", "key0"])
def test_bad_and_repeated_keys_are_refused(samples, bad):
    with pytest.raises(ValueError, match="sample: key"):
        pack([*samples, (bad, samples[0][1])])


def test_other_members_are_refused(samples):
    with pytest.raises(ValueError, match="members"):
        pack([("k", {**samples[0][1], "evil.pkl": b"x"})])


def test_a_broken_member_names_shard_and_key_and_costs_one_sample(tmp_path, samples):
    path = tmp_path / "s.tar"
    write_shard(path, [samples[0], ("bad", {**samples[1][1], "driver.mp4": b"junk"}), samples[2]])
    with pytest.raises(DamagedShard, match=r"s\.tar: sample bad: driver\.mp4"):
        list(read_examples(path))
    damage: list[Exception] = []
    assert [example.id for example in read_examples(path, on_damage=damage.append)] == ["key0", "key2"] and len(damage) == 1


@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_a_cut_shard_is_reported_wherever_it_was_cut(tmp_path, samples, share):
    path, data = tmp_path / "s.tar", pack(samples)
    path.write_bytes(data[: int(len(data.rstrip(b"\0")) * share)])
    damage: list[Exception] = []
    read = [example.id for example in read_examples(path, on_damage=damage.append)]
    assert read == [f"key{n}" for n in range(len(read))] and len(read) < 3 and damage and "s.tar" in str(damage[0])


def test_a_shard_cut_between_samples_is_reported(tmp_path, samples):
    path, two = tmp_path / "s.tar", len(pack(samples[:2]).rstrip(b"\0"))
    path.write_bytes(pack(samples)[: (two + 511) // 512 * 512])
    with pytest.raises(DamagedShard, match="cut"):
        list(read_samples(path))


@pytest.mark.parametrize("fill", [b"\0", b"\xff"])
def test_a_broken_header_is_no_end_of_a_shard(tmp_path, samples, fill):
    path, data = tmp_path / "s.tar", bytearray(pack(samples))
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        at = tar.getmember("key1.driver.mp4").offset
    data[at : at + 512] = fill * 512
    path.write_bytes(data)
    damage: list[Exception] = []
    assert [key for key, _, _ in read_samples(path, on_damage=damage.append)] == ["key0"]
    assert [type(error) for error in damage] == [DamagedShard] and "broken header after sample key0" in str(damage[0])


def test_a_member_that_differs_from_its_card_is_damage(tmp_path, samples):
    card = json.dumps({"prompt": "", "members_sha256": {"driver.mp4": sha256(samples[0][1]["driver.mp4"]), "target.mp4": "0" * 64}})
    write_shard(tmp_path / "s.tar", [("k", {**samples[0][1], "json": card.encode()})])
    with pytest.raises(DamagedShard, match=r"s\.tar: sample k: target\.mp4: sha256 differs from its card"):
        list(read_examples(tmp_path / "s.tar"))


@pytest.mark.parametrize(
    ("card", "prompt"),
    [
        ({"prompt": "own", "guidance": {"prompt": "made"}}, "own"),
        ({"prompt": "", "guidance": {"prompt": "made"}}, "made"),
        ({"guidance": {"prompt": "made"}}, "made"),
        ({"prompt": "", "guidance": {"model": "m"}}, ""),
        ({"prompt": "", "guidance": "made"}, ""),
        ([], ""),
    ],
)
def test_the_guidance_prompts_where_the_sample_does_not(samples, card, prompt):
    assert decode("k", {**samples[0][1], "json": json.dumps(card).encode()}).prompt == prompt


def test_a_pickle_is_never_opened(tmp_path, samples):
    path = tmp_path / "s.tar"
    with tarfile.open(path, "w") as tar:
        info = tarfile.TarInfo("k.evil.pkl")
        tar.addfile(info)
    with pytest.raises(DamagedShard, match="members: got .*evil.pkl"):
        list(read_examples(path))


@pytest.mark.parametrize(("content", "said"), [("[]", "got a list as the whole"), ("{}", "teacher: got NoneType"), ("{", "not valid JSON")])
def test_a_damaged_record_is_named(tmp_path, content, said):
    (tmp_path / "run.json").write_text(content)
    (tmp_path / "manifest.parquet").write_bytes(b"PAR1")
    with pytest.raises(ValueError, match=f"run.json.*{said}"):
        shards_of(tmp_path)
    (problem,) = validate_dataset(tmp_path)
    assert "run.json" in problem and said in problem


@pytest.mark.parametrize("card", [b"[]", b"{}", b'{"members_sha256": []}', b"{"])
def test_a_damaged_card_is_a_problem_of_its_sample(samples, card):
    (problem,) = sample_problems("key0", {**samples[0][1], "json": card})
    assert problem


def _dataset(place: str, cards: list[dict]) -> None:
    """A finished dataset of one sample a card, as far as `validate` looks."""
    samples = []
    for number, card in enumerate(cards):
        members = _members(40 + number)
        hashes = {name: sha256(data) for name, data in members.items() if name != "json"}
        samples.append((f"key{number}", {**members, "json": json.dumps({**card, "members_sha256": hashes}).encode()}))
    shard = write_shard(f"{place}/shard-000000.tar", samples)
    rows = [{"key": key, "status": "kept", "shard": "shard-000000.tar"} for key, _ in samples]
    write_parquet(f"{place}/manifest.parquet", rows, SCHEMA)
    record = {"teacher": {"name": "t", "weights_hash": ""}, "filter_metrics": [], "shards": {"shard-000000.tar": sha256(shard)}}
    write_json(f"{place}/run.json", record | {"manifest_sha256": sha256_file(f"{place}/manifest.parquet")})


@pytest.mark.parametrize("place", ["local", "memory"])
def test_a_dataset_is_validated_wherever_it_lies(tmp_path, place):
    place = str(tmp_path) if place == "local" else f"memory://{tmp_path.name}"
    _dataset(place, [{"notes": ["a", "b"], "fps": 8}, {"notes": ["c"], "fps": 8.5}])
    assert validate_dataset(place) == []
    write_bytes(f"{place}/shard-000007.tar", b"")
    delete(f"{place}/shard-000000.tar")
    problems = validate_dataset(place)
    assert len(problems) == 4 and "shard-000007.tar: got a shard" in problems[1] and "key1" in problems[3]


@pytest.mark.parametrize("other", [{"notes": []}, {"notes": None}, {"notes": "a"}, {}, {"notes": ["a"], "more": 1}, {"notes": [{"a": 1}]}])
def test_cards_of_other_fields_or_types_are_a_problem(tmp_path, other):
    _dataset(str(tmp_path), [{"notes": ["a"]}, other])
    (problem,) = validate_dataset(tmp_path)
    assert "sample key1: json: got fields of other types than sample key0" in problem


def test_an_unfinished_dataset_is_refused(tmp_path):
    with pytest.raises(ValueError, match="run.json: got missing.*continues"):
        shards_of(tmp_path)
