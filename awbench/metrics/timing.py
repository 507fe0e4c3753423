"""completeness and lag: how much of what was asked for was answered, and when.

completeness, 0-1, informative (it counts in overall): the share of the driver's frames for which the answer has something to show. Held
last frames, frames lost to a lag and, below 8 frames a second, moments skipped do not count; the other metrics look at the rest.
lag, s, informative: how far the answer is ahead of its driver (positive: its beginning is missing; negative: it starts late), as
`awbench/alignment.py` estimates it; 0 where it was declared or none was found.
"""

from __future__ import annotations

from awbench.alignment import MAX_LAG_S
from awbench.evidence import Evidence
from awbench.metrics.metric import Metric


def completeness(evidence: Evidence) -> float:
    return float(evidence.completeness)


def lag(evidence: Evidence) -> float:
    return float(evidence.lag_s)


COMPLETENESS = Metric(
    name="completeness",
    version="1",
    dimension="timing",
    low=0,
    high=1,
    function=completeness,
    informative=True,
    sees="answers that are too short, frames lost to a lag",
    blind="what the frames show",
)
LAG = Metric(
    name="lag",
    version="1",
    dimension="timing",
    low=-MAX_LAG_S,
    high=MAX_LAG_S,
    function=lag,
    informative=True,
    sees="a cut beginning or a late start, up to 1.2 s and half of the clip",
    blind="lags within a motion that repeats itself; where it is known, declare it: generate --offset",
)
