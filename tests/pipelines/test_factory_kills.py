"""A run whose processes are killed again and again, and then left alone, is as if nothing had happened."""

import pytest

from tests.benchmarks.factory_kills import attack

pytest.importorskip("ray")


def test_kills_lose_nothing_double_nothing_and_leave_nothing(tmp_path):
    told = attack(tmp_path, kills=8, starts=1, clips=6, identities=8, seed=1, slowest_s=1.5)
    assert sum(told["kills"].values()) >= 8 and set(told["kills"]) == {"worker", "head", "raylet"}
    wrong = {name: told[name] for name in ("status", "lost", "doubled", "corrupt", "stalled", "left") if told[name]}
    assert not wrong, (wrong, told, (tmp_path / "torn.log").read_text()[-3000:])
