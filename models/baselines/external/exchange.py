"""What is written for a repository and what is taken back: files in a work folder, and two small JSON documents (contract 1).

    WORK/request.json     id, prompt, seed, width, height, num_frames, fps, files, work, out, weights, options
    WORK/reference.png    the reference, width x height px          WORK/driver.mp4   the driver, num_frames frames at fps
    WORK/pose.npz         points [T,N,J,2] px of the driver, confidence [T,N,J], skeleton, fps, where the commands name it
    WORK/pose_video.mp4   the same drawn at width x height px, likewise
    WORK/result.json      status ok or failed, video, seconds, note, error; may be left out where the YAML says where the video lies

Whatever comes back is looked at before it is believed: strict JSON, a regular file within the work folder, of a size that can be read.
"""

from __future__ import annotations

import json
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

import numpy as np

from models.artifacts import to_json
from models.baselines.external.spec import CONTRACT, Output
from models.images import MediaError
from models.types import AnimationRequest, Clip, PoseTrack, require

MAX_VIDEO_B, MAX_RESULT_B, MAX_PICTURES = 2 << 30, 1 << 20, 20_000
SEED_BITS = 31
"""Some take a seed into numpy or argparse's int32: a request's is taken modulo 2^31."""
_FIELDS = {"contract", "id", "status", "video", "seconds", "note", "error"}


class Failed(MediaError):
    """A repository gave no answer that can be used; the message, without a class before it, is the case's reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a result document says. `video`: relative to the work folder or absolute, not yet looked at."""

    video: str = ""
    seconds: float | None = None
    note: str = ""


def write_request(work: Path, request: AnimationRequest, wanted: set[str], given: Mapping[str, Any]) -> dict[str, Any]:
    """Write the files of a request within the rules. `wanted`: pose, pose_video; `given`: what else the document says.

    Returns the values of the placeholders.
    """
    from PIL import Image

    from models.video import encode_video

    files = {"reference": work / "reference.png", "driver": work / "driver.mp4"}
    Image.fromarray(request.reference).save(files["reference"], compress_level=1)
    files["driver"].write_bytes(encode_video(request.driving, pix_fmt="yuv420p"))  # what every decoder plays
    if wanted:
        require(request.pose is not None, f"request {request.id}", "pose", None, "a pose track of the driver")
        files |= _write_pose(work, request.pose, request, wanted)
    (work / "out").mkdir()
    values: dict[str, Any] = {
        "prompt": request.prompt, "seed": request.seed % 2**SEED_BITS, "width": request.size[0], "height": request.size[1],
        "num_frames": request.num_frames, "fps": request.driving.fps,
    }  # fmt: skip
    places = {"work": str(work), "out": str(work / "out")}
    told = {name: str(path) for name, path in files.items()}
    document = {"contract": CONTRACT, "id": request.id, **values, "files": told, **places, **given}
    (work / "request.json").write_text(to_json(document), encoding="utf-8")
    return {**values, **told, **places, "request": str(work / "request.json"), "result": str(work / "result.json")}


def _write_pose(work: Path, pose: PoseTrack, request: AnimationRequest, wanted: set[str]) -> dict[str, Path]:
    from models.pose.draw import draw_poses
    from models.video import encode_video

    files: dict[str, Path] = {}
    if "pose" in wanted:
        files["pose"] = work / "pose.npz"
        arrays = {"points": pose.points, "confidence": pose.confidence, "skeleton": pose.skeleton, "fps": pose.fps}
        np.savez_compressed(files["pose"], **arrays)
    if "pose_video" in wanted:
        files["pose_video"] = work / "pose_video.mp4"
        drawn = draw_poses(pose, request.size)
        files["pose_video"].write_bytes(encode_video(Clip(frames=drawn, fps=pose.fps), pix_fmt="yuv420p"))
    return files


