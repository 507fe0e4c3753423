"""A run: one animator over one suite, as a folder that can be moved, scored and replayed on its own.

    plan.json            what was asked for; written first, and compared when the same folder is used again
    suite/               the suite as a folder suite: media by content hash, suite.yaml
    videos/CASE.mp4      the outputs on the suite's grid; `recorded:RUN/videos` replays them
    records/CASE.json    one row per attempted case, written after its video: what a rerun skips
    generation.parquet   the rows in case order
    scores.parquet       written by scoring
    run.json             the resolved configuration; written last: the run is complete

A case that fails is a row with the reason and never stops the others. Seeds derive from (run seed, case id), so any
schedule and any number of workers gives the same videos.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from awbench.cases import Case, CaseMedia, Suite
from awbench.suites.folder import SUITE_FILE, load_folder
from awbench.suites.snapshot import write_snapshot
from models.artifacts import read_json, sha256, write_bytes, write_json, write_parquet
from models.guidance.guide import Guide
from models.mllm.errors import MllmError
from models.protocols import Animator
from models.seeds import item_seed
from models.types import AnimationRequest, AnimationResult, Clip, Grid, require
from models.versions import installed_versions
from models.video import encode_video, fit_clip

if TYPE_CHECKING:
    import pandas

PLAN_FILE, RUN_FILE = "plan.json", "run.json"
GENERATION_FILE, SCORES_FILE = "generation.parquet", "scores.parquet"
COLUMNS = ("case", "system", "status", "reason", "seconds", "seed", "prompt", "animator", "sha256", "adaptation")
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
        return cls(path=path, config=read_json(path / present[0]), suite=load_folder(path / "suite", fingerprint=False))

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
        return self.path / "records" / f"{case_id}.json"

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


def start_run(out: str | Path, suite: Suite, animator_name: str, animator: Animator, seed: int, *, guide: Guide | None = None) -> Run:
    """Begin or continue the run `out`. Raises ValueError, naming the field, when it was begun with other settings.

    What the animator runs on is noted in the plan and may differ from call to call. `guide`: writes prompts of cases without one.
    """
    out = Path(out)
    plan = _plan(suite, animator_name, animator, seed, guide)
    if (out / PLAN_FILE).is_file():
        _refuse_other_settings(out, read_json(out / PLAN_FILE), plan)
    else:
        others = [entry.name for entry in out.iterdir() if not entry.name.startswith(".")] if out.exists() else []
        require(not others, f"run {out}", "content", ", ".join(sorted(others)[:5]), "an empty or new folder", "choose another --out")
        write_json(out / PLAN_FILE, plan)
    if not (out / "suite" / SUITE_FILE).is_file():
        write_snapshot(suite, out / "suite")
    run = Run.open(out)
    _note_runtime(run, animator)
    return run


def _note_runtime(run: Run, animator: Animator) -> None:
    """Add what the animator runs on to the plan, where it says so and cases are left for it."""
    runtime = getattr(animator, "runtime", None)
    plan = read_json(run.path / PLAN_FILE)
    noted = plan.get("runtimes", [])
    record = None if runtime is None else runtime.record()
    if record is not None and record not in noted and pending(run):
        write_json(run.path / PLAN_FILE, plan | {"runtimes": [*noted, record]})


def _plan(suite: Suite, animator_name: str, animator: Animator, seed: int, guide: Guide | None) -> dict[str, Any]:
    return {
        "kind": "run",
        "suite": {
            "name": suite.name,
            "version": suite.version,
            "fingerprint": suite.fingerprint,
            "grid": asdict(suite.grid),
            "cases": len(suite.cases),
        },
        "animator": animator_name,
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
    suite = {f"suite.{name}": plan["suite"][name] for name in ("name", "version", "grid", "fingerprint")}
    named = () if plan["weights_hash"] else ("animator",)
    return suite | {name: plan[name] for name in (*named, "system", "weights_hash", "seed")} | {"guide": plan.get("guide", _NO_GUIDE)}


def _refuse_other_settings(out: Path, before: dict[str, Any], now: dict[str, Any]) -> None:
    old = _identity(before)
    for name, value in _identity(now).items():
        advice = "use another --out, or the settings this folder was begun with"
        require(old.get(name) == value, f"run {out}", name, value, f"{old.get(name)} as in its {PLAN_FILE}", advice)


def record(run: Run, case_id: str) -> Row | None:
    """The row of an attempted case, or None when the case has to be (re)done."""
    path = run.record_path(case_id)
    if not path.is_file():
        return None
    try:
        row = read_json(path)
    except ValueError:
        return None  # a damaged record is done again
    ok = isinstance(row, dict) and set(row) == set(COLUMNS)
    return row if ok and (row["status"] == "failed" or run.video_path(case_id).is_file()) else None


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
    row: Row = dict.fromkeys(COLUMNS, "") | {"case": case_id, "system": run.system, "seed": item_seed(run.seed, case_id), "seconds": None}
    start_s = time.monotonic()
    try:
        media = run.suite.load(case_id)
        row["prompt"] = _prompt(run.suite.case(case_id), media, guide)
        start_s = time.monotonic()
        result = animator.animate(_request(run, case_id, media, row))
        row["seconds"] = round(time.monotonic() - start_s, 4)
        clip, note = to_grid(_checked(result, case_id), run.suite.grid)
        data = encode_video(clip)
        write_bytes(run.video_path(case_id), data)
        adaptation = "; ".join(part for part in (media.adaptation, result.provenance.get("note", ""), note) if part)
        row |= {"status": "ok", "animator": result.animator, "sha256": sha256(data), "adaptation": adaptation}
    except Exception as error:  # noqa: BLE001  an animator may raise anything, and one case must not stop the others
        row |= {"status": "failed", "reason": _reason(error), "seconds": round(time.monotonic() - start_s, 4)}
        run.video_path(case_id).unlink(missing_ok=True)
    write_json(run.record_path(case_id), row)
    return row


def _prompt(case: Case, media: CaseMedia, guide: Guide | None) -> str:
    if case.prompt or guide is None:
        return case.prompt
    return guide.guide(media.driving, media.reference, {name: str(value) for name, value in case.tags.items()}).prompt


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


def to_grid(clip: Clip, grid: Grid) -> tuple[Clip, str]:
    """A result on the grid, and what had to be done to it ("" when it was there already)."""
    if (len(clip), clip.size, clip.fps) == (grid.num_frames, grid.size, grid.fps):
        return clip, ""
    notes = [f"output cropped and resized from {clip.size[0]}x{clip.size[1]}"] if clip.size != grid.size else []
    notes += [f"output resampled from {clip.fps:g} to {grid.fps:g} fps"] if clip.fps != grid.fps else []
    last = round((grid.num_frames - 1) * clip.fps / grid.fps)
    notes += [f"output of {len(clip)} frames holds its last one"] if last > len(clip) - 1 else []
    notes += [f"output of {len(clip)} frames cut"] if last < len(clip) - 1 else []
    return fit_clip(clip, grid), "; ".join(notes)


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

    kinds = {"seconds": pa.float64(), "seed": pa.int64()}
    return pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])
