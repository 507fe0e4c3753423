"""What a filter is: a described function of `PairEvidence` whose value must reach a threshold.

To add one, write a function and a `Filter`, and name it on the command line: `--thresholds.more module:attribute=THRESHOLD`, or
NAME=THRESHOLD where it is installed under the entry point group `actorforge.filters`; what nobody names is not asked. A larger value is
better; a filter that cannot say anything returns `Unscored` and passes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from awbench.metrics.metric import Unscored
from bootstrap.filters.evidence import PairEvidence
from bootstrap.filters.verdict import Verdict
from bootstrap.reasons import reason_of
from models.mllm.errors import MllmError
from models.types import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """`lacking`: what a value below the threshold means, after "0.2 < 0.5"; `metric`: the referee's metric that
    gives the value or shares its measure, or "".

    A changed formula gets a new `version`. Of a metric's filter the metric's own version counts as well.
    """

    name: str
    function: Callable[[PairEvidence], float | Unscored]
    lacking: str
    version: str = "1"
    metric: str = ""

    def __post_init__(self) -> None:
        require(self.name.isidentifier(), f"filter {self.name!r}", "name", repr(self.name), "letters, digits and _")
        require(bool(self.version), f"filter {self.name!r}", "version", repr(self.version), "a non-empty text")

    def judge(self, evidence: PairEvidence, threshold: float) -> Verdict:
        """Raises what a model's endpoint raises as it is, anything else as a ValueError that names filter and clip."""
        try:
            value = self.function(evidence)
        except MllmError:
            raise
        except Exception as error:
            width, height = evidence.driver.size
            shown = f"{len(evidence.driver)} frames of {width}x{height} px"
            raise ValueError(f"{self.name} could not judge {shown}: {reason_of(error)}") from error
        if isinstance(value, Unscored):
            return Verdict(check=self.name, value=None, threshold=threshold, passed=True, reason=f"not judged: {value.reason}")
        return at_least(self.name, value, threshold, self.lacking)


def at_least(check: str, value: float, threshold: float, lacking: str) -> Verdict:
    """The verdict of a value that must reach a threshold."""
    value = round(float(value), 6)
    passed = value >= threshold
    return Verdict(
        check=check, value=value, threshold=threshold, passed=passed, reason="" if passed else f"{value:.3g} < {threshold:g} {lacking}"
    )
