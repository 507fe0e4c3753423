"""lpips, 0 upwards, lower is better: perceptual distance of output and truth, frame by frame; the mean of at most 16 frames.

What the reference can't know (pixels outside its view, `Truth.seen`) is taken from the truth, so that it counts neither way.
Source: Zhang et al., "The Unreasonable Effectiveness of Deep Features as a Perceptual Metric" (2018).
"""

from __future__ import annotations

import numpy as np

from awbench.evidence import Evidence, sampled
from awbench.metrics.learned.lpips_network import load_lpips
from awbench.metrics.learned.metric import LearnedMetric
from awbench.metrics.learned.models import LearnedModels
from awbench.metrics.metric import Unscored

MAX_FRAMES = 16


def lpips(evidence: Evidence, models: LearnedModels) -> float | Unscored:
    if evidence.truth is None:
        return Unscored(reason="no ground truth")
    chosen = sampled(len(evidence.output), MAX_FRAMES)
    truth, seen = evidence.truth.clip.frames[chosen], evidence.truth.seen[chosen]
    output = np.where(seen[..., None], evidence.output.frames[chosen], truth)
    return float(load_lpips(models.lpips, models.device).distances(output, truth).mean())


METRIC = LearnedMetric(
    name="lpips",
    version="1",
    dimension="fidelity",
    low=0,
    high=1,
    higher_is_better=False,
    needs="lpips",
    score_with=lpips,
    sees="blur, noise, compression, deformed and misplaced parts, against the truth",
    blind="order of frames; small shifts weigh less than in psnr",
)
