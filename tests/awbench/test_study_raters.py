"""Raters who do not look are caught, those who do are kept: by simulation with fixed seeds."""

import pytest

from awbench.study.key import read_key
from awbench.study.raters import check_raters, side_bias
from awbench.study.votes import read_votes
from tests.awbench.study_fakes import People, key_of, write_study

QUALITY = {"ours": 0.8, "theirs": 0.2, "still": 0.0}


def checked(folder, styles=None, quality=QUALITY, seed=0, edit=None, **design):
    key = key_of(seed=seed, **design)
    sheets = People(key, quality, case_sd=0.6, rater_sd=0.3, seed=seed).sheets(styles)
    if edit:
        edit(key, sheets)
    folder = write_study(folder / str(seed), key, sheets)
    votes = read_votes([folder / "votes"], read_key(folder))
    return votes, {rater.name: rater for rater in check_raters(votes)}


@pytest.mark.parametrize("style", ["left", "right"])
def test_one_who_always_answers_one_side_is_caught_without_attention_pairs_too(tmp_path, style):
    _, raters = checked(tmp_path, {3: style}, attention=0)
    assert f"always answered {style}" in raters["R03"].why and raters["R03"].p_side < 1e-6
    assert [name for name, rater in raters.items() if rater.excluded] == ["R03"]


def test_one_who_mostly_answers_left_is_caught(tmp_path):
    def lean(key, sheets):
        for place, vote in enumerate(sheets[2]["votes"]):
            vote["answers"] = dict.fromkeys(key["questions"], "right" if place % 9 == 0 else "left")

    votes, raters = checked(tmp_path, edit=lean, attention=0)
    (said,) = [why for why in raters["R02"].why if "mostly left" in why]
    pairs = sum(vote.rater == "R02" and vote.question == "overall" and vote.trial.kind == "pair" for vote in votes.rows)
    assert f" of {pairs}, p = " in said  # those that p is of: one question's


def test_random_answers_are_caught_and_honest_ones_are_not(tmp_path):
    """No attention pairs: agreement alone. Stated in docs/study.md from tests/benchmarks/study_coverage.py: false alarms below 1 %."""
    caught, honest = 0, []
    for seed in range(8):
        _, raters = checked(tmp_path, {1: "random"}, seed=seed, attention=0)
        caught += raters["R01"].excluded
        honest += [rater.excluded for name, rater in raters.items() if name != "R01"]
    assert caught >= 7 and sum(honest) <= 0.03 * len(honest)


def test_the_opposite_taste_stays_and_so_does_who_sees_no_difference(tmp_path):
    """All checks right. To exclude them would decide by what is preferred."""

    def level(key, sheets):
        for vote in sheets[2]["votes"]:
            vote["answers"] = dict.fromkeys(key["questions"], key["trials"][vote["trial"]]["expected"] or "same")

    for seed in range(3):
        _, raters = checked(tmp_path, {1: "contrary"}, seed=seed, edit=level)
        assert not raters["R01"].excluded and raters["R01"].p_random > 0.95
        assert not raters["R02"].excluded and raters["R02"].p_random is None


def test_who_sees_a_difference_seldom_stays(tmp_path):
    """97 % "same", the rest as honest as anybody's: chance alone would decide how those few agree with the others."""

    def careful(key, sheets):
        sheets[0]["votes"] = People(key, QUALITY, case_sd=0.6, rater_sd=0.3, tie=3, seed=key["seed"]).sheets()[0]["votes"]

    found = [checked(tmp_path, seed=seed, edit=careful)[1]["R00"] for seed in (0, 2, 7)]
    assert all(0 < rater.left + rater.right < 0.1 * 144 and not rater.excluded for rater in found)


