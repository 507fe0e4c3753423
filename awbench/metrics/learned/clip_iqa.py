"""clip_iqa, 0-1: open_clip finds a frame nearer to "Good photo." than to "Bad photo."; the mean of at most 8 frames.

    q = exp(100 cos(f, good)) / (exp(100 cos(f, good)) + exp(100 cos(f, bad)))
A frame is looked at in squares of its short side, spread over the long one, so that nothing is squeezed or left out.
Source: Wang, Chan & Loy, "Exploring CLIP for Assessing the Look and Feel of Images" (AAAI 2023), with the antonym pair of section 3.1; the
positional embedding is kept, so squares come at the model's input size and damage finer than that goes unseen.
"""

from __future__ import annotations

from math import ceil

import numpy as np

from awbench.evidence import Evidence, sampled
from awbench.metrics.learned.metric import LearnedMetric
from awbench.metrics.learned.models import LearnedModels
from awbench.metrics.learned.open_clip_model import load_clip
from awbench.metrics.learned.subject import MAX_FRAMES

PROMPTS = ("Good photo.", "Bad photo.")
SCALE = 100.0


def squares(frame: np.ndarray) -> list[np.ndarray]:
    """Squares of the short side of uint8 `[H,W,3]`, evenly spread along the long one, as many as cover it."""
    height, width = frame.shape[:2]
    side = min(height, width)
    starts = np.linspace(0, max(height, width) - side, ceil(max(height, width) / side)).round().astype(int)
    return [frame[s : s + side] if height > width else frame[:, s : s + side] for s in starts]


def clip_iqa(evidence: Evidence, models: LearnedModels) -> float:
    model = load_clip(models.clip, models.device)
    frames = evidence.output.frames[sampled(len(evidence.output), MAX_FRAMES)]
    pictures = [np.ascontiguousarray(part) for frame in frames for part in squares(frame)]
    good, bad = (SCALE * model.pictures(pictures) @ model.texts(PROMPTS).T).T
    return float((1 / (1 + np.exp(np.clip(bad - good, -500, 500)))).mean())


METRIC = LearnedMetric(
    name="clip_iqa",
    version="1",
    dimension="imaging",
    low=0,
    high=1,
    needs="clip",
    score_with=clip_iqa,
    sees="blur, noise, compression and exposure that survive at the model's input size",
    blind="identity, motion, order of frames; drawn styles may count as bad photos, so compare systems on the same cases only",
)
