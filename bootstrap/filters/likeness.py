"""Is the identity there in every frame, and the right way up? By the referee's patches: how well the identity's are found in a frame.

steady, 0-1: the frame in which the identity is found least over the median frame. A frame that shows something else, a fade to another
picture, an identity that is exchanged half-way. A character that turns its back costs too.

upright, 0-1: r / (r + r upside down), where r is how much of the identity is found in the driver, and in the driver turned on its head.
Below 0.5 the identity is found better upside down.
"""

from __future__ import annotations

import numpy as np

from awbench.metrics.appearance_consistency import complete, found_in_output, output_table, wanted
from awbench.metrics.patches import found
from bootstrap.filters.evidence import PairEvidence
from bootstrap.filters.filter import Filter


def steady(evidence: PairEvidence) -> float:
    per_frame = output_table(evidence.as_answer) @ wanted(evidence.as_answer).weights
    return float(per_frame.min() / max(float(np.median(per_frame)), 1e-6))


def upright(evidence: PairEvidence) -> float:
    sought, straight = wanted(evidence.as_answer), found_in_output(evidence.as_answer)
    turned = complete(found(evidence.driver.frames[:, ::-1], sought), sought.weights)
    return straight / max(straight + turned, 1e-6)


STEADY = Filter(name="steady", function=steady, lacking="of what is usually found of the identity in some frame")
UPRIGHT = Filter(name="upright", function=upright, lacking="of the way from upside down to upright")
