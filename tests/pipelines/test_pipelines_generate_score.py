"""Generating and scoring a suite through the wiring: schedules agree, a dead worker is a row, guides and runtimes are recorded."""

import time
from dataclasses import replace

import numpy as np
import pytest

from awbench.catalog import METRICS
from awbench.run_validation import validate_run
from awbench.runs import finish_generation, generate_case, pending, recorded_rows, start_run
from awbench.suites.from_media import write_suite_from_media
from awbench.suites.load import load_suite
from models.artifacts import read_json, write_json
from models.baselines.weightless.still import Still
from models.mllm.errors import CostCapReached, Refused, Unreachable
from models.retry_failed import RetryFailed
from models.runtime import Runtime
from models.types import Grid
from pipelines.cli import main
from pipelines.executor.pools import Lost
from pipelines.generate import counts, generate
from pipelines.score import score
from tests.bootstrap.factory_fakes import WordGuide, write_sources, write_teacher

CHEAP = ("imaging_quality", "temporal_consistency")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    path = tmp_path_factory.mktemp("line")
    driving, references = write_sources(path, clips=2, identities=2)
    write_suite_from_media(driving, references, path / "suite", Grid(width=32, height=32, fps=8.0, num_frames=4), pairs=3)
    return path


def test_workers_change_neither_videos_nor_scores(place, two_workers):
    runs = [generate("flow_warp", str(place / "suite"), place / f"run{workers}", workers=workers) for workers in (0, 2)]
    one, two = ([run.video_path(case.id).read_bytes() for case in run.suite.cases] for run in runs)
    assert one == two and counts(runs[0]) == {"ok": 3, "failed": 0}
    tables = [score([run.path], CHEAP, workers=workers)[0].scores() for run, workers in zip(runs, (0, 2))]
    assert tables[0].equals(tables[1]) and set(tables[0]["metric"]) == set(CHEAP)


def test_a_finished_run_is_a_no_op_and_one_more_metric_is_added(place):
    run = generate("still", str(place / "suite"), place / "still")
    before = (run.path / "run.json").stat().st_mtime_ns
    assert (generate("still", str(place / "suite"), place / "still").path / "run.json").stat().st_mtime_ns == before
    first = score([run.path], CHEAP[:1])[0].scores()
    both = score([run.path], CHEAP)[0].scores()
    assert len(both) == 2 * len(first) == 6 and set(both["metric"]) == set(CHEAP)
    kept = both[both["metric"] == CHEAP[0]]["value"].to_numpy()
    assert np.array_equal(kept, first["value"].to_numpy())


def test_another_animator_in_the_same_folder_is_refused(place):
    generate("still", str(place / "suite"), place / "taken")
    with pytest.raises(ValueError, match="got echo_driver, expected still"):
        generate("echo_driver", str(place / "suite"), place / "taken")


