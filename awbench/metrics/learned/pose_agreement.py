"""pose_agreement, 0-1: the answer's keypoints move as the driver's do, whatever body they belong to; learned, by a pose estimator.

A body is 11 bones in the picture: upper and lower arms and legs, trunk, shoulders, head. Every bone is a vector in units of its own
length (95th percentile over the clip), so neither place nor size nor proportions of a body count; its direction and its foreshortening
do. Between a driver and an answer, bone by bone and frame by frame, with D(a, b) = 2 <a, b> / (|a|^2 + |b|^2), 1 for equals, 0 for
right angles, for uncorrelated motion and for none:
    posture       D of the bones themselves, what lies below 0 per bone counted as 0
    articulation  D of what the bones do about their mean over the clip, the same way, with a floor for what is only noise
    path          D of the body's way across the picture about its mean, in units of the body
    score = (posture x articulation^2)^(1/3) x (1 + path)/2, the mean over the reference's subjects, each with the driver's it follows
A wrong way costs half at most, since a camera that follows the body makes it vanish; a wrong articulation costs everything.
Rotation is not taken out: an answer upside down or mirrored is wrong. A still has no articulation; a wrong motion shares some by chance.
A bone the driver shows and the answer loses counts 0, unless the reference does not show it either (the estimator may know no such
body): then the bone is left out, and with fewer than 4 bones, each in half of the frames, the case is unscored and the share told.
The limb directions are those of pose-comparison practice (Chen & Yang, "Pose trainer", 2018); D is the concordance of Dice (1945).

Legend: T frames, N people, J joints, B = 11 bones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from awbench.evidence import Evidence
from awbench.metrics.learned.keypoints import keypoints_of, reference_keypoints
from awbench.metrics.learned.metric import LearnedMetric
from awbench.metrics.learned.models import LearnedModels
from awbench.metrics.metric import Unscored
from models.types import PoseTrack, require

LIMBS = (((5,), (7,)), ((7,), (9,)), ((6,), (8,)), ((8,), (10,)), ((11,), (13,)), ((13,), (15,)), ((12,), (14,)), ((14,), (16,)))
TRUNK = (((11, 12), (5, 6)), ((6,), (5,)), ((5, 6), (0,)))
BONES = LIMBS + TRUNK
"""(from, to), each the mean of joints of coco17, with which every skeleton begins."""

MIN_CONFIDENCE, MIN_BONES, MIN_FRAMES = 0.3, 4, 0.5
NOISE = 0.05
"""Movement of a bone, in its own lengths, and of a body, in trunk lengths, that an estimator adds by itself (root mean square)."""
SMOOTHING_S = 0.05
"""Shorter than any gesture, long enough to take out half of an estimator's jitter at 25 frames a second."""
_MIN_LENGTH_PX, _BODY_JOINTS = 1.0, 17
_WANTED = f"expected {MIN_BONES} bones in half of the frames"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Body:
    """One subject over time. `bones` float64 `[T,B,2]` in lengths of each bone, `seen` bool `[T,B]`; `way` `[T,2]` in units of the body,
    `tracked` bool `[T]`."""

    bones: np.ndarray
    seen: np.ndarray
    way: np.ndarray
    tracked: np.ndarray

    @property
    def steady(self) -> np.ndarray:
        """bool `[B]`: bones seen often enough to speak of their motion."""
        return self.seen.mean(0) >= MIN_FRAMES


def bodies(track: PoseTrack) -> list[Body]:
    """The subjects of a track that show any bone in any frame."""
    everyone = (_body(track.points[:, k].astype(np.float64), track.confidence[:, k], track.fps) for k in range(track.points.shape[1]))
    return [body for body in everyone if body.seen.any()]


