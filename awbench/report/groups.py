"""Which cases a table row is about: all of them, those of one tag value, or one cell of driver kind x reference kind.

In: the cases of a suite with their tags. Out: group name -> case ids, in the order to show them.
"""

from __future__ import annotations

from typing import Any, Mapping, Sequence

ALL_CASES = None
"""The tag of rows over the whole suite."""

KINDS = ("human", "non-human")


def tag_text(name: str, value: object) -> str:
    """`name=value` as it appears in reports; booleans in lower case."""
    return f"{name}={str(value).lower() if isinstance(value, bool) else value}"


def groups_of(cases: Sequence[Any]) -> dict[str | None, tuple[str, ...]]:
    """All cases, then one group per tag value, then the cross-track cells driver kind x reference kind.

    `subject` is the reference's: it is left out where `reference_subject` says the same of every case.
    """
    tagged: dict[str, dict[str, list[str]]] = {}
    twice = {"subject"} if all(case.tags.get("subject") == case.tags.get("reference_subject") for case in cases) else set()
    for case in cases:
        for name, value in {"reference_pose": case.reference_pose, **case.tags, **_kinds(case.tags)}.items():
            if name in twice:
                continue
            tagged.setdefault(name, {}).setdefault(tag_text(name, value), []).append(case.id)
    groups: dict[str | None, tuple[str, ...]] = {ALL_CASES: tuple(case.id for case in cases)}
    for values in tagged.values():
        groups.update({tag: tuple(values[tag]) for tag in sorted(values)})
    return groups


def cell_tag(driver: str, reference: str) -> str:
    """The tag of one cell of the driver x reference table."""
    return tag_text("driver_to_reference", f"{driver}_to_{reference}")


def _kinds(tags: Mapping[str, object]) -> dict[str, str]:
    """Human or not, for driver and reference; only across identities, where the difference matters."""
    if not {"driver_subject", "reference_subject"} <= tags.keys() or tags.get("track", "cross") != "cross":
        return {}
    driver, reference = (KINDS[tags[name] != "human"] for name in ("driver_subject", "reference_subject"))
    return {"driver_kind": driver, "reference_kind": reference, "driver_to_reference": f"{driver}_to_{reference}"}
