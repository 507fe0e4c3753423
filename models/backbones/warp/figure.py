"""Figure and ground: which pixels of a picture belong to what moves by itself.

The network sees one picture at a time; it is taught by what is seen to move in training clips (`models.optical_flow.clip_motion`),
so it knows what would move before it has. Source: flow as the teacher of a network that sees single pictures: Pathak et al.,
"Learning Features by Watching Objects Move", CVPR 2017.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

_CHANNELS = 48
_DILATIONS = (1, 2, 4, 8, 4, 2, 1)


class Figure(nn.Module):
    """One picture -> how likely each pixel belongs to the figure, as logits."""

    def __init__(self) -> None:
        super().__init__()
        half = _CHANNELS // 2
        self.stem = nn.Sequential(nn.Conv2d(3, half, 3, padding=1), nn.GELU(), nn.Conv2d(half, _CHANNELS, 3, stride=2, padding=1))
        self.layers = nn.ModuleList([nn.Conv2d(_CHANNELS, _CHANNELS, 3, padding=d, dilation=d) for d in _DILATIONS])
        self.out = nn.Conv2d(_CHANNELS, 4, 3, padding=1)

    def forward(self, pictures_B3HW: torch.Tensor) -> torch.Tensor:
        """Pictures in [-1, 1], H and W even -> logits `[B,1,H,W]`."""
        x = self.stem(pictures_B3HW)
        for layer in self.layers:
            x = x + layer(F.gelu(x))
        return F.pixel_shuffle(self.out(F.gelu(x)), 2)
