"""A real S3 API on loopback that stumbles: what is written is whole or not there, what is read is right, and no secret is told."""

from __future__ import annotations

import threading

import pytest

from awbench.media.listing import list_media
from models import retries, storage
from tests.models.faulty_s3 import BUCKET, faulty_s3

DATA = bytes(range(256)) * 600
HERE = f"s3://{BUCKET}"


@pytest.fixture(scope="module")
def store():
    with faulty_s3() as found:
        yield found


@pytest.fixture(autouse=True)
def calm(store):
    store.faults.clear()
    store.hits, store.method = 0, "PUT"


def test_a_bucket_is_a_folder(store) -> None:
    storage.write_bytes(f"{HERE}/walk/sub/a.bin", DATA)
    storage.write_bytes(f"{HERE}/walk/.hidden", b"x")
    ((name, facts),) = storage.walk(f"{HERE}/walk")
    assert (name, facts.size_b, facts.fault) == ("sub/a.bin", len(DATA), "") and storage.facts_of(f"{HERE}/walk/sub/a.bin") == facts
    storage.write_bytes(f"{HERE}/walk/sub/a.bin", DATA[::-1])
    assert storage.facts_of(f"{HERE}/walk/sub/a.bin").mark != facts.mark  # same length, other bytes
    assert storage.is_folder(f"{HERE}/walk") and not storage.exists(f"{HERE}/nowhere") and not storage.is_folder(f"{HERE}/nowhere")
    storage.delete(f"{HERE}/walk/sub/a.bin")
    storage.delete(f"{HERE}/walk/sub/a.bin")
    assert list(storage.walk(f"{HERE}/walk")) == []


@pytest.mark.parametrize("faults", [["503"] * 3, ["drop"] * 2, ["half"] * 2, ["slow"], ["lost"], ["503", "half", "lost", "drop", "slow"]])
def test_uploads_through_trouble_show_no_part_of_an_object(store, faults: list[str]) -> None:
    name, seen, done = f"{HERE}/up/{'-'.join(faults)}.bin", [], threading.Event()

    def watch() -> None:
        while not done.is_set():
            seen.extend(facts.size_b for found, facts in storage.walk(f"{HERE}/up") if name.endswith(found))

    watcher = threading.Thread(target=watch)
    watcher.start()
    store.faults.extend(faults)
    try:
        storage.write_bytes(name, DATA)
    finally:
        done.set()
        watcher.join()
    assert store.hits == len(faults) and set(seen) <= {len(DATA)}
    assert storage.read_bytes(name) == DATA


@pytest.mark.parametrize("fault", ["503", "half"])
def test_an_upload_that_never_comes_through_leaves_nothing(store, monkeypatch: pytest.MonkeyPatch, fault: str) -> None:
    monkeypatch.setattr(retries, "PATIENCE_S", 0.1)
    store.faults.extend([fault] * 60)
    with pytest.raises(OSError) as caught:
        storage.write_bytes(f"{HERE}/never/{fault}", DATA)
    assert retries.is_transient(caught.value) and store.hits > 1
    store.faults.clear()
    assert not storage.exists(f"{HERE}/never/{fault}")
    storage.write_bytes(f"{HERE}/never/{fault}", b"old")
    store.faults.extend([fault] * 60)
    with pytest.raises(OSError):
        storage.write_bytes(f"{HERE}/never/{fault}", DATA)
    store.faults.clear()
    assert storage.read_bytes(f"{HERE}/never/{fault}") == b"old"


@pytest.mark.parametrize("faults", [["503"] * 3, ["drop"] * 2, ["cut"] * 2, ["slow"], ["cut", "503", "drop"]])
def test_reads_through_trouble_are_right(store, faults: list[str]) -> None:
    storage.write_bytes(f"{HERE}/read.bin", DATA)
    store.method = "GET"
    store.faults.extend(faults)
    with storage.open_read(f"{HERE}/read.bin", block_b=1000) as file:
        assert (file.seek(4000), file.read(7)) == (4000, DATA[4000:4007])
        assert (file.seek(-5, 2), file.read()) == (len(DATA) - 5, DATA[-5:])
    assert storage.read_range(f"{HERE}/read.bin", 100, 5000) == DATA[100:5000] and storage.read_bytes(f"{HERE}/read.bin") == DATA


def test_a_whole_object_is_one_request_and_a_look_at_its_end_two(store) -> None:
    storage.write_bytes(f"{HERE}/few.bin", DATA)
    store.method = "GET"
    store.faults.extend([""] * 50)
    assert storage.read_bytes(f"{HERE}/few.bin") == DATA and store.hits == 1
    with storage.open_read(f"{HERE}/few.bin", block_b=1 << 16) as file:
        assert file.read(100) == DATA[:100] and file.read(1000) == DATA[100:1100]
        assert (file.seek(-200, 2), file.read(100)) == (len(DATA) - 200, DATA[-200:-100])
    assert store.hits == 3


def test_many_parts_are_one_object_or_none(store, monkeypatch: pytest.MonkeyPatch) -> None:
    fs = storage.remote.file_system(HERE)[0]
    data, part_b = DATA * 21, 5 << 20  # two parts and a rest
    store.faults.extend(["", "503", "half"])
    fs.pipe_file(f"{BUCKET}/parts", data, chunksize=part_b)
    assert storage.read_bytes(f"{HERE}/parts") == data
    store.faults.extend(["503"] * 8)
    with pytest.raises(OSError):
        fs.pipe_file(f"{BUCKET}/broken", data, chunksize=part_b)
    store.faults.clear()
    assert not storage.exists(f"{HERE}/broken") and fs.list_multipart_uploads(BUCKET) == []


def test_refusals_name_the_place_and_tell_no_secret(store, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FileNotFoundError, match=f"{HERE}/missing"):
        storage.read_bytes(f"{HERE}/missing")
    with pytest.raises(OSError, match="s3://no-such-bucket/a"):
        storage.write_bytes("s3://no-such-bucket/a", DATA)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    type(storage.remote.file_system(HERE)[0]).clear_instance_cache()
    with pytest.raises(PermissionError, match=f"{HERE}/private"):
        storage.write_bytes(f"{HERE}/private", DATA)
    type(storage.remote.file_system(HERE)[0]).clear_instance_cache()


def test_an_object_with_the_name_of_a_folder_hides_nothing(store) -> None:
    for name in ("clips", "clips/a.mp4", "clips/sub/b.mp4"):
        storage.write_bytes(f"{HERE}/twice/{name}", b"x")
    for given, ids in (("clips/", ["a.mp4", "sub/b.mp4"]), ("clips/*.mp4", ["a.mp4"]), ("*/sub/*", ["clips/sub/b.mp4"])):
        assert [entry.id for entry in list_media([f"{HERE}/twice/{given}"], "clip").entries] == ids
