"""Drawings whose joints somebody wrote down, and which of them a request's reference is.

    DIR/NAME.joints.yaml or NAME.npz     joints, as Animated Drawings or as a pose track of one frame writes them
    DIR/NAME.png|jpg|...                 the picture they belong to, or in the folder `images`
    DIR/NAME.mask.png                    white where the figure is; optional
    DIR/**/char_cfg.yaml, texture.png, mask.png     a folder as Animated Drawings leaves it, NAME is the folder's

A request brings pixels and no name: small copies of the pictures, fitted in every known way, are compared with its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Iterator, Mapping, Sequence

import cv2
import numpy as np

from models.baselines.weightless.puppet.placement import Placement, placements
from models.baselines.weightless.puppet.rig import body_of, main_person
from models.endings import IMAGE_SUFFIXES
from models.framing import fit_image
from models.images import read_image
from models.pose.animated_drawings import read_joints
from models.pose.catalog import files_hash
from models.pose.tracks import read_track
from models.types import PoseTrack, require

_YAML, _MASK, _CHARACTER = ".joints.yaml", ".mask.png", "char_cfg.yaml"
_SAME = 6.0
"""Levels of 255 by which small copies of one picture may differ: those of two pencil drawings differ by more than 15."""
_SMALL_PX = 24
_NAMES = {"root": "root", "torso": "chest", "neck": "head"} | {
    f"{side}_{theirs}": f"{side}_{ours}"
    for side in ("left", "right")
    for theirs, ours in {"shoulder": "shoulder", "elbow": "elbow", "hand": "wrist", "hip": "hip", "knee": "knee", "foot": "ankle"}.items()
}
"""Joint of Animated Drawings -> joint of the rig."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Annotation:
    """`mask`: None where nobody drew one."""

    name: str
    joints: Path
    picture: Path
    mask: Path | None

    def files(self) -> list[Path]:
        return [self.joints, self.picture, *([self.mask] if self.mask else [])]


def annotations_in(folder: Path, images: Path | None) -> tuple[Annotation, ...]:
    """Sorted by name. Raises ValueError where there are none, or a picture is missing."""
    item = f"annotations {folder.name}"
    require(folder.is_dir(), item, "folder", repr(str(folder)), "an existing folder of NAME.joints.yaml files")
    found = tuple(sorted(_found(folder, images or folder), key=lambda one: one.name))
    listing = ", ".join(sorted(path.name for path in folder.iterdir())[:20]) or "nothing"
    require(bool(found), item, "annotations", listing, "NAME.joints.yaml or NAME.npz beside NAME.png, or char_cfg.yaml in folders")
    return found


def _found(folder: Path, images: Path) -> Iterator[Annotation]:
    for file in sorted(folder.iterdir()):
        if file.name.endswith(_YAML) or file.suffix == ".npz":
            name = file.name.removesuffix(_YAML).removesuffix(".npz")
            mask = folder / f"{name}{_MASK}"
            yield Annotation(name=name, joints=file, picture=_picture(images, name), mask=mask if mask.is_file() else None)
    for file in sorted([folder / _CHARACTER, *folder.glob(f"*/{_CHARACTER}")]):
        if file.is_file():
            mask = file.parent / "mask.png"
            yield Annotation(
                name=file.parent.name, joints=file, picture=_picture(file.parent, "texture"), mask=mask if mask.is_file() else None
            )


def _picture(folder: Path, name: str) -> Path:
    there = sorted(folder.iterdir()) if folder.is_dir() else []
    found = [path for path in there if path.stem == name and path.suffix.lower() in IMAGE_SUFFIXES]
    got = ", ".join(path.name for path in found) or "none"
    advice = "pictures elsewhere are named by --set images=FOLDER"
    require(len(found) == 1, f"annotation {name}", "picture", got, f"one {name}.png or .jpg in {folder.name or folder}", advice)
    return found[0]


def annotations_hash(found: tuple[Annotation, ...]) -> str:
    """Over names and contents of all files that decide a pixel."""
    return files_hash(path for one in found for path in one.files())


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Drawing:
    """An annotation read. `joints`: complex px of the picture; `mask`: bool `[H,W]`, None where nobody drew one."""

    name: str
    picture: np.ndarray
    joints: Mapping[str, complex]
    mask: np.ndarray | None


@lru_cache(maxsize=64)
def read_drawing(annotation: Annotation) -> Drawing:
    """Raises ValueError naming the file, and what does not fit together."""
    picture = read_image(annotation.picture).image
    size = (picture.shape[1], picture.shape[0])
    joints = _joints(annotation, size)
    mask = None
    if annotation.mask:
        shade = read_image(annotation.mask).image.max(-1)
        require(shade.shape[::-1] == size, annotation.mask.name, "size", shade.shape[::-1], f"{size} px as {annotation.picture.name}")
        mask = shade > 127
        require(bool(mask.any()), annotation.mask.name, "mask", "all black", "white where the figure is")
    return Drawing(name=annotation.name, picture=picture, joints=joints, mask=mask)


def _joints(annotation: Annotation, size: tuple[int, int]) -> dict[str, complex]:
    if annotation.joints.suffix == ".npz":
        return first_joints(read_track(annotation.joints, size, fps=1.0), annotation.joints.name)
    drawn = read_joints(annotation.joints)
    require(drawn.size == size, annotation.joints.name, "width, height", drawn.size, f"{size} px as {annotation.picture.name}")
    return {_NAMES[name]: complex(*place) for name, place in drawn.places.items() if name in _NAMES}


def first_joints(track: PoseTrack, item: str, least: float = 0.0) -> dict[str, complex]:
    """Those of the main person of a track's first frame that are as sure as `least`."""
    body = body_of(track, main_person(track, item))
    return {name: complex(place[0]) for name, (place, sure) in body.items() if sure[0] > 0 and sure[0] >= least}


def found_in(reference: np.ndarray, known: Sequence[Annotation], strict: bool = True) -> tuple[Drawing, Placement] | None:
    """The drawing that a reference shows, and how; None where it shows none.

    Raises ValueError instead of None where `strict`, saying what was compared, and how near it came.
    """
    small, best = _small(reference), (np.inf, "", "", None, None)
    for annotation in known:
        drawing = read_drawing(annotation)
        for fit, copy, placement in _copies(annotation, (reference.shape[1], reference.shape[0])):
            difference = float(np.sqrt(np.mean((copy - small) ** 2)))
            if difference < best[0]:
                best = (difference, drawing.name, fit, drawing, placement)
    if best[0] <= _SAME or not strict:
        return (best[3], best[4]) if best[0] <= _SAME else None
    got = f"a picture that is none of {len(known)} annotated ones (nearest: {best[1]} by {best[2]}, {best[0]:.0f} levels of 255 away)"
    expected = f"one of {', '.join(one.name for one in known[:8])}, at most {_SAME:.0f} levels away"
    require(
        best[0] <= _SAME, "reference", "pixels", got, expected, "annotate it, or name an estimator of its joints (--set estimator=NAME)"
    )
    return best[3], best[4]


@lru_cache(maxsize=256)
def _copies(annotation: Annotation, size: tuple[int, int]) -> list[tuple[str, np.ndarray, Placement]]:
    picture = read_drawing(annotation).picture
    return [(fit, _small(fit_image(picture, size, fit)), placement) for fit, placement in placements(picture, size).items()]


def _small(image: np.ndarray) -> np.ndarray:
    return cv2.resize(np.ascontiguousarray(image), (_SMALL_PX, _SMALL_PX), interpolation=cv2.INTER_AREA).astype(np.float32)
