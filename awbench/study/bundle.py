"""`actorforge study make`: runs -> a folder with the page that raters see and, apart from it, the key.

DIR/site   is published: page.html as index.html, the styles and scripts beside it, study.json (also inside the page, as pages opened from a
           disk cannot read files), slots/N.js with the trials of one rater each (scripts, as those can be read from a disk, and so that
           nobody loads what others see), media under names that tell nothing.
DIR/key.json stays with you, and is written last: while it is missing, the same command continues.

`making.json` holds the secret of the names and the seed until then, so that a command that was stopped finds its media again. Unless a
seed is given one is drawn: who can guess it can tell from the site who stands where.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import AbstractSet, Any, Callable, Iterator, Mapping, Sequence

from awbench.answered import failure_of
from awbench.run_folder import Run
from awbench.study.checks import plain_checks
from awbench.study.degraded import DAMAGE
from awbench.study.design import KINDS, Design, Shown, draw_cases, make_design, tag_counts
from awbench.study.media import ANSWER, BAD, TWIN, Names, write_case
from awbench.study.power import DetectableLead, detectable_lead
from awbench.study.questions import QUESTIONS
from models.artifacts import read_json, sha256, sha256_file, to_json, write_bytes, write_json
from models.types import require

FORMAT = "actorforge-study-1"
KEY_FILE, DRAFT_FILE, SITE = "key.json", "making.json", "site"
CASES = 12
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A study that is ready. `excluded`: how many cases not every system answered; `new_files`: media that were not there yet.

    `tags`: tag -> value -> how many of its cases; `no_checks`: trials with a spoiled copy that is not plainly worse, which check nobody.
    """

    design: Design
    lead: DetectableLead
    study: str
    excluded: int
    new_files: int
    tags: Mapping[str, Mapping[str, int]]
    no_checks: int


def make_study(
    runs: Sequence[Run],
    out: Path,
    *,
    cases: int | None = None,
    raters: int,
    pairs_each: int | None = None,
    seed: int | None = None,
    completion_code: str = "",
    told: Callable[[DetectableLead], None] = lambda lead: None,
) -> Made:
    """Write the study; `cases`: None takes CASES, or as many as there are; `seed`: None draws one, or takes that of the study in `out`.

    `told` hears the detectable lead before anything is written. Raises ValueError for wrong use.
    """
    names = [run.system for run in runs]
    require(len(runs) >= 2, "study", "runs", len(runs), "two or more run folders")
    require(len(set(names)) == len(names), "study", "systems", ", ".join(names), "one run of each system")
    common = common_cases(runs)
    cases = max(1, min(CASES, len(common))) if cases is None else cases
    require(1 <= cases <= len(common), "study", "cases", cases, f"1 to {len(common)}, the cases that every run has an answer to")
    seed = _seed(out) if seed is None else seed
    tags = {case: {name: str(value) for name, value in runs[0].suite.case(case).tags.items()} for case in common}
    design = make_design(names, draw_cases(tags, cases, seed), raters, pairs_each=pairs_each, seed=seed)
    lead = detectable_lead(_rarest(design), len(design.pairs))
    told(lead)
    answers = [[run.system, _fingerprint(run), _answer_marks(run, design.cases)] for run in runs]
    design, alike = plain_checks(design, runs, seed)
    identity = _identity(answers, design, seed, completion_code)
    hidden = Names(secret=_secret(out, identity, seed))
    written = _write_media(out / SITE, hidden, runs, design, seed)
    _write_site(out / SITE, hidden, design, runs[0], completion_code)
    write_json(out / KEY_FILE, _key(hidden, runs, design, seed, lead, identity, alike))
    for draft in (out / DRAFT_FILE, *out.rglob(".*.tmp")):
        draft.unlink(missing_ok=True)
    excluded = len({case.id for run in runs for case in run.suite.cases} - set(common))
    counts = tag_counts(tags, design.cases)
    return Made(design=design, lead=lead, study=_study_id(hidden), excluded=excluded, new_files=written, tags=counts, no_checks=len(alike))


def _rarest(design: Design) -> list[tuple[str, str]]:
    """(case, rater) of the votes on the pair that gets fewest."""
    votes: dict[frozenset[str], list[tuple[str, str]]] = {frozenset(pair): [] for pair in design.pairs}
    for slot, trials in enumerate(design.slots):
        for shown in trials:
            if shown.kind == "pair":
                votes[shown.unit[1]].append((shown.case, str(slot)))
    return min((found for found in votes.values() if found), key=len)


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


def _identity(answers: Sequence[Any], design: Design, seed: int, code: str) -> str:
    """What must be the same for a command to continue a study."""
    return sha256(to_json([answers, [[asdict(shown) for shown in slot] for slot in design.slots], seed, code]).encode())


def _answer_marks(run: Run, cases: Sequence[str]) -> list[str]:
    """The sha256 of the answers. Raises ValueError for one that is not what was generated."""
    marks = dict(zip((frame := run.generation())["case"], frame["sha256"]))
    for case in cases:
        mark = sha256_file(run.video_path(case))
        told = f"sha256 {mark[:12]} of {run.video_path(case).stat().st_size} bytes"
        advice = "copy the run's folder anew, or generate the case again"
        require(mark == marks[case], f"run {run.path.name}, case {case}", "video", told, f"{str(marks[case])[:12]}, as generated", advice)
    return [marks[case] for case in cases]


