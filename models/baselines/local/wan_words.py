"""Prompts for Wan pipelines: what their makers ask not to see, and empty words for a folder without a text encoder."""

from __future__ import annotations

from typing import Any

MAX_TEXT_TOKENS = 512

NEGATIVE_PROMPT = (
    "Bright tones, overexposed, static, blurred details, subtitles, style, works, paintings, images, static, overall gray, "
    "worst quality, low quality, JPEG compression residue, ugly, incomplete, extra fingers, poorly drawn hands, poorly drawn faces, "
    "deformed, disfigured, misshapen limbs, fused fingers, still picture, messy background, three legs, many people in the "
    "background, walking backwards"
)
"""Of the released models, as diffusers' examples translate it."""


def words(pipe: Any, prompt: str, negative_prompt: str, guidance: float) -> dict[str, Any]:
    """Text arguments of a Wan pipeline's call; zeros where it has no text encoder."""
    guided = guidance > 1
    if pipe.text_encoder is not None:
        return {"prompt": prompt, "negative_prompt": negative_prompt if guided else None, "max_sequence_length": MAX_TEXT_TOKENS}
    import torch

    # with CLIP tokens the transformer counts on the text being 512 long
    empty = torch.zeros(1, MAX_TEXT_TOKENS, pipe.transformer.config.text_dim)
    return {"prompt_embeds": empty, "negative_prompt_embeds": empty if guided else None}
