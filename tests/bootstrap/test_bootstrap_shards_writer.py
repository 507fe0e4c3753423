"""Fragments and streaming writes: the bytes of tarfile, places that hold, sums that match."""

import hashlib
import io
import tarfile

import pytest

from bootstrap.shards.writer import ShardWriter, ending, fragment, member, members_of, pack
from models.shards import LIMITS_B, MEMBERS


def samples(count=12):
    return [(f"k{'x' * n}-{n}", {name: bytes([n]) * (n * n * 37 + place * n) for place, name in enumerate(MEMBERS)}) for n in range(count)]


def by_tarfile(found):
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for key, members in found:
            for name in MEMBERS:
                header = tarfile.TarInfo(f"{key}.{name}")
                header.size, header.mode = len(members[name]), 0o644
                tar.addfile(header, io.BytesIO(members[name]))
    return sink.getvalue()


@pytest.mark.parametrize("count", [0, 1, 12])
def test_a_shard_is_what_tarfile_writes(count):
    assert pack(samples(count)) == by_tarfile(samples(count))


def test_samples_and_fragments_make_the_same_shard_and_say_where_they_lie():
    whole = io.BytesIO(), io.BytesIO()
    one, other = ShardWriter(whole[0]), ShardWriter(whole[1], checksum=False)
    spans = [one.add(key, members) for key, members in samples()]
    assert spans == [other.add_fragment(key, memoryview(fragment(key, members))) for key, members in samples()]
    facts, data = one.close(), whole[0].getvalue()
    assert (facts.bytes, facts.sha256) == (len(data), hashlib.sha256(data).hexdigest()) and other.close().sha256 == ""
    assert data == whole[1].getvalue() == pack(samples())
    for (_, members), found in zip(samples(), spans):
        assert [data[at : at + size] for at, size in found] == [members[name] for name in MEMBERS]


def test_a_record_is_a_fragment_with_a_last_member():
    key, members = samples()[5]
    data = fragment(key, members) + member(f"{key}.row.json", b"{}")
    data += ending(len(data))
    found = {name: data[at : at + size] for name, at, size in members_of(data)}
    assert found == {f"{key}.{name}": members[name] for name in MEMBERS} | {f"{key}.row.json": b"{}"}
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        assert tar.getnames() == list(found)


def _changed(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


@pytest.mark.parametrize(
    "spoil",
    [
        lambda data: data[:-512],
        lambda data: data + bytes(512),
        lambda data: data + member("k.row.json", b"x"),
        lambda data: _changed(data, 0),
        lambda data: _changed(data, 130),
        lambda data: _changed(data, 300),
        lambda data: b"",
    ],
)
def test_a_foreign_or_cut_fragment_is_refused_and_nothing_is_written(spoil):
    sink = io.BytesIO()
    key, members = samples()[3]
    with pytest.raises(ValueError, match="expected"):
        ShardWriter(sink).add_fragment(key, spoil(fragment(key, members)))
    assert sink.getvalue() == b""


def test_a_member_that_readers_would_refuse_is_not_written(monkeypatch):
    monkeypatch.setitem(LIMITS_B, "json", 10)
    with pytest.raises(ValueError, match="sample k: json: bytes: got 11, expected <= 10"):
        fragment("k", {**dict.fromkeys(MEMBERS, b""), "json": bytes(11)})
