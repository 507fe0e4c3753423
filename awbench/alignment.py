"""Which frame of an answer belongs to which moment of its driver: held frames left out, a lag found and undone.

In: the evidence on the suite's grid and what was really given (how many frames, at what rate). Out: an evidence cut to the frames
that can be compared, with `lag_s` and `completeness`.

Frames: a shorter answer holds its last frame on the grid, a slower one repeats frames. Held and repeated ones are left out, and where the
rates differ by more than a tenth, all that do not show their own moment within a quarter of a grid step: another rate costs no motion.
Below LEAST_FPS (or the grid's own rate, where that is lower) a slower answer is a slideshow: moments it does not show count as missing.
Lag: for every shift k within MAX_LAG_S (at least half of the frames must overlap) the likeness of motion signatures of answer and
driver, and with a truth the mean with the likeness to the truth's signature that keeps places. The best shift counts where its
likeness is at least LEAST and exceeds that of no shift by GAIN; else the lag is 0. Positive: the answer is early, it shows what the
driver does lag_s later, as a system does that cuts the beginning off. Limit: a periodic motion fits at every period; the shortest wins.
Measured on world cases with the truth withheld: right answers without a lag get one in 1 of 24, shifts by 1-3 frames of 16 are found
in 6 of 10 right answers, 9 of 10 `flow_warp` ones; with truth all of the right answers.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from awbench.evidence import Evidence
from awbench.motion_signature import likeness, signature
from models.types import require
from models.video import nearest_frames

MAX_LAG_S, LEAST, GAIN = 1.2, 0.5, 0.15
NEAR, LEAST_FPS = 0.9, 8.0
PLACES = 4
"""Cells a side of the signature that is compared with the truth's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """What a system really answered: `frames` at `fps`; `offset_s`: the moment of the driver its first frame was declared to show."""

    frames: int
    fps: float
    offset_s: float | None = None

    def __post_init__(self) -> None:
        require(self.frames >= 1, "answer", "frames", self.frames, ">= 1")
        require(self.fps > 0, "answer", "fps", self.fps, "> 0")


def shown(num_frames: int, fps: float, given: Given) -> np.ndarray:
    """Grid frames that show their own moment of the answer: int `[n]`, rising; held and repeated ones are left out."""
    source = nearest_frames(num_frames, fps, given.fps)
    off = np.abs(source - np.arange(num_frames) * given.fps / fps) * fps / given.fps  # in grid steps
    if given.fps >= fps * (1 - 1e-6):
        return np.flatnonzero(source <= given.frames - 1)
    most, best = 0.5 if given.fps >= NEAR * fps else 0.25, {}
    for frame in np.flatnonzero((source <= given.frames - 1) & (off <= most + 1e-9)):
        known = best.get(int(source[frame]))
        if known is None or off[frame] < off[known]:
            best[int(source[frame])] = int(frame)
    return np.array(sorted(best.values()), int)


def reached(num_frames: int, fps: float, given: Given) -> int:
    """How many grid frames the answer reaches before it holds its last one."""
    return int((nearest_frames(num_frames, fps, given.fps) <= given.frames - 1).sum())


def density(fps: float, given: Given) -> float:
    """The share of moments that an answer shows where it shows any, 0-1: 1 from LEAST_FPS, or the grid's rate, on."""
    return min(1.0, given.fps / min(fps, LEAST_FPS))


def answered(num_frames: int, fps: float, given: Given) -> float:
    """The share of the driver's frames that the answer has something of its own to show for, a declared offset counted, 0-1."""
    lag = 0 if given.offset_s is None else round(given.offset_s * fps)
    shown_of_driver = sum(0 <= frame + lag < num_frames for frame in range(reached(num_frames, fps, given)))
    return shown_of_driver / num_frames * density(fps, given)


def best_lag(pairs: list[tuple[np.ndarray, np.ndarray]], most: int) -> int:
    """The shift in frames, within +-`most`, of signatures `[S, ...]` of an answer against those of its sources."""
    answer, source = len(pairs[0][0]), len(pairs[0][1])
    least = max(2, (min(answer, source) + 1) // 2)
    scores = {k: _shifted_likeness(pairs, k) for k in range(-most, most + 1) if _overlap(answer, source, k) >= least}
    if not scores:
        return 0
    best = max(scores, key=lambda k: (round(scores[k], 6), -abs(k), k))
    return best if scores[best] >= LEAST and scores[best] - scores.get(0, 0.0) >= GAIN else 0


def _overlap(answer: int, source: int, k: int) -> int:
    return min(answer - max(0, -k), source - max(0, k))


def _shifted_likeness(pairs: list[tuple[np.ndarray, np.ndarray]], k: int) -> float:
    found = []
    for answer, source in pairs:
        length = _overlap(len(answer), len(source), k)
        found.append(likeness(answer[max(0, -k) :][:length], source[max(0, k) :][:length]))
    return float(np.mean(found))


def aligned(evidence: Evidence, given: Given) -> Evidence:
    """The evidence cut to comparable frames. Raises ValueError where fewer than two are left of an answer that should have more."""
    total, fps = len(evidence.driver), evidence.driver.fps
    last = reached(total, fps, given)
    if given.offset_s is not None:
        lag = round(given.offset_s * fps)
    else:
        lag = best_lag(_signatures(evidence, last), int(MAX_LAG_S * fps + 1e-9))
    frames = [frame for frame in shown(total, fps, given) if 0 <= frame + lag < total]
    least = min(2, total)
    require(len(frames) >= least, f"case {evidence.case_id}", "comparable frames", len(frames), f">= {least}", "the answer is too short")
    covered = sum(0 <= frame + lag < total for frame in range(last)) / total * density(fps, given)
    source = [frame + lag for frame in frames]
    told = {"lag_s": 0.0 if given.offset_s is not None else lag / fps, "completeness": covered}
    return evidence.cut([int(frame) for frame in frames], [int(frame) for frame in source], **told)


def _signatures(evidence: Evidence, last: int) -> list[tuple[np.ndarray, np.ndarray]]:
    steps = max(0, last - 1)
    if steps < 3:
        return [(np.zeros((0, 1)), np.zeros((0, 1)))]
    pairs = [(evidence.output_signature[:steps], evidence.driver_signature)]
    if evidence.truth is not None:
        pairs.append((signature(evidence.output_flow[:steps], PLACES), signature(evidence.truth_flow, PLACES)))
    return pairs
