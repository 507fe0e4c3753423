"""What a run was asked for, as plan.json keeps it; what of that is its identity, and what another use of its folder may not change."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from awbench.cases import Suite
from awbench.catalog import ANIMATORS
from awbench.run_folder import PLAN_FILE
from models.animators.code import code_of
from models.guidance.guide import Guide
from models.placeless import placeless
from models.protocols import Animator
from models.types import require
from models.versions import installed_versions

_NO_GUIDE = {"name": "", "version": ""}
_LIBRARIES = ("actorforge", "numpy", "opencv-python-headless", "av", "torch", "diffusers")


def plan_of(whole: Suite, suite: Suite, animator_name: str, animator: Animator, seed: int, guide: Guide | None) -> dict[str, Any]:
    """What is asked for: the cases of `suite`, all of `whole` or its first ones."""
    return {
        "kind": "run",
        "suite": {
            "name": suite.name,
            "version": suite.version,
            "fingerprint": suite.fingerprint,
            "grid": asdict(suite.grid),
            "fit": suite.fit,
            "cases": len(suite.cases),
            "of_cases": len(whole.cases),
            "case_marks": dict(suite.case_marks),
        },
        "animator": placeless(animator_name),
        "system": animator.name,
        "weights_hash": getattr(animator, "weights_hash", ""),
        "weights_parts": dict(getattr(animator, "weights_parts", {})),
        "code": code_of(animator, animator_name, ANIMATORS),
        "filter_metrics": sorted(getattr(animator, "filter_metrics", ())),
        "seed": seed,
        "guide": _NO_GUIDE if guide is None else {"name": guide.name, "version": guide.version},
        "runtimes": [],
        "versions": installed_versions(_LIBRARIES),
    }


def _identity(plan: dict[str, Any]) -> dict[str, Any]:
    """What must agree between two uses of one folder; a checkpoint is known by its weights, not by its path, a plug-in by its code."""
    suite = {f"suite.{name}": plan["suite"][name] for name in ("name", "version", "grid")}
    suite["suite.fit"] = plan["suite"].get("fit", "crop")
    named = () if plan["weights_hash"] else ("animator",)
    since = {"guide": plan.get("guide", _NO_GUIDE), "offset_s": plan.get("offset_s")}
    since |= {f"options.{name}": value for name, value in plan.get("options", {}).items()}
    own = {name: plan.get(name) for name in ("system", "weights_hash", "code", "seed")}
    return suite | {name: placeless(plan[name]) for name in named} | own | since


def refuse_other_settings(out: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    """Raises ValueError naming what differs; what an older run did not record is not compared."""
    old, new = _identity(before), _identity(now)
    if "options" not in before:
        new = {name: value for name, value in new.items() if not name.startswith("options.")}
    if "code" not in before:
        new.pop("code")
    advice = "use another --out, or the settings this folder was begun with"
    for name, value in new.items():
        got = f"{value}{_whereof(name, before, now)}"
        require(old.get(name) == value, f"run {out}", name, got, f"{old.get(name)} as in its {PLAN_FILE}", advice)


def _whereof(name: str, before: dict[str, Any], now: dict[str, Any]) -> str:
    """What a hash that differs was made of, in words."""
    if name == "code":
        return f" ({now['animator']} is edited, or another module of that name)"
    one, other = (plan.get("weights_parts", {}) for plan in (before, now))
    parts = [part for part in other if part in one and one[part] != other[part]]
    return f" (another {', another '.join(parts)})" if name == "weights_hash" and parts else ""


def refuse_changed_cases(out: Path, before: dict[str, Any], now: dict[str, Any], suite: Suite, stored: dict[str, Any]) -> None:
    """Every case of the run must still be asked as it was; where cases have no marks, the whole suite must be the same."""
    advice = "use another --out, or the suite this folder was begun with"
    old, new = (plan["suite"]["fingerprint"] for plan in (before, now))
    marked = all(plan["suite"].get("case_marks") for plan in (before, now))
    require(old == new or marked, f"run {out}", "suite.fingerprint", new, f"{old} as in its {PLAN_FILE}", advice)
    there = {case.id for case in suite.cases}
    for name, entry in stored.items():
        require(name in there, f"run {out}", f"case {name}", "no such case in the suite", "the case as before", advice)
        fresh = "problem" in entry or name not in before["suite"].get("case_marks", {})  # or stored, and stopped before the plan knew
        same = old == new or fresh or mark_of(before, name) == mark_of(now, name)
        require(same, f"run {out}", f"case {name}", "other fields or media than before", "the case as it was asked before", advice)


def mark_of(plan: dict[str, Any], case_id: str) -> str:
    return plan["suite"].get("case_marks", {}).get(case_id, "")
