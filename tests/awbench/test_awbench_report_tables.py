"""Rows, marks, names, refusals and the text formats, on small fake runs."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from awbench.cases import Case
from awbench.report import formats
from awbench.report.comparison import compare, unique_names
from awbench.report.groups import groups_of, tag_text
from awbench.report.html import wide_table
from awbench.report.metric_facts import MetricFacts
from awbench.report.table import BEST, BETTER, SECOND, UNMARKED, Row, difference_rows, failure_counts, marks, mean_rows
from awbench.report.tags import tag_choices
from awbench.statistics import Estimate
from tests.awbench.report_fakes import CASES, FakeRun, compared, ramp, suite_of


def pick(rows, **wanted):
    return [row for row in rows if all(getattr(row, name) == value for name, value in wanted.items())]


def test_mean_n_and_failed_are_counted_apart():
    values = ramp() | {"c01": ("failed", "broken"), "c02": ("unscored", "self track")}
    del values["c03"]
    (row,) = pick(mean_rows(compared(FakeRun("a", {"overall": values}))), tag=None)
    expected = [index / 100 for index in range(12) if index not in (1, 2, 3)]
    assert row.estimate.mean == pytest.approx(sum(expected) / 9)
    assert (row.estimate.n, row.failed, row.unscored, row.missing) == (9, 1, 1, 1)


def test_a_generation_failure_without_score_rows_is_a_failure_with_its_reason():
    values = ramp()
    del values["c05"]
    comparison = compared(FakeRun("a", {"overall": values}, failures={"c05": "out of memory"}))
    (row,) = pick(mean_rows(comparison), tag=None)
    assert (row.estimate.n, row.failed, row.missing) == (11, 1, 0)
    assert failure_counts(comparison) == [("a", "generation", "out of memory", 1)]


def test_a_value_that_is_not_finite_is_a_failure_and_json_stays_finite():
    comparison = compared(FakeRun("a", {"psnr": ramp() | {"c01": float("inf"), "c02": float("nan")}}))

    def refuse(name):
        raise AssertionError(name)

    rows = json.loads(formats.as_json(comparison), parse_constant=refuse)
    whole = [row for row in rows if row["tag"] is None]
    assert [(row["n"], row["failed"]) for row in whole] == [(10, 2)]


def test_nothing_scored_is_a_visible_row_with_null():
    comparison = compared(FakeRun("a", {"overall": {case.id: ("failed", "x") for case in CASES}}))
    (row,) = [row for row in json.loads(formats.as_json(comparison)) if row["tag"] is None]
    assert row == {
        "system": "a",
        "metric": "overall",
        "tag": None,
        "baseline": None,
        "mean": None,
        "low": None,
        "high": None,
        "n": 0,
        "failed": 12,
    }


def test_tags_split_the_cases_and_cross_cells_leave_the_self_track_out():
    rows = mean_rows(compared(FakeRun("a", {"overall": ramp()})))
    counts = {row.tag: row.estimate.n for row in rows}
    assert counts["driver_subject=bird"] == 6 and counts["novel=true"] == 2 and counts["track=self"] == 1
    assert counts["driver_to_reference=human_to_non-human"] == 3 and counts["driver_to_reference=human_to_human"] == 2
    assert counts["driver_kind=human"] + counts["driver_kind=non-human"] == 11


def test_paired_differences_are_exact_and_by_case():
    comparison = compared(FakeRun("base", {"overall": ramp()}), FakeRun("better", {"overall": ramp(0.25) | {"c04": ("failed", "x")}}))
    (row,) = pick(difference_rows(comparison, "base"), tag=None)
    assert (row.system, row.baseline, row.estimate.n, row.failed) == ("better", "base", 11, 1)
    assert row.estimate.mean == pytest.approx(0.25) and row.verdict == BETTER


def test_unknown_baseline_names_the_systems():
    with pytest.raises(ValueError, match="baseline: got 'x', expected one of a, b"):
        difference_rows(compared(FakeRun("a", {"overall": ramp()}), FakeRun("b", {"overall": ramp()})), "x")


def test_marks_need_a_difference_and_skip_the_ceiling():
    runs = [FakeRun("ground_truth", {"overall": ramp(0.8)}), FakeRun("a", {"overall": ramp(0.5)}), FakeRun("b", {"overall": ramp(0.2)})]
    comparison = compared(*runs)
    assert marks(comparison, comparison.cases)["overall"] == {"a": BEST, "b": SECOND}
    tied = compared(FakeRun("a", {"overall": ramp()}), FakeRun("b", {"overall": ramp()}))
    assert marks(tied, tied.cases)["overall"] == {}
    assert marks(comparison, comparison.cases[:3])["overall"] == {}


def marks_of(*runs):
    """Of the first metric, by system; also as printed."""
    comparison = compared(*runs)
    printed = {row.system: row.mark for row in pick(mean_rows(comparison), tag=None, metric=comparison.metrics[0].name)}
    found = marks(comparison, comparison.cases).get(comparison.metrics[0].name, {})
    assert found == {name: mark for name, mark in printed.items() if mark}
    return printed


def test_a_mean_over_the_easy_cases_alone_does_not_win():
    cases = tuple(Case(id=f"k{index:02d}") for index in range(40))
    suite, easy = suite_of(cases), [case.id for case in cases[:12]]
    failing = {case.id: 0.8 if case.id in easy else ("failed", "out of memory") for case in cases}
    better = {case.id: 0.85 if case.id in easy else 0.5 for case in cases}
    runs = [FakeRun("failing", {"overall": failing}, suite=suite), FakeRun("better", {"overall": better}, suite=suite)]
    runs += [FakeRun("worst", {"overall": {case.id: 0.1 for case in cases}}, suite=suite)]
    assert marks_of(*runs) == {"failing": UNMARKED, "better": BEST, "worst": SECOND}
    few = failing | {name: ("failed", "x") for name in easy[5:]}  # too few to be compared with anything
    assert marks_of(FakeRun("few", {"overall": few}, suite=suite), *runs[1:]) == {"few": UNMARKED, "better": BEST, "worst": SECOND}


def test_lower_is_better_where_the_metric_says_so_and_shares_are_in_percent():
    leaks, clean = {case.id: float(index > 5) for index, case in enumerate(CASES)}, {case.id: 0.0 for case in CASES}
    runs = FakeRun("leaks", {"driver_leak": leaks}), FakeRun("clean", {"driver_leak": clean})
    assert marks_of(*runs) == {"leaks": SECOND, "clean": BEST}
    text = formats.as_markdown(compared(*runs), "leaks")
    assert "driver\\_leak ↓" in text and "**0.0 %**" in text and "<u>50.0 %</u>" in text and "−50.0 pp" in text
    assert "50.0 \\%" in formats.as_latex(compared(*runs))
    page = wide_table("means", compared(*runs), mean_rows(compared(*runs))).groups[0]
    assert [(name, cells[0].mark, cells[0].lower_first) for name, cells in page.rows] == [("clean", BEST, True), ("leaks", SECOND, True)]


def test_a_share_of_nothing_is_never_minus_zero():
    estimate = Estimate(mean=-1e-17, low=-1e-17, high=0.0, n=12, drivers=12, references=12)
    row = Row(system="s", metric="driver_leak", tag=None, baseline=None, estimate=estimate, failed=0, unscored=0, missing=0)
    facts = MetricFacts(name="driver_leak", version="1", is_share=True)
    assert formats.row_number(-1e-17, row, facts) == "0.0 %"


def test_motion_is_not_ranked_where_no_case_has_a_truth():
    names = ("overall", "motion_fidelity", "imaging_quality", "pose_agreement")
    values = {name: (ramp(0.5), ramp(0.2)) for name in names}
    for has_truth in (True, False):
        suite = suite_of(has_truth=has_truth)
        runs = [FakeRun(name, {metric: pair[k] for metric, pair in values.items()}, suite=suite) for k, name in enumerate("ab")]
        comparison = compared(*runs)
        marked = {row.metric for row in pick(mean_rows(comparison), tag=None, mark=BEST)}
        assert marked == (set(values) if has_truth else {"imaging_quality", "pose_agreement"})
        for text in (formats.as_markdown(comparison), formats.as_latex(comparison)):
            assert ("Ranks nobody here: " in text) != has_truth


def test_metrics_unscored_for_all_are_named_once_and_not_shown():
    none = {case.id: ("unscored", "needs the truth") for case in CASES} | {"c03": ("failed", "generation failed: x")}
    runs = [FakeRun(name, {"overall": ramp(), "psnr": none, "ssim": none}, failures={"c03": "x"}) for name in "ab"]
    comparison = compared(*runs)
    text = formats.as_markdown(comparison)
    assert [metric.name for metric in comparison.shown] == ["overall"] and "psnr ↑" not in text
    assert text.count("Unscored for every system and not shown: psnr, ssim (needs the truth).") == 1
    assert {row["metric"] for row in json.loads(formats.as_json(comparison))} == {"overall", "psnr", "ssim"}
    runs[1].values["psnr"] = ramp()
    assert [metric.name for metric in compared(*runs).shown] == ["overall", "psnr"]


def test_a_row_without_a_value_has_no_say_in_the_version():
    absent = FakeRun("b", {"overall": {case.id: ("unscored", "no model") for case in CASES}}, version="1")
    assert compared(absent, FakeRun("a", {"overall": ramp()}, version="1+ab12cd")).metrics[0].version == "1+ab12cd"


def test_a_subject_tag_that_repeats_the_references_is_shown_once():
    same = tuple(Case(id=case.id, tags={**case.tags, "subject": case.tags["reference_subject"]}) for case in CASES)
    differs = (*same[:-1], Case(id="other", tags={**same[-1].tags, "subject": "dog"}))
    assert not [tag for tag in groups_of(same) if tag and tag.startswith("subject=")]
    assert "reference_subject=blob" in groups_of(same) and "subject=dog" in groups_of(differs)


def test_one_driver_is_said_and_nothing_is_marked():
    cases = tuple(Case(id=case.id, driver_id="d") for case in CASES)
    runs = [FakeRun(name, {"overall": ramp(offset)}, suite=suite_of(cases)) for name, offset in (("a", 0.5), ("b", 0.1))]
    assert set(marks_of(*runs).values()) == {UNMARKED} and "over 1 driver and 12 references" in formats.as_markdown(compared(*runs))


def test_equal_names_are_told_apart_by_as_much_folder_as_it_takes():
    assert unique_names(["a", "b"], [Path("/x/1"), Path("/x/2")]) == ["a", "b"]
    assert unique_names(["a", "a", "b"], [Path("/x/1"), Path("/x/2"), Path("/x/3")]) == ["a (1)", "a (2)", "b"]
    assert unique_names(["a", "a"], [Path("/x/run"), Path("/y/run")]) == ["a (x/run)", "a (y/run)"]


@pytest.mark.parametrize(
    ("other", "field"),
    [
        (suite_of(version="2"), "suite version"),
        (suite_of(name="maxi"), "suite name"),
        (suite_of(cases=CASES[:-1]), "suite case ids"),
    ],
)
def test_runs_of_different_suites_are_refused_by_name(other, field):
    values = {"overall": ramp(cases=other.cases)}
    with pytest.raises(ValueError, match=rf"run /runs/1: {field}.*/runs/0"):
        compared(FakeRun("a", {"overall": ramp()}), FakeRun("b", values, suite=other))


def test_other_refusals_name_the_run():
    run = FakeRun("a", {"overall": ramp()})
    with pytest.raises(ValueError, match="run /runs/1: overall version: got 2, expected 1"):
        compared(run, FakeRun("b", {"overall": ramp()}, version="2"))
    with pytest.raises(ValueError, match="/runs/0: scores.parquet.*actorforge score"):
        compared(FakeRun("a", {}))
    with pytest.raises(ValueError, match="/runs/0 twice"):
        compare([run, run], [Path("/runs/0"), Path("/runs/0")])
    with pytest.raises(ValueError, match="scores.parquet case: got ghost"):
        compared(FakeRun("a", {"overall": {"ghost": 1.0}}))


def test_filtered_metrics_flag_the_composite_too():
    run = FakeRun("a", {"overall": ramp(), "motion_fidelity": ramp(), "psnr": ramp()}, config={"filter_metrics": ["motion_fidelity"]})
    comparison = compared(run)
    assert comparison.systems[0].filters == {"motion_fidelity", "overall"}
    assert "†" in formats.as_markdown(comparison) and r"$^\dagger$" in formats.as_latex(comparison)
    assert "†" not in formats.as_markdown(compared(FakeRun("a", {"overall": ramp()})))


def test_csv_and_json_hold_the_same_rows():
    comparison = compared(FakeRun('a,"x"', {"overall": ramp()}), FakeRun("b", {"overall": ramp(0.1)}))
    rows = json.loads(formats.as_json(comparison, "b"))
    table = list(csv.DictReader(io.StringIO(formats.as_csv(comparison, "b"))))
    assert [tuple(row) for row in table] == [formats.CSV_FIELDS] * len(rows) and formats.CSV_FIELDS[:9] == formats.FIELDS
    assert {(row["standing"], row["ranks"]) for row in table} == {("ranked", "True")}
    assert [(row["system"], float(row["mean"])) for row in table] == [(row["system"], row["mean"]) for row in rows]
    assert {row["baseline"] for row in rows} == {None, "b"}


def test_printed_tables_mark_escape_and_say_n():
    failed = {"c00": ("failed", "x")}  # for both: neither answered fewer than the other
    runs = [FakeRun("a_1 & <b>|", {"overall": ramp(0.5) | failed}), FakeRun("b", {"overall": ramp(0.1) | failed})]
    markdown, latex = formats.as_markdown(compared(*runs), "b"), formats.as_latex(compared(*runs), "b")
    assert "**0.560**" in markdown and "<u>0.160</u>" in markdown and "(n=11, 1 failed)" in markdown
    assert "a\\_1 &amp; &lt;b&gt;\\|" in markdown
    assert r"\textbf{0.560}" in latex and r"\underline{0.160}" in latex and r"a\_1 \& \textless{}b\textgreater{}|" in latex
    assert latex.count(r"\toprule") == latex.count(r"\bottomrule") == latex.count(r"\begin{table}") > 1


@pytest.mark.parametrize(("value", "text"), [(None, "–"), (0.12345, "0.123"), (45.678, "45.68"), (-0.5, "−0.500"), (-0.0001, "0.000")])
def test_numbers(value, text):
    assert formats.number(value) == text


def test_tag_text_writes_booleans_in_lower_case():
    assert tag_text("novel", True) == "novel=true" and tag_text("count", "2") == "count=2"


def test_a_page_offers_tags_that_group_cases_and_no_free_text():
    cases = tuple(
        Case(
            id=f"c{index:02d}",
            tags={
                "subject": ("cat", "dog")[index % 2],
                "one": "same",
                "motion": f"move {index % 14}",
                "take": f"take {index % 20}",
                "told": ("a person who walks slowly along a river", "a person who stands before a house and waves")[index % 2],
                "note": f"note {index}",
            },
        )
        for index in range(40)
    )
    values = {case.id: 0.5 for case in cases}
    offered = tag_choices(compared(FakeRun("a", {"imaging_quality": values}, suite=suite_of(cases))))
    assert {name: len(choices) for name, choices in offered.items()} == {"subject": 2, "motion": 14}
    assert [(choice.value, choice.count) for choice in offered["subject"]] == [("cat", 20), ("dog", 20)]
