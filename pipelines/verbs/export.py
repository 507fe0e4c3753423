"""`actorforge export`: a checkpoint or a dataset -> files for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Literal


def export(
    source: str,
    /,
    out: Path,
    to: Literal["musubi", "diffsynth", "videox-fun"] | None = None,
    format: Literal["diffusers", "comfyui", "both"] | None = None,
    license: str | None = None,
) -> int:
    """Export a checkpoint or a dataset for other programs.

    Args:
        source: Checkpoint folder, or the name of a shipped one; or a finished dataset.
        out: Folder to write; the same command again leaves it as it is.
        to: Of a dataset: the trainer that reads it: musubi (musubi-tuner), diffsynth (DiffSynth-Studio), videox-fun (VideoX-Fun).
        format: Of a checkpoint: diffusers, comfyui or both; default both, every format its family has.
        license: Of a checkpoint: Hugging Face's identifier of your licence, for the model card, such as apache-2.0.
    """
    from models import storage
    from models.shards import is_dataset

    if to is not None:
        if format or license:
            raise ValueError(f"--{'format' if format else 'license'}: got it beside --to, expected none: it is of checkpoints")
        from pipelines.export_dataset import export_dataset

        print(export_dataset(source, to=to, out=out))
        return 0
    if is_dataset(storage.resolve(source)):
        raise ValueError(f"--to: got none for the dataset {source}, expected musubi, diffsynth or videox-fun")
    from pipelines.export import export as job

    print(job(source, out=out, format=format or "both", license_id=license))
    return 0
