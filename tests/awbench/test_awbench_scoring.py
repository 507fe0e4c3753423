"""Scoring: one row per case and metric whatever happens, resumable, the same table in any order."""

from __future__ import annotations

import multiprocessing
import os
import signal
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from awbench import scoring
from awbench.cases import Case, CaseMedia, Suite
from awbench.metrics.metric import Metric, Unscored
from awbench.metrics.overall import PARTS, overall
from awbench.runs import Run, finish_generation, generate_case, pending, start_run
from awbench.scoring import SCHEMA, Score, finish, load_metrics, plan, record, score_case, score_run
from models.artifacts import read_json, write_json
from models.types import AnimationRequest, AnimationResult, Clip, Grid
from models.video import write_video

GRID = Grid(width=32, height=24, fps=8.0, num_frames=4)
IDS = ("b1", "a2", "self3", "fails4")


def moving(seed: int) -> Clip:
    t, y, x = np.mgrid[: GRID.num_frames, : GRID.height, : GRID.width]
    wave = 127 + 100 * np.sin((x + 2 * t + seed) / 3) * np.cos(y / 4)
    return Clip(frames=np.stack([wave, wave[:, :, ::-1], 0 * wave + 60 * (seed % 4)], -1).astype(np.uint8), fps=GRID.fps)


def media(case: Case) -> CaseMedia:
    return CaseMedia(reference=moving(2).frames[0], driving=moving(4 + IDS.index(case.id)))


class Copies:
    """Answers with the driver; fails where the case says so."""

    name, weights_hash = "copies", ""

    def animate(self, request: AnimationRequest) -> AnimationResult:
        if request.id.startswith("fails"):
            raise ValueError("no pose found")
        return AnimationResult(request_id=request.id, clip=request.driving, animator=self.name, seconds=0.1)


def make_run(out: Path) -> Run:
    cases = tuple(Case(id=name, tags={"track": "self" if name.startswith("self") else "cross"}) for name in IDS)
    suite = Suite(name="tiny", version="1", grid=GRID, cases=cases, source=media, fingerprint="f")
    run = start_run(out, suite, "copies", Copies(), 0)
    for case_id in pending(run):
        generate_case(run, case_id, Copies())
    return finish_generation(run)


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return make_run(tmp_path / "run")


def constant(name: str, value: object, calls: list[str] | None = None, **changes: object) -> Metric:
    def function(evidence: object) -> object:
        if calls is not None:
            calls.append(evidence.case_id)
        if isinstance(value, Exception):
            raise value
        return value

    return Metric(**({"name": name, "version": "1", "dimension": "d", "low": 0, "high": 1, "function": function} | changes))


def rows(run: Run) -> dict[tuple[str, str], dict[str, object]]:
    return {(row["case"], row["metric"]): row for row in pq.read_table(run.path / "scores.parquet").to_pylist()}


def test_every_case_and_metric_has_a_row(run):
    metrics = load_metrics()
    table = score_run(run, metrics)
    assert list(table.columns) == SCHEMA.names and len(table) == len(IDS) * len(metrics)
    assert list(dict.fromkeys(table.case)) == list(IDS)
    found = rows(run)
    assert found["b1", "motion_fidelity"]["status"] == "ok" and 0.8 < found["b1", "motion_fidelity"]["value"] <= 1
    assert found["self3", "driver_leak"]["status"] == "unscored" and found["self3", "overall"]["status"] == "ok"
    assert found["b1", "completeness"]["value"] == 1.0 and found["b1", "lag"]["value"] == 0.0
    assert found["b1", "psnr"]["value"] is None and "truth" in found["b1", "psnr"]["reason"]
    failed = [row for (case, _), row in found.items() if case == "fails4"]
    assert all(row["status"] == "failed" and row["value"] is None and "no pose found" in row["reason"] for row in failed)
    assert not (run.path / "scores.partial").exists()


def test_a_finished_run_is_a_no_op_with_its_failed_generations(run):
    metrics = load_metrics()
    score_run(run, metrics)
    before = (run.path / "scores.parquet").stat().st_mtime_ns
    assert plan(run, metrics) == {}
    score_run(run, metrics)
    assert (run.path / "scores.parquet").stat().st_mtime_ns == before


