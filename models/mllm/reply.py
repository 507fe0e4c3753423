"""A response body -> answered, unparsed or refused, with the tokens it cost."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from models.mllm.question import Question
from models.mllm.schema import problems, strict_json, unwrapped

MAX_REPLY_BYTES = 4 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """Tokens billed. `reported` False: the server said nothing, and these are estimates on the high side."""

    input_tokens: int = 0
    output_tokens: int = 0
    reported: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One reply read. `outcome`: answered, unparsed or refused; `said`: the content or the words of the refusal."""

    outcome: str
    said: str
    problem: str = ""
    value: Any = None
    model: str = ""
    usage: Usage = field(default_factory=lambda: Usage(reported=False))
    attempts: int = 0
    cost_usd: float = 0.0


def read_reply(text: str, question: Question) -> Reply:
    """A body -> answered, unparsed or refused; a body that is no chat completion is unparsed."""
    try:
        body = json.loads(text)
        choice = body["choices"][0]
        content, refusal = choice["message"].get("content"), choice["message"].get("refusal")
        finish = choice.get("finish_reason")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        huge = len(text) > MAX_REPLY_BYTES
        return Reply(outcome="unparsed", said=text, problem=f"more than {MAX_REPLY_BYTES >> 20} MiB" if huge else "no chat completion")
    known = {"model": str(body.get("model") or ""), "usage": _usage_of(body.get("usage"))}
    said = content.encode("utf-8", "replace").decode() if isinstance(content, str) else ""
    if refusal or finish == "content_filter":
        return Reply(outcome="refused", said=str(refusal or "content_filter"), **known)
    try:
        value = strict_json(unwrapped(said))
        problem = next(problems(value, question.schema), "")
    except (ValueError, RecursionError) as error:
        value, problem = None, f"no JSON ({excerpt(str(error))})"
    cut = f", cut off at {known['usage'].output_tokens} tokens" if problem and finish == "length" else ""
    return Reply(outcome="unparsed" if problem else "answered", said=said, problem=problem + cut, value=value, **known)


def _usage_of(usage: Any) -> Usage:
    counts = [usage.get(name) for name in ("prompt_tokens", "completion_tokens")] if isinstance(usage, dict) else [None]
    known = all(type(count) is int and count >= 0 for count in counts)
    return Usage(input_tokens=counts[0], output_tokens=counts[1]) if known else Usage(reported=False)


def assumed_usage(messages: list[dict], max_output_tokens: int) -> Usage:
    """On the high side, so that a cap holds: a token for 2 characters, 2,000 for a picture, and every token of the reply allowed."""
    parts = [part for message in messages for part in ([message["content"]] if isinstance(message["content"], str) else message["content"])]
    texts = [part if isinstance(part, str) else part.get("text", "") for part in parts]
    pictures = sum(isinstance(part, dict) and part["type"] == "image_url" for part in parts)
    tokens = sum(map(len, texts)) // 2 + 2000 * pictures
    return Usage(input_tokens=tokens, output_tokens=max_output_tokens, reported=False)


def repair(reply: Reply) -> list[dict[str, Any]]:
    """What is said to a reply that does not fit: its beginning, and what is wrong with it."""
    wanted = f"That cannot be used: {reply.problem}. Reply again, with nothing but the JSON object of the schema."
    return [{"role": "assistant", "content": reply.said[:4000] or "(nothing)"}, {"role": "user", "content": wanted}]


def excerpt(text: str) -> str:
    """One printable line of what was said, at most 200 characters."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text[:2000]).split())
    return line if len(line) <= 200 else line[:200] + "…"
