"""The seams: what an animator and a pose estimator must offer. Implementations do not inherit."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from models.types import AnimationRequest, AnimationResult, Clip, PoseTrack


@runtime_checkable
class Animator(Protocol):
    """Turns a request into a clip of exactly the requested size and number of frames."""

    name: str

    def animate(self, request: AnimationRequest) -> AnimationResult: ...


@runtime_checkable
class PoseEstimator(Protocol):
    """Finds people. A frame without one has confidence 0 everywhere; it never raises for an empty picture."""

    def estimate(self, clip: Clip) -> PoseTrack: ...