def parse_result(text: str, id: str) -> Result:
    """A result document. Raises Failed where it is none, speaks of another request, or says that it failed."""
    try:
        raw = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Failed(f"result is not valid JSON ({str(error)[:120]})") from error
    if not isinstance(raw, dict):
        raise Failed(f"result is {type(raw).__name__}, expected a JSON object")
    unknown = sorted(map(str, set(raw) - _FIELDS))
    if unknown:
        raise Failed(f"result: unknown field {unknown[0][:60]!r}, expected {', '.join(sorted(_FIELDS))}")
    if raw.get("contract") != CONTRACT:
        raise Failed(f"result: contract {str(raw.get('contract'))[:20]}, expected {CONTRACT}")
    if raw.get("id", id) != id:
        raise Failed(f"result answers request {str(raw['id'])[:60]!r}, expected {id!r}")
    for name in ("status", "video", "note", "error"):
        if not isinstance(raw.get(name, ""), str):
            raise Failed(f"result: {name} is {type(raw[name]).__name__}, expected text")
    if raw.get("status") != "ok":
        raise Failed(f"it says: {raw.get('error') or raw.get('status') or 'no status'}"[:400])
    seconds = raw.get("seconds")
    if seconds is not None and (isinstance(seconds, bool) or not isinstance(seconds, (int, float)) or not 0 <= seconds < 1e9):
        raise Failed(f"result: seconds is {str(seconds)[:40]}, expected a number >= 0")
    return Result(video=raw.get("video", ""), seconds=seconds, note=raw.get("note", "")[:400])


def _no_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")


def read_result(work: Path, id: str) -> Result | None:
    """result.json of a work folder, None where there is none."""
    path = work / "result.json"
    if not path.is_symlink() and not path.exists():
        return None
    return parse_result(within(work, path, MAX_RESULT_B).read_text(encoding="utf-8", errors="replace"), id)


def within(work: Path, path: Path, most_b: int) -> Path:
    """`path` as a regular file within `work`. Raises Failed for a link, a way out, a pipe, nothing, and what is too large."""
    path = work / path
    shown = path.name[:80]
    try:
        facts, real = path.lstat(), path.resolve()
    except (OSError, RuntimeError, ValueError) as error:
        raise Failed(f"no file {shown!r}: it was not written") from error
    if stat.S_ISLNK(facts.st_mode) or not real.is_relative_to(work.resolve()):
        raise Failed(f"{shown!r} is a link or lies outside of the work folder")
    if not stat.S_ISREG(facts.st_mode):
        raise Failed(f"{shown!r} is no regular file")
    if facts.st_size > most_b:
        raise Failed(f"{shown!r} has {facts.st_size} bytes, expected at most {most_b}")
    return path


def read_answer(work: Path, video: str, output: Output, fps: float) -> Clip:
    """The answer: the video a result names, else what the YAML says; the panel of it that is the answer. Frames go at `fps`.

    Raises Failed.
    """
    frames = _video(within(work, Path(video), MAX_VIDEO_B)) if video else _by_pattern(work, output)
    k, n = output.panel
    width = frames.shape[2] // n
    if width < 1:
        raise Failed(f"{frames.shape[2]} px wide, expected {n} pictures side by side")
    return Clip(frames=np.ascontiguousarray(frames[:, :, (k - 1) * width : k * width]), fps=fps)


def _by_pattern(work: Path, output: Output) -> np.ndarray:
    found = sorted(work.glob(output.video or output.frames))[: MAX_PICTURES + 1]
    if not found:
        raise Failed(f"it wrote no {output.video or output.frames}")
    if output.video:
        if len(found) > 1:
            raise Failed(f"it wrote {len(found)} files {output.video} ({', '.join(path.name for path in found[:3])}), expected one")
        return _video(within(work, found[0], MAX_VIDEO_B))
    if len(found) > MAX_PICTURES:
        raise Failed(f"it wrote more than {MAX_PICTURES} pictures")
    from models.images import read_image

    inside = [within(work, path, MAX_VIDEO_B) for path in found]
    try:
        pictures = [read_image(path).image for path in inside]
    except MediaError as error:
        raise Failed(f"its pictures cannot be read: {error}") from error
    shapes = {picture.shape for picture in pictures}
    if len(shapes) > 1:
        raise Failed(f"its pictures have {len(shapes)} sizes, expected one")
    return np.stack(pictures)


def _video(path: Path) -> np.ndarray:
    from models.video import read_video

    if path.stat().st_size == 0:
        raise Failed(f"{path.name!r} is empty")
    try:
        return read_video(path).frames
    except MediaError as error:
        raise Failed(f"{path.name!r} cannot be read as a video: {error}") from error
