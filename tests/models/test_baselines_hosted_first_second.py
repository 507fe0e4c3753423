"""The second of transition at the beginning of DreamActor-M2's answers: none of the driver's motion is lost, or the loss is declared."""

import numpy as np
import pytest

from models.animators.load import resolved_options
from models.animators.registry import ANIMATORS
from models.baselines.hosted.first_second import from_the_driver_on, held_frames, led
from models.estimate import Workload
from models.stated import estimate_of
from models.types import Clip
from models.video import read_video
from tests.models.hosted_servers import fal, volcengine
from tests.models.hosted_servers.client import FPS, animator, request
from tests.models.hosted_servers.contract import small_video
from tests.models.hosted_servers.settings import KEYS, settings

DRIVER = [0, 10, 20, 30, 40, 50]
"""Grey of the driver's frames: 3 s at 2 frames/s."""


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


def greys(clip: Clip) -> list[int]:
    return [10 * round(float(frame.mean()) / 10) for frame in clip.frames]


def driver(seconds: float, fps: float) -> Clip:
    return Clip(frames=np.arange(round(seconds * fps), dtype=np.uint8)[:, None, None, None] * np.ones((1, 2, 2, 3), np.uint8), fps=fps)


@pytest.mark.parametrize("transition, first_second, shown, offset_s", [
    ("before", "keep", DRIVER, 0.0), ("over", "keep", DRIVER, 0.0), ("before", "cut", DRIVER, 0.0), ("over", "cut", DRIVER[2:], 1.0),
])  # fmt: skip
def test_what_the_service_cuts_is_none_of_the_drivers_motion_or_declared(tmp_path, transition, first_second, shown, offset_s):
    with volcengine.VolcengineServer() as server:
        server.transition = transition
        result = animator("dreamactor_m2", **settings(server, tmp_path, first_second=first_second)).animate(request(0))
        (sent,) = map(read_video, server.stored.values())
    assert server.wrong == [] and greys(sent) == [0] * 2 * (first_second == "keep") + DRIVER
    assert greys(result.clip) == shown and result.clip.fps == FPS and result.provenance["offset_s"] == pytest.approx(offset_s)
    assert "first second" in result.provenance["note"] and f"shows {offset_s:.1f} s of the driver" in result.provenance["note"]


def test_keep_is_what_is_done_unasked_and_fal_is_asked_the_same(tmp_path):
    with fal.FalServer(video=small_video(4.0)) as server:
        result = animator("dreamactor_m2", via="fal", **settings(server, tmp_path)).animate(request(0))
        (sent,) = map(read_video, server.stored.values())
    assert server.tasks["task-0"].body["trim_first_second"] is True and len(sent) == 8
    assert len(result.clip) == 6 and result.provenance["offset_s"] == 0.0 and "its first 4 frames are cut off" in result.provenance["note"]


def test_an_answer_of_any_other_length_declares_nothing(tmp_path):
    with volcengine.VolcengineServer(video=small_video(3.5)) as server:
        provenance = animator("dreamactor_m2", **settings(server, tmp_path)).animate(request(0)).provenance
    assert "offset_s" not in provenance and "is not known" in provenance["note"]


@pytest.mark.parametrize("fps", [25.0, 24000 / 1001, 12.5, 0.7])
@pytest.mark.parametrize("answer_fps", [25.0, 30.0])
def test_the_answer_begins_within_half_a_frame_of_the_driver_at_any_rates(fps, answer_fps):
    asked = driver(6.0, fps)
    held = held_frames(asked.duration_s, fps, "keep")
    sent_s = led(asked, held).duration_s
    for answer_s in (sent_s, sent_s - 1.0):
        kept, offset_s, _ = from_the_driver_on(driver(answer_s, answer_fps), asked, held)
        assert abs(offset_s) <= 0.5 / answer_fps + 1e-6
        assert abs(kept.duration_s - asked.duration_s) <= 1.1 / answer_fps


def test_a_driver_that_would_be_too_long_goes_as_it_is():
    assert held_frames(29.0, 25.0, "keep") == 25 and held_frames(29.04, 25.0, "keep") == 0 and held_frames(5.0, 25.0, "cut") == 0
    assert len(led(driver(1.0, 4.0), 0)) == 4 and len(led(driver(1.0, 4.0), 4)) == 8


def test_the_second_that_is_sent_more_is_in_the_estimate():
    def usd(seconds: float, **given: str) -> float:
        read = resolved_options("dreamactor_m2", ANIMATORS, {"usd_per_s": "0.1", **given})
        return estimate_of("dreamactor_m2", Workload(size=(720, 1280), num_frames=round(seconds * 24), fps=24), read, ANIMATORS).usd

    assert usd(5) == pytest.approx(0.6) and usd(5, first_second="cut") == pytest.approx(0.5) and usd(29.5) == pytest.approx(2.95)


@pytest.mark.parametrize(
    ("given", "seconds", "said"),
    [
        ({}, 0.75, "; 2 s are sent, 1 of them before the driver, so that none of its motion is cut off"),
        ({"first_second": "cut"}, 2.0, "; the service may cut off the first of the driver's 2 s of motion"),
        ({}, 30.0, "; the service may cut off the first of the driver's 30 s of motion"),
    ],
)
def test_an_estimate_says_what_becomes_of_the_first_second(given, seconds, said):
    work = Workload(size=(480, 480), num_frames=round(8 * seconds), fps=8.0)
    for price in ({}, {"usd_per_s": "0.05"}):
        told = estimate_of("dreamactor_m2", work, resolved_options("dreamactor_m2", ANIMATORS, given | price), ANIMATORS)
        assert told.basis.endswith(said)
    assert "are sent" not in estimate_of("dreamactor_m1", work, resolved_options("dreamactor_m1", ANIMATORS), ANIMATORS).basis


def test_m1_has_no_such_second_and_no_other_road():
    for name in ("first_second", "via", "rest_url"):
        with pytest.raises(ValueError, match=name):
            resolved_options("dreamactor_m1", ANIMATORS, {name: "fal"})
