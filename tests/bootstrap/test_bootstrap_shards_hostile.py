"""Shards and records of somebody who means harm: no code runs, nothing waits, memory stays bounded, the message names shard and key."""

from __future__ import annotations

import io
import json
import os
import pickle
import re
import socket
import struct
import subprocess
import sys
import tarfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from bootstrap.shards.examples import ShardExamples
from bootstrap.shards.reader import read_examples, shards_of
from bootstrap.shards.validate import validate_dataset
from bootstrap.shards.writer import ending, member
from models.artifacts import read_json, sha256_file, write_json
from models.shards import LIMITS_B, MEMBERS, DamagedShard
from models.types import Clip
from models.video import encode_video
from tests.bootstrap.shard_fakes import GRID, pack, sample, write_dataset

SHARD = "shard-000000.tar"


class Bomb:
    """Leaves a file behind when it is unpickled."""

    def __reduce__(self):
        return os.system, ("touch PWNED",)


def png(width: int, height: int) -> bytes:
    """A picture of so many px, of which the first row is there."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    size, rows = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0), zlib.compress(bytes(3 * width + 1))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", size) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def film(width: int, height: int, frames: int) -> bytes:
    return encode_video(Clip(frames=np.broadcast_to(np.zeros((1, 1, 1, 3), np.uint8), (frames, height, width, 3)), fps=8.0))


def tar(*members) -> bytes:
    """Members as (name, bytes), or (name, a header's other fields)."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=tarfile.GNU_FORMAT) as file:
        for name, content in members:
            header, data = tarfile.TarInfo(name), content if isinstance(content, bytes) else b""
            header.size = len(data)
            for field, value in content.items() if isinstance(content, dict) else ():
                setattr(header, field, value)
            file.addfile(header, None if isinstance(content, dict) else io.BytesIO(data))
    return sink.getvalue()


def named(key: str = "evil", **changes: object) -> list:
    """The members of a good sample under a key, some of them changed (`_` for `.`), `more` behind them."""
    _, members = sample("evil")
    more, renamed = changes.pop("more", []), {name.replace("_", "."): value for name, value in changes.items()}
    return [(f"{key}.{name}", renamed.get(name, members[name])) for name in MEMBERS] + list(more)


def card_of(**fields: object) -> bytes:
    return json.dumps(fields).encode()


NESTED = b'{"a":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
SAMPLES = {
    "pickle": (named(more=[("evil.pkl", pickle.dumps(Bomb()))]), "sample evil: members: got .*pkl"),
    "pickle for json": (named(json=pickle.dumps(Bomb())), "sample evil: json:"),
    "parent": ([("../../evil.json", b"{}")], "key: got the member '../../evil.json'"),
    "absolute": (named("/tmp/evil"), "key: got the member '/tmp/evil.driver.mp4'"),
    "link": (named(target_mp4={"type": tarfile.SYMTYPE, "linkname": "/etc/passwd"}), "sample evil: target.mp4: got a link"),
    "hard link": (named(target_mp4={"type": tarfile.LNKTYPE, "linkname": "good.target.mp4"}), "sample evil: target.mp4: got a hard link"),
    "fifo": (named(target_mp4={"type": tarfile.FIFOTYPE}), "sample evil: target.mp4: got a FIFO"),
    "device": (named(json={"type": tarfile.CHRTYPE, "devmajor": 1, "devminor": 5}), "sample evil: json: got a device"),
    "sparse": (named(target_mp4={"type": tarfile.GNUTYPE_SPARSE}), "sample evil: target.mp4: got a sparse file"),
    "4 TiB": (named(target_mp4={"size": 1 << 42}), "expected an octal number"),
    "7 GiB": (named(target_mp4={"size": 7 << 30}), "cut inside evil.target.mp4"),
    "nested": (named(json=NESTED), "sample evil: json: nested too deeply"),
    "no UTF-8": (named(json=b"\xff\xfe"), "sample evil: json:"),
    "a long number": (named(json=b'{"a": ' + b"9" * 5000 + b"}"), "sample evil: json:"),
    "member twice": (named(more=[("evil.target.mp4", b"other")]), "sample evil: members: got .*'target.mp4', 'target.mp4'"),
    "key twice": (named("other") + named("good"), "sample good: key: got it a second time"),
    "foreign target": (named(target_mp4=sample("x", 90)[1]["target.mp4"]), "sample evil: target.mp4: sha256 differs"),
    "terminal": (named("\x1b[31mevil"), r"sample \\x1b\[31mevil: key: got the member '\\x1b\[31mevil"),
    "many members": ([(f"evil.{n:06d}", b"") for n in range(20_000)], "sample evil: members: got .* and 19995 more"),
    "png bomb": (named(json=card_of(), reference_png=png(20_000, 6_000)), "sample evil: reference.png: got 20000x6000 px"),
    "mp4 bomb": (named(json=card_of(), driver_mp4=film(4096, 2160, 2)), "sample evil: driver.mp4: got 4096x2160 px"),
    "long mp4": (named(json=card_of(), driver_mp4=film(32, 32, 400)), "sample evil: driver.mp4: got more than 4 frames"),
    "html as mp4": (named(json=card_of(), driver_mp4=b"#EXTM3U\nfile:///etc/passwd\n"), "sample evil: driver.mp4: not an mp4"),
    "svg as png": (named(json=card_of(), reference_png=b"<svg>"), "sample evil: reference.png: not a png"),
}


def put(folder: Path, name: str, data: bytes) -> None:
    """A shard that run.json vouches for, without a sidecar."""
    (folder / name).write_bytes(data)
    record = read_json(folder / "run.json")
    record["shards"][name] = sha256_file(folder / name)
    write_json(folder / "run.json", record)
    (folder / name.replace(".tar", ".parquet")).unlink(missing_ok=True)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return Path(write_dataset(tmp_path / "out", [[sample("good")]], grid=GRID))


def damage_of(source) -> list[str]:
    """What training by index meets, and what reading in order meets: the same."""
    damage: list[Exception] = []
    examples = ShardExamples(source, on_damage=damage.append)
    for i in range(len(examples)):
        try:
            examples[i]
        except DamagedShard as error:
            damage.append(error)
    in_order: list[Exception] = []
    kept = [example.id for example in read_examples(source, on_damage=in_order.append)]
    assert sorted(map(str, damage)) == sorted(map(str, in_order)) and "good" in kept
    return list(map(str, damage))


@pytest.mark.parametrize("case", SAMPLES)
def test_a_hostile_sample_costs_itself_and_is_named(folder, case):
    members, said = SAMPLES[case]
    put(folder, SHARD, tar(*named("good"), *members))
    (told,) = damage_of(folder)
    assert re.search(said, told) and SHARD in told and told.isprintable() and len(told) < 600
    problems = validate_dataset(folder)
    assert any(re.search(said, problem) for problem in problems) and all(p.isprintable() and len(p) < 600 for p in problems)
    assert not list(folder.rglob("PWNED")) and not Path("PWNED").exists()


def test_keys_are_told_apart_over_several_shards(folder):
    put(folder, "shard-000001.tar", pack([sample("good", 60)]))
    (told,) = damage_of(folder)
    assert "shard-000001.tar: sample good: key: got it a second time" in told
    assert any("second time" in problem for problem in validate_dataset(folder))


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path) -> None:
    here = os.getcwd()
    os.chdir(path.parent)  # names of sockets are short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.chdir(here)


