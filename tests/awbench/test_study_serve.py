"""`study serve`: what it acknowledges is kept whatever happens, what is forged or doubled is refused, only the page is given away."""

from __future__ import annotations

import http.client
import json
import socket
import sqlite3
import threading

import pytest

from awbench.study import serve
from awbench.study.ballots import MOST_VOTES
from awbench.study.serve import StudyServer
from models.artifacts import read_json
from tests.awbench.study_load import bombard, post, sheet_of, stored, write_served


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "study"


@pytest.fixture
def study(folder):
    return write_served(folder, slots=3, trials=5)


@pytest.fixture
def connection(folder, study):
    (folder / "site" / "media").mkdir()
    (folder / "site" / "media" / "a.mp4").write_bytes(bytes(range(100)))
    with StudyServer(folder, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield http.client.HTTPConnection("127.0.0.1", server.server_address[1], timeout=30)
        server.shutdown()


def get(connection, path, method="GET", **headers):
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    return answer.status, answer.read(), answer.headers


def test_no_acknowledged_vote_is_lost_and_none_doubled_when_the_server_is_killed(folder):
    study = write_served(folder, slots=15, trials=40)
    load = bombard(folder, study, rate=200, seconds=2, kills=2)
    rows = stored(folder)
    assert load.sent == len(load.acknowledged) == 400 and load.refused == [] and load.retries >= 2
    assert len(rows) == len(dict(rows)) and dict(rows) == load.acknowledged


def test_what_is_acknowledged_is_on_disc_already(connection, folder, study):
    assert post(connection, sheet_of(study, "ann", 0, 0))[0] == 200
    assert [name for name, _ in stored(folder)] == [("ann", study["slots"][0][0]["trial"])]
    data = sqlite3.connect(folder / "votes.sqlite")
    assert data.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    names = [row[1] for row in data.execute("PRAGMA table_info(votes)")]
    assert names == ["study", "rater", "slot", "trial", "answers_json", "seconds", "watched_json", "at", "sender", "received"]


def test_the_same_again_is_acknowledged_once_more_and_other_content_needs_a_correction(connection, folder, study):
    cookie = get(connection, "/")[2]["Set-Cookie"].split(";")[0]
    first = sheet_of(study, "ann", 1, 2)
    assert [post(connection, first, cookie)[0] for _ in range(3)] == [200, 200, 200]
    other = sheet_of(study, "ann", 1, 2, answers=dict.fromkeys(first["votes"][0]["answers"], "same"))
    status, said = post(connection, other, cookie)
    assert status == 409 and "correction" in said["error"] and stored(folder)[0][1] == first["votes"][0]
    other["votes"][0]["correction"] = True
    assert [post(connection, other, cookie)[0] for _ in range(2)] == [200, 200]
    other["votes"][0].pop("correction")
    assert [ballot for _, ballot in stored(folder)] == other["votes"]
    before = sqlite3.connect(folder / "votes.sqlite").execute("SELECT rater, answers_json FROM revisions").fetchall()
    assert [(rater, json.loads(answers)) for rater, answers in before] == [("ann", first["votes"][0]["answers"])]


def test_two_raters_may_vote_on_one_trial_and_a_batch_is_taken_whole_or_not_at_all(connection, folder, study):
    assert post(connection, sheet_of(study, "ann", 0, 1))[0] == post(connection, sheet_of(study, "bob", 0, 1))[0] == 200
    batch = sheet_of(study, "cy", 0, 0)
    batch["votes"] += [sheet_of(study, "cy", 0, place)["votes"][0] for place in (1, 2)]
    bad = json.loads(json.dumps(batch))
    bad["votes"][2]["answers"]["overall"] = "up"
    assert post(connection, bad)[0] == 400 and len(stored(folder)) == 2
    assert post(connection, batch) == (200, {"acknowledged": [ballot["trial"] for ballot in batch["votes"]]}) and len(stored(folder)) == 5


FORGED = {
    "another study": {"study": "fedcba9876543210"}, "no study": {"study": None}, "no rater": {"rater": ""},
    "a number as rater": {"rater": 7}, "a rater with control characters": {"rater": "a\x00b"},
    "a judge": {"rater": "judge:m"}, "a long rater": {"rater": "a" * 101},
    "no such slot": {"slot": 3}, "a slot below 0": {"slot": -1}, "true as slot": {"slot": True}, "text as slot": {"slot": "1"},
    "another slot's trial": {"slot": 2}, "no votes": {"votes": []}, "votes that are no list": {"votes": {}},
    "a vote that is none": {"votes": [3]}, "too many": {"votes": [{}] * (MOST_VOTES + 1)},
}  # fmt: skip
BALLOTS = {
    "unknown trial": {"trial": "f" * 16}, "list as trial": {"trial": []}, "unknown answer": {"answers": {"overall": "up"}},
    "no answers": {"answers": {}}, "an answer less": {"answers": {"overall": "left"}}, "a list as answer": {"answers": {"overall": []}},
    "text as seconds": {"seconds": "9"}, "seconds below 0": {"seconds": -1}, "endless seconds": {"seconds": float("inf")},
    "seconds that are none": {"seconds": float("nan")}, "watched once": {"watched": [1]}, "watched by halves": {"watched": [0.5, 1]},
    "seconds without end": {"seconds": 10**400}, "half a character in the moment": {"at": "2026-01-01\ud80012:00:00+00:00"},
    "no moment": {"at": "yesterday"}, "no zone": {"at": "2026-01-01T00:00:00"}, "a number as correction": {"correction": 1},
}  # fmt: skip


@pytest.mark.parametrize("name", [*FORGED, *BALLOTS])
def test_what_is_forged_is_refused_with_a_reason(connection, folder, study, name):
    sheet = sheet_of(study, "ann", 1, 0, **BALLOTS.get(name, {})) | FORGED.get(name, {})
    status, said = post(connection, sheet)
    assert status == 400 and said["error"] and stored(folder) == []
    assert post(connection, sheet_of(study, "ann", 1, 0))[0] == 200  # and the connection goes on


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff\xfe", b"[" * 100_000, b'{"study": 1e999}', b"1" * 10_000])
def test_what_is_no_sheet_is_refused(connection, folder, body):
    status, said = post(connection, body)
    assert status == 400 and said["error"] and stored(folder) == []


def test_only_the_browser_that_voted_corrects(connection, folder, study):
    mine, theirs = ({"Cookie": get(connection, "/")[2]["Set-Cookie"].split(";")[0]} for _ in range(2))
    sheet = sheet_of(study, "ann", 0, 0)
    other = sheet_of(study, "ann", 0, 0, answers=dict.fromkeys(sheet["votes"][0]["answers"], "same"), correction=True)
    assert mine != theirs and get(connection, "/", **mine)[2]["Set-Cookie"] is None

    def send(sheet, cookie):
        connection.request("POST", "/votes", json.dumps(sheet), {"Content-Type": "application/json"} | cookie)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())

    assert send(sheet, mine)[0] == send(sheet, theirs)[0] == 200  # the same content changes nothing
    for cookie in (theirs, {}):
        status, said = send(other, cookie)
        assert status == 403 and "another browser" in said["error"] and stored(folder)[0][1] == sheet["votes"][0]
    assert send(other, mine)[0] == 200 and stored(folder)[0][1]["answers"] == other["votes"][0]["answers"]
    assert send(sheet_of(study, "bob", 0, 0), {})[0] == 200
    assert send(other | {"rater": "bob"}, {})[0] == 403  # of two without cookies nobody knows whether they are one


def test_a_page_whose_name_was_made_to_point_here_gets_nothing(connection, folder, study):
    for host, status in (("evil.example", 403), ("localhost:1234", 200), (f"127.0.0.1:{connection.port}", 200)):
        assert get(connection, "/study.json", Host=host)[0] == status
        connection.request("POST", "/votes", json.dumps(sheet_of(study, "ann", 0, 0)), {"Content-Type": "application/json", "Host": host})
        answer = connection.getresponse()
        assert answer.status == status and answer.read()
        assert len(stored(folder)) == (status == 200)


@pytest.mark.parametrize("digits", [16, 5000])
def test_lengths_that_no_file_has_are_answered(connection, digits):
    assert get(connection, "/media/a.mp4", Range="bytes=0-" + "9" * digits)[0] == 200
    connection.putrequest("POST", "/votes")
    connection.putheader("Content-Length", "9" * digits)
    connection.endheaders()
    assert connection.getresponse().status == 413


def test_a_fault_of_one_sheet_does_not_stop_the_others(folder, study):
    with StudyServer(folder, "127.0.0.1", 0) as server:
        put, server.ballots._put = server.ballots._put, lambda rows, sender: rows.nothing
        with pytest.raises(AttributeError):
            server.ballots.take(sheet_of(study, "ann", 0, 0))
        server.ballots._put = put
        assert server.ballots.take(sheet_of(study, "ann", 0, 0)) and server.ballots.count() == 1


def test_votes_moved_away_under_a_server_are_not_acknowledged(connection, folder, study):
    assert post(connection, sheet_of(study, "ann", 0, 0))[0] == 200
    (folder / "votes.sqlite").rename(folder / "moved.sqlite")
    assert post(connection, sheet_of(study, "ann", 0, 1))[0] == 503


def test_what_is_no_database_of_votes_is_refused_in_a_sentence(folder, study):
    file = folder / "votes.sqlite"
    file.write_bytes(b"no database, but some text that is long enough to be read as one" * 20)
    with pytest.raises(ValueError, match="votes votes.sqlite: cannot be opened"):
        StudyServer(folder, "127.0.0.1", 0)
    file.unlink()
    base = sqlite3.connect(file)
    base.execute("CREATE TABLE votes(x)")
    base.close()
    with pytest.raises(ValueError, match="votes votes.sqlite: cannot be opened"):
        StudyServer(folder, "127.0.0.1", 0)


def test_a_port_that_is_taken_is_named(connection, folder):
    with pytest.raises(ValueError, match=f"--port {connection.port}: .*take another port"):
        StudyServer(folder, "127.0.0.1", connection.port)


def test_too_much_is_refused_unread(connection):
    connection.putrequest("POST", "/votes")
    connection.putheader("Content-Length", str(1 << 40))
    connection.endheaders()
    assert connection.getresponse().status == 413


def test_a_page_of_another_site_cannot_vote(connection, folder, study):
    body = json.dumps(sheet_of(study, "ann", 0, 0))
    for headers in ({"Content-Type": "text/plain"}, {"Content-Type": "application/json", "Origin": "http://elsewhere.example"}):
        connection.request("POST", "/votes", body, headers)
        answer = connection.getresponse()
        assert answer.status == 403 and answer.read() and stored(folder) == []
    own = {"Content-Type": "application/json", "Origin": f"http://127.0.0.1:{connection.port}"}
    connection.request("POST", "/votes", body, own)
    assert connection.getresponse().status == 200


@pytest.mark.parametrize(
    "path",
    ["/key.json", "/../key.json", "/%2e%2e/key.json", "/media/../../key.json", "//key.json", "/votes.sqlite", "/..%2fkey.json", "/media"],
)
def test_nothing_but_the_page_is_served(connection, path):
    assert get(connection, path)[0] == 404


def test_the_page_is_told_where_to_send_and_the_file_is_not_changed(connection, folder, study):
    status, data, headers = get(connection, "/study.json?x=1")
    assert status == 200 and json.loads(data) == study | {"slots": 3, "submit": "/votes"}
    assert json.loads((folder / "site" / "study.json").read_text())["submit"] is None
    assert get(connection, "/")[1] == (folder / "site" / "index.html").read_bytes() and "'self'" in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("asked", "status", "found"),
    [("bytes=0-", 206, range(100)), ("bytes=10-19", 206, range(10, 20)), ("bytes=-5", 206, range(95, 100)),
     ("bytes=90-900", 206, range(90, 100)),
     ("bytes=100-", 416, ()), ("lines=1-2", 200, range(100))],
)  # fmt: skip
def test_players_get_the_part_they_ask_for(connection, asked, status, found):
    got, data, headers = get(connection, "/media/a.mp4", Range=asked)
    assert (got, data) == (status, bytes(found)) and headers["Content-Length"] == str(len(data))
    assert get(connection, "/media/a.mp4", "HEAD", Range=asked)[1] == b""


