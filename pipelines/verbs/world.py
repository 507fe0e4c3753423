"""`actorforge world`: a folder of clips from the procedural world."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pipelines.verbs.flags import from_zero, names


def world(
    out: Path, clips: int, size: int = 64, split: Literal["train", "heldout"] = "train", subjects: str | None = None, seed: int = 0
) -> int:
    """Render a folder of clips.

    Args:
        out: Folder to write.
        clips: How many clips.
        size: Side of the square picture, px.
        split: Splits share no identity, texture, background or motion.
        subjects: Comma-separated kinds of subject; default: all of the split.
        seed: Seed of the folder.
    """
    from awbench.world.export import write_clip_folder
    from awbench.world.shot import NOVEL_SUBJECTS, SUBJECTS

    from_zero("--seed", seed)
    chosen = names(subjects) or tuple(name for name in SUBJECTS if name not in NOVEL_SUBJECTS)
    write_clip_folder(out, split=split, subjects=chosen, clips=clips, size=size, seed=seed)
    print(f"{clips} clips in {out}")
    return 0
