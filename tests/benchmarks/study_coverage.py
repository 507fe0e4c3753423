"""How often a study's interval covers the true lead, how often its tests and its checks of raters are wrong: the tables of docs/study.md.

    python tests/benchmarks/study_coverage.py [--studies 2000]

Votes: latent preference = mu + case effect + rater effect + noise (sd 1), good above 0.4, bad below -0.4, every rater on every case. The
true lead is that over all cases and raters there could be. `random`: raters of whom one answers at random, no attention pairs.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from awbench.preference import crossed  # noqa: E402
from awbench.statistics import sign_test  # noqa: E402
from awbench.study.key import read_key
from awbench.study.raters import check_raters  # noqa: E402
from awbench.study.votes import read_votes  # noqa: E402
from tests.awbench.study_fakes import People, key_of, write_study  # noqa: E402

TIE = 0.4
EFFECTS = ((0.0, 0.0), (0.3, 0.1), (0.6, 0.0), (0.6, 0.3), (1.0, 0.6))


def true_lead(mu: float, of_case: float, of_rater: float) -> float:
    spread = math.sqrt(of_case**2 + of_rater**2 + 1)
    normal = lambda x: 0.5 * (1 + math.erf(x / math.sqrt(2)))  # noqa: E731
    return 1 - normal((TIE - mu) / spread) - normal((-TIE - mu) / spread)


def coverage(cases: int, raters: int, of_case: float, of_rater: float, mu: float, studies: int, rng: np.random.Generator) -> list[float]:
    """Share of studies whose interval covers, mean half width, share of sign tests below 5 %, share with the interval off 0 besides."""
    names = np.indices((cases, raters)).reshape(2, -1).astype(str)
    ids = [f"{place}" for place in range(cases * raters)]
    of = dict(zip(ids, names[0]))
    truth, hits, width, called, told = true_lead(mu, of_case, of_rater), 0, 0.0, 0, 0
    for _ in range(studies):
        latent = mu + rng.normal(0, of_case, (cases, 1)) + rng.normal(0, of_rater, (1, raters)) + rng.normal(size=(cases, raters))
        values = ((latent > TIE) * 1.0 - (latent < -TIE)).ravel()
        found = crossed(values, *names)
        hits += found.low <= truth <= found.high
        width += (found.high - found.low) / 2
        small = sign_test(dict(zip(ids, values)), of) < 0.05
        called, told = called + small, told + (small and found.beyond(0.0))
    return [hits / studies, width / studies, called / studies, told / studies]


def print_coverage(studies: int) -> None:
    rng = np.random.default_rng(0)
    print("| cases | raters | covered, by effect of case, rater |" + " |" * (2 * len(EFFECTS) - 1))
    print("| --- | --- |" + " --- |" * len(EFFECTS) * 2)
    print("| | | " + " | ".join(f"{c:g}, {r:g}: no lead | a lead" for c, r in EFFECTS) + " |")
    shares, false = [], []
    for cases in (12, 24, 40):
        for raters in (5, 12, 30):
            row = []
            for of_case, of_rater in EFFECTS:
                for mu in (0.0, 0.6):
                    covered, _, called, told = coverage(cases, raters, of_case, of_rater, mu, studies, rng)
                    row.append(f"{100 * covered:.1f}")
                    shares.append(covered)
                    false += [(cases, raters, of_case, of_rater, called, told)] if mu == 0 else []
            print(f"| {cases} | {raters} | " + " | ".join(row) + " |", flush=True)
    print(f"\ncovered: mean {100 * np.mean(shares):.1f} %, {100 * min(shares):.1f} to {100 * max(shares):.1f} %")
    for of_case, of_rater in EFFECTS:
        own = np.array([found for _, _, c, r, *found in false if (c, r) == (of_case, of_rater)])
        signs, both = (f"{100 * own[:, place].mean():.1f} % (most {100 * own[:, place].max():.1f})" for place in (0, 1))
        print(f"without a lead, effects {of_case:g}, {of_rater:g}: sign test below 5 % {signs}; interval off 0 besides {both}")


def print_checks(studies: int) -> None:
    print("\n| systems | cases | raters | random rater caught | honest raters excluded |\n| --- | --- | --- | --- | --- |")
    for systems, cases, raters in ((2, 12, 6), (3, 12, 6), (3, 12, 10), (3, 12, 20)):
        caught, honest = 0, []
        for seed in range(studies):
            key = key_of(("a", "b", "c")[:systems], cases, raters, attention=0, seed=seed)
            people = People(key, {"a": 0.8, "b": 0.2, "c": 0.0}, case_sd=0.6, rater_sd=0.3, seed=seed)
            with tempfile.TemporaryDirectory() as folder:
                home = write_study(Path(folder), key, people.sheets({1: "random"}))
                found = check_raters(read_votes([home / "votes"], read_key(home)))
            caught += any(one.excluded for one in found if one.name == "R01")
            honest += [one.excluded for one in found if one.name != "R01"]
        wrong = f"{100 * np.mean(honest):.1f} % of {len(honest)}"
        print(f"| {systems} | {cases} | {raters} | {100 * caught / studies:.0f} % of {studies} | {wrong} |", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--checked", type=int, default=100)
    asked = parser.parse_args()
    print_coverage(asked.studies)
    print_checks(asked.checked)
