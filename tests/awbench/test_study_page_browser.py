"""The page of a study in a real headless Chromium: what raters click is what is exported, at a desk, by touch, by keys, and served."""

from __future__ import annotations

import json
import shutil
import threading
import time

import pytest

from awbench.study.bundle import make_study
from awbench.study.key import read_key
from awbench.study.serve import StudyServer
from awbench.study.votes import read_votes
from models.artifacts import read_json
from tests.awbench.browser import CHROMIUM, Browser
from tests.awbench.study_raters import (
    answers_of,
    button,
    enter,
    exported,
    moved_on,
    press,
    ready,
    reload,
    tap,
    trial_of,
    visit,
    vote,
    wait_watched,
)
from tests.awbench.study_runs import make_runs, shown_in

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    root = tmp_path_factory.mktemp("studied")
    make_study(make_runs(root), root / "study", cases=2, raters=4, pairs_each=4, completion_code="C0FFEE")
    return root / "study"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A study whose slots hold every kind of trial."""
    root = tmp_path_factory.mktemp("whole")
    make_study(make_runs(root), root / "study", cases=3, raters=1)
    return root / "study"


@pytest.fixture
def browser():
    with Browser() as found:
        yield found


def address(folder, query) -> str:
    return (folder / "site" / "index.html").resolve().as_uri() + query


def text_of(browser, selector) -> str:
    return browser.run(f"document.querySelector({selector!r}).textContent")


def clicked(sheet: dict) -> list[tuple[str, dict[str, str]]]:
    return [(ballot["trial"], ballot["answers"]) for ballot in sheet["votes"]]


def test_a_rater_votes_reloads_halfway_and_exports_just_what_was_clicked(browser, whole, tmp_path):
    key = read_json(whole / "key.json")
    visit(browser, address(whole, "?PROLIFIC_PID=5f0c&slot=0&cc=Q1W2"))
    enter(browser)
    count, done = len(key["slots"][0]), []
    assert {key["trials"][name]["kind"] for name in key["slots"][0]} == {"pair", "repeat", "attention_same", "attention_bad"}
    for place in range(count):
        if place == count // 2:  # in the middle of a trial: watched, one question answered
            browser.click("#play")
            wait_watched(browser)
            first = answers_of(trial_of(browser))["overall"]
            browser.click(button(0, first))
            reload(browser)
            assert text_of(browser, "#progress") == f"Comparison {place + 1} of {count}"
            assert browser.run(f"document.querySelector('{button(0, first)}').getAttribute('aria-pressed')") == "true"
        done.append(vote(browser, place))
    assert text_of(browser, "#done h1") == "One last step" and browser.run("document.querySelector('#code').hidden")
    text = exported(browser, tmp_path)
    assert text_of(browser, "#done h1").startswith("All done") and browser.run("document.querySelector('#code').innerText").endswith("Q1W2")
    sheet = json.loads(text)
    assert clicked(sheet) == done and [name for name, _ in done] == key["slots"][0]
    assert (sheet["format"], sheet["study"], sheet["rater"], sheet["slot"]) == ("actorforge-votes-1", key["study"], "5f0c", 0)
    assert all(ballot["seconds"] >= 1 and min(ballot["watched"]) >= 1 for ballot in sheet["votes"])
    assert browser.run("document.querySelector('#text').value") == text and "skipped" not in sheet
    assert browser.errors == [] and all(url.startswith(("file:", "data:", "blob:")) for url in browser.requests)
    votes = read_votes([next(tmp_path.glob("*.json"))], read_key(whole))
    assert not votes.odd and not votes.unfinished
    assert {(one.trial.id, one.question): one.answer for one in votes.rows} == {
        (name, q): a for name, said in done for q, a in said.items()
    }


def test_a_rater_votes_by_touch_on_a_phone(browser, folder, tmp_path):
    visit(browser, address(folder, "?workerId=A1B2&slot=1"), width=390, height=844, touch=True)
    enter(browser, tap)
    count, done = len(read_json(folder / "key.json")["slots"][1]), []
    for place in range(count):
        assert browser.run("document.documentElement.scrollWidth") <= 390
        done.append(vote(browser, place, tap))
    sheet = json.loads(exported(browser, tmp_path, tap))
    assert clicked(sheet) == done and (sheet["rater"], sheet["slot"], len(done)) == ("A1B2", 1, count)
    assert text_of(browser, "#code strong") == "C0FFEE" and browser.errors == []


def test_a_rater_votes_by_keys_alone_and_corrects_the_last_vote(browser, folder):
    visit(browser, address(folder, "?slot=2"))
    press(browser, "Tab")
    assert browser.run("document.activeElement.id") == "rater" and browser.run("document.activeElement.labels[0].textContent").strip()
    browser.call("Input.insertText", text="  Ada  L ")
    press(browser, "Enter")
    browser.wait("!document.querySelector('#trial').hidden")
    done = []
    for place in range(len(read_json(folder / "key.json")["slots"][2])):
        browser.wait("document.querySelector('#left').readyState >= 3")
        trial = trial_of(browser)
        press(browser, "1")  # too early: told, and not taken
        assert browser.run("document.querySelector('#hint').classList.contains('urgent')")
        press(browser, " ")
        wait_watched(browser)
        answers = answers_of(trial)
        for answer in answers.values():
            press(browser, {"left": "&", "same": "2", "right": "3"}[answer])
        press(browser, "Enter")
        moved_on(browser, place)
        if place == 1:
            press(browser, "Backspace")
            browser.wait("document.querySelector('#progress').textContent.startsWith('Comparison 2 ')")
            assert browser.run("document.querySelector('#back').disabled")  # one step, no more
            press(browser, "ArrowUp")
            answers |= {"overall": {"left": "right", "same": "left", "right": "same"}[answers["overall"]]}
            press(browser, {"left": "1", "same": "2", "right": "3"}[answers["overall"]])
            press(browser, "Enter")
            moved_on(browser, place)
        done.append((trial["trial"], answers))
    sheet = json.loads(browser.run("document.querySelector('#text').value"))
    assert clicked(sheet) == done and sheet["rater"] == "Ada L" and browser.errors == []


def test_who_comes_without_a_slot_gets_the_one_of_the_name(browser, folder):
    places = []
    for name in ("ann", "ann", "bob", "cy", "dee", "eve"):
        visit(browser, address(folder, f"?rater={name}"))
        if not browser.run("document.querySelector('#welcome').hidden"):
            enter(browser)
        places.append(
            browser.run("Object.keys(localStorage).find(key => key.split(':')[2] === new URLSearchParams(location.search).get('rater'))")
        )
        browser.run("document.querySelector('#left').readyState")
    slots = [int(place.rsplit(":", 1)[1]) for place in places]
    assert slots[0] == slots[1] and len(set(slots)) > 1 and set(slots) <= {0, 1, 2, 3}


def test_a_wrong_slot_and_a_storage_that_fails_are_told(browser, folder):
    browser.call("Page.addScriptToEvaluateOnNewDocument", source="Storage.prototype.setItem = () => { throw new Error('full'); };")
    visit(browser, address(folder, "?slot=0&rater=full"))
    assert "does not keep your answers" in text_of(browser, "#notice")
    enter(browser)
    browser.wait("!document.querySelector('#trial').hidden")  # it works all the same
    browser.call("Page.navigate", url=address(folder, "?slot=9&rater=x"))
    browser.wait("document.querySelector('#notice')?.textContent.includes('slot 9')")
    assert browser.run("[...document.querySelectorAll('main')].every(main => main.hidden)")
    inline = "const node = document.createElement('script'); node.textContent = 'window.strange = 1'; document.body.append(node);"
    assert browser.run(f"(() => {{ {inline} return window.strange ?? null; }})()") is None  # the page's policy holds from a disk too


def test_a_video_that_does_not_play_can_be_skipped_and_is_told(browser, folder, tmp_path):
    site = tmp_path / "study" / "site"
    shutil.copytree(folder / "site", site)
    first, second = shown_in(site)[0][:2]
    (site / first["right"]).write_bytes(b"no video")
    visit(browser, address(tmp_path / "study", "?slot=0&rater=skips"))
    enter(browser)
    browser.wait("!document.querySelector('#skip').hidden")
    assert "does not load" in text_of(browser, "#hint") and text_of(browser, "#play") == "Try again"
    browser.click("#skip")
    moved_on(browser, 0)
    browser.click("#back")  # by mistake: the same again
    browser.wait("!document.querySelector('#skip').hidden")
    browser.click("#skip")
    moved_on(browser, 0)
    kept = browser.run("JSON.parse(localStorage.getItem(Object.keys(localStorage).find(name => name.includes(':skips:'))))")
    assert list(kept["skipped"]) == [first["trial"]] and kept["votes"] == {} and second["trial"] != first["trial"]


@pytest.mark.parametrize("what", ["driver", "reference"])
def test_what_fails_to_load_is_told_and_tried_again(browser, folder, tmp_path, what):
    site = tmp_path / "study" / "site"
    shutil.copytree(folder / "site", site)
    lost = site / shown_in(site)[0][0][what]
    lost.rename(site / "away")
    visit(browser, address(tmp_path / "study", "?slot=0&rater=again"))
    enter(browser)
    browser.wait("!document.querySelector('#skip').hidden")
    (site / "away").rename(lost)
    browser.click("#play")
    wait_watched(browser)
    assert browser.run("document.querySelector('#skip').hidden && document.querySelector('#reference').naturalWidth > 0")


def test_a_slot_that_does_not_load_is_told_and_tried_again(browser, folder, tmp_path):
    site = tmp_path / "study" / "site"
    shutil.copytree(folder / "site", site)
    (site / "slots" / "1.js").rename(site / "away")
    visit(browser, address(tmp_path / "study", "?slot=1&rater=lost"))
    browser.click("#start")
    browser.wait("document.querySelector('#notice').textContent.includes('do not load')")
    (site / "away").rename(site / "slots" / "1.js")
    enter(browser)
    assert browser.run("document.querySelector('#notice').hidden")


def test_a_slow_network_is_told_and_waited_for(browser, folder):
    browser.call("Fetch.enable", patterns=[{"urlPattern": "*.mp4"}])  # requests are held back
    visit(browser, address(folder, "?slot=0&rater=slow"))
    enter(browser)
    browser.click("#play")
    browser.wait("document.querySelector('#hint').textContent.startsWith('Loading')")
    browser.call("Fetch.disable")
    wait_watched(browser)
    assert "questions to answer" in text_of(browser, "#hint")


def test_a_study_goes_on_in_one_tab_only(browser, folder):
    """Two would write over each other's votes."""
    visit(browser, address(folder, "?slot=0&rater=twice"))
    enter(browser)
    first, target = browser._session, browser.call("Target.createTarget", url="about:blank")["targetId"]
    browser._session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    browser.call("Page.navigate", url=address(folder, "?slot=0&rater=twice"))
    browser.wait("location.protocol === 'file:'")
    ready(browser)
    vote(browser, 0)
    browser._session = first
    browser.wait("document.querySelector('#notice').textContent.includes('another tab')")
    assert browser.run("[...document.querySelectorAll('main')].every(main => main.hidden)")
    reload(browser)
    assert text_of(browser, "#progress").startswith("Comparison 2 ")


