"""A study's report: what scripted raters meant is what it says, in every format, alone and in a comparison."""

import csv
import io
import json

import pandas as pd
import pytest

from awbench.judging.pairwise import COLUMNS
from awbench.report.write import write_report
from awbench.study.analysis import AHEAD, UNCLEAR, analyse, sentences
from awbench.study.judges import judge_votes, likeness
from awbench.study.key import read_key
from awbench.study.report import study_report, write_study_report
from awbench.study.sheets import sheets
from awbench.study.tables import as_latex, as_markdown
from awbench.study.vote_files import VOTES_FORMAT
from awbench.study.votes import read_votes
from tests.awbench.report_fakes import FakeRun, ramp, written_run
from tests.awbench.study_fakes import STUDY, People, key_of, write_study

QUALITY = {"ours": 1.2, "theirs": 0.2, "still": 0.1}


@pytest.fixture(scope="module")
def voted(tmp_path_factory):
    key = key_of()
    folder = tmp_path_factory.mktemp("study")
    return write_study(folder, key, People(key, QUALITY).sheets({3: "left"}))


def lead_of(report, first, second, question="overall", of="leads"):
    return next(one for one in getattr(report, of) if (one.first, one.second, one.question) == (first, second, question))


def test_the_known_preference_is_found_and_the_lazy_rater_left_out(voted):
    report = study_report([voted / "votes"], voted)
    assert lead_of(report, "ours", "theirs").outcome == lead_of(report, "ours", "still").outcome == AHEAD
    assert lead_of(report, "theirs", "still").outcome == UNCLEAR
    assert "R03" in [rater.name for rater in report.excluded]
    everyone = lead_of(report, "ours", "theirs", of="all_leads").found
    counted = lead_of(report, "ours", "theirs").found
    assert (everyone.votes, everyone.raters) == (120, 10) and counted.votes == 12 * (10 - len(report.excluded))
    assert counted.lead.mean > everyone.lead.mean
    assert [one.places[0].system for one in report.rankings] == ["ours"] * 4
    assert sentences(report)[0].startswith("ours is preferred to theirs by ")


def test_counts_are_exactly_the_votes_cast(voted):
    report = study_report([voted / "votes"], voted)
    key = json.loads((voted / "key.json").read_text())
    good = 0
    for file in (voted / "votes").iterdir():
        for vote in json.loads(file.read_text())["votes"]:
            trial = key["trials"][vote["trial"]]
            if trial["kind"] == "pair" and {trial["left"], trial["right"]} == {"ours", "still"}:
                good += trial.get(vote["answers"]["motion"]) == "ours"
    assert lead_of(report, "ours", "still", "motion", "all_leads").found.good == good


def test_holm_is_over_the_pairs_of_a_question(voted):
    report = study_report([voted / "votes"], voted)
    for question in report.key.questions:
        own = sorted((lead for lead in report.leads if lead.question == question), key=lambda lead: lead.found.p_sign)
        assert len(own) == 3 and own[0].p_adjusted == pytest.approx(min(1, 3 * own[0].found.p_sign))
        assert own[1].p_adjusted == pytest.approx(min(1, max(own[0].p_adjusted, 2 * own[1].found.p_sign)))
    assert all(lead.p_adjusted is None and not lead.outcome for lead in (*report.tag_leads, *report.all_leads))


def test_tags_split_the_first_question(voted):
    report = study_report([voted / "votes"], voted)
    assert {lead.tag for lead in report.tag_leads} == {"driver_subject=human", "driver_subject=bird"}
    parts = [lead.found.votes for lead in report.tag_leads if (lead.first, lead.second) == ("ours", "theirs")]
    assert sum(parts) == lead_of(report, "ours", "theirs").found.votes


