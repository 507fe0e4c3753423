"""The findings of a self-test as markdown tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from awbench.selftest.findings import RHO, Bar, Ladder, SelfTest
from awbench.selftest.labels import LABELS


def page(result: SelfTest) -> str:
    """Everything that was found, most important first."""
    sets = list(dict.fromkeys((ladder.kind, ladder.judged) for ladder in result.ladders))
    lines = [
        "# Self-test of the referee",
        "",
        f"{len(result.about['scenes'])} scenes, grid {_grid(result)}, seed {result.about['seed']}.",
        "",
    ]
    lines += ["## What metrics say of themselves", "", *_own_words(result), ""]
    lines += ["## Bars", "", *_bars(result.bars), ""]
    for title, part in (("Ladders", _ladders), ("Tricks", _systems), ("Nuisances", _shifts)):
        lines += [f"## {title}", ""]
        for one in sets:
            table = list(part(result, *one))
            lines += [f"{_named(*one)}:", "", *table, ""] if len(table) > 2 else []
    lines += ["## Hidden truth", "", *_agreements(result), ""]
    lines += ["## Repeatability", "", *_margins(result), ""]
    lines += ["## Lag of delayed answers", "", *_lags(result), ""]
    lines += ["## Not scored", "", *([f"- {line}" for line in result.problems] or ["Nothing."]), ""]
    return "\n".join(lines)


def _grid(result: SelfTest) -> str:
    grid = result.about["grid"]
    return f"{grid['width']}x{grid['height']}x{grid['num_frames']} at {grid['fps']:g} fps"


def _named(kind: str, judged: str) -> str:
    return f"{kind}, truth {'shown' if judged == 'truth' else 'withheld'}"


def _row(cells: Iterable[object]) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def _head(names: Sequence[str]) -> list[str]:
    return [_row(names), _row("---" for _ in names)]


def _own_words(result: SelfTest) -> list[str]:
    names = [name for name in result.metrics if result.sees[name] or result.blind[name]]
    rows = [_row([name, result.metrics[name], result.sees[name], result.blind[name]]) for name in names]
    return [*_head(["metric", "version", "sees", "is blind to"]), *rows]


def _bars(bars: Sequence[Bar]) -> list[str]:
    met = sum(bar.met for bar in bars)
    failing = [f"- {bar.line}" for bar in bars if not bar.met]
    others = [f"- {bar.line}" for bar in bars if bar.met and "Spearman" not in bar.wanted]
    return [f"{met} of {len(bars)} met. What failed, and what else than ladders was met:", "", *failing, *others]


def _ladders(result: SelfTest, kind: str, judged: str) -> Iterable[str]:
    """Spearman and, in brackets, what level 5 costs; bold: claimed, with a cross where it misses the bar; a dot: it never moves."""
    mine = {(one.damage, one.metric): one for one in result.ladders if (one.kind, one.judged) == (kind, judged) and one.rho is not None}
    metrics = [name for name in result.metrics if any(metric == name for _, metric in mine)]
    yield from _head(["damage", *(LABELS.get(name, name) for name in metrics)])
    for damage in dict.fromkeys(damage for damage, _ in mine):
        yield _row([damage, *(_ladder(mine.get((damage, metric))) for metric in metrics)])


def _ladder(ladder: Ladder | None) -> str:
    if ladder is None:
        return ""
    text = f"{ladder.rho:+.2f} ({round(ladder.drop, 2) + 0.0:.2f})"  # no minus before a zero
    if ladder.claimed:
        return f"**{text}**" + (" ✗" if ladder.rho > RHO else "")
    return "·" if ladder.rho == 0 and abs(ladder.drop) < 0.005 else text


def _systems(result: SelfTest, kind: str, judged: str) -> Iterable[str]:
    mine = [one for one in result.systems if (one.kind, one.judged) == (kind, judged)]
    metrics = [name for name in (*result.metrics, "driver_leak") if any(name in one.means for one in mine)]
    metrics = list(dict.fromkeys(metrics))
    yield from _head(["answer", *(LABELS.get(name, name) for name in metrics), "scenes above the lowest honest"])
    for one in mine if any(one.trick for one in mine) else ():
        numbers = [f"{one.means[name]:.3f}" if name in one.means else "" for name in metrics]
        yield _row(
            [one.name if one.trick else f"**{one.name}**", *numbers, f"{one.above:.0%}" if one.trick and one.above is not None else ""]
        )


def _shifts(result: SelfTest, kind: str, judged: str) -> Iterable[str]:
    """Mean movement."""
    mine = {(one.nuisance, one.metric): one for one in result.shifts if (one.kind, one.judged) == (kind, judged)}
    metrics = [name for name in result.metrics if any(metric == name for _, metric in mine)]
    yield from _head(["nuisance", *(LABELS.get(name, name) for name in metrics)])
    for nuisance in dict.fromkeys(nuisance for nuisance, _ in mine):
        yield _row([nuisance, *(f"{mine[nuisance, name].mean:+.3f}" if (nuisance, name) in mine else "" for name in metrics)])


def _agreements(result: SelfTest) -> Iterable[str]:
    """Spearman of overall with what the truth says."""
    yield from _head(
        ["scenes", "overall judged", "answers", "against, with truth", "answers x scenes", "within a scene", "means of answers", "n"]
    )
    for one in result.agreements:
        numbers = ["" if value is None else f"{value:+.2f}" for value in (one.pairs, one.within, one.means)]
        how = "with truth" if one.judged == "truth" else "truth withheld"
        yield _row([one.kind, how, one.answers, one.quality, *numbers, one.n])


def _margins(result: SelfTest) -> Iterable[str]:
    yield from _head(["metric", "version", "re-encoding moves `flow_warp` by"])
    for name, version in result.metrics.items():
        if name in result.margins:
            yield _row([name, version, f"{result.margins[name]:.4f}"])


def _lags(result: SelfTest) -> Iterable[str]:
    levels = max((len(errors) for errors in result.lag_error.values()), default=0)
    yield from _head(["scenes", *(f"level {level}" for level in range(1, levels + 1))])
    for name, errors in result.lag_error.items():
        yield _row([name, *(f"{error:.3f} s" for error in errors)])
