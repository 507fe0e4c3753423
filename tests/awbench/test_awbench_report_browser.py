"""The page in a real headless Chromium: what a reader does with it works, at a desk and on a phone, with and without scripts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from awbench.cases import Case, CaseMedia, Suite
from awbench.report.write import write_report
from awbench.runs import finish_generation, generate_case, start_run
from models.artifacts import write_parquet
from models.types import AnimationResult, Clip, Grid
from tests.awbench.browser import CHROMIUM, Browser
from tests.awbench.dataset_fakes import row, verdict, write_dataset

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine: apt-get install chromium")

FRAMES, FPS = 12, 12.0
GRID = Grid(width=64, height=64, fps=FPS, num_frames=FRAMES)
CASES = tuple(
    Case(
        id=f"c{index:02d}",
        tags={"subject": ("human", "cat", "bird")[index % 3], "camera": ("still", "pan")[index % 2], "note": f"note {index}"},
        prompt="a subject that waves, seen whole, in front of a wall of many colours",
        driver_id=f"d{index}",
        identity_id=f"i{index}",
    )
    for index in range(18)
)
SYSTEMS = ("a_system_with_a_rather_long_name_v2", "recorded:another/system", "third")
METRICS = ("pose_agreement", "imaging_quality", "motion_smoothness", "temporal_consistency", "motion_fidelity", "overall")


def clip_of(seed: int, size: int = 64, fps: float = FPS) -> Clip:
    """A bright square that crosses a dark picture, one place a frame."""
    frames = np.full((FRAMES, size, size, 3), 20 + seed % 60, np.uint8)
    for index in range(FRAMES):
        frames[index, 8:24, 4 * index : 4 * index + 16] = 220
    return Clip(frames=frames, fps=fps)


def media_of(case: Case) -> CaseMedia:
    clip = clip_of(int(case.id[1:]))
    return CaseMedia(reference=clip.frames[0], driving=clip, truth=None)


SUITE = Suite(name="browsed", version="1", grid=GRID, cases=CASES, source=media_of)


class Painter:
    """Answers with its own shade, the second system at twice the rate; refuses the cases in `broken`."""

    weights_hash = ""

    def __init__(self, place: int) -> None:
        self.name, self.place, self.broken = SYSTEMS[place], place, ("c02",) * (place == 2)

    def animate(self, request):
        if request.id in self.broken:
            raise ValueError("no pose found in any of the frames of the driving clip")
        clip = clip_of(50 * self.place + int(request.id[1:]), fps=FPS)
        frames = np.repeat(clip.frames, 2, axis=0) if self.place == 1 else clip.frames
        clip = Clip(frames=frames, fps=FPS * (1 + (self.place == 1)))
        return AnimationResult(request_id=request.id, clip=clip, animator=self.name, seconds=0.0)


def make_run(folder: Path, place: int) -> Path:
    import pyarrow as pa

    animator = Painter(place)
    run = start_run(folder, SUITE, "painter", animator, 0)
    for case in CASES:
        generate_case(run, case.id, animator)
    finish_generation(run)
    names = ("case", "system", "metric", "metric_version", "value", "status", "reason")
    rows = []
    for index, case in enumerate(CASES):
        value = 0.8 - 0.2 * place + 0.01 * (index % 7)
        score = (None, "failed", "generation failed") if case.id in animator.broken else (value, "ok", "")
        rows += [dict(zip(names, (case.id, animator.name, metric, "1", *score))) for metric in METRICS]
    write_parquet(folder / "scores.parquet", rows, pa.schema([(name, pa.float64() if name == "value" else pa.string()) for name in names]))
    return folder


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    root = tmp_path_factory.mktemp("browsed")
    return [make_run(root / str(place), place) for place in range(3)]


@pytest.fixture(scope="module")
def page(folders, tmp_path_factory):
    return write_report(folders, tmp_path_factory.mktemp("page") / "my report.html", baseline="third")


@pytest.fixture(scope="module")
def browser():
    with Browser() as found:
        yield found


def shown(browser) -> list[str]:
    return browser.run("[...document.querySelectorAll('#cards .card')].filter(card => !card.hidden).map(card => card.dataset.case)")


def choose(browser, *tags: str) -> None:
    """Tick the boxes of those tags and no others."""
    browser.run(
        f"document.querySelectorAll('#filters input').forEach(box => {{ box.checked = {json.dumps(tags)}.includes(box.value); }});"
        "document.querySelector('#filters').dispatchEvent(new Event('change', {bubbles: true}))"
    )


@pytest.mark.parametrize("width", [360, 420, 800, 1400])
def test_the_page_never_scrolls_sideways(browser, page, width):
    browser.open(page, width=width, height=860)
    browser.run("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    browser.run("location.hash = 'case-c02'")
    assert browser.run("document.documentElement.scrollWidth") <= browser.run("innerWidth") == width


def test_the_leading_table_fits_a_screen_without_a_scroll_bar_of_its_own(browser, page):
    browser.open(page, width=1400)
    wide, box, height = browser.run("(t => [t.offsetWidth, t.parentElement.clientWidth, t.offsetHeight])(document.querySelector('#lead'))")
    assert wide <= box and height <= 900


def test_pictures_sentences_and_table_come_in_that_order_and_open_the_page(browser, page):
    browser.open(page, width=1400)
    tops = browser.run(
        "['.opening', '.sentences', '#lead', '#cards'].map(name => document.querySelector(name).getBoundingClientRect().top)"
    )
    assert tops == sorted(tops) and tops[1] < 900
    assert browser.run("document.querySelectorAll('.opening .stage').length") == 5  # reference, driver, three systems


def test_filters_combine_or_within_a_tag_and_between_tags(browser, page):
    browser.open(page)
    choose(browser, "subject=cat")
    assert shown(browser) == ["c01", "c04", "c07", "c10", "c13", "c16"]
    choose(browser, "subject=cat", "subject=bird", "camera=pan")
    assert shown(browser) == ["c01", "c05", "c07", "c11", "c13", "c17"]
    assert browser.run("document.querySelector('#found').textContent") == "6 of 18 cases"
    assert "bird or cat" in browser.run("document.querySelector('#filters').textContent")
    browser.click("#clear")
    assert shown(browser) == [case.id for case in CASES[:12]]
    assert not browser.run("[...document.querySelectorAll('#filters details')].some(pick => pick.dataset.name === 'note')")


def test_more_cards_come_on_demand_and_an_order_keeps_the_filter(browser, page):
    browser.open(page)
    assert len(shown(browser)) == 12
    browser.click("#more")
    assert len(shown(browser)) == 18 and browser.run("document.querySelector('#more').hidden")
    choose(browser, "camera=pan")
    browser.run("(s => { s.value = 'disagreement'; s.dispatchEvent(new Event('change')); })(document.querySelector('#order'))")
    assert sorted(shown(browser)) == [case.id for case in CASES if case.tags["camera"] == "pan"]


def test_a_link_to_a_case_shows_it_whatever_hides_it(browser, page):
    browser.open(page, fragment="#case-c17")
    browser.wait("Math.abs(document.querySelector('#case-c17').getBoundingClientRect().top) < 120")
    assert "c17" in shown(browser) and browser.run("document.querySelector('#case-c17 details.scores').open")
    cells = browser.run("[...document.querySelectorAll('#case-c17 .scores tbody tr:first-child td')].map(cell => cell.textContent)")
    assert cells == ["0.830", "0.630", "0.430"]
    choose(browser, "subject=human")
    assert "c01" not in shown(browser)
    browser.run("location.hash = 'case-c01'")
    browser.wait("!document.querySelector('#case-c01').hidden")


def test_a_click_enlarges_in_step_with_the_driver_and_escape_closes(browser, page):
    browser.open(page)
    browser.click("#case-c00 figure[data-system='0'] button")
    browser.wait("document.querySelector('dialog').open && document.querySelectorAll('dialog video').length === 2")
    browser.wait("[...document.querySelectorAll('dialog video')].every(video => video.readyState >= 3 && video.currentTime > 0)")
    assert browser.run("document.querySelector('dialog video').offsetWidth > 2 * document.querySelector('#case-c00 video').offsetWidth")
    assert_in_step(browser, "dialog video, #case-c00 video")
    browser.press("Escape")
    browser.wait("!document.querySelector('dialog').open && document.querySelectorAll('dialog video').length === 0")


def test_videos_play_in_step_and_the_keys_move_them_frame_by_frame(browser, page):
    browser.open(page)
    browser.wait("[...document.querySelectorAll('.opening video')].every(video => video.readyState >= 3)")
    assert_in_step(browser, ".opening video")
    browser.press(" ")
    browser.press("ArrowRight")
    drawn = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    frame = browser.run(f"{drawn}.then(() => Number(document.querySelector('#scrub').value))")
    browser.press("ArrowRight")
    wanted = ((frame + 1) % FRAMES + 0.5) / FPS
    browser.wait(f"[...document.querySelectorAll('.opening video')].every(v => Math.abs(v.currentTime - {wanted}) < 0.5 / {FPS})")


def assert_in_step(browser, selector):
    """While it plays, most looks find all clips within a frame of each other; a busy machine may take a few loops to get there."""
    for _ in range(5):
        looks = times_while_playing(browser, selector)
        spreads = sorted(max(times) - min(times) for times in looks)
        if len({round(max(times), 2) for times in looks}) > 3 and spreads[len(spreads) * 3 // 4] <= 1 / FPS:
            return
    raise AssertionError(f"never in step: {spreads}")


def times_while_playing(browser, selector) -> list[list[float]]:
    """The clips' times, looked at twelve times in a second and a half."""
    look = f"[...document.querySelectorAll({json.dumps(selector)})].map(video => video.currentTime)"
    wait = "await new Promise(done => setTimeout(done, 120));"
    return browser.run(
        f"(async () => {{ const found = []; for (let n = 0; n < 12; n++) {{ found.push({look}); {wait} }} return found; }})()"
    )


