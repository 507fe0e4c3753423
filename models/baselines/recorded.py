"""`recorded:DIR`: answers from a folder of videos, DIR/CASE_ID.mp4, made by any system anywhere.

`recorded:RUN/videos` replays a run. The video is handed over as it is; who asked brings it to the grid and records how.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from models.types import AnimationRequest, AnimationResult, require
from models.video import read_video


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """Plays DIR/REQUEST_ID.mp4. Raises ValueError (MediaError) where the file is missing or unreadable."""

    folder: Path
    weights_hash: str = ""

    @property
    def name(self) -> str:
        """recorded:FOLDER, where the folder of a run's videos is called after the run."""
        folder = self.folder.resolve()
        return f"recorded:{folder.parent.name if folder.name == 'videos' else folder.name}"

    def animate(self, request: AnimationRequest) -> AnimationResult:
        start_s = time.monotonic()
        path = self.folder / f"{request.id}.mp4"
        require(path.parent == self.folder, self.name, "request id", request.id, "a plain file name")
        require(path.is_file(), self.name, f"{request.id}.mp4", "no such file", "one video for every case", "add it to the folder")
        clip = read_video(path)
        return AnimationResult(request_id=request.id, clip=clip, animator=self.name, seconds=time.monotonic() - start_s)


def create(argument: str | None = None) -> Recorded:
    """The animator over the folder `argument`."""
    require(bool(argument), "animator recorded", "argument", repr(argument), "a folder of CASE_ID.mp4 files", "write recorded:DIR")
    folder = Path(str(argument))
    require(folder.is_dir(), "animator recorded", "argument", repr(argument), "an existing folder of CASE_ID.mp4 files")
    return Recorded(folder=folder)
