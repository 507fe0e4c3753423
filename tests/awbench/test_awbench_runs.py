"""Runs: complete, resumable, movable, replayable; a failing case is a row with a reason."""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from awbench.answered import to_grid
from awbench.cases import Case, CaseMedia, Suite, Truth
from awbench.run_validation import validate_run
from awbench.runs import COLUMNS, Run, finish_generation, generate_case, pending, placeless, start_run
from models.animators.load import load_animator
from models.artifacts import read_json, write_json
from models.baselines.weightless.echo_driver import EchoDriver
from models.baselines.weightless.recorded import create as recorded
from models.baselines.weightless.still import Still
from models.images import MediaError
from models.seeds import item_seed
from models.types import AnimationRequest, AnimationResult, Clip, Grid
from models.video import read_video, read_window, write_video

GRID = Grid(width=32, height=24, fps=8.0, num_frames=4)
IDS = ("a", "b", "c")


def moving(seed: int, grid: Grid = GRID) -> Clip:
    t, y, x = np.mgrid[: grid.num_frames, : grid.height, : grid.width]
    wave = 127 + 100 * np.sin((x + 2 * t + seed) / 3) * np.cos(y / 4)
    return Clip(frames=np.stack([wave, wave[:, :, ::-1], 0 * wave + 40 * (seed % 5)], -1).astype(np.uint8), fps=grid.fps)


def media(case: Case) -> CaseMedia:
    if case.id == "broken":
        raise MediaError("driver x.mp4: empty file (0 bytes)")
    answer, mask = moving(9), np.zeros((4, 24, 32), bool)
    mask[:, 3:9, 4:12] = True
    flow = np.full((3, 24, 32, 2), 0.125, np.float32)
    truth = Truth(clip=answer, subject=mask, reference_subject=mask[0], seen=~mask, flow=flow) if case.id == "a" else None
    return CaseMedia(
        reference=moving(7).frames[0], driving=moving(ord(case.id[0])), truth=truth, adaptation="made smaller" if case.id == "b" else ""
    )


def suite(ids: tuple[str, ...] = IDS, **changes: object) -> Suite:
    cases = tuple(Case(id=name, prompt=f"p {name}", tags={"track": "cross", "novel": name == "a"}, driver_id=f"d{name}") for name in ids)
    return Suite(**({"name": "tiny", "version": "1", "grid": GRID, "cases": cases, "source": media, "fingerprint": "f"} | changes))


class Scripted:
    """Answers by case id with whatever the test planted."""

    name, weights_hash, filter_metrics = "scripted", "abc", ("motion_fidelity",)

    def __init__(self, answers: dict[str, object]) -> None:
        self.answers, self.asked = answers, []

    def animate(self, request: AnimationRequest) -> object:
        self.asked.append(request)
        answer = self.answers.get(request.id, request.driving)
        if isinstance(answer, Exception):
            raise answer
        if not isinstance(answer, Clip):
            return answer
        return AnimationResult(request_id=request.id, clip=answer, animator="scripted abc", seconds=0.1)


def whole_run(out: Path, animator: object | None = None, name: str = "echo_driver", **changes: object) -> Run:
    animator = animator or EchoDriver()
    run = start_run(out, suite(**changes), name, animator, 3)
    for case_id in pending(run):
        generate_case(run, case_id, animator)
    return finish_generation(run)


def test_a_whole_run_has_its_rows_videos_and_configuration(tmp_path: Path) -> None:
    run = whole_run(tmp_path / "run")
    frame = run.generation()
    assert tuple(frame.columns) == COLUMNS and list(frame.case) == list(IDS)
    assert set(frame.status) == {"ok"} and set(frame.reason) == {""}
    assert list(frame.seed) == [item_seed(3, name) for name in IDS]
    assert list(frame.adaptation) == ["", "made smaller", ""]
    assert run.complete and run.system == "echo_driver" and run.config["counts"] == {"ok": 3, "failed": 0}
    assert run.config["suite"]["grid"] == {"width": 32, "height": 24, "fps": 8.0, "num_frames": 4}
    assert run.scores() is None and validate_run(run.path) == []


def test_the_output_is_the_animators_within_the_codecs_error(tmp_path: Path) -> None:
    run = whole_run(tmp_path / "run")
    made = read_video(run.video_path("b")).frames.astype(int)
    assert np.abs(made - moving(ord("b")).frames).mean() < 2


