"""Known motion instead of an estimate: `tracks:DIR` reads, for a clip of NAME.mp4, the track DIR/NAME.npz or DIR/NAME.bvh.

NAME.npz   points `[T,N,J,2]` px of the source picture, confidence `[T,N,J]` 0-1; optional: fps (else a row a frame of the clip), skeleton
NAME.bvh   motion capture, seen from the front and fitted into the source picture once for the whole file (`models.pose.mocap`)

A clip says where it was cut from (`Clip.origin`): the track is sampled at the times of its frames, between two rows linearly with the
smaller confidence, and its points go through the same crop and resize.

Legend: T rows, N people, J joints.
"""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from typing import Any, Mapping

import numpy as np

from models.pose.bvh import MotionCapture, parse_bvh
from models.pose.catalog import files_hash, written
from models.pose.mocap import mocap_depth, mocap_track
from models.types import SKELETONS, Clip, Origin, PoseTrack, require

_SUFFIXES = (".npz", ".bvh")
_MAX_BYTES = 1 << 30
_BY_JOINTS = {count: name for name, count in SKELETONS.items()}
_SAME_FRAME = 1e-3
"""Times nearer to a row than this share of a frame are that row's: time stamps are rounded."""


class Tracks:
    """`weights_hash` is over the names and bytes of all tracks in the folder."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.name = folder, written("tracks", folder)
        files = [path for path in folder.iterdir() if path.suffix.lower() in _SUFFIXES] if folder.is_dir() else []
        require(bool(files), self.name, "tracks", _listing(folder), "at least one NAME.npz or NAME.bvh")
        self.weights_hash = files_hash(files)
        self.skeleton = _skeleton_of(min(files))

    def estimate(self, clip: Clip) -> PoseTrack:
        """Raises ValueError where the clip's origin is not known, its track is missing or damaged, or ends before the clip does."""
        origin = clip.origin
        require(origin is not None, self.name, "clip.origin", None, "the file the clip was read from", "read a file, not bytes")
        file = self._file(origin)
        track = read_track(file, origin.source_size, clip.fps)
        require(track.skeleton == self.skeleton, file.name, "skeleton", track.skeleton, f"{self.skeleton} as the folder's first track")
        times_s = origin.start_s + np.arange(len(clip)) / clip.fps
        length_s = len(track) / track.fps
        ends = times_s[-1] < length_s + 0.5 / clip.fps
        require(ends, file.name, "length", f"{length_s:.2f} s", f"at least {times_s[-1]:.2f} s of {origin.file}", "check its fps")
        return _on_raster(_sampled(track, times_s, clip.fps), origin, clip.size)

    def depths(self, clip: Clip) -> np.ndarray | None:
        """How near to the camera the joints of `estimate` are, float32 `[T,N,J]`, larger is nearer; None where the track is flat."""
        file = self._file(clip.origin) if clip.origin else None
        if file is None or file.suffix.lower() != ".bvh":
            return None
        motion = _motion(file)
        before, after, share = _rows(len(motion.values), motion.fps, clip.origin.start_s + np.arange(len(clip)) / clip.fps)
        rows = mocap_depth(motion)
        return (rows[before] + share[:, None] * (rows[after] - rows[before]))[:, None]

    def _file(self, origin: Origin) -> Path:
        stem = Path(origin.file).stem
        found = [path for suffix in _SUFFIXES if (path := self.folder / f"{stem}{suffix}").is_file()]
        got = " and ".join(path.name for path in found) or f"none for {origin.file} in {_listing(self.folder)}"
        require(len(found) == 1, self.name, "track", got, f"exactly one of {stem}.npz, {stem}.bvh")
        return found[0]


def create(argument: str | None) -> Tracks:
    """`tracks:DIR`."""
    require(bool(argument), "pose estimator tracks", "folder", repr(argument), "tracks:DIR with NAME.npz or NAME.bvh in DIR")
    return Tracks(Path(argument).expanduser())


