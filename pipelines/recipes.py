"""Recipes: functions that return a whole training configuration; a variant is the base plus a few assignments.

The chain of `make weights` is tiny_pose_estimator -> tiny_prior -> tiny_pose -> (synthesize) -> tiny_e2e, after the paper:
a foundation model, a pose-driven model, pairs made with it, an end-to-end model trained on those pairs alone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from models.backbones.tiny import TinyConfig
from models.catalog import Catalog, Entry
from models.training.config import TrainConfig
from models.types import Grid, require

TINY_GRID = Grid(width=48, height=48, fps=8.0, num_frames=6)
TINY_BACKBONE = TinyConfig(width=160, layers=4, heads=4, patch_px=4, rope_theta=50.0, qk_gain=1.5)
"""2.7 M parameters with matcher and figure, a token for 4x4 px: a limb is some 4 px wide, and of a patch of 8x8 px no layer of this width
can carry all pixels to another place (docs/tiny_models.md has both)."""
CHUNK_FRAMES = 12
"""Clips are cut into chunks of this many frames: a target window of 6 and other moments to take the reference from."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EstimatorConfig:
    """Training of the tiny pose estimator on clips with pose files. `width`: channels of its first layer."""

    recipe: str
    grid: Grid = TINY_GRID
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
        motion="blank",
        grid=TINY_GRID,
        backbone=TINY_BACKBONE,
        precision="bfloat16",
        frames_per_sample=2,
        matcher_share=0.2,
        stretch_share=0.7,
        colour_share=0.5,
        time_mean=3.0,  # half of the steps above t = 0.95: what moves where is decided near pure noise, where one Euler step starts
        time_std=1.5,
    )


def tiny_pose() -> TrainConfig:
    """Self-reconstruction of humans driven by skeletons of the estimated pose; half of the references from another moment."""
    return replace(tiny_prior(), recipe="tiny_pose", motion="skeleton", matcher_share=0.1)


def tiny_e2e() -> TrainConfig:
    """From the pose-driven model, raw synthetic drivers, cross-identity pairs only."""
    return replace(tiny_prior(), recipe="tiny_e2e", motion="raw", matcher_share=0.1, stretch_share=0.3, colour_share=0.3)


def demo_e2e() -> TrainConfig:
    """A few gentle steps from the shipped tiny_e2e on the demo's handful of pairs."""
    return replace(tiny_e2e(), recipe="demo_e2e", matcher_share=0.0, batch_size=8, muon_lr=1e-3, adam_lr=1e-4, precision="float32")


RECIPES = Catalog(
    kind="recipe",
    group="actorforge.recipes",
    entries={
        "tiny_pose_estimator": Entry(target="pipelines.recipes:tiny_pose_estimator", summary="heatmap pose estimator, people, 48 px"),
        "tiny_prior": Entry(target="pipelines.recipes:tiny_prior", summary="image-to-video, all characters, driver blank"),
        "tiny_pose": Entry(target="pipelines.recipes:tiny_pose", summary="pose-driven, self-reconstruction of humans (--init tiny_prior)"),
        "tiny_e2e": Entry(target="pipelines.recipes:tiny_e2e", summary="end-to-end on synthesized pairs (--init tiny_pose)"),
        "demo_e2e": Entry(target="pipelines.recipes:demo_e2e", summary="a few gentle steps of tiny_e2e for the demo (--init tiny_e2e)"),
    },
)
