"""Is every frame a picture? 0-1: the contrast of the weakest frame over the median frame's.

A black, white or empty frame has none. Contrast is the standard deviation of grey on the working raster.
"""

from __future__ import annotations

import cv2
import numpy as np

from bootstrap.filters.evidence import PairEvidence
from bootstrap.filters.filter import Filter


def light(evidence: PairEvidence) -> float:
    contrasts = np.array([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY).std() for frame in evidence.driver_frames])
    usual = float(np.median(contrasts))
    return float(contrasts.min()) / usual if usual > 0 else 0.0


LIGHT = Filter(name="light", function=light, lacking="of the usual contrast in some frame: black, white or empty")
