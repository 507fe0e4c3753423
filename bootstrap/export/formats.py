"""What each trainer reads: where the three clips of a pair go, and the table that names them.

    musubi       videos/KEY.mp4 + KEY.txt, control/KEY.mp4        dataset.toml   (musubi-tuner, docs/dataset_config.md: control videos)
    diffsynth    video/, control_video/, reference_image/          metadata.csv   (DiffSynth-Studio, UnifiedDataset)
    videox-fun   train/KEY.mp4, control/KEY.mp4                    metadata.json  (VideoX-Fun, ImageVideoControlDataset)
In all of them the target is what is learned, the driver is the control, and the reference is the target's first frame. Read in November
2026.
"""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from typing import Callable, Mapping, Sequence

from models.types import Grid

TARGET, DRIVER, REFERENCE, CARD = "target.mp4", "driver.mp4", "reference.png", "json"
_MISSING = {"", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA", "NULL", "NaN"}
_MISSING |= {"None", "n/a", "nan", "null"}
"""Texts that pandas reads from a csv as no text at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """What a table says of a pair."""

    key: str
    prompt: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Format:
    """`places`: member -> where it goes, with {key}; `caption`: where the prompt goes as a file, "" where a table holds it.

    `table`: name of the file and what makes its text of the samples; `use`: how the trainer is told, as lines of the README.
    """

    name: str
    trainer: str
    places: Mapping[str, str]
    caption: str
    table: str
    text: Callable[[Sequence[Sample], Grid], str]
    use: Callable[[Grid], Sequence[str]]

    def files(self, key: str) -> dict[str, str]:
        """Member -> its file, below the folder."""
        return {member: place.format(key=key) for member, place in self.places.items()}


def _toml(samples: Sequence[Sample], grid: Grid) -> str:
    lines = ["[general]", f"resolution = [{grid.width}, {grid.height}]", 'caption_extension = ".txt"', "batch_size = 1"]
    lines += ["enable_bucket = true", "bucket_no_upscale = false", "", "[[datasets]]", 'video_directory = "videos"']
    lines += ['control_directory = "control"', 'cache_directory = "cache"', f"target_frames = [{_four_and_one(grid)}]"]
    return "\n".join([*lines, 'frame_extraction = "head"', ""])


def _csv(samples: Sequence[Sample], grid: Grid) -> str:
    sink = io.StringIO()
    writer = csv.writer(sink, lineterminator="\n")
    writer.writerow(("video", "prompt", "control_video", "reference_image"))
    for one in samples:
        prompt = " ".join(one.prompt.split())
        files = DIFFSYNTH.files(one.key)
        writer.writerow((files[TARGET], f"{prompt} " if prompt in _MISSING else prompt, files[DRIVER], files[REFERENCE]))
    return sink.getvalue()


def _json(samples: Sequence[Sample], grid: Grid) -> str:
    rows = [
        {"file_path": files[TARGET], "control_file_path": files[DRIVER], "text": one.prompt, "type": "video"}
        for one in samples
        if (files := VIDEOX_FUN.files(one.key))
    ]
    return json.dumps(rows, indent=1, ensure_ascii=False) + "\n"


def _four_and_one(grid: Grid) -> int:
    return (grid.num_frames - 1) // 4 * 4 + 1


def _cut(grid: Grid) -> list[str]:
    """What these trainers do with a length that is not 4k+1."""
    kept = _four_and_one(grid)
    return [f"Clips have {grid.num_frames} frames; a length of 4k+1 is trained, so the last {grid.num_frames - kept} are not."] * (
        kept != grid.num_frames
    )


def _use_musubi(grid: Grid) -> list[str]:
    lines = ["Paths in `dataset.toml` are relative to the folder the scripts are started in: start them here.", "", "```"]
    lines += ["python MUSUBI/src/musubi_tuner/wan_cache_latents.py --dataset_config dataset.toml ...", "```", ""]
    rate = f"No `source_fps` is given: all frames are trained as they are, at {grid.fps:g} fps."
    return [*lines, rate, "The reference is the first frame of each video, which image-to-video training takes by itself.", *_cut(grid)]


def _use_diffsynth(grid: Grid) -> list[str]:
    lines = [
        "```",
        "accelerate launch examples/wanvideo/model_training/train.py \\",
        "  --dataset_base_path . --dataset_metadata_path metadata.csv \\",
    ]
    lines += ['  --data_file_keys "video,control_video,reference_image" --extra_inputs "control_video,reference_image" \\']
    lines += [f"  --height {grid.height} --width {grid.width} --num_frames {_four_and_one(grid)} ...", "```", "", *_cut(grid)]
    return [*lines, "A pair without a prompt has a blank, which pandas would otherwise read as no text."]


def _use_videox(grid: Grid) -> list[str]:
    lines = ["```", "accelerate launch scripts/wan2.1_fun/train_control.py \\", "  --train_data_dir . --train_data_meta metadata.json \\"]
    lines += ['  --train_mode "control_ref" --control_ref_image "first_frame" \\']
    lines += [f"  --video_sample_stride 1 --video_sample_n_frames {_four_and_one(grid)} ...", "```", ""]
    lines += [
        "With `first_frame` the trainer takes the reference from the video itself; `reference/` is there for what reads it.",
        *_cut(grid),
    ]
    return [
        *lines,
        "Its loader leaves out the first and last tenth of a clip by default (`video_length_drop_start`, `_end`), of both alike.",
    ]


MUSUBI = Format(
    name="musubi",
    trainer="musubi-tuner",
    places={TARGET: "videos/{key}.mp4", DRIVER: "control/{key}.mp4", REFERENCE: "reference/{key}.png"},
    caption="videos/{key}.txt",
    table="dataset.toml",
    text=_toml,
    use=_use_musubi,
)
DIFFSYNTH = Format(
    name="diffsynth",
    trainer="DiffSynth-Studio",
    places={TARGET: "video/{key}.mp4", DRIVER: "control_video/{key}.mp4", REFERENCE: "reference_image/{key}.png"},
    caption="",
    table="metadata.csv",
    text=_csv,
    use=_use_diffsynth,
)
VIDEOX_FUN = Format(
    name="videox-fun",
    trainer="VideoX-Fun",
    places={TARGET: "train/{key}.mp4", DRIVER: "control/{key}.mp4", REFERENCE: "reference/{key}.png"},
    caption="",
    table="metadata.json",
    text=_json,
    use=_use_videox,
)
FORMATS = {each.name: each for each in (MUSUBI, DIFFSYNTH, VIDEOX_FUN)}
