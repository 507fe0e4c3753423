"""What the canvas costs beside the bare model: building it, the sampler around it, and memory that does not grow with the data.

    OMP_NUM_THREADS=1 python tests/benchmarks/canvas.py

Prints three lines: frames a second of the canvas builder at 480x960 (to_signed, compose, mask of a Wan codec); time of `paint` over the
same diffusers transformer and scheduler in a bare loop; peak memory of a training run on 5 000 examples over one on 50.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Callable

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import numpy as np  # noqa: E402
import torch  # noqa: E402

FRAMES, HEIGHT, WIDTH = 81, 480, 480


def median_s(work: Callable[[], object], times: int) -> float:
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        spent.append(time.perf_counter() - start)
    return sorted(spent)[times // 2]


def builder() -> str:
    from models.canvas import compose, given_mask
    from models.pixels import clips_to_signed, to_signed

    rng = np.random.default_rng(0)
    reference = rng.integers(0, 255, (1, HEIGHT, WIDTH, 3), dtype=np.uint8)
    driver = rng.integers(0, 255, (1, FRAMES, HEIGHT, WIDTH, 3), dtype=np.uint8)

    def build() -> object:
        canvas = compose(to_signed(reference), clips_to_signed(driver), FRAMES, gap_frames=16)
        return canvas, given_mask(canvas, HEIGHT // 8, WIDTH // 8, time_stride=4)

    return f"canvas builder: {FRAMES / median_s(build, 5):.0f} frames/s at {HEIGHT}x{2 * WIDTH}"


def sampler() -> str:
    from models.backbones.backbone import paint
    from models.backbones.families import build_backbone
    from models.canvas import compose
    from models.runtime import Runtime

    backbone = build_backbone({"family": "tiny", "width": 128, "layers": 4}, None, Runtime(device="cpu"))
    generator, steps = torch.Generator().manual_seed(0), 10
    reference, driver = torch.rand(1, 3, 64, 64, generator=generator), torch.rand(1, 3, 9, 64, 64, generator=generator)
    condition = backbone.condition(compose(reference, driver, 9, gap_frames=1), ("",))
    noise = torch.randn(condition.latents_BCThw2.shape, generator=generator)

    @torch.no_grad()
    def bare() -> torch.Tensor:
        solver, x = backbone.solver(steps), noise
        for step in solver.timesteps:
            hidden = torch.cat([x, condition.mask, condition.latents_BCThw2], 1)
            clean = backbone.transformer(hidden_states=hidden, timestep=step[None], return_dict=False, **condition.words)[0]
            x = solver.step((x - clean) / (step / 1000), step, x, return_dict=False)[0]
        return x

    @torch.no_grad()
    def ours() -> torch.Tensor:
        return paint(backbone, noise, condition, steps=steps, guidance=1.0, without=None)

    assert torch.allclose(bare(), ours(), atol=1e-4)
    ratios = []
    for _ in range(7):
        ratios.append(median_s(ours, 1) / median_s(bare, 1))
    return f"sampler over the bare diffusers loop: {sorted(ratios)[3]:.3f}x (7 pairs: {min(ratios):.3f} to {max(ratios):.3f})"


def peak_mib(count: int, folder: Path) -> float:
    """Peak memory of a process that trains 12 steps on a dataset of `count` pairs."""
    done = subprocess.run([sys.executable, __file__, "--train", str(count), str(folder)], capture_output=True, text=True, check=True)
    return float(done.stdout.strip().splitlines()[-1])


def train(count: int, folder: Path) -> None:
    from bootstrap.shards.examples import ShardExamples
    from models.animators.motion import build_motion
    from models.backbones.families import build_backbone
    from models.runtime import Runtime
    from models.training.batches import Batches
    from models.training.loop import fit
    from pipelines.recipes import demo_e2e

    torch.set_num_threads(1)
    config = demo_e2e()
    batches = Batches(examples=ShardExamples([folder / f"{count}.tar"]), config=config, motion=build_motion(config.motion))
    fit(build_backbone(config.backbone, None, Runtime(device="cpu")), batches, steps=12, out=folder / f"run{count}")
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def memory() -> str:
    from models.images import encode_image
    from models.types import Clip
    from models.video import encode_video, read_video
    from tests.bootstrap.shard_fakes import pack

    rng, samples = np.random.default_rng(0), []
    target = encode_video(Clip(frames=rng.integers(0, 255, (6, 48, 48, 3), dtype=np.uint8), fps=8.0), crf=4)
    members = {"driver.mp4": target, "reference.png": encode_image(read_video(target).frames[0]), "target.mp4": target, "json": b"{}\n"}
    with tempfile.TemporaryDirectory() as scratch:
        peaks = {}
        for count in (50, 5000):
            samples = [(f"k{i:06d}", members) for i in range(count)]
            (Path(scratch) / f"{count}.tar").write_bytes(pack(samples))
            peaks[count] = peak_mib(count, Path(scratch))
    return f"training memory: {peaks[50]:.0f} MiB on 50 examples, {peaks[5000]:.0f} MiB on 5 000, ratio {peaks[5000] / peaks[50]:.3f}"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--train"]:
        train(int(sys.argv[2]), Path(sys.argv[3]))
    else:
        torch.set_num_threads(1)
        for measure in (builder, sampler, memory):
            print(measure(), flush=True)
