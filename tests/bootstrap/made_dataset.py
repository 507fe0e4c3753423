"""A dataset folder as `synthesize` leaves it, finished or in the making: three kept pairs, one rejected, one failed; no teacher runs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow as pa

from bootstrap.planned import Known
from bootstrap.records import put_away
from bootstrap.rows import SCHEMA
from bootstrap.shards.writer import ShardWriter
from bootstrap.sidecar import Marker, Row, write_sidecar
from bootstrap.sources_table import SCHEMA as SOURCES
from models.artifacts import sha256, sha256_file, to_json, write_json, write_parquet
from models.images import encode_image
from models.types import Clip
from models.video import encode_video, read_video
from tests.bootstrap.factory_fakes import moving_square

PROMPTS = ("A knight waves.", "NA", "")
GRID = {"width": 32, "height": 32, "fps": 8.0, "num_frames": 6}
TEACHER = {"name": "shift", "weights_hash": "ab" * 32, "filter_metrics": []}
VIDEO = {"codec": "h264", "pix_fmt": "yuv444p", "crf": 4}
CONFIG = {"grid": GRID, "fit": "crop", "seed": 7, "video": VIDEO, "guide": {"name": "", "version": ""}, "thresholds": {"moving": 0.5}}
KEPT, REJECTED, FAILED = [f"{n}" * 20 for n in "123"], "4" * 20, "5" * 20


def key_hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def row(key: str, status: str = "kept", value: float | None = 2.5, reason: str = "") -> dict:
    verdict = {"check": "moving", "value": value, "threshold": 0.5, "passed": status == "kept", "reason": reason}
    return {
        "key": key,
        "driving": f"clip{key[0]}.mp4",
        "driving_sha256": key_hash(f"clip{key[0]}"),
        "reference": "who.png",
        "reference_sha256": key_hash("who"),
        "window": None if status == "failed" else [1.5, 2.125],
        "crop": None if status == "failed" else [4, 0, 32, 32],
        "teacher": TEACHER["name"],
        "teacher_hash": TEACHER["weights_hash"],
        "seed": int(key[0]),
        "status": status,
        "reason": reason,
        "verdicts": "[]" if status == "failed" else json.dumps([verdict]),
        "shard": "",
    }


def members(key: str, prompt: str = "") -> dict[str, bytes]:
    target, shown = moving_square((200, 60, 30), 40 + 20 * int(key[0])), moving_square((20, 90, 220), 200 - 20 * int(key[0]))
    clip = encode_video(target, crf=4, pix_fmt="yuv444p")
    parts = {"driver.mp4": encode_video(Clip(frames=shown.frames, fps=8.0), crf=4, pix_fmt="yuv444p"), "target.mp4": clip}
    parts["reference.png"] = encode_image(read_video(clip).frames[0])
    one = row(key)
    labels = {"subject": "human", "licence": "CC0", "consent": "signed", "more": "{}"}
    card = {
        "key": key,
        "driving": one["driving"],
        "reference": one["reference"],
        "source_sha256": {"driving": one["driving_sha256"], "reference": one["reference_sha256"]},
        "tags": {"driving": labels, "reference": {**labels, "licence": ""}},
        "prompt": prompt,
        "guidance": {"teacher": {"motion": "", "prompt": ""}, "pair": {"motion": "", "prompt": prompt}},
        "window": {"start_s": 1.5, "crop": [4, 0, 32, 32], "size": [64, 32], "fps": 24.0, "fit": "crop", "notes": ""},
        "identity_notes": "",
        "driver_notes": "",
        "pair_seed": one["seed"],
        "members_sha256": {name: sha256(data) for name, data in sorted(parts.items())},
        "settings": {**CONFIG, "teacher": TEACHER, "filter_metrics": []},
        "verdicts": json.loads(one["verdicts"]),
    }
    return {**parts, "json": to_json(card).encode()}


def write_unit(folder: Path, number: int, kept: list[str], others: list[dict]) -> list[dict]:
    """A sealed unit: its shard and its sidecar; returns its rows."""
    name = f"shard-{number:06d}.tar"
    rows, spans = [{**row(key), "shard": name} for key in kept] + others, {}
    with open(folder / name, "wb") as file:
        writer = ShardWriter(file)
        for place, key in enumerate(kept):
            spans[key] = [value for span in writer.add(key, members(key, PROMPTS[place % len(PROMPTS)])) for value in span]
        facts = writer.close()
    sealed = [Row(known=Known(row=one, content="", again=False, filters="f"), spans=tuple(spans.get(one["key"], ()))) for one in rows]
    shards = {name: {"bytes": facts.bytes, "sha256": facts.sha256}}
    marker = Marker(unit=number, numbers=((0, 0),) * len(rows), filters="f", shards=shards)
    write_sidecar(str(folder / name.replace(".tar", ".parquet")), marker, sealed)
    return rows


def write_events(folder: Path, keys: list[str]) -> None:
    """The diary: one pair every two seconds, on two hosts."""
    lines = [{"time": "2026-01-01T00:00:00.000+00:00", "event": "started", "host": "a", "workers": 2}]
    for place, key in enumerate(keys):
        steps = {"sources": 0.25, "teacher": 2.0, "filters": 0.75}
        event = {"event": "pair", "key": key, "status": "kept", "attempts": 1, "seconds": steps, "host": "ab"[place % 2]}
        lines.append({"time": f"2026-01-01T00:00:{10 + 2 * place:02d}.000+00:00", **event})
    text = "".join(json.dumps(line) + "\n" for line in lines) + '{"time": "2026-01-01T00:01'  # killed while it wrote
    (folder / "work").mkdir(exist_ok=True)
    (folder / "work/events.jsonl").write_text(text)


def begin(folder: Path) -> Path:
    folder.mkdir(parents=True)
    write_json(folder / "work/plan.json", {**CONFIG, "teacher": TEACHER, "pairs_per_unit": 64})
    plan, schema = [{"window": n, "identity": 0} for n in range(9)], pa.schema([("window", pa.int32()), ("identity", pa.int32())])
    write_parquet(folder / "work/generation-000000.pairs.parquet", plan, schema)
    return folder


def unfinished(folder: Path) -> Path:
    """One unit sealed (a kept and a failed pair), one in the making (two kept pairs and a rejected one kept aside)."""
    begin(folder)
    write_unit(folder, 0, KEPT[:1], [row(FAILED, "failed", reason="teacher: out of luck")])
    for key in KEPT[1:]:
        put_away(str(folder), 1, (1, 0), Known(row=row(key), content="", again=False, filters="f"), members(key, "it moves"))
    aside = row(REJECTED, "rejected", 0.1, "moving: 0.1 < 0.5")
    put_away(str(folder), 1, (2, 0), Known(row=aside, content="", again=False, filters="f"), members(REJECTED))
    write_events(folder, [*KEPT, REJECTED])
    return folder


def finished(folder: Path) -> Path:
    """All pairs in one unit, manifest, sources and run.json."""
    begin(folder)
    others = [row(REJECTED, "rejected", 0.1, "moving: 0.1 < 0.5"), row(FAILED, "failed", reason="teacher: out of luck")]
    rows = write_unit(folder, 0, KEPT, others)
    write_parquet(folder / "manifest.parquet", rows, SCHEMA)
    write_parquet(folder / "sources.parquet", source_rows(), SOURCES)
    write_events(folder, [*KEPT, REJECTED, FAILED])
    write_json(folder / "run.json", run_record(folder))
    return folder


def source_rows() -> list[dict]:
    """Six clips, one of them without a word on its licence, and one identity."""
    told = json.dumps({"licence": "CC0", "consent": "signed"})
    sides = [("driving", f"clip{n}.mp4", f"clip{n}", told if n > 1 else "{}") for n in range(1, 7)] + [
        ("reference", "who.png", "who", told)
    ]
    facts = {"status": "usable", "reason": "", "generation": 0, "starts_s": [0.0], "size": [64, 32], "notes": ""}
    return [{"role": role, "id": name, "sha256": key_hash(content), "tags": tags, **facts} for role, name, content, tags in sides]


def run_record(folder: Path) -> dict:
    return {
        "kind": "dataset",
        "config": CONFIG,
        "teacher": TEACHER,
        "filter_metrics": ["motion_fidelity"],
        "versions": {"actorforge": "0.1.0", "av": "18.0"},
        "counts": {"attempted": 5, "kept": 3, "rejected": 1, "failed": 1, "unreadable": 0},
        "generations": [5],
        "yields": {"moving": {"judged": 4, "passed": 3}},
        "inputs": "",
        "shards": {"shard-000000.tar": sha256_file(folder / "shard-000000.tar")},
        "rejected_shards": {},
        "manifest_sha256": sha256_file(folder / "manifest.parquet"),
        "sources_sha256": sha256_file(folder / "sources.parquet"),
    }