def _listing(folder: Path, most: int = 20) -> str:
    names = sorted(path.name for path in folder.iterdir()) if folder.is_dir() else []
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more or ("an empty folder" if folder.is_dir() else "no such folder")


def _skeleton_of(file: Path) -> str:
    return "coco17" if file.suffix.lower() == ".bvh" else _npz_track(file, fps=1.0).skeleton


def read_track(file: Path, source_size: tuple[int, int], fps: float) -> PoseTrack:
    """A whole track in px of its source picture of (W,H) px; `fps` is that of an npz that does not say its own.

    Raises ValueError naming the file and what is wrong with it.
    """
    if file.suffix.lower() == ".npz":
        return _npz_track(file, fps)
    return mocap_track(_motion(file), source_size, file.name)


def _motion(file: Path) -> MotionCapture:
    size = file.stat().st_size
    require(size <= _MAX_BYTES, file.name, "size", f"{size} bytes", f"at most {_MAX_BYTES}")
    return parse_bvh(file.read_text(encoding="utf-8", errors="replace"), file.name)


def _npz_track(file: Path, fps: float) -> PoseTrack:
    arrays = _arrays(file)
    for key in ("points", "confidence"):
        require(key in arrays and arrays[key].dtype.kind in "fiu", file.name, key, _kind(arrays.get(key)), "an array of numbers")
    points = arrays["points"]
    require(points.ndim == 4 and len(points) > 0, file.name, "points", points.shape, "[T,N,J,2] with T >= 1")
    skeleton = str(arrays.get("skeleton", _BY_JOINTS.get(points.shape[2], f"{points.shape[2]} joints")))
    try:
        rate = float(arrays.get("fps", fps))
        return PoseTrack(points=points, confidence=arrays["confidence"], skeleton=skeleton, fps=rate)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{file.name}: {error}") from error


def _arrays(file: Path) -> Mapping[str, Any]:
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        require(size <= _MAX_BYTES, file.name, "size", f"{size} bytes unpacked", f"at most {_MAX_BYTES}")
        with np.load(file, allow_pickle=False) as data:
            return {key: np.asarray(data[key]) for key in data.files if key in ("points", "confidence", "fps", "skeleton")}
    except (ValueError, OSError, EOFError, KeyError, MemoryError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        said = str(error)[:200]
        raise ValueError(f"{file.name}: got {type(error).__name__}: {said}, expected an npz of plain arrays; write it again") from error


def _kind(array: np.ndarray | None) -> str:
    return "missing" if array is None else str(array.dtype)


def _sampled(track: PoseTrack, times_s: np.ndarray, fps: float) -> PoseTrack:
    """The track at `times_s`; before its first row and after its last one it stands still."""
    before, after, share = _rows(len(track), track.fps, times_s)
    share = share[:, None, None, None]
    points = np.nan_to_num(track.points)
    points = points[before] + share * (points[after] - points[before])
    confidence = np.minimum(track.confidence[before], track.confidence[after])
    return PoseTrack(points=points, confidence=confidence, skeleton=track.skeleton, fps=fps)


def _rows(count: int, fps: float, times_s: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The rows before and after each moment, int `[T]`, and how far it is from the one to the other, float32 `[T]` 0-1."""
    at = np.clip(times_s * fps, 0, count - 1)
    at = np.where(np.abs(at - np.round(at)) < _SAME_FRAME, np.round(at), at)
    before, after = np.floor(at).astype(int), np.ceil(at).astype(int)
    return before, after, (at - before).astype(np.float32)


def _on_raster(track: PoseTrack, origin: Origin, size: tuple[int, int]) -> PoseTrack:
    """From px of the source to px of a clip of `size` (W,H), through its crop and resize."""
    x, y, width, height = origin.crop
    points = (track.points - np.float32((x, y)) + 0.5) * (np.float32(size) / np.float32((width, height))) - 0.5
    return PoseTrack(points=points, confidence=track.confidence, skeleton=track.skeleton, fps=track.fps)
