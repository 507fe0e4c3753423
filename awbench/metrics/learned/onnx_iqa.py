"""onnx_iqa, 0-1: an image quality model of your own (MUSIQ, a DOVER image branch, ...) as ONNX; the mean of at most 8 frames.

What the model must take and give is in `onnx_model`. Models that look at whole clips (DOVER's fragments) are not served.
"""

from __future__ import annotations

from awbench.evidence import Evidence, sampled
from awbench.metrics.learned.metric import LearnedMetric
from awbench.metrics.learned.models import LearnedModels
from awbench.metrics.learned.onnx_model import load_onnx
from awbench.metrics.learned.subject import MAX_FRAMES


def onnx_iqa(evidence: Evidence, models: LearnedModels) -> float:
    return load_onnx(models.iqa).quality([evidence.output.frames[t] for t in sampled(len(evidence.output), MAX_FRAMES)])


METRIC = LearnedMetric(
    name="onnx_iqa",
    version="1",
    dimension="imaging",
    low=0,
    high=1,
    needs="iqa",
    score_with=onnx_iqa,
    sees="what the model was trained to see in single frames",
    blind="identity, motion, order of frames",
)
