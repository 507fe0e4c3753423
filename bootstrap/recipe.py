"""Everything that decides the bytes of one pair, apart from its sources; and the key that follows from both.

A key depends on contents (sha256 of clip and identity, window) and on what decides pixels (seed, grid, fit, teacher, prompt, coding of the
video): never on names, folders or thresholds. So judging anew by other thresholds, renaming a folder and taking a teacher's answers from
elsewhere keep the keys.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from bootstrap.pairing import PairSpec
from bootstrap.prompts import NO_GUIDE, GuideMark
from bootstrap.provenance import digest, sample_key
from bootstrap.sources.source import Source
from bootstrap.synthesis import CRF
from bootstrap.thresholds import Thresholds
from models.guidance.guide import described
from models.seeds import item_seed
from models.types import Grid
from models.video import PRESET

RECORDED = "recorded"
"""The teacher's name where its answers come from a folder, whatever the folder is called."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Teacher:
    """Who made the drivers. `name`: as it was asked for, with its argument; of a checkpoint its own, of recorded answers `RECORDED`.

    `code`: digest of the modules of a plug-in that is none of our packages; `asked`: what that was asked for by where its name is another,
    as `module:create`; it decides nothing. `options`: what its options came to, as JSON text, "" where it
    has none; `filter_metrics`: metrics that filtered the pairs it was itself trained on.
    """

    name: str
    weights_hash: str = ""
    code: str = ""
    asked: str = ""
    options: str = ""
    filter_metrics: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How pairs are made. `fit`: how sources are brought to the grid's shape; `pix_fmt`: colour sampling of the stored clips."""

    grid: Grid
    teacher: Teacher
    seed: int = 0
    fit: str = "crop"
    pix_fmt: str = "yuv444p"
    guide: GuideMark = NO_GUIDE
    thresholds: Thresholds = field(default_factory=Thresholds)

    @property
    def _teacher(self) -> dict[str, str]:
        """Two fields are told where there is something in them only: datasets of teachers without stay what they are."""
        told = {name: getattr(self.teacher, name) for name in ("name", "weights_hash", "code")}
        return told | {name: text for name in ("asked", "options") if (text := getattr(self.teacher, name))}

    @property
    def makes(self) -> dict[str, Any]:
        """What decides the pixels of a pair."""
        return {
            "grid": dataclasses.asdict(self.grid),
            "fit": self.fit,
            "seed": self.seed,
            "teacher": self._teacher,
            "guide": dataclasses.asdict(self.guide),
            "video": {"codec": "h264", "pix_fmt": self.pix_fmt, "crf": CRF, "preset": PRESET},
        }

    @property
    def filters(self) -> dict[str, Any]:
        """What decides which pairs are kept; the same fields of the same types whatever is asked, as cards must have them."""
        from bootstrap.filters import filter_versions

        thresholds = {
            name: "; ".join(value) if isinstance(value, tuple) else value for name, value in dataclasses.asdict(self.thresholds).items()
        }
        return {"thresholds": thresholds, "filter_metrics": filter_versions(self.thresholds)}

    @property
    def settings(self) -> dict[str, Any]:
        """Both, as records keep them."""
        teacher = {**self.makes["teacher"], "filter_metrics": list(self.teacher.filter_metrics)}
        return {**self.makes, **self.filters, "teacher": teacher}

    def spec(self, driving: Source, start_s: float, identity: Source) -> PairSpec:
        """The pair of a window and an identity."""
        contents = (driving.sha256, start_s, identity.sha256)
        return PairSpec(
            key=sample_key(_digest(self), *contents, *self._said(driving, identity)),
            driving=driving.id,
            identity=identity.id,
            start_s=start_s,
            seed=item_seed(self.seed, "teacher", *contents),
            driving_sha256=driving.sha256,
            identity_sha256=identity.sha256,
        )

    def _said(self, driving: Source, identity: Source) -> tuple[str, ...]:
        """What the prompts are made of, apart from the pictures."""
        own = driving.tags.get("prompt", "").strip()
        if own or not self.guide.name:
            return (own,)
        return tuple(
            f"{key}={text}" for side in (driving, identity) for key, text in (("side", side is driving), *described(side.tags).items())
        )


@lru_cache(maxsize=8)
def _digest(recipe: Recipe) -> str:
    """Digest of what decides pixels. A teacher with weights is known by them, whatever it is called, unless its name has an argument."""
    makes, teacher = recipe.makes, recipe.teacher
    name = "" if teacher.weights_hash and ":" not in teacher.name else teacher.name
    options = [teacher.options] if teacher.options else []
    return digest({**makes, "teacher": [name, teacher.weights_hash, teacher.code, *options]})
