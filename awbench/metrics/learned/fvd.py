"""FVD: the Frechet distance between the features of two sets of clips. A number of a set, never of a case, and only of large sets.

    FVD = |m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)),   m, C mean and covariance of the features
Source: Unterthiner et al., "Towards Accurate Generative Models of Video" (2018). With few clips the covariances are nearly arbitrary: on 4
clips the same pair of systems gives thousands. Hence at least 256 clips on either side, else a refusal. It also prefers good single frames
over good motion (Ge et al., "On the Content Bias in Frechet Video Distance", 2024). Features are yours to compute (I3D, VideoMAE).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from awbench.metrics.metric import Metric, Unscored
from models.types import require

MIN_CLIPS = 256
_WHY = "with fewer the distance says more about the sample than about the systems"


def frechet_video_distance(real: np.ndarray, made: np.ndarray) -> float:
    """Of features `[N,D]` and `[M,D]`, one row a clip, no clip twice. Raises ValueError below 256 clips or for repeated rows."""
    for name, features in (("real", real), ("made", made)):
        require(features.ndim == 2 and bool(np.isfinite(features).all()), "fvd", name, features.shape, "finite features [N,D]")
        require(len(features) >= MIN_CLIPS, "fvd", name, f"{len(features)} clips", f"at least {MIN_CLIPS}", _WHY)
        different = len(np.unique(features, axis=0))
        require(different == len(features), "fvd", name, f"{different} different clips of {len(features)}", "no clip twice")
    require(real.shape[1] == made.shape[1], "fvd", "features", (real.shape[1], made.shape[1]), "features of one network")
    means, covariances = zip(*((x.mean(0), np.cov(x, rowvar=False).reshape(x.shape[1], -1)) for x in (real, made)))
    root = _root(covariances[0])
    cross = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ covariances[1] @ root), 0)).sum()
    return float(((means[0] - means[1]) ** 2).sum() + np.trace(covariances[0]) + np.trace(covariances[1]) - 2 * cross)


def _root(matrix: np.ndarray) -> np.ndarray:
    """The symmetric square root of a covariance."""
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T


def _refused(evidence: Any) -> Unscored:
    return Unscored(reason=f"a distance between two sets of at least {MIN_CLIPS} clips, not a score of a case: {_WHY}")


METRIC = Metric(
    name="fvd",
    version="1",
    dimension="set",
    low=0,
    high=1e6,
    function=_refused,
    higher_is_better=False,
    optional=True,
    informative=True,
    sees="nothing per case",
    blind="everything per case: a number of a set",
)
