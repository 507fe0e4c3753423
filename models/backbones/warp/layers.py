"""A figure over its ground: how each of the two moves with the driver, and what the reference looks like when they do. No weights.

A driver's flow belongs to the driver's outline. Warping another body by it leaves still what stands beyond that outline and drags
along the ground inside of it. So what the flow says is split: the figure's displacement is carried on over the whole figure of
the reference, the ground's goes on beneath it, and the reference's own figure says where one ends and the other begins.
Source: layers of Wang and Adelson, "Representing moving images with layers", IEEE TIP 1994.

Legend: B batch, T frames, H, W px, h, w cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from models.backbones.warp.matching import sample_at

_NEAR_PX, _FAR_WEIGHT = 3.0, 1e-4
"""How far a displacement is carried by neighbours, and the weight of the mean over the picture, which is left where no neighbour is."""
_STILL = 0.05
"""Weight of a cell of the figure that does not move, against one that moves as far as the mean: a body's outline is wider than it."""
_NO_CAMERA = 2.0
"""Cells of ground that the guess of a still camera counts for."""
_FLAT = 0.02
"""Colours (-1 to 1) of a cell that differ by less show nothing."""
_LEAST_PX2 = 12.0
"""A figure smaller than this has no middle."""
_SURE_PX = 3.0
"""`shrunk` for how far two middles lie apart: bodies differ by so much."""
_LITTLE, _SOME = 0.2, 0.6
"""A pixel that is less likely of the figure than the first is ground, one that is more likely than the second hides it."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Layers:
    """Backward displacements px of the figure and of the ground since the first frame, `[B,T,2,h,w]` each."""

    figure: torch.Tensor
    ground: torch.Tensor


def layers_of(moves_BT2hw: torch.Tensor, figure_BT1HW: torch.Tensor, shown_BT1hw: torch.Tensor) -> Layers:
    """Split a displacement by where the driver's figure stands (0-1): the figure's is carried on beyond its own outline, the
    ground's is the affine map that what lies well away from the figure follows, as it does before a moving camera.

    Cells of ground that show nothing (`shown`), or stand beside such, tell nothing, and the fewer are left the less is believed:
    before a drawn skeleton no camera moves.
    """
    shape, cell_px = moves_BT2hw.shape[:2], figure_BT1HW.shape[-1] / moves_BT2hw.shape[-1]
    moves = moves_BT2hw.flatten(0, 1)
    inside = F.adaptive_avg_pool2d(figure_BT1HW.flatten(0, 1).float(), moves.shape[-2:])
    length = moves.norm(dim=1, keepdim=True)
    moving = length + _STILL * length.mean((2, 3), keepdim=True) + 1e-4
    figure = _carried(moves, (inside + 0.01) * moving, _NEAR_PX / cell_px)
    away = (1 - F.max_pool2d(inside, 3, 1, 1)).clamp(min=0) ** 2
    telling = away * (1 - F.max_pool2d(1 - shown_BT1hw.flatten(0, 1), 3, 1, 1))
    ground = _affine(moves, telling * telling.sum((2, 3), keepdim=True) / away.sum((2, 3), keepdim=True).clamp(min=1e-6))
    return Layers(figure=figure.unflatten(0, shape), ground=ground.unflatten(0, shape))


def shown(pictures_BT3HW: torch.Tensor, cells: tuple[int, int]) -> torch.Tensor:
    """1 for the cells of a picture that show something, 0 for those of one colour; `[B,T,1,h,w]` with `cells` (h,w)."""
    pictures = pictures_BT3HW.flatten(0, 1).float()
    spread = F.adaptive_max_pool2d(pictures, cells) + F.adaptive_max_pool2d(-pictures, cells)
    return (spread.amax(1, keepdim=True) > _FLAT).float().unflatten(0, pictures_BT3HW.shape[:2])


def _affine(field_B2HW: torch.Tensor, weight_B1HW: torch.Tensor) -> torch.Tensor:
    """The affine field nearest to this one by weighted least squares; with little weight it is no motion at all."""
    (height, width), kind = field_B2HW.shape[-2:], {"device": field_B2HW.device, "dtype": field_B2HW.dtype}
    y, x = torch.meshgrid(torch.linspace(-1, 1, height, **kind), torch.linspace(-1, 1, width, **kind), indexing="ij")
    terms = torch.stack([torch.ones_like(x), x, y], -1).flatten(0, 1)
    weight = weight_B1HW.flatten(1)[..., None]
    normal = (weight * terms).transpose(1, 2) @ terms + _NO_CAMERA * torch.eye(3, **kind)
    wanted = (weight * terms).transpose(1, 2) @ field_B2HW.flatten(2).transpose(1, 2)
    return (terms @ torch.linalg.solve(normal, wanted)).transpose(1, 2).unflatten(2, (height, width))


def _carried(field_BCHW: torch.Tensor, weight_B1HW: torch.Tensor, sigma: float) -> torch.Tensor:
    """The weighted mean of a field over the neighbourhood of every cell."""
    both = torch.cat([field_BCHW * weight_B1HW, weight_B1HW], 1)
    both = _blurred(both, sigma) + _FAR_WEIGHT * both.mean((2, 3), keepdim=True)
    return both[:, :-1] / both[:, -1:].clamp(min=1e-12)


def _blurred(x_BCHW: torch.Tensor, sigma: float) -> torch.Tensor:
    channels, reach = x_BCHW.shape[1], max(1, round(4 * sigma))
    at = torch.arange(-reach, reach + 1, device=x_BCHW.device, dtype=x_BCHW.dtype)
    kernel = torch.exp(-(at**2) / (2 * sigma**2))
    kernel = (kernel / kernel.sum()).expand(channels, 1, -1)
    x_BCHW = F.conv2d(x_BCHW, kernel[:, :, None], padding=(0, reach), groups=channels)
    return F.conv2d(x_BCHW, kernel[..., None], padding=(reach, 0), groups=channels)


def sideways(driver_B1HW: torch.Tensor, reference_B1HW: torch.Tensor) -> torch.Tensor:
    """How far to the right the reference's figure stands of where the driver's does, px `[B]`; 0 where either has no figure."""
    (mine, mass), (theirs, their_mass) = _middle(driver_B1HW), _middle(reference_B1HW)
    apart = shrunk((theirs - mine)[:, None], _SURE_PX)[:, 0]
    return torch.where(torch.minimum(mass, their_mass) > _LEAST_PX2, apart, torch.zeros_like(apart))


def shrunk(vectors_BC: torch.Tensor, least: torch.Tensor | float) -> torch.Tensor:
    """Vectors `[B,C,...]` made shorter: to nothing where they are shorter than `least`, hardly where they are far longer.

    Source: positive-part James-Stein estimator (Efron and Morris, 1973): what may be noise of that length is taken for noise.
    """
    length = vectors_BC.norm(dim=1, keepdim=True)
    return vectors_BC * (1 - (least / length.clamp(min=1e-3)) ** 2).clamp(min=0)


def _middle(figure_B1HW: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    columns = figure_B1HW.float().sum((1, 2))
    mass = columns.sum(-1)
    return columns @ torch.arange(columns.shape[-1], device=columns.device, dtype=columns.dtype) / mass.clamp(min=1e-6), mass


def ground_of(reference_B3HW: torch.Tensor, figure_B1HW: torch.Tensor) -> torch.Tensor:
    """The reference without its figure: what lies around it, pulled in from coarser and coarser rasters.

    Source: pull-push of Gortler et al., "The Lumigraph", SIGGRAPH 1996, section 3.4.
    """
    return _filled(reference_B3HW, 1 - solid(figure_B1HW))


def solid(figure: torch.Tensor) -> torch.Tensor:
    """How much a figure hides of what is beneath it, 0-1, where it stands with probability `figure`."""
    return ((figure.float() - _LITTLE) / (_SOME - _LITTLE)).clamp(0, 1)


def _filled(picture_B3HW: torch.Tensor, known_B1HW: torch.Tensor) -> torch.Tensor:
    height, width = picture_B3HW.shape[-2:]
    if min(height, width) <= 2:
        mass = known_B1HW.sum((2, 3), keepdim=True)
        mean = (picture_B3HW * known_B1HW).sum((2, 3), keepdim=True) / mass.clamp(min=1e-6)
        return torch.where(mass > 1e-3, mean, picture_B3HW.mean((2, 3), keepdim=True)).expand_as(picture_B3HW)
    pulled = F.avg_pool2d(torch.cat([picture_B3HW * known_B1HW, known_B1HW], 1), 2, ceil_mode=True)
    coarse = _filled(pulled[:, :3] / pulled[:, 3:].clamp(min=1e-6), (2 * pulled[:, 3:]).clamp(max=1))
    pushed = F.interpolate(coarse, size=(height, width), mode="bilinear", align_corners=False)
    return torch.lerp(pushed, picture_B3HW, known_B1HW)


def layered(
    reference_B3HW: torch.Tensor, figure_B1HW: torch.Tensor, origins_BT2hw: torch.Tensor, ground_BT2hw: torch.Tensor, crispness: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The reference's figure over its ground `[B,T,3,H,W]`, each from its own origins; where the figure stands `[B,T,1,H,W]`,
    and where it has left and the ground is no more than what lies around. `crispness` as for `sample_at`."""
    hides = solid(figure_B1HW)
    over = sample_at(torch.cat([reference_B3HW, hides], 1), origins_BT2hw, crispness)
    under = sample_at(torch.cat([ground_of(reference_B3HW, figure_B1HW), hides], 1), ground_BT2hw, crispness)
    figure = over[:, :, 3:].clamp(0, 1)
    return torch.lerp(under[:, :, :3], over[:, :, :3], figure), figure, (1 - figure) * under[:, :, 3:].clamp(0, 1)
