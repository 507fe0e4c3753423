"""The command line: exit codes, one-line errors, a short walk along the whole line without training."""

import json
import subprocess
import sys
from dataclasses import replace

import pyarrow.parquet as pq
import pytest

from awbench import catalog
from pipelines.cli import SUMMARIES, main
from pipelines.executor.source import source_root
from pipelines.verbs.flags import parse_size
from tests.bootstrap.factory_fakes import write_bad_clips, write_odd_pictures, write_sources


def test_help_names_every_verb_and_imports_nothing_heavy():
    heavy = ("torch", "numpy", "ray", "tyro")
    code = f"import sys; from pipelines.cli import main; main(['--help']); print([name for name in {heavy} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=source_root())
    assert all(verb in done.stdout for verb in SUMMARIES) and done.stdout.rstrip().endswith("[]")


@pytest.mark.parametrize("verb", SUMMARIES)
def test_every_verb_has_help(verb, capsys):
    with pytest.raises(SystemExit) as stopped:
        main([verb, "--help"])
    assert stopped.value.code == 0 and verb in capsys.readouterr().out


@pytest.mark.parametrize("verb", SUMMARIES)
def test_help_speaks_no_python(verb, capsys):
    with pytest.raises(SystemExit):
        main([verb, "--help"])
    said = capsys.readouterr().out
    assert not [word for word in ("None", "STR", "FLOAT", " INT") if word in said]


def test_usage_names_the_command_as_far_as_it_is_chosen(capsys):
    for words in (["suite", "make"], ["metrics", "selftest"], ["ls", "suites"]):
        with pytest.raises(SystemExit):
            main([*words, "--help"])
        assert capsys.readouterr().out.lstrip().startswith(f"usage: actorforge {' '.join(words)} ")


@pytest.mark.parametrize(
    ("flag", "value", "said"), [("--pairs", "few", "got 'few', expected a whole number"), ("--fit", "None", "'crop', 'pad', 'subject'")]
)
def test_a_value_that_cannot_be_read_is_told_in_words(flag, value, said, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["suite", "make", "--driving", "d", "--out", "o", flag, value])
    assert stopped.value.code == 2 and said in " ".join("".join(capsys.readouterr()).replace("│", " ").split())


def test_a_mistyped_verb_is_guessed(capsys):
    assert main(["synthesise"]) == 2
    assert "did you mean synthesize?" in capsys.readouterr().err


def test_no_verb_is_wrong_use_and_version_is_not(capsys):
    assert main([]) == 2 and main(["--version"]) == 0
    assert "actorforge" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["generate", "--animator", "stil", "--suite", "world-mini", "--out", "x"], "did you mean still"),
        (["generate", "--animator", "still", "--suite", "world-mino", "--out", "x"], "did you mean world-mini"),
        (["score", "nowhere"], "run.json"),
        (["validate", "nowhere"], "path: got nowhere"),
        (["train", "--data", "x", "--recipe", "tiny_e2e", "--steps", "0", "--out", "o"], "--steps: got 0"),
        (["world", "--out", "x", "--clips", "0"], "clips"),
        (["generate", "--animator", "still", "--suite", "world-mini", "--out", "x", "--workers", "-1"], "--workers: got -1"),
        (["score", "nowhere", "--workers", "-1"], "--workers: got -1"),
        (["synthesize", "--driving", "d", "--references", "r", "--teacher", "still", "--out", "x", "--workers", "-1"], "--workers: got -1"),
        (["synthesize", "--driving", "d", "--references", "r", "--teacher", "still", "--out", "x", "--fps", "0"], "fps: got 0.0"),
        (["synthesize", "--driving", "d", "--references", "r", "--teacher", "still", "--out", "d/x"], "neither inside the other"),
    ],
)
def test_mistakes_are_one_line_and_exit_2(arguments, said, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("d", "r"):
        (tmp_path / name).mkdir()
    assert main(arguments) == 2
    error = capsys.readouterr().err.strip()
    assert error.splitlines()[-1].startswith(f"actorforge {arguments[0]}: ") and said in error and "Traceback" not in error
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("arguments", [["synthesize"], ["ls", "everything"], ["generate", "--workers", "many"], ["report"]])
def test_what_tyro_refuses_exits_2(arguments, capsys):
    try:
        assert main(arguments) == 2
    except SystemExit as stopped:
        assert stopped.code == 2


@pytest.mark.parametrize("what", ["animators", "suites", "metrics", "recipes"])
def test_ls_prints_one_name_first_in_each_row(what, capsys):
    assert main(["ls", what]) == 0
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()]
    expected = {"animators": "flow_warp", "suites": "world-mini", "metrics": "overall", "recipes": "tiny_e2e"}
    assert expected[what] in names and len(names) == len(set(names))


def test_suites_are_listed_with_cases_and_grid(capsys, monkeypatch):
    table = {
        "world-mini": catalog.SUITES.entries["world-mini"],
        "broken": replace(catalog.SUITES.entries["world-dev"], target="no_such:suite"),
    }
    monkeypatch.setattr(catalog, "SUITES", replace(catalog.SUITES, entries=table))
    monkeypatch.setattr("awbench.suites.load.SUITES", catalog.SUITES)
    assert main(["ls", "suites", "--long"]) == 0
    broken, mini = capsys.readouterr().out.split("\n\n")
    assert "cannot be read" in broken and "no_such" in broken
    assert "cases     16" in mini and "48x48 px, 6 frames at 8 fps (0.75 s)" in mini
    assert main(["ls", "metrics", "--long"]) == 2 and "expected it with animators or suites" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["48", "0x4", "4x0", "00x4", "axb", "4x4x4", "-4x4", "4x1000000", ""])
