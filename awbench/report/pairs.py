"""The training pairs of a dataset as cards: (driver, reference, target) playing in step.

In: a `DatasetReport`. Out: cards for an even sample of the kept pairs, and of the rejected ones that were kept aside. Members are read
from the shards by name and decoded as png or mp4 only; one that cannot be read becomes a tile with the reason.
"""

from __future__ import annotations

import re
import tarfile
from collections import Counter
from pathlib import Path
from typing import Any, Sequence

import numpy as np

from awbench.report.dataset import Attempt, DatasetReport, Verdict
from awbench.report.gallery import Card, Tile, empty_tile, image_tile, video_tile
from awbench.report.media import Media
from awbench.report.tags import Choice
from models.images import read_image
from models.progress import Progress
from models.types import require
from models.video import read_video

MEMBERS = {"driver": "driver.mp4", "reference": "reference.png", "target": "target.mp4"}
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
        cards = []
        for attempt in chosen:
            cards.append(_pair_card(report.folder, attempt, media))
            bar.step(failed=any(tile.kind == "none" for tile in cards[-1].tiles))
    return cards


def kept_aside(report: DatasetReport) -> list[Attempt]:
    """The rejected pairs whose candidates can be looked at."""
    return [attempt for attempt in report.with_status("rejected") if attempt.shard]


def card_choices(cards: Sequence[Card]) -> dict[str, list[Choice]]:
    """What cards can be filtered by: kept or not, and what turned them down. Nothing where all are kept."""
    counts: dict[str, Counter[str]] = {}
    for tag in (tag for card in cards for tag in card.tags):
        name, _, value = tag.partition("=")
        counts.setdefault(name, Counter())[value] += 1
    offered = {name: found for name, found in counts.items() if name in ("status", "stopped_by") and counts["status"].keys() != {"kept"}}
    return {name: [Choice(tag=f"{name}={value}", value=value, count=n) for value, n in found.items()] for name, found in offered.items()}


def clock_of(report: DatasetReport) -> dict[str, float]:
    """Frames and frame rate of the first pair that can be read; the players of a dataset share one grid."""
    for attempt in [*report.with_status("kept"), *kept_aside(report)]:
        try:
            clip = read_video(read_member(report.folder, attempt, "target"))
            return {"frames": len(clip), "fps": clip.fps}
        except (ValueError, OSError):
            continue  # its own card says why
    return {"frames": 1, "fps": 1.0}


def read_member(folder: Path, attempt: Attempt, role: str) -> bytes:
    """The bytes of one member of a pair that has a sample. Raises ValueError naming shard and key."""
    shard, item = folder / attempt.shard, f"shard {attempt.shard} key {attempt.key}"
    inside = _SHARD.fullmatch(attempt.shard) and ".." not in attempt.shard.split("/")
    require(bool(inside), item, "shard", repr(attempt.shard), "a file name, below rejected/ perhaps")
    try:
        with tarfile.open(shard) as tar:
            info = tar.getmember(f"{attempt.key}.{MEMBERS[role]}")
            require(
                info.isfile() and info.size <= _MAX_MEMBER_BYTES,
                item,
                role,
                f"{info.size} bytes",
                f"a file of at most {_MAX_MEMBER_BYTES} bytes",
            )
            return tar.extractfile(info).read()
    except (tarfile.TarError, KeyError, OSError) as error:
        raise ValueError(f"{item}: {role}: cannot be read ({error})") from error


def _pair_card(folder: Path, attempt: Attempt, media: Media) -> Card:
    return Card(
        title=attempt.key,
        tags=(f"status={attempt.status}", *([f"stopped_by={attempt.reason.split(':')[0]}"] if attempt.status == "rejected" else [])),
        tiles=tuple(_tile(folder, attempt, role, media) for role in MEMBERS),
        text=f"motion of {attempt.driving} · identity {attempt.reference}",
        lines=(*([f"rejected: {attempt.reason}"] if attempt.status == "rejected" else []), *map(_verdict_text, attempt.verdicts)),
    )


def _tile(folder: Path, attempt: Attempt, role: str, media: Media) -> Tile:
    label = {"driver": "driver (synthetic)", "reference": "reference", "target": "target (real)"}[role]
    try:
        data = read_member(folder, attempt, role)
        if role == "reference":
            return image_tile(label, "source", read_image(data).image, media)
        return video_tile(label, "system" if role == "target" else "source", read_video(data), media)
    except (ValueError, OSError) as error:
        return empty_tile(label, "source", str(error), (1, 1))


def _verdict_text(verdict: Verdict) -> str:
    if verdict.value is None:
        return f"{verdict.check}: {'passed' if verdict.passed else verdict.reason or 'not passed'}"
    limit = "" if verdict.threshold is None else f" (threshold {verdict.threshold:.3g})"
    return f"{verdict.check} {verdict.value:.3g}{limit}"
