"""A scene on the bench: answers to it are scored with the truth shown and with the truth withheld, as `score` would.

What is known of driver, truth and reference is computed once for all answers; flows of an answer once for both ways of judging.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from awbench.alignment import Given, aligned
from awbench.evidence import Evidence
from awbench.metrics.metric import Metric, Unscored
from awbench.selftest.scenes import Answer, Scene

SHOWN, WITHHELD = "truth", "withheld"
_OF_THE_DRIVER = ("driver_frames", "driver_flow", "driver_motion", "driver_signature")
_OF_THE_CASE = (*_OF_THE_DRIVER, "truth_frames", "truth_flow", "truth_motion", "exact_flow", "exact_motion", "subject", "reference_subject")
_OF_THE_OUTPUT = ("output_frames", "output_flow", "output_motion", "output_signature")
LAG_ERROR = "lag_error"
"""Not a metric: by how many seconds the found lag misses the one an answer was made with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What a metric said of an answer; `value` is None where it was `reason`."""

    judged: str
    metric: str
    value: float | None
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Bench:
    """`cases`: the evidence of the scene's own answer by way of judging, from which that of other answers is made."""

    cases: dict[str, Evidence]

    def values(self, answer: Answer, metrics: Sequence[Metric]) -> list[Value]:
        """Every metric's answer for both ways of judging. A metric that fails is a value with its reason."""
        given = answer.given or Given(frames=len(answer.clip), fps=answer.clip.fps)
        found, flows = [], {}
        for judged, case in self.cases.items():
            evidence = _with_output(case, answer, flows)
            try:
                evidence = _aligned(evidence, given)
            except ValueError as error:
                found += [Value(judged=judged, metric=metric.name, value=None, reason=f"failed: {error}") for metric in metrics]
                continue
            found += _answers(judged, evidence, metrics)
            found.append(Value(judged=judged, metric=LAG_ERROR, value=round(abs(evidence.lag_s - answer.lag_s), 6)))
        return found


def bench_of(scene: Scene) -> Bench:
    """The bench of a scene; without a truth there is one way of judging."""
    shared = {"case_id": scene.id, "output": scene.answer, "driver": scene.driver, "reference": scene.reference, "track": scene.track}
    hidden = Evidence(**shared)
    _compute(hidden, _OF_THE_DRIVER)
    if scene.truth is None:
        return Bench(cases={WITHHELD: hidden})
    shown = Evidence(**shared, truth=scene.truth)
    _share(hidden, shown, _OF_THE_DRIVER)
    _compute(shown, _OF_THE_CASE)
    return Bench(cases={SHOWN: shown, WITHHELD: hidden})


def _compute(evidence: Evidence, names: Sequence[str]) -> None:
    for name in names:
        getattr(evidence, name)


def _share(source: Evidence, target: Evidence, names: Sequence[str]) -> None:
    """Hand on what is computed already: cached properties lie in the instance's dictionary."""
    target.__dict__.update({name: source.__dict__[name] for name in names if name in source.__dict__})


def _with_output(case: Evidence, answer: Answer, flows: dict[str, object]) -> Evidence:
    """The case with another output. `flows`: what is known of the output, filled by the first call and used by the next."""
    evidence = replace(case, output=answer.clip)
    _share(case, evidence, _OF_THE_CASE)
    if not flows:
        flows.update({name: getattr(evidence, name) for name in _OF_THE_OUTPUT})
    evidence.__dict__.update(flows)
    return evidence


def _aligned(evidence: Evidence, given: Given) -> Evidence:
    found = aligned(evidence, given)
    if found.output is evidence.output:  # nothing was cut, so all that is known still holds
        _share(evidence, found, (*_OF_THE_CASE, *_OF_THE_OUTPUT))
    return found


def _answers(judged: str, evidence: Evidence, metrics: Sequence[Metric]) -> list[Value]:
    answers: dict[str, float | Unscored] = {}
    found = []
    for metric in metrics:
        value, reason = _answer(metric, evidence, answers)
        if value is not None or not reason.startswith("failed"):
            answers[metric.name] = Unscored(reason=reason) if value is None else value
        found.append(Value(judged=judged, metric=metric.name, value=None if value is None else round(value, 6), reason=reason))
    return found


def _answer(metric: Metric, evidence: Evidence, answers: dict[str, float | Unscored]) -> tuple[float | None, str]:
    try:
        asked = {name: answers[name] for name in metric.combines if name in answers} if metric.combines else evidence
        value = metric.function(asked)
    except Exception as error:  # noqa: BLE001  a metric that breaks on one answer must not stop the others
        return None, f"failed: {type(error).__name__}: {error}"[:300]
    if isinstance(value, Unscored):
        return None, value.reason
    return (float(value), "") if np.isfinite(value) else (None, f"failed: {value}")
