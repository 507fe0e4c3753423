"""Runs whose answers say in their brightness which score they deserve, and a server that reads it there, with what faults it is told."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from collections import Counter
from pathlib import Path

import cv2
import numpy as np

from awbench.cases import Case, CaseMedia, Suite
from awbench.runs import Run, finish_generation, generate_case, pending, start_run
from models.mllm.client import Client
from models.mllm.endpoint import Endpoint
from models.types import AnimationRequest, AnimationResult, Clip, Grid
from tests.models.test_mllm import FakeServer, completion

GRID = Grid(width=32, height=24, fps=8.0, num_frames=6)
MODEL = "fake-vl"


def plain(level: float) -> Clip:
    """A clip of one brightness."""
    return Clip(frames=np.full((GRID.num_frames, GRID.height, GRID.width, 3), level, np.uint8), fps=GRID.fps)


class Painter:
    """Answers case cN with the brightness of score scores[N]; None fails."""

    weights_hash = ""

    def __init__(self, name: str, scores) -> None:
        self.name, self.scores = name, scores

    def animate(self, request: AnimationRequest) -> AnimationResult:
        score = self.scores[int(request.id[1:])]
        if score is None:
            raise ValueError("no pose found")
        return AnimationResult(request_id=request.id, clip=plain(40 * score), animator=self.name, seconds=0.1)


def media(case: Case) -> CaseMedia:
    return CaseMedia(reference=plain(10).frames[0], driving=plain(240))


def make_run(out: Path, scores, system: str = "painter") -> Run:
    suite = Suite(
        name="tiny", version="1", grid=GRID, cases=tuple(Case(id=f"c{n}") for n in range(len(scores))), source=media, fingerprint="f"
    )
    animator = Painter(system, scores)
    run = start_run(out, suite, system, animator, 0)
    for case_id in pending(run):
        generate_case(run, case_id, animator)
    return finish_generation(run)


def shown(body: dict) -> list[tuple[str, float]]:
    """(caption, mean brightness) of every picture in a request."""
    content = body["messages"][1]["content"]
    pairs = zip(content, content[1:])
    return [(text["text"], _brightness(part["image_url"]["url"])) for text, part in pairs if part["type"] == "image_url"]


def _brightness(url: str) -> float:
    data = np.frombuffer(base64.b64decode(url.split(",")[1]), np.uint8)
    return float(cv2.imdecode(data, cv2.IMREAD_COLOR).mean())


def score_of(body: dict, name: str) -> int:
    """The score that the last picture of that name deserves."""
    return round([light for caption, light in shown(body) if caption.startswith(name)][-1] / 40)


def right_reply(body: dict) -> str:
    """What a perfect judge says."""
    properties = body["response_format"]["json_schema"]["schema"]["properties"]
    if "score" in properties:
        return json.dumps({"rationale": "frame 1 is plain", "score": score_of(body, "answer, frame")})
    if "better" in properties:
        first, second = score_of(body, "first"), score_of(body, "second")
        return json.dumps({"rationale": "side by side", "better": "tie" if first == second else "first" if first > second else "second"})
    return json.dumps({name: {"rationale": f"of {name}", "score": score_of(body, name)} for name in properties})


class JudgeServer(FakeServer):
    """Replies rightly but for `fault(body, times_asked)`, which may give another step of `FakeServer`, or None; counts what it bills."""

    def __init__(self, fault=lambda body, times: None) -> None:
        self.seen: Counter[str] = Counter()
        self.lock, self.tokens_billed = threading.Lock(), 0
        self.fault = fault
        super().__init__(self.answer)

    @property
    def answer(self):
        def step(body):
            key = hashlib.sha256(json.dumps([body["messages"][:2], body["seed"]]).encode()).hexdigest()
            with self.lock:
                self.seen[key] += 1
                times = self.seen[key]
            fault = self.fault(body, times)
            billed = fault is None or isinstance(fault, dict) or callable(fault)
            with self.lock:
                self.tokens_billed += 1050 * billed
            return completion(right_reply(body)) if fault is None else fault

        return step


def slow(seconds: float):
    """A reply that comes too late."""

    def step(handler, _):
        time.sleep(seconds)

    return step


def client_of(server: FakeServer, log, **settings) -> Client:
    known = {"base_url": server.url, "model": MODEL, "max_output_tokens": 200, "max_attempts": 8} | settings
    return Client(Endpoint(**known), None, log=log, sleep=lambda seconds: None)


def dimension(body: dict) -> str:
    return re.sub(r"^(score|group|pair)_", "", body["response_format"]["json_schema"]["name"])
