"""clip_t (CLIP-T), 0-1: cosine of open_clip's features of the frames and of the case's prompt, the mean of at most 8 frames.

Unscored without a prompt. Negative cosines count as 0. Values near 0.3 are high: compare, don't read them alone.
Source: Hessel et al., "CLIPScore" (2021), without its factor of 2.5.
"""

from __future__ import annotations

import numpy as np

from awbench.evidence import Evidence, sampled
from awbench.metrics.learned.metric import LearnedMetric
from awbench.metrics.learned.models import LearnedModels
from awbench.metrics.learned.open_clip_model import load_clip
from awbench.metrics.learned.subject import MAX_FRAMES, squared
from awbench.metrics.metric import Unscored


def clip_t(evidence: Evidence, models: LearnedModels) -> float | Unscored:
    if not evidence.prompt.strip():
        return Unscored(reason="the case has no prompt")
    model = load_clip(models.clip, models.device)
    frames = [squared(evidence.output.frames[t]) for t in sampled(len(evidence.output), MAX_FRAMES)]
    return float(np.maximum(0, model.pictures(frames) @ model.texts([evidence.prompt])[0]).mean())


METRIC = LearnedMetric(
    name="clip_t",
    version="1",
    dimension="prompt",
    low=0,
    high=1,
    needs="clip",
    score_with=clip_t,
    sees="a picture of something else than the prompt says",
    blind="identity, motion and order of frames; words beyond the model's context",
)
