"""Votes joined with their key: nothing is counted twice, nothing is dropped in silence."""

import json
import sqlite3

import pytest

from awbench.study.key import read_key
from awbench.study.votes import read_votes
from tests.awbench.study_fakes import People, key_of, write_study

QUALITY = {"ours": 0.8, "theirs": 0.2, "still": 0.0}


@pytest.fixture
def study(tmp_path):
    key = key_of(cases=4, raters=3, attention=2, repeats=1)
    return tmp_path, key, People(key, QUALITY).sheets()


def read(folder):
    return read_votes([folder / "votes"], read_key(folder))


def test_every_answer_is_a_row_turned_toward_the_key_order(study):
    folder, key, sheets = study
    votes = read(write_study(folder, key, sheets))
    assert not votes.odd and not votes.unfinished
    assert len(votes.rows) == 3 * (12 + 1 + 2) * 4
    said = {(sheet["rater"], vote["trial"]): vote["answers"] for sheet in sheets for vote in sheet["votes"]}
    for row in votes.rows:
        trial, answer = key["trials"][row.trial.id], said[row.rater, row.trial.id][row.question]
        preferred = {"left": trial["left"], "right": trial["right"], "same": None}[answer]
        if trial["left"] != trial["right"]:
            assert {1: row.first, 0: None, -1: row.second}[row.value] == preferred
            assert key["systems"].index(row.first) < key["systems"].index(row.second)


def edited(sheets, edit):
    edit(sheets)
    return sheets


@pytest.mark.parametrize(
    "edit, reason, lost",
    [
        (lambda s: s[0].update(study="ffff000000000000"), "another study", 60),
        (lambda s: s[0].update(format="other"), "no votes file", 60),
        (lambda s: s[0].update(rater=" "), "no rater", 60),
        (lambda s: s[0].update(slot=9), "slot 9 of 3", 60),
        (lambda s: s[0].update(slot=True), "slot True", 60),
        (lambda s: s[0].update(votes={}), "no list of votes", 60),
        (lambda s: s[0]["votes"][0].update(trial="nowhere"), "no such trial", 4),
        (lambda s: s[0]["votes"][0].update(trial=s[1]["votes"][0]["trial"]), "not one of slot 0", 4),
        (lambda s: s[0]["votes"][0].update(answers=None), "no answers", 4),
        (lambda s: s[0]["votes"].append("x"), "without a trial", 0),
        (lambda s: s[0]["votes"][0]["answers"].update(overall="up"), "expected one of left, same, right", 1),
        (lambda s: s[0]["votes"][0]["answers"].update(smell="left"), "no question 'smell'", 0),
        (lambda s: s[0]["votes"][0]["answers"].pop("motion"), "no answer to motion", 1),
        (lambda s: s[0].update(skipped={"t0": "did not play"}), "skipped: did not play", 0),
        (lambda s: s[0]["votes"][0].update(seconds=-1), "seconds are -1", 0),
        (lambda s: s[0]["votes"][0].update(seconds=float("nan")), "seconds are nan", 0),
        (lambda s: s[0]["votes"][0].update(at="yesterday"), "time is 'yesterday'", 0),
        (lambda s: s[0]["votes"][0].update(at="2999-01-01T00:00:00Z"), "time is '2999", 0),
    ],
)
def test_what_is_odd_is_told_and_never_breaks_the_rest(study, edit, reason, lost):
    folder, key, sheets = study
    votes = read(write_study(folder / "odd", key, edited(sheets, edit)))
    (odd,) = votes.odd
    assert reason in odd.reason
    assert len(votes.rows) == 3 * 15 * 4 - lost
    assert {row.rater for row in votes.rows} >= {"R01", "R02"}


