"""What a page is made of: the order of metrics, what was done to answers, duels, profiles, judges and the case to open with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from awbench.cases import Case, CaseMedia, Suite
from awbench.judging.answers import COLUMNS as ANSWER_COLUMNS
from awbench.judging.answers import answers_path
from awbench.judging.identity import Judge, Used, remember
from awbench.judging.rubrics import rubric_version
from awbench.report.alike import forms
from awbench.report.answers import answer_notes, answers_of, summary
from awbench.report.cells import WORST, lead_table
from awbench.report.columns import columns, leading, leading_metric
from awbench.report.comparison import compare
from awbench.report.duels import win_matrix
from awbench.report.figures import marks_on, radar_svg
from awbench.report.formats import as_markdown
from awbench.report.gallery import (
    Card,
    Known,
    Tile,
    answered_by_ranked,
    case_cards,
    empty_tile,
    farthest,
    opening_card,
    silent_systems,
    telling_case,
)
from awbench.report.html import environment
from awbench.report.judge_notes import judge_notes
from awbench.report.media import MediaFolder
from awbench.report.page_data import page_data
from awbench.report.profile import profile
from awbench.report.published import published
from awbench.report.systems import cost_notes, suite_adaptation, system_cards
from awbench.report.table import BETTER, WORSE, failure_counts, mean_rows
from awbench.report.tags import tag_choices
from awbench.report.write import write_report
from awbench.runs import Run
from awbench.verdicts import Verdict, verdicts
from models.images import read_image
from models.types import Clip, Grid
from models.video import write_video
from tests.awbench.report_fakes import CASES, FakeRun, compared, ramp, suite_of, written_run

METRICS = (
    "overall",
    "imaging_quality",
    "motion_fidelity",
    "appearance_consistency",
    "driver_leak",
    "lag",
    "ssim",
    "psnr",
    "clip_appearance",
    "judge_imaging_quality",
)


def both(values=METRICS, **settings):
    """Two systems, the first better on everything."""
    better = {name: ramp(0.5) for name in values}
    worse = {name: ramp(0.2) for name in values}
    if "driver_leak" in values:
        better["driver_leak"], worse["driver_leak"] = dict.fromkeys(ramp(), 0.0), dict.fromkeys(ramp(), 1.0)
    return compared(FakeRun("a", better, **settings), FakeRun("b", worse, **settings))


def test_the_judge_leads_then_learned_then_truth_then_weight_free():
    names = [column.metric.name for column in columns(both())]
    assert names[:4] == ["judge_imaging_quality", "clip_appearance", "ssim", "psnr"] and names[-1] == "lag"
    assert leading_metric(columns(both())).name == "judge_imaging_quality"
    assert leading_metric(columns(both(("overall", "imaging_quality")))).name == "imaging_quality"  # no whole of others leads


def test_without_truth_blind_metrics_end_the_table_and_say_why():
    found = columns(both((*METRICS, "pose_agreement", "judge_motion_fidelity"), suite=suite_of(has_truth=False)))
    blind = {column.metric.name: column.blind for column in found if column.blind}
    assert {"overall", "motion_fidelity", "lag"} <= blind.keys() and "without a truth" in blind["motion_fidelity"]
    assert [bool(column.blind) for column in found] == sorted(bool(column.blind) for column in found)
    assert "imaging_quality" not in blind and leading_metric(found).name == "judge_motion_fidelity"
    learned = columns(both(("clip_appearance", "pose_agreement", "imaging_quality"), suite=suite_of(has_truth=False)))
    assert leading_metric(learned).name == "pose_agreement"  # a bent reference looks most like the reference


def test_what_sees_no_follower_is_shown_ranks_nobody_alone_and_leads_no_duel():
    comparison = both(("overall", "imaging_quality", "driver_leak", "clip_appearance", "lag"), suite=suite_of(has_truth=False))
    found = columns(comparison)
    assert {column.metric.name: column.look for column in found} == {
        "clip_appearance": "alone", "imaging_quality": "alone", "driver_leak": "alone", "overall": "blind", "lag": "blind"
    }  # fmt: skip
    assert found[0].told == "ranks nobody alone" and leading_metric(found) is None and profile(comparison, found) is None
    table = lead_table(comparison, leading(found), mean_rows(comparison))
    assert {row.place for row in table.rows} == {"–"} and {cell.mark for row in table.rows for cell in row.cells} == {"alone", "blind"}
    assert page_data(comparison, found, [])["apart"][0] == comparison.unseen


def test_the_first_table_fits_and_holds_no_metric_that_only_informs():
    chosen = leading(columns(both()))
    names = [column.metric.name for column in chosen]
    assert len(names) <= 7 and "lag" not in names and "psnr" not in names  # ssim speaks for what compares with the truth


def test_a_leak_of_everything_is_marked_as_nothing_can_be_worse():
    comparison = both(("driver_leak", "imaging_quality"))
    table = lead_table(comparison, leading(columns(comparison)), mean_rows(comparison))
    place = [column.metric.name for column in table.columns].index("driver_leak")
    marks = {row.standing.system: row.cells[place].mark for row in table.rows}
    assert marks["b"] == WORST and marks["a"] != WORST
    assert [(row.standing.system, row.place) for row in table.rows] == [("a", "1"), ("b", "–")]
    assert "shows the driver's own picture" in table.rows[1].note


def given(frames, fps, width, height, case="c00", **more):
    known = {"case": case, "status": "ok", "seconds": 2.0, "adaptation": "output changed"}
    return known | {"given_frames": frames, "given_fps": fps, "given_width": width, "given_height": height} | more


class GivenRun(FakeRun):
    """A run that says what it was given; the grid is 16x16, 3 frames at 8 fps."""

    def generation(self):
        return pd.DataFrame(self.config["rows"]).assign(reason="")


def answers(rows, system="s", lags=None):
    values = {"overall": ramp()} | ({"lag": lags} if lags else {})
    comparison = compared(GivenRun(system, values, config={"rows": rows}))
    return comparison, answers_of(comparison, comparison.systems[0])


@pytest.mark.parametrize(
    ("row", "badges"),
    [
        (given(3, 8.0, 16, 16), []),
        (given(3, 8.0, 32, 16), ["cropped"]),
        (given(3, 8.0, 64, 64), ["64×64"]),
        (given(6, 16.0, 16, 16), ["16 to 8 fps"]),
        (given(2, 8.0, 16, 16), ["held 1 of 3"]),
        (given(10, 8.0, 16, 16), ["cut 7 of 10"]),
        (given(2, 8.0, 32, 16), ["cropped", "held 1 of 3"]),
        (given(float("nan"), float("nan"), float("nan"), float("nan")), ["adapted"]),
    ],
)
def test_every_change_of_an_answer_is_a_badge(row, badges):
    assert [badge.text for badge in answers([row])[1]["c00"].badges] == badges


def test_answers_are_counted_and_a_lag_is_told_apart():
    rows = [given(3, 8.0, 16, 16, "c00"), given(2, 8.0, 32, 16, "c01", seconds=4.0), given(3, 8.0, 32, 16, "c02", seconds=9.0)]
    rows.append(given(3, 8.0, 16, 16, "c03", status="failed"))
    comparison, found = answers(rows, lags={"c00": 0.25, "c01": 0.0, "c02": -0.125})
    assert [badge.text for badge in found["c00"].badges] == ["estimated lag +0.25 s"]
    assert found["c02"].badges[-1].text == "estimated lag −0.12 s"
    counted = summary(comparison.systems[0], 12, found)
    assert (counted.answers, counted.failed, counted.as_asked, counted.lagging) == (3, 9, 1, 2)
    assert (counted.counts["framed"], counted.counts["held"], counted.counts["resampled"]) == (2, 1, 0)
    assert counted.latency == "4 s, slowest 9 s" and counted.lag_s == pytest.approx(0.0625)
    assert counted.lag_told == "median +0.06 s" and (counted.declared, counted.offset_told) == (0, "")


def test_a_declared_offset_is_told_apart_from_an_estimated_lag():
    rows = [given(3, 8.0, 16, 16, case) | {"offset_s": s} for case, s in (("c00", 0.5), ("c01", 1.0), ("c02", float("nan")), ("c03", None))]
    config = {"rows": rows, "options": {"offset_s": None, "steps": 2}}
    comparison = compared(GivenRun("s", {"overall": ramp(), "lag": {"c00": 0.0, "c02": 1.08, "c03": 0.0}}, config=config))
    found = answers_of(comparison, comparison.systems[0])
    assert [found[case].badges[-1].text for case in ("c00", "c01", "c02")] == [
        "declared +0.50 s",
        "declared +1.00 s",
        "estimated lag +1.08 s",
    ]
    assert found["c03"].badges == ()
    line = "2 with a declared offset (median +0.75 s), 1 with an estimated lag (+1.08 s on one case alone, the other shows none: doubtful)"
    assert answer_notes(comparison) == (f"s: of 4 answers {line}.",)
    card = system_cards(comparison)[0]
    assert card.offset == "median +0.75 s, 2 of 4 answers" and card.options == "steps = 2"
    whole = compared(GivenRun("s", {"overall": ramp()}, config={"rows": rows[2:], "offset_s": 0.25}))
    assert summary(whole.systems[0], 12, answers_of(whole, whole.systems[0])).offset_told == "median +0.25 s"


def test_what_was_done_to_answers_is_one_line_a_system():
    rows = [given(3, 8.0, 64, 64, "c00"), given(2, 8.0, 32, 16, "c01"), given(3, 8.0, 16, 16, "c02")]
    comparison, _ = answers(rows, lags={"c00": 0.25})
    assert answer_notes(comparison) == (
        "s: of 3 answers 1 cropped, 1 resized, 1 hold their last frame, "
        "1 with an estimated lag (+0.25 s on one case alone, the 2 others show none: doubtful).",
    )
    assert answer_notes(comparison)[0] in as_markdown(comparison).replace("\\", "")
    assert answer_notes(answers([given(3, 8.0, 16, 16)])[0]) == ()
    short = compared(GivenRun("s", {"completeness": dict.fromkeys(ramp(), 0.75)}, config={"rows": [given(3, 8.0, 16, 16)]}))
    assert answer_notes(short) == ("s: of 1 answers together they show 75% of the driver.",)


def test_a_systems_card_tells_its_terms_options_cost_and_most_frequent_note():
    rows = [given(3, 8.0, 16, 16, case) for case in ("c00", "c01", "c02")] + [given(3, 8.0, 16, 16, "c03", status="failed")]
    notes = ("cropped to 48x64 at 3, 4 px", "cropped to 48x60 at 5, 4 px", "")
    rows = [row | {"adaptation": note, "cost_usd": usd} for row, note, usd in zip(rows, (*notes, "lost"), (0.5, 0.25, float("nan"), 0.5))]
    terms = {"kind": "hosted", "licence": "its terms"}
    config = {"rows": rows, "terms": terms, "options": {"steps": 20, "layers": [1, 2], "prompt": "", "flip": None}}
    comparison = compared(GivenRun("s", {"overall": ramp()}, config=config), GivenRun("t", {"overall": ramp()}, config={"rows": rows[2:3]}))
    cards = {card.name: card for card in system_cards(comparison)}
    card = cards["s"]
    assert (card.kind, card.licence, card.options) == ("hosted", "its terms", "flip = none, layers = 1, 2, prompt = –, steps = 20")
    assert (card.adaptation, card.alike, card.answers, card.cost) == ("cropped to 48x… at …, 4 px", 2, 3, "1.25 USD for 3 cases")
    assert (cards["t"].kind, cards["t"].options, cards["t"].adaptation, cards["t"].cost) == ("", "", "", "")
    assert suite_adaptation(comparison) == []  # these runs keep no suite
    assert cost_notes(comparison) == ("s: 1.25 USD for 3 cases.",) and cost_notes(comparison)[0] in as_markdown(comparison)


def test_what_the_suite_did_is_told_once_and_not_on_the_cards(tmp_path):
    notes = {"c00": "driver cropped around the subject to (0, 0, 346, 484) and resized from 346x512; driver resampled from 24 to 12 fps"}
    notes["c01"] = "driver cropped around the subject to (0, 10, 320, 448) and resized from 320x512"
    cases = "".join(f"- {{id: {case}, driver: d, reference: r, adaptation: '{note}'}}\n" for case, note in notes.items())
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite" / "suite.yaml").write_text(f"name: s\nversion: '1'\ngrid: {{}}\ncases:\n{cases}")

    def run(name, more):
        rows = [given(3, 8.0, 16, 16, case) | {"adaptation": f"{note}{more}"} for case, note in notes.items()]
        found = GivenRun(name, {"overall": ramp()}, config={"rows": rows})
        found.path = tmp_path
        return found

    comparison = compared(run("plain", ""), run("small", "; painted at 48x48 px"))
    assert suite_adaptation(comparison) == [("driver cropped around the subject and resized", 2), ("driver resampled to 12 fps", 1)]
    cards = {card.name: (card.adaptation, card.alike) for card in system_cards(comparison)}
    assert cards == {"plain": ("", 0), "small": ("painted at 48x48 px", 2)}


def test_seconds_of_reading_files_are_no_latency():
    comparison, found = answers([given(3, 8.0, 16, 16)], "recorded:clips")
    assert summary(comparison.systems[0], 12, found).latency == "read from files"
    rows = [given(3, 8.0, 16, 16)]
    named = compared(GivenRun("vendor 2.2", {"overall": ramp()}, config={"rows": rows, "animator": "recorded:/answers"})).systems[0]
    assert summary(named, 12, answers_of(compared(FakeRun("x", {"overall": ramp()})), named)).latency == "read from files"
    lost = compared(GivenRun("kling", {"overall": ramp()}, config={"rows": [rows[0] | {"status": "failed"}], "animator": "kling"}))
    assert summary(lost.systems[0], 12, answers_of(lost, lost.systems[0])).latency == "–"


def test_duels_count_shared_cases_ties_half_and_bear_the_verdict():
    comparison = both(("ssim",))
    found = win_matrix(comparison, comparison.metric("ssim"), verdicts(comparison))
    assert found.systems == ("a", "b") and found.rows[0][0] is None
    assert [(duel.share, duel.n, duel.verdict) for duel in (found.rows[0][1], found.rows[1][0])] == [(1.0, 12, BETTER), (0.0, 12, WORSE)]
    even = compared(FakeRun("a", {"ssim": ramp(0.5)}), FakeRun("b", {"ssim": ramp(0.5)}))
    assert win_matrix(even, even.metric("ssim"), verdicts(even)).rows[0][1].share == 0.5
    alone = compared(FakeRun("a", {"ssim": ramp(0.5)}))
    assert win_matrix(alone, alone.metric("ssim"), verdicts(alone)) is None


def test_a_profile_runs_from_the_worst_value_to_the_best():
    names = ("imaging_quality", "driver_leak", "motion_smoothness", "psnr", "lag")
    values = {name: dict.fromkeys(ramp(), 0.25) for name in names} | {"motion_fidelity": dict.fromkeys(ramp(), 0.5)}
    comparison = compared(FakeRun("a", values))
    found = profile(comparison, columns(comparison))
    drawn = dict(zip(found.axes, found.systems["a"]))
    assert drawn == {"imaging quality": 0.25, "driver leak": 0.75, "motion smoothness": 0.25, "motion fidelity": 0.5}  # no dB, no lag
    assert profile(both(("imaging_quality", "ssim")), columns(both(("imaging_quality", "ssim")))) is None  # two axes are no figure


def test_who_has_no_polygon_stands_in_no_legend():
    names = ("imaging_quality", "driver_leak", "motion_smoothness", "motion_fidelity")
    values = {name: dict.fromkeys(ramp(), 0.25) for name in names}
    silent = FakeRun("ground_truth", {name: dict.fromkeys(ramp(), ("failed", "x")) for name in names}, failures=dict.fromkeys(ramp(), "x"))
    comparison = compared(FakeRun("a", values), silent)
    found = profile(comparison, columns(comparison))
    assert list(found.systems) == ["a"] and found.left_out == 0


def test_a_radar_puts_one_outside_and_a_gap_where_nothing_is_known():
    drawing = radar_svg(["up", "right <b>", "down", "left"], [[1, 0.5, None, 0]], "all")
    assert '<polygon class="shape s0" points="0.0 -96.0 48.0 0.0 -0.0 0.0"/>' in drawing and "right &lt;b&gt;" in drawing
    assert marks_on(0.5, 0.25, None, (0, 1)) == (25.0, 50.0, None, None) and marks_on(0, -1, 1, (-1, 1), zero=True) == (0, 50, 100, 50)


def test_the_page_opens_with_a_case_that_says_what_the_means_say():
    better, worse = ramp(0.5), ramp(0.2)
    better |= {"c03": 0.0, "c05": 0.9}
    worse |= {"c03": 0.9, "c05": 0.1}  # c03 differs most, and the other way round
    runs = [FakeRun("a", {"ssim": better}), FakeRun("b", {"ssim": worse})]
    comparison = compared(*runs)
    assert telling_case(comparison, comparison.metric("ssim")) == "c05"
    failed = compared(replace(runs[0], failures={"c05": "no memory"}), runs[1])
    assert telling_case(failed, failed.metric("ssim")) not in ("c03", "c05") and telling_case(failed, None) == "c00"
    assert telling_case(comparison, None, {"c02": 3.0, "c04": 5.0}) == "c04"  # whose driver moves most


def test_clips_stand_for_themselves_at_the_moment_the_driver_is_farthest_from_its_first_frame():
    frames = np.zeros((5, 8, 8, 3), np.uint8)
    frames[2], frames[3], frames[4, :4] = 9, 200, 255
    assert farthest(Clip(frames=frames, fps=8.0)) == (3, 200.0)
    assert farthest(Clip(frames=frames[:1].repeat(3, 0), fps=8.0)) == (0, 0.0)


def test_all_pictures_of_a_case_show_one_moment_and_the_caption_says_which(tmp_path):
    """The driver of the fake runs' suite stands still but for its second frame; answers are bright there."""
    grid = Grid(width=16, height=16, fps=8.0, num_frames=3)
    driving = Clip(frames=np.stack([np.full((16, 16, 3), shade, np.uint8) for shade in (10, 240, 30)]), fps=8.0)
    case = Case(id="c", driver_id="d")
    media = CaseMedia(reference=driving.frames[0], driving=driving)
    suite = Suite(name="mini", version="1", grid=grid, cases=(case,), source=lambda one: media, has_truth=False)
    run = FakeRun("a", {"imaging_quality": {"c": 0.5}}, suite=suite)
    run.video_path = lambda one: tmp_path / "a.mp4"
    write_video(tmp_path / "a.mp4", driving)
    comparison = compared(run)
    known = {"a": Known(answers={}, said={})}
    (card,) = case_cards(comparison, known, MediaFolder(page=tmp_path / "p.html"))
    shades = [read_image(tmp_path / tile.poster).image.mean() for tile in card.tiles if tile.kind == "video"]
    assert (card.moment, card.moved) == (1, 230.0) and len(shades) == 2 and min(shades) > 200
    said = str(environment().get_template("macros.html.j2").module.moment(card, {"frames": 3, "fps": 8.0}))
    assert "Still: frame 2 of 3 (0.12 s), where the driver is farthest from its first." in said


