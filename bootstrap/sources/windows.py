"""Where windows of a grid lie in a clip: inside one shot, away from fades, flashes and black, where something moves, side by side.

    moments t_k = start + k / fps of a window lie between two moments at which the clip changes shot or turns unfit (`ClipFacts`)
Starts follow from facts, grid and rules alone: from the first frame of every fit stretch on, every `stride_s`.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from bootstrap.sources.facts import MOTION_PER_S, PEOPLE_PER_S, ClipFacts, PeopleFacts
from bootstrap.sources.profile import motion_byte, motion_levels
from models.types import Grid, require

_AWAY_S = 2e-4
"""Facts are rounded to 0.1 ms: a window keeps this far from a change."""
_HELD = bytes(0 if level <= motion_byte(0.02) else 1 for level in range(256))
"""Motion bytes -> 0 where the picture is held; what a codec leaves of a held picture changes by less than 0.02 grey levels."""
_WORDS = {"cut": "a cut", "fade": "a fade", "flash": "a flash", "black": "black frames", "empty": "empty frames"}


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowRules:
    """Which windows of a clip, and which clips, are used. 0 turns a rule off.

    Args:
        stride_s: Seconds from one window of a shot to the next; 0: as long as a window is.
        min_motion: Mean change of the picture over a fifth of a second, grey levels (0-255), measured on the clip's own frames.
        max_held_s: Longest stretch in which the picture does not change at all, seconds.
        max_bars: Largest share of the picture that black bars may take, 0-1; 1 takes any.
        near_doubles: Use footage and pictures that come again (re-encoded, scaled, trimmed, mirrored) each time they come.
        cuts: Let windows run over cuts, fades, flashes, black and empty frames.
        subjects: People that --windows.estimator finds in most frames of a window, no more and no fewer.
        estimator: Pose estimator that counts them, see `actorforge ls estimators`.
    """

    stride_s: float = 0.0
    min_motion: float = 0.2
    max_held_s: float = 1.0
    max_bars: float = 0.04
    near_doubles: bool = False
    cuts: bool = False
    subjects: int = 0
    estimator: str = ""

    def __post_init__(self) -> None:
        for name, top in (("stride_s", 86400), ("min_motion", 255), ("max_held_s", 86400), ("max_bars", 1)):
            value = getattr(self, name)
            require(bool(np.isfinite(value)) and 0 <= value <= top, "windows", name, value, f"a number in 0-{top}")
        require(0 <= self.subjects <= 255, "windows", "subjects", self.subjects, "a whole number in 0-255")
        advice = "an estimator counts subjects; give both --windows.subjects and --windows.estimator, or neither"
        require(bool(self.subjects) == bool(self.estimator), "windows", "estimator", repr(self.estimator), "one beside subjects", advice)

    @property
    def who_counts(self) -> str:
        """The estimator without its folder's place: reasons are published."""
        return self.estimator.partition(":")[0].rstrip("/").rpartition("/")[2]

    @property
    def published(self) -> dict[str, Any]:
        """The rules as a dataset records them."""
        return asdict(self) | {"estimator": self.who_counts}


def window_starts(facts: ClipFacts, grid: Grid, rules: WindowRules, people: PeopleFacts | None = None) -> tuple[float, ...] | str:
    """The first moments of all windows, s, rising; or why there is none. `people`: who counts where the rules ask for subjects."""
    barred = _barred(facts, rules)
    if barred:
        return barred
    span_s = (grid.num_frames - 1) / grid.fps
    wanted = f"window of {grid.num_frames} frames at {grid.fps:g} fps"
    if span_s >= facts.end_s:
        return f"too short: {facts.frames} frame(s), shown until {facts.end_s:.3f} s; a {wanted} needs one at {span_s:.3f} s"
    stretches = [(0.0, facts.end_s)] if rules.cuts else fit_stretches(facts)
    starts = [start for stretch in stretches for start in _starts(stretch, span_s, rules.stride_s or grid.num_frames / grid.fps)]
    if not starts:
        return f"no {wanted} without {_named(facts)}"
    held = f" or is held for {rules.max_held_s:g} s" if rules.max_held_s else ""
    still = f"still: the picture changes by less than {rules.min_motion:g} grey levels in 0.2 s{held} in every window"
    moving = tuple(_moving(facts, starts, span_s, rules))
    if not moving or not rules.subjects:
        return moving or still
    seen = people.people if people else b""
    wrong = f"{rules.who_counts} does not find {rules.subjects} person(s) in most frames of any window; it finds {_counts(seen)}"
    return tuple(start for start in moving if _share_of(seen, rules.subjects, start, span_s) > 0.5) or wrong


