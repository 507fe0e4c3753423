"""What the copying and painting heads are taught: closed forms, and that the right answer costs least."""

import pytest
import torch

from models.backbones.matching import sample_at
from models.backbones.tiny import Parts
from models.training.losses import clip_loss, origin_error, visibility


def scene():
    """A reference, a target that is the reference moved by 4 px, and the origins that say so."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(2, 3, 6, 6, generator=generator) * 2 - 1
    reference = torch.nn.functional.interpolate(coarse, size=(24, 24), mode="bilinear")
    origins = torch.zeros(2, 2, 2, 6, 6)
    origins[:, :, 0] = 4.0
    return reference, sample_at(reference, origins), origins


def parts_of(reference, origins, share=0.9, painted=None):
    copied = sample_at(reference, origins)
    return Parts(
        painted=copied if painted is None else painted, copied=copied, share=torch.full_like(copied[:, :, :1], share), origins=origins
    )


def test_what_the_reference_shows_is_visible_and_what_it_does_not_is_not():
    reference, target, origins = scene()
    assert visibility(target, reference, origins).min() > 0.999
    hidden = target.clone()
    hidden[..., :12, :12] = 1 - 2 * (target[..., :12, :12] > 0)
    seen = visibility(hidden, reference, origins)
    assert seen[..., 2:10, 2:10].mean() < 0.1 and seen[..., 14:, 14:].min() > 0.999 and seen.shape == (2, 2, 1, 24, 24)


def test_the_right_answer_costs_least():
    reference, target, origins = scene()
    right = clip_loss(parts_of(reference, origins), target, reference, origins)
    for wrong in (
        parts_of(reference, 0 * origins, painted=target),
        parts_of(reference, origins, painted=target + 0.5),
        parts_of(reference, origins, share=0.1),
    ):
        assert clip_loss(wrong, target, reference, origins) > right + 0.01


def test_an_error_where_something_moves_costs_more():
    wanted = torch.zeros(1, 1, 2, 4, 4)
    wanted[..., 0, 0] = 6.0
    still, moving = wanted.clone(), wanted.clone()
    still[0, 0, 0, 3, 3] += 1
    moving[0, 0, 0, 0, 0] += 1
    assert origin_error(wanted, wanted) == 0
    assert origin_error(moving, wanted) == pytest.approx((1 + 4 * 16) * origin_error(still, wanted).item(), rel=1e-4)
