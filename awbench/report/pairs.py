"""The training pairs of a dataset as cards: (driver, reference, target) playing in step.

In: a `DatasetReport`. Out: cards for an even sample of the kept pairs, and of the rejected ones that were kept aside. A card shows the
verdicts that came nearest to turning the pair down, and what its KEY.json tells of prompt, crop and notes. Samples are read
from the shards as training reads them (`models.shards`) and decoded as png or mp4 only; one that cannot be read is tiles with the reason.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Iterator, Mapping, Sequence

import numpy as np

from awbench.report.dataset import Attempt, DatasetReport, check_yields
from awbench.report.gallery import Card, Tile, empty_tile, image_tile, video_tile
from awbench.report.margins import lowest_first, text_of, usual_values
from awbench.report.media import Media
from awbench.report.tags import Choice
from models import storage
from models.images import read_image
from models.pair_records import members_of_record, unit_of_record
from models.progress import Progress
from models.shards import DamagedShard, Place, places_in, read_members
from models.types import require
from models.video import read_video

_LABELS = {"driver.mp4": "driver (synthetic)", "reference.png": "reference", "target.mp4": "target (real)"}
LOWEST = 3
"""Verdicts that a card shows at once."""
SHOWN_PAIRS = 48
"""At most so many kept pairs, and as many rejected ones."""
_SHARD = re.compile(r"(rejected/)?[^/\\]+")
_MAX_MEMBER_BYTES = 1 << 28


def evenly(items: Sequence[Any], limit: int) -> list[Any]:
    """At most `limit` of the items, spread evenly over their order."""
    if len(items) <= limit:
        return list(items)
    return [items[index] for index in np.linspace(0, len(items) - 1, limit).round().astype(int)]


def pair_cards(report: DatasetReport, media: Media) -> list[Card]:
    """A card for each of an even sample of the kept pairs, then of the rejected ones that have a sample."""
    chosen = [*evenly(report.with_status("kept"), SHOWN_PAIRS), *evenly(kept_aside(report), SHOWN_PAIRS)]
    with Progress("report media", total=len(chosen)) as bar:
        cards, samples, usual = [], Samples(report.folder), usual_values(check_yields(report))
        for attempt in chosen:
            cards.append(_pair_card(samples, attempt, usual, media))
            bar.step(failed=any(tile.kind == "none" for tile in cards[-1].tiles))
    return cards


def kept_aside(report: DatasetReport) -> list[Attempt]:
    """The rejected pairs whose candidates can be looked at."""
    return [attempt for attempt in report.with_status("rejected") if attempt.has_sample]


def card_choices(cards: Sequence[Card]) -> dict[str, list[Choice]]:
    """What cards can be filtered by beside `switch_of`: what turned them down. Nothing where all are kept."""
    counts = Counter(tag for card in cards for tag in card.tags if tag.startswith("stopped_by="))
    found = [Choice(tag=tag, value=tag.partition("=")[2], count=count) for tag, count in counts.items()]
    return {"stopped_by": found} if found else {}


def switch_of(cards: Sequence[Card]) -> list[Choice]:
    """Kept, rejected, or both: what the page switches between, the first is shown first. Nothing where there is one kind only."""
    counts = Counter(tag for card in cards for tag in card.tags if tag.startswith("status="))
    one = [Choice(tag=tag, value=tag.partition("=")[2], count=count) for tag, count in counts.items()]
    return [*one, Choice(tag="", value="all", count=len(cards))] if len(one) > 1 else []


def clock_of(report: DatasetReport) -> dict[str, float]:
    """Frames and frame rate of the first pair that can be read; the players of a dataset share one grid."""
    samples = Samples(report.folder)
    for attempt in [*report.with_status("kept"), *kept_aside(report)]:
        try:
            clip = read_video(samples.of(attempt)["target.mp4"])
            return {"frames": len(clip), "fps": clip.fps}
        except (ValueError, OSError):
            continue  # its own card says why
    return {"frames": 1, "fps": 1.0}


class Samples:
    """The samples of the dataset at `folder`; the headers of each shard are walked once."""

    def __init__(self, folder: str | Path) -> None:
        self._folder, self._shards = storage.resolve(folder), dict[str, tuple[dict[str, Place], list[DamagedShard]]]()

    def of(self, attempt: Attempt) -> dict[str, bytes]:
        """The members of a pair that has a sample. Raises ValueError naming shard and key."""
        if not attempt.record:
            return self._sealed(attempt)
        try:
            return members_of_record(storage.join(self._folder, attempt.record))
        except FileNotFoundError:  # sealed since the rows were read
            unit = unit_of_record(attempt.record)
            return self._sealed(replace(attempt, shard=("rejected/" if attempt.status == "rejected" else "") + f"shard-{unit}.tar"))

    def _sealed(self, attempt: Attempt) -> dict[str, bytes]:
        item = f"shard {attempt.shard} key {attempt.key}"
        inside = _SHARD.fullmatch(attempt.shard) and ".." not in attempt.shard.split("/")
        require(bool(inside), item, "shard", repr(attempt.shard), "a file name, below rejected/ perhaps")
        places, damage = self._places(attempt.shard)
        why = str(damage[0]).removeprefix(f"{self._folder}/") if damage else "no such key"
        require(attempt.key in places, item, "sample", f"none ({why})", "one by the manifest")
        place = places[attempt.key]
        large = max(size for _, size in place.spans)
        require(large <= _MAX_MEMBER_BYTES, item, "member", f"{large} bytes", f"at most {_MAX_MEMBER_BYTES}")
        return read_members(place)

    def _places(self, name: str) -> tuple[dict[str, Place], list[DamagedShard]]:
        if name not in self._shards:
            damage: list[DamagedShard] = []
            found = {place.key: place for place in places_in([storage.join(self._folder, name)], on_damage=damage.append)}
            self._shards[name] = found, damage
        return self._shards[name]


def _pair_card(samples: Samples, attempt: Attempt, usual: Mapping[str, float], media: Media) -> Card:
    members, why = _members(samples, attempt)
    verdicts = [text_of(verdict) for verdict in lowest_first(attempt.verdicts, usual)]
    rejected = attempt.status == "rejected"
    return Card(
        title=attempt.key,
        heading=f"{attempt.driving} → {attempt.reference}",
        tags=(f"status={attempt.status}", *([f"stopped_by={attempt.reason.split(':')[0]}"] if rejected else [])),
        tiles=tuple(_tile(members[name], name, media) if members else empty_tile(_LABELS[name], "source", why, (1, 1)) for name in _LABELS),
        warning=f"rejected: {attempt.reason}" if rejected else "",
        lines=tuple(verdicts[:LOWEST]),
        about=tuple(_about(members.get("json", b""))),
        more=(f"key {attempt.key}", *verdicts[LOWEST:]),
    )


def _members(samples: Samples, attempt: Attempt) -> tuple[dict[str, bytes], str]:
    try:
        return samples.of(attempt), ""
    except (ValueError, OSError) as error:
        return {}, str(error)


def _about(data: bytes) -> Iterator[tuple[str, str]]:
    """Prompt, crop and notes of a card of whatever age and make: what it does not tell is left out."""
    try:
        card = json.loads(data)
    except ValueError:  # also what is no UTF-8
        return
    card = card if isinstance(card, dict) else {}
    window = card["window"] if isinstance(card.get("window"), dict) else {}
    notes = {"target": window.get("notes"), "driver": card.get("driver_notes"), "reference": card.get("identity_notes")}
    told = [f"{of}: {text}" for of, text in notes.items() if isinstance(text, str) and text]
    found = {"prompt": card.get("prompt"), "crop": _crop(window), "notes": "; ".join(told)}
    yield from ((name, text) for name, text in found.items() if isinstance(text, str) and text)


def _crop(window: Mapping[str, Any]) -> str:
    crop, size, start = window.get("crop"), window.get("size"), window.get("start_s")
    whole = isinstance(crop, list) and len(crop) == 4 and isinstance(size, list) and len(size) == 2
    if not whole or not all(isinstance(value, (int, float)) for value in (*crop, *size, start)):
        return ""
    x, y, width, height = crop
    where = "the whole picture" if [x, y, width, height] == [0, 0, *size] else f"{width}×{height} px at {x}, {y} of {size[0]}×{size[1]}"
    return f"{where}, from {start:.2f} s on"


def _tile(data: bytes, name: str, media: Media) -> Tile:
    label = _LABELS[name]
    try:
        if name == "reference.png":
            return image_tile(label, "source", read_image(data).image, media)
        return video_tile(label, "system" if name == "target.mp4" else "source", read_video(data), media)
    except (ValueError, OSError) as error:
        return empty_tile(label, "source", str(error), (1, 1))
