"""Where what a driving frame shows stood in the first driving frame: learned features, matched all to all, then refined.

    coarse(x) = sum_y softmax_y(gain <f(x), f0(y)> - |y - x|^2 / (2 reach^2)) (y - x)
    fine      = coarse + r(features, coarse, certainty, f(x) f0(x + coarse))

with f, f0 unit vectors on a raster of 2 px and r some dilated convolutions on the cells. What shows nothing to match stays where
it is, or goes with its surroundings. A token of some pixels moved into channels would need many heads to say how far its neighbour
has gone; here the answer is read off where the match lies. Of a drawn skeleton it is r that says how the body about it moves.
Source: global matching with a softmax, then refinement: Xu et al., "GMFlow", CVPR 2022, section 3; the prior on the distance
is ours.

Legend: B batch, T driving frames, H, W px, F features, h = H/cell, w = W/cell (in private methods H/2, W/2).
"""

from __future__ import annotations

import math

import torch
from torch import nn
from torch.nn import functional as F

from models.types import require

_STRIDE_PX = 2
_FEATURES, _MATCHED, _REFINED = 64, 48, 96
_DILATIONS = (1, 2, 4, 2)
UNIT_PX = 4.0
_EVENED = 0.1
"""Of displacements over a whole clip: the weight of the one before and of the one after."""


def cell_moves(said_BT5hw: torch.Tensor) -> torch.Tensor:
    """What a matcher says, as the displacement of every cell: `[B,T,2,h,w]` px."""
    return UNIT_PX * said_BT5hw[:, :, :2].float()


def coarse_moves(said_BT5hw: torch.Tensor) -> torch.Tensor:
    """The same before refinement."""
    return UNIT_PX * said_BT5hw[:, :, 2:4].float()


def sample_at(reference_BCHW: torch.Tensor, origins_BT2hw: torch.Tensor, crispness: float = 0.0) -> torch.Tensor:
    """The reference seen from every pixel's origin, edges replicated: `[B,T,C,H,W]`.

    The origins are those of the cells of a coarser raster, bilinear between their middles. The reference is sampled bilinearly,
    which blurs, and to the share `crispness` bicubically, which does not but oversteps at edges.
    """
    (b, t), (height, width) = origins_BT2hw.shape[:2], reference_BCHW.shape[-2:]
    smooth = F.interpolate(origins_BT2hw.flatten(0, 1), size=(height, width), mode="bilinear", align_corners=False)
    y, x = torch.meshgrid(torch.arange(height, device=smooth.device), torch.arange(width, device=smooth.device), indexing="ij")
    at = smooth.unflatten(0, (b, t)).movedim(2, -1).flatten(1, 2) + torch.stack([x, y], -1).repeat(t, 1, 1)
    at = 2 * at / at.new_tensor([max(width - 1, 1), max(height - 1, 1)]) - 1
    seen = F.grid_sample(reference_BCHW, at, mode="bilinear", padding_mode="border", align_corners=True)
    if crispness:
        seen = seen.lerp(F.grid_sample(reference_BCHW, at, mode="bicubic", padding_mode="border", align_corners=True), crispness)
    return seen.unflatten(2, (t, height)).movedim(2, 1)


