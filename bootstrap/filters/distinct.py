"""Is the driver anything but the source? Mean difference in grey levels, 0-255, on the working raster; a copy differs by its coding."""

from __future__ import annotations

import numpy as np

from bootstrap.filters.evidence import PairEvidence
from bootstrap.filters.filter import Filter


def distinct(evidence: PairEvidence) -> float:
    pairs = zip(evidence.driver_frames, evidence.source_frames)
    return float(np.mean([np.abs(one.astype(np.int16) - other).mean() for one, other in pairs]))


DISTINCT = Filter(name="distinct", function=distinct, lacking="grey levels from the source: a copy of it")
