"""The page of a comparison, parsed: every link exists, nothing hostile gets through, every failure is on it."""

from __future__ import annotations

import base64
import json
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest

from awbench.cases import Case, CaseMedia, Suite
from awbench.report.figures import histogram_svg, interval_svg, scale_of
from awbench.report.media import MediaFolder, enlarged, upscale_factor
from awbench.report.write import FORMATS, size_warning, write_report
from awbench.runs import finish_generation, generate_case, start_run
from models.artifacts import write_parquet
from models.images import read_image
from models.types import AnimationResult, Clip, Grid
from models.video import read_video

GRID = Grid(width=16, height=20, fps=8.0, num_frames=3)
HOSTILE = "</script><script>alert(1)</script>\"'<img src=x onerror=alert(2)>"
CASES = tuple(
    Case(
        id=f"c{index}",
        tags={"driver_subject": "human", "reference_subject": "bird", "camera": HOSTILE},
        prompt=HOSTILE,
        driver_id=f"d{index}",
    )
    for index in range(3)
)


def media_of(case: Case) -> CaseMedia:
    rng = np.random.default_rng(int(case.id[1:]))
    frames = rng.integers(0, 255, (3, 20, 16, 3), np.uint8)
    return CaseMedia(reference=frames[0], driving=Clip(frames=frames, fps=8.0))


SUITE = Suite(name="tiny-suite", version="1", grid=GRID, cases=CASES, source=media_of)


class Fake:
    """Repeats a shade; refuses the cases in `broken`."""

    weights_hash = ""

    def __init__(self, name, shade, broken=(), filters=()):
        self.name, self.shade, self.broken, self.filter_metrics = name, shade, broken, tuple(filters)

    def animate(self, request):
        if request.id in self.broken:
            raise ValueError(f"no memory for {HOSTILE}")
        clip = Clip(frames=np.full((3, 20, 16, 3), self.shade, np.uint8), fps=8.0)
        return AnimationResult(request_id=request.id, clip=clip, animator=self.name, seconds=0.0)


def make_run(folder: Path, animator: Fake, values: dict[str, float], suite: Suite = SUITE) -> Path:
    import pyarrow as pa

    run = start_run(folder, suite, "fake", animator, 0)
    for case in suite.cases:
        generate_case(run, case.id, animator)
    finish_generation(run)
    kinds = {"value": pa.float64()}
    names = ("case", "system", "metric", "metric_version", "value", "status", "reason")
    rows = []
    for case in suite.cases:
        failed = case.id in animator.broken
        score = (None, "failed", "generation failed") if failed else (values[case.id], "ok", "")
        rows.append(dict(zip(names, (case.id, animator.name, "overall", "1", *score))))
    write_parquet(folder / "scores.parquet", rows, pa.schema([(name, kinds.get(name, pa.string())) for name in names]))
    return folder


