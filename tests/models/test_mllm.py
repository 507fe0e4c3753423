"""The client against a local server that answers, stalls, refuses, breaks off and echoes the key."""

import base64
import json
import pickle
import subprocess
import sys
import threading
import time
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2
import numpy as np
import pytest

from models.mllm.client import Client
from models.mllm.endpoint import KEY_VARIABLE, Endpoint
from models.mllm.errors import CostCapReached, MllmError, Refused, Unparsed, Unreachable
from models.mllm.log import LOG_FILE, CallLog
from models.mllm.question import Frame, Question, frames_of_clip, question_key
from models.mllm.reply import MAX_REPLY_BYTES
from models.types import Clip

ROOT = Path(__file__).resolve().parents[2]
KEY = "sk-very/secret-0123456789"
SCORE = {
    "type": "object",
    "properties": {"why": {"type": "string"}, "score": {"type": "integer", "enum": [1, 2, 3, 4, 5]}},
    "required": ["why", "score"],
    "additionalProperties": False,
}
GOOD = '{"why": "it is sharp", "score": 4}'


def completion(content, finish="stop", tokens=(1000, 50), **message):
    usage = {} if tokens is None else {"usage": {"prompt_tokens": tokens[0], "completion_tokens": tokens[1]}}
    said = {"role": "assistant", "content": content, **message}
    return {"model": "fake-2026-11", "choices": [{"message": said, "finish_reason": finish}], **usage}


