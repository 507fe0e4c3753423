"""Cards of clips that play in step: what a page shows of one case or one pair.

In: a comparison (or anything that yields tiles). Out: `Card`s whose media were handed to the page's media. A clip that cannot be shown
becomes a tile with the reason; making the cards never stops at one.

Until a clip plays, in print and without scripts, a picture of it stands there. All clips of a case show one moment: that at which the
driver has moved most away from its first frame, for at the first frame most answers still equal the reference.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, Container, Mapping, Sequence

import numpy as np

from awbench.report.answers import Answer, Badge
from awbench.report.comparison import Comparison, System
from awbench.report.contenders import contenders
from awbench.report.groups import tag_text
from awbench.report.judge_notes import Said
from awbench.report.media import Media, upscale_factor
from awbench.report.metric_facts import MetricFacts
from awbench.report.standing import RANKED, UNRANKED, standings
from awbench.report.table import ordered
from awbench.report.tags import tag_choices
from models.progress import Progress
from models.types import Clip
from models.video import read_video

MOST_ACROSS = 10
MOST_LINES = 8
"""Tags shown under a title at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """One picture in a card. `kind`: video | image | none (then `reason` says why); `system`: its place among the page's systems,
    None for what is no answer; `badges`: what was done to it; `note`: the same as the run wrote it; `said`: a judge's rationales."""

    label: str
    kind: str
    role: str
    link: str = ""
    poster: str = ""
    reason: str = ""
    size: tuple[int, int] = (1, 1)
    system: int | None = None
    badges: tuple[Badge, ...] = ()
    note: str = ""
    said: tuple[Said, ...] = ()

    @property
    def pixelated(self) -> bool:
        return upscale_factor(*self.size) > 1

    @property
    def lost(self) -> str:
        """One word for a clip that is not there; `reason` is a click away."""
        return "failed" if self.reason.startswith("failed:") else "cannot be read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """A case or a pair. `tags`: texts to filter by; `lines`: facts under the title; `about`: (what, text) below the pictures; `more`: facts
    on demand; `heading`: what is read in place of the title; `warning`: why a pair was turned down.

    `moment`: the frame that stands for its clips, None where it is the first; `moved`: how far the driver is from its first frame there,
    grey levels.
    """

    title: str
    tags: tuple[str, ...]
    tiles: tuple[Tile, ...]
    text: str = ""
    lines: tuple[str, ...] = ()
    about: tuple[tuple[str, str], ...] = ()
    more: tuple[str, ...] = ()
    heading: str = ""
    warning: str = ""
    moment: int | None = None
    moved: float = 0.0

    @property
    def across(self) -> int:
        """Tiles in a row: all of them, or half where they would be too small, so that none stands alone."""
        return len(self.tiles) if len(self.tiles) <= MOST_ACROSS else (len(self.tiles) + 1) // 2

    @property
    def frame(self) -> tuple[int, int]:
        """The shape all pictures are shown in, that of its first video, so that poses can be compared."""
        return next((tile.size for kind in ("video", "image") for tile in self.tiles if tile.kind == kind), (1, 1))


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What a card says of a system's answers: by case id."""

    answers: Mapping[str, Answer]
    said: Mapping[str, Sequence[Said]]


def case_cards(comparison: Comparison, known: Mapping[str, Known], media: Media) -> list[Card]:
    """One card per case of the suite, in its order; systems in the order of their standings."""
    cards, chosen = [], tag_choices(comparison).keys()
    with Progress("report media", total=len(comparison.cases)) as bar:
        for case in comparison.suite.cases:
            cards.append(_case_card(comparison, case, known, media, chosen))
            bar.step(failed=any(tile.kind == "none" for tile in cards[-1].tiles))
    return cards


def farthest(clip: Clip) -> tuple[int, float]:
    """The frame that differs most from the first, the earliest of equals, and by how much: mean absolute difference, grey levels."""
    first = clip.frames[0].astype(np.int16)
    distances = [float(np.abs(frame - first).mean()) for frame in clip.frames]
    frame = int(np.argmax(distances))
    return frame, distances[frame]


def video_tile(label: str, role: str, clip: Clip, media: Media, moment: int = 0, **more: Any) -> Tile:
    """`moment`: the frame that stands for the clip until it plays."""
    poster = media.poster(clip.frames[min(moment, len(clip) - 1)])
    return Tile(label=label, kind="video", role=role, link=media.video(clip), poster=poster, size=clip.size, **more)


def image_tile(label: str, role: str, image: np.ndarray, media: Media) -> Tile:
    return Tile(label=label, kind="image", role=role, link=media.picture(image), size=(image.shape[1], image.shape[0]))


def empty_tile(label: str, role: str, reason: str, size: tuple[int, int], **more: Any) -> Tile:
    return Tile(label=label, kind="none", role=role, reason=reason, size=size, **more)


