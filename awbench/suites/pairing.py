"""Which clip goes with which image: all pairs or some, evenly; those whose labels go together; those of a table; a clip with itself.

A pairing table has the columns `driver` and `reference`: names as anybody would write them, folders and ending left out where that is
clear. Optional: `id`, `prompt`, `mode`, `reference_pose`; every further column is a tag.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable, Collection, Iterable, Mapping, Sequence

from awbench.media.labels import Labels, TagRule, told_labels
from awbench.media.names import FileNames
from awbench.media.tables import Row, read_table
from awbench.suites.media import Media, Medium
from models.seeds import item_rng
from models.types import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """A case to be: a clip, and an image or None for the clip's own first frame; `row`: of the pairing table."""

    clip: Medium
    image: Medium | None
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


def pairs_of_table(table: str | Path, clips: Media, images: Media) -> tuple[list[Pair], list[str]]:
    """The pairs of a table in its order, and why some rows give none."""
    try:
        read = read_table(str(table))
    except FileNotFoundError:
        read = None
    require(read is not None, "suite", "pairing", table, "an existing table with the columns driver and reference")
    require({"driver", "reference"} <= set(read.columns), f"pairing {table}", "columns", sorted(read.columns), "driver and reference")
    files = {"driver": clips, "reference": images}
    names = {part: FileNames(one.id for one in media.files) for part, media in files.items()}
    known = {part: {one.id: one for one in media.files} for part, media in files.items()}
    pairs, wrong = [], list(read.notes)
    for row in read.rows:
        try:
            pairs.append(_pair_of_row(row, names, known))
        except ValueError as error:
            wrong.append(f"{row.place}: {error}")
    return pairs, wrong


def _pair_of_row(row: Row, names: Mapping[str, FileNames], known: Mapping[str, Mapping[str, Medium]]) -> Pair:
    found = {}
    for part, files in names.items():
        text = row.cells.get(part, "")
        name = files.find_by_part(text) if text else None
        require(name is not None, part, "file", repr(text), "a usable file of that name")
        found[part] = known[part][name]
    return Pair(clip=found["driver"], image=found["reference"], row=row.cells)
