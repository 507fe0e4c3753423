"""The steps of a pair: prepare (CPU) -> animate (teacher) -> encode, finish (CPU), each a function of what the one before returned.

    prepare   sources, guidance, target     window and identity on the grid, prompts, the encoded target     -> Prepared
    animate   teacher                       the driver's frames                                              -> Animated
    encode    driver                        the encoded driver                                               -> Encoded
    finish    record, filters               card and judgement                                               -> Attempt
What passes between them is arrays, bytes and small values, so one process may do all three, or processes of several kinds one each.
A step that raises, whatever it raises, is the pair's failure, `StepFailed`, and begins with its name. Seconds are kept of every
step so far, and what the teacher's answer cost, also where a pair fails.
"""

from __future__ import annotations

import math
import os
import socket
import sys
import time
from contextlib import redirect_stdout
from dataclasses import dataclass, field
from typing import Any, Callable, Mapping, TypeVar

import numpy as np

from bootstrap.attempt import Attempt, failed, judged
from bootstrap.card import sample_card
from bootstrap.filters import decide
from bootstrap.material import media_of, tags_of
from bootstrap.planned import PlannedPair
from bootstrap.prompts import PairPrompts, write_prompts
from bootstrap.reasons import reason_of
from bootstrap.recipe import RECORDED
from bootstrap.round_config import RoundContext
from bootstrap.synthesis import Candidate, PairMedia, answer_of, driver_of, encode_driver, encode_target
from models.guidance.guide import Guide
from models.interrupts import from_outside
from models.protocols import Animator
from models.types import AnimationResult, Clip

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Prepared:
    """What the teacher is asked, and what a sample holds without it: `members` target.mp4 and reference.png."""

    media: PairMedia
    prompts: PairPrompts
    members: Mapping[str, bytes]
    seconds: Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Animated:
    """The driver: uint8 `[T,H,W,3]` at `fps`. `notes`: how the answer was adapted; `runtime`: what the teacher ran on; `worker`: where;
    `cost_usd`: what the answer cost, as it says itself.
    """

    frames: np.ndarray
    fps: float
    notes: str
    seconds: Mapping[str, float]
    runtime: Mapping[str, Any] = field(default_factory=dict)
    worker: str = ""
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Encoded:
    """driver.mp4, and what is told of how it came about."""

    driver: bytes
    notes: str
    seconds: Mapping[str, float]
    runtime: Mapping[str, Any] = field(default_factory=dict)
    worker: str = ""
    cost_usd: float = 0.0


class StepFailed(Exception):
    """A pair's failure. `seconds`, `cost_usd`: of the steps up to it; `expected`: no sign of an ill worker (an answer that is not there
    yet).
    """

    def __init__(self, reason: str, seconds: Mapping[str, float], expected: bool = False, cost_usd: float = 0.0) -> None:
        super().__init__(reason)
        self.reason, self.seconds, self.expected, self.cost_usd = reason, dict(seconds), expected, cost_usd


class Steps:
    """Does the steps of one pair and keeps the seconds of each. `earlier`, `cost_usd`: of the steps before them, told of a failure too."""

    def __init__(self, pair: PlannedPair, earlier: Mapping[str, float] | None = None, cost_usd: float = 0.0) -> None:
        self._key, self.seconds, self.cost_usd = pair.spec.key, dict[str, float](earlier or {}), cost_usd

    def do(self, step: str, function: Callable[..., T], *args: Any, expected: bool = False, **named: Any) -> T:
        """`function(*args, **named)`. Raises StepFailed for whatever it raises, but for what ends the call from outside."""
        start = time.perf_counter()
        try:
            return function(*args, **named)
        except BaseException as error:  # one pair's trouble, whatever it is: a teacher may even call exit
            if from_outside(error):
                raise
            reason = f"{step}: {reason_of(error)}".replace(self._key, "KEY")  # one cause is one reason
            cost_usd = self.cost_usd or _usd(getattr(error, "cost_usd", None))
            raise StepFailed(reason, {**self.seconds, step: time.perf_counter() - start}, expected, cost_usd) from error
        finally:
            self.seconds[step] = round(self.seconds.get(step, 0.0) + time.perf_counter() - start, 4)


