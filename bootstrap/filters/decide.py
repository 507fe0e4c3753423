"""A candidate and its judgement: every filter in its order until one fails, or all of them where that is asked.

In: a `Candidate`; out: a `Pair` or a `Rejection`, both with the verdicts of what was asked. A failed filter spares the dearer ones after
it; `Thresholds.all_checks` asks them all the same, so that thresholds can be chosen anew from the manifest.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bootstrap.filters.catalog import in_use
from bootstrap.filters.evidence import PairEvidence
from bootstrap.filters.verdict import Verdict
from bootstrap.pairing import PairSpec
from bootstrap.prompts import NO_PROMPTS, PairPrompts
from bootstrap.synthesis import Candidate, PairMedia
from bootstrap.thresholds import Thresholds
from models.images import MediaError
from models.types import Grid
from models.video import count_frames, read_video


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pair:
    """A kept pair: what goes into a shard."""

    spec: PairSpec
    media: PairMedia
    members: Mapping[str, bytes]
    verdicts: tuple[Verdict, ...]
    prompts: PairPrompts = NO_PROMPTS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Rejection:
    """A pair that a check turned down; `reason` is the first one's."""

    spec: PairSpec
    media: PairMedia
    verdicts: tuple[Verdict, ...]
    reason: str


def decide(candidate: Candidate, grid: Grid, thresholds: Thresholds, *, fresh: bool = False) -> Pair | Rejection:
    """Judge a candidate. `fresh`: its target was encoded just now, so that its frames are counted without decoding them once more."""
    verdicts = judge(candidate, grid, thresholds, fresh=fresh)
    failed = [verdict for verdict in verdicts if not verdict.passed]
    spec, media = candidate.spec, candidate.media
    if failed:
        return Rejection(spec=spec, media=media, verdicts=verdicts, reason=f"{failed[0].check}: {failed[0].reason}")
    return Pair(spec=spec, media=media, members=candidate.members, verdicts=verdicts, prompts=candidate.prompts)


def judge(candidate: Candidate, grid: Grid, thresholds: Thresholds, *, fresh: bool = False) -> tuple[Verdict, ...]:
    """The verdicts in the order of `FILTERS`, up to the first that fails unless all are wanted; without its structure nothing is judged."""
    try:
        driver = read_video(candidate.members["driver.mp4"])
        target_frames = count_frames(candidate.members["target.mp4"], decode=not fresh)
    except MediaError as error:
        return (Verdict(check="decodable", value=0.0, threshold=1.0, passed=False, reason=str(error)),)
    structure = (Verdict(check="decodable", value=1.0, threshold=1.0, passed=True), _length(len(driver), target_frames, grid))
    if not structure[-1].passed:
        return structure
    evidence = PairEvidence(
        key=candidate.spec.key,
        driver=driver,
        source=candidate.media.clip,
        identity=candidate.media.identity,
        prompt=candidate.prompts.pair.prompt,
    )
    return (*structure, *_asked(evidence, thresholds))


def _asked(evidence: PairEvidence, thresholds: Thresholds) -> Iterator[Verdict]:
    for one, threshold in in_use(thresholds):
        verdict = one.judge(evidence, threshold)
        yield verdict
        if not verdict.passed and not thresholds.all_checks:
            return


def _length(driver: int, target: int, grid: Grid) -> Verdict:
    passed = driver == target == grid.num_frames
    reason = "" if passed else f"driver {driver} and target {target} frames, expected {grid.num_frames}"
    return Verdict(check="length", value=float(driver), threshold=float(grid.num_frames), passed=passed, reason=reason)
