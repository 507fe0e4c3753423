"""One thread per worker: items are the parallelism; thread pools below them would oversubscribe the cores and change some results."""

from __future__ import annotations

import sys

ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
"""For the environment of a process that is yet to start."""


def use_one_thread() -> None:
    """The same for libraries that are loaded already."""
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(1)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