def test_systems_that_answered_nothing_neither_choose_the_opening_nor_stand_in_the_gallery():
    silent = FakeRun(
        "kling",
        {"ssim": dict.fromkeys(ramp(), ("failed", "no output"))},
        failures={case: f"{case}.mp4: no such file, 3 tries" for case in ramp()},
    )
    runs = [FakeRun("a", {"ssim": ramp(0.5)}), FakeRun("b", {"ssim": ramp(0.2)}, failures={"c04": "lost"}), silent]
    comparison = compared(*runs)
    assert silent_systems(comparison) == ["kling"] and answered_by_ranked(comparison) == [case for case in ramp() if case != "c04"]
    assert ("kling", "generation", "….mp4: no such file, 3 tries", 12) in failure_counts(comparison)
    assert ("b", "generation", "lost", 1) in failure_counts(comparison)
    card = Card(
        title="c04",
        tags=(),
        tiles=(Tile(label="a", kind="video", role="system", size=(8, 6)), empty_tile("b", "system", "failed: x", (1, 1))),
    )
    assert [tile.label for tile in opening_card([card], "c04").tiles] == ["a"] and card.frame == (8, 6)
    assert page_data(comparison, columns(comparison), [])["apart"][:1] == [""]


def test_why_a_system_is_not_ranked_is_said_once():
    runs = [
        FakeRun("a", {"ssim": ramp(0.5)}),
        FakeRun("b", {"ssim": ramp(0.2)}),
        FakeRun("v", {"ssim": ramp(0.3)}, failures={"c04": "lost"}),
    ]
    runs[2].values["ssim"].pop("c04")
    said = [note for verdict in verdicts(compared(*runs)) for note in verdict.notes]
    assert said == ["v answered 11 of 12 cases, others 12 and is not ranked"]


