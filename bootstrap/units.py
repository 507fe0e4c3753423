"""One unit of work: a range of pairs -> its shard, then its marker. Runs in any process, in any order, to the same bytes.

A pair that raises is a failed row with the reason and costs nobody else anything; a unit with nothing kept writes no
shard. What depends on the moment (times, attempts) goes into the returned `UnitReport`, never into shard or marker.
"""

from __future__ import annotations

import os
import socket
import time
from dataclasses import dataclass
from typing import Any

from bootstrap.filters import Pair, Rejection, decide
from bootstrap.ledger import Unit
from bootstrap.manifest import failed_row, judged_row
from bootstrap.pairing import PairSpec
from bootstrap.rounds import Round
from bootstrap.shards.writer import shard_name, write_shard
from bootstrap.synthesis import read_media, synthesize_pair
from models.artifacts import sha256, to_json
from models.protocols import Animator


@dataclass(frozen=True, slots=True, kw_only=True)
class UnitReport:
    """How a unit went, for progress and events. `pair_s`: key -> seconds."""

    unit: int
    kept: int
    rejected: int
    failed: int
    host: str
    worker_pid: int
    pair_s: dict[str, float]


def run_unit(round_: Round, unit: Unit, teacher: Animator) -> UnitReport:
    """Make every pair of `unit`, publish the shard, then the marker."""
    samples: list[tuple[str, dict[str, bytes]]] = []
    rows: list[dict[str, Any]] = []
    pair_s: dict[str, float] = {}
    for position in range(unit.start, unit.stop):
        spec, start = round_.pairing.spec(position), time.perf_counter()
        result = _attempt(round_, spec, teacher)
        if isinstance(result, Pair):
            samples.append((spec.key, {**result.members, "json": to_json(sample_card(round_, result)).encode()}))
        rows.append(_row(round_, spec, result, shard_name(unit.index)))
        pair_s[spec.key] = round(time.perf_counter() - start, 4)
    _publish(round_, unit, samples, rows)
    return _report(unit, rows, pair_s)


def lose_unit(round_: Round, unit: Unit, reason: str) -> UnitReport:
    """Record a unit whose worker died again and again: every pair of it failed for `reason`."""
    rows = [failed_row(round_, round_.pairing.spec(position), reason) for position in range(unit.start, unit.stop)]
    _publish(round_, unit, [], rows)
    return _report(unit, rows, {})


def _attempt(round_: Round, spec: PairSpec, teacher: Animator) -> Pair | Rejection | str:
    config = round_.config
    try:
        media = read_media(spec, config.driving, config.references, config.grid, round_.tags(spec)["driving"].get("prompt", ""))
        return decide(synthesize_pair(spec, media, teacher, config.grid), config.grid, config.thresholds)
    except Exception as error:  # one pair's trouble, whatever it is, is that pair's row
        return f"{type(error).__name__}: {error}"


def _row(round_: Round, spec: PairSpec, result: Pair | Rejection | str, shard: str) -> dict[str, Any]:
    return failed_row(round_, spec, result) if isinstance(result, str) else judged_row(round_, result, shard)


def _publish(round_: Round, unit: Unit, samples: list, rows: list[dict[str, Any]]) -> None:
    name = shard_name(unit.index)
    if samples:
        round_.ledger.write_marker(unit, rows, name, sha256(write_shard(round_.out / name, samples)))
        return
    (round_.out / name).unlink(missing_ok=True)
    round_.ledger.write_marker(unit, rows, "", "")


def _report(unit: Unit, rows: list[dict[str, Any]], pair_s: dict[str, float]) -> UnitReport:
    counts = {status: sum(row["status"] == status for row in rows) for status in ("kept", "rejected", "failed")}
    return UnitReport(unit=unit.index, host=socket.gethostname(), worker_pid=os.getpid(), pair_s=pair_s, **counts)


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
        "prompt": pair.media.prompt,
        "window": {"start_s": window.start_s, "crop": list(window.crop), "size": list(window.source_size), "fps": window.source_fps},
        "identity_notes": list(pair.media.identity_notes),
        "pair_seed": spec.seed,
        "settings": round_.settings,
        "verdicts": [verdict.to_json() for verdict in pair.verdicts],
        "members_sha256": {name: sha256(data) for name, data in sorted(pair.members.items())},
    }
