"""psnr_subject, dB: psnr of the clip on the union of the truth's subject and the reference's, where seen; at most 100 dB.

The union covers where the subject should be and where a lazy copy of the reference leaves it.
"""

from __future__ import annotations

from awbench.evidence import Evidence
from awbench.metrics.metric import Metric, Unscored
from awbench.metrics.psnr import CAP_DB, clip_psnr


def psnr_subject(evidence: Evidence) -> float | Unscored:
    if evidence.truth is None:
        return Unscored(reason="needs the truth")
    if evidence.truth.subject.all():
        return Unscored(reason="the truth does not say where its subject is: psnr says it all")
    region = evidence.truth.seen & (evidence.truth.subject | evidence.truth.reference_subject)
    return clip_psnr(evidence.output.frames, evidence.truth.clip.frames, region)


METRIC = Metric(
    name="psnr_subject",
    version="2",
    dimension="fidelity",
    low=0,
    high=CAP_DB,
    function=psnr_subject,
    margin=0.3,
    sees="every difference from the truth on and around the subject",
    blind="structure; needs the truth",
)
