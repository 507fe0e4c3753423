"""Tiny diffusers folders with random weights: every backbone family at a size a CPU runs in milliseconds, made without a network.

The configurations are those of diffusers' own pipeline tests. Text encoders are left out (null in `model_index.json`) unless asked for;
then small ones are made, with vocabularies learned on the spot. Beside the folders: the canvas, the noise and the stock pipeline that
tests of the adapters share.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.backbones.families import build_backbone
from models.canvas import Canvas, compose
from models.pixels import clips_to_signed, to_signed
from models.runtime import Runtime

SIDE, FRAMES = 32, 9
CPU = Runtime(device="cpu")
PROMPTS = ("a painted knight waves", "a small robot bows, then jumps", "nothing")


def save_wan(folder: Path, *, image_encoder: bool = False, text_encoder: bool = False, unipc: bool = False, **changes: Any) -> Path:
    """Wan 2.1 image-to-video: 36 channels; `unipc`: the released model's own scheduler. `changes`: of the transformer's configuration."""
    from diffusers import WanImageToVideoPipeline

    torch.manual_seed(0)
    pipe = WanImageToVideoPipeline(
        tokenizer=tokenizer(PROMPTS) if text_encoder else None,
        text_encoder=_umt5(32) if text_encoder else None,
        vae=_wan_vae(z_dim=16),
        scheduler=_unipc(3.0) if unipc else _euler(3.0),
        image_processor=_clip_processor() if image_encoder else None,
        image_encoder=_clip_vision() if image_encoder else None,
        transformer=_wan_transformer(36, {"image_dim": 4 if image_encoder else None} | changes),
    )
    return _saved(pipe, folder)


def save_wan_ti2v(folder: Path, *, text_encoder: bool = False, unipc: bool = False, **changes: Any) -> Path:
    """Wan 2.2 TI2V: no mask channels, the VAE's own 2 px patches (4x16x16), per-token times."""
    from diffusers import WanImageToVideoPipeline

    torch.manual_seed(0)
    pipe = WanImageToVideoPipeline(
        tokenizer=tokenizer(PROMPTS) if text_encoder else None,
        text_encoder=_umt5(32) if text_encoder else None,
        vae=_wan_vae(z_dim=16, in_channels=12, out_channels=12, patch_size=2, is_residual=True, scale_factor_spatial=16),
        scheduler=_unipc(5.0) if unipc else _euler(5.0),
        transformer=_wan_transformer(16, changes),
        expand_timesteps=True,
    )
    return _saved(pipe, folder)


def save_hunyuan(folder: Path, *, text_encoder: bool = False, **changes: Any) -> Path:
    """HunyuanVideo image-to-video by concatenation: 9 = 4 + 4 + 1 channels for a VAE of four."""
    from diffusers import AutoencoderKLHunyuanVideo, HunyuanVideoImageToVideoPipeline, HunyuanVideoTransformer3DModel

    torch.manual_seed(0)
    config = {
        "in_channels": 9,
        "out_channels": 4,
        "num_attention_heads": 2,
        "attention_head_dim": 10,
        "num_layers": 1,
        "num_single_layers": 1,
        "num_refiner_layers": 1,
        "patch_size": 2,
        "patch_size_t": 1,
        "guidance_embeds": False,
        "text_embed_dim": 16,
        "pooled_projection_dim": 8,
        "rope_axes_dim": (2, 4, 4),
        "image_condition_type": "latent_concat",
    }
    vae = AutoencoderKLHunyuanVideo(
        latent_channels=4,
        block_out_channels=(8, 8, 8, 8),
        layers_per_block=1,
        norm_num_groups=4,
    )
    pipe = HunyuanVideoImageToVideoPipeline(
        transformer=HunyuanVideoTransformer3DModel(**(config | changes)),
        vae=vae,
        scheduler=_euler(7.0),
        **(
            _llava_and_clip()
            if text_encoder
            else dict.fromkeys(("text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2", "image_processor"))
        ),
    )
    return _saved(pipe, folder)


