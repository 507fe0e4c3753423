"""`preview`: the page of a dataset while it is made, and where it may lie."""

import pytest

from awbench.report.dataset import open_preview
from awbench.report.making import read_making
from models import storage
from pipelines.cli import main
from pipelines.preview import page_of
from tests.awbench.browser import CHROMIUM, Browser
from tests.awbench.test_awbench_report_dataset import Page
from tests.bootstrap.made_dataset import KEPT, REJECTED, finished, unfinished


def files(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_the_page_of_a_running_dataset_shows_what_is_there_and_how_far_it_is(tmp_path, capsys):
    folder = unfinished(tmp_path / "pairs")
    before = files(folder)
    assert main(["preview", str(folder)]) == 0 and capsys.readouterr().out.strip() == str(tmp_path / "pairs_preview.html")
    page = Page(tmp_path / "pairs_preview.html")
    assert len([1 for tag, _ in page.tags if tag == "video"]) == 8, "driver and target of three kept pairs and a rejected one"
    for words in ("5 of 9 planned pairs (56 %)", "1800 pairs an hour", "teacher 2", "made on 2 hosts", "teacher: out of luck", "so far"):
        assert words in page.text, words
    assert files(folder) == before


def test_a_finished_dataset_has_the_page_of_report(tmp_path):
    folder = finished(tmp_path / "pairs")
    assert main(["preview", str(folder), "--out", str(tmp_path / "a")]) == 0
    assert main(["report", str(folder), "--out", str(tmp_path / "a/pairs_preview_2.html")]) == 0
    one, other = (Page(tmp_path / "a" / name).text for name in ("pairs_preview.html", "pairs_preview_2.html"))
    assert one == other and "in the making" not in one


def test_a_page_never_lies_in_the_dataset_and_no_dataset_is_told(tmp_path, capsys):
    folder = unfinished(tmp_path / "pairs")
    for inside in (folder, folder / "page.html", tmp_path / "pairs/../pairs/x"):
        assert main(["preview", str(folder), "--out", str(inside)]) == 2
    assert main(["preview", str(tmp_path / "nowhere")]) == 2
    said = capsys.readouterr().err
    assert said.count("expected a place outside the dataset") == 3 and "no run.json and no work/plan.json" in said


def test_a_unit_that_is_sealed_meanwhile_is_found_in_its_shard(tmp_path):
    from awbench.report.pairs import Samples
    from tests.bootstrap.made_dataset import members, write_unit

    folder = unfinished(tmp_path / "pairs")
    attempt = next(one for one in open_preview(folder).attempts if one.key == KEPT[1])
    (folder / attempt.record).unlink()
    write_unit(folder, 1, KEPT[1:2], [])
    assert Samples(folder).of(attempt)["target.mp4"] == members(KEPT[1])["target.mp4"]


def test_rate_and_rest_are_those_of_the_last_run(tmp_path):
    folder = unfinished(tmp_path / "pairs")
    making = read_making(str(folder), done=5, planned=9)
    assert making.per_hour == pytest.approx(1800) and making.left_s == pytest.approx(8)
    with open(folder / "work/events.jsonl", "a") as file:
        file.write('\n{"time": "2026-01-02T00:00:00.000+00:00", "event": "started", "host": "a"}\n')
    again = read_making(str(folder), done=5, planned=None)
    assert again.per_hour is None and again.told == "5 pairs" and REJECTED not in again.lines


def test_a_dataset_with_nothing_made_yet_has_a_page(tmp_path):
    from tests.bootstrap.made_dataset import begin

    assert main(["preview", str(begin(tmp_path / "pairs"))]) == 0
    assert "0 of 9 planned pairs" in Page(tmp_path / "pairs_preview.html").text


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium")
def test_the_page_reads_on_a_desk_and_on_a_phone(tmp_path):
    assert main(["preview", str(unfinished(tmp_path / "pairs"))]) == 0
    with Browser() as browser:
        for width in (1400, 420):
            browser.open(tmp_path / "pairs_preview.html", width=width, height=900)
            browser.run("document.querySelectorAll('details').forEach(details => { details.open = true; })")
            assert browser.run("document.documentElement.scrollWidth") <= width and browser.errors == []
            assert browser.run("document.querySelectorAll('svg.hist .threshold').length") == 1
            assert browser.run("document.querySelector('header strong').getBoundingClientRect().bottom") < 900


def test_a_dataset_on_object_storage_is_read_where_it_lies(tmp_path, monkeypatch, capsys):
    folder, there = unfinished(tmp_path / "pairs"), "memory://previewed/pairs"
    for path in folder.rglob("*"):
        if path.is_file():
            storage.write_bytes(f"{there}/{path.relative_to(folder).as_posix()}", path.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert main(["preview", there, "--out", "page"]) == 0 and "5 of 9 planned pairs" in Page(tmp_path / "page/pairs_preview.html").text
    assert main(["explain", KEPT[1], "--data", there]) == 0 and "not in a shard yet" in capsys.readouterr().out
    assert page_of(there, None).name == "pairs_preview.html"
