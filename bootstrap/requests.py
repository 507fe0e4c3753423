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
from dataclasses import dataclass
from typing import Any, Mapping, Sequence

from bootstrap.attempt import media_of, tags_of
from bootstrap.planned import PlannedPair, Unit
from bootstrap.prompts import write_prompts
from bootstrap.reasons import reason_of
from bootstrap.round_config import RoundContext
from bootstrap.synthesis import CRF
from models import storage
from models.artifacts import read_json, write_json
from models.guidance.guide import Guide
from models.images import encode_image
from models.storage import write_bytes
from models.video import encode_video

COLUMNS = ("key", "driving", "identity", "answer", "prompt", "width", "height", "fps", "num_frames", "seed")


@dataclass(frozen=True, slots=True, kw_only=True)
class Requested:
    """`requests`: one record for every pair that was written; `failures`: key -> why it was not."""

    requests: tuple[Mapping[str, Any], ...]
    failures: Mapping[str, str]


def write_unit(context: RoundContext, folder: str, unit: Unit, guide: Guide | None) -> Requested:
    """Write the requests of a unit's pairs that have no judged answer yet."""
    made = context.ledger.marker(unit.index)
    known = made.rows if made is not None and made.numbers == unit.numbers[: len(made.numbers)] else ()
    answered = {place for place, row in enumerate(known) if row["status"] != "failed" or row["key"] in made.contents}
    requests, failures = [], {}
    for place, pair in enumerate(unit.pairs):
        if place in answered:
            continue
        try:
            requests.append(_known(folder, pair.spec.key) or _write(context, folder, pair, guide))
        except Exception as error:  # one pair's trouble is told and costs the others nothing
            failures[pair.spec.key] = reason_of(error)
    return Requested(requests=tuple(requests), failures=failures)


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
