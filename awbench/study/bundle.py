"""`actorforge study make`: runs -> a folder with the page that raters see and, apart from it, the key.

DIR/site   is published: page.html as index.html, style.css, study.js, study.json (also inside the page, as pages opened from a disk cannot
           read files), media under names that tell nothing.
DIR/key.json stays with you, and is written last: while it is missing, the same command continues.

`making.json` holds the secret of the names until then, so that a command that was stopped finds its media again.
"""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Callable, Sequence

import numpy as np

from awbench.answered import failure_of
from awbench.run_folder import Run
from awbench.study.degraded import DAMAGE
from awbench.study.design import KINDS, Design, Shown, make_design
from awbench.study.media import ANSWER, BAD, TWIN, Names, write_case
from awbench.study.power import DetectableLead, detectable_lead
from awbench.study.questions import QUESTIONS
from models.artifacts import read_json, sha256, to_json, write_bytes, write_json
from models.types import require

FORMAT = "actorforge-study-1"
KEY_FILE, DRAFT_FILE, SITE = "key.json", "making.json", "site"
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A study that is ready. `excluded`: how many cases not every system answered; `new_files`: media that were not there yet."""

    design: Design
    lead: DetectableLead
    study: str
    excluded: int
    new_files: int


def make_study(
    runs: Sequence[Run],
    out: Path,
    *,
    cases: int,
    raters: int,
    pairs_each: int | None = None,
    seed: int = 0,
    completion_code: str = "",
    told: Callable[[DetectableLead], None] = lambda lead: None,
) -> Made:
    """Write the study. `told` hears the detectable lead before anything is written. Raises ValueError for wrong use."""
    names = [run.system for run in runs]
    require(len(runs) >= 2, "study", "runs", len(runs), "two or more run folders")
    require(len(set(names)) == len(names), "study", "systems", ", ".join(names), "one run of each system")
    common = common_cases(runs)
    require(1 <= cases <= len(common), "study", "cases", cases, f"1 to {len(common)}, the cases that every run has an answer to")
    order = np.random.default_rng([seed, 7]).permutation(len(common))[:cases]
    design = make_design(names, [common[place] for place in sorted(order)], raters, pairs_each=pairs_each, seed=seed)
    lead = detectable_lead(design.votes_per_pair, cases)
    told(lead)
    identity = _identity(runs, design, seed, completion_code)
    hidden = Names(secret=_secret(out, identity))
    written = _write_media(out / SITE, hidden, runs, design, seed)
    _write_site(out / SITE, hidden, design, runs[0], completion_code)
    write_json(out / KEY_FILE, _key(hidden, runs, design, seed, lead, identity))
    (out / DRAFT_FILE).unlink(missing_ok=True)
    excluded = len({case.id for run in runs for case in run.suite.cases} - set(common))
    return Made(design=design, lead=lead, study=_study_id(hidden), excluded=excluded, new_files=written)


def common_cases(runs: Sequence[Run]) -> list[str]:
    """The cases that all runs answered, in the first one's order. Raises ValueError where a case is another question in another run."""
    failed = {row["case"] for run in runs for row in run.generation().to_dict("records") if failure_of(row)}
    shared = [case.id for case in runs[0].suite.cases if all(run.video_path(case.id).is_file() for run in runs)]
    shared = [case for case in shared if case not in failed and all(any(case == one.id for one in run.suite.cases) for run in runs)]
    for run in runs[1:]:
        require(run.suite.grid == runs[0].suite.grid, f"run {run.path.name}", "grid", run.suite.grid, f"{runs[0].suite.grid}")
        other = [case for case in shared if _mark(run, case) != _mark(runs[0], case)]
        require(not other, f"run {run.path.name}", "cases", f"another question under the name {other[:1]}", "runs of one suite")
    require(
        bool(shared), "study", "cases", "none that every run has an answer to", "one or more", "generate the same suite with each system"
    )
    return shared


def _mark(run: Run, case: str) -> str:
    return str(run.suite.case_marks.get(case) or _fingerprint(run))


def _fingerprint(run: Run) -> str:
    return str(run.config.get("suite", {}).get("fingerprint", ""))


def _identity(runs: Sequence[Run], design: Design, seed: int, code: str) -> str:
    """What must be the same for a command to continue a study."""
    answers = [[run.system, _fingerprint(run), [_answer_mark(run, case) for case in design.cases]] for run in runs]
    return sha256(to_json([answers, [[asdict(shown) for shown in slot] for slot in design.slots], seed, code]).encode())


def _answer_mark(run: Run, case: str) -> str:
    return sha256(run.video_path(case).read_bytes())


