"""Which frame of an answer belongs to which moment of its driver: held frames left out, a lag found and undone.

In: the evidence on the suite's grid and what was really given (how many frames, at what rate). Out: an evidence cut to the frames
that can be compared, with `lag_s` and `completeness`.

Frames: a shorter answer holds its last frame on the grid, a slower one repeats frames, a faster one skips some. Held and repeated ones are
left out, and where the rates differ by more than a tenth, all that do not show their own moment within a quarter of a grid step: another
rate costs no motion. Below LEAST_FPS (or the grid's own rate, where that is lower) a slower answer is a slideshow: moments it does not
show count as missing.
Lag: every shift k within MAX_LAG_S that leaves half of the frames, judged by two witnesses. Motion: the likeness of motion signatures of
answer and driver, and with a truth the mean with the likeness to the truth's signature that keeps places; the best k counts where its
likeness is at least LEAST and exceeds that of no shift by GAIN + SHORT / steps (a few steps are easily alike by chance). Pixels, with a
truth only: the difference to the truth where the truth moves; the k of the least counts at once where it halves the difference, as it
does for a right answer, else only where motion says the same. Positive: the answer is early, it shows what the driver does lag_s
later, as a system does that cuts the beginning off. Limits: a periodic motion fits at every period, the shortest wins; of answers that are
far from right about half of the lags are found: declare an offset that is known.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from awbench.evidence import Evidence, channel_mean, reduced
from awbench.motion_signature import likeness, own_motion, signature_of
from models.optical_flow import flow_sequence
from models.types import require
from models.video import nearest_frames

MAX_LAG_S, LEAST, GAIN, SHORT, HALVED = 1.2, 0.5, 0.15, 0.5, 0.5
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
    off = np.abs(source * fps / given.fps - np.arange(num_frames))  # in grid steps
    most, best = 0.5 if NEAR <= given.fps / fps <= 1 / NEAR else 0.25, {}
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
    gain = GAIN + SHORT / min(answer, source)
    return best if scores[best] >= LEAST and scores[best] - scores.get(0, 0.0) >= gain else 0


def _overlap(answer: int, source: int, k: int) -> int:
    return min(answer - max(0, -k), source - max(0, k))


def _shifted_likeness(pairs: list[tuple[np.ndarray, np.ndarray]], k: int) -> float:
    found = []
    for answer, source in pairs:
        length = _overlap(len(answer), len(source), k)
        found.append(likeness(answer[max(0, -k) :][:length], source[max(0, k) :][:length]))
    return float(np.mean(found))


def pixel_lag(answer: np.ndarray, truth: np.ndarray, most: int) -> tuple[int, float]:
    """The shift in frames at which uint8 `[n,h,w,3]` differs least from the truth's `[T,h,w,3]`, and that difference over the one
    without a shift. Pixels count by how much the truth changes there over time."""
    answer, truth = (_tiny(frames) for frames in (answer, truth))
    moving = channel_mean(np.abs(truth - truth.mean(0))) + 1e-3
    least, found = max(3, (min(len(answer), len(truth)) + 1) // 2), {}
    for k in range(-most, most + 1):
        length = _overlap(len(answer), len(truth), k)
        if length >= least:
            at = slice(max(0, k), max(0, k) + length)
            difference = channel_mean(np.abs(answer[max(0, -k) :][:length] - truth[at]))
            found[k] = float((difference * moving[at]).sum() / moving[at].sum())
    if 0 not in found or found[0] == 0:
        return 0, 1.0
    best = min(found, key=lambda k: (round(found[k], 6), abs(k), -k))
    return best, found[best] / found[0]


def _tiny(frames: np.ndarray) -> np.ndarray:
    return reduced(frames, 48).astype(np.float32)


def found_lag(evidence: Evidence, given: Given) -> int:
    """The lag of an answer in grid frames; of a slower one on the frames it shows, where those are evenly spaced."""
    total, fps = len(evidence.driver), evidence.driver.fps
    last, own = reached(total, fps, given), shown(total, fps, given)
    slower = given.fps < NEAR * fps
    gaps = set(np.diff(own).tolist()) if slower else {1}
    if len(gaps) != 1 or min(len(own), last) < 4:
        return 0
    step = gaps.pop()
    most = int(MAX_LAG_S * fps / step + 1e-9)
    answer = evidence.output_frames[own] if slower else evidence.output_frames[:last]
    witnesses = _signatures(evidence, answer, step)
    if not witnesses[0][0].any():
        return 0  # what never moves is neither early nor late
    by_motion = best_lag(witnesses, most)
    if evidence.truth is None:
        return by_motion * step
    by_pixels, left = pixel_lag(answer, evidence.truth_frames[::step], most)
    return by_pixels * step if left <= HALVED or by_pixels == by_motion else 0


def _signatures(evidence: Evidence, answer: np.ndarray, step: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Of the answer's frames and of every `step`-th frame of driver and truth; what the evidence knows already is not done again."""
    known = step == 1
    own = evidence.output_motion[: len(answer) - 1] if known else own_motion(flow_sequence(answer))
    driver = evidence.driver_signature if known else signature_of(own_motion(flow_sequence(evidence.driver_frames[::step])))
    pairs = [(evidence.output_signature[: len(own)] if known else signature_of(own), driver)]
    if evidence.truth is not None:
        truth = evidence.truth_motion if known else own_motion(flow_sequence(evidence.truth_frames[::step]))
        pairs.append((signature_of(own, PLACES), signature_of(truth, PLACES)))
    return pairs


def aligned(evidence: Evidence, given: Given) -> Evidence:
    """The evidence cut to comparable frames. Raises ValueError where fewer than two are left of an answer that should have more."""
    total, fps = len(evidence.driver), evidence.driver.fps
    lag = found_lag(evidence, given) if given.offset_s is None else round(given.offset_s * fps)
    frames = [frame for frame in shown(total, fps, given) if 0 <= frame + lag < total]
    least = min(2, total)
    require(len(frames) >= least, f"case {evidence.case_id}", "comparable frames", len(frames), f">= {least}", "the answer is too short")
    covered = sum(0 <= frame + lag < total for frame in range(reached(total, fps, given))) / total * density(fps, given)
    source = [frame + lag for frame in frames]
    told = {"lag_s": 0.0 if given.offset_s is not None else lag / fps, "completeness": covered}
    return evidence.cut([int(frame) for frame in frames], [int(frame) for frame in source], **told)