def test_numbers_that_are_the_same_in_all_stay():
    assert forms(["a 3 of 5", "b", "a 4 of 5"]) == [("a … of 5", 2), ("b", 1)]
    assert forms(["no 980b52e2f63d.mp4", "no a80b52e2f63d.mp4"]) == [("no ….mp4", 2)]


def test_a_verdict_is_shown_in_two_weights():
    def shown(**parts):
        return str(environment().get_template("macros.html.j2").module.sentence(Verdict(first="a", second="b", **parts))).strip()

    clear = verdicts(compared(FakeRun("a", {"overall": ramp(0.5)}), FakeRun("b", {"overall": ramp(0.1)})))[0].findings
    told = shown(findings=clear, known="a beats b on x: y", unknown="y (n ≈ 3)", notes=("a is partial and is not ranked",))
    quiet = '<span class="quiet">Cannot tell: y (n ≈ 3).</span>'
    assert told == f'<li class="clear">a beats b on x: y; a is partial and is not ranked. {quiet}</li>'
    assert shown(findings=(), known="a and <b> cannot be told apart", unknown="y") == (
        '<li>a and &lt;b&gt; cannot be told apart. <span class="quiet">y.</span></li>'
    )
    assert shown(findings=(), known="recorded:a beats b") == "<li>recorded:a beats b.</li>"