def test_the_same_vote_counts_once_and_of_two_the_last_by_time(study):
    folder, key, sheets = study
    again = json.loads(json.dumps(sheets[0])) | {"votes": [dict(sheets[0]["votes"][0])]}
    later = {"answers": dict.fromkeys(key["questions"], "same"), "at": "2026-01-03T00:00:00Z"}
    changed = json.loads(json.dumps(sheets[1])) | {"votes": [sheets[1]["votes"][0] | later]}
    sheets[1]["votes"][0]["answers"]["overall"] = "left"
    write_study(folder, key, sheets)
    (folder / "votes" / "a.json").write_text(json.dumps(again))
    (folder / "votes" / "b.json").write_text(json.dumps(changed))  # read before R01's own file
    votes = read(folder)
    reasons = sorted(odd.reason for odd in votes.odd)
    assert reasons == ["cast again later with other answers, the last ones count", "cast twice with the same answers, counted once"]
    assert len(votes.rows) == 3 * 15 * 4
    mine = [row for row in votes.rows if row.rater == "R01" and row.trial.id == sheets[1]["votes"][0]["trial"]]
    assert {row.answer for row in mine} == {"same"}


def test_who_did_not_finish_is_kept_and_told(study):
    folder, key, sheets = study
    sheets[2]["votes"] = sheets[2]["votes"][:5]
    votes = read(write_study(folder, key, sheets))
    assert votes.unfinished == {"R02": (5, 15)} and sum(row.rater == "R02" for row in votes.rows) == 20


def test_two_raters_in_a_slot_and_one_in_two_are_told(study):
    folder, key, sheets = study
    sheets[1]["rater"] = "R00"
    extra = sheets[2] | {"rater": "R09"}
    write_study(folder, key, sheets[:1] + [extra, sheets[2]])
    (folder / "votes" / "z.json").write_text(json.dumps(sheets[1]))
    reasons = [odd.reason for odd in read(folder).odd]
    assert reasons == ["voted in slots [0, 1]", "2 raters voted in one slot: sides and orders are less balanced"]


def test_the_database_of_serve_says_the_same_as_the_files(study):
    folder, key, sheets = study
    votes = read(write_study(folder, key, sheets))
    base = sqlite3.connect(folder / "served.sqlite")
    base.execute("CREATE TABLE votes(rater, slot, trial, answers_json, seconds, watched_json, at, received)")
    for sheet in sheets:
        for vote in sheet["votes"]:
            row = (sheet["rater"], sheet["slot"], vote["trial"], json.dumps(vote["answers"]), vote["seconds"], "[1, 1]", vote["at"], "now")
            base.execute("INSERT INTO votes VALUES (?,?,?,?,?,?,?,?)", row)
    base.commit()
    base.close()
    assert read_votes([folder / "served.sqlite"], read_key(folder)).rows == votes.rows


def test_a_clip_left_before_its_end_is_not_watched(study):
    folder, key, sheets = study
    sheets[0]["votes"][0].update(seconds=1.0)
    sheets[0]["votes"][1].update(watched=[1, 0])
    votes = read(write_study(folder, key, sheets))
    assert {row.trial.id for row in votes.rows if not row.watched} == {vote["trial"] for vote in sheets[0]["votes"][:2]}


def test_broken_files_are_rows_and_missing_ones_an_error(study):
    folder, key, sheets = study
    write_study(folder, key, sheets)
    (folder / "votes" / "broken.json").write_text("{")
    (folder / "votes" / "broken.db").write_bytes(b"no database")
    odd = read(folder).odd
    assert {one.source for one in odd} == {"broken.json", "broken.db"} and all("cannot be read" in one.reason for one in odd)
    with pytest.raises(ValueError, match="nowhere.json, which is not there"):
        read_votes([folder / "nowhere.json"], read_key(folder))
    with pytest.raises(ValueError, match="no file key.json"):
        read_key(folder / "votes")
    (folder / "key.json").write_text(json.dumps(key | {"format": "other"}))
    with pytest.raises(ValueError, match="format: got other, expected actorforge-study-1"):
        read_key(folder)
