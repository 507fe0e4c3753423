"""dino_i (DINO-I), 0-1: as clip_appearance, by the features of a self-supervised image network (DINO, DINOv2, ... through timm).

Trained without words, such features tell two individuals of one kind apart better than CLIP's.
Source: Ruiz et al., "DreamBooth" (2023), section 4.2.
"""

from __future__ import annotations

from awbench.evidence import Evidence
from awbench.metrics.learned.dino_model import load_dino
from awbench.metrics.learned.likeness import likeness
from awbench.metrics.learned.metric import LearnedMetric
from awbench.metrics.learned.models import LearnedModels
from awbench.metrics.learned.subject import subject_views


def dino_i(evidence: Evidence, models: LearnedModels) -> float:
    return likeness(subject_views(evidence, models.estimator), load_dino(models.dino, models.device).pictures)


METRIC = LearnedMetric(
    name="dino_i",
    version="1",
    dimension="appearance",
    low=0,
    high=1,
    needs="dino",
    on_subject=True,
    score_with=dino_i,
    sees="another individual, a lost, melted or deformed subject, also for a few of the frames looked at",
    blind="motion: a still or bent copy of the reference scores best where there is no truth; detail below the model's input size",
)