def test_both_videos_run_in_step_with_the_driver(browser, folder):
    visit(browser, address(folder, "?slot=3&rater=step"))
    enter(browser)
    browser.wait("[...document.querySelectorAll('video')].every(video => video.readyState >= 3)")
    browser.click("#loop")
    browser.run("document.querySelector('#speed').value = '0.5'")
    browser.click("#play")
    look = "[...document.querySelectorAll('video')].map(video => video.currentTime)"
    wait = "await new Promise(done => setTimeout(done, 100));"
    looks = browser.run(
        f"(async () => {{ const found = []; for (let n = 0; n < 30; n++) {{ found.push({look}); {wait} }} return found; }})()"
    )
    spreads = sorted(max(times[1:]) - min(times[1:]) for times in looks)
    assert spreads[len(spreads) // 2] <= 1 / 12 and len({round(times[1], 2) for times in looks}) > 5
    assert any(later[1] < before[1] for before, later in zip(looks, looks[1:]))  # it began again by itself


@pytest.mark.parametrize(("width", "height"), [(360, 640), (390, 844), (844, 390), (1400, 900)])
def test_it_fits_the_screen_and_everything_has_a_name_and_room_for_a_finger(browser, folder, width, height):
    visit(browser, address(folder, "?slot=0&rater=look"), width=width, height=height, touch=width < 1000)
    for step in ("#welcome", "#trial"):
        assert browser.run("document.documentElement.scrollWidth") <= width
        seen = "[...document.querySelectorAll('button, select, input')].filter(node => node.offsetParent)"
        assert browser.run(f"{seen}.filter(node => Math.min(node.offsetWidth, node.offsetHeight) < 44).map(node => node.id)") == []
        if step == "#welcome":
            enter(browser)
            browser.wait("document.querySelector('#left').readyState >= 2")
    boxes = (
        "['#reference', '#driver', '#left', '#right', '#play', '#next'].map(name => document.querySelector(name).getBoundingClientRect())"
    )
    assert browser.run(f"{boxes}.every(box => box.top >= 0 && box.bottom <= innerHeight && box.width >= 44)")  # all at once, unscrolled
    tree = browser.call("Accessibility.getFullAXTree")["nodes"]
    named = {node["role"]["value"]: [] for node in tree}
    for node in tree:
        if not node.get("ignored"):
            named[node["role"]["value"]].append(node.get("name", {}).get("value", ""))
    assert all(named["button"]) and all(named["group"]) and all(named["combobox"]) and all(named["image"]) and len(named["group"]) >= 4
    assert browser.run("document.querySelectorAll('[aria-live=polite]').length") >= 2
    assert browser.run("[...document.querySelectorAll('video')].every(video => video.muted && video.playsInline)")


def test_a_served_page_sends_its_votes_and_corrections_and_survives_a_server_that_is_away(browser, folder):
    servers = [start(folder)]
    try:
        url = servers[0].url
        visit(browser, f"{url}?slot=0&rater=net")
        enter(browser)
        done = dict([vote(browser, 0)])
        browser.wait("document.querySelector('#sending').textContent === ''")
        wait_stored(servers[0], 1)
        stop(servers.pop())
        count = len(read_json(folder / "key.json")["slots"][0])
        name, answers = trial_of_first(browser)
        answers = dict(answers) | {"motion": {"left": "right", "same": "left", "right": "same"}[answers["motion"]]}
        browser.click(button(2, answers["motion"]))  # a correction of what is on the server, made while it is away
        browser.click("#next")
        done[name] = answers
        browser.wait("document.querySelector('#sending').textContent.includes('not sent yet')")
        servers.append(start(folder, int(url.rstrip("/").rsplit(":", 1)[1])))
        for place in range(1, count):
            done |= [vote(browser, place)]
        browser.wait("document.querySelector('#told').textContent.includes('are stored')", 45)
        assert text_of(browser, "#code strong") == "C0FFEE"
    finally:
        for server in servers:
            stop(server)
    votes = read_votes([folder / "votes.sqlite"], read_key(folder))
    found = {}
    for one in votes.rows:
        found.setdefault(one.trial.id, {})[one.question] = one.answer
    assert found == done and [one.reason for one in votes.odd if "corrected" in one.reason] == [one.reason for one in votes.odd]


def trial_of_first(browser):
    """Go back to the vote before."""
    browser.click("#back")
    browser.wait("document.querySelector('#progress').textContent.startsWith('Comparison 1 ')")
    trial = trial_of(browser)
    return trial["trial"], answers_of(trial)


def start(folder, port: int = 0) -> StudyServer:
    server = StudyServer(folder, "127.0.0.1", port)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    return server


def stop(server: StudyServer) -> None:
    server.shutdown()
    server.server_close()


def wait_stored(server: StudyServer, count: int) -> None:
    end = time.monotonic() + 30
    while server.ballots.count() < count:
        assert time.monotonic() < end
        time.sleep(0.05)