def save_hunyuan15(folder: Path, *, text_encoder: bool = False, image_encoder: bool = True, **changes: Any) -> Path:
    """HunyuanVideo-1.5 image-to-video: 9 = 4 + 4 + 1 channels for a VAE of four, 4x16x16."""
    from diffusers import (
        AutoencoderKLHunyuanVideo15,
        ClassifierFreeGuidance,
        HunyuanVideo15ImageToVideoPipeline,
        HunyuanVideo15Transformer3DModel,
    )

    torch.manual_seed(0)
    config = {
        "in_channels": 9,
        "out_channels": 4,
        "num_attention_heads": 2,
        "attention_head_dim": 8,
        "num_layers": 2,
        "num_refiner_layers": 1,
        "mlp_ratio": 2.0,
        "text_embed_dim": 16,
        "text_embed_2_dim": 32,
        "image_embed_dim": 12,
        "rope_axes_dim": (2, 2, 4),
        "target_size": 32,
    }
    vae = AutoencoderKLHunyuanVideo15(
        latent_channels=4,
        block_out_channels=(16, 16, 16, 16, 16),
        layers_per_block=1,
        spatial_compression_ratio=16,
        temporal_compression_ratio=4,
        downsample_match_channel=False,
        upsample_match_channel=False,
    )
    pipe = HunyuanVideo15ImageToVideoPipeline(
        transformer=HunyuanVideo15Transformer3DModel(**(config | changes)),
        vae=vae,
        scheduler=_euler(7.0),
        guider=ClassifierFreeGuidance(guidance_scale=1.0),
        **(_qwen_and_byt5() if text_encoder else dict.fromkeys(("text_encoder", "tokenizer", "text_encoder_2", "tokenizer_2"))),
        **(_siglip() if image_encoder else dict.fromkeys(("image_encoder", "feature_extractor"))),
    )
    return _saved(pipe, folder)


SAVERS = {"wan": save_wan, "wan_ti2v": save_wan_ti2v, "hunyuan": save_hunyuan, "hunyuan15": save_hunyuan15}


def backbone_of(family: str, folder: Path, runtime: Runtime = CPU) -> Any:
    return build_backbone({"family": family}, folder, runtime)


def stock_pipeline(folder: Path) -> Any:
    """diffusers' own pipeline of the folder."""
    import diffusers

    index = json.loads((folder / "model_index.json").read_text())
    absent = {name: None for name, listed in index.items() if isinstance(listed, list) and listed[-1] is None}
    pipe = getattr(diffusers, index["_class_name"]).from_pretrained(str(folder), local_files_only=True, **absent)
    pipe.set_progress_bar_config(disable=True)
    return pipe


def pictures(seed: int = 0, frames: int = FRAMES) -> tuple[np.ndarray, np.ndarray]:
    """A random reference `[H,W,3]` and driver `[T,H,W,3]`, uint8."""
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8), rng.integers(0, 256, (frames, SIDE, SIDE, 3), np.uint8)


def canvas_of(reference: np.ndarray, driver: np.ndarray | None, *, gap_frames: int = 3, frames: int = FRAMES) -> Canvas:
    clip = None if driver is None else clips_to_signed(driver[None])
    return compose(to_signed(reference)[None], clip, frames, gap_frames=gap_frames)


def noise_of(condition: Any, seed: int = 0) -> torch.Tensor:
    return torch.randn(condition.latents_BCThw2.shape, generator=torch.Generator().manual_seed(seed))


