"""Legs (b) and (c): what the canvas costs on Wan 1.3 B, with random weights at true size.

    python tests/benchmarks/gpu/wan_step.py --out OUT            a few minutes of one GPU; --small tries it on a CPU

(b) one denoising step of the canvas and of plain image-to-video at 480x832, 81 frames, eager and with compiled blocks: time, memory, share
of the bf16 matrix peak that is measured in the same run. (c) one LoRA training step (rank 256, feed-forward layers, gradient checkpointing)
on a canvas of 49 frames. Latents and text are random: speed and memory only. Needs torch, diffusers, peft.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any, Callable

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import torch  # noqa: E402

from models.backbones.backbone import Condition, canvas_loss  # noqa: E402
from models.backbones.wan import WanBackbone  # noqa: E402
from models.training.lora import LoraSpec, add_lora  # noqa: E402

TRUE = {"num_attention_heads": 12, "attention_head_dim": 128, "ffn_dim": 8960, "num_layers": 30, "text_dim": 4096, "freq_dim": 256}
SMALL = {"num_attention_heads": 2, "attention_head_dim": 24, "ffn_dim": 96, "num_layers": 2, "text_dim": 32, "freq_dim": 64}


class Latents:
    """Stands for the VAE: its strides and channels, nothing else is asked here."""

    channels, time_stride, space_stride = 16, 4, 8


def backbone_of(small: bool, device: torch.device) -> WanBackbone:
    from diffusers import FlowMatchEulerDiscreteScheduler, WanTransformer3DModel

    with torch.device(device):
        transformer = WanTransformer3DModel(in_channels=36, out_channels=16, image_dim=None, **(SMALL if small else TRUE))
    transformer = transformer.to(torch.float32 if device.type == "cpu" else torch.bfloat16)
    scheduler = FlowMatchEulerDiscreteScheduler(shift=3.0)
    return WanBackbone(transformer=transformer, codec=Latents(), scheduler=scheduler, words=None, description={}, device=device)


def condition_of(backbone: WanBackbone, frames: int, height: int, width: int) -> tuple[Condition, torch.Tensor]:
    """A condition of random numbers and latents to denoise; `width` of the whole picture, canvas or not."""
    shape = (1, 16, (frames - 1) // 4 + 1, height // 8, width // 8)
    dtype = next(backbone.transformer.parameters()).dtype
    latents = torch.randn(shape, device=backbone.device, dtype=dtype)
    mask = torch.ones(1, 4, *shape[2:], device=backbone.device, dtype=dtype)
    text = torch.randn(1, 512, backbone.transformer.config.text_dim, device=backbone.device, dtype=dtype)
    kept = torch.zeros_like(mask[:, :1])
    return Condition(latents_BCThw2=latents, mask=mask, kept=kept, words={"encoder_hidden_states": text}), torch.randn_like(latents)


def measured(work: Callable[[], Any], device: torch.device, times: int) -> dict[str, float]:
    """Median seconds and the most memory, after one run to warm up."""
    cuda = device.type == "cuda"
    work()
    if cuda:
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()
    spent = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        if cuda:
            torch.cuda.synchronize()
        spent.append(time.perf_counter() - start)
    memory = torch.cuda.max_memory_allocated() / 2**30 if cuda else 0.0
    return {"seconds": round(sorted(spent)[len(spent) // 2], 4), "gib": round(memory, 2)}


def matrix_peak(device: torch.device, small: bool) -> float:
    """FLOP/s of a large matrix product in the number format of the run."""
    n, dtype = (512, torch.float32) if small else (8192, torch.bfloat16)
    a, b = (torch.randn(n, n, device=device, dtype=dtype) for _ in range(2))
    return 2 * n**3 / measured(lambda: a @ b, device, 10)["seconds"]


def flops_of(work: Callable[[], Any]) -> float:
    from torch.utils.flop_counter import FlopCounterMode

    with FlopCounterMode(display=False) as counter:
        work()
    return float(counter.get_total_flops())


def forward(backbone: WanBackbone, frames: int, height: int, width: int) -> Callable[[], Any]:
    condition, x = condition_of(backbone, frames, height, width)
    t = torch.full((1,), 0.5, device=backbone.device)

    def step() -> torch.Tensor:
        with torch.no_grad():
            return backbone.denoise(x, t, condition)

    return step


def training(backbone: WanBackbone, frames: int, height: int, width: int, rank: int) -> Callable[[], Any]:
    add_lora(backbone, LoraSpec(rank=rank))
    backbone.transformer.enable_gradient_checkpointing()
    backbone.transformer.train()
    weights = [p for p in backbone.transformer.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(weights, lr=5e-5)
    condition, noise = condition_of(backbone, frames, height, width)
    clean, t = torch.randn_like(noise), torch.full((1,), 0.5, device=backbone.device)

    def step() -> None:
        with torch.autocast(backbone.device.type, torch.bfloat16, enabled=backbone.device.type == "cuda"):
            canvas_loss(backbone, clean, condition, noise, t, driver_weight=0.0).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)

    return step


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--small", action="store_true")
    flags = parser.parse_args()
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    height, width, long, short, rank = (64, 64, 9, 5, 4) if flags.small else (480, 832, 81, 49, 256)
    flags.out.mkdir(parents=True, exist_ok=True)
    name = torch.cuda.get_device_name() if device.type == "cuda" else "CPU"
    peak = matrix_peak(device, flags.small)
    rows: dict[str, Any] = {"device": name, "torch": torch.__version__, "matrix_tflops": round(peak / 1e12, 3)}

    def note(key: str, step: Callable[[], Any], flops: float) -> None:
        figures = measured(step, device, 3)
        rows[key] = figures | {"pflop": round(flops / 1e15, 4), "share_of_peak": round(flops / figures["seconds"] / peak, 3)}
        print(key, rows[key], flush=True)
        (flags.out / "wan_step.json").write_text(json.dumps(rows, indent=1) + "\n")

    backbone = backbone_of(flags.small, device)
    steps = {"plain_i2v": forward(backbone, long, height, width), "canvas": forward(backbone, long, height, 2 * width)}
    work = {key: flops_of(step) for key, step in steps.items()}
    for key, step in steps.items():
        note(key, step, work[key])
    if device.type == "cuda":
        backbone.transformer.compile_repeated_blocks()
        for key, step in steps.items():
            note(f"{key}_compiled", step, work[key])
        del steps
        backbone = backbone_of(flags.small, device)
    step = training(backbone, short, height, 2 * width, rank)
    note("lora_step", step, flops_of(step))


if __name__ == "__main__":
    main()
