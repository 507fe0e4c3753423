"""What the factory costs beside the bare model: python tests/benchmarks/factory_overhead.py [PAIRS]

One run times the teacher alone in a plain loop over the same pairs, then `synthesize` in process: reading, encoding,
filters, shards, ledger and manifest included. Prints bare / factory; 1.00 would be a factory for free.
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from awbench.world.export import write_clip_folder  # noqa: E402
from bootstrap.sources.identity import read_identity  # noqa: E402
from models.animators.load import load_animator  # noqa: E402
from models.types import AnimationRequest, Grid  # noqa: E402
from models.video import read_window  # noqa: E402
from pipelines.synthesize import run  # noqa: E402

GRID = Grid(width=48, height=48, fps=8.0, num_frames=6)


def main(pairs: int, teacher_name: str = "tiny_pose") -> None:
    folder = Path(tempfile.mkdtemp())
    for name, seed in (("driving", 1), ("references", 2)):
        write_clip_folder(folder / name, split="train", subjects=("human",), clips=8, size=48, num_frames=12, seed=seed)
    teacher = load_animator(teacher_name)
    clips = [read_window(path, GRID)[0] for path in sorted((folder / "driving").glob("*.mp4"))]
    looks = [read_identity(str(path))[0] for path in sorted((folder / "references").glob("*.mp4"))]

    def bare(count: int) -> float:
        start = time.perf_counter()
        for k in range(count):
            clip, look = clips[k % len(clips)], looks[k // len(clips) % len(looks)]
            teacher.animate(AnimationRequest(id=str(k), reference=look, driving=clip, size=GRID.size, num_frames=GRID.num_frames, seed=k))
        return time.perf_counter() - start

    bare(2)
    alone_s = bare(pairs)
    start = time.perf_counter()
    outcome = run(driving=folder / "driving", references=folder / "references", teacher=teacher_name, out=folder / "out", limit=pairs)
    factory_s = time.perf_counter() - start
    ratio = alone_s / factory_s
    print(f"{pairs} pairs with {teacher_name}: bare {alone_s:.1f} s, factory {factory_s:.1f} s, ratio {ratio:.2f}, kept {outcome.kept}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 32)
