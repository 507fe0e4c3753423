"""driver_leak, 0 or 1, lower is better: is the driver's own picture in the output: handed back, recoloured, or as a ghost over the answer?

    leak = 1 if the edges of output and driver coincide frame by frame (`copied_structure` > LEAK), or
                the driver's first frame is found in the output better than the reference is (`completeness`), or
                the driver shows through by THROUGH or more beyond what the truth shows of it (`awbench.metrics.shown_through`)
Its mean over cases is how often a system lets the driver's picture into its answer. Not part of `overall`. Unscored on the self track,
where both looks are one. How often it is right: docs/metrics.md. Limit: ghosts below a sixth, and what `shown_through` cannot tell.
"""

from __future__ import annotations

from awbench.evidence import Evidence
from awbench.metrics.appearance_consistency import completeness, copied, found_in_output
from awbench.metrics.metric import Metric, Unscored
from awbench.metrics.shown_through import THROUGH, undue_share

LEAK = 0.4
"""Share of appearance lost to copied structure above which it is a leak."""


def driver_leak(evidence: Evidence) -> float | Unscored:
    if evidence.track == "self":
        return Unscored(reason="self track: driver and reference share one look")
    if copied(evidence) > LEAK or (undue_share(evidence) or 0.0) >= THROUGH:
        return 1.0
    return float(completeness(evidence.output.frames, evidence.driver.frames[0]) > found_in_output(evidence))


METRIC = Metric(
    name="driver_leak",
    version="3",
    dimension="appearance",
    low=0,
    high=1,
    function=driver_leak,
    higher_is_better=False,
    is_share=True,
    sees="the driver handed back, recoloured or not, and ghosts of it from about a sixth on",
    blind="fainter ghosts, displaced or enlarged ones, a driver that hardly moves; a twin of the driver in its place may count as one",
)
