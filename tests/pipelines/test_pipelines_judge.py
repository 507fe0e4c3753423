"""`actorforge judge` on the command line: exit status, what is printed, and what is never sent."""

from __future__ import annotations

import json

import pytest

from awbench.judging.calls import log_path
from awbench.judging.selftest_result import read_selftest
from awbench.runs import Run
from models.artifacts import read_json
from models.mllm.endpoint import KEY_VARIABLE
from pipelines.cli import main
from tests.awbench.judge_fakes import MODEL, JudgeServer, make_run
from tests.models.test_mllm import completion


@pytest.fixture(autouse=True)
def quiet(monkeypatch, tmp_path):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    monkeypatch.setenv("ACTORFORGE_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def server():
    server = JudgeServer()
    yield server
    server.close()


def judge(server, *arguments):
    return main(["judge", *map(str, arguments), "--model", MODEL, "--base-url", server.url])


def test_runs_are_judged_and_again_is_a_no_op(server, tmp_path, capsys):
    run = make_run(tmp_path / "run", [2, None, 5])
    assert judge(server, run.path, "--dimensions", "imaging_quality,judge_motion_fidelity") == 0
    said = capsys.readouterr().out
    assert "painter: judge_imaging_quality 3.50, 2 of 3 cases; 1 generation failed" in said and "calls: 4 answered" in said
    assert "was not put to the self-test" in said
    assert judge(server, run.path, "--dimensions", "imaging_quality,judge_motion_fidelity") == 0
    assert "calls: nothing to ask" in capsys.readouterr().out and len(server.bodies) == 4
    assert judge(server, run.path, "--recompute") == 0 and len(server.bodies) == 4


def test_a_dry_run_tells_the_price_and_sends_nothing(server, tmp_path, capsys):
    run = make_run(tmp_path / "run", [2, 5])
    before = sorted(run.path.rglob("*"))
    assert judge(server, run.path, "--dry-run", "--samples", 2, "--price-in", 2, "--price-out", 8) == 0
    said = capsys.readouterr().out
    assert "imaging_quality: 4 calls, 12 pictures" in said and "20 calls to make: about 0." in said and "nothing was sent" in said
    assert server.bodies == [] and sorted(run.path.rglob("*")) == before


def test_the_cap_needs_prices_and_stops_with_a_reason(server, tmp_path, capsys):
    run = make_run(tmp_path / "run", [2, 5, 3])
    assert judge(server, run.path, "--max-cost", 1) == 2 and "--price-in" in capsys.readouterr().err
    assert judge(server, run.path, "--max-cost", 30, "--price-in", 1000, "--price-out", 1000, "--workers", 1) == 0
    said = capsys.readouterr().out
    assert "stopped: question" in said and "expected at most max_cost_usd 30" in said and "judge not asked" in said
    assert sum(json.loads(line)["cost_usd"] for line in log_path(run).read_text().splitlines()) <= 30


def test_pairs_print_their_counts(server, tmp_path, capsys):
    run, base = make_run(tmp_path / "a", [5, 1, 3], "one"), make_run(tmp_path / "b", [1, 2, 3], "two")
    assert judge(server, run.path, "--pairwise", base.path, "--dimensions", "motion_smoothness") == 0
    assert "one against two: judge_motion_smoothness G 1 S 1 B 1, GSB +0.00" in capsys.readouterr().out
    assert judge(server, run.path, "--pairwise", base.path, "--protocol", "video-bench") == 2


def test_nothing_judged_is_exit_1_and_wrong_use_2(tmp_path, capsys):
    refusing = JudgeServer(lambda body, times: completion(None, refusal="no"))
    run = make_run(tmp_path / "run", [2])
    assert judge(refusing, run.path) == 1 and "1 judge refused" in capsys.readouterr().out
    for arguments, word in (
        (["--dimensions", "motion_fidelty"], "did you mean"),
        (["--temperature", "hot"], "--temperature"),
        (["--workers", 0], "--workers"),
    ):
        assert judge(refusing, run.path, *arguments) == 2 and word in capsys.readouterr().err
    assert judge(refusing, tmp_path / "nothing") == 2 and main(["judge", str(run.path)]) == 2 and judge(refusing) == 2
    refusing.close()


def test_the_selftest_is_kept_and_travels_with_the_runs_of_that_judge(server, tmp_path, capsys):
    three = JudgeServer(lambda body, times: completion('{"rationale": "always", "score": 3}'))
    run, later = make_run(tmp_path / "run", [2]), make_run(tmp_path / "later", [2])
    assert judge(three, "selftest", "--dry-run", "--cases", 1) == 0 and three.bodies == []
    assert judge(three, "selftest", run.path, "--cases", 1) == 0
    said = capsys.readouterr().out
    assert "FAILED on still, wrong_identity, shuffled, blurred, echo, changing" in said and len(read_selftest(run)) == 1
    (kept,) = (tmp_path / "cache" / "judge_selftest").glob("*/selftest.json")
    assert read_json(kept)["passed"] is False and judge(three, later.path) == 0
    assert "fails its self-test" in capsys.readouterr().out and len(read_selftest(Run.open(later.path))) == 1
    three.close()
