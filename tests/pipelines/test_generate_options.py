"""`generate --set --dry-run --max-cost`: options are read, recorded and part of the run; money is told before and never exceeded."""

import array
import fcntl
import os
import signal
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from awbench.run_validation import validate_run
from awbench.runs import Run, pending
from awbench.suites.from_media import write_suite_from_media
from awbench.suites.load import load_suite
from models.artifacts import read_json, write_json
from models.types import Grid
from pipelines.asked import forecast, purse_of
from pipelines.asking_together import run_together
from pipelines.cli import main
from pipelines.executor.pools import Policy, SameCause
from pipelines.failed_cases import cause_of, failures
from pipelines.generate import generate, reference_of
from pipelines.purse import usd_words
from tests.bootstrap.factory_fakes import write_sources
from tests.pipelines.priced_systems import LOADED, NAME

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    path = tmp_path_factory.mktemp("line")
    driving, references = write_sources(path, clips=3, identities=2)
    write_suite_from_media(driving, references, path / "suite", Grid(width=32, height=32, fps=8.0, num_frames=4), pairs=6)
    return str(path / "suite")


def command(suite, out, *more):
    return ["generate", "--animator", NAME, "--suite", suite, "--out", str(out), *more]


def test_options_are_resolved_recorded_and_part_of_the_run(suite, tmp_path, capsys):
    assert main(command(suite, tmp_path / "run", "--set", "level=40", "say-usd=0.1")) == 0
    run = Run.open(tmp_path / "run")
    expected = {"usd": 0.5, "say_usd": 0.1, "level": 40, "way": "plain", "concurrency": 1}
    assert run.config["options"] == expected and run.config["terms"] == {"kind": "hosted", "licence": "its terms"}
    assert main(command(suite, tmp_path / "run", "--set", "level=40", "--set", "say_usd=0.1")) == 0
    capsys.readouterr()
    assert main(command(suite, tmp_path / "run", "--set", "level=41", "say_usd=0.1")) == 2
    assert "options.level: got 41, expected 40 as in its plan.json" in capsys.readouterr().err
    assert main(command(suite, tmp_path / "other", "--set", "levl=41")) == 2 and not (tmp_path / "other").exists()
    assert "did you mean level?" in capsys.readouterr().err


def test_a_run_of_before_options_takes_those_it_is_continued_with(suite, tmp_path, capsys):
    out = tmp_path / "run"
    assert main(command(suite, out, "--limit", "1")) == 0
    for path in (out / "plan.json", out / "run.json"):
        write_json(path, {name: value for name, value in read_json(path).items() if name not in ("options", "terms")})
    assert main(command(suite, out, "--limit", "2", "--set", "level=40")) == 0
    assert Run.open(out).config["options"]["level"] == 40 and Run.open(out).config["terms"]["kind"] == "hosted"
    assert main(command(suite, out, "--set", "level=41")) == 2 and "options.level" in capsys.readouterr().err


def test_what_a_system_says_of_its_answer_is_in_the_table(suite, tmp_path):
    rows = generate(NAME, suite, tmp_path / "run", limit=2).generation()
    assert list(rows["cost_usd"]) == [0.5, 0.5] and list(rows["offset_s"]) == [0.125] * 2
    assert all("by a fake" in note for note in rows["adaptation"])
    declared = generate(NAME, suite, tmp_path / "declared", limit=1, offset_s=0.25).generation()
    assert list(declared["offset_s"]) == [0.25]
    plain = generate("still", suite, tmp_path / "still", limit=1).generation()
    assert plain["cost_usd"].isna().all() and plain["offset_s"].isna().all()


