"""What a table needs to know of the metrics that runs were scored with: direction, range, parts, and one version for all.

In: the score tables of the runs. Out: `MetricFacts` in the order to show them, or a refusal naming the run whose version differs.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Sequence

from models.types import require


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricFacts:
    """What a table needs to know of a metric. `span`: the axis to draw on, or None to fit the scores (dB); `combines`: its parts;
    `is_share`: its means are shares of the cases."""

    name: str
    version: str
    higher_is_better: bool = True
    span: tuple[float, float] | None = None
    combines: tuple[str, ...] = ()
    is_share: bool = False


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
    """Direction and range from the catalog; a metric of a plug-in that is not installed here counts as higher is better."""
    from awbench.catalog import METRICS

    if name not in METRICS.table():
        return MetricFacts(name=name, version=version)
    metric = METRICS.load(name)
    span = (float(metric.low), float(metric.high)) if metric.high - metric.low <= 1 else None
    known = {"higher_is_better": metric.higher_is_better, "combines": tuple(metric.combines), "is_share": metric.is_share}
    return MetricFacts(name=name, version=version, span=span, **known)
