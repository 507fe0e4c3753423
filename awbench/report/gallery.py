"""Cards of clips that play in step: what a page shows of one case or one pair.

In: a comparison (or anything that yields tiles). Out: `Card`s whose media were copied into the page's folder. A clip that
cannot be shown becomes a tile with the reason; making the cards never stops at one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping, Sequence

import numpy as np

from awbench.report.comparison import Comparison, System
from awbench.report.formats import number
from awbench.report.groups import tag_text
from awbench.report.media import MediaFolder, upscale_factor
from awbench.report.metric_facts import MetricFacts
from awbench.report.table import is_ceiling
from models.progress import Progress
from models.types import Clip
from models.video import read_video


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One picture in a card. `kind`: video | image | none (then `reason` says why); `notes`: metric -> short text."""

    label: str
    kind: str
    role: str
    link: str = ""
    reason: str = ""
    size: tuple[int, int] = (1, 1)
    notes: Mapping[str, str] | None = None

    @property
    def pixelated(self) -> bool:
        return upscale_factor(*self.size) > 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A case or a pair. `tags`: texts to filter by; `order`: sort name -> number; `lines`: facts under the title."""

    title: str
    tags: tuple[str, ...]
    tiles: tuple[Tile, ...]
    text: str = ""
    order: Mapping[str, float] | None = None
    lines: tuple[str, ...] = ()


def case_cards(comparison: Comparison, media: MediaFolder) -> list[Card]:
    """One card per case of the suite, in its order."""
    cards = []
    with Progress("report media", total=len(comparison.cases)) as bar:
        for case in comparison.suite.cases:
            cards.append(_case_card(comparison, case, media))
            bar.step(failed=any(tile.kind == "none" for tile in cards[-1].tiles))
    return cards


def video_tile(label: str, role: str, clip: Clip, media: MediaFolder, notes: Mapping[str, str] | None = None) -> Tile:
    return Tile(label=label, kind="video", role=role, link=media.video(clip), size=clip.size, notes=notes)


def image_tile(label: str, role: str, image: np.ndarray, media: MediaFolder) -> Tile:
    return Tile(label=label, kind="image", role=role, link=media.picture(image), size=(image.shape[1], image.shape[0]))


def empty_tile(label: str, role: str, reason: str, size: tuple[int, int], notes: Mapping[str, str] | None = None) -> Tile:
    return Tile(label=label, kind="none", role=role, reason=reason, size=size, notes=notes)


def disagreement(comparison: Comparison, metric: MetricFacts, case: str) -> float:
    """Largest minus smallest score of the ranked systems on one case; -1 where fewer than two were scored."""
    ranked = [system for system in comparison.systems if not is_ceiling(system)]
    values = [value for system in ranked for value in system.values(metric.name, [case]).values()]
    return max(values) - min(values) if len(values) > 1 else -1.0


def _case_card(comparison: Comparison, case: Any, media: MediaFolder) -> Card:
    tags = tuple(tag for tag, cases in comparison.groups.items() if tag is not None and case.id in cases)
    return Card(
        title=case.id,
        tags=tags,
        tiles=(
            *_source_tiles(comparison, case, media),
            *(_system_tile(comparison, system, case.id, media) for system in comparison.systems),
        ),
        text=case.prompt,
        order={metric.name: disagreement(comparison, metric, case.id) for metric in comparison.metrics},
        lines=tuple(tag_text(name, value) for name, value in case.tags.items()),
    )


def _source_tiles(comparison: Comparison, case: Any, media: MediaFolder) -> Sequence[Tile]:
    try:
        pixels = comparison.suite.load(case.id)
    except (ValueError, OSError) as error:
        return [empty_tile("reference, driver", "source", f"cannot be read: {error}", comparison.grid.size)]
    tiles = [image_tile("reference", "source", pixels.reference, media), video_tile("driver", "source", pixels.driving, media)]
    return tiles + ([video_tile("truth", "truth", pixels.truth.clip, media)] if pixels.truth is not None else [])


def _system_tile(comparison: Comparison, system: System, case: str, media: MediaFolder) -> Tile:
    notes = {metric.name: _note(system, metric.name, case) for metric in comparison.metrics}
    if case in system.generation_failures:
        return empty_tile(system.name, "system", f"failed: {system.generation_failures[case]}", comparison.grid.size)
    try:
        return video_tile(system.name, "system", read_video(system.run.video_path(case)), media, notes)
    except (ValueError, OSError) as error:
        return empty_tile(system.name, "system", f"cannot be read: {error}", comparison.grid.size, notes)


def _note(system: System, metric: str, case: str) -> str:
    cell = system.cells.get(metric, {}).get(case)
    if cell is None:
        return "not scored"
    return number(cell.value) if cell.status == "ok" else f"{cell.status}: {cell.reason}"