def tokenizer(sentences: tuple[str, ...], special: tuple[str, ...] = (), chat_template: str | None = None) -> Any:
    """A word-piece vocabulary learned from a few sentences."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    core = Tokenizer(models.BPE(unk_token="<unk>"))
    core.pre_tokenizer = pre_tokenizers.Whitespace()
    names = ["<pad>", "</s>", "<unk>", *special]
    core.train_from_iterator(sentences, trainers.BpeTrainer(vocab_size=200, special_tokens=names))
    core.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=core,
        pad_token="<pad>",
        eos_token="</s>",
        unk_token="<unk>",
        extra_special_tokens=list(special),
        chat_template=chat_template,
    )


def _saved(pipe: Any, folder: Path) -> Path:
    pipe.save_pretrained(folder)
    return folder


def _euler(shift: float) -> Any:
    from diffusers import FlowMatchEulerDiscreteScheduler

    return FlowMatchEulerDiscreteScheduler(shift=shift)


def _unipc(shift: float) -> Any:
    from diffusers import UniPCMultistepScheduler

    return UniPCMultistepScheduler(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=shift)


def _wan_vae(**fields: Any) -> Any:
    from diffusers import AutoencoderKLWan

    return AutoencoderKLWan(base_dim=3, dim_mult=[1, 1, 1, 1], num_res_blocks=1, temperal_downsample=[False, True, True], **fields)


def _wan_transformer(in_channels: int, changes: dict[str, Any]) -> Any:
    from diffusers import WanTransformer3DModel

    config = {
        "patch_size": (1, 2, 2),
        "num_attention_heads": 2,
        "attention_head_dim": 12,
        "in_channels": in_channels,
        "out_channels": 16,
        "text_dim": 32,
        "freq_dim": 256,
        "ffn_dim": 32,
        "num_layers": 2,
        "cross_attn_norm": True,
        "qk_norm": "rms_norm_across_heads",
        "rope_max_seq_len": 32,
    }
    return WanTransformer3DModel(**(config | changes))


def _umt5(width: int) -> Any:
    from transformers import UMT5Config, UMT5EncoderModel

    return UMT5EncoderModel(UMT5Config(vocab_size=256, d_model=width, d_kv=8, d_ff=37, num_layers=2, num_heads=4)).eval()


def _clip_vision() -> Any:
    from transformers import CLIPVisionConfig, CLIPVisionModel

    sizes = {"hidden_size": 4, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2, "projection_dim": 4}
    return CLIPVisionModel(CLIPVisionConfig(image_size=4, patch_size=1, **sizes)).eval()


def _clip_processor(size: int = 4) -> Any:
    from transformers import CLIPImageProcessor

    return CLIPImageProcessor(size={"shortest_edge": size}, crop_size={"height": size, "width": size})


def _llava_and_clip() -> dict[str, Any]:
    """A Llava whose pictures have 24 x 24 tokens, as the released template expects, and a CLIP for the pooled words."""
    from diffusers.pipelines.hunyuan_video.pipeline_hunyuan_video_image2video import DEFAULT_PROMPT_TEMPLATE
    from transformers import CLIPTextConfig, CLIPTextModel, CLIPVisionConfig, LlamaConfig, LlavaConfig, LlavaForConditionalGeneration

    special = ("<|start_header_id|>", "<|end_header_id|>", "<|eot_id|>", "<image>")
    words = tokenizer((*PROMPTS, DEFAULT_PROMPT_TEMPLATE["template"]), special)
    image_token = words.convert_tokens_to_ids("<image>")
    sizes = {"hidden_size": 16, "intermediate_size": 32, "num_attention_heads": 4}
    config = LlavaConfig(
        text_config=LlamaConfig(vocab_size=256, num_hidden_layers=3, pad_token_id=0, max_position_embeddings=1200, **sizes),
        vision_config=CLIPVisionConfig(image_size=48, patch_size=2, num_hidden_layers=2, projection_dim=16, **sizes),
        image_token_index=image_token,
        pad_token_id=0,
    )
    clip = CLIPTextConfig(vocab_size=256, num_hidden_layers=1, max_position_embeddings=77, pad_token_id=0, eos_token_id=1, bos_token_id=2)
    clip.hidden_size, clip.intermediate_size, clip.num_attention_heads, clip.projection_dim = 8, 16, 2, 8
    return {
        "text_encoder": LlavaForConditionalGeneration(config).eval(),
        "tokenizer": words,
        "text_encoder_2": CLIPTextModel(clip).eval(),
        "tokenizer_2": tokenizer(PROMPTS),
        "image_processor": _clip_processor(48),
    }


def _qwen_and_byt5() -> dict[str, Any]:
    from transformers import ByT5Tokenizer, Qwen2_5_VLTextConfig, Qwen2_5_VLTextModel, T5Config, T5EncoderModel

    template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }} {% endfor %}assistant:"
    qwen = Qwen2_5_VLTextConfig(vocab_size=256, hidden_size=16, intermediate_size=32, num_hidden_layers=3, num_attention_heads=2)
    qwen.num_key_value_heads, qwen.rope_parameters = 2, {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
    return {
        "text_encoder": Qwen2_5_VLTextModel(qwen).eval(),
        "tokenizer": tokenizer((*PROMPTS, "system: user: You are a helpful assistant."), chat_template=template),
        "text_encoder_2": T5EncoderModel(T5Config(vocab_size=384, d_model=32, d_kv=8, d_ff=37, num_layers=1, num_heads=4)).eval(),
        "tokenizer_2": ByT5Tokenizer(),
    }


def _siglip() -> dict[str, Any]:
    from transformers import SiglipImageProcessor, SiglipVisionConfig, SiglipVisionModel

    sizes = {"hidden_size": 12, "intermediate_size": 24, "num_hidden_layers": 1, "num_attention_heads": 2}
    return {
        "image_encoder": SiglipVisionModel(SiglipVisionConfig(image_size=16, patch_size=8, **sizes)).eval(),
        "feature_extractor": SiglipImageProcessor(size={"height": 16, "width": 16}),
    }
