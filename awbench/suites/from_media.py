"""Make a suite folder from a folder of driving clips and a folder of reference images, and let it grow.

    write_suite_from_media(driving, references, out, grid)           every clip with every image, or `pairs` of them, evenly
    ... pairing="pairs.csv"                                           the pairs of a table
    ... by_tag=("framing", "subject=human:cartoon")                   only pairs whose labels agree, or are so
    ... track="self"                                                  every clip with its own first frame; the truth is the driver

Labels come from tables beside the media (`awbench.suites.labels`) and become tags driver_X and reference_X; `NAME.txt` beside NAME.mp4, or
a column `prompt`, is the prompt. Media are copied into the suite, so that it can be moved. Written into the folder of an earlier call, the
suite grows: its cases stay as they are to the byte, and what was run on them stays comparable.

A pairing table is a csv with the columns `driver` and `reference`: paths below the two folders, as anybody would write them, folders and
ending left out where that is clear. Optional: `id`, `prompt`, `mode`, `reference_pose`; every further column is a tag. So AWBench comes in:
its files are not published as of November 2026 (the paper tells of 100 driving videos, 200 reference images, and 60 human to human and 40
human to cartoon pairs); whoever has them puts clips and images in two folders, labels in a clips.csv in each, and the pairs in a table.
"""

from __future__ import annotations

import heapq
import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Collection, Iterable, Mapping, Sequence

from awbench.cases import MAX_ID_CHARS, MODES, SUITE_FITS, TRACKS, Case, Suite
from awbench.suites.folder import DRIVER, SUITE_FILE, load_folder
from awbench.suites.labels import FileNames, Labels, Row, TagRule, label, prompt_beside, read_labels, read_rows, told_labels
from awbench.suites.snapshot import case_entry, stored_entries, suite_yaml
from models.artifacts import publish, sha256_file, write_bytes
from models.images import IMAGE_SUFFIXES, encode_image, read_image
from models.progress import Progress
from models.seeds import item_rng
from models.types import Grid, require
from models.video import VIDEO_SUFFIXES, frames_of, read_window

