"""Closed forms of the path, the conversions, the time density and the sampler."""

import pytest
import torch

from models import rectified_flow as flow


def test_path_ends_are_data_and_noise():
    x0, noise = torch.randn(2, 3, 4), torch.randn(2, 3, 4)
    assert torch.equal(flow.interpolate(x0, noise, torch.zeros(2)), x0)
    assert torch.allclose(flow.interpolate(x0, noise, torch.ones(2)), noise)


def test_both_predictions_imply_the_same_data_and_velocity():
    generator = torch.Generator().manual_seed(1)
    x0, noise, t = torch.randn(4, 5, generator=generator), torch.randn(4, 5, generator=generator), torch.tensor([0.1, 0.4, 0.7, 1.0])
    x_t, velocity = flow.interpolate(x0, noise, t), noise - x0
    assert flow.to_velocity(velocity, x_t, t, "velocity") is velocity
    assert torch.allclose(flow.to_velocity(x0, x_t, t, "clean"), velocity, atol=1e-4)


def test_shift_keeps_the_ends_and_moves_the_middle_towards_noise():
    t = torch.tensor([0.0, 0.5, 1.0])
    assert torch.allclose(flow.shift_time(t, 3.0), torch.tensor([0.0, 0.75, 1.0]))


def test_times_are_logit_normal_and_shifted():
    times = flow.sample_times(20000, torch.Generator().manual_seed(0), mean=1.0, std=1.0, shift=1.0)
    logits = torch.logit(times)
    assert abs(logits.mean() - 1) < 0.03 and abs(logits.std() - 1) < 0.03
    shifted = flow.sample_times(20000, torch.Generator().manual_seed(0), mean=1.0, std=1.0, shift=3.0)
    assert torch.allclose(shifted, flow.shift_time(times, 3.0))


def solver(steps, shift=3.0):
    from diffusers import FlowMatchEulerDiscreteScheduler

    made = FlowMatchEulerDiscreteScheduler(shift=shift)
    made.set_timesteps(steps)
    return made


@pytest.mark.parametrize("steps", [1, 4])
def test_the_true_prediction_of_either_kind_reaches_the_data(steps):
    x0, noise = torch.randn(2, 6), torch.randn(2, 6)
    by_clean = flow.sample(lambda x, t: x0, noise, kind="clean", solver=solver(steps))
    by_velocity = flow.sample(lambda x, t: noise - x0, noise, kind="velocity", solver=solver(steps))
    assert torch.allclose(by_clean, x0, atol=1e-4) and torch.allclose(by_velocity, x0, atol=1e-4)


def test_the_solvers_times_are_seen_once_each_from_noise_down():
    seen = []
    flow.sample(lambda x, t: seen.append(float(t[0])) or x, torch.zeros(1, 2), kind="velocity", solver=solver(3))
    assert seen == [float(t) for t in (solver(3).timesteps / 1000)] and seen[0] == 1.0 and sorted(seen, reverse=True) == seen
