"""One pair of a dataset made once more, by the steps that `synthesize` takes, from what its records say and the same two sources.

In: an `Explained`, where clip and identity lie now (their contents are checked), a teacher. Out: the attempt, whatever its verdict.
Labels and prompts are those that are recorded, so no guide is asked anew; a pair that has no card is asked with the prompts its labels
give. The key that follows from the rebuilt settings must be the pair's own: else this code, or this record, would make another pair.
"""

from __future__ import annotations

import json
from dataclasses import fields
from typing import Any, Mapping

from bootstrap.attempt import Attempt
from bootstrap.card import prompts_of
from bootstrap.explain.found import Explained
from bootstrap.material import media_of, tags_of
from bootstrap.planned import PlannedPair
from bootstrap.prompts import GuideMark, write_prompts
from bootstrap.provenance import digest
from bootstrap.recipe import Recipe, Teacher
from bootstrap.round_config import RoundContext
from bootstrap.sources.source import Source
from bootstrap.steps import Prepared, Steps, animate, encode, finish
from bootstrap.synthesis import encode_target
from bootstrap.thresholds import Thresholds
from models.artifacts import to_json
from models.guidance.guide import Guide
from models.protocols import Animator
from models.types import Grid, require


def recipe_of(settings: Mapping[str, Any]) -> Recipe:
    """The recipe behind the settings of a card, a plan or run.json. Raises ValueError for those of another version."""
    try:
        told, thresholds = settings["teacher"], dict(settings["thresholds"])
        names = {field.name for field in fields(Teacher)} & told.keys()
        more = thresholds.get("more") or ""
        thresholds["more"] = tuple(filter(None, more.split("; "))) if isinstance(more, str) else tuple(more)
        return Recipe(
            grid=Grid(**settings["grid"]),
            teacher=Teacher(**{**{name: told[name] for name in names}, "filter_metrics": tuple(told.get("filter_metrics") or ())}),
            seed=settings["seed"],
            fit=settings["fit"],
            pix_fmt=settings["video"]["pix_fmt"],
            guide=GuideMark(**settings["guide"]),
            thresholds=Thresholds(**thresholds),
        )
    except (KeyError, TypeError) as error:
        raise ValueError(f"explain: settings: got {type(error).__name__} {error}, expected those of this version") from error


def planned_pair(found: Explained, recipe: Recipe, clip: str, picture: str) -> PlannedPair:
    """The pair with its sources at `clip` and `picture`. Raises ValueError where the settings give another key."""
    driving, identity = (_source(found, role, place) for role, place in (("driving", clip), ("reference", picture)))
    for start_s in _starts(found):
        spec = recipe.spec(driving, start_s, identity)
        if spec.key == found.key:
            return PlannedPair(spec=spec, driving=driving, identity=identity)
    advice = "it was made by another version, or labels changed since; make it again with the version that run.json names"
    raise ValueError(f"explain: {found.key}: key: got another one from its settings and sources, expected the same; {advice}")


def remake(found: Explained, pair: PlannedPair, recipe: Recipe, teacher: Animator, guide: Guide | None = None) -> Attempt:
    """Make the pair. Raises `StepFailed` with the reason where a step fails. `guide`: asked only where no prompts are recorded."""
    context = RoundContext(out="", recipe=recipe, filters=digest(recipe.filters), keep_rejected=True)
    steps = Steps(pair)
    media = steps.do("sources", media_of, context, pair)
    if found.card:
        prompts = prompts_of(to_json(found.card).encode())
    else:
        prompts = steps.do("guidance", write_prompts, guide, media.clip, media.identity, tags_of(pair))
    members = steps.do("target", encode_target, media, recipe.pix_fmt)
    prepared = Prepared(media=media, prompts=prompts, members=members, seconds=steps.seconds)
    encoded = encode(context, pair, animate(context, pair, prepared, teacher))
    attempt, _ = finish(context, pair, prepared, encoded)
    return attempt


def content_of(found: Explained, role: str) -> str:
    """sha256 of a source. Raises ValueError where no record tells it."""
    content = found.row.get(f"{role}_sha256") or (found.card.get("source_sha256") or {}).get(role) or ""
    require(bool(content), f"explain: {found.key}", f"{role} sha256", "none", "one, by which the source is found")
    return content


def _source(found: Explained, role: str, place: str) -> Source:
    told = (found.card.get("tags") or {}).get(role)
    if told is None:
        tags = json.loads((found.sources.get(role) or {}).get("tags") or "{}")
    else:
        tags = {name: text for name, text in told.items() if name != "more" and text} | json.loads(told.get("more") or "{}")
    return Source(id=found.row[role], location=place, sha256=content_of(found, role), tags=tags)


def _starts(found: Explained) -> list[float]:
    """Moments at which the window may begin: the recorded one; of a pair that failed before it was read, all that the clip has."""
    window = found.row.get("window")
    if window:
        return [window[0]]
    return list((found.sources.get("driving") or {}).get("starts_s") or ())