def _secret(out: Path, identity: str) -> str:
    """The secret of a study begun here, or of a new one. Raises ValueError where another study lies in the folder."""
    found = next((read_json(out / name) for name in (KEY_FILE, DRAFT_FILE) if (out / name).is_file()), None)
    if found is None:
        require(not (out / SITE).exists(), f"study {out.name}", "out", "a folder with something else in it", "a new folder")
        found = {"secret": secrets.token_hex(16), "identity": identity}
        write_json(out / DRAFT_FILE, found)
    require(
        found.get("identity") == identity,
        f"study {out.name}",
        "out",
        "another study, or other answers",
        "the study of the same command",
        "take a new folder",
    )
    return str(found["secret"])


def _study_id(hidden: Names) -> str:
    return hidden.of("study")[:16]


def _write_media(site: Path, hidden: Names, runs: Sequence[Run], design: Design, seed: int) -> int:
    wanted: dict[str, set[tuple[str, str]]] = {case: set() for case in design.cases}
    for shown in (shown for slot in design.slots for shown in slot):
        left, right = _sides(shown)
        wanted[shown.case] |= {(shown.left, left), (shown.right, right)}
    return sum(write_case(site, hidden, runs, case, files, seed) for case, files in wanted.items() if files)


def _sides(shown: Shown) -> tuple[str, str]:
    """What stands left and right."""
    if shown.kind == "attention_same":
        return ANSWER, TWIN
    if shown.kind == "attention_bad":
        return (ANSWER, BAD) if shown.expected == "left" else (BAD, ANSWER)
    return ANSWER, ANSWER


def _trial_id(hidden: Names, slot: int, place: int) -> str:
    return hidden.of("trial", slot, place)[:16]


def _write_site(site: Path, hidden: Names, design: Design, run: Run, code: str) -> None:
    """The page and what it reads, in which nothing names a system, a run or a case."""
    slots = [
        [
            {
                "trial": _trial_id(hidden, slot, place),
                "left": hidden.clip(shown.case, shown.left, _sides(shown)[0]),
                "right": hidden.clip(shown.case, shown.right, _sides(shown)[1]),
                "reference": hidden.reference(shown.case),
                "driver": hidden.driver(shown.case),
            }
            for place, shown in enumerate(trials)
        ]
        for slot, trials in enumerate(design.slots)
    ]
    grid = run.suite.grid
    clip = {"seconds": grid.num_frames / grid.fps, "fps": grid.fps, "width": grid.width, "height": grid.height}
    study = {
        "study": _study_id(hidden),
        "questions": list(QUESTIONS),
        "slots": slots,
        "clip": clip,
        "completion_code": code,
        "submit": None,
    }
    write_json(site / "study.json", study)
    page = (TEMPLATES / "page.html.j2").read_text(encoding="utf-8")
    write_bytes(site / "index.html", page.replace("{{ study }}", _inside(study)).encode())
    for name in ("style.css", "study.js", "player.js"):
        write_bytes(site / name, (TEMPLATES / name).read_bytes())


def _inside(study: dict[str, Any]) -> str:
    """JSON that no markup can end."""
    return json.dumps(study, separators=(",", ":"), sort_keys=True).replace("<", "\\u003c")


def _key(hidden: Names, runs: Sequence[Run], design: Design, seed: int, lead: DetectableLead, identity: str) -> dict[str, Any]:
    suite, grid = runs[0].suite, runs[0].suite.grid
    trials = {}
    for slot, shown_trials in enumerate(design.slots):
        for place, shown in enumerate(shown_trials):
            tags = {name: str(value) for name, value in suite.case(shown.case).tags.items()}
            repeats = None if shown.repeats is None else _trial_id(hidden, slot, shown.repeats)
            trials[_trial_id(hidden, slot, place)] = asdict(shown) | {"repeats": repeats, "tags": tags}
    return {
        "format": FORMAT,
        "study": _study_id(hidden),
        "seed": seed,
        "clip_s": grid.num_frames / grid.fps,
        "systems": list(design.systems),
        "questions": [question["id"] for question in QUESTIONS],
        "runs": [{"system": run.system, "path": run.path.resolve().name, "suite": _fingerprint(run)} for run in runs],
        "trials": trials,
        "slots": [[_trial_id(hidden, slot, place) for place in range(len(shown))] for slot, shown in enumerate(design.slots)],
        "detectable_lead": asdict(lead),
        "degraded": [list(step) for step in DAMAGE],
        "counts": {kind: design.counts()[kind] for kind in KINDS},
        "identity": identity,
        "secret": hidden.secret,
    }