def test_the_suite_inside_is_whole_truth_to_the_bit(tmp_path: Path) -> None:
    kept = whole_run(tmp_path / "run").suite
    before, after = media(Case(id="a")), kept.load("a")
    assert kept.cases == suite().cases and kept.grid == GRID and (kept.name, kept.version) == ("tiny", "1")
    assert np.array_equal(after.reference, before.reference)
    assert np.array_equal(after.truth.clip.frames, before.truth.clip.frames)
    for name in ("subject", "reference_subject", "seen", "flow"):
        assert np.array_equal(getattr(after.truth, name), getattr(before.truth, name))
    assert kept.load("b").truth is None
    assert np.abs(after.driving.frames.astype(int) - before.driving.frames).mean() < 2


def test_a_moved_run_opens_and_is_replayed_to_nearly_the_same_videos(tmp_path: Path) -> None:
    whole_run(tmp_path / "run")
    shutil.move(tmp_path / "run", tmp_path / "elsewhere")
    run = Run.open(tmp_path / "elsewhere")
    again = whole_run(tmp_path / "again", recorded(str(run.path / "videos")), "recorded:x")
    assert again.system == "recorded:elsewhere" and set(again.generation().status) == {"ok"}
    first, second = (read_video(each.video_path("a")).frames.astype(int) for each in (run, again))
    assert np.abs(first - second).mean() < 1.5


def test_failing_cases_are_rows_with_reasons_and_stop_nobody(tmp_path: Path) -> None:
    answers = {"a": RuntimeError("out of\nmemory"), "b": "no clip"}
    run = whole_run(tmp_path / "run", Scripted(answers), "scripted", ids=("a", "b", "broken", "c"))
    rows = run.generation().set_index("case")
    assert list(rows.status) == ["failed", "failed", "failed", "ok"]
    assert rows.reason["a"] == "RuntimeError: out of memory"
    assert "result: got str, expected an AnimationResult" in rows.reason["b"]
    assert rows.reason["broken"] == "driver x.mp4: empty file (0 bytes)"
    assert not run.video_path("a").exists() and rows.sha256["a"] == ""
    assert run.config["counts"] == {"ok": 1, "failed": 3} and run.config["filter_metrics"] == ["motion_fidelity"]
    assert validate_run(run.path) == []


def test_rows_hold_one_line_that_any_file_takes_and_an_exit_costs_one_case(tmp_path: Path) -> None:
    noted = replace(AnimationResult(request_id="a", clip=moving(0), animator="\ud800", seconds=0), provenance={"note": "\ud800\x1b[2J\nx"})
    run = whole_run(tmp_path / "run", Scripted({"a": noted, "b": ValueError("\udfff\x1b]0;t\x07 no")}), "scripted")
    rows = run.generation().set_index("case")
    assert rows.adaptation["a"].startswith("??[2J x") and rows.animator["a"] == "?" and rows.reason["b"] == "??]0;t? no"
    leaving = Scripted({})
    leaving.animate = lambda request: sys.exit(3)
    assert set(whole_run(tmp_path / "left", leaving, "scripted").generation().reason) == {"SystemExit: 3"}


RAISES = """
def sizes(request):
    return {}["width"]

class Raises:
    name, answer = "raises", None
    def animate(self, request):
        return self.answer or sizes(request)

def create(argument=None):
    return Raises()
"""


def test_where_an_animators_own_code_raised_is_kept_until_the_case_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "raising_module.py").write_text(RAISES)
    animator = load_animator("raising_module:create")
    run = whole_run(tmp_path / "run", animator, "raising_module:create", ids=("a", "broken"))
    assert [path.name for path in (run.path / "tracebacks").iterdir()] == ["a.txt"]  # what our own code refuses says so itself
    lines = run.traceback_path("a").read_text().splitlines()
    assert lines[:3] == [
        "Traceback (most recent call last):",
        '  File "raising_module.py", line 8, in animate',
        "    return self.answer or sizes(request)",
    ]
    assert lines[-1] == "KeyError: 'width'" and '  File "raising_module.py", line 3, in sizes' in lines
    assert str(tmp_path) not in run.traceback_path("a").read_text() and validate_run(run.path) == []
    animator.answer = AnimationResult(request_id="a", clip=moving(0), animator="raises", seconds=0)
    assert generate_case(run, "a", animator)["status"] == "ok" and not run.traceback_path("a").exists()


