"""What came of a pair: its row and, where there is a sample, its members; and the same sample judged again by other filters."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Mapping

from bootstrap.card import content_of_card, judged_again, prompts_of
from bootstrap.filters import Pair, Rejection, decide
from bootstrap.material import media_of
from bootstrap.planned import Known, PlannedPair
from bootstrap.reasons import reason_of
from bootstrap.round_config import RoundContext
from bootstrap.rows import failed_row, judged_row
from bootstrap.synthesis import Candidate
from models.artifacts import to_json
from models.interrupts import from_outside


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """`known`: what is recorded of the pair; `members`: of its sample, its card judged. A failed pair with members could not be judged.

    `trouble`: why an earlier verdict stands, "" where none had to.
    """

    known: Known
    members: Mapping[str, bytes] | None = None
    trouble: str = ""


def judged(context: RoundContext, result: Pair | Rejection, members: Mapping[str, bytes], keep: bool) -> Attempt:
    """The attempt of a candidate that was judged. `keep`: whether a rejected one is kept aside."""
    row = judged_row(context.recipe, result)
    to_json(row).encode()  # as a record will be
    if row["status"] != "kept" and not keep:
        return Attempt(known=Known(row=row, filters=context.filters))
    verdicts = [verdict.to_json() for verdict in result.verdicts]
    return _with_sample(context, row, {**members, "json": judged_again(members["json"], verdicts, context.recipe)})


def failed(context: RoundContext, pair: PlannedPair, reason: str, members: Mapping[str, bytes] | None = None) -> Attempt:
    """The attempt of a pair that could not be made, or not be judged (`members`)."""
    row = failed_row(context.recipe, pair.spec, reason)
    return _with_sample(context, row, members) if members else Attempt(known=Known(row=row, filters=context.filters))


def _with_sample(context: RoundContext, row: Mapping[str, Any], members: Mapping[str, bytes]) -> Attempt:
    return Attempt(known=Known(row=row, content=content_of_card(members["json"]), filters=context.filters), members=members)


def judge_again(context: RoundContext, pair: PlannedPair, known: Known, members: Mapping[str, bytes]) -> Attempt:
    """An earlier attempt by today's filters. Where it cannot be judged its old verdict stands, and a later run tries again."""
    step = "sources"
    try:
        files, card = {name: data for name, data in members.items() if name != "json"}, members["json"]
        spec, media = replace(pair.spec, key=known.row["key"], seed=known.row["seed"]), media_of(context, pair)
        step = "filters"
        candidate = Candidate(spec=spec, media=media, members=files, prompts=prompts_of(card))
        result = decide(candidate, context.recipe.grid, context.recipe.thresholds)
        return judged(context, result, members, keep=context.keep_rejected or not known.failed)
    except BaseException as error:  # the candidate is there all the same
        if from_outside(error):
            raise
        reason = f"{step}: {reason_of(error)}"
        if known.failed:
            return Attempt(known=replace(known, row={**known.row, "reason": reason}, filters=context.filters), members=members)
        return Attempt(known=replace(known, again=True, filters=context.filters), members=members, trouble=reason)