def test_a_dry_run_tells_all_and_touches_nothing(suite, tmp_path, capsys):
    LOADED.clear()
    assert main(command(suite, tmp_path / "run", "--dry-run", "--set", "say_usd=0.25", "--limit", "4")) == 0
    told = capsys.readouterr().out
    for words in (
        "4 cases of ",
        "32x32 px, 4 frames at 8 fps",
        "hosted",
        "its terms",
        "painted at 48x48 px; 1 last frame held",
        "level=90",
    ):
        assert words in told
    assert "2.00 s, 0.25 USD (as told)" in told and "8.00 s, 1.00 USD" in told
    assert not (tmp_path / "run").exists() and LOADED == []
    generate(NAME, suite, tmp_path / "run", limit=2)
    main(command(suite, tmp_path / "run", "--dry-run", "--limit", "4"))
    told = capsys.readouterr().out
    assert "2 cases of " in told and "2 done" in told and "1.00 USD by the cases done" in told
    assert main(command(suite, tmp_path / "run2", "--dry-run", "--max-cost", "1")) == 2
    assert "--max-cost: got 3.00 USD for 6 cases, expected 1.00 USD at most" in capsys.readouterr().err


def test_a_run_that_would_cost_too_much_is_refused_before_the_first_case(suite, tmp_path, capsys):
    assert main(command(suite, tmp_path / "run", "--max-cost", "2.9")) == 2 and not (tmp_path / "run").exists()
    assert "got 3.00 USD for 6 cases, expected 2.90 USD at most" in capsys.readouterr().err
    assert main(command(suite, tmp_path / "run", "--max-cost", "3", "--set", "say_usd=none")) == 2
    assert "got no price of a case" in capsys.readouterr().err
    assert main(command(suite, tmp_path / "run", "--max-cost", "3")) == 0 and Run.open(tmp_path / "run").complete


def test_who_asks_no_service_costs_nothing(suite, tmp_path, capsys):
    for animator in ("still", "tiny_e2e", "wan_vace:/nowhere", "mtvcrafter"):
        told = forecast(animator, load_suite(suite), tmp_path / "run", options={})
        assert told.usd == 0 and purse_of(told, 0.01).may_begin(), animator
    asked = ["generate", "--animator", "still", "--suite", suite, "--out", str(tmp_path / "run"), "--limit", "1", "--max-cost", "0.5"]
    assert main([*asked, "--dry-run"]) == 0 and main(asked) == 0 and Run.open(tmp_path / "run").complete
    assert main(command(suite, tmp_path / "fine", "--max-cost", "0.01", "--set", "say_usd=0.0025")) == 2
    assert "--max-cost: got 0.015 USD for 6 cases, expected 0.01 USD at most" in capsys.readouterr().err
    amounts = {0.0: "0.00", 0.0001234: "0.00012", 0.015: "0.015", 0.5: "0.50", 3: "3.00", 1234.5: "1,234.50", 2.96051: "2.9605"}
    assert {usd: usd_words(usd) for usd in amounts} == amounts


@pytest.mark.parametrize("together", [1, 2])
def test_a_run_that_turns_out_dearer_stops_asking_and_goes_on_later(suite, tmp_path, capsys, together):
    words = ("--set", "say_usd=0.2", "usd=0.5", f"concurrency={together}")
    assert main(command(suite, tmp_path / "run", "--max-cost", "1.3", *words)) == 1
    run = Run.open(tmp_path / "run")
    assert not run.complete and len(pending(run)) == 4 and "stopped at 1.00 of 1.3 USD" in capsys.readouterr().out
    assert main(command(suite, tmp_path / "run", "--max-cost", "1.3", *words)) == 2  # 1.00 spent, 0.80 to come
    assert "got 1.80 USD for 4 cases and the 1.00 spent, expected 1.30 USD" in capsys.readouterr().err
    assert main(command(suite, tmp_path / "run", *words)) == 0 and validate_run(tmp_path / "run") == []