def prepare(context: RoundContext, pair: PlannedPair, guide: Guide | None) -> Prepared:
    """Read the real material, write the prompts, encode the target. Raises StepFailed."""
    steps = Steps(pair)
    media = steps.do("sources", media_of, context, pair)
    prompts = steps.do("guidance", write_prompts, guide, media.clip, media.identity, tags_of(pair))
    members = steps.do("target", encode_target, media, context.recipe.pix_fmt)
    return Prepared(media=media, prompts=prompts, members=members, seconds=steps.seconds)


def animate(context: RoundContext, pair: PlannedPair, prepared: Prepared, teacher: Animator) -> Animated:
    """Ask the teacher. What it prints goes to standard error. Raises StepFailed."""
    steps, recorded = Steps(pair, prepared.seconds), context.recipe.teacher.name == RECORDED
    asked = (pair.spec, prepared.media, teacher, context.recipe.grid, prepared.prompts)
    with redirect_stdout(sys.stderr):
        answer = steps.do("teacher", answer_of, *asked, expected=recorded)
        steps.cost_usd = steps.do("teacher", _cost_of, answer)
        driver, notes = steps.do("teacher", driver_of, answer, context.recipe.grid, adapt=recorded, expected=recorded)
        runtime = steps.do("teacher", _runtime, teacher)
    told = {"notes": notes, "runtime": runtime, "worker": this_worker(), "seconds": steps.seconds, "cost_usd": steps.cost_usd}
    return Animated(frames=driver.frames, fps=driver.fps, **told)


def encode(context: RoundContext, pair: PlannedPair, animated: Animated) -> Encoded:
    """Encode the driver; its frames are not needed any more. Raises StepFailed."""
    steps = Steps(pair, animated.seconds, animated.cost_usd)
    driver = steps.do("driver", lambda: encode_driver(Clip(frames=animated.frames, fps=animated.fps), context.recipe.pix_fmt))
    told = {name: getattr(animated, name) for name in ("notes", "runtime", "worker", "cost_usd")}
    return Encoded(driver=driver, seconds=steps.seconds, **told)


def finish(context: RoundContext, pair: PlannedPair, prepared: Prepared, encoded: Encoded) -> tuple[Attempt, Mapping[str, float]]:
    """Write the card and judge. What the teacher made is kept where its judgement fails: only that is done again.

    Returns the attempt and the seconds of all steps. Raises StepFailed.
    """
    steps, recipe = Steps(pair, encoded.seconds, encoded.cost_usd), context.recipe
    candidate = Candidate(
        spec=pair.spec,
        media=prepared.media,
        members={"driver.mp4": encoded.driver, **prepared.members},
        prompts=prepared.prompts,
        driver_notes=encoded.notes,
    )
    members = {**candidate.members, "json": steps.do("record", sample_card, recipe, pair, candidate, ())}
    try:
        result = steps.do("filters", decide, candidate, recipe.grid, recipe.thresholds, fresh=True)
    except StepFailed as failure:
        attempt = failed(context, pair, failure.reason, members)
    else:
        attempt = steps.do("record", judged, context, result, members, keep=context.keep_rejected)
    return attempt, steps.seconds


def _cost_of(answer: AnimationResult) -> float:
    return _usd(getattr(answer, "provenance", {}).get("cost_usd"))


def _usd(told: Any) -> float:
    """A price as an answer or an error tells it; 0 where it tells none."""
    return float(told) if isinstance(told, (int, float)) and 0 <= told < math.inf else 0.0


def _runtime(teacher: Animator) -> dict[str, Any]:
    runtime = getattr(teacher, "runtime", None)
    return {} if runtime is None else runtime.record()


def this_worker() -> str:
    """Host and process."""
    return f"{socket.gethostname()}:{os.getpid()}"
