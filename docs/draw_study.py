"""Draws docs/study.png: a comparison on the page of a study, on a wide screen and on a phone, half answered.

python docs/draw_study.py STUDY    # a folder made by `actorforge study make`; needs Chromium
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from PIL import Image  # noqa: E402

from tests.awbench.browser import Browser  # noqa: E402
from tests.awbench.study_raters import button, enter, visit, wait_watched  # noqa: E402

SCREENS = ({"width": 1160, "height": 760}, {"width": 390, "height": 760, "touch": True})
EDGE, COLOURS = 24, 128


def screen(browser: Browser, study: Path, place: int, file: Path) -> Image.Image:
    """One screen after watching and two answers."""
    visit(browser, (study / "site" / "index.html").resolve().as_uri() + f"?slot=0&rater=picture{place}", **SCREENS[place])
    enter(browser)
    browser.click("#play")
    wait_watched(browser)
    for question, answer in enumerate(("right", "same")):
        browser.click(button(question, answer))
    browser.run("scrollTo(0, 0)")
    size = SCREENS[place]["width"], SCREENS[place]["height"]
    return Image.open(browser.picture(file)).convert("RGB").resize(size, Image.Resampling.LANCZOS)


def draw(study: Path) -> Image.Image:
    with tempfile.TemporaryDirectory() as folder, Browser() as browser:
        shown = [screen(browser, study, place, Path(folder) / f"{place}.png") for place in range(len(SCREENS))]
    wide, narrow = shown
    page = Image.new("RGB", (wide.width + narrow.width + 3 * EDGE, wide.height + 2 * EDGE), (214, 217, 222))
    page.paste(wide, (EDGE, EDGE))
    page.paste(narrow, (wide.width + 2 * EDGE, EDGE))
    return page.quantize(COLOURS)


if __name__ == "__main__":
    draw(Path(sys.argv[1])).save(Path(__file__).with_name("study.png"), optimize=True)
