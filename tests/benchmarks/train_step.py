"""Seconds of a training step of tiny_pose's network (16 samples of six frames, bfloat16): diffusers' attention, ours, ours compiled.

Run: OMP_NUM_THREADS=2 python tests/benchmarks/train_step.py
"""

from __future__ import annotations

import os
import time
from dataclasses import replace

import numpy as np
import torch
from diffusers.models.transformers.transformer_wan import WanAttnProcessor

from models.training.cache import Batch
from models.training.loop import _Run
from pipelines.recipes import tiny_pose

STEPS = 8


def seconds(run: _Run, batch: Batch) -> float:
    run.step(batch, 100)
    start = time.perf_counter()
    for _ in range(STEPS):
        run.step(batch, 100)
    return (time.perf_counter() - start) / STEPS


def main() -> None:
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    config = replace(tiny_pose(), frames_per_sample=None)
    clips = np.random.default_rng(0).integers(0, 255, (16, 6, 48, 48, 3), dtype=np.uint8)
    batch = Batch(reference=clips[:, 0], motion=clips, target=clips, slots=(1, 2, 3, 4, 5, 6))
    run = _Run(config, None, "cpu", {})
    ours = seconds(run, batch)
    run.backbone.transformer.set_attn_processor(WanAttnProcessor())
    theirs = seconds(run, batch)
    run = _Run(config, None, "cpu", {})
    run.predict = torch.compile(run.backbone)
    compiled = seconds(run, batch)
    print(f"diffusers {theirs:.2f} s, ours {ours:.2f} s ({theirs / ours:.2f}x), compiled {compiled:.2f} s ({theirs / compiled:.2f}x)")


if __name__ == "__main__":
    main()
