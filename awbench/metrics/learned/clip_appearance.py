"""clip_appearance (CLIP-I), 0-1: open_clip's image features of the subject in the output beside those of the subject in the reference.

At most 8 frames, evenly spread, each cut to the subject (`subject`); the score is `likeness`: half the mean, half the worst tenth.
Version 1 looked at whole frames. Source of the idea: Ruiz et al., "DreamBooth" (2023), section 4.2; frames are not compared by their best.
"""

from __future__ import annotations

from awbench.evidence import Evidence
from awbench.metrics.learned.likeness import likeness
from awbench.metrics.learned.metric import LearnedMetric
from awbench.metrics.learned.models import LearnedModels
from awbench.metrics.learned.open_clip_model import load_clip
from awbench.metrics.learned.subject import subject_views


def clip_appearance(evidence: Evidence, models: LearnedModels) -> float:
    return likeness(subject_views(evidence, models.estimator), load_clip(models.clip, models.device).pictures)


METRIC = LearnedMetric(
    name="clip_appearance",
    version="2",
    dimension="appearance",
    low=0,
    high=1,
    needs="clip",
    on_subject=True,
    score_with=clip_appearance,
    sees="another identity or kind of subject, a lost or melted subject, also for a few of the frames looked at",
    blind="motion: a still or bent copy of the reference scores best where there is no truth; detail below the model's input size",
)
