"""Votes joined with their key: nothing is counted twice, nothing is dropped in silence."""

import json
import sqlite3

import pytest

from awbench.study import vote_files
from awbench.study.ballots import Ballots, Rules
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
        (lambda s: s[0].update(slot=[[]]), "slot list", 60),
        (lambda s: s[0].update(rater="a\ud800"), "no rater", 60),
        (lambda s: s[0].update(rater="a" * 101), "no rater", 60),
        (lambda s: s[0].update(votes=s[0]["votes"] * 11), "165 votes, expected at most 150", 60),
        (lambda s: s[0]["votes"][0].update(trial="\ud800"), "no such trial", 4),
        (lambda s: s[0]["votes"][0]["answers"].update(overall=["left"]), "answer 'list'", 1),
        (lambda s: s[0]["votes"][0].update(answers=dict.fromkeys(map(str, range(101)), "left")), "no answers", 4),
        (lambda s: s[0].update(skipped={"\ud800": ["\ud800"]}), "skipped: list", 0),
        (lambda s: s[0]["votes"][0].update(seconds=10**400), "seconds are 1000", 0),
        (lambda s: s[0]["votes"][0].update(at=[1]), "time is list", 0),
        (lambda s: s[0]["votes"][0].update(at="2026-01-01\ud80012:00"), "time is '2026", 0),
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
    assert reason in odd.reason and f"{odd.source}{odd.rater}{odd.trial}{odd.reason}".encode()
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


def test_a_file_under_another_name_is_no_second_person(study):
    folder, key, sheets = study
    before = read(write_study(folder / "one", key, sheets))
    copies = [sheets[0] | {"rater": f"S{place}"} for place in range(3)]
    votes = read(write_study(folder / "more", key, sheets + copies))
    assert votes.rows == before.rows
    assert [(odd.rater, odd.reason) for odd in votes.odd] == [
        (f"S{place}", "15 votes are those of R00 to the clock: one person's, counted once") for place in range(3)
    ]


def test_a_name_is_the_same_however_its_accents_are_written(study):
    folder, key, sheets = study
    sheets[0]["rater"] = "Zoe\u0308"
    again = sheets[0] | {"rater": "Zo\u00eb ", "votes": sheets[0]["votes"][:1]}
    write_study(folder, key, sheets)
    (folder / "votes" / "again.json").write_text(json.dumps(again))
    votes = read(folder)
    assert {row.rater for row in votes.rows} == {"Zo\u00eb", "R01", "R02"} and "counted once" in votes.odd[0].reason


def test_what_raters_corrected_is_told(study):
    folder, key, sheets = study
    write_study(folder, key, [])
    rules = Rules(study=key["study"], questions=frozenset(key["questions"]), slots=tuple(map(frozenset, key["slots"])))
    ballots = Ballots(folder / "votes.sqlite", rules)
    for sheet in sheets:
        ballots.take(sheet, "a browser")
    for answer in ("left", "same"):
        corrected = dict.fromkeys(key["questions"], answer)
        votes = [vote | {"answers": corrected, "correction": True} for vote in sheets[1]["votes"][:2]]
        ballots.take(sheets[1] | {"votes": votes}, "a browser")
    ballots.close()
    votes = read_votes([folder / "votes.sqlite"], read_key(folder))
    (odd,) = votes.odd
    assert (odd.rater, odd.counted) == ("R01", True) and odd.reason.startswith("4 votes corrected by the rater")
    changed = {row.trial.id for row in votes.rows if row.rater == "R01" and row.answer == "same"}
    assert {vote["trial"] for vote in sheets[1]["votes"][:2]} <= changed


def test_who_did_not_finish_is_kept_and_told(study):
    folder, key, sheets = study
    sheets[2]["votes"] = sheets[2]["votes"][:5]
    votes = read(write_study(folder, key, sheets))
    assert votes.unfinished == {"R02": (5, 15)} and sum(row.rater == "R02" for row in votes.rows) == 20


