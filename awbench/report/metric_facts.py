"""What a table needs to know of the metrics that runs were scored with: direction, range, margin, parts, and one version for all.

In: the score tables of the runs. Out: `MetricFacts` in the order to show them, or a refusal naming the run whose version differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence

from awbench.judging.rubrics import PREFIX
from models.types import require

TRUTH_DIMENSION = "fidelity"
"""The dimension of metrics that compare with the truth itself."""

MOTION_DIMENSION, LOOKS_DIMENSIONS = "motion", frozenset({"imaging", "temporal", "appearance"})
"""The dimension of who follows the driver, and those in which a judge, who looks at the answer, sees a torn or melted body."""

UNSTATED_MARGIN = 0.005
"""Share of a metric's range that counts as noise where the metric states no margin of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricFacts:
    """What a table needs to know of a metric. `span`: the axis to draw on, or None to fit the scores (dB); `limits`: lowest and
    highest value there can be, None where unknown; `combines`: its parts; `is_share`: its means are shares of the cases.

    `margin`: differences of means up to it are noise; `rank_without_truth`: whether values of cases without truth may rank;
    `informative`: it never ranks; `dimension`: what it is about.
    """

    name: str
    version: str
    higher_is_better: bool = True
    span: tuple[float, float] | None = None
    limits: tuple[float, float] | None = None
    combines: tuple[str, ...] = ()
    is_share: bool = False
    margin: float = UNSTATED_MARGIN
    rank_without_truth: bool = True
    informative: bool = False
    dimension: str = ""

    @property
    def sign(self) -> int:
        """1 where higher is better, else -1: values times it are better the higher they are."""
        return 1 if self.higher_is_better else -1

    @property
    def worst(self) -> float | None:
        """The value nothing is worse than."""
        return None if self.limits is None else self.limits[0 if self.higher_is_better else 1]

    @property
    def title(self) -> str:
        """The name as it is read."""
        return self.name.replace("_", " ")

    @property
    def compares_with_truth(self) -> bool:
        return self.dimension == TRUTH_DIMENSION

    @property
    def is_judged(self) -> bool:
        """Whether a judge looked at the answers."""
        return self.name.startswith(PREFIX)

    @property
    def follows(self) -> bool:
        """Whether it is about who follows the driver; where that needs a truth, `rank_without_truth` says so."""
        return self.dimension == MOTION_DIMENSION and not self.combines and not self.informative

    @property
    def sees(self) -> bool:
        """Whether it tells a right answer from a torn one or from one that follows nobody. Sharpness, smoothness, flicker, a leak and,
        without a truth, learned likeness to the reference do not: a still or bent reference is as good for them (docs/metrics.md)."""
        return self.follows or self.is_judged

    @property
    def sees_looks(self) -> bool:
        """Whether it tells a whole body from a torn or melted one."""
        return self.is_judged and self.dimension in LOOKS_DIMENSIONS


def common_metrics(frames: Sequence[Any], folders: Sequence[Path]) -> tuple[MetricFacts, ...]:
    """The union of the scored metrics, in catalog order; values of one metric in two versions are refused."""
    versions: dict[str, tuple[str, Path]] = {}
    for frame, folder in zip(frames, folders):
        for metric, version in _versions(frame[frame["status"] == "ok"]):
            known, where = versions.setdefault(metric, (version, folder))
            advice = f"{where} has {known}: score both with one version"
            require(version == known, f"run {folder}", f"{metric} version", version, known, advice)
    for frame, folder in zip(frames, folders):  # rows without a value name a version only where nothing else does
        for metric, version in _versions(frame):
            versions.setdefault(metric, (version, folder))
    known = [name for name in _catalog_order() if name in versions]
    facts = [_facts(name, versions[name][0]) for name in known + sorted(versions.keys() - set(known))]
    return tuple(sorted(facts, key=lambda metric: not metric.combines))  # the composite leads, the rest keeps its order


def _versions(frame: Any) -> list[tuple[str, str]]:
    pairs = frame[["metric", "metric_version"]].drop_duplicates()
    return [(str(metric), str(version)) for metric, version in pairs.itertuples(index=False)]


def _catalog_order() -> list[str]:
    from awbench.catalog import METRICS

    return list(METRICS.entries)


def _facts(name: str, version: str) -> MetricFacts:
    """What the catalog says of it; a metric of a plug-in that is not installed here counts as higher is better, and noise as usual."""
    from awbench.catalog import METRICS

    if name not in METRICS.table():
        return MetricFacts(name=name, version=version)
    metric = METRICS.load(name)
    low, high = float(metric.low), float(metric.high)
    same = ("higher_is_better", "is_share", "rank_without_truth", "informative", "dimension")
    return MetricFacts(
        name=name,
        version=version,
        span=(low, high) if high - low <= 1 else None,
        limits=(low, high),
        combines=tuple(metric.combines),
        margin=float(metric.margin) or UNSTATED_MARGIN * (high - low),
        **{field: getattr(metric, field) for field in same},
    )
