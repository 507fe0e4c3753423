"""The answers of several runs as a judge needs them: whether a case has one, its hash, and its frames, decoded once for many questions."""

from __future__ import annotations

import threading
from functools import cached_property
from typing import Sequence

import numpy as np

from awbench.alignment import shown
from awbench.answered import failure_of, given_of
from awbench.judging.questions import Shown
from awbench.runs import Run
from models.artifacts import sha256_file
from models.images import MediaError
from models.types import Clip, require
from models.video import read_video


class Outputs:
    """`runs` by their place. Several threads may share it; one answer of each run, the last used, stays decoded."""

    def __init__(self, runs: Sequence[Run]) -> None:
        self.runs = tuple(runs)
        self._kept: dict[int, tuple[str, Shown]] = {}
        self._decoding = [threading.Lock() for _ in self.runs]

    @cached_property
    def _hashes(self) -> dict[tuple[int, str], str]:
        found = {}
        for place, run in enumerate(self.runs):
            failed = set(generation_failures(run))
            paths = {case.id: run.video_path(case.id) for case in run.suite.cases if case.id not in failed}
            found |= {(place, case_id): sha256_file(path) for case_id, path in paths.items() if path.is_file()}
        return found

    def hash_of(self, place: int, case_id: str) -> str:
        """sha256 of the video of a case, "" where there is none."""
        return self._hashes.get((place, case_id), "")

    def shown(self, place: int, case_id: str) -> Shown:
        """The decoded answer and its case. Raises ValueError with the reason."""
        with self._decoding[place]:  # threads that want the same wait for the one decoding
            kept = self._kept.get(place)
            if kept is None or kept[0] != case_id:
                kept = self._kept[place] = (case_id, load(self.runs[place], case_id))
            return kept[1]

    def same_case(self, places: Sequence[int], case_id: str) -> list[Shown]:
        """The answers of several runs. Raises ValueError where they answer different questions under one name."""
        found = [self.shown(place, case_id) for place in places]
        for place, other in zip(places[1:], found[1:]):
            same = np.array_equal(found[0].reference, other.reference) and np.array_equal(found[0].driver.frames, other.driver.frames)
            item = f"run {self.runs[place].path} case {case_id}"
            require(same, item, "media", "another driver or reference", f"those of {self.runs[places[0]].path}", "judge runs of one suite")
        return found


def load(run: Run, case_id: str) -> Shown:
    """Decode an answer and its case. Raises ValueError with the reason."""
    try:
        answer = read_video(run.video_path(case_id))
    except (MediaError, OSError) as error:
        raise ValueError(f"output unreadable: {error}") from error
    media = run.suite.load(case_id)
    own, ahead = _timing(run, case_id, answer)
    return Shown(answer=answer, driver=media.driving, reference=media.reference, own=own, ahead=ahead)


def _timing(run: Run, case_id: str, answer: Clip) -> tuple[tuple[int, ...], int]:
    """Frames the system gave for their moment, and the declared offset in frames. Runs of old do not say what was given: all of it."""
    rows = run.generation()
    row = next(iter(rows[rows["case"] == case_id].to_dict("records")), {})
    given = given_of(row, run.suite.grid, run.config.get("offset_s"))
    own = shown(len(answer), answer.fps, given)
    return tuple(int(place) for place in own), round(float(given.offset_s or 0.0) * answer.fps)


def generation_failures(run: Run) -> dict[str, str]:
    """Case -> why it has no answer, in the words of score rows."""
    made = {row["case"]: row for row in run.generation().to_dict("records")}
    rows = {case.id: made.get(case.id, {}) for case in run.suite.cases}
    return {name: why for name, row in rows.items() if (why := failure_of(row))}
