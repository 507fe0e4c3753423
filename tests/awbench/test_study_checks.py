"""A spoiled copy that cannot be told from its clip, as of one that is black, checks nobody: another system's stands there."""

from collections import Counter
from types import SimpleNamespace

import numpy as np
import pytest

from awbench.study import checks
from awbench.study.checks import is_plainly_worse, plain_checks
from awbench.study.design import make_design
from models.types import Clip
from tests.awbench.study_runs import FPS, FRAMES, SIDE, SYSTEMS, clip_of

DESIGN = make_design(SYSTEMS, [f"c{index}" for index in range(6)], 12, seed=3)
RUNS = [SimpleNamespace(system=name) for name in SYSTEMS]


def bad(design):
    return [shown for trials in design.slots for shown in trials if shown.kind == "attention_bad"]


def test_a_system_whose_copies_look_alike_gives_its_checks_to_the_others(monkeypatch):
    monkeypatch.setattr(checks, "is_plainly_worse", lambda run, case, seed: run.system != SYSTEMS[0])
    made, alike = plain_checks(DESIGN, RUNS, 0)
    shown, before = bad(made), bad(DESIGN)
    assert Counter(one.left for one in before)[SYSTEMS[0]] > 2 and not alike
    assert [(one.left, one.right) for one in shown].count((SYSTEMS[0],) * 2) == 0 and all(one.left == one.right for one in shown)
    assert [(one.case, one.expected) for one in shown] == [(one.case, one.expected) for one in before]
    counts = Counter(one.left for one in shown)
    assert abs(counts[SYSTEMS[1]] - counts[SYSTEMS[2]]) <= 1
    rest = lambda design: [[one for one in trials if one.kind != "attention_bad"] for trials in design.slots]  # noqa: E731
    assert rest(made) == rest(DESIGN)


def test_where_all_look_alike_the_check_stays_and_is_told(monkeypatch):
    monkeypatch.setattr(checks, "is_plainly_worse", lambda run, case, seed: case != "c1")
    made, alike = plain_checks(DESIGN, RUNS, 0)
    on_it = [
        (slot, place)
        for slot, trials in enumerate(DESIGN.slots)
        for place, one in enumerate(trials)
        if one in bad(DESIGN) and one.case == "c1"
    ]
    assert made == DESIGN and alike == set(on_it) and on_it


@pytest.mark.parametrize(
    "name, frames, plain", [("sharp", clip_of(2).frames, True), ("black", np.zeros((FRAMES, SIDE, SIDE, 3), np.uint8), False)]
)
def test_the_gap_is_measured_in_pixels(monkeypatch, name, frames, plain):
    monkeypatch.setattr(checks, "on_grid", lambda run, case: Clip(frames=frames, fps=FPS))
    assert is_plainly_worse(SimpleNamespace(system=name), "c0", 0) is plain