def test_every_format_says_the_same(voted, tmp_path):
    written = write_study_report([voted / "votes"], voted / "key.json", tmp_path / "out")
    assert sorted(file.name for file in written) == ["study.csv", "study.html", "study.json", "study.md", "study.tex"]
    text = {file.suffix: file.read_text() for file in written}
    found = lead_of(study_report([voted / "votes"], voted), "ours", "theirs").found
    counts = f"{found.good} / {found.same} / {found.bad}"
    assert all(counts in text[suffix] for suffix in (".html", ".md", ".tex"))
    (row,) = [
        row
        for row in csv.DictReader(io.StringIO(text[".csv"]))
        if (row["of"], row["question"], row["tag"], row["first"], row["second"]) == ("counted", "overall", "", "ours", "theirs")
    ]
    assert [int(row[name]) for name in ("good", "same", "bad")] == [found.good, found.same, found.bad]
    assert float(row["lead"]) == pytest.approx(found.lead.mean) and row["outcome"] == AHEAD
    data = json.loads(text[".json"])
    assert data["study"] == STUDY and data["leads"][0]["good"] == found.good and len(data["raters"]) == 10
    assert "<script>" not in text[".html"] and "http" not in text[".html"].replace("http-equiv", "")
    (alone,) = write_study_report([voted / "votes"], voted, tmp_path / "t.md")
    assert alone.read_text() == text[".md"]


def test_names_are_escaped_everywhere(tmp_path):
    systems = ("a<b>&", "c|d_e%")
    key = key_of(systems=systems, cases=6, raters=5)
    folder = write_study(tmp_path, key, People(key, dict(zip(systems, (1, 0)))).sheets())
    text = {file.suffix: file.read_text() for file in write_study_report([folder / "votes"], folder, tmp_path / "out")}
    assert "a&lt;b&gt;&amp;" in text[".html"] and "a<b>" not in text[".html"]
    assert r"c\|d\_e" in text[".md"] and r"c|d\_e\%" in text[".tex"]


def test_what_is_left_out_is_said_with_its_reasons(tmp_path):
    key, told = key_of(cases=4, raters=4), []
    sheets_ = People(key, QUALITY).sheets()
    for sheet in sheets_[:2]:
        sheet["study"] = "f" * 16
    folder = write_study(tmp_path, key, sheets_)
    (folder / "votes" / "list.json").write_text("[]")
    write_study_report([folder / "votes"], folder, tmp_path / "r.md", told=told.append)
    why = "votes of another study (2); no votes file (1)"
    assert told == [f"note: files or votes left out: {why}. The table 'Odd votes and files' names them"]
    for sheet in sheets_:
        sheet["study"] = "f" * 16
    write_study(folder, key, sheets_)
    with pytest.raises(ValueError, match=rf"not one vote that counts: votes of another study \('f+'\), expected {STUDY}"):
        write_study_report([folder / "votes"], folder, tmp_path / "none.md")
    assert not (tmp_path / "none.md").exists()


def test_that_nobody_is_counted_is_said_at_once(tmp_path):
    key, told = key_of(cases=4, raters=3), []
    write_study(tmp_path, key, People(key, QUALITY).sheets(dict.fromkeys(range(3), "left")))
    write_study_report([tmp_path / "votes"], tmp_path, tmp_path / "r.md", told=told.append)
    write_study(tmp_path / "none", key, [])
    write_study_report([tmp_path / "none" / "votes"], tmp_path, tmp_path / "r.md", told=told.append)
    assert [line for line in told if "excluded" in line] == ["note: every rater is excluded; the table of raters says why"]
    assert "note: no votes yet, so the report has none" in told


def test_no_name_is_a_formula_in_a_spreadsheet(tmp_path):
    key = key_of(systems=("=HYPERLINK(1)", "@SUM(A1)"), cases=6, raters=5)
    folder = write_study(tmp_path, key, People(key, {"=HYPERLINK(1)": 0, "@SUM(A1)": 1}).sheets())
    (written,) = write_study_report([folder / "votes"], folder, tmp_path / "study.csv")
    rows = list(csv.DictReader(io.StringIO(written.read_text())))
    assert {(row["first"], row["second"]) for row in rows} == {("'=HYPERLINK(1)", "'@SUM(A1)")}
    assert float(rows[0]["lead"]) < 0  # numbers stay numbers


