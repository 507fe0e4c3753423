"""overall, 0-1: the geometric mean of the five weight-free metrics, so that no one of them can buy off another.

A metric left unscored by design (appearance on the self track) is left out of the mean; one that failed makes overall fail.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from awbench.metrics.metric import Metric, Unscored

PARTS = ("imaging_quality", "motion_smoothness", "temporal_consistency", "appearance_consistency", "motion_fidelity")


def overall(values: Mapping[str, float | Unscored]) -> float | Unscored:
    """`values`: an answer per name in PARTS. Raises ValueError where one is missing."""
    missing = [name for name in PARTS if name not in values]
    if missing:
        raise ValueError(f"overall: parts: got none for {', '.join(missing)}, expected a value or a reason for each")
    known = [values[name] for name in PARTS if not isinstance(values[name], Unscored)]
    return float(np.prod(known) ** (1 / len(known))) if known else Unscored(reason="none of the five was scored")


METRIC = Metric(name="overall", version="1", dimension="overall", low=0, high=1, function=overall, combines=PARTS)
