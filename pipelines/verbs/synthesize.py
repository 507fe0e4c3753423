"""`actorforge synthesize`: clips x identities -> a dataset of pairs."""

from __future__ import annotations

import errno
import sys
from typing import Literal

from bootstrap.sources.windows import WindowRules
from bootstrap.thresholds import Thresholds
from models.runtime import Runtime
from pipelines.verbs.flags import Many, Reason, all_of, from_one, from_zero, options_of_teacher, over_zero, parse_size, retry_of


def synthesize(
    driving: Many,
    references: Many,
    out: str,
    teacher: str | None = None,
    set: Many = (),
    size: str | None = None,
    fps: float | None = None,
    num_frames: int | None = None,
    clip_seconds: float | None = None,
    fit: Literal["crop", "pad", "subject"] = "crop",
    pix_fmt: Literal["yuv444p", "yuv420p"] = "yuv444p",
    workers: int = 0,
    cpu_workers: int = 0,
    gpu_workers: int = 0,
    gpus_per_worker: float | None = None,
    address: str = "",
    timeout: float = 3600.0,
    load_timeout: float = 1800.0,
    max_cost: float | None = None,
    limit: int | None = None,
    by_tag: Many = (),
    quota: Many = (),
    seed: int = 0,
    guide: str = "template",
    pairs_per_shard: int = 64,
    shard_mb: int = 1024,
    export_requests: str | None = None,
    retry_failed: Reason = None,
    keep_failed: bool = False,
    retry_filters: bool = False,
    keep_rejected: bool = False,
    windows: WindowRules = WindowRules(),
    thresholds: Thresholds = Thresholds(),
    runtime: Runtime = Runtime(),
) -> int:
    """Make a dataset of pairs, or let it grow.

    Args:
        driving: Clips, whose motion goes to the identities and which are the targets: folders, globs, URLs, tables of locations.
        references: Identity images (of a clip, its first frame), given the same way.
        out: Dataset folder or URL; the same command continues it, more sources or a higher limit let it grow.
        teacher: Animator name or checkpoint folder; recorded:DIR takes answers DIR/KEY.mp4 made elsewhere.
        set: Options of the teacher, KEY=VALUE; `actorforge ls animators` shows them. They are part of what a dataset is.
        size: Grid size WxH, px; default: the teacher's own.
        fps: Grid frame rate; default: the teacher's own.
        num_frames: Grid length in frames; default: the teacher's own.
        clip_seconds: Grid length in seconds, in place of --num-frames.
        fit: Sources of another shape are cropped in the middle (crop), shown whole between bars (pad), or cropped around the subject.
        pix_fmt: Colour sampling of stored clips; yuv420p plays everywhere and is smaller, yuv444p keeps coloured edges sharp.
        workers: Ray worker processes that do everything; 0 runs in this process.
        cpu_workers: Worker processes that decode, encode and filter, beside --gpu-workers, in place of --workers.
        gpu_workers: Worker processes that hold the teacher and do nothing else.
        gpus_per_worker: GPUs, or a part of one, that each of them occupies; default: 1 with --gpu-workers, else what the machine has.
        address: Of a Ray cluster to join, HOST:PORT or auto; default: RAY_ADDRESS, else a session on this machine.
        timeout: Seconds after which a pair that does not answer is given up.
        load_timeout: Seconds after which a worker that is still loading is exchanged; after a few the run ends.
        max_cost: The most the teacher's answers may cost in all runs, USD, by its own estimate and what they then say; a later run goes on.
        limit: At most so many attempted pairs in all; raising it extends the dataset.
        by_tag: Pair only where labels agree (framing) or are so (subject=human:animal, driver first).
        quota: Shares of kinds of pairs, such as "subject=human:animal 0.3"; the rest goes to pairs that no quota names.
        seed: Seed of the round.
        guide: Writes the prompts: template, mllm:BASE_URL#MODEL or none, see `actorforge ls guides`.
        pairs_per_shard: So many pairs are sealed together, in one shard or a few.
        shard_mb: At most so many MiB of samples in a shard.
        export_requests: Folder for what a teacher that runs elsewhere is asked; no teacher is loaded.
        retry_failed: Of failed pairs, try those again whose reason contains these words; without it all of them.
        keep_failed: Leave failed pairs as they are.
        retry_filters: Judge pairs again by these thresholds; no teacher is needed.
        keep_rejected: Keep rejected candidates in OUT/rejected, to be looked at and judged again.
        windows: Which windows of the clips are used.
        thresholds: What a pair must reach to be kept; 0 turns a check off.
        runtime: Device, number format, offload, attention, compilation, cache.
    """
    from awbench.media.labels import TagRule
    from bootstrap.pair_rules import PairRules, Quota
    from pipelines import synthesize as job
    from pipelines.executor.pools import SameCause
    from pipelines.stations import Staff

    for flag, value in (("--workers", workers), ("--cpu-workers", cpu_workers), ("--gpu-workers", gpu_workers)):
        from_zero(flag, value)
    for flag, value in (("--limit", limit), ("--pairs-per-shard", pairs_per_shard), ("--shard-mb", shard_mb)):
        from_one(flag, value)
    from_zero("--seed", seed)
    over_zero("--timeout", timeout)
    over_zero("--load-timeout", load_timeout)
    retry = retry_of(retry_failed, keep_failed)
    asked = {
        "--export-requests": export_requests is not None, "--retry-filters": retry_filters, "--retry-failed": retry_failed is not None
    }  # fmt: skip
    both = [flag for flag, given in asked.items() if given]
    if len(both) > 1:
        raise ValueError(f"{both[1]}: got it beside {both[0]}, expected one of them; run them one after the other")
    grid = job.GridFlags(size=parse_size(size) if size else None, fps=fps, num_frames=num_frames, clip_seconds=clip_seconds)
    rules = PairRules(by_tag=tuple(map(TagRule.parse, all_of(by_tag))), quotas=tuple(map(Quota.parse, all_of(quota))))
    sources = {"driving": all_of(driving, "--driving"), "references": all_of(references, "--references")}
    sources |= {"out": out, "grid": grid, "windows": windows}
    gpus = gpus_per_worker if gpus_per_worker is not None else 1.0 if gpu_workers else 0.0
    staff = Staff(workers=workers, cpu=cpu_workers, gpu=gpu_workers, gpus_each=gpus, address=address)
    flags = {"staff": staff, "timeout_s": timeout, "load_s": load_timeout, "max_cost_usd": max_cost, "retry": retry, "shard_mb": shard_mb}
    flags |= {"limit": limit, "seed": seed, "guide": guide, "fit": fit, "pix_fmt": pix_fmt, "rules": rules}
    flags |= {"thresholds": thresholds, "runtime": runtime, "pairs_per_unit": pairs_per_shard, "keep_rejected": keep_rejected}
    options = options_of_teacher(set, teacher)
    if export_requests is not None:
        if teacher is not None:
            raise ValueError(f"--teacher: got {teacher} beside --export-requests, expected none; give it when the answers are there")
        count = job.export(**sources, folder=export_requests, **flags)
        print(f"{count} requests in {export_requests}; then the same command with --teacher recorded:ANSWERS")
        return 0 if count else 1
    if retry_filters and teacher is None:
        outcome = job.judge_again(**sources, **flags)
        print(job.summary(outcome, out))
        return 0 if outcome.kept else 1
    if teacher is None:
        raise ValueError("--teacher: got none, expected an animator (`actorforge ls animators`), a checkpoint, or --export-requests DIR")
    try:
        outcome = job.run(**sources, teacher=teacher, options=options, retry_filters=retry_filters, **flags)
    except (SameCause, OSError) as error:
        if isinstance(error, OSError) and error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        said = str(error).removeprefix("synthesize: ")
        print(f"actorforge synthesize: {said}; what was made is kept, the same command continues", file=sys.stderr)
        return 1
    print(job.summary(outcome, out))
    return 0 if outcome.kept else 1
