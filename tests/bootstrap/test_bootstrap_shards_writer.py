"""Fragments and streaming writes: the bytes of tarfile, places that hold, sums that match."""

import hashlib
import io
import tarfile

import pytest

from bootstrap.shards.writer import ShardWriter, ending, fragment, member
from models.shards import LIMITS_B, MEMBERS
from tests.bootstrap.shard_fakes import pack


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


def test_a_shard_says_where_its_samples_lie_and_what_it_sums_to():
    whole = io.BytesIO(), io.BytesIO()
    one, other = ShardWriter(whole[0]), ShardWriter(whole[1], checksum=False)
    spans = [one.add(key, members) for key, members in samples()]
    assert spans == [other.add(key, members) for key, members in samples()]
    facts, data = one.close(), whole[0].getvalue()
    assert (facts.bytes, facts.sha256) == (len(data), hashlib.sha256(data).hexdigest()) and other.close().sha256 == ""
    assert data == whole[1].getvalue() == pack(samples())
    for (_, members), found in zip(samples(), spans):
        assert [data[at : at + size] for at, size in found] == [members[name] for name in MEMBERS]


def test_a_record_is_a_fragment_with_a_last_member():
    key, members = samples()[5]
    data = fragment(key, members) + member(f"{key}.row.json", b"{}")
    data += ending(len(data))
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        found = {header.name: tar.extractfile(header).read() for header in tar}
    assert list(found.items()) == [*((f"{key}.{name}", members[name]) for name in MEMBERS), (f"{key}.row.json", b"{}")]


def test_a_member_that_readers_would_refuse_is_not_written(monkeypatch):
    monkeypatch.setitem(LIMITS_B, "json", 10)
    with pytest.raises(ValueError, match="sample k: json: bytes: got 11, expected <= 10"):
        fragment("k", {**dict.fromkeys(MEMBERS, b""), "json": bytes(11)})