def _body(points: np.ndarray, confidence: np.ndarray, fps: float) -> Body:
    """points `[T,J,2]` px, confidence `[T,J]`."""
    ends = [(points[:, list(a)].mean(1), points[:, list(b)].mean(1)) for a, b in BONES]
    vectors = np.stack([b - a for a, b in ends], 1)
    seen = np.stack([confidence[:, [*a, *b]].min(1) >= MIN_CONFIDENCE for a, b in BONES], 1)
    lengths = _usual(np.linalg.norm(vectors, axis=-1), seen)
    trunk, shoulders = len(LIMBS), len(LIMBS) + 1
    steady = seen[:, trunk].mean() >= MIN_FRAMES
    joints = (5, 6, 11, 12) if steady else (5, 6)
    unit = lengths[trunk] if steady else 1.3 * lengths[shoulders]  # a trunk is about 1.3 shoulder widths long
    seen, tracked = seen & (lengths >= _MIN_LENGTH_PX), confidence[:, joints].min(1) >= MIN_CONFIDENCE
    way = points[:, joints].mean(1) / max(unit, _MIN_LENGTH_PX)
    return Body(
        bones=_smoothed(vectors / np.maximum(lengths, _MIN_LENGTH_PX)[:, None], seen, fps),
        seen=seen,
        way=_smoothed(way[:, None], tracked[:, None], fps)[:, 0],
        tracked=tracked,
    )


def _smoothed(vectors: np.ndarray, seen: np.ndarray, fps: float) -> np.ndarray:
    """The mean over time by a Gaussian of `SMOOTHING_S`, over the frames that show each; `[T,B,2]`, `[T,B]`."""
    times_s = np.arange(len(seen)) / fps
    weights = np.exp(-(((times_s[:, None] - times_s) / SMOOTHING_S) ** 2) / 2)
    sums = np.tensordot(weights, np.where(seen[..., None], vectors, 0), 1)
    return sums / np.maximum(weights @ seen, 1e-9)[..., None]


