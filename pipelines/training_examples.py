"""What `train --data` points at -> training examples, by index: the pairs of a dataset, or clips with driver = target.

Both may lie anywhere `models.storage` reaches; shards are read by ranges, clips by windows, and nothing is copied.
"""

from __future__ import annotations

from typing import Any, Mapping, Sequence

from models.artifacts import sha256
from models.shards import is_dataset, stop
from models.storage import resolve
from models.training.config import TrainConfig
from models.types import TrainingExample, require
from pipelines.recipes import CHUNK_SPARE


def dataset_grid(data: str) -> Mapping[str, Any]:
    """The grid a dataset was made on, {} where its record names none."""
    from bootstrap.shards.record import run_record

    return run_record(data).get("config", {}).get("grid", {})


def origin_of(data: str) -> tuple[tuple[str, ...], dict[str, str]]:
    """The metrics that filtered the examples, and what made them: a dataset's run.json knows both."""
    if not is_dataset(resolve(data)):
        return (), {"kind": "clips"}
    from bootstrap.shards.record import run_record

    run = run_record(data)
    return tuple(run["filter_metrics"]), {"kind": "pairs", "teacher": run["teacher"]["weights_hash"] or run["teacher"]["name"]}


def training_examples(data: str, config: TrainConfig, on_damage: str = "stop") -> Sequence[TrainingExample]:
    """The data as a sequence that reads one example at a time, prompts written where the recipe asks for them.

    `on_damage` skip: shards of a dataset that are found damaged on opening are left out and told; stop: DamagedShard is raised.
    """
    examples = _pairs(data, on_damage) if is_dataset(resolve(data)) else _clips(data, config)
    if config.guide == "none":
        return examples
    from bootstrap.prompted import prompted
    from models.guidance.catalog import load_guide

    return prompted(examples, load_guide(config.guide))


def _pairs(data: str, on_damage: str) -> Sequence[TrainingExample]:
    from bootstrap.shards.examples import ShardExamples

    pairs = ShardExamples(data, on_damage=stop if on_damage == "stop" else lambda error: print(f"train: left out {error}"))
    advice = "its manifest.parquet says why each pair was turned down"
    require(len(pairs) > 0, "train", "--data examples", f"0 in {data}", "a dataset with a pair that was kept", advice)
    return pairs


def _clips(data: str, config: TrainConfig) -> Sequence[TrainingExample]:
    from bootstrap.clip_examples import ClipExamples, SkippedClips

    skipped = SkippedClips()
    chunk = round(CHUNK_SPARE * config.grid.num_frames) if config.other_moment_share else config.grid.num_frames
    examples = ClipExamples(data, config.grid, chunk, skipped)
    for line in skipped.notes:
        print(f"train: {line}")
    for name, reason in sorted(skipped.reasons.items()):
        print(f"train: left out {name}: {reason}")
    wanted = f"a video of at least {chunk / config.grid.fps:.2f} s ({chunk} frames at {config.grid.fps:g} fps)"
    advice = "lower --num-frames, or give longer clips" if skipped.reasons else "give a folder of clips"
    require(len(examples) > 0, "train", "--data examples", f"0 in {data}", wanted, advice)
    return examples


def digest(examples: Sequence[TrainingExample]) -> str:
    """What tells one set of examples from another, by their ids."""
    ids = getattr(examples, "ids", range(len(examples)))
    return sha256("\n".join(map(str, ids)).encode())[:16]
