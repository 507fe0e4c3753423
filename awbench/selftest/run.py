"""The self-test as a folder that continues after a kill:

    plan.json          what was asked for; compared when the folder is used again
    parts/SCENE.json   the values of a scene, whole or not at all: what a rerun skips
    values.parquet     all of them: scene, kind, group, name, level, judged, metric, value, reason
    heatmap.svg, selftest.md
    selftest.json      the findings; written last

Everything random derives from (seed, scene, damage), so any schedule gives the same bytes.

    todo = begin(out, plan); for source in todo: record(out, source, scene_rows(plan, source)); finish(out, plan)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import awbench
from awbench.metrics.metric import Metric
from awbench.scoring import load_metrics
from awbench.selftest.bench import Bench, bench_of
from awbench.selftest.damages import DAMAGES, LEVELS
from awbench.selftest.findings import SelfTest, findings
from awbench.selftest.heat_map import heat_map
from awbench.selftest.nuisances import NUISANCES, REPEATED, coded
from awbench.selftest.page import page
from awbench.selftest.scenes import Answer, Scene, Source
from awbench.selftest.tricks import HONEST, RIGHT, TRICKS, WARP
from models.artifacts import read_json, sha256, to_json, write_json, write_parquet
from models.seeds import item_rng
from models.storage import write_bytes
from models.types import Grid, require

PLAN_FILE, RESULT_FILE, VALUES_FILE = "plan.json", "selftest.json", "values.parquet"
METRICS = (
    ("imaging_quality", "motion_smoothness", "temporal_consistency", "appearance_consistency", "motion_fidelity")
    + ("completeness", "lag", "ssim", "psnr_subject", "overall")  # what a ladder is looked at by
)
ON_TRICKS_TOO = ("driver_leak",)
"""A share that tricks are asked for; a damage of a right answer hands no driver back."""
CLEAN, HONEST_GROUP, REPEATED_GROUP, TRICK, NUISANCE, DAMAGE = "clean", "honest", "repeated", "trick", "nuisance", "damage"
_COLUMNS = ("scene", "kind", "group", "name", "level", "judged", "metric", "value", "reason")
_SOURCES = ("metrics/*.py", "evidence.py", "alignment.py", "motion_signature.py", "selftest/*damages.py", "selftest/nuisances.py")
_SOURCES += ("selftest/tricks.py", "selftest/scenes.py", "selftest/bench.py")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`damages`: names, in the table's order; `metrics`: names, () for those of `METRICS`."""

    sources: tuple[Source, ...]
    grid: Grid
    seed: int = 0
    metrics: tuple[str, ...] = ()
    damages: tuple[str, ...] = tuple(DAMAGES)

    def __post_init__(self) -> None:
        unknown = [name for name in self.damages if name not in DAMAGES]
        require(not unknown, "selftest", "damages", ", ".join(unknown), f"some of {', '.join(DAMAGES)}")

    def loaded(self) -> tuple[Metric, ...]:
        """The metrics, with the parts of a combined one before it."""
        return load_metrics(self.metrics or METRICS)

    def on_tricks(self) -> tuple[Metric, ...]:
        return self.loaded() if self.metrics else load_metrics((*METRICS, *ON_TRICKS_TOO))

    def identity(self) -> dict[str, Any]:
        """What must agree between two uses of one folder."""
        return {
            "grid": asdict(self.grid),
            "seed": self.seed,
            "damages": list(self.damages),
            "scenes": {source.id: source.mark for source in self.sources},
            "metrics": {metric.name: metric.scored_version for metric in self.on_tricks()},
            "source": _source_hash(),
        }


