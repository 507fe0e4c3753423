"""Who gets which example: each once an epoch, the same global batches on 1, 2 and 4 ranks, exact resume."""

import json

import pytest

from models.training.sampler import EpochSampler, Order


def ranks(world_size, count=23, batch_size=4, **options):
    return [EpochSampler(count, batch_size=batch_size, rank=r, world_size=world_size, seed=3, **options) for r in range(world_size)]


def batches_of(samplers):
    """Global batches: the parts of all ranks joined."""
    return [[index for part in parts for index in part] for parts in zip(*(list(sampler.batches()) for sampler in samplers))]


@pytest.mark.parametrize("world_size", [1, 2, 4])
def test_global_batches_do_not_depend_on_the_number_of_ranks(world_size):
    one, many = batches_of(ranks(1, epochs=3)), batches_of(ranks(world_size, epochs=3))
    assert many == one and [len(batch) for batch in one] == [4] * 17 + [1]
    flat = [index for batch in one for index in batch]
    epochs = [flat[23 * n : 23 * (n + 1)] for n in range(3)]
    assert all(sorted(epoch) == list(range(23)) for epoch in epochs) and epochs[0] != epochs[1] != epochs[2]


@pytest.mark.parametrize(("before", "after"), [(1, 1), (1, 2), (2, 4), (4, 1), (4, 2)])
@pytest.mark.parametrize("done", [0, 1, 5, 6, 17])
def test_a_state_goes_on_exactly_on_another_number_of_ranks(before, after, done):
    whole, first = batches_of(ranks(1, epochs=3)), ranks(before, epochs=3)
    for sampler in first:
        steps = iter(sampler)
        [next(steps) for _ in range(done * 4 // before)]
    states = [json.loads(json.dumps(sampler.state_dict())) for sampler in first]
    assert states == [{"count": 23, "seed": 3, "position": 4 * done}] * before
    then = ranks(after, epochs=3)
    for sampler in then:
        sampler.load_state_dict(states[0])
    assert batches_of(then) == whole[done:]


def test_a_sampler_counts_what_is_left_and_ends_with_its_epochs():
    sampler = EpochSampler(5, epochs=2)
    assert len(sampler) == 10 and len(list(sampler)) == 10 and len(sampler) == 0 and list(sampler) == []
    assert [len(sampler) for sampler in ranks(4, epochs=1)] == [6, 6, 6, 5]
    assert [len(list(sampler)) for sampler in ranks(4, epochs=1)] == [6, 6, 6, 5]
    with pytest.raises(TypeError, match="no end"):
        len(EpochSampler(5))


def test_other_data_and_wrong_numbers_are_refused():
    with pytest.raises(ValueError, match="sampler: count: got 6, expected 5 as in the state"):
        EpochSampler(6).load_state_dict({"count": 5, "seed": 0, "position": 0})
    with pytest.raises(ValueError, match="sampler: seed"):
        EpochSampler(5, seed=1).load_state_dict(EpochSampler(5).state_dict())
    with pytest.raises(ValueError, match="sampler: position"):
        EpochSampler(5).load_state_dict({"count": 5, "seed": 0, "position": "3"})
    for wrong in ({"count": 0}, {"batch_size": 3, "world_size": 2}, {"rank": 2, "world_size": 2}, {"epochs": 0}):
        with pytest.raises(ValueError, match="sampler: "):
            EpochSampler(**{"count": 5, **wrong})


def test_the_order_depends_on_seed_and_name_alone():
    first = [Order(count=7, seed=1, name="a").index(position) for position in range(14)]
    assert sorted(first[:7]) == sorted(first[7:]) == list(range(7))
    assert first == [Order(count=7, seed=1, name="a").index(position) for position in range(14)]
    assert first != [Order(count=7, seed=1, name="b").index(position) for position in range(14)]


def test_torch_takes_it_as_a_sampler():
    from torch.utils.data import DataLoader

    sampler = EpochSampler(10, batch_size=4, rank=1, world_size=2, epochs=1)
    loaded = [batch.tolist() for batch in DataLoader(list(range(10)), batch_size=2, sampler=sampler)]
    again = EpochSampler(10, batch_size=4, rank=1, world_size=2, epochs=1)
    assert loaded == [batch for batch in again.batches() if batch] and sampler.state_dict()["position"] == 10
