"""What the values of a self-test come to: ladders, tricks, nuisances, hidden truth, and the bars that they meet or miss.

Values are turned so that more is better and divided by their metric's range; of `lag` it is -|lag|, in seconds. A ladder's Spearman is that
of levels 0 to 5 with the value, per scene, then averaged over scenes; a value that never moves has 0. Drop and rise are means over
scenes: how much level 5 lies below the clean answer, and how much the highest level lies above it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from awbench.metrics.metric import Metric
from awbench.selftest.bench import LAG_ERROR, SHOWN, WITHHELD
from awbench.selftest.damages import DAMAGES, LEVELS
from awbench.selftest.nuisances import NUISANCES
from awbench.selftest.tricks import RIGHT, TRICKS, WARP

if TYPE_CHECKING:
    import pandas

RHO, RISE, AGREEMENT = -0.9, 0.05, 0.8
"""The bars: Spearman at most, rise at most, agreement at least."""
QUALITIES = ("overall", "ssim", "psnr_subject")
"""Of the truth-based kind, by which an answer is really better."""
LEAST_ANSWERS = 6
"""Different answers to a scene below which ranks are told of nobody."""
_NOT_RAISED = ("lag",)
_FIRST = ("imaging_quality", "motion_smoothness", "temporal_consistency", "appearance_consistency", "motion_fidelity")
"""Metrics are listed by dimension, as everywhere; the others follow in their own order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ladder:
    """One metric on one damage. `rho`, `drop`, `rise`: None where no scene was scored."""

    kind: str
    judged: str
    damage: str
    metric: str
    claimed: bool
    rho: float | None
    drop: float | None
    rise: float | None
    scenes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SystemMeans:
    """A system or trick: means by metric; `above`: share of the scenes in which it is above the lowest honest one on overall."""

    kind: str
    judged: str
    name: str
    trick: bool
    means: dict[str, float]
    above: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A nuisance: by how much it moves a metric, mean and mean size over scenes."""

    kind: str
    judged: str
    nuisance: str
    metric: str
    mean: float
    size: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Spearman of `overall` judged one way with a truth-based quality, over answers x scenes, within scenes, and over means of answers."""

    kind: str
    judged: str
    answers: str
    quality: str
    pairs: float | None
    within: float | None
    means: float | None
    n: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One thing that should hold. `number`: what was found, None where nothing could be."""

    name: str
    number: float | None
    wanted: str
    met: bool
    detail: str = ""

    @property
    def line(self) -> str:
        number = "none" if self.number is None else f"{self.number:+.3f}"
        return f"{'met   ' if self.met else 'FAILED'}  {self.name}: {number} (wanted {self.wanted})" + (
            f"; {self.detail}" * bool(self.detail)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SelfTest:
    """`about`: grid, seed and scenes; `metrics`: versions by name; `sees`, `blind`: what metrics say of themselves.

    `margins`: the mean movement of `flow_warp`'s values under re-encoding (CRF 18 and 23), the largest of any set; `lag_error`: found less
    made lag of delayed answers, s, by set and level; `problems`: what could not be scored, with counts.
    """

    about: dict[str, Any]
    metrics: dict[str, str]
    sees: dict[str, str]
    blind: dict[str, str]
    bars: tuple[Bar, ...]
    ladders: tuple[Ladder, ...]
    systems: tuple[SystemMeans, ...]
    shifts: tuple[Shift, ...]
    agreements: tuple[Agreement, ...]
    margins: dict[str, float]
    lag_error: dict[str, list[float]]
    problems: tuple[str, ...]


def spearman(first: Sequence[float], second: Sequence[float]) -> float:
    """Rank correlation with mean ranks for ties; 0 where one of them never moves."""
    import pandas as pd

    a, b = (pd.Series(np.asarray(side, float)).rank().to_numpy() for side in (first, second))
    if len(a) < 2 or a.std() == 0 or b.std() == 0:
        return 0.0
    return float(np.corrcoef(a, b)[0, 1])


def findings(table: pandas.DataFrame, metrics: Sequence[Metric], about: dict[str, Any]) -> SelfTest:
    """`table`: the columns of `run`. Only what was scored counts; the rest is told in `problems`."""
    metrics = sorted(metrics, key=lambda metric: _FIRST.index(metric.name) if metric.name in _FIRST else len(_FIRST))
    known = table[table["value"].notna()].copy()
    sets = [(kind, judged) for kind in _order(known["kind"]) for judged in (SHOWN, WITHHELD) if _part(known, kind, judged).size]
    good = known.assign(value=_turned(known, metrics))
    ladders = tuple(ladder for one in sets for ladder in _ladders(_part(good, *one), *one, metrics))
    systems = tuple(system for one in sets for system in _systems(_part(known, *one), *one))
    shifts = tuple(shift for one in sets for shift in _shifts(_part(known, *one), *one, metrics))
    agreements = tuple(agreement for kind in _order(known["kind"]) for agreement in _agreements(known[known["kind"] == kind], kind))
    names = {metric.name: metric.scored_version for metric in metrics}
    return SelfTest(
        about=about,
        metrics=names,
        sees={metric.name: metric.sees for metric in metrics},
        blind={metric.name: metric.blind for metric in metrics},
        bars=tuple(_bars(ladders, systems, agreements)),
        ladders=ladders,
        systems=systems,
        shifts=shifts,
        agreements=agreements,
        margins={name: round(max(sizes), 4) for name in names if (sizes := [_moved(_part(known, *one), name) for one in sets])},
        lag_error={f"{kind}, {judged}": _lag_errors(_part(known, kind, judged)) for kind, judged in sets},
        problems=tuple(_problems(table)),
    )


def _order(values: pandas.Series) -> list[str]:
    return list(dict.fromkeys(values))


def _part(table: pandas.DataFrame, kind: str, judged: str) -> pandas.DataFrame:
    return table[(table["kind"] == kind) & (table["judged"] == judged)]


def _turned(table: pandas.DataFrame, metrics: Sequence[Metric]) -> np.ndarray:
    """Values so that more is better, in shares of the range."""
    found = {metric.name: (1 if metric.higher_is_better else -1) / (metric.high - metric.low) for metric in metrics}
    scaled = table["value"] * table["metric"].map(found).fillna(1.0)
    return np.where(table["metric"] == "lag", -table["value"].abs(), scaled)


def _grid(table: pandas.DataFrame, columns: str) -> pandas.DataFrame:
    """Values by scene and one more column."""
    return table.pivot_table(index="scene", columns=columns, values="value", sort=False)


def _ladders(table: pandas.DataFrame, kind: str, judged: str, metrics: Sequence[Metric]) -> list[Ladder]:
    found = []
    for metric in metrics:
        rows = table[table["metric"] == metric.name]
        clean = _grid(rows[rows["group"] == "clean"], "level")
        for name in _order(rows[rows["group"] == "damage"]["name"]):
            levels = _grid(rows[(rows["group"] == "damage") & (rows["name"] == name)], "level")
            if 0 not in levels and len(clean):
                levels = clean.join(levels, how="inner")
            found.append(_ladder(levels.dropna(), kind=kind, judged=judged, damage=name, metric=metric.name))
    return found


def _ladder(levels: pandas.DataFrame, **about: str) -> Ladder:
    claimed = DAMAGES[about["damage"]].aims == about["metric"]
    if not len(levels) or len(levels.columns) != LEVELS + 1:
        return Ladder(**about, claimed=claimed, rho=None, drop=None, rise=None, scenes=0)
    values = levels[sorted(levels.columns)].to_numpy()
    change = (values - values[:, :1]).mean(0)
    rho = float(np.mean([spearman(range(LEVELS + 1), row) for row in values]))
    numbers = {"rho": round(rho, 4), "drop": round(float(-change[-1]), 4), "rise": round(float(change.max()), 4)}
    return Ladder(**about, claimed=claimed, scenes=len(values), **numbers)


def _systems(table: pandas.DataFrame, kind: str, judged: str) -> list[SystemMeans]:
    rows = table[table["group"].isin(("clean", "honest", "trick"))]
    overall = _grid(rows[rows["metric"] == "overall"], "name")
    honest = [name for name in (RIGHT, WARP) if name in overall]
    found = []
    for name in _order(rows["name"]):
        own = rows[(rows["name"] == name) & (rows["metric"] != LAG_ERROR)]
        means = {metric: round(float(value), 4) for metric, value in own.groupby("metric", sort=False)["value"].mean().items()}
        above = float((overall[name] > overall[honest].min(axis=1)).mean()) if name in overall and honest else None
        found.append(SystemMeans(kind=kind, judged=judged, name=name, trick=name in TRICKS, means=means, above=above))
    return sorted(found, key=lambda system: -system.means.get("overall", 0.0))


def _shifts(table: pandas.DataFrame, kind: str, judged: str, metrics: Sequence[Metric]) -> list[Shift]:
    found = []
    for metric in metrics:
        rows = table[table["metric"] == metric.name]
        clean = rows[rows["group"] == "clean"].set_index("scene")["value"]
        moved = _grid(rows[rows["group"] == "nuisance"], "name").sub(clean, axis=0)
        for name in [name for name in NUISANCES if name in moved and moved[name].notna().any()]:
            about = {"kind": kind, "judged": judged, "nuisance": name, "metric": metric.name}
            found.append(Shift(**about, mean=round(float(moved[name].mean()), 4), size=round(float(moved[name].abs().mean()), 4)))
    return found


def _moved(table: pandas.DataFrame, metric: str) -> float:
    """How far re-encoding moves flow_warp's value, mean size over scenes and rate factors."""
    rows = table[(table["metric"] == metric) & (table["name"] == WARP)]
    before = rows[rows["group"].isin(("clean", "honest"))].set_index("scene")["value"]
    moved = _grid(rows[rows["group"] == "repeated"], "level").sub(before, axis=0)
    return float(np.nanmean(moved.abs().to_numpy())) if moved.notna().any(axis=None) else 0.0