def test_a_bad_size_is_refused(text):
    with pytest.raises(ValueError, match="--size: got .*expected WxH"):
        parse_size(text)


def test_a_good_size():
    assert parse_size("64x48") == (64, 48) and parse_size("100x10") == (100, 10)


def test_pairs_from_a_shell(tmp_path, capsys):
    driving, references = write_sources(tmp_path, clips=2, identities=2)
    flags = ["--driving", str(driving), "--references", str(references), "--out", str(tmp_path / "out"), "--num-frames", "4"]
    flags += ["--thresholds.off"]
    assert main(["synthesize", *flags, "--teacher", "flow_warp", "--size", "32x32", "--limit", "2"]) == 0
    assert "of 2 pairs" in capsys.readouterr().out
    assert main(["validate", str(tmp_path / "out")]) == 0 and "dataset, no problems" in capsys.readouterr().out
    assert main(["synthesize", *flags, "--teacher", "flow_warp", "--size", "32x32", "--limit", "1"]) == 2
    assert "limit: got 1, expected >= 2" in capsys.readouterr().err
    assert main(["report", str(tmp_path / "out"), "--out", str(tmp_path / "yields.json"), "--format", "json"]) == 0
    assert json.loads((tmp_path / "yields.json").read_text())


def test_nothing_kept_exits_1(tmp_path, capsys):
    driving, references = write_sources(tmp_path, clips=1, identities=1)
    flags = ["--driving", str(driving), "--references", str(references), "--out", str(tmp_path / "out"), "--num-frames", "4"]
    assert main(["synthesize", *flags, "--teacher", "still"]) == 1
    assert "kept 0 of 1 pairs" in capsys.readouterr().out


def test_every_bad_input_is_accounted_for_and_the_rest_is_finished(tmp_path, capsys):
    driving, references = write_sources(tmp_path, clips=1, identities=1)
    bad = write_bad_clips(driving)
    odd = write_odd_pictures(references)
    (references / "text.png").write_text("no picture")
    flags = ["--driving", str(driving), "--references", str(references), "--out", str(tmp_path / "out"), "--num-frames", "4"]
    flags += ["--thresholds.off"]
    assert main(["synthesize", *flags, "--teacher", "flow_warp", "--size", "32x32"]) == 0
    assert f"{len(bad) + 1} input files could not be used" in capsys.readouterr().out
    rows = pq.read_table(tmp_path / "out" / "manifest.parquet").to_pylist()
    failed = {row["driving"] or row["reference"]: row["reason"] for row in rows if not (row["driving"] and row["reference"])}
    assert set(failed) == {*bad, "text.png"} and all(failed.values())
    made = {row["reference"]: row["status"] for row in rows if row["driving"] and row["reference"]}
    assert set(made) == {*odd, "who0.png"} and "failed" not in made.values() and made["who0.png"] == "kept"
    assert main(["validate", str(tmp_path / "out")]) == 0


def test_a_grid_too_small_to_work_on_says_what_failed(tmp_path, capsys):
    driving, references = write_sources(tmp_path, clips=1, identities=1)
    flags = ["--driving", str(driving), "--references", str(references), "--out", str(tmp_path / "out"), "--num-frames", "4"]
    assert main(["synthesize", *flags, "--teacher", "flow_warp", "--size", "1x1"]) == 1
    assert "1  light: 0 < 0.5 of the usual contrast in some frame" in capsys.readouterr().out


@pytest.mark.parametrize("error", [RuntimeError("half a file"), KeyError("weights"), TypeError("not a dict")])
def test_whatever_a_damaged_file_provokes_is_a_problem_without_a_traceback(error, monkeypatch, capsys):
    def provoked(path):
        raise error

    monkeypatch.setattr("pipelines.validate.validate", provoked)
    assert main(["validate", "x"]) == 1 and type(error).__name__ in capsys.readouterr().out
    monkeypatch.setenv("ACTORFORGE_DEBUG", "1")
    with pytest.raises(type(error)):
        main(["validate", "x"])


def test_a_dataset_with_a_damaged_record_is_a_problem(tmp_path, capsys):
    (tmp_path / "units").mkdir()
    (tmp_path / "manifest.parquet").write_bytes(b"PAR1")
    (tmp_path / "run.json").write_text("[]")
    assert main(["validate", str(tmp_path)]) == 1
    assert "run.json: teacher: got a list as the whole" in capsys.readouterr().out


def test_a_bad_clip_in_a_folder_is_a_problem(tmp_path, capsys):
    driving, _ = write_sources(tmp_path, clips=1, identities=1)
    assert main(["validate", str(driving)]) == 0
    (driving / "empty.mp4").write_bytes(b"")
    assert main(["validate", str(driving)]) == 1 and "empty.mp4: empty file" in capsys.readouterr().out


def test_an_interruption_says_how_to_continue(monkeypatch, capsys):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("pipelines.validate.validate", interrupted)
    assert main(["validate", "x"]) == 130 and "the same command continues" in capsys.readouterr().err
