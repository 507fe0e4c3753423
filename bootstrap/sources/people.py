"""How many people a pose estimator finds in a clip, PEOPLE_PER_S times a second.

In: a location, and the estimator as one writes it (`models.pose.catalog`); out: `PeopleFacts`. Workers look, as for everything else: what
they are asked for is `asked_of(estimator)` in place of "clip", and `remembered_as` is what the catalog keeps the answer under: the
estimator's name without its folder, and the hash of its weights, so that another one, or another version, looks again.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Iterator

import numpy as np

from bootstrap.sources.facts import PEOPLE_PER_S, PeopleFacts
from models.pose.catalog import POSE_ESTIMATORS, load_pose_estimator
from models.pose.draw import MIN_CONFIDENCE
from models.protocols import PoseEstimator
from models.storage import name_of
from models.types import Clip, Origin
from models.video import small_frames_of

MIN_JOINTS = 4
"""With fewer joints above MIN_CONFIDENCE nobody is counted: a hand at the edge is no subject."""
_LONG_SIDE_PX, _TOGETHER, _MOST = 640, 32, 255
_ASKED = "people by "


def asked_of(estimator: str) -> str:
    """What a worker is asked for. Folders are told whole: a worker may run in another one."""
    name, colon, argument = estimator.partition(":")
    if name in POSE_ESTIMATORS.table():
        return f"{_ASKED}{name}{colon}{Path(argument).expanduser().absolute() if argument else ''}"
    return f"{_ASKED}{Path(estimator).expanduser().absolute()}"


def asked_estimator(kind: str) -> str | None:
    """The estimator that `asked_of` was told, None where something else is asked for."""
    return kind.removeprefix(_ASKED) if kind.startswith(_ASKED) else None


def remembered_as(estimator: str) -> str:
    """Under what the catalog keeps what it counts. Raises ValueError where there is no such estimator."""
    loaded = _loaded(estimator)
    return f"{_ASKED}{loaded.name.partition(':')[0]} {loaded.weights_hash}"


def people_in(location: str, source: str | bytes, estimator: str) -> PeopleFacts:
    """Count in all of a clip. Raises MediaError, OSError, and whatever the estimator does."""
    film, counts, asked = small_frames_of(source, _LONG_SIDE_PX), bytearray(), _loaded(estimator)
    kept: list[np.ndarray] = []

    def count() -> None:
        origin = Origin(file=name_of(location), start_s=len(counts) / PEOPLE_PER_S, crop=(0, 0, *film.size), source_size=film.size)
        track = asked.estimate(Clip(frames=np.stack(kept), fps=float(PEOPLE_PER_S), origin=origin))
        there = (track.confidence >= MIN_CONFIDENCE).sum(2) >= MIN_JOINTS
        counts.extend(np.minimum(there.sum(1), _MOST).astype(np.uint8).tobytes())
        kept.clear()

    for image in _sampled(film):
        kept.append(image)
        if len(kept) == _TOGETHER:
            count()
    if kept:
        count()
    return PeopleFacts(people=bytes(counts))


def _sampled(film: Iterator) -> Iterator[np.ndarray]:
    """The picture as it stands at every 1/PEOPLE_PER_S s."""
    shown, shown_s, taken = None, 0.0, 0
    for frame in film:
        while shown is not None and taken / PEOPLE_PER_S < frame.time_s - 1e-6:
            taken += 1
            yield shown
        shown, shown_s = frame.image, frame.time_s
    if shown is not None and taken / PEOPLE_PER_S <= shown_s + 1e-6:
        yield shown


@cache
def _loaded(estimator: str) -> PoseEstimator:
    return load_pose_estimator(estimator)
