"""A tiny Wan2.2-Animate folder with random weights, and requests for it: one person of the whole body whose arm swings."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from models.types import AnimationRequest, PoseTrack
from tests.models import tiny_pipelines as tiny
from tests.models.tiny_local import request_of

MOTION = {
    "motion_encoder_channel_sizes": {"4": 16, "8": 16, "16": 16},
    "motion_encoder_size": 16,
    "motion_style_dim": 8,
    "motion_dim": 4,
    "motion_encoder_dim": 16,
    "face_encoder_hidden_dim": 16,
    "face_encoder_num_heads": 2,
    "inject_face_latents_blocks": 2,
}
TRANSFORMER = {
    "patch_size": (1, 2, 2),
    "num_attention_heads": 2,
    "attention_head_dim": 12,
    "in_channels": 36,
    "latent_channels": 16,
    "out_channels": 16,
    "text_dim": 32,
    "freq_dim": 64,
    "ffn_dim": 32,
    "num_layers": 2,
    "image_dim": 4,
    "rope_max_seq_len": 64,
} | MOTION


def save_animate(folder: Path, *, text_encoder: bool = False, **changes: Any) -> Path:
    """As `WanAnimatePipeline` saves itself; `changes`: of the transformer's configuration."""
    from diffusers import WanAnimatePipeline, WanAnimateTransformer3DModel

    torch.manual_seed(0)
    pipe = WanAnimatePipeline(
        tokenizer=tiny.tokenizer(tiny.PROMPTS) if text_encoder else None,
        text_encoder=tiny._umt5(32) if text_encoder else None,
        vae=tiny._wan_vae(z_dim=16),
        scheduler=tiny._unipc(3.0),
        image_processor=tiny._clip_processor(),
        image_encoder=tiny._clip_vision(),
        transformer=WanAnimateTransformer3DModel(**(TRANSFORMER | changes)),
    )
    pipe.save_pretrained(folder)
    return folder


def whole_body(pose: PoseTrack) -> PoseTrack:
    """Toes, a round face and hands that hang on the wrists beside the 17 joints of each person."""
    count, people = pose.points.shape[:2]
    points = np.zeros((count, people, 133, 2), np.float32)
    points[:, :, :17] = pose.points
    around = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    size = np.abs(pose.points[..., 5, :] - pose.points[..., 11, :]).max()
    points[:, :, 17:23] = pose.points[:, :, [15, 15, 15, 16, 16, 16]] + np.float32((0, size / 8))
    points[:, :, 23:91] = pose.points[:, :, :1] + np.float32(np.stack([np.cos(around), np.sin(around)], -1) * size / 5)
    fan = np.float32(np.stack([np.linspace(-1, 1, 21), np.linspace(0, 1, 21)], -1) * size / 8)
    points[:, :, 91:112], points[:, :, 112:133] = pose.points[:, :, 9:10] + fan, pose.points[:, :, 10:11] + fan
    confidence = np.broadcast_to(pose.confidence.min(-1, keepdims=True), (count, people, 133))
    return PoseTrack(points=points, confidence=np.float32(confidence), skeleton="wholebody133", fps=pose.fps)


def whole_request(frames: int = 5, **changes: Any) -> AnimationRequest:
    asked = request_of(frames, **changes)
    return replace(asked, pose=whole_body(asked.pose))
