"""A seeded order that is computed: complete, without repeats, by any part."""

import numpy as np
import pytest

from bootstrap.permutation import Permutation


@pytest.mark.parametrize("size", [0, 1, 2, 3, 5, 16, 17, 255, 1000, 4097])
def test_every_element_comes_once(size):
    order = Permutation(size=size, seed=7)
    elements = order(np.arange(size))
    assert sorted(elements.tolist()) == list(range(size))


def test_any_part_in_any_order_is_the_same():
    order = Permutation(size=1000, seed=1)
    whole, wanted = order(np.arange(1000)), np.array([999, 0, 17, 500])
    assert np.array_equal(order(wanted), whole[wanted])


def test_the_seed_decides_and_the_order_looks_like_chance():
    first, second = (Permutation(size=10_000, seed=seed)(np.arange(10_000)) for seed in (0, 1))
    assert (first == second).mean() < 0.01
    assert abs(np.corrcoef(first, np.arange(10_000))[0, 1]) < 0.05
    assert 0.45 < (np.diff(first) > 0).mean() < 0.55
    assert abs(first[:100].mean() / 5000 - 1) < 0.3  # a short prefix is spread over all


def test_a_huge_product_costs_what_is_asked():
    order = Permutation(size=60_000 * 60_000, seed=0)
    some = order(np.arange(100))
    assert len(set(some.tolist())) == 100 and some.max() > 2**30


def test_a_size_beyond_the_cipher_is_refused():
    with pytest.raises(ValueError, match="permutation: size"):
        Permutation(size=2**62, seed=0)