def test_cases_that_wait_are_waited_for_together_and_give_the_same_run(suite, tmp_path):
    alone = generate(NAME, suite, tmp_path / "alone", options={"concurrency": "1"})
    together = generate(NAME, suite, tmp_path / "together", options={"way": "together", "concurrency": "3"})
    drop = ["seconds"]
    assert together.complete and together.generation().drop(columns=drop).equals(alone.generation().drop(columns=drop))
    with pytest.raises(ValueError, match="--timeout: got 3, expected none where cases are asked together"):
        generate(NAME, suite, tmp_path / "limited", options={"concurrency": "3"}, timeout_s=3)


def test_options_reach_the_workers(suite, tmp_path, two_workers):
    runs = [generate(NAME, suite, tmp_path / str(n), workers=n, options={"level": "200"}, limit=3) for n in (0, 2)]
    one, two = (run.generation().drop(columns=["seconds"]) for run in runs)
    assert one.equals(two) and set(one["status"]) == {"ok"}


def test_ctrl_c_ends_what_waits_and_the_same_command_goes_on(suite, tmp_path):
    code = "import sys; from pipelines.cli import main; sys.exit(main())"
    words = command(suite, tmp_path / "run", "--set", "way=hang", "concurrency=3")
    started = subprocess.Popen([sys.executable, "-c", code, *words], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        assert started.stdout.readline().startswith("asked")
        os.kill(started.pid, signal.SIGINT)
        _, said = started.communicate(timeout=30)
    finally:
        started.kill()
    assert started.returncode == 130 and "the same command continues" in said
    assert len(pending(Run.open(tmp_path / "run"))) == 6


def test_ctrl_c_is_no_abort_where_a_system_prints_and_nobody_reads(suite, tmp_path):
    code = "import sys; from pipelines.cli import main; sys.exit(main())"
    words = command(suite, tmp_path / "run", "--set", "way=chatter", "concurrency=2")
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}  # without a buffer there is no lock
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    started = subprocess.Popen([sys.executable, "-c", code, *words], cwd=ROOT, env=buffered, **pipes)
    waiting, before = array.array("i", [0]), 0
    try:
        while started.poll() is None and (waiting[0] == 0 or waiting[0] > before):  # until the pipe takes no more
            before = waiting[0]
            time.sleep(0.1)
            fcntl.ioctl(started.stdout, termios.FIONREAD, waiting)
        os.kill(started.pid, signal.SIGINT)
        assert started.wait(15) == 130 and started.stderr.read().count("stopped; the same command continues") == 1
    finally:
        started.kill()
        started.communicate()


def test_results_come_as_they_finish_and_an_error_is_raised():
    first = threading.Event()

    def work(item):
        if item == "slow":
            first.wait(20)
        if item == "bad":
            raise ValueError("broken")
        return item

    found = run_together(work, ["slow", "quick"], 2, label="test")
    assert next(found) == (1, "quick")
    first.set()
    assert list(found) == [(0, "slow")]
    with pytest.raises(ValueError, match="broken"):
        list(run_together(work, ["bad"], 2, label="test"))


def test_no_more_are_begun_than_may_be_and_one_cause_ends_it():
    asked = []
    seen = list(run_together(lambda item: asked.append(item) or item, range(10), 2, label="test", may_begin=lambda n: len(asked) + n < 3))
    assert len(seen) == len(asked) == 3
    policy = Policy(stop_after=4, cause_of=lambda item: "no such bucket" if item else "too long a prompt")
    begun = []
    with pytest.raises(SameCause, match="4 items in a row failed: no such bucket"):
        list(run_together(lambda item: begun.append(item) or item, range(100), 3, label="test", policy=policy))
    assert len(begun) < 10
    some = Policy(stop_after=4, cause_of=lambda item: "no such bucket" if item else "")
    assert len(list(run_together(lambda item: item, range(20), 1, label="test", policy=some))) == 20, "something came"