def test_a_traceback_names_causes_and_no_place_of_this_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))

    def answer(request: AnimationRequest) -> None:
        try:
            np.linalg.inv(np.zeros((2, 2)))
        except np.linalg.LinAlgError as error:
            raise RuntimeError(f"no inverse, see {tmp_path}/log") from error

    animator = Scripted({})
    animator.animate = answer
    text = whole_run(tmp_path / "run", animator, "scripted", ids=("a",)).traceback_path("a").read_text()
    assert "LinAlgError: Singular matrix" in text and "direct cause" in text and text.endswith("RuntimeError: no inverse, see ~/log\n")
    assert 'File "tests/awbench/test_awbench_runs.py"' in text and 'File "numpy/' in text and str(tmp_path) not in text
    assert not any(f'File "{place}' in text for place in ("/", "awbench/run_cases.py"))


def test_a_plug_in_that_was_edited_does_not_continue_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    module = tmp_path / "edited_module.py"
    module.write_text(RAISES)
    animator = load_animator("edited_module:create")
    asked = (tmp_path / "run", suite(), "edited_module:create", animator, 3)
    run = start_run(*asked)
    assert len(run.config["code"]) == 64 and start_run(*asked).config["code"] == run.config["code"]
    module.write_text(RAISES + "# mended")
    mended = start_run(*asked).config["code"]
    assert mended != run.config["code"]  # nothing has come of the first one
    write_video(run.video_path("a"), moving(0))
    module.write_text(RAISES + "# edited")
    with pytest.raises(ValueError, match=r"code: got \w{64} \(edited_module:create is edited, or another module .* use another --out"):
        start_run(*asked)
    plan = read_json(run.path / "plan.json")
    write_json(run.path / "plan.json", {name: value for name, value in plan.items() if name not in ("code", "weights_parts")})
    assert start_run(*asked).config["code"] != run.config["code"]  # begun before it was recorded: what it is continued with
    assert start_run(tmp_path / "ours", suite(), "still", Still(), 3).config["code"] == ""


def test_a_hash_of_weights_that_differs_says_of_what_they_are_made(tmp_path: Path) -> None:
    animator = Scripted({})
    animator.weights_parts = {"YAML": "1", "repository": "1", "weights": "1"}
    start_run(tmp_path / "run", suite(), "external:it.yaml", animator, 3)
    animator.weights_hash, animator.weights_parts = "other", {"YAML": "2", "repository": "1", "weights": "2"}
    with pytest.raises(ValueError, match=r"weights_hash: got other \(another YAML, another weights\), expected abc as in its plan.json"):
        start_run(tmp_path / "run", suite(), "external:it.yaml", animator, 3)


def test_a_result_of_another_request_is_a_failure(tmp_path: Path) -> None:
    wrong = AnimationResult(request_id="z", clip=moving(0), animator="scripted", seconds=0)
    run = whole_run(tmp_path / "run", Scripted({"a": wrong}), "scripted")
    assert "result.request_id: got z, expected a" in run.generation().reason[0]


def test_requests_carry_the_grid_the_prompt_and_the_items_seed(tmp_path: Path) -> None:
    animator = Scripted({})
    whole_run(tmp_path / "run", animator, "scripted")
    asked = animator.asked[1]
    assert (asked.id, asked.prompt, asked.size, asked.num_frames, asked.seed) == ("b", "p b", (32, 24), 4, item_seed(3, "b"))


@pytest.mark.parametrize(
    ("clip", "notes"),
    [
        (moving(0), ""),
        (moving(0, Grid(width=64, height=24, fps=8.0, num_frames=4)), "cropped and resized from 64x24"),
        (moving(0, Grid(width=32, height=24, fps=16.0, num_frames=7)), "resampled from 16 to 8 fps"),
        (moving(0, Grid(width=32, height=24, fps=8.0, num_frames=3)), "output of 3 frames holds its last one"),
        (moving(0, Grid(width=32, height=24, fps=8.0, num_frames=6)), "output of 6 frames cut"),
    ],
)
def test_results_are_brought_to_the_grid_and_it_is_said_how(clip: Clip, notes: str) -> None:
    fitted, note = to_grid(clip, GRID)
    assert (len(fitted), fitted.size, fitted.fps) == (4, (32, 24), 8.0)
    assert notes in note and bool(note) == bool(notes)


