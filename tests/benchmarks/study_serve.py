"""`study serve` under load: votes a second, killed -9 on the way; no acknowledged vote may be lost and none doubled.

`python tests/benchmarks/study_serve.py [--rate 200] [--seconds 10] [--kills 2]`: prints one line of figures; exit status 1 where a vote is
lost, doubled, changed or refused.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.awbench.study_load import bombard, stored, write_served  # noqa: E402


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rate", type=float, default=200.0)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--kills", type=int, default=2)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        study = write_served(Path(folder) / "study", slots=50, trials=40)
        begun = time.monotonic()
        load = bombard(Path(folder) / "study", study, rate=given.rate, seconds=given.seconds, kills=given.kills)
        took_s, rows = time.monotonic() - begun, stored(Path(folder) / "study")
    lost = [name for name, ballot in load.acknowledged.items() if dict(rows).get(name) != ballot]
    doubled, late = len(rows) - len(dict(rows)), sorted(load.late_s)
    print(
        f"{load.sent} votes in {took_s:.1f} s, {given.kills} kills: {len(load.acknowledged)} acknowledged, {len(rows)} stored, "
        f"{len(lost)} lost or changed, {doubled} doubled, {len(load.refused)} refused, {load.retries} retries; "
        f"receipt after {1000 * late[len(late) // 2]:.0f} ms (median), {1000 * late[len(late) * 99 // 100]:.0f} ms (99 %, kills included)"
    )
    return int(bool(lost or doubled or load.refused or len(load.acknowledged) != load.sent))


if __name__ == "__main__":
    sys.exit(main())
