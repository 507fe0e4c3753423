"""Raters by the hundred against `study serve`, killed without warning on the way."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from awbench.study.key import KEY_FORMAT

ROOT = Path(__file__).parents[2]


def write_served(folder: Path, slots: int, trials: int) -> dict[str, Any]:
    """A study that can be served, without any media; returns its study.json, with the trials of every slot."""
    site = folder / "site"
    site.mkdir(parents=True)
    questions = [{"id": name, "text": name, "hint": ""} for name in ("overall", "imaging", "motion", "appearance")]
    shown = [[{"trial": f"{slot:04x}{place:012x}"} for place in range(trials)] for slot in range(slots)]
    study = {"study": "0123456789abcdef", "questions": questions, "slots": shown, "trials": trials, "submit": None}
    (site / "study.json").write_text(json.dumps(study | {"slots": slots}))
    (site / "index.html").write_text("<!doctype html><title>study</title>")
    key = {"format": KEY_FORMAT, "study": study["study"], "systems": [], "questions": questions, "trials": {}}
    key["slots"] = [[trial["trial"] for trial in slot] for slot in shown]
    (folder / "key.json").write_text(json.dumps(key))
    return study


def sheet_of(study: dict[str, Any], rater: str, slot: int, place: int, **other: Any) -> dict[str, Any]:
    """One vote of a rater, its answers from its place."""
    answers = {question["id"]: ("left", "same", "right")[(place + number) % 3] for number, question in enumerate(study["questions"])}
    ballot = {"trial": study["slots"][slot][place]["trial"], "answers": answers, "seconds": 4.0 + place, "watched": [1, 1]}
    ballot |= {"at": f"2026-01-01T00:{place % 60:02d}:00.{slot:03d}Z"} | other
    return {"format": "actorforge-votes-1", "study": study["study"], "rater": rater, "slot": slot, "votes": [ballot]}


def post(connection: http.client.HTTPConnection, sheet: Any, cookie: str = "") -> tuple[int, dict[str, Any]]:
    body = sheet if isinstance(sheet, bytes) else json.dumps(sheet).encode()
    connection.request("POST", "/votes", body, {"Content-Type": "application/json"} | ({"Cookie": cookie} if cookie else {}))
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read() or b"{}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def start_server(folder: Path, port: int) -> subprocess.Popen:
    code = "import sys; from pipelines.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", code, "study", "serve", str(folder), "--port", str(port)]
    server = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL)
    end = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return server
        except OSError:
            assert server.poll() is None and time.monotonic() < end, "the server did not start"
            time.sleep(0.05)


@dataclass
class Load:
    """What was sent and acknowledged. `late_s`: from the moment a vote was due to its receipt."""

    sent: int = 0
    acknowledged: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    late_s: list[float] = field(default_factory=list)
    retries: int = 0
    refused: list[Any] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def bombard(folder: Path, study: dict[str, Any], *, rate: float, seconds: float, kills: int, clients: int = 8) -> Load:
    """`rate` votes a second for so long, every one until it is acknowledged; the server is killed -9 and started again `kills` times."""
    port, load = free_port(), Load()
    server = start_server(folder, port)
    begun = time.monotonic()
    threads = [threading.Thread(target=_client, args=(study, port, load, begun, rate, seconds, n, clients)) for n in range(clients)]
    for thread in threads:
        thread.start()
    for kill in range(kills):
        time.sleep(max(0.0, begun + seconds * (kill + 1) / (kills + 1) - time.monotonic()))
        os.kill(server.pid, signal.SIGKILL)
        server.wait()
        server = start_server(folder, port)
    for thread in threads:
        thread.join()
    server.kill()
    server.wait()
    return load


def _client(study: dict[str, Any], port: int, load: Load, begun: float, rate: float, seconds: float, own: int, clients: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    trials = len(study["slots"][0])
    for number in range(own, round(rate * seconds), clients):
        due = begun + number / rate
        time.sleep(max(0.0, due - time.monotonic()))
        slot, place = number // trials % len(study["slots"]), number % trials
        sheet = sheet_of(study, f"rater {number // trials}", slot, place)
        with load.lock:
            load.sent += 1
        while True:
            try:
                status, said = post(connection, sheet)
            except (OSError, http.client.HTTPException, ValueError):
                connection.close()
                with load.lock:
                    load.retries += 1
                time.sleep(0.05)
                continue
            with load.lock:
                load.late_s.append(time.monotonic() - due)
                if status == 200 and said == {"acknowledged": [sheet["votes"][0]["trial"]]}:
                    load.acknowledged[sheet["rater"], sheet["votes"][0]["trial"]] = sheet["votes"][0]
                else:
                    load.refused.append((status, said))
            break


def stored(folder: Path) -> list[tuple[tuple[str, str], dict[str, Any]]]:
    """((rater, trial), vote) of every row."""
    connection = sqlite3.connect(folder / "votes.sqlite")
    rows = connection.execute("SELECT rater, trial, answers_json, seconds, watched_json, at FROM votes").fetchall()
    connection.close()
    return [
        ((rater, trial), {"trial": trial, "answers": json.loads(answers), "seconds": seconds, "watched": json.loads(watched), "at": at})
        for rater, trial, answers, seconds, watched, at in rows
    ]