def _lag_errors(table: pandas.DataFrame) -> list[float]:
    rows = table[(table["metric"] == LAG_ERROR) & (table["name"] == "delay")]
    return [round(float(value), 4) for value in rows.groupby("level")["value"].mean()]


def _agreements(table: pandas.DataFrame, kind: str) -> list[Agreement]:
    """Of a kind of scene that has truths."""
    key = ["scene", "group", "name", "level"]
    wide = {
        judged: table[table["judged"] == judged].pivot_table(index=key, columns="metric", values="value") for judged in (SHOWN, WITHHELD)
    }
    if not len(wide[SHOWN]) or "overall" not in wide[SHOWN]:
        return []
    found = []
    for judged, answers in ((WITHHELD, None), (WITHHELD, ("clean", "honest", "trick")), (WITHHELD, ("clean", "damage")), (SHOWN, None)):
        for quality in [name for name in QUALITIES if name in wide[SHOWN] and (judged, name) != (SHOWN, "overall")]:
            pair = wide[judged][["overall"]].join(wide[SHOWN][[quality]].set_axis(["quality"], axis=1), how="inner").dropna()
            pair = pair[~pair.index.get_level_values("group").isin(("nuisance", "repeated"))]
            if answers is not None:
                pair = pair[pair.index.get_level_values("group").isin(answers)]
            label = {None: "all", "honest": "systems and tricks", "damage": "damages"}[answers and answers[1]]
            found.append(_agreement(pair, kind=kind, judged=judged, answers=label, quality=quality))
    return found