def disagreement(comparison: Comparison, metric: MetricFacts, case: str) -> float:
    """Largest minus smallest score on one case of the systems that may be compared, or of all but the ceiling where those are fewer
    than two; -1 where fewer than two were scored."""
    able = contenders(comparison)
    able = able if len(able) > 1 else [system for system in comparison.systems if not system.is_ceiling]
    values = [value for system in able for value in system.values(metric.name, [case]).values()]
    return max(values) - min(values) if len(values) > 1 else -1.0


def silent_systems(comparison: Comparison) -> list[str]:
    """Systems that answered no case: they have nothing to show."""
    return [system.name for system in ordered(comparison) if system.generation_failures.keys() >= set(comparison.cases)]


def answered_by_ranked(comparison: Comparison) -> list[str]:
    """The cases that all ranked systems answered, or all that only nothing can rank; those that every system with answers answered, where
    there are such."""
    silent, kinds = silent_systems(comparison), {standing.system: standing.kind for standing in standings(comparison)}
    heard = [system for system in comparison.systems if system.name not in silent]
    for asked in (heard, [system for system in heard if kinds[system.name] in (RANKED, UNRANKED)]):
        lost = {case for system in asked for case in system.generation_failures}
        whole = [case for case in comparison.cases if case not in lost] if asked else []
        if whole:
            return whole
    return []


def opening_card(cards: Sequence[Card], title: str) -> Card:
    """The card of that case, without what is not there to be seen."""
    card = next(card for card in cards if card.title == title)
    return replace(card, tiles=tuple(tile for tile in card.tiles if tile.kind != "none") or card.tiles)


def telling_case(comparison: Comparison, metric: MetricFacts | None, moved: Mapping[str, float] = {}) -> str:
    """The case to open with: all ranked systems answered it, and on `metric` the contenders differ most on it, the way their means do;
    where no metric ranks, its driver moves most. `moved`: case -> how far."""
    whole = answered_by_ranked(comparison) or list(comparison.cases)
    if metric is None:
        return max(whole, key=lambda case: moved.get(case, 0.0))
    return max(whole, key=lambda case: (_agrees(comparison, metric, case), disagreement(comparison, metric, case)))


def _agrees(comparison: Comparison, metric: MetricFacts, case: str) -> bool:
    """Whether the best and the worst contender by their means are so on this case too."""
    means = {
        s.name: metric.sign * fmean(found) for s in contenders(comparison) if (found := s.values(metric.name, comparison.cases).values())
    }
    if len(means) < 2:
        return False
    best, worst = max(means, key=means.__getitem__), min(means, key=means.__getitem__)
    ends = [comparison.system(name).values(metric.name, [case]).get(case) for name in (best, worst)]
    return None not in ends and metric.sign * (ends[0] - ends[1]) > 0


def _case_card(comparison: Comparison, case: Any, known: Mapping[str, Known], media: Media, chosen: Container[str]) -> Card:
    """`chosen`: the tags that the page is filtered by; the others are told on demand."""
    tags = tuple(tag for tag, cases in comparison.groups.items() if tag is not None and case.id in cases)
    silent = silent_systems(comparison)
    sources, moment, moved = _source_tiles(comparison, case, media)
    answers = [
        _system_tile(comparison, system, place, case.id, known[system.name], media, moment)
        for place, system in enumerate(ordered(comparison))
        if system.name not in silent
    ]
    lines = {name: tag_text(name, value) for name, value in case.tags.items()}
    short = [line for name, line in lines.items() if name in chosen][:MOST_LINES]
    return Card(
        title=case.id,
        tags=tags,
        tiles=(*sources, *answers),
        moment=moment,
        moved=moved,
        text=case.prompt,
        lines=tuple(short),
        more=tuple(line for line in lines.values() if line not in short),
    )


def _source_tiles(comparison: Comparison, case: Any, media: Media) -> tuple[Sequence[Tile], int, float]:
    """Reference, driver and truth; the moment that all clips of the case show, and how far the driver moved by then."""
    try:
        pixels = comparison.suite.load(case.id)
    except (ValueError, OSError) as error:
        return [empty_tile("reference, driver", "source", f"cannot be read: {error}", comparison.grid.size)], 0, 0.0
    moment, moved = farthest(pixels.driving)
    tiles = [image_tile("reference", "source", pixels.reference, media), video_tile("driver", "source", pixels.driving, media, moment)]
    tiles += [video_tile("truth", "truth", pixels.truth.clip, media, moment)] if pixels.truth is not None else []
    return tiles, moment, moved


def _system_tile(comparison: Comparison, system: System, place: int, case: str, known: Known, media: Media, moment: int) -> Tile:
    if case in system.generation_failures:
        return empty_tile(system.name, "system", f"failed: {system.generation_failures[case]}", comparison.grid.size, system=place)
    answer = known.answers.get(case, Answer())
    more = {"system": place, "badges": answer.badges, "note": answer.note, "said": tuple(known.said.get(case, ()))}
    try:
        return video_tile(system.name, "system", read_video(system.run.video_path(case)), media, moment, **more)
    except (ValueError, OSError) as error:
        return empty_tile(system.name, "system", f"cannot be read: {error}", comparison.grid.size, **more)