@pytest.mark.parametrize(
    "make", [_fifo, _socket, lambda path: path.symlink_to("/dev/zero"), lambda path: path.symlink_to(path), lambda path: path.mkdir()]
)
def test_what_is_no_file_is_never_opened(folder, make):
    record = read_json(folder / "run.json")
    record["shards"]["shard-000001.tar"] = "0" * 64
    write_json(folder / "run.json", record)
    make(folder / "shard-000001.tar")
    (told,) = damage_of(folder)
    assert "shard-000001.tar: not a readable tar" in told or "shard-000001.tar: got no such file" in told
    assert any("shard-000001.tar: got no" in problem for problem in validate_dataset(folder))


def test_a_fifo_that_nobody_names_is_left_alone_by_training_and_told_by_validate(folder):
    _fifo(folder / "shard-000009.tar")
    assert damage_of(folder) == []
    assert any("shard-000009.tar: got a shard, expected none" in problem for problem in validate_dataset(folder))


@pytest.mark.parametrize("name", ["pipe:touch PWNED", "|touch PWNED", "pipe:touch PWNED.tar", "$(touch PWNED).tar", "-.tar"])
def test_shard_lists_run_nothing(tmp_path, monkeypatch, name):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DamagedShard, match="not a readable tar .FileNotFoundError"):
        ShardExamples([name])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["../../../../etc/passwd", "/etc/passwd", "pipe:touch PWNED", "s3://else/a.tar", "a\x1b[31m.tar"])
