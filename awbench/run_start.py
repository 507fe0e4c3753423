"""A run begun or continued: its plan written, or compared with the one that is there, and its suite brought to what it covers."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Mapping

from awbench.cases import Suite
from awbench.run_folder import PLAN_FILE, RUN_FILE, Run, pending, record_path, reopen
from awbench.run_plan import mark_of, plan_of, refuse_changed_cases, refuse_other_settings
from awbench.suites.snapshot import stored_entries, write_snapshot
from models.artifacts import read_json, write_json
from models.guidance.guide import Guide
from models.protocols import Animator
from models.types import require

MAX_NAME_CHARS = 80


def start_run(
    out: str | Path,
    suite: Suite,
    animator_name: str,
    animator: Animator,
    seed: int,
    *,
    guide: Guide | None = None,
    limit: int | None = None,
    offset_s: float | None = None,
    name: str | None = None,
    options: Mapping[str, Any] | None = None,
    terms: Mapping[str, str] | None = None,
) -> Run:
    """Begin or continue the run `out`. Raises ValueError, naming the field, when it was begun with other settings.

    `name`: what the system is called in place of the animator's own name. `options`: the record of the animator's options, all of them;
    they decide what is made. `terms`: its kind and licence, for those who read the run.
    What the animator runs on is noted in the plan and may differ from call to call. `guide`: writes prompts of cases without one.
    `limit`: the run covers the suite's first cases only, and those it covers already. Cases that the suite has gained since are added; one
    that it has lost, or whose mark has changed, is refused by name; a plug-in that was edited is another system once one of its answers is
    there. `offset_s`: the moment of the driver that the answers' first frames are
    declared to show, as of a hosted system that cuts the beginning; None: a lag is looked for when scoring.
    """
    out = Path(out)
    require(offset_s is None or abs(offset_s) < 3600, f"run {out}", "offset_s", offset_s, "seconds, or none to look for a lag")
    fit_name = name is None or (0 < len(name) <= MAX_NAME_CHARS and name.isprintable() and name.strip() == name)
    require(fit_name, f"run {out}", "name", repr(name), f"1 to {MAX_NAME_CHARS} printable characters without outer blanks")
    require(limit is None or limit >= 1, f"run {out}", "limit", limit, "a whole number >= 1, or none for all cases")
    first = {case.id for case in suite.cases[:limit]}
    begun = (out / PLAN_FILE).is_file()
    before, stored = (read_json(out / PLAN_FILE), stored_entries(out / "suite")) if begun else ({}, {})
    plan = plan_of(suite, suite.only(first | set(stored)), animator_name, animator, seed, guide)
    plan |= {"offset_s": offset_s, "system": name or animator.name, "options": dict(options or {}), "terms": dict(terms or {})}
    if begun:
        refuse_other_settings(out, before if _has_answers(out) else {name: before[name] for name in before if name != "code"}, plan)
        refuse_changed_cases(out, before, plan, suite, stored)
    else:
        others = [entry.name for entry in out.iterdir() if not entry.name.startswith(".")] if out.exists() else []
        require(not others, f"run {out}", "content", ", ".join(sorted(others)[:5]), "an empty or new folder", "choose another --out")
        write_json(out / PLAN_FILE, plan)
    _cover(out, suite.only(first | set(stored)), before or plan, plan, stored)
    run = Run.open(out)
    _note_runtime(run, animator)
    return run


def _has_answers(out: Path) -> bool:
    """Where nothing has come yet a plug-in may be mended without another folder."""
    return any((out / "videos").glob("*.mp4"))


def _cover(out: Path, suite: Suite, before: dict[str, Any], plan: dict[str, Any], stored: dict[str, Any]) -> None:
    """Bring the stored suite and the plan to what the run covers now: new cases, and media that were unreadable and have changed."""
    mended = [name for name, entry in stored.items() if "problem" in entry and mark_of(before, name) != mark_of(plan, name)]
    if mended or len(stored) < len(suite.cases):
        reopen(out)
        for name in mended:
            record_path(out, name).unlink(missing_ok=True)
        write_snapshot(suite, out / "suite", anew=mended)
    since = {
        name: plan[name] for name in ("options", "terms", "code", "weights_parts")
    }  # of a run begun before they were recorded: those it is continued with
    for path in (out / PLAN_FILE, out / RUN_FILE):
        if path.is_file() and (known := read_json(path)) != (now := since | known | {name: plan[name] for name in ("suite", "code")}):
            write_json(path, now)


def _note_runtime(run: Run, animator: Animator) -> None:
    """Add what the animator runs on to the plan, where it says so and cases are left for it."""
    runtime = getattr(animator, "runtime", None)
    plan = read_json(run.path / PLAN_FILE)
    noted = plan.get("runtimes", [])
    record = None if runtime is None else runtime.record()
    if record is not None and record not in noted and pending(run):
        write_json(run.path / PLAN_FILE, plan | {"runtimes": [*noted, record]})
