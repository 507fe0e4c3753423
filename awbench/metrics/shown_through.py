"""How much of the driver's own picture lies over an answer: the share of a ghost or blend, 0-1, without weights.

Both clips lose their mean picture over time and everything coarser than SIGMA_PX of the working raster, so that what is left is fine
structure that comes and goes. In each cell of CELL_PX in which the driver changes (LEAST of its liveliest cell) the answer is regressed on
the driver, all frames and colours together: the coefficient. A ghost adds the same share of the driver everywhere, so that all
cells have it; an honest answer follows the driver's outlines in some cells and with either sign, and owes it nothing in the others. So
    share = the coefficient that all but QUANTILE of the cells reach, cells weighted by the driver's contrast in them
is about the ghost's strength where there is one and at most 0 where there is none: cells of one answer are each other's control.
A ghost need not lie exactly in place: the shift within REACH_PX at which the two clips agree best is tried besides none.

Not told (None) where the driver hardly changes or does so in fewer than LEAST_CELLS cells, and, without a truth, where the reference shows
the driver's own scene (ALIKE). What a truth shows of the driver is no fault. Limits: a ghost that is displaced by more, enlarged by 5 % or
painted at a quarter of the pixels passes. A twin of the driver's subject in the same place and pose has the driver's own edges and may,
without a truth, be taken for a ghost; an answer that is meant to keep the driver's scene reads as one.
"""

from __future__ import annotations

import cv2
import numpy as np

from awbench.evidence import Evidence, reduced, sampled

SIGMA_PX, CELL_PX, REACH_PX, FRAMES, FEW = 1.5, 6, 3, 32, 6
LEAST, LEAST_CELLS, LEAST_CHANGE, QUANTILE = 0.02, 8, 0.05, 0.2  # LEAST_CHANGE in squared grey levels

ALIKE = 0.28
"""From here on a reference shows the driver's scene: on the world 0.24 at most of two scenes, 1 of one with a still camera."""
THROUGH = 0.06
"""The share from which on the driver shows through: chosen on world-dev, where of honest answers no more than twins reach it."""


def undue_share(evidence: Evidence) -> float | None:
    """The share of the driver in the output beyond what the truth shows of it; None where it cannot be told."""
    return evidence.once("undue_share", lambda: _undue_share(evidence))


def _undue_share(evidence: Evidence) -> float | None:
    tried = [shown_through(*pair) for pair in _in_step(evidence)]
    share = max((one for one in tried if one is not None), default=None)
    if share is None or share < THROUGH:
        return share
    if evidence.truth is not None:
        return share - max(0.0, shown_through(evidence.truth_frames, evidence.driver_frames) or 0.0)
    return None if _alike(evidence.driver_frames, reduced(evidence.reference[None])[0]) >= ALIKE else share


def _in_step(evidence: Evidence) -> list[tuple[np.ndarray, np.ndarray]]:
    """Output and driver as they are, and where a lag was undone also as they were before: a ghost does not lag."""
    output, driver = evidence.output_frames, evidence.driver_frames
    ahead = round(evidence.lag_s * evidence.driver.fps)
    if ahead == 0 or abs(ahead) > len(driver) // 2:
        return [(output, driver)]
    before = (output[ahead:], driver[:-ahead]) if ahead > 0 else (output[:ahead], driver[-ahead:])
    return [(output, driver), before]


def _alike(driver: np.ndarray, reference: np.ndarray) -> float:
    """Correlation of the reference's fine structure with that of the driver's frame that is nearest to it."""
    look, *shown = (_sharp(picture) for picture in (reference, *driver[sampled(len(driver), FEW)]))
    return max(float((look * one).sum() / max(np.sqrt((look**2).sum() * (one**2).sum()), 1e-6)) for one in shown)


def shown_through(output: np.ndarray, driver: np.ndarray) -> float | None:
    """The share of uint8 `[T,h,w,3]` `driver` that lies over `output` of the same shape, both on the working raster; None: not told."""
    times = sampled(len(driver), FRAMES)
    answer, changes = _fine(output[times]), _fine(driver[times])
    if (changes**2).mean() < LEAST_CHANGE:
        return None
    shares = [_share(answer, np.roll(changes, shift, (1, 2))) for shift in {(0, 0), _best_shift(answer, changes)}]
    known = [share for share in shares if share is not None]
    return max(known) if known else None


def _fine(frames: np.ndarray) -> np.ndarray:
    """What comes and goes and is small, float32 `[T,h,w,3]` in grey levels."""
    moving = frames.astype(np.float32)
    moving -= moving.mean(0)
    return np.stack([_sharp(frame) for frame in moving])


def _sharp(frame: np.ndarray) -> np.ndarray:
    """What is finer than SIGMA_PX of `[h,w,3]`, float32."""
    frame = frame.astype(np.float32)
    return frame - cv2.GaussianBlur(frame, (0, 0), SIGMA_PX)


def _best_shift(answer: np.ndarray, changes: np.ndarray) -> tuple[int, int]:
    """(rows, columns) by which `changes` agree best with the answer, each at most REACH_PX."""
    product = (np.fft.rfft2(answer, axes=(1, 2)) * np.fft.rfft2(changes, axes=(1, 2)).conj()).sum((0, 3))
    agreement = np.fft.irfft2(product, s=answer.shape[1:3])
    reach = range(-REACH_PX, REACH_PX + 1)
    return max(((row, column) for row in reach for column in reach), key=lambda shift: agreement[shift])


def _share(answer: np.ndarray, changes: np.ndarray) -> float | None:
    common, own = (_cells((answer * changes).sum((0, 3))), _cells((changes**2).sum((0, 3))))
    lively = own > LEAST * own.max(initial=0.0)
    if lively.sum() < LEAST_CELLS:
        return None
    coefficients, weights = common[lively] / own[lively], np.sqrt(own[lively])
    order = np.argsort(coefficients)
    reached = np.cumsum(weights[order])
    return float(coefficients[order][np.searchsorted(reached, QUANTILE * reached[-1])])


def _cells(values: np.ndarray) -> np.ndarray:
    """Sums of `[h,w]` over whole cells, flat."""
    rows, columns = (length // CELL_PX for length in values.shape)
    return values[: rows * CELL_PX, : columns * CELL_PX].reshape(rows, CELL_PX, columns, CELL_PX).sum((1, 3)).ravel()
