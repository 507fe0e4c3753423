"""One unit of work: a range of pairs -> its shard, then its marker. Runs in any process, in any order, to the same bytes.

A pair that raises is a failed row with the reason and costs nobody else anything, whatever it raises and wherever, up to
the row that could not be written; a unit with nothing kept writes no shard. A pair without a prompt because the guide's endpoint did not
serve fails too, and its unit is tried anew by a later run. What depends on the moment (times, host)
goes into the returned `UnitReport`, never into shard or marker.
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from typing import Any

from bootstrap.filters import Pair, decide
from bootstrap.ledger import Unit
from bootstrap.manifest import failed_row, judged_row
from bootstrap.pairing import PairSpec
from bootstrap.prompts import write_prompts
from bootstrap.reasons import reason_of
from bootstrap.rounds import Round
from bootstrap.shards.writer import shard_name, write_shard
from bootstrap.synthesis import read_media, synthesize_pair
from models.artifacts import sha256, to_json
from models.guidance.guide import Guide
from models.mllm.errors import CostCapReached, Unreachable
from models.protocols import Animator


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitReport:
    """How a unit went, for progress and events. `pair_s`: key -> seconds; `runtime`: what the teacher ran on, where it says so."""

    unit: int
    kept: int
    rejected: int
    failed: int
    host: str
    worker_pid: int
    pair_s: dict[str, float]
    runtime: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Attempt:
    """What came of a pair: its row, its members where it is kept, and whether a later run should try it anew."""

    row: dict[str, Any]
    members: dict[str, bytes] | None = None
    again: bool = False


def run_unit(round_: Round, unit: Unit, teacher: Animator, guide: Guide | None = None) -> UnitReport:
    """Make every pair of `unit`, publish the shard, then the marker. `guide`: the one the round names."""
    attempts: dict[str, _Attempt] = {}
    pair_s: dict[str, float] = {}
    for position in range(unit.start, unit.stop):
        spec, start = round_.pairing.spec(position), time.perf_counter()
        attempts[spec.key] = _attempt(round_, spec, teacher, guide, shard_name(unit.index))
        pair_s[spec.key] = round(time.perf_counter() - start, 4)
    rows = [attempt.row for attempt in attempts.values()]
    samples = [(key, attempt.members) for key, attempt in attempts.items() if attempt.members is not None]
    _publish(round_, unit, samples, rows, lost=any(attempt.again for attempt in attempts.values()))
    runtime = getattr(teacher, "runtime", None)
    return _report(unit, rows, pair_s, {} if runtime is None else runtime.record())


def lose_unit(round_: Round, unit: Unit, reason: str) -> UnitReport:
    """Record a unit whose worker died again and again: every pair of it failed for `reason`. A later run tries it anew."""
    rows = [failed_row(round_, round_.pairing.spec(position), reason) for position in range(unit.start, unit.stop)]
    _publish(round_, unit, [], rows, lost=True)
    return _report(unit, rows, {}, {})


def _attempt(round_: Round, spec: PairSpec, teacher: Animator, guide: Guide | None, shard: str) -> _Attempt:
    """Make a pair and judge it. The reason of a failure begins with the step that failed."""
    config, step = round_.config, "sources"
    try:
        media = read_media(spec, config.driving, config.references, config.grid)
        step = "guidance"
        prompts = write_prompts(guide, media.clip, media.identity, round_.tags(spec))
        step = "teacher"
        candidate = synthesize_pair(spec, media, teacher, config.grid, prompts)
        step = "filters"
        result = decide(candidate, config.grid, config.thresholds)
        step = "record"
        row = _checked(judged_row(round_, result, shard))
        return _Attempt(row=row, members=_members(round_, result) if isinstance(result, Pair) else None)
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # one pair's trouble, whatever it is (a teacher may even call exit), is that pair's row
        again = isinstance(error, (Unreachable, CostCapReached))
        return _Attempt(row=failed_row(round_, spec, f"{step}: {reason_of(error)}"), again=again)


def _checked(row: dict[str, Any]) -> dict[str, Any]:
    """`row`, after an attempt to write it as a marker would."""
    to_json(row).encode()
    return row


def _members(round_: Round, pair: Pair) -> dict[str, bytes]:
    return {**pair.members, "json": to_json(sample_card(round_, pair)).encode()}


def _publish(round_: Round, unit: Unit, samples: list, rows: list[dict[str, Any]], lost: bool = False) -> None:
    name = shard_name(unit.index)
    if samples:
        round_.ledger.write_marker(unit, rows, name, write_shard(round_.out / name, samples), lost=lost)
        return
    (round_.out / name).unlink(missing_ok=True)
    round_.ledger.write_marker(unit, rows, lost=lost)


def _report(unit: Unit, rows: list[dict[str, Any]], pair_s: dict[str, float], runtime: dict[str, Any]) -> UnitReport:
    counts = {status: sum(row["status"] == status for row in rows) for status in ("kept", "rejected", "failed")}
    return UnitReport(unit=unit.index, host=socket.gethostname(), worker_pid=os.getpid(), pair_s=pair_s, runtime=runtime, **counts)


def sample_card(round_: Round, pair: Pair) -> dict[str, Any]:
    """The KEY.json of a sample: where every part comes from and why it was kept."""
    spec, window = pair.spec, pair.media.window
    hashes = {name: source.sha256 for name, source in round_.sources(spec).items()}
    return {
        "key": spec.key,
        "driving": spec.driving,
        "reference": spec.identity,
        "source_sha256": hashes,
        "tags": round_.tags(spec),
        "prompt": pair.prompts.pair.prompt,
        "guidance": pair.prompts.to_json(),
        "window": {"start_s": window.start_s, "crop": list(window.crop), "size": list(window.source_size), "fps": window.source_fps},
        "identity_notes": list(pair.media.identity_notes),
        "pair_seed": spec.seed,
        "settings": round_.settings,
        "verdicts": [verdict.to_json() for verdict in pair.verdicts],
        "members_sha256": {name: sha256(data) for name, data in sorted(pair.members.items())},
    }
