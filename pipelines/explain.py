"""`actorforge explain`: what is known of one pair as text, and the pair made once more.

The two sources are found by content, whatever they are called and wherever they lie; the teacher must be the recorded one. What is made
goes to a folder of its own as KEY.driver.mp4, KEY.reference.png, KEY.target.mp4 and KEY.json, and is held against the dataset's sample,
byte by byte.
"""

from __future__ import annotations

from pathlib import Path
from typing import Mapping, Sequence

from awbench.media.kinds import Kind
from awbench.media.listing import Entry, list_media
from bootstrap.explain.found import Explained, explained, members_of
from bootstrap.explain.remake import content_of, planned_pair, recipe_of, remake
from bootstrap.explain.told import again_command, told, values
from bootstrap.sources.catalog import Catalog
from bootstrap.steps import StepFailed
from models import storage
from models.artifacts import sha256_file, to_json
from models.shards import MEMBERS
from models.types import require


def explain(data: str, key: str, *, as_json: bool = False) -> str:
    """All that the dataset at `data` knows of the pair. Raises ValueError for a key it does not have."""
    found = explained(storage.resolve(data), key)
    if as_json:
        return to_json(values(found)).rstrip()
    return "\n".join([*told(found), f"again     {again_command(found, data)}"])


def make_again(
    data: str,
    key: str,
    *,
    folder: str,
    driving: Sequence[str],
    references: Sequence[str],
    teacher: str | None,
    options: Mapping[str, str] = {},
) -> tuple[list[str], bool]:
    """Make the pair in `folder`; returns lines to print, and whether it came out as it is recorded.

    `options`: of the teacher, as text. Raises ValueError where a source, or the teacher, is another one, and for a folder that holds other
    files.
    """
    from pipelines.teachers import Asked, load_teacher

    require(teacher is not None, "explain", "--teacher", "none", "the animator or checkpoint that the dataset names")
    place = storage.resolve(data)
    found = explained(place, key)
    out = _new_folder(Path(folder), found.key)
    recipe = recipe_of(found.settings)
    clip = _by_content(driving, "clip", "--driving", found, "driving")
    picture = _by_content(references, "image", "--references", found, "reference")
    pair = planned_pair(found, recipe, clip, picture)
    loaded = load_teacher(Asked.of(teacher, options), recipe.teacher)
    try:
        attempt = remake(found, pair, recipe, loaded, _guide(found, recipe.guide.name))
    except StepFailed as failure:
        return [f"{found.key} fails: {failure.reason}"], found.row["reason"] == failure.reason
    row, members = attempt.known.row, attempt.members or {}
    for name, content in members.items():
        storage.write_bytes(out / f"{found.key}.{name}", content)
    lines = [f"{found.key} made in {out}: {row['status']}" + (f", {row['reason']}" if row["reason"] else "")]
    return _compared(lines, found, members_of(place, found), members, row["status"])


def _compared(
    lines: list[str], found: Explained, there: Mapping[str, bytes], made: Mapping[str, bytes], status: str
) -> tuple[list[str], bool]:
    if not there:
        was = found.row["status"]
        return [*lines, f"the dataset stores no sample of it, and says {was}: nothing to compare"], status == was
    same = [made.get(name) == there[name] for name in MEMBERS]
    lines += [f"{name}: {'the same bytes' if equal else 'other bytes'}" for name, equal in zip(MEMBERS, same)]
    return [*lines, "the same pair, byte for byte" if all(same) else "not the same"], all(same)


def _guide(found: Explained, name: str) -> object:
    """The guide of a pair whose prompts are not recorded; one that asks a model is not asked."""
    from models.guidance.catalog import load_guide

    if found.card or not name:
        return None
    require(name == "template", f"explain: {found.key}", "guidance", f"none recorded, by {name}", "recorded prompts, or those of template")
    return load_guide(name)


def _by_content(given: Sequence[str], kind: Kind, flag: str, found: Explained, role: str) -> str:
    """Where the source with the recorded content lies: files of its name are looked at first, then those the catalog knows, then all."""
    wanted, name = content_of(found, role), storage.name_of(found.row[role])
    entries = list_media(given, kind, flag).entries
    known = Catalog().known(entries, kind)
    remembered = {location: getattr(facts, "sha256", "") for location, facts in known.items()}

    def rank(entry: Entry) -> tuple[bool, bool]:
        return remembered.get(entry.location) != wanted, storage.name_of(entry.location) != name

    for entry in sorted(entries, key=rank):
        if sha256_file(entry.location) == wanted:
            return entry.location
    raise ValueError(f"{flag}: got {len(entries)} files, none with sha256 {wanted}, expected {found.row[role]} among them")


def _new_folder(folder: Path, key: str) -> Path:
    """A folder that is new, empty, or holds nothing but this pair."""
    there = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    others = [name for name in there if not name.startswith(f"{key}.")]
    got = f"{folder} with {', '.join(others[:3])}" if others else f"the file {folder}"
    require(not others and (folder.is_dir() or not folder.exists()), "explain", "--remake", got, "a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    return folder
