"""Batches from any sequence of examples, read as they are needed: memory does not grow with their number.

The batch of a step is a function of (seed, step) alone: a permutation of the examples an epoch, a window, a change. So a run killed
anywhere sees, when it goes on, what it would have seen. An example that cannot be used is passed over for the next of the epoch and noted;
one that is damaged on its storage too, or it ends the run, as asked: it can be mended, and then the run goes on as if nothing had been.

Legend: B batch, T frames of a window.
"""

from __future__ import annotations

import os
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Iterator, Literal, Sequence

import numpy as np

from models.animators.motion import MotionSignal
from models.framing import fit_image
from models.seeds import item_rng
from models.shards import DamagedShard
from models.training.augment import SampleChange
from models.training.config import TrainConfig
from models.training.pose_cache import PoseCache
from models.training.sampler import Order
from models.types import TrainingExample, require

_MOST_SKIPPED = 100
_PLENTY_BYTES = 8 << 30


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """uint8 pictures: `reference` `[B,H,W,3]`, `target` `[B,T,H,W,3]` whose first frame it is, `driver` `[B,T,H,W,3]` or None; `prompts`.

    `tail_frames`: how many frames after the reference the model is given. `skipped`: ids of examples that could not be used, and why.
    """

    reference: np.ndarray
    target: np.ndarray
    driver: np.ndarray | None
    prompts: tuple[str, ...]
    tail_frames: int
    skipped: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Sample:
    target: np.ndarray
    driver: np.ndarray | None
    prompt: str


@dataclass(frozen=True, kw_only=True)
class Batches:
    """The batches of a run. `poses`: where estimates are kept; None estimates anew every time.

    `on_damage` stop: an example that is damaged on its storage (`DamagedShard`) ends the run; skip: it is passed over as others are.
    """

    examples: Sequence[TrainingExample]
    config: TrainConfig
    motion: MotionSignal
    poses: PoseCache | None = None
    on_damage: Literal["stop", "skip"] = "stop"

    def __post_init__(self) -> None:
        require(len(self.examples) > 0, f"recipe {self.config.recipe}", "examples", 0, "at least one")

    def batch(self, part: int) -> Batch:
        """The `part`-th batch of the run; a step has `accumulate` of them."""
        config = self.config
        rng = item_rng(config.seed, config.recipe, "batch", part)
        tail = config.sampling.tail_frames if rng.random() < config.tail_share else 0
        skipped: list[tuple[str, str]] = []
        samples = [self._usable(part * config.batch_size + slot, tail, skipped) for slot in range(config.batch_size)]
        drivers = [sample.driver for sample in samples]
        target = np.stack([sample.target for sample in samples])
        return Batch(
            reference=target[:, 0],
            target=target,
            driver=None if drivers[0] is None else np.stack(drivers),
            prompts=tuple(sample.prompt for sample in samples),
            tail_frames=tail,
            skipped=tuple(skipped),
        )

    def stream(self, first: int, *, processes: int = 0, ahead: int = 2) -> Iterator[Batch]:
        """Batches from the `first` on, made while the network works: by one thread, or by so many processes, the same either way."""
        if processes:
            yield from _by_processes(self, first, processes)
            return
        with ThreadPoolExecutor(1) as pool:
            coming: list[Future[Batch]] = [pool.submit(self.batch, first + k) for k in range(ahead)]
            try:
                while True:
                    first += 1
                    ready = coming.pop(0)
                    coming.append(pool.submit(self.batch, first + ahead - 1))
                    yield ready.result()
            finally:
                for future in coming:
                    future.cancel()

    def _usable(self, position: int, tail: int, skipped: list[tuple[str, str]]) -> _Sample:
        """The sample at a position of the endless order, or the nearest after it that can be read."""
        config, most = self.config, min(len(self.examples), _MOST_SKIPPED)
        order = Order(count=len(self.examples), seed=config.seed, name=config.recipe)
        for attempt in range(most):
            index = order.index(position + attempt)
            try:
                return self._sample(index, tail, item_rng(config.seed, config.recipe, "sample", position))
            except ValueError as error:  # damaged, too short or of another rate: costs this example and no other
                if self.on_damage == "stop" and isinstance(error, DamagedShard):
                    raise
                skipped.append((self._name(index), " ".join(str(error).split())))
        reasons = "; ".join(f"{name}: {why}" for name, why in skipped[-3:])
        raise ValueError(f"recipe {config.recipe}: examples: got {most} in a row that cannot be used, expected data; {reasons}")

    def _name(self, index: int) -> str:
        ids = getattr(self.examples, "ids", None)
        return str(ids[index]) if ids is not None else str(index)

    def _sample(self, index: int, tail: int, rng: np.random.Generator) -> _Sample:
        """One window. Where a tail is given its first frame, the reference, is from any moment, as it is at inference."""
        example, config, length, size = self.examples[index], self.config, self.config.grid.num_frames, self.config.grid.size
        check_example(example, config, needs_driver=self.motion.needs_driver)
        available = len(example.target)
        start = int(rng.integers(available - length + 1))
        change = config.augmentation.draw(rng, size)
        kept = np.arange(start, start + length)
        elsewhere = np.setdiff1d(np.arange(available), kept)
        shown = kept.copy()
        other = rng.random() < config.other_moment_share
        if tail:  # neither of the tail nor just before it
            shown[0] = rng.choice(np.setdiff1d(np.arange(available), kept[: tail + 1]))
        elif other and len(elsewhere):
            shown[0] = rng.choice(elsewhere)
        target = np.stack([fit_image(frame, size) for frame in example.target.frames[shown]])
        driver, prompt = self._driver(example, kept, change), change.of_prompt(example.prompt)
        return _Sample(target=change.of_pictures(target), driver=driver, prompt=prompt)

    def _driver(self, example: TrainingExample, kept: np.ndarray, change: SampleChange) -> np.ndarray | None:
        return self.motion.draw(self._prepared(example), kept, self.config.grid.size, change)

    def _prepared(self, example: TrainingExample) -> Any:
        if self.poses is None:
            return self.motion.prepare(example.driver)
        return self.poses.prepared(example, self.motion)


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """The run's batches from the `first` on, as what torch's DataLoader asks of a dataset."""

    batches: Batches
    first: int

    def __len__(self) -> int:
        return 1 << 40

    def __getitem__(self, index: int) -> Batch:
        return self.batches.batch(self.first + index)