def test_two_raters_in_a_slot_and_one_in_two_are_told(study):
    folder, key, sheets = study
    sheets[1]["rater"] = "R00"
    extra = json.loads(json.dumps(sheets[2] | {"rater": "R09"}))
    for vote in extra["votes"]:
        vote["seconds"] += 1
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


def test_no_control_character_reaches_a_report(study):
    """A terminal obeys them, and LaTeX stops at them."""
    folder, key, sheets = study
    sheets[0]["skipped"] = {"t\x1b[31m": "no\x00thing"}
    write_study(folder, key, sheets)
    (folder / "votes" / "bad\x1b[2J.json").write_text("{")
    odd = read(folder).odd
    assert {one.trial for one in odd} == {"", r"t\x1b[31m"} and {one.source for one in odd} == {"R00.json", r"bad\x1b[2J.json"}
    assert all(f"{one.source}{one.trial}{one.reason}".isprintable() for one in odd)


def test_a_person_who_is_called_as_models_are_is_told(study):
    folder, key, sheets = study
    sheets[0]["rater"] = " judge:x"
    (odd,) = read(write_study(folder, key, sheets)).odd
    assert odd.rater == "judge:x" and odd.counted and "counted as a model" in odd.reason


def test_a_database_without_its_log_of_writing_is_told_so(study):
    folder, key, sheets = study
    write_study(folder, key, sheets)
    sqlite3.connect(folder / "votes" / "votes.sqlite").execute("PRAGMA user_version=1").connection.close()
    (odd,) = read(folder).odd
    assert odd.source == "votes.sqlite" and "NAME-wal beside it may hold the votes" in odd.reason


def test_a_clip_left_before_its_end_is_not_watched(study):
    folder, key, sheets = study
    sheets[0]["votes"][0].update(seconds=1.0)
    sheets[0]["votes"][1].update(watched=[1, 0])
    votes = read(write_study(folder, key, sheets))
    assert {row.trial.id for row in votes.rows if not row.watched} == {vote["trial"] for vote in sheets[0]["votes"][:2]}


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_files_saved_by_other_editors_are_read(study, encoding):
    folder, key, sheets = study
    write_study(folder, key, sheets)
    (folder / "votes" / "R00.json").write_text(json.dumps(sheets[0]), encoding=encoding)
    assert not read(folder).odd


def test_a_file_too_large_for_one_rater_is_not_read(study, monkeypatch):
    folder, key, sheets = study
    write_study(folder, key, sheets)
    monkeypatch.setattr(vote_files, "MOST_BYTES", 100)
    with pytest.raises(ValueError, match="not one vote that counts: cannot be read: votes R00.json: size"):
        read(folder)


def test_broken_files_are_rows_and_missing_ones_an_error(study):
    folder, key, sheets = study
    write_study(folder, key, sheets)
    (folder / "votes" / "broken.json").write_text("{")
    (folder / "votes" / "broken.db").write_bytes(b"no database")
    deep = folder / "votes" / "deep.json"
    deep.write_text("[" * 200_000)
    for name, columns in (
        ("other.db", "rater, slot"),
        ("null.db", "rater, slot, trial, answers_json, seconds, watched_json, at, received"),
    ):
        base = sqlite3.connect(folder / "votes" / name)
        base.execute(f"CREATE TABLE votes({columns})")
        base.execute(f"INSERT INTO votes({columns}) SELECT {', '.join(['NULL'] * len(columns.split(',')))}")
        base.commit()
        base.close()
    odd = read(folder).odd
    bad = {"broken.json", "broken.db", "deep.json", "other.db", "null.db"}
    assert {one.source for one in odd} == bad and all("cannot be read" in one.reason for one in odd)
    with pytest.raises(ValueError, match="not one vote that counts: cannot be read"):
        read_votes([deep], read_key(folder))
    with pytest.raises(ValueError, match="nowhere.json, which is not there"):
        read_votes([folder / "nowhere.json"], read_key(folder))
    with pytest.raises(ValueError, match="no file key.json"):
        read_key(folder / "votes")
    (folder / "key.json").write_text(json.dumps(key | {"format": "other"}))
    with pytest.raises(ValueError, match="format: got other, expected actorforge-study-1"):
        read_key(folder)
