"""Scripted raters vote on a study with a known preference: for trying a report before anyone has voted, never for a result.

    python tests/benchmarks/study_votes.py STUDY NAME=QUALITY [NAME=QUALITY ...] [--left SLOT] [--random SLOT]

STUDY/votes/*.json: one rater a slot; a pair is decided by the difference of qualities with effects of case, rater and moment.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.awbench.study_fakes import People  # noqa: E402

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("quality", nargs="+", help="NAME=QUALITY of every system")
    parser.add_argument("--left", type=int, help="slot of one who always answers left")
    parser.add_argument("--random", type=int, help="slot of one who answers at random")
    asked = parser.parse_args()
    key = json.loads((asked.study / "key.json").read_text(encoding="utf-8"))
    quality = {name: float(value) for name, value in (one.split("=") for one in asked.quality)}
    styles = {slot: style for slot, style in ((asked.left, "left"), (asked.random, "random")) if slot is not None}
    (asked.study / "votes").mkdir(exist_ok=True)
    for sheet in People(key, quality).sheets(styles):
        (asked.study / "votes" / f"{sheet['rater']}.json").write_text(json.dumps(sheet), encoding="utf-8")
    print(asked.study / "votes")
