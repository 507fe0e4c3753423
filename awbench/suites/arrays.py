"""Named arrays <-> one checked npz, without pickles: the form of a truth beside a suite and of a cached world case.

The archive carries the sha256 of its content, so a damaged or half-written file is noticed instead of trusted.
Equal arrays give equal bytes.
"""

from __future__ import annotations

import hashlib
import io
import zipfile
import zlib
from typing import Mapping

import numpy as np

from awbench.cases import Truth
from models.types import Clip, PoseTrack

_DIGEST = "digest"


def digest(arrays: Mapping[str, np.ndarray]) -> str:
    """sha256 over names, dtypes, shapes and contents."""
    total = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        total.update(f"{name}|{array.dtype.str}|{array.shape}|".encode())
        total.update(array.tobytes())
    return total.hexdigest()


def pack(arrays: Mapping[str, np.ndarray]) -> bytes:
    """npz bytes of `arrays` and their digest."""
    sink = io.BytesIO()
    np.savez_compressed(sink, **{_DIGEST: np.array(digest(arrays))}, **{name: arrays[name] for name in sorted(arrays)})
    return sink.getvalue()


def unpack(data: bytes) -> dict[str, np.ndarray]:
    """The arrays of `pack`. Raises ValueError when the bytes are damaged, hold pickles or carry another digest."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, OSError, EOFError, KeyError, zipfile.BadZipFile, zlib.error, NotImplementedError) as error:
        raise ValueError(f"not a readable npz archive without pickles ({type(error).__name__})") from error
    stated = str(arrays.pop(_DIGEST, ""))
    if stated != digest(arrays):
        raise ValueError(f"damaged npz archive: content has digest {digest(arrays)[:12]}, expected {stated[:12] or 'one'}")
    return arrays


def truth_arrays(truth: Truth) -> dict[str, np.ndarray]:
    """A truth as named arrays: frames, fps, subject, reference_subject, seen, flow (empty where it is not known), and of a
    known pose pose_points, pose_confidence and pose_skeleton."""
    arrays = {"frames": truth.clip.frames, "fps": np.array(float(truth.clip.fps))}
    arrays |= {name: getattr(truth, name) for name in ("subject", "reference_subject", "seen")}
    return arrays | {"flow": np.zeros(0, np.float32) if truth.flow is None else truth.flow} | _pose_arrays(truth.pose)


def _pose_arrays(pose: PoseTrack | None) -> dict[str, np.ndarray]:
    if pose is None:
        return {}
    return {"pose_points": pose.points, "pose_confidence": pose.confidence, "pose_skeleton": np.array(pose.skeleton)}


def _pose_from_arrays(arrays: Mapping[str, np.ndarray], fps: float) -> PoseTrack | None:
    if "pose_points" not in arrays:  # nothing to name, or an archive of before there were poses
        return None
    points, confidence, skeleton = (arrays[f"pose_{name}"] for name in ("points", "confidence", "skeleton"))
    return PoseTrack(points=points, confidence=confidence, skeleton=str(skeleton), fps=fps)


def truth_from_arrays(arrays: Mapping[str, np.ndarray]) -> Truth:
    """The truth of `truth_arrays`. Raises ValueError naming a missing or wrong array."""
    names = ("frames", "fps", "subject", "reference_subject", "seen", "flow")
    missing = [name for name in names if name not in arrays]
    if missing:
        raise ValueError(f"truth archive: arrays: got {sorted(arrays)}, expected also {missing}")
    clip = Clip(frames=arrays["frames"], fps=float(arrays["fps"]))
    masks = {name: arrays[name] for name in ("subject", "reference_subject", "seen")}
    pose = _pose_from_arrays(arrays, clip.fps)
    return Truth(clip=clip, **masks, flow=arrays["flow"] if arrays["flow"].size else None, pose=pose)
