"""The judge's dimensions as metrics, so that tables know their range and direction. Their rows come from `actorforge judge`."""

from __future__ import annotations

from typing import Any

from awbench.judging.rubrics import dimension_of, rubric_version
from awbench.metrics.metric import Metric, Unscored

MARGIN = 0.1
"""Differences of means up to a tenth of a point are noise: people who judge the same clip differ by 0.7 to 1 point."""
HOW = "run `actorforge judge`"


def _answer(evidence: Any) -> Unscored:
    return Unscored(reason=HOW)


def _metric(name: str, dimension: str, sees: str, blind: str) -> Metric:
    rubric = dimension_of(name)
    facts = {"low": 1, "high": 5, "optional": True, "ready": False, "margin": MARGIN, "sees": sees, "blind": blind}
    return Metric(name=rubric.metric, version=rubric_version(), dimension=dimension, function=_answer, **facts)


IMAGING_QUALITY = _metric("imaging_quality", "imaging", "what a model finds unsharp, noisy, blocky or melted", "anything that needs motion")
MOTION_SMOOTHNESS = _metric(
    "motion_smoothness",
    "smoothness",
    "held, swapped and jumping frames at up to 8 frames a second",
    "faster tremble; whether the motion is right",
)
TEMPORAL_CONSISTENCY = _metric(
    "temporal_consistency", "temporal", "flicker, drift, things that change", "flicker between the frames shown; who it should be"
)
APPEARANCE_CONSISTENCY = _metric("appearance_consistency", "appearance", "another identity than the reference's", "motion")
MOTION_FIDELITY = _metric(
    "motion_fidelity", "motion", "another motion than the driver's, or none", "looks; lag below an eighth of a second"
)
