"""What is known of a pair as lines to read: from its parents to the command that makes it again."""

from __future__ import annotations

import json
import shlex
from typing import Any, Iterator, Mapping

from bootstrap.explain.found import Explained
from models.animators.registry import ANIMATORS
from models.dataset_events import host_of, in_order
from models.shards import MEMBERS
from models.stated import capabilities_of

_TOLD_APART = ("teacher", "seed", "grid", "thresholds", "filter_metrics", "given", "limit", "pairs_per_unit", "selection", "pairing")
_WIDTH = 10


def told(found: Explained) -> list[str]:
    """The lines."""
    row = found.row
    lines = [f"{found.key}  {row['status']}" + (f": {row['reason']}" if row.get("reason") else "")]
    lines += _line("target", _target(found)) + _line("", _said(found, "driving"))
    lines += _line("identity", f"{row['reference']}, sha256 {row.get('reference_sha256') or 'unknown'}") + _line(
        "", _said(found, "reference")
    )
    lines += _line("driver", _driver(found))
    for name, text in _settings(found):
        lines += _line(name, text)
    lines += [_verdict(one) for one in found.verdicts]
    lines += _line("code", ", ".join(f"{name} {version}" for name, version in found.versions.items()))
    for name, text in _places(found):
        lines += _line(name, text)
    for event in found.diary:
        lines += _line("diary", _event(event))
    return lines


def values(found: Explained) -> dict[str, Any]:
    """The same as plain values."""
    names = ("key", "row", "card", "settings", "sources", "versions")
    plain = {name: getattr(found, name) for name in names}
    return {**plain, "spans": {name: list(span) for name, span in found.spans.items()}, "diary": list(found.diary)}


def again_command(found: Explained, data: str) -> str:
    """The command that makes the pair again; what stands in <...> is for whoever types it: places are not recorded."""
    known = found.settings.get("teacher") or {}
    asked, teacher = known.get("asked", ""), found.row.get("teacher") or known.get("name", "")
    given = "".join(f" --set {shlex.quote(f'{name}={_as_given(value)}')}" for name, value in _options(found).items())
    where = "--remake <FOLDER> --driving <CLIPS> --references <IDENTITIES>"
    made_by, places = (_plugged(asked), "") if asked else _teacher(str(teacher))
    return f"actorforge explain {found.key} --data {shlex.quote(data)} {where} --teacher {made_by}{given}{places}"


def _plugged(asked: str) -> str:
    """A plug-in as it may be typed: a name of its own, or `module:create`, with the argument's last part."""
    name, place = (":".join(part) for part in (asked.split(":")[:2], asked.split(":")[2:]))
    return f"{shlex.quote(name)}:<PATH OF {place}>" if place else shlex.quote(name)


def _teacher(name: str) -> tuple[str, str]:
    """The teacher as it may be typed, and the options that say where it lies; a folder or file was recorded by its last name alone."""
    head, colon, argument = name.partition(":")
    typed = f"{head}:<PATH OF {argument}>" if colon and argument else shlex.quote(name)
    if head not in ANIMATORS.table() and not colon:
        return f"<PATH OF {name}>", ""
    stated = capabilities_of(head, ANIMATORS) if head in ANIMATORS.table() and head != "external" else None
    placed = head == "external" or (stated is not None and stated.kind == "external")
    return typed, " --set repo=<REPOSITORY> --set python=<ITS PYTHON> --set weights=<WEIGHTS>" if placed else ""


def _options(found: Explained) -> dict[str, Any]:
    """What decided pixels of what may be said of the teacher."""
    try:
        told = json.loads((found.settings.get("teacher") or {}).get("options") or "{}")
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def _as_given(value: object) -> str:
    """A recorded value as `--set` takes it."""
    if isinstance(value, list):
        return ",".join(map(_as_given, value))
    return {None: "none", True: "true", False: "false"}.get(value, str(value)) if value is None or isinstance(value, bool) else str(value)


def _line(name: str, text: str) -> list[str]:
    return [f"{name:<{_WIDTH}}{text}"] if text else []


