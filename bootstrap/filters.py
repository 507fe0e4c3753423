"""Which candidates become training pairs: a few checks with a value, a threshold and a reason each.

In: a `Candidate`; out: a `Pair` or a `Rejection`, both with every verdict, so that a threshold can be chosen anew from
the manifest. `decodable` and `length` end the judgement when they fail, the checks after them need both clips.
Checks that are metrics of the referee are named in `FILTER_METRICS`: a report must say when they judge twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

import numpy as np

from awbench.catalog import METRICS
from awbench.evidence import Evidence
from awbench.metrics.metric import Unscored
from bootstrap.pairing import PairSpec
from bootstrap.prompts import NO_PROMPTS, PairPrompts
from bootstrap.reasons import reason_of
from bootstrap.synthesis import Candidate, PairMedia
from bootstrap.thresholds import Thresholds
from models.images import MediaError
from models.types import Clip, Grid, require
from models.video import read_video

FILTER_METRICS = {"motion_agreement": "motion_fidelity", "identity": "appearance_consistency"}
"""Check -> the metric that gives its value."""
CHECKS = ("decodable", "length", "moving", "distinct", "motion_agreement", "identity")
_STILL_LEVELS = 0.5  # mean change of a frame in grey levels (0-255) below which it counts as held


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One check's answer. `value` is None where the check does not apply; it passes then, with the reason."""

    check: str
    value: float | None
    threshold: float
    passed: bool
    reason: str = ""

    def __post_init__(self) -> None:
        finite = self.value is None or np.isfinite(self.value)
        require(bool(finite), f"check {self.check}", "value", self.value, "a finite number")

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}


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


def decide(candidate: Candidate, grid: Grid, thresholds: Thresholds) -> Pair | Rejection:
    """Judge a candidate by all checks."""
    verdicts = judge(candidate, grid, thresholds)
    failed = [verdict for verdict in verdicts if not verdict.passed]
    spec, media = candidate.spec, candidate.media
    if failed:
        return Rejection(spec=spec, media=media, verdicts=verdicts, reason=f"{failed[0].check}: {failed[0].reason}")
    return Pair(spec=spec, media=media, members=candidate.members, verdicts=verdicts, prompts=candidate.prompts)


def judge(candidate: Candidate, grid: Grid, thresholds: Thresholds) -> tuple[Verdict, ...]:
    """The verdicts in the order of `CHECKS`, up to the first structural failure."""
    try:
        driver, target = (read_video(candidate.members[name]) for name in ("driver.mp4", "target.mp4"))
    except MediaError as error:
        return (Verdict(check="decodable", value=0.0, threshold=1.0, passed=False, reason=str(error)),)
    verdicts = [Verdict(check="decodable", value=1.0, threshold=1.0, passed=True), _length(driver, target, grid)]
    if not verdicts[-1].passed:
        return tuple(verdicts)
    verdicts.append(_at_least("moving", moving_share(driver), thresholds.moving, "of the transitions change: static or frozen"))
    difference = float(np.abs(driver.frames.astype(np.float32) - target.frames).mean())
    verdicts.append(_at_least("distinct", difference, thresholds.distinct, "grey levels from the target: a copy of it"))
    evidence = Evidence(case_id=candidate.spec.key, output=driver, driver=candidate.media.clip, reference=candidate.media.identity)
    verdicts.append(_metric("motion_agreement", evidence, thresholds.motion_agreement, "with the source's motion"))
    verdicts.append(_metric("identity", evidence, thresholds.identity, "of the way from the source's look to the identity's"))
    return tuple(verdicts)


def moving_share(clip: Clip) -> float:
    """Share of neighbouring frames that differ by more than encoding noise, 0-1."""
    frames = clip.frames.astype(np.float32)
    return float((np.abs(np.diff(frames, axis=0)).mean((1, 2, 3)) > _STILL_LEVELS).mean())


def _length(driver: Clip, target: Clip, grid: Grid) -> Verdict:
    passed = len(driver) == len(target) == grid.num_frames
    reason = "" if passed else f"driver {len(driver)} and target {len(target)} frames, expected {grid.num_frames}"
    return Verdict(check="length", value=float(len(driver)), threshold=float(grid.num_frames), passed=passed, reason=reason)


def _metric(check: str, evidence: Evidence, threshold: float, meaning: str) -> Verdict:
    try:
        answer = METRICS.load(FILTER_METRICS[check]).function(evidence)
    except Exception as error:
        width, height = evidence.output.size
        raise ValueError(f"{check} could not judge {len(evidence.output)} frames of {width}x{height} px: {reason_of(error)}") from error
    if isinstance(answer, Unscored):
        return Verdict(check=check, value=None, threshold=threshold, passed=True, reason=f"not judged: {answer.reason}")
    return _at_least(check, answer, threshold, meaning)


def _at_least(check: str, value: float, threshold: float, meaning: str) -> Verdict:
    value = round(float(value), 6)
    passed = value >= threshold
    reason = "" if passed else f"{value:.3g} < {threshold:g} {meaning}"
    return Verdict(check=check, value=value, threshold=threshold, passed=passed, reason=reason)