def test_a_record_names_nothing_but_its_own_shards(folder, name):
    write_json(folder / "run.json", {**read_json(folder / "run.json"), "shards": {name: "0" * 64}})
    with pytest.raises(ValueError, match="run.json: shards: got .*, expected names like shard-000012.tar") as error:
        shards_of(folder)
    (problem,) = validate_dataset(folder)
    assert "root:" not in problem and problem.isprintable() and str(error.value).isprintable() and not Path("PWNED").exists()


@pytest.mark.parametrize(
    "change",
    [
        {"teacher": {}},
        {"teacher": {"name": 3, "weights_hash": ""}},
        {"config": []},
        {"config": {"grid": {"width": 1}}},
        {"config": {"grid": [1]}},
        {"shards": {SHARD: None}},
    ],
)
def test_a_record_of_other_types_is_refused_by_name(folder, change):
    write_json(folder / "run.json", {**read_json(folder / "run.json"), **change})
    with pytest.raises(ValueError, match=f"run.json: {next(iter(change))}|run.json: grid"):
        ShardExamples(folder)
    (problem,) = validate_dataset(folder)
    assert "run.json" in problem


def test_a_nested_record_and_one_that_is_no_file_are_refused(folder):
    (folder / "run.json").write_bytes(NESTED)
    with pytest.raises(ValueError, match="run.json: not valid JSON .nested too deeply"):
        ShardExamples(folder)
    assert "nested too deeply" in validate_dataset(folder)[0]
    (folder / "run.json").unlink()
    _fifo(folder / "run.json")
    with pytest.raises(ValueError, match="run.json: got not a regular file"):
        ShardExamples(folder)
    assert "not a regular file" in validate_dataset(folder)[0]


def test_memory_follows_what_is_there_and_not_what_is_declared(folder):
    """Sizes up to what the limits allow, on a disk that holds none of it; one process, so that its peak says something."""
    large = tarfile.TarInfo("evil.target.mp4")
    large.size = LIMITS_B["target.mp4"] + 512
    with open(folder / SHARD, "wb") as file:
        file.write(tar(*named("good"), *named()[:3])[: -tarfile.RECORDSIZE].rstrip(b"\0"))
        file.seek(-(-file.tell() // 512) * 512)
        file.write(large.tobuf(tarfile.USTAR_FORMAT))
        file.truncate(file.tell() + large.size + 1024)
    put(folder, "shard-000001.tar", tar(*named("png", json=card_of(), reference_png=png(11_000, 11_000))))
    put(folder, "shard-000002.tar", b"".join(member(f"many.{n:06d}", b"") for n in range(60_000)) + ending(0))
    record = read_json(folder / "run.json")
    record["shards"][SHARD] = ""
    write_json(folder / "run.json", record)
    (folder / SHARD.replace(".tar", ".parquet")).unlink(missing_ok=True)
    code = (
        "import resource, sys\n"
        "from tests.bootstrap.test_bootstrap_shards_hostile import damage_of\n"
        "from bootstrap.shards.reader import read_examples\n"
        "from bootstrap.shards.validate import _Sidecars, _sample_problems\n"
        "from bootstrap.shards.reader import opened\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "look = opened(sys.argv[1]); first = next(read_examples(sys.argv[1])); before = peak()\n"
        "told = damage_of(sys.argv[1])\n"
        "told += list(_sample_problems(look.shards, {}, _Sidecars('', []), look.grid))\n"
        "print((peak() - before) // 1024, len(told), max(map(len, told)))\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], cwd=Path(__file__).parents[2], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    grown_mb, told, longest = map(int, done.stdout.split()[-3:])
    assert grown_mb < 200 and told >= 6 and longest < 600