def test_an_answer_far_too_short_has_failed_and_what_was_given_is_recorded(tmp_path: Path) -> None:
    short, odd = (moving(0, Grid(width=w, height=24, fps=fps, num_frames=n)) for w, fps, n in ((32, 8.0, 2), (48, 16.0, 8)))
    made = {"a": short, "b": odd}
    answers = {name: AnimationResult(request_id=name, clip=clip, animator="scripted", seconds=0) for name, clip in made.items()}
    run = whole_run(tmp_path / "run", Scripted(answers), "scripted")
    rows = {row["case"]: row for row in run.generation().to_dict("records")}
    assert rows["a"]["status"] == "failed" and "2 frames at 8 fps" in rows["a"]["reason"] and "two thirds" in rows["a"]["reason"]
    given = [rows["b"][f"given_{name}"] for name in ("frames", "fps", "width", "height")]
    assert rows["b"]["status"] == "ok" and given == [8, 16.0, 48, 24]


def test_a_declared_offset_is_in_the_run_and_may_not_change(tmp_path: Path) -> None:
    start_run(tmp_path / "run", suite(), "scripted", Scripted({}), 3, offset_s=0.5)
    assert json.loads((tmp_path / "run" / "plan.json").read_text())["offset_s"] == 0.5
    start_run(tmp_path / "run", suite(), "scripted", Scripted({}), 3, offset_s=0.5)
    with pytest.raises(ValueError, match="offset_s"):
        start_run(tmp_path / "run", suite(), "scripted", Scripted({}), 3)


def test_answer_and_driver_of_one_file_show_the_same_moments(tmp_path: Path) -> None:
    """Whatever the file's rate: a driver is read by `read_window`, an answer by `read_video` and `to_grid`."""
    for fps in (12, 15, 20, 24, 25, 30, 60, 30000 / 1001):
        numbered = Clip(frames=np.stack([np.full((24, 32, 3), 3 * t, np.uint8) for t in range(80)]), fps=fps)
        write_video(tmp_path / "numbered.mp4", numbered)
        grid = Grid(width=32, height=24, fps=8.0, num_frames=9)
        driver, answer = read_window(tmp_path / "numbered.mp4", grid)[0], to_grid(read_video(tmp_path / "numbered.mp4"), grid)[0]
        assert np.abs(driver.frames.astype(int) - answer.frames).max() <= 1, fps


def test_a_rerun_does_only_what_is_missing_and_agrees_to_the_byte(tmp_path: Path) -> None:
    whole = whole_run(tmp_path / "whole", Scripted({}), "scripted")
    first = start_run(tmp_path / "run", suite(), "scripted", Scripted({}), 3)
    generate_case(first, "c", Scripted({}))
    generate_case(first, "a", Scripted({}))
    first.video_path("a").unlink()  # as if the folder had lost a file
    first.record_path("c").write_text("{")  # as if a disk had lost a page
    draft = first.video_path("b").with_name(".b.mp4.0123.tmp")
    draft.write_bytes(b"half")  # as if the process had been killed while writing
    animator = Scripted({})
    run = start_run(tmp_path / "run", suite(), "scripted", animator, 3)
    assert pending(run) == ["a", "b", "c"]
    generate_case(run, "b", animator)
    assert pending(run) == ["a", "c"] and list(run.generation().case) == ["b"]
    run = whole_run(tmp_path / "run", animator, "scripted")
    assert [each.id for each in animator.asked] == ["b", "a", "c"] and not draft.exists()
    for case_id in IDS:
        assert run.video_path(case_id).read_bytes() == whole.video_path(case_id).read_bytes()
    assert not run.generation().drop(columns="seconds").compare(whole.generation().drop(columns="seconds")).size


def test_a_finished_run_is_left_alone_and_failures_are_retried_on_request(tmp_path: Path) -> None:
    run = whole_run(tmp_path / "run", Scripted({"b": ValueError("not today")}), "scripted")
    assert pending(run) == []
    generate_case(run, "b", Scripted({}))
    assert finish_generation(run).config["counts"] == {"ok": 3, "failed": 0}


@pytest.mark.parametrize(
    ("changes", "animator", "name", "seed", "field"),
    [
        ({}, EchoDriver(), "echo_driver", 4, "seed"),
        ({}, Still(), "still", 3, "system|animator"),
        ({"version": "2"}, EchoDriver(), "echo_driver", 3, "suite.version"),
        ({"fingerprint": "g"}, EchoDriver(), "echo_driver", 3, "suite.fingerprint"),
        ({"name": "other"}, EchoDriver(), "echo_driver", 3, "suite.name"),
    ],
)
def test_other_settings_in_the_same_folder_are_refused_by_name(
    tmp_path: Path, changes: dict, animator: object, name: str, seed: int, field: str
) -> None:
    start_run(tmp_path, suite(), "echo_driver", EchoDriver(), 3)
    with pytest.raises(ValueError, match=f"({field}): got .*as in its plan.json"):
        start_run(tmp_path, suite(**changes), name, animator, seed)


