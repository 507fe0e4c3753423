"""`actorforge study serve`: the page of a study for a team on a network of its own, and the votes they send.

Nothing but the files that lie in DIR/site when it starts is served; POST /votes takes a sheet of votes (`ballots`) and answers after it is
on disc: 200 {"acknowledged": [trials]}, or 4xx {"error"}. study.json tells the page where to send. Raters are not asked for a password: who
can reach the port can vote under any name, so it binds to this machine unless told otherwise, and then answers to this machine's names
alone (a page elsewhere whose name was made to point here gets nothing). What was voted can be corrected from the same browser only.
"""

from __future__ import annotations

import json
import mimetypes
import re
import secrets
import socket
import threading
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from awbench.study.ballots import Ballots, Refused, Rules
from awbench.study.key import read_key
from models.artifacts import read_json
from models.types import require

DATABASE, VOTES_PATH, MOST_BYTES = "votes.sqlite", "/votes", 1 << 20
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})", re.ASCII)
_LENGTH = re.compile(r"\d{1,15}", re.ASCII)
_SENDER = re.compile(r"(?:^|[; ])sender=([0-9a-f]{32})(?:;|$)")
_HERE = ("127.0.0.1", "localhost", "[::1]")
_BLOCK = 1 << 18
_MOST_WAITING = 256
"""Connections whose next request is not wholly there yet; beyond, the one that waits longest is closed. Browsers keep up to six."""
_POLICY = "default-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"


_ELSEWHERE = "this server answers to localhost; `--host` binds it to another address"


