"""driver_leak, 0 or 1, lower is better: is the output nearer the driver's look than the reference's?

Colour likeness r of `appearance_consistency` without masks (whole frame and quarters, half mean and half worst tenth):
    leak = 1 if r(output, driver's first frame) > r(output, reference) else 0
Its mean over cases is how often a system hands the driver back. Not part of `overall`, which sees the same through
appearance. Unscored on the self track, where both looks are one.
"""

from __future__ import annotations

from awbench.evidence import Evidence
from awbench.metrics.appearance_consistency import likeness
from awbench.metrics.metric import Metric, Unscored


def driver_leak(evidence: Evidence) -> float | Unscored:
    if evidence.track == "self":
        return Unscored(reason="self track: driver and reference share one look")
    to_driver = likeness(evidence.output.frames, evidence.driver.frames[0])
    return float(to_driver > likeness(evidence.output.frames, evidence.reference))


METRIC = Metric(
    name="driver_leak", version="1", dimension="appearance", low=0, high=1, function=driver_leak, higher_is_better=False, is_share=True
)
