"""Clips as training examples: every clip is cut into chunks in which driver and target are the same.

`ClipExamples` needs the length of every clip: a look at each, remembered in the catalog, so opening the same footage again decodes nothing.
An index reads its own chunk as a window of the file. Readable clips give examples in the order of their names; unreadable or too short
ones are counted and named, and never stop a run. Labels and prompts beside the clips come along.
"""

from __future__ import annotations

import math
import operator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Mapping, Sequence

from awbench.media.listing import Entry, list_media, of_another_kind
from bootstrap.reasons import reason_of
from bootstrap.sources.catalog import Catalog
from bootstrap.sources.facts import ClipFacts, Facts, Still
from bootstrap.sources.lookup import inspect_here, look_up
from models.images import MediaError
from models.types import Grid, TrainingExample
from models.video import read_window

_TOLERANCE_S = 1e-6


@dataclass(slots=True)
class SkippedClips:
    """Filled while chunks are counted: file name -> reason; `notes`: what else the listing has to tell."""

    reasons: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


class ClipExamples(Sequence[TrainingExample]):
    """Chunks of `chunk_frames` frames at the grid's size and rate; a shorter rest of a clip is left out.

    `data`: what `list_media` takes (a folder, glob, URL or table). `ids`: `NAME#K` for chunk K from 0 on of the clip called NAME; `tags`:
    what tables say, by NAME. Threads may read at once; pickles by its names.
    """

    def __init__(
        self,
        data: str | Path,
        grid: Grid,
        chunk_frames: int,
        skipped: SkippedClips | None = None,
        catalog: Catalog | None = None,
    ) -> None:
        self._chunk, ids, skipped = replace(grid, num_frames=chunk_frames), [], skipped or SkippedClips()
        listing, catalog = list_media([data], "clip", "--data"), catalog or Catalog()
        facts = look_up(listing.entries, "clip", inspect_here, catalog)
        stills = {entry.id for entry in listing.entries if isinstance(facts[entry.location], Still)}
        skipped.notes += [*listing.notes, *of_another_kind(stills), *catalog.notes]
        skipped.reasons |= {row.id: row.reason for row in listing.unusable}
        self._entries: dict[str, Entry] = {}
        for entry in (one for one in listing.entries if one.id not in stills):
            chunks = chunks_of(facts[entry.location], grid, chunk_frames)
            if isinstance(chunks, str):
                skipped.reasons[entry.id] = chunks
            else:
                self._entries[entry.id] = entry
                ids += [f"{entry.id}#{number}" for number in range(chunks)]
        self.ids: tuple[str, ...] = tuple(ids)
        self.tags: Mapping[str, Mapping[str, str]] = {name: entry.tags for name, entry in self._entries.items()}

    def __len__(self) -> int:
        return len(self.ids)

    def __getitem__(self, index: int) -> TrainingExample:
        """Read one chunk. Raises IndexError, and MediaError where the file has changed since it was counted."""
        id_ = self.ids[operator.index(index)]
        name, _, number = id_.rpartition("#")
        try:
            part, _ = read_window(self._entries[name].location, self._chunk, int(number) * self._chunk.num_frames / self._chunk.fps)
        except (MediaError, OSError) as error:
            raise MediaError(f"{id_}: {reason_of(error)}; the file changed after its chunks were counted") from error
        return TrainingExample(id=id_, reference=part.frames[0], driver=part, target=part, prompt=self._entries[name].prompt)


def chunks_of(facts: Facts, grid: Grid, chunk_frames: int) -> int | str:
    """How many chunks a clip holds, at least one, or the reason why it holds none. A frame lies in it that begins before its end."""
    if not isinstance(facts, ClipFacts):
        return getattr(facts, "reason", "no clip")
    frames = math.ceil((facts.end_s - _TOLERANCE_S) * grid.fps)
    if frames < chunk_frames:
        return f"too short: {facts.end_s:.2f} s, an example takes {chunk_frames / grid.fps:.2f} s"
    return frames // chunk_frames
