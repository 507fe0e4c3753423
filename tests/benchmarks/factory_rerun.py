"""What a large dataset costs the head: `python tests/benchmarks/factory_rerun.py [PAIRS ...]`, 10 000, 60 000 and a million by default.

A catalog and sealed units are made up (every pair rejected, so that there are no shards). Then, each in a process of its own:
    finish    the manifest from the sidecars, run.json
    rerun     list, select, plan, look at every unit, read the outcome: the whole command with nothing to do
Bars: a rerun of 60 000 pairs in 10 s; memory that does not grow with the pairs.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from bootstrap.manifest import finish_round, read_outcome  # noqa: E402
from bootstrap.planned import Known  # noqa: E402
from bootstrap.recipe import Recipe, Teacher  # noqa: E402
from bootstrap.round_config import RoundConfig  # noqa: E402
from bootstrap.rounds import Round, begin_round, plan_round  # noqa: E402
from bootstrap.rows import failed_row  # noqa: E402
from bootstrap.sidecar import Marker, Row, sidecar_name, write_sidecar  # noqa: E402
from bootstrap.sources.catalog import Catalog  # noqa: E402
from bootstrap.survey import Footage, survey  # noqa: E402
from models import storage  # noqa: E402
from models.progress import Progress  # noqa: E402
from tests.benchmarks.factory_planning import GRID, make_up  # noqa: E402

CLIPS, IMAGES, SECONDS = 2000, 200, 10.0


def planned(folder: Path, pairs: int) -> Round:
    """As `synthesize` plans; the catalog knows every file."""
    footage = Footage(driving=(str(folder / "clip"),), references=(str(folder / "image"),))
    config = RoundConfig(recipe=Recipe(grid=GRID, teacher=Teacher(name="none")), limit=pairs)
    found = survey(footage, GRID, _nothing_to_look_at, Catalog(folder / "catalog.sqlite"))
    return plan_round(config, str(folder / f"out-{pairs}"), found.driving, found.references, found.apart)


def _nothing_to_look_at(files: list) -> list:
    raise AssertionError(f"{len(files)} files are not in the catalog")


def seal_all(folder: Path, pairs: int) -> None:
    round_ = planned(folder, pairs)
    pending = begin_round(round_)
    with Progress("made up", total=len(pending)) as progress:
        for index in pending:
            unit = round_.unit(index)
            rows = [{**failed_row(round_.recipe, pair.spec, "distinct: made up"), "status": "rejected"} for pair in unit.pairs]
            known = [Row(known=Known(row=row, content="", again=False, filters=round_.filters)) for row in rows]
            marker = Marker(unit=index, numbers=unit.numbers, filters=round_.filters)
            write_sidecar(storage.join(round_.out, sidecar_name(index)), marker, known)
            progress.step()


def finish(folder: Path, pairs: int) -> None:
    round_ = planned(folder, pairs)
    if begin_round(round_):
        raise AssertionError("units are left")
    finish_round(round_)


def rerun(folder: Path, pairs: int) -> None:
    round_ = planned(folder, pairs)
    if begin_round(round_) or read_outcome(round_) is None:
        raise AssertionError("it is not finished")


def _part(name: str, folder: Path, pairs: int) -> None:
    start = time.monotonic()
    {"seal": seal_all, "finish": finish, "rerun": rerun}[name](folder, pairs)
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    print(f"{pairs} pairs, {name}: {time.monotonic() - start:.1f} s, {time.process_time():.1f} of the processor, {peak_mb} MB", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 3 and sys.argv[1] == "part":
        _part(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
        sys.exit()
    with tempfile.TemporaryDirectory() as temporary:
        make_up(Path(temporary), CLIPS, IMAGES, SECONDS)
        for count in map(int, sys.argv[1:] or ["10000", "60000", "1000000"]):
            for part in ("seal", "finish", "rerun"):
                subprocess.run([sys.executable, __file__, "part", part, temporary, str(count)], check=True)