def _begun(out: Path) -> dict[str, Any] | None:
    """What is known of a study that was begun, or made, here."""
    return next((read_json(out / name) for name in (KEY_FILE, DRAFT_FILE) if (out / name).is_file()), None)


def _seed(out: Path) -> int:
    return int((_begun(out) or {}).get("seed", secrets.randbits(53)))


def _secret(out: Path, identity: str, seed: int) -> str:
    """The secret of a study begun here, or of a new one, which takes the place of another that has no key yet.

    Raises ValueError where another study lies in the folder.
    """
    found = _begun(out)
    if found is not None and found.get("identity") != identity and not (out / KEY_FILE).is_file():
        shutil.rmtree(out / SITE, ignore_errors=True)
        found = None
    if found is None:
        require(not (out / SITE).exists(), f"study {out.name}", "out", "a folder with something else in it", "a new folder")
        found = {"secret": secrets.token_hex(16), "identity": identity, "seed": seed}
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
    for slot in _takes(hidden, design):
        for shown, left, right in slot:
            wanted[shown.case] |= {(shown.left, left), (shown.right, right)}
    return sum(write_case(site, hidden, runs, case, files, seed) for case, files in wanted.items() if files)


_OTHER = {ANSWER: TWIN, TWIN: ANSWER}
Take = tuple[Shown, str, str]
"""A trial with what stands left and right: ANSWER, TWIN or BAD."""


def _takes(hidden: Names, design: Design) -> Iterator[list[Take]]:
    """Of every slot. Of two encodings of an answer a slot shows now one, now the other, beginning with either, so that each is named about
    as often; a pair that is shown again has the others.
    """
    for slot, trials in enumerate(design.slots):
        clips = {(shown.case, system) for shown in trials for system in (shown.left, shown.right)}
        turn = Counter({clip: int(hidden.of("take", slot, *clip), 16) % 2 for clip in clips})
        taken: list[Take] = []
        for shown in trials:
            if shown.repeats is not None:
                _, left, right = taken[shown.repeats]
                taken.append((shown, _OTHER[right], _OTHER[left]))  # its sides are swapped
                continue
            spoiled = {"left": "right", "right": "left"}.get(shown.expected or "")
            what = {}
            for side, system in (("left", shown.left), ("right", shown.right)):
                what[side] = BAD if side == spoiled else (ANSWER, TWIN)[turn[shown.case, system] % 2]
                turn[shown.case, system] += side != spoiled
            taken.append((shown, what["left"], what["right"]))
        yield taken


def _trial_id(hidden: Names, slot: int, place: int) -> str:
    return hidden.of("trial", slot, place)[:16]


def _write_site(site: Path, hidden: Names, design: Design, run: Run, code: str) -> None:
    """The page and what it reads, in which nothing names a system, a run or a case."""
    slots = [
        [
            {
                "trial": _trial_id(hidden, slot, place),
                "left": hidden.clip(shown.case, shown.left, left),
                "right": hidden.clip(shown.case, shown.right, right),
                "reference": hidden.reference(shown.case),
                "driver": hidden.driver(shown.case),
            }
            for place, (shown, left, right) in enumerate(trials)
        ]
        for slot, trials in enumerate(_takes(hidden, design))
    ]
    for place, trials in enumerate(slots):
        write_bytes(site / "slots" / f"{place}.js", f"window.studySlot = {json.dumps(trials, separators=(',', ':'))};\n".encode())
    grid = run.suite.grid
    clip = {"seconds": grid.num_frames / grid.fps, "fps": grid.fps, "width": grid.width, "height": grid.height}
    study = {
        "study": _study_id(hidden),
        "questions": list(QUESTIONS),
        "slots": len(slots),
        "trials": len(slots[0]),
        "clip": clip,
        "completion_code": code,
        "submit": None,
    }
    write_json(site / "study.json", study)
    page = (TEMPLATES / "page.html.j2").read_text(encoding="utf-8")
    write_bytes(site / "index.html", page.replace("{{ study }}", _inside(study)).encode())
    for path in sorted(TEMPLATES.iterdir()):
        if path.suffix in (".css", ".js"):
            write_bytes(site / path.name, path.read_bytes())


def _inside(study: dict[str, Any]) -> str:
    """JSON that no markup can end."""
    return json.dumps(study, separators=(",", ":"), sort_keys=True).replace("<", "\\u003c")


def _key(
    hidden: Names, runs: Sequence[Run], design: Design, seed: int, lead: DetectableLead, identity: str, alike: AbstractSet[tuple[int, int]]
) -> dict[str, Any]:
    suite, grid = runs[0].suite, runs[0].suite.grid
    trials = {}
    for slot, shown_trials in enumerate(design.slots):
        for place, shown in enumerate(shown_trials):
            tags = {name: str(value) for name, value in suite.case(shown.case).tags.items()}
            repeats = None if shown.repeats is None else _trial_id(hidden, slot, shown.repeats)
            expected = None if (slot, place) in alike else shown.expected
            trials[_trial_id(hidden, slot, place)] = asdict(shown) | {"expected": expected, "repeats": repeats, "tags": tags}
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
