"""What a run will ask of its animator, known before anything is loaded, written or paid: cases, adaptation, effort, money.

animator, suite, options, the run's folder ──forecast──▶ Forecast ──lines──▶ what `generate --dry-run` prints
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from awbench.cases import Suite
from awbench.catalog import ANIMATORS
from awbench.ground_truth import lacking_truth
from awbench.runs import PLAN_FILE, Row, Run, record
from models.adaptation import fitted
from models.animators.load import refuse_unknown, resolved_options
from models.capabilities import Capabilities
from models.estimate import Estimate, Workload
from models.option_values import record_options
from models.retry_failed import RetryFailed
from models.runtime import Runtime
from models.stated import capabilities_of, estimate_of, missing_of, paints_of
from models.storage import redacted
from models.types import require
from pipelines.capability_words import block, estimate_words, facts
from pipelines.purse import Purse, priced, usd_words

_TIMED = (
    "not known for this machine: --limit 1 makes one case, whose `seconds` stand in generation.parquet; "
    "plan --teacher-seconds S --gpu-hour-price USD makes hours and money of it"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """`cases`: of the run; `left`: those to do; `adaptation`: what the suite's grid will need; `each`: what one case takes.

    `given`: options that were set and are no part of what is made; `missing`: what no case can do without.
    """

    animator: str
    suite: Suite
    cases: int
    left: tuple[str, ...]
    spent_usd: float
    stated: Capabilities | None
    options: Mapping[str, Any]
    given: Mapping[str, Any]
    adaptation: str
    each: Estimate
    missing: tuple[str, ...]

    @property
    def usd(self) -> float | None:
        """What the cases left will cost together, 0 where no service is asked; None where its price is not known."""
        each_usd = priced(self.each.usd, self.stated)
        return None if each_usd is None else each_usd * len(self.left)

    def lines(self) -> list[str]:
        """In words."""
        grid = self.suite.grid
        raster = f"{grid.width}x{grid.height} px, {grid.num_frames} frames at {grid.fps:g} fps"
        kind = self.stated.kind if self.stated else "nothing stated"
        done = f", {self.cases - len(self.left)} done" if self.cases > len(self.left) else ""
        pairs = facts(self.stated) if self.stated else []
        told = {name: _shown(value) for name, value in (self.options | self.given).items()}
        pairs += [("options", ", ".join(f"{name}={value}" for name, value in told.items()))] if told else []
        pairs += [("adaptation", self.adaptation or "none: the suite's grid is within its rules")] if self.stated else []
        basis = f" ({self.each.basis})" if self.each.basis else ""
        pairs += [("a case", estimate_words(self.each) + basis)]
        pairs += [(f"{len(self.left)} cases", estimate_words(self.each, len(self.left)))]
        pairs += [("time", _TIMED)] if self._untimed() else []
        pairs += [("spent", f"{usd_words(self.spent_usd)} USD by the cases done")] if self.spent_usd else []
        return [f"{len(self.left)} cases of {self.suite.name} to do{done}: {raster}", f"{self.animator} ({kind})", *block(pairs)]

    def _untimed(self) -> bool:
        """Whether a network runs for the answers of which nobody knows how long it takes on this machine."""
        return self.stated is not None and self.stated.kind in ("local", "external") and self.each.seconds is None


def forecast(
    animator: str, suite: Suite, out: Path, *, options: Mapping[str, str], limit: int | None = None, retry: RetryFailed = RetryFailed()
) -> Forecast:
    """What `generate` with these settings will ask for. Raises ValueError as it would, for names and options."""
    refuse_unknown(animator, ANIMATORS)
    read, stated = resolved_options(animator, ANIMATORS, options), capabilities_of(animator, ANIMATORS)
    grid = suite.grid
    work = Workload(size=grid.size, num_frames=grid.num_frames, fps=grid.fps)
    rows = _rows(out)
    covered = [case.id for number, case in enumerate(suite.cases) if limit is None or number < limit or case.id in rows]
    left = tuple(case for case in covered if _is_left(rows.get(case), retry))
    lacks = [*missing_of(animator, read, ANIMATORS, left=left), *lacking_truth(animator, suite)]
    notes = [fitted(work, stated).note if stated else "", paints_of(animator, work, read, ANIMATORS)]
    return Forecast(
        animator=animator,
        suite=suite,
        cases=len(covered),
        left=left,
        spent_usd=spent_usd(row for case, row in rows.items() if row and case not in left),
        stated=stated,
        options=record_options(read),
        given=_aside(read, options, lacks),
        adaptation="; ".join(note for note in notes if note),
        each=estimate_of(animator, work, read, ANIMATORS),
        missing=tuple(lacks),
    )


def refuse_missing(animator: str, lines: Sequence[str]) -> None:
    """Raises ValueError with all that is missing, before a run folder is begun."""
    if lines:
        raise ValueError(f"animator {animator}: missing: {'; missing: '.join(lines)}")


def without_prompts(told: Forecast, guided: bool) -> list[str]:
    """One line where the system is told in words and nobody has any for the cases to do."""
    wants = told.stated is not None and "prompt" in told.stated.needs and bool(told.left) and not guided
    if not wants or any(told.suite.case(case).prompt.strip() for case in told.left):
        return []
    return [f"prompt: this system is told in words, and no case of {told.suite.name} has any; --guide template writes them from the driver"]


def without_device(told: Forecast, runtime: Runtime) -> list[str]:
    """One line where a network of ours is to run on a GPU that is not there; torch is asked only where one is named."""
    if told.stated is None or told.stated.kind != "local" or not runtime.device.startswith("cuda"):
        return []
    try:
        runtime.torch_device()
    except ValueError as error:
        return [str(error)]
    return []


def _aside(read: Any, given: Mapping[str, str], lacks: Sequence[str]) -> dict[str, Any]:
    """Options that `record_options` leaves out: those that were set, and those that must be."""
    if read is None:
        return {}
    wanted = {line.partition(":")[0] for line in lacks}
    aside = [each.name for each in fields(read) if not each.metadata.get("identity", True)]
    shown = {name: getattr(read, name) for name in aside if name in given or name in wanted}
    return {name: "(to be set)" if name in wanted and value in ("", None) else value for name, value in shown.items()}


def _shown(value: Any) -> Any:
    """An address without what might be a key in it."""
    return redacted(value).partition("?")[0] if isinstance(value, str) and "://" in value else value


def _rows(out: Path) -> dict[str, Row | None]:
    """Case -> its row, None where it is to do, of a run that was begun."""
    if not (Path(out) / PLAN_FILE).is_file():
        return {}
    run = Run.open(out)
    return {case.id: record(run, case.id) for case in run.suite.cases}


def _is_left(row: Row | None, retry: RetryFailed) -> bool:
    return row is None or (row["status"] == "failed" and retry.wants(row["reason"]))


def spent_usd(rows: Iterable[Row]) -> float:
    """What rows say that answers cost."""
    return sum(row.get("cost_usd") or 0.0 for row in rows)


def purse_of(told: Forecast, most_usd: float | None) -> Purse:
    """Raises ValueError where the cases left would go beyond it, or no price is known."""
    if most_usd is None:
        return Purse(most_usd=None)
    item = f"generate {told.animator}"
    require(most_usd > 0, item, "--max-cost", most_usd, "USD > 0")
    if told.left:
        advice = "state one as its options say, such as --set usd_per_s=0.05"
        require(told.usd is not None, item, "--max-cost", "no price of a case", "an animator that estimates USD", advice)
        total = told.spent_usd + told.usd
        got = f"{usd_words(total)} USD for {len(told.left)} cases"
        got += f" and the {usd_words(told.spent_usd)} spent" if told.spent_usd else ""
        advice = "a lower --limit, or a higher --max-cost"
        require(total <= most_usd + 1e-9, item, "--max-cost", got, f"{usd_words(most_usd)} USD at most", advice)
    return Purse(most_usd=most_usd, each_usd=told.each.usd or 0.0, spent_usd=told.spent_usd)
