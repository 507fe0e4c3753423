"""A run: one animator over one suite, as a folder that can be moved, scored and replayed on its own.

    plan.json            what was asked for; written first, and compared when the same folder is used again
    suite/               the suite as a folder suite: media by content hash, suite.yaml
    videos/CASE.mp4      the outputs on the suite's grid; `recorded:RUN/videos` replays them
    records/CASE.json    one row per attempted case, written after its video: what a rerun skips
    generation.parquet   the rows in case order
    scores.parquet       written by scoring
    run.json             the resolved configuration; written last: the run is complete

A case that fails is a row with the reason and never stops the others. Seeds derive from (run seed, case id), so any
schedule and any number of workers gives the same videos. A run may cover a suite's first cases alone, and grows with the limit and with the
suite: plan and run.json hold a mark of every case (`awbench.cases.case_mark`), and one that has changed is refused by name.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any, Iterable

from awbench.answered import to_grid
from awbench.cases import Case, CaseMedia, Suite
from awbench.suites.folder import load_folder
from awbench.suites.parse import SUITE_FILE
from awbench.suites.snapshot import stored_entries, write_snapshot
from models.artifacts import read_json, sha256, write_json, write_parquet
from models.guidance.guide import Guide
from models.mllm.errors import MllmError
from models.protocols import Animator
from models.seeds import item_seed
from models.storage import write_bytes
from models.types import AnimationRequest, AnimationResult, Clip, require
from models.versions import installed_versions
from models.video import encode_video

if TYPE_CHECKING:
    import pandas

PLAN_FILE, RUN_FILE = "plan.json", "run.json"
GENERATION_FILE, SCORES_FILE = "generation.parquet", "scores.parquet"
COLUMNS = (
    ("case", "system", "status", "reason", "seconds", "seed", "prompt", "animator", "sha256", "adaptation")
    + ("given_frames", "given_fps", "given_width", "given_height")  # what the system answered, before it was brought to the grid
)
_NUMBERS = {"seconds": "f", "seed": "i", "given_frames": "i", "given_fps": "f", "given_width": "i", "given_height": "i"}
MAX_NAME_CHARS = 80
_NO_GUIDE = {"name": "", "version": ""}
_LIBRARIES = ("actorforge", "numpy", "opencv-python-headless", "av", "torch", "diffusers")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """An opened run folder. `config`: run.json, or plan.json while the run is not complete; `suite`: read from the folder."""

    path: Path
    config: dict[str, Any]
    suite: Suite

    @classmethod
    def open(cls, path: str | Path) -> Run:
        """Open a run folder. Raises ValueError saying what it lacks."""
        path = Path(path)
        present = [name for name in (RUN_FILE, PLAN_FILE) if (path / name).is_file()]
        require(bool(present), f"run {path}", RUN_FILE, "no such file", "a folder made by `generate --out`")
        ready, advice = (path / "suite" / SUITE_FILE).is_file(), "it was stopped before it had begun: run the same generate command again"
        require(ready, f"run {path}", f"suite/{SUITE_FILE}", "no such file", "the suite's own copy", advice)
        config, suite = read_json(path / present[0]), load_folder(path / "suite", fingerprint=False)
        marks = config.get("suite", {}).get("case_marks", {})
        return cls(path=path, config=config, suite=replace(suite, case_marks=marks))

    @property
    def system(self) -> str:
        """The animator's display name."""
        return str(self.config["system"])

    @property
    def seed(self) -> int:
        return int(self.config["seed"])

    @property
    def complete(self) -> bool:
        """Whether every case has its row and run.json is written."""
        return (self.path / RUN_FILE).is_file()

    def video_path(self, case_id: str) -> Path:
        return self.path / "videos" / f"{case_id}.mp4"

    def record_path(self, case_id: str) -> Path:
        return _record_path(self.path, case_id)

    def generation(self) -> pandas.DataFrame:
        """One row per attempted case, in case order, with the columns of `COLUMNS`."""
        import pandas as pd

        if (self.path / GENERATION_FILE).is_file():
            return pd.read_parquet(self.path / GENERATION_FILE)
        return pd.DataFrame(recorded_rows(self), columns=list(COLUMNS))

    def scores(self) -> pandas.DataFrame | None:
        """The rows of scores.parquet, or None before scoring."""
        import pandas as pd

        path = self.path / SCORES_FILE
        return pd.read_parquet(path) if path.is_file() else None


