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
from awbench.suites.load import load_suite
from awbench.suites.world import media_arrays, render_case, validate_world
from awbench.suites.world_design import WorldCase, dev_cases, heldout_cases, mini_cases
from awbench.suites.world_pool import all_cases, reported_cases
from awbench.world.render import render
from models.types import Grid

HELDOUT, MINI, REPORTED = heldout_cases(), mini_cases(), reported_cases()


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
    media = render_case(item, world.TINY_GRID)
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


def test_another_world_source_that_renders_the_same_bars_no_run(monkeypatch: pytest.MonkeyPatch) -> None:
    before = load_suite("world-mini")
    monkeypatch.setattr(world, "world_source_hash", lambda: "changed")
    after = load_suite("world-mini")
    assert after.fingerprint == before.fingerprint and after.case_marks == before.case_marks and len(before.case_marks) == len(MINI)


def test_a_case_that_renders_otherwise_changes_its_own_mark_and_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    before, records = load_suite("world-mini"), world._records()
    records["wm-0003"] = replace(records["wm-0003"], content="another picture")
    monkeypatch.setattr(world, "_records", lambda: records)
    after = load_suite("world-mini")
    assert [case_id for case_id, mark in after.case_marks.items() if mark != before.case_marks[case_id]] == ["wm-0003"]
    assert after.fingerprint != before.fingerprint


def test_every_case_of_every_world_suite_is_recorded() -> None:
    suites = (HELDOUT, MINI, dev_cases(), all_cases())
    assert {item.case.id for suite in suites for item in suite} == set(world._records())


@pytest.mark.parametrize("name", ["world-mini", "world-heldout", "world-dev", "world-v1", "world-v1-all"])
def test_the_world_still_renders_what_the_suites_stand_for(name: str) -> None:
    suite = load_suite(name)
    every = {"world-mini": 2, "world-v1": 8}.get(name, 24)  # `actorforge validate` looks at all of them
    assert validate_world(suite, [case.id for case in suite.cases[::every]]) == []


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
    problems = validate_world(suite, [case.id for case in suite.cases[:6]])
    assert problems and all("content digest: got" in line and "suite world-mini case wm-" in line for line in problems)


def test_a_pixel_that_rounds_the_other_way_is_no_drift_and_a_moved_subject_is() -> None:
    media = render_case(MINI[0], world.TINY_GRID)
    frames, before = media.driving.frames.copy(), world.Record.of(media)
    frames[:, 20, 20, 0] ^= 1
    rounded = world.Record.of(replace(media, driving=replace(media.driving, frames=frames)))
    moved = world.Record.of(replace(media, driving=replace(media.driving, frames=np.roll(frames, 2, axis=2))))
    assert rounded.content != before.content and rounded.agrees(before)
    assert not moved.agrees(before)


def test_writing_records_keeps_those_that_agree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    suite, recorded = load_suite("world-mini").only(["wm-0001", "wm-0002"]), world._records()
    rounded = replace(recorded["wm-0001"], content="of another processor")
    monkeypatch.setattr(world, "RECORDS_FILE", tmp_path / "records.json")
    monkeypatch.setattr(world, "_records", lambda: {"wm-0001": rounded})
    for name in ("world_mini", "world_heldout", "world_dev", "world_v1_all"):
        monkeypatch.setattr(world, name, lambda: suite)
    world.write_records()
    monkeypatch.undo()
    monkeypatch.setattr(world, "RECORDS_FILE", tmp_path / "records.json")
    written = world._records()
    assert written["wm-0001"] == rounded and written["wm-0002"].agrees(recorded["wm-0002"])


def test_the_dev_suite_shares_nothing_with_the_held_out_one_and_has_all_four_cells():
    dev = dev_cases()
    assert {shot.split for case in dev for shot in (case.driver, case.reference, case.truth)} == {"train"}
    assert not any(case.case.tags["novel"] for case in dev)
    cells = [(case.case.tags["driver_subject"] == "human", case.case.tags["reference_subject"] == "human") for case in dev]
    assert {cell: cells.count(cell) for cell in cells} == {(True, True): 24, (True, False): 24, (False, True): 24, (False, False): 32}


@pytest.mark.parametrize(
    ("spelling", "grid", "name"),
    [
        ("world-v1", Grid(width=256, height=256, fps=12.0, num_frames=24), "world-v1"),
        ("world-v1:512x288", Grid(width=512, height=288, fps=12.0, num_frames=24), "world-v1-512x288x24-12fps"),
        ("world-mini:96x64x5@7.5", Grid(width=96, height=64, fps=7.5, num_frames=5), "world-mini-96x64x5-7.5fps"),
        ("world-v1:256x256x24@12", Grid(width=256, height=256, fps=12.0, num_frames=24), "world-v1"),
    ],
)
def test_a_world_suite_comes_at_any_grid_under_a_name_of_its_own(spelling: str, grid: Grid, name: str) -> None:
    suite = load_suite(spelling)
    assert (suite.grid, suite.name) == (grid, name)
    plain = load_suite(spelling.partition(":")[0])
    assert [case.id for case in plain.cases] == [case.id for case in suite.cases]
    same = suite.grid == plain.grid
    assert same == (plain.fingerprint == suite.fingerprint) == (plain.case_marks == suite.case_marks)


