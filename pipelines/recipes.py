"""Recipes: functions that return a whole training configuration; a variant is the base plus a few assignments.

The chain, the paper's, at every size: a prior (a foundation model's image-to-video weights; `tiny_prior` stands for it) -> pose-driven,
self-reconstruction of people by their estimated skeletons -> (synthesize) -> end-to-end, from the pose-driven one, on those pairs.

Numbers of `canvas_pose`: DreamActor-M2, section 5.1: LoRA of rank 256 on feed-forward layers, AdamW 5e-5, weight decay 0.01, batch size 2,
50,000 steps a stage, clips of 49 to 121 frames, a start gap of one second.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from models.animators.sampling import Sampling
from models.catalog import Catalog, Entry
from models.training.augment import Augmentation
from models.training.config import AdamW, Muon, TrainConfig
from models.training.lora import LoraSpec
from models.types import Grid, require

ESTIMATOR_GRID = Grid(width=48, height=48, fps=8.0, num_frames=6)
TINY_GRID = Grid(width=64, height=64, fps=8.0, num_frames=9)
"""A gap of one frame and eight frames that are animated."""
CHUNK_SPARE = 2.0
"""Clips are cut into chunks of so many training windows: other moments to take the reference from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatorConfig:
    """Training of the tiny pose estimator on clips with pose files. `width`: channels of its first layer."""

    recipe: str
    grid: Grid = ESTIMATOR_GRID
    width: int = 24
    batch_size: int = 24
    lr: float = 2e-3
    seed: int = 0

    def __post_init__(self) -> None:
        require(self.width % 8 == 0, f"recipe {self.recipe}", "width", self.width, "a multiple of 8 (group norm)")


def tiny_pose_estimator() -> EstimatorConfig:
    """Heatmap pose estimator of people at 48 px; the only recipe that reads the poses beside the clips."""
    return EstimatorConfig(recipe="tiny_pose_estimator")


def tiny_prior() -> TrainConfig:
    """Image-to-video on all kinds of characters, driver half blank: stands for the foundation model."""
    return TrainConfig(
        recipe="tiny_prior",
        backbone={"family": "tiny"},
        motion={"kind": "blank"},
        grid=TINY_GRID,
        gap_frames=1,
        optimizer=Muon(),
        sampling=Sampling(steps=8),
        augmentation=Augmentation(sample_stretch=0.5, sample_colour=0.5, driver_stretch=0.0, driver_colour=0.0),
        batch_size=16,
        other_moment_share=0.7,
        decay_share=0.5,
        ema_decay=0.995,
        gradient_checkpointing=False,
        stored="float16",
    )


def tiny_pose() -> TrainConfig:
    """Self-reconstruction of people by skeletons of the estimated pose, drawn where they stand: at 64 px there is no place to lose."""
    return replace(tiny_prior(), recipe="tiny_pose", motion={"kind": "skeleton", "estimator": "tiny", "normalised": False})


def tiny_e2e() -> TrainConfig:
    """From the pose-driven model, raw synthetic drivers, cross-identity pairs only."""
    augmentation = Augmentation(sample_stretch=0.3, sample_colour=0.3, driver_stretch=0.3, driver_colour=0.5)
    return replace(tiny_prior(), recipe="tiny_e2e", motion={"kind": "raw"}, augmentation=augmentation)


SHORT_GRID = Grid(width=48, height=48, fps=8.0, num_frames=7)


def short_pose() -> TrainConfig:
    """`tiny_pose` in an hour and a quarter of one core, from nothing: 1.3 million weights, 48 px. Shipped, for the demo to start from."""
    return replace(
        tiny_pose(),
        recipe="short_pose",
        backbone={"family": "tiny", "width": 128, "layers": 4},
        grid=SHORT_GRID,
        augmentation=Augmentation(driver_stretch=0.0, driver_colour=0.0),
        batch_size=8,
    )


def demo_e2e() -> TrainConfig:
    """A minute of gentle steps from `short_pose` on the demo's handful of pairs: from skeletons to raw drivers."""
    return replace(short_pose(), recipe="demo_e2e", motion={"kind": "raw"}, optimizer=Muon(lr=4e-3, adam_lr=4e-4))


