"""Scripted raters in a real browser: with a mouse, with fingers, or with keys alone."""

from __future__ import annotations

import time

from tests.awbench.browser import Browser

ANSWERS = ("left", "same", "right")
_CODES = {"Enter": ("Enter", 13), " ": ("Space", 32), "Tab": ("Tab", 9), "Backspace": ("Backspace", 8), "ArrowUp": ("ArrowUp", 38)}
_CODES |= {"&": ("Digit1", 49)}  # what a French keyboard says where others say 1
_CODES |= {str(digit): (f"Digit{digit}", 48 + digit) for digit in range(1, 4)}


def visit(browser: Browser, url: str, *, width: int = 1400, height: int = 900, touch: bool = False) -> None:
    """Open an address, as a desk or as a phone."""
    browser.errors, browser.requests = [], []
    browser.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if touch else 1, mobile=touch)
    browser.call("Emulation.setTouchEmulationEnabled", enabled=touch)
    browser.call("Emulation.setScriptExecutionDisabled", value=False)
    browser.call("Page.navigate", url="about:blank")
    browser.wait("location.href === 'about:blank'")
    browser.call("Page.navigate", url=url)
    ready(browser)


def ready(browser: Browser) -> None:
    browser.wait("document.readyState === 'complete' && document.querySelector('main:not([hidden])')")


def reload(browser: Browser) -> None:
    """Until the page is there anew."""
    browser.run("document.old = true")
    browser.call("Page.reload")
    browser.wait("!document.old && document.readyState === 'complete'")
    ready(browser)


def press(browser: Browser, key: str) -> None:
    code, number = _CODES[key]
    text = {"Enter": "\r", " ": " "}.get(key, key if len(key) == 1 else "")
    known = {"key": key, "code": code, "windowsVirtualKeyCode": number}
    browser.call("Input.dispatchKeyEvent", type="keyDown", **known, **({"text": text} if text else {}))
    browser.call("Input.dispatchKeyEvent", type="keyUp", **known)


def tap(browser: Browser, selector: str) -> None:
    """A finger in the middle of the element, which must be large enough for one."""
    x, y, width, height = browser.run(
        f"(() => {{ const node = document.querySelector({selector!r}); node.scrollIntoView({{block: 'center'}});"
        "const box = node.getBoundingClientRect(); return [box.x, box.y, box.width, box.height]; })()"
    )
    assert min(width, height) >= 44, (selector, width, height)
    browser.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x + width / 2, "y": y + height / 2}])
    browser.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])


def button(question: int, answer: str) -> str:
    return f"#rows .question:nth-child({question + 1}) button[data-answer={answer}]"


def enter(browser: Browser, press_it=Browser.click) -> None:
    """Press Start, until the first comparison is shown."""
    press_it(browser, "#start")
    browser.wait("!document.querySelector('#trial').hidden")


def trial_of(browser: Browser) -> dict:
    """The trial on the screen, as the page's own data have it."""
    return browser.run("window.studySlot[document.querySelector('#progress').textContent.split(' ')[1] - 1]")


def answers_of(trial: dict) -> dict[str, str]:
    """What these raters say: four answers that hang on the trial's name alone."""
    return {name: ANSWERS[int(trial["trial"][place], 16) % 3] for place, name in enumerate(("overall", "imaging", "motion", "appearance"))}


def wait_watched(browser: Browser) -> None:
    browser.wait("document.querySelector('#left-seen').textContent && document.querySelector('#right-seen').textContent")


def moved_on(browser: Browser, place: int) -> None:
    """Until the comparison after number `place` (from 0), or the end, is shown."""
    wanted = f"document.querySelector('#progress').textContent.startsWith('Comparison {place + 2} ')"
    browser.wait(f"!document.querySelector('#done').hidden || {wanted}")


def vote(browser: Browser, place: int, press_it=Browser.click, says=answers_of) -> tuple[str, dict[str, str]]:
    """Watch, answer what `says` makes of the trial, and go on with a pointer; returns (trial, answers)."""
    trial = trial_of(browser)
    answers = says(trial)
    press_it(browser, "#play")
    wait_watched(browser)
    for question, answer in enumerate(answers.values()):
        press_it(browser, button(question, answer))
    press_it(browser, "#next")
    moved_on(browser, place)
    return trial["trial"], answers


def exported(browser: Browser, folder, press_it=Browser.click) -> str:
    """The file that the page's button gives."""
    browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))
    press_it(browser, "#download")
    end = time.monotonic() + 30
    while not (found := [path for path in folder.iterdir() if path.suffix == ".json"]):
        assert time.monotonic() < end, "no file came"
        time.sleep(0.05)
    return found[0].read_text(encoding="utf-8")
