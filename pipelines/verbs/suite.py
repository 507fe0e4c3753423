"""`actorforge suite make`: clips and images -> a suite."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

from pipelines.verbs.flags import Many, all_of, from_zero, parse_size


def suite(
    what: Literal["make"],
    /,
    driving: Many,
    out: Path,
    references: Many = (),
    pairs: int | None = None,
    pairing: str | None = None,
    by_tag: Many = (),
    track: Literal["self", "cross"] = "cross",
    size: str | None = None,
    fps: float | None = None,
    num_frames: int | None = None,
    fit: Literal["crop", "pad", "subject"] | None = None,
    seed: int = 0,
    name: str | None = None,
) -> int:
    """Make a suite from folders of media, or let it grow.

    Args:
        what: make.
        driving: Folders, globs, URLs or tables of driving clips; clips.csv beside them labels them, NAME.txt is the prompt of NAME.mp4.
        out: Suite folder; with more media or more pairs it grows, and its old cases stay as they are.
        references: The same of reference images; not with --track self.
        pairs: Cases in all, evenly over clips and images; default: every clip with every image.
        pairing: Table of pairs: driver, reference; optional: start_s (s of the clip), id, prompt, mode, reference_pose; others are tags.
        by_tag: Pair only where labels agree (framing) or are so (framing=half:full, driver first).
        track: self pairs every clip with its own first frame, and the clip is the truth.
        size: Size of the suite's grid WxH, px; a suite that grows keeps its own.
        fps: Its frame rate.
        num_frames: Its length in frames.
        fit: How another shape is fitted: crop (in the middle), subject (cut around it) or pad (grey bars); default: crop, or the suite's.
        seed: Seed of the pairing.
        name: Name of the suite; default: that of the folder.
    """
    from awbench.suites.check import few_to_compare, notes_of_suite
    from awbench.suites.folder import load_folder
    from awbench.suites.from_media import write_suite_from_media
    from bootstrap.suite_remarks import suite_remarks
    from models.types import Grid

    from_zero("--seed", seed)
    grid = None
    if size or fps or num_frames:
        if not (size and fps and num_frames):
            raise ValueError(
                f"grid: got --size {size}, --fps {fps}, --num-frames {num_frames}, expected all three, or none to let one grow"
            )
        width, height = parse_size(size)
        grid = Grid(width=width, height=height, fps=fps, num_frames=num_frames)
    wishes = {"pairs": pairs, "pairing": pairing, "by_tag": all_of(by_tag), "track": track, "fit": fit or "", "seed": seed}
    begun = (out / "suite.yaml").is_file()
    called = name or ("" if begun else _suite_name(out))
    made = write_suite_from_media(all_of(driving, "--driving"), all_of(references) or None, out, grid, name=called, **wishes)
    for line in made.skipped:
        print(f"skipped: {line}")
    whole = load_folder(out, fingerprint=False)
    for line in (*made.notes, *notes_of_suite(out), *suite_remarks(whole), *few_to_compare(whole)):
        print(f"note: {line}")
    print(f"{made.added} case(s) added, {made.cases} in {out}, {len(made.skipped)} skipped")
    return 0


def _suite_name(folder: Path) -> str:
    """A folder's name as a suite may be called."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", folder.resolve().name).strip("-._")[:64]