_BESIDE = frozenset({".csv", ".json", ".npz", ".npy", ".txt", ".md", ".yaml", ".yml", ".html", ".bvh"})
_NO_FAULT = (".part", ".crdownload", ".download", ".tmp", "thumbs.db", "desktop.ini")  # half downloads, files of the system
_OF_THE_PERSON = ("subject", "framing", "count", "age")  # what a clip's labels also say of its own first frame
_PAIR_COLUMNS = ("driver", "reference", "id", "prompt", "reference_pose")
_MAX_PROMPT = 2000


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeSuite:
    """What came of it. `skipped`: one line for each file or row that could not be used; `notes`: what else to know."""

    folder: Path
    cases: int
    added: int
    skipped: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """The usable files of one folder in order, with what is known of each. `place`: where a file lies in the suite."""

    folder: Path
    files: tuple[Path, ...]
    labels: Mapping[Path, Labels]
    prompts: Mapping[Path, str]
    place: Mapping[Path, str]
    skipped: tuple[str, ...]
    notes: tuple[str, ...]

    def known(self, path: Path) -> Labels:
        return self.labels.get(path, {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A case to be: a clip, and an image or None for the clip's own first frame; `row`: of the pairing table."""

    clip: Path
    image: Path | None
    row: Labels


def write_suite_from_media(
    driving: str | Path,
    references: str | Path | None,
    out: str | Path,
    grid: Grid | None,
    *,
    pairs: int | None = None,
    pairing: str | Path | None = None,
    by_tag: Sequence[str] = (),
    track: str = "cross",
    fit: str = "",
    seed: int = 0,
    name: str = "",
) -> MadeSuite:
    """Write OUT/suite.yaml and its media, or add to what is there.

    `pairs`: cases in all, None for every pair there is. A suite that grows keeps its grid (None), fit and name (""). Raises ValueError
    when nothing can be paired, when OUT holds a suite of another grid, fit or name, or a file of a case has changed since.
    """
    out, item = Path(out), f"suite {out}"
    _check_wishes(item, references, pairs, pairing, by_tag, track)
    before = load_folder(out, fingerprint=False) if (out / SUITE_FILE).is_file() else None
    name, grid, fit = _settings(item, before, name=name, grid=grid, fit=fit)
    known = {case.track for case in before.cases} if before else {track}
    require(
        track in known,
        item,
        "track",
        track,
        f"{known.copy().pop()} as all its cases are",
        "choose another folder: the two are not compared",
    )
    entries = list(stored_entries(out).values())
    clips = _media(Path(driving), "driving", VIDEO_SUFFIXES, lambda path: read_window(path, grid, fit=fit), out)
    images = None if references is None else _media(Path(references), "reference", IMAGE_SUFFIXES, read_image, out)
    skipped = [line for part in (clips, images) if part for line in part.skipped]
    for kind, part in (("driving clips", clips), ("reference images", images)):
        got = f"none usable ({len(skipped)} skipped)"
        require(part is None or bool(part.files), item, kind, got, f"at least one in {part and part.folder}", "; ".join(skipped[:3]))
    if pairing is not None:
        chosen, more = _pairs_of_table(Path(pairing), clips, images)
        skipped += more
    else:
        chosen = _pairs_by_rule(item, clips, images, entries, pairs, by_tag, seed)
    added, more = _entries(chosen, clips, images, entries)
    skipped += more
    require(bool(entries or added), item, "cases", "none", "at least one pair", "; ".join(skipped[:3]))
    _copy_media(out, added, clips, images)
    if added or before is None:
        write_bytes(out / SUITE_FILE, suite_yaml(name, "1", grid, [*entries, *added], fit))
    made = load_folder(out, fingerprint=False)
    notes = [line for part in (clips, images) if part for line in part.notes]
    return MadeSuite(folder=out, cases=len(made.cases), added=len(added), skipped=tuple(skipped), notes=tuple(notes))


def _check_wishes(item: str, references: Any, pairs: int | None, pairing: Any, by_tag: Sequence[str], track: str) -> None:
    require(track in TRACKS, item, "track", repr(track), f"one of {TRACKS}")
    require(pairs is None or pairs >= 1, item, "pairs", pairs, "a whole number >= 1, or none for all")
    alone = "nothing else that chooses pairs"
    require(pairing is None or not (pairs or by_tag or track == "self"), item, "pairing", "a table beside pairs, by-tag or self", alone)
    require(track == "self" or references is not None, item, "references", "none", "a folder of images", "or make a self track")
    wanted = "no references: every clip has its own first frame"
    require(track == "cross" or not (references or by_tag), item, "track", "self, with references or by-tag", wanted)


def _settings(item: str, before: Suite | None, **wishes: Any) -> tuple[Any, ...]:
    """Name, grid and fit: those of the suite that is to grow, or as wished. Raises ValueError naming the one that differs or lacks."""
    if before is None:
        fit = wishes["fit"] or SUITE_FITS[0]
        require(
            wishes["grid"] is not None, item, "grid", "none", "size, rate and length of its clips", "give --size, --fps and --num-frames"
        )
        require(fit in SUITE_FITS, item, "fit", repr(fit), f"one of {SUITE_FITS}")
        return wishes["name"] or "from-media", wishes["grid"], fit
    for field, wish in wishes.items():
        kept = getattr(before, field)
        require(not wish or wish == kept, item, field, wish, f"{kept} as in its {SUITE_FILE}", "leave it out, or choose another folder")
    return before.name, before.grid, before.fit


def _media(folder: Path, part: str, suffixes: frozenset[str], read: Callable[[Path], Any], out: Path) -> Media:
    require(folder.is_dir(), "suite", f"{part} folder", folder, "an existing folder")
    found = [path for path in sorted(folder.rglob("*")) if path.is_file() and not _hidden(path.relative_to(folder))]
    wanted = [path for path in found if path.suffix.lower() in suffixes]
    places = {path: f"{part}/{path.relative_to(folder).as_posix()}" for path in wanted}
    good, bad = _usable(wanted, f"suite: reading {part}", read, {path: out / place for path, place in places.items()})
    labels, unmatched = read_labels(folder, wanted)
    prompts, wrong = _prompts(good, labels)
    others = [path.name for path in found if path not in places and not path.name.lower().endswith((*_NO_FAULT, *_BESIDE))]
    told = f"{part}: {len(others)} file(s) of another kind passed over: {', '.join(others[:5])}"
    notes = [f"{part}: {line}" for line in unmatched] + [told] * bool(others)
    known = {"folder": folder, "files": tuple(good), "labels": labels, "prompts": prompts, "place": places}
    return Media(**known, skipped=(*bad, *wrong), notes=tuple(notes))


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)


def _usable(files: list[Path], told: str, read: Callable[[Path], Any], kept: Mapping[Path, Path]) -> tuple[list[Path], list[str]]:
    """Files that can be read, and why the others cannot; one that lies in the suite already is not read again."""
    good, bad = [], []
    with Progress(told, total=len(files)) as bar:
        for path in files:
            try:
                if not _same_file(path, kept[path]):
                    read(path)
                good.append(path)
            except (ValueError, OSError) as error:
                bad.append(f"{path.name}: {error}")
            bar.step(failed=path not in good[-1:])
    return good, bad


def _same_file(path: Path, other: Path) -> bool:
    same_size = other.is_file() and path.stat().st_size == other.stat().st_size
    return same_size and sha256_file(path) == sha256_file(other)


def _prompts(files: list[Path], labels: Mapping[Path, Labels]) -> tuple[dict[Path, str], list[str]]:
    prompts, wrong = {}, []
    for path in files:
        try:
            text = labels.get(path, {}).get("prompt", "") or prompt_beside(path)
            require(len(text) <= _MAX_PROMPT, path.name, "prompt", f"{len(text)} characters", f"at most {_MAX_PROMPT}", "left out")
            prompts[path] = text
        except ValueError as error:
            wrong.append(str(error))
    return prompts, wrong


def _pairs_by_rule(
    item: str, clips: Media, images: Media | None, entries: list[dict[str, Any]], pairs: int | None, by_tag: Sequence[str], seed: int
) -> list[Pair]:
    """New pairs: of every clip with itself, or evenly of clips and images whose labels go together."""
    room = None if pairs is None else max(pairs - len(entries), 0)
    taken = {(entry.get("driver"), entry.get("reference")) for entry in entries}
    if images is None:
        fresh = [Pair(clip=clip, image=None, row={}) for clip in clips.files if (clips.place[clip], _own_frame(clips, clip)) not in taken]
        return fresh[:room]
    rules = [TagRule.parse(text) for text in by_tag]

    def allowed(clip: Path, image: Path) -> bool:
        return all(rule.allows(clips.known(clip), images.known(image)) for rule in rules)

    used = {(clip, image) for clip in clips.files for image in images.files if (clips.place[clip], images.place[image]) in taken}
    chosen = pair_evenly(clips.files, images.files, room, seed, taken=used, allowed=allowed)
    got = [f"{r.name}: drivers {_told(r, clips)}; references {_told(r, images)}" for r in rules]
    nothing = not chosen and not any(allowed(*pair) for pair in used) and room != 0
    require(not nothing, item, "by-tag", " and ".join(by_tag), "labels that some driver and some reference have", "; ".join(got))
    return [Pair(clip=clip, image=image, row={}) for clip, image in chosen]


def _told(rule: TagRule, media: Media) -> str:
    return told_labels(rule.name, map(media.known, media.files))


def pair_evenly(
    clips: Sequence[Path],
    images: Sequence[Path],
    pairs: int | None,
    seed: int,
    *,
    taken: Collection[tuple[Path, Path]] = (),
    allowed: Callable[[Path, Path], bool] = lambda clip, image: True,
) -> list[tuple[Path, Path]]:
    """`pairs` (None: all) new, different (clip, image) pairs: always the clip used least so far with the image used least so far.

    Ties are broken by a seeded order. `taken`: pairs that are there already; they count as used.
    """
    taken = set(taken)
    clip_rank, image_rank = _seeded_rank(clips, seed, "clips"), _seeded_rank(images, seed, "images")
    clip_uses, image_uses = dict.fromkeys(clips, 0), dict.fromkeys(images, 0)
    for clip, image in taken:
        clip_uses[clip] += 1
        image_uses[image] += 1
    waiting, chosen = [(clip_uses[clip], clip_rank[clip], clip) for clip in clips], []
    heapq.heapify(waiting)
    while waiting and (pairs is None or len(chosen) < pairs):
        uses, rank, clip = heapq.heappop(waiting)
        free = [image for image in images if (clip, image) not in taken and allowed(clip, image)]
        if not free:
            continue
        image = min(free, key=lambda each: (image_uses[each], image_rank[each]))
        image_uses[image] += 1
        taken.add((clip, image))
        chosen.append((clip, image))
        heapq.heappush(waiting, (uses + 1, rank, clip))
    return chosen


def _seeded_rank(paths: Iterable[Path], seed: int, what: str) -> dict[Path, int]:
    order = sorted(paths)
    item_rng(seed, what).shuffle(order)
    return {path: rank for rank, path in enumerate(order)}


def _pairs_of_table(table: Path, clips: Media, images: Media) -> tuple[list[Pair], list[str]]:
    """The pairs of a table in its order, and why some rows give none."""
    require(table.is_file(), "suite", "pairing", table, "an existing csv table with the columns driver and reference")
    rows = list(read_rows(table))
    columns = set().union(*(row.cells for row in rows))
    require({"driver", "reference"} <= columns, f"pairing {table}", "columns", sorted(columns), "driver and reference")
    names = {part: FileNames(media.folder, media.files) for part, media in (("driver", clips), ("reference", images))}
    pairs, wrong = [], []
    for row in rows:
        try:
            pairs.append(_pair_of_row(row, names))
        except ValueError as error:
            wrong.append(f"{row.place}: {error}")
    return pairs, wrong


def _pair_of_row(row: Row, names: Mapping[str, FileNames]) -> Pair:
    found = {}
    for part, files in names.items():
        text = row.cells.get(part, "")
        found[part] = files.find_by_part(text) if text else None
        require(found[part] is not None, part, "file", repr(text), "a usable file of that name")
    return Pair(clip=found["driver"], image=found["reference"], row=row.cells)


def _entries(pairs: list[Pair], clips: Media, images: Media | None, before: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], list[str]]:
    """The entries of suite.yaml of those pairs that are not there yet, each with a free id, and why some pairs give none."""
    there = {_question(entry) for entry in before}
    ids, added, wrong = {entry["id"].lower(): entry for entry in before}, [], []
    for pair in pairs:
        try:
            entry = _entry(len(before) + len(added) + 1, pair, clips, images, ids)
            if _question(entry) in there:
                continue
            clash = ids.get(entry["id"].lower())
            require(clash is None, f"case {entry['id']}", "id", "a pair of other files or another prompt", "an id that is not taken")
        except ValueError as error:  # one bad row is one line, and stops no other
            wrong.append(str(error))
            continue
        there.add(_question(entry))
        ids[entry["id"].lower()] = entry
        added.append(entry)
    return added, wrong