def _record_path(out: Path, case_id: str) -> Path:
    return out / "records" / f"{case_id}.json"


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
) -> Run:
    """Begin or continue the run `out`. Raises ValueError, naming the field, when it was begun with other settings.

    `name`: what the system is called in place of the animator's own name.
    What the animator runs on is noted in the plan and may differ from call to call. `guide`: writes prompts of cases without one.
    `limit`: the run covers the suite's first cases only, and those it covers already. Cases that the suite has gained since are added; one
    that it has lost, or whose mark has changed, is refused by name. `offset_s`: the moment of the driver that the answers' first frames are
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
    plan = _plan(suite, suite.only(first | set(stored)), animator_name, animator, seed, guide)
    plan |= {"offset_s": offset_s, "system": name or animator.name}
    if begun:
        _refuse_other_settings(out, before, plan)
        _refuse_changed_cases(out, before, plan, suite, stored)
    else:
        others = [entry.name for entry in out.iterdir() if not entry.name.startswith(".")] if out.exists() else []
        require(not others, f"run {out}", "content", ", ".join(sorted(others)[:5]), "an empty or new folder", "choose another --out")
        write_json(out / PLAN_FILE, plan)
    _cover(out, suite.only(first | set(stored)), before or plan, plan, stored)
    run = Run.open(out)
    _note_runtime(run, animator)
    return run


def _cover(out: Path, suite: Suite, before: dict[str, Any], plan: dict[str, Any], stored: dict[str, Any]) -> None:
    """Bring the stored suite and the plan to what the run covers now: new cases, and media that were unreadable and have changed."""
    mended = [name for name, entry in stored.items() if "problem" in entry and _mark(before, name) != _mark(plan, name)]
    if mended or len(stored) < len(suite.cases):
        reopen(out)
        for name in mended:
            _record_path(out, name).unlink(missing_ok=True)
        write_snapshot(suite, out / "suite", anew=mended)
    for path in (out / PLAN_FILE, out / RUN_FILE):
        if path.is_file() and (known := read_json(path))["suite"] != plan["suite"]:
            write_json(path, known | {"suite": plan["suite"]})


def reopen(out: Path) -> None:
    """Take back that a run is complete: cases are about to be done."""
    for name in (RUN_FILE, GENERATION_FILE):
        (out / name).unlink(missing_ok=True)


def forget(run: Run, case_ids: Iterable[str]) -> None:
    """Take back the rows of these cases, and the run's end with them, so that they are to do again."""
    reopen(run.path)
    for case_id in case_ids:
        run.record_path(case_id).unlink(missing_ok=True)


def _note_runtime(run: Run, animator: Animator) -> None:
    """Add what the animator runs on to the plan, where it says so and cases are left for it."""
    runtime = getattr(animator, "runtime", None)
    plan = read_json(run.path / PLAN_FILE)
    noted = plan.get("runtimes", [])
    record = None if runtime is None else runtime.record()
    if record is not None and record not in noted and pending(run):
        write_json(run.path / PLAN_FILE, plan | {"runtimes": [*noted, record]})


def _plan(whole: Suite, suite: Suite, animator_name: str, animator: Animator, seed: int, guide: Guide | None) -> dict[str, Any]:
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
        "filter_metrics": sorted(getattr(animator, "filter_metrics", ())),
        "seed": seed,
        "guide": _NO_GUIDE if guide is None else {"name": guide.name, "version": guide.version},
        "runtimes": [],
        "versions": installed_versions(_LIBRARIES),
    }