def canvas_pose(recipe: str, family: str, grid: Grid) -> TrainConfig:
    """The pose-driven stage on a video foundation model: LoRA, skeletons in a normalised box, bone lengths scaled on 30 %."""
    return TrainConfig(
        recipe=recipe,
        backbone={"family": family},
        motion={"kind": "skeleton", "estimator": "", "normalised": True},
        grid=grid,
        gap_frames=round(grid.fps),
        guide="template",
        lora=LoraSpec(rank=256),
        optimizer=AdamW(),
        sampling=Sampling(steps=30, tail_frames=round(grid.fps) // 4 * 4),
        augmentation=Augmentation(driver_stretch=0.0, driver_colour=0.0),
        tail_share=0.2,
    )


def canvas_e2e(recipe: str, family: str, grid: Grid) -> TrainConfig:
    """The end-to-end stage: raw synthetic drivers, cropped, stretched and recoloured; targets are real."""
    return replace(canvas_pose(recipe, family, grid), motion={"kind": "raw"}, augmentation=Augmentation())


WAN_GRID = Grid(width=832, height=480, fps=16.0, num_frames=81)
TI2V_GRID = Grid(width=832, height=480, fps=24.0, num_frames=121)
HUNYUAN_GRID = Grid(width=832, height=480, fps=24.0, num_frames=97)


def wan_1_3b_pose() -> TrainConfig:
    return canvas_pose("wan_1_3b_pose", "wan", WAN_GRID)


def wan_1_3b_e2e() -> TrainConfig:
    return canvas_e2e("wan_1_3b_e2e", "wan", WAN_GRID)


def wan_14b_pose() -> TrainConfig:
    """One example at a time, twice before a step: the batch of two without its memory."""
    return replace(canvas_pose("wan_14b_pose", "wan", WAN_GRID), batch_size=1, accumulate=2)


def wan_14b_e2e() -> TrainConfig:
    return replace(canvas_e2e("wan_14b_e2e", "wan", WAN_GRID), batch_size=1, accumulate=2)


def wan_ti2v_5b_pose() -> TrainConfig:
    return canvas_pose("wan_ti2v_5b_pose", "wan_ti2v", TI2V_GRID)


def wan_ti2v_5b_e2e() -> TrainConfig:
    return canvas_e2e("wan_ti2v_5b_e2e", "wan_ti2v", TI2V_GRID)


def hunyuan_pose() -> TrainConfig:
    return replace(canvas_pose("hunyuan_pose", "hunyuan", HUNYUAN_GRID), batch_size=1, accumulate=2)


def hunyuan_e2e() -> TrainConfig:
    return replace(canvas_e2e("hunyuan_e2e", "hunyuan", HUNYUAN_GRID), batch_size=1, accumulate=2)


def hunyuan15_pose() -> TrainConfig:
    return replace(canvas_pose("hunyuan15_pose", "hunyuan15", HUNYUAN_GRID), batch_size=1, accumulate=2)


def hunyuan15_e2e() -> TrainConfig:
    return replace(canvas_e2e("hunyuan15_e2e", "hunyuan15", HUNYUAN_GRID), batch_size=1, accumulate=2)


def _entry(name: str, summary: str) -> Entry:
    return Entry(target=f"pipelines.recipes:{name}", summary=summary)


RECIPES = Catalog(
    kind="recipe",
    group="actorforge.recipes",
    entries={
        "tiny_pose_estimator": _entry("tiny_pose_estimator", "heatmap pose estimator, people, 48 px"),
        "tiny_prior": _entry("tiny_prior", "image-to-video in small, all characters, driver blank"),
        "tiny_pose": _entry("tiny_pose", "pose-driven in small, self-reconstruction of people (--init CHECKPOINT of tiny_prior)"),
        "tiny_e2e": _entry("tiny_e2e", "end-to-end in small, on synthesized pairs (--init CHECKPOINT of tiny_pose)"),
        "short_pose": _entry("short_pose", "pose-driven in very small, an hour and a quarter of one core, people of 48 px"),
        "demo_e2e": _entry("demo_e2e", "the demo's: end-to-end from short_pose, a minute on two cores (--init short_pose)"),
        "wan_1_3b_pose": _entry("wan_1_3b_pose", "pose-driven LoRA on Wan 2.1 Fun-InP 1.3 B (--weights DIR)"),
        "wan_1_3b_e2e": _entry("wan_1_3b_e2e", "end-to-end LoRA on Wan 2.1 Fun-InP 1.3 B, on pairs (--init CHECKPOINT)"),
        "wan_14b_pose": _entry("wan_14b_pose", "pose-driven LoRA on Wan 2.1 image-to-video 14 B (--weights DIR)"),
        "wan_14b_e2e": _entry("wan_14b_e2e", "end-to-end LoRA on Wan 2.1 image-to-video 14 B, on pairs (--init CHECKPOINT)"),
        "wan_ti2v_5b_pose": _entry("wan_ti2v_5b_pose", "pose-driven LoRA on Wan 2.2 TI2V-5B (--weights DIR)"),
        "wan_ti2v_5b_e2e": _entry("wan_ti2v_5b_e2e", "end-to-end LoRA on Wan 2.2 TI2V-5B, on pairs (--init CHECKPOINT)"),
        "hunyuan_pose": _entry("hunyuan_pose", "pose-driven LoRA on HunyuanVideo image-to-video (--weights DIR)"),
        "hunyuan_e2e": _entry("hunyuan_e2e", "end-to-end LoRA on HunyuanVideo image-to-video, on pairs (--init CHECKPOINT)"),
        "hunyuan15_pose": _entry("hunyuan15_pose", "pose-driven LoRA on HunyuanVideo-1.5 image-to-video (--weights DIR)"),
        "hunyuan15_e2e": _entry("hunyuan15_e2e", "end-to-end LoRA on HunyuanVideo-1.5 image-to-video, on pairs (--init CHECKPOINT)"),
    },
)