def _source_hash() -> str:
    """sha256 over the files that decide a value."""
    root = Path(awbench.__file__).parent
    files = sorted({path for pattern in _SOURCES for path in root.glob(pattern)})
    return sha256(b"".join(path.relative_to(root).as_posix().encode() + path.read_bytes() for path in files))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One answer to a scene. `level`: of a damage, or the rate factor of a repetition. `answer` gives None where material is lacking."""

    group: str
    name: str
    level: int
    answer: Callable[[Scene], Answer | None]


def jobs(plan: Plan, kind: str) -> list[Job]:
    """Everything that is asked of a scene of that kind."""
    found = [Job(group=CLEAN, name=RIGHT if kind != "cross" else WARP, level=0, answer=lambda scene: Answer(clip=scene.answer))]
    if kind != "cross":
        found.append(Job(group=HONEST_GROUP, name=WARP, level=0, answer=lambda scene: Answer(clip=HONEST[WARP](scene))))
    found += [Job(group=REPEATED_GROUP, name=WARP, level=crf, answer=_repeated(crf)) for crf in REPEATED]
    if kind != "self":
        found += [Job(group=TRICK, name=name, level=0, answer=trick) for name, trick in TRICKS.items()]
    found += [Job(group=NUISANCE, name=name, level=0, answer=make) for name, make in NUISANCES.items()]
    for name in plan.damages:
        first = 1 if DAMAGES[name].clean is None else 0
        found += [Job(group=DAMAGE, name=name, level=level, answer=_damage(plan, name, level)) for level in range(first, LEVELS + 1)]
    return found


def _repeated(crf: int) -> Callable[[Scene], Answer]:
    return lambda scene: Answer(clip=coded(HONEST[WARP](scene), crf))


def _damage(plan: Plan, name: str, level: int) -> Callable[[Scene], Answer | None]:
    def answer(scene: Scene) -> Answer | None:
        damage = DAMAGES[name]
        return damage.answer(scene, level, item_rng(plan.seed, scene.id, name)) if damage.applies(scene) else None

    return answer


def scene_rows(plan: Plan, source: Source, step: Callable[[], None] = lambda: None) -> list[Row]:
    """All values of a scene; `step` is called after every answer. A scene that cannot be made is one row with the reason."""
    asked, metrics, on_tricks = jobs(plan, source.kind), plan.loaded(), plan.on_tricks()
    try:
        scene = source.make()
        bench = bench_of(scene)
    except (ValueError, OSError) as error:
        for _ in asked:
            step()
        return [_row(source, Job(group="failed", name="scene", level=0, answer=lambda scene: None), reason=str(error)[:500])]
    rows = []
    for job in asked:
        rows += _job_rows(source, scene, bench, job, metrics if job.group in (DAMAGE, NUISANCE, REPEATED_GROUP) else on_tricks)
        step()
    return rows


def _job_rows(source: Source, scene: Scene, bench: Bench, job: Job, metrics: tuple[Metric, ...]) -> Iterator[Row]:
    answer = job.answer(scene)
    for value in () if answer is None else bench.values(answer, metrics):
        yield _row(source, job, **asdict(value))


def _row(source: Source, job: Job, **found: Any) -> Row:
    about = {"scene": source.id, "kind": source.kind, "group": job.group, "name": job.name, "level": job.level}
    return {"judged": "", "metric": "", "value": None, "reason": ""} | about | found


def begin(out: Path, plan: Plan) -> list[Source]:
    """Begin or continue in `out`: the scenes still to do. Raises ValueError, naming the field, where it was begun otherwise."""
    now = plan.identity()
    if (out / PLAN_FILE).is_file():
        before = read_json(out / PLAN_FILE)
        for name, value in now.items():
            same = before.get(name) == value
            require(same, f"selftest {out}", name, "other than before", f"as in its {PLAN_FILE}", "use another --out")
    else:
        others = [entry.name for entry in out.iterdir() if not entry.name.startswith(".")] if out.exists() else []
        require(not others, f"selftest {out}", "content", ", ".join(sorted(others)[:5]), "an empty or new folder", "choose another --out")
        write_json(out / PLAN_FILE, now)
    return [source for source in plan.sources if not _part(out, source).is_file()]


def _part(out: Path, source: Source) -> Path:
    return out / "parts" / f"{source.id}.json"


def record(out: Path, source: Source, rows: list[Row]) -> None:
    """Put a scene's values away."""
    write_json(_part(out, source), [[row[name] for name in _COLUMNS] for row in rows])


def finish(out: Path, plan: Plan) -> SelfTest:
    """Merge the parts, draw the findings and write them; selftest.json last."""
    import pandas as pd

    rows = [dict(zip(_COLUMNS, row)) for source in plan.sources for row in read_json(_part(out, source))]
    write_parquet(out / VALUES_FILE, rows, _schema())
    about = {"grid": asdict(plan.grid), "seed": plan.seed, "scenes": {source.id: source.kind for source in plan.sources}}
    result = findings(pd.DataFrame(rows, columns=list(_COLUMNS)), plan.loaded(), about)
    write_bytes(out / "heatmap.svg", heat_map(result).encode())
    write_bytes(out / "selftest.md", page(result).encode())
    write_bytes(out / RESULT_FILE, to_json(asdict(result)).encode())
    return result


def _schema() -> Any:
    import pyarrow as pa

    kinds = {"level": pa.int64(), "value": pa.float64()}
    return pa.schema([(name, kinds.get(name, pa.string())) for name in _COLUMNS])