def _question(entry: Mapping[str, Any]) -> tuple[Any, ...]:
    return entry.get("driver"), entry.get("reference"), entry.get("prompt", "")


def _entry(index: int, pair: Pair, clips: Media, images: Media | None, ids: Collection[str]) -> dict[str, Any]:
    driver, own = clips.place[pair.clip], pair.image is None
    reference = _own_frame(clips, pair.clip) if own else images.place[pair.image]
    about = clips.known(pair.clip)
    shown = {key: about[key] for key in _OF_THE_PERSON if key in about} if own else images.known(pair.image)
    texts = clips.prompts.get(pair.clip, ""), "" if own else images.prompts.get(pair.image, "")
    case = Case(
        id=pair.row.get("id") or _free_id(index, pair, ids),
        tags=_tags(about, shown, pair) | ({"reference_prompt": texts[1]} if all(texts) else {}),
        prompt=pair.row.get("prompt") or texts[0] or texts[1],
        driver_id=driver,
        identity_id=reference,
        reference_pose=pair.row.get("reference_pose") or ("first_frame" if own else "independent"),
    )
    return case_entry(case, driver=driver, reference=reference, **({"truth": DRIVER} if own else {}))


def _tags(about: Labels, shown: Labels, pair: Pair) -> dict[str, str | bool]:
    tags = {f"driver_{key}": text for key, text in about.items() if key != "prompt"}
    tags |= {f"reference_{key}": text for key, text in shown.items() if key != "prompt"}
    tags |= {key: _row_label(key, text) for key, text in pair.row.items() if key not in _PAIR_COLUMNS}
    mode = mode_of(tags.get("driver_count", ""), tags.get("reference_count", ""))
    own = "self" if pair.image is None else "cross"
    return ({"mode": mode} if mode else {}) | {"track": own} | tags


