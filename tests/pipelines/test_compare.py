"""`actorforge compare`: sentences first, then a table, and all of it for machines."""

from __future__ import annotations

import json

import pytest

from pipelines.cli import main
from tests.awbench.report_fakes import CASES, FakeRun, ramp, written_run


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    part = ramp(0.9) | {case.id: ("failed", "x") for case in CASES[:4]}
    still = {"pose_agreement": {case.id: 1.0 for case in CASES}, "motion_fidelity": {case.id: 0.0 for case in CASES}}
    own = {"good": ramp(0.5), "bad": ramp(0.2), "[part]": part}
    runs = [FakeRun("still", still)]
    runs += [FakeRun(name, {"pose_agreement": values, "motion_fidelity": ramp(0.3)}) for name, values in own.items()]
    return [str(written_run(root / str(number), run)) for number, run in enumerate(runs)]


def test_the_verb_says_who_beats_whom(folders, capsys):
    assert main(["compare", *folders[:3]]) == 0
    said = capsys.readouterr().out
    assert said.startswith("good beats bad on pose agreement by 0.30 [0.30, 0.30], n = 12.\n")
    assert "still is not ranked: it shows none of the driver's motion (motion_fidelity at most 0.02 on 12 of 12 cases)." in said
    assert "Ranks nobody here: motion_fidelity" in said and "motion fidelity (ranks nobody)" in said
    header = next(line for line in said.splitlines() if "still" in line and "good" in line)
    assert header.split() == ["good", "bad", "still"] and "0.555" in said


def test_the_first_line_says_what_nothing_here_can_tell_and_which_commands_can(tmp_path, capsys):
    runs = [
        FakeRun(name, {"imaging_quality": ramp(offset), "driver_leak": dict.fromkeys(ramp(), 0.0)})
        for name, offset in (("a", 0.5), ("b", 0.1))
    ]
    folders = [str(written_run(tmp_path / str(number), run)) for number, run in enumerate(runs)]
    assert main(["compare", *folders, "--json", str(tmp_path / "found.json")]) == 0
    said, found = capsys.readouterr().out, json.loads((tmp_path / "found.json").read_text())
    first = said.splitlines()[0]
    assert first.startswith("Nobody is ranked: nothing that was scored sees who follows the driver, or a torn or melted body.")
    assert "`actorforge judge " in first and "`actorforge score RUNS --estimator " in first and said.count(first) == 1
    assert " beats " not in said and "no order: nobody is ranked" in said and "imaging quality ↑ (not alone)" in said
    assert (found["notes"][0], found["verdicts"]) == (first, []) and {one["kind"] for one in found["systems"]} == {"unranked"}


def test_machines_get_every_finding(folders, tmp_path, capsys):
    assert main(["compare", *folders, "--baseline", "good", "--json", str(tmp_path / "found.json")]) == 0
    found = json.loads((tmp_path / "found.json").read_text())
    assert [(one["system"], one["kind"]) for one in found["systems"]] == [
        ("good", "ranked"), ("bad", "ranked"), ("[part]", "partial"), ("still", "degenerate")
    ]  # fmt: skip
    assert [(one["first"], one["second"]) for one in found["verdicts"]] == [("bad", "good"), ("[part]", "good")]
    (first,) = found["verdicts"][0]["findings"]
    assert (first["metric"], first["outcome"], first["n"]) == ("pose_agreement", "behind", 12) and first["gain"] == pytest.approx(-0.3)
    assert "[part]" in capsys.readouterr().out and found["notes"] and found["cases"] == 12


@pytest.mark.parametrize(
    ("arguments", "said"),
    [(lambda runs: runs[:1], "two or more run folders"), (lambda runs: [*runs[:2], "--baseline", "x"], "baseline: got 'x'")],
)
def test_wrong_use_is_one_line(folders, arguments, said, capsys):
    assert main(["compare", *arguments(folders)]) == 2
    assert said in capsys.readouterr().err


def test_names_are_whole_in_a_pipe_and_in_a_narrow_terminal(tmp_path, capsys, monkeypatch):
    names = [f"recorded:a_rather_long_name_{number}" for number in range(4)]
    runs = [FakeRun(name, {"imaging_quality": ramp(0.2 + 0.1 * number)}) for number, name in enumerate(names)]
    folders = [str(written_run(tmp_path / str(number), run)) for number, run in enumerate(runs)]
    heads = {}
    for columns in (None, "80"):
        monkeypatch.delenv("COLUMNS", raising=False)
        if columns:
            monkeypatch.setenv("COLUMNS", columns)
        assert main(["compare", *folders]) == 0
        lines = capsys.readouterr().out.split("means over")[1].splitlines()
        heads[columns] = [line.split() for line in lines if "recorded:" in line]
        assert columns is None or all(len(line) <= 80 for line in lines)
    assert len(heads[None]) == 1 and sorted(heads[None][0]) == names
    assert len(heads["80"]) == 4 and sorted(name for head in heads["80"] for name in head) == names