class FakeServer:
    """Answers the n-th request with the n-th step, the last one for ever: a dict (200), (status, body[, headers]) or a callable."""

    def __init__(self, *steps):
        self.steps, self.bodies, self.headers = list(steps), [], []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_):
                pass

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                assert self.path == "/v1/chat/completions"
                outer.bodies.append(body)
                outer.headers.append(dict(self.headers))
                step = outer.steps[min(len(outer.bodies), len(outer.steps)) - 1]
                try:
                    self.give(step(body) if callable(step) and step.__code__.co_argcount == 1 else step)
                except (BrokenPipeError, ConnectionResetError):
                    pass  # the client has left

            def give(self, step):
                if callable(step):
                    return step(self, None)
                status, body, headers = (*step, {})[:3] if isinstance(step, tuple) else (200, step, {})
                data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                for name, value in {"Content-Length": str(len(data)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

        class Server(ThreadingHTTPServer):
            daemon_threads, request_queue_size = True, 64  # five waiting connections are soon full, and a dropped one costs a second

        self.http = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}/v1"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def close(self):
        self.http.shutdown()
        self.http.server_close()


@pytest.fixture
def serve():
    servers = []

    def start(*steps):
        servers.append(FakeServer(*steps))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


class FakeTime:
    """A clock that only sleeping moves."""

    def __init__(self):
        self.now_s, self.slept_s = 1_800_000_000.0, []

    def clock(self):
        return self.now_s

    def sleep(self, seconds):
        self.slept_s.append(seconds)
        self.now_s += seconds


@pytest.fixture(autouse=True)
def no_key(monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)


def asker(server, folder, when=None, **settings):
    when = when or FakeTime()
    return Client(Endpoint(base_url=server.url, model="fake", **settings), folder, clock=when.clock, sleep=when.sleep)


def picture(value=0):
    return np.full((6, 8, 3), value, np.uint8)


def question(text="How sharp is it?", image=None, **changes):
    parts = (text, Frame(image=picture() if image is None else image, time_s=0.5, number=3))
    return Question(**{"name": "sharpness", "system": "You judge.", "parts": parts, "schema": SCORE, "version": "1", **changes})


def log_of(folder):
    return [json.loads(line) for line in (folder / LOG_FILE).read_text().splitlines()]


# ---- what is asked and answered


def test_an_answer_fits_its_schema_and_says_what_it_cost(serve, tmp_path):
    server = serve(completion(GOOD))
    answer = asker(server, tmp_path, usd_per_million_input=2.0, usd_per_million_output=10.0).ask(question())
    assert answer.value == {"why": "it is sharp", "score": 4} and answer.raw == GOOD and answer.model == "fake-2026-11"
    assert (answer.input_tokens, answer.output_tokens, answer.attempts, answer.cached) == (1000, 50, 1, False)
    assert answer.cost_usd == pytest.approx(1000 * 2e-6 + 50 * 10e-6)


def test_frames_go_as_jpeg_data_uris_each_after_its_time(serve, tmp_path):
    server = serve(completion(GOOD))
    clip = Clip(frames=np.stack([np.full((40, 60, 3), v, np.uint8) for v in (0, 50, 100, 150, 200)]), fps=4.0)
    asker(server, tmp_path).ask(question(parts=("look", *frames_of_clip(clip, 3, of="driver"), Frame(image=picture(9)))))
    system, user = server.bodies[0]["messages"]
    content = user["content"]
    assert system == {"role": "system", "content": "You judge."}
    texts = [part["text"] for part in content if part["type"] == "text"]
    assert texts == ["look", "driver, frame 1, t=0.00 s", "driver, frame 2, t=0.50 s", "driver, frame 3, t=1.00 s", "image"]
    assert [part["type"] for part in content] == ["text"] + ["text", "image_url"] * 4
    head, data = content[4]["image_url"]["url"].split(",")
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    assert head == "data:image/jpeg;base64" and shown.shape == (40, 60, 3) and abs(int(shown.mean()) - 100) <= 2


def test_colours_are_not_swapped_and_large_pictures_shrink(serve, tmp_path):
    server = serve(completion(GOOD))
    red = np.zeros((64, 2048, 3), np.uint8)
    red[..., 0] = 220
    asker(server, tmp_path).ask(question(image=red))
    data = server.bodies[0]["messages"][1]["content"][2]["image_url"]["url"].split(",")[1]
    shown = cv2.imdecode(np.frombuffer(base64.b64decode(data), np.uint8), cv2.IMREAD_COLOR)
    assert shown.shape == (32, 1024, 3) and shown[..., 2].mean() > 200 and shown[..., 0].mean() < 30


def test_the_request_is_strict_seeded_and_cold(serve, tmp_path):
    server = serve(completion(GOOD))
    asker(server, tmp_path, seed=7).ask(question())
    body = server.bodies[0]
    assert body["response_format"] == {"type": "json_schema", "json_schema": {"name": "sharpness", "schema": SCORE, "strict": True}}
    assert (body["model"], body["seed"], body["temperature"]) == ("fake", 7, 0.0)
    asker(server, tmp_path, temperature=None).ask(question("another"))
    assert "temperature" not in server.bodies[1]


def test_frames_of_a_clip_are_even_and_never_repeated():
    clip = Clip(frames=np.arange(9, dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8), fps=8.0)
    frames = frames_of_clip(clip, 5)
    assert [f.time_s for f in frames] == [0, 0.25, 0.5, 0.75, 1.0] and [int(f.image[0, 0, 0]) for f in frames] == [0, 2, 4, 6, 8]
    assert len(frames_of_clip(clip, 50)) == 9 and len(frames_of_clip(clip, 1)) == 1
    with pytest.raises(ValueError, match="count: got 0"):
        frames_of_clip(clip, 0)


# ---- the cache and the log


def test_asking_again_makes_no_call_and_costs_nothing(serve, tmp_path):
    server = serve(completion(GOOD))
    first = asker(server, tmp_path).ask(question())
    again = asker(server, tmp_path).ask(question())
    assert len(server.bodies) == 1 and again.cached and again.value == first.value and again.key == first.key
    assert (again.cost_usd, again.attempts, again.input_tokens) == (0.0, 0, 0) and len(log_of(tmp_path)) == 1


def test_a_kept_answer_needs_neither_server_nor_key(serve, tmp_path):
    server = serve(completion(GOOD))
    asker(server, tmp_path).ask(question())
    far = Client(Endpoint(base_url="https://nobody.invalid/v1", model="fake"), tmp_path)
    assert far.ask(question()).cached


def test_everything_that_shapes_an_answer_changes_its_key():
    endpoint = Endpoint(base_url="http://localhost:1/v1", model="fake")
    other_schema = {**SCORE, "properties": {**SCORE["properties"], "score": {"type": "integer", "minimum": 0}}}
    asked = [question(), question("other"), question(image=picture(1)), question(image=np.zeros((8, 6, 3), np.uint8)),
             question(version="2"), question(system="other"), question(schema=other_schema), question(name="other")]  # fmt: skip
    keys = [question_key(one, endpoint) for one in asked]
    for settings in ({"seed": 1}, {"model": "bigger"}, {"temperature": 0.5}):
        keys.append(question_key(question(), Endpoint(**{"base_url": "http://localhost:1/v1", "model": "fake", **settings})))
    assert len(set(keys)) == len(keys)
    assert question_key(question(), endpoint) == question_key(question(), Endpoint(base_url="http://localhost:2/v1", model="fake"))


def test_a_damaged_kept_answer_is_named_not_believed(serve, tmp_path):
    client = asker(serve(completion(GOOD)), tmp_path)
    path = tmp_path / f"{client.ask(question()).key}.json"
    for text in ('{"value": {"why": "x", "score": 9}, "raw": "", "model": ""}', "{", "[]"):
        path.write_text(text)
        with pytest.raises(ValueError, match=path.name):
            client.ask(question())


def test_threads_that_ask_the_same_share_one_call(serve, tmp_path):
    def slow(_):
        time.sleep(0.1)
        return completion(GOOD)

    server = serve(slow)
    client, answers = asker(server, tmp_path), []
    threads = [threading.Thread(target=lambda: answers.append(client.ask(question()))) for _ in range(6)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len(server.bodies) == 1 and len(answers) == 6 and sum(not a.cached for a in answers) == 1


def test_many_threads_leave_whole_lines(serve, tmp_path):
    server = serve(completion(GOOD))
    client = asker(server, tmp_path, usd_per_million_input=1000.0, usd_per_million_output=1.0)
    threads = [threading.Thread(target=lambda k=k: client.ask(question(f"number {k}"))) for k in range(12)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert len(log_of(tmp_path)) == 12 and client.log.spent_usd() == pytest.approx(12 * (1.0 + 50e-6))


def test_the_log_has_a_line_for_each_exchange(serve, tmp_path):
    server = serve(completion("no json"), completion(GOOD), (400, {"error": {"code": "content_policy_violation", "message": "no"}}))
    client = asker(server, tmp_path, usd_per_million_input=1.0, usd_per_million_output=1.0)
    answer = client.ask(question())
    with pytest.raises(Refused):
        client.ask(question("other"))
    rows = log_of(tmp_path)
    assert [row["outcome"] for row in rows] == ["unparsed", "answered", "refused"]
    assert rows[0]["time"] == "2027-01-15T08:00:00+00:00" and rows[0]["key"] == answer.key and rows[0]["model"] == "fake"
    assert sum(row["cost_usd"] for row in rows[:2]) == pytest.approx(answer.cost_usd) and rows[2]["cost_usd"] == 0
    assert "image" not in (tmp_path / LOG_FILE).read_text() and "base64" not in (tmp_path / f"{answer.key}.json").read_text()


# ---- the cost cap


PRICES = {"usd_per_million_input": 1000.0, "usd_per_million_output": 1000.0, "max_output_tokens": 100}
"""1.05 USD an answer, and 2.1 and a little held for it: 2,000 tokens for a picture and all of the reply."""


def test_the_cap_stops_before_the_call_and_holds_across_clients(serve, tmp_path):
    server = serve(completion(GOOD))
    first = asker(server, tmp_path, max_cost_usd=3.5, **PRICES)
    for number in range(2):
        first.ask(question(str(number)))
    assert first.log.spent_usd() == first.log.spent_usd() == pytest.approx(2.1)
    capped = asker(server, tmp_path, max_cost_usd=3.5, **PRICES)
    with pytest.raises(CostCapReached, match=r"2.1000 USD spent and up to 2.1\d+ for this call, expected at most max_cost_usd 3.5"):
        capped.ask(question("third"))
    assert len(server.bodies) == 2 and capped.ask(question("0")).cached
    asker(server, tmp_path, max_cost_usd=5.0, **PRICES).ask(question("third"))


def test_a_call_that_ctrl_c_breaks_off_counts_as_paid_for(serve, tmp_path, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    client = asker(serve(completion(GOOD)), tmp_path, max_cost_usd=3.5, **PRICES)
    monkeypatch.setattr(client._poster, "post", stopped)
    with pytest.raises(KeyboardInterrupt):
        client.ask(question())
    (row,) = log_of(tmp_path)
    assert row["outcome"] == "unreachable" and client.log.spent_usd() == row["cost_usd"] > 2.1


def test_the_repair_is_under_the_cap_too(serve, tmp_path):
    server = serve(completion("no json"))
    with pytest.raises(CostCapReached):
        asker(server, tmp_path, max_cost_usd=3.0, **PRICES).ask(question())
    assert len(server.bodies) == 1


def test_threads_wait_for_what_others_hold_and_never_break_the_cap(serve, tmp_path):
    server, outcomes = serve(completion(GOOD)), []
    client = asker(server, tmp_path, max_cost_usd=7.0, **PRICES)

    def ask(number):
        try:
            outcomes.append(client.ask(question(str(number))).cost_usd)
        except CostCapReached:
            outcomes.append("cap")

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(9)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    assert outcomes.count("cap") == 4 and client.log.spent_usd() == pytest.approx(5 * 1.05)  # a sixth might have cost 2.1


def test_a_call_that_broke_off_is_counted_as_if_it_were_billed(serve, tmp_path):
    def silent(handler, _):
        time.sleep(0.5)

    client = asker(serve(silent, completion(GOOD)), tmp_path, timeout_s=0.2, max_cost_usd=9.0, **PRICES)
    assert 2.1 + 1.05 < client.ask(question()).cost_usd < 2.2 + 1.05
    capped = asker(serve(silent), tmp_path / "capped", timeout_s=0.2, max_cost_usd=5.0, **PRICES)
    with pytest.raises(Unreachable, match="might break the cost cap"):
        capped.ask(question())
    assert 4.2 < capped.log.spent_usd() < 4.4 and log_of(tmp_path / "capped")[0]["attempts"] == 2
    with pytest.raises(CostCapReached):
        capped.ask(question())


@pytest.mark.parametrize("usage", [None, ("many", 5), (-1, 5), (True, 5)])
def test_a_server_silent_about_tokens_is_counted_on_the_high_side(serve, tmp_path, usage):
    client = asker(serve(completion(GOOD, tokens=usage)), tmp_path, usd_per_million_input=1.0, usd_per_million_output=1.0)
    answer = client.ask(question())
    assert answer.output_tokens == 4096 and answer.input_tokens > 2000 and not log_of(tmp_path)[0]["reported"]


FULL_DISK = """
import resource, sys
from pathlib import Path
from models.mllm.log import CallLog
log = CallLog(Path(sys.argv[1]))
log.append({"cost_usd": 1.0, "said": "first"})
resource.setrlimit(resource.RLIMIT_FSIZE, (log.path.stat().st_size + 10,) * 2)
try:
    log.append({"cost_usd": 2.0, "said": "second"})
except OSError as error:
    print(log.path.stat().st_size, type(error).__name__)
"""
"""A process whose disk takes the first line and ten bytes of the second."""


def test_a_line_that_a_full_disk_takes_in_part_is_not_there_at_all(tmp_path):
    path = tmp_path / LOG_FILE
    done = subprocess.run([sys.executable, "-c", FULL_DISK, str(path)], cwd=ROOT, capture_output=True, text=True, check=True)
    whole = b'{"cost_usd": 1.0, "said": "first"}\n'
    assert done.stdout.split() == [str(len(whole)), "OSError"] and path.read_bytes() == whole
    CallLog(path).append({"cost_usd": 4.0})
    assert [row["cost_usd"] for row in CallLog(path).rows()] == [1.0, 4.0] and CallLog(path).spent_usd() == 5.0


@pytest.mark.parametrize(
    "whole, tail", [(b'{"cost_usd": 1.0}\n', b'{"cost_usd": 2.0, "sa'), (b"", b'{"cost'), (b'{"cost_usd": 1.0}\n', b"x" * 200_000)]
)
def test_what_a_dead_machine_left_of_a_line_does_not_glue_to_the_next(tmp_path, whole, tail):
    path = tmp_path / LOG_FILE
    path.write_bytes(whole + tail)
    log = CallLog(path)
    before = log.spent_usd()
    log.append({"cost_usd": 4.0})
    assert log.spent_usd() == before + 4.0 == CallLog(path).spent_usd() and path.read_bytes() == whole + b'{"cost_usd": 4.0}\n'


def test_a_damaged_log_line_is_named(serve, tmp_path):
    (tmp_path / LOG_FILE).write_text('{"cost_usd": 1.0}\n{"cost\n')
    with pytest.raises(ValueError, match="calls.jsonl: line: .* as number 2"):
        asker(serve(completion(GOOD)), tmp_path, max_cost_usd=5.0, usd_per_million_input=1.0, usd_per_million_output=1.0).ask(question())


# ---- unreachable


def test_a_busy_server_is_asked_again_after_the_time_it_names(serve, tmp_path):
    when = FakeTime()
    date = formatdate(when.now_s + 7 + 30, usegmt=True)
    server = serve((429, "slow down", {"Retry-After": "7"}), (429, "", {"Retry-After": date}), (500, "oops"), (503, ""), completion(GOOD))
    answer = asker(server, tmp_path, when).ask(question())
    assert when.slept_s[:2] == [7.0, 30.0] and 4 <= when.slept_s[2] <= 6 and 8 <= when.slept_s[3] <= 12 and answer.attempts == 5
    assert log_of(tmp_path)[0]["attempts"] == 5


def test_a_server_that_stays_down_is_unreachable_after_the_last_attempt(serve, tmp_path):
    when, server = FakeTime(), serve((500, {"error": {"message": "out of memory", "type": "server_error"}}))
    with pytest.raises(Unreachable, match=r"HTTP 500 .*out of memory.*gave up after 3 attempts") as caught:
        asker(server, tmp_path, when, max_attempts=3).ask(question())
    assert caught.value.transient and len(server.bodies) == 3 and 1 <= when.slept_s[0] <= 1.5 and 2 <= when.slept_s[1] <= 3
    assert log_of(tmp_path)[0] | {"outcome": "unreachable", "attempts": 3, "cost_usd": 0.0} == log_of(tmp_path)[0]
    assert list(tmp_path.glob("*.json")) == []


@pytest.mark.parametrize(
    "step, words",
    [
        ((401, {"error": {"message": "wrong key"}}), KEY_VARIABLE),
        ((403, "forbidden"), KEY_VARIABLE),
        ((404, [{"error": {"message": "no such model"}}]), "no such model"),
        ((400, {"error": "response_format unknown"}), "response_format unknown"),
        ((302, "", {"Location": "http://127.0.0.1:9/v1"}), "HTTP 302"),
        ((429, "", {"Retry-After": "86400"}), "wait 86400 s"),
        ((429, {"error": {"code": "insufficient_quota", "message": "pay first"}}), "pay first"),
    ],
)
def test_what_waiting_does_not_mend_is_not_retried(serve, tmp_path, step, words):
    when, server = FakeTime(), serve(step)
    with pytest.raises(Unreachable, match=words) as caught:
        asker(server, tmp_path, when).ask(question())
    assert len(server.bodies) == 1 and when.slept_s == [] and not caught.value.transient


def test_a_silent_and_a_dripping_server_time_out(serve, tmp_path):
    def silent(handler, _):
        time.sleep(0.5)

    def drip(handler, _):
        handler.send_response(200)
        handler.end_headers()
        for _ in range(20):
            handler.wfile.write(b" ")
            handler.wfile.flush()
            time.sleep(0.05)

    for step in (silent, drip):
        server, start_s = serve(step), time.monotonic()
        with pytest.raises(Unreachable, match="ReadTimeout.*2 attempts"):
            asker(server, tmp_path, timeout_s=0.2, max_attempts=2).ask(question())
        assert len(server.bodies) == 2 and time.monotonic() - start_s < 1.6


def test_a_slow_reply_within_the_limit_is_an_answer(serve, tmp_path):
    def slow(_):
        time.sleep(0.2)
        return completion(GOOD)

    assert asker(serve(slow), tmp_path, timeout_s=5.0).ask(question()).attempts == 1


def test_a_broken_connection_and_a_closed_port_are_unreachable(serve, tmp_path):
    def hang_up(handler, _):
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        handler.wfile.write(b"{")

    server = serve(hang_up)
    with pytest.raises(Unreachable, match="RemoteProtocolError"):
        asker(server, tmp_path, max_attempts=2).ask(question())
    server.close()
    with pytest.raises(Unreachable, match="ConnectError"):
        asker(server, tmp_path, max_attempts=2).ask(question())


def test_rpm_spaces_the_requests(serve, tmp_path):
    when = FakeTime()
    client = asker(serve(completion(GOOD)), tmp_path, when, rpm=20)
    for number in range(3):
        client.ask(question(str(number)))
    assert when.slept_s == [3.0, 3.0]


# ---- unparsed


BAD_REPLIES = {
    "no json": "Sure! Here you are",
    "text around a fence": f"Here you are:\n```json\n{GOOD}\n```",
    "two fences": f"```json\n{GOOD}\n```\n```json\n{GOOD}\n```",
    "a thought without end": f"<think>{GOOD}",
    "blank": "",
    "missing": '{"score": 4}',
    "extra": '{"why": "x", "score": 4, "more": 1}',
    "type": '{"why": "x", "score": "4"}',
    "a float is no integer": '{"why": "x", "score": 4.0}',
    "true is no 1": '{"why": "x", "score": true}',
    "enum": '{"why": "x", "score": 6}',
    "blank text": '{"why": "  ", "score": 4}',
    "nan": '{"why": "x", "score": NaN}',
    "twice": '{"why": "x", "score": 1, "score": 5}',
    "half a character": '{"why": "\\ud800", "score": 4}',
    "deep": "[" * 50_000,
    "list": f"[{GOOD}]",
}


@pytest.mark.parametrize("said", BAD_REPLIES.values(), ids=BAD_REPLIES.keys())
def test_a_reply_that_does_not_fit_gets_one_repair_then_is_unparsed(serve, tmp_path, said):
    server = serve(completion(said))
    with pytest.raises(Unparsed, match="after one repair") as caught:
        asker(server, tmp_path).ask(question())
    assert caught.value.raw == said and len(server.bodies) == 2 and list(tmp_path.glob("*.json")) == []


@pytest.mark.parametrize(
    "said", [f"```json\n{GOOD}\n```", f"```\n{GOOD}```", f"<think>5? no, {{4}}</think>\n\n```JSON \r\n{GOOD}\r\n```\n"]
)
def test_a_fence_and_thoughts_around_the_whole_reply_are_taken_off(serve, tmp_path, said):
    server = serve(completion(said))
    answer = asker(server, tmp_path).ask(question())
    assert answer.value["score"] == 4 and answer.raw == said and len(server.bodies) == 1


def test_samples_are_answers_of_their_own(serve, tmp_path):
    server = serve(completion(GOOD))
    client = asker(server, tmp_path, seed=7)
    keys = {client.ask(question(), sample=sample).key for sample in (0, 1, 2, 1)}
    assert len(keys) == 3 and [body["seed"] for body in server.bodies] == [7, 8, 9]


def test_a_client_without_a_cache_writes_whole_replies_into_the_callers_log(serve, tmp_path):
    server, rows = serve(completion(GOOD)), []

    class Rows:
        append, spent_usd = staticmethod(rows.append), staticmethod(lambda: 0.0)

    client = Client(Endpoint(base_url=server.url, model="fake"), None, log=Rows())
    assert client.ask(question(), about={"case": "a"}).value == client.ask(question()).value
    assert len(server.bodies) == 2 and list(tmp_path.iterdir()) == []
    assert (rows[0]["said"], rows[0]["served"], rows[0]["about"], rows[0]["seed"]) == (GOOD, "fake-2026-11", {"case": "a"}, 0)
    assert rows[0]["seconds"] >= 0 and "about" not in rows[1]
    with pytest.raises(ValueError, match="cache"):
        Client(Endpoint(base_url=server.url, model="fake"), None)


def test_the_repair_says_what_is_wrong_and_its_answer_is_kept(serve, tmp_path):
    server = serve(completion('{"why": "x", "score": 6}'), completion(GOOD))
    answer = asker(server, tmp_path).ask(question())
    assert answer.value["score"] == 4 and answer.attempts == 2 and answer.input_tokens == 2000
    assistant, user = server.bodies[1]["messages"][2:]
    assert assistant == {"role": "assistant", "content": '{"why": "x", "score": 6}'}
    assert "reply.score is 6, not one of [1, 2, 3, 4, 5]" in user["content"]
    assert asker(server, tmp_path).ask(question()).cached


def test_a_cut_off_reply_says_so(serve, tmp_path):
    with pytest.raises(Unparsed, match="cut off at 50 tokens"):
        asker(serve(completion(GOOD[:20], finish="length")), tmp_path).ask(question())


def test_a_reply_whose_object_is_whole_counts_though_the_tokens_ran_out(serve, tmp_path):
    """Nothing is searched for within a reply: what parses and fits the schema has its last brace, so nothing of it can be missing."""
    assert asker(serve(completion(GOOD + "\n ", finish="length")), tmp_path).ask(question()).value == json.loads(GOOD)
    for said in (GOOD + ' {"why": "no', f"```json\n{GOOD}", GOOD[:-1]):
        with pytest.raises(Unparsed, match="cut off at 50 tokens"):
            asker(serve(completion(said, finish="length")), tmp_path / "cut").ask(question())


@pytest.mark.parametrize(
    "body", ["<html>gateway</html>", "{}", '{"choices": []}', "null", '{"choices": [{"message": null}]}', "[" * 50_000]
)
def test_a_200_that_is_no_completion_is_unparsed_with_the_body_kept(serve, tmp_path, body):
    server = serve((200, body))
    with pytest.raises(Unparsed, match="no chat completion") as caught:
        asker(server, tmp_path).ask(question())
    assert caught.value.raw == body and len(server.bodies) == 2


def test_a_reply_without_end_is_cut_and_unparsed(serve, tmp_path):
    def endless(handler, _):
        handler.send_response(200)
        handler.end_headers()
        while True:  # until the client leaves
            handler.wfile.write(b"x" * 65536)

    server = serve(endless)
    with pytest.raises(Unparsed, match="more than 4 MiB") as caught:
        asker(server, tmp_path, timeout_s=3.0, max_attempts=1).ask(question())
    assert len(caught.value.raw) == MAX_REPLY_BYTES + 1 and len(json.dumps(server.bodies[1])) < 20_000


def test_numbers_without_bounds_are_finite(serve, tmp_path):
    schema = {"type": "object", "properties": {"x": {"type": "number"}}, "required": ["x"], "additionalProperties": False}
    for said in ("NaN", "-Infinity", "1e999"):
        with pytest.raises(Unparsed, match="reply.x is"):
            asker(serve(completion(f'{{"x": {said}}}')), tmp_path).ask(question(schema=schema))


def test_nested_schemas_are_checked_to_the_leaf(serve, tmp_path):
    part = {"type": "object", "properties": {"x": {"type": "number", "minimum": 0, "maximum": 1}, "on": {"type": "boolean"}}}
    part |= {"required": ["x", "on"], "additionalProperties": False}
    schema = {"type": "object", "properties": {"parts": {"type": "array", "items": part, "minItems": 1, "maxItems": 2}}}
    schema |= {"required": ["parts"], "additionalProperties": False}
    fine = '{"parts": [{"x": 0, "on": true}, {"x": 0.5, "on": false}]}'
    assert asker(serve(completion(fine)), tmp_path).ask(question(schema=schema)).value == json.loads(fine)
    wrong = {
        '{"parts": []}': "0 items",
        '{"parts": [{"x": 0, "on": 1}]}': r"parts\[0\].on is 1",
        '{"parts": [{"x": 1.5, "on": true}]}': "not from 0 to 1",
        '{"parts": [{"x": 1e999, "on": true}]}': "not from 0 to 1",
        '{"parts": [{"x": true, "on": true}]}': "not of type number",
    }
    for said, problem in wrong.items():
        with pytest.raises(Unparsed, match=problem):
            asker(serve(completion(said)), tmp_path / "other").ask(question(schema=schema))


# ---- refused


@pytest.mark.parametrize(
    "step",
    [
        completion(None, refusal="I cannot help with that"),
        completion("", finish="content_filter"),
        completion(GOOD, finish="content_filter"),
        (400, {"error": {"code": "content_policy_violation", "message": "no"}}),
        (400, {"error": {"code": "x", "innererror": {"code": "ResponsibleAIPolicyViolation"}}}),
        (403, {"error": {"type": "moderation_blocked"}}),
    ],
)
def test_a_refusal_is_refused_at_once_and_not_kept(serve, tmp_path, step):
    when, server = FakeTime(), serve(step)
    with pytest.raises(Refused, match="question sharpness"):
        asker(server, tmp_path, when).ask(question())
    assert len(server.bodies) == 1 and when.slept_s == [] and list(tmp_path.glob("*.json")) == []
    assert log_of(tmp_path)[0]["outcome"] == "refused"


def test_a_refusal_that_was_billed_is_counted(serve, tmp_path):
    client = asker(serve(completion(None, refusal="no")), tmp_path, usd_per_million_input=1000.0, usd_per_million_output=1.0)
    with pytest.raises(Refused):
        client.ask(question())
    assert client.log.spent_usd() == pytest.approx(1.00005)


def test_the_failures_are_four_kinds_and_survive_a_process_border():
    kinds = [Refused, Unparsed, Unreachable, CostCapReached]
    assert len({kind.kind for kind in kinds}) == 4
    assert all(issubclass(a, MllmError) and (a is b or not issubclass(a, b)) for a in kinds for b in kinds)
    lost = pickle.loads(pickle.dumps(Unparsed("message", raw="said")))
    gone = pickle.loads(pickle.dumps(Unreachable("message", transient=True, retry_after_s=3.0)))
    assert (str(lost), lost.raw) == ("message", "said") and (str(gone), gone.transient, gone.retry_after_s) == ("message", True, 3.0)


# ---- the key


def test_the_key_travels_in_its_header_and_stays_nowhere(serve, tmp_path, monkeypatch):
    monkeypatch.setenv(KEY_VARIABLE, f" {KEY}\n")
    escaped = KEY.replace("/", "\\/")
    echo = f"your header was Bearer {KEY}"
    server = serve(
        completion(json.dumps({"why": echo, "score": 4})),
        completion(echo),
        (200, json.dumps(completion(echo)).replace(KEY, escaped)),
        completion(None, refusal=echo),
        (401, {"error": {"message": echo}}),
        (500, echo),
    )
    client = asker(server, tmp_path, max_attempts=2)
    answer = client.ask(question())
    assert server.headers[0]["Authorization"] == f"Bearer {KEY}" and "[key]" in answer.value["why"]
    caught = []
    for number in range(4):
        with pytest.raises(MllmError) as error:
            client.ask(question(str(number)))
        caught.append(error)
    assert [type(e.value) for e in caught] == [Unparsed, Refused, Unreachable, Unreachable]
    said = [repr(e.value) + str(getattr(e.value, "raw", "")) + str(e.getrepr(style="short")) for e in caught]
    said += [repr(client.endpoint), repr(vars(client)), repr(answer)] + [path.read_text() for path in tmp_path.rglob("*")]
    assert not [text for text in said if KEY in text or "sk-very" in text]


def test_a_key_no_header_can_carry_is_not_shown(serve, tmp_path, monkeypatch):
    server = serve(completion(GOOD))
    for key in ("sk-hidden\nX-Other: 1", "sk-hidden-é"):
        monkeypatch.setenv(KEY_VARIABLE, key)
        with pytest.raises(Unreachable, match=KEY_VARIABLE) as caught:
            asker(server, tmp_path).ask(question())
        assert "hidden" not in str(caught.getrepr(style="short", chain=True))
    assert server.bodies == []


def test_a_local_server_needs_no_key_and_a_far_one_says_which_variable(serve, tmp_path):
    server = serve(completion(GOOD))
    asker(server, tmp_path).ask(question())
    assert "Authorization" not in server.headers[0]
    far = Client(Endpoint(base_url="https://nobody.invalid/v1", model="fake", api_key_env="SOME_KEY"), tmp_path)
    with pytest.raises(Unreachable, match="no key in the environment variable SOME_KEY"):
        far.ask(question("not asked yet"))


def test_only_this_machine_counts_as_local():
    local = {"http://localhost:1/v1": True, "http://127.0.0.1/v1": True, "http://[::1]:8000/v1": True, "http://10.0.0.1/v1": False,
             "http://127.example.org/v1": False, "https://localhost.example.org": False}  # fmt: skip
    assert {url: Endpoint(base_url=url, model="m").is_local for url in local} == local


def test_a_key_given_for_a_name_or_in_the_address_is_refused_and_not_echoed():
    for field, value in (("api_key_env", KEY), ("base_url", f"https://me:{KEY}@host/v1"), ("base_url", f"https://host/v1?key={KEY}")):
        with pytest.raises(ValueError, match=field) as caught:
            Endpoint(**{"base_url": "http://localhost/v1", "model": "m", field: value})
        assert KEY not in str(caught.value)


# ---- wrong use


@pytest.mark.parametrize(
    "field, value", [("base_url", "localhost:8000"), ("base_url", "ftp://host"), ("base_url", "http://host:port/v1"),
                     ("model", " "), ("timeout_s", 0), ("max_attempts", 0),
                     ("rpm", 0), ("max_cost_usd", 1.0)],
)  # fmt: skip
def test_an_endpoint_out_of_bounds_is_refused(field, value):
    with pytest.raises(ValueError, match="endpoint: "):
        Endpoint(**{"base_url": "http://localhost/v1", "model": "m", field: value})


def test_an_address_is_split_at_its_hash():
    endpoint = Endpoint.parse("http://localhost:8000/v1/#Qwen/Qwen3-VL-8B", seed=3)
    assert (endpoint.base_url, endpoint.model, endpoint.seed) == ("http://localhost:8000/v1", "Qwen/Qwen3-VL-8B", 3)
    for text in ("http://localhost:8000/v1", "#model"):
        with pytest.raises(ValueError, match="BASE_URL#MODEL"):
            Endpoint.parse(text)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "array", "items": {"type": "string"}},
        {**SCORE, "required": ["why"]},
        {**SCORE, "additionalProperties": True},
        {**SCORE, "properties": {**SCORE["properties"], "why": {"type": "string", "maxLength": 5}}},
        {**SCORE, "properties": {**SCORE["properties"], "why": {"anyOf": []}}},
    ],
)
def test_a_schema_that_would_not_be_checked_in_full_is_refused(schema):
    with pytest.raises(ValueError, match="question sharpness"):
        question(schema=schema)


def test_a_question_shows_only_texts_and_frames():
    for parts in ((), (picture(),), ("text", b"bytes")):
        with pytest.raises(ValueError, match="parts"):
            question(parts=parts)
