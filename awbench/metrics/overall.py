"""overall, 0-1: the right thing, well shown, whole and in time.

    content = geometric mean of motion_fidelity, appearance_consistency and, where the case has a truth, ssim
    form    = geometric mean of imaging_quality, motion_smoothness and temporal_consistency
    overall = content * form * completeness * (1 - LATE * min(1, |lag| / MAX_LAG_S))
A wrong motion or a wrong identity cannot be bought off by clean frames, as it could in version 1 (the geometric mean of five); what is
missing counts as missing, and a lag costs a little, once. A part left unscored by design is left out of its mean; one that failed makes
overall fail. Scores of version 1 stay readable and are scored anew when asked for.
Without truth motion_fidelity cannot tell a right answer from one that repeats the driver's flow, so overall ranks nobody there.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from awbench.alignment import MAX_LAG_S
from awbench.metrics.metric import Metric, Unscored

CONTENT = ("motion_fidelity", "appearance_consistency", "ssim")
FORM = ("imaging_quality", "motion_smoothness", "temporal_consistency")
PARTS = (*FORM, *CONTENT, "completeness", "lag")
LATE = 0.1


def overall(values: Mapping[str, float | Unscored]) -> float | Unscored:
    """`values`: an answer per name in PARTS. Raises ValueError where one is missing."""
    missing = [name for name in PARTS if name not in values]
    if missing:
        raise ValueError(f"overall: parts: got none for {', '.join(missing)}, expected a value or a reason for each")
    content, form = _mean(values, CONTENT), _mean(values, FORM)
    if content is None or form is None:
        return Unscored(reason=f"none of {', '.join(CONTENT if content is None else FORM)} was scored")
    whole, lag = (0.0 if isinstance(values[name], Unscored) else float(values[name]) for name in ("completeness", "lag"))
    whole = 1.0 if isinstance(values["completeness"], Unscored) else whole
    return float(content * form * whole * (1 - LATE * min(1.0, abs(lag) / MAX_LAG_S)))


def _mean(values: Mapping[str, float | Unscored], names: tuple[str, ...]) -> float | None:
    known = [max(0.0, float(values[name])) for name in names if not isinstance(values[name], Unscored)]
    return float(np.prod(known) ** (1 / len(known))) if known else None


METRIC = Metric(
    name="overall",
    version="2",
    dimension="overall",
    low=0,
    high=1,
    function=overall,
    combines=PARTS,
    rank_without_truth=False,
    margin=0.065,
    sees="whatever one of its parts sees",
    blind="whatever none of its parts sees",
)
