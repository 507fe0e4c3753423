"""Make a suite folder from driving clips and reference images, and let it grow.

    write_suite_from_media(["clips/"], ["images/"], out, grid)      every clip with every image, or `pairs` of them, evenly
    ... pairing="pairs.csv"                                           the pairs of a table, which also says where windows begin
    ... by_tag=("framing", "subject=human:cartoon")                   only pairs whose labels agree, or are so
    ... track="self"                                                  every clip with its own first frame; the truth is the driver

Media come from folders, globs, URLs and tables (`awbench.media.listing`), labels and prompts from what lies beside them. They are copied
into the suite, so that it can be moved. Written into the folder of an earlier call, the suite grows: its cases stay as they are to the
byte, and what was run on them stays comparable.

    media (`suites.media`) ──▶ pairs (`suites.pairing`) ──▶ entries of suite.yaml (`suites.entries`) ──▶ copies, then suite.yaml

So AWBench comes in: its files are not published as of November 2026 (the paper tells of 100 driving videos, 200 reference images, and 60
human to human and 40 human to cartoon pairs); whoever has them gives the two folders, labels in a clips.csv in each, and a pairing table.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping, Sequence

from awbench.cases import SUITE_FITS, TRACKS, Suite
from awbench.suites.dull_starts import dull_starts
from awbench.suites.entries import new_entries
from awbench.suites.folder import load_folder
from awbench.suites.media import Look, Media, copy_media, listed_media, usable_media
from awbench.suites.pairing import Pair, own_pairs, pairs_by_rule, pairs_of_table
from awbench.suites.parse import SUITE_FILE
from awbench.suites.snapshot import stored_entries, suite_yaml
from models.images import read_image
from models.storage import write_bytes
from models.types import Grid, require
from models.video import read_window

Given = str | Path | Sequence[str | Path]


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeSuite:
    """What came of it. `skipped`: one line for each file or row that could not be used; `notes`: what else to know."""

    folder: Path
    cases: int
    added: int
    skipped: tuple[str, ...]
    notes: tuple[str, ...]


def write_suite_from_media(
    driving: Given,
    references: Given | None,
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

    `driving`, `references`: what `list_media` takes, one or several. `pairs`: cases in all, None for every pair there is. A suite that
    grows keeps its grid (None), fit and name (""). Raises ValueError when nothing can be paired, when OUT holds a suite of another grid,
    fit or name, or a file of a case has changed since.
    """
    out, item = Path(out), f"suite {out}"
    _check_wishes(item, references, pairs, pairing, by_tag, track)
    before = load_folder(out, fingerprint=False) if (out / SUITE_FILE).is_file() else None
    name, grid, fit = _settings(item, before, name=name, grid=grid, fit=fit)
    _check_track(item, before, track)
    entries = list(stored_entries(out).values())
    look = Look(
        out=out,
        read_window=lambda place, start_s: read_window(place, grid, start_s, fit=fit),
        read_image=read_image,
        there={(entry.get("driver"), entry.get("driver_start_s", 0.0)) for entry in entries},
    )
    clips = listed_media(_several(driving), "driving")
    images = None if references is None else listed_media(_several(references), "reference")
    if pairing is None:  # of a table only what it names is looked at
        clips = usable_media(clips, "driving", look)
        images = None if images is None else usable_media(images, "reference", look)
    sides = [clips] if images is None else [clips, images]
    skipped = [] if pairing is not None else [line for side in sides for line in side.skipped]
    _check_usable(item, driving, clips, references, images)
    if pairing is not None:
        chosen, wrong = pairs_of_table(pairing, clips, images, look)
    else:
        room = None if pairs is None else max(pairs - len(entries), 0)
        taken = {(entry.get("driver"), entry.get("reference")) for entry in entries}
        rule = (taken, room, by_tag, seed)
        chosen, wrong = own_pairs(clips, taken, room) if images is None else pairs_by_rule(item, clips, images, *rule), []
    added, more = new_entries(chosen, entries)
    skipped += wrong + more
    require(bool(entries or added), item, "cases", "none", "at least one pair", "; ".join(skipped[:3]))
    copy_media(out, {entry[part] for entry in added for part in ("driver", "reference")}, [one for side in sides for one in side.files])
    if added or before is None:
        write_bytes(out / SUITE_FILE, suite_yaml(name, "1", grid, [*entries, *added], fit))
    notes = [line for side in sides for line in side.notes]
    notes += dull_starts(out, _first_windows(chosen, added, entries), grid.num_frames / grid.fps)
    return MadeSuite(folder=out, cases=len(entries) + len(added), added=len(added), skipped=tuple(skipped), notes=tuple(notes))


def _several(given: Given) -> Sequence[str | Path]:
    return [given] if isinstance(given, str | Path) else given


def _check_wishes(item: str, references: Any, pairs: int | None, pairing: Any, by_tag: Sequence[str], track: str) -> None:
    require(track in TRACKS, item, "track", repr(track), f"one of {TRACKS}")
    require(pairs is None or pairs >= 1, item, "pairs", pairs, "a whole number >= 1, or none for all")
    alone = "nothing else that chooses pairs"
    require(pairing is None or not (pairs or by_tag or track == "self"), item, "pairing", "a table beside pairs, by-tag or self", alone)
    require(track == "self" or references is not None, item, "references", "none", "a folder of images", "or make a self track")
    wanted = "no references: every clip has its own first frame"
    require(track == "cross" or not (references or by_tag), item, "track", "self, with references or by-tag", wanted)


def _first_windows(chosen: Sequence[Pair], added: Sequence[Mapping[str, Any]], before: Sequence[Mapping[str, Any]]) -> list[str]:
    """The drivers of new cases that begin at their start without anybody's word, and that no earlier case begins so."""
    shown, new = ({entry.get("driver") for entry in entries if "driver_start_s" not in entry} for entries in (before, added))
    said = {pair.clip.place for pair in chosen if "start_s" in pair.row}
    return sorted(new - shown - said)


def _check_track(item: str, before: Suite | None, track: str) -> None:
    known = sorted({case.track for case in before.cases}) if before else [track]
    advice = "choose another folder: the two are not compared"
    require(track in known, item, "track", track, f"{known[0]} as all its cases are", advice)


def _check_usable(item: str, driving: Given, clips: Media, references: Given | None, images: Media | None) -> None:
    skipped = [line for side in (clips, images) if side for line in side.skipped]
    for kind, given, side in (("driving clips", driving, clips), ("reference images", references, images)):
        got = f"none usable ({len(skipped)} skipped)"
        where = " and ".join(map(str, _several(given or ())))
        require(
            side is None or bool(side.files),
            item,
            kind,
            got,
            f"at least one in {where}",
            "; ".join([*skipped[:3], *(side.notes if side else ())]),
        )


def _settings(item: str, before: Suite | None, **wishes: Any) -> tuple[Any, ...]:
    """Name, grid and fit: those of the suite that is to grow, or as wished. Raises ValueError naming the one that differs or lacks."""
    if before is None:
        fit, expected = wishes["fit"] or SUITE_FITS[0], "size, rate and length of its clips"
        require(wishes["grid"] is not None, item, "grid", "none", expected, "give --size, --fps and --num-frames")
        require(fit in SUITE_FITS, item, "fit", repr(fit), f"one of {SUITE_FITS}")
        return wishes["name"] or "from-media", wishes["grid"], fit
    for field, wish in wishes.items():
        kept = getattr(before, field)
        require(not wish or wish == kept, item, field, wish, f"{kept} as in its {SUITE_FILE}", "leave it out, or choose another folder")
    return before.name, before.grid, before.fit