def test_videos_are_loaded_when_they_come_near_and_let_go_when_they_leave(browser, page):
    browser.open(page, height=700)
    browser.wait("document.querySelector('.opening video').src")
    assert not browser.run("document.querySelector('#case-c11 video').hasAttribute('src')")
    assert browser.run("[...document.querySelectorAll('.card video')].every(video => video.getAttribute('preload') !== 'metadata')")
    browser.run("document.querySelector('#case-c11').scrollIntoView()")
    browser.wait("document.querySelector('#case-c11 video').readyState >= 2")
    browser.wait("!document.querySelector('.opening video').hasAttribute('src')")


def test_a_table_sorts_and_another_selection_is_printed(browser, page):
    browser.open(page)
    names = "[...document.querySelectorAll('#lead tbody b')].map(name => name.textContent)"
    before = browser.run(names)
    browser.click("#lead thead th:nth-child(2) button")
    browser.click("#lead thead th:nth-child(2) button")
    assert browser.run(names) == before[::-1] != before
    browser.run("document.querySelectorAll('section > details').forEach(details => { details.open = true; })")
    body = "document.querySelector('#means tbody').textContent.replace(/\\s+/g, ' ')"
    whole = browser.run(body)
    browser.run(
        "(s => { s.value = 'subject=cat'; s.dispatchEvent(new Event('change')); })(document.querySelector('select[data-switch=means]'))"
    )
    assert browser.run(body) != whole and browser.run("document.querySelectorAll('#means tbody tr').length") == 3
    drawn = browser.run("document.querySelector('#differences tbody td svg').outerHTML")
    assert "zero" in drawn and "whisker" in drawn


