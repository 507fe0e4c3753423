"""The report of a dataset: counts, reasons, and pages that read well when much, or everything, went wrong."""

from __future__ import annotations

import io
import json
import tarfile
from html.parser import HTMLParser

import numpy as np
import pytest

from awbench.report.dataset import check_yields, open_dataset, reason_counts, yield_records
from awbench.report.pairs import evenly, read_member
from awbench.report.write import write_report
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
                ("reference.png", encode_image(clip.frames[0])),
                ("target.mp4", encode_video(clip)),
            ):
                info = tarfile.TarInfo(f"{kept['key']}.{member}")
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
    write_json(folder / "run.json", {"thresholds": {"moving": 0.5}, "note": "<u>x</u>"})
    return folder


@pytest.fixture
def dataset(tmp_path):
    return write_dataset(tmp_path / "pairs", ROWS)


class Page(HTMLParser):
    def __init__(self, path):
        super().__init__()
        self.tags, self.words = [], []
        self.feed(path.read_text(encoding="utf-8"))
        self.text = " ".join(self.words)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)


def test_the_funnel_counts_every_step(dataset):
    steps = {found["step"]: (found["tried"], found["passed"]) for found in yield_records(open_dataset(dataset))}
    assert steps == {"generation": (6, 4), "moving": (4, 3), "identity": (3, 2), "kept": (6, 2)}


def test_inputs_that_cannot_be_read_are_apart_from_pairs(dataset):
    report = open_dataset(dataset)
    assert [attempt.driving for attempt in report.unreadable] == ["<i>broken</i>.mp4"] and len(report.pairs) == 6


def test_reasons_group_by_step_and_by_text_without_numbers(dataset):
    found = {(status, step): count for status, step, count, _ in reason_counts(open_dataset(dataset))}
    assert found == {("failed", "generation"): 2, ("rejected", "moving"): 1, ("rejected", "identity"): 1}


def test_check_values_run_in_parallel_with_their_verdicts(dataset):
    moving = check_yields(open_dataset(dataset))[0]
    assert (moving.values, moving.passed, moving.threshold) == ((0.9, 0.9, 0.1, 0.7), (True, True, False, True), 0.5)


def test_the_page_shows_pairs_reasons_and_escapes(dataset, tmp_path):
    page = Page(write_report([dataset], tmp_path / "out" / "report.html"))
    videos = [attrs["data-src"] for tag, attrs in page.tags if tag == "video"]
    assert len(videos) == 4 and all((tmp_path / "out" / link).is_file() for link in videos)
    assert not [tag for tag, attrs in page.tags if tag == "u" or (tag == "i" and "style" not in attrs)]
    for words in ("walk <b>.mp4", "<i>broken</i>.mp4", "moving 0.1 below 0.5", "stream breaks after 1.5 s", "<u>x</u>"):
        assert words in page.text


def test_a_dataset_of_which_nothing_was_kept_still_reads(tmp_path):
    page = Page(write_report([write_dataset(tmp_path / "none", ROWS[3:5])], tmp_path / "r.html"))
    assert "No pair was kept." in page.text and "identity 0.2 below 0.3" in page.text
    empty = Page(write_report([write_dataset(tmp_path / "empty", [])], tmp_path / "e.html"))
    assert "No pair was kept." in empty.text


def test_a_damaged_shard_becomes_tiles_with_the_reason(dataset, tmp_path):
    (dataset / "shard-000000.tar").write_bytes(b"garbage")
    page = Page(write_report([dataset], tmp_path / "r.html"))
    assert "shard shard-000000.tar key a: driver: cannot be read" in page.text
    assert not [tag for tag, _ in page.tags if tag == "video"]


def test_a_shard_name_cannot_leave_the_folder(dataset):
    attempt = next(found for found in open_dataset(dataset).pairs if found.status == "kept")
    for name in ("../x.tar", "rejected/../x.tar", "/x.tar", "rejected/a/b.tar", "..", "rejected/..", ""):
        outside = type(attempt)(**{field: getattr(attempt, field) for field in attempt.__slots__} | {"shard": name})
        with pytest.raises(ValueError, match=f"shard: got '{name}'"):
            read_member(dataset, outside, "target")


def test_rejected_candidates_that_were_kept_aside_are_shown_and_can_be_chosen(tmp_path):
    rows = [{**item, "shard": "rejected/shard-000000.tar"} if item["key"] == "d" else item for item in ROWS]
    folder = write_dataset(tmp_path / "pairs", rows)
    with tarfile.open(folder / "shard-000000.tar") as shard:
        first = {name.partition(".")[2]: shard.extractfile(name).read() for name in shard.getnames() if name.startswith("a.")}
    (folder / "rejected").mkdir()
    with tarfile.open(folder / "rejected" / "shard-000000.tar", "w") as shard:
        for member, data in first.items():
            info = tarfile.TarInfo(f"d.{member}")
            info.size = len(data)
            shard.addfile(info, io.BytesIO(data))
    page = Page(write_report([folder], tmp_path / "r.html"))
    cards = [fields["data-case"] for tag, fields in page.tags if tag == "article"]
    assert cards == ["a", "b", "d"] and "rejected: identity 0.2 below 0.3" in page.text
    chosen = [fields["value"] for tag, fields in page.tags if tag == "input" and fields.get("type") == "checkbox"]
    assert {"status=kept", "status=rejected"} <= set(chosen)


@pytest.mark.parametrize("format", ["csv", "json", "markdown", "latex"])
def test_the_yields_come_as_text_too(dataset, tmp_path, format):
    assert "identity" in write_report([dataset], tmp_path / "out", format).read_text(encoding="utf-8")


def test_refusals_name_the_field(dataset, tmp_path):
    with pytest.raises(ValueError, match="paths: got 2 folders"):
        write_report([dataset, tmp_path], tmp_path / "r.html")
    with pytest.raises(ValueError, match="baseline"):
        write_report([dataset], tmp_path / "r.html", "html", "still")
    (dataset / "manifest.parquet").write_bytes(b"damaged")
    with pytest.raises(ValueError, match="manifest.parquet: unreadable"):
        write_report([dataset], tmp_path / "r.html")


def test_verdicts_that_are_not_verdicts_name_the_row(tmp_path):
    bad = write_dataset(tmp_path / "bad", [row("k", "rejected") | {"verdicts": "{not json"}])
    with pytest.raises(ValueError, match="manifest row k: verdicts"):
        open_dataset(bad)


def test_a_sample_is_spread_evenly_and_keeps_the_ends():
    assert evenly(range(100), 5) == [0, 25, 50, 74, 99] and evenly([1, 2], 5) == [1, 2]
