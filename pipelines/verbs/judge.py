"""`actorforge judge`: runs x a multimodal model -> scores, or which of two is better; and the self-test of a judge."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pipelines.verbs.flags import names

if TYPE_CHECKING:
    from pipelines.judge import JudgeFlags


def judge(
    runs: tuple[str, ...],
    /,
    model: str | None = None,
    base_url: str = "http://localhost:8000/v1",
    dimensions: str | None = None,
    samples: int = 1,
    protocol: Literal["actorforge", "video-bench"] = "actorforge",
    pairwise: Path | None = None,
    temperature: str = "auto",
    max_cost: float | None = None,
    price_in: float = 0.0,
    price_out: float = 0.0,
    dry_run: bool = False,
    recompute: bool = False,
    workers: int = 4,
    timeout_s: float = 120.0,
    out: Path | None = None,
    cases: int = 6,
) -> int:
    """Let a multimodal model judge runs; its key, where one is needed, is in ACTORFORGE_MLLM_KEY.

    Args:
        runs: Run folders; or selftest, and runs to keep its result in.
        model: Name of the model as the endpoint knows it.
        base_url: OpenAI-compatible endpoint, up to /v1.
        dimensions: Comma-separated dimensions; default: all five.
        samples: Answers a case and dimension; the score is their mean.
        protocol: actorforge (one answer a call) or video-bench (its sampling and grouping; scores depend on the other runs).
        pairwise: Baseline run: say which of two answers is better, in both orders, instead of 1-5.
        temperature: A number, server (leave it to the endpoint), or auto: 0, and 0.7 with several samples.
        max_cost: Most USD that these runs' logs may add up to.
        price_in: USD per million input tokens.
        price_out: USD per million output tokens.
        dry_run: Tell calls, tokens and cost; send nothing.
        recompute: Compute the scores anew from the log; send nothing.
        workers: Calls at a time.
        timeout_s: Longest wait for one reply, s.
        out: Folder of the self-test; default: in the cache.
        cases: Cases of the self-test.
    """
    from pipelines import judge as job

    if not runs:
        raise ValueError("RUN: got none, expected run folders, or selftest")
    known = {"model": model, "base_url": base_url, "protocol": protocol, "temperature": temperature, "samples": samples}
    money = {"max_cost": max_cost, "price_in": price_in, "price_out": price_out}
    flags = job.JudgeFlags(**known, **money, workers=workers, timeout_s=timeout_s)
    if runs[0] == job.SELFTEST:
        return _judge_selftest(flags, runs[1:], out, cases, dry_run)
    if recompute:
        lines, good = job.recompute_runs(runs)
    else:
        work = job.work_of(runs, flags, names(dimensions), pairwise)
        lines, good = (job.dry_run([work], flags), True) if dry_run else job.judge(work, flags)
    print("\n".join(lines))
    return 0 if good else 1


def _judge_selftest(flags: JudgeFlags, runs: tuple[str, ...], out: Path | None, cases: int, dry_run: bool) -> int:
    from pipelines import judge as job

    if cases < 1:
        raise ValueError(f"--cases: got {cases}, expected a whole number >= 1")
    folder = job.selftest_place(out, flags)
    if dry_run:
        from awbench.judging.selftest import selftest_works

        works = selftest_works(folder, flags.judge(), samples=flags.samples, cases=cases)
        print("\n".join(job.dry_run(list(works.values()), flags)))
        return 0
    lines, result = job.selftest(folder, flags, runs, cases=cases)
    print("\n".join(lines))
    return 0 if any(plant.n for plant in result.plants) else 1