def _identity(plan: dict[str, Any]) -> dict[str, Any]:
    """What must agree between two uses of one folder; a checkpoint is known by its weights, not by its path."""
    suite = {f"suite.{name}": plan["suite"][name] for name in ("name", "version", "grid")}
    suite["suite.fit"] = plan["suite"].get("fit", "crop")
    named = () if plan["weights_hash"] else ("animator",)
    since = {"guide": plan.get("guide", _NO_GUIDE), "offset_s": plan.get("offset_s")}
    own = {name: plan[name] for name in ("system", "weights_hash", "seed")}
    return suite | {name: placeless(plan[name]) for name in named} | own | since


def placeless(animator: str) -> str:
    """An animator's name without where its folder lies on this machine: runs are published."""
    head, colon, argument = animator.partition(":")
    place = PurePath(argument if colon else head)
    if not place.is_absolute():
        return animator
    kept = place.parent.name if place.name == "videos" else place.name
    return f"{head}:{kept}" if colon else kept


def _refuse_other_settings(out: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    old = _identity(before)
    for name, value in _identity(now).items():
        advice = "use another --out, or the settings this folder was begun with"
        require(old.get(name) == value, f"run {out}", name, value, f"{old.get(name)} as in its {PLAN_FILE}", advice)


def _refuse_changed_cases(out: Path, before: dict[str, Any], now: dict[str, Any], suite: Suite, stored: dict[str, Any]) -> None:
    """Every case of the run must still be asked as it was; where cases have no marks, the whole suite must be the same."""
    advice = "use another --out, or the suite this folder was begun with"
    old, new = (plan["suite"]["fingerprint"] for plan in (before, now))
    marked = all(plan["suite"].get("case_marks") for plan in (before, now))
    require(old == new or marked, f"run {out}", "suite.fingerprint", new, f"{old} as in its {PLAN_FILE}", advice)
    there = {case.id for case in suite.cases}
    for name, entry in stored.items():
        require(name in there, f"run {out}", f"case {name}", "no such case in the suite", "the case as before", advice)
        fresh = "problem" in entry or name not in before["suite"].get("case_marks", {})  # or stored, and stopped before the plan knew
        same = old == new or fresh or _mark(before, name) == _mark(now, name)
        require(same, f"run {out}", f"case {name}", "other fields or media than before", "the case as it was asked before", advice)


def _mark(plan: dict[str, Any], case_id: str) -> str:
    return plan["suite"].get("case_marks", {}).get(case_id, "")


def record(run: Run, case_id: str) -> Row | None:
    """The row of an attempted case, or None when the case has to be (re)done."""
    path = run.record_path(case_id)
    if not path.is_file():
        return None
    try:
        row = read_json(path)
    except ValueError:
        return None  # a damaged record is done again
    if not isinstance(row, dict) or not set(row) <= set(COLUMNS) or "status" not in row:
        return None
    row = dict.fromkeys(COLUMNS) | row  # columns that an older run did not write
    return row if (row["status"] == "failed" or run.video_path(case_id).is_file()) else None


def recorded_rows(run: Run) -> list[Row]:
    """The rows of all attempted cases in case order."""
    return [row for case in run.suite.cases if (row := record(run, case.id)) is not None]


def pending(run: Run) -> list[str]:
    """Ids of the cases still to do, in case order."""
    return [case.id for case in run.suite.cases if record(run, case.id) is None]


def generate_case(run: Run, case_id: str, animator: Animator, guide: Guide | None = None) -> Row:
    """Animate one case, publish its video, then its row. Whatever goes wrong becomes a failed row with the reason.

    A case without a prompt gets the guide's. A guide that fails fails the case: it is not asked for with an empty prompt.
    """
    row, video = try_case(run, case_id, animator, guide)
    try:
        if video:
            write_bytes(run.video_path(case_id), video)
    except Exception as error:  # noqa: BLE001  as below
        row |= {"status": "failed", "reason": _reason(error), "animator": "", "sha256": "", "adaptation": ""}
    if row["status"] == "failed":
        run.video_path(case_id).unlink(missing_ok=True)
    write_json(run.record_path(case_id), row)
    return row


def try_case(run: Run, case_id: str, animator: Animator, guide: Guide | None = None) -> tuple[Row, bytes]:
    """The row of one case and its video, b"" where it failed; nothing is written."""
    row: Row = dict.fromkeys(COLUMNS, "") | dict.fromkeys(_NUMBERS) | {"case": case_id, "system": run.system}
    row["seed"] = item_seed(run.seed, case_id)
    start_s = time.monotonic()
    try:
        media = run.suite.load(case_id)
        row["prompt"] = _prompt(run.suite.case(case_id), media, guide)
        start_s = time.monotonic()
        result = animator.animate(_request(run, case_id, media, row))
        row["seconds"] = round(time.monotonic() - start_s, 4)
        given = _checked(result, case_id)
        row |= {"given_frames": len(given), "given_fps": float(given.fps), "given_width": given.size[0], "given_height": given.size[1]}
        clip, note = to_grid(given, run.suite.grid, run.suite.fit, run.config.get("offset_s"), media.driver_cut)
        data = encode_video(clip)
        adaptation = "; ".join(part for part in (media.adaptation, result.provenance.get("note", ""), note) if part)
        return row | {"status": "ok", "animator": result.animator, "sha256": sha256(data), "adaptation": adaptation}, data
    except Exception as error:  # noqa: BLE001  an animator may raise anything, and one case must not stop the others
        return row | {"status": "failed", "reason": _reason(error), "seconds": round(time.monotonic() - start_s, 4)}, b""


def _prompt(case: Case, media: CaseMedia, guide: Guide | None) -> str:
    if case.prompt or guide is None:
        return case.prompt
    return guide.guide(media.driving, media.reference, case.described()).prompt


def _reason(error: Exception) -> str:
    text = " ".join(str(error).split())[:1000]
    if isinstance(error, MllmError):
        return f"guide: {error.kind}: {text}"
    return text if isinstance(error, ValueError) and text else f"{type(error).__name__}: {text}".removesuffix(": ")


def _request(run: Run, case_id: str, media: CaseMedia, row: Row) -> AnimationRequest:
    grid = run.suite.grid
    given = {"reference": media.reference, "driving": media.driving, "prompt": row["prompt"], "seed": row["seed"]}
    return AnimationRequest(id=case_id, size=grid.size, num_frames=grid.num_frames, **given)


def _checked(result: object, case_id: str) -> Clip:
    require(isinstance(result, AnimationResult), f"case {case_id}", "result", type(result).__name__, "an AnimationResult")
    require(result.request_id == case_id, f"case {case_id}", "result.request_id", result.request_id, case_id)
    require(isinstance(result.clip, Clip), f"case {case_id}", "result.clip", type(result.clip).__name__, "a Clip")
    return result.clip


def finish_generation(run: Run) -> Run:
    """Write generation.parquet and, last, run.json; drafts that a killed process left are removed.

    Raises ValueError while cases are pending.
    """
    left = pending(run)
    require(not left, f"run {run.path}", "cases without a row", f"{len(left)}, e.g. {left[:3]}", "none", "run the same command again")
    for draft in run.path.rglob(".*.tmp"):
        draft.unlink(missing_ok=True)
    rows = recorded_rows(run)
    write_parquet(run.path / GENERATION_FILE, rows, _schema())
    counts = {status: sum(row["status"] == status for row in rows) for status in ("ok", "failed")}
    write_json(run.path / RUN_FILE, read_json(run.path / PLAN_FILE) | {"counts": counts})
    return Run.open(run.path)


def _schema() -> Any:
    import pyarrow as pa

    kinds = {"f": pa.float64(), "i": pa.int64()}
    return pa.schema([(name, kinds.get(_NUMBERS.get(name, ""), pa.string())) for name in COLUMNS])
