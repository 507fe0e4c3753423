"""One pair attempted: made by the teacher, judged again without one, or left as it was.

A pair that raises is a failed row with the reason, whatever it raises and wherever, up to the row that could not be written. What may pass
by itself (a source that is away, a guide that does not serve, an answer that is not there yet) is tried anew by a later run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Mapping

from bootstrap.card import judged_again, prompts_of, sample_card
from bootstrap.filters import Pair, decide
from bootstrap.ledger import PlannedPair
from bootstrap.manifest import failed_row, judged_row
from bootstrap.prompts import write_prompts
from bootstrap.reasons import reason_of
from bootstrap.recipe import RECORDED
from bootstrap.round_config import Shop
from bootstrap.sources.source import Source
from bootstrap.synthesis import Candidate, PairMedia, read_media, synthesize_pair
from models import storage
from models.artifacts import to_json
from models.guidance.guide import Guide
from models.mllm.errors import CostCapReached, Unreachable
from models.protocols import Animator
from models.retries import is_transient


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What came of a pair: its row, its members where there is a sample, and whether a later run should try it anew."""

    row: Mapping[str, Any]
    members: Mapping[str, bytes] | None = None
    again: bool = False


class Away(OSError):
    """A source that is not there at the moment."""


def attempt(shop: Shop, pair: PlannedPair, teacher: Animator, guide: Guide | None) -> Attempt:
    """Make a pair and judge it. The reason of a failure begins with the step that failed."""
    recipe, step = shop.recipe, "sources"
    try:
        media = media_of(shop, pair)
        step = "guidance"
        prompts = write_prompts(guide, media.clip, media.identity, tags_of(pair))
        step = "teacher"
        recorded = recipe.teacher.name == RECORDED
        candidate = synthesize_pair(pair.spec, media, teacher, recipe.grid, prompts, pix_fmt=recipe.pix_fmt, adapt=recorded)
        step = "filters"
        result = decide(candidate, recipe.grid, recipe.thresholds)
        step = "record"
        kept = isinstance(result, Pair)
        row = _checked(judged_row(recipe, result))
        members = {**candidate.members, "json": to_json(sample_card(recipe, pair, candidate, result)).encode()}
        return Attempt(row=row, members=members if kept or shop.keep_rejected else None)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # one pair's trouble, whatever it is (a teacher may even call exit), is that pair's row
        again = _may_pass(pair, error) if step == "sources" else isinstance(error, (Unreachable, CostCapReached))
        again = again or (step == "teacher" and recipe.teacher.name == RECORDED)  # an answer may still come
        return failed(shop, pair, f"{step}: {reason_of(error)}", again)


def earlier(row: Mapping[str, Any], samples: Mapping[str, Mapping[str, bytes]]) -> Attempt | None:
    """The attempt of an earlier run; None where its sample is lost."""
    members = samples.get(row["key"])
    return None if row["shard"] and members is None else Attempt(row=row, members=members)


def judge_again(shop: Shop, pair: PlannedPair, made: Attempt) -> Attempt:
    """An earlier attempt by today's filters. Where there is no sample, or a source is gone, the old verdict stands."""
    if made.members is None:
        return made
    try:
        return _judged_again(shop, pair, made)
    except Exception as error:  # the candidate is there all the same
        return replace(made, again=_may_pass(pair, error))


def _judged_again(shop: Shop, pair: PlannedPair, made: Attempt) -> Attempt:
    card, members = made.members["json"], {name: data for name, data in made.members.items() if name != "json"}
    spec = replace(pair.spec, key=made.row["key"], seed=made.row["seed"])
    candidate = Candidate(spec=spec, media=media_of(shop, pair), members=members, prompts=prompts_of(card))
    result = decide(candidate, shop.recipe.grid, shop.recipe.thresholds)
    return Attempt(row=judged_row(shop.recipe, result), members={**members, "json": judged_again(card, result, shop.recipe)})


def media_of(shop: Shop, pair: PlannedPair) -> PairMedia:
    """The real material of a pair. Raises MediaError or OSError."""
    driving, identity = _there(pair.driving, pair.spec.driving), _there(pair.identity, pair.spec.identity)
    return read_media(driving.location, pair.spec.start_s, identity.location, shop.recipe.grid, shop.recipe.fit)


def _there(source: Source | None, name: str) -> Source:
    if source is None:
        raise Away(f"{name} is not there any more")
    return source


def _may_pass(pair: PlannedPair, error: BaseException) -> bool:
    """Whether trouble with sources is theirs for a moment: the storage says so, or a file that was listed is not there."""
    if isinstance(error, Away) or is_transient(error):
        return True
    try:
        for source in (pair.driving, pair.identity):
            storage.facts_of(source.location)
    except OSError:
        return True
    return False


def tags_of(pair: PlannedPair) -> dict[str, dict[str, str]]:
    """What tables say about the two files of a pair."""
    return {"driving": dict(pair.driving.tags), "reference": dict(pair.identity.tags)}


def failed(shop: Shop, pair: PlannedPair, reason: str, again: bool = True) -> Attempt:
    """The attempt of a pair that could not be made."""
    return Attempt(row=failed_row(shop.recipe, pair.spec, reason), again=again)


def _checked(row: dict[str, Any]) -> dict[str, Any]:
    """`row`, after an attempt to write it as a marker would."""
    to_json(row).encode()
    return row
