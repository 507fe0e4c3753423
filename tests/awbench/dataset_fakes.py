"""Small datasets to report on, as the factory writes them."""

from __future__ import annotations

import io
import json
import tarfile

import numpy as np

from models.artifacts import write_json, write_parquet
from models.images import encode_image
from models.types import Clip
from models.video import encode_video

NAMES = ("key", "driving", "reference", "teacher", "teacher_hash", "status", "reason", "verdicts", "shard")


def verdict(check, value, threshold, passed):
    return {"check": check, "value": value, "threshold": threshold, "passed": passed, "reason": "" if passed else f"{check} too low"}


def row(key, status, verdicts=(), reason="", driving="walk <b>.mp4", reference="cat.png"):
    facts = (
        key,
        driving,
        reference,
        "flow_warp",
        "",
        status,
        reason,
        json.dumps(list(verdicts)),
        "shard-000000.tar" if status == "kept" else "",
    )
    return dict(zip(NAMES, facts)) | {"seed": 1}


GOOD = [verdict("moving", 0.9, 0.5, True), verdict("identity", 0.8, 0.3, True)]
ROWS = [
    row("", "failed", reason="empty file (0 bytes)", reference="", driving="<i>broken</i>.mp4"),
    row("a", "kept", GOOD),
    row("b", "kept", GOOD),
    row("c", "rejected", [verdict("moving", 0.1, 0.5, False)], reason="moving 0.1 below 0.5"),
    row("d", "rejected", [verdict("moving", 0.7, 0.5, True), verdict("identity", 0.2, 0.3, False)], reason="identity 0.2 below 0.3"),
    row("e", "failed", reason="stream breaks after 1.5 s"),
    row("f", "failed", reason="stream breaks after 2.0 s"),
]


CARD = {
    "prompt": "A <cat> waves.",
    "window": {"crop": [4, 0, 8, 16], "size": [16, 16], "start_s": 1.5, "notes": "deinterlaced"},
    "driver_notes": "",
    "identity_notes": "colours brought to sRGB",
}


def write_dataset(folder, rows):
    import pyarrow as pa

    folder.mkdir()
    schema = pa.schema([(name, pa.string()) for name in NAMES] + [("seed", pa.int64())])
    write_parquet(folder / "manifest.parquet", rows, schema)
    clip = Clip(frames=np.random.default_rng(0).integers(0, 255, (3, 16, 16, 3), np.uint8), fps=8.0)
    with tarfile.open(folder / "shard-000000.tar", "w", format=tarfile.USTAR_FORMAT) as tar:
        for kept in (item for item in rows if item["status"] == "kept"):
            for member, data in (
                ("driver.mp4", encode_video(clip)),
                ("json", json.dumps(CARD).encode()),
                ("reference.png", encode_image(clip.frames[0])),
                ("target.mp4", encode_video(clip)),
            ):
                info = tarfile.TarInfo(f"{kept['key']}.{member}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    write_json(folder / "run.json", {"thresholds": {"moving": 0.5}, "note": "<u>x</u>"})
    return folder
