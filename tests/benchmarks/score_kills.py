"""Is `score` safe to kill? python tests/benchmarks/score_kills.py [KILLS=20] [CASES=200] [SEED=0]

One run is scored in peace, and a copy of it by a process that is killed (SIGKILL) at a random moment again and again, then left alone.
Printed: kills that hit, cases done twice (a part of the scores that was written anew), drafts left behind, whether both scores.parquet are
the same bytes. Ends with status 1 where anything was lost, doubled or changed.
"""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

ROOT = Path(__file__).resolve().parents[2]


def scoring(run: Path) -> subprocess.Popen:
    return subprocess.Popen(
        [sys.executable, "-m", "pipelines.cli", "score", str(run)], cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )


def parts(run: Path) -> dict[str, int]:
    """When each finished case's scores were written, ns."""
    found = {}
    for path in (run / "scores.partial").glob("[!.]*.json"):
        try:
            found[path.name] = path.stat().st_mtime_ns
        except FileNotFoundError:  # merged meanwhile
            pass
    return found


def killed_once(run: Path, rng: random.Random, known: dict[str, int]) -> int:
    """Start, wait for the first new part and a random while more, kill; the number of parts that were written anew."""
    process, patience = scoring(run), time.monotonic() + 120
    while process.poll() is None and len(parts(run)) <= len(known) and time.monotonic() < patience:
        time.sleep(0.02)
    time.sleep(rng.uniform(0, 0.5))
    process.send_signal(signal.SIGKILL)
    process.wait()
    now = parts(run)
    again = sum(now.get(name, stamp) != stamp for name, stamp in known.items())
    known.update(now)
    return again


def main(kills: int = 20, cases: int = 200, seed: int = 0) -> int:
    from pipelines.generate import generate

    rng, known, again, hits = random.Random(seed), dict[str, int](), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        peace = generate("flow_warp", "world-heldout", Path(folder) / "peace", limit=cases).path
        torn = Path(shutil.copytree(peace, Path(folder) / "torn"))
        scoring(peace).wait()
        while hits < kills and not (torn / "scores.parquet").is_file():
            again += killed_once(torn, rng, known)
            hits += 1
        done = len(known)
        scoring(torn).wait()
        same = (peace / "scores.parquet").read_bytes() == (torn / "scores.parquet").read_bytes()
        drafts = [path.name for path in torn.rglob(".*") if path.is_file()]
    told = {
        "kills": hits,
        "of": kills,
        "cases": cases,
        "done at the last kill": done,
        "twice": again,
        "drafts": len(drafts),
        "same bytes": same,
    }
    print(json.dumps(told))
    return 0 if same and not again and hits >= kills and not drafts else 1


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
