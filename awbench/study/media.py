"""The media of a study: every clip through one encoder, under a name that tells nothing, as many bytes as the clips it may stand beside.

In: runs and a case. Out: files in site/media. A name is the keyed hash (HMAC-SHA256) of what the file is; the key lies in key.json alone.
All answers of a case end in an mp4 box `free` of random bytes that brings them to the size of the largest, so that no size of a file, of a
download, or in a list of requests tells a system; who takes a file apart can read how large its pictures are. An answer and its twin are
two encodings that no eye can tell apart, with no byte of pictures in common; pairs show either, so that a twin tells no identical pair.
"""

from __future__ import annotations

import hashlib
import hmac
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Sequence

from awbench.report.media import enlarged
from awbench.run_folder import Run
from awbench.study.degraded import degraded
from models.artifacts import write_bytes
from models.images import MediaError, encode_image
from models.types import Clip
from models.video import encode_video, fit_clip, read_video

ANSWER, TWIN, BAD = "answer", "twin", "bad"
"""What may be shown of a system: its answer, the same encoded again under another name, and the degraded copy."""
CRF, PRESET = {ANSWER: 14, TWIN: 15, BAD: 14}, "medium"
_BOX, _LEAST = 8, 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names that only who has the key can tell."""

    secret: str

    def of(self, *parts: object) -> str:
        """32 hex digits of what `parts` say."""
        return hmac.new(self.secret.encode(), "\x1f".join(map(str, parts)).encode(), "sha256").hexdigest()[:32]

    def clip(self, case: str, system: str, what: str = ANSWER) -> str:
        return f"media/{self.of('clip', case, system, what)}.mp4"

    def filling(self, path: str, length: int) -> bytes:
        """Bytes that look like any others, the same for the same file."""
        return hashlib.shake_256(f"{self.secret}\x1f{path}".encode()).digest(length)

    def driver(self, case: str) -> str:
        return f"media/{self.of('driver', case)}.mp4"

    def reference(self, case: str) -> str:
        return f"media/{self.of('reference', case)}.png"


def write_case(site: Path, names: Names, runs: Sequence[Run], case: str, wanted: set[tuple[str, str]], seed: int) -> int:
    """Write the media of a case that are not there yet; `wanted`: (system, what). Returns how many. Raises MediaError, OSError."""
    answers = {names.clip(case, system, what): (system, what) for system, what in sorted(wanted)}
    paths = [names.driver(case), names.reference(case), *answers]
    if all((site / path).is_file() for path in paths):
        return 0
    media = runs[0].suite.load(case)
    clips = {run.system: on_grid(run, case) for run in runs if any(run.system == system for system, _ in wanted)}
    files = {
        path: coded(degraded(clips[system], seed) if what == BAD else clips[system], CRF[what]) for path, (system, what) in answers.items()
    }
    most = max(map(len, files.values()))
    write_bytes(site / names.driver(case), coded(media.driving))
    write_bytes(site / names.reference(case), encode_image(enlarged(media.reference)))
    for path, data in sorted(files.items()):  # in the order of their names: times of writing tell nothing either
        write_bytes(site / path, data + box(names.filling(path, most - len(data) + _LEAST)))
    return len(paths)


def coded(clip: Clip, crf: int = CRF[ANSWER]) -> bytes:
    """The clip as every browser plays it."""
    return encode_video(Clip(frames=enlarged(clip.frames), fps=clip.fps), pix_fmt="yuv420p", crf=crf, preset=PRESET)


def box(filling: bytes) -> bytes:
    """An mp4 box that players pass over."""
    return struct.pack(">I4s", len(filling) + _BOX, b"free") + filling


def on_grid(run: Run, case: str) -> Clip:
    """The answer to a case, on the grid of its suite. Raises MediaError naming run and case."""
    try:
        clip, grid = read_video(run.video_path(case)), run.suite.grid
    except MediaError as error:
        raise MediaError(f"run {run.path.name}, case {case}: {error}") from error
    on_it = (len(clip), clip.size, clip.fps) == (grid.num_frames, grid.size, grid.fps)
    return clip if on_it else fit_clip(clip, grid, fit="crop")
