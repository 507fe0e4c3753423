"""Studies without videos: a key, and scripted raters with a known preference who vote by it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from awbench.study.key import KEY_FORMAT
from awbench.study.vote_files import VOTES_FORMAT

STUDY = "00112233445566ff"
QUESTIONS = ["overall", "imaging", "motion", "appearance"]


def key_of(systems=("ours", "theirs", "still"), cases=12, raters=10, attention=4, repeats=2, seed=0, clip_s=2.0) -> dict:
    """Every rater sees every pair of systems on every case once, sides balanced over cases, raters and pairs."""
    rng = np.random.default_rng(seed)
    trials, slots = {}, []
    for slot in range(raters):
        own = []
        for place, (case, pair) in enumerate((case, pair) for pair in combinations(systems, 2) for case in range(cases)):
            own.append(_trial(trials, "pair", case, pair[:: 1 if (place + slot) % 2 else -1]))
        for place in range(repeats):
            first = trials[own[place]]
            own.append(_trial(trials, "repeat", int(first["case"][1:]), (first["right"], first["left"]), repeats=own[place]))
        for place in range(attention):
            one, other = [systems[index] for index in rng.choice(len(systems), 2, replace=False)]
            if place % 2:
                own.append(_trial(trials, "attention_bad", place, (one, one), expected=["left", "right"][place // 2 % 2]))
            else:
                own.append(_trial(trials, "attention_same", place, (one, one), expected="same"))
        slots.append([own[index] for index in rng.permutation(len(own))])
    known = {"format": KEY_FORMAT, "study": STUDY, "seed": seed, "systems": list(systems), "questions": QUESTIONS, "runs": []}
    return {**known, "trials": trials, "slots": slots, "clip_s": clip_s, "detectable_lead": {}}


def _trial(trials, kind, case, pair, expected=None, repeats=None) -> str:
    name = f"t{len(trials):05d}"
    tags = {"driver_subject": ["human", "bird"][case % 2]}
    known = {"kind": kind, "case": f"c{case:02d}", "left": pair[0], "right": pair[1], "expected": expected, "repeats": repeats}
    trials[name] = {**known, "tags": tags}
    return name


@dataclass
class People:
    """Raters with Thurstone votes: quality + case + rater + own noise (sd 1), "same" within `tie`."""

    key: dict
    quality: dict
    case_sd: float = 0.4
    rater_sd: float = 0.2
    tie: float = 0.4
    seed: int = 0

    def sheets(self, styles=None) -> list[dict]:
        rng = np.random.default_rng(self.seed)
        pairs = list(combinations(self.key["systems"], 2))
        cases = sorted({trial["case"] for trial in self.key["trials"].values()})
        of_case = {(pair, case): rng.normal(0, self.case_sd) for pair in pairs for case in cases}
        sheets = []
        for slot, trials in enumerate(self.key["slots"]):
            of_rater = {pair: rng.normal(0, self.rater_sd) for pair in pairs}
            style = (styles or {}).get(slot, "honest")
            votes = [self._vote(name, style, of_case, of_rater, rng) for name in trials]
            sheets.append({"format": VOTES_FORMAT, "study": self.key["study"], "rater": f"R{slot:02d}", "slot": slot, "votes": votes})
        return sheets

    def _vote(self, name, style, of_case, of_rater, rng) -> dict:
        trial = self.key["trials"][name]
        pair = tuple(sorted((trial["left"], trial["right"]), key=self.key["systems"].index))
        answers = {}
        shared = rng.normal(0, 0.7)
        for question in self.key["questions"]:
            if style == "random":
                answers[question] = ["left", "same", "right"][rng.integers(3)]
            elif style in ("left", "same", "right"):
                answers[question] = style
            elif trial["expected"]:
                answers[question] = trial["expected"]
            else:
                gap = self.quality[pair[0]] - self.quality[pair[1]] + of_case[pair, trial["case"]] + of_rater[pair]
                gap *= -1 if style == "contrary" else 1
                gap = (gap + shared + rng.normal(0, 0.7)) * (1 if trial["left"] == pair[0] else -1)
                answers[question] = "left" if gap > self.tie else "right" if gap < -self.tie else "same"
        seconds = 0.5 if style == "hasty" else float(rng.uniform(4, 20))
        return {"trial": name, "answers": answers, "seconds": seconds, "watched": [1, 1], "at": "2026-01-02T03:04:05Z"}


def write_study(folder: Path, key: dict, sheets: list[dict]) -> Path:
    """key.json and votes/*.json below `folder`."""
    (folder / "votes").mkdir(parents=True, exist_ok=True)
    (folder / "key.json").write_text(json.dumps(key))
    for sheet in sheets:
        name = sheet["rater"].replace(":", "_").replace("/", "_").encode("ascii", "replace").decode()
        (folder / "votes" / f"{name}.json").write_text(json.dumps(sheet))
    return folder