def test_a_folder_without_a_study_or_with_votes_of_another_one_is_refused(folder, study, tmp_path):
    with pytest.raises(ValueError, match="study make"):
        StudyServer(tmp_path, "127.0.0.1", 0)
    with StudyServer(folder, "127.0.0.1", 0) as server:
        server.ballots.take(sheet_of(study, "ann", 0, 0))
    (folder / "site" / "study.json").write_text(json.dumps(study | {"study": "f" * 16}))
    with pytest.raises(ValueError, match="site/study.json: got study f+, expected 0123456789abcdef, as in key.json"):
        StudyServer(folder, "127.0.0.1", 0)
    (folder / "key.json").write_text(json.dumps(read_json(folder / "key.json") | {"study": "f" * 16}))
    with pytest.raises(ValueError, match="study: got 0123456789abcdef, expected f"):
        StudyServer(folder, "127.0.0.1", 0)


def test_who_never_ends_a_request_keeps_nobody_out(folder, study, monkeypatch):
    """Half a request on each of many connections: those that wait longest are closed, and one that asks is answered."""
    monkeypatch.setattr(serve, "_MOST_WAITING", 20)
    with StudyServer(folder, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        half = [socket.create_connection(server.server_address, timeout=10) for _ in range(60)]
        for one in half:
            one.sendall(b"POST /votes HTTP/1.1\r\nContent-Length: 1000\r\n\r\n{")
        assert half[0].recv(1) == b""  # closed
        connection = http.client.HTTPConnection(*server.server_address, timeout=10)
        assert [post(connection, sheet_of(study, "ann", 0, place))[0] for place in range(3)] == [200] * 3
        for one in (connection, *half):
            one.close()
        server.shutdown()