def test_better_and_worse_have_colours_of_their_own(browser, page):
    browser.open(page)
    colour = "(name => { const cell = document.querySelector(`${name} .mean`); return cell && getComputedStyle(cell).color; })"
    better = browser.run(f"{colour}('#differences td.better')")
    browser.run("document.querySelector('#lead td').className = 'worse'")
    worse, plain = browser.run(f"{colour}('#lead td.worse')"), browser.run("getComputedStyle(document.body).color")
    assert len({better, worse, plain}) == 3 and better is not None


def test_badges_say_what_was_done_and_a_failure_why(browser, page):
    browser.open(page)
    assert browser.run("document.querySelector('#case-c00 figure[data-system=\"1\"] .badges').textContent").strip() == "24 to 12 fps"
    assert "no pose found" in browser.run("document.querySelector('#case-c02 .lost').textContent")


@pytest.mark.parametrize("dark", [False, True])
def test_nothing_is_complained_of_and_nothing_is_asked_of_a_network(browser, page, dark):
    browser.open(page, dark=dark)
    browser.wait("[...document.querySelectorAll('.opening video')].every(video => video.readyState >= 3)")
    browser.run("scrollTo(0, document.body.scrollHeight)")
    browser.click("#case-c03 button")
    browser.press("Escape")
    assert browser.errors == [] and all(url.startswith(("file:", "data:")) for url in browser.requests)


