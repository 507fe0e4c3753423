"""How far raters agree who score videos 1-5, of a file you have, such as Video-Bench's public annotations (four raters a video).

    python tests/benchmarks/video_bench_agreement.py SCORES.json [SCORES.json ...]

Printed of each file: raters' means, Krippendorff's alpha raw (ordinal) and rater-normalised (interval scale) with intervals, and the
Spearman correlation of each rater with the mean of the others. On Video-Bench's files (1,911 videos for imaging, 1,638 for temporal) this
was .094 raw and .45 normalised for imaging, .357 and .44 for temporal, and .43-.70 for the correlations.

A video's scores are a list of two or more numbers from 1 to 5 (null: not scored), or a mapping of raters to them, wherever it stands in
the file: [{"video": "a.mp4", "scores": [3, 4, 3, 4]}], {"imaging": {"a.mp4": [3, 4, 3, 4]}}, {"a.mp4": {"rater1": 3, "rater2": 4}}.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Iterator

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from awbench.rater_agreement import agreement_of, leave_one_out_spearman  # noqa: E402

Ratings = dict[str, dict[str, float]]


def read_scores(data: Any) -> Ratings:
    """Rater -> video -> score. Raises ValueError where there are none."""
    found: Ratings = {}
    for place, scores in _units(data, ""):
        for rater, score in scores.items():
            if score is not None:
                found.setdefault(rater, {})[place] = float(score)
    if len(found) < 2:
        raise ValueError("scores: got none of two or more raters, expected lists of numbers from 1 to 5, or mappings of raters to them")
    return found


def _units(data: Any, place: str) -> Iterator[tuple[str, dict[str, Any]]]:
    inner = list(enumerate(data)) if isinstance(data, list) else list(data.items()) if isinstance(data, dict) else []
    values = [value for _, value in inner]
    if len(values) > 1 and all(_is_score(value) for value in values) and any(value is not None for value in values):
        yield place, {f"rater {key + 1}" if isinstance(data, list) else key: value for key, value in inner}
        return
    for key, value in inner:
        yield from _units(value, f"{place}/{key}")


def _is_score(value: Any) -> bool:
    return value is None or (isinstance(value, (int, float)) and not isinstance(value, bool) and 1 <= value <= 5)


def told(ratings: Ratings) -> list[str]:
    """The figures, one line each."""
    videos = {video for found in ratings.values() for video in found}
    means = ", ".join(f"{rater} {sum(found.values()) / len(found):.2f}" for rater, found in sorted(ratings.items()))
    lines = [f"{len(videos)} videos, means: {means}"]
    for one in agreement_of(ratings):
        lines.append(
            f"alpha {one.scale}: {one.alpha:.3f} [{one.low:.3f}, {one.high:.3f}]" if one.alpha is not None else f"alpha {one.scale}: –"
        )
    rhos = leave_one_out_spearman(ratings)
    lines.append(
        "against the mean of the others: " + ", ".join(f"{name} {rho:.2f}" for name, rho in sorted(rhos.items()) if rho is not None)
    )
    return lines


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    for name in sys.argv[1:]:
        print(name)
        print("\n".join(f"  {line}" for line in told(read_scores(json.loads(Path(name).read_text(encoding="utf-8"))))))
