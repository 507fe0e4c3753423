"""A scene: one question with the answer that is known to be right, and what wrong answers are made of.

World scenes are cross-track cases of the held-out recipes, rendered with their truth. Footage has two kinds: `self`, the clip with its own
first frame as the reference, so that the clip itself is the right answer; and `cross`, a clip with somebody else's picture, where nobody
knows the right answer and `flow_warp` stands in for an honest one.

Legend: T frames, H height, W width.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from itertools import cycle, islice
from pathlib import Path

import numpy as np

from awbench.alignment import Given
from awbench.cases import Truth
from awbench.media.kinds import Kind, is_still
from awbench.media.listing import Entry, list_media
from awbench.suites.case_media import whole_truth
from awbench.suites.world import render_case
from awbench.suites.world_design import WorldCase, heldout_cases
from awbench.world.render import render
from awbench.world.shot import with_motion_of
from models.artifacts import sha256, sha256_file, to_json
from models.baselines.weightless.flow_warp import FlowWarp
from models.framing import fit_image
from models.images import MediaError, read_image
from models.seeds import item_rng
from models.types import AnimationRequest, Clip, Grid, require
from models.video import fit_clip, read_window

KINDS = ("world", "self", "cross")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scene:
    """`answer`: the right one, of a cross scene of footage `flow_warp`'s; `subject`: bool `[T,H,W]` where it stands, None if unknown.

    `wrong_identity`: somebody else's answer, under the same motion where it can be had; `wrong_driver`: another motion; `at_rate`: the
    answer at another frame rate, None where the source has no such clip.
    """

    id: str
    kind: str
    reference: np.ndarray
    driver: Clip
    answer: Clip
    truth: Truth | None
    subject: np.ndarray | None
    wrong_identity: Clip
    wrong_driver: Clip
    at_rate: Callable[[float], Clip | None]

    def __post_init__(self) -> None:
        item = f"scene {self.id}"
        require(self.kind in KINDS, item, "kind", repr(self.kind), f"one of {', '.join(KINDS)}")
        want = (len(self.answer), self.answer.size)
        for name in ("driver", "wrong_identity", "wrong_driver"):
            clip = getattr(self, name)
            require((len(clip), clip.size) == want, item, name, (len(clip), clip.size), f"{want} as the answer")

    @property
    def track(self) -> str:
        return "self" if self.kind == "self" else "cross"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Answer:
    """What a system gives to a scene. `given`: what it really answered before it was held or resampled, None: this clip; `lag_s`: how far
    the clip is ahead of its driver, as it was made."""

    clip: Clip
    given: Given | None = None
    lag_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """A scene that is made when its turn comes. `mark`: changes with what it shows; `make` is picklable."""

    id: str
    kind: str
    mark: str
    make: Callable[[], Scene]


def as_given(scene: Scene, clip: Clip) -> Answer:
    """A clip of another length or rate as an answer: brought to the scene's grid as a run does."""
    width, height = scene.answer.size
    grid = Grid(width=width, height=height, fps=scene.answer.fps, num_frames=len(scene.answer))
    return Answer(clip=fit_clip(clip, grid), given=Given(frames=len(clip), fps=clip.fps))


def frames_at(grid: Grid, fps: float) -> int:
    """How many frames at `fps` last as long as the grid does."""
    return max(2, math.ceil(grid.num_frames / grid.fps * fps - 1e-9))


def flow_warp(reference: np.ndarray, driver: Clip) -> Clip:
    request = AnimationRequest(id="scene", reference=reference, driving=driver, size=driver.size, num_frames=len(driver), seed=0)
    return FlowWarp().animate(request).clip


def world_scenes(count: int, grid: Grid, seed: int = 0) -> tuple[Source, ...]:
    """`count` cross-track cases of one character, in a seeded order; each has a stranger under its own motion and a motion of another."""
    pool = [item for item in heldout_cases() if item.case.track == "cross" and item.case.tags["mode"] == "one_to_one"]
    require(1 <= count <= len(pool), "selftest", "scenes", count, f"1 to {len(pool)}")
    order = [pool[k] for k in item_rng(seed, "selftest").permutation(len(pool))]
    return tuple(_world_source(item, _other(item, order[number + 1 :] + order[:number]), grid) for number, item in enumerate(order[:count]))


