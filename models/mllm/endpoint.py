"""Where to ask, and within which bounds of time, tries and money. The key is named here, never held."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from models.addresses import is_loopback, is_plain
from models.types import require

KEY_VARIABLE = "ACTORFORGE_MLLM_KEY"
"""Where the key is read from by default: a name of our own, so that no key meant for another host is ever sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """Where to ask and within which bounds. `api_key_env`: the *name* of an environment variable, None = no key is sent.

    `base_url` ends before `/chat/completions`; `temperature` None is not sent (models that refuse it); `rpm`: requests a minute.
    `timeout_s` holds for one attempt from its start to the last byte. `max_cost_usd` needs the prices, per million tokens.
    """

    base_url: str
    model: str
    api_key_env: str | None = KEY_VARIABLE
    timeout_s: float = 120.0
    max_attempts: int = 5
    seed: int = 0
    temperature: float | None = 0.0
    max_output_tokens: int = 4096
    max_cost_usd: float | None = None
    usd_per_million_input: float = 0.0
    usd_per_million_output: float = 0.0
    rpm: float | None = None

    def __post_init__(self) -> None:
        _check_base_url(self.base_url)
        require(bool(self.model.strip()), "endpoint", "model", repr(self.model), "the name of a model")
        named = self.api_key_env is None or bool(re.fullmatch(r"[A-Z][A-Z0-9_]*", self.api_key_env))
        require(named, "endpoint", "api_key_env", "something else (not shown)", "the NAME of an environment variable, not a key")
        for name in ("timeout_s", "max_attempts", "max_output_tokens"):
            require(getattr(self, name) > 0, "endpoint", name, getattr(self, name), "> 0")
        require(self.rpm is None or self.rpm > 0, "endpoint", "rpm", self.rpm, "> 0 or None")
        priced = self.usd_per_million_input > 0 and self.usd_per_million_output > 0
        require(self.max_cost_usd is None or priced, "endpoint", "usd_per_million_*", "no prices", "prices > 0 with max_cost_usd")
        object.__setattr__(self, "base_url", self.base_url.rstrip("/"))

    @classmethod
    def parse(cls, text: str, **settings: Any) -> Endpoint:
        """`BASE_URL#MODEL`, as written on the command line, and any other field by name."""
        base_url, _, model = text.partition("#")
        require(bool(base_url and model), "endpoint", "address", _without_credentials(text), "BASE_URL#MODEL")
        return cls(base_url=base_url, model=model, **settings)

    @property
    def url(self) -> str:
        return f"{self.base_url}/chat/completions"

    @property
    def is_local(self) -> bool:
        """Whether the host is this machine."""
        return is_loopback(self.base_url)


def _without_credentials(url: str) -> str:
    return "an address with credentials (not shown)" if "@" in url or "?" in url else repr(url)


def _check_base_url(url: str) -> None:
    expected = "http(s)://HOST[:PORT]/v1 without user, password or query"
    require(is_plain(url), "endpoint", "base_url", _without_credentials(url), expected)
