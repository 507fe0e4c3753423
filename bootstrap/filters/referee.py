"""Filters that are metrics of the referee: what they see and cannot see stands with each metric (`actorforge metrics show NAME`).

A system trained on pairs that passed them was chosen by them: reports mark its scores of the same metrics.
"""

from __future__ import annotations

from functools import partial

from awbench.catalog import METRICS
from awbench.metrics.metric import Unscored
from bootstrap.filters.evidence import PairEvidence
from bootstrap.filters.filter import Filter


def score(evidence: PairEvidence, metric: str) -> float | Unscored:
    """The metric's answer about the driver as an answer to (identity, source)."""
    return METRICS.load(metric).function(evidence.as_answer)


def _filter(name: str, metric: str, lacking: str) -> Filter:
    return Filter(name=name, function=partial(score, metric=metric), lacking=lacking, metric=metric)


IMAGING = _filter("imaging", "imaging_quality", "of the identity's own crispness")
IDENTITY = _filter("identity", "appearance_consistency", "of the way from the source's look to the identity's")
SMOOTHNESS = _filter("smoothness", "motion_smoothness", "of the source's evenness of motion")
CONSISTENCY = _filter("consistency", "temporal_consistency", "of the source's steadiness once motion is undone")
