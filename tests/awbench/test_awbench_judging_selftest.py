"""The judge's self-test: plants are what they claim, an oracle passes, a judge that is blind to one thing is named."""

from __future__ import annotations

import base64
import json
import re

import cv2
import numpy as np
import pytest

from awbench.judging.calls import RunLogs
from awbench.judging.identity import Judge
from awbench.judging.plants import PLANTS, RIGHT
from awbench.judging.rubrics import rubric_version, rubrics
from awbench.judging.selftest import garden, planted_run, selftest, selftest_suite
from awbench.judging.selftest_result import SelfTest, from_record, put_selftest, read_selftest, selftest_folder, selftest_warnings
from awbench.judging.work import Work, judge_runs
from models.types import Grid
from models.video import read_video
from tests.awbench.judge_fakes import MODEL, JudgeServer, client_of, dimension, make_run
from tests.models.test_mllm import completion

GRID = Grid(width=64, height=64, fps=8.0, num_frames=8)
CASES = 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The planted runs, made once."""
    path = tmp_path_factory.mktemp("selftest")
    for plant in (RIGHT, *PLANTS):
        planted_run(path, plant, CASES, GRID)
    return path


@pytest.fixture(scope="module")
def clips(folder):
    runs = {plant: planted_run(folder, plant, CASES, GRID) for plant in (RIGHT, *PLANTS)}
    return {(plant, case.id): read_video(run.video_path(case.id)).frames for plant, run in runs.items() for case in run.suite.cases}


def recognised(body: dict, clips, name: str = "answer") -> str:
    """Which plant a request shows under that name, by the nearest pixels."""
    content, errors = body["messages"][1]["content"], dict.fromkeys(clips, 0.0)
    for text, part in zip(content, content[1:]):
        found = re.fullmatch(rf"{name}, frame \d+, t=(.*) s", text.get("text", ""))
        if found and part["type"] == "image_url":
            data = np.frombuffer(base64.b64decode(part["image_url"]["url"].split(",")[1]), np.uint8)
            image = cv2.resize(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1], (64, 64), interpolation=cv2.INTER_AREA)
            place = round(float(found[1]) * GRID.fps)
            errors = {key: error + np.abs(image.astype(float) - clips[key][place]).mean() for key, error in errors.items()}
    return min(errors, key=errors.get)[0]


def judge_server(clips, blind=()):
    """5 for the right answer and for plants it is blind to, 2 for all others."""

    def reply(body, times):
        names = [name for name in body["response_format"]["json_schema"]["schema"]["properties"] if name.startswith("answer_")]
        points = {name: 5 if recognised(body, clips, name) in (RIGHT, *blind) else 2 for name in names or ["answer"]}
        said = {name: {"rationale": "seen", "score": score} for name, score in points.items()}
        return completion(json.dumps(said if names else said["answer"]))

    return JudgeServer(reply)


def run_selftest(folder, server, judge=None, **settings):
    judge = judge or Judge(model=MODEL)
    return selftest(folder, judge, lambda log: client_of(server, log, **settings), cases=CASES, grid=GRID)


def test_plants_are_what_they_claim(clips):
    ground = garden(0, GRID)
    made = {name: plant(ground).frames for name, (_, plant) in PLANTS.items()}
    right = ground.right.frames
    assert {name for name, _ in clips} == {RIGHT, *PLANTS} and {dimension for dimension, _ in PLANTS.values()} == set(rubrics())
    assert all(frames.shape == right.shape for frames in made.values())
    assert np.array_equal(made["echo"], ground.media.driving.frames) and (made["still"] == ground.media.reference).all()
    order = [int(np.abs(right.astype(int) - frame).sum((1, 2, 3)).argmin()) for frame in made["shuffled"]]
    assert sorted(order) == list(range(len(right))) and np.mean(np.abs(np.diff(order)) > 1) > 0.8
    assert np.array_equal(made["changing"][:4], right[:4]) and not np.array_equal(made["changing"][4:], right[4:])
    assert np.abs(made["wrong_identity"].astype(float) - right).mean() > 10
    sharpness = [cv2.Laplacian(frames[0], cv2.CV_64F).var() for frames in (right, made["blurred"])]
    assert sharpness[1] < 0.3 * sharpness[0]


def test_cases_are_the_same_every_time_and_more_extend_the_list():
    few, many = selftest_suite(3, GRID), selftest_suite(5, GRID)
    assert few.cases == many.cases[:3] and selftest_suite(3, GRID).fingerprint == few.fingerprint != many.fingerprint
    assert {case.tags["driver_subject"] for case in selftest_suite(6, GRID).cases} >= {"human", "quadruped", "bird"}


def test_a_judge_that_sees_everything_passes_and_again_asks_nothing(folder, clips, tmp_path):
    server = judge_server(clips)
    result, session = run_selftest(folder, server)
    assert result.passed and result.failed == () and not session.stopped
    assert {(plant.right, plant.planted, plant.wins, plant.n) for plant in result.plants} == {(5.0, 2.0, CASES, CASES)}
    assert len(server.bodies) == CASES * (len(PLANTS) + len(rubrics()))
    again, session = run_selftest(folder, server)
    server.close()
    assert again == result and session.outcomes == {} and from_record(json.loads(json.dumps(result.record()))) == result


def test_a_judge_blind_to_one_thing_fails_and_is_named(folder, clips, tmp_path):
    judge, server = Judge(model=MODEL, temperature=0.5), judge_server(clips, blind=("shuffled",))
    result, _ = run_selftest(folder, server, judge, temperature=0.5)
    assert result.failed == ("shuffled",) and not result.passed
    run = make_run(tmp_path / "run", [3])
    simple = JudgeServer()
    work = Work(runs=(run,), judge=judge, dimensions=("imaging_quality",))
    judge_runs(work, client_of(simple, RunLogs([run]), temperature=0.5))
    assert "was not put to the self-test" in selftest_warnings(run)[0]
    put_selftest(run, result)
    (said,) = selftest_warnings(run)
    assert said == f"judge {MODEL} (actorforge) fails its self-test: it does not rank shuffled below the right answer"
    assert read_selftest(run) == (result,)
    server.close()
    simple.close()


def test_video_bench_is_tested_in_its_own_way(folder, clips):
    server = judge_server(clips)
    result, _ = run_selftest(folder, server, Judge(model=MODEL, protocol="video-bench"))
    server.close()
    assert result.passed and "group_motion_fidelity" in {f"group_{dimension(body)}" for body in server.bodies}


def test_a_judge_that_does_not_answer_has_not_passed(folder, clips):
    server = JudgeServer(lambda body, times: completion(None, refusal="no"))
    result, _ = run_selftest(folder, server, Judge(model=MODEL, temperature=0.9), temperature=0.9)
    server.close()
    assert len(result.failed) == len(PLANTS) and {plant.gap for plant in result.plants} == {None}


def test_results_of_two_judges_lie_in_two_places(monkeypatch, tmp_path):
    monkeypatch.setenv("ACTORFORGE_CACHE", str(tmp_path))
    judges = [Judge(model=model, protocol=protocol) for model in "ab" for protocol in ("actorforge", "video-bench")]
    places = {selftest_folder(judge, samples) for judge in judges for samples in (1, 3)}
    assert len(places) == 8 and all(place.is_relative_to(tmp_path) for place in places)


def test_a_judge_of_several_samples_is_another_judge(tmp_path):
    run = make_run(tmp_path / "run", [3])
    server, judge = JudgeServer(), Judge(model=MODEL, temperature=0.7)
    work = Work(runs=(run,), judge=judge, dimensions=("imaging_quality",), samples=3)
    judge_runs(work, client_of(server, RunLogs([run]), temperature=0.7))
    server.close()
    about = {"model": MODEL, "protocol": "actorforge", "rubric": rubric_version(), "temperature": 0.7, "plants": ()}
    one, three = SelfTest(**about, samples=1), SelfTest(**about, samples=3)
    assert three.is_of(work.used) and not one.is_of(work.used)
    put_selftest(run, one)
    assert selftest_warnings(run) == (f"judge {MODEL} (actorforge, 3 samples) was not put to the self-test (`actorforge judge selftest`)",)
    put_selftest(run, three)
    assert selftest_warnings(run) == () and read_selftest(run) == (one, three)
