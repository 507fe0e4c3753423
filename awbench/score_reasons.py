"""Why cases have no score, in a few lines: what `score` prints below its counts.

e.g. clip_appearance: 164 unscored: no model, give --clip DIR
     psnr, ssim and 2 more: 5 failed: generation failed: ...
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from awbench.report.alike import common_form, gist, unnamed

MAX_LINES, _MAX_NAMES = 12, 2


def reasons(rows: Iterable[Mapping[str, Any]]) -> list[str]:
    """One line per reason, of rows of a score table; reasons that differ by numbers or the name of their case alone are one, with … in
    their place."""
    cases: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for row in rows:
        if row["status"] != "ok":
            reason = unnamed(row["reason"], str(row["case"]))
            cases[row["metric"], row["status"], gist(reason)].append(reason)
    lines: dict[tuple[int, str, str], list[tuple[str, str]]] = defaultdict(list)
    for (metric, status, kind), told in cases.items():
        lines[len(told), status, kind].append((metric, common_form(told)))
    said = [f"{_names([metric for metric, _ in metrics])}: {n} {status}: {metrics[0][1]}" for (n, status, _), metrics in lines.items()]
    return said[:MAX_LINES] + ([f"and {len(said) - MAX_LINES} more reasons, see scores.parquet"] if len(said) > MAX_LINES else [])


def _names(metrics: list[str]) -> str:
    more = len(metrics) - _MAX_NAMES
    return ", ".join(metrics[:_MAX_NAMES]) + (f" and {more} more" if more > 0 else "")
