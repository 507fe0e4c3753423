"""Scripted raters with a known preference vote on a study through its page. For trying a study before anyone has voted, never for a result.

    python tests/benchmarks/study_votes.py STUDY NAME=QUALITY [NAME=QUALITY ...] [--left SLOT] [--random SLOT] [--at-once 2]

The study is served as by `actorforge study serve`; each rater opens the link of a slot in a headless Chromium, odd slots on a phone's
screen by touch, plays every comparison to its end in real time, clicks the answers, and downloads the votes. What a rater answers is drawn
beforehand: the difference of the qualities with effects of case, rater and moment. STUDY/votes.sqlite has what the server took,
STUDY/votes/*.json what was downloaded; that both are what was clicked is checked.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from awbench.study.key import read_key  # noqa: E402
from awbench.study.serve import DATABASE, StudyServer  # noqa: E402
from awbench.study.votes import Votes, read_votes  # noqa: E402
from models.artifacts import read_json  # noqa: E402
from tests.awbench.browser import CHROMIUM, Browser  # noqa: E402
from tests.awbench.study_fakes import People  # noqa: E402
from tests.awbench.study_raters import enter, exported, tap, visit, vote  # noqa: E402

Clicked = dict[str, dict[str, str]]
"""Trial -> question -> answer."""


def rate(url: str, slot: int, wanted: Clicked, downloads: Path) -> tuple[Clicked, float]:
    """One rater's study, from the link to the file; what was clicked, and the seconds that it took."""
    began, clicked = time.monotonic(), {}
    screen = {"width": 390, "height": 844, "touch": True} if slot % 2 else {}
    press = tap if slot % 2 else Browser.click
    with Browser() as browser, tempfile.TemporaryDirectory() as folder:
        visit(browser, f"{url}?slot={slot}&rater=R{slot:02d}", **screen)
        enter(browser, press)
        for place in range(len(wanted)):
            clicked |= [vote(browser, place, press, says=lambda trial: wanted[trial["trial"]])]
        browser.wait("document.querySelector('#told').textContent.includes('are stored')")
        exported(browser, Path(folder), press)
        for file in Path(folder).glob("*.json"):
            shutil.copy(file, downloads)
        assert browser.errors == [], browser.errors
    return clicked, time.monotonic() - began


def said(votes: Votes) -> dict[str, Clicked]:
    """Rater -> what the votes say."""
    found: dict[str, Clicked] = {}
    for row in votes.rows:
        found.setdefault(row.rater, {}).setdefault(row.trial.id, {})[row.question] = row.answer
    return found


def run(study: Path, quality: dict[str, float], styles: dict[int, str], at_once: int) -> list[float]:
    """All slots, `at_once` at a time; seconds of each."""
    key = read_json(study / "key.json")
    sheets = People(key, quality).sheets(styles)
    wanted = [{ballot["trial"]: ballot["answers"] for ballot in sheet["votes"]} for sheet in sheets]
    downloads = study / "votes"
    downloads.mkdir(exist_ok=True)
    with StudyServer(study, "127.0.0.1", 0) as server, ThreadPoolExecutor(at_once) as raters:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        done = list(raters.map(lambda slot: rate(server.url, slot, wanted[slot], downloads), range(len(wanted))))
        server.shutdown()
    clicked = {f"R{slot:02d}": one for slot, (one, _) in enumerate(done)}
    for source in (study / DATABASE, downloads):
        votes = read_votes([source], read_key(study))
        assert said(votes) == clicked and not votes.odd and not votes.unfinished, source
    return [seconds for _, seconds in done]


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("study", type=Path)
    parser.add_argument("quality", nargs="+", help="NAME=QUALITY of every system")
    parser.add_argument("--left", type=int, help="slot of one who always answers left")
    parser.add_argument("--random", type=int, help="slot of one who answers at random")
    parser.add_argument("--at-once", type=int, default=2, help="raters at a time")
    asked = parser.parse_args()
    systems, quality = read_json(asked.study / "key.json")["systems"], dict(one.split("=") for one in asked.quality)
    if set(quality) != set(systems):
        parser.error(f"quality: got {', '.join(quality)}, expected {', '.join(systems)}")
    if CHROMIUM is None:
        parser.error("no Chromium on this machine: apt-get install chromium")
    if (asked.study / DATABASE).exists() or (asked.study / "votes").exists():
        parser.error(f"{asked.study} has votes already: make the study anew")
    styles = {slot: style for slot, style in ((asked.left, "left"), (asked.random, "random")) if slot is not None}
    began = time.monotonic()
    took = run(asked.study, {name: float(value) for name, value in quality.items()}, styles, asked.at_once)
    print(f"{len(took)} raters in {time.monotonic() - began:.0f} s, {min(took):.0f} to {max(took):.0f} s each")