def test_a_case_at_another_grid_loads_there() -> None:
    media = load_suite("world-v1:72x40x3@6").load(REPORTED[4].case.id)
    assert media.driving.size == (72, 40) and len(media.truth.clip) == 3 and media.truth.clip.fps == 6


@pytest.mark.parametrize("text", ["", "256", "256x", "x256", "256x256x24@", "256 x 256", "-1x256"])
def test_a_mistyped_grid_is_told_the_spelling(text: str) -> None:
    with pytest.raises(ValueError, match="world suite: grid: got .* expected WIDTHxHEIGHT"):
        world.grid_of(text, world.GRID)


def test_world_v1_has_a_hundred_drivers_and_two_hundred_references_each_once() -> None:
    whole = all_cases()
    assert len(REPORTED) == 100 and len(whole) == 200 and whole[:100] == REPORTED
    assert len({item.driver for item in whole}) == 100 and len({item.reference for item in whole}) == 200
    assert len({item.case.driver_id for item in whole}) == 100 and len({item.case.identity_id for item in whole}) == 200
    assert {shot.split for item in whole for shot in (item.driver, item.reference)} == {"heldout"}
    earlier = {seed for item in HELDOUT + MINI for shot in (item.driver, item.reference) for seed in shot.identities}
    assert not earlier & {seed for item in whole for shot in (item.driver, item.reference) for seed in shot.identities}


def test_world_v1_covers_the_taxonomy() -> None:
    def counted(tag: str) -> Counter:
        return Counter(item.case.tags[tag] for item in REPORTED)

    assert set(counted("driver_subject")) == set(counted("reference_subject")) == {"human", "animal", "cartoon"}
    assert set(counted("driver_framing")) == {"full", "half", "face"} and min(counted("driver_framing").values()) >= 10
    assert set(counted("camera")) == {"static", "moving", "tracking"} and counted("camera")["tracking"] >= 6
    assert counted("mode") == {"one_to_one": 84, "one_to_many": 8, "many_to_many": 8}
    assert counted("driver_activity").keys() == {"dance", "sport", "daily", "speech"} and len(counted("motion")) >= 13
    assert counted("novel")[True] == 4 and counted("track") == {"cross": 100}
    assert {item.case.reference_pose for item in REPORTED} == {"independent"}


def test_tags_say_what_the_shots_are() -> None:
    for item in (*all_cases(), *MINI):
        tags = item.case.tags
        assert (tags["driver_count"], tags["reference_count"]) == (str(item.driver.count), str(item.reference.count))
        assert (tags["driver_framing"], tags["reference_framing"]) == (item.driver.framing, item.reference.framing)
        assert (tags["camera"], tags["motion"]) == (item.driver.camera, item.driver.motion)
        assert tags["mode"] == "_to_".join("many" if shot.count > 1 else "one" for shot in (item.driver, item.reference))


def test_what_a_truth_shows_is_in_the_reference_or_closer() -> None:
    closer = [item for item in REPORTED if item.driver.framing != item.reference.framing]
    assert len(closer) == 6 and {item.reference.framing for item in closer} == {"full"}


def test_one_driver_moves_all_of_the_reference_at_the_same_time_and_apart() -> None:
    item = next(item for item in REPORTED if item.case.tags["mode"] == "one_to_many" and item.reference.subject == "human")
    assert item.truth.count == item.reference.count > 1 and item.truth.formation == "unison"
    alone = render(item.driver, (96, 96), 12, 12).pose.points[:, 0]
    together = render(item.truth, (96, 96), 12, 12).pose.points
    swing = (alone[:, 9] - alone[:, 5]).ravel()
    for n in range(item.truth.count):
        assert np.corrcoef(swing, (together[:, n, 9] - together[:, n, 5]).ravel())[0, 1] > 0.9
    assert (np.diff(together[:, :, 11:13, 0].mean(-1), axis=1) > 0).all()  # left to right, as in the reference


def test_many_to_many_keeps_the_order_of_the_reference_and_they_pass_before_each_other() -> None:
    for item in (item for item in REPORTED if item.case.tags["mode"] == "many_to_many" and item.reference.subject in ("human", "cartoon")):
        reference = render(item.reference, (96, 96), 1, 12).pose.points
        made = render(item.truth, (96, 96), 24, 12)
        across = made.pose.points[:, :, 11:13, 0].mean(-1)  # the hips
        assert (np.diff(reference[:, :, 11:13, 0].mean(-1), axis=1) > 0).all()
        assert (np.diff(across[0]) > 0).all() and (np.diff(across, axis=1) < 0).any()
        areas = made.subjects.mean((2, 3))
        assert (areas.min(0) < 0.8 * areas.max(0)).any()  # somebody is hidden for a while


def test_the_truth_knows_its_poses_and_archives_keep_them() -> None:
    item = next(item for item in REPORTED if item.case.tags["mode"] == "many_to_many" and item.reference.subject == "human")
    media = render_case(item, world.TINY_GRID)
    again = world._media_from_arrays(media_arrays(media)).truth.pose
    assert media.truth.pose.points.shape == (6, item.reference.count, 17, 2)
    np.testing.assert_array_equal(again.points, media.truth.pose.points)
    np.testing.assert_array_equal(again.confidence, media.truth.pose.confidence)
    old = {name: array for name, array in media_arrays(media).items() if not name.startswith("pose_")}
    assert world._media_from_arrays(old).truth.pose is None