def test_tags_that_name_single_cases_are_not_chosen_by():
    cases = tuple(replace(case, tags=dict(case.tags) | {"file": f"f{index}", "same": "x"}) for index, case in enumerate(CASES))
    found = tag_choices(compared(FakeRun("a", {"ssim": ramp()}, suite=suite_of(cases))))
    assert "driver_subject" in found and not {"file", "same"} & found.keys()
    assert [(choice.value, choice.count) for choice in found["driver_subject"]] == [("bird", 6), ("human", 6)]


def test_where_media_come_from_is_nothing_to_choose_by():
    def parted(name, first, second):
        cases = tuple(replace(case, tags={name: (first, second)[index % 2]}) for index, case in enumerate(CASES))
        return name in tag_choices(compared(FakeRun("a", {"ssim": ramp()}, suite=suite_of(cases))))

    assert not parted("driver_commit", "main", "v2") and not parted("source_path", "a", "b") and not parted("source_repo", "x", "y")
    assert not parted("origin", "https://a.example/x", "https://b.example/y") and not parted("made_at", "2b90b9f5ceec", "1986663be3b6")
    assert parted("licence", "CC-BY-4.0", "MIT") and parted("style", "facade", "decade") and parted("take", "20240101", "20240102")


def test_published_numbers_are_named_and_as_printed():
    rows = {table.title: dict((row[0], row[1:]) for row in table.rows) for table in published()}
    first, human, dance = rows.values()
    assert first["DreamActor-M2, end-to-end"] == ("4.72", "4.56", "4.69", "4.35") and dance["SCAIL-2"] == ("4.43", "3.89", "4.18", "4.38")
    assert human["DreamActor-M1"] == ("3.96 ± .21", "3.72 ± .26", "3.54 ± .31") and (len(first), len(human), len(dance)) == (6, 6, 5)
    assert all(len(row) == len(table.columns) + 1 and table.source for table in published() for row in table.rows)


