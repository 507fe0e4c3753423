"""The media of a case in a folder: read, brought to the grid by the suite's fit, and what that took. The form: `awbench.suites.folder`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Mapping

import numpy as np

from awbench.cases import FIT_SAID, Case, CaseMedia, Truth
from awbench.suites.arrays import truth_from_arrays, unpack
from awbench.suites.parse import DRIVER, CaseFiles
from models.framing import fit_image
from models.images import MediaError, read_image
from models.subject import subject_box
from models.types import Clip, Grid, require
from models.video import Window, read_window


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSource:
    """Reads the media of a case from the files named in suite.yaml."""

    folder: Path
    grid: Grid
    files: Mapping[str, CaseFiles]
    fit: str = "crop"

    def __call__(self, case: Case) -> CaseMedia:
        files = self.files[case.id]
        if files.problem:
            raise MediaError(files.problem)
        driving, cropped = read_part(self.folder, "driver", files.driver, self.read_driver)
        picture = read_part(self.folder, "reference", files.reference, read_image)
        reference, size_note = self.fitted(picture.image)
        if files.origin is not None:
            driving = replace(driving, origin=files.origin)
        truth = whole_truth(driving) if files.truth == DRIVER else None
        if truth is not None and self.fit == "subject":  # its own first frame, cut as the whole clip is
            reference, size_note = driving.frames[0], ""
        if files.truth and truth is None:
            truth = read_part(self.folder, "truth", files.truth, self.read_truth)
        notes = [files.adaptation, describe_window(cropped, self.grid, self.fit), size_note]
        notes += [f"driver {note}" for note in cropped.notes] + [f"reference {note}" for note in picture.notes]
        cut = (files.cut or (*cropped.crop, *cropped.source_size)) if self.fit == "subject" else None
        told = "; ".join(note for note in notes if note)
        return CaseMedia(reference=reference, driving=driving, truth=truth, adaptation=told, driver_cut=cut)

    def fitted(self, image: np.ndarray) -> tuple[np.ndarray, str]:
        """A picture on the grid, and what was done to it."""
        size, box = (image.shape[1], image.shape[0]), None
        if size == self.grid.size:
            return image, ""
        if self.fit == "subject":
            box = subject_box(image[None], size, self.grid.size)
        done = FIT_SAID[self.fit] + (f" to {box}" if box else "")
        return fit_image(image, self.grid.size, self.fit, box=box), f"reference {done} and resized from {size[0]}x{size[1]}"

    def read_driver(self, path: Path) -> tuple[Clip, Window]:
        return read_window(path, self.grid, fit=self.fit)

    def read_truth(self, path: Path) -> Truth:
        """A truth archive (.npz), or a video."""
        if path.suffix == ".npz":
            return truth_from_arrays(unpack(path.read_bytes()))
        require(self.fit != "subject", f"truth {path.name}", "fit", "subject", "crop or pad", "a filmed truth must be cut as its driver is")
        return whole_truth(self.read_driver(path)[0])


def whole_truth(clip: Clip) -> Truth:
    """A filmed truth: all pixels are subject and seen, and nobody knows the exact flow."""
    everywhere = np.ones(clip.frames.shape[:3], bool)
    return Truth(clip=clip, subject=everywhere, reference_subject=everywhere[0], seen=everywhere, flow=None)


def describe_window(window: Window, grid: Grid, fit: str = "crop") -> str:
    """How a driver was brought to the grid, "" when it was there already."""
    notes = []
    if window.source_size != grid.size:
        notes.append(f"driver {FIT_SAID[fit]} to {window.crop} and resized from {window.source_size[0]}x{window.source_size[1]}")
    if abs(window.source_fps - grid.fps) > 0.01 * grid.fps:
        notes.append(f"driver resampled from {window.source_fps:g} to {grid.fps:g} fps")
    return "; ".join(notes)


def read_part(folder: Path, part: str, name: str, read: Any) -> Any:
    """Read one medium of a case; an error names the part and the file."""
    path = folder / name
    if not path.is_file():
        raise MediaError(f"{part} {name}: no such file")
    try:
        return read(path)
    except (ValueError, OSError) as error:
        said = (isinstance(error, OSError) and error.strerror) or error  # str(error) has the path, on which rows must not depend
        raise MediaError(f"{part} {name}: {said}") from error
