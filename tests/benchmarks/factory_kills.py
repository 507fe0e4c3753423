"""Is `synthesize` safe to kill? python tests/benchmarks/factory_kills.py [KILLS=100] [SEED=0]

A dataset is made in peace by one process, and again by a head with two workers, of which one process after the other is killed (SIGKILL) at
random moments: a worker, the head, the raylet of its session. The same command is given again whenever the head is gone, and left alone at
the end. Printed: kills by kind, pairs lost, doubled (in the diary or in the manifest), files that are not as they were made in peace,
pairs that were animated more than once, processes and temporary folders left behind. Ends with status 1 where one of these should be 0.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Iterator

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import pyarrow.parquet as pq  # noqa: E402

from bootstrap.shards.validate import validate_dataset  # noqa: E402
from models.types import AnimationRequest, AnimationResult  # noqa: E402
from tests.bootstrap.factory_fakes import ShiftTeacher, make_round, write_sources  # noqa: E402

HEAD = "import sys; sys.path.insert(0, sys.argv[1]); from tests.benchmarks.factory_kills import head; head(*sys.argv[2:])"
PATIENCE_S = 60.0
UNIT = 5


@dataclass(frozen=True, kw_only=True)
class NotingTeacher(ShiftTeacher):
    """Writes down what it was asked for."""

    notes: str

    def animate(self, request: AnimationRequest) -> AnimationResult:
        with open(self.notes, "a") as file:
            file.write(f"{request.id}\n")
        return super().animate(request)


def head(folder: str, name: str, slowest_s: str) -> None:
    """The command that is given again and again."""
    from functools import partial

    make = partial(NotingTeacher, notes=f"{folder}/{name}.asked", slowest_s=float(slowest_s))
    make_round(Path(folder), name, workers=2, make_teacher=make, pairs_per_unit=UNIT)


@dataclass(slots=True, kw_only=True)
class Torn:
    """A dataset that is made under fire. `stalled`: heads that outlived their raylet and had to be ended; `pids`: all heads."""

    folder: Path
    name: str
    slowest_s: float
    rng: random.Random
    kills: Counter[str] = field(default_factory=Counter)
    stalled: int = 0
    pids: list[int] = field(default_factory=list)
    process: subprocess.Popen | None = None

    @property
    def out(self) -> Path:
        return self.folder / self.name

    @property
    def is_done(self) -> bool:
        return (self.out / "run.json").exists()

    def asked(self) -> list[str]:
        """What the teachers were asked for so far."""
        notes = self.folder / f"{self.name}.asked"
        return notes.read_text().split() if notes.exists() else []

    def start(self, slowest_s: float) -> None:
        command = [sys.executable, "-c", HEAD, str(ROOT), str(self.folder), self.name, str(slowest_s)]
        with open(self.folder / f"{self.name}.log", "a") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        self.pids.append(self.process.pid)

    def suffer(self, kills: int, starts: int) -> None:
        """So many kills at random moments, unless it is done before; `starts` of the head and as many of the raylet, others of workers."""
        kinds = ["head", "raylet"] * starts
        kinds += ["worker"] * (kills - len(kinds))
        self.rng.shuffle(kinds)
        while kinds and not self.is_done:
            if self.process is None or self.process.poll() is not None:
                self.start(self.slowest_s)
                self._wait_for_a_pair()
            elif self.rng.random() < 0.5:  # else it dies while it starts
                self._wait_for_a_pair()
            time.sleep(self.rng.uniform(0.0, 0.5))
            if self._kill(kinds[-1]):
                kinds.pop()
        if self.process.poll() is None:
            self._kill("head")

    def finish(self) -> int:
        """The last time, undisturbed; its exit status."""
        self.start(0.0)
        return self.process.wait(timeout=600)

    def _wait_for_a_pair(self) -> None:
        before, deadline = len(self.asked()), time.monotonic() + PATIENCE_S
        while len(self.asked()) == before and self.process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.05)

    def _kill(self, kind: str) -> bool:
        """Whether there was one to kill."""
        victims = [self.process.pid] if kind == "head" else [pid for pid, said in below(self.process.pid) if is_a(kind, said)]
        if not victims or self.process.poll() is not None:
            return False
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.rng.choice(victims), signal.SIGKILL)
        self.kills[kind] += 1
        if kind != "worker":
            try:
                self.process.wait(timeout=PATIENCE_S)
            except subprocess.TimeoutExpired:
                self.stalled += 1
                self.process.kill()
                self.process.wait()
        return True


def is_a(kind: str, said: str) -> bool:
    """Whether a process of that command line is a worker, or the raylet.

    Not a worker that Ray does not know yet: when one of those is killed, Ray waits for it for a minute.
    """
    return said.startswith(("ray::Worker", "ray::IDLE")) if kind == "worker" else said.split("\0")[0].endswith("/raylet")


def processes() -> Iterator[tuple[int, int, str]]:
    """All that run: pid, its parent's, command line."""
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            state, parent = (place / "stat").read_text().rpartition(")")[2].split()[:2]
            if state != "Z":
                yield int(place.name), int(parent), (place / "cmdline").read_text(errors="replace")


