"""What is asked in each world suite: a balanced design over who drives, who is animated and how the shot is taken.

The 2x2 of driver {human, non-human} x reference {human, non-human} carries equal weight on both sides, because "does it
work beyond human motion" is the question. Everything is drawn from seeds of the held-out split, but for `world-dev`.
Body plans and motions are named here, not taken from the world's tables: a suite of a version does not grow with the world.
With several characters the reference shows them side by side, the i-th from the left does what the driver's i-th does.

Legend: cross = the driver is another individual; novel = a motion or body plan that training never shows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import chain
from typing import Callable, Iterator

from awbench.cases import Case
from awbench.world.shot import Shot, sample_shot, with_motion_of
from awbench.world.stage import crossing_start_s
from models.seeds import item_rng, item_seed

HUMAN = "human"
ANIMALS = ("cartoon", "quadruped", "bird", "blob")
BODY_MOTIONS = ("walk", "wave", "jumping_jack", "dance", "squat", "bow", "punch", "sway", "kick", "hop")
"""Those that move in full view: talking and nodding hardly do."""
_NOVEL_MOTIONS, _NOVEL_SUBJECTS = ("spin", "juggle"), ("octopus",)
_FRAMINGS = ("full",) * 7 + ("half",) * 2 + ("face",)
_CAMERAS = ("static",) * 3 + ("moving",)
_POSES = ("first_frame", "independent")


@dataclass(frozen=True, slots=True, kw_only=True)
class WorldCase:
    """A case with its shots. `reference`: the shot whose first frame is the reference picture."""

    case: Case
    driver: Shot
    reference: Shot

    @property
    def truth(self) -> Shot:
        """The reference's subject and scene under the driver's motion and camera."""
        return with_motion_of(self.reference, self.driver)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """What one case has to be; the shots are drawn to fit. `motion`, `formation` None: drawn; `reference_*` None: as the driver's."""

    driver: str
    reference: str
    track: str = "cross"
    motion: str | None = None
    count: int = 1
    framing: str = "full"
    camera: str = "static"
    reference_pose: str = "first_frame"
    reference_count: int | None = None
    reference_framing: str | None = None
    formation: str | None = None


def heldout_cases() -> tuple[WorldCase, ...]:
    """304 cases: 220 plain cross ones (52 or more in each cell of the 2x2), 48 novel, 20 self, 16 with two characters."""
    groups = [
        _varied("plain", _plain(human=52, per_animal=13, animal_pair=4)),
        _varied("novel", list(_novel(per_cell=8)), _FRAMINGS[:9]),  # faces have their own motions, so novel ones need a body
        _varied("self", [Slot(driver=name, reference=name, track="self") for name in (HUMAN, *ANIMALS) for _ in range(4)]),
        _varied("two", list(_pairs_of_two(16)), ("full",)),
    ]
    return _drawn("world-heldout", "wh", list(chain.from_iterable(groups)))


def mini_cases() -> tuple[WorldCase, ...]:
    """16 cases: every driver kind and reference kind, every cell of the 2x2, one self, one novel, one with two characters."""
    h, c, q, b, o = HUMAN, *ANIMALS
    plain = [(h, h), (h, h), (h, c), (h, q), (h, b), (h, o), (c, h), (q, h), (b, h), (o, h), (q, c), (b, q), (c, o)]
    slots = _varied("plain", [Slot(driver=driver, reference=reference) for driver, reference in plain], ("full",) * 6 + ("half",))
    slots.append(Slot(driver=q, reference=q, track="self", motion="hop", reference_pose="independent"))
    slots.append(Slot(driver=h, reference=_NOVEL_SUBJECTS[0], motion=_NOVEL_MOTIONS[0]))
    slots.append(Slot(driver=h, reference=q, motion="dance", count=2, camera="moving"))
    return _drawn("world-mini", "wm", slots)


def dev_cases() -> tuple[WorldCase, ...]:
    """104 plain cases of the training split, 24 a cell of the 2x2 (32 between animals), to tune on in place of the held-out ones."""
    return _drawn("world-dev", "wd", _varied("dev", _plain(human=24, per_animal=6, animal_pair=2)), split="train")


def _plain(*, human: int, per_animal: int, animal_pair: int) -> list[Slot]:
    pairs = [(HUMAN, HUMAN)] * human
    pairs += [pair for name in ANIMALS for pair in ((HUMAN, name), (name, HUMAN)) for _ in range(per_animal)]
    pairs += [(a, b) for a in ANIMALS for b in ANIMALS for _ in range(animal_pair)]
    return [Slot(driver=driver, reference=reference) for driver, reference in pairs]


