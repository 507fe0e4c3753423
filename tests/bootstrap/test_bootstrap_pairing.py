"""Drawing from the product: complete, prefixes, what is new first, tags and quotas, own pictures."""

import numpy as np
import pytest

from awbench.media.labels import TagRule
from bootstrap.pair_rules import PairRules, Quota
from bootstrap.pairing import Side, draw
from bootstrap.permutation import Permutation
from bootstrap.product import Product

NONE = np.zeros((0, 2), np.int64)


def _side(letter: str, labels: list[dict], fresh: list[bool] | None = None) -> Side:
    content = [f"{letter}{n}" for n in range(len(labels))]
    return Side(content=content, labels=labels, fresh=np.array(fresh if fresh is not None else [True] * len(labels), bool))


def _plain(windows: int = 4, identities: int = 5) -> tuple[Side, Side]:
    return _side("w", [{}] * windows), _side("i", [{}] * identities)


def _pairs(*args, **kwargs) -> list[tuple[int, int]]:
    return [tuple(pair) for pair in draw(*args, **kwargs).tolist()]


def test_the_product_is_complete_and_without_repeats():
    pairs = _pairs(*_plain(), PairRules(), 0, NONE, None)
    assert len(pairs) == 20 and set(pairs) == {(w, i) for w in range(4) for i in range(5)}


@pytest.mark.parametrize("count", [1, 7, 19, 20, 99])
def test_the_first_pairs_are_the_same_whatever_their_number(count):
    whole = _pairs(*_plain(), PairRules(), 0, NONE, None)
    assert _pairs(*_plain(), PairRules(), 0, NONE, count) == whole[:count]


@pytest.mark.parametrize("rules", [PairRules(), PairRules(quotas=(Quota.parse("kind=a:b 0.5"),))])
def test_going_on_gives_what_a_longer_draw_would_have(rules):
    sides = _side("w", [{"kind": "a"}, {}, {}]), _side("i", [{"kind": "b"}, {"kind": "b"}, {}])
    whole = draw(*sides, rules, 3, NONE, 9)
    first = draw(*sides, rules, 3, NONE, 4)
    assert np.array_equal(np.concatenate([first, draw(*sides, rules, 3, first, 5)]), whole)
    assert len(draw(*sides, rules, 3, whole, None)) == 0


def test_the_order_depends_on_the_seed():
    assert _pairs(*_plain(), PairRules(), 0, NONE, None) != _pairs(*_plain(), PairRules(), 1, NONE, None)


def test_pairs_with_something_new_come_first():
    windows, identities = _side("w", [{}] * 3, [False, False, True]), _side("i", [{}] * 3, [False, False, False])
    pairs = _pairs(windows, identities, PairRules(), 0, NONE, None)
    assert {w for w, _ in pairs[:3]} == {2} and len(set(pairs)) == 9


def test_a_clip_never_meets_an_identity_from_the_same_file():
    windows, identities = _plain(2, 2)
    same = Side(content=["i1", "w1"], labels=windows.labels, fresh=windows.fresh)
    assert set(_pairs(same, identities, PairRules(), 0, NONE, None)) == {(0, 0), (1, 0), (1, 1)}


def test_rules_by_tag_are_kept_by_every_pair():
    windows = _side("w", [{"framing": "full"}, {"framing": "half"}, {}])
    identities = _side("i", [{"framing": "half"}, {"framing": "full"}, {}])
    assert set(_pairs(windows, identities, PairRules(by_tag=(TagRule.parse("framing"),)), 0, NONE, None)) == {(0, 1), (1, 0)}


def test_quotas_hold_in_every_prefix_and_over_several_draws():
    windows = _side("w", [{"subject": "human"}] * 50)
    identities = _side("i", [{"subject": "animal"}] * 5 + [{"subject": "human"}] * 45)
    rules = PairRules(quotas=(Quota.parse("subject=human:animal 0.3"),))
    first = draw(windows, identities, rules, 0, NONE, 100)
    animals = np.cumsum(first[:, 1] < 5)
    assert all(abs(animals[n] - 0.3 * (n + 1)) <= 1 for n in range(100))
    second = draw(windows, identities, rules, 0, first, 100)
    assert abs((np.concatenate([first, second])[:, 1] < 5).sum() - 60) <= 1
    assert (draw(windows, identities, rules, 0, NONE, 1000)[:, 1] < 5).sum() == 250  # what a kind does not hold, the others give


def test_quotas_that_fill_everything_leave_no_rest():
    windows, identities = _side("w", [{"subject": "human"}] * 2), _side("i", [{"subject": "animal"}, {"subject": "object"}])
    rules = PairRules(quotas=(Quota.parse("subject=human:animal 100%"),))
    assert set(_pairs(windows, identities, rules, 0, NONE, None)) == {(0, 0), (1, 0)}


@pytest.mark.parametrize("text", ["0.3", "framing", "framing 0", "framing 1.5", "framing x", "a=b 0.3", " 0.3"])
def test_a_quota_that_cannot_be_read_is_refused(text):
    with pytest.raises(ValueError, match="got"):
        Quota.parse(text)


def test_shares_above_one_are_refused():
    with pytest.raises(ValueError, match="quota: got shares that add up to 1.2"):
        PairRules(quotas=(Quota.parse("framing 0.6"), Quota.parse("count 60%")))


def test_nothing_to_pair():
    for sizes in ((0, 3), (3, 0), (0, 0)):
        assert draw(*_plain(*sizes), PairRules(), 0, NONE, None).shape == (0, 2)


def test_a_few_pairs_of_a_huge_product_touch_a_few(monkeypatch):
    asked = []

    class Counting(Permutation):
        def __call__(self, positions):
            asked.append(len(positions))
            return super().__call__(positions)

    monkeypatch.setattr("bootstrap.product.Permutation", Counting)
    assert len(draw(*_plain(20_000, 60_000), PairRules(), 0, NONE, 100)) == 100
    assert sum(asked) <= 20_000  # of twelve hundred million
    with pytest.raises(ValueError, match="limit: got none for 1200000000 pairs"):
        draw(*_plain(20_000, 60_000), PairRules(), 0, NONE, None)


def test_a_few_pairs_use_all_windows_and_identities_about_equally():
    for windows, identities, count in ((18, 30, 40), (30, 18, 40), (2000, 200, 64), (5, 5, 12)):
        pairs = draw(*_plain(windows, identities), PairRules(), 0, NONE, count)
        for side, size in ((pairs[:, 0], windows), (pairs[:, 1], identities)):
            used = np.bincount(side, minlength=size)
            assert used.max() - used.min() <= 2 and (count > size or used.max() == 1)


@pytest.mark.parametrize("blocks", [[(3, 5)], [(5, 3), (7, 7), (1, 4)], [(7, 1), (1, 9), (0, 4)], [(1, 1)]])
def test_products_hold_every_pair_once_and_any_part_is_the_same(blocks):
    product = Product([(np.arange(rows) + 100 * n, np.arange(columns)) for n, (rows, columns) in enumerate(blocks)], seed=3)
    whole = product.codes(0, len(product), 1000)
    assert len(whole) == len(set(whole.tolist())) == sum(rows * columns for rows, columns in blocks)
    for start in range(0, len(product), 3):
        assert (product.codes(start, start + 4, 1000) == whole[start : start + 4]).all()
