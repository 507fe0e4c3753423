"""An item of work done: pairs made, judged again or failed, each put away as it is done.

In: an item and what the steps before it returned; out: a `PairReport`. Which process does which step is not known here.
"""

from __future__ import annotations

from dataclasses import replace

from bootstrap.attempt import Attempt, failed, judge_again
from bootstrap.planned import JudgePair, MakePair
from bootstrap.records import put_away, records_of
from bootstrap.reports import PairReport
from bootstrap.round_config import RoundContext
from bootstrap.samples import Lying, Samples
from bootstrap.steps import Animated, Encoded, Prepared, StepFailed, animate, encode, finish, prepare, this_worker
from models.guidance.guide import Guide
from models.protocols import Animator

LOST = "its sample cannot be read"


def make_pair(context: RoundContext, item: MakePair, teacher: Animator, guide: Guide | None) -> PairReport:
    """All steps of a pair in this process."""
    pair = item.pair
    try:
        prepared = prepare(context, pair, guide)
        encoded = encode(context, pair, animate(context, pair, prepared, teacher))
        return _finished(context, item, prepared, encoded)
    except StepFailed as failure:
        return failure_report(item, failure)


def finish_pair(context: RoundContext, item: MakePair, prepared: Prepared, animated: Animated) -> PairReport:
    """The steps after the teacher's. Raises OSError where the record cannot be written: that is no pair's trouble."""
    try:
        return _finished(context, item, prepared, encode(context, item.pair, animated))
    except StepFailed as failure:
        return failure_report(item, failure)


def _finished(context: RoundContext, item: MakePair, prepared: Prepared, encoded: Encoded) -> PairReport:
    attempt, seconds = finish(context, item.pair, prepared, encoded)
    if not item.probe:
        put_away(context.out, item.unit, item.numbers, attempt.known, attempt.members)
    row = attempt.known.row
    return PairReport(
        key=item.key,
        status=row["status"],
        reason=row["reason"],
        cause=row["reason"] if attempt.known.failed else "",
        seconds=seconds,
        worker=encoded.worker,
        runtime=encoded.runtime,
        cost_usd=encoded.cost_usd,
    )


def failure_report(item: MakePair, failure: StepFailed) -> PairReport:
    """A pair that could not be made; nothing is recorded yet."""
    cause = "" if failure.expected else failure.reason
    told = {"reason": failure.reason, "cause": cause, "seconds": failure.seconds, "cost_usd": failure.cost_usd}
    return PairReport(key=item.key, status="failed", recorded=False, worker=this_worker(), **told)


def judge_pair(context: RoundContext, item: JudgePair) -> PairReport:
    """Judge a sample again; a record keeps its members only where they lie in no shard."""
    lying = _lying(context, item)
    members = None if lying is None else lying.members(item.known.content)
    if members is None:
        return PairReport(key=item.key, status=item.known.status, reason=item.known.row["reason"], trouble=LOST, worker=this_worker())
    attempt = judge_again(context, item.pair, item.known, members)
    put_away(context.out, item.unit, item.numbers, attempt.known, None if lying.shard else attempt.members, attempt.trouble)
    return _judged_report(item, attempt)


def _lying(context: RoundContext, item: JudgePair) -> Lying | None:
    marker = context.ledger.marker(item.unit)
    told = marker.shards if marker is not None else ()
    return Samples(context.out, item.unit, records_of(context.out, item.unit), told).find(item.known)


def _judged_report(item: JudgePair, attempt: Attempt) -> PairReport:
    row = attempt.known.row
    changed = row["status"] != item.known.status
    return PairReport(
        key=item.key, status=row["status"], reason=row["reason"], changed=changed, trouble=attempt.trouble, worker=this_worker()
    )


def record_failure(context: RoundContext, item: MakePair, reason: str) -> None:
    """Record a pair that could not be made."""
    put_away(context.out, item.unit, item.numbers, failed(context, item.pair, reason).known)


def record_trouble(context: RoundContext, item: JudgePair, trouble: str) -> None:
    """Record a sample that could not be judged again: its old verdict stands, and a later run tries again."""
    lying = _lying(context, item)
    members = None if lying is None or lying.shard else lying.members(item.known.content)
    known = replace(item.known, again=not item.known.failed, filters=context.filters)
    put_away(context.out, item.unit, item.numbers, known, members, trouble)
