"""How like two sets of image features are, for the appearance metrics: half the mean cosine, half the worst tenth.

    c(clip) = (mean_t cos(f_t, f_ref) + mean of the worst tenth) / 2, negative cosines as 0;   score = min(1, c(output) / level)
level is c(truth) where the truth exists, so that copying the reference does not beat the right answer, else 1. The worst tenth catches
an identity that is lost for a few frames, which a maximum (VBench-I2V's subject term) never sees.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from awbench.metrics.learned.subject import SubjectViews

Embed = Callable[[Sequence[np.ndarray]], np.ndarray]
"""uint8 `[H,W,3]` pictures of any sizes -> unit features float32 `[N,D]`."""


def closeness(features: np.ndarray, reference: np.ndarray) -> float:
    """c of unit features `[T,D]` to `[D]`."""
    cosines = np.sort(np.maximum(0, features @ reference))
    worst = cosines[: max(1, round(len(cosines) / 10))]
    return float((cosines.mean() + worst.mean()) / 2)


def likeness(views: SubjectViews, embed: Embed) -> float:
    """The score, 0-1."""
    reference = embed([views.reference])[0]
    level = 1.0 if views.truth is None else closeness(embed(views.truth), reference)
    return float(min(1.0, closeness(embed(views.output), reference) / max(level, 1e-6)))


def unit(features: np.ndarray) -> np.ndarray:
    return features / np.maximum(np.linalg.norm(features, axis=-1, keepdims=True), 1e-9)
