"""How often a study's interval covers the true lead, how often its tests and its checks of raters are wrong, whether it finds the lead that
it says it can: the tables of docs/study.md.

    python tests/benchmarks/study_coverage.py [--studies 2000]

Votes: latent preference = mu + case effect + rater effect + noise (sd 1), good above 0.4, bad below -0.4, every rater on every case. The
true lead is that over all cases and raters there could be. Checks: raters of whom one answers at random, or has the opposite taste, no
attention pairs. Power: at the lead that `awbench.study.power` states, how often the report's own verdict calls the pair where the other
pairs of systems have no lead.
"""

from __future__ import annotations

import argparse
import math
import sys
import tempfile
from itertools import combinations
from pathlib import Path
from statistics import NormalDist

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from awbench.preference import Choice, crossed, preference  # noqa: E402
from awbench.statistics import sign_test  # noqa: E402
from awbench.study.analysis import AHEAD, ALL, COUNTED, Lead, judged  # noqa: E402
from awbench.study.key import read_key  # noqa: E402
from awbench.study.power import ALIKE_CASE, ALIKE_RATER, TIES, detectable_lead, latent_share  # noqa: E402
from awbench.study.raters import check_raters  # noqa: E402
from awbench.study.votes import Vote, read_votes  # noqa: E402
from tests.awbench.study_fakes import People, key_of, write_study  # noqa: E402

TIE = 0.4
EFFECTS = ((0.0, 0.0), (0.3, 0.1), (0.6, 0.0), (0.6, 0.3), (1.0, 0.6))


def true_lead(mu: float, of_case: float, of_rater: float, noise: float = 1.0) -> float:
    spread = math.sqrt(of_case**2 + of_rater**2 + noise**2)
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
    print("\n| systems | cases | raters | random rater caught | contrary rater excluded | honest raters excluded |")
    print("| --- | --- | --- | --- | --- | --- |")
    for systems, cases, raters in ((2, 12, 6), (3, 12, 6), (3, 12, 10), (3, 12, 20)):
        caught, honest = {"random": 0, "contrary": 0}, []
        for seed in range(studies):
            for style in caught:
                excluded = _excluded(systems, cases, raters, style, seed)
                caught[style] += "R01" in excluded
                honest += [f"R{slot:02d}" in excluded for slot in range(raters) if slot != 1]
        told = [f"{100 * found / studies:.0f} % of {studies}" for found in caught.values()]
        print(f"| {systems} | {cases} | {raters} | {' | '.join(told)} | {100 * np.mean(honest):.1f} % of {len(honest)} |", flush=True)


def _excluded(systems: int, cases: int, raters: int, style: str, seed: int) -> set[str]:
    """Who is excluded of a study whose second rater votes in that style."""
    key = key_of(("a", "b", "c")[:systems], cases, raters, attention=0, seed=seed)
    people = People(key, {"a": 0.8, "b": 0.2, "c": 0.0}, case_sd=0.6, rater_sd=0.3, seed=seed)
    with tempfile.TemporaryDirectory() as folder:
        home = write_study(Path(folder), key, people.sheets({1: style}))
        return {one.name for one in check_raters(read_votes([home / "votes"], read_key(home))) if one.excluded}