def test_edges_no_votes_one_rater_one_system_missing_one_case(tmp_path):
    key = key_of(cases=8, raters=6)
    sheets_ = People(key, QUALITY).sheets()
    none = write_study(tmp_path / "none", key, [])
    report = study_report([none / "votes"], none)
    assert report.votes == 0 and not report.raters and "No votes." not in as_markdown(report)
    assert "no vote on this pair counts" in as_markdown(report)
    assert "no votes" in as_markdown(report) and len(report.odd) == 1
    assert len(write_study_report([none / "votes"], none, none / "out")) == 5
    one = write_study(tmp_path / "one", key, sheets_[:1])
    found = study_report([one / "votes"], one)
    assert all(lead.outcome == UNCLEAR and lead.found.raters == 1 for lead in found.leads) and found.agreements[0][1].alpha is None
    for sheet in sheets_:
        sheet["votes"] = [vote for vote in sheet["votes"] if "still" not in (key["trials"][vote["trial"]][s] for s in ("left", "right"))]
    missing = study_report([write_study(tmp_path / "missing", key, sheets_) / "votes"], tmp_path / "missing")
    assert lead_of(missing, "ours", "still").found.votes == 0 and lead_of(missing, "ours", "still").p_adjusted is None
    assert [place.system for place in missing.rankings[0].places] == ["ours", "theirs"]
    small = key_of(cases=1, raters=6)
    single = write_study(tmp_path / "case", small, People(small, QUALITY).sheets())
    assert all(lead.outcome == UNCLEAR for lead in study_report([single / "votes"], single).leads)
    for folder in (one, single):
        assert len(write_study_report([folder / "votes"], folder, folder / "out")) == 5


def judge_sheet(key, name="judge:model-x"):
    """A judge that prefers what the raters are made to prefer."""
    votes = []
    for trial_id, trial in key["trials"].items():
        if trial["kind"] == "pair" and trial_id in key["slots"][0]:
            gap = QUALITY[trial["left"]] - QUALITY[trial["right"]]
            votes.append({"trial": trial_id, "answers": {"overall": "left" if gap > 0 else "right"}})
    return {"format": VOTES_FORMAT, "study": STUDY, "rater": name, "votes": votes}


def test_a_models_votes_stand_beside_the_people_and_never_among_them(tmp_path):
    key = key_of()
    sheets_ = People(key, QUALITY).sheets()
    people = study_report([write_study(tmp_path / "people", key, sheets_) / "votes"], tmp_path / "people")
    both = study_report([write_study(tmp_path / "both", key, [*sheets_, judge_sheet(key)]) / "votes"], tmp_path / "both")
    assert both.leads == people.leads and both.raters == people.raters and not both.odd
    assert lead_of(both, "ours", "still", of="judge_leads").found.good == 12
    (one,) = both.likenesses
    assert (one.judge, one.question, one.agreed.n) == ("judge:model-x", "overall", 36)
    assert one.agreed.mean > 0.6 and one.decided > 0.8 and 0.4 < one.people <= 1
    assert "judge:model-x" in as_markdown(both) and {"judges", "likeness"} <= {sheet.name for sheet in sheets(both)}


class JudgedRun:
    """What the study asks of a judged run."""

    def __init__(self, path, system, rows):
        self.path, self.system = path, system
        (path / "judge").mkdir(parents=True)
        pd.DataFrame([dict.fromkeys(COLUMNS) | row for row in rows]).to_parquet(path / "judge" / "pairwise.parquet")


def verdict(case, metric, baseline, said, status="ok"):
    return {"case": case, "metric": f"judge_{metric}", "baseline": baseline, "sample": 0, "verdict": said, "status": status, "model": "m"}


def test_verdicts_of_a_judged_run_are_votes_in_the_key_order(tmp_path, voted):
    key = read_key(voted)
    rows = [
        verdict("c00", "imaging_quality", "ours", "G"),
        verdict("c01", "motion_fidelity", "ours", "S"),
        verdict("c02", "imaging_quality", "ours", None, "refused"),
        verdict("c03", "temporal_consistency", "ours", "G"),
        verdict("c99", "imaging_quality", "ours", "G"),
        verdict("c04", "imaging_quality", "stranger", "G"),
    ]
    found = judge_votes([JudgedRun(tmp_path / "run", "theirs", rows)], key)
    assert [(vote.rater, vote.trial.case, vote.question, vote.first, vote.value) for vote in found] == [
        ("judge:m", "c00", "imaging", "ours", -1),
        ("judge:m", "c01", "motion", "ours", 0),
    ]
    people = [vote for vote in read_votes([voted / "votes"], key).rows if vote.trial.kind == "pair"]
    assert [one.question for one in likeness("judge:m", found, people, key.questions)] == ["imaging", "motion"]
    assert {lead.of for lead in analyse(read_votes([voted / "votes"], key), [JudgedRun(tmp_path / "b", "theirs", rows)]).judge_leads} == {
        "judge:m"
    }


