"""How near a pair came to being turned down: its verdicts by their margin, the lowest first.

In: a pair's verdicts and what each check saw in the dataset. Out: verdicts in order, and one as text. The margin is 0 at the threshold and
1 at the dataset's median value, below 0 where it was not reached; a check whose median is its threshold (all frames are there) tells
nothing and comes last.
"""

from __future__ import annotations

import math
from statistics import median
from typing import Mapping, Sequence

from awbench.report.dataset import CheckYield, Verdict


def usual_values(checks: Sequence[CheckYield]) -> dict[str, float]:
    """Check -> its median value in the dataset."""
    return {found.check: median(found.values) for found in checks if found.values}


def lowest_first(verdicts: Sequence[Verdict], usual: Mapping[str, float]) -> list[Verdict]:
    """The verdicts by their margin; equal ones in the order they were asked."""
    return sorted(verdicts, key=lambda verdict: margin(verdict, usual))


def margin(verdict: Verdict, usual: Mapping[str, float]) -> float:
    """The margin of one verdict; infinite where no number can tell it."""
    if verdict.value is None or verdict.threshold is None:
        return math.inf if verdict.passed else -math.inf
    room, over = usual.get(verdict.check, verdict.value) - verdict.threshold, verdict.value - verdict.threshold
    if room <= 0:
        return math.inf if verdict.passed else -math.inf
    return over / room


def text_of(verdict: Verdict) -> str:
    """The verdict in a few words."""
    if verdict.value is None:
        return f"{verdict.check}: {'passed' if verdict.passed else verdict.reason or 'not passed'}"
    limit = "" if verdict.threshold is None else f" (threshold {verdict.threshold:.3g})"
    return f"{verdict.check} {verdict.value:.3g}{limit}"
