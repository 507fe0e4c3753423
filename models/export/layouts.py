"""How a backbone family is known elsewhere: the diffusers pipeline that takes its weights, and its layers' names in ComfyUI."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Mapping

from models.export.comfy import WAN_LAYERS
from models.types import require

_TINY_REMARK = """
from diffusers.models.transformers.transformer_wan import WanRotaryPosEmbed

c = transformer.config  # which has no place for the base of the rotary frequencies
transformer.rope = WanRotaryPosEmbed(c.attention_head_dim, c.patch_size, c.rope_max_seq_len, theta={rope_theta})
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """`pipeline`, `transformer`: diffusers' classes; `loads_lora`: whether the pipeline itself takes a LoRA, or only its transformer.

    `comfy_layers`: (regex, replacement) from diffusers' names of layers to ComfyUI's; empty where there is no such file.
    `after_loading`: Python lines that a transformer trained whole needs when diffusers has loaded it, with the card's backbone fields.
    `stock`: whether its pipeline can be used without this project's codec.
    """

    pipeline: str
    transformer: str
    loads_lora: bool = True
    comfy_layers: tuple[tuple[str, str], ...] = ()
    after_loading: str = ""
    stock: bool = True


_WAN = Layout(pipeline="WanImageToVideoPipeline", transformer="WanTransformer3DModel", comfy_layers=WAN_LAYERS)

LAYOUTS: Mapping[str, Layout] = {
    "wan": _WAN,
    "wan_ti2v": _WAN,
    "hunyuan": Layout(pipeline="HunyuanVideoImageToVideoPipeline", transformer="HunyuanVideoTransformer3DModel"),
    "hunyuan15": Layout(pipeline="HunyuanVideo15ImageToVideoPipeline", transformer="HunyuanVideo15Transformer3DModel", loads_lora=False),
    "tiny": Layout(pipeline=_WAN.pipeline, transformer=_WAN.transformer, after_loading=_TINY_REMARK, stock=False),
}
"""Family -> layout. HunyuanVideo has no ComfyUI file: its first release fuses q, k, v and the MLP of a block into one layer."""


def layout_of(card: Mapping[str, Any], item: str) -> Layout:
    """The layout of a card's family. Raises ValueError for a checkpoint that has none."""
    kind = card["class"]
    advice = "the folder itself is an animator; it has no form that other programs know"
    require(kind == "InContextAnimator", item, "class", kind, "InContextAnimator", advice)
    family = card["backbone"].get("family")
    require(family in LAYOUTS, item, "backbone family", repr(family), f"one of {', '.join(LAYOUTS)}")
    return LAYOUTS[family]
