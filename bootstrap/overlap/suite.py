"""A suite's drivers and references as facts that can be compared with those of other footage.

Footage that was cut at another moment has its prints between ours: drivers are looked at PHASES times, each a part of a step later.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, field, replace
from itertools import takewhile
from pathlib import Path

import numpy as np

from awbench.cases import Suite
from awbench.suites.case_media import FolderSource
from bootstrap.reasons import reason_of
from bootstrap.sources.facts import PRINTS_PER_S, Facts, Unread
from bootstrap.sources.inspection import facts_of_clip, facts_of_image, inspect
from models.images import MediaError
from models.progress import Progress
from models.types import Clip
from models.video import small_frames_of

PHASES = 4
"""Prints of a clip are taken twice a second: this often as densely they are compared."""
_PARTS = ("driver", "reference")


@dataclass(slots=True, kw_only=True)
class SuiteFacts:
    """Facts of a suite's media by name, once for every phase of the moments at which they are compared; `users`: the cases of each."""

    phases: list[dict[str, Facts]] = field(default_factory=lambda: [{} for _ in range(PHASES)])
    users: dict[str, list[str]] = field(default_factory=dict)
    unread: list[str] = field(default_factory=list)


def suite_facts(suite: Suite) -> SuiteFacts:
    """Facts of every driver and reference, each once."""
    mine = SuiteFacts()
    with Progress("validate: reading the suite", total=len(suite.cases)) as bar:
        for case in suite.cases:
            before = len(mine.unread)
            driver, reference = (f"{part} {text or case.id}" for part, text in zip(_PARTS, _media_names(suite, case.id)))
            try:
                _look(suite, case.id, driver, reference, mine)
            except (ValueError, OSError) as error:
                mine.unread.append(f"case {case.id}: {reason_of(error)}")
            for name in (driver, reference):
                mine.users.setdefault(name, []).append(case.id)
            bar.step(failed=len(mine.unread) > before)
    return mine


def _look(suite: Suite, case_id: str, driver: str, reference: str, mine: SuiteFacts) -> None:
    """Add the facts of a case's media, where they are new; of a suite in a folder those of its files, else of what is rendered."""
    new = {driver, reference} - set(mine.phases[0])
    if isinstance(suite.source, FolderSource):
        files, folder = suite.source.files[case_id], suite.source.folder
        if files.problem:
            raise MediaError(files.problem)
        look = {driver: (str(folder / files.driver), "clip"), reference: (str(folder / files.reference), "image")}
        made = {name: inspect(*look[name]) for name in new}
        span_s = suite.grid.num_frames / suite.grid.fps
        shown = _window(folder / files.driver, files.driver_start_s, span_s) if driver in new else None
    elif new:
        media = suite.load(case_id)
        made, shown = {driver: facts_of_clip(media.driving), reference: facts_of_image(media.reference)}, media.driving
    for name in sorted(new):
        mine.phases[0][name] = made[name]
        mine.unread += [f"{name}: {made[name].reason}"] if isinstance(made[name], Unread) else []
    if driver in new and shown is not None:
        for later, facts in zip(mine.phases[1:], _later(shown)):
            later[driver] = facts


def _media_names(suite: Suite, case_id: str) -> tuple[str, str]:
    if isinstance(suite.source, FolderSource):
        files = suite.source.files[case_id]
        return files.driver + f" from {files.driver_start_s:g} s on" * (files.driver_start_s > 0), files.reference
    case = suite.case(case_id)
    return case.driver_id, case.identity_id


def _window(file: Path, start_s: float, span_s: float) -> Clip | None:
    """The part of a driver that its cases show, as a whole picture, small; None where it cannot be read, which its facts tell."""
    try:
        with closing(small_frames_of(str(file), start_s=start_s)) as film:
            begun = takewhile(lambda frame: frame.time_s <= start_s + span_s, film)
            frames = [frame.image for frame in begun if frame.time_s >= start_s]
            return Clip(frames=np.stack(frames), fps=film.fps) if frames else None
    except (ValueError, OSError):
        return None


def _later(clip: Clip) -> list[Facts]:
    """Facts of the clip from 1, 2, ... parts of a step between two prints on: footage cut at another moment has its prints there."""
    shifts = [round(phase * clip.fps / (PRINTS_PER_S * PHASES)) for phase in range(1, PHASES)]
    return [facts_of_clip(replace(clip, frames=clip.frames[shift:])) for shift in shifts if shift < len(clip)]
