"""The real material of a planned pair, and what tables say of it."""

from __future__ import annotations

from bootstrap.contents import Away, as_planned
from bootstrap.planned import PlannedPair
from bootstrap.round_config import RoundContext
from bootstrap.sources.source import Source
from bootstrap.synthesis import PairMedia, read_media


def media_of(context: RoundContext, pair: PlannedPair) -> PairMedia:
    """Clip and identity on the grid. Raises MediaError, and OSError where a file is away or has changed."""
    driving, identity = _there(pair.driving, pair.spec.driving), _there(pair.identity, pair.spec.identity)
    with as_planned(driving, identity):
        return read_media(driving.location, pair.spec.start_s, identity.location, context.recipe.grid, context.recipe.fit)


def _there(source: Source | None, name: str) -> Source:
    if source is None:
        raise Away(f"{name} is not there any more")
    return source


def tags_of(pair: PlannedPair) -> dict[str, dict[str, str]]:
    """What tables say about the two files of a pair."""
    return {"driving": dict(pair.driving.tags), "reference": dict(pair.identity.tags)}
