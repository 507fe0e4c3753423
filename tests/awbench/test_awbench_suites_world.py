"""World suites: the design's balance, exact truth, a cache that is never trusted blindly, drift that is noticed."""

from __future__ import annotations

import pickle
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from awbench.suites import world
from awbench.suites.arrays import digest
from awbench.suites.load import load_suite, validate
from awbench.suites.world import media_arrays, render_case, validate_world
from awbench.suites.world_design import WorldCase, dev_cases, heldout_cases, mini_cases
from models.types import Grid

HELDOUT, MINI = heldout_cases(), mini_cases()


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ACTORFORGE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def cell(item: WorldCase) -> tuple[bool, bool]:
    return item.driver.subject == "human", item.reference.subject == "human"


def plain(item: WorldCase) -> bool:
    return item.case.track == "cross" and item.case.tags["count"] == "1" and not item.case.tags["novel"]


def test_the_two_by_two_has_fifty_plain_cross_cases_in_each_cell() -> None:
    cells = Counter(cell(item) for item in HELDOUT if plain(item))
    assert len(HELDOUT) >= 240 and len(cells) == 4 and min(cells.values()) >= 50


@pytest.mark.parametrize("chosen", [(True, True), (True, False), (False, True), (False, False)])
def test_both_reference_poses_and_the_tags_are_spread_over_every_cell(chosen: tuple[bool, bool]) -> None:
    items = [item.case for item in HELDOUT if plain(item) and cell(item) == chosen]
    poses = Counter(case.reference_pose for case in items)
    assert abs(poses["first_frame"] - poses["independent"]) <= 4
    assert {case.tags["framing"] for case in items} == {"full", "half", "face"}
    assert {case.tags["camera"] for case in items} == {"static", "moving"}
    assert len({case.tags["motion"] for case in items}) >= 8


def test_every_kind_drives_every_kind() -> None:
    kinds = {"human", "cartoon", "quadruped", "bird", "blob"}
    seen = {(item.driver.subject, item.reference.subject) for item in HELDOUT if plain(item)}
    assert seen == {(a, b) for a in kinds for b in kinds}


def test_novel_self_and_double_cases_are_some_and_tagged_rightly() -> None:
    tags = [item.case.tags for item in HELDOUT]
    assert 0.12 <= np.mean([tag["novel"] for tag in tags]) <= 0.2
    assert sum(tag["track"] == "self" for tag in tags) >= 15 and sum(tag["count"] == "2" for tag in tags) >= 10
    for item in HELDOUT + MINI:
        assert item.case.tags["novel"] == (item.driver.novel or item.reference.novel)
        assert item.driver.count == item.reference.count == int(item.case.tags["count"])


def test_cross_cases_show_different_individuals_in_different_places_self_cases_the_same() -> None:
    for item in HELDOUT + MINI:
        same = set(item.driver.identities) & set(item.reference.identities)
        assert bool(same) == (item.case.track == "self") == (item.driver.background == item.reference.background)
        assert item.driver.split == item.reference.split == "heldout"


def test_ids_are_short_stable_and_the_suites_share_no_shot() -> None:
    assert [item.case.id for item in HELDOUT[:2]] == ["wh-0001", "wh-0002"] and MINI[-1].case.id == f"wm-{len(MINI):04d}"
    assert not {item.driver for item in HELDOUT} & {item.driver for item in MINI}
    assert heldout_cases()[7] == HELDOUT[7]


def test_the_mini_suite_is_a_mixture() -> None:
    assert len({cell(item) for item in MINI}) == 4
    assert {"human", "cartoon", "quadruped", "bird", "blob"} <= {item.driver.subject for item in MINI} & {
        item.reference.subject for item in MINI
    }
    assert {item.case.track for item in MINI} == {"self", "cross"} and {item.case.reference_pose for item in MINI} == {
        "first_frame",
        "independent",
    }


def test_a_first_frame_reference_is_the_truths_first_frame_an_independent_one_is_not() -> None:
    suite = load_suite("world-mini")
    for case in suite.cases[:8]:
        media = suite.load(case.id)
        same = np.array_equal(media.reference, media.truth.clip.frames[0])
        assert same == (case.reference_pose == "first_frame")
        assert media.truth.subject.any((1, 2)).all() and media.truth.reference_subject.any()
        assert media.truth.seen[media.truth.subject].all()
        if case.reference_pose == "first_frame":
            assert media.truth.seen[0].all() and np.array_equal(media.truth.reference_subject, media.truth.subject[0])


