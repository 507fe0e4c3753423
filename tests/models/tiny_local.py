"""Tiny folders, with random weights, of the local pipelines we compare with; and a request for them, with a pose."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.types import AnimationRequest, Clip, PoseTrack
from tests.models import tiny_pipelines as tiny

SIZE, FPS = (48, 32), 16.0


def save_vace(folder: Path, *, text_encoder: bool = False, **changes: Any) -> Path:
    """Wan2.1-VACE: one VACE layer, 96 control channels."""
    from diffusers import WanVACEPipeline, WanVACETransformer3DModel

    torch.manual_seed(0)
    config = {
        "num_attention_heads": 2,
        "attention_head_dim": 12,
        "in_channels": 16,
        "out_channels": 16,
        "text_dim": 32,
        "freq_dim": 64,
        "ffn_dim": 32,
        "num_layers": 2,
        "rope_max_seq_len": 32,
        "vace_layers": [0],
        "vace_in_channels": 96,
    }
    pipe = WanVACEPipeline(
        tokenizer=tiny.tokenizer(tiny.PROMPTS) if text_encoder else None,
        text_encoder=tiny._umt5(32) if text_encoder else None,
        vae=tiny._wan_vae(z_dim=16),
        scheduler=tiny._unipc(3.0),
        transformer=WanVACETransformer3DModel(**(config | changes)),
    )
    pipe.save_pretrained(folder)
    return folder


def save_fun_control(folder: Path, *, reference: bool, clip: bool = True) -> Path:
    """A Wan image-to-video folder whose transformer/ is a published Fun-Control: original names; `reference`: V1.1's `ref_conv`."""
    from safetensors.torch import load_file, save_file

    tiny.save_wan(folder, image_encoder=clip, text_encoder=clip, unipc=True, in_channels=48, added_kv_proj_dim=24 if clip else None)
    place = folder / "transformer"
    (file,) = place.glob("*.safetensors")
    state = {original_name(name): tensor for name, tensor in load_file(file).items()}
    if reference:
        torch.manual_seed(1)
        state |= {f"ref_conv.{name}": tensor for name, tensor in torch.nn.Conv2d(16, 24, 2, stride=2).state_dict().items()}
    shutil.rmtree(place)
    place.mkdir()
    save_file({name: tensor.detach().contiguous() for name, tensor in state.items()}, place / "diffusion_pytorch_model.safetensors")
    config = {"_class_name": "WanModel", "model_type": "i2v", "dim": 24, "num_heads": 2, "in_dim": 48, "out_dim": 16, "eps": 1e-6}
    (place / "config.json").write_text(json.dumps(config))
    return folder


_ORIGINAL = (
    ("condition_embedder.time_embedder.linear_1", "time_embedding.0"),
    ("condition_embedder.time_embedder.linear_2", "time_embedding.2"),
    ("condition_embedder.text_embedder.linear_1", "text_embedding.0"),
    ("condition_embedder.text_embedder.linear_2", "text_embedding.2"),
    ("condition_embedder.time_proj", "time_projection.1"),
    ("condition_embedder.image_embedder.norm1", "img_emb.proj.0"),
    ("condition_embedder.image_embedder.ff.net.0.proj", "img_emb.proj.1"),
    ("condition_embedder.image_embedder.ff.net.2", "img_emb.proj.3"),
    ("condition_embedder.image_embedder.norm2", "img_emb.proj.4"),
    ("attn2.norm_added_k", "cross_attn.norm_k_img"),
    ("attn2.add_k_proj", "cross_attn.k_img"),
    ("attn2.add_v_proj", "cross_attn.v_img"),
    ("attn1", "self_attn"),
    ("attn2", "cross_attn"),
    (".to_out.0.", ".o."),
    (".to_q.", ".q."),
    (".to_k.", ".k."),
    (".to_v.", ".v."),
    (".ffn.net.0.proj", ".ffn.0"),
    (".ffn.net.2", ".ffn.2"),
    (".norm2.", ".norm3."),
    (".scale_shift_table", ".modulation"),
    ("proj_out", "head.head"),
)


def original_name(name: str) -> str:
    """A weight's name in Wan's own layout."""
    if name == "scale_shift_table":
        return "head.modulation"
    for theirs, original in _ORIGINAL:
        name = name.replace(theirs, original)
    return name


def save_animate2(folder: Path, *, distilled: bool = False) -> Path:
    """Wan-Animate-2 as its modular pipeline saves it; CLIP tokens are 1280 wide in every size of it."""
    import warnings

    import diffusers
    from transformers import CLIPVisionConfig, CLIPVisionModel

    torch.manual_seed(0)
    clip = CLIPVisionConfig(
        hidden_size=1280, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=224, patch_size=56
    )
    sizes = {"dim": 48, "ffn_dim": 32, "freq_dim": 64, "text_dim": 32, "num_heads": 3, "num_layers": 2}
    kind = diffusers.WanAnimate2DistilledModularPipeline if distilled else diffusers.WanAnimate2ModularPipeline
    pipe = kind(blocks=getattr(diffusers.modular_pipelines, kind.default_blocks_name)())
    pipe.update_components(
        transformer=diffusers.WanAnimate2Transformer3DModel(**sizes),
        vae=tiny._wan_vae(z_dim=16),
        text_encoder=tiny._umt5(32),
        tokenizer=tiny.tokenizer(tiny.PROMPTS),
        image_encoder=CLIPVisionModel(clip).eval(),
        scheduler=tiny._euler(5.0),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        pipe.save_pretrained(str(folder))
    return folder


def request_of(
    frames: int = 9, *, size: tuple[int, int] = SIZE, fps: float = FPS, seed: int = 3, prompt: str = "a painted knight waves"
) -> AnimationRequest:
    """Random pictures and one person whose arm swings."""
    rng, (width, height) = np.random.default_rng(0), size
    return AnimationRequest(
        id="case-1",
        reference=rng.integers(0, 256, (height, width, 3), np.uint8),
        driving=Clip(frames=rng.integers(0, 256, (frames, height, width, 3), np.uint8), fps=fps),
        size=size,
        num_frames=frames,
        seed=seed,
        pose=swinging(frames, size, fps),
        prompt=prompt,
    )


def swinging(frames: int, size: tuple[int, int], fps: float) -> PoseTrack:
    """A standing person of 17 joints whose right arm goes up."""
    body = np.float32(
        [(0, -8), (0.6, -8.5), (-0.6, -8.5), (1.3, -8), (-1.3, -8), (2, -6), (-2, -6), (3, -3.5), (-3, -3.5), (3.2, -1), (-3.2, -1),
         (1.2, 0), (-1.2, 0), (1.4, 4), (-1.4, 4), (1.5, 8), (-1.5, 8)]
    )  # fmt: skip
    points = np.repeat(body[None], frames, axis=0)
    angle = np.linspace(0, 2.5, frames, dtype=np.float32)
    for joint, length in ((8, 2.5), (10, 5.0)):
        points[:, joint] = body[6] + length * np.stack([-np.sin(angle), np.cos(angle)], axis=-1)
    points = points * (size[1] / 20) + np.float32(size) / 2
    return PoseTrack(points=points[:, None], confidence=np.ones((frames, 1, 17), np.float32), skeleton="coco17", fps=fps)
