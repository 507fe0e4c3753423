"""The kept pairs of a finished dataset written out as the folder that a trainer reads; the same call again continues.

    export.json (first: whose folder it is) ──▶ files of every pair ──▶ table ──▶ README.md (last: it is complete)
A file that is there whole is left alone, one that is not ours is never written over: a folder that holds anything but an export of pairs
that the dataset has is refused, naming what. A damaged sample is skipped, counted and named; the others are written.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Collection, Iterator, Mapping

from bootstrap.export.formats import CARD, DRIVER, REFERENCE, TARGET, Format, Sample
from bootstrap.shards.reader import read_samples
from bootstrap.shards.record import run_record
from models.artifacts import read_json, sha256, to_json, write_json
from models.dataset_rows import read_rows
from models.progress import Progress
from models.shards import DamagedShard
from models.storage import redacted, write_bytes
from models.types import Grid, require

RECORD, README = "export.json", "README.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """`written`: files that were not there before; `damaged`: why samples could not be read, one line each."""

    pairs: int
    written: int
    damaged: tuple[str, ...] = ()


def export_pairs(dataset: str, out: Path, wanted: Format) -> Exported:
    """Write the folder. Raises ValueError for an unfinished dataset, and for an `out` that holds what is not ours."""
    run = run_record(dataset)
    keys = [row["key"] for row in read_rows(dataset, ("key", "status")).rows if row["status"] == "kept"]
    grid = Grid(**run["config"]["grid"])
    record = {"format": wanted.name, "manifest_sha256": run["manifest_sha256"], "pairs": len(keys)}
    _check_out(out, wanted, frozenset(keys))
    if _is_done(out, record, wanted):
        return Exported(pairs=len(keys), written=0)
    out.mkdir(parents=True, exist_ok=True)
    (out / README).unlink(missing_ok=True)
    write_json(out / RECORD, record)
    samples, written, damaged = list[Sample](), 0, list[DamagedShard]()
    with Progress("export", total=len(keys)) as progress:
        for key, members, shard in read_samples(dataset, on_damage=damaged.append):
            try:
                sample = _sample(key, members, shard)
            except DamagedShard as error:
                damaged.append(error)
            else:
                written += sum(_put(out / name, data) for name, data in _files(wanted, sample, members))
                samples.append(sample)
            progress.step(failed=not samples or samples[-1].key != key)
    write_bytes(out / wanted.table, wanted.text(samples, grid).encode())
    write_json(out / RECORD, {**record, "damaged": len(damaged), "files_sha256": _files_hash(out, wanted)})
    write_bytes(out / README, _readme(wanted, grid, run, len(samples), len(damaged)).encode())
    return Exported(pairs=len(samples), written=written, damaged=tuple(map(str, damaged)))


def _files(wanted: Format, sample: Sample, members: Mapping[str, bytes]) -> Iterator[tuple[str, bytes]]:
    for member, name in wanted.files(sample.key).items():
        yield name, members[member]
    if wanted.caption:
        yield wanted.caption.format(key=sample.key), sample.prompt.encode()


def _sample(key: str, members: Mapping[str, bytes], shard: str) -> Sample:
    """What the card says. Raises DamagedShard, also where a member is not the one the card names."""
    try:
        card = json.loads(members[CARD])
        wrong = [name for name, digest in card["members_sha256"].items() if sha256(members[name]) != digest]
        prompt = card.get("prompt") or ""
        require(not wrong, "member", "sha256", f"another than the card's for {', '.join(wrong)}", "the same")
        require(isinstance(prompt, str), "card", "prompt", type(prompt).__name__, "a text")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedShard(f"{redacted(shard)}: sample {key}: {error}") from error
    return Sample(key=key, prompt=prompt)


def _put(path: Path, data: bytes) -> int:
    """Write what is not there whole; returns how many files that were."""
    if path.is_file() and path.stat().st_size == len(data):  # whole if it is there: it appeared by a rename
        return 0
    write_bytes(path, data)
    return 1


def _check_out(out: Path, wanted: Format, keys: Collection[str]) -> None:
    """Refuse a folder with anything in it that this export would not write."""
    if not out.exists():
        return
    require(out.is_dir(), "export", "--out", out, "a folder, new or of an earlier export")
    found = {str(path.relative_to(out)).replace(os.sep, "/") for path in out.rglob("*") if not path.is_dir()}
    if not found:
        return
    before = _record(out)
    require(
        bool(before), "export", "--out", f"{out} with {', '.join(sorted(found)[:4])}", "a new folder, or an earlier export of this dataset"
    )
    got = before.get("format")
    require(got == wanted.name, "export", "--out", f"{out}, an export for {got}", f"one for {wanted.name}", "use another folder")
    ours = {RECORD, README, wanted.table}
    for name in sorted(found - ours):
        mine = _is_ours(name, wanted, keys)
        require(mine, "export", "--out", f"{out} with {name}", "an earlier export of this dataset and nothing else", "use another folder")


def _is_ours(name: str, wanted: Format, keys: Collection[str]) -> bool:
    """Whether a file is one of this export, a draft of it, or the trainer's cache."""
    folder, _, base = name.rpartition("/")
    folders = {place.partition("/")[0] for place in (*wanted.places.values(), wanted.caption) if place}
    return folder.partition("/")[0] == "cache" or base.startswith(".") or (folder in folders and base.rpartition(".")[0] in keys)