def test_paper_shows_the_pictures_that_stand_for_the_clips_and_the_screen_goes_on(browser, page):
    browser.open(page)
    browser.wait("document.querySelector('.opening video').readyState >= 2")
    joined = "document.querySelectorAll('video[src]').length"
    before = browser.run(joined)
    assert before > 0 and browser.run(f"(dispatchEvent(new Event('beforeprint')), {joined})") == 0
    assert browser.run("[...document.querySelectorAll('video')].every(video => video.poster)")
    assert browser.run(f"(dispatchEvent(new Event('afterprint')), {joined})") == before and not browser.errors


def test_without_scripts_table_and_sentences_are_there(browser, page):
    browser.open(page, scripts=False)
    words = browser.run("document.body.innerText")
    assert "0.830" in words or "0.83" in words
    assert "beats" in words and browser.run("document.querySelectorAll('#lead tbody tr').length") == 3
    assert browser.run("document.querySelectorAll('#cards .card:not([hidden])').length") == 18


def test_a_single_file_plays_from_anywhere(browser, folders, tmp_path):
    alone = write_report(folders[:1], tmp_path / "one.html", single_file=True)
    browser.open(alone)
    browser.wait("[...document.querySelectorAll('.opening video')].every(video => video.readyState >= 3 && video.currentTime > 0)")
    assert list(tmp_path.iterdir()) == [alone] and browser.errors == []
    assert all(url.startswith(("blob:", "data:")) or url.endswith("one.html") for url in browser.requests)


@pytest.fixture(scope="module")
def pairs_page(tmp_path_factory):
    """A dataset with three kept pairs and one that was rejected and kept aside."""
    root = tmp_path_factory.mktemp("pairs")
    verdicts = [verdict("a_check_with_a_long_name", 0.9, 0.5, True), verdict("identity", 0.2, 0.3, False)]
    rows = [row(key, "kept", verdicts[:1]) for key in "abc"] + [row("d", "rejected", verdicts, reason="identity: 0.2 < 0.3")]
    folder = write_dataset(
        root / "pairs", [*rows, *(row("", "failed", reason="black picture", driving="", reference=f"{n}.png") for n in range(9))]
    )
    aside = write_dataset(root / "aside", [row("d", "kept")])
    (folder / "rejected").mkdir()
    (aside / "shard-000000.tar").rename(folder / "rejected" / "shard-000000.tar")
    table = pd.read_parquet(folder / "manifest.parquet")
    table.loc[table["key"] == "d", "shard"] = "rejected/shard-000000.tar"
    table.to_parquet(folder / "manifest.parquet")
    return write_report([folder], root / "pairs.html")


@pytest.mark.parametrize("width", [360, 420, 1400])
def test_the_page_of_a_dataset_never_scrolls_sideways(browser, pairs_page, width):
    browser.open(pairs_page, width=width, height=860)
    browser.run("document.querySelectorAll('details').forEach(details => { details.open = true; })")
    assert browser.run("document.documentElement.scrollWidth") <= browser.run("innerWidth") == width
    wide = browser.run("[...document.querySelectorAll('svg.hist')].map(drawing => drawing.getBoundingClientRect().right)")
    assert len(wide) == 2 and max(wide) <= width


def test_kept_and_rejected_pairs_are_switched_between(browser, pairs_page):
    browser.open(pairs_page)
    assert shown(browser) == ["a", "b", "c"] and browser.run("document.querySelector('#filters').hidden")
    browser.click("#switch input[value='status=rejected']")
    assert shown(browser) == ["d"] and "0.2 < 0.3" in browser.run("document.querySelector('#case-d .bad').textContent")
    browser.click("#switch input[value='']")
    assert shown(browser) == ["a", "b", "c", "d"]
    browser.click("#switch input[value='status=kept']")
    browser.run("location.hash = 'case-d'")
    browser.wait("!document.querySelector('#case-d').hidden")
    browser.click("a[href='#unseen']")
    browser.wait("document.querySelector('#unseen').open")
    assert browser.errors == []
