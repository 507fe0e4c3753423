"""Where what a driving frame shows stood in the first driving frame: learned features, matched all to all.

    displacement(x) = sum_y softmax_y(gain <f(x), f0(y)> - |y - x|^2 / (2 reach^2)) (y - x)

with f, f0 unit vectors on a raster of 2 px. What shows nothing to match stays where it is. A token of some pixels moved into
channels would need many heads to say how far its neighbour has gone; here the answer is read off where the match lies.
Source: global matching with a softmax, Xu et al., "GMFlow", CVPR 2022, section 3.1; the prior on the distance is ours.

Legend: B batch, T driving frames, H, W px, N = H/2 * W/2 places.
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

_STRIDE_PX = 2
_FEATURES = 48
UNIT_PX = 4.0


def cell_moves(said_BT3HW: torch.Tensor, cell_px: int) -> torch.Tensor:
    """What a matcher says, as the mean displacement of every cell: `[B,T,2,H/cell,W/cell]` px."""
    return UNIT_PX * F.avg_pool3d(said_BT3HW[:, :, :2].float(), (1, cell_px, cell_px))


class Matcher(nn.Module):
    """Compares every driving frame with the first; all to all, so the price grows with the square of the picture's area."""

    channels = 3
    """What is said of a pixel: displacement (dx, dy) in units of `UNIT_PX`, and how sure the match is, 0-1."""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(32, 64, 3, stride=_STRIDE_PX, padding=1),
            nn.GELU(),
            nn.Conv2d(64, _FEATURES, 3, padding=1),
        )
        self.log_gain = nn.Parameter(torch.tensor(math.log(20.0)))
        self.log_reach_px = nn.Parameter(torch.tensor(math.log(4.0)))

    def forward(self, driver_BT3HW: torch.Tensor) -> torch.Tensor:
        """Driving frames in [-1, 1] -> `[B,T,3,H,W]`: dx, dy in units of 4 px and the certainty; zeros for the first frame."""
        b, t, _, height, width = driver_BT3HW.shape
        seen = self.features(driver_BT3HW.flatten(0, 1))
        rows, columns = seen.shape[-2:]
        seen = F.normalize(seen.float().flatten(2).transpose(1, 2), dim=-1).unflatten(0, (b, t))
        places = self._places(rows, columns, seen.device)
        apart = (places[:, None] - places[None]).square().sum(-1)
        logits = self.log_gain.exp() * seen[:, 1:] @ seen[:, :1].transpose(-1, -2) - apart / (2 * (2 * self.log_reach_px).exp())
        matched = torch.softmax(logits, -1)
        moved = matched @ places - places
        sure = matched.square().sum(-1, keepdim=True)
        said = torch.cat([moved / UNIT_PX, sure], -1).transpose(-1, -2).unflatten(-1, (rows, columns))
        said = F.pad(said, (0, 0, 0, 0, 0, 0, 1, 0)).flatten(0, 1)
        return F.interpolate(said, size=(height, width), mode="bilinear", align_corners=False).unflatten(0, (b, t))

    @staticmethod
    def _places(rows: int, columns: int, device: torch.device) -> torch.Tensor:
        y, x = torch.meshgrid(torch.arange(rows, device=device), torch.arange(columns, device=device), indexing="ij")
        return _STRIDE_PX * torch.stack([x, y], -1).flatten(0, 1).float()