def test_public_text_names_no_rater(voted):
    report = study_report([voted / "votes"], voted)
    assert "R03" in as_markdown(report) and "R03" not in as_markdown(report, public=True) + as_latex(report, public=True)


def test_wrong_use_is_said_before_anything_is_written(voted, tmp_path):
    with pytest.raises(ValueError, match="votes: got none"):
        write_study_report([], voted, tmp_path / "out")
    with pytest.raises(ValueError, match="which is not there"):
        write_study_report([tmp_path / "nowhere"], voted, tmp_path / "out")
    (tmp_path / "file.pdf").write_text("")
    with pytest.raises(ValueError, match="the file file.pdf"):
        write_study_report([voted / "votes"], voted, tmp_path / "file.pdf")
    assert not (tmp_path / "out").exists()
    with pytest.raises(ValueError, match="study: got format csv"):
        write_report([tmp_path], tmp_path / "r.csv", "csv", study=voted)


@pytest.fixture(scope="module")
def compared_runs(tmp_path_factory):
    folder = tmp_path_factory.mktemp("runs")
    return [written_run(folder / name, FakeRun(name, {"imaging_quality": ramp(level)})) for name, level in (("ours", 0.5), ("theirs", 0.2))]


def test_a_comparison_gets_a_section_that_names_no_rater(voted, compared_runs, tmp_path):
    page = write_report(compared_runs, tmp_path / "r.html", study=voted / "votes").read_text()
    found = lead_of(study_report([voted / "votes"], voted), "ours", "theirs").found
    assert 'id="people"' in page and f"{found.good} / {found.same} / {found.bad}" in page
    assert "10 raters voted" in page and "always answered left" in page and "R03" not in page
    text = write_report(compared_runs, tmp_path / "r.md", "markdown", study=voted).read_text()
    assert "**Preference, " in text and "R03" not in text
    assert "begin{table}" in write_report(compared_runs, tmp_path / "r.tex", "latex", study=voted).read_text()
    assert 'id="people"' not in write_report(compared_runs, tmp_path / "without.html").read_text()


def test_a_study_of_strangers_is_refused(compared_runs, tmp_path):
    key = key_of(systems=("x", "y"), cases=2, raters=1)
    folder = write_study(tmp_path / "study", key, [])
    with pytest.raises(ValueError, match="study: got systems x, y, expected some of ours, theirs"):
        write_report(compared_runs, tmp_path / "r.html", study=folder)
    with pytest.raises(ValueError, match="no key.json in or above"):
        write_report(compared_runs, tmp_path / "r.html", study=compared_runs[0])


def test_the_section_says_what_only_one_of_study_and_comparison_has(voted, compared_runs, tmp_path):
    other = written_run(tmp_path / "nobody", FakeRun("nobody", {"imaging_quality": ramp(0.1)}))
    page = write_report([compared_runs[0], other], tmp_path / "r.html", study=voted).read_text()
    assert "Not compared here: still, theirs. Nobody was asked about nobody." in page
    assert "Nobody was asked" not in write_report(compared_runs, tmp_path / "s.html", study=voted).read_text()


def test_a_study_of_another_suite_is_refused(compared_runs, tmp_path):
    key = key_of() | {"runs": [{"system": "ours", "path": "elsewhere", "suite": "f" * 64}]}
    folder = write_study(tmp_path / "study", key, People(key, QUALITY).sheets())
    with pytest.raises(ValueError, match="answers of ours to suite ffffffffffff, expected suite"):
        write_report(compared_runs, tmp_path / "r.html", study=folder)
