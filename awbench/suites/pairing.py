"""Which clip goes with which image: all pairs or some, evenly; those whose labels go together; those of a table; a clip with itself.

A pairing table has the columns `driver` and `reference`: names as anybody would write them, folders and ending left out where that is
clear. Optional: `start_s` (where in the clip the window begins, s, with a point or a comma; a case of its own for each), `id`, `prompt`,
`mode`, `reference_pose`; every further column is a tag. Only files that it names are looked at.
"""

from __future__ import annotations

import heapq
import math
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Collection, Iterable, Mapping, Sequence

from awbench.media.labels import Labels, TagRule, told_labels
from awbench.media.names import FileNames
from awbench.media.tables import Row, read_table
from awbench.suites.media import Look, Media, Medium
from models.progress import Progress
from models.seeds import item_rng
from models.types import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A case to be: a clip, from `start_s` on, and an image or None for the clip's own first frame; `row`: of the pairing table."""

    clip: Medium
    image: Medium | None
    start_s: float = 0.0
    row: Labels = field(default_factory=dict)

    @property
    def places(self) -> tuple[str, str]:
        """Where driver and reference lie in the suite."""
        return self.clip.place, self.clip.first_frame if self.image is None else self.image.place


def own_pairs(clips: Media, taken: Collection[tuple[Any, Any]], room: int | None) -> list[Pair]:
    """Every clip with its own first frame, but for those taken; at most `room`."""
    pairs = [Pair(clip=clip, image=None) for clip in clips.files]
    return [pair for pair in pairs if pair.places not in taken][:room]


def pairs_by_rule(
    item: str, clips: Media, images: Media, taken: Collection[tuple[Any, Any]], room: int | None, by_tag: Sequence[str], seed: int
) -> list[Pair]:
    """New pairs, evenly of clips and images whose labels go together. `taken`: places of pairs that are there already."""
    rules = [TagRule.parse(text) for text in by_tag]
    clip_of, image_of = ({one.id: one for one in media.files} for media in (clips, images))

    def allowed(clip: str, image: str) -> bool:
        return all(rule.allows(clip_of[clip].tags, image_of[image].tags) for rule in rules)

    used = {(clip.id, image.id) for clip in clips.files for image in images.files if (clip.place, image.place) in taken}
    chosen = pair_evenly(list(clip_of), list(image_of), room, seed, taken=used, allowed=allowed)
    got = [f"{rule.name}: drivers {_told(rule, clips)}; references {_told(rule, images)}" for rule in rules]
    nothing = not chosen and not any(allowed(*pair) for pair in used) and room != 0
    require(not nothing, item, "by-tag", " and ".join(by_tag), "labels that some driver and some reference have", "; ".join(got))
    return [Pair(clip=clip_of[clip], image=image_of[image]) for clip, image in chosen]


def _told(rule: TagRule, media: Media) -> str:
    return told_labels(rule.name, (one.tags for one in media.files))


def pair_evenly(
    clips: Sequence[str],
    images: Sequence[str],
    pairs: int | None,
    seed: int,
    *,
    taken: Collection[tuple[str, str]] = (),
    allowed: Callable[[str, str], bool] = lambda clip, image: True,
) -> list[tuple[str, str]]:
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


def _seeded_rank(names: Iterable[str], seed: int, what: str) -> dict[str, int]:
    order = sorted(names)
    item_rng(seed, what).shuffle(order)
    return {name: rank for rank, name in enumerate(order)}


def pairs_of_table(table: str | Path, clips: Media, images: Media, look: Look) -> tuple[list[Pair], list[str]]:
    """The pairs of a table in its order, and why some rows give none."""
    try:
        read = read_table(str(table))
    except FileNotFoundError:
        read = None
    require(read is not None, "suite", "pairing", table, "an existing table with the columns driver and reference")
    require({"driver", "reference"} <= set(read.columns), f"pairing {table}", "columns", sorted(read.columns), "driver and reference")
    sides = {"driver": _Side(clips), "reference": _Side(images)}
    pairs, wrong = [], list(read.notes)
    with Progress("suite: reading pairs", total=len(read.rows)) as bar:
        for row in read.rows:
            before = len(wrong)
            try:
                pairs.append(_pair_of_row(row, sides, look))
            except ValueError as error:
                wrong.append(f"{row.place}: {error}")
            bar.step(failed=len(wrong) > before)
    return pairs, wrong


class _Side:
    """The media of one side, found by what a row says."""

    def __init__(self, media: Media) -> None:
        self._usable, self._why = {one.id: one for one in media.files}, {**media.unusable, **media.others}
        self._names = FileNames(self._usable), FileNames(self._why)

    def find(self, part: str, text: str) -> Medium:
        """Raises ValueError, also for a file that is no use, with the reason."""
        names = (each.find_by_part(text) for each in self._names) if text else ()
        name = next(filter(None, names), None)
        require(name is not None, part, "file", repr(text), "a file of that name")
        if name not in self._usable:
            raise ValueError(f"{part} {name}: {self._why[name]}")
        return self._usable[name]


def _pair_of_row(row: Row, sides: Mapping[str, _Side], look: Look) -> Pair:
    start_s = _moment(row.cells.get("start_s", ""))
    found = {part: side.find(part, row.cells.get(part, "")) for part, side in sides.items()}
    for part, start in (("driver", start_s), ("reference", 0.0)):
        if why := look.fault(found[part], start):
            raise ValueError(f"{part} {found[part].id}{f' from {start:g} s on' if start else ''}: {why}")
    return Pair(clip=found["driver"], image=found["reference"], start_s=start_s, row=row.cells)


def _moment(text: str) -> float:
    """Seconds as people and spreadsheets write them; "" is the clip's start."""
    start_s = float(text.replace(",", ".")) if _SECONDS.fullmatch(text) else math.nan
    require(not text or start_s < math.inf, "driver", "start_s", repr(text)[:80], "seconds >= 0, such as 2.5")
    return start_s if text else 0.0


_SECONDS = re.compile(r"\+?([0-9]+[.,]?[0-9]*|[.,][0-9]+)(e[+-]?[0-9]{1,3})?", re.IGNORECASE)