class Matcher(nn.Module):
    """Compares every driving frame with the first; all to all, so the price grows with the square of the picture's area."""

    channels = 5
    """What is said of a cell: displacement (dx, dy) in units of `UNIT_PX`, the same before refinement, and how sure the match is, 0-1."""

    def __init__(self, cell_px: int = 4) -> None:
        super().__init__()
        require(cell_px % (2 * _STRIDE_PX) == 0, "matcher", "cell_px", cell_px, f"a multiple of {2 * _STRIDE_PX}")
        self.pool = cell_px // _STRIDE_PX
        self.features = nn.Sequential(
            nn.Conv2d(3, 32, 3, padding=1),
            nn.GELU(),
            nn.Conv2d(32, _FEATURES, 3, stride=_STRIDE_PX, padding=1),
            nn.GELU(),
            nn.Conv2d(_FEATURES, _FEATURES, 3, padding=1),
            nn.GELU(),
        )
        self.match = nn.Conv2d(_FEATURES, _MATCHED, 3, padding=1)
        self.log_gain = nn.Parameter(torch.tensor(math.log(20.0)))
        self.log_reach_px = nn.Parameter(torch.tensor(math.log(4.0)))
        self.gather = nn.Conv2d(_FEATURES + _MATCHED + 3, _REFINED, 2 * self.pool, stride=self.pool, padding=self.pool // 2)
        self.refine = nn.ModuleList([nn.Conv2d(_REFINED, _REFINED, 3, padding=d, dilation=d) for d in _DILATIONS])
        self.out = nn.Conv2d(_REFINED, 2, 3, padding=1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def forward(self, driver_BT3HW: torch.Tensor, neighbours: bool = False) -> torch.Tensor:
        """Driving frames in [-1, 1] -> `[B,T,5,h,w]` (`channels`); zeros for the first frame.

        `neighbours`: each frame follows the one before; then the displacement is the mean of what the first frame and what the
        chain of neighbours says, which is smoother over time than either, evened out with the displacements before and after.
        """
        b, t = driver_BT3HW.shape[:2]
        seen = self.features(driver_BT3HW.flatten(0, 1))
        unit = F.normalize(self.match(seen).float(), dim=1)
        seen, unit = seen.unflatten(0, (b, t)), unit.unflatten(0, (b, t))
        said = self._compare(unit[:, :1].expand_as(unit)[:, 1:], unit[:, 1:], seen[:, 1:])
        if neighbours and t > 2:
            steps = UNIT_PX * self._compare(unit[:, :-1], unit[:, 1:], seen[:, 1:])[:, :, :2]
            chained = [steps[:, 0]]
            for step in steps[:, 1:].unbind(1):
                chained.append(step + sample_at(chained[-1], step[:, None] / (_STRIDE_PX * self.pool))[:, 0])
            moves = F.pad((said[:, :, :2] + torch.stack(chained, 1) / UNIT_PX) / 2, (0, 0, 0, 0, 0, 0, 1, 0))
            between = (1 - 2 * _EVENED) * moves[:, 1:-1] + _EVENED * (moves[:, :-2] + moves[:, 2:])
            said = torch.cat([torch.cat([between, moves[:, -1:]], 1), said[:, :, 2:]], 2)
        return F.pad(said, (0, 0, 0, 0, 0, 0, 1, 0))

    def _compare(self, before_BTFhw: torch.Tensor, unit_BTFhw: torch.Tensor, seen_BTFhw: torch.Tensor) -> torch.Tensor:
        """What is said of frames whose features are `unit` and `seen` against those before, `[B,T,5,h,w]`."""
        before, unit, seen = (x.flatten(0, 1) for x in (before_BTFhw, unit_BTFhw, seen_BTFhw))
        with torch.autocast(seen.device.type, enabled=False):  # a place needs more than the eight bits of bfloat16
            moved, sure = self._matched(before, unit)
            alike = sample_at(before, moved[:, None] / _STRIDE_PX)[:, 0] * unit
        x = self.gather(torch.cat([seen, alike, moved / UNIT_PX, sure], 1))
        for layer in self.refine:
            x = x + layer(F.gelu(x))
        coarse, certain = F.avg_pool2d(moved / UNIT_PX, self.pool), F.avg_pool2d(sure, self.pool)
        return torch.cat([coarse + self.out(x).float(), coarse, certain], 1).unflatten(0, unit_BTFhw.shape[:2])

    def _matched(self, before_BFhw: torch.Tensor, unit_BFhw: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """On the raster: displacement `[B,2,...]` px and certainty `[B,1,...]`."""
        rows, columns = unit_BFhw.shape[-2:]
        places = self._places(rows, columns, unit_BFhw.device)
        apart = (places[:, None] - places[None]).square().sum(-1)
        alike = unit_BFhw.flatten(2).transpose(-1, -2) @ before_BFhw.flatten(2)
        matched = torch.softmax(self.log_gain.exp() * alike - apart / (2 * (2 * self.log_reach_px).exp()), -1)
        moved, sure = matched @ places - places, matched.square().sum(-1, keepdim=True)
        return tuple(x.transpose(-1, -2).unflatten(-1, (rows, columns)) for x in (moved, sure))

    @staticmethod
    def _places(rows: int, columns: int, device: torch.device) -> torch.Tensor:
        y, x = torch.meshgrid(torch.arange(rows, device=device), torch.arange(columns, device=device), indexing="ij")
        return _STRIDE_PX * torch.stack([x, y], -1).flatten(0, 1).float()
