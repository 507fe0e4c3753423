"""Where what a checkpoint names lies: near it by the way, elsewhere by a name that tells nothing of the machine."""

from pathlib import Path

import pytest

from models.animators.places import WEIGHTS_PATH, find_place, way_to


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A home below a folder of homes, a disk beside it, and a cache of its own."""
    for name in ("homes/alice/runs/mine", "homes/alice/wan", "homes/bob/wan", "disk/wan"):
        (tmp_path / name).mkdir(parents=True)
    monkeypatch.setenv("HOME", str(tmp_path / "homes" / "alice"))
    monkeypatch.setenv("ACTORFORGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(WEIGHTS_PATH, raising=False)
    return tmp_path


def test_what_lies_near_is_named_by_the_way_and_both_may_move(machine):
    home = machine / "homes" / "alice"
    way = way_to(home / "wan", home / "runs" / "mine")
    assert way == "../../wan" and find_place(way, home / "runs" / "mine")[0] == home / "wan"
    (machine / "new").mkdir()
    moved = home.rename(machine / "new" / "home")
    assert find_place(way, moved / "runs" / "mine")[0] == moved / "wan"


@pytest.mark.parametrize("place", ["homes/bob/wan", "disk/wan"])
def test_a_way_through_a_home_is_not_told_and_this_machine_remembers_it(machine, place):
    folder = machine / "homes" / "alice" / "runs" / "mine"
    assert way_to(machine / place, folder) == "wan"
    assert find_place("wan", folder)[0] == machine / place


def test_what_is_nowhere_says_where_it_was_looked_for(machine, monkeypatch):
    monkeypatch.setenv(WEIGHTS_PATH, str(machine / "hub"))
    found, tried = find_place("gone", machine / "x")
    assert found is None and tried == [machine / "x" / "gone", machine / "hub" / "gone"]
    (machine / "hub" / "gone").mkdir(parents=True)
    assert find_place("gone", machine / "x")[0] == machine / "hub" / "gone"


def test_a_damaged_memory_is_none(machine):
    folder = machine / "homes" / "alice" / "runs" / "mine"
    way_to(machine / "disk" / "wan", folder)
    (machine / "cache" / "places.json").write_text("{")
    assert find_place("wan", folder)[0] is None
    way_to(machine / "disk" / "wan", folder)
    assert find_place("wan", folder)[0] == Path(machine / "disk" / "wan")
