"""Does the driver show the identity alone, or does the source shine through it as a ghost?

A ghost is the one fault that teaches a model to copy: its driver shows the target's own pixels. The value is
    1 - share / FULL, between 0 and 1
with the share of the source that lies over the driver, as the referee measures it (`awbench.metrics.shown_through`, which says what it
cannot see). Not told where the source hardly moves, and where the identity shows the source's own scene.
"""

from __future__ import annotations

from awbench.metrics.metric import Unscored
from awbench.metrics.shown_through import undue_share
from bootstrap.filters.evidence import PairEvidence
from bootstrap.filters.filter import Filter

FULL = 0.15
"""The share of the source from which on the value is 0."""


def unblended(evidence: PairEvidence) -> float | Unscored:
    share = undue_share(evidence.as_answer)
    if share is None:
        return Unscored(reason="the source hardly moves, or the identity shows its scene")
    return min(1.0, max(0.0, 1 - share / FULL))


UNBLENDED = Filter(name="unblended", function=unblended, lacking="of a picture of its own: the source shows through", metric="driver_leak")