def below(pid: int) -> list[tuple[int, str]]:
    """What a process has started, and what that has started."""
    known, found, found_pids = list(processes()), [], {pid}
    for _ in range(4):
        found = [(each, said) for each, parent, said in known if parent in found_pids]
        found_pids |= {each for each, _ in found}
    return [(each, said) for each, _, said in known if each in found_pids - {pid}]


def left_behind(pids: list[int]) -> list[str]:
    """Processes and folders of the sessions of these heads."""
    marks = tuple(f"af-{pid}-" for pid in pids)
    alive = [f"{pid} {said[:100]}" for pid, _, said in processes() if any(mark in said for mark in marks) or pid in pids]
    return alive + [str(place) for place in Path("/tmp").glob("af-*") if place.name.startswith(marks)]


def published(out: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}


def tally(torn: Torn, peace: Path) -> dict[str, object]:
    """What became of it, beside what was made in peace."""
    lines = (torn.out / "work" / "events.jsonl").read_text().splitlines()
    events = [json.loads(line) for line in lines if line.endswith("}")]
    told = Counter(event["key"] for event in events if event["event"] == "pair" and event["status"] == "kept")
    rows = [{row["key"]: row["status"] for row in pq.read_table(out / "manifest.parquet").to_pylist()} for out in (peace, torn.out)]
    keys = pq.read_table(torn.out / "manifest.parquet")["key"].to_pylist()
    here, there = published(torn.out), published(peace)
    drafts = [path for path in torn.out.rglob("*") if path.is_file() and (path.name.startswith(".") and path.name != ".lock")]
    return {
        "kills": dict(torn.kills),
        "heads": len(torn.pids),
        "pairs": len(rows[0]),
        "lost": sum(rows[1].get(key) != status for key, status in rows[0].items()),
        "doubled": sum(count - 1 for count in told.values()) + len(keys) - len(set(keys)),
        "corrupt": sum(here.get(name) != there.get(name) for name in {*here, *there}) + len(validate_dataset(torn.out)) + len(drafts),
        "recomputed": len(torn.asked()) - len(set(torn.asked())),
        "stalled": torn.stalled,
        "left": left_behind(torn.pids),
    }


def attack(folder: Path, kills: int, starts: int, clips: int, identities: int, seed: int, slowest_s: float) -> dict[str, object]:
    """Make a dataset of so many clips and identities in peace and under fire."""
    write_sources(folder, clips=clips, identities=identities)
    make_round(folder, "peace", pairs_per_unit=UNIT)
    torn = Torn(folder=folder, name="torn", slowest_s=slowest_s, rng=random.Random(seed))
    torn.suffer(kills, starts)
    status = torn.finish()
    deadline = time.monotonic() + 20
    while left_behind(torn.pids) and time.monotonic() < deadline:  # what died a moment ago
        time.sleep(0.2)
    return {"status": status, **tally(torn, folder / "peace")}


def main(kills: int = 100, seed: int = 0) -> int:
    start_s = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        told = attack(Path(folder), kills, kills // 10, 10, 14, seed, 5.0)
    told["seconds"] = round(time.monotonic() - start_s)
    for name, value in told.items():
        print(f"{name:>12}  {value}")
    wrong = [told[name] for name in ("status", "lost", "doubled", "corrupt", "stalled", "left")]
    return 1 if any(wrong) or sum(told["kills"].values()) < kills else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
