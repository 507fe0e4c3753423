"""Is the identity there in every frame, and the right way up? By the referee's patches: how well the identity's are found in a frame.

steady, 0-1: the frame in which the identity is found least over the median frame. A frame that shows something else, a fade to another
picture, an identity that is exchanged half-way. A character that turns its back costs too.

upright, 0-1: r / (r + r upside down), where r is how much of the identity is found in the driver, and in the driver turned on its head.
Below 0.5 the identity is found better upside down.
"""

from __future__ import annotations

import numpy as np

from awbench.metrics.appearance_consistency import completeness, found, found_in_output
from bootstrap.filters.evidence import PairEvidence
from bootstrap.filters.filter import Filter


def steady(evidence: PairEvidence) -> float:
    table, weights = found(evidence.driver.frames, evidence.identity)
    per_frame = table @ weights
    return float(per_frame.min() / max(float(np.median(per_frame)), 1e-6))


def upright(evidence: PairEvidence) -> float:
    straight = found_in_output(evidence.as_answer)
    turned = completeness(np.ascontiguousarray(evidence.driver.frames[:, ::-1]), evidence.identity)
    return straight / max(straight + turned, 1e-6)


STEADY = Filter(name="steady", function=steady, lacking="of what is usually found of the identity in some frame")
UPRIGHT = Filter(name="upright", function=upright, lacking="of the way from upside down to upright")
