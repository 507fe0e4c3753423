"""Who may be ranked, what counts as better, and how it is said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from awbench.cases import Case
from awbench.findings import AHEAD, BEHIND, LEVEL, UNCLEAR, findings
from awbench.report import formats
from awbench.report.comparison import Cell, Comparison, compare
from awbench.report.metric_facts import UNSTATED_MARGIN, MetricFacts
from awbench.report.standing import CEILING_APART, DEGENERATE, FAILING, PARTIAL, RANKED, UNRANKED, order_told, standings
from awbench.report.table import BEST, SAME, SECOND, UNTOLD, WORSE, difference_rows, marks, mean_rows
from awbench.verdicts import rounded, tells_apart, verdicts
from tests.awbench.report_fakes import CASES, FakeRun, compared, ramp, suite_of

MANY = tuple(Case(id=f"k{index:02d}", driver_id=f"d{index}", identity_id=f"r{index}") for index in range(40))


def noisy(seed, mean, spread=0.05, cases=CASES):
    rng = np.random.default_rng(seed)
    return {case.id: float(mean + spread * rng.normal()) for case in cases}


def constant(value, cases=CASES):
    return {case.id: float(value) for case in cases}


def with_facts(comparison: Comparison, name: str, **changes) -> Comparison:
    return replace(comparison, metrics=tuple(replace(m, **changes) if m.name == name else m for m in comparison.metrics))


def kinds(comparison):
    return {standing.system: standing.kind for standing in standings(comparison)}


def sentences(comparison, baseline=None):
    return [verdict.sentence for verdict in verdicts(comparison, baseline)]


def finding(comparison, metric):
    (found,) = [one for one in findings(comparison, comparison.cases) if one.metric == metric]
    return found


# coverage before rank


def test_the_best_answers_replayed_neither_lead_nor_tie():
    cases = MANY[:16]
    suite, whole = suite_of(cases), noisy(1, 0.8, 0.1, cases)
    best = sorted(whole, key=whole.get)[-9:]  # more than half: a system that mostly fails is another matter
    lost = {case: "no such file" for case in whole if case not in best}
    part = {case: whole[case] if case in best else ("failed", "no such file") for case in whole}
    worse = FakeRun("worse", {"overall": {case: value - 0.3 for case, value in whole.items()}}, suite=suite)
    runs = [
        FakeRun("recorded:best", {"overall": part}, suite=suite, failures=lost),
        FakeRun("whole", {"overall": whole}, suite=suite),
        worse,
    ]
    comparison = compared(*runs)
    assert marks(comparison, comparison.cases)["overall"] == {"whole": BEST, "worse": SECOND}
    assert [standing.system for standing in standings(comparison)] == ["whole", "worse", "recorded:best"]
    assert kinds(comparison)["recorded:best"] == PARTIAL
    text = formats.as_markdown(comparison)
    assert "(n=9, 7 failed)" in text and "recorded:best is not ranked: it answered 9 of 16 cases, others 16." in text
    (said,) = [one for one in sentences(comparison) if one.startswith("whole and recorded:best")]
    assert "level on overall, n = 9" in said and said.endswith("recorded:best answered 9 of 16 cases, others 16 and is not ranked.")
    alone = compared(*runs[:2])
    assert marks(alone, alone.cases)["overall"] == {}


def test_a_partial_system_that_is_better_takes_the_mark_away():
    partial = FakeRun("partial", {"overall": ramp(0.9) | {"c00": ("failed", "x")}})
    comparison = compared(partial, FakeRun("a", {"overall": ramp(0.5)}), FakeRun("b", {"overall": ramp(0.1)}))
    assert marks(comparison, comparison.cases)["overall"] == {}


def test_systems_that_miss_as_many_cases_are_compared_on_those_they_share():
    first, second = ({f"c{index:02d}": ("failed", "x")} for index in (3, 4))
    comparison = compared(FakeRun("a", {"overall": ramp(0.5) | first}), FakeRun("b", {"overall": ramp(0.1) | second}))
    assert finding(comparison, "overall").gain.n == 10
    assert marks(comparison, comparison.cases)["overall"] == {"a": BEST, "b": SECOND}


# margins


def test_a_replay_of_the_same_answers_comes_out_level():
    cases = MANY[:16]
    original = noisy(2, 0.8, 0.1, cases)
    replay = {case: value - 0.0003 for case, value in original.items()}
    suite = suite_of(cases)
    runs = [FakeRun(name, {"overall": values}, suite=suite) for name, values in (("original", original), ("replay", replay))]
    comparison = compared(*runs)
    assert finding(comparison, "overall").outcome == LEVEL and marks(comparison, comparison.cases)["overall"] == {}
    assert sentences(comparison) == ["original and replay are level on overall, n = 16."]
    assert {row.verdict for row in difference_rows(comparison, "original") if row.tag is None} == {SAME}
    strict = with_facts(comparison, "overall", margin=0.0)
    assert finding(strict, "overall").outcome == AHEAD  # the margin alone makes them level


def test_the_interval_must_lie_beyond_the_margin_not_only_the_mean():
    comparison = compared(FakeRun("a", {"overall": noisy(3, 0.6)}), FakeRun("b", {"overall": noisy(4, 0.5)}))
    gain = finding(comparison, "overall").gain
    assert gain.low > 0
    for margin, outcome in ((gain.low - 1e-6, AHEAD), (gain.low + 1e-6, UNCLEAR), (gain.high + 1e-6, LEVEL)):
        assert finding(with_facts(comparison, "overall", margin=margin), "overall").outcome == outcome


def test_margins_and_directions_come_from_the_catalog():
    values = {name: ramp() for name in ("overall", "driver_leak", "psnr", "nobody_knows_it")}
    facts = {metric.name: metric for metric in compared(FakeRun("a", values)).metrics}
    assert facts["driver_leak"].sign == -1 and facts["driver_leak"].worst == 1 and facts["overall"].worst == 0
    assert all(metric.margin > 0 for metric in facts.values())
    assert facts["nobody_knows_it"] == MetricFacts(name="nobody_knows_it", version="1", margin=UNSTATED_MARGIN)


# many looks


def zigzag(mean, swing, cases=CASES):
    return {case.id: mean + swing * (-1) ** index for index, case in enumerate(cases)}


def test_p_values_are_adjusted_over_all_pairs_and_metrics():
    """A difference that passes alone (p = 0.02) is one of twelve in a larger table, and needs more cases there."""
    dull = {name: constant(0.5) for name in ("motion_smoothness", "temporal_consistency", "psnr")}
    noise = {name: zigzag(0.5, 0.1) for name in dull}
    a, b = {"imaging_quality": zigzag(0.54, 0.05)}, {"imaging_quality": constant(0.5)}

    def of_a_and_b(*runs):
        comparison = with_facts(compared(*runs), "imaging_quality", margin=0.0)
        table = [one for verdict in verdicts(comparison) for one in verdict.findings]
        return table, next(one for one in table if {one.first, one.second} == {"a", "b"} and one.metric == "imaging_quality")

    _, alone = of_a_and_b(FakeRun("a", a), FakeRun("b", b))
    assert alone.p_adjusted == alone.p < 0.03 and (alone.outcome, alone.needed) == (AHEAD, None)
    table, among = of_a_and_b(FakeRun("a", a | noise), FakeRun("b", b | dull), FakeRun("c", {"imaging_quality": zigzag(0.52, 0.4)} | noise))
    assert len(table) == 12 and among.p == alone.p and among.p_adjusted == pytest.approx(12 * alone.p)
    assert among.outcome == UNCLEAR and among.needed > 12


def test_equal_systems_get_marks_in_at_most_one_table_in_twenty():
    """Four equal systems on four metrics; unadjusted, most tables would hold a mark."""
    metrics = ("imaging_quality", "motion_smoothness", "temporal_consistency", "appearance_consistency")
    shell = compared(*(FakeRun(f"s{k}", {metric: constant(0.5) for metric in metrics}) for k in range(4)))
    rounds, marked, tempting = 60, 0, 0
    for seed in range(rounds):
        values = [{metric: noisy([seed, k, j], 0.5, 0.2) for j, metric in enumerate(metrics)} for k in range(4)]
        cells = [
            {metric: {case: Cell(status="ok", value=value) for case, value in own[metric].items()} for metric in own} for own in values
        ]
        drawn = replace(shell, systems=tuple(replace(system, cells=own) for system, own in zip(shell.systems, cells)))
        marked += any(marks(drawn, drawn.cases).values())
        tempting += any(one.p < 0.05 for one in findings(drawn, drawn.cases))
    assert marked <= 7 and tempting >= rounds / 3


# drivers and references


def test_few_references_are_never_clear_and_it_is_said():
    cases = tuple(replace(case, identity_id=f"r{index % 3}") for index, case in enumerate(CASES))
    runs = [FakeRun(name, {"overall": ramp(offset, cases)}, suite=suite_of(cases)) for name, offset in (("a", 0.5), ("b", 0.1))]
    comparison = compared(*runs)
    assert marks(comparison, comparison.cases)["overall"] == {}
    assert sentences(comparison) == [
        "a and b cannot be told apart: 12 shared cases of 12 drivers and 3 references, at least 6 of each are needed."
    ]
    assert "over 12 drivers and 3 references" in formats.as_markdown(comparison)


def test_shared_references_widen_the_interval():
    effect = np.random.default_rng(9).normal(0, 0.1, 8)
    cases = tuple(replace(case, identity_id=f"r{index % 8}") for index, case in enumerate(MANY))
    a = {case.id: 0.5 + float(effect[index % 8]) for index, case in enumerate(cases)}
    b = constant(0.45, cases)

    def width(chosen):
        suite = suite_of(chosen)
        gain = finding(compared(*(FakeRun(n, {"overall": v}, suite=suite) for n, v in (("a", a), ("b", b)))), "overall").gain
        return gain.high - gain.low

    assert width(cases) > 1.8 * width(MANY)


# degenerate systems

HONEST = {
    "imaging_quality": 0.8,
    "motion_smoothness": 0.8,
    "temporal_consistency": 0.8,
    "appearance_consistency": 0.8,
    "motion_fidelity": 0.3,
    "driver_leak": 0.0,
}


def system(name, suite, cases=MANY, failures=None, **changed):
    values = {}
    for k, (metric, mean) in enumerate((HONEST | changed).items()):
        fixed = metric in changed or metric == "driver_leak"
        values[metric] = constant(mean, cases) if fixed else noisy([k, len(name)], mean, 0.02, cases)
        values[metric] |= {case: ("failed", "x") for case in failures or ()}
    return FakeRun(name, values, suite=suite, failures=dict.fromkeys(failures or (), "x"))


def page_of(*others, has_truth=True):
    suite = suite_of(MANY, has_truth=has_truth)
    honest = [system("honest", suite), system("weaker", suite, imaging_quality=0.6)]
    return compared(*(make(suite) for make in others), *honest)


STILL = {
    "motion_fidelity": 0.0,
    "imaging_quality": 1.0,
    "motion_smoothness": 1.0,
    "temporal_consistency": 1.0,
    "appearance_consistency": 1.0,
}
ECHO = {"driver_leak": 1.0, "appearance_consistency": 0.0, "motion_fidelity": 0.9, "imaging_quality": 0.95}


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        (STILL, "shows none of the driver's motion (motion_fidelity at most 0.02 on 40 of 40 cases)"),
        (ECHO, "hands the driver back (driver_leak at least 1, appearance_consistency at most 0.02 on 40 of 40 cases)"),
        ({"driver_leak": 1.0}, "shows the driver's own picture, whole or as a ghost (driver_leak at least 1 on 40 of 40 cases)"),
        ({"appearance_consistency": 0.0}, "looks no more like the reference than the driver does"),
        ({"held_share": 1.0}, "holds one frame"),
        ({"completeness": 0.25}, "answers with at most half of the frames"),
    ],
)
def test_a_degenerate_system_gets_no_mark_and_never_leads(values, reason):
    comparison = page_of(lambda suite: system("degenerate", suite, **values))
    first, last = standings(comparison)[0], standings(comparison)[-1]
    assert (last.system, last.kind) == ("degenerate", DEGENERATE) and last.reason.startswith(reason) and first.kind == RANKED
    assert "degenerate" not in str(marks(comparison, comparison.cases))
    assert marks(comparison, comparison.cases)["imaging_quality"] == {"honest": BEST, "weaker": SECOND}
    assert mean_rows(comparison)[0].system == "honest" and f"degenerate is not ranked: it {last.reason}." in last.note
    assert last.note in formats.as_markdown(comparison).replace("\\", "")
    assert {row.verdict for row in difference_rows(comparison, "honest") if row.system == "degenerate"} == {UNTOLD}
    assert all("degenerate" not in (one.first, one.second) for one in verdicts(comparison))
    assert sentences(comparison, "degenerate")[0] == f"honest is not compared with degenerate, which {last.reason}."


def test_a_system_that_mostly_fails_is_degenerate():
    comparison = page_of(lambda suite: system("failing", suite, failures=[case.id for case in MANY[:21]]))
    assert kinds(comparison)["failing"] == FAILING and standings(comparison)[-1].reason == "fails on 21 of 40 cases"
    assert "failing" not in {name for one in verdicts(comparison) for name in (one.first, one.second)}


def test_honest_systems_are_not_degenerate_for_a_few_such_cases():
    def mostly(suite):
        run = system("mostly", suite)
        for case in MANY[:20]:
            run.values["motion_fidelity"][case.id] = 0.0
            run.values["driver_leak"][case.id] = 1.0
        return run

    assert kinds(page_of(mostly))["mostly"] == RANKED


def test_an_echo_on_the_self_track_is_known_by_its_psnr():
    cases = tuple(Case(id=case.id, tags={"track": "self"}) for case in MANY)
    suite = suite_of(cases)
    runs = [FakeRun(name, {"psnr": constant(value, cases)}, suite=suite) for name, value in (("echo_driver", 46.0), ("model", 24.0))]
    assert kinds(compared(*runs)) == {"model": RANKED, "echo_driver": DEGENERATE}
    crossed = [replace(run, suite=suite_of(MANY)) for run in runs]
    assert kinds(compared(*crossed))["echo_driver"] == RANKED


def test_a_leak_of_100_percent_is_never_underlined():
    comparison = compared(FakeRun("clean", {"driver_leak": constant(0)}), FakeRun("echo", {"driver_leak": constant(1)}))
    assert marks(comparison, comparison.cases)["driver_leak"] == {}
    assert [row.verdict for row in difference_rows(comparison, "clean") if row.tag is None] == [UNTOLD]
    half = {case.id: float(index % 2) for index, case in enumerate(CASES)}
    worse = compared(FakeRun("clean", {"driver_leak": constant(0)}), FakeRun("half", {"driver_leak": half}))
    assert marks(worse, worse.cases)["driver_leak"] == {"clean": BEST, "half": SECOND}
    assert [row.verdict for row in difference_rows(worse, "clean") if row.tag is None] == [WORSE]
    assert sentences(worse)[0].startswith("clean beats half on driver leak by 50.0 pp [16.8, 83.2], n = 12")


def test_the_worst_there_can_be_is_no_second_best():
    comparison = compared(FakeRun("a", {"imaging_quality": ramp(0.5)}), FakeRun("b", {"imaging_quality": constant(0)}))
    assert marks(comparison, comparison.cases)["imaging_quality"] == {"a": BEST}


# what may rank


def test_without_truth_what_cannot_rank_says_so_and_marks_nobody():
    def better(suite):
        return system("x", suite, motion_fidelity=0.9)

    seen = {"pose_agreement": 0.5}
    honest = [system("honest", FOOTAGE, **seen), system("weaker", FOOTAGE, imaging_quality=0.6, **seen)]
    hidden, known = compared(system("x", FOOTAGE, motion_fidelity=0.9, **seen), *honest), page_of(better)
    assert "motion_fidelity" not in marks(hidden, hidden.cases) and marks(known, known.cases)["motion_fidelity"]["x"] == BEST
    assert any(note.startswith("Ranks nobody here: ") and "motion_fidelity" in note for note in hidden.notes) and not known.notes
    assert not any("motion" in one.metric for one in findings(hidden, hidden.cases) if one.metric != "motion_smoothness")
    assert {row.verdict for row in difference_rows(hidden, "honest") if row.metric == "motion_fidelity"} == {UNTOLD}


def test_a_suite_with_some_truth_ranks_motion_on_those_cases_alone():
    psnr = constant(20) | {case.id: ("unscored", "needs the truth") for case in CASES[8:]}
    runs = [FakeRun(name, {"motion_fidelity": ramp(offset), "psnr": psnr}) for name, offset in (("a", 0.5), ("b", 0.2))]
    comparison = compared(*runs)
    assert comparison.with_truth == {case.id for case in CASES[:8]}
    assert finding(comparison, "motion_fidelity").gain.n == 8
    assert any(note == "Ranked on the 8 of 12 cases with truth alone: motion_fidelity." for note in comparison.notes)


def test_what_informs_ranks_nobody():
    values = [{"imaging_quality": ramp(offset), "lag_s": ramp(offset)} for offset in (0.5, 0.1)]
    comparison = with_facts(compared(*(FakeRun(f"s{k}", own) for k, own in enumerate(values))), "lag_s", informative=True)
    assert "lag_s" not in marks(comparison, comparison.cases) and "For information: lag_s." in comparison.notes
    assert "lag" not in sentences(comparison)[0]


# the order


def test_where_the_truth_is_known_but_not_compared_with_every_dimension_has_one_voice():
    suite = suite_of(MANY)

    def run(name, appearance, imaging, smoothness):
        values = {"appearance_consistency": appearance, "driver_leak": 1 - appearance, "clip_appearance": appearance}
        values |= {"imaging_quality": imaging, "motion_smoothness": smoothness, "overall": appearance}
        return FakeRun(name, {metric: constant(value, MANY) for metric, value in values.items()}, suite=suite)

    found = standings(compared(run("colours", 0.9, 0.4, 0.4), run("pictures", 0.6, 0.8, 0.8)))
    assert [(s.system, s.mean_rank) for s in found] == [("pictures", pytest.approx(4 / 3)), ("colours", pytest.approx(5 / 3))]


# without a truth: who follows the driver

FOOTAGE = suite_of(MANY, has_truth=False)


def on_footage(name, cases=MANY, suite=FOOTAGE, failures=None, **values):
    """A system on footage: a steady mean for each metric, with a little noise."""
    own = {metric: noisy([k, len(name)], value, 0.02, cases) for k, (metric, value) in enumerate(values.items())}
    return FakeRun(name, own, suite=suite, failures=failures or {})


TORN = {"imaging_quality": 0.98, "motion_smoothness": 0.99, "temporal_consistency": 0.99, "clip_appearance": 0.9, "motion_fidelity": 0.9}
SOFT = {"imaging_quality": 0.61, "motion_smoothness": 0.7, "temporal_consistency": 0.9, "clip_appearance": 0.8, "motion_fidelity": 0.5}


def test_nobody_is_ranked_by_metrics_that_see_neither_a_torn_body_nor_who_follows_the_driver():
    comparison = compared(on_footage("torn", **TORN), on_footage("soft", **SOFT))
    assert kinds(comparison) == {"soft": UNRANKED, "torn": UNRANKED} and not any(s.mean_rank for s in standings(comparison))
    assert not verdicts(comparison) and not verdicts(comparison, "soft") and not tells_apart(comparison)
    assert not any(marks(comparison, comparison.cases).values())
    assert {row.verdict for row in difference_rows(comparison, "soft")} == {UNTOLD}
    assert comparison.notes[0] == comparison.unseen
    assert comparison.unseen.startswith("Nobody is ranked: nothing that was scored sees who follows the driver, or a torn or melted body")
    assert "actorforge judge" in comparison.unseen and "--estimator" in comparison.unseen
    assert comparison.unseen in formats.as_markdown(comparison).replace("\\", "")
    assert any("imaging_quality, motion_smoothness, temporal_consistency" in note and "torn" in note for note in comparison.notes[1:])


def test_what_ranks_nobody_still_gates():
    runs = [on_footage("torn", **TORN), on_footage("still", **(SOFT | {"motion_fidelity": -1.0}))]
    assert kinds(compared(*runs)) == {"torn": UNRANKED, "still": DEGENERATE}
    lost = dict.fromkeys([case.id for case in MANY[:2]], "lost")
    part = on_footage("part", cases=MANY[2:], failures=lost, **SOFT)
    assert kinds(compared(runs[0], part)) == {"torn": UNRANKED, "part": PARTIAL}


@pytest.mark.parametrize("witness", ["pose_agreement", "judge_motion_fidelity"])
def test_a_metric_that_sees_who_follows_lets_systems_be_ranked_and_comes_first(witness):
    scale = 5 if witness.startswith("judge") else 1
    torn, soft = {witness: 0.2 * scale} | TORN, {witness: 0.8 * scale} | SOFT
    comparison = compared(on_footage("torn", **torn), on_footage("soft", **soft))
    assert comparison.unseen == "" and tells_apart(comparison)
    assert [(s.system, s.kind) for s in standings(comparison)] == [("soft", RANKED), ("torn", RANKED)]
    assert comparison.shown[0].name == witness
    assert sentences(comparison)[0].startswith(f"soft beats torn on {witness.replace('_', ' ')} by ")
    who = "the judge" if scale == 5 else "pose agreement"
    assert order_told(comparison) == f"in order of mean rank by {who}, nobody above one that clearly follows the driver better"
    assert any(note.startswith("Not seen by") for note in comparison.notes)


def test_who_follows_the_driver_clearly_less_never_stands_above():
    """A judge that likes the looks of a system more than it dislikes its motion."""
    looks = ("judge_imaging_quality", "judge_temporal_consistency", "judge_appearance_consistency", "judge_motion_smoothness")
    blind = {"judge_motion_fidelity": 1.5} | dict.fromkeys(looks, 4.5)
    follows = {"judge_motion_fidelity": 3.5} | dict.fromkeys(looks, 3.0)
    level = {"judge_motion_fidelity": 3.5} | dict.fromkeys(looks, 4.0)
    comparison = compared(on_footage("blind", **blind), on_footage("follows", **follows), on_footage("level", **level))
    assert [s.system for s in standings(comparison)] == ["level", "follows", "blind"]


def test_looks_alone_even_learned_ones_or_a_judges_rank_nobody():
    looks = {"judge_appearance_consistency": 4.5, "clip_appearance": 0.9, "imaging_quality": 0.9}
    comparison = compared(on_footage("a", **looks), on_footage("bb", **{name: value / 2 for name, value in looks.items()}))
    assert set(kinds(comparison).values()) == {UNRANKED} and "who follows the driver" in comparison.unseen
    assert "torn" not in comparison.unseen  # a judge sees it


def test_few_keypoints_do_not_speak_for_all_cases_nor_one_run_for_another():
    few = {case.id: ("unscored", "no body found") for case in MANY[:20]}
    runs = [on_footage("torn", pose_agreement=0.2, **TORN), on_footage("soft", pose_agreement=0.8, **SOFT)]
    for run in runs:
        run.values["pose_agreement"] |= few
    assert set(kinds(compared(*runs)).values()) == {UNRANKED}
    runs = [on_footage("torn", pose_agreement=0.2, **TORN), on_footage("soft", pose_agreement=0.8, **SOFT), on_footage("new", **TORN)]
    comparison = compared(*runs)
    assert kinds(comparison) == {"soft": RANKED, "torn": RANKED, "new": UNRANKED}
    assert "new is not ranked: it was not scored by pose agreement, which sees who follows the driver." in comparison_notes(comparison)
    assert not any("new" in (one.first, one.second) for one in verdicts(comparison))


def comparison_notes(comparison):
    return [standing.note for standing in standings(comparison)]


def test_places_need_a_lead_of_what_sees():
    same = {"pose_agreement": 0.5}
    comparison = compared(on_footage("torn", **(TORN | same)), on_footage("soft", **(SOFT | same)))
    (said,) = sentences(comparison)
    assert said.startswith("torn beats soft on ") and not tells_apart(comparison)


def test_a_suite_with_truth_is_ranked_as_ever_whatever_was_scored():
    suite = suite_of(MANY)
    comparison = compared(on_footage("torn", suite=suite, **TORN), on_footage("soft", suite=suite, **SOFT))
    assert comparison.unseen == "" and set(kinds(comparison).values()) == {RANKED} and verdicts(comparison)[0].clear


def test_with_truth_the_order_is_that_of_ssim():
    def run(name, ssim, other):
        return FakeRun(name, {"ssim": ramp(ssim), "psnr": ramp(other), "imaging_quality": ramp(other), "motion_smoothness": ramp(other)})

    runs = [run("blurred", 0.5, 0.6), run("right", 0.6, 0.5), FakeRun("ground_truth", {"ssim": constant(1.0)})]
    found = standings(compared(*runs))
    assert [standing.system for standing in found] == ["right", "blurred", "ground_truth"]
    assert (found[-1].kind, found[0].mean_rank > found[1].mean_rank) == (CEILING_APART, True)


def of_part(name, ssim, part):
    """A system right on the `part` of each driver that it answers."""
    return FakeRun(name, {"ssim": ramp(ssim), "completeness": constant(part), "imaging_quality": ramp(ssim)})


def test_order_caption_and_marks_agree_where_part_of_the_driver_is_left_out():
    comparison = compared(of_part("short", 0.85, 2 / 3), of_part("whole", 0.7, 1.0), of_part("worst", 0.1, 1.0))
    first, second, third = standings(comparison)
    assert (first.system, second.system, third.system) == ("whole", "short", "worst")
    assert (first.order_note, third.order_note) == ("", "") and second.decided == pytest.approx((0.85 + 0.055) * 2 / 3)
    assert second.order_note == "answers 67% of the driver; ssim × that is 0.603"
    assert order_told(comparison) == "in order of ssim against the truth × the share of the driver that is answered"
    marked = marks(comparison, comparison.cases)
    assert marked["ssim"] == {} and marked["imaging_quality"]["short"] == BEST
    led = compared(of_part("best", 0.85, 1.0), of_part("short", 0.85, 2 / 3), of_part("whole", 0.7, 1.0), of_part("worst", 0.1, 1.0))
    assert marks(led, led.cases)["ssim"] == {"best": BEST, "whole": SECOND}


def test_marks_and_caption_are_those_of_ssim_where_all_answer_the_whole_driver():
    comparison = compared(of_part("good", 0.7, 1.0), of_part("bad", 0.2, 1.0))
    assert order_told(comparison) == "in order of ssim against the truth" and not any(one.order_note for one in standings(comparison))
    assert marks(comparison, comparison.cases)["ssim"]["good"] == BEST
    shorter = compared(of_part("good", 0.7, 0.99), of_part("bad", 0.2, 1.0))
    assert marks(shorter, shorter.cases)["ssim"]["good"] == BEST  # it leads whatever it leaves out


def test_the_order_of_runs_and_cases_changes_nothing():
    runs = [
        FakeRun(name, {"overall": noisy(k, mean), "psnr": noisy(k + 9, 20)})
        for k, (name, mean) in enumerate((("a", 0.6), ("b", 0.5), ("c", 0.4)))
    ]
    turned = [replace(run, values={m: dict(reversed(v.items())) for m, v in run.values.items()}) for run in reversed(runs)]
    there, back = compared(*runs), compared(*turned)
    assert standings(there) == standings(back) and verdicts(there) == verdicts(back) and mean_rows(there) == mean_rows(back)


# sentences


def test_one_sentence_says_who_beats_whom_what_is_level_and_what_it_would_take():
    def run(name, appearance, imaging, motion, swing):
        values = {"appearance_consistency": noisy(1, appearance, 0.1, MANY), "imaging_quality": noisy(2, imaging, 0.1, MANY)}
        values |= {"temporal_consistency": noisy(3, 0.9, 0.01, MANY), "motion_fidelity": zigzag(motion, swing, MANY)}
        return FakeRun(name, values, suite=suite_of(MANY))

    comparison = compared(run("A", 0.8, 0.5, 0.54, 0.1), run("B", 0.6, 0.6, 0.5, 0.0))
    (verdict,) = verdicts(comparison)
    outcomes = {one.metric: one.outcome for one in verdict.findings}
    expected = {"imaging_quality": BEHIND, "temporal_consistency": LEVEL, "appearance_consistency": AHEAD, "motion_fidelity": UNCLEAR}
    assert outcomes == expected
    needed = next(one.needed for one in verdict.findings if one.outcome == UNCLEAR)
    assert needed > 40 and verdict.sentence == (
        "A beats B on appearance consistency by 0.20 [0.20, 0.20]; B beats A on imaging quality by 0.10 [0.10, 0.10]; level on temporal "
        f"consistency, n = 40; cannot tell: motion fidelity (would need n ≈ {rounded(needed)})."
    )


def test_a_sentence_is_made_of_what_is_known_what_is_not_and_who_is_not_ranked():
    def run(name, imaging, motion, swing):
        values = {"imaging_quality": noisy(2, imaging, 0.1, MANY), "motion_fidelity": zigzag(motion, swing, MANY)}
        return FakeRun(name, values, suite=suite_of(MANY))

    (both,) = verdicts(compared(run("A", 0.6, 0.54, 0.1), run("B", 0.5, 0.5, 0.0)))
    assert both.clear and both.partly and both.known.endswith("n = 40") and both.unknown.startswith("motion fidelity (would need n")
    assert both.sentence == f"{both.known}; cannot tell: {both.unknown}."
    neither = replace(both, findings=tuple(one for one in both.findings if one.outcome == UNCLEAR), notes=("A is late",))
    assert not neither.partly and neither.sentence == f"{both.known}: {both.unknown}; A is late."
    assert replace(both, unknown="").sentence == f"{both.known}."
    assert both.record()["sentence"] == both.sentence


def test_a_difference_that_no_number_of_cases_would_tell_says_what_is_seen():
    a, b = noisy(1, 0.5, 0.1, MANY), noisy(2, 0.5, 0.1, MANY)
    shift = np.mean(list(a.values())) - np.mean(list(b.values()))
    b = {case: value + shift for case, value in b.items()}
    comparison = compared(*(FakeRun(n, {"imaging_quality": v}, suite=suite_of(MANY)) for n, v in (("a", a), ("b", b))))
    one = verdicts(comparison)[0].findings[0]
    assert one.needed is None and f"a difference below {one.detectable:.2g} is not seen at n = 40" in sentences(comparison)[0]


def test_findings_are_plain_values_for_machines():
    comparison = compared(FakeRun("a", {"overall": noisy(3, 0.6)}), FakeRun("b", {"overall": noisy(4, 0.5)}))
    record = finding(comparison, "overall").record()
    assert record["gain"] == pytest.approx(0.1, abs=0.06) and record["low"] < record["gain"] < record["high"]
    assert {"first", "second", "metric", "margin", "p", "p_sign", "p_adjusted", "detectable", "needed", "outcome", "n", "drivers"} <= set(
        record
    )


@pytest.mark.parametrize(("cases", "text"), [(7, "7"), (99, "99"), (234, "240"), (240, "240"), (12_345, "13 000")])
def test_needed_cases_are_rounded_up_to_two_digits(cases, text):
    assert rounded(cases) == text


def test_baselines_restrict_the_pairs_and_unknown_ones_are_refused():
    comparison = compared(*(FakeRun(name, {"overall": ramp(offset)}) for name, offset in (("a", 0.5), ("b", 0.3), ("c", 0.1))))
    assert [(one.first, one.second) for one in verdicts(comparison)] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [(one.first, one.second) for one in verdicts(comparison, "b")] == [("a", "b"), ("c", "b")]
    with pytest.raises(ValueError, match="baseline: got 'x', expected one of a, b, c"):
        verdicts(comparison, "x")


# two states of one suite


def marked(suite, changed=()):
    return {
        "suite": {
            "case_marks": {case.id: f"mark of {case.id}{'!' * (case.id in changed)}" for case in suite.cases},
            "fingerprint": str(suite),
        }
    }


def grown(changed=(), **other):
    old = suite_of(CASES)
    new = suite_of((*CASES[:-1], Case(id="new")), **other)
    runs = [FakeRun("a", {"overall": ramp(0.5)}, suite=old, config=marked(old))]
    return runs + [FakeRun("b", {"overall": ramp(0.1, new.cases)}, suite=new, config=marked(new, changed))]


def test_runs_of_a_suite_that_grew_lie_side_by_side_on_the_cases_they_share():
    comparison = compared(*grown(version="2"))
    assert comparison.cases == tuple(case.id for case in CASES[:-1]) and comparison.left_out == ("c11", "new")
    assert finding(comparison, "overall").gain.n == 11 and set(kinds(comparison).values()) == {RANKED}
    assert any("11 cases are the same in all, 2 are left out (c11, new)" in note for note in comparison.notes)


def test_a_case_whose_media_changed_is_left_out():
    assert compared(*grown(changed=("c04",))).left_out == ("c04", "c11", "new")


def test_other_suites_and_suites_without_a_common_case_are_refused():
    with pytest.raises(ValueError, match="run /runs/1: suite name: got maxi"):
        compared(*grown(name="maxi"))
    with pytest.raises(ValueError, match="cases that are the same in all runs: got none"):
        compared(*grown(changed=[case.id for case in CASES]))
    old, new = grown()
    with pytest.raises(ValueError, match="run /runs/1: suite case ids"):
        compare([old, replace(new, config={})], [Path("/runs/0"), Path("/runs/1")])


def part_of_suite(run: FakeRun, known: int, of_cases: int) -> FakeRun:
    marks = {case.id: f"mark of {case.id}" for case in CASES[:known]}
    run.config = {"suite": {"cases": known, "of_cases": of_cases, "case_marks": marks, "fingerprint": str(known)}}
    run.suite = replace(run.suite, cases=CASES[:known])
    return run


def test_a_run_with_a_limit_is_partial_and_takes_no_cases_from_the_others():
    whole = [part_of_suite(FakeRun(name, {"overall": ramp(offset)}), 12, 12) for name, offset in (("a", 0.1), ("b", 0.0))]
    limited = part_of_suite(FakeRun("c", {"overall": ramp(0.5, CASES[:6])}), 6, 12)
    comparison = compared(limited, *whole)
    assert len(comparison.cases) == 12 and not comparison.left_out
    kinds = {standing.system: standing.kind for standing in standings(comparison)}
    assert kinds == {"a": "ranked", "b": "ranked", "c": "partial"}
    assert any("c has no scores on 6 of 12 cases" in note for note in comparison.notes)


def test_a_run_of_the_suite_before_it_grew_is_compared_on_what_both_have():
    old, new = (part_of_suite(FakeRun(name, {"overall": ramp(0.1, CASES[:n])}), n, n) for name, n in (("old", 8), ("new", 12)))
    comparison = compared(new, old)
    assert len(comparison.cases) == 8 and len(comparison.left_out) == 4
    assert {standing.kind for standing in standings(comparison)} == {"ranked"}


def test_what_an_answer_leaves_out_is_no_part_of_what_it_got_right():
    """Cut short, an answer is compared on its easy part alone: that must not lead the order."""
    whole = FakeRun("whole", {"ssim": dict.fromkeys(ramp(), 0.53), "completeness": dict.fromkeys(ramp(), 1.0)})
    cut = FakeRun("cut", {"ssim": dict.fromkeys(ramp(), 0.54), "completeness": dict.fromkeys(ramp(), 0.7)})
    assert [standing.system for standing in standings(compared(cut, whole))] == ["whole", "cut"]


def test_no_place_is_numbered_where_nothing_can_be_told_apart():
    level = compared(FakeRun("a", {"imaging_quality": noisy(1, 0.5)}), FakeRun("b", {"imaging_quality": noisy(2, 0.5)}))
    apart = compared(FakeRun("a", {"imaging_quality": noisy(1, 0.9, 0.01)}), FakeRun("b", {"imaging_quality": noisy(2, 0.5, 0.01)}))
    assert not tells_apart(level) and tells_apart(apart)
