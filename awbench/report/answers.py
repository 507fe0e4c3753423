"""What was done to the answers of a system before they were scored, so that nothing is lost in silence.

In: a `Comparison` whose runs say what they were given (generation.parquet). Out: an `Answer` for each case with short badges, and an
`AnswerSummary` for each system, also as one line of text. A row that an older run wrote has no numbers: its text is shown as it is.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from statistics import mean, median
from typing import Any, Mapping

from awbench.alignment import Given, reached
from awbench.answered import given_of
from awbench.report.comparison import Comparison, System
from models.types import Grid
from models.video import nearest_frames

FRAMED, RESIZED, RESAMPLED, HELD, CUT, ADAPTED = "framed", "resized", "resampled", "held", "cut", "adapted"
ADAPTATIONS = (FRAMED, RESIZED, RESAMPLED, HELD, CUT, ADAPTED)
_TOLD = {RESIZED: "resized", RESAMPLED: "resampled in time", HELD: "hold their last frame", CUT: "cut short", ADAPTED: "adapted"}
LAG, OFFSET = "lag", "offset"
SAME_SHAPE = 0.01
"""Two aspect ratios within this share of each other are the same: nothing was cropped that anybody could see."""
REPLAYED = "recorded:"
"""How the name of an animator begins whose answers were read from files, whatever its run is called: its seconds are those of reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Badge:
    """A short word on a card. `kind`: one of ADAPTATIONS, LAG (the referee's estimate) or OFFSET (declared)."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer as it came. `seconds`: what generating took, None where it is not known; `note`: what the run wrote of it.

    `offset_s`: the moment of the driver that its first frame was declared to show, None where the referee looks for a lag.
    """

    badges: tuple[Badge, ...] = ()
    seconds: float | None = None
    note: str = ""
    offset_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerSummary:
    """Counts over the answers of a system. `counts`: kind -> answers; `lagging`: those with an estimated lag, `lag_s`: its median;
    `declared`: those with a declared offset, `offset_s`: its median; `seconds`: median; `replayed`: read from files.
    """

    system: str
    answers: int
    failed: int
    as_asked: int
    counts: Mapping[str, int]
    lagging: int
    lag_s: float | None
    declared: int
    offset_s: float | None
    seconds: float | None
    slowest_s: float | None
    replayed: bool

    @property
    def latency(self) -> str:
        """The median and the slowest as they are read."""
        if self.seconds is not None:
            return f"{_seconds(self.seconds)} s, slowest {_seconds(self.slowest_s)} s"
        return "read from files" if self.replayed and self.answers else "–"

    @property
    def lag_told(self) -> str:
        """The estimated lags in words, "" where there are none. One case alone against others is no evidence of a lag of the system."""
        if not self.lagging:
            return ""
        others = self.answers - self.declared - self.lagging
        rest = "the other shows" if others == 1 else f"the {others} others show"
        alone = f"on one case alone, {rest} none: doubtful" if self.lagging == 1 and others else ""
        return f"{signed(self.lag_s)} s {alone}".strip() if alone or self.lagging == 1 else f"median {signed(self.lag_s)} s"

    @property
    def offset_told(self) -> str:
        """The declared offsets in words, "" where there are none."""
        return f"median {signed(self.offset_s)} s" if self.declared else ""


def signed(value: float) -> str:
    """Seconds with their sign."""
    return f"{value:+.2f}".replace("-", "−")


def _seconds(value: float) -> str:
    return "< 0.01" if value < 0.01 else f"{value:.2g}" if value < 10 else f"{value:.0f}"


def answers_of(comparison: Comparison, system: System) -> dict[str, Answer]:
    """Case id -> its answer, of the cases that have one."""
    rows = {row["case"]: row for row in system.run.generation().to_dict("records") if row["status"] == "ok"}
    fit = getattr(comparison.suite, "fit", "crop")
    replayed, declared = is_replayed(system), system.run.config.get("offset_s")
    lags = system.values(LAG, comparison.cases)
    given = {case: given_of(rows[case], comparison.grid, declared).offset_s for case in comparison.cases if case in rows}
    return {case: _answer(rows[case], comparison.grid, fit, lags.get(case), offset_s, replayed) for case, offset_s in given.items()}


def is_replayed(system: System) -> bool:
    """Whether its answers were read from files: told by the animator, for a run may be called after the system that made them."""
    return any(str(name).startswith(REPLAYED) for name in (system.run.config.get("animator", ""), system.name))


