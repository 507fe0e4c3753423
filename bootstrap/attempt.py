"""One pair attempted: made by the teacher, judged again without one, or left as it was.

A pair that raises is a failed row with the reason, whatever it raises and wherever, up to the row that could not be written. What may pass
by itself (a source that is away, a guide that does not serve, an answer that is not there yet) is tried anew by a later run.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Mapping

from bootstrap.card import judged_again, prompts_of, sample_card
from bootstrap.contents import Away, as_planned
from bootstrap.filters import Pair, Rejection, decide
from bootstrap.manifest import failed_row, judged_row
from bootstrap.planned import PlannedPair
from bootstrap.prompts import write_prompts
from bootstrap.reasons import reason_of
from bootstrap.recipe import RECORDED
from bootstrap.round_config import RoundContext
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
    """What came of a pair: its row, its members where there is a sample, and whether a later run should try it anew.

    A failed pair with members is a candidate that could not be judged. `trouble`: why an earlier verdict stands, "" where none had to.
    """

    row: Mapping[str, Any]
    members: Mapping[str, bytes] | None = None
    again: bool = False
    trouble: str = ""

    @property
    def failed(self) -> bool:
        return self.row["status"] == "failed"


def attempt(context: RoundContext, pair: PlannedPair, teacher: Animator, guide: Guide | None) -> Attempt:
    """Make a pair and judge it. The reason of a failure begins with the step that failed."""
    recipe, step = context.recipe, "sources"
    try:
        media = media_of(context, pair)
        step = "guidance"
        prompts = write_prompts(guide, media.clip, media.identity, tags_of(pair))
        step = "teacher"
        recorded = recipe.teacher.name == RECORDED
        candidate = synthesize_pair(pair.spec, media, teacher, recipe.grid, prompts, pix_fmt=recipe.pix_fmt, adapt=recorded)
        step = "record"
        members = {**candidate.members, "json": sample_card(recipe, pair, candidate, ())}
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # one pair's trouble, whatever it is (a teacher may even call exit), is that pair's row
        again = _may_pass(pair, error, step) or (step == "teacher" and recipe.teacher.name == RECORDED)  # an answer may still come
        return failed(context, pair, f"{step}: {reason_of(error).replace(pair.spec.key, 'KEY')}", again)  # one cause is one reason
    return _first_judged(context, pair, candidate, members)


def _first_judged(context: RoundContext, pair: PlannedPair, candidate: Candidate, members: Mapping[str, bytes]) -> Attempt:
    """What the teacher made is kept where its judgement fails: only that is done again."""
    step = "filters"
    try:
        result = decide(candidate, context.recipe.grid, context.recipe.thresholds)
        step = "record"
        return _judged(context, result, members, keep=context.keep_rejected)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        made = failed(context, pair, f"{step}: {reason_of(error)}", _may_pass(pair, error, step))
        return replace(made, members=members) if step == "filters" else made


def judge_again(context: RoundContext, pair: PlannedPair, made: Attempt) -> Attempt:
    """An earlier attempt by today's filters. Where it cannot be judged its old verdict stands, and a later run tries again.

    Where there is no sample nothing can ever be judged anew.
    """
    if made.members is None:
        return replace(made, again=False)
    step = "sources"
    try:
        card, members = made.members["json"], {name: data for name, data in made.members.items() if name != "json"}
        spec, media = replace(pair.spec, key=made.row["key"], seed=made.row["seed"]), media_of(context, pair)
        step = "filters"
        candidate = Candidate(spec=spec, media=media, members=members, prompts=prompts_of(card))
        result = decide(candidate, context.recipe.grid, context.recipe.thresholds)
        return _judged(context, result, made.members, keep=context.keep_rejected or not made.failed)
    except Exception as error:  # the candidate is there all the same
        reason = f"{step}: {reason_of(error)}"
        if made.failed:
            return replace(made, row={**made.row, "reason": reason}, again=_may_pass(pair, error, step))
        return replace(made, again=True, trouble=reason)


def _judged(context: RoundContext, result: Pair | Rejection, members: Mapping[str, bytes], keep: bool) -> Attempt:
    """`keep`: whether a rejected candidate is kept aside."""
    row = _checked(judged_row(context.recipe, result))
    if row["status"] != "kept" and not keep:
        return Attempt(row=row)
    verdicts = [verdict.to_json() for verdict in result.verdicts]
    return Attempt(row=row, members={**members, "json": judged_again(members["json"], verdicts, context.recipe)})


def media_of(context: RoundContext, pair: PlannedPair) -> PairMedia:
    """The real material of a pair. Raises MediaError or OSError."""
    driving, identity = _there(pair.driving, pair.spec.driving), _there(pair.identity, pair.spec.identity)
    with as_planned(driving, identity):
        return read_media(driving.location, pair.spec.start_s, identity.location, context.recipe.grid, context.recipe.fit)


def _there(source: Source | None, name: str) -> Source:
    if source is None:
        raise Away(f"{name} is not there any more")
    return source


def _may_pass(pair: PlannedPair, error: BaseException, step: str) -> bool:
    """Whether trouble is one of a moment: a model that does not answer, a storage that says so, a file that was listed and is not there."""
    if step != "sources":
        return isinstance(error, (Unreachable, CostCapReached))
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


def failed(context: RoundContext, pair: PlannedPair, reason: str, again: bool = True) -> Attempt:
    """The attempt of a pair that could not be made."""
    return Attempt(row=failed_row(context.recipe, pair.spec, reason), again=again)


def _checked(row: dict[str, Any]) -> dict[str, Any]:
    """`row`, after an attempt to write it as a marker would."""
    to_json(row).encode()
    return row
