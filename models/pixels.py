"""uint8 pictures and clips <-> the signed floats networks see. numpy and torch only."""

from __future__ import annotations

import numpy as np
import torch


def to_signed(pictures: np.ndarray, device: torch.device | str = "cpu") -> torch.Tensor:
    """uint8 `[...,H,W,3]` -> float32 `[...,3,H,W]` in [-1, 1]; bytes travel to the device, not floats."""
    moved = torch.from_numpy(np.array(pictures)).to(device).movedim(-1, -3)
    return torch.empty(moved.shape, device=device).copy_(moved).div_(127.5).sub_(1)


def clips_to_signed(clips: np.ndarray, device: torch.device | str = "cpu") -> torch.Tensor:
    """uint8 `[B,T,H,W,3]` -> float32 `[B,3,T,H,W]` in [-1, 1]: the layout of video codecs."""
    moved = torch.from_numpy(np.array(clips)).to(device).permute(0, 4, 1, 2, 3)
    return torch.empty(moved.shape, device=device).copy_(moved).div_(127.5).sub_(1)


def to_uint8(pixels: torch.Tensor) -> np.ndarray:
    """float `[...,3,H,W]` in [-1, 1] -> uint8 `[...,H,W,3]`, clipped."""
    return np.moveaxis(((pixels.float() + 1) * 127.5 + 0.5).clamp(0, 255).to(torch.uint8).cpu().numpy(), -3, -1)


def clips_to_uint8(pixels_B3THW: torch.Tensor) -> np.ndarray:
    """float `[B,3,T,H,W]` in [-1, 1] -> uint8 `[B,T,H,W,3]`, clipped."""
    return to_uint8(pixels_B3THW.movedim(2, 1))
