"""`actorforge ls`: the tables of what can be named."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from models.catalog import Catalog


def ls(
    what: Literal["animators", "suites", "metrics", "recipes", "backbones", "estimators", "guides", "filters"],
    name: str | None = None,
    /,
    long: bool = False,
) -> int:
    """List one table: the name first in each row.

    Args:
        what: Which table.
        name: Of animators, one that is told in full, with every option for --set.
        long: Of animators, also what each needs and takes, its sizes and lengths, licence, and the trap to know; of suites, cases and grid.
    """
    from awbench.catalog import ANIMATORS, METRICS, SUITES
    from models.backbones.families import FAMILIES
    from models.guidance.catalog import GUIDES
    from models.pose.catalog import POSE_ESTIMATORS

    if long and what not in ("animators", "suites"):
        raise ValueError(f"ls: --long: got it with {what}, expected it with animators or suites")
    if name is not None:
        print(_one(ANIMATORS, what, name))
        return 0
    tables = {"animators": ANIMATORS, "suites": SUITES, "metrics": METRICS}
    tables |= {"backbones": FAMILIES, "estimators": POSE_ESTIMATORS, "guides": GUIDES}
    if what == "filters":
        from bootstrap.filters.catalog import FILTERS

        tables["filters"] = FILTERS
    if what == "recipes":
        from pipelines.recipes import RECIPES

        tables["recipes"] = RECIPES
    if long:
        said = _suite if what == "suites" else _long
        print("\n\n".join(said(tables[what], name) for name in tables[what].table()))
        return 0
    table = tables[what]
    entries = table.table()
    width = max(map(len, entries), default=0)
    for name, entry in entries.items():
        print(f"{name:<{width}}  {entry.summary}")
    return 0


def _one(table: Catalog, what: str, name: str) -> str:
    """Raises ValueError for a name that is none of an animator's."""
    from models.option_help import described
    from models.stated import named, options_of
    from pipelines.capability_words import block

    if what != "animators":
        raise ValueError(f"ls: name: got {name!r} with {what}, expected it with animators")
    if named(name, table) is None:
        table.load(name)  # says which there are
    text, kind = _long(table, name, whole=False), options_of(name, table)
    rows = (
        [(f"{each.name}", f"{each.help or 'not described'} ({each.kind}; default: {each.default})") for each in described(kind)]
        if kind
        else []
    )
    told = ["", "options, --set NAME=VALUE:", *block(rows)] if rows else ["", "no options"]
    return "\n".join([text, *told])


def _suite(table: Catalog, name: str) -> str:
    """Cases and grid; nothing is rendered."""
    from textwrap import wrap

    from awbench.suites.load import load_suite
    from pipelines.capability_words import block, width

    head = wrap(f"{name}: {table.table()[name].summary}", width(), subsequent_indent="    ")
    try:
        suite = load_suite(name)
    except Exception as error:  # noqa: BLE001  as below
        return "\n".join([*head, *block([("cannot be read", " ".join(f"{type(error).__name__}: {error}".split()))])])
    grid = suite.grid
    size = f"{grid.width}x{grid.height} px, {grid.num_frames} frames at {grid.fps:g} fps ({grid.num_frames / grid.fps:.3g} s)"
    subjects = sorted({str(case.tags["subject"]) for case in suite.cases if "subject" in case.tags})
    pairs = [("cases", str(len(suite.cases))), ("grid", size), ("subjects", ", ".join(subjects)), ("version", suite.version)]
    return "\n".join([*head, *block([(word, text) for word, text in pairs if text])])


def _long(table: Catalog, name: str, whole: bool = True) -> str:
    from dataclasses import fields
    from textwrap import wrap

    from models.stated import capabilities_of, options_of
    from pipelines.capability_words import block, facts, width

    entry = table.table().get(name.partition(":")[0])
    summary = entry.summary if entry else "not in the table"
    try:
        stated, options = capabilities_of(name, table), options_of(name, table)
    except Exception as error:  # noqa: BLE001  an outsider's module may raise anything, and must not hide the others
        return "\n".join([f"{name}: {summary}", *block([("cannot be read", " ".join(f"{type(error).__name__}: {error}".split()))])])
    head = f"{name} ({stated.kind if stated else 'nothing stated'}): {summary}"
    pairs = facts(stated) if stated else []
    pairs += [("options", ", ".join(each.name for each in fields(options)))] if options and whole else []
    return "\n".join([*wrap(head, width(), subsequent_indent="    "), *block(pairs)])
