"""Listing 60 000 clips with a table of labels and a prompt beside each: seconds and peak memory.

python tests/benchmarks/listing.py [FILES]
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from pathlib import Path

from awbench.media.listing import list_media


def main(files: int) -> None:
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        for number in range(files):
            if number % 1000 == 0:
                (folder / f"{number // 1000}").mkdir()
            name = folder / f"{number // 1000}" / f"{number}"
            name.with_suffix(".mp4").touch()
            name.with_suffix(".txt").write_text("she waves")
        rows = (f"{number // 1000}/{number}.mp4,human,CC0-1.0" for number in range(files))
        (folder / "clips.csv").write_text("\n".join(["file,subject,licence", *rows]))
        for given in (text, f"{text}/clips.csv"):
            started = time.perf_counter()
            listing = list_media([given], "clip")
            seconds = time.perf_counter() - started
            labelled = sum(bool(entry.tags) for entry in listing.entries)
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(f"{len(listing.entries)} clips, {labelled} labelled: {seconds:.1f} s, peak memory {peak:.0f} MiB")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 60_000)
