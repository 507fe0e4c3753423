"""Does the driver move when the source moves, as the source moves, and forwards in time?

moving, 0-1: the share of steps at which the source moves and the driver does too; a clip moves where it changes by more than HELD of what
its liveliest tenth of steps does. Steps at which the source holds do not count, so footage of few frames a second asks for no more
than it shows; a still, frozen or stuttering driver is short of it.

motion_agreement, 0-1: the likeness of motion signatures (which directions move how much at every step, camera out). It is the measure
in the referee's motion_fidelity, without its factor for amplitude: another body's limbs are longer or shorter, which is no fault.

forward, 0-1: signatures compared with the source's and with those of the source run backwards: (1 + likeness - likeness backwards) / 2.
Above 0.5 the driver is more like the source as it was filmed. A motion that looks the same backwards stays near 0.5.
"""

from __future__ import annotations

import numpy as np

from awbench.metrics.metric import Unscored
from awbench.metrics.motion_smoothness import changes
from awbench.motion_signature import BINS, likeness
from bootstrap.filters.evidence import PairEvidence
from bootstrap.filters.filter import Filter

_NO_MOTION = "nothing moves in the source but the camera"
HELD, LEAST_CHANGE = 0.1, 0.25  # LEAST_CHANGE in grey levels: what coding does to a held frame


def moving(evidence: PairEvidence) -> float | Unscored:
    wanted, given = _moves(changes(evidence.source_frames)), _moves(changes(evidence.driver_frames))
    return float(given[wanted].mean()) if wanted.any() else Unscored(reason="the source does not move")


def _moves(steps: np.ndarray) -> np.ndarray:
    """At which of the changes `[T-1]` a clip moves."""
    return steps > max(LEAST_CHANGE, HELD * float(np.quantile(steps, 0.9))) if len(steps) else np.zeros(0, bool)


def motion_agreement(evidence: PairEvidence) -> float | Unscored:
    given, wanted = evidence.as_answer.output_signature, evidence.as_answer.driver_signature
    return likeness(given, wanted) if wanted.any() else Unscored(reason=_NO_MOTION)


def forward(evidence: PairEvidence) -> float | Unscored:
    given, wanted = evidence.as_answer.output_signature, evidence.as_answer.driver_signature
    if not wanted.any():
        return Unscored(reason=_NO_MOTION)
    return (1 + likeness(given, wanted) - likeness(given, backwards(wanted))) / 2


def backwards(signature: np.ndarray) -> np.ndarray:
    """The signature `[S, cells * BINS]` of the same clip run backwards: steps in the other order, directions turned round."""
    cells = signature.reshape(len(signature), -1, BINS)
    return np.roll(cells, BINS // 2, axis=-1)[::-1].reshape(signature.shape)


MOVING = Filter(name="moving", function=moving, lacking="of the source's moving steps: static, frozen or stuttering")
MOTION_AGREEMENT = Filter(name="motion_agreement", function=motion_agreement, lacking="with the source's motion", metric="motion_fidelity")
FORWARD = Filter(name="forward", function=forward, lacking="of the way to the source's own direction in time: its motion runs otherwise")
