"""The media of a case in a folder: read, brought to the grid by the suite's fit, and what that took. The form: `awbench.suites.folder`."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, Callable, Mapping, Sequence

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
class WindowTold:
    """What is told of a driver's window. `said`: how it was brought to the grid; `notes`: what was done to the pixels on reading;
    `cut`: x, y, w, h, W, H px, the box that is shown of the source's (W,H)."""

    said: str
    notes: Sequence[str]
    cut: Sequence[int]

    @classmethod
    def of(cls, window: Window, grid: Grid, fit: str) -> WindowTold:
        return cls(said=describe_window(window, grid, fit), notes=window.notes, cut=(*window.crop, *window.source_size))


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureTold:
    """What is told of a reference, in the same words."""

    said: str
    notes: Sequence[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class FolderSource:
    """Reads the media of a case from the files named in suite.yaml. `hashes`: sha256 by file, where they were taken."""

    folder: Path
    grid: Grid
    files: Mapping[str, CaseFiles]
    fit: str = "crop"
    hashes: Mapping[str, str] = field(default_factory=dict)

    def __call__(self, case: Case) -> CaseMedia:
        files = self.files[case.id]
        if files.problem:
            raise MediaError(files.problem)
        driving, window = read_part(self.folder, "driver", files.driver, self.window_of(files))
        reference, about = read_part(self.folder, "reference", files.reference, self.read_picture)
        if files.origin is not None:
            driving = replace(driving, origin=files.origin)
        truth = whole_truth(driving) if files.truth == DRIVER else None
        if self.shows_own_frame(files):
            reference = driving.frames[0]
        if files.truth and truth is None:
            truth = read_part(self.folder, "truth", files.truth, partial(self.read_truth, start_s=files.driver_start_s))
        told, cut = self.told(files, WindowTold.of(window, self.grid, self.fit), about)
        return CaseMedia(reference=reference, driving=driving, truth=truth, adaptation=told, driver_cut=cut)

    def shows_own_frame(self, files: CaseFiles) -> bool:
        """Whether the reference is the driver's first frame, cut as the whole clip is."""
        return files.truth == DRIVER and self.fit == "subject"

    def told(self, files: CaseFiles, window: WindowTold, picture: PictureTold) -> tuple[str, tuple[int, ...] | None]:
        """A case's `adaptation` and `driver_cut`."""
        notes = [files.adaptation, window.said, "" if self.shows_own_frame(files) else picture.said]
        notes += [f"driver {note}" for note in window.notes] + [f"reference {note}" for note in picture.notes]
        cut = files.cut or tuple(window.cut)
        return "; ".join(note for note in notes if note), cut if self.fit == "subject" else None

    def reference(self, case: Case) -> np.ndarray:
        """The picture of a case alone, without its driver where that does not decide it."""
        files = self.files[case.id]
        if files.problem or self.shows_own_frame(files):
            return self(case).reference
        return read_part(self.folder, "reference", files.reference, self.read_picture)[0]

    def read_picture(self, path: Path) -> tuple[np.ndarray, PictureTold]:
        """A reference on the grid, uint8 `[H,W,3]`."""
        picture = read_image(path)
        image, said = self.fitted(picture.image)
        return image, PictureTold(said=said, notes=picture.notes)

    def fitted(self, image: np.ndarray) -> tuple[np.ndarray, str]:
        """A picture on the grid, and what was done to it."""
        size, box = (image.shape[1], image.shape[0]), None
        if size == self.grid.size:
            return image, ""
        if self.fit == "subject":
            box = subject_box(image[None], size, self.grid.size)
        done = FIT_SAID[self.fit] + (f" to {box}" if box else "")
        return fit_image(image, self.grid.size, self.fit, box=box), f"reference {done} and resized from {size[0]}x{size[1]}"

    def window_of(self, files: CaseFiles) -> Callable[[Path], tuple[Clip, Window]]:
        """What reads the window of a case's driver."""
        return lambda path: read_window(path, self.grid, files.driver_start_s, fit=self.fit)

    def read_truth(self, path: Path, start_s: float = 0.0) -> Truth:
        """A truth archive (.npz), or a video, which is read from the moment its driver is."""
        if path.suffix == ".npz":
            return truth_from_arrays(unpack(path.read_bytes()))
        require(self.fit != "subject", f"truth {path.name}", "fit", "subject", "crop or pad", "a filmed truth must be cut as its driver is")
        return whole_truth(read_window(path, self.grid, start_s, fit=self.fit)[0])


def whole_truth(clip: Clip) -> Truth:
    """A filmed truth: all pixels are subject and seen, and nobody knows the exact flow."""
    everywhere = np.ones(clip.frames.shape[:3], bool)
    return Truth(clip=clip, subject=everywhere, reference_subject=everywhere[0], seen=everywhere, flow=None)


def describe_window(window: Window, grid: Grid, fit: str = "crop") -> str:
    """How a driver was brought to the grid, "" when it was there already."""
    notes = [f"driver from {window.start_s:g} s on"] if window.start_s else []
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
