"""README.md of a dataset folder: what a person, and a model hub, must know of it before they use it.

In: the record that becomes run.json, the rows of sources.parquet, and which contents the kept pairs are made of. Out: the text, the same
for the same dataset: no time, host, folder or person. The licence is left to whoever publishes it; what the sources said of theirs is
counted.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, Collection, Iterable, Iterator, Mapping

SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))
"""Below so many pairs -> the hub's word for it."""
_UNSAID = "(nothing said)"
_ROLES = {"driving": "driving clips", "reference": "identities"}

MEMBERS = """| member | holds |
| --- | --- |
| `KEY.driver.mp4` | the **synthetic** clip: the motion of the target, shown by another identity; the input |
| `KEY.reference.png` | the first frame of the target; the input |
| `KEY.target.mp4` | the **real** clip; the answer |
| `KEY.json` | where each part comes from: sources, window, crop, labels, licence, consent, prompts, teacher, seed, verdicts |"""


def dataset_readme(record: Mapping[str, Any], sources: Iterable[Mapping[str, Any]], used: Collection[str]) -> str:
    """The text. `record`: of run.json; `sources`: rows of sources.parquet; `used`: sha256 of every clip and identity of a kept pair."""
    parts = [_front_matter(record), _what(record), "## Members\n\n" + MEMBERS, _teacher(record), _filters(record)]
    return "\n\n".join([*parts, _consent(sources, used), _loading(bool(record["shards"]))]) + "\n"


def size_category(pairs: int) -> str:
    """The hub's word for so many pairs."""
    return next((word for below, word in SIZES if pairs < below), "n>10M")


def _front_matter(record: Mapping[str, Any]) -> str:
    lines = ["---", "# license: choose yours; the sources' licences are counted below", "task_categories:", "- image-to-video"]
    lines += ["size_categories:", f"- {size_category(record['counts']['kept'])}", "tags:", "- webdataset", "- video"]
    lines += ["- character-animation", "- synthetic"]
    if record["shards"]:
        lines += ["configs:", "- config_name: default", "  data_files:", "  - split: train", '    path: "shard-*.tar"']
    return "\n".join([*lines, "---"])


def _what(record: Mapping[str, Any]) -> str:
    counts, grid, video = record["counts"], record["config"]["grid"], record["config"]["video"]
    asked = "Each pair asks: animate the reference with the motion of the driver, and get the target."
    raster = f"{grid['width']}x{grid['height']} px, {grid['num_frames']} frames at {grid['fps']:g} fps"
    made = f"{counts['kept']} kept of {counts['attempted']} attempted ({counts['rejected']} rejected, {counts['failed']} failed)"
    stored = f"{video['codec']} {video['pix_fmt']}, crf {video['crf']}"
    return f"# {counts['kept']} cross-identity training pairs\n\n{asked}\n\nPairs: {made}. Clips: {raster}, {stored}."


def _teacher(record: Mapping[str, Any]) -> str:
    teacher = record["teacher"]
    weights = f", weights sha256 `{teacher['weights_hash']}`" if teacher.get("weights_hash") else ""
    trained = teacher.get("filter_metrics") or []
    own = f" The pairs it was itself trained on were filtered by {', '.join(trained)}." if trained else ""
    return f"## Teacher\n\nThe drivers were made by `{teacher['name']}`{weights}.{own} Mark what is made with them as synthetic."


def _filters(record: Mapping[str, Any]) -> str:
    thresholds = record["config"]["thresholds"]
    lines = ["## Filters", "", "| check | threshold | judged | passed |", "| --- | --- | --- | --- |"]
    for check, seen in record["yields"].items():
        share = f" ({100 * seen['passed'] / seen['judged']:.1f} %)" if seen["judged"] else ""
        lines.append(f"| {check} | {_plain(thresholds.get(check))} | {seen['judged']} | {seen['passed']}{share} |")
    if not record["yields"]:
        lines = ["## Filters", "", "No check has judged a pair."]
    referee = ", ".join(record["filter_metrics"]) or "none"
    return "\n".join([*lines, "", f"Metrics that filtered these pairs, and should not alone referee what is trained on them: {referee}."])


def _plain(value: object) -> str:
    return "–" if value is None else f"{value:g}" if isinstance(value, (int, float)) else str(value)


def _consent(sources: Iterable[Mapping[str, Any]], used: Collection[str]) -> str:
    lines = ["## Sources", "", "Of what the kept pairs are made of, by what the tables beside the footage say:", ""]
    return "\n".join([*lines, *_counted([row for row in sources if row["sha256"] in used])])


def _counted(sources: Collection[Mapping[str, Any]]) -> Iterator[str]:
    yield from ("| sources | count | licence | consent |", "| --- | --- | --- | --- |")
    tally: Counter[tuple[str, str, str]] = Counter()
    for row in sources:
        tags = json.loads(row["tags"])
        tally[row["role"], _cell(tags.get("licence")), _cell(tags.get("consent"))] += 1
    for (role, licence, consent), count in sorted(tally.items()):
        yield f"| {_ROLES.get(role, role)} | {count} | {licence} | {consent} |"


def _cell(text: object) -> str:
    """One cell of a table, whatever somebody wrote into theirs."""
    return " ".join(str(text or "").split()).replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;") or _UNSAID


def _loading(has_shards: bool) -> str:
    lines = ["## Reading it", "", "`manifest.parquet` has a row for every attempted pair, with the reason where it was not kept,"]
    lines += ["`sources.parquet` one for every file, `run.json` the settings. The parquet beside a shard says where every member lies."]
    if has_shards:
        lines += ["", "```python", "import webdataset as wds", 'for sample in wds.WebDataset("shard-000000.tar", shardshuffle=False):']
        lines += ['    driver, reference, target = (sample[name] for name in ("driver.mp4", "reference.png", "target.mp4"))', ""]
        lines += ["from datasets import load_dataset"]
        lines += ['pairs = load_dataset("webdataset", data_files="shard-*.tar", split="train", streaming=True)', "```"]
    return "\n".join(lines)