class Page(HTMLParser):
    """Start tags with their attributes, and the text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.words: list[str] = []
        self.json: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        tag, attrs = self.tags[-1] if self.tags else ("", {})
        is_json = tag == "script" and attrs.get("type") == "application/json"
        (self.json if is_json and data.startswith("{") else self.words).append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]

    @property
    def text(self):
        return " ".join(self.words)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    good = make_run(root / "one", Fake("good", 90), {"c0": 0.9, "c1": 0.5, "c2": 0.7})
    bad = make_run(
        root / "two", Fake(f"bad {HOSTILE}", 200, broken=("c1",), filters=("motion_fidelity",)), {"c0": 0.1, "c1": 0.0, "c2": 0.6}
    )
    return [good, bad]


@pytest.fixture(scope="module")
def written(folders, tmp_path_factory):
    return write_report(folders, tmp_path_factory.mktemp("page") / "my report.html", "html", "good")


@pytest.fixture(scope="module")
def data(page):
    (found,) = [json.loads(text) for text in page.json]
    return found


@pytest.fixture(scope="module")
def page(written):
    return Page(written.read_text(encoding="utf-8"))


def test_every_clip_is_there_once_and_its_file_exists(page, written):
    videos = [attrs["data-src"] for attrs in page.all("video")]
    images = [attrs["src"] for attrs in page.all("img")]
    opening = 3  # the driver and both systems on one case that both answered
    assert len(videos) == opening + 3 + 2 * 3 - 1 and len(images) == 1 + 3  # drivers, two systems less one failure; references
    for link in videos + images:
        assert link.startswith("my%20report_files/") and (written.parent / unquote(link)).is_file()


def test_copies_are_enlarged_and_playable_everywhere(page, written):
    import av

    path = written.parent / unquote(page.all("video")[0]["data-src"])
    with av.open(str(path)) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
    assert read_video(path).size == (64, 80) and len(read_video(path)) == 3
    assert read_image(written.parent / unquote(page.all("img")[0]["src"])).image.shape == (80, 64, 3)


def test_nothing_comes_from_the_network(page):
    links = [attrs.get(name) for _, attrs in page.tags for name in ("src", "href", "data-src") if attrs.get(name)]
    assert links and not [link for link in links if "://" in link or link.startswith("//")]
    assert [attrs["href"] for attrs in page.all("link")] == ["data:,"]  # no icon, so that none is asked for
    assert "@import" not in page.text and "url(" not in page.text


def test_hostile_text_is_shown_and_never_run(page):
    assert [attrs for attrs in page.all("script") if attrs.get("type") != "application/json"] == [{}]
    assert not [attrs for _, attrs in page.tags if any(name.startswith("on") for name in attrs)]
    assert HOSTILE in page.text and not [attrs for attrs in page.all("img") if attrs.get("src") == "x"]


def test_failures_carry_their_reason_and_the_filter_its_dagger(page):
    assert page.text.count("no memory for") >= 2  # the table of failures and the tile
    assert "1 failed" in page.text and "†" in page.text


def test_the_data_holds_what_the_script_sorts_filters_and_shows(page, data):
    cards = [attrs for attrs in page.all("article") if "id" in attrs]
    assert [attrs["id"] for attrs in cards] == ["case-c0", "case-c1", "case-c2"]
    assert all(f"camera={HOSTILE}" in json.loads(attrs["data-tags"]) for attrs in cards)
    assert [data["gaps"][case][0] for case in ("c0", "c1", "c2")] == pytest.approx([0.8, -1.0, 0.1])
    scores = {case: [row[0] for row in rows] for case, rows in data["scores"].items()}
    assert data["systems"] == ["good", f"bad {HOSTILE}"] and scores["c0"] == ["0.900", "0.100"]
    assert scores["c1"][0] == "0.500" and "generation failed" in data["reasons"][scores["c1"][1]]


def test_hidden_tables_are_data_and_the_first_choice_is_printed(page, data):
    bodies = {attrs["id"]: attrs for attrs in page.all("table") if "id" in attrs}
    assert {"lead", "means", "differences", "quadrants", "adaptations"} <= bodies.keys()
    assert data["tables"].keys() == {"means", "differences", "quadrants", "quadrant-differences"}
    (name, cells), *_ = data["tables"]["means"][""]
    assert name == "good" and cells[0][:2] == ["0.700", "[0.203, 1.000]"]
    assert set(data["tables"]["means"]) <= {attrs["value"] for attrs in page.all("option")}


def test_a_page_of_sixty_cases_stays_small(tmp_path):
    cases = tuple(Case(id=f"c{index}", tags={"motion": f"m{index % 9}", "note": f"n{index}"}, driver_id=f"d{index}") for index in range(60))
    suite = Suite(name="large", version="1", grid=GRID, cases=cases, source=lambda case: media_of(CASES[0]))
    runs = [make_run(tmp_path / str(n), Fake(f"s{n}", 90 + n), {case.id: 0.5 for case in cases}, suite) for n in range(6)]
    written = write_report(runs, tmp_path / "r.html", "html", "s0")
    assert written.stat().st_size < 700_000
    (data,) = [json.loads(text) for text in Page(written.read_text(encoding="utf-8")).json]
    assert set(data["tables"]["means"]) == {"", *(f"motion=m{index}" for index in range(9))}  # a note names a case, it groups nothing


def test_a_second_report_is_equal_and_writes_no_medium_again(folders, written):
    before = written.read_bytes()
    stamps = {path: path.stat().st_mtime_ns for path in MediaFolder(page=written).folder.iterdir()}
    write_report(folders, written, "html", "good")
    assert written.read_bytes() == before
    assert {path: path.stat().st_mtime_ns for path in MediaFolder(page=written).folder.iterdir()} == stamps


def test_an_unreadable_output_is_a_tile_with_a_reason(tmp_path):
    run = make_run(tmp_path / "run", Fake("good", 90), dict.fromkeys(("c0", "c1", "c2"), 0.5))
    (run / "videos" / "c2.mp4").write_text("not a video")
    page = Page(write_report([run], tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "cannot be read: not a readable video" in page.text and len(page.all("video")) == 2 + 5


def test_every_format_is_written(folders, tmp_path):
    for name in FORMATS:
        assert write_report(folders, tmp_path / f"report.{name}", name, "good").stat().st_size > 100


def test_two_runs_of_one_system_go_by_their_folders(folders, tmp_path):
    again = make_run(tmp_path / "again", Fake("good", 90), {"c0": 0.9, "c1": 0.5, "c2": 0.7})
    rows = json.loads(write_report([folders[0], again], tmp_path / "r.json", "json").read_text())
    assert {row["system"] for row in rows} == {"good (one)", "good (again)"}


def test_wrong_use_is_refused_before_anything_is_written(folders, tmp_path):
    for arguments, word in [
        ((folders, tmp_path / "r.html", "html", "nobody"), "baseline"),
        ((folders, tmp_path / "r.pdf", "pdf"), "format"),
        (([], tmp_path / "r.html"), "paths"),
        ((folders, tmp_path), "out"),
        ((folders, tmp_path / "r.csv", "csv", None, True), "single-file"),
        (([tmp_path / "nothing"], tmp_path / "r.html"), "nothing"),
    ]:
        with pytest.raises(ValueError, match=word):
            write_report(*arguments[:4], single_file=len(arguments) > 4)
    assert list(tmp_path.iterdir()) == []


def test_small_pictures_repeat_pixels_and_large_ones_stay():
    image = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert np.array_equal(enlarged(image)[::4, ::4], image) and enlarged(image).shape == (8, 8, 3)
    assert [upscale_factor(side, 512) for side in (48, 96, 192)] == [4, 2, 1]


def test_a_page_that_holds_its_media_needs_no_folder(folders, tmp_path):
    written = write_report(folders, tmp_path / "one.html", single_file=True)
    page = Page(written.read_text(encoding="utf-8"))
    videos = next(found for text in page.json if "scores" not in (found := json.loads(text)))
    assert {attrs["data-src"].removeprefix("#") for attrs in page.all("video")} == videos.keys()
    assert len(videos) < len(page.all("video"))  # equal media are there once
    assert all(len(read_video(base64.b64decode(text))) == 3 for text in videos.values())
    assert all(attrs["src"].startswith("data:image/webp;base64,") for attrs in page.all("img"))
    assert list(tmp_path.iterdir()) == [written] and size_warning(written) == ""


def test_a_page_too_large_to_mail_says_so(tmp_path):
    (tmp_path / "r.html").write_bytes(bytes(27 << 20))
    assert "27 MiB" in size_warning(tmp_path / "r.html")


def test_drawings_place_numbers_on_their_scale():
    assert 'cx="50.0"' in interval_svg(0.5, 0.25, 0.75, (0, 1)) and "M25.0 5H75.0" in interval_svg(0.5, 0.25, 0.75, (0, 1))
    assert interval_svg(None, None, None, (0, 1)) == "" and 'cx="100.0"' in interval_svg(7.0, None, None, (0, 1))
    assert scale_of([2.0, 4.0]) == pytest.approx((1.9, 4.1)) and scale_of([None]) == pytest.approx((-0.05, 1.05))
    drawing = histogram_svg([0.0, 1.0, 1.0], [False, True, True], 0.5, "<label>")
    assert drawing.count('class="bad"') == 1 and drawing.count('class="good"') == 1 and "M150.0 0V60" in drawing
    assert "&lt;label&gt;" in drawing and "no values" in histogram_svg([], [], None, "empty")
