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
        "world-v1": Entry(
            target="awbench.suites.world:world_v1",
            summary="100 drivers, 100 references after AWBench's taxonomy, with truth, 256x256x24@12; any grid: world-v1:512x512x48@16",
        ),
        "world-v1-all": Entry(target="awbench.suites.world:world_v1_all", summary="world-v1 with its other 100 references: 200 cases"),
    },
)
"""Name -> a function () -> Suite; one that takes an argument gets what follows the name and a colon, as a world suite its grid."""

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
            target="awbench.metrics.driver_leak:METRIC",
            summary="1 where the driver's picture is in the output, whole or as a ghost (lower is better)",
        ),
        "completeness": Entry(target="awbench.metrics.timing:COMPLETENESS", summary="share of the asked frames that were answered"),
        "lag": Entry(target="awbench.metrics.timing:LAG", summary="seconds by which the answer is ahead of its driver (told, not ranked)"),
        "overall": Entry(target="awbench.metrics.overall:METRIC", summary="content x form x completeness, less a little for a lag"),
        "psnr": Entry(target="awbench.metrics.psnr:METRIC", summary="against the truth, seen pixels, dB"),
        "ssim": Entry(target="awbench.metrics.ssim:METRIC", summary="against the truth, seen pixels"),
        "psnr_subject": Entry(target="awbench.metrics.psnr_subject:METRIC", summary="against the truth, on the subject, dB"),
        "clip_appearance": Entry(
            target="awbench.metrics.learned.clip_appearance:METRIC", summary="CLIP-I: subject like the reference's; --clip DIR"
        ),
        "dino_i": Entry(target="awbench.metrics.learned.dino_i:METRIC", summary="DINO-I: subject like the reference's; --dino DIR"),
        "clip_t": Entry(target="awbench.metrics.learned.clip_t:METRIC", summary="CLIP-T: frames like the prompt; --clip DIR"),
        "clip_iqa": Entry(target="awbench.metrics.learned.clip_iqa:METRIC", summary="CLIP-IQA: good photo or bad photo; --clip DIR"),
        "onnx_iqa": Entry(target="awbench.metrics.learned.onnx_iqa:METRIC", summary="an image quality model of yours; --iqa FILE"),
        "lpips": Entry(target="awbench.metrics.learned.lpips:METRIC", summary="perceptual distance to the truth; --lpips DIR"),
        "pose_agreement": Entry(
            target="awbench.metrics.learned.pose_agreement:METRIC", summary="keypoints move as the driver's; --estimator NAME"
        ),
        "fvd": Entry(target="awbench.metrics.learned.fvd:METRIC", summary="between sets of 256 clips or more, never per case"),
        "judge_imaging_quality": Entry(
            target="awbench.judging.metrics:IMAGING_QUALITY", summary="a model's 1-5: sharp, clean, whole; from `actorforge judge`"
        ),
        "judge_motion_smoothness": Entry(
            target="awbench.judging.metrics:MOTION_SMOOTHNESS", summary="a model's 1-5: even motion; from `actorforge judge`"
        ),
        "judge_temporal_consistency": Entry(
            target="awbench.judging.metrics:TEMPORAL_CONSISTENCY",
            summary="a model's 1-5: nothing changes by itself; from `actorforge judge`",
        ),
        "judge_appearance_consistency": Entry(
            target="awbench.judging.metrics:APPEARANCE_CONSISTENCY",
            summary="a model's 1-5: looks like the reference; from `actorforge judge`",
        ),
        "judge_motion_fidelity": Entry(
            target="awbench.judging.metrics:MOTION_FIDELITY", summary="a model's 1-5: moves as the driver; from `actorforge judge`"
        ),
    },
)
"""Name -> a Metric."""

ANIMATORS = Catalog(
    kind="animator",
    group=registry.ANIMATORS.group,
    entries={
        **registry.ANIMATORS.entries,
        "ground_truth": Entry(
            target="awbench.ground_truth:create", summary="the case's truth: the ceiling, where a suite has one", argument=False
        ),
    },
)
"""All animators of `models` and ground_truth, which needs a suite: load with `awbench.ground_truth.load_for_suite`."""
