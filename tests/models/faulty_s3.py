"""A real S3 API on loopback (moto's server) behind a proxy that stumbles as asked: 503, cut, slow and lost answers, aborted uploads."""

from __future__ import annotations

import http.client
import socket
import threading
import time
from collections import deque
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Iterator

import pytest

BUCKET = "bucket"


class FaultyS3:
    """`faults`: what befalls the next requests of `method`, one each; "" lets one through. `hits`: how many were taken."""

    def __init__(self, port: int) -> None:
        self.port, self.faults, self.method, self.hits = port, deque[str](), "PUT", 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                fault = outer.next_fault(self.command)
                if fault in ("drop", "half"):
                    if fault == "half":
                        outer.send_half(self, body)
                    return self.hang_up()
                if fault == "503":
                    return self.answer(503, {}, b"<Error><Code>ServiceUnavailable</Code></Error>")
                if fault == "slow":
                    time.sleep(0.3)
                status, headers, data = outer.forward(self, body)
                if fault == "lost":
                    return self.hang_up()
                self.answer(status, headers, data, cut=fault == "cut")

            def answer(self, status: int, headers: dict[str, str], data: bytes, cut: bool = False) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                if "Content-Length" not in headers:
                    self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[: len(data) // 2] if cut else data)
                if cut:
                    self.hang_up()

            def hang_up(self) -> None:
                self.close_connection = True
                self.wfile.flush()
                self.connection.shutdown(socket.SHUT_RDWR)

            do_GET = do_PUT = do_HEAD = do_POST = do_DELETE = handle_any

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next_fault(self, method: str) -> str:
        if method != self.method or not self.faults:
            return ""
        self.hits += 1
        return self.faults.popleft()

    def forward(self, request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, dict[str, str], bytes]:
        there = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        there.request(request.command, request.path, body, dict(request.headers.items()))
        answer = there.getresponse()
        dropped = ("transfer-encoding", "connection", "date", "server")
        return answer.status, {name: value for name, value in answer.getheaders() if name.lower() not in dropped}, answer.read()

    def send_half(self, request: BaseHTTPRequestHandler, body: bytes) -> None:
        """What the store sees of an upload that is aborted: the whole length announced, half of it sent."""
        lines = [f"{request.command} {request.path} HTTP/1.1", *(f"{name}: {value}" for name, value in request.headers.items())]
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as there:
            there.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body[: len(body) // 2])


@contextmanager
def faulty_s3() -> Iterator[FaultyS3]:
    """The store, its proxy and the environment that leads to it; nothing of it is left behind."""
    boto3, s3fs = pytest.importorskip("boto3"), pytest.importorskip("s3fs")
    moto = pytest.importorskip("moto.server")
    server = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    store = FaultyS3(server.get_host_and_port()[1])
    with pytest.MonkeyPatch.context() as patch:
        named = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
        for name, value in (
            named | {"AWS_ENDPOINT_URL": store.url, "AWS_CONFIG_FILE": "/dev/null", "AWS_MAX_ATTEMPTS": "2", "AWS_RETRY_MODE": "standard"}
        ).items():
            patch.setenv(name, value)
        patch.setattr(s3fs.S3FileSystem, "retries", 2)  # its waits are added to ours
        s3fs.S3FileSystem.clear_instance_cache()
        boto3.client("s3").create_bucket(Bucket=BUCKET)
        try:
            yield store
        finally:
            s3fs.S3FileSystem.clear_instance_cache()
            store.server.shutdown()
            store.server.server_close()
            server.stop()