def _record(out: Path) -> dict[str, Any]:
    try:
        found = read_json(out / RECORD) if (out / RECORD).exists() else {}
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and {"format", "manifest_sha256"} <= found.keys() else {}


def _is_done(out: Path, record: Mapping[str, Any], wanted: Format) -> bool:
    """Whether the export is complete, nothing was left out, and every file is there with the size it had then."""
    if not (out / README).is_file():  # else a record that is not there is waited for
        return False
    before = _record(out)
    same = all(before.get(name) == value for name, value in {**record, "damaged": 0}.items())
    return same and before.get("files_sha256") == _files_hash(out, wanted)


def _files_hash(out: Path, wanted: Format) -> str:
    """Digest of names and sizes of what a trainer reads: its own cache is none of ours."""
    folders = sorted({place.partition("/")[0] for place in (*wanted.places.values(), wanted.caption) if place})
    files = [path for folder in folders for path in (out / folder).glob("*") if path.is_file() and not path.name.startswith(".")]
    files += [path for path in [out / wanted.table] if path.is_file()]
    return sha256(to_json(sorted([str(path.relative_to(out)), path.stat().st_size] for path in files)).encode())


def _readme(wanted: Format, grid: Grid, run: Mapping[str, Any], pairs: int, damaged: int) -> str:
    places = {member: place.format(key="KEY") for member, place in wanted.places.items()}
    lines = [f"# {pairs} pairs for {wanted.trainer}", "", "| folder | holds | role |", "| --- | --- | --- |"]
    lines += [f"| `{places[TARGET]}` | the real clip | target: what is learned |"]
    lines += [f"| `{places[DRIVER]}` | the synthetic clip, made by `{run['teacher']['name']}` | control: the motion that is followed |"]
    lines += [f"| `{places[REFERENCE]}` | the target's first frame | reference: who is shown |"]
    lines += [f"| `{wanted.caption.format(key='KEY')}` | prompt | caption |"] * bool(wanted.caption)
    lines += ["", f"{grid.width}x{grid.height} px, {grid.num_frames} frames at {grid.fps:g} fps, {run['config']['video']['pix_fmt']}."]
    lines += [f"{damaged} damaged samples of the dataset are left out."] * bool(damaged)
    if run["config"]["video"]["pix_fmt"] == "yuv444p":
        lines += ["Such clips are High 4:4:4 Predictive: software decodes them, most hardware and some browsers do not."]
    dataset = f"the dataset whose manifest has the sha256 {run['manifest_sha256'][:16]}"
    lines += [f"Licence and consent of every source stand in the cards (KEY.json) of {dataset}; they are not repeated here."]
    lines += ["Mark what is made with it as synthetic.", ""]
    return "\n".join([*lines, *wanted.use(grid)]).rstrip() + "\n"
