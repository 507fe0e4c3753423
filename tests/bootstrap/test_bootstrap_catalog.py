"""The catalog: remembers what has not changed, survives kills, company and damage, and is never needed."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
from pathlib import Path

import pytest

from awbench.media.listing import Entry
from bootstrap.sources import catalog as module
from bootstrap.sources.catalog import Catalog
from bootstrap.sources.facts import ClipFacts, Unread
from models.storage import FileFacts


def entry(name: str, size_b: int = 1, mark: str = "m") -> Entry:
    return Entry(id=name, location=f"/{name}", kind="clip", facts=FileFacts(size_b=size_b, mark=mark))


def record(number: int = 0) -> ClipFacts:
    return ClipFacts(sha256=f"{number:064d}", size=(4, 2), frames=3, fps=8.0, end_s=1.0, motion=b"\0\1", notes=("ä",))


def test_what_has_not_changed_is_known_and_nothing_else_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "new" / "catalog.sqlite"
    Catalog(path).put([(entry("a"), record(1)), (entry("b"), record(2)), (entry("no mark", mark=""), record(3))], "clip")
    again = Catalog(path)
    assert again.known([entry("a"), entry("b"), entry("c"), entry("no mark", mark="")], "clip") == {"/a": record(1), "/b": record(2)}
    assert again.known([entry("a", size_b=2), entry("b", mark="n")], "clip") == {} == again.known([entry("a")], "image")
    again.put([(entry("a", mark="n"), record(4))], "clip")
    assert again.known([entry("a", mark="n")], "clip") == {"/a": record(4)} and again.known([entry("a")], "clip") == {}
    monkeypatch.setattr(module, "INSPECTION_VERSION", "another")
    assert again.known([entry("b")], "clip") == {} and again.notes == []


def test_what_may_pass_is_not_remembered_and_what_nobody_wrote_is_not_known(tmp_path: Path) -> None:
    catalog = Catalog(tmp_path / "c")
    catalog.put([(entry("away"), Unread(reason="away", transient=True)), (entry("bad"), Unread(reason="no video"))], "clip")
    catalog.put([(entry("odd"), record())], "clip")
    with sqlite3.connect(tmp_path / "c") as db:
        db.execute('UPDATE facts SET record = \'{"kind": "clip", "sha": 1}\' WHERE location = \'/odd\'')
    assert catalog.known([entry("away"), entry("bad"), entry("odd")], "clip") == {"/bad": Unread(reason="no video")}


def test_a_signature_in_a_url_is_not_written(tmp_path: Path) -> None:
    signed = Entry(id="a", location="https://h/a.mp4?Signature=secret", kind="clip", facts=FileFacts(size_b=1, mark="m"))
    Catalog(tmp_path / "c").put([(signed, record())], "clip")
    assert Catalog(tmp_path / "c").known([signed], "clip") == {signed.location: record()}
    assert b"secret" not in (tmp_path / "c").read_bytes()


@pytest.mark.parametrize("damage", [b"no database at all" * 500, None])
def test_a_damaged_catalog_is_begun_anew_and_said(tmp_path: Path, damage: bytes | None) -> None:
    path = tmp_path / "catalog.sqlite"
    Catalog(path).put([(entry(str(number)), record(number)) for number in range(500)], "clip")
    whole = path.read_bytes()
    path.write_bytes(damage or whole[:5000] + b"\xff" * (len(whole) - 5000))
    hurt = Catalog(path)
    assert hurt.known([entry("1"), entry("499")], "clip") == {}
    assert "damaged" in hurt.notes[0] and "anew" in hurt.notes[0]
    hurt.put([(entry("1"), record(1))], "clip")
    assert Catalog(path).known([entry("1")], "clip") == {"/1": record(1)}


@pytest.mark.parametrize("error", ["locking protocol", "disk I/O error", "database or disk is full"])
def test_where_it_cannot_be_kept_everything_works_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: str) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError(error)

    monkeypatch.setattr(module.sqlite3, "connect", refuse)
    catalog = Catalog(tmp_path / "catalog.sqlite")
    catalog.put([(entry("a"), record())], "clip")
    assert catalog.known([entry("a")], "clip") == {} and len(catalog.notes) == 1
    assert error in catalog.notes[0] and "without it" in catalog.notes[0]


def test_a_folder_that_cannot_be_made_costs_the_memory_only(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    catalog = Catalog(tmp_path / "file" / "catalog.sqlite")
    assert catalog.known([entry("a")], "clip") == {} and len(catalog.notes) == 1


def _put_for_ever(path: Path, first: int, told) -> None:
    catalog = Catalog(path)
    for number in range(first, first + 100_000):
        catalog.put([(entry(str(number)), record(number))], "clip")
        told.put(number)


def test_two_processes_and_a_kill_lose_nothing_that_was_put(tmp_path: Path) -> None:
    context, path = multiprocessing.get_context("fork"), tmp_path / "catalog.sqlite"
    queues = [context.Queue(), context.Queue()]
    workers = [context.Process(target=_put_for_ever, args=(path, 1_000_000 * i, queue)) for i, queue in enumerate(queues)]
    for worker in workers:
        worker.start()
    put = [queue.get(timeout=60) for queue in queues for _ in range(5)]
    for worker in workers:
        os.kill(worker.pid, signal.SIGKILL)
        worker.join()
    after = Catalog(path)
    known = after.known([entry(str(number)) for number in put], "clip")
    assert known == {f"/{number}": record(number) for number in put} and after.notes == []


def test_what_other_decoders_could_not_read_is_looked_at_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Catalog(tmp_path / "c").put([(entry("bad"), Unread(reason="no video")), (entry("good"), record())], "clip")
    monkeypatch.setattr(module, "_decoders", lambda: "av 99")
    assert Catalog(tmp_path / "c").known([entry("bad"), entry("good")], "clip") == {"/good": record()}
