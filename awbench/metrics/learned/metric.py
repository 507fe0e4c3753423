"""A metric of evidence and of a model: listed without the model, bound to it by whoever scores.

    LearnedMetric.bound(LearnedModels) -> a metric as any other: a function of `Evidence`, its version naming the model by its hash

Unbound, or bound to models without the one it needs, it is unscored and says which flag gives the model.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from awbench.evidence import Evidence
from awbench.metrics.learned.models import FLAGS, LearnedModels
from awbench.metrics.metric import Metric, Unscored


def _without_model(evidence: Any) -> Unscored:
    return Unscored(reason="no model")


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedMetric(Metric):
    """`needs`: the field of `LearnedModels` it can't do without; `on_subject`: it looks at the subject's crop, so that the estimator that
    finds it decides the values too; `score_with`: the metric itself."""

    needs: str
    score_with: Callable[[Evidence, LearnedModels], float | Unscored]
    on_subject: bool = False
    function: Callable[[Any], float | Unscored] = _without_model
    optional: bool = True
    ready: bool = False

    def bound(self, models: LearnedModels) -> LearnedMetric:
        """The metric with its model; what a version says is settled here, once."""
        if self.needs not in models.given:
            return replace(self, function=partial(_missing, self.needs))
        mark = models.mark(self.needs, *(["estimator"] if self.on_subject else []))
        return replace(self, function=partial(_scored, self.score_with, models), variant=partial(str, mark), ready=True)


def _missing(needs: str, evidence: Evidence) -> Unscored:
    return Unscored(reason=f"no model, give {FLAGS[needs]}")


def _scored(score_with: Callable, models: LearnedModels, evidence: Evidence) -> float | Unscored:
    return score_with(evidence, models)
