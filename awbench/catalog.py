"""The referee's tables: suites, metrics, and every animator a run can name. Loaded only when asked for."""

from __future__ import annotations

from models.animators import registry
from models.catalog import Catalog, Entry

SUITES = Catalog(
    kind="suite",
    group="actorforge.suites",
    entries={
        "world-mini": Entry(target="awbench.suites.world:world_mini", summary="a small mixture of world cases with truth: the demo's"),
        "world-dev": Entry(target="awbench.suites.world:world_dev", summary="world cases of the training split with truth: to tune on"),
        "world-heldout": Entry(
            target="awbench.suites.world:world_heldout", summary="the world's held-out benchmark with truth, balanced 2x2"
        ),
    },
)
"""Name -> a function () -> Suite."""

METRICS = Catalog(
    kind="metric",
    group="actorforge.metrics",
    entries={
        "imaging_quality": Entry(
            target="awbench.metrics.imaging_quality:METRIC", summary="sharpness, noise and blocks against the reference's own"
        ),
        "motion_smoothness": Entry(
            target="awbench.metrics.motion_smoothness:METRIC", summary="no jitter or stutter beyond the driver's own"
        ),
        "temporal_consistency": Entry(target="awbench.metrics.temporal_consistency:METRIC", summary="no flicker beyond the driver's own"),
        "appearance_consistency": Entry(
            target="awbench.metrics.appearance_consistency:METRIC", summary="looks like the reference, not the driver"
        ),
        "motion_fidelity": Entry(target="awbench.metrics.motion_fidelity:METRIC", summary="moves as the truth or the driver moves"),
        "driver_leak": Entry(
            target="awbench.metrics.driver_leak:METRIC", summary="1 where the output is nearer the driver's look (lower is better)"
        ),
        "overall": Entry(target="awbench.metrics.overall:METRIC", summary="geometric mean of the five above"),
        "psnr": Entry(target="awbench.metrics.psnr:METRIC", summary="against the truth, seen pixels, dB"),
        "ssim": Entry(target="awbench.metrics.ssim:METRIC", summary="against the truth, seen pixels"),
        "psnr_subject": Entry(target="awbench.metrics.psnr_subject:METRIC", summary="against the truth, on the subject, dB"),
        "clip_appearance": Entry(
            target="awbench.metrics.clip_appearance:METRIC", summary="open_clip similarity to the reference (optional)"
        ),
    },
)
"""Name -> a Metric."""

ANIMATORS = Catalog(
    kind="animator",
    group=registry.ANIMATORS.group,
    entries={
        **registry.ANIMATORS.entries,
        "ground_truth": Entry(target="awbench.ground_truth:create", summary="the case's truth: the ceiling, where a suite has one"),
    },
)
"""All animators of `models` and ground_truth, which needs a suite: load with `awbench.ground_truth.load_for_suite`."""