def _agreement(pair: pandas.DataFrame, **about: str) -> Agreement:
    if len(pair.groupby(level=["group", "name", "level"])) < LEAST_ANSWERS:
        return Agreement(**about, pairs=None, within=None, means=None, n=len(pair))
    within = [spearman(rows["overall"], rows["quality"]) for _, rows in pair.groupby(level="scene") if len(rows) > 2]
    means = pair.groupby(level=["group", "name", "level"]).mean()
    numbers = {"pairs": spearman(pair["overall"], pair["quality"]), "means": spearman(means["overall"], means["quality"])}
    numbers["within"] = float(np.mean(within)) if within else 0.0
    return Agreement(**about, **{name: round(value, 4) for name, value in numbers.items()}, n=len(pair))


def _bars(ladders: Sequence[Ladder], systems: Sequence[SystemMeans], agreements: Sequence[Agreement]) -> list[Bar]:
    sets = dict.fromkeys((ladder.kind, ladder.judged) for ladder in ladders)
    bars = []
    for kind, judged in sets:
        mine = [ladder for ladder in ladders if (ladder.kind, ladder.judged) == (kind, judged)]
        bars += [_claim(ladder) for ladder in mine if ladder.claimed]
        bars += _rise(mine, kind, judged)
        bars += _tricks([system for system in systems if (system.kind, system.judged) == (kind, judged)], kind, judged)
    hidden = [one for one in agreements if one.judged == WITHHELD and one.answers == "all" and one.quality in ("overall", "ssim")]
    return bars + [
        Bar(
            name=f"{one.kind}: overall without the truth against {one.quality} with it, {one.n} answers",
            number=one.pairs,
            wanted=f">= {AGREEMENT}",
            met=one.pairs is not None and one.pairs >= AGREEMENT,
        )
        for one in hidden
    ]


