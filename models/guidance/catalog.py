"""The table of guides: a name on the command line -> a factory `create(argument: str | None) -> Guide`.

Outsiders add theirs by an entry point in the group `actorforge.guides`, without a fork.
"""

from __future__ import annotations

from models.catalog import Catalog, Entry
from models.guidance.guide import Guide

GUIDES = Catalog(
    kind="guide",
    group="actorforge.guides",
    entries={
        "template": Entry(target="models.guidance.template:create", summary="a sentence from tags and measured motion; needs no model"),
        "mllm": Entry(target="models.guidance.mllm:create", summary="mllm:BASE_URL#MODEL asks any OpenAI-compatible endpoint"),
    },
)


def load_guide(name: str) -> Guide:
    """The guide of that name (`template`) or name and argument (`mllm:BASE_URL#MODEL`). Raises ValueError with the nearest names."""
    known, colon, argument = name.partition(":")
    return GUIDES.load(known)(argument if colon else None)
