"""driver_leak, 0 or 1, lower is better: does the output hand the driver back, in its own colours or in others?

    leak = 1 if the edges of output and driver coincide frame by frame (`copied_structure` > LEAK), or
                the driver's first frame is found in the output better than the reference is (`completeness`)
Its mean over cases is how often a system hands the driver back. Not part of `overall`, which sees the same through
appearance. Unscored on the self track, where both looks are one. Limit: a mixture of less than half driver passes here and is
seen by appearance_consistency.
"""

from __future__ import annotations

from awbench.evidence import Evidence
from awbench.metrics.appearance_consistency import completeness, copied, found_in_output
from awbench.metrics.metric import Metric, Unscored

LEAK = 0.4
"""Share of appearance lost to copied structure above which it is a leak."""


def driver_leak(evidence: Evidence) -> float | Unscored:
    if evidence.track == "self":
        return Unscored(reason="self track: driver and reference share one look")
    if copied(evidence) > LEAK:
        return 1.0
    return float(completeness(evidence.output.frames, evidence.driver.frames[0]) > found_in_output(evidence))


METRIC = Metric(
    name="driver_leak",
    version="2",
    dimension="appearance",
    low=0,
    high=1,
    function=driver_leak,
    higher_is_better=False,
    is_share=True,
    sees="the driver handed back, recoloured or not",
    blind="mixtures with less than half of the driver",
)