def _claim(ladder: Ladder) -> Bar:
    return Bar(
        name=f"{ladder.kind}, {ladder.judged}: {ladder.metric} on {ladder.damage}",
        number=ladder.rho,
        wanted=f"Spearman <= {RHO}",
        met=ladder.rho is not None and ladder.rho <= RHO,
        detail="no scene was scored" if ladder.drop is None else f"level 5 costs {ladder.drop:.2f}",
    )


def _rise(ladders: Sequence[Ladder], kind: str, judged: str) -> list[Bar]:
    rising = [ladder for ladder in ladders if ladder.rise is not None and ladder.metric not in _NOT_RAISED]
    if not rising:
        return []
    worst = max(rising, key=lambda ladder: ladder.rise)
    name, where = f"{kind}, {judged}: largest rise of any score on any damage", f"{worst.metric} on {worst.damage}"
    return [Bar(name=name, number=worst.rise, wanted=f"<= {RISE}", met=worst.rise <= RISE, detail=where)]


def _tricks(systems: Sequence[SystemMeans], kind: str, judged: str) -> list[Bar]:
    means = {system.name: system.means.get("overall") for system in systems}
    honest = [name for name in (RIGHT, WARP) if means.get(name) is not None]
    tricks = [system.name for system in systems if system.trick and means[system.name] is not None]
    bars = []
    for name in honest if tricks else ():
        best = max(tricks, key=lambda trick: means[trick])
        lead = round(means[best] - means[name], 4)
        about = f"{kind}, {judged}: best trick's overall less {name}'s"
        bars.append(
            Bar(name=about, number=lead, wanted="<= 0", met=lead <= 0, detail=f"{best} {means[best]:.3f}, {name} {means[name]:.3f}")
        )
    return bars


def _problems(table: pandas.DataFrame) -> list[str]:
    lost = table[table["value"].isna()]
    groups = lost.groupby(["kind", "judged", "metric", "reason"], sort=False).size()
    short: dict[str, int] = {}
    for (kind, judged, metric, reason), number in groups.items():
        line = f"{kind}, {judged}: {metric}: {reason.split(' (')[0]}" if metric else f"{kind}: {reason}"
        short[line] = short.get(line, 0) + int(number)
    return [f"{line}: {number}" for line, number in short.items()]
