"""Leg (d): `wan_animate` at true size with random weights, one window: time and memory, with and without offload.

    python tests/benchmarks/gpu/wan_animate.py --out OUT          one GPU of 80 GB; --small (or --tiny) tries it on a CPU

480x832, 77 frames, 20 steps, guidance 1, through our own animator: driver, pose and face pictures made from a request, pipeline, clip.
Transformer (15.2 B with face and motion encoder), VAE and CLIP have the released sizes, made on the device in bfloat16 (VAE float32); there
is no text encoder, the text is zeros. A case a line of OUT/wan_animate.json: seconds of the whole and of the median denoising step, memory
at its highest. Offload `group` moves every layer in every step: it is asked for two steps. Needs torch, diffusers, transformers, OpenCV.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import numpy as np  # noqa: E402
import torch  # noqa: E402

from models.backbones.diffusers_folder import prepare  # noqa: E402
from models.baselines.local.wan_animate import WanAnimateOptions, capabilities  # noqa: E402
from models.baselines.local.wan_animate_pipeline import WanAnimate, set_shift  # noqa: E402
from models.runtime import Runtime  # noqa: E402
from models.types import AnimationRequest, Clip, PoseTrack  # noqa: E402

TRUE = {
    "patch_size": (1, 2, 2), "num_attention_heads": 40, "attention_head_dim": 128, "in_channels": 36, "latent_channels": 16,
    "out_channels": 16, "text_dim": 4096, "freq_dim": 256, "ffn_dim": 13824, "num_layers": 40, "image_dim": 1280,
    "inject_face_latents_blocks": 5,
}  # fmt: skip
SMALL = TRUE | {
    "num_attention_heads": 2, "attention_head_dim": 24, "text_dim": 32, "ffn_dim": 64, "num_layers": 5, "image_dim": 32,
    "motion_encoder_channel_sizes": {"4": 16, "8": 16, "16": 16}, "motion_encoder_size": 16, "motion_style_dim": 8, "motion_dim": 4,
    "motion_encoder_dim": 16, "face_encoder_hidden_dim": 16, "face_encoder_num_heads": 2,
}  # fmt: skip
CLIP = {
    "hidden_size": 1280,
    "intermediate_size": 5120,
    "num_hidden_layers": 32,
    "num_attention_heads": 16,
    "patch_size": 14,
    "image_size": 224,
}
SMALL_CLIP = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "patch_size": 8,
    "image_size": 32,
}
SMALL_VAE = {"base_dim": 3, "z_dim": 16, "dim_mult": [1, 1, 1, 1], "num_res_blocks": 1, "temperal_downsample": [False, True, True]}


def pipeline_of(small: bool, device: torch.device) -> Any:
    """diffusers' pipeline with random weights, made where they are to lie: 14 B numbers take minutes on a CPU."""
    from diffusers import AutoencoderKLWan, UniPCMultistepScheduler, WanAnimatePipeline, WanAnimateTransformer3DModel
    from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModel

    clip = SMALL_CLIP if small else CLIP
    with torch.device(device):
        vae = AutoencoderKLWan(**(SMALL_VAE if small else {}))
        torch.set_default_dtype(torch.bfloat16)
        try:
            transformer = WanAnimateTransformer3DModel(**(SMALL if small else TRUE))
            encoder = CLIPVisionModel(CLIPVisionConfig(**clip))
        finally:
            torch.set_default_dtype(torch.float32)
    kept = transformer._keep_in_fp32_modules  # as loading a folder keeps them
    for name, parameter in transformer.named_parameters():
        if any(part in name.split(".") for part in kept):
            parameter.data = parameter.data.float()
    side = clip["image_size"]
    pipe = WanAnimatePipeline(
        tokenizer=None,
        text_encoder=None,
        vae=vae,
        scheduler=UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=5.0),
        image_processor=CLIPImageProcessor(size={"shortest_edge": side}, crop_size={"height": side, "width": side}),
        image_encoder=encoder,
        transformer=transformer,
    )
    pipe.set_progress_bar_config(disable=True)
    return pipe


class NoEstimator:
    """The request brings its pose."""

    weights_hash = ""