def _row_label(column: str, text: str) -> str:
    return label(column.removeprefix("driver_").removeprefix("reference_"), text)


def mode_of(driver_count: str, reference_count: str) -> str:
    """AWBench's word for who drives whom, "" where a count is not known, and for many drivers of one reference, which has no word."""
    if not driver_count or not reference_count:
        return ""
    return {("1", "1"): MODES[0], ("1", "n"): MODES[1], ("n", "n"): MODES[2]}.get(
        tuple("1" if count == "1" else "n" for count in (driver_count, reference_count)), ""
    )


def _own_frame(clips: Media, clip: Path) -> str:
    return f"reference/first_frame/{clips.place[clip].removeprefix('driving/')}.png"


def _free_id(index: int, pair: Pair, ids: Collection[str]) -> str:
    while (name := case_id(index, pair.clip, pair.image or Path("self"))).lower() in ids:
        index += 1
    return name


def case_id(index: int, clip: Path, image: Path) -> str:
    """A legible id that stays within the rules: 0001-CLIP-IMAGE, shortened."""
    plain = re.sub(r"[^A-Za-z0-9_]+", "-", f"{clip.stem[:28]}-{image.stem[:28]}").strip("-")
    return f"{index:04d}-{plain}"[:MAX_ID_CHARS].rstrip("-")


def _copy_media(out: Path, entries: list[dict[str, Any]], clips: Media, images: Media | None) -> None:
    """Bring the media of new cases into the suite. Raises ValueError, before anything is written, where another file has the name."""
    wanted = {entry[part] for entry in entries for part in ("driver", "reference")}
    sources = {place: path for media in (clips, images) if media for path, place in media.place.items() if place in wanted}
    new = {place: path for place, path in sources.items() if not _same_file(path, out / place)}
    for place in new:
        advice = "the cases that use it would change; give the new one another name"
        require(not (out / place).exists(), f"suite {out}", place, "another file than the suite's", "the same bytes", advice)
    frames = {_own_frame(clips, clip): clip for clip in clips.files}
    frames = {place: clip for place, clip in frames.items() if place in wanted and not (out / place).exists()}
    with Progress("suite: copying", total=len(new) + len(frames)) as bar:
        for place, path in new.items():
            with publish(out / place) as draft:
                shutil.copyfile(path, draft)
            bar.step()
        for place, clip in frames.items():
            write_bytes(out / place, encode_image(next(frames_of(clip)).image))
            bar.step()
