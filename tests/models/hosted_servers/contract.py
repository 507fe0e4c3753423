"""A service on 127.0.0.1 that makes its tasks wait, loses calls and counts everything: what the four contracts share.

Signatures are checked here by other code than the one under test. A fault is drawn for each call from a seed.
"""

from __future__ import annotations

import hashlib
import io
import json
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

import av
import numpy as np


@dataclass
class Faults:
    """Shares of calls. `lost`: of submits whose task is made and whose reply is not sent. By task number: fails, late, dying links."""

    busy: float = 0.0
    expired: float = 0.0
    dropped: float = 0.0
    lost: float = 0.0
    truncated: float = 0.0
    fails: frozenset = frozenset()
    late: frozenset = frozenset()
    dying: frozenset = frozenset()


@dataclass
class Task:
    id: str
    own_id: str
    number: int
    made_s: float
    duration_s: float
    content: str
    links: int = 0
    body: dict = field(default_factory=dict)

    @property
    def done(self) -> bool:
        return time.time() - self.made_s >= self.duration_s


class Drop(Exception):
    """Close the connection without a word."""


class ContractServer:
    """Subclasses answer `submit`, `poll` and the like by `route(method, path, query, headers, body) -> (status, headers, object)`."""

    def __init__(self, faults: Faults | None = None, duration_s=(0.1, 0.3), video: bytes | None = None, seed: int = 0):
        self.faults, self.duration_s, self.video = faults or Faults(), duration_s, video or small_video()
        self.random, self.lock = random.Random(seed), threading.RLock()
        self.tasks: dict[str, Task] = {}
        self.calls, self.polls, self.most_running, self.wrong = Counter(), Counter(), 0, []
        self.stored: dict[str, bytes] = {}
        self.cut, self.download_headers = set(), []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def answer(self):
                server.handle(self)

            do_GET = do_POST = do_PUT = answer

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.http.server_close()

    def handle(self, handler):
        parts = urlsplit(handler.path)
        body = handler.rfile.read(int(handler.headers.get("content-length") or 0))
        try:
            with self.lock:
                if parts.path.startswith("/files/"):
                    status, headers, data = self.files(handler.command, parts.path, body)
                elif parts.path.startswith("/results/"):
                    status, headers, data = self.result(parts.path, handler.headers)
                else:
                    status, headers, answer = self.api(handler.command, parts, handler.headers, body)
                    data = json.dumps(answer).encode()
        except Drop:
            handler.close_connection = True
            return
        promised = headers.pop("promised", len(data))
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.send_header("content-length", str(promised))
        handler.end_headers()
        try:
            handler.wfile.write(data)
        except OSError:
            pass
        handler.close_connection = promised != len(data) or handler.close_connection

    def api(self, method, parts, headers, body):
        self.calls[f"{method} {parts.path.rsplit('/', 1)[0] if method == 'GET' else parts.path}"] += 1
        drawn = self.random.random()
        if drawn < self.faults.busy:
            return self.busy()
        if drawn < self.faults.busy + self.faults.expired:
            return self.expired()
        if drawn < self.faults.busy + self.faults.expired + self.faults.dropped:
            raise Drop
        return self.route(method, parts, headers, body)

    def accept(self, own_id: str, content: str, body: dict) -> Task:
        """Make a task; its reply may be lost."""
        running = sum(not task.done for task in self.tasks.values()) + 1
        number = len(self.tasks)
        duration_s = 1.5 if number in self.faults.late else self.random.uniform(*self.duration_s)
        task = Task(f"task-{number}", own_id, number, time.time(), duration_s, content, body=body)
        self.tasks[task.id] = task
        self.most_running = max(self.most_running, running)
        if self.random.random() < self.faults.lost:
            raise Drop
        return task

    def link(self, task: Task) -> str:
        task.links += 1
        return f"{self.url}/results/{task.id}/{task.links}.mp4?signature=of-the-link"

    def result(self, path, headers):
        self.download_headers.append(dict(headers))
        _, _, task_id, name = path.split("/")
        if self.tasks[task_id].number in self.faults.dying and name == "1.mp4":
            return 404, {}, b"gone"
        data, tag = self.video_of(self.tasks[task_id]), {"etag": '"v1"'}
        first = int(headers["range"].split("=")[1].rstrip("-")) if headers.get("range") else 0
        tag |= {"content-range": f"bytes {first}-{len(data) - 1}/{len(data)}"} if first else {}
        status, rest = (206 if first else 200), data[first:]
        if task_id not in self.cut and self.random.random() < self.faults.truncated:
            self.cut.add(task_id)
            return status, tag | {"promised": len(rest)}, rest[: len(rest) // 2]
        return status, tag, rest

    def video_of(self, task: Task) -> bytes:
        return self.video

    def files(self, method, path, body):
        if method == "PUT":
            self.stored[path] = body
            return 201, {}, b""
        return (200, {}, self.stored[path]) if path in self.stored else (404, {}, b"")

    def check(self, good: bool, what: str) -> None:
        if not good:
            self.wrong.append(what)

    def stored_video(self, url: str) -> bytes:
        """The driver behind a link of a body, in our store."""
        data = self.stored.get(urlsplit(url).path, b"")
        self.check(data[4:8] == b"ftyp", f"no mp4 behind {url}")
        return data

    def ideal_polls(self, poll_s: float) -> int:
        """Calls of a client that asks at the interval from the submission until the task is done."""
        return sum(max(1, int(np.ceil(task.duration_s / poll_s))) for task in self.tasks.values())


def small_video(seconds: float = 3.0, fps: int = 4, size=(48, 48)) -> bytes:
    sink = io.BytesIO()
    with av.open(sink, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=fps)
        stream.width, stream.height, stream.pix_fmt = *size, "yuv420p"
        stream.codec_context.thread_count = 1
        for index in range(round(seconds * fps)):
            image = np.full((size[1], size[0], 3), 20 * index % 256, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode(None))
    return sink.getvalue()


def hmac_sha256(key: bytes, message: bytes) -> bytes:
    """RFC 2104, written out."""
    key = (hashlib.sha256(key).digest() if len(key) > 64 else key).ljust(64, b"\0")
    inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key) + message).digest()
    return hashlib.sha256(bytes(byte ^ 0x5C for byte in key) + inner).digest()


def query_of(parts) -> dict:
    return dict(parse_qsl(parts.query))