def test_a_run_folder_may_bear_the_animators_name(place, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    command = ["generate", "--animator", "still", "--suite", str(place / "suite"), "--out", "still"]
    assert main(command) == 0 and main(command) == 0
    assert "3 generated, 0 failed in still" in capsys.readouterr().out


def test_a_dead_worker_is_a_failed_row(place, monkeypatch):
    def lose_the_first(make_worker, units, workers, *, label, policy, **_):
        yield 0, Lost(reason="worker died (test)", attempts=3)
        work = make_worker()
        yield from ((index, work(unit)) for index, unit in enumerate(units) if index)

    monkeypatch.setattr("pipelines.generate.run_items", lose_the_first)
    monkeypatch.setattr("pipelines.score.run_items", lose_the_first)
    run = generate("still", str(place / "suite"), place / "deadly")
    rows = recorded_rows(run)
    assert [row["status"] for row in rows] == ["failed", "ok", "ok"] and rows[0]["reason"] == "worker died (test)"
    table = score([run.path], CHEAP[:1])[0].scores()
    assert list(table["status"]) == ["failed", "ok", "ok"] and table["reason"][0] == "worker died (test)"
    assert METRICS.load(CHEAP[0]).version == table["metric_version"][0]


def test_scoring_an_unfinished_run_is_refused(place):
    run = generate("still", str(place / "suite"), place / "unfinished")
    (run.path / "run.json").unlink()
    with pytest.raises(ValueError, match="state: got generation not complete"):
        score([run.path], CHEAP)


def test_a_guide_writes_the_prompt_of_a_case_and_workers_agree(place, two_workers):
    runs = [generate("still", str(place / "suite"), place / f"told{n}", workers=n, guide="template") for n in (0, 2)]
    tables = [run.generation()["prompt"].tolist() for run in runs]
    assert tables[0] == tables[1] and all("performs the driving motion" in prompt for prompt in tables[0])
    assert runs[0].config["guide"] == {"name": "template", "version": "template-2"} and validate_run(runs[0].path) == []
    with pytest.raises(ValueError, match="guide: got .*'name': ''.*template"):
        generate("still", str(place / "suite"), place / "told0")
    plain = generate("still", str(place / "suite"), place / "untold")
    assert set(plain.generation()["prompt"]) == {""} and plain.config["guide"] == {"name": "", "version": ""}
    with pytest.raises(ValueError, match="did you mean template"):
        generate("still", str(place / "suite"), place / "mistyped", guide="templet")


class Asked(Still):
    """Keeps what it was asked with."""

    def animate(self, request):
        prompts[request.id] = request.prompt
        return super().animate(request)


prompts: dict[str, str] = {}


def made(place, out, guide, animator):
    """A run over the suite whose first case has a prompt of its own."""
    suite = load_suite(str(place / "suite"))
    first, *others = suite.cases
    suite = replace(suite, cases=(replace(first, prompt="its own", tags={"subject": "fox"}), *others))
    run = start_run(place / out, suite, "still", animator, 0, guide=guide)
    for case_id in pending(run):
        generate_case(run, case_id, animator, guide)
    return finish_generation(run)


def test_a_cases_own_prompt_stays_and_what_was_asked_is_the_row(place):
    rows = made(place, "own", WordGuide(), Asked()).generation().set_index("case")["prompt"].to_dict()
    assert rows == prompts and list(rows.values())[0] == "its own" and all("instead of" in prompt for prompt in list(rows.values())[1:])


def test_a_guide_that_fails_fails_the_case_by_its_kind_and_asks_nobody(place):
    prompts.clear()
    rows = made(place, "refused", WordGuide(error=Refused("no")), Asked()).generation()
    assert list(rows["status"]) == ["ok", "failed", "failed"] and set(rows["reason"][1:]) == {"guide: refused: no"}
    assert list(prompts.values()) == ["its own"] and list(rows["prompt"]) == ["its own", "", ""]


@pytest.mark.parametrize("error", [Unreachable("no route"), CostCapReached("1 USD")])
def test_what_failed_because_the_guide_did_not_serve_is_done_again_by_the_same_command(place, tmp_path, monkeypatch, error):
    guide = WordGuide(error=error)
    monkeypatch.setattr("pipelines.generate.load_guide", lambda name: guide)

    def again():
        return generate("still", str(place / "suite"), tmp_path / "run", guide="words")

    run = again()
    assert counts(run) == {"ok": 0, "failed": 3} and run.complete
    score([run.path], CHEAP[:1])
    monkeypatch.setattr("pipelines.generate.run_items", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
    guide = WordGuide()
    with pytest.raises(KeyboardInterrupt):
        again()
    assert not run.complete and len(pending(run)) == 3  # what is being mended is not finished
    monkeypatch.undo()
    monkeypatch.setattr("pipelines.generate.load_guide", lambda name: guide)
    run = again()
    assert counts(run) == {"ok": 3, "failed": 0} and run.config["counts"] == {"ok": 3, "failed": 0} and validate_run(run.path) == []
    assert run.generation()["prompt"].str.contains("instead of").all()
    assert list(score([run.path], CHEAP[:1])[0].scores()["status"]) == ["ok"] * 3


def test_failed_cases_stay_as_they_are_where_that_is_asked_for(place, tmp_path, monkeypatch):
    guide = WordGuide(error=Refused("no"))
    monkeypatch.setattr("pipelines.generate.load_guide", lambda name: guide)
    run = generate("still", str(place / "suite"), tmp_path / "run", guide="words")
    stamp, guide = (run.path / "run.json").stat().st_mtime_ns, WordGuide()
    for retry in (RetryFailed(keep=True), RetryFailed(reason="CUDA")):
        assert counts(generate("still", str(place / "suite"), tmp_path / "run", guide="words", retry=retry))["failed"] == 3
    assert (run.path / "run.json").stat().st_mtime_ns == stamp
    retry = RetryFailed(reason="refused")
    assert counts(generate("still", str(place / "suite"), tmp_path / "run", guide="words", retry=retry))["failed"] == 0


def test_another_guide_is_refused_before_any_row_is_taken_back(place, tmp_path, monkeypatch):
    guide = WordGuide(error=Unreachable("no route"))
    monkeypatch.setattr("pipelines.generate.load_guide", lambda name: guide)
    run = generate("still", str(place / "suite"), tmp_path / "run", guide="words")
    with pytest.raises(ValueError, match="guide: got"):
        generate("still", str(place / "suite"), tmp_path / "run", guide="none")
    assert run.complete and not pending(run)


@pytest.fixture
def fragile(monkeypatch):
    """`still` that fails for the cases in the returned set, and tells which it was asked for."""
    broken, asked = set(), []

    class Fragile(Still):
        def animate(self, request):
            asked.append(request.id)
            if request.id in broken:
                raise RuntimeError(f"out of memory at {request.id}")
            return super().animate(request)

    monkeypatch.setattr("pipelines.generate.load_for_suite", lambda *_: Fragile())
    return broken, asked


def test_failed_cases_are_tried_anew(place, tmp_path, fragile):
    broken, asked = fragile
    ids = [case.id for case in load_suite(str(place / "suite")).cases]
    broken.add(ids[1])
    arguments = ("still", str(place / "suite"), tmp_path / "run")
    assert counts(generate(*arguments)) == {"ok": 2, "failed": 1}
    broken.clear()
    assert counts(generate(*arguments, retry=RetryFailed(keep=True)))["failed"] == 1 and len(asked) == 3
    run = generate(*arguments)
    assert asked[3:] == [ids[1]] and run.config["counts"] == {"ok": 3, "failed": 0} and list(run.generation()["status"]) == ["ok"] * 3
    generate(*arguments)
    assert len(asked) == 4 and validate_run(run.path) == []


def test_a_limited_run_is_scored_and_extended(place, tmp_path, capsys):
    command = ["generate", "--animator", "still", "--suite", str(place / "suite"), "--out", str(tmp_path / "run")]
    assert main([*command, "--limit", "2"]) == 0 and "2 generated, 0 failed" in (told := capsys.readouterr().out)
    assert "2 of the suite's 3 cases" in told
    first = score([tmp_path / "run"], CHEAP[:1])[0].scores()
    assert main(command) == 0 and len(first) == 2
    both = score([tmp_path / "run"], CHEAP[:1])[0].scores()
    assert len(both) == 3 and both.iloc[:2].equals(first)


def test_one_cause_that_stops_everything_is_told_and_stops_the_run(place, tmp_path, fragile, monkeypatch):
    broken, asked = fragile
    monkeypatch.setattr("pipelines.generate.STUCK", 2)
    ids = [case.id for case in load_suite(str(place / "suite")).cases]
    broken.update(ids)
    arguments = ("still", str(place / "suite"), tmp_path / "run")
    with pytest.raises(ValueError, match="2 items in a row failed: RuntimeError: out of memory at CASE"):
        generate(*arguments)
    assert asked == ids[:2]
    broken.clear()
    assert counts(generate(*arguments)) == {"ok": 3, "failed": 0}
    broken.update(ids[1:])
    assert counts(generate("still", str(place / "suite"), tmp_path / "part")) == {"ok": 1, "failed": 2}  # something came: go on


def test_a_suite_that_has_grown_goes_on_in_the_same_run(place, tmp_path):
    driving, references = place / "driving", place / "references"
    write_suite_from_media(driving, references, tmp_path / "suite", Grid(width=32, height=32, fps=8.0, num_frames=4), pairs=2)
    first = generate("still", str(tmp_path / "suite"), tmp_path / "run")
    write_suite_from_media(driving, references, tmp_path / "suite", None, pairs=3)
    run = generate("still", str(tmp_path / "suite"), tmp_path / "run")
    assert counts(run) == {"ok": 3, "failed": 0} and validate_run(run.path) == []
    old, new = (each.config["suite"]["case_marks"] for each in (first, run))
    assert old == {name: new[name] for name in old} and len(new) == 3


def test_strays_among_recorded_answers_are_told_once(place, tmp_path, capsys):
    ids = [case.id for case in load_suite(str(place / "suite")).cases]
    source = generate("still", str(place / "suite"), place / "still")
    (tmp_path / "answers").mkdir()
    for case_id, name in zip(ids, (f"{ids[0]}.MP4", f"{ids[1]}.webm.part", "extra\x1b\n.mp4")):
        (tmp_path / "answers" / name).write_bytes(source.video_path(case_id).read_bytes())
    run = generate(f"recorded:{tmp_path / 'answers'}", str(place / "suite"), tmp_path / "run")
    told = capsys.readouterr().err
    assert told.count("2 file(s) answer no case of from-media: ") == 1 and r"'extra\x1b\n.mp4'" in told and "\x1b" not in told
    rows = run.generation()
    assert list(rows["status"]) == ["ok", "failed", "failed"] and f"found {ids[1]}.webm.part" in rows["reason"][1]


class OnDevice(Still):
    """Says what it runs on, as checkpoints do."""

    def __init__(self, dtype):
        self.runtime = Runtime(device="cpu", dtype=dtype)


def test_what_a_run_ran_on_may_change_and_is_listed(place):
    suite = load_suite(str(place / "suite"))
    for dtype, cases in (("bfloat16", 1), ("float32", 1), ("bfloat16", 1)):
        run = start_run(place / "moved", suite, "still", OnDevice(dtype), 0)
        for case_id in pending(run)[:cases]:
            generate_case(run, case_id, OnDevice(dtype))
    run = finish_generation(run)
    expected = [{"device": "cpu", "dtype": dtype} for dtype in ("bfloat16", "float32")]
    assert run.config["runtimes"] == read_json(run.path / "plan.json")["runtimes"] == expected
    start_run(place / "moved", suite, "still", OnDevice("float16"), 0)  # nothing is left to do on it
    assert read_json(run.path / "plan.json")["runtimes"] == expected
    assert generate("still", str(place / "suite"), place / "none", runtime=Runtime(device="cpu")).config["runtimes"] == []


def test_a_run_begun_before_there_were_guides_goes_on_without_one(place):
    run = generate("still", str(place / "suite"), place / "older")
    plan = {name: value for name, value in read_json(run.path / "plan.json").items() if name not in ("guide", "runtimes")}
    write_json(run.path / "plan.json", plan)
    assert generate("still", str(place / "suite"), place / "older").complete
    with pytest.raises(ValueError, match="guide: got"):
        generate("still", str(place / "suite"), place / "older", guide="template")


def test_the_runtime_reaches_a_checkpoint_here_and_on_a_worker(place, two_workers):
    write_teacher(place / "network")
    for workers in (0, 1):
        out = place / f"network{workers}"
        for attention in ("native", ""):
            runtime = Runtime(device="cpu", dtype="bfloat16", attention=attention)
            run = generate(str(place / "network"), str(place / "suite"), out, workers=workers, runtime=runtime)
            run.record_path(run.suite.cases[0].id).unlink()
        assert [record.get("attention") for record in run.config["runtimes"]] == ["native", None] and counts(run)["failed"] == 0
        assert {record["dtype"] for record in run.config["runtimes"]} == {"float32"}  # what a tiny network runs in whatever is asked


def test_the_flags_of_guide_and_runtime(place, tmp_path, capsys):
    flags = ["--guide", "template", "--runtime.device", "cpu", "--runtime.dtype", "float32"]
    sources = ["--driving", str(place / "driving"), "--references", str(place / "references"), "--size", "32x32", "--num-frames", "4"]
    made = ["--teacher", "flow_warp", "--thresholds.off", "--out", str(tmp_path / "pairs")]
    assert main(["synthesize", *sources, *made, *flags]) == 0
    assert main(["generate", "--animator", "still", "--suite", str(place / "suite"), "--out", str(tmp_path / "run"), *flags]) == 0
    marks = read_json(tmp_path / "pairs" / "run.json")["config"]["guide"], read_json(tmp_path / "run" / "run.json")["guide"]
    assert [mark["name"] for mark in marks] == ["template", "template"]
    with pytest.raises(SystemExit) as stopped:
        main(["generate", "--animator", "still", "--suite", "world-mini", "--out", "x", "--runtime.device", "gpu"])
    assert stopped.value.code == 2 and "device: got 'gpu'" in capsys.readouterr().err


class Hanging(Still):
    """Takes a minute over the cases in `slow`."""

    def animate(self, request):
        if request.id in slow:
            time.sleep(60)
        return super().animate(request)


slow: set[str] = set()


def test_a_case_that_takes_too_long_is_a_failed_row(place, tmp_path, monkeypatch):
    monkeypatch.setattr("pipelines.generate.load_for_suite", lambda *_: Hanging())
    slow.add(load_suite(str(place / "suite")).cases[1].id)
    run = generate("still", str(place / "suite"), tmp_path / "run", timeout_s=0.5)
    slow.clear()
    assert [row["status"] for row in recorded_rows(run)] == ["ok", "failed", "ok"] and recorded_rows(run)[1][
        "reason"
    ] == "timed out after 0.5 s"


def test_failed_scores_are_tried_anew_unless_told_otherwise(place, tmp_path, monkeypatch):
    run = generate("still", str(place / "suite"), tmp_path / "run")
    lost = ((index, Lost(reason="worker died (test)", attempts=3)) for index in range(3))
    with monkeypatch.context() as patched:
        patched.setattr("pipelines.score.run_items", lambda *_, **__: lost)
        assert set(score([run.path], CHEAP[:1])[0].scores()["status"]) == {"failed"}
    for retry in (RetryFailed(keep=True), RetryFailed(reason="CUDA")):
        assert set(score([run.path], CHEAP[:1], retry=retry)[0].scores()["status"]) == {"failed"}
    assert set(score([run.path], CHEAP[:1], retry=RetryFailed(reason="died"))[0].scores()["status"]) == {"ok"}


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        ([], RetryFailed()),
        (["--retry-failed"], RetryFailed()),
        (["--retry-failed", "CUDA", "error"], RetryFailed(reason="CUDA error")),
        (["--keep-failed"], RetryFailed(keep=True)),
    ],
)
def test_what_is_tried_again_is_said_by_a_flag_with_or_without_words(place, tmp_path, monkeypatch, flags, expected):
    asked = []
    monkeypatch.setattr("pipelines.generate.forget_failed", lambda run, retry: asked.append(retry))
    command = ["generate", "--animator", "still", "--suite", str(place / "suite"), *flags, "--out", str(tmp_path / "run")]
    assert main(command) == 0 and asked == [expected]


def test_flags_that_contradict_each_other_or_say_no_time_are_refused(place, tmp_path, capsys):
    command = ["generate", "--animator", "still", "--suite", str(place / "suite"), "--out", str(tmp_path / "run")]
    assert main([*command, "--keep-failed", "--retry-failed"]) == 2 and "expected one of them" in capsys.readouterr().err
    assert main([*command, "--timeout", "0"]) == 2 and "--timeout: got 0, expected seconds > 0" in capsys.readouterr().err
