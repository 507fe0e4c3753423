"""`ground_truth`: answers with the case's truth clip. The ceiling of every metric; world suites have a truth for each case."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Mapping

from awbench.cases import Suite
from awbench.catalog import ANIMATORS
from models.animators.load import load_animator
from models.capabilities import Capabilities
from models.protocols import Animator
from models.runtime import Runtime
from models.types import AnimationRequest, AnimationResult, require

NAME = "ground_truth"


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundTruth:
    """Looks up the truth of the request's id in its suite. Raises ValueError for a case without one."""

    suite: Suite | None = None
    name: str = NAME
    weights_hash: str = ""

    def animate(self, request: AnimationRequest) -> AnimationResult:
        start_s = time.monotonic()
        require(self.suite is not None, NAME, "suite", "none", "a suite with truth", "use it with `generate --suite`")
        truth = self.suite.load(request.id).truth
        advice = "truth exists in world suites and where a suite.yaml names one"
        require(truth is not None, f"{NAME}: case {request.id}", "truth", "none", "a truth clip", advice)
        return AnimationResult(request_id=request.id, clip=truth.clip, animator=NAME, seconds=time.monotonic() - start_s)


def create(argument: str | None = None) -> GroundTruth:
    """A ground truth without a suite, for tables; `load_for_suite` gives a usable one."""
    require(argument is None, "animator ground_truth", "argument", repr(argument), "none", "write just ground_truth")
    return GroundTruth()


def capabilities(name: str) -> Capabilities:
    return Capabilities(
        kind="weightless", licence="Apache-2.0", note="the suite's own truth, where it has one; the ceiling of every metric"
    )


def lacking_truth(name: str, suite: Suite) -> list[str]:
    """A line where `name` answers with truths and the suite has none."""
    if name != NAME or suite.has_truth:
        return []
    return [f"truth: none in {suite.name}; truth exists in world suites and where a suite.yaml names one"]


def load_for_suite(name_or_path: str, suite: Suite, runtime: Runtime = Runtime(), options: Mapping[str, str] | None = None) -> Animator:
    """Any animator by name, `name:argument` or checkpoint folder; ground_truth is tied to `suite`."""
    animator = load_animator(name_or_path, ANIMATORS, runtime, options)
    return GroundTruth(suite=suite) if isinstance(animator, GroundTruth) else animator
