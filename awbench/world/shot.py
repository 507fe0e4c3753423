"""A shot: everything that decides a rendering except its raster, as plain seeds and names.

The two splits draw every seed from their own half of the numbers (train even, heldout odd), so they share no identity,
texture, background or motion programme. Novel motions and subjects exist in heldout alone.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Mapping

import numpy as np

from awbench.world.families import NOVEL_MOTIONS, TRAIN_MOTIONS
from models.types import require

SUBJECTS: tuple[str, ...] = ("human", "cartoon", "quadruped", "bird", "blob", "octopus")
NOVEL_SUBJECTS: tuple[str, ...] = ("octopus",)
FRAMINGS: tuple[str, ...] = ("full", "half", "face")
CAMERAS: tuple[str, ...] = ("static", "moving")
SPLITS: tuple[str, ...] = ("train", "heldout")
MAX_COUNT = 3
_MOTIONS = TRAIN_MOTIONS + NOVEL_MOTIONS
_SEEDS = 1 << 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Shot:
    """One shot. `identities`: a seed per character; `start_s`: where in the motion programme the shot begins."""

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

    def __post_init__(self) -> None:
        for name, known in (("split", SPLITS), ("subject", SUBJECTS), ("motion", _MOTIONS), ("camera", CAMERAS), ("framing", FRAMINGS)):
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


def _seed(rng: np.random.Generator, split: str) -> int:
    return 2 * int(rng.integers(_SEEDS)) + SPLITS.index(split)


def _drawn(rng: np.random.Generator, options: tuple[str, ...], shares: tuple[float, ...]) -> str:
    return options[int(rng.choice(len(options), p=np.array(shares) / sum(shares)))]


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
    rng = np.random.default_rng([SPLITS.index(split), int(seed)])
    plan = _drawn(rng, tuple(s for s in SUBJECTS if s not in NOVEL_SUBJECTS), (3, 2, 2, 1.5, 1.5))
    people = int(rng.choice([1, 2, 3], p=[0.88, 0.09, 0.03]))
    view = _drawn(rng, FRAMINGS, (0.74, 0.14, 0.12))
    people = count if count is not None else (1 if (framing or view) == "face" else people)
    family = TRAIN_MOTIONS[int(rng.integers(len(TRAIN_MOTIONS)))]
    quiet = _drawn(rng, ("nod", "talk", "sway", "wave"), (4, 4, 1, 1))
    fresh = NOVEL_MOTIONS[int(rng.integers(len(NOVEL_MOTIONS)))], NOVEL_SUBJECTS[int(rng.integers(len(NOVEL_SUBJECTS)))]
    lens = _drawn(rng, CAMERAS, (0.8, 0.2))
    if (framing or view) == "face":
        family = quiet
    if novel and motion is None:
        family = fresh[0]
    elif novel and subject is None and motion not in NOVEL_MOTIONS:
        plan = fresh[1]
    seeds = [_seed(rng, split) for _ in range(MAX_COUNT + 3)]
    view = framing or ("full" if people > 1 else view)
    return Shot(
        split=split,
        subject=subject or plan,
        identities=tuple(seeds[3 : 3 + people]),
        motion=motion or family,
        motion_seed=seeds[0],
        background=seeds[1],
        camera=camera or lens,
        camera_seed=seeds[2],
        framing=view,
        start_s=round(float(rng.uniform(0, 20)), 3),
    )


def with_motion_of(reference: Shot, driver: Shot) -> Shot:
    """The truth: `reference`'s subject and scene under `driver`'s motion, camera, framing and start."""
    require(reference.count == driver.count, "with_motion_of", "count", f"{reference.count} and {driver.count} characters", "equal counts")
    return replace(
        reference,
        motion=driver.motion,
        motion_seed=driver.motion_seed,
        camera=driver.camera,
        camera_seed=driver.camera_seed,
        framing=driver.framing,
        start_s=driver.start_s,
    )