def test_a_folder_with_other_things_in_it_is_not_written_into(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(ValueError, match="content: got thesis.tex"):
        start_run(tmp_path, suite(), "echo_driver", EchoDriver(), 3)
    with pytest.raises(ValueError, match="run.json: got no such file"):
        Run.open(tmp_path)


def test_an_unfinished_run_is_not_declared_complete(tmp_path: Path) -> None:
    run = start_run(tmp_path / "run", suite(), "echo_driver", EchoDriver(), 3)
    generate_case(run, "a", EchoDriver())
    with pytest.raises(ValueError, match="2, e.g. "):
        finish_generation(run)
    assert not run.complete and any("run.json" in line for line in validate_run(run.path))


def marked(ids: tuple[str, ...] = IDS, **marks: str) -> Suite:
    """The suite with a mark of every case; another fingerprint for every choice of cases and marks."""
    known = {name: f"mark of {name}" for name in ids} | marks
    return suite(ids, fingerprint=str(sorted(known.items())), case_marks=known)


def test_a_run_covers_the_first_cases_and_goes_on_with_a_larger_limit(tmp_path: Path) -> None:
    animator = Scripted({})

    def up_to(limit: int | None) -> Run:
        run = start_run(tmp_path / "run", suite(), "scripted", animator, 3, limit=limit)
        for case_id in pending(run):
            generate_case(run, case_id, animator)
        return finish_generation(run)

    run = up_to(1)
    assert run.complete and [case.id for case in run.suite.cases] == ["a"] == list(run.generation().case)
    assert (run.config["suite"]["cases"], run.config["suite"]["of_cases"]) == (1, 3) and validate_run(run.path) == []
    first = run.video_path("a").read_bytes()
    run = up_to(2)
    assert list(run.generation().case) == ["a", "b"] and run.config["counts"] == {"ok": 2, "failed": 0}
    assert [case.id for case in up_to(1).suite.cases] == ["a", "b"]  # a smaller limit takes nothing away
    run = up_to(None)
    assert [each.id for each in animator.asked] == ["a", "b", "c"] and run.video_path("a").read_bytes() == first
    with pytest.raises(ValueError, match="limit: got 0"):
        up_to(0)


def test_a_run_goes_on_with_a_suite_that_has_grown(tmp_path: Path) -> None:
    animator = Scripted({"b": ValueError("no")})
    run = start_run(tmp_path / "run", marked(), "scripted", animator, 3)
    for case_id in pending(run):
        generate_case(run, case_id, animator)
    run = finish_generation(run)
    assert run.suite.case_marks == run.config["suite"]["case_marks"] == {name: f"mark of {name}" for name in IDS}
    run = start_run(tmp_path / "run", marked(("d", *IDS)), "scripted", animator, 3)
    assert not run.complete and pending(run) == ["d"] and not (run.path / "generation.parquet").exists()
    generate_case(run, "d", animator)
    run = finish_generation(run)
    assert list(run.generation().case) == ["d", *IDS] and [each.id for each in animator.asked] == [*IDS, "d"]
    assert set(run.suite.case_marks) == {"d", *IDS} and validate_run(run.path) == []


def test_a_case_that_has_changed_or_gone_is_refused_by_name(tmp_path: Path) -> None:
    start_run(tmp_path / "run", marked(), "echo_driver", EchoDriver(), 3)
    with pytest.raises(ValueError, match="case b: got other fields or media"):
        start_run(tmp_path / "run", marked((*IDS, "d"), b="another"), "echo_driver", EchoDriver(), 3)
    with pytest.raises(ValueError, match="case c: got no such case in the suite"):
        start_run(tmp_path / "run", marked(("a", "b", "d")), "echo_driver", EchoDriver(), 3)
    with pytest.raises(ValueError, match="suite.fit: got pad, expected crop"):
        start_run(tmp_path / "run", suite(fit="pad"), "echo_driver", EchoDriver(), 3)
    assert [case.id for case in Run.open(tmp_path / "run").suite.cases] == list(IDS)


def test_a_case_whose_media_were_broken_is_asked_again_once_they_are_mended(tmp_path: Path) -> None:
    run = start_run(tmp_path / "run", marked(("a", "broken")), "echo_driver", EchoDriver(), 3)
    for case_id in pending(run):
        generate_case(run, case_id, EchoDriver())
    assert finish_generation(run).config["counts"] == {"ok": 1, "failed": 1}
    same = start_run(tmp_path / "run", marked(("a", "broken")), "echo_driver", EchoDriver(), 3)
    assert same.complete and pending(same) == []
    mended = replace(marked(("a", "broken"), broken="mended"), source=lambda case: media(Case(id="b")))
    run = start_run(tmp_path / "run", mended, "echo_driver", EchoDriver(), 3)
    assert pending(run) == ["broken"]
    assert generate_case(run, "broken", EchoDriver())["status"] == "ok"


def test_a_run_stopped_while_it_grew_goes_on(tmp_path: Path) -> None:
    start_run(tmp_path / "run", marked(), "echo_driver", EchoDriver(), 3)
    grown, plan = marked((*IDS, "d")), (tmp_path / "run" / "plan.json").read_bytes()
    start_run(tmp_path / "run", grown, "echo_driver", EchoDriver(), 3)
    (tmp_path / "run" / "plan.json").write_bytes(plan)  # as if it had been killed between the suite and the plan
    run = start_run(tmp_path / "run", grown, "echo_driver", EchoDriver(), 3)
    assert pending(run) == [*IDS, "d"] and "d" in run.suite.case_marks


def test_validate_names_each_planted_fault(tmp_path: Path) -> None:
    run = whole_run(tmp_path / "run")
    run.video_path("a").unlink()
    run.video_path("b").write_bytes(run.video_path("c").read_bytes())
    entry = json.loads(run.record_path("c").read_text())
    assert entry["status"] == "ok"
    next((run.path / "suite" / "media").glob("*.npz")).write_bytes(b"damaged")
    problems = "\n".join(validate_run(run.path))
    assert "videos/a.mp4: got no such file" in problems and "videos/b.mp4: got sha256" in problems
    assert "case a: truth" in problems and "case c" not in problems


def test_a_run_has_the_name_it_was_given_and_keeps_it(tmp_path: Path) -> None:
    run = start_run(tmp_path / "run", suite(), "scripted", Scripted({}), 3, name="Vendor 2.1 (web)")
    assert run.system == "Vendor 2.1 (web)" and generate_case(run, "a", Scripted({}))["system"] == "Vendor 2.1 (web)"
    for name, said in ((None, "system: got scripted"), ("other", "system: got other")):
        with pytest.raises(ValueError, match=said):
            start_run(tmp_path / "run", suite(), "scripted", Scripted({}), 3, name=name)
    for name in ("", " x", "a\nb", "x" * 81):
        with pytest.raises(ValueError, match="name: got"):
            start_run(tmp_path / "new", suite(), "scripted", Scripted({}), 3, name=name)
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("still", "still"),
        ("/home/alice/models/mine", "mine"),
        ("recorded:/home/alice/answers", "recorded:answers"),
        ("recorded:/home/alice/runs/kling/videos", "recorded:kling"),
        ("plugin:https://host/v1", "plugin:https://host/v1"),
        ("sway:create:/home/alice/weights", "sway:create:weights"),
        ("my_package.sway:create:x", "my_package.sway:create:x"),
    ],
)
def test_a_run_does_not_say_where_its_animator_lay(written: str, kept: str, tmp_path: Path) -> None:
    assert placeless(written) == kept
    run = start_run(tmp_path / "run", suite(), written, Scripted({}), 3)
    assert run.config["animator"] == kept and "alice" not in (tmp_path / "run" / "plan.json").read_text()


def test_a_run_that_says_where_its_animator_lay_goes_on(tmp_path: Path) -> None:
    start_run(tmp_path / "run", suite(), "recorded:/old/place/x", EchoDriver(), 3)
    plan = read_json(tmp_path / "run" / "plan.json")
    write_json(tmp_path / "run" / "plan.json", plan | {"animator": "recorded:/old/place/x"})  # as before they were published
    assert start_run(tmp_path / "run", suite(), "recorded:/new/place/x", EchoDriver(), 3).system == "echo_driver"
    with pytest.raises(ValueError, match="animator: got recorded:y"):
        start_run(tmp_path / "run", suite(), "recorded:/new/place/y", EchoDriver(), 3)