def _usual(lengths: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """95th percentile over the frames in which a bone is seen; `[T,B]` -> `[B]`, 0 where it never is."""
    return np.array([np.percentile(lengths[seen[:, b], b], 95) if seen[:, b].any() else 0.0 for b in range(lengths.shape[1])])


def posture(driver: Body, answer: Body, expected: np.ndarray) -> float:
    """Agreement of the bones as they stand, 0-1; `expected` bool `[T,B]`: bone-frames that count."""
    shared = expected & answer.seen
    products, energies = _sums(driver.bones, answer.bones, shared, expected)
    return float(np.maximum(products, 0).sum() / max(energies.sum(), 1e-9))


def articulation(driver: Body, answer: Body, expected: np.ndarray) -> float:
    """Agreement of what the bones do about their mean over the clip, 0-1."""
    shared = expected & answer.seen
    moves = [_about_mean(body.bones, body.seen & expected) for body in (driver, answer)]
    return _concordance(*moves, shared, expected)


def path(driver: Body, answer: Body, tracked: np.ndarray) -> float:
    """Agreement of the ways across the picture about their means, 0-1; 1 where neither can be told. `tracked` bool `[T]`."""
    expected = tracked[:, None]
    moves = [_about_mean(body.way[:, None], body.tracked[:, None] & expected) for body in (driver, answer)]
    return _concordance(*moves, expected & answer.tracked[:, None], expected)


def _about_mean(vectors: np.ndarray, seen: np.ndarray) -> np.ndarray:
    counts = np.maximum(seen.sum(0), 1)[:, None]
    return np.where(seen[..., None], vectors - np.where(seen[..., None], vectors, 0).sum(0) / counts, 0)


def _sums(a: np.ndarray, b: np.ndarray, shared: np.ndarray, expected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """2 <a, b> and |a|^2 + |b|^2 per bone `[B]`; where b has lost a bone it counts with the energy of a and no agreement."""
    lost = expected & ~shared
    own = (a**2).sum(-1)
    energies = np.where(shared, own + (b**2).sum(-1), 0) + np.where(lost, 2 * own, 0)
    return np.where(shared, 2 * (a * b).sum(-1), 0).sum(0), energies.sum(0)


def _concordance(a: np.ndarray, b: np.ndarray, shared: np.ndarray, expected: np.ndarray) -> float:
    """D of movements `[T,B,2]`, with a floor: two that hardly move agree, one that rests while the other moves does not."""
    products, energies = _sums(a, b, shared, expected)
    floor = 2 * NOISE**2 * max(float(expected.sum()), 1.0)
    own, other = ((x**2).sum(-1)[expected].sum() for x in (a, b))
    alike = (2 * np.sqrt(own * other) + floor) / (own + other + floor)
    return float((np.maximum(products, 0).sum() + floor * alike) / (energies.sum() + floor))


def agreement(driver: PoseTrack, answer: PoseTrack, reference: PoseTrack | None) -> float | Unscored:
    """The score of keypoints `[T,N,J]` of driver and answer, frame by frame; `reference`: of that picture, T = 1, None if unknown."""
    require(len(driver) == len(answer), "pose_agreement", "frames", len(answer), f"{len(driver)} as the driver")
    actors = [body for body in bodies(driver) if body.steady.sum() >= MIN_BONES]
    if not actors:
        return Unscored(reason=f"too few confident keypoints of the driver: {_share(driver)}, {_WANTED}")
    subjects = [body.seen[0] for body in bodies(reference)] if reference is not None else []
    shown = np.any(subjects, 0) if subjects else np.full(len(BONES), reference is None)
    scores = np.array([[_score(actor, body, shown) for body in bodies(answer)] for actor in actors])
    matched = _matched(scores.reshape(len(actors), -1), sum(seen.sum() >= MIN_BONES for seen in subjects))
    if not matched:
        return Unscored(reason=f"too few confident keypoints of the answer: {_share(answer)}, {_WANTED}; the reference shows no more")
    return float(np.mean(matched))


def _share(track: PoseTrack) -> str:
    sure = track.confidence[..., :_BODY_JOINTS] >= MIN_CONFIDENCE
    return f"{100 * (sure.mean() if sure.size else 0):.0f} %"


def _matched(scores: np.ndarray, subjects: int) -> list[float]:
    """One score per subject of the reference; `scores` `[drivers, answers]`, NaN where two can't be compared.

    The best pair first, each driver and each answer once; answers left over follow whom they follow best. A subject without an answer
    has 0; where the reference shows none, only what was paired counts.
    """
    left, paired = scores.copy(), []
    while np.isfinite(left).any():
        actor, body = np.unravel_index(np.nanargmax(left), left.shape)
        paired.append(float(left[actor, body]))
        left[actor], left[:, body], scores[:, body] = np.nan, np.nan, np.nan
    rest = sorted((float(np.nanmax(column)) for column in scores.T if np.isfinite(column).any()), reverse=True)
    if not subjects:
        return paired
    return (paired + rest + [0.0] * subjects)[:subjects]


def _score(actor: Body, body: Body, shown: np.ndarray) -> float:
    comparable = actor.steady & (body.steady | shown)
    if comparable.sum() < MIN_BONES:
        return np.nan
    expected = actor.seen & comparable & (body.seen | shown)
    form = (posture(actor, body, expected) * articulation(actor, body, expected) ** 2) ** (1 / 3)
    return float(form * (1 + path(actor, body, actor.tracked)) / 2)


def pose_agreement(evidence: Evidence, models: LearnedModels) -> float | Unscored:
    driver, answer = (keypoints_of(clip, models.estimator) for clip in (evidence.driver, evidence.output))
    return agreement(driver, answer, reference_keypoints(evidence.reference, models.estimator))


METRIC = LearnedMetric(
    name="pose_agreement",
    version="1",
    dimension="motion",
    low=0,
    high=1,
    needs="estimator",
    score_with=pose_agreement,
    sees="wrong, still, mirrored, reversed, shuffled or weak motion, lost limbs and subjects, a body upside down",
    blind="hands and faces, looks, anything on bodies that the estimator does not know",
)