def test_on_the_self_track_the_truth_is_the_driver() -> None:
    item = next(item for item in HELDOUT if item.case.track == "self" and item.case.tags["count"] == "1")
    media = render_case(item, world.GRID)
    assert np.array_equal(media.truth.clip.frames, media.driving.frames)


def test_suites_are_on_the_stated_grid_and_travel_to_other_processes() -> None:
    suite = load_suite("world-heldout")
    assert suite.grid == Grid(width=48, height=48, fps=8.0, num_frames=6)
    again = pickle.loads(pickle.dumps(suite))
    assert digest(media_arrays(again.load("wh-0003"))) == digest(media_arrays(suite.load("wh-0003")))
    assert again.fingerprint == suite.fingerprint == load_suite("world-heldout").fingerprint


def test_the_cache_gives_the_same_and_mends_what_is_damaged(own_cache: Path) -> None:
    suite = load_suite("world-mini")
    fresh = digest(media_arrays(suite.load("wm-0001")))
    entry = next(own_cache.rglob("*.npz"))
    good = entry.read_bytes()
    for bad in (b"", good[:100], good[:300] + b"\0" * 30 + good[330:]):
        entry.write_bytes(bad)
        assert digest(media_arrays(suite.load("wm-0001"))) == fresh
        assert entry.read_bytes() == good
    assert [path.name for path in own_cache.rglob("*") if path.is_file()] == [entry.name]


def test_a_cached_case_is_not_rendered_again_and_a_closed_cache_costs_only_time(own_cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite = load_suite("world-mini")
    first = digest(media_arrays(suite.load("wm-0002")))
    with monkeypatch.context() as patch:
        patch.setattr(world, "render_case", None)
        assert digest(media_arrays(suite.load("wm-0002"))) == first
    own_cache.with_name("file").write_text("in the way")
    monkeypatch.setenv("ACTORFORGE_CACHE", str(own_cache.with_name("file")))
    assert digest(media_arrays(suite.load("wm-0002"))) == first


def test_another_world_source_is_another_address(monkeypatch: pytest.MonkeyPatch) -> None:
    suite = load_suite("world-mini")
    before = suite.source.key(suite.cases[0])
    monkeypatch.setattr(world, "world_source_hash", lambda: "changed")
    assert suite.source.key(suite.cases[0]) != before


@pytest.mark.parametrize("name", ["world-mini", "world-heldout", "world-dev"])
def test_the_world_still_renders_what_the_suites_stand_for(name: str) -> None:
    assert validate(name) == []


def test_drift_is_noticed_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    suite, honest = load_suite("world-mini"), world.render

    def drifted(*args: object, **options: object) -> object:
        shot, rest = args[0], args[1:]
        return honest(
            shot if shot.subject != "human" else type(shot).from_json(shot.to_json() | {"motion_seed": shot.motion_seed + 2}),
            *rest,
            **options,
        )

    monkeypatch.setattr(world, "render", drifted)
    problems = validate_world(suite)
    assert problems and all("content digest: got" in line and "suite world-mini case wm-" in line for line in problems)


def test_a_pixel_that_rounds_the_other_way_is_no_drift_and_a_moved_subject_is() -> None:
    media = render_case(MINI[0], world.GRID)
    frames, before = media.driving.frames.copy(), world.content_record(media)
    frames[:, 20, 20, 0] ^= 1
    rounded = world.content_record(replace(media, driving=replace(media.driving, frames=frames)))
    moved = world.content_record(replace(media, driving=replace(media.driving, frames=np.roll(frames, 2, axis=2))))
    assert rounded["sha256"] != before["sha256"] and world._same_content(rounded, before)
    assert not world._same_content(moved, before)


def test_the_dev_suite_shares_nothing_with_the_held_out_one_and_has_all_four_cells():
    dev = dev_cases()
    assert {shot.split for case in dev for shot in (case.driver, case.reference, case.truth)} == {"train"}
    assert not any(case.case.tags["novel"] for case in dev)
    cells = [(case.case.tags["driver_subject"] == "human", case.case.tags["reference_subject"] == "human") for case in dev]
    assert {cell: cells.count(cell) for cell in cells} == {(True, True): 24, (True, False): 24, (False, True): 24, (False, False): 32}
