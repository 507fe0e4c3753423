"""The self-test of the referee: its damages, nuisances and tricks do what they say, and its findings can fail."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

from awbench.alignment import Given, aligned
from awbench.catalog import METRICS
from awbench.evidence import Evidence
from awbench.metrics.metric import Metric, Unscored
from awbench.scoring import load_metrics
from awbench.selftest import run as selftest_run
from awbench.selftest.bench import LAG_ERROR, SHOWN, WITHHELD, bench_of
from awbench.selftest.damages import DAMAGES, LEVELS
from awbench.selftest.findings import findings, spearman
from awbench.selftest.heat_map import heat_map
from awbench.selftest.nuisances import NUISANCES
from awbench.selftest.page import page
from awbench.selftest.run import Plan
from awbench.selftest.scenes import Answer, Scene, footage_scenes, frames_at, world_scenes
from awbench.selftest.tricks import HONEST, LEAST_SLIDES, RIGHT, TRICKS, WARP
from awbench.world.render import render
from awbench.world.shot import sample_shot
from models.images import encode_image
from models.types import Clip, Grid
from models.video import write_video
from pipelines.cli import main

GRID = Grid(width=48, height=48, fps=8.0, num_frames=6)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return world_scenes(1, GRID)[0].make()


def rng() -> np.random.Generator:
    return np.random.default_rng(3)


def off(clip: Clip, other: Clip) -> float:
    return float(np.abs(clip.frames.astype(int) - other.frames).mean())


def test_damages_aim_at_metrics_and_cover_the_dimensions():
    assert len(DAMAGES) >= 31 and {damage.aims for damage in DAMAGES.values()} <= set(METRICS.table())
    dimensions = {"imaging_quality", "motion_smoothness", "temporal_consistency", "appearance_consistency", "motion_fidelity"}
    assert dimensions | {"lag", "completeness"} == {damage.aims for damage in DAMAGES.values()}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damage_is_clean_at_level_0_repeats_itself_and_spoils_more_at_level_5_than_at_1(name, scene):
    damage = DAMAGES[name]
    clean, first, last = (damage.answer(scene, level, rng()).clip for level in (0, 1, LEVELS))
    assert len(last) == len(clean) and last.size == clean.size and last.fps == clean.fps
    assert np.array_equal(last.frames, damage.answer(scene, LEVELS, rng()).clip.frames)
    assert 0 <= off(first, clean) < off(last, clean)
    if damage.clean is None:
        assert np.array_equal(clean.frames, scene.answer.frames)


@pytest.mark.parametrize("name", ["missing_subject", "scrambled", "melted_face", "disc_on_head"])
def test_damages_of_the_subject_leave_the_rest_alone(name, scene):
    spoiled = DAMAGES[name].answer(scene, LEVELS, rng()).clip.frames
    near = np.stack([cv2.dilate(mask.astype(np.uint8), np.ones((19, 19), np.uint8)) > 0 for mask in scene.subject])
    assert np.array_equal(spoiled[~near], scene.answer.frames[~near])
    assert not np.array_equal(spoiled[scene.subject], scene.answer.frames[scene.subject])


def test_damages_of_time_hold_shift_and_tell(scene):
    still = DAMAGES["freeze_tail"].answer(scene, 5, rng()).clip.frames
    assert np.array_equal(still, np.repeat(scene.answer.frames[:1], 6, 0))
    late = DAMAGES["delay"].answer(scene, 5, rng())
    assert late.lag_s == -3 / 8 and np.array_equal(late.clip.frames[3:], scene.answer.frames[:3])
    short = DAMAGES["cut_short"].answer(scene, 5, rng())
    assert short.given.frames == 3 and np.array_equal(short.clip.frames[2:], np.repeat(scene.answer.frames[2:3], 4, 0))
    backwards = DAMAGES["reverse"].answer(scene, 5, rng()).clip.frames
    assert np.array_equal(backwards, scene.answer.frames[::-1])
    mixed = DAMAGES["shuffle"].answer(scene, 4, rng()).clip.frames
    assert np.array_equal(np.sort(mixed, 0), np.sort(scene.answer.frames, 0)) and not np.array_equal(mixed, scene.answer.frames)
    held = DAMAGES["stutter"].answer(scene, 5, rng()).clip.frames
    steps = np.abs(np.diff(held.astype(int), axis=0)).sum((1, 2, 3))
    assert (steps == 0).sum() >= round(0.7 * 5)


def test_nuisances_keep_the_raster_and_move_little(scene):
    for name, make in NUISANCES.items():
        answer = make(scene)
        assert answer is not None and (len(answer.clip), answer.clip.size) == (6, (48, 48)), name
        assert off(answer.clip, scene.answer) < 16, name
    assert NUISANCES["fps_30"](scene).given.frames == frames_at(GRID, 30.0) == 23
    assert NUISANCES["frame_early"](scene).lag_s == 1 / 8
    grey = scene.answer.frames.mean(-1, keepdims=True).astype(np.uint8).repeat(3, -1)
    plain = Scene(**{name: getattr(scene, name) for name in Scene.__slots__} | {"answer": Clip(frames=grey, fps=8.0)})
    assert off(NUISANCES["bt601_as_709"](plain).clip, plain.answer) < 0.01  # grey is grey in both
    black = Scene(**{name: getattr(scene, name) for name in Scene.__slots__} | {"answer": Clip(frames=0 * grey, fps=8.0)})
    assert np.all(NUISANCES["full_range"](black).clip.frames == 16)


def test_tricks_are_answers_on_the_grid_and_not_the_right_one(scene):
    for name, trick in TRICKS.items():
        clip = trick(scene).clip
        assert (len(clip), clip.size) == (6, (48, 48)), name
        assert not np.array_equal(clip.frames, scene.answer.frames), name
    recoloured, look = TRICKS["mean_transfer"](scene).clip.frames.reshape(-1, 3), scene.reference.reshape(-1, 3)
    assert np.abs(recoloured.mean(0) - look.mean(0)).max() < 12
    assert np.array_equal(TRICKS["still"](scene).clip.frames[4], scene.reference)
    assert TRICKS["echo"](scene).clip is scene.driver


def test_a_slideshow_of_the_right_answer_stands_above_no_honest_system():
    grid = Grid(width=48, height=48, fps=8.0, num_frames=16)
    scene = world_scenes(1, grid)[0].make()
    slides, metrics, bench = TRICKS["slideshow"](scene), load_metrics(("overall",)), bench_of(scene)
    step = 16 // LEAST_SLIDES
    assert slides.given == Given(frames=4, fps=8 / step) and np.array_equal(slides.clip.frames[::step], scene.answer.frames[::step])
    answers = {"slides": slides, RIGHT: Answer(clip=scene.answer), WARP: Answer(clip=HONEST[WARP](scene))}
    told = {name: bench.values(answer, metrics) for name, answer in answers.items()}
    values = {(name, one.judged): one.value for name, found in told.items() for one in found if one.metric == "overall"}
    for judged in (SHOWN, WITHHELD):
        assert 0 <= values["slides", judged] < min(values[RIGHT, judged], values[WARP, judged]), values
    long = replace(scene, **{name: slowed(getattr(scene, name)) for name in ("driver", "answer", "wrong_identity", "wrong_driver")})
    assert TRICKS["slideshow"](long).given == Given(frames=4, fps=1.0)  # of 4 s, a frame a second


def slowed(clip: Clip) -> Clip:
    return Clip(frames=clip.frames, fps=clip.fps / 2)


@pytest.mark.parametrize("name", ["blur", "delay", "cut_short"])
def test_the_bench_says_what_the_metrics_say(name, scene):
    """What is shared between answers must not leak from one to another."""
    metrics, bench = load_metrics(("motion_fidelity", "motion_smoothness", "ssim", "completeness")), bench_of(scene)
    bench.values(Answer(clip=scene.driver), metrics)
    answer = DAMAGES[name].answer(scene, 2, rng())
    values = {(one.judged, one.metric): one.value for one in bench.values(answer, metrics)}
    for judged, truth in ((SHOWN, scene.truth), (WITHHELD, None)):
        whole = Evidence(case_id="x", output=answer.clip, driver=scene.driver, reference=scene.reference, truth=truth)
        fresh = aligned(whole, answer.given or Given(frames=len(answer.clip), fps=answer.clip.fps))
        for metric in metrics:
            said = metric.function(fresh)
            assert values[judged, metric.name] == (None if isinstance(said, Unscored) else pytest.approx(said, abs=1e-6))
        assert values[judged, LAG_ERROR] == pytest.approx(abs(fresh.lag_s - answer.lag_s), abs=1e-6)


def test_a_metric_that_breaks_is_a_value_with_its_reason_and_stops_nobody(scene):
    def broken(evidence):
        raise RuntimeError("boom")

    bad = Metric(name="bad", version="1", dimension="x", low=0, high=1, function=broken)
    values = bench_of(scene).values(Answer(clip=scene.answer), (bad, METRICS.load("completeness")))
    assert [one.reason for one in values if one.metric == "bad"] == ["failed: RuntimeError: boom"] * 2
    assert all(one.value == 1 for one in values if one.metric == "completeness")


def test_spearman_has_mean_ranks_and_0_for_what_never_moves():
    assert spearman([0, 1, 2, 3], [9, 5, 5, 1]) == pytest.approx(-0.9487, abs=1e-4)
    assert spearman([0, 1, 2], [1, 1, 1]) == 0


def table(ladder: list[float], trick: float, *, honest: float = 0.6) -> pd.DataFrame:
    """Values of two scenes: a ladder of imaging_quality on blur, and overall of the right answer, flow_warp and a still."""
    rows = []
    for scene_id in ("a", "b"):
        for judged in (SHOWN, WITHHELD):
            about = {"scene": scene_id, "kind": "world", "judged": judged, "level": 0, "reason": ""}
            for group, name, metric, value in (
                ("clean", "right_answer", "imaging_quality", ladder[0]),
                ("clean", "right_answer", "overall", 0.9),
                ("honest", "flow_warp", "overall", honest),
                ("trick", "still", "overall", trick),
                ("honest", "flow_warp", "imaging_quality", 0.5),
                ("repeated", "flow_warp", "imaging_quality", 0.48),
            ):
                rows.append(about | {"group": group, "name": name, "metric": metric, "value": value})
            for level, value in enumerate(ladder[1:], 1):
                rows.append(about | {"group": "damage", "name": "blur", "level": level, "metric": "imaging_quality", "value": value})
                rows.append(about | {"group": "damage", "name": "blur", "level": level, "metric": "overall", "value": 0.8 * value})
    return pd.DataFrame(rows)


def told(ladder: list[float], trick: float, **more: float):
    about = {"grid": {"width": 48, "height": 48, "fps": 8.0, "num_frames": 6}, "seed": 0, "scenes": {"a": "world", "b": "world"}}
    return findings(table(ladder, trick, **more), load_metrics(("imaging_quality", "overall")), about)


def test_findings_meet_the_bars_where_metrics_are_right():
    result = told([1, 0.9, 0.7, 0.5, 0.3, 0.1], 0.2)
    (claim,) = [one for one in result.ladders if one.claimed and one.judged == SHOWN]
    assert (claim.rho, claim.drop, claim.rise, claim.scenes) == (-1, 0.9, 0, 2)
    assert all(bar.met for bar in result.bars if "ssim" not in bar.name)
    assert result.margins["imaging_quality"] == pytest.approx(0.02)


def test_findings_fail_what_is_blind_rises_or_is_tricked():
    failed = {bar.name: bar.line for bar in told([0.5, 0.5, 0.5, 0.6, 0.6, 0.4], 0.7).bars if not bar.met}
    assert "world, truth: imaging_quality on blur" in failed
    assert "+0.100" in failed["world, truth: largest rise of any score on any damage"]
    assert failed["world, withheld: best trick's overall less flow_warp's"].startswith("FAILED")
    assert "world, withheld: best trick's overall less right_answer's" not in failed


def test_a_run_continues_after_a_kill_with_the_same_bytes_and_refuses_other_settings(tmp_path):
    sources = world_scenes(2, GRID)
    plan = Plan(sources=sources, grid=GRID, metrics=("completeness", "lag", "imaging_quality", "ssim"), damages=("blur", "cut_short"))
    for source in selftest_run.begin(tmp_path / "a", plan):
        selftest_run.record(tmp_path / "a", source, selftest_run.scene_rows(plan, source))
    result = selftest_run.finish(tmp_path / "a", plan)
    (first, *_) = selftest_run.begin(tmp_path / "b", plan)
    selftest_run.record(tmp_path / "b", first, selftest_run.scene_rows(plan, first))
    left = selftest_run.begin(tmp_path / "b", plan)  # as after a kill
    assert [source.id for source in left] == [sources[1].id]
    selftest_run.record(tmp_path / "b", left[0], selftest_run.scene_rows(plan, left[0]))
    selftest_run.finish(tmp_path / "b", plan)
    for name in ("selftest.json", "values.parquet", "heatmap.svg", "selftest.md"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    bars = {bar.name: bar for bar in result.bars}
    assert bars["world, truth: completeness on cut_short"].met and bars["world, truth: imaging_quality on blur"].met
    assert (
        json.loads((tmp_path / "a" / "selftest.json").read_text())["metrics"]["imaging_quality"] == METRICS.load("imaging_quality").version
    )
    with pytest.raises(ValueError, match="damages"):
        selftest_run.begin(tmp_path / "a", Plan(sources=sources, grid=GRID, metrics=plan.metrics, damages=("blur",)))
    assert heat_map(result).count("<rect") > 12 and "**-" in page(result)


def test_footage_gives_self_scenes_and_cross_ones_with_references(tmp_path):
    for seed in range(2):
        shown = render(sample_shot("train", seed, subject="human"), (64, 48), 20, 10.0).clip
        write_video(tmp_path / "driving" / f"clip{seed}.mp4", shown)
        (tmp_path / "references").mkdir(exist_ok=True)
        (tmp_path / "references" / f"look{seed}.png").write_bytes(encode_image(shown.frames[5]))
    sources = footage_scenes(tmp_path / "driving", GRID, tmp_path / "references")
    assert [source.kind for source in sources] == ["self", "self", "cross", "cross"] and len({source.id for source in sources}) == 4
    (tmp_path / "driving" / "thumb.png").write_bytes((tmp_path / "references" / "look0.png").read_bytes())
    assert [source.id for source in footage_scenes(tmp_path / "driving", GRID)] == ["self-clip0", "self-clip1"]  # a still is no clip
    own, cross = sources[0].make(), sources[2].make()
    assert own.track == "self" and own.truth.clip is own.answer and np.array_equal(own.reference, own.driver.frames[0])
    assert cross.truth is None and cross.at_rate(16.0).fps == 16.0
    plan = Plan(sources=sources, grid=GRID, metrics=("lag",), damages=("missing_subject", "delay"))
    rows = selftest_run.scene_rows(plan, sources[2])
    assert {row["judged"] for row in rows} == {WITHHELD} and "missing_subject" not in {row["name"] for row in rows}
    with pytest.raises(ValueError, match="2 or more"):
        footage_scenes(tmp_path / "references", GRID)


def test_a_scene_that_cannot_be_made_is_told(tmp_path):
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(b"no video")
    plan = Plan(sources=footage_scenes(tmp_path, GRID), grid=GRID, metrics=("lag",), damages=("delay",))
    (row,) = selftest_run.scene_rows(plan, plan.sources[0])
    assert row["value"] is None and "not a readable video" in row["reason"]


def test_the_verb_shows_a_metric_and_runs_the_test(tmp_path, capsys):
    assert main(["metrics", "show", "imaging_quality"]) == 0
    shown = capsys.readouterr().out
    metric = METRICS.load("imaging_quality")
    assert metric.sees in shown and metric.blind in shown and "Immerkaer" in shown
    for name, words in (
        ("pose_agreement", "A body is 11 bones in the picture"),  # learned: the page of its own module, not of LearnedMetric
        ("judge_motion_fidelity", "4: All main movements are there"),  # a judge's: the rubric
        ("fvd", "Frechet distance between the features"),
    ):
        assert main(["metrics", "show", name]) == 0 and words in capsys.readouterr().out, name
    assert main(["metrics", "show", "nonsense"]) == 2
    assert main(["metrics", "selftest"]) == 2
    size = ["--size", "32x32", "--fps", "8", "--num-frames", "4", "--scenes", "1"]
    assert main(["metrics", "selftest", "--out", str(tmp_path / "out"), "--metrics", "completeness,lag", *size]) == 0
    assert "completeness on cut_short" in capsys.readouterr().out and (tmp_path / "out" / "heatmap.svg").is_file()


def published_repeatability() -> dict[str, float]:
    """Metric -> by how much re-encoding moves `flow_warp`, as docs/metrics_selftest.md says."""
    text = (Path(__file__).parents[2] / "docs" / "metrics_selftest.md").read_text(encoding="utf-8")
    rows = text.partition("## Repeatability")[2].partition("\n## ")[0].splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows if row.startswith("|")][2:]
    return {name: float(moved) for name, _, moved in cells}


def test_no_margin_is_below_the_published_repeatability():
    published = published_repeatability()
    metrics = {name: METRICS.load(name) for name in published}
    assert len(published) >= 10 and not any(metric.optional for metric in metrics.values())
    short = {name: (metric.margin, published[name]) for name, metric in metrics.items() if metric.margin < published[name]}
    assert short == {}, "(margin, published)"
