"""How far four people agree who scored videos 1-5: of Video-Bench's public annotations, for users who have the files.

    git clone --depth 1 https://github.com/Video-Bench/Video-Bench
    python tests/benchmarks/video_bench_agreement.py Video-Bench/data/human_anno/imaging_quality.json [FILE.json ...]

A file is a list with one record a prompt and sample: {"prompt_en": text, "videos": {MODEL: path}, "human_anno": {MODEL: [4 scores]}}, the
scores of four raters in one order. 0 is no score: the scale begins at 1.

Printed of each file: raters' means, Krippendorff's alpha raw (ordinal) and rater-normalised (interval scale) with intervals over records,
Spearman's correlation of each rater with the mean of the others, and how alike votes are that would follow from the scores (a model is good
against another where it scored higher on the same record): the shares of variance that the case and the rater have, which
`awbench/study/power.py` assumes.
"""

from __future__ import annotations

import json
import sys
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from awbench.rater_agreement import agreement_of, leave_one_out_spearman  # noqa: E402

Scores = dict[str, np.ndarray]
"""Model -> `[records,raters]`, NaN for none."""


def read_scores(records: Any) -> Scores:
    """Raises ValueError for another format."""
    if not isinstance(records, list) or not all(isinstance(one, dict) and isinstance(one.get("human_anno"), dict) for one in records):
        raise ValueError('scores: expected a list of {"prompt_en", "videos", "human_anno": {model: [scores]}}')
    lengths = {len(scores) for one in records for scores in one["human_anno"].values()}
    models = {tuple(sorted(one["human_anno"])) for one in records}
    if len(lengths) != 1 or len(models) != 1 or min(lengths) < 2:
        raise ValueError(
            f"scores: got lists of {sorted(lengths)} and {len(models)} sets of models, expected the same two or more raters of all"
        )
    found = {model: np.array([one["human_anno"][model] for one in records], np.float64) for model in sorted(*models)}
    if not all(((0 <= scores) & (scores <= 5)).all() for scores in found.values()):
        raise ValueError("scores: expected numbers from 1 to 5, 0 for none")
    return {model: np.where(scores == 0, np.nan, scores) for model, scores in found.items()}


def components(scores: Scores) -> tuple[float, float, float]:
    """Shares of the variance of votes (1, 0, -1) that the case has and that the rater has, and of votes that are ties: means over pairs."""
    parts, ties = [], []
    for one, other in combinations(scores.values(), 2):
        votes = np.sign(one - other)
        votes = votes[~np.isnan(votes).any(1)]
        (cases, raters), mean = votes.shape, votes.mean()
        of_case, of_rater = votes.mean(1) - mean, votes.mean(0) - mean
        rest = votes - mean - of_case[:, None] - of_rater
        noise = (rest**2).sum() / (cases - 1) / (raters - 1)
        squares = raters * (of_case**2).sum() / (cases - 1), cases * (of_rater**2).sum() / (raters - 1)
        parts.append(((squares[0] - noise) / raters, (squares[1] - noise) / cases, noise))
        ties.append((votes == 0).mean())
    total = np.sum(parts, axis=0)
    return float(total[0] / total.sum()), float(total[1] / total.sum()), float(np.mean(ties))


def told(scores: Scores) -> list[str]:
    """The figures, one line each."""
    units = {f"{model}/{place}": row for model, rows in scores.items() for place, row in enumerate(rows)}
    raters = [f"rater {place + 1}" for place in range(next(iter(scores.values())).shape[1])]
    ratings = {name: {unit: row[place] for unit, row in units.items() if row[place] > 0} for place, name in enumerate(raters)}
    means = ", ".join(f"{name} {np.mean(list(found.values())):.2f}" for name, found in ratings.items())
    lines = [f"{len(units)} videos, {sum(map(len, ratings.values()))} scores, means: {means}"]
    for one in agreement_of(ratings, {unit: unit.rsplit("/", 1)[1] for unit in units}):
        span = "" if one.low is None else f" [{one.low:.3f}, {one.high:.3f}]"
        lines.append(f"alpha {one.scale}: " + ("–" if one.alpha is None else f"{one.alpha:.3f}{span}"))
    rhos = leave_one_out_spearman(ratings)
    lines.append("against the mean of the others: " + ", ".join(f"{name} {rho:.2f}" for name, rho in rhos.items() if rho is not None))
    of_case, of_rater, ties = components(scores)
    lines.append(f"as votes on pairs: share of the case {of_case:.2f}, of the rater {of_rater:.2f}, ties {ties:.2f}")
    return lines


if __name__ == "__main__":
    if len(sys.argv) < 2:
        raise SystemExit(__doc__)
    for name in sys.argv[1:]:
        print(name)
        print("\n".join(f"  {line}" for line in told(read_scores(json.loads(Path(name).read_text(encoding="utf-8"))))))