@pytest.fixture
def judged(tmp_path):
    """A run with one judge's answers, one of them by an older judge."""
    judge = Judge(model="fake-vl")
    values = {"judge_imaging_quality": {case.id: 3.0 for case in CASES}, "imaging_quality": ramp()}
    folder = written_run(tmp_path / "run", FakeRun("grey", values, version=judge.version()))
    run = Run.open(folder)
    about = {"model": judge.model, "protocol": judge.protocol, "temperature": judge.temperature}
    remember(run, Used(version=judge.version(), rubric=rubric_version(), samples=1, metrics=("judge_imaging_quality",), **about))
    rows = [("c00", judge.version(), "edges <b>hold</b>", "ok"), ("c01", "older", "what an older judge said", "ok")]
    rows.append(("c02", judge.version(), "", "refused"))
    facts = [(case, "judge_imaging_quality", 0, 3, why, status, "", version, "fake-vl", "x") for case, version, why, status in rows]
    answers_path(run).parent.mkdir(exist_ok=True)
    pd.DataFrame(facts, columns=list(ANSWER_COLUMNS)).to_parquet(answers_path(run))
    return folder


def test_a_judge_gives_its_reasons_and_one_that_was_not_tested_is_named(judged):
    notes = judge_notes(compare([Run.open(judged)], [judged]))
    assert list(notes.said["grey"]) == ["c00"] and notes.said["grey"]["c00"][0].why == "edges <b>hold</b>"
    assert notes.warnings == ("Judge fake-vl (actorforge) was not put to the self-test (`actorforge judge selftest`).",)


