"""Storage: one road to local files and URLs, whole or not at all, patient with what passes."""

from __future__ import annotations

import errno
import os
import threading
import time
from pathlib import Path

import pytest

from models import retries, storage
from models.retries import is_transient


def test_locations_are_paths_or_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert storage.resolve("a/../b") == str(tmp_path / "b") == storage.resolve(f"file://{tmp_path}/b")
    assert storage.resolve("memory://x/y/") == "memory://x/y" and storage.join("memory://x", "y", "z") == "memory://x/y/z"
    assert storage.is_url("s3://b/k") and not storage.is_url("file:///b") and not storage.is_url(tmp_path / "a://b")
    assert storage.name_of("https://me:secret@host/a/b.mp4?Signature=secret") == "b.mp4"
    assert "secret" not in storage.redacted("https://me:secret@host/a/b.mp4?Signature=secret")


@pytest.mark.parametrize(
    ("location", "said"), [("s3:/bucket/a", "two slashes"), ("nothing://x", "nothing"), ("zip://a::memory://b", "chained"), (" ", "a path")]
)
def test_what_is_no_location_is_refused(location: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        storage.resolve(location)


@pytest.mark.parametrize("place", ["local", "memory"])
def test_every_storage_gives_back_what_it_was_given(tmp_path: Path, place: str) -> None:
    base = str(tmp_path / "new") if place == "local" else f"memory://{tmp_path.name}"
    data, name = bytes(range(256)) * 9, storage.join(base, "sub", "a.bin")
    assert not storage.exists(name)
    storage.write_bytes(name, data)
    storage.write_bytes(storage.join(base, ".hidden"), b"")
    assert storage.read_bytes(name) == data and storage.read_range(name, 5, 9) == data[5:9]
    with storage.open_read(name, block_b=100) as file:
        assert (file.seek(-3, os.SEEK_END), file.read()) == (len(data) - 3, data[-3:])
        assert (file.seek(700), file.read(300), file.tell()) == (700, data[700:1000], 1000)
    assert [(found, facts.size_b, facts.fault) for found, facts in storage.walk(base)] == [("sub/a.bin", len(data), "")]
    before = storage.facts_of(name).mark
    time.sleep(0.01)
    storage.write_bytes(name, data[::-1])
    assert storage.facts_of(name).mark != before != ""
    assert storage.exists(name) and storage.is_folder(base) and not storage.is_folder(name)
    storage.delete(name)
    storage.delete(name)
    with pytest.raises(FileNotFoundError):
        storage.read_bytes(name)


@pytest.mark.parametrize("place", ["local", "memory"])
def test_published_is_whole_or_nothing(tmp_path: Path, place: str) -> None:
    name = str(tmp_path / "a.bin") if place == "local" else f"memory://{tmp_path.name}/a.bin"
    with pytest.raises(RuntimeError), storage.publish(name) as draft:
        draft.write_bytes(b"half")
        raise RuntimeError("interrupted")
    assert not storage.exists(name)
    with storage.publish(name) as draft:
        draft.write_bytes(b"whole")
    assert storage.read_bytes(name) == b"whole" and [each for each in os.listdir(tmp_path) if each != "a.bin"] == []


def test_pipes_and_devices_are_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (str(tmp_path / "pipe"), "/dev/zero", str(tmp_path)):
        with pytest.raises(OSError, match="not a regular file"):
            storage.open_read(path)
        assert storage.facts_of(path).fault


def test_a_folder_that_vanishes_for_a_moment_costs_a_wait(tmp_path: Path) -> None:
    folder, away = tmp_path / "mount", tmp_path / "away"
    storage.write_bytes(folder / "a", b"data")
    folder.rename(away)
    timer = threading.Timer(0.3, lambda: away.rename(folder))
    timer.start()
    assert storage.read_bytes(str(folder / "a")) == b"data"
    timer.join()


def test_what_is_gone_for_good_is_waited_for_once_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "PATIENCE_S", 0.2)
    slept: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", slept.append)
    with pytest.raises(FileNotFoundError):
        storage.read_bytes(str(tmp_path / "not here"))
    assert slept == []  # its folder is there: the file is missing
    for _ in range(2):
        before = len(slept)
        with pytest.raises(FileNotFoundError):
            storage.read_bytes(str(tmp_path / "gone" / "a"))
    assert before > 0 and len(slept) == before  # the second file of a lost folder costs no wait


@pytest.mark.parametrize("number", [errno.ESTALE, errno.EIO, errno.ECONNRESET])
def test_a_read_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    storage.write_bytes(tmp_path / "a", b"data")
    stumbles = iter([OSError(number, "stumbles"), TimeoutError()])
    honest = os.stat
    monkeypatch.setattr("models.local_files.os.stat", lambda path: stumble(stumbles) or honest(path))
    assert storage.read_bytes(str(tmp_path / "a")) == b"data"


def stumble(errors) -> None:
    for error in errors:
        raise error


def test_transient_is_what_passes_by_itself() -> None:
    def answered(status: int) -> Exception:
        error = Exception("ClientError")
        error.response = {"ResponseMetadata": {"HTTPStatusCode": status}}
        return error

    wrapped = OSError(0, "wrapped")
    wrapped.__cause__ = answered(503)
    passing = [ConnectionResetError(), TimeoutError(), OSError(errno.ESTALE, ""), answered(500), answered(429), wrapped]
    lasting = [FileNotFoundError(), PermissionError(), ValueError(), OSError(errno.ENOSPC, ""), answered(403), answered(404)]
    assert all(map(is_transient, passing)) and not any(map(is_transient, lasting))


def test_folders_that_are_missing_side_by_side_cost_one_wait_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "PATIENCE_S", 0.2)
    monkeypatch.setattr(retries, "_lost", {})
    slept: list[float] = []
    monkeypatch.setattr("tenacity.nap.time.sleep", slept.append)
    waits = []
    for name in ("gone 1/deep/a", "gone 2/a", "gone 3/a"):
        with pytest.raises(FileNotFoundError):
            storage.facts_of(str(tmp_path / name))
        waits.append(len(slept))
    assert waits[0] > 0 and waits[0] == waits[2]


def test_a_folder_that_nothing_is_wanted_of_is_not_looked_into(tmp_path: Path) -> None:
    for place in (str(tmp_path / "all"), f"memory://{tmp_path.name}/walk"):
        for name in ("a/x", "b/c/y", "z"):
            storage.write_bytes(storage.join(place, name), b"1")
        assert sorted(name for name, _ in storage.walk(place, lambda name: name == "a")) == ["a/x", "z"]
