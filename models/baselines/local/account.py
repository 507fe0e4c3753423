"""What a local pipeline's result says of how it was painted: steps, segments and their seams, runtime, and the note of its row."""

from __future__ import annotations

from typing import Any, Sequence

import numpy as np

from models.runtime import Runtime
from models.seams import seams


def account(
    frames: np.ndarray, starts: Sequence[int], notes: Sequence[str], *, steps: int, length: int, runtime: Runtime, **more: Any
) -> dict[str, Any]:
    """The provenance of `frames` `[T,H,W,3]`, painted in segments that begin at `starts`; empty notes are left out.

    `length`: frames of the longest segment, with those that were given to it or thrown away.
    """
    ratios = seams(frames, starts)
    said = [note for note in notes if note]
    said += [f"{len(starts)} segments" + "".join(f", seam ratio {ratio}" for ratio in ratios.values())] if len(starts) > 1 else []
    painted = f"{frames.shape[2]}x{frames.shape[1]}x{length}"
    facts = {"steps": steps, "painted": painted, "segments": len(starts), "runtime": runtime.record()} | more
    return facts | ratios | ({"note": ", ".join(said)} if said else {})