def test_failures_of_a_metric_are_tried_again_and_so_is_a_case_that_was_generated_since(run):
    score_run(run, [constant("m", RuntimeError("boom"))])
    good = constant("m", 0.5)
    assert list(plan(run, [good])) == ["b1", "a2", "self3"]
    score_run(run, [good])
    assert plan(run, [good]) == {}
    row = read_json(run.record_path("fails4"))
    write_json(run.record_path("fails4"), row | {"reason": "another reason"})
    finish_generation(run)
    assert list(plan(run, [good])) == ["fails4"]
    write_video(run.video_path("fails4"), moving(7))
    write_json(run.record_path("fails4"), row | {"status": "ok", "reason": ""})
    finish_generation(run)
    score_run(run, [good])
    assert rows(run)["fails4", "m"]["value"] == 0.5


def test_a_part_scored_again_drops_the_whole_that_it_was_in(run):
    metrics = load_metrics()
    score_run(run, metrics)
    stored = rows(run)
    newer = replace(constant("motion_fidelity", 0.25, version="3"), name="motion_fidelity")
    score_run(run, [newer])
    found = rows(run)
    assert found["b1", "motion_fidelity"]["value"] == 0.25 and ("b1", "overall") not in found
    assert found["b1", "psnr"] == stored["b1", "psnr"]
    now = tuple(newer if metric.name == newer.name else metric for metric in metrics)
    assert [metric.name for metric in plan(run, now)["b1"]] == ["overall"]
    score_run(run, now)
    assert 0 < rows(run)["self3", "overall"]["value"] < stored["self3", "overall"]["value"] and plan(run, now) == {}


def test_a_changed_variant_is_scored_anew(run):
    score_run(run, [constant("m", 0.5, variant=lambda: "aaaaaa")])
    other = constant("m", 0.75, variant=lambda: "bbbbbb")
    assert "b1" in plan(run, [other])
    score_run(run, [other])
    assert (rows(run)["b1", "m"]["value"], rows(run)["b1", "m"]["metric_version"]) == (0.75, "1+bbbbbb")


def test_adding_a_metric_scores_only_that_metric_and_keeps_the_rest(run):
    calls: list[str] = []
    first, second = constant("first", 0.5, calls), constant("second", 0.25)
    score_run(run, [first])
    assert calls == ["b1", "a2", "self3"]
    score_run(run, [first, second])
    assert calls == ["b1", "a2", "self3"]
    assert rows(run)["a2", "first"]["value"] == 0.5 and rows(run)["a2", "second"]["value"] == 0.25


def test_a_new_version_is_scored_anew(run):
    score_run(run, [constant("m", 0.5)])
    score_run(run, [constant("m", 0.75, version="2")])
    row = rows(run)["b1", "m"]
    assert (row["value"], row["metric_version"]) == (0.75, "2")


def test_a_changed_video_loses_its_scores_and_only_its_own(run):
    metrics = load_metrics(["motion_fidelity", "overall"])
    score_run(run, metrics)
    write_video(run.video_path("a2"), Clip(frames=np.repeat(moving(0).frames[:1], GRID.num_frames, 0), fps=GRID.fps))
    assert list(plan(run, metrics)) == ["a2"]
    kept = rows(run)["b1", "motion_fidelity"]
    score_run(run, metrics)
    assert rows(run)["b1", "motion_fidelity"] == kept and rows(run)["a2", "motion_fidelity"]["value"] < 0.5


def test_a_metric_that_breaks_fails_with_its_reason_and_so_does_overall(run, monkeypatch):
    broken = [constant("motion_fidelity", RuntimeError("boom"))]
    metrics = tuple(broken) + tuple(metric for metric in load_metrics(["overall"]) if metric.name != "motion_fidelity")
    scores = {score.metric: score for score in score_case(run, "b1", metrics)}
    assert scores["motion_fidelity"].reason == "RuntimeError: boom"
    assert scores["overall"].status == "failed" and "motion_fidelity failed" in scores["overall"].reason
    assert scores["imaging_quality"].status == "ok"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_value_that_is_not_finite_is_a_failure(run, value):
    (score,) = score_case(run, "b1", [constant("m", value)])
    assert score.status == "failed" and score.value is None and "finite" in score.reason