def test_what_a_factory_makes_that_is_no_animator_is_refused(suite, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "makes_nothing.py").write_text("def create(argument=None): return object()\n")
    with pytest.raises(ValueError, match="makes_nothing:create: factory: got object without name and animate, expected an Animator"):
        generate("makes_nothing:create", suite, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_dry_run_says_what_is_missing_and_generate_refuses_with_the_same(suite, tmp_path, capsys, monkeypatch):
    for key in ("KLING_ACCESS_KEY", "KLING_SECRET_KEY", "ARK_API_KEY"):
        monkeypatch.delenv(key, raising=False)
    asked = ["generate", "--animator", "kling_o1", "--suite", suite, "--out", str(tmp_path / "run"), "--set", "concurrency=2"]
    assert main([*asked, "--dry-run"]) == 1
    told = capsys.readouterr().out
    assert "missing: KLING_ACCESS_KEY: not set" in told and "missing: upload: " in told
    assert "concurrency=2" in told and "upload=(to be set)" in told and "patience_s" not in told
    assert main(asked) == 2 and not (tmp_path / "run").exists()
    assert "missing: KLING_ACCESS_KEY: not set" in capsys.readouterr().err


def test_words_that_nobody_has_are_one_refusal(suite, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("ARK_API_KEY", "key")
    asked = ["generate", "--animator", "seedance_i2v", "--suite", suite, "--out", str(tmp_path / "run")]
    assert main([*asked, "--dry-run"]) == 1 and "missing: prompt: " in capsys.readouterr().out
    assert main([*asked, "--dry-run", "--guide", "template"]) == 0
    assert main(asked) == 2 and not (tmp_path / "run").exists() and "--guide template" in capsys.readouterr().err


def test_recorded_lists_cases_and_strays_beforehand_and_still_runs(suite, tmp_path, capsys):
    (tmp_path / "answers").mkdir()
    (tmp_path / "answers" / "other.mp4").write_bytes(b"no video")
    asked = ["generate", "--animator", f"recorded:{tmp_path / 'answers'}", "--suite", suite, "--out", str(tmp_path / "run"), "--limit", "2"]
    assert main([*asked, "--dry-run"]) == 1
    told = capsys.readouterr().out
    assert told.count("missing: ") == 2 and "stray: other.mp4" in told
    assert main(asked) == 1  # each case is a row
    told = capsys.readouterr().out
    first = Run.open(tmp_path / "run").suite.cases[0].id
    assert f"(first: {first})" in told and told.count("the same command") == 1 and "--retry-failed" not in told


def test_one_animator_is_told_with_every_option(capsys):
    assert main(["ls", "animators", "wan_animate"]) == 0
    told = capsys.readouterr().out
    assert "Denoising steps. (a whole number; default: 20)" in told and max(map(len, told.splitlines())) <= 100
    assert main(["ls", "animators", NAME]) == 0 and "what is expected (a number or none; default: 0.5)" in capsys.readouterr().out
    assert main(["ls", "animators", "wan_animat"]) == 2 and "did you mean" in capsys.readouterr().err
    assert main(["ls", "suites", "wan_animate"]) == 2


def test_what_single_cases_lack_is_told_by_a_dry_run(suite, tmp_path, capsys):
    asked = ["generate", "--suite", suite, "--out", str(tmp_path / "run"), "--animator"]
    assert main([*asked, "ground_truth", "--dry-run"]) == 1 and "missing: truth: none in " in capsys.readouterr().out
    assert main([*asked, "ground_truth"]) == 2 and not (tmp_path / "run").exists()
    assert "missing: truth: none in " in capsys.readouterr().err
    loaded = load_suite(suite)
    pictures = {reference_of(loaded, case.id).tobytes(): case.id for case in loaded.cases}
    assert len(pictures) == 2 and all(picture == loaded.load(case).reference.tobytes() for picture, case in pictures.items())
    drawn = tmp_path / "drawn"
    drawn.mkdir()
    annotate(drawn, reference_of(loaded, loaded.cases[0].id))
    assert main([*asked, f"puppet:{drawn}", "--dry-run"]) == 1
    assert "missing: joints of references: 3 of 6 cases show none of 1 annotated pictures" in capsys.readouterr().out
    assert main([*asked, "ground_truth", "--dry-run", "--suite", "world-mini"]) == 0


def test_a_lag_is_declared_once_and_a_gpu_that_is_not_there_is_missing(suite, tmp_path, capsys, monkeypatch):
    (tmp_path / "answers").mkdir()
    asked = ["generate", "--suite", suite, "--out", str(tmp_path / "run"), "--animator"]
    for more in ([], ["--dry-run"]):
        assert main([*asked, f"recorded:{tmp_path / 'answers'}", "--set", "offset_s=0.25", "--offset", "0.5", *more]) == 2
        assert "--offset: got 0.5 beside --set offset_s=0.25, expected one of the two" in capsys.readouterr().err
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    gpu = ["--dry-run", "--runtime.device", "cuda"]
    assert main([*asked, "tiny_e2e", *gpu]) == 1
    assert "missing: runtime: device: got cuda, expected a device torch can see" in (told := capsys.readouterr().out)
    assert "plan --teacher-seconds" in " ".join(told.split())
    assert main([*asked, "still", *gpu]) == 0 and "--teacher-seconds" not in capsys.readouterr().out
    assert not (tmp_path / "run").exists()


def test_an_upload_that_nobody_takes_stops_a_run_of_a_service(suite, tmp_path, monkeypatch):
    monkeypatch.setenv("KLING_ACCESS_KEY", "a"), monkeypatch.setenv("KLING_SECRET_KEY", "b")
    monkeypatch.setattr("pipelines.generate.STUCK", 3)
    tried = []

    def exists(location):
        tried.append(location)
        raise OSError(5, f"EndpointConnectionError: {location}")

    monkeypatch.setattr("models.storage.exists", exists)
    options = {"upload": "s3://nobody/in", "state": str(tmp_path / "state"), "concurrency": "2", "base_url": "http://127.0.0.1:9"}
    with pytest.raises(SameCause, match="generate: 3 items in a row failed: .*CASE: upload: got OSError .*s3://nobody/in.*option upload"):
        generate("kling_motion_control", suite, tmp_path / "run", options=options)
    assert 3 <= len(tried) <= 5 and len(set(tried)) > 1


def test_failures_of_one_cause_are_one_line_whatever_words_and_numbers_they_hold(suite, tmp_path, monkeypatch):
    reasons = [
        "x: step 1 of 1 exited with 1; last words: mix 0.5 prompt a human, dance; log r/logs/a.log",
        "x: step 1 of 1 exited with 1; last words: mix 0.5 prompt a dog; log r/logs/b.log",
        "upload: got a refusal of deadbeefdeadbeefdeadbeef.mp4 after 3.1 s",
        "upload: got a refusal of 0123456789abcdef01234567.mp4 after 12 s",
        "upload: got no place",
    ]
    rows = [{"case": case, "status": "failed", "reason": reason} for case, reason in zip("abcde", reasons)]
    monkeypatch.setattr("pipelines.failed_cases.recorded_rows", lambda run: [*rows, {"case": "f", "status": "ok", "reason": ""}])
    lines = failures(Run(path=tmp_path, config={}, suite=None))
    assert lines[:-1] == [f"2 failed: {reasons[0]} (first: a)", f"2 failed: {reasons[2]} (first: c)", f"1 failed: {reasons[4]} (first: e)"]
    assert cause_of(rows[0]) == "x: step 1 of 1 exited with 1; log r/logs/CASE.log"
    assert cause_of(rows[2] | {"case": "c9"}) == "upload: got a refusal of HASH.mp4 after 3.1 s" and cause_of({"status": "ok"}) == ""


def annotate(folder, picture):
    """A drawing with a figure's joints, as a pose track of one frame."""
    points = np.linspace((8, 4), (24, 28), 17, dtype=np.float32)[None, None]
    np.savez(folder / "one.npz", points=points, confidence=np.ones((1, 1, 17), np.float32))
    Image.fromarray(picture).save(folder / "one.png")
