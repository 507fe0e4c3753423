"""Every filter passes the right answer of a world scene and turns down what was planted for it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import cv2
import numpy as np
import pytest

from awbench.catalog import METRICS
from awbench.metrics.metric import Unscored
from awbench.selftest.scenes import world_scenes
from awbench.selftest.tricks import still
from bootstrap.filters import (
    FILTERS,
    STRUCTURE,
    Pair,
    Rejection,
    Verdict,
    decide,
    filter_metrics,
    filter_versions,
    judge,
    judging,
)
from bootstrap.filters.catalog import in_use, load_filter
from bootstrap.filters.evidence import PairEvidence
from bootstrap.filters.filter import Filter
from bootstrap.filters.judging import ADDRESS_VARIABLE
from bootstrap.pairing import PairSpec
from bootstrap.synthesis import Candidate, PairMedia
from bootstrap.thresholds import Thresholds
from models.images import encode_image
from models.mllm.client import Client, default_cache
from models.mllm.endpoint import Endpoint
from models.mllm.errors import Unreachable
from models.types import Clip, Grid
from models.video import Window, encode_video
from tests.awbench.judge_fakes import JudgeServer

GRID = Grid(width=72, height=72, fps=12.0, num_frames=12)
ALL = Thresholds(all_checks=True)
ROOT = Path(__file__).resolve().parents[2]
SPEC = PairSpec(key="abc", driving="d.mp4", identity="i.png", start_s=0.0, seed=1)


@pytest.fixture(scope="module")
def scene():
    return world_scenes(1, GRID, seed=3)[0].make()


@pytest.fixture(scope="module")
def right(scene):
    return scene.answer.frames


def _candidate(scene, frames: np.ndarray, **members: bytes) -> Candidate:
    driver = Clip(frames=np.ascontiguousarray(frames), fps=GRID.fps)
    window = Window(start_s=0.0, crop=(0, 0, 72, 72), source_size=(72, 72), source_fps=12.0)
    made = {"driver.mp4": encode_video(driver), "target.mp4": encode_video(scene.driver), "reference.png": encode_image(scene.reference)}
    media = PairMedia(clip=scene.driver, window=window, identity=scene.reference)
    return Candidate(spec=SPEC, media=media, members={**made, **members})


def _failed(scene, frames: np.ndarray) -> set[str]:
    return {verdict.check for verdict in judge(_candidate(scene, frames), GRID, ALL) if not verdict.passed}


def test_the_right_answer_passes_every_check_in_order(scene, right):
    result = decide(_candidate(scene, right), GRID, Thresholds())
    assert isinstance(result, Pair) and set(result.members) == {"driver.mp4", "target.mp4", "reference.png"}
    assert tuple(verdict.check for verdict in result.verdicts) == (*STRUCTURE, *FILTERS.entries)[:-1]  # the judge is off
    assert all(verdict.passed and not verdict.reason for verdict in result.verdicts)


def test_of_a_target_that_was_just_encoded_the_frames_are_counted(scene, right):
    candidate = _candidate(scene, right)
    assert judge(candidate, GRID, Thresholds(), fresh=True) == judge(candidate, GRID, Thresholds())
    short = encode_video(Clip(frames=scene.driver.frames[:-1], fps=GRID.fps))
    told = [judge(_candidate(scene, right, **{"target.mp4": short}), GRID, Thresholds(), fresh=fresh)[-1] for fresh in (False, True)]
    assert told[0] == told[1] and told[0].check == "length" and "target 11 frames" in told[0].reason


def _noise(shape: tuple[int, ...]) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)


def _half_noise(frames: np.ndarray) -> np.ndarray:
    noisy = frames.copy()
    noisy[:, :, 36:] = _noise(noisy[:, :, 36:].shape)
    return noisy


def _last_black(frames: np.ndarray) -> np.ndarray:
    return np.concatenate([frames[:-1], np.zeros_like(frames[:1])])


@pytest.mark.parametrize(
    "spoil, check",
    [
        pytest.param(_half_noise, "imaging", id="half the picture noise"),
        pytest.param(lambda frames: _noise(frames.shape), "palette", id="noise"),
        pytest.param(_last_black, "light", id="last frame black"),
        pytest.param(lambda frames: frames[np.random.default_rng(1).permutation(len(frames))], "smoothness", id="shuffled"),
        pytest.param(lambda frames: frames[::-1], "forward", id="reversed in time"),
        pytest.param(lambda frames: frames[:, ::-1], "upright", id="upside down"),
        pytest.param(lambda frames: frames[..., ::-1], "palette", id="exchanged channels"),
        pytest.param(lambda frames: np.repeat(frames[:1], len(frames), 0), "moving", id="frozen"),
        pytest.param(lambda frames: frames[np.arange(len(frames)) // 3 * 3], "moving", id="stutter"),
    ],
)
def test_a_spoilt_answer_is_turned_down_by_the_filter_that_is_for_it(scene, right, spoil, check):
    assert check in _failed(scene, spoil(right))
    assert isinstance(decide(_candidate(scene, spoil(right)), GRID, Thresholds()), Rejection)


def test_wrong_answers_are_turned_down(scene, right):
    assert {"distinct", "identity", "palette"} <= _failed(scene, scene.driver.frames)
    assert {"moving", "motion_agreement"} <= _failed(scene, still(scene).frames)
    assert "identity" in _failed(scene, scene.wrong_identity.frames)
    assert {"steady"} <= _failed(scene, np.concatenate([right[:6], scene.wrong_identity.frames[6:]]))


def _as_a_whole(picture: np.ndarray, moves) -> np.ndarray:
    """A picture under (zoom, shift px) of every frame."""
    matrices = [np.float32([[zoom, 0, 36 - 36 * zoom + shift], [0, zoom, 36 - 36 * zoom]]) for zoom, shift in moves]
    return np.stack([cv2.warpAffine(picture, matrix, (72, 72), borderMode=cv2.BORDER_REFLECT) for matrix in matrices])


@pytest.mark.parametrize(
    "move",
    [
        pytest.param(lambda t: (1, 0.7 * t), id="pan"),
        pytest.param(lambda t: (1, 0.2 * t), id="slow pan"),
        pytest.param(lambda t: (1 + 0.02 * t, 0), id="zoom"),
        pytest.param(lambda t: (1.1, (0, 1.5, -1, 0.5)[t % 4]), id="shake"),
        pytest.param(lambda t: (1, 0), id="still"),
    ],
)
def test_a_reference_that_moves_as_a_whole_is_turned_down(scene, move):
    assert "articulated" in _failed(scene, _as_a_whole(scene.reference, [move(t) for t in range(12)]))


def test_a_driver_through_which_the_source_shows_is_turned_down(scene, right):
    for share, passes in ((0.0, True), (0.2, False)):
        ghost = np.round((1 - share) * right + share * scene.driver.frames).astype(np.uint8)
        evidence = PairEvidence(key="k", driver=Clip(frames=ghost, fps=12.0), source=scene.driver, identity=scene.reference)
        assert load_filter("unblended").judge(evidence, Thresholds().unblended).passed == passes


def test_who_stands_in_the_sources_own_scene_is_not_asked_for_a_ghost(scene):
    evidence = PairEvidence(key="k", driver=scene.driver, source=scene.driver, identity=scene.driver.frames[0])
    verdict = load_filter("unblended").judge(evidence, 1.0)
    assert verdict.passed and verdict.value is None and "shows its scene" in verdict.reason


def _rolled(frames: np.ndarray, px: int) -> np.ndarray:
    return np.stack([np.roll(frame, px * t, axis=1) for t, frame in enumerate(frames)])


def test_what_a_camera_adds_to_the_source_or_to_the_driver_is_no_fault(scene, right):
    for source, driver in ((_rolled(scene.driver.frames, 2), right), (scene.driver.frames, _rolled(right, -1))):
        evidence = PairEvidence(
            key="k", driver=Clip(frames=driver, fps=12.0), source=Clip(frames=source, fps=12.0), identity=scene.reference
        )
        assert load_filter("articulated").judge(evidence, Thresholds().articulated).passed


def test_motion_of_parts_is_not_asked_for_where_the_source_shows_none(scene, right):
    grain = np.random.default_rng(0).normal(0, 1, scene.driver.frames.shape)
    still = np.clip(scene.driver.frames[:1] + grain, 0, 255).round().astype(np.uint8)
    panned = _as_a_whole(scene.driver.frames[0], [(1, 0.7 * t) for t in range(12)])
    for source in (still, panned):
        evidence = PairEvidence(
            key="k", driver=Clip(frames=right, fps=12.0), source=Clip(frames=source, fps=12.0), identity=scene.reference
        )
        verdict = load_filter("articulated").judge(evidence, 1.0)
        assert verdict.passed and verdict.value is None and "hardly moves in its parts" in verdict.reason


def test_footage_of_few_frames_a_second_asks_for_no_more_motion_than_it_shows(scene, right):
    held = np.arange(12) // 2 * 2
    source, driver = (Clip(frames=frames[held], fps=12.0) for frames in (scene.driver.frames, right))
    evidence = PairEvidence(key="k", driver=driver, source=source, identity=scene.reference)
    assert load_filter("moving").function(evidence) == 1.0
    alone = PairEvidence(key="k", driver=driver, source=scene.driver, identity=scene.reference)
    assert load_filter("moving").function(alone) == pytest.approx(5 / 11)


def test_a_failed_check_spares_those_after_it_unless_all_are_wanted(scene, right):
    frozen = _candidate(scene, np.repeat(right[:1], 12, 0))
    first = decide(frozen, GRID, Thresholds())
    assert [verdict.check for verdict in first.verdicts] == ["decodable", "length", "moving"]
    assert first.reason.startswith("moving: 0 < 0.5 of the source's moving steps")
    assert len(judge(frozen, GRID, ALL)) == len(STRUCTURE) + len(FILTERS.entries) - 1
    assert [verdict.check for verdict in judge(frozen, GRID, Thresholds(moving=0))][2] == "distinct"  # 0 asks nothing


def test_off_keeps_whatever_decodes_and_has_the_right_length(scene, right):
    frozen = np.repeat(right[:1], 12, 0)
    assert isinstance(decide(_candidate(scene, frozen), GRID, Thresholds(off=True)), Pair)
    short = decide(_candidate(scene, right[:5]), GRID, Thresholds(off=True))
    assert short.reason == "length: driver 5 and target 12 frames, expected 12"
    junk = decide(_candidate(scene, right, **{"driver.mp4": b"junk"}), GRID, Thresholds(off=True))
    assert junk.reason.startswith("decodable: ") and len(junk.verdicts) == 1


# ---- plug-ins and the table

SHORT = Filter(name="short", function=lambda evidence: 10.0 - len(evidence.driver), lacking="frames below ten", version="7")
SILENT = Filter(name="silent", function=lambda evidence: Unscored(reason="no sound"), lacking="of it")
BROKEN = Filter(name="broken", function=lambda evidence: 1 / 0, lacking="of it")


def test_a_plug_in_is_asked_by_its_address_and_named_in_the_record(scene, right):
    more = Thresholds(more=(f"{__name__}:SILENT=0.5", f"{__name__}:SHORT=0.5"))
    result = decide(_candidate(scene, right), GRID, more)
    assert result.reason == "short: -2 < 0.5 frames below ten"
    assert [verdict.reason for verdict in result.verdicts if verdict.check == "silent"] == ["not judged: no sound"]
    assert {"check": "short", "metric": "short", "version": "7"} in filter_versions(more)
    with pytest.raises(ValueError, match="broken could not judge 12 frames of 72x72 px: ZeroDivisionError"):
        judge(_candidate(scene, right), GRID, Thresholds(more=(f"{__name__}:BROKEN=0.5",)))
    for name, why in (("nowhere:X", "module:attribute of a Filter"), (f"{__name__}:GRID", "bootstrap.filters.filter.Filter")):
        with pytest.raises(ValueError, match=why):
            load_filter(name)


def test_the_table_holds_what_it_names():
    for name in FILTERS.entries:
        one = load_filter(name)
        assert one.name == name and (not one.metric or one.metric in METRICS.entries) and hasattr(Thresholds(), name)
    assert [one.name for one, _ in in_use(Thresholds())] == list(FILTERS.entries)[:-1]
    measures = {"appearance_consistency", "driver_leak", "imaging_quality", "motion_fidelity", "motion_smoothness", "temporal_consistency"}
    assert set(filter_metrics(Thresholds())) == measures and filter_metrics(Thresholds(off=True)) == ()
    versions = filter_versions(Thresholds(identity=0))
    assert {"check": "imaging", "metric": "imaging_quality", "version": "2"} in versions
    assert "identity" not in {one["check"] for one in versions}


def test_thresholds_and_verdicts_are_checked():
    with pytest.raises(ValueError, match="thresholds: motion_agreement: got 2, expected a number in 0-1"):
        Thresholds(motion_agreement=2)
    for text in ("identity", "=1", "name=much"):
        with pytest.raises(ValueError, match="thresholds: more: got .* expected NAME=THRESHOLD"):
            Thresholds(more=(text,))
    with pytest.raises(ValueError, match="check identity: value: got nan, expected a finite number"):
        Verdict(check="identity", value=float("nan"), threshold=0.1, passed=False)


def test_the_docs_name_every_filter_with_its_default():
    table = (ROOT / "docs" / "filters.md").read_text(encoding="utf-8").split("| default |")[1].split("\n\n")[0]
    told = {cells[0]: float(cells[2]) for cells in (re.findall(r"[^| ]+", line) for line in table.splitlines()[2:])}
    assert told == {name: getattr(Thresholds(), name) for name in FILTERS.entries if name != "judge"}


# ---- a model as a filter


@pytest.fixture
def server(monkeypatch, tmp_path):
    server = JudgeServer()
    monkeypatch.setenv(ADDRESS_VARIABLE, f"{server.url}#fake-vl")
    monkeypatch.setenv("ACTORFORGE_CACHE", str(tmp_path))
    yield server
    server.close()


def _plain(level: int) -> np.ndarray:
    return np.full((12, 72, 72, 3), level, np.uint8)


def test_the_judge_keeps_what_it_scores_above_the_threshold_and_asks_once(scene, server):
    only = Thresholds(**dict.fromkeys(FILTERS.entries, 0.0) | {"judge": 4.5})
    good, bad = (
        decide(_candidate(scene, _plain(level)), GRID, only) for level in (200, 160)
    )  # the fake reads scores 5 and 4 from the light
    assert isinstance(good, Pair) and good.verdicts[-1].value == 5
    assert bad.reason == "judge: 4 < 4.5 in the judge's mean"
    asked = len(server.seen)
    assert asked == 10 and isinstance(decide(_candidate(scene, _plain(200)), GRID, only), Pair) and len(server.seen) == asked
    assert filter_metrics(only) == ("judge:fake-vl",) and server.url not in json.dumps(filter_versions(only))


def test_a_judge_that_nobody_named_is_said(scene, monkeypatch):
    only = Thresholds(**dict.fromkeys(FILTERS.entries, 0.0) | {"judge": 4.5})
    monkeypatch.delenv(ADDRESS_VARIABLE, raising=False)
    with pytest.raises(ValueError, match="ACTORFORGE_JUDGE: got nothing, expected BASE_URL#MODEL"):
        judge(_candidate(scene, _plain(200)), GRID, only)


def test_an_endpoint_that_does_not_serve_is_no_verdict(scene, server, monkeypatch):
    """A later run tries the pair again: the error must keep its kind."""
    server.fault = lambda body, times: (503, {})
    hasty = Client(Endpoint.parse(f"{server.url}#fake-vl", max_attempts=2), default_cache(), sleep=lambda seconds: None)
    monkeypatch.setattr(judging, "_client", lambda where, cache: hasty)
    with pytest.raises(Unreachable):
        judge(_candidate(scene, _plain(200)), GRID, Thresholds(**dict.fromkeys(FILTERS.entries, 0.0) | {"judge": 4.5}))
