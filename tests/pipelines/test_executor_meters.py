"""Counters: nothing without Ray, Ray's own counters with it."""

import sys
from types import SimpleNamespace

from pipelines.executor import meters


def test_without_ray_nothing_is_counted(monkeypatch):
    monkeypatch.delitem(sys.modules, "ray", raising=False)
    monkeypatch.setattr(meters, "_counter", None)  # would fail if it were asked
    meters.count("pairs_total", status="kept")


def test_with_ray_each_name_is_one_counter(monkeypatch):
    seen = []
    job = SimpleNamespace(get_job_id=lambda: "01")
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(is_initialized=lambda: True, get_runtime_context=lambda: job))
    counter = SimpleNamespace(inc=lambda amount, tags: seen.append((amount, tags)))
    monkeypatch.setattr(meters, "_counter", lambda *asked: counter if asked == ("pairs_total", ("status",), "01") else None)
    meters.count("pairs_total", status="kept")
    meters.count("pairs_total", 2.5, status="failed")
    assert seen == [(1.0, {"status": "kept"}), (2.5, {"status": "failed"})]
