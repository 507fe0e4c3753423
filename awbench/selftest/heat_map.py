"""A picture of the ladders: damages down, metrics across, one panel a set. SVG as text, equal findings give equal bytes.

A cell's blue is what level 5 costs (0 white, 1 dark), its number the same, none where it costs nothing. A frame marks what the metric
claims to see, green where its Spearman meets the bar, red where it doesn't; red numbers: some level is worth more than the clean answer.
"""

from __future__ import annotations

from collections.abc import Iterable
from html import escape

from awbench.selftest.findings import RHO, RISE, Ladder, SelfTest
from awbench.selftest.labels import LABELS

_CELL, _LINE, _LEFT, _TOP, _GAP = 46, 18, 112, 118, 22


def heat_map(result: SelfTest) -> str:
    """The map of all sets of a self-test, side by side."""
    sets = list(dict.fromkeys((ladder.kind, ladder.judged) for ladder in result.ladders))
    damages = list(dict.fromkeys(ladder.damage for ladder in result.ladders))
    parts, left = [], _LEFT
    for kind, judged in sets:
        mine = {(one.damage, one.metric): one for one in result.ladders if (one.kind, one.judged) == (kind, judged)}
        metrics = [name for name in result.metrics if any(one.drop is not None for key, one in mine.items() if key[1] == name)]
        parts += _panel(mine, damages, metrics, left, f"{kind}, truth {'shown' if judged == 'truth' else 'withheld'}")
        left += _CELL * len(metrics) + _GAP
    height = _TOP + _LINE * len(damages) + 12
    names = [_text(_LEFT - 6, _TOP + _LINE * row + 13, name, "end") for row, name in enumerate(damages)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{left}" height="{height}" font-family="sans-serif" font-size="11">'
    return "\n".join([head, f'<rect width="{left}" height="{height}" fill="#ffffff"/>', *names, *parts, "</svg>", ""])


def _panel(mine: dict[tuple[str, str], Ladder], damages: list[str], metrics: list[str], left: int, title: str) -> Iterable[str]:
    yield f'<text x="{left}" y="16" font-size="13" font-weight="bold" fill="#111111">{escape(title)}</text>'
    for column, metric in enumerate(metrics):
        x = left + _CELL * column
        yield f'<text transform="translate({x + 27},{_TOP - 8}) rotate(-50)" fill="#111111">{LABELS.get(metric, metric)}</text>'
        for row, damage in enumerate(damages):
            ladder = mine.get((damage, metric))
            if ladder is not None and ladder.drop is not None:
                yield _cell(ladder, x, _TOP + _LINE * row)


def _cell(ladder: Ladder, x: int, y: int) -> str:
    share = min(1.0, max(0.0, ladder.drop))
    fill = "#" + "".join(f"{round(255 + share * (dark - 255)):02x}" for dark in (18, 68, 140))
    ink = "#c01818" if ladder.rise > RISE else "#ffffff" if share > 0.55 else "#111111"
    frame = ("#149a3c" if ladder.rho <= RHO else "#d01c1c") if ladder.claimed else "#e4e4e4"
    box = f'<rect x="{x + 1}" y="{y + 1}" width="{_CELL - 2}" height="{_LINE - 2}" fill="{fill}" stroke="{frame}"'
    number = f"{ladder.drop:.2f}" if abs(ladder.drop) >= 0.005 else ""
    return f'{box} stroke-width="{2.4 if ladder.claimed else 0.6}"/>' + _text(x + _CELL // 2, y + 13, number, "middle", ink)


def _text(x: int, y: int, text: str, anchor: str, ink: str = "#111111") -> str:
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}" fill="{ink}">{escape(text)}</text>'