def _novel(per_cell: int) -> Iterator[Slot]:
    """New motions over the 2x2, then the new body plan as driver, as reference and as both."""
    for driver_human in (True, False):
        for reference_human in (True, False):
            for k in range(per_cell):
                driver = HUMAN if driver_human else ANIMALS[k % len(ANIMALS)]
                reference = HUMAN if reference_human else ANIMALS[(k + k // len(ANIMALS)) % len(ANIMALS)]
                yield Slot(driver=driver, reference=reference, motion=_NOVEL_MOTIONS[k % len(_NOVEL_MOTIONS)])
    for plan in _NOVEL_SUBJECTS:
        for other in (HUMAN, HUMAN, *ANIMALS):
            yield Slot(driver=plan, reference=other)
            yield Slot(driver=other, reference=plan)
        for _ in range(4):
            yield Slot(driver=plan, reference=plan)


def _pairs_of_two(count: int) -> Iterator[Slot]:
    kinds = (HUMAN, *ANIMALS)
    for k in range(count):
        yield Slot(driver=kinds[k % len(kinds)], reference=kinds[(k + 1 + k // len(kinds)) % len(kinds)], count=2)


def _varied(group: str, slots: list[Slot], framings: tuple[str, ...] = _FRAMINGS) -> list[Slot]:
    """Spread framing, camera, motion and reference pose evenly, each in a seeded order of its own."""

    def spread(name: str, values: tuple[str, ...]) -> list[str]:
        repeated = [values[k % len(values)] for k in range(len(slots))]
        return [repeated[k] for k in item_rng(0, group, name).permutation(len(slots))]

    columns = zip(slots, spread("framing", framings), spread("camera", _CAMERAS), spread("motion", BODY_MOTIONS), strict=True)
    poses = [_POSES[k % 2] for k in range(len(slots))]  # neighbours are of one kind, so every cell gets half and half
    return [
        replace(slot, framing=framing, camera=camera, motion=slot.motion or _motion_for(framing, motion), reference_pose=pose)
        for (slot, framing, camera, motion), pose in zip(columns, poses, strict=True)
    ]


def _motion_for(framing: str, motion: str) -> str | None:
    return None if framing == "face" else motion


def _drawn(suite: str, prefix: str, slots: list[Slot], split: str = "heldout") -> tuple[WorldCase, ...]:
    """Cases in a seeded order, so that the first few are already a mixture."""
    order = item_rng(0, suite, "order").permutation(len(slots))
    return tuple(
        _case(f"{prefix}-{number:04d}", slots[k], lambda part, k=k: item_seed(0, suite, int(k), part), split)
        for number, k in enumerate(order, 1)
    )


def _case(case_id: str, slot: Slot, seed: Callable[[str], int], split: str) -> WorldCase:
    driver, drawn = driver_of(slot, seed("driver"), split), reference_of(slot, seed("reference"), split)
    if slot.track == "self":
        drawn = replace(drawn, identities=driver.identities, background=driver.background)
    reference = with_motion_of(drawn, driver) if slot.reference_pose == "first_frame" else drawn
    return WorldCase(case=labelled(case_id, slot, driver, reference), driver=driver, reference=reference)


def driver_of(slot: Slot, seed: int, split: str) -> Shot:
    """The driving shot; characters that cross start in order from left to right."""
    shot = sample_shot(split, seed, subject=slot.driver, motion=slot.motion, framing=slot.framing, camera=slot.camera, count=slot.count)
    shot = replace(shot, formation=slot.formation or shot.formation)
    return replace(shot, start_s=round(crossing_start_s(shot), 3)) if shot.formation == "crossing" else shot


def reference_of(slot: Slot, seed: int, split: str) -> Shot:
    """The shot whose first frame is the reference: in a pose of its own, side by side."""
    framing, count = slot.reference_framing or slot.framing, slot.reference_count or slot.count
    shot = sample_shot(split, seed, subject=slot.reference, framing=framing, camera="static", count=count)
    return replace(shot, formation="apart")


def labelled(case_id: str, slot: Slot, driver: Shot, reference: Shot) -> Case:
    """The case of two shots: tags, prompt and names of who is in it."""
    many = ("many" if shot.count > 1 else "one" for shot in (driver, reference))
    tags = {
        "subject": slot.reference,
        "driver_subject": slot.driver,
        "reference_subject": slot.reference,
        "framing": slot.framing,
        "driver_framing": driver.framing,
        "reference_framing": reference.framing,
        "count": str(reference.count),
        "driver_count": str(driver.count),
        "reference_count": str(reference.count),
        "mode": "_to_".join(many),
        "camera": slot.camera,
        "motion": driver.motion,
        "track": slot.track,
        "novel": driver.novel or reference.novel,
    }
    one = f"{'an' if slot.reference[0] in 'aeiou' else 'a'} {slot.reference}"
    who = one if reference.count == 1 else f"{reference.count} characters, each {one}"
    return Case(
        id=case_id,
        tags=tags,
        prompt=f"{who}, {driver.motion.replace('_', ' ')}, {slot.framing} shot, {slot.camera} camera",
        driver_id=_who(driver),
        identity_id=_who(reference),
        reference_pose=slot.reference_pose,
    )


def _who(shot: Shot) -> str:
    return f"{shot.subject}-{'-'.join(str(seed) for seed in shot.identities)}"