class StudyServer(ThreadingHTTPServer):
    """`with StudyServer(folder, "127.0.0.1", 0) as server: server.serve_forever()`.

    Raises ValueError where there is no finished study, its votes cannot be kept, or the port is taken.
    """

    daemon_threads, request_queue_size = True, 128

    def __init__(self, folder: Path, host: str, port: int) -> None:
        ready = all((folder / name).is_file() for name in ("key.json", "site/study.json", "site/index.html"))
        require(ready, f"study {folder.name}", "key.json, site/", "not there", "a folder made by `actorforge study make`")
        key, study = read_key(folder), read_json(folder / "site" / "study.json")
        shown = study.get("study") if isinstance(study, dict) else None
        require(shown == key.study, f"study {folder.name}", "site/study.json", f"study {shown}", f"{key.study}, as in key.json")
        self.files = {f"/{path.relative_to(folder / 'site').as_posix()}": path for path in (folder / "site").rglob("*") if path.is_file()}
        self.files["/"] = self.files["/index.html"]
        self.told = json.dumps(study | {"submit": VOTES_PATH}).encode()
        self.ballots = Ballots(folder / DATABASE, Rules.of(key))
        self._waiting, self._lock = dict[socket.socket, None](), threading.Lock()
        self.names = {*_HERE, host.lower()} if host in ("127.0.0.1", "localhost", "::1") else None
        try:
            super().__init__((host, port), Handler)  # closes itself where the port is taken
        except OSError as error:
            raise ValueError(f"--host {host} --port {port}: {error.strerror or error}; take another port, or 0 for a free one") from error

    @property
    def url(self) -> str:
        host, port = self.server_address[:2]
        return f"http://{f'[{host}]' if ':' in str(host) else host}:{port}/"

    def wait_for(self, connection: socket.socket, waiting: bool) -> None:
        """Note whether a connection still owes a request, so that those that never send one keep nobody out."""
        with self._lock:
            self._waiting.pop(connection, None)
            if waiting:
                self._waiting[connection] = None
            if len(self._waiting) > _MOST_WAITING:
                longest = next(iter(self._waiting))
                del self._waiting[longest]
                with suppress(OSError):
                    longest.shutdown(socket.SHUT_RDWR)  # its thread then ends

    def server_close(self) -> None:
        super().server_close()
        self.ballots.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A reader that leaves in the middle of a video is no error."""


class Handler(BaseHTTPRequestHandler):
    server: StudyServer
    protocol_version, timeout, server_version, sys_version = "HTTP/1.1", 60, "actorforge", ""
    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        self.server.wait_for(self.connection, True)
        super().handle_one_request()

    def finish(self) -> None:
        self.server.wait_for(self.connection, False)
        super().finish()

    def do_GET(self) -> None:
        self.server.wait_for(self.connection, False)
        if not self._named_so():
            return self._say(HTTPStatus.FORBIDDEN, _ELSEWHERE)
        path = unquote(urlsplit(self.path).path)
        if path == "/study.json":
            return self._answer(HTTPStatus.OK, self.server.told, "application/json")
        file = self.server.files.get(path)
        if file is None:
            return self._say(HTTPStatus.NOT_FOUND, "no such file")
        self._send_file(file)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "")
        if not _LENGTH.fullmatch(length) or int(length) > MOST_BYTES:
            self.close_connection = True  # what follows is not read
            return self._say(HTTPStatus.REQUEST_ENTITY_TOO_LARGE if length.isdigit() else HTTPStatus.LENGTH_REQUIRED, "at most 1 MiB")
        data = self.rfile.read(int(length))
        self.server.wait_for(self.connection, False)
        if urlsplit(self.path).path != VOTES_PATH:
            return self._say(HTTPStatus.NOT_FOUND, "votes go to /votes")
        if not self._named_so():
            return self._say(HTTPStatus.FORBIDDEN, _ELSEWHERE)
        if not self._from_here():
            return self._say(HTTPStatus.FORBIDDEN, "not from a page of this server")
        try:
            trials = self.server.ballots.take(json.loads(data), self._sender())
        except Refused as error:
            return self._say(HTTPStatus(error.status), str(error))
        except (ValueError, RecursionError):
            return self._say(HTTPStatus.BAD_REQUEST, "not JSON")
        except Exception:  # noqa: BLE001  a full disc, a server that ends: the page keeps the vote and tries again
            self.close_connection = True
            return self._say(HTTPStatus.SERVICE_UNAVAILABLE, "not kept, try again")
        self._answer(HTTPStatus.OK, json.dumps({"acknowledged": trials}).encode(), "application/json")

    def _named_so(self) -> bool:
        """Whether the request asks for a server of this name."""
        host = self.headers.get("Host", "").lower()
        return self.server.names is None or re.sub(r":\d*$", "", host) in self.server.names

    def _sender(self) -> str:
        """What the browser was given with the page, "" of one that keeps nothing."""
        found = _SENDER.search(self.headers.get("Cookie", ""))
        return found[1] if found else ""

    def _from_here(self) -> bool:
        """Whether no other site's page sends this: those cannot send JSON unasked, and name their origin."""
        is_json = self.headers.get("Content-Type", "").split(";")[0].strip().lower() == "application/json"
        origin = self.headers.get("Origin")
        return is_json and (origin is None or urlsplit(origin).netloc == self.headers.get("Host"))

    def _send_file(self, file: Path) -> None:
        size, wanted = file.stat().st_size, _RANGE.fullmatch(self.headers.get("Range", ""))
        begin, end = _span(wanted, size)
        if begin >= end:
            return self._answer(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, b"", "text/plain", {"Content-Range": f"bytes */{size}"})
        self.send_response(HTTPStatus.PARTIAL_CONTENT if wanted else HTTPStatus.OK)
        if wanted:
            self.send_header("Content-Range", f"bytes {begin}-{end - 1}/{size}")
        self._head(end - begin, mimetypes.guess_type(file.name)[0] or "application/octet-stream", media=file.suffix in (".mp4", ".png"))
        if self.command == "HEAD":
            return
        with file.open("rb") as handle:
            handle.seek(begin)
            while begin < end and (block := handle.read(min(_BLOCK, end - begin))):
                self.wfile.write(block)
                begin += len(block)

    def _say(self, status: HTTPStatus, reason: str) -> None:
        self._answer(status, json.dumps({"error": reason}).encode(), "application/json")

    def _answer(self, status: HTTPStatus, data: bytes, kind: str, more: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (more or {}).items():
            self.send_header(name, value)
        self._head(len(data), kind)
        if self.command != "HEAD":
            self.wfile.write(data)

    def _head(self, length: int, kind: str, media: bool = False) -> None:
        heads = {"Content-Type": kind, "Content-Length": str(length), "Accept-Ranges": "bytes", "X-Content-Type-Options": "nosniff"}
        heads |= {"Content-Security-Policy": _POLICY, "Referrer-Policy": "no-referrer"}
        heads |= {"Cache-Control": "private, max-age=86400" if media else "no-store"}
        if not media and not self._sender():
            heads["Set-Cookie"] = f"sender={secrets.token_hex(16)}; HttpOnly; SameSite=Strict; Path=/; Max-Age=31536000"
        for name, value in heads.items():
            self.send_header(name, value)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: addresses hold raters' names."""


def _span(wanted: re.Match[str] | None, size: int) -> tuple[int, int]:
    """First byte and the one behind the last; an empty span where there are none such."""
    if wanted is None or wanted[1] == wanted[2] == "":
        return 0, size
    if wanted[1] == "":
        return max(0, size - int(wanted[2])), size
    return int(wanted[1]), min(size, int(wanted[2]) + 1 if wanted[2] else size)


def serve_study(folder: Path, host: str, port: int) -> None:
    """Serve until Ctrl-C; prints one link of each slot."""
    with StudyServer(folder, host, port) as server:
        slots = len(server.ballots.rules.slots)
        print(f"serving {folder} at {server.url} ({server.ballots.count()} votes so far); one link a rater:")
        for slot in range(min(slots, 20)):
            print(f"  {server.url}?slot={slot}")
        print(f"  ... up to ?slot={slots - 1}" if slots > 20 else "Ctrl-C ends; votes are kept", flush=True)
        server.serve_forever()
