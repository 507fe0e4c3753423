"""What a judgement will cost, before anything is sent: one question of each kind is made, and its tokens are multiplied."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from math import ceil
from typing import Sequence

from awbench.judging.outputs import Outputs
from awbench.judging.protocols import Ask, question_of
from models.mllm.endpoint import Endpoint
from models.mllm.question import MAX_SIDE_PX, Frame, Question, messages_of
from models.mllm.reply import assumed_usage

_PATCH_PX, _LEAST_TOKENS, _CHARS_A_TOKEN, _SAID_TOKENS = 28, 85, 4, 200
"""A picture is counted as Qwen-VL does, a token for 28 x 28 px, but at least 85 as elsewhere; a reply as 200."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Of one dimension or of all: calls to make and what they may take. `most_usd`: what the cap would hold back for them."""

    name: str
    calls: int
    pictures: int
    input_tokens: int
    output_tokens: int
    usd: float
    most_usd: float


def estimates(asks: Sequence[Ask], outputs: Outputs, endpoint: Endpoint) -> list[Estimate]:
    """One for each dimension and their sum, without repairs and retries. The first ask of a kind that can be shown stands for all."""
    kinds = Counter((ask.dimension, len(ask.places)) for ask in asks)
    found: dict[str, list[Estimate]] = {}
    for (dimension, shown), calls in kinds.items():
        question = _sample([ask for ask in asks if (ask.dimension, len(ask.places)) == (dimension, shown)], outputs)
        if question is not None:
            found.setdefault(dimension, []).append(_estimate(dimension, calls, question, endpoint))
    lines = [_sum(dimension, parts) for dimension, parts in found.items()]
    return [*lines, _sum("all", lines)]


def _sample(asks: Sequence[Ask], outputs: Outputs) -> Question | None:
    for ask in asks[:20]:
        try:
            return question_of(ask, outputs)
        except ValueError:  # cannot be shown and will not be asked
            continue
    return None


def _estimate(name: str, calls: int, question: Question, endpoint: Endpoint) -> Estimate:
    pictures = [part for part in question.parts if isinstance(part, Frame)]
    chars = len(question.system) + sum(len(part.caption) if isinstance(part, Frame) else len(part) for part in question.parts)
    tokens = chars // _CHARS_A_TOKEN + sum(_picture_tokens(part) for part in pictures)
    most = assumed_usage(messages_of(question), endpoint.max_output_tokens)
    prices = endpoint.usd_per_million_input / 1e6, endpoint.usd_per_million_output / 1e6
    return Estimate(
        name=name,
        calls=calls,
        pictures=calls * len(pictures),
        input_tokens=calls * tokens,
        output_tokens=calls * _SAID_TOKENS,
        usd=calls * (tokens * prices[0] + _SAID_TOKENS * prices[1]),
        most_usd=calls * (most.input_tokens * prices[0] + most.output_tokens * prices[1]),
    )


def _picture_tokens(frame: Frame) -> int:
    height, width = frame.image.shape[:2]
    scale = min(1.0, MAX_SIDE_PX / max(height, width))
    return max(_LEAST_TOKENS, ceil(width * scale / _PATCH_PX) * ceil(height * scale / _PATCH_PX))


def _sum(name: str, parts: Sequence[Estimate]) -> Estimate:
    fields = ("calls", "pictures", "input_tokens", "output_tokens", "usd", "most_usd")
    return Estimate(name=name, **{field: sum(getattr(part, field) for part in parts) for field in fields})
