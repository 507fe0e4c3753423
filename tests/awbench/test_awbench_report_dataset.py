"""The report of a dataset: counts, reasons, and pages that read well when much, or everything, went wrong."""

from __future__ import annotations

import io
import tarfile
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from awbench.report.dataset import check_yields, open_dataset, reason_counts, yield_records
from awbench.report.inputs import input_groups, why_nothing
from awbench.report.pairs import Samples, _about, evenly
from awbench.report.write import write_report
from tests.awbench.dataset_fakes import ROWS, row, verdict, write_dataset


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
    assert "shard shard-000000.tar key a: sample: got none (shard-000000.tar: not a readable tar" in page.text
    assert not [tag for tag, _ in page.tags if tag == "video"]


def test_a_shard_name_cannot_leave_the_folder(dataset):
    attempt = next(found for found in open_dataset(dataset).pairs if found.status == "kept")
    for name in ("../x.tar", "rejected/../x.tar", "/x.tar", "rejected/a/b.tar", "..", "rejected/..", ""):
        outside = type(attempt)(**{field: getattr(attempt, field) for field in attempt.__slots__} | {"shard": name})
        with pytest.raises(ValueError, match=f"shard: got '{name}'"):
            Samples(dataset).of(outside)


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
    switch = [fields["value"] for tag, fields in page.tags if tag == "input" and fields.get("type") == "radio"]
    assert switch == ["status=kept", "status=rejected", ""]


def test_a_card_tells_prompt_crop_and_notes_and_its_lowest_verdicts_first(tmp_path):
    near = [verdict("length", 3, 3, True), verdict("a", 0.9, 0.5, True), verdict("b", 0.52, 0.5, True), verdict("c", 0.9, 0.1, True)]
    far = [verdict("length", 3, 3, True), *(verdict(name, 0.9, 0.5, True) for name in "abc")]
    page = Page(
        write_report([write_dataset(tmp_path / "pairs", [row("near", "kept", near), row("far", "kept", far)])], tmp_path / "r.html")
    )
    for words in ("A <cat> waves.", "8×16 px at 4, 0 of 16×16, from 1.50 s on", "target: deinterlaced; reference: colours brought to sRGB"):
        assert words in page.text
    first = page.text[page.text.index("→") : page.text.index("all verdicts")]
    assert [first.index(name) for name in ("b 0.52", "a 0.9", "c 0.9")] == sorted(
        first.index(name) for name in ("b 0.52", "a 0.9", "c 0.9")
    )
    assert "length 3" not in first and "length 3" in page.text


@pytest.mark.parametrize(
    "card", [b"", b"[]", b"\xff", b'{"window": 3, "prompt": 4}', b'{"window": {"crop": [1, 2, 3, "4"], "size": [9, 9]}}']
)
def test_a_card_that_tells_nothing_is_no_fault(card):
    assert list(_about(card)) == []


def test_inputs_that_give_nothing_are_grouped_by_reason(tmp_path):
    doubles = [row("", "failed", reason=f"double of {name}: the same bytes", driving=f"{name}2", reference="") for name in "abcdefg"]
    short = row("", "failed", reason="too short: 0.50 s", driving="", reference="s.png")
    report = open_dataset(write_dataset(tmp_path / "none", [*doubles, short]))
    assert [(group.role, len(group.files)) for group in input_groups(report)] == [("driving clip", 7), ("identity", 1)]
    page = Page(write_report([report.folder], tmp_path / "r.html"))
    assert "Inputs that give nothing" in page.text and "7 driving clips: double of a: the same bytes (and the like)" in page.text
    text = write_report([report.folder], tmp_path / "r.md", "markdown").read_text(encoding="utf-8")
    assert "No pair was attempted." in text and "1 identity: too short: 0.50 s" in text


def test_no_pairs_of_usable_sources_are_told_from_no_usable_sources(tmp_path):
    report = open_dataset(write_dataset(tmp_path / "none", []))
    assert why_nothing(replace(report, usable={"driving": 2, "reference": 1}))[0].startswith(
        "2 driving clips and 1 identity can be used, but"
    )
    assert why_nothing(replace(report, usable={"driving": 2, "reference": 0})) == [
        "No pair could be planned: there are no usable identities."
    ]
    assert why_nothing(open_dataset(write_dataset(tmp_path / "some", ROWS))) == []


def test_pairs_come_first_and_yields_are_folded(dataset, tmp_path):
    page = write_report([dataset], tmp_path / "r.html").read_text(encoding="utf-8")
    places = [
        page.index(words)
        for words in ("look before you train", 'id="cards"', "Inputs that give nothing", "<summary>Yields", "<summary>Values")
    ]
    assert places == sorted(places)


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
