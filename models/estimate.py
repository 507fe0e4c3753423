"""What a request will take, told before it is made."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """One request, without its pictures: `size` (W,H) px, `num_frames` at `fps`."""

    size: tuple[int, int]
    num_frames: int
    fps: float

    @property
    def duration_s(self) -> float:
        return self.num_frames / self.fps


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """`tokens`: positions of latent patches, those of all windows together; `passes`: how often the network goes over each of them (steps x
    branches of guidance, not x windows), so that tokens x passes is the work; None: not known.

    `usd`: price of a hosted answer. `basis`: where the figures come from, e.g. "price list of 2026-11, stated by --set usd_per_s=0.05".
    """

    tokens: int | None = None
    passes: int | None = None
    seconds: float | None = None
    usd: float | None = None
    basis: str = ""