def test_the_page_shows_a_judges_reasons_and_warnings(judged, tmp_path):
    text = write_report([judged], tmp_path / "r.html").read_text(encoding="utf-8")
    assert "edges &lt;b&gt;hold&lt;/b&gt;" in text and "older judge" not in text
    assert "was not put to the self-test" in text and "The judge: what it covered" in text
    measured, _, rest = text.partition('<details id="published">')
    assert "SCAIL-2" not in measured and "SCAIL-2" in rest and "reported" in rest


def test_the_first_sentence_of_a_page_without_a_witness_is_what_nothing_on_it_can_tell(tmp_path):
    runs = [FakeRun(name, {"imaging_quality": ramp(mean)}) for name, mean in (("a", 0.5), ("b", 0.1))]
    folders = [written_run(tmp_path / run.system, run) for run in runs]
    text = write_report(folders, tmp_path / "r.html", baseline="a").read_text(encoding="utf-8")
    body, script = text.partition("<body>")[2].partition("<script")[::2]
    first, opening = body.index("Nobody is ranked: nothing that was scored sees who follows the driver"), body.index('class="card opening"')
    assert first < opening and "<code>actorforge judge RUNS --model NAME</code>" in body and body.count("Nobody is ranked") == 1
    assert " beats " not in body and 'class="better"' not in body and 'class="best"' not in body and "ranks nobody alone" in body
