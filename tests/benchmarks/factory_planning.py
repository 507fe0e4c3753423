"""What planning costs when sources are many: `python tests/benchmarks/factory_planning.py`.

    60 000 files with a made-up catalog      list, select, plan --limit 100
    2 000 clips x 200 images, real media     plan --limit 64 from a warm catalog; no-op rerun of the finished round; one clip more
Every figure is a process of its own, so that its memory is its own. Bars: 30 s and 500 MB; 5 s; 3 s.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np  # noqa: E402

from awbench.media.listing import list_media  # noqa: E402
from bootstrap.recipe import Recipe, Teacher  # noqa: E402
from bootstrap.round_config import RoundConfig  # noqa: E402
from bootstrap.rounds import begin_round, plan_round  # noqa: E402
from bootstrap.sources.catalog import Catalog  # noqa: E402
from bootstrap.sources.facts import ClipFacts, ImageFacts  # noqa: E402
from bootstrap.sources.prints import COLOURS_B  # noqa: E402
from bootstrap.survey import Footage, survey  # noqa: E402
from models.types import Clip, Grid  # noqa: E402

GRID = Grid(width=832, height=480, fps=25.0, num_frames=49)


def _nothing_to_look_at(files: list) -> list:
    raise AssertionError(f"{len(files)} files are not in the catalog")


def make_up(folder: Path, clips: int, images: int, seconds: float) -> None:
    """Files of one byte, and a catalog that says they are media."""
    rng = np.random.default_rng(0)
    for kind, count, ending in (("clip", clips, "mp4"), ("image", images, "png")):
        place = folder / kind
        place.mkdir(parents=True)
        for number in range(count):
            (place / f"{number:06d}.{ending}").write_bytes(b"x")
        entries = list_media([str(place)], kind).entries
        Catalog(folder / "catalog.sqlite").put([(entry, _facts(rng, kind, seconds)) for entry in entries], kind)


def _facts(rng: np.random.Generator, kind: str, seconds: float) -> ClipFacts | ImageFacts:
    sha256 = rng.bytes(32).hex()
    if kind == "image":
        return ImageFacts(sha256=sha256, size=(512, 512), prints=rng.bytes(8), colours=rng.bytes(COLOURS_B))
    moments = int(2 * seconds)
    known = {"prints": rng.bytes(8 * moments), "colours": rng.bytes(COLOURS_B * moments), "motion": bytes([80]) * int(5 * seconds)}
    return ClipFacts(sha256=sha256, size=(1280, 720), frames=int(25 * seconds), fps=25.0, end_s=seconds, **known)


def plan(folder: Path, limit: int) -> dict:
    """List, select and plan in this process."""
    footage = Footage(driving=(str(folder / "clip"),), references=(str(folder / "image"),))
    config = RoundConfig(recipe=Recipe(grid=GRID, teacher=Teacher(name="none")), limit=limit)
    found = survey(footage, GRID, _nothing_to_look_at, Catalog(folder / "catalog.sqlite"))
    round_ = plan_round(config, str(folder / f"out-{limit}"), found.driving, found.references, found.apart)
    pending = begin_round(round_)
    return {"windows": sum(len(source.starts_s) for source in found.driving.usable), "pairs": round_.total, "units": len(pending)}


def make_media(folder: Path, clips: int, images: int) -> None:
    """Small media, no two of them alike."""
    from models.images import encode_image
    from models.video import write_video

    for number in range(clips):
        write_video(folder / "clip" / f"{number:06d}.mp4", _moving(number))
    (folder / "image").mkdir()
    for number in range(images):
        (folder / "image" / f"{number:06d}.png").write_bytes(encode_image(_moving(100_000 + number).frames[0]))


def _moving(number: int) -> Clip:
    rng = np.random.default_rng(number)
    ground = np.kron(rng.integers(0, 255, (4, 4, 3), np.uint8), np.ones((8, 8, 1), np.uint8))
    return Clip(frames=np.stack([np.roll(ground, 3 * t, axis=1) for t in range(6)]), fps=8.0)


def _main(*arguments: object) -> None:
    """Run a part of this file in a process of its own and print what it says."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    subprocess.run([sys.executable, __file__, *map(str, arguments)], check=True, env=environment)


def _verb(folder: Path, label: str, *flags: str) -> None:
    command = [sys.executable, "-m", "pipelines.cli", "synthesize", "--driving", folder / "clip", "--references", folder / "image"]
    flags = ("--teacher", "flow_warp", "--out", folder / "pairs", "--size", "32x32", "--fps", "8", "--num-frames", "4", *flags)
    environment = {**os.environ, "ACTORFORGE_CACHE": str(folder / "cache"), "OMP_NUM_THREADS": "1"}
    start, before = time.monotonic(), _processor_s()
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run([*map(str, [*command, *flags])], cwd=root, env=environment, capture_output=True, text=True)
    spent = f"{time.monotonic() - start:.1f} s, {_processor_s() - before:.1f} of the processor"
    print(f"{label}: {spent}: {(done.stdout or done.stderr).splitlines()[0]}", flush=True)


def _processor_s() -> float:
    """What finished processes of ours have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def part(name: str, folder: Path, number: str) -> None:
    start = time.monotonic()
    said = plan(folder, int(number))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    spent = f"{time.monotonic() - start:.1f} s, {time.process_time():.1f} of the processor"
    print(f"{name} --limit {number}: {spent}, {peak:.0f} MB, {json.dumps(said)}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        part(sys.argv[1], Path(sys.argv[2]), sys.argv[3])
        sys.exit()
    with tempfile.TemporaryDirectory() as temporary:
        made_up = Path(temporary) / "many"
        make_up(made_up, 60_000, 200, seconds=10.0)
        _main("60000x200", made_up, 100)
        real = Path(temporary) / "small"
        make_media(real, 2000, 200)
        _verb(real, "2000x200 cold, --limit 1", "--limit", "1")
        _verb(real, "2000x200 warm, --limit 64 (makes 63 pairs)", "--limit", "64")
        _verb(real, "2000x200 no-op", "--limit", "64")
        from models.video import write_video

        write_video(real / "clip" / "late.mp4", _moving(99_999))
        _verb(real, "2000x200 one clip more, --limit 72", "--limit", "72")
