"""Teachers that misbehave in every way cost their own pair and no other, in this process too."""

import errno
import os
import sys
import threading
import time

import numpy as np
import pyarrow.parquet as pq
import pytest

from bootstrap.shards.validate import validate_dataset
from models.artifacts import read_json
from models.types import AnimationResult, Clip
from tests.bootstrap.factory_fakes import ShiftTeacher, key_of, make_round, plan, write_sources


@pytest.fixture
def folder(tmp_path):
    write_sources(tmp_path, clips=2, identities=2)
    make_round(tmp_path, "whole")
    return tmp_path


class Mute(Exception):
    def __str__(self):
        raise SystemExit("no words")


def _answer(request, clip):
    return AnimationResult(request_id=request.id, clip=clip, animator="bad", seconds=0.0)


def _raises(error):
    def bad(request, good):
        raise error

    return bad


def _returns(change):
    return lambda request, good: change(request, good)


def _clip(frames, fps=8.0):
    return lambda request, good: _answer(request, Clip(frames=frames(good.clip.frames), fps=fps))


def _prints(request, good):
    print("x" * 100_000)
    raise RuntimeError("told enough")


def _closes(request, good):
    os.close(1)
    raise RuntimeError("closed")


FAILED = {
    "raise": _raises(RuntimeError("two\nlines \udcff")),
    "mute": _raises(Mute()),
    "exit": _raises(SystemExit(3)),
    "interrupt": _raises(KeyboardInterrupt()),
    "generator": _raises(GeneratorExit()),
    "stop": _raises(StopIteration()),
    "none": _returns(lambda request, good: None),
    "list": _returns(lambda request, good: _answer(request, list(good.clip.frames))),
    "nan": _clip(lambda frames: np.full(frames.shape, np.nan)),
    "rgba": _clip(lambda frames: np.zeros((*frames.shape[:3], 4), np.uint8)),
    "small": _clip(lambda frames: frames[:, ::2, ::2]),
    "fps": _clip(lambda frames: frames, fps=7.0),
    "prints": _prints,
    "closes": _closes,
}
REJECTED = {
    "short": _clip(lambda frames: frames[:2]),
    "long": _clip(lambda frames: frames.repeat(3, axis=0)),
    "still": _clip(lambda frames: frames[:1].repeat(len(frames), axis=0)),
    "echo": _returns(lambda request, good: _answer(request, request.driving)),
}


class Hostile(ShiftTeacher):
    """Bad to one pair, in one way."""

    def __init__(self, key, bad):
        super().__init__()
        object.__setattr__(self, "key", key)
        object.__setattr__(self, "bad", bad)

    def animate(self, request):
        good = super().animate(request)
        return self.bad(request, good) if request.id == self.key else good


def _hostile(folder, bad):
    return Hostile(key_of(plan(folder, folder / "plan"), 1), bad)


@pytest.mark.parametrize("mode", [*FAILED, *REJECTED])
def test_what_a_teacher_does_to_one_pair_costs_that_pair(folder, capfd, mode):
    teacher = _hostile(folder, {**FAILED, **REJECTED}[mode])
    outcome = make_round(folder, teacher=teacher)
    assert (outcome.kept, outcome.failed, outcome.rejected) == (3, mode in FAILED, mode in REJECTED)
    assert capfd.readouterr().out == "" and validate_dataset(folder / "out") == []
    rows = {row["key"]: row for row in pq.read_table(folder / "out" / "manifest.parquet").to_pylist()}
    assert mode in REJECTED or rows[teacher.key]["reason"].startswith("teacher: ")
    make_round(folder)
    if mode in FAILED:
        files = [path.name for path in (folder / "whole").iterdir() if path.is_file()]
        assert all((folder / "out" / name).read_bytes() == (folder / "whole" / name).read_bytes() for name in files)


def test_a_teacher_that_hangs_costs_its_pair(folder):
    outcome = make_round(folder, teacher=_hostile(folder, lambda request, good: time.sleep(60)), timeout_s=1.5)
    assert (outcome.kept, outcome.reasons) == (3, {"timed out after 1.5 s": 1})


def test_a_teacher_that_changes_its_world_changes_no_byte(folder, tmp_path_factory):
    def bad(request, good):
        os.chdir(elsewhere)
        np.random.seed(3)
        sys.setrecursionlimit(5000)
        threading.Thread(target=time.sleep, args=(0.01,)).start()
        return good

    elsewhere, here = tmp_path_factory.mktemp("elsewhere"), os.getcwd()
    try:
        make_round(folder, teacher=_hostile(folder, bad))
    finally:
        os.chdir(here)
    assert (folder / "out" / "manifest.parquet").read_bytes() == (folder / "whole" / "manifest.parquet").read_bytes()


def test_a_full_disk_ends_the_run_by_the_name_of_the_file_and_the_same_command_continues(folder, monkeypatch):
    from bootstrap import doing

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("models.local_files.os.fsync", full)
        with pytest.raises(OSError, match="No space left on device: '.*work"):
            make_round(folder)
    with monkeypatch.context() as patched:
        patched.setattr(doing, "put_away", full)
        with pytest.raises(OSError):
            make_round(folder)
    assert not (folder / "out" / "run.json").exists()
    make_round(folder)
    assert read_json(folder / "out" / "run.json") == read_json(folder / "whole" / "run.json")
