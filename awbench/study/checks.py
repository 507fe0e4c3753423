"""The spoiled copies of a study against the clips beside them: who looks must see which is worse.

A copy with detail and motion taken away looks like its clip where that had none, as one that is black. Such a check would count against
raters who look; it shows another system's answer instead.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cache
from typing import Sequence

import numpy as np

from awbench.run_folder import Run
from awbench.study.degraded import degraded
from awbench.study.design import Design, Shown
from awbench.study.media import on_grid

LEAST_GAP = 1.5
"""Mean difference of pixels, of 255, below which a spoiled copy is not plainly worse."""


def plain_checks(design: Design, runs: Sequence[Run], seed: int) -> tuple[Design, frozenset[tuple[int, int]]]:
    """The design, in which a check whose spoiled copy is not plainly worse shows the answer to the same case of another system, that with
    fewest checks; and (slot, place) of the checks that stay so, as no system's answer will do. Raises MediaError.
    """
    of = {run.system: run for run in runs}
    plain = cache(lambda system, case: is_plainly_worse(of[system], case, seed))
    kept = Counter(shown.left for trials in design.slots for shown in trials if shown.kind == "attention_bad")
    slots, alike = [], set()
    for slot, trials in enumerate(design.slots):
        own: list[Shown] = []
        for place, shown in enumerate(trials):
            if shown.kind == "attention_bad" and not plain(shown.left, shown.case):
                others = [system for system in design.systems if plain(system, shown.case)]
                if others:
                    other = min(others, key=lambda system: kept[system])
                    kept.update({shown.left: -1, other: 1})
                    shown = replace(shown, left=other, right=other)
                else:
                    alike.add((slot, place))
            own.append(shown)
        slots.append(tuple(own))
    return replace(design, slots=tuple(slots)), frozenset(alike)


def is_plainly_worse(run: Run, case: str, seed: int) -> bool:
    """Whether the spoiled copy of an answer can be told from it."""
    clip = on_grid(run, case)
    return float(np.abs(degraded(clip, seed).frames.astype(np.int16) - clip.frames).mean()) >= LEAST_GAP
