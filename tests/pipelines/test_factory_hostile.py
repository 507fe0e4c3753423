"""Teachers that misbehave in every way cost the pairs on which they do, and nothing else."""

import os
import re
import time
from functools import partial

import pyarrow.parquet as pq
import pytest

from bootstrap.shards.reader import read_samples
from bootstrap.shards.validate import validate_dataset
from pipelines import making
from pipelines.executor.pools import Policy
from pipelines.stations import Staff
from tests.bootstrap.factory_fakes import make_round, plan, write_sources
from tests.pipelines.hostile_teachers import ANSWERS, HARMLESS, LEAK_B, POISON, RAISES, HostileTeacher

pytest.importorskip("ray")
CAUSES = {
    "newline": "teacher: ValueError: two lines",
    "surrogates": "teacher: ValueError: odd \ufffd name",
    "5 MB message": "teacher: ValueError: long long .* \\.\\.\\.",
    "mute": "teacher: Mute",
    "SystemExit": "teacher: SystemExit: 3",
    "KeyboardInterrupt": "teacher: KeyboardInterrupt",
    "MemoryError": "teacher: .*MemoryError: Unable to allocate .*",
    "os._exit": "worker died \\(killed, or ended by os._exit\\) in {attempts} attempts",
    "SIGSEGV": "worker died \\(SIGSEGV\\) in {attempts} attempts",
    "SIGKILL": "worker died \\(killed, or ended by os._exit\\) in {attempts} attempts",
    "hang": "timed out after {timeout_s} s",
    "poison": f"teacher: RuntimeError: {POISON}",
    "None": "teacher: AttributeError: .*",
    "list": "teacher: AttributeError: .*",
    "float32": "teacher: ValueError: teacher output: clip: got SimpleNamespace, expected a Clip",
    "NaN": "teacher: ValueError: .*",
    "RGBA": "teacher: ValueError: .*",
    "wrong size": "teacher: ValueError: teacher output: size: got .*",
    "wrong fps": "teacher: ValueError: teacher output: fps: got .*",
    "wrong length": "length: .*",
}
"""What the row of the pair says."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("hostile")
    write_sources(path, clips=6, identities=6)
    make_round(path, "peace", pairs_per_unit=9)
    return path


def _spread(folder, modes):
    """Key -> mode: spread over the plan, poison first."""
    round_ = plan(folder, folder / "plan", pairs_per_unit=9)
    keys = [pair.spec.key for index in range(len(round_.ranges)) for pair in round_.unit(index).pairs]
    step = len(keys) / len(modes)
    return {keys[int(number * step)]: mode for number, mode in enumerate(modes)}


def _samples(out):
    return {key: members for key, members, _ in read_samples(out)}


def _run(folder, name, modes, staff, monkeypatch, attempts, timeout_s):
    """A run in which each of `modes` meets one pair; what must hold after it."""
    monkeypatch.setattr(making, "Policy", partial(Policy, attempts=attempts, memory_b=LEAK_B + (100 << 20)))
    bad = _spread(folder, modes)
    make = partial(HostileTeacher, modes=bad, notes=str(folder))
    make_round(folder, name, workers=staff, make_teacher=make, pairs_per_unit=9, timeout_s=timeout_s)
    rows = {row["key"]: row for row in pq.read_table(folder / name / "manifest.parquet").to_pylist()}
    lost = {bad.get(key, "good"): row["reason"] for key, row in rows.items() if row["status"] != "kept"}
    assert len(rows) == 36 and set(lost) == set(modes) - set(HARMLESS), lost
    causes = {mode: cause.replace("{attempts}", str(attempts)).replace("{timeout_s}", f"{timeout_s:g}") for mode, cause in CAUSES.items()}
    assert not {mode: reason for mode, reason in lost.items() if not re.fullmatch(causes[mode], reason)}
    peace, here = _samples(folder / "peace"), _samples(folder / name)
    assert here == {key: peace[key] for key, row in rows.items() if row["status"] == "kept"}
    assert validate_dataset(folder / name) == [] and list((folder / name / "work" / "made").glob("*/*")) == []


def _told(folder, name):
    return (folder / name / "work" / "events.jsonl").read_text()


def test_workers_that_do_everything(folder, two_workers, monkeypatch, capfd):
    modes = list(dict.fromkeys(["poison", "hang", *HARMLESS, *ANSWERS, *RAISES]))
    _run(folder, "all", modes, Staff(workers=2), monkeypatch, attempts=1, timeout_s=25.0)
    told = _told(folder, "all")
    assert "worker_ill" in told and "worker_recycled" in told and '"event": "timed_out"' in told
    out, err = capfd.readouterr()
    assert out == "" and len(err) < 100_000
    assert not _runs(int((folder / "child").read_text()))


def test_workers_that_only_animate(folder, two_workers, monkeypatch):
    modes = ["poison", "mute", "SIGKILL", "hang", "None", "wrong length", "into base", "closed streams", "KeyboardInterrupt"]
    _run(folder, "apart", modes, Staff(cpu=1, gpu=1), monkeypatch, attempts=2, timeout_s=12.0)


def _runs(pid, most_s=10.0):
    deadline = time.monotonic() + most_s
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    return True
