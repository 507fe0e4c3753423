"""`actorforge study`: which of two systems people prefer: make a study, serve it, report on its votes."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from typing import Literal

from pipelines.verbs.flags import Many, all_of, from_zero


def study(
    what: Literal["make", "serve", "report"],
    paths: tuple[Path, ...],
    /,
    out: Path | None = None,
    cases: int | None = None,
    raters: int = 6,
    trials: int | None = None,
    seed: int | None = None,
    completion_code: str = "",
    host: str = "127.0.0.1",
    port: int = 0,
    key: Path | None = None,
    runs: Many = (),
) -> int:
    """Make a Good/Same/Bad study of runs, collect its votes, or report on them.

    Args:
        what: make (RUN RUN [RUN ...]), serve (the study's folder), or report (files of votes).
        paths: Run folders, the study's folder, or files of votes.
        out: make: new folder of the study; report: folder, or file of one format.
        cases: make: how many cases, drawn from those that every run answered, as even over the values of their tags as they are;
            default: 12, or as many as there are.
        raters: make: how many people will vote.
        trials: make: pairs that each of them compares, checks aside; default: all, at most 40.
        seed: make: seed of cases, sides and orders; default: drawn, for who guesses it knows who stands where.
        completion_code: make: what raters are shown at the end, as Prolific asks for; anybody can read it in the page's source.
        host: serve: address to bind to; 0.0.0.0 for everybody on the network.
        port: serve: port; 0 takes a free one.
        key: report: the study's folder, or its key.json.
        runs: report: run folders whose judge's pairwise votes are laid beside the people's.
    """
    if what == "make":
        return _make(paths, _given(out, "--out"), cases, raters, trials, seed, completion_code)
    if what == "serve":
        from awbench.study.serve import serve_study

        if not 0 <= port <= 65535:
            raise ValueError(f"--port: got {port}, expected 0 to 65535")
        if len(paths) != 1:
            raise ValueError(f"DIR: got {len(paths)} folders, expected the one of a study")
        serve_study(paths[0], host, port)
        return 0
    from awbench.study.report import write_study_report

    if not paths:
        raise ValueError("VOTES: got none, expected files of votes, folders of them, or serve's votes.sqlite")
    beside = [Path(run) for run in all_of(runs)]
    told = partial(print, file=sys.stderr)
    for written in write_study_report(paths, _given(key, "--key"), _given(out, "--out"), runs=beside, told=told):
        print(written)
    return 0


def _given(path: Path | None, flag: str) -> Path:
    if path is None:
        raise ValueError(f"{flag}: got none, expected a path")
    return path


def _make(paths: tuple[Path, ...], out: Path, cases: int | None, raters: int, trials: int | None, seed: int | None, code: str) -> int:
    from awbench.run_folder import Run
    from awbench.study.bundle import make_study

    if seed is not None:
        from_zero("--seed", seed)
    wishes = {"cases": cases, "raters": raters, "pairs_each": trials, "seed": seed, "completion_code": code}
    made = make_study([Run.open(path) for path in paths], out, **wishes, told=lambda lead: print(lead.line, flush=True))
    if made.excluded:
        print(f"note: {made.excluded} case(s) left out: not every run has an answer to them")
    if made.design.unseen:
        print(
            f"note: {made.design.unseen} of {made.design.units} pairs of systems on a case are shown to nobody: more --raters or --trials"
        )
    if made.no_checks:
        print(f"note: {made.no_checks} spoiled copies look like the clip itself (as of a black one): nobody is held to those checks")
    for tag, counts in made.tags.items():
        print(f"cases by {tag}: {', '.join(f'{value} {count}' for value, count in counts.items())}")
    said = ", ".join(f"{count} {kind}" for kind, count in made.design.counts().items())
    print(f"study {made.study}: {len(made.design.slots)} slots of {len(made.design.slots[0])} trials ({said})")
    print(f"publish {out / 'site'}, a link each: index.html?slot=0 to {len(made.design.slots) - 1}; keep key.json private")
    return 0