def _other(item: WorldCase, rest: list[WorldCase]) -> WorldCase:
    """The next case with another motion, framed alike, so that its stranger fills as much of the picture."""
    same = [one for one in rest if one.case.tags["framing"] == item.case.tags["framing"]]
    return next(one for one in same if one.driver.motion != item.driver.motion)


def _world_source(item: WorldCase, other: WorldCase, grid: Grid) -> Source:
    shots = [shot.to_json() for shot in (item.driver, item.reference, other.driver, other.reference)]
    return Source(id=item.case.id, kind="world", mark=sha256(to_json(shots).encode()), make=partial(_world_scene, item, other, grid))


def _world_scene(item: WorldCase, other: WorldCase, grid: Grid) -> Scene:
    raster, media = (grid.size, grid.num_frames, grid.fps), render_case(item, grid)
    return Scene(
        id=item.case.id,
        kind="world",
        reference=media.reference,
        driver=media.driving,
        answer=media.truth.clip,
        truth=media.truth,
        subject=media.truth.subject,
        wrong_identity=render(with_motion_of(other.reference, item.driver), *raster).clip,
        wrong_driver=render(other.driver, *raster).clip,
        at_rate=lambda fps: render(item.truth, grid.size, frames_at(grid, fps), fps).clip,
    )


def footage_scenes(driving: Path, grid: Grid, references: Path | None = None, most: int | None = None) -> tuple[Source, ...]:
    """A self scene of every clip, and with `references` a cross one with the next picture; at most `most` clips in order of their names."""
    clips = _media(driving, "clip", "--driving")[:most]
    pictures = [] if references is None else _media(references, "image", "--references")
    require(len(clips) >= 2, f"driving {driving}", "clips", len(clips), "2 or more", "a wrong motion is another clip's")
    require(references is None or len(pictures) >= 2, f"references {references}", "pictures", len(pictures), "2 or more")
    following = clips[1:] + clips[:1]
    scenes = [_source("self", [clip, other], partial(_self_scene, clip, other, grid)) for clip, other in zip(clips, following)]
    looks = list(islice(cycle(pictures), len(clips) + 1)) if pictures else []
    for clip, other, look, strange in zip(clips, following, looks, looks[1:]):
        scenes.append(_source("cross", [clip, other, look, strange], partial(_cross_scene, clip, other, look, strange, grid)))
    return tuple(scenes)


def _media(folder: Path, kind: Kind, flag: str) -> list[Entry]:
    listed = [entry for entry in list_media([folder], kind, flag).entries if entry.kind == kind]
    return [entry for entry in listed if kind == "image" or not is_still(entry.location)]


def _called(kind: str, *files: Entry) -> str:
    return "-".join([kind, *(file.id.rpartition(".")[0].replace("/", "-") for file in files)])


def _source(kind: str, files: list[Entry], make: Callable[[], Scene]) -> Source:
    mark = sha256("".join(sha256_file(file.location) for file in files).encode())
    named = [files[0], files[2]] if kind == "cross" else [files[0]]
    return Source(id=_called(kind, *named), kind=kind, mark=mark, make=make)


def _self_scene(file: Entry, other: Entry, grid: Grid) -> Scene:
    clip, stranger = (read_window(one.location, grid)[0] for one in (file, other))
    return Scene(
        id=_called("self", file),
        kind="self",
        reference=clip.frames[0],
        driver=clip,
        answer=clip,
        truth=whole_truth(clip),
        subject=None,
        wrong_identity=stranger,
        wrong_driver=stranger,
        at_rate=partial(_window, file, grid),
    )


def _cross_scene(file: Entry, other: Entry, look: Entry, strange: Entry, grid: Grid) -> Scene:
    driver, wrong = (read_window(one.location, grid)[0] for one in (file, other))
    reference, stranger = (fit_image(read_image(one.location).image, grid.size) for one in (look, strange))

    def at_rate(fps: float) -> Clip | None:
        found = _window(file, grid, fps)
        return None if found is None else flow_warp(reference, found)

    return Scene(
        id=_called("cross", file, look),
        kind="cross",
        reference=reference,
        driver=driver,
        answer=flow_warp(reference, driver),
        truth=None,
        subject=None,
        wrong_identity=flow_warp(stranger, driver),
        wrong_driver=wrong,
        at_rate=at_rate,
    )


def _window(file: Entry, grid: Grid, fps: float) -> Clip | None:
    try:
        return read_window(file.location, replace(grid, fps=fps, num_frames=frames_at(grid, fps)))[0]
    except MediaError:  # ends a moment too early at that rate
        return None