def blemishes(facts: ClipFacts, start_s: float, grid: Grid, rules: WindowRules) -> list[str]:
    """What the window from `start_s` on shows that no window of the factory does: "a cut", "black frames", "nothing that moves"."""
    stop_s = start_s + (grid.num_frames - 1) / grid.fps
    shown = ["cut"] if any(start_s < cut_s < stop_s for cut_s in facts.cuts_s) else []
    shown += sorted({unfit.why for unfit in facts.unfit if unfit.start_s <= stop_s and start_s <= unfit.stop_s})
    moves = next(_moving(facts, [start_s], stop_s - start_s, rules), None) is not None
    return [_WORDS[kind] for kind in shown] + ["black bars"] * bool(_barred(facts, rules)) + ["nothing that moves"] * (not moves)


def fit_stretches(facts: ClipFacts) -> list[tuple[float, float]]:
    """What lies between cuts and unfit stretches, (first moment, last moment) in s."""
    half_s = 0.5 / facts.fps  # from midway between two frames to the frame itself
    edges = [(cut_s, cut_s) for cut_s in facts.cuts_s] + [(unfit.start_s, unfit.stop_s) for unfit in facts.unfit]
    found, begin_s = [], 0.0
    for start_s, stop_s in sorted(edges):
        if start_s - _AWAY_S > begin_s:
            found.append((begin_s, start_s - _AWAY_S))
        begin_s = max(begin_s, stop_s + half_s)
    return [*found, (begin_s, facts.end_s - _AWAY_S)] if begin_s < facts.end_s else found


def _moving(facts: ClipFacts, starts: list[float], span_s: float, rules: WindowRules) -> Iterator[float]:
    """The starts of windows that move enough; where a window is shorter than one sample of motion nothing is known against it."""
    total = np.concatenate([[0.0], np.cumsum(motion_levels(facts.motion))])
    held, longest = facts.motion.translate(_HELD), max(1, round(rules.max_held_s * MOTION_PER_S))
    for start_s in starts:
        first, last = int(start_s * MOTION_PER_S), math.ceil((start_s + span_s) * MOTION_PER_S)
        first, last = (min(sample, len(held)) for sample in (first, max(last, first + 1)))
        still = last > first and total[last] - total[first] < rules.min_motion * (last - first)
        if not still and not (rules.max_held_s > 0 and bytes(longest) in held[first:last]):
            yield start_s


def _share_of(people: bytes, count: int, start_s: float, span_s: float) -> float:
    """In how much of a window so many are found; at least the sample nearest to its beginning speaks for it."""
    first = min(round(start_s * PEOPLE_PER_S), max(0, len(people) - 1))
    said = people[first : max(first, math.floor((start_s + span_s) * PEOPLE_PER_S)) + 1]
    return said.count(count) / len(said) if said else 0.0


def _counts(people: bytes) -> str:
    """All numbers that were found: "0, 2"."""
    return ", ".join(map(str, sorted(set(people)))) or "none"


def _starts(stretch: tuple[float, float], span_s: float, stride_s: float) -> list[float]:
    first_s, last_s = stretch
    count = int(np.floor((last_s - first_s - span_s) / stride_s + 1e-9)) + 1 if last_s - first_s >= span_s else 0
    return [round(first_s + k * stride_s, 4) for k in range(count)]


def _barred(facts: ClipFacts, rules: WindowRules) -> str:
    if facts.bars is None:
        return ""
    x, y, width, height = facts.bars
    share = 1 - width * height / (facts.size[0] * facts.size[1])
    if share <= rules.max_bars:
        return ""
    return f"black bars take {share:.0%} of the picture; cut them off (ffmpeg -vf crop={width}:{height}:{x}:{y})"


def _named(facts: ClipFacts) -> str:
    """What stands in the way, as in "a cut, a fade"."""
    kinds = (["cut"] if facts.cuts_s else []) + sorted({unfit.why for unfit in facts.unfit})
    return ", ".join(_WORDS[kind] for kind in kinds) or "its end"