def test_who_got_all_checks_right_is_not_excluded_for_a_taste_of_their_own(tmp_path):
    """Honest raters who differ much (sd 0.8): by agreement alone some would go, those whose preference is not that of most."""
    excluded = {}
    for attention in (0, 4):
        key = key_of(seed=1, raters=12, attention=attention) | {"questions": ["overall"]}
        raters = [rater for seed in (0, 2, 3) for rater in _people_who_differ(tmp_path, key, seed)]
        excluded[attention] = [rater.name for rater in raters if rater.excluded]
    assert len(excluded[0]) == 3 and excluded[4] == []


def _people_who_differ(folder, key, seed):
    home = write_study(folder / f"{seed} {len(key['trials'])}", key, People(key, QUALITY, case_sd=0.6, rater_sd=0.8, seed=seed).sheets())
    return check_raters(read_votes([home / "votes"], read_key(home)))


def test_where_nobody_agrees_nobody_is_excluded_for_it(tmp_path):
    level = dict.fromkeys(QUALITY, 0.0)
    found = []
    for seed in range(4):
        key = key_of(seed=seed, attention=0)
        folder = write_study(tmp_path / str(seed), key, People(key, level, case_sd=0, rater_sd=0, seed=seed).sheets())
        found += check_raters(read_votes([folder / "votes"], read_key(folder)))
    assert len(found) == 40 and sum(rater.excluded for rater in found) <= 1


def test_missed_attention_pairs_exclude(tmp_path):
    def miss(key, sheets):
        for vote in sheets[4]["votes"]:
            if key["trials"][vote["trial"]]["expected"]:
                vote["answers"] = dict.fromkeys(
                    key["questions"], {"same": "left", "left": "right", "right": "same"}[key["trials"][vote["trial"]]["expected"]]
                )

    _, raters = checked(tmp_path, edit=miss)
    assert raters["R04"].why == ("0 of 4 attention pairs right",)
    assert all(rater.attention_right == 4 for name, rater in raters.items() if name != "R04")


def test_hasty_raters_are_excluded_and_one_hasty_vote_is_not_a_rater(tmp_path):
    votes, raters = checked(tmp_path, {5: "hasty"}, edit=lambda key, sheets: sheets[0]["votes"][0].update(seconds=0.1))
    assert raters["R05"].why == ("42 of 42 pairs not watched to the end",)
    assert raters["R00"].unwatched == 1 and not raters["R00"].excluded


def test_all_same_is_no_offence_where_systems_are_the_same(tmp_path):
    def level(key, sheets):
        for sheet in sheets:
            for vote in sheet["votes"]:
                vote["answers"] = dict.fromkeys(key["questions"], key["trials"][vote["trial"]]["expected"] or "same")

    _, raters = checked(tmp_path, edit=level)
    assert not any(rater.excluded for rater in raters.values())
    _, raters = checked(tmp_path, {2: "same"}, seed=1)
    assert "always answered same" in raters["R02"].why


def test_repeats_are_counted_whatever_side_they_are_on(tmp_path):
    def steady(key, sheets):
        answers = {vote["trial"]: vote for vote in sheets[0]["votes"]}
        for name, trial in key["trials"].items():
            if trial["repeats"] and name in answers:
                before = answers[trial["repeats"]]["answers"]
                answers[name]["answers"] = {q: {"left": "right", "right": "left", "same": "same"}[a] for q, a in before.items()}

    _, raters = checked(tmp_path, edit=steady)
    assert (raters["R00"].repeats, raters["R00"].consistent) == (2, 2)


def test_too_few_others_are_no_measure(tmp_path):
    _, raters = checked(tmp_path, raters=2)
    assert all(rater.p_random is None and not rater.excluded for rater in raters.values())


def test_side_bias_of_all(tmp_path):
    votes, _ = checked(tmp_path)
    assert all(one.p > 0.01 and one.left + one.right > 200 for one in side_bias(votes.rows, votes.key.questions))
    leaning, _ = checked(tmp_path, {slot: "left" for slot in range(4)}, seed=1)
    assert side_bias(leaning.rows, ["overall"])[0].p < 1e-6