def print_counted(studies: int) -> None:
    """The interval of a report, which counts who is left after the checks, beside that of everybody."""
    print("\n| rater effect | honest raters excluded | covered, all raters | covered, counted raters | mean lead less the true one |")
    print("| --- | --- | --- | --- | --- |")
    quality, of_case = {"a": 0.8, "b": 0.2, "c": 0.0}, 0.6
    for of_rater in (0.3, 0.5, 0.8):
        out, covered, gaps = [], {ALL: [], COUNTED: []}, []
        for seed in range(studies):
            key = key_of(tuple(quality), 12, 12, attention=4, seed=seed)
            people = People(key, quality, case_sd=of_case, rater_sd=of_rater, seed=seed)
            with tempfile.TemporaryDirectory() as folder:
                home = write_study(Path(folder), key, people.sheets())
                votes = read_votes([home / "votes"], read_key(home))
            left_out = {rater.name for rater in check_raters(votes) if rater.excluded}
            out += [slot < len(left_out) for slot in range(12)]
            asked = [vote for vote in votes.rows if vote.question == "overall" and vote.trial.kind == "pair"]
            for first, second in combinations(quality, 2):
                truth = true_lead(quality[first] - quality[second], of_case, of_rater, math.sqrt(2) * 0.7)
                own = [vote for vote in asked if (vote.first, vote.second) == (first, second)]
                for of, gone in ((ALL, set()), (COUNTED, left_out)):
                    found = preference([_choice(vote) for vote in own if vote.rater not in gone]).lead
                    covered[of].append(found.low <= truth <= found.high)
                    gaps += [found.mean - truth] if of == COUNTED else []
        told = [f"{100 * np.mean(out):.1f} % of {len(out)}", *(f"{100 * np.mean(hits):.1f} %" for hits in covered.values())]
        print(f"| {of_rater} | {' | '.join(told)} | {np.mean(gaps):+.3f} |", flush=True)


def _choice(vote: Vote) -> Choice:
    return Choice(rater=vote.rater, case=vote.trial.case, first=vote.first, second=vote.second, value=vote.value)


def called_share(lead: float, cases: int, raters: int, pairs: int, alike: tuple[float, float], studies: int, seed: int) -> float:
    """Share of studies whose report calls the first of `pairs` ahead; `lead`: its true lead, the other pairs have none."""
    normal, rng, called = NormalDist(), np.random.default_rng(seed), 0
    threshold = normal.inv_cdf((1 + TIES) / 2)
    low, high = 0.0, 4.0
    while high - low > 1e-6:
        middle = (low + high) / 2
        wins = normal.cdf(middle - threshold) - normal.cdf(-middle - threshold)
        low, high = (middle, high) if wins < lead else (low, middle)
    shares = [latent_share(one, TIES) for one in alike]
    scales = [math.sqrt(share) for share in (*shares, 1 - sum(shares))]
    for _ in range(studies):
        leads = []
        for pair in range(pairs):
            latent = (low if pair == 0 else 0.0) + scales[0] * rng.normal(size=(cases, 1)) + scales[1] * rng.normal(size=(1, raters))
            latent = latent + scales[2] * rng.normal(size=(cases, raters))
            votes = [(c, r, int(latent[c, r] > threshold) - int(latent[c, r] < -threshold)) for c in range(cases) for r in range(raters)]
            found = preference([Choice(rater=f"{r}", case=f"{c}", first="a", second=f"b{pair}", value=value) for c, r, value in votes])
            leads.append(Lead(of=COUNTED, question="overall", tag="", first="a", second=f"b{pair}", found=found))
        called += judged(leads)[0].outcome == AHEAD
    return called / studies


def print_power(studies: int) -> None:
    print("\n| cases | raters | pairs of systems | detectable lead | called | raters alike by 0 | by 0.2 |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for cases, raters, pairs in ((12, 8, 1), (12, 8, 3), (12, 20, 3), (24, 12, 3), (40, 12, 1), (40, 12, 6), (100, 30, 3)):
        stated = detectable_lead([(f"{c}", f"{r}") for c in range(cases) for r in range(raters)], pairs).lead
        shares = [called_share(stated, cases, raters, pairs, (ALIKE_CASE, one), studies, 1) for one in (ALIKE_RATER, 0.0, 0.2)]
        print(
            f"| {cases} | {raters} | {pairs} | {stated:.2f} | " + " | ".join(f"{100 * share:.0f} %" for share in shares) + " |", flush=True
        )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--studies", type=int, default=2000)
    parser.add_argument("--checked", type=int, default=100)
    parser.add_argument("--counted", type=int, default=100)
    parser.add_argument("--powered", type=int, default=1000)
    asked = parser.parse_args()
    print_coverage(asked.studies)
    print_checks(asked.checked)
    print_counted(asked.counted)
    print_power(asked.powered)
