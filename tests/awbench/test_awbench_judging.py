"""The judge against a scripted server: scores are right, failures are told apart, everything can be had again from the log."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import random
import re
import time
from dataclasses import replace

import numpy as np
import pytest

from awbench.catalog import METRICS
from awbench.judging.answers import answers_path, read_answers
from awbench.judging.asking import MOST_UNREACHABLE
from awbench.judging.calls import RunLogs, log_path, read_calls
from awbench.judging.estimate import estimates
from awbench.judging.frames import Sampling, enlargement, picture
from awbench.judging.identity import Judge, chosen_dimensions, current_judges, filter_name, filtered_by, used_judges
from awbench.judging.outputs import Outputs
from awbench.judging.pairwise import count_gsb, pairwise_path, read_pairwise
from awbench.judging.protocols import plan_asks
from awbench.judging.questions import SCORE_SCHEMA
from awbench.judging.rows import NOT_ASKED
from awbench.judging.rubrics import RUBRICS_FILE, dimension_of, rubric_version, rubrics
from awbench.judging.work import Work, coverage, judge_runs, outstanding, recompute
from awbench.metrics.metric import Unscored
from awbench.runs import Run, finish_generation
from awbench.scoring import load_metrics, score_run
from models.artifacts import read_json, write_json
from models.mllm.endpoint import KEY_VARIABLE
from models.video import write_video
from tests.awbench.judge_fakes import GRID, MODEL, JudgeServer, client_of, dimension, make_run, plain, score_of, shown, slow
from tests.models.test_mllm import completion

SHARP = ("imaging_quality",)
ALL = tuple(rubrics())


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


@pytest.fixture
def serve():
    servers = []

    def start(*fault):
        servers.append(JudgeServer(*fault))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def work_of(*runs, dimensions=SHARP, samples=1, **judge):
    return Work(runs=runs, judge=Judge(model=MODEL, **judge), dimensions=tuple(dimensions), samples=samples)


def judged(work, server, workers=2, **settings):
    client = client_of(server, RunLogs(work.judged), temperature=work.judge.temperature, **settings)
    return judge_runs(work, client, workers=workers)


def rows(run):
    return {(row["case"], row["metric"].removeprefix("judge_")): row for row in run.scores().to_dict("records")}


# ---- rubrics


def test_the_rubrics_are_whole_and_a_changed_word_needs_a_new_version():
    assert ALL == ("imaging_quality", "motion_smoothness", "temporal_consistency", "appearance_consistency", "motion_fidelity")
    assert [name for name, one in rubrics().items() if "reference" in one.shows] == ["appearance_consistency"]
    assert [name for name, one in rubrics().items() if "driver" in one.shows] == ["motion_fidelity"]
    for rubric in rubrics().values():
        levels = rubric.text.split("Levels:\n")[1].splitlines()
        assert [line[0] for line in levels] == list("54321") and all(len(line) > 20 for line in levels)
    digest = hashlib.sha256(RUBRICS_FILE.read_bytes()).hexdigest()[:12]
    assert (rubric_version(), digest) == ("1", "8a2ef9bdd401"), "rubrics.yaml has changed: raise its version, then put the new digest here"


def test_a_mistyped_dimension_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match="did you mean motion_fidelity"):
        chosen_dimensions(["motion_fidelty"])
    assert chosen_dimensions(["judge_motion_fidelity", "motion_fidelity"]) == ("motion_fidelity",) and chosen_dimensions([]) == ALL


def test_the_metrics_are_optional_and_say_how_they_are_had():
    for name in ALL:
        metric = METRICS.load(f"judge_{name}")
        assert (metric.low, metric.high, metric.optional, metric.higher_is_better) == (1, 5, True, True) and metric.margin == 0.1
        assert metric.function(None) == Unscored(reason="run `actorforge judge`")
    assert not [metric for metric in load_metrics() if metric.name.startswith("judge_")]


# ---- which frames are shown


@pytest.mark.parametrize(
    "own, clip_fps, fps, most, want",
    [(range(49), 24.0, 2, 10, (0, 12, 24, 36, 48)), (range(6), 8.0, 2, 10, (0, 4, 5)), (range(6), 8.0, 8, 24, (0, 1, 2, 3, 4, 5)),
     ([0], 8.0, 2, 10, (0,)), (range(5), 4.0, 8, 24, (0, 1, 2, 3, 4)), (range(81), 16.0, 8, 5, (0, 20, 40, 60, 80)),
     (range(2), 0.5, 2, 10, (0, 1)), ([0, 3, 6, 9], 16.0, 8, 24, (0, 3, 6, 9)), ([2, 3, 4], 8.0, 4, 9, (2, 4))],
)  # fmt: skip
def test_frames_come_at_their_rate_with_first_and_last_and_never_more_than_asked(own, clip_fps, fps, most, want):
    assert Sampling(fps=fps, most=most).of(own, clip_fps) == want


def test_frames_that_only_fill_the_grid_are_not_shown_and_a_declared_offset_moves_the_clock(serve, tmp_path):
    run, server = make_run(tmp_path / "run", [3]), serve()
    write_json(run.record_path("c0"), read_json(run.record_path("c0")) | {"given_frames": 4, "given_fps": 8.0})
    finish_generation(run)
    write_json(run.path / "run.json", read_json(run.path / "run.json") | {"offset_s": 0.375})
    judged(work_of(Run.open(run.path), dimensions=("motion_smoothness", "motion_fidelity")), server, workers=1)
    smooth, fidelity = ([caption for caption, _ in shown(body)] for body in server.bodies)
    assert smooth == [f"answer, frame {n}, t={(n + 2) / 8:.2f} s" for n in range(1, 5)]
    assert fidelity == [f"{of}, frame {n}, t={(n + 2) / 8:.2f} s" for n in range(1, 4) for of in ("driver", "answer")]


def test_small_pictures_are_enlarged_pixel_by_pixel():
    image = np.random.default_rng(0).integers(0, 255, (24, 32, 3)).astype(np.uint8)
    large = picture(image, "reference").image
    assert enlargement(image) == 10 and large.shape == (240, 320, 3) and np.array_equal(large[::10, ::10], image)
    assert picture(np.zeros((256, 300, 3), np.uint8), "x").image.shape == (256, 300, 3)


# ---- one answer a call


def test_every_case_gets_the_score_its_answer_deserves(serve, tmp_path):
    run, server = make_run(tmp_path / "run", [1, 3, 5]), serve()
    session = judged(work_of(run, dimensions=ALL), server)
    assert session.outcomes == {"answered": 15} and not session.stopped and len(server.bodies) == 15
    found = rows(run)
    assert {key: row["value"] for key, row in found.items()} == {(f"c{n}", name): s for n, s in enumerate([1, 3, 5]) for name in ALL}
    assert {row["metric_version"] for row in found.values()} == {f"1+actorforge@1:{MODEL}:t0"}
    answers = read_answers(run)
    assert len(answers) == 15 and set(answers["rationale"]) == {"frame 1 is plain"} and set(answers["model"]) == {"fake-2026-11"}
    assert set(answers["metric_version"]) == {f"1+actorforge@1:{MODEL}:t0"} and list(answers["case"][:5]) == ["c0"] * 5


def test_a_judge_sees_what_its_dimension_needs_and_no_more(serve, tmp_path):
    run, server = make_run(tmp_path / "run", [2]), serve()
    judged(work_of(run, dimensions=ALL), server)
    captions = {dimension(body): [caption for caption, _ in shown(body)] for body in server.bodies}
    assert captions["imaging_quality"] == ["answer, frame 1, t=0.00 s", "answer, frame 2, t=0.50 s", "answer, frame 3, t=0.62 s"]
    assert len(captions["motion_smoothness"]) == len(captions["temporal_consistency"]) == 6
    assert captions["appearance_consistency"][0] == "reference" and "driver" not in str(captions["appearance_consistency"])
    assert (
        captions["motion_fidelity"][:2] == ["driver, frame 1, t=0.00 s", "answer, frame 1, t=0.00 s"]
        and len(captions["motion_fidelity"]) == 12
    )
    body = server.bodies[0]
    assert list(body["response_format"]["json_schema"]["schema"]["properties"]) == ["rationale", "score"]
    assert rubrics()[dimension(body)].text in body["messages"][0]["content"] and "enlarged 10 times" in body["messages"][0]["content"]


def test_the_same_command_again_asks_and_writes_nothing(serve, tmp_path):
    run, server = make_run(tmp_path / "run", [1, 3]), serve()
    work = work_of(run, dimensions=ALL[:2])
    judged(work, server)
    files = [path for path in run.path.rglob("*") if path.is_file()]
    before = {path: path.stat().st_mtime_ns for path in files}
    session = judged(work, server)
    assert len(server.bodies) == 4 and session.outcomes == {}
    assert {path: path.stat().st_mtime_ns for path in run.path.rglob("*") if path.is_file()} == before


def test_one_more_dimension_asks_only_that_and_keeps_other_scores(serve, tmp_path):
    run, server = make_run(tmp_path / "run", [1, 3]), serve()
    score_run(run, load_metrics(["psnr"]))
    judged(work_of(run), server)
    judged(work_of(run, dimensions=ALL[:2]), server)
    assert [dimension(body) for body in server.bodies[2:]] == ["motion_smoothness"] * 2
    assert {metric for _, metric in rows(run)} == {"psnr", "imaging_quality", "motion_smoothness"}


def test_samples_are_asked_apart_and_meaned(serve, tmp_path):
    def wavering(body, times):
        score = score_of(body, "answer, frame") + body["seed"] % 3 - 1
        return completion(json.dumps({"rationale": "x", "score": score}))

    run, server = make_run(tmp_path / "run", [3, 4]), serve(wavering)
    judged(work_of(run, samples=3, temperature=0.7), server)
    assert [rows(run)[f"c{n}", "imaging_quality"]["value"] for n in range(2)] == [3, 4]
    assert sorted(body["seed"] for body in server.bodies) == [0, 0, 1, 1, 2, 2] and {body["temperature"] for body in server.bodies} == {0.7}
    (cover,) = coverage(run)
    assert (cover.scored, cover.cases, cover.mean, cover.spread) == (2, 2, 3.5, pytest.approx(1.0))
    judged(work_of(run, samples=2, temperature=0.7), server)
    assert len(server.bodies) == 6 and rows(run)["c0", "imaging_quality"]["value"] == 2.5
    judged(work_of(run, samples=4, temperature=0.7), server)
    assert len(server.bodies) == 8


def test_a_changed_video_is_judged_anew(serve, tmp_path):
    run, server = make_run(tmp_path / "run", [1, 3]), serve()
    judged(work_of(run), server)
    write_video(run.video_path("c1"), plain(200))
    judged(work_of(run), server)
    assert len(server.bodies) == 3 and rows(run)["c1", "imaging_quality"]["value"] == 5


def test_two_judges_never_mix_and_the_last_one_counts(serve, tmp_path):
    run, server = make_run(tmp_path / "run", [1, 3]), serve()
    for temperature in (0.0, 0.5, 0.0):
        judged(work_of(run, temperature=temperature), server)
    assert len(server.bodies) == 4 and rows(run)["c0", "imaging_quality"]["metric_version"].endswith(":t0")
    assert current_judges(run)["judge_imaging_quality"].temperature == 0.0 and len(read_answers(run)) == 4
    assert [used.temperature for used in used_judges(run)] == [0.5, 0.0]


# ---- what goes wrong


def test_a_case_without_an_output_has_failed_and_is_not_asked(serve, tmp_path):
    run, server = make_run(tmp_path / "run", [1, None, 3, 4]), serve()
    run.video_path("c2").write_bytes(b"no video")
    run.video_path("c3").unlink()
    judged(work_of(run), server)
    found = rows(run)
    assert len(server.bodies) == 1 and found["c0", "imaging_quality"]["status"] == "ok"
    assert [found[f"c{n}", "imaging_quality"]["status"] for n in (1, 2, 3)] == ["failed"] * 3
    assert found["c1", "imaging_quality"]["reason"] == "generation failed: no pose found"
    assert all("output unreadable" in found[f"c{n}", "imaging_quality"]["reason"] for n in (2, 3))


WRONG = {
    "four and a half": '{"rationale": "x", "score": 4.5}',
    "a float": '{"rationale": "x", "score": 4.0}',
    "of five": '{"rationale": "x", "score": "4.5/5"}',
    "in words": "I would give it 4.5/5: the clip is 720p and runs from 00:03 to 00:05.",
    "720p": '{"rationale": "x", "resolution": "720p", "score": 4}',
    "out of range": '{"rationale": "x", "score": 8}',
    "zero": '{"rationale": "x", "score": 0}',
    "truncated": '{"rationale": "the left hand is bl',
    "score first, no reasons": '{"score": 4}',
    "blank reasons": '{"rationale": " ", "score": 4}',
}


@pytest.mark.parametrize("said", WRONG.values(), ids=WRONG.keys())
def test_what_is_no_whole_level_with_reasons_is_asked_again_and_never_guessed(serve, tmp_path, said):
    run = make_run(tmp_path / "run", [2])
    once, always = serve(lambda body, times: completion(said) if times == 1 else None), serve(lambda body, times: completion(said))
    judged(work_of(run), always)
    row = rows(run)["c0", "imaging_quality"]
    assert (row["status"], row["value"] is None or np.isnan(row["value"])) == ("unscored", True) and row["reason"].startswith(
        "judge unparsed: "
    )
    assert len(always.bodies) == 2
    judged(work_of(run), once)
    assert rows(run)["c0", "imaging_quality"]["value"] == 2 and len(once.bodies) == 2


def test_a_fenced_reply_is_read(serve, tmp_path):
    run = make_run(tmp_path / "run", [2])
    judged(work_of(run), serve(lambda body, times: completion('```json\n{"rationale": "x", "score": 2}\n```')))
    assert rows(run)["c0", "imaging_quality"]["value"] == 2
    recompute(run)
    assert rows(run)["c0", "imaging_quality"]["value"] == 2


def test_refused_unparsed_and_unreachable_are_told_apart_and_tried_again_later(serve, tmp_path):
    kinds = {1: completion(None, refusal="I do not judge people"), 2: completion("?"), 3: (500, "down")}
    run = make_run(tmp_path / "run", [1, 2, 3, 4])
    session = judged(work_of(run), serve(lambda body, times: kinds.get(score_of(body, "answer, frame"))))
    assert session.outcomes == {"refused": 1, "unparsed": 1, "unreachable": 1, "answered": 1}
    reasons = [rows(run)[f"c{n}", "imaging_quality"]["reason"] for n in range(4)]
    assert reasons[0] == "judge refused: I do not judge people" and reasons[3] == ""
    assert reasons[1].startswith("judge unparsed: no JSON") and reasons[2].startswith("judge unreachable: ") and "HTTP 500" in reasons[2]
    assert list(read_answers(run)["status"]) == ["refused", "unparsed", "unreachable", "ok"]
    (cover,) = coverage(run)
    assert cover.scored == 1 and cover.outcomes == {"judge refused": 1, "judge unparsed": 1, "judge unreachable": 1}
    again = serve()
    judged(work_of(run), again)
    assert len(again.bodies) == 3 and [rows(run)[f"c{n}", "imaging_quality"]["value"] for n in range(4)] == [1, 2, 3, 4]


def test_a_case_with_some_of_its_samples_says_so(serve, tmp_path):
    run = make_run(tmp_path / "run", [4])
    judged(work_of(run, samples=3), serve(lambda body, times: completion("?") if body["seed"] == 1 else None))
    row = rows(run)["c0", "imaging_quality"]
    assert row["value"] == 4 and row["status"] == "ok" and row["reason"] == "2 of 3 samples; 1 unparsed"


def test_an_endpoint_that_never_answers_is_given_up(serve, tmp_path):
    run, server = make_run(tmp_path / "run", [3] * 30), serve(lambda body, times: (404, "no such model"))
    session = judged(work_of(run), server)
    assert "in a row reached nobody" in session.stopped and MOST_UNREACHABLE <= len(server.bodies) <= MOST_UNREACHABLE + 2
    found = [row["reason"] for row in rows(run).values()]
    assert sum(reason.startswith("judge unreachable") for reason in found) == len(server.bodies) and NOT_ASKED in found


def chaos(seed):
    """A fifth of the requests fail on the way, a quarter of the replies are no good, and one case is declined."""

    def fault(body, times):
        key = json.dumps([body["messages"][:2], body["seed"]])
        draw = random.Random(f"{seed} {times} {hashlib.sha256(key.encode()).hexdigest()}")
        if abs(shown(body)[-1][1] - 80) < 2:
            return draw.choice([completion(None, refusal="no"), (400, {"error": {"code": "content_policy_violation", "message": "no"}})])
        if draw.random() < 0.2:
            return draw.choice([(429, "busy", {"Retry-After": "1"}), (500, "oops"), (503, ""), slow(0.6)])
        if draw.random() < 0.25:
            right = completion('```json\n{"rationale": "fenced", "score": %d}\n```' % score_of(body, "answer, frame"))
            cut = completion('{"rationale": "cut o', finish="length")
            return draw.choice([right, cut, *(completion(said) for said in WRONG.values())])
        if draw.random() < 0.05:
            time.sleep(0.1)
        return None

    return fault


def test_under_chaos_every_recoverable_reply_is_right_none_is_wrong_and_none_lost(serve, tmp_path):
    scores = [1, 3, 4, 5, 2, 3, 1, 5]
    run, work = make_run(tmp_path / "run", scores), None
    work = work_of(run, dimensions=ALL)
    for go in range(8):
        session = judged(work, serve(chaos(go)), workers=6, timeout_s=0.4)
        for (case, _), row in rows(run).items():
            assert row["status"] == "unscored" or row["value"] == scores[int(case[1:])]
        if set(session.outcomes) <= {"refused", "answered"}:
            break
    found = rows(run)
    declined = {key for key, row in found.items() if row["status"] == "unscored"}
    assert declined == {("c4", name) for name in ALL} and {found[key]["reason"].split(":")[0] for key in declined} == {"judge refused"}
    counts = {}
    for call in read_calls(run):
        counts[call.identity] = counts.get(call.identity, 0) + (call.outcome == "answered")
    assert set(counts.values()) == {0, 1} and sum(counts.values()) == 35  # nothing that was answered was paid for again


def test_spend_stays_within_the_cap_whatever_breaks_and_the_rest_is_said_to_be_unasked(serve, tmp_path):
    run, server = make_run(tmp_path / "run", [1, 3, 4, 5, 3, 1, 5, 4]), serve(chaos(3))
    prices = {"usd_per_million_input": 100.0, "usd_per_million_output": 100.0}
    cap = 3.0
    session = judged(work_of(run, dimensions=ALL), server, workers=6, timeout_s=0.4, max_cost_usd=cap, **prices)
    spent = RunLogs([run]).spent_usd()
    assert "max_cost_usd 3" in session.stopped and server.tokens_billed * 100e-6 <= spent + 1e-9 <= cap
    found = list(rows(run).values())
    assert len(found) == 40 and {row["reason"] for row in found if row["status"] == "unscored"} >= {NOT_ASKED}
    assert [row for row in found if row["status"] == "ok"]
    before = len(server.bodies)
    judged(work_of(run, dimensions=ALL), server, workers=6, timeout_s=0.4, max_cost_usd=cap, **prices)
    assert server.tokens_billed * 100e-6 <= RunLogs([run]).spent_usd() <= cap and len(server.bodies) - before <= 8


def test_the_key_lands_in_no_file(serve, tmp_path, monkeypatch):
    key = "sk-very/secret-0123456789"
    monkeypatch.setenv(KEY_VARIABLE, key)

    def telling(body, times):
        echo = f"your header was Bearer {key}"
        score = score_of(body, "answer, frame")
        return {1: completion(json.dumps({"rationale": echo, "score": 1})), 2: completion(None, refusal=echo), 3: (401, echo)}.get(score)

    run, server = make_run(tmp_path / "run", [1, 2, 3, 4]), serve(telling)
    judged(work_of(run), server)
    assert server.headers[0]["Authorization"] == f"Bearer {key}" and "[key]" in log_path(run).read_text()
    for path in run.path.rglob("*"):
        assert not path.is_file() or b"sk-very" not in path.read_bytes(), path


def _judge_and_die(path, url):
    class Server:
        pass

    server = Server()
    server.url, run = url, Run.open(path)
    judge_runs(work_of(run, dimensions=ALL), client_of(server, RunLogs([run])), workers=3)


def test_a_killed_judge_continues_and_pays_for_no_answer_twice(serve, tmp_path):
    def unhurried(body, times):
        time.sleep(0.05)

    run, server = make_run(tmp_path / "run", [1, 3, 5, 2]), serve(unhurried)
    for _ in range(3):
        process = multiprocessing.get_context("fork").Process(target=_judge_and_die, args=(run.path, server.url))
        process.start()
        time.sleep(0.4)
        process.kill()
        process.join(20)
    judged(work_of(run, dimensions=ALL), server)
    assert {row["value"] for key, row in rows(run).items() if key[0] == "c2"} == {5} and len(rows(run)) == 20
    assert len(read_calls(run)) == len({call.identity for call in read_calls(run)}) == 20
    assert len(server.bodies) <= 20 + 3 * 3  # only calls that were under way when it was killed were made again


# ---- the log is enough


def test_scores_are_computed_anew_from_the_log_alone(serve, tmp_path):
    run, server = (
        make_run(tmp_path / "run", [1, None, 3, 4]),
        serve(lambda body, times: completion("?") if score_of(body, "answer") == 3 else None),
    )
    judged(work_of(run, dimensions=ALL, samples=2), server)
    server.close()
    table, answers = run.scores(), read_answers(run)
    (run.path / "scores.parquet").unlink()
    answers_path(run).unlink()
    recompute(run)
    assert run.scores().equals(table) and read_answers(run).equals(answers)


def test_every_call_is_in_the_log_with_its_hash_words_cost_and_time(serve, tmp_path):
    run = make_run(tmp_path / "run", [4])
    server = serve(lambda body, times: completion("no json") if times == 1 else None)
    judged(work_of(run), server, usd_per_million_input=2.0, usd_per_million_output=10.0)
    lines = [json.loads(line) for line in log_path(run).read_text().splitlines()]
    assert [line["outcome"] for line in lines] == ["unparsed", "answered"] and lines[0]["said"] == "no json"
    last = lines[1]
    assert re.fullmatch("[0-9a-f]{64}", last["key"]) and last["key"] == lines[0]["key"] and last["version"] == "rubric-1"
    assert (last["model"], last["served"], last["input_tokens"], last["output_tokens"]) == (MODEL, "fake-2026-11", 1000, 50)
    assert last["cost_usd"] == pytest.approx(1000 * 2e-6 + 50 * 10e-6) and last["seconds"] >= 0
    assert json.loads(last["said"])["score"] == 4 and last["about"]["case"] == "c0" and last["about"]["metric"] == "judge_imaging_quality"


def test_a_killed_line_is_passed_over_and_a_damaged_one_named(serve, tmp_path):
    run, server = make_run(tmp_path / "run", [1, 3]), serve()
    judged(work_of(run), server)
    whole = log_path(run).read_text()
    log_path(run).write_text(whole[: whole.rindex('"about"')])
    assert len(read_calls(run)) == 1
    log_path(run).write_text("{broken\n" + whole)
    with pytest.raises(ValueError, match=r"calls.jsonl: line: got b'\{broken'"):
        recompute(run)


# ---- video-bench


def test_video_bench_groups_dynamic_dimensions_and_shows_rivals_first_frames_for_static_ones(serve, tmp_path):
    runs = [make_run(tmp_path / name, scores, name) for name, scores in (("a", [1, 2]), ("b", [4, None]), ("c", [5, 3]))]
    server, work = serve(), work_of(*runs, dimensions=("imaging_quality", "temporal_consistency"), protocol="video-bench")
    judged(work, server, workers=1)
    static = [shown(body) for body in server.bodies if dimension(body) == "imaging_quality"]
    dynamic = [shown(body) for body in server.bodies if dimension(body) == "temporal_consistency"]
    assert len(static) == 5 and len(dynamic) == 2
    first = [caption.split(",")[0] for caption, _ in static[0]]
    assert first == ["example 1", "example 2", "answer", "answer", "answer"]  # 2 a second from the first on, and the last
    assert [caption.split(",")[0] for caption, _ in dynamic[0]] == ["answer_1"] * 3 + ["answer_2"] * 3 + ["answer_3"] * 3
    for run, scores in zip(runs, ([1, 2], [4, None], [5, 3])):
        values = [rows(run)[f"c{n}", name] for n in (0, 1) for name in ("imaging_quality", "temporal_consistency")]
        assert [row["value"] if row["status"] == "ok" else None for row in values] == [s for s in scores for _ in range(2)]
    assert re.fullmatch(rf"1\+video-bench@1:{MODEL}:t0:with-[0-9a-f]{{6}}", rows(runs[0])["c0", "imaging_quality"]["metric_version"])
    assert judged(work, server).outcomes == {}


def test_video_bench_with_other_rivals_is_another_judge_and_costs_count_once(serve, tmp_path):
    runs = [make_run(tmp_path / name, [3], name) for name in "abc"]
    server, prices = serve(), {"usd_per_million_input": 1000.0, "usd_per_million_output": 1000.0}
    judged(work_of(*runs, dimensions=("motion_smoothness",), protocol="video-bench"), server, **prices)
    assert RunLogs(runs).spent_usd() == pytest.approx(1.05) and all(len(read_calls(run)) == 1 for run in runs)
    before = rows(runs[0])["c0", "motion_smoothness"]["metric_version"]
    judged(work_of(*runs[:2], dimensions=("motion_smoothness",), protocol="video-bench"), server, **prices)
    assert rows(runs[0])["c0", "motion_smoothness"]["metric_version"] != before and len(server.bodies) == 2
    write_video(runs[1].video_path("c0"), plain(40))
    judged(work_of(*runs[:2], dimensions=("motion_smoothness",), protocol="video-bench"), server, **prices)
    assert len(server.bodies) == 3 and rows(runs[1])["c0", "motion_smoothness"]["value"] == 1


def test_answers_to_different_questions_are_not_shown_together(serve, tmp_path):
    one, other = make_run(tmp_path / "a", [3], "a"), make_run(tmp_path / "b", [3], "b")
    suite = replace(other.suite, source=lambda case: replace(one.suite.load(case.id), reference=plain(99).frames[0]))
    outputs = Outputs([one, replace(other, suite=suite)])
    with pytest.raises(ValueError, match="another driver or reference"):
        outputs.same_case((0, 1), "c0")


# ---- pairwise


def test_pairs_are_judged_in_both_orders_and_a_disagreement_is_a_tie(serve, tmp_path):
    def likes_the_first(body, times):
        return completion(json.dumps({"rationale": "the first", "better": "first"})) if score_of(body, "first") in (2, 3) else None

    run, base = make_run(tmp_path / "a", [5, 1, 4, 3, None], "a"), make_run(tmp_path / "b", [1, 5, 4, 2, 3], "b")
    server, work = serve(likes_the_first), work_of(run, base, protocol="pairwise")
    judged(work, server)
    found = read_pairwise(run)
    assert list(found["verdict"]) == ["G", "B", "S", "S"] and list(found["agreed"]) == [True, True, True, False]
    (gsb,) = count_gsb(run, work.version, "b")
    assert (gsb.good, gsb.same, gsb.bad, gsb.split, gsb.lost, gsb.value) == (1, 2, 1, 1, 0, 0.0)
    assert len(server.bodies) == 8 and judged(work, server).outcomes == {} and run.scores() is None
    assert not pairwise_path(base).exists() and found["rationale"][0] == found["rationale_swapped"][0] == "side by side"
    pairwise_path(run).unlink()
    recompute(run)
    assert read_pairwise(run).equals(found)


def test_a_pair_of_which_one_order_failed_has_no_verdict(serve, tmp_path):
    run, base = make_run(tmp_path / "a", [5, 2], "a"), make_run(tmp_path / "b", [1, 2], "b")
    server = serve(lambda body, times: completion(None, refusal="no") if score_of(body, "first") == 5 else None)
    work = work_of(run, base, protocol="pairwise")
    judged(work, server)
    found = read_pairwise(run)
    assert list(found["status"]) == ["refused", "ok"] and list(found["verdict"].isna()) == [True, False]
    (gsb,) = count_gsb(run, work.version, "b")
    assert (gsb.same, gsb.lost) == (1, 1)


# ---- identity, cost, wrong use


def test_a_judge_that_chose_the_training_pairs_is_told(serve, tmp_path):
    run = make_run(tmp_path / "run", [3])
    judged(work_of(run), serve())
    assert filtered_by(run) == ()
    for filters, word in (([filter_name(MODEL)], MODEL), (["judge_imaging_quality"], "judge_imaging_quality"), (["motion_fidelity"], None)):
        write_json(run.path / "run.json", read_json(run.path / "run.json") | {"filter_metrics": filters})
        said = filtered_by(Run.open(run.path))
        assert (len(said) == 1 and word in said[0]) if word else said == ()


def test_the_estimate_counts_what_is_outstanding_and_sends_nothing(serve, tmp_path):
    run, server = make_run(tmp_path / "run", [3, None, 4]), serve()
    judged(work_of(run), server)
    work = work_of(run, dimensions=ALL[:2], samples=2)
    outputs = Outputs([run])
    todo, done = outstanding(work, outputs)
    endpoint = client_of(server, RunLogs([run]), usd_per_million_input=1.0, usd_per_million_output=4.0).endpoint
    sharp, smooth, everything = estimates(todo, outputs, endpoint)
    assert (done, sharp.calls, smooth.calls, everything.calls) == (2, 2, 4, 6) and smooth.pictures == 4 * 6
    assert 0 < everything.usd < everything.most_usd and everything.usd == pytest.approx(sharp.usd + smooth.usd) and len(server.bodies) == 2


def test_asks_are_planned_case_by_case_over_what_there_is(tmp_path):
    run = make_run(tmp_path / "run", [3, None, 4])
    asks = list(plan_asks(Judge(model=MODEL), Outputs([run]), ALL[:2], 2))
    planned = [(ask.case, ask.dimension[:1], ask.sample) for ask in asks[:5]]
    assert planned == [("c0", "i", 0), ("c0", "i", 1), ("c0", "m", 0), ("c0", "m", 1), ("c2", "i", 0)]


def test_wrong_use_is_refused(tmp_path):
    run = make_run(tmp_path / "run", [3])
    for make, word in (
        (lambda: work_of(run, run), "one folder twice"),
        (lambda: work_of(run, samples=0), "samples"),
        (lambda: work_of(run, protocol="pairwise"), "pairwise"),
        (lambda: work_of(), "runs"),
        (lambda: Judge(model=" "), "model"),
        (lambda: Judge(model="m", protocol="other"), "video-bench"),
    ):
        with pytest.raises(ValueError, match=word):
            make()
    (run.path / "run.json").unlink()
    with pytest.raises(ValueError, match="generation not complete"):
        work_of(Run.open(run.path))


def test_the_schema_asks_for_reasons_before_the_score():
    assert list(SCORE_SCHEMA["properties"]) == ["rationale", "score"] and SCORE_SCHEMA["properties"]["score"]["enum"] == [1, 2, 3, 4, 5]
    assert dimension_of("judge_imaging_quality").title == "Imaging quality" and GRID.num_frames == 6
