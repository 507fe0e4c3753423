"""The off-line teacher: what a model that runs elsewhere is asked, as files; its answers come back by `--teacher recorded:ANSWERS`.

    KEY.driving.mp4   V on the grid: the motion that is wanted        KEY.identity.png   the picture that shall move
    KEY.json          prompt, size, fps, frames, seed, and the name of the answer: KEY.mp4
    requests.csv, requests.jsonl   all of them; written last, so that they say the folder is complete
A request whose KEY.json stands is not written again.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from bootstrap.material import media_of, tags_of
from bootstrap.planned import PlannedPair
from bootstrap.prompts import write_prompts
from bootstrap.reasons import reason_of
from bootstrap.records import records_of
from bootstrap.round_config import RoundContext
from bootstrap.rounds import Round
from bootstrap.sealing import known_of
from bootstrap.synthesis import CRF
from models import storage
from models.artifacts import read_json, write_json
from models.guidance.guide import Guide
from models.images import encode_image
from models.storage import write_bytes
from models.video import encode_video

COLUMNS = ("key", "driving", "identity", "answer", "prompt", "width", "height", "fps", "num_frames", "seed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Item of work: a pair whose request is to be written."""

    pair: PlannedPair

    @property
    def key(self) -> str:
        return self.pair.spec.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """What was written, or why it was not."""

    request: Mapping[str, Any] | None = None
    failure: str = ""


class Unanswered(Iterable[Asked]):
    """The pairs of some units that have no judged answer yet, unit by unit as they are asked for."""

    def __init__(self, round_: Round, units: Sequence[int]) -> None:
        self._round, self._units = round_, units

    def __iter__(self) -> Iterator[Asked]:
        for index in self._units:
            unit = self._round.unit(index)
            known = known_of(self._round.ledger, index, unit.numbers, list(records_of(self._round.out, index)))
            answered = {place for place, one in known.items() if not one.failed or one.content}
            yield from (Asked(pair=pair) for place, pair in enumerate(unit.pairs) if place not in answered)


def write_request(context: RoundContext, folder: str, asked: Asked, guide: Guide | None) -> Requested:
    """Write the request of a pair, unless it stands already."""
    try:
        return Requested(request=_known(folder, asked.key) or _write(context, folder, asked.pair, guide))
    except Exception as error:  # one pair's trouble is told and costs the others nothing
        return Requested(failure=reason_of(error))


def write_tables(folder: str, requests: Sequence[Mapping[str, Any]]) -> None:
    """Write the list of all requests: the folder is complete."""
    ordered = sorted(requests, key=lambda request: request["key"])
    lines = "".join(json.dumps(dict(request), sort_keys=True, ensure_ascii=False) + "\n" for request in ordered)
    write_bytes(storage.join(folder, "requests.jsonl"), lines.encode())
    table = io.StringIO()
    writer = csv.DictWriter(table, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(ordered)
    write_bytes(storage.join(folder, "requests.csv"), table.getvalue().encode())


def _known(folder: str, key: str) -> dict[str, Any] | None:
    path = storage.join(folder, f"{key}.json")
    return read_json(path) if storage.exists(path) else None


def _write(context: RoundContext, folder: str, pair: PlannedPair, guide: Guide | None) -> dict[str, Any]:
    media, grid, key = media_of(context, pair), context.recipe.grid, pair.spec.key
    prompts = write_prompts(guide, media.clip, media.identity, tags_of(pair))
    names = {"driving": f"{key}.driving.mp4", "identity": f"{key}.identity.png", "answer": f"{key}.mp4"}
    write_bytes(storage.join(folder, names["driving"]), encode_video(media.clip, crf=CRF, pix_fmt=context.recipe.pix_fmt))
    write_bytes(storage.join(folder, names["identity"]), encode_image(media.identity))
    raster = {"width": grid.width, "height": grid.height, "fps": grid.fps, "num_frames": grid.num_frames}
    request = {"key": key, **names, "prompt": prompts.teacher.prompt, **raster, "seed": pair.spec.seed}
    write_json(storage.join(folder, f"{key}.json"), request)
    return request
