"""The catalog at 60 000 clips of a minute: seconds to remember and to recall, and peak memory.

python tests/benchmarks/catalog.py [FILES]
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time

from awbench.media.listing import Entry
from bootstrap.sources.catalog import Catalog
from bootstrap.sources.facts import MOTION_PER_S, PRINTS_PER_S, ClipFacts
from models.storage import FileFacts


def main(files: int, seconds: int = 60) -> None:
    bulk = {"motion": bytes(MOTION_PER_S * seconds), "prints": bytes(8 * PRINTS_PER_S * seconds)}
    bulk["colours"] = bytes(3 * PRINTS_PER_S * seconds)
    entries = [
        Entry(id=f"{i}.mp4", location=f"/footage/{i}.mp4", kind="clip", facts=FileFacts(size_b=i, mark=str(i))) for i in range(files)
    ]
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        for first in range(0, files, 1000):
            made = (
                (each, ClipFacts(sha256="0" * 64, size=(1280, 720), frames=1500, fps=25.0, end_s=60.0, **bulk))
                for each in entries[first : first + 1000]
            )
            Catalog(f"{folder}/catalog.sqlite").put(made, "clip")
        put_s, before = time.perf_counter() - started, _peak_mib()
        started = time.perf_counter()
        known = Catalog(f"{folder}/catalog.sqlite").known(entries, "clip")
        known_s = time.perf_counter() - started
    print(f"{len(known)} files: put {put_s:.1f} s, known {known_s:.1f} s, peak memory {before:.0f} MiB before, {_peak_mib():.0f} MiB after")


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60_000)
