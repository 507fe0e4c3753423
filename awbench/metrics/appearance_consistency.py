"""appearance_consistency, 0-1: how far the look went from the driver's to the reference's, a skill score.

    score = clip((s(output) - s(driver)) / (1 - s(driver)), 0, 1),     s(clip) = min(1, r(clip) / LEVEL)
r compares a clip with the reference: per frame the Bhattacharyya coefficient of Lab colour histograms (smoothed, so a
little lighting is free), averaged over regions; over frames half the mean and half the worst tenth, so that a slow
drift of identity counts. Histograms forget the pose, regions keep the subject apart from the scene.
LEVEL is what a change of pose alone costs: r(truth) less LEVEL_FREE where the truth exists, else TYPICAL_LEVEL. An output as near to the
reference as the truth is gets exactly 1: copying the reference's pixels earns no more.

Regions: with truth the subject and the scene, the subject looked for where it should be (the truth's mask) and where it
was (the reference's), whichever fits better. Without truth: whole frame and its four quarters; subject and scene
are then judged together and a large change of framing may cost a little. Unscored on the self track, where the
driver already has the look, and where driver and reference look too much alike for the ratio to mean anything.
"""

from __future__ import annotations

import cv2
import numpy as np

from awbench.evidence import Evidence
from awbench.metrics.metric import Metric, Unscored

TYPICAL_LEVEL, LEVEL_FREE, LEAST_GAP = 0.9, 0.05, 0.15
_RASTER_PX, _BINS, _WEIGHTS = 64, (8, 12, 12), (2 / 3, 1 / 3)  # weights of subject and scene


def _small(frame: np.ndarray) -> np.ndarray:
    scale = min(1.0, _RASTER_PX / min(frame.shape[:2]))
    return cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else frame


def _bins(frame: np.ndarray) -> np.ndarray:
    """Flat histogram bin of every pixel of uint8 `[H,W,3]`: L over 0-100, a and b over -60..60."""
    lab = cv2.cvtColor(frame.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
    unit = (lab - np.float32([0, -60, -60])) / np.float32([100, 120, 120])
    return np.ravel_multi_index(tuple(np.clip((unit * _BINS).astype(int), 0, np.array(_BINS) - 1).transpose(2, 0, 1)), _BINS)


def _histogram(bins: np.ndarray, region: np.ndarray) -> np.ndarray:
    counts = np.bincount(bins[region], minlength=int(np.prod(_BINS))).reshape(_BINS).astype(np.float32)
    for axis in range(3):
        padded = np.pad(counts, [(1, 1) if i == axis else (0, 0) for i in range(3)], mode="edge")
        before, after = np.take(padded, range(_BINS[axis]), axis), np.take(padded, range(2, _BINS[axis] + 2), axis)
        counts = 0.5 * counts + 0.25 * (before + after)
    return counts / max(counts.sum(), 1e-9)


def _alike(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.sqrt(first * second).sum())


def _quarters(shape: tuple[int, int]) -> list[np.ndarray]:
    y, x = np.indices(shape)
    low, left = y >= shape[0] // 2, x >= shape[1] // 2
    return [(low == a) & (left == b) for a in (False, True) for b in (False, True)]


def _mixed(per_frame: list[float]) -> float:
    worst = np.sort(per_frame)[: max(1, round(0.1 * len(per_frame)))]
    return float(0.5 * np.mean(per_frame) + 0.5 * worst.mean())


def likeness(frames: np.ndarray, reference: np.ndarray) -> float:
    """r without masks: uint8 `[T,H,W,3]` against uint8 `[H,W,3]`, 0-1, half whole frame and half its quarters."""
    wanted = _bins(_small(reference))
    regions = [(np.ones(wanted.shape, bool), 0.5)] + [(quarter, 0.125) for quarter in _quarters(wanted.shape)]
    targets = [_histogram(wanted, region) for region, _ in regions]
    shown = [_bins(_small(frame)) for frame in frames]
    return _mixed([sum(w * _alike(_histogram(b, m), h) for (m, w), h in zip(regions, targets)) for b in shown])


def masked_likeness(frames: np.ndarray, reference: np.ndarray, subject: np.ndarray, reference_subject: np.ndarray) -> float:
    """r with masks (bool `[T,H,W]` and `[H,W]`): two thirds subject and one third scene, at the better of the two places."""
    wanted = _bins(_small(reference))
    home = _fit(reference_subject, wanted.shape)
    targets = [_histogram(wanted, region) for region in _parts(home)]
    per_frame = []
    for frame, mask in zip(frames, subject):
        bins = _bins(_small(frame))
        per_frame.append(max(_weighted(bins, _parts(place), targets) for place in (_fit(mask, wanted.shape), home)))
    return _mixed(per_frame)


def _weighted(bins: np.ndarray, parts: tuple[np.ndarray, np.ndarray], targets: list[np.ndarray]) -> float:
    return sum(weight * _alike(_histogram(bins, part), target) for weight, part, target in zip(_WEIGHTS, parts, targets))


def _fit(mask: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    return cv2.resize(mask.astype(np.uint8), shape[::-1], interpolation=cv2.INTER_NEAREST).astype(bool)


def _parts(mask: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Subject and scene; where either is empty both mean the whole picture."""
    whole = np.ones_like(mask)
    return (mask, ~mask) if mask.any() and not mask.all() else (whole, whole)


def skill(output: float, driver: float, level: float) -> float | Unscored:
    """The skill score from three likenesses r; `level` is what counts as fully alike."""
    s_output, s_driver = min(1.0, output / level), min(1.0, driver / level)
    if 1 - s_driver < LEAST_GAP:
        return Unscored(reason=f"driver and reference look alike (1 - s = {1 - s_driver:.2f} < {LEAST_GAP})")
    return float(np.clip((s_output - s_driver) / (1 - s_driver), 0, 1))


def appearance_consistency(evidence: Evidence) -> float | Unscored:
    if evidence.track == "self":
        return Unscored(reason="self track: the driver already has the reference's look")
    output, driver, reference, truth = evidence.output.frames, evidence.driver.frames, evidence.reference, evidence.truth
    if truth is None:
        return skill(likeness(output, reference), likeness(driver, reference), TYPICAL_LEVEL)
    r_output, r_driver, level = (
        masked_likeness(frames, reference, truth.subject, truth.reference_subject) for frames in (output, driver, truth.clip.frames)
    )
    return skill(r_output, r_driver, level * (1 - LEVEL_FREE))


METRIC = Metric(name="appearance_consistency", version="1", dimension="appearance", low=0, high=1, function=appearance_consistency)
