"""Is the driver anything but the source? Mean difference in grey levels, 0-255, on the working raster; a copy differs by its coding."""

from __future__ import annotations

import numpy as np

from awbench.metrics.motion_smoothness import difference
from bootstrap.filters.evidence import PairEvidence
from bootstrap.filters.filter import Filter


def distinct(evidence: PairEvidence) -> float:
    return float(np.mean([difference(one, other) for one, other in zip(evidence.driver_frames, evidence.source_frames)]))


DISTINCT = Filter(name="distinct", function=distinct, lacking="grey levels from the source: a copy of it")
