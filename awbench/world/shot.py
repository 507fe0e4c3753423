"""A shot: everything that decides a rendering except its raster, as plain seeds and names.

The two splits draw every seed from their own half of the numbers (train even, heldout odd), so they share no identity,
texture, background or motion programme. Novel motions and subjects exist in heldout alone. Each decision has a stream of
random numbers of its own and weights by name: a new body plan or motion takes its share of the shots and leaves the rest.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Mapping

import numpy as np

from awbench.world.draws import choose, unit
from awbench.world.families import NOVEL_MOTIONS, TRAIN_MOTIONS
from awbench.world.motion import Motion
from models.seeds import item_seed
from models.types import require

SUBJECTS: tuple[str, ...] = ("human", "cartoon", "quadruped", "bird", "blob", "octopus")
NOVEL_SUBJECTS: tuple[str, ...] = ("octopus",)
FRAMINGS: tuple[str, ...] = ("full", "half", "face")
CAMERAS: tuple[str, ...] = ("static", "moving", "tracking")
FORMATIONS: tuple[str, ...] = ("apart", "crossing", "unison")
"""How several characters move: side by side in canon, circling past each other in canon, side by side at the same time."""
SPLITS: tuple[str, ...] = ("train", "heldout")
MAX_COUNT = 3
_MOTIONS = TRAIN_MOTIONS + NOVEL_MOTIONS
_SEEDS = 1 << 30
_SUBJECT_SHARES = {"human": 3.0, "cartoon": 2.0, "quadruped": 2.0, "bird": 1.5, "blob": 1.5}
_COUNT_SHARES = {"1": 0.88, "2": 0.09, "3": 0.03}
_FRAMING_SHARES = {"full": 0.74, "half": 0.14, "face": 0.12}
_CAMERA_SHARES = {"static": 0.8, "moving": 0.2}
_FORMATION_SHARES = {"apart": 0.4, "crossing": 0.6}
_FACE_MOTION_SHARES = {"nod": 4.0, "talk": 4.0, "sway": 1.0, "wave": 1.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One shot. `identities`: a seed per character; `start_s`: where in the motion programme the shot begins;
    `formation`: of several characters, see FORMATIONS."""

    split: str
    subject: str
    identities: tuple[int, ...]
    motion: str
    motion_seed: int
    background: int
    camera: str
    camera_seed: int
    framing: str
    start_s: float = 0.0
    formation: str = "apart"

    def __post_init__(self) -> None:
        tables = {"split": SPLITS, "subject": SUBJECTS, "motion": _MOTIONS, "camera": CAMERAS, "framing": FRAMINGS, "formation": FORMATIONS}
        for name, known in tables.items():
            require(getattr(self, name) in known, "shot", name, repr(getattr(self, name)), f"one of {known}")
        ok = isinstance(self.identities, tuple) and 1 <= len(self.identities) <= MAX_COUNT
        require(ok, "shot", "identities", repr(self.identities), f"a tuple of 1 to {MAX_COUNT} seeds")
        for name, seed in (
            *(("identities", seed) for seed in self.identities),
            ("motion_seed", self.motion_seed),
            ("background", self.background),
            ("camera_seed", self.camera_seed),
        ):
            require(isinstance(seed, int) and seed >= 0, "shot", name, repr(seed), "a whole number >= 0")
        require(bool(np.isfinite(self.start_s)), "shot", "start_s", self.start_s, "a finite number of seconds")

    @property
    def count(self) -> int:
        """How many characters."""
        return len(self.identities)

    @property
    def facing(self) -> float:
        """The side that the motion prefers: +1 the picture's right, -1 its left."""
        return Motion(family=self.motion, seed=self.motion_seed).beat().side

    @property
    def novel(self) -> bool:
        """Whether training never shows this motion family or this body plan."""
        return self.motion in NOVEL_MOTIONS or self.subject in NOVEL_SUBJECTS

    def to_json(self) -> dict[str, Any]:
        """A plain dict; `from_json` reads it back."""
        return {**asdict(self), "identities": list(self.identities)}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Shot:
        """Raises: ValueError on missing or unknown fields or values."""
        wanted = {f.name for f in fields(cls)}
        require(set(record) == wanted, "shot", "fields", sorted(record), str(sorted(wanted)))
        return cls(**{**record, "identities": tuple(record["identities"])})


