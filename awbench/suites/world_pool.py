"""world-v1: 100 driving clips and 200 references after AWBench's taxonomy (M2, section 4), each case with its truth.

Modelled: human, animal and cartoon on both sides; face, half and full framing, also a full reference under a closer driver;
static, moving and tracking cameras; one-to-one, one-to-many and many-to-many with characters that pass before each other.
Not modelled, as the world has none or no truth could be told: ages, people with objects, the lower body of a half reference
in full view, many drivers for one reference. References never stand as the driver does.

The reported list is 100 cases, each driver once with its own reference; the whole list adds the second hundred references.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import cycle

from awbench.cases import Case
from awbench.suites.world_design import BODY_MOTIONS, Slot, WorldCase, driver_of, labelled, reference_of
from models.seeds import item_rng, item_seed

NAME = "world-v1"
KINDS = {"human": "human", "cartoon": "cartoon", "blob": "cartoon", "quadruped": "animal", "bird": "animal", "octopus": "animal"}
"""Body plan -> AWBench's word for it."""
ACTIVITIES = {
    **dict.fromkeys(("dance", "sway", "spin"), "dance"),
    **dict.fromkeys(("jumping_jack", "squat", "punch", "kick", "hop"), "sport"),
    **dict.fromkeys(("walk", "wave", "bow", "juggle"), "daily"),
    **dict.fromkeys(("nod", "talk"), "speech"),
}
_HALF_MOTIONS = ("wave", "dance", "sway", "punch", "talk", "nod", "bow")
_CAMERAS = ("static", "static", "moving")

_ONE_TO_ONE = (  # driver, reference, how many in full, half and face framing
    ("human", "human", 14, 6, 6),
    ("human", "cartoon", 9, 4, 3),
    ("human", "quadruped", 4, 0, 0),
    ("human", "bird", 3, 1, 0),
    ("human", "blob", 3, 1, 0),
    ("cartoon", "human", 3, 0, 1),
    ("cartoon", "cartoon", 2, 1, 0),
    ("quadruped", "human", 2, 0, 0),
    ("bird", "human", 2, 0, 0),
    ("quadruped", "quadruped", 2, 0, 0),
    ("quadruped", "bird", 1, 0, 0),
    ("bird", "quadruped", 1, 0, 0),
    ("bird", "bird", 2, 0, 0),
    ("quadruped", "cartoon", 1, 0, 0),
    ("bird", "cartoon", 1, 0, 0),
    ("blob", "cartoon", 1, 0, 0),
)
_CLOSER = (  # driver, reference in full, the driver's framing, how many
    ("human", "human", "half", 2),
    ("human", "human", "face", 1),
    ("human", "cartoon", "half", 1),
    ("human", "cartoon", "face", 1),
    ("cartoon", "bird", "half", 1),
)
_SEVERAL = (  # driver, reference, characters in the driver, in the reference, how many
    ("human", "human", 1, 2, 2),
    ("human", "human", 1, 3, 1),
    ("human", "cartoon", 1, 2, 1),
    ("human", "quadruped", 1, 2, 1),
    ("human", "blob", 1, 2, 1),
    ("cartoon", "human", 1, 2, 1),
    ("bird", "bird", 1, 3, 1),
    ("human", "human", 2, 2, 3),
    ("human", "human", 3, 3, 1),
    ("human", "cartoon", 2, 2, 1),
    ("human", "cartoon", 3, 3, 1),
    ("quadruped", "quadruped", 2, 2, 1),
    ("bird", "human", 2, 2, 1),
)
_NOVEL = (
    Slot(driver="human", reference="octopus", motion="jumping_jack"),
    Slot(driver="octopus", reference="human", motion="wave"),
    Slot(driver="human", reference="human", motion="spin"),
    Slot(driver="human", reference="cartoon", motion="juggle"),
)


def reported_cases() -> tuple[WorldCase, ...]:
    """The 100 cases that are reported: driver k with reference k."""
    return tuple(_case(k, slot, k) for k, slot in enumerate(_slots()))


def all_cases() -> tuple[WorldCase, ...]:
    """All 200 references, every driver with two of them; the reported cases come first."""
    slots = _slots()
    return reported_cases() + tuple(_case(k, slot, len(slots) + k) for k, slot in enumerate(slots))


def _slots() -> tuple[Slot, ...]:
    """What each driver is, in a seeded order, so that the first few are already a mixture."""
    groups = {"full": _full(), "half": _close("half"), "face": _close("face"), "closer": _closer(), "several": _several()}
    slots = [slot for name, group in groups.items() for slot in _moving(name, group)] + list(_NOVEL)
    return tuple(replace(slots[k], reference_pose="independent") for k in item_rng(0, NAME, "order").permutation(len(slots)))


def _full() -> list[Slot]:
    return [Slot(driver=driver, reference=reference) for driver, reference, count, _, _ in _ONE_TO_ONE for _ in range(count)]


def _close(framing: str) -> list[Slot]:
    counts = [(driver, reference, half if framing == "half" else face) for driver, reference, _, half, face in _ONE_TO_ONE]
    return [Slot(driver=driver, reference=reference, framing=framing) for driver, reference, count in counts for _ in range(count)]


def _closer() -> list[Slot]:
    return [
        Slot(driver=driver, reference=reference, framing=framing, reference_framing="full")
        for driver, reference, framing, count in _CLOSER
        for _ in range(count)
    ]


def _several() -> list[Slot]:
    return [
        Slot(driver=driver, reference=reference, count=one, reference_count=other, formation="crossing" if one > 1 else None)
        for driver, reference, one, other, count in _SEVERAL
        for _ in range(count)
    ]


def _moving(group: str, slots: list[Slot]) -> list[Slot]:
    """Motions and cameras in turn, each in a seeded order of its own; who walks alone is tracked."""

    def turns(name: str, values: tuple[str, ...]) -> list[str]:
        repeated = [value for value, _ in zip(cycle(values), slots)]
        return [repeated[k] for k in item_rng(0, NAME, group, name).permutation(len(slots))]

    dealt = zip(slots, turns("motion", BODY_MOTIONS), turns("half motion", _HALF_MOTIONS), turns("camera", _CAMERAS), strict=True)
    return [_directed(slot, {"full": body, "half": half, "face": None}[slot.framing], camera) for slot, body, half, camera in dealt]


def _directed(slot: Slot, motion: str | None, camera: str) -> Slot:
    return replace(slot, motion=motion, camera="tracking" if motion == "walk" and slot.count == 1 else camera)


def _case(driver_number: int, slot: Slot, reference_number: int) -> WorldCase:
    driver = driver_of(slot, item_seed(0, NAME, "driver", driver_number), "heldout")
    reference = reference_of(slot, item_seed(0, NAME, "reference", reference_number), "heldout")
    case = labelled(f"wv-d{driver_number + 1:03d}-r{reference_number + 1:03d}", slot, driver, reference)
    return WorldCase(case=_in_words_of_awbench(case, slot, driver.motion), driver=driver, reference=reference)


def _in_words_of_awbench(case: Case, slot: Slot, motion: str) -> Case:
    tags = dict(case.tags)
    for side, plan in (("driver", slot.driver), ("reference", slot.reference)):
        tags[f"{side}_subject"], tags[f"{side}_body"] = KINDS[plan], plan
    return replace(case, tags=tags | {"subject": KINDS[slot.reference], "driver_activity": ACTIVITIES[motion]})
