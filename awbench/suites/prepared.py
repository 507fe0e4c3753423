"""The media of a case as a run stores them, made once for all runs of a suite in a folder.

To read a driver, find its subject, resample and encode it takes longer than many an animator. So each part of a case - the window of a
driver, a reference - is kept in the cache (`suites/` in `models.artifacts.cache_folder`) as the bytes that runs store. The cache is never
trusted: the name of an entry is the hash of all that decides these bytes (the file's content and name, the window, grid, fit, our source,
the libraries), and the entry carries a digest of its content; a damaged one is made anew. What was used longest ago goes first where all of
it is more than `MOST_B`. A case with a truth of its own, and one whose media cannot be read, is read as it is.
"""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Callable

import av
import cv2
import numpy as np
import PIL

import models
from awbench.cases import Case, CaseMedia, Suite
from awbench.suites.arrays import pack, truth_arrays, unpack
from awbench.suites.case_media import FolderSource, PictureTold, WindowTold, read_part
from awbench.suites.parse import DRIVER, CaseFiles, origin_text
from models.artifacts import cache_folder, sha256, sha256_file, to_json
from models.images import encode_image
from models.storage import write_bytes
from models.video import encode_video

MOST_B = 4 << 30
"""Of all entries together; 49 frames of 512x512 px are about 1 MiB."""

Parts = tuple[dict[str, bytes], dict[str, Any]]
"""Files by name, and what is told of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMedia:
    """Bytes of files: an mp4, a png, and an npz (`DRIVER`: the driver is the truth; "": none); and what else suite.yaml says of a case."""

    driver: bytes
    reference: bytes
    truth: bytes | str = ""
    adaptation: str = ""
    driver_cut: str = ""
    driver_origin: str = ""


def stored_media(suite: Suite, case: Case) -> StoredMedia:
    """What a run stores of a case. Raises ValueError or OSError as `Suite.load` does."""
    source = suite.source
    files = source.files[case.id] if isinstance(source, FolderSource) else CaseFiles(problem="not in a folder")
    known = not files.problem and all(source.hashes.get(name, "missing") != "missing" for name in (files.driver, files.reference))
    if not known or files.truth not in ("", DRIVER):
        return _encoded(suite.load(case.id))
    own_frame = source.shows_own_frame(files)
    clip, about_clip = _kept(source, "driver", files.driver, files.driver_start_s, lambda path: _window(source, files, path))
    picture, about_picture = _kept(source, "reference", files.reference, 0.0, lambda path: _picture(source, path))
    adaptation, cut = source.told(files, WindowTold(**about_clip["window"]), PictureTold(**about_picture))
    return StoredMedia(
        driver=clip["film"],
        reference=clip["first"] if own_frame else picture["picture"],
        truth=files.truth,
        adaptation=adaptation,
        driver_cut=_cut_text(cut),
        driver_origin=origin_text(files.origin) or about_clip["origin"],
    )


def _encoded(media: CaseMedia) -> StoredMedia:
    truth = media.truth
    own = truth is not None and truth.clip is media.driving
    return StoredMedia(
        driver=encode_video(media.driving),
        reference=encode_image(media.reference),
        truth=DRIVER if own else pack(truth_arrays(truth)) if truth is not None else "",
        adaptation=media.adaptation,
        driver_cut=_cut_text(media.driver_cut),
        driver_origin=origin_text(media.driving.origin),
    )


def _cut_text(cut: tuple[int, ...] | None) -> str:
    return ",".join(map(str, cut or ()))


def _window(source: FolderSource, files: CaseFiles, path: Path) -> Parts:
    clip, window = source.window_of(files)(path)
    blobs = {"film": encode_video(clip)} | ({"first": encode_image(clip.frames[0])} if source.fit == "subject" else {})
    return blobs, {"window": asdict(WindowTold.of(window, source.grid, source.fit)), "origin": origin_text(clip.origin)}


def _picture(source: FolderSource, path: Path) -> Parts:
    image, told = source.read_picture(path)
    return {"picture": encode_image(image)}, asdict(told)


def _kept(source: FolderSource, part: str, name: str, start_s: float, make: Callable[[Path], Parts]) -> Parts:
    """A part of a case from the cache, else made and kept."""
    about = [part, source.hashes[name], Path(name).name, start_s, asdict(source.grid), source.fit, _versions()]
    entry = _folder() / f"{sha256(to_json(about).encode())}.npz"
    try:
        arrays = unpack(entry.read_bytes())
        told = json.loads(str(arrays.pop("told")))
        blobs = {key: array.tobytes() for key, array in arrays.items()}
    except (OSError, ValueError, KeyError):  # not there yet, or damaged: both are mended by making it
        blobs, told = read_part(source.folder, part, name, make)
        with suppress(OSError):  # a cache that cannot be written costs time, not results
            if sha256_file(source.folder / name) == source.hashes[name]:  # else it has changed since its hash was taken
                arrays = {key: np.frombuffer(data, np.uint8) for key, data in blobs.items()}
                write_bytes(entry, pack(arrays | {"told": np.array(to_json(told))}))
        return blobs, json.loads(to_json(told))
    with suppress(OSError):
        os.utime(entry)
    return blobs, told


def trim_prepared() -> None:
    """Remove what was used longest ago until the rest is at most `MOST_B`."""
    with suppress(OSError):  # no folder yet, or another process trims it
        used = sorted(((entry.stat().st_mtime_ns, entry.stat().st_size, entry.path) for entry in os.scandir(_folder())), reverse=True)
        total_b = 0
        for _, size_b, path in used:
            total_b += size_b
            if total_b > MOST_B:
                Path(path).unlink(missing_ok=True)


def _folder() -> Path:
    return cache_folder() / "suites"


def sources() -> list[Path]:
    """The files of ours that decide what a part is: another content of any of them makes other entries."""
    root = Path(models.__file__).parent
    return sorted([*root.glob("*.py"), *(root / "video").glob("*.py"), *Path(__file__).parent.glob("*.py")])


@lru_cache(maxsize=1)
def _versions() -> list[Any]:
    """Hash of `sources`, and the libraries that decode, scale and encode."""
    ours = sha256(b"".join(path.name.encode() + path.read_bytes() for path in sources()))
    return [ours, av.__version__, sorted(map(str, av.library_versions.items())), cv2.__version__, np.__version__, PIL.__version__]
