"""`actorforge plan`: what a dataset will cost before it is made."""

from __future__ import annotations

from typing import Literal

from bootstrap.sources.windows import WindowRules
from pipelines.verbs.flags import Many, all_of, from_one, from_zero, options_of_teacher, parse_size


def plan(
    driving: Many,
    references: Many,
    teacher: str | None = None,
    set: Many = (),
    family: str | None = None,
    size: str | None = None,
    fps: float | None = None,
    num_frames: int | None = None,
    clip_seconds: float | None = None,
    limit: int | None = None,
    by_tag: Many = (),
    quota: Many = (),
    pix_fmt: Literal["yuv444p", "yuv420p"] = "yuv444p",
    look: bool = False,
    measured: str | None = None,
    teacher_seconds: float | None = None,
    cpu_seconds: float | None = None,
    mb_per_pair: float | None = None,
    workers: int = 1,
    gpu_workers: int = 0,
    cpu_workers: int = 0,
    gpus_per_worker: float = 1.0,
    gpu_hour_price: float | None = None,
    cpu_hour_price: float | None = None,
    json: bool = False,
    windows: WindowRules = WindowRules(),
) -> int:
    """Say what a dataset will cost; nothing is made and no teacher is loaded.

    Args:
        driving: As for synthesize: folders, globs, URLs or tables of clips.
        references: As for synthesize: identities, given the same way.
        teacher: Checkpoint folder or animator that would make the drivers; a checkpoint tells its grid and family.
        set: Options of the teacher, KEY=VALUE; they may decide what it says it takes.
        family: Backbone family, for tokens, where no checkpoint tells it: wan, wan_ti2v, hunyuan, hunyuan15.
        size: Grid size WxH, px; default: the checkpoint's own.
        fps: Grid frame rate; default: the checkpoint's own.
        num_frames: Grid length in frames; default: the checkpoint's own.
        clip_seconds: Grid length in seconds, in place of --num-frames.
        limit: At most so many attempted pairs.
        by_tag: As for synthesize: pair only where labels agree or are so.
        quota: As for synthesize: shares of kinds of pairs.
        pix_fmt: Colour sampling of stored clips.
        look: Look at files that the catalog does not know yet, and remember them; without it they are left out and counted.
        measured: Dataset, finished or in the making, whose seconds and bytes a pair are taken; another grid is scaled.
        teacher_seconds: Seconds a pair takes the teacher, where none is measured or another is meant.
        cpu_seconds: Seconds a pair takes a processor, beside the teacher.
        mb_per_pair: Megabytes of a kept pair.
        workers: Workers that do it all, one pair at a time.
        gpu_workers: Workers of the teacher, beside --cpu-workers: then the slower pool decides.
        cpu_workers: Workers that read, code and filter.
        gpus_per_worker: Accelerators that a worker of the teacher holds.
        gpu_hour_price: Price of an hour of one accelerator.
        cpu_hour_price: Price of an hour of one processor.
        json: Print plain values as JSON.
        windows: Which windows of the clips are used.
    """
    from awbench.media.labels import TagRule
    from bootstrap.costs.estimate import Workers
    from bootstrap.pair_rules import PairRules, Quota
    from bootstrap.survey import Footage
    from pipelines import plan as job
    from pipelines.synthesize import GridFlags

    from_one("--limit", limit)
    from_zero("--gpu-hour-price", gpu_hour_price)
    from_zero("--cpu-hour-price", cpu_hour_price)
    options = options_of_teacher(set, teacher)
    sources = {"driving": all_of(driving, "--driving"), "references": all_of(references, "--references")}
    grid = GridFlags(size=parse_size(size) if size else None, fps=fps, num_frames=num_frames, clip_seconds=clip_seconds)
    asked = job.Asked(
        footage=Footage(**sources, windows=windows),
        grid=grid,
        teacher=teacher,
        options=options,
        family=family,
        rules=PairRules(by_tag=tuple(map(TagRule.parse, all_of(by_tag))), quotas=tuple(map(Quota.parse, all_of(quota)))),
        limit=limit,
        pix_fmt=pix_fmt,
        look=look,
        measured=measured,
        teacher_s=teacher_seconds,
        cpu_s=cpu_seconds,
        mb_per_pair=mb_per_pair,
        workers=Workers(each=workers, gpu=gpu_workers, cpu=cpu_workers, gpus_each=gpus_per_worker),
        gpu_hour=gpu_hour_price,
        cpu_hour=cpu_hour_price,
    )
    print(job.plan(asked, as_json=json))
    return 0
