"""The matcher: what it says of a still clip, and that it can learn to follow what moves."""

import torch

from models.backbones.matching import Matcher, cell_moves
from models.training.losses import origin_error


def moved(generator, batch=8):
    """Two frames of coarse noise `[B,2,3,24,24]`, the second moved by up to 4 px, and where its cells come from."""
    coarse = torch.nn.functional.interpolate(torch.randn(batch, 3, 12, 12, generator=generator), size=(36, 36), mode="bilinear")
    shifts = torch.randint(-4, 5, (batch, 2), generator=generator)
    second = torch.stack([c[:, 6 + y : 30 + y, 6 + x : 30 + x] for c, (x, y) in zip(coarse, shifts.tolist())])
    origins = torch.zeros(batch, 2, 2, 6, 6)
    origins[:, 1] = shifts[:, :, None, None]
    return torch.stack([coarse[:, :, 6:30, 6:30], second], 1), origins


def test_what_does_not_move_hardly_seems_to_and_the_first_frame_never_does():
    torch.manual_seed(0)
    matcher = Matcher()
    frames, _ = moved(torch.Generator().manual_seed(1))
    still, said = matcher(frames[:, :1].expand(-1, 3, -1, -1, -1)), matcher(frames)
    assert said.shape == (8, 2, 3, 24, 24) and said[:, 0].eq(0).all()
    assert cell_moves(still, 4)[..., 1:-1, 1:-1].abs().mean() < 1.0
    assert said[:, 1, 2].min() > 0 and said[:, 1, 2].max() <= 1


def test_a_hundred_steps_teach_it_where_things_went():
    torch.manual_seed(0)
    matcher, generator = Matcher(), torch.Generator().manual_seed(2)
    optimizer = torch.optim.AdamW(matcher.parameters(), lr=3e-3)
    unseen, wanted = moved(torch.Generator().manual_seed(3), 16)

    def error():
        with torch.no_grad():
            return (cell_moves(matcher(unseen), 4) - wanted)[:, 1, :, 1:-1, 1:-1].abs().mean()

    before = error()
    for _ in range(100):
        frames, origins = moved(generator)
        optimizer.zero_grad()
        origin_error(cell_moves(matcher(frames), 4), origins).backward()
        optimizer.step()
    assert error() < 0.5 * before