def request_of(size: tuple[int, int], frames: int) -> AnimationRequest:
    """Random pictures and one standing person of 17 joints who sways."""
    rng, (width, height) = np.random.default_rng(0), size
    body = np.float32(
        [(0, -8), (0.6, -8.5), (-0.6, -8.5), (1.3, -8), (-1.3, -8), (2, -6), (-2, -6), (3, -3.5), (-3, -3.5), (3.2, -1), (-3.2, -1),
         (1.2, 0), (-1.2, 0), (1.4, 4), (-1.4, 4), (1.5, 8), (-1.5, 8)]
    )  # fmt: skip
    sway = np.sin(np.arange(frames, dtype=np.float32) / 8)[:, None] * body[None, :, 1] * 0.1
    points = np.repeat(body[None], frames, axis=0)
    points[..., 0] += sway
    points = (points * (height / 20) + np.float32(size) / 2)[:, None]
    pose = PoseTrack(points=points, confidence=np.ones((frames, 1, 17), np.float32), skeleton="coco17", fps=30.0)
    driving = Clip(frames=rng.integers(0, 256, (frames, height, width, 3), np.uint8), fps=30.0)
    reference = rng.integers(0, 256, (height, width, 3), np.uint8)
    return AnimationRequest(id="one", reference=reference, driving=driving, size=size, num_frames=frames, seed=0, pose=pose)


def case(pipe: Any, runtime: Runtime, options: WanAnimateOptions, request: AnimationRequest) -> dict[str, Any]:
    """Figures of one request. The seconds of a step are those of the transformer alone."""
    cuda, spent = runtime.torch_device().type == "cuda", list[float]()

    def wait() -> float:
        if cuda:
            torch.cuda.synchronize()
        return time.perf_counter()

    set_shift(pipe, options.shift)
    prepare(pipe, runtime)
    parts = {"name": "wan_animate:random", "weights_hash": "0" * 64, "capabilities": capabilities("wan_animate")}
    animator = WanAnimate(pipe, NoEstimator(), options=options, runtime=runtime, **parts)
    hooks = [
        pipe.transformer.register_forward_pre_hook(lambda *_: spent.append(-wait())),
        pipe.transformer.register_forward_hook(lambda *_: spent.append(spent.pop() + wait())),
    ]
    if cuda:
        torch.cuda.reset_peak_memory_stats()
    start = wait()
    clip = animator.animate(request).clip
    seconds = wait() - start
    for hook in hooks:
        hook.remove()
    memory = torch.cuda.max_memory_allocated() / 2**30 if cuda else 0.0
    shown = f"{clip.size[0]}x{clip.size[1]}x{len(clip)}"
    step = round(sorted(spent)[len(spent) // 2], 4)
    return {"offload": runtime.offload, "painted": shown, "steps": len(spent), "seconds": round(seconds, 3), "step_s": step,
            "peak_gib": round(memory, 2)}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--small", "--tiny", action="store_true")
    flags = parser.parse_args()
    cuda = torch.cuda.is_available() and not flags.small
    device = torch.device("cuda" if cuda else "cpu")
    if not cuda and not flags.small:
        parser.error("no GPU here: --small tries it on a CPU")
    torch.manual_seed(0)
    size, frames, steps = ((64, 48), 17, 2) if flags.small else ((832, 480), 77, 20)
    flags.out.mkdir(parents=True, exist_ok=True)
    rows: dict[str, Any] = {"device": torch.cuda.get_device_name() if cuda else "CPU", "torch": torch.__version__, "cases": []}
    start = time.perf_counter()
    pipe = pipeline_of(flags.small, device)
    rows["parameters"] = sum(p.numel() for p in pipe.transformer.parameters())
    rows["made_s"] = round(time.perf_counter() - start, 1)
    options, request = WanAnimateOptions(steps=steps, area_px=0), request_of(size, frames)
    for offload, asked in (("none", steps), ("model", steps), ("group", 2)):
        if offload == "model" and not cuda:
            continue  # diffusers wants an accelerator for it
        runtime = Runtime(device=device.type, dtype="bfloat16", offload=offload)
        rows["cases"].append(case(pipe, runtime, replace(options, steps=asked), request))
        pipe.remove_all_hooks()
        print(rows["cases"][-1], flush=True)
        (flags.out / "wan_animate.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