def _check_choice(name: str, value: str | None, known: tuple[str, ...], novel: tuple[str, ...], split: str) -> None:
    if value is None:
        return
    require(value in known, "sample_shot", name, repr(value), f"one of {known}")
    require(
        split == "heldout" or value not in novel, "sample_shot", name, repr(value), f"not one of {novel}: novel ones are kept out of train"
    )


def _check_request(
    split: str, seed: int, subject: str | None, motion: str | None, framing: str | None, camera: str | None, count: int | None, novel: bool
) -> None:
    require(split in SPLITS, "sample_shot", "split", repr(split), f"one of {SPLITS}")
    require(isinstance(seed, (int, np.integer)) and seed >= 0, "sample_shot", "seed", repr(seed), "a whole number >= 0")
    require(not (novel and split == "train"), "sample_shot", "novel", novel, "False for train: novel ones are kept out of it")
    require(count is None or count in range(1, MAX_COUNT + 1), "sample_shot", "count", count, f"1 to {MAX_COUNT}")
    _check_choice("subject", subject, SUBJECTS, NOVEL_SUBJECTS, split)
    _check_choice("motion", motion, _MOTIONS, NOVEL_MOTIONS, split)
    _check_choice("framing", framing, FRAMINGS, (), split)
    _check_choice("camera", camera, CAMERAS, (), split)


def sample_shot(
    split: str,
    seed: int,
    *,
    subject: str | None = None,
    motion: str | None = None,
    framing: str | None = None,
    camera: str | None = None,
    count: int | None = None,
    novel: bool = False,
) -> Shot:
    """The shot of a seed; what is None is drawn (mostly one character, in full, before a static camera).

    Novel motions and subjects are drawn only with `novel=True` (heldout): then the free one of the two, motion first, is novel.
    """
    _check_request(split, seed, subject, motion, framing, camera, count, novel)

    def drawn(name: str, shares: Mapping[str, float]) -> str:
        return choose(shares, split, int(seed), name)

    view = framing or drawn("framing", _FRAMING_SHARES)
    people = count or (1 if view == "face" else int(drawn("count", _COUNT_SHARES)))
    plan = subject or drawn("subject", _SUBJECT_SHARES)
    family = motion or drawn("motion", _FACE_MOTION_SHARES if view == "face" else dict.fromkeys(TRAIN_MOTIONS, 1.0))
    if novel and motion is None:
        family = drawn("novel motion", dict.fromkeys(NOVEL_MOTIONS, 1.0))
    elif novel and subject is None and motion not in NOVEL_MOTIONS:
        plan = drawn("novel subject", dict.fromkeys(NOVEL_SUBJECTS, 1.0))
    return Shot(
        split=split,
        subject=plan,
        identities=tuple(_seed(split, seed, "identity", i) for i in range(people)),
        motion=family,
        motion_seed=_seed(split, seed, "motion"),
        background=_seed(split, seed, "background"),
        camera=camera or drawn("camera", _CAMERA_SHARES),
        camera_seed=_seed(split, seed, "camera"),
        framing=framing or ("full" if people > 1 else view),
        start_s=round(20 * unit(split, int(seed), "start"), 3),
        formation=drawn("formation", _FORMATION_SHARES) if people > 1 else "apart",
    )


def _seed(split: str, seed: int, *name: object) -> int:
    """A seed of the split's own half of the numbers."""
    return 2 * (item_seed(0, "world", split, int(seed), "seed", *name) % _SEEDS) + SPLITS.index(split)


def with_motion_of(reference: Shot, driver: Shot) -> Shot:
    """The truth: `reference`'s subject and scene under `driver`'s motion, camera, framing, formation and start.

    Characters keep their order: the reference's i-th does what the driver's i-th does. One driver moves all of the
    reference's, side by side and at the same time. Raises: ValueError for other counts, as no truth can be told.
    """
    paired = driver.count in (1, reference.count)
    got = f"{reference.count} and {driver.count} characters"
    require(paired, "with_motion_of", "count", got, "equal counts, or one driver for all of the reference")
    return replace(
        reference,
        motion=driver.motion,
        motion_seed=driver.motion_seed,
        camera=driver.camera,
        camera_seed=driver.camera_seed,
        framing=driver.framing,
        start_s=driver.start_s,
        formation=driver.formation if driver.count == reference.count else "unison",
    )
