"""Training examples in memory: uint8 targets, drivers and labels of the figure, estimated poses, estimated origins.

`FrameCache.build` takes any iterable of examples; `save` writes them as safetensors, from which training needs neither
video decoding nor the factory. Batches depend only on (seed, step), so a resumed run sees what it would have seen.

Legend: N examples, L frames kept per example (>= the grid's T), P people, J joints.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Iterable, Mapping

import numpy as np

from models.artifacts import publish
from models.pose.augment import random_bone_factors, scale_bones
from models.pose.draw import draw_poses
from models.pose.moves import joint_moves
from models.progress import Progress
from models.protocols import PoseEstimator
from models.seeds import item_rng
from models.training.augment import SampleChange
from models.training.config import TrainConfig
from models.types import Grid, PoseTrack, TrainingExample, require

_MAX_PEOPLE = 2
_FORMAT = "actorforge-frame-cache-3"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Batch:
    """uint8 pictures: `reference` `[B,H,W,3]`, `motion` `[B,F,H,W,3]` or None, `target` `[B,F,H,W,3]`.

    `slots`: the F slots of the canvas the frames stand in, from 1.
    `origins`: where the target's cells lie in the reference as flow estimates it, float32 `[B,F,h,w,2]` px;
    `since_first`: where they lie in the target's own first frame, the same.
    `figures`: what moves by itself in the target, uint8 `[B,F,H,W]` (`models.optical_flow.clip_motion`; stretching blends labels).
    `moves`: where the cells of the driver lie in its own first frame, like the origins, by flow or by joints; None without one.
    """

    reference: np.ndarray
    target: np.ndarray
    slots: tuple[int, ...]
    origins: np.ndarray
    since_first: np.ndarray
    figures: np.ndarray
    motion: np.ndarray | None = None
    moves: np.ndarray | None = None


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class FrameCache:
    """`targets` `[N,L,H,W,3]`, `drivers` the same or None; `origins` float16 `[N,L,L,h,w,2]` px and `figures` uint8 `[N,L,H,W]`
    (`models.optical_flow.clip_motion` of every target), `driver_origins` like `origins`; `points` float32 `[N,L,P,J,2]`, `confidence`
    `[N,L,P,J]`. Of drivers and poses there are none where the recipe needs none.

    `filter_metrics`: metrics that chose the examples; `lineage`: what made them, e.g. "kind" and the hash of a "teacher".
    """

    grid: Grid
    ids: tuple[str, ...]
    targets: np.ndarray
    origins: np.ndarray
    figures: np.ndarray
    drivers: np.ndarray | None = None
    driver_origins: np.ndarray | None = None
    points: np.ndarray | None = None
    confidence: np.ndarray | None = None
    filter_metrics: tuple[str, ...] = ()
    lineage: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.targets)

    @property
    def cell_px(self) -> int:
        """Side of the cells the origins are of."""
        return self.grid.height // self.origins.shape[3]

    @classmethod
    def build(
        cls,
        examples: Iterable[TrainingExample],
        config: TrainConfig,
        estimator: PoseEstimator | None = None,
        filter_metrics: tuple[str, ...] = (),
        lineage: Mapping[str, str] | None = None,
    ) -> FrameCache:
        """Collect examples on the recipe's grid; an example shorter than the grid's T or of another rate is refused."""
        from models.animators.motion import fit_pose  # training from a saved cache needs no image library
        from models.images import fit_image
        from models.optical_flow import clip_motion

        ids, targets, drivers, poses, origins, figures, driver_origins = [], [], [], [], [], [], []
        grid = config.grid
        with Progress("read examples", total=None) as bar:
            for example in examples:
                _check(example, config)
                ids.append(example.id)
                targets.append(np.stack([fit_image(f, grid.size) for f in example.target.frames]))
                moved, figure = clip_motion(targets[-1], config.backbone.cell_px)
                origins.append(moved)
                figures.append(figure)
                if config.motion == "raw":
                    drivers.append(np.stack([fit_image(f, grid.size) for f in example.driver.frames]))
                    driver_origins.append(clip_motion(drivers[-1], config.backbone.cell_px)[0])
                if config.motion == "skeleton":
                    height, width = example.driver.frames.shape[1:3]
                    poses.append(fit_pose(estimator.estimate(example.driver), (width, height), grid.size))
                bar.step()
        require(bool(ids), f"recipe {config.recipe}", "examples", 0, "at least one", "check the data folder and what its manifest rejected")
        length = min(len(t) for t in targets)
        points, confidence = _stack_poses(poses, length) if poses else (None, None)
        arrays = {
            "targets": np.stack([t[:length] for t in targets]),
            "origins": np.stack([o[:length, :length] for o in origins]),
            "figures": np.stack([f[:length] for f in figures]),
            "drivers": np.stack([d[:length] for d in drivers]) if drivers else None,
            "driver_origins": np.stack([o[:length, :length] for o in driver_origins]) if drivers else None,
            "points": points,
            "confidence": confidence,
        }
        return cls(grid=grid, ids=tuple(ids), filter_metrics=filter_metrics, lineage=dict(lineage or {}), **arrays)

    def batch(self, config: TrainConfig, step: int) -> Batch:
        """The batch of one step: a function of (config.seed, step) alone."""
        rng = item_rng(config.seed, config.recipe, "batch", step)
        length = self.grid.num_frames
        others = rng.choice(np.arange(1, length), (config.frames_per_sample or length) - 1, replace=False)
        kept = np.concatenate([[0], np.sort(others)])  # motion is what has changed since the driver's first frame
        samples = [self._sample(config, kept, rng) for _ in range(config.batch_size)]
        given = {name for name, part in samples[0].items() if part is not None}
        return Batch(slots=tuple(int(k) + 1 for k in kept), **{name: np.stack([sample[name] for sample in samples]) for name in given})

    def _sample(self, config: TrainConfig, kept: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray | None]:
        """The parts of a `Batch` for one sample."""
        length, available, size = self.grid.num_frames, self.targets.shape[1], self.grid.size
        item, start = int(rng.integers(len(self))), int(rng.integers(available - length + 1))
        elsewhere = [k for k in range(available) if not start <= k < start + length]
        other = rng.random() < config.other_moment_share and bool(elsewhere)
        moment = int(rng.choice(elsewhere)) if other else start
        change = SampleChange.draw(rng, size, flip=config.flip_share, stretch=config.stretch_share, colour=config.colour_share)
        frames = start + kept
        origins, since_first = (self._moved(change, self.origins[item, known, frames]) for known in (moment, start))
        motion, moves = None, None
        if config.motion == "raw":
            own = change.of_driver(rng)
            motion, moves = own.pictures(self.drivers[item, frames]), self._moved(own, self.driver_origins[item, start, frames])
        if config.motion == "skeleton":
            points, confidence = change.joints(self.points[item, frames], self.confidence[item, frames])
            pose = PoseTrack(points=points, confidence=confidence, skeleton="coco17", fps=self.grid.fps)
            if rng.random() < config.bone_scale_share:
                pose = scale_bones(pose, random_bone_factors(rng))
            motion, moves = draw_poses(pose, size), joint_moves(pose, size, self.cell_px)
        return {
            "reference": change.pictures(self.targets[item, moment]),
            "target": change.pictures(self.targets[item, frames]),
            "figures": change.labels(self.figures[item, frames]),
            "origins": origins,
            "since_first": since_first,
            "motion": motion,
            "moves": moves,
        }

    def _moved(self, change: SampleChange, origins: np.ndarray) -> np.ndarray:
        return change.origins(origins.astype(np.float32), self.cell_px)

    def save(self, path: str | Path) -> None:
        """Write the cache as safetensors, whole or not at all."""
        from safetensors.numpy import save_file

        names = ("targets", "origins", "figures", "drivers", "driver_origins", "points", "confidence")
        arrays = {name: getattr(self, name) for name in names}
        about = {
            "format": _FORMAT,
            "grid": asdict(self.grid),
            "ids": self.ids,
            "filter_metrics": self.filter_metrics,
            "lineage": dict(self.lineage),
        }
        with publish(path) as draft:
            save_file(
                {k: np.ascontiguousarray(v) for k, v in arrays.items() if v is not None}, draft, metadata={"about": json.dumps(about)}
            )

    @classmethod
    def load(cls, path: str | Path) -> FrameCache:
        """Read what `save` wrote. Raises ValueError for any other file."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(path, framework="numpy") as file:
                about = json.loads((file.metadata() or {}).get("about", "{}"))
                require(
                    about.get("format") == _FORMAT, str(path), "format", about.get("format"), _FORMAT, "write it by train --export-cache"
                )
                arrays = {name: file.get_tensor(name) for name in file.keys()}
        except SafetensorError as error:
            raise ValueError(f"{path}: not a frame cache ({error}); write it by train --export-cache") from error
        facts = {"ids": tuple(about["ids"]), "filter_metrics": tuple(about["filter_metrics"]), "lineage": about["lineage"]}
        return cls(grid=Grid(**about["grid"]), **facts, **arrays)


def _check(example: TrainingExample, config: TrainConfig) -> None:
    item, grid = f"example {example.id}", config.grid
    require(len(example.target) >= grid.num_frames, item, "target frames", len(example.target), f">= {grid.num_frames}", "use longer clips")
    require(
        abs(example.target.fps - grid.fps) < 1e-3 * grid.fps, item, "target fps", example.target.fps, f"{grid.fps:g}", "resample the clips"
    )
    needs_driver = config.motion in ("raw", "skeleton")
    require(not needs_driver or example.driver is not None, item, "driver", None, f"a clip, for motion {config.motion}")


def _stack_poses(poses: list[PoseTrack], length: int) -> tuple[np.ndarray, np.ndarray]:
    points = np.zeros((len(poses), length, _MAX_PEOPLE, 17, 2), np.float32)
    confidence = np.zeros(points.shape[:-1], np.float32)
    for i, pose in enumerate(poses):
        people = min(pose.points.shape[1], _MAX_PEOPLE)
        points[i, :, :people], confidence[i, :, :people] = pose.points[:length, :people], pose.confidence[:length, :people]
    return points, confidence
