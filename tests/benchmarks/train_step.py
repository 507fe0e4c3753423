"""Seconds of a training step of tiny_pose (16 samples, two frames each, bfloat16): diffusers' forward and attention, ours, ours compiled.

Theirs gives blank places tokens and lets every place see every other. Run: OMP_NUM_THREADS=2 python tests/benchmarks/train_step.py
"""

from __future__ import annotations

import os
import time
from dataclasses import replace

import numpy as np
import torch
from diffusers.models.transformers.transformer_wan import WanAttnProcessor

from models.backbones.tiny import Seen, TinyBackbone
from models.canvas import Canvas, model_input, output_region
from models.training.cache import Batch
from models.training.loop import TrainState
from pipelines.recipes import tiny_pose

STEPS = 8


def whole_canvas(backbone: TinyBackbone, noisy: torch.Tensor, t: torch.Tensor, canvas: Canvas, moves: None) -> tuple[torch.Tensor, Seen]:
    """diffusers' own forward, beside the same matcher and figure."""
    text = noisy.new_zeros(len(noisy), 1, backbone.transformer.config.text_dim)
    latents, width = canvas.latents_BCShW, noisy.shape[-1]
    seen = backbone.see(
        backbone.decode(latents[:, :, 1:, :, width:]), backbone.decode(latents[:, :, :1, :, :width])[:, 0], neighbours=False
    )
    return output_region(backbone.transformer(model_input(noisy, canvas), t * 1000, text, return_dict=False)[0]), seen


def seconds(run: TrainState, batch: Batch) -> float:
    run.step(batch, 100)
    start = time.perf_counter()
    for _ in range(STEPS):
        run.step(batch, 100)
    return (time.perf_counter() - start) / STEPS


def theirs(run: TrainState, slots: tuple[int, ...]) -> TrainState:
    run.backbone.transformer.set_attn_processor(WanAttnProcessor())
    run.backbone.transformer.rope.slots_S = torch.tensor([0, *slots])
    run.heads = lambda *inputs: whole_canvas(run.backbone, *inputs)
    return run


def main() -> None:
    torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "1")))
    clips = np.random.default_rng(0).integers(0, 255, (16, 2, 48, 48, 3), dtype=np.uint8)
    nowhere = np.zeros((16, 2, 12, 12, 2), np.float32)
    facts = {
        "reference": clips[:, 0],
        "motion": clips,
        "target": clips,
        "origins": nowhere,
        "since_first": nowhere,
        "figures": clips[..., 0],
    }
    batch = Batch(slots=(1, 4), **facts)
    compiled = TrainState(replace(tiny_pose(), matcher_share=0.0), None, "cpu", {})
    compiled.heads = torch.compile(compiled.backbone.heads)
    runs = {
        "diffusers": theirs(TrainState(replace(tiny_pose(), matcher_share=0.0), None, "cpu", {}), batch.slots),
        "ours": TrainState(replace(tiny_pose(), matcher_share=0.0), None, "cpu", {}),
        "compiled": compiled,
    }
    times = {name: seconds(run, batch) for name, run in runs.items()}
    print("; ".join(f"{name} {time:.2f} s ({times['diffusers'] / time:.2f}x)" for name, time in times.items()))


if __name__ == "__main__":
    main()