def _by_processes(batches: Batches, first: int, processes: int) -> Iterator[Batch]:
    """Forked readers with one thread each; a batch travels in shared memory."""
    from torch.utils.data import DataLoader

    loader = DataLoader(
        _Parts(batches=batches, first=first),
        batch_size=None,
        sampler=range(1 << 40),
        num_workers=processes,
        prefetch_factor=2,
        collate_fn=_in_tensors if _shared_memory_bytes() > _PLENTY_BYTES else _by_pipe,
        multiprocessing_context="fork",
    )
    for parts in loader:
        yield Batch(**{name: part.numpy() if hasattr(part, "numpy") else part for name, part in parts.items()})


def _shared_memory_bytes() -> int:
    """What is free for tensors that processes share; containers often have next to none."""
    try:
        room = os.statvfs("/dev/shm")
    except OSError:
        return 0
    return room.f_bavail * room.f_frsize


def _by_pipe(batch: Batch) -> dict[str, Any]:
    return {name: getattr(batch, name) for name in batch.__slots__}


def _in_tensors(batch: Batch) -> dict[str, Any]:
    import torch

    return {name: torch.from_numpy(v) if isinstance(v, np.ndarray) else v for name, v in _by_pipe(batch).items()}


def check_example(example: TrainingExample, config: TrainConfig, *, needs_driver: bool) -> None:
    """Raise ValueError when an example is too short, of another rate or lacks the driver the signal needs."""
    item, grid = f"example {example.id}", config.grid
    require(len(example.target) >= grid.num_frames, item, "target frames", len(example.target), f">= {grid.num_frames}", "use longer clips")
    near = abs(example.target.fps - grid.fps) < 1e-3 * grid.fps
    require(near, item, "target fps", example.target.fps, f"{grid.fps:g}", "resample the clips, or train with --fps")
    require(not needs_driver or example.driver is not None, item, "driver", None, f"a clip, for motion {config.motion['kind']}")