def summary(system: System, cases: int, found: Mapping[str, Answer]) -> AnswerSummary:
    """The answers of one system, counted."""
    kinds = [{badge.kind for badge in answer.badges} for answer in found.values()]
    seconds = [answer.seconds for answer in found.values() if answer.seconds is not None]
    lags = [value for case, value in system.values(LAG, found).items() if value and found[case].offset_s is None]
    offsets = [answer.offset_s for answer in found.values() if answer.offset_s is not None]
    return AnswerSummary(
        system=system.name,
        answers=len(found),
        failed=cases - len(found),
        as_asked=sum(not own & set(ADAPTATIONS) for own in kinds),
        counts=Counter(kind for own in kinds for kind in own),
        lagging=len(lags),
        lag_s=median(lags) if lags else None,
        declared=len(offsets),
        offset_s=median(offsets) if offsets else None,
        seconds=median(seconds) if seconds else None,
        slowest_s=max(seconds, default=None),
        replayed=is_replayed(system),
    )


def answer_notes(comparison: Comparison) -> tuple[str, ...]:
    """One line for each system whose answers are not all as asked, in the order of the systems."""
    lines = (_line(comparison, system) for system in comparison.systems if not system.is_ceiling)
    return tuple(line for line in lines if line)


def _line(comparison: Comparison, system: System) -> str:
    found = summary(system, len(comparison.cases), answers_of(comparison, system))
    framed = "padded" if comparison.suite.fit == "pad" else "cropped"
    parts = [f"{found.counts[kind]} {framed if kind == FRAMED else _TOLD[kind]}" for kind in ADAPTATIONS if found.counts[kind]]
    parts += [f"{found.declared} with a declared offset ({found.offset_told})"] if found.declared else []
    parts += [f"{found.lagging} with an estimated lag ({found.lag_told})"] if found.lagging else []
    shown = list(system.values("completeness", comparison.cases).values())
    parts += [f"together they show {mean(shown):.0%} of the driver"] if shown and mean(shown) < 0.9995 else []
    return f"{system.name}: of {found.answers} answers {', '.join(parts)}." if parts else ""


def _answer(row: Mapping[str, Any], grid: Grid, fit: str, lag: float | None, offset_s: float | None, replayed: bool) -> Answer:
    note = row.get("adaptation") if isinstance(row.get("adaptation"), str) else ""
    badges = [*_shape(row, grid, fit), *_time(row, grid)]
    if not badges and "output " in note and _number(row, "given_frames") is None:
        badges = [Badge(kind=ADAPTED, text="adapted")]
    if offset_s is not None:
        badges.append(Badge(kind=OFFSET, text=f"declared {signed(offset_s)} s"))
    elif lag:
        badges.append(Badge(kind=LAG, text=f"estimated lag {signed(lag)} s"))
    return Answer(badges=tuple(badges), seconds=None if replayed else _number(row, "seconds"), note=note, offset_s=offset_s)


def _shape(row: Mapping[str, Any], grid: Grid, fit: str) -> list[Badge]:
    width, height = _number(row, "given_width"), _number(row, "given_height")
    if not width or not height or (width, height) == grid.size:
        return []
    if abs(math.log(width / height * grid.height / grid.width)) > SAME_SHAPE:
        return [Badge(kind=FRAMED, text="padded" if fit == "pad" else "cropped")]
    return [Badge(kind=RESIZED, text=f"{width:g}×{height:g}")]


def _time(row: Mapping[str, Any], grid: Grid) -> list[Badge]:
    frames, fps = _number(row, "given_frames"), _number(row, "given_fps")
    if not frames or not fps:
        return []
    badges = [Badge(kind=RESAMPLED, text=f"{fps:g} to {grid.fps:g} fps")] if fps != grid.fps else []
    held = grid.num_frames - reached(grid.num_frames, grid.fps, Given(frames=int(frames), fps=fps))
    unused = int(frames) - 1 - int(nearest_frames(grid.num_frames, grid.fps, fps)[-1])
    if held:
        badges.append(Badge(kind=HELD, text=f"held {held} of {grid.num_frames}"))
    elif unused > fps / grid.fps:  # less is the rest of the last step
        badges.append(Badge(kind=CUT, text=f"cut {unused} of {frames:g}"))
    return badges


def _number(row: Mapping[str, Any], name: str) -> float | None:
    value = row.get(name)
    return float(value) if isinstance(value, (int, float)) and math.isfinite(value) else None
