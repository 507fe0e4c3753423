"""`actorforge demo`: the whole loop on the embedded default."""

from __future__ import annotations

from pathlib import Path


def demo(out: Path = Path("demo")) -> int:
    """The main job on the embedded default.

    Args:
        out: Folder for everything the demo makes.
    """
    from pipelines.demo import demo as run_demo

    print(run_demo(out))
    return 0
