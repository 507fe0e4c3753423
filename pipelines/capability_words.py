"""What a system can be asked for, in words: for `ls animators --long` and `generate --dry-run`."""

from __future__ import annotations

import sys
from shutil import get_terminal_size
from textwrap import wrap

from models.capabilities import Capabilities, FrameRule, SizeRule
from models.estimate import Estimate

WIDTH, _LEAST = 100, 40


def width() -> int:
    """Characters of a line: the terminal's, WIDTH at most, and WIDTH where there is none."""
    return max(_LEAST, min(WIDTH, get_terminal_size((WIDTH, 24)).columns)) if sys.stdout.isatty() else WIDTH


def size_words(rule: SizeRule) -> str:
    """Such as "multiples of 16, sides 340 to 3850, up to 921600 px, shape up to 2.5:1"."""
    if rule.sizes:
        return " ".join(f"{width}x{height}" for width, height in rule.sizes)
    least, most = rule.min_side_px, rule.max_side_px
    parts = [f"multiples of {rule.multiple}"] if rule.multiple > 1 else []
    parts += [f"sides {least} to {most}" if most else f"sides from {least}"] if least > 1 or most else []
    parts += [f"up to {rule.max_area_px} px"] if rule.max_area_px else []
    parts += [f"shape up to {rule.max_ratio:g}:1"] if rule.max_ratio else []
    return ", ".join(parts) or "any"


def frame_words(rule: FrameRule) -> str:
    """Such as "4n+1, 5 to 81, 24 fps"."""
    parts = [f"{rule.step}n{f'+{rule.offset}' if rule.offset else ''}"] if rule.step > 1 else []
    parts += [_span(rule.least if rule.least > 1 else None, rule.most, "")] if rule.least > 1 or rule.most else []
    parts += [_span(rule.least_s or None, rule.most_s, " s")] if rule.least_s or rule.most_s else []
    parts += [f"{rule.fps:g} fps"] if rule.fps else []
    return ", ".join(parts) or "any"


def _span(least: float | None, most: float | None, unit: str) -> str:
    if least and most:
        return f"{least:g} to {most:g}{unit}"
    return f"from {least:g}{unit}" if least else f"up to {most:g}{unit}"


def input_words(stated: Capabilities) -> str:
    """Such as "pose (prompt)": what it needs, and what it can use."""
    parts = [", ".join(stated.needs).replace("_", " ")] if stated.needs else ["the reference alone"]
    return " ".join(parts + ([f"({', '.join(stated.takes).replace('_', ' ')})"] if stated.takes else []))


def facts(stated: Capabilities) -> list[tuple[str, str]]:
    """(word, what is said), of what is known."""
    subjects = "any number" if stated.subjects is None else str(stated.subjects)
    known = [
        ("needs", input_words(stated)),
        ("sizes", size_words(stated.size)),
        ("frames", frame_words(stated.frames)),
        ("subjects", subjects),
        ("licence", stated.licence),
        ("weights", stated.weights),
        ("note", stated.note),
    ]
    return [(word, said) for word, said in known if said]


def block(pairs: list[tuple[str, str]], indent: str = "  ") -> list[str]:
    """Lines of at most `width()` characters, the words in a column of their own."""
    lines, column = [], max((len(word) for word, _ in pairs), default=0) + 2
    for word, said in pairs:
        rows = wrap(said, max(width() - len(indent) - column, 20), break_on_hyphens=False) or [""]
        lines += [f"{indent}{word if not number else '':<{column}}{row}" for number, row in enumerate(rows)]
    return lines


def estimate_words(one: Estimate, cases: int = 1) -> str:
    """Such as "28,080 tokens x 40 passes, 30 s, 0.84 USD", over so many cases."""
    parts = [f"{one.tokens * cases:,} tokens" + (f" x {one.passes} passes" if one.passes else "")] if one.tokens is not None else []
    parts += [f"{_rounded(one.seconds * cases)} s"] if one.seconds is not None else []
    parts += [f"{_rounded(one.usd * cases)} USD"] if one.usd is not None else []
    return ", ".join(parts) or "not known"


def _rounded(value: float) -> str:
    return f"{value:.2g}" if value < 1 else f"{value:,.2f}" if value < 100 else f"{value:,.0f}"
