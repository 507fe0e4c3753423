"""A multimodal model as a filter: the mean of its scores on the five dimensions of the referee's rubric, 1-5.

The paper keeps pairs whose mean exceeds 4.5; a mean of five whole scores is never 4.5 itself, so "at or above" asks the same. Off unless a
threshold is given. The model's address is in ACTORFORGE_JUDGE as BASE_URL#MODEL, so that no dataset tells where it ran; its key, where
one is needed, in ACTORFORGE_MLLM_KEY. Answers are kept by content: judging again asks only what was not asked before.
Refused or unreadable answers are a failed pair, an endpoint that does not serve one that a later run tries again.
"""

from __future__ import annotations

import os
from functools import lru_cache

from awbench.judging.frames import Sampling
from awbench.judging.identity import filter_name
from awbench.judging.questions import Shown, score_question
from awbench.judging.rubrics import rubric_version, rubrics
from bootstrap.filters.evidence import PairEvidence
from bootstrap.filters.filter import Filter
from models.mllm.client import Client, default_cache
from models.mllm.endpoint import Endpoint
from models.types import require

ADDRESS_VARIABLE = "ACTORFORGE_JUDGE"


def endpoint() -> Endpoint:
    """Where to ask. Raises ValueError where nobody has said."""
    address = os.environ.get(ADDRESS_VARIABLE, "")
    require(bool(address), "filter judge", ADDRESS_VARIABLE, "nothing", "BASE_URL#MODEL", "set it, or --thresholds.judge 0")
    return Endpoint.parse(address)


def judged(evidence: PairEvidence) -> float:
    """Raises Refused, Unparsed, Unreachable or CostCapReached."""
    client = _client(endpoint(), str(default_cache()))
    every = tuple(range(len(evidence.driver)))
    shown = Shown(answer=evidence.driver, driver=evidence.source, reference=evidence.identity, own=every)
    questions = [score_question(rubric, shown, Sampling(fps=rubric.fps, most=rubric.most)) for rubric in rubrics().values()]
    scores = [client.ask(question).value["score"] for question in questions]
    return sum(scores) / len(scores)


def judge_name() -> str:
    """How records name this filter's model."""
    return filter_name(endpoint().model)


def judge_version() -> str:
    return f"1+{rubric_version()}"


@lru_cache(maxsize=2)
def _client(where: Endpoint, cache: str) -> Client:
    return Client(where, cache)


JUDGE = Filter(name="judge", function=judged, lacking="in the judge's mean")
