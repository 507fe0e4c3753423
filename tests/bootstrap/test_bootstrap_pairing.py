"""The seeded product: order, keys, windows, prefixes."""

from bootstrap.pairing import Pairing
from bootstrap.sources import Source
from tests.bootstrap.factory_fakes import GRID


def _pairing(seed: int = 0, clips: int = 4, **changes) -> Pairing:
    driving = tuple(Source(id=f"d{n}.mp4", sha256=f"a{n}", latest_start_s=0.5) for n in range(clips))
    identities = tuple(Source(id=f"i{n}.png", sha256=f"b{n}") for n in range(5))
    base = {"driving": driving, "identities": identities, "seed": seed, "grid": GRID, "teacher_hash": "t", "settings": "s"}
    return Pairing(**{**base, **changes})


def test_the_product_is_complete_and_without_repeats():
    pairing = _pairing()
    specs = [pairing.spec(n) for n in range(len(pairing))]
    assert len({(spec.driving, spec.identity) for spec in specs}) == len(specs) == 20
    assert len({spec.key for spec in specs}) == 20 and all("." not in spec.key for spec in specs)


def test_the_order_depends_on_the_seed_only():
    first, again, other = ([_pairing(seed).spec(n) for n in range(20)] for seed in (0, 0, 1))
    assert first == again
    assert [(s.driving, s.identity) for s in first] != [(s.driving, s.identity) for s in other]


def test_windows_start_on_the_grid_inside_the_clip():
    pairing = _pairing()
    starts = {pairing.spec(n).start_s for n in range(20)}
    assert starts <= {n / 8 for n in range(5)} and len(starts) > 1


def test_keys_change_with_teacher_and_settings():
    keys = [_pairing(**changes).spec(0).key for changes in ({}, {"teacher_hash": "u"}, {"settings": "r"})]
    assert len(set(keys)) == 3


def test_a_clip_never_meets_an_identity_from_the_same_file():
    shared = Source(id="same.mp4", sha256="a1")
    pairing = _pairing(identities=(shared, Source(id="i.png", sha256="b0")))
    pairs = {(pairing.spec(n).driving, pairing.spec(n).identity) for n in range(len(pairing))}
    assert len(pairs) == 7 and ("d1.mp4", "same.mp4") not in pairs


def test_nothing_to_pair():
    assert len(_pairing(clips=0)) == 0
