"""`actorforge demo`: the whole line on the embedded world, from footage to a report, in a few minutes on two cores.

    world clips -> synthesize (tiny_pose teaches, on Ray) -> some training steps of the end-to-end model
    -> generate seven systems on world-mini -> score -> report.html
    -> the same world at 256 px, three systems that need no weights -> world-v1.html
Every step continues where an earlier call stopped.
"""

from __future__ import annotations

import time
from pathlib import Path

from models.artifacts import write_json
from models.types import require

MARK = "demo.json"
"""Written first: a folder that holds it is a demo's."""
SYSTEMS = ("still", "echo_driver", "flow_warp", "tiny_pose", "short_pose", "ground_truth")
SUITE = "world-mini"
LARGE_SYSTEMS, LARGE_SUITE, LARGE_CASES = ("still", "flow_warp", "ground_truth"), "world-v1", 6
CLIPS, IDENTITIES, PAIRS, STEPS = 8, 10, 24, 60


def demo(out: Path, *, workers: int = 2) -> Path:
    """Run the line into `out` and return the path of report.html."""
    from awbench.report.write import write_report
    from pipelines.executor.session import session

    start = time.monotonic()
    _begin(out)
    with session(workers):
        _say(1, "footage: people to learn from, characters of every kind to lend their looks")
        _footage(out)
        _say(2, "pairs: the pose-driven teacher puts the people's motion on the characters; filters decide what to keep")
        print(_pairs(out, workers))
        _say(3, f"training: {STEPS} steps of an end-to-end model on those pairs, from the short_pose that an hour of one core made")
        print(_train(out))
        _say(4, f"generate and score: {len(SYSTEMS) + 1} systems on {SUITE}")
        runs = _evaluate(out, workers)
        _say(5, f"the world as larger models see it: {LARGE_CASES} cases of {LARGE_SUITE} at 256 px")
        large = _evaluate_large(out, workers)
    page = write_report(runs, out / "report.html", baseline="still")
    pairs_page = write_report([out / "pairs"], out / "pairs.html")
    large_page = write_report(large, out / f"{LARGE_SUITE}.html", baseline="still")
    _say(6, f"done in {time.monotonic() - start:.0f} s; the pairs: {pairs_page}; at 256 px: {large_page}")
    return page


def _begin(out: Path) -> None:
    """Mark the folder as a demo's. Raises ValueError for one that holds something else."""
    own = (out / MARK).is_file()
    others = [] if own or not out.exists() else sorted(path.name for path in out.iterdir() if not path.name.startswith("."))
    require(own or not others, "demo", "--out", f"{out} with {', '.join(others[:4])}", "a new folder, or one that a demo began")
    write_json(out / MARK, {"kind": "demo"})


def _say(step: int, text: str) -> None:
    print(f"[{step}/6] {text}", flush=True)


def _footage(out: Path) -> None:
    from awbench.world.export import write_clip_folder
    from awbench.world.shot import NOVEL_SUBJECTS, SUBJECTS

    everyone = tuple(name for name in SUBJECTS if name not in NOVEL_SUBJECTS)
    write_clip_folder(out / "people", split="train", subjects=("human",), clips=CLIPS, size=48, seed=11)
    write_clip_folder(out / "characters", split="train", subjects=everyone, clips=IDENTITIES, size=48, seed=12)


def _pairs(out: Path, workers: int) -> str:
    from pipelines.recipes import SHORT_GRID
    from pipelines.synthesize import GridFlags, run, summary

    outcome = run(
        driving=out / "people",
        references=out / "characters",
        teacher="tiny_pose",
        out=out / "pairs",
        grid=GridFlags(num_frames=SHORT_GRID.num_frames),
        workers=workers,
        limit=PAIRS,
    )
    return summary(outcome, out / "pairs")


def _train(out: Path) -> str:
    from pipelines.train import train
    from pipelines.train_flags import TrainFlags

    return train(out / "pairs", recipe="demo_e2e", steps=STEPS, out=out / "demo_e2e", flags=TrainFlags(init="short_pose"))


def _evaluate(out: Path, workers: int) -> list[Path]:
    from pipelines.generate import generate
    from pipelines.score import score

    runs = []
    for animator in (*SYSTEMS, str(out / "demo_e2e")):
        many = workers if "_pose" in animator or "e2e" in animator else 0  # the others answer at once
        runs.append(generate(animator, SUITE, out / "runs" / Path(animator).name, workers=many).path)
    score(runs, workers=workers)
    return runs


def _evaluate_large(out: Path, workers: int) -> list[Path]:
    from pipelines.generate import generate
    from pipelines.score import score

    folders = {animator: out / "runs" / f"{animator}-{LARGE_SUITE}" for animator in LARGE_SYSTEMS}
    runs = [generate(animator, LARGE_SUITE, folder, limit=LARGE_CASES).path for animator, folder in folders.items()]
    score(runs, workers=workers)
    return runs
