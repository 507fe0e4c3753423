"""`actorforge export`: a checkpoint -> files for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def export(checkpoint: str, /, out: Path, format: Literal["diffusers", "comfyui", "both"] = "both", license: str | None = None) -> int:
    """Export a checkpoint for other programs.

    Args:
        checkpoint: Checkpoint folder, or the name of a shipped one.
        out: Folder to write; the same command again leaves it as it is.
        format: diffusers, comfyui, or both: every format the checkpoint's family has.
        license: Hugging Face's identifier of your licence, for the model card, such as apache-2.0.
    """
    from pipelines.export import export as job

    print(job(checkpoint, out=out, format=format, license_id=license))
    return 0
