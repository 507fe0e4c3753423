"""uint8 pictures <-> the signed floats networks see. numpy and torch only."""

from __future__ import annotations

import numpy as np
import torch


def to_signed(pictures: np.ndarray) -> torch.Tensor:
    """uint8 `[...,H,W,3]` -> float32 `[...,3,H,W]` in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(pictures, -1, -3))).float() / 127.5 - 1


def to_uint8(pixels: torch.Tensor) -> np.ndarray:
    """float `[...,3,H,W]` in [-1, 1] -> uint8 `[...,H,W,3]`, clipped."""
    return np.moveaxis(((pixels + 1) * 127.5 + 0.5).clamp(0, 255).to(torch.uint8).numpy(), -3, -1)
