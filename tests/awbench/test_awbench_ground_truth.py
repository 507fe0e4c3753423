"""ground_truth answers with the truth and says so when there is none."""

from __future__ import annotations

import numpy as np
import pytest

from awbench.cases import Case, CaseMedia, Suite, Truth
from awbench.catalog import ANIMATORS
from awbench.ground_truth import GroundTruth, load_for_suite
from models.types import AnimationRequest, Clip, Grid

GRID = Grid(width=10, height=8, fps=8.0, num_frames=3)


def media(case: Case) -> CaseMedia:
    rng = np.random.default_rng(len(case.id))
    driving, answer = (Clip(frames=rng.integers(0, 255, (3, 8, 10, 3), np.uint8), fps=8.0) for _ in range(2))
    mask = np.zeros((3, 8, 10), bool)
    truth = Truth(clip=answer, subject=mask, reference_subject=mask[0], seen=mask, flow=np.zeros((2, 8, 10, 2), np.float32))
    return CaseMedia(reference=driving.frames[0], driving=driving, truth=truth if case.id == "with" else None)


SUITE = Suite(name="s", version="1", grid=GRID, cases=(Case(id="with"), Case(id="without")), source=media)


def ask(case_id: str) -> AnimationRequest:
    given = SUITE.load(case_id)
    return AnimationRequest(id=case_id, reference=given.reference, driving=given.driving, size=GRID.size, num_frames=3, seed=0)


def test_it_answers_with_the_truth_of_the_case() -> None:
    result = load_for_suite("ground_truth", SUITE).animate(ask("with"))
    assert np.array_equal(result.clip.frames, SUITE.load("with").truth.clip.frames)
    assert result.animator == "ground_truth"


def test_a_case_without_truth_is_an_error_that_names_it() -> None:
    with pytest.raises(ValueError, match="case without: truth: got none"):
        load_for_suite("ground_truth", SUITE).animate(ask("without"))


def test_without_a_suite_it_says_what_it_needs() -> None:
    with pytest.raises(ValueError, match="ground_truth: suite: got none"):
        ANIMATORS.load("ground_truth")().animate(ask("with"))
    with pytest.raises(ValueError, match="argument: got 'x'"):
        load_for_suite("ground_truth:x", SUITE)


def test_other_animators_come_from_the_same_table() -> None:
    assert load_for_suite("still", SUITE).name == "still"
    assert isinstance(load_for_suite("ground_truth", SUITE), GroundTruth)
    with pytest.raises(ValueError, match="did you mean ground_truth"):
        load_for_suite("ground_thruth", SUITE)
