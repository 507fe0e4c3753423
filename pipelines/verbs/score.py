"""`actorforge score`: runs x metrics -> scores."""

from __future__ import annotations

from pathlib import Path

from pipelines.verbs.flags import Reason, from_zero, names, over_zero, retry_of


def score(
    runs: tuple[Path, ...],
    /,
    metrics: str | None = None,
    clip: str = "",
    dino: str = "",
    lpips: str = "",
    iqa: str = "",
    estimator: str = "",
    device: str = "cpu",
    workers: int = 0,
    retry_failed: Reason = None,
    keep_failed: bool = False,
    timeout: float | None = None,
) -> int:
    """Score runs.

    Args:
        runs: Run folders.
        metrics: Comma-separated metric names; default: all that need nothing extra, and those of the models given below.
        clip: Local open_clip folder, for clip_appearance, clip_t and clip_iqa.
        dino: Local timm folder, or NAME.safetensors with timm's NAME, for dino_i.
        lpips: Local safetensors of the lpips package's layout, a file or a folder, for lpips.
        iqa: ONNX file of an image quality model, for onnx_iqa.
        estimator: Pose estimator, for pose_agreement and the subject's crop: tiny, rtmlib:DIR or mediapipe.
        device: Where open_clip, timm and LPIPS run: cpu, cuda, cuda:N or auto.
        workers: Ray worker processes; 0 runs in this process.
        retry_failed: Try only those failed scores anew whose reason contains this; without words all of them, as by default.
        keep_failed: Failed scores stay as they are.
        timeout: Seconds that one case may take; a hang is failed scores. With --workers 0 only code that comes back to Python is stopped.
    """
    from awbench.metrics.learned.models import LearnedModels
    from awbench.score_reasons import reasons
    from pipelines.score import score as job

    from_zero("--workers", workers)
    over_zero("--timeout", timeout)
    if not runs:
        raise ValueError("RUN: got none, expected one or more run folders")
    models, scored = LearnedModels(clip=clip, dino=dino, lpips=lpips, iqa=iqa, estimator=estimator, device=device), 0
    asked = {"workers": workers, "retry": retry_of(retry_failed, keep_failed), "timeout_s": timeout}
    for run in job(runs, names(metrics), models=models, **asked):
        table = run.scores()
        counts = table["status"].value_counts().to_dict()
        scored += counts.get("ok", 0)
        print(f"{run.system}: {', '.join(f'{count} {status}' for status, count in sorted(counts.items()))} in {run.path}")
        for line in reasons(table.to_dict("records")):
            print(f"  {line}")
    return 0 if scored else 1
