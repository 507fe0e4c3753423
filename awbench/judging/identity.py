"""Who judged: the name that stands in every score row, the record in a run, and whether the same judge chose the training pairs.

A filter of training pairs that asks a model names itself by `filter_name`; `filtered_by` tells where it judges twice.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Sequence

from awbench.judging.rubrics import PREFIX, dimension_of, rubric_version
from awbench.runs import Run
from models.artifacts import read_json, sha256, to_json, write_json
from models.types import require

PROTOCOLS = {"actorforge": "1", "video-bench": "1", "pairwise": "1"}
"""Name -> version: another choice of frames or words around the rubric raises it."""
JUDGE_FOLDER, JUDGES_FILE = "judge", "judges.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Judge:
    """Everything that decides a score but the question: scores of two judges never mix. `temperature` None: the server's own."""

    model: str
    protocol: str = "actorforge"
    temperature: float | None = 0.0

    def __post_init__(self) -> None:
        require(self.protocol in PROTOCOLS, "judge", "protocol", repr(self.protocol), f"one of {', '.join(PROTOCOLS)}")
        require(bool(self.model.strip()), "judge", "model", repr(self.model), "the name of a model")

    def version(self, rivals: Sequence[str] = ()) -> str:
        """What a score row says: "1+actorforge@1:MODEL:t0"; in video-bench also who was judged beside it, as scores depend on it."""
        heat = "" if self.temperature is None else f"{self.temperature:g}"
        among = f":with-{sha256(to_json(list(rivals)).encode())[:6]}" if self.protocol == "video-bench" else ""
        return f"{rubric_version()}+{self.protocol}@{PROTOCOLS[self.protocol]}:{self.model}:t{heat}{among}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Used:
    """A judge as a run remembers it. `samples`: how many answers a case was to have; `rivals`: systems in the same calls."""

    version: str
    model: str
    protocol: str
    rubric: str
    temperature: float | None
    samples: int
    metrics: tuple[str, ...]
    rivals: tuple[str, ...] = ()


def judges_path(run: Run) -> Path:
    return run.path / JUDGE_FOLDER / JUDGES_FILE


def used_judges(run: Run) -> tuple[Used, ...]:
    """In the order of their use."""
    path = judges_path(run)
    records = read_json(path) if path.is_file() else []
    return tuple(Used(**record | {name: tuple(record[name]) for name in ("metrics", "rivals")}) for record in records)


def remember(run: Run, used: Used) -> None:
    """Put a judge last; its earlier record of the same metrics goes."""
    same = (used.version, used.metrics, used.rivals)
    before = [other for other in used_judges(run) if (other.version, other.metrics, other.rivals) != same]
    if tuple([*before, used]) != used_judges(run):
        write_json(judges_path(run), [asdict(one) for one in [*before, used]])


def current_judges(run: Run) -> dict[str, Used]:
    """Metric -> the judge that scored it last."""
    return {metric: used for used in used_judges(run) if used.protocol != "pairwise" for metric in used.metrics}


def filter_name(model: str) -> str:
    """How a filter of training pairs that asks a model is to name it among `filter_metrics`, beside the metric it asked for."""
    return f"{PREFIX.rstrip('_')}:{model}"


def filtered_by(run: Run) -> tuple[str, ...]:
    """Rule 4: a sentence for each judge of this run that also chose the pairs its system was trained on; () where none did."""
    filters = set(run.config.get("filter_metrics") or ())
    models = sorted({used.model for used in used_judges(run) if filter_name(used.model) in filters})
    metrics = sorted(metric for metric in current_judges(run) if metric in filters)
    said = [f"{model} judged the training pairs of {run.system} and judges its results" for model in models]
    return tuple(said + [f"{metric} chose the training pairs of {run.system} and judges its results" for metric in metrics])


def chosen_dimensions(names: Sequence[str]) -> tuple[str, ...]:
    """Names as the rubrics have them; without any all of them."""
    from awbench.judging.rubrics import rubrics

    return tuple(dict.fromkeys(dimension_of(name).name for name in names)) or tuple(rubrics())
