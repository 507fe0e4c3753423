"""What a network that copies and paints is taught: where pixels come from, whether they are there at all, and what to paint.

    loss = FLOW |origins - estimated| + COPY visible (copied - target)^2 + SHARE cross-entropy(share, visible) + (painted - target)^2

and MATCH times `match_loss` of the target's own frames and of a skeleton that drives it, and FIGURE times `figure_loss` of the same,
which the loop adds. With a driver only the figure's origins are asked for: the ground moves as the driver's does.
The estimated origins are optical flow between the frames of the training clip itself, chained from reference to target
(`models.optical_flow`): no truth is asked. `visible` says how well the reference shows a pixel: the error of the reference
brought there by the estimated origins. Painting weighs what is not visible most, and `share` follows `visible` and not the
smaller error, because where the network doubts, a blur is nearer to the target than any sharp picture.
What either teacher of motion, the picture or estimated flow, gave in the same time: docs/tiny_models.md.
"""

from __future__ import annotations

import torch
from torch.nn import functional as F

from models.backbones.matching import cell_moves, coarse_moves, sample_at
from models.backbones.tiny import Parts

FLOW, COPY, SHARE = 0.2, 1.0, 0.1
MATCH = 0.2
"""Weight of what the matcher says of the target's own frames, and of a skeleton, against the flow estimated between the
target's: it learns to match on every clip, also where no driver is shown, and how a body moves from the skeleton drawn over it."""
_COARSE, _SEEN = 0.3, 5.0
"""Within it: weights of the displacement before refinement, and of the picture that it brings."""
FIGURE, _LABEL_BLEND = 0.5, 0.2
"""Weight of figure against ground; labels that a stretch has blended by more than this share are not asked for."""
_MOVING = 4.0
"""How much more a cell weighs that moves as far as the mean."""
_UNSEEN = 0.5
"""Mean colour error, pixels in [-1, 1], at which 1/e of `visible` is left."""
_LEAST_PAINTED = 0.2


def clip_loss(
    parts: Parts,
    target_BT3HW: torch.Tensor,
    reference_B3HW: torch.Tensor,
    origins_BT2hw: torch.Tensor,
    figure_BT1HW: torch.Tensor | None = None,
) -> torch.Tensor:
    """The loss of a batch; `origins_BT2hw` are the estimated ones, px of the full raster. `figure_BT1HW`: where the target's
    figure stands, 0-1; needed where `parts` tells figure and ground apart."""
    wanted, figure = origins_BT2hw, None
    if parts.ground is not None:
        figure = F.adaptive_avg_pool2d(figure_BT1HW.flatten(0, 1), origins_BT2hw.shape[-2:]).unflatten(0, origins_BT2hw.shape[:2])
        wanted = torch.lerp(parts.ground, origins_BT2hw, figure)
    visible = visibility(target_BT3HW, reference_B3HW, wanted)
    copied = ((parts.copied - target_BT3HW).square() * visible).mean()
    painted = ((parts.painted - target_BT3HW).square() * (_LEAST_PAINTED + 1 - visible)).mean()
    share = F.binary_cross_entropy(parts.share.clamp(1e-4, 1 - 1e-4), visible)
    return FLOW * origin_error(parts.origins, origins_BT2hw, figure) + COPY * copied + SHARE * share + painted


def figure_loss(logits_BT1HW: torch.Tensor, labels_BTHW: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy with labels, 0 ground and 255 figure (`models.optical_flow.clip_motion`), where they say something."""
    share = labels_BTHW.float()[:, :, None] / 255
    known = ((share < _LABEL_BLEND) | (share > 1 - _LABEL_BLEND)).float()
    return F.binary_cross_entropy_with_logits(logits_BT1HW.float(), share.round(), known, reduction="sum") / known.sum().clamp(min=1)


def visibility(target_BT3HW: torch.Tensor, reference_B3HW: torch.Tensor, origins_BT2hw: torch.Tensor) -> torch.Tensor:
    """How far the reference shows what stands in the target, `[B,T,1,H,W]` 0-1."""
    error = (sample_at(reference_B3HW, origins_BT2hw) - target_BT3HW).abs().mean(2)
    return torch.exp(-((F.avg_pool2d(error, 3, 1, 1) / _UNSEEN) ** 2))[:, :, None]


def origin_error(origins_BT2hw: torch.Tensor, wanted_BT2hw: torch.Tensor, share_BT1hw: torch.Tensor | None = None) -> torch.Tensor:
    """Mean |difference| in px, what moves weighing more; `share`: how far a cell counts, 0-1."""
    length = wanted_BT2hw.norm(dim=2)
    weight = 1 + _MOVING * length / length.mean().clamp(min=1e-3)
    if share_BT1hw is not None:
        weight = weight * (share_BT1hw[:, :, 0] + 1e-3)
    return ((origins_BT2hw - wanted_BT2hw).abs().sum(2) * weight).mean() / weight.mean()


def match_loss(said_BT5hw: torch.Tensor, target_BT3HW: torch.Tensor, since_first_BT2hw: torch.Tensor) -> torch.Tensor:
    """What a matcher says of clips that move as the target does: against estimated flow, and against the target's own pictures.

    Estimated flow is right in the large and wrong at edges; the picture, where it is visible, tells the edges.
    """
    first, moved = target_BT3HW[:, 0], cell_moves(said_BT5hw)
    seen = (sample_at(first, moved) - target_BT3HW).square().mean(2, keepdim=True).add(1e-3).sqrt()
    picture = (seen * visibility(target_BT3HW, first, since_first_BT2hw))[:, 1:].mean()
    coarse = origin_error(coarse_moves(said_BT5hw), since_first_BT2hw)
    return origin_error(moved, since_first_BT2hw) + _COARSE * coarse + _SEEN * picture
