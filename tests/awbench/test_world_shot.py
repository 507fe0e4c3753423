"""Shots: splits, novelty, truth, JSON and refusals."""

import json
from dataclasses import replace

import pytest

from awbench.world.draws import choose
from awbench.world.shot import (
    FRAMINGS,
    NOVEL_MOTIONS,
    NOVEL_SUBJECTS,
    SUBJECTS,
    TRAIN_MOTIONS,
    Shot,
    sample_shot,
    with_motion_of,
)

TRAIN = [sample_shot("train", seed) for seed in range(400)]
PLANS = tuple(name for name in SUBJECTS if name not in NOVEL_SUBJECTS)
HELDOUT = [sample_shot("heldout", seed) for seed in range(400)]


def seeds_of(shots: list[Shot]) -> set[int]:
    return {seed for shot in shots for seed in (*shot.identities, shot.motion_seed, shot.background, shot.camera_seed)}


def test_splits_share_no_seed() -> None:
    assert not seeds_of(TRAIN) & seeds_of(HELDOUT)
    assert {seed % 2 for seed in seeds_of(TRAIN)} == {0} and {seed % 2 for seed in seeds_of(HELDOUT)} == {1}


def test_nothing_novel_is_drawn_unasked() -> None:
    assert not any(shot.novel for shot in TRAIN + HELDOUT)


def test_training_mix_covers_everything_and_is_mostly_one_full_static_character() -> None:
    assert {s.subject for s in TRAIN} == set(SUBJECTS) - set(NOVEL_SUBJECTS)
    assert {s.motion for s in TRAIN} == set(TRAIN_MOTIONS)
    assert {s.framing for s in TRAIN} == set(FRAMINGS) and {s.count for s in TRAIN} == {1, 2, 3}
    for share in (sum(s.count == 1 for s in TRAIN), sum(s.framing == "full" for s in TRAIN), sum(s.camera == "static" for s in TRAIN)):
        assert share > 0.65 * len(TRAIN)


def test_novel_asks_for_a_novel_motion_or_else_subject() -> None:
    assert sample_shot("heldout", 3, novel=True).motion in NOVEL_MOTIONS
    given = sample_shot("heldout", 3, motion="walk", novel=True)
    assert given.subject in NOVEL_SUBJECTS and given.motion == "walk" and given.novel


def test_fixing_one_choice_leaves_the_others_as_drawn() -> None:
    free, fixed = sample_shot("train", 8), sample_shot("train", 8, subject="blob")
    assert replace(free, subject="blob") == fixed


def test_equal_seeds_give_equal_shots_and_others_differ() -> None:
    assert sample_shot("train", 5) == sample_shot("train", 5) != sample_shot("train", 6)


def test_json_round_trip() -> None:
    for shot in HELDOUT[:50]:
        assert Shot.from_json(json.loads(json.dumps(shot.to_json()))) == shot


def test_from_json_names_missing_fields() -> None:
    record = TRAIN[0].to_json()
    del record["motion"]
    with pytest.raises(ValueError, match="fields: got .* expected .*'motion'"):
        Shot.from_json(record)


def test_truth_takes_motion_camera_framing_and_start_from_the_driver() -> None:
    reference, driver = sample_shot("heldout", 1, count=1), sample_shot("heldout", 2, count=1)
    truth = with_motion_of(reference, driver)
    for name in ("split", "subject", "identities", "background"):
        assert getattr(truth, name) == getattr(reference, name)
    for name in ("motion", "motion_seed", "camera", "camera_seed", "framing", "start_s"):
        assert getattr(truth, name) == getattr(driver, name)
    assert with_motion_of(reference, reference) == reference


def test_one_driver_moves_all_of_a_reference_in_unison() -> None:
    truth = with_motion_of(sample_shot("train", 2, count=3), sample_shot("train", 1, count=1))
    assert truth.count == 3 and truth.formation == "unison"


def test_another_option_takes_its_share_and_leaves_the_rest_as_it_was() -> None:
    few = {"walk": 2.0, "wave": 1.0}
    before, after = ([choose(shares, seed, "motion") for seed in range(2000)] for shares in (few, few | {"fly": 1.0}))
    assert all(new in (old, "fly") for old, new in zip(before, after))
    assert 0.2 < after.count("fly") / 2000 < 0.3 and 0.6 < before.count("walk") / 2000 < 0.73


def test_decisions_are_independent_of_each_other() -> None:
    shots = [sample_shot("train", seed) for seed in range(1500)]
    moving = [[shot.camera == "moving" for shot in shots if shot.subject == subject] for subject in PLANS]
    assert all(0.1 < sum(each) / len(each) < 0.3 for each in moving)


def test_truth_refuses_unequal_counts() -> None:
    with pytest.raises(ValueError, match="with_motion_of: count: got 1 and 2 characters, expected equal counts"):
        with_motion_of(sample_shot("train", 1, count=1), sample_shot("train", 1, count=2))


@pytest.mark.parametrize(
    ("arguments", "field"),
    [
        ({"split": "test"}, "split"),
        ({"seed": -1}, "seed"),
        ({"subject": "unicorn"}, "subject"),
        ({"motion": "moonwalk"}, "motion"),
        ({"framing": "wide"}, "framing"),
        ({"camera": "drone"}, "camera"),
        ({"count": 4}, "count"),
        ({"subject": NOVEL_SUBJECTS[0]}, "subject"),
        ({"motion": NOVEL_MOTIONS[0]}, "motion"),
        ({"novel": True}, "novel"),
    ],
)
def test_sampling_refuses_and_names_the_field(arguments: dict, field: str) -> None:
    with pytest.raises(ValueError, match=f"sample_shot: {field}: got .* expected "):
        sample_shot(**{"split": "train", "seed": 1, **arguments})


@pytest.mark.parametrize(("field", "value"), [("identities", ()), ("identities", (-2,)), ("background", 1.5), ("start_s", float("nan"))])
def test_a_shot_refuses_bad_fields(field: str, value: object) -> None:
    with pytest.raises(ValueError, match=f"shot: {field}: got "):
        replace(TRAIN[0], **{field: value})