def _target(found: Explained) -> str:
    row, window = found.row, found.card.get("window") or {}
    where = f"{row['driving']}, sha256 {row.get('driving_sha256') or 'unknown'}"
    if row.get("window") is None or row.get("crop") is None:
        return where
    (start_s, stop_s), (x, y, width, height) = row["window"], row["crop"]
    of = f" of {window['size'][0]}x{window['size'][1]}" if window.get("size") else ""
    notes = f"; {window['notes']}" if window.get("notes") else ""
    return f"{where}, {start_s:.3f} to {stop_s:.3f} s, {width}x{height} px at {x}, {y}{of}{notes}"


def _said(found: Explained, role: str) -> str:
    return ", ".join(f"{name}: {text}" for name, text in found.tags(role).items() if name != "more")


def _driver(found: Explained) -> str:
    row, teacher = found.row, found.settings.get("teacher") or {}
    weights = row.get("teacher_hash") or teacher.get("weights_hash") or ""
    apart = ("name", "weights_hash", "filter_metrics", "options")
    more = [f"{name} {value}" for name, value in teacher.items() if value and name not in apart]
    more += [f"{name} {_as_given(value)}" for name, value in _options(found).items()]
    parts = [f"{row['teacher']} moves the identity like the target", f"weights {weights}" if weights else "no weights", *more]
    notes = found.card.get("driver_notes") or ""
    return ", ".join([*parts, f"seed {row['seed']}", *([notes] if notes else [])])


def _settings(found: Explained) -> Iterator[tuple[str, str]]:
    settings, card = found.settings, found.card
    grid = settings.get("grid") or {}
    if grid:
        raster = f"{grid['width']}x{grid['height']} px, {grid['num_frames']} frames at {grid['fps']:g} fps"
        yield "grid", f"{raster}; seed of the run {settings.get('seed')}"
    for name in sorted(set(settings) - set(_TOLD_APART)):
        yield name, _flat(settings[name])
    for whose, said in sorted((card.get("guidance") or {}).items(), reverse=True):  # first what the teacher was asked
        yield "prompt", f"of the {whose}: {_prompt(said)}" if any(said.values()) else ""
    notes = card.get("identity_notes") or ""
    yield "notes", f"identity: {notes}" if notes else ""


def _prompt(said: Mapping[str, str]) -> str:
    """What was written, and in brackets of what and by whom."""
    beside = [f"{name}: {said[name]}" for name in ("motion", "appearance") if said.get(name)]
    beside += [f"by {said['guide']} {said.get('version', '')}".rstrip()] if said.get("guide") else []
    return said.get("prompt", "") + (f" ({'; '.join(beside)})" if beside else "")


def _flat(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_flat(one)}" for name, one in value.items() if one not in ("", None, {}, []))
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _verdict(one: Mapping[str, Any]) -> str:
    value, threshold = (f"{one[name]:.4g}" if isinstance(one.get(name), (int, float)) else "–" for name in ("value", "threshold"))
    said = "passed" if one["passed"] else one.get("reason") or "not passed"
    return f"{'verdict':<{_WIDTH}}{one['check']} {value} (threshold {threshold}): {said}"


def _places(found: Explained) -> Iterator[tuple[str, str]]:
    row, hashes = found.row, found.card.get("members_sha256") or {}
    if row.get("record"):
        yield "record", f"{row['record']}, not in a shard yet"
    if row.get("shard") and found.spans:
        start = min(at for at, _ in found.spans.values())
        stop = max(at + size for at, size in found.spans.values())
        yield "shard", f"{row['shard']}, bytes {start} to {stop}"
    for name in MEMBERS:
        at, size = found.spans.get(name, (0, 0))
        where = f"{size} bytes at {at}" if name in found.spans else ""
        digest = f"sha256 {hashes[name]}" if name in hashes else ""
        yield "member", ", ".join([name, *filter(None, (where, digest))]) if where or digest else ""
    if not (row.get("shard") or row.get("record")):
        yield "sample", "none is stored" + ("; a later run tries it again" if row.get("again") else "")


def _event(event: Mapping[str, Any]) -> str:
    steps = ", ".join(f"{step} {spent_s:.3g} s" for step, spent_s in in_order(event.get("seconds") or {}).items())
    attempts = f"attempt {event['attempts']}" if event.get("attempts") else ""
    return ", ".join(
        filter(None, (event["time"], event["event"], str(event.get("status") or ""), attempts, f"host {host_of(event)}", steps))
    )