def test_overall_uses_parts_scored_before(run):
    score_run(run, load_metrics(["motion_fidelity", "imaging_quality"]))
    stored = rows(run)["b1", "imaging_quality"]
    todo = plan(run, load_metrics(["overall"]))["b1"]
    assert [metric.name for metric in todo][-1] == "overall" and "imaging_quality" not in [metric.name for metric in todo]
    score_run(run, load_metrics(["overall"]))
    found = rows(run)
    answers = {name: found["b1", name]["value"] for name in load_metrics(["overall"])[-1].combines}
    parts = {name: Unscored(reason="none") if value is None else value for name, value in answers.items()}
    assert found["b1", "overall"]["value"] == pytest.approx(overall(parts)) and found["b1", "imaging_quality"] == stored


@pytest.mark.parametrize("spoil, reason", [
    (lambda path: path.write_bytes(b"not a video"), "unreadable"),
    (lambda path: path.write_bytes(path.read_bytes()[:300]), "unreadable"),
    (lambda path: path.unlink(), "unreadable"),
    (lambda path: write_video(path, Clip(frames=moving(0).frames[:1], fps=8.0)), "output (T, size)"),
    (lambda path: write_video(path, Clip(frames=moving(0).frames[:, :16], fps=8.0)), "output (T, size)"),
])  # fmt: skip
def test_odd_outputs_are_failed_rows_with_the_reason(run, spoil, reason):
    spoil(run.video_path("b1"))
    scores = score_case(run, "b1", load_metrics())
    assert {score.status for score in scores} == {"failed"} and all(reason in score.reason for score in scores)


def test_any_order_of_cases_gives_the_same_bytes(tmp_path):
    tables = []
    for name, order in (("one", 1), ("two", -1)):
        run = make_run(tmp_path / name)
        todo = plan(run, load_metrics())
        for case_id in list(todo)[::order]:
            for metric_group in (todo[case_id][:3], todo[case_id][3:]):
                record(run, case_id, score_case(run, case_id, metric_group))
        finish(run)
        tables.append((run.path / "scores.parquet").read_bytes())
    assert tables[0] == tables[1]


def _die_in_the_second_case(path: Path) -> None:
    def deadly(evidence: object) -> float:
        if evidence.case_id == "a2":
            os.kill(os.getpid(), signal.SIGKILL)
        return 0.5

    score_run(Run.open(path), [replace(constant("m", 0.5), function=deadly)])


def test_a_killed_run_continues_where_it_stopped(run):
    process = multiprocessing.get_context("fork").Process(target=_die_in_the_second_case, args=(run.path,))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL and not (run.path / "scores.parquet").exists()
    calls: list[str] = []
    score_run(run, [constant("m", 0.5, calls)])
    assert calls == ["a2", "self3"]
    assert {case for case, _ in rows(run)} == set(IDS)


def test_optional_metrics_are_scored_on_request_and_tried_again_when_unscored(run):
    assert "clip_appearance" not in [metric.name for metric in load_metrics()]
    optional, plain = constant("o", Unscored(reason="no model"), optional=True), constant("p", Unscored(reason="by design"))
    score_run(run, [optional, plain])
    assert [metric.name for metric in plan(run, [optional, plain])["b1"]] == ["o"]
    assert rows(run)["b1", "o"]["reason"] == "no model"


def test_wrong_names_are_refused_with_the_near_ones():
    with pytest.raises(ValueError, match="motion_fidelity"):
        load_metrics(["motion_fidelty"])
    assert [metric.name for metric in load_metrics(["overall"])][-1] == "overall" and len(load_metrics(["overall"])) == 1 + len(PARTS)


def test_a_score_is_a_number_or_a_reason():
    about = {"run": "r", "case": "c", "system": "s", "seed": 0, "metric": "m", "metric_version": "1"}
    with pytest.raises(ValueError, match="value"):
        Score(**about, value=None, status="ok")
    with pytest.raises(ValueError, match="value"):
        Score(**about, value=0.0, status="failed", reason="x")
    assert scoring.SCHEMA.names == ["case", "system", "metric", "metric_version", "value", "status", "reason"]
