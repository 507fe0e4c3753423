"""`actorforge ls`: the tables of what can be named."""

from __future__ import annotations

from typing import Literal


def ls(what: Literal["animators", "suites", "metrics", "recipes", "backbones", "estimators", "guides", "filters"], /) -> int:
    """List one table: the name first in each row.

    Args:
        what: Which table.
    """
    from awbench.catalog import ANIMATORS, METRICS, SUITES
    from models.backbones.families import FAMILIES
    from models.guidance.catalog import GUIDES
    from models.pose.catalog import POSE_ESTIMATORS

    tables = {"animators": ANIMATORS, "suites": SUITES, "metrics": METRICS}
    tables |= {"backbones": FAMILIES, "estimators": POSE_ESTIMATORS, "guides": GUIDES}
    if what == "filters":
        from bootstrap.filters.catalog import FILTERS

        tables["filters"] = FILTERS
    if what == "recipes":
        from pipelines.recipes import RECIPES

        tables["recipes"] = RECIPES
    table = tables[what]
    entries = table.table()
    width = max(map(len, entries), default=0)
    for name, entry in entries.items():
        print(f"{name:<{width}}  {entry.summary}")
    return 0
