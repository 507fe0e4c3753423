"""`actorforge generate`: one animator over one suite -> a run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import tyro

from models.option_values import parse_settings
from models.runtime import Runtime
from pipelines.verbs.flags import Many, Reason, all_of, from_zero, over_zero, retry_of


def generate(
    animator: str,
    suite: str,
    out: Path,
    workers: int = 0,
    seed: int = 0,
    guide: str = "own",
    limit: int | None = None,
    retry_failed: Reason = None,
    keep_failed: bool = False,
    timeout: float | None = None,
    offset: float | None = None,
    name: str | None = None,
    runtime: Runtime = Runtime(),
    set_: Annotated[Many, tyro.conf.arg(name="set")] = (),
    max_cost: float | None = None,
    dry_run: bool = False,
) -> int:
    """Run an animator over a suite.

    Args:
        animator: Animator name, `recorded:DIR` or checkpoint folder, see `actorforge ls animators`.
        suite: Suite name or folder with suite.yaml.
        out: Run folder; the same command continues it, and tries failed cases anew.
        workers: Ray worker processes; 0 runs in this process.
        seed: Seed of the run.
        guide: Writes the prompt of a case without one: template, mllm:BASE_URL#MODEL, none, or own: what the checkpoint was trained with.
        limit: The suite's first cases only; a larger limit, or none, continues the run.
        retry_failed: Try only those failed cases anew whose reason contains this; without words all of them, as by default.
        keep_failed: Failed cases stay as they are.
        timeout: Seconds that one case may take; a hang is a failed case. With --workers 0 only code that comes back to Python is stopped.
        offset: Seconds of the driver that the answers do not show at their beginning, where that is known; else a lag is looked for.
        name: What the system is called in scores and reports; default: the animator's own name.
        runtime: Device, number format, offload, attention, compilation, cache.
        set_: Options of the animator, KEY=VALUE, such as steps=20; `actorforge ls animators NAME` describes them. They are recorded.
        max_cost: The most the run may cost, USD, by its own estimate and what answers then say; cases beyond it stay to be done.
        dry_run: Say what would be asked, adapted and paid, and what is missing; nothing is written, loaded or sent.
    """
    from pipelines import generate as job
    from pipelines.failed_cases import failures
    from pipelines.purse import usd_words

    from_zero("--workers", workers)
    over_zero("--timeout", timeout)
    asked = {"guide": guide, "limit": limit, "offset_s": offset, "name": name, "runtime": runtime}
    asked |= {"retry": retry_of(retry_failed, keep_failed), "timeout_s": timeout}
    options = parse_settings(all_of(set_))
    if dry_run:
        rehearsed = {name: asked[name] for name in ("guide", "limit", "retry", "offset_s", "runtime")}
        rehearsed |= {"options": options, "max_cost_usd": max_cost}
        lines, ready = job.rehearse(animator, suite, out, **rehearsed)
        print("\n".join(lines))
        return 0 if ready else 1
    asked |= {"options": options, "max_cost_usd": max_cost}
    run = job.generate(animator, suite, out, workers=workers, seed=seed, **asked)
    counts, cases = job.counts(run), run.config["suite"]
    part = "" if cases["cases"] == cases["of_cases"] else f", {cases['cases']} of the suite's {cases['of_cases']} cases"
    print(f"{counts['ok']} generated, {counts['failed']} failed in {out}{part}")
    for line in failures(run):
        print(f"  {line}")
    if not run.complete:
        spent = f"{usd_words(job.spent(run))} of {max_cost:g} USD"
        print(f"  stopped at {spent}, cases stay to be done: the same command with a higher --max-cost goes on")
    return 0 if counts["ok"] and run.complete else 1
