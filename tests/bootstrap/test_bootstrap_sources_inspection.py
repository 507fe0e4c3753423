"""What one look at a file tells: planted cuts, fades, flashes, black, bars, still and moving stretches."""

import hashlib
import json
import os

import cv2
import numpy as np
import pytest
from PIL import Image

from awbench.world.export import planned_shots
from awbench.world.render import render
from awbench.world.shot import SUBJECTS
from bootstrap.sources.facts import ClipFacts, ImageFacts, Still, Unfit, Unread, facts_from_json, facts_to_json
from bootstrap.sources.inspection import facts_of_image, inspect, inspect_clip
from bootstrap.sources.prints import COLOURS_B
from bootstrap.sources.profile import motion_byte, motion_levels
from models.images import MediaError, encode_image
from tests.bootstrap.made_footage import FPS, HEIGHT, WIDTH, facts, ground, save, scene


def _whys(found: ClipFacts) -> set[str]:
    return {one.why for one in found.unfit}


def test_a_plain_clip_has_no_cut_and_nothing_unfit(tmp_path):
    path = save(tmp_path / "plain.mp4", scene(48))
    found = inspect_clip(path)
    assert (found.size, found.frames, found.fps) == ((WIDTH, HEIGHT), 48, FPS) and found.end_s == pytest.approx(2.0, abs=0.01)
    assert (found.cuts_s, found.unfit, found.bars) == ((), (), None)
    assert found.sha256 == hashlib.sha256(open(path, "rb").read()).hexdigest()
    assert len(found.prints) == 4 * 8 and len(found.colours) == 4 * COLOURS_B and motion_levels(found.motion).min() > 0.2


@pytest.mark.parametrize("at", [1, 2, 20, 45, 46, 47])
def test_a_cut_is_found_wherever_it_lies(at):
    found = facts(np.concatenate([scene(at, 1), scene(48 - at, 2)]))
    assert found.cuts_s == (pytest.approx((at - 0.5) / FPS, abs=1e-3),)  # midway between the two frames


@pytest.mark.parametrize("fps", [8.0, 60.0])
def test_motion_alone_is_no_cut_at_any_rate(fps):
    assert facts(scene(int(3 * fps), 3, fps), fps).cuts_s == ()


@pytest.mark.parametrize("turned", [1, -1])
def test_motion_that_is_fastest_at_an_end_is_no_cut_there(turned):
    levels = np.array([0, 60, 30, 60, 32, 60, 34, 60, 36, 60, 38, 60])[::turned]  # nothing beyond the end tells how fast it was there
    grey = np.arange(60, 60 + WIDTH, dtype=np.uint8)[None, :, None] + np.zeros((HEIGHT, 1, 3), np.uint8)
    assert facts(np.stack([grey + np.uint8(level) for level in levels]), 8.0).cuts_s == ()


def test_world_clips_have_no_cut_and_no_fade():
    shots = planned_shots(split="train", subjects=SUBJECTS[:5], clips=15)
    seen = [facts(render(shot, (64, 64), 24, 8.0).clip.frames, 8.0) for shot in shots]
    assert [(one.cuts_s, one.unfit) for one in seen] == [((), ())] * 15


def test_a_fade_from_black_and_a_dissolve_are_fades():
    light = np.clip(np.arange(48) / 24, 0, 1)[:, None, None, None]
    black = facts((scene(48) * light).astype(np.uint8))
    fade = next(one for one in black.unfit if one.why == "fade")
    assert fade.start_s < 0.2 and fade.stop_s == pytest.approx(1.0, abs=0.15)
    mix = np.clip((np.arange(48) - 12) / 24, 0, 1)[:, None, None, None]
    dissolve = facts((scene(48, 1) * (1 - mix) + scene(48, 2) * mix).astype(np.uint8))
    assert _whys(dissolve) == {"fade"}


def test_a_pan_is_no_fade():
    wide = np.concatenate([ground(seed) for seed in range(4)], axis=1)
    assert facts(np.stack([wide[:, 3 * t : 3 * t + WIDTH] for t in range(72)])).unfit == ()


def test_a_soft_disc_and_a_smooth_ground_that_moves_are_no_fade():
    rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH]
    still, disc = cv2.resize(ground(3)[::21, ::24], (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), []
    for moment in np.arange(60) / 30:
        away = np.hypot(columns - 48 - 34 * np.sin(3.1 * moment), rows - 32 - 16 * np.sin(2.2 * moment))
        cover = np.exp(-((away / 27) ** 2))[..., None]
        disc.append((still * (1 - cover) + np.array((250, 240, 60)) * cover).astype(np.uint8))
    assert facts(np.stack(disc), 30.0).unfit == ()
    smooth = cv2.resize(
        np.random.default_rng(2).integers(10, 245, (3, 5, 3), dtype=np.uint8), (4 * WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC
    )
    assert facts(np.stack([smooth[:, 4 * t : 4 * t + WIDTH] for t in range(60)]), 30.0).unfit == ()


@pytest.mark.parametrize("length", [1, 3])
def test_a_flash_is_found_but_not_a_change_of_light_that_stays(length):
    video = scene(48)
    video[20 : 20 + length] = 255 - (255 - video[20 : 20 + length]) // 4
    flash = [one for one in facts(video).unfit if one.why == "flash"]
    assert len(flash) == 1 and (flash[0].start_s, flash[0].stop_s) == pytest.approx((19.5 / FPS, (19.5 + length) / FPS), abs=1e-3)
    video[20:] = 255 - (255 - scene(48)[20:]) // 4
    assert "flash" not in _whys(facts(video))


def test_black_and_empty_frames_are_told_by_their_moments():
    video = scene(48)
    video[:6], video[30:33] = 3, (90, 120, 40)
    assert facts(video).unfit[0] == Unfit(start_s=0.0, stop_s=pytest.approx(5.5 / FPS, abs=1e-3), why="black")
    assert [one.why for one in facts(video).unfit].count("empty") == 1


def test_bars_are_found_and_a_dark_scene_has_none():
    video = scene(24)
    video[:, :10], video[:, -10:] = 8, 8
    x, y, width, height = facts(video).bars
    assert (x, width) == (0, WIDTH) and abs(y - 10) <= 2 and abs(height - 44) <= 4
    dark = np.full((24, HEIGHT, WIDTH, 3), 6, np.uint8)
    dark[:, 20:44, 30:54] = scene(24)[:, 20:44, 30:54]
    assert facts(dark).bars is None


def test_motion_does_not_depend_on_the_rate_and_a_held_picture_is_zero():
    slow, fast = (motion_levels(facts(scene(int(4 * fps), 5, fps), fps).motion) for fps in (8.0, 60.0))
    assert len(slow) == len(fast) and np.mean(slow) == pytest.approx(np.mean(fast), rel=0.2) and slow.min() > 0
    assert set(facts(np.repeat(scene(1), 48, 0)).motion) == {0}
    assert motion_levels(bytes([motion_byte(3.0)]))[0] == pytest.approx(3.0, rel=0.05)


def test_facts_come_back_from_json_and_are_small():
    video = scene(48)
    video[:6] = 3
    pictured = facts_of_image(ground(1), "ab", ("grey to RGB",))
    for one in (facts(video, sha256="cd"), pictured, Unread(reason="no video stream", transient=True)):
        assert facts_from_json(json.loads(json.dumps(facts_to_json(one)))) == one
    minute = facts(np.tile(scene(48), (5, 1, 1, 1)), 4.0)
    assert minute.end_s == 60 and len(json.dumps(facts_to_json(minute))) < 10_000
    with pytest.raises((KeyError, TypeError, ValueError)):
        facts_from_json({"kind": "clip", "prints": "not base64!"})


def test_what_cannot_be_read_is_told_and_never_raised(tmp_path):
    (tmp_path / "text.mp4").write_text("no film\n" * 40)
    os.mkfifo(tmp_path / "pipe.mp4")
    for name in ("text.mp4", "pipe.mp4"):
        found = inspect(str(tmp_path / name), "clip")
        assert isinstance(found, Unread) and found.reason and not found.transient
    picture = inspect(str(tmp_path / "text.mp4"), "image")
    assert isinstance(picture, Unread)


def test_a_picture_and_the_first_frame_of_a_clip_are_identities(tmp_path):
    (tmp_path / "who.png").write_bytes(encode_image(ground(4)))
    (tmp_path / "dark.png").write_bytes(encode_image(np.full((40, 30, 3), 2, np.uint8)))
    clip = inspect(save(tmp_path / "clip.mp4", scene(12, 4)), "image")
    picture, dark = (inspect(str(tmp_path / name), "image") for name in ("who.png", "dark.png"))
    assert isinstance(clip, ImageFacts) and "first frame of the clip" in clip.notes
    assert (picture.size, picture.flaw, dark.flaw) == ((WIDTH, HEIGHT), "", "black")


def test_time_stamps_of_years_cost_no_memory():
    from bootstrap.sources.profile import Profile
    from bootstrap.sources.reduced import reduced

    profile = Profile()
    profile.see(reduced(ground(1), 0.0))
    with pytest.raises(ValueError, match="time stamps reach"):
        profile.see(reduced(ground(1), 1e9))


def _caused(cause: Exception) -> MediaError:
    error = MediaError("not a readable image")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error", [PermissionError(13, "denied"), OSError(24, "Too many files"), MemoryError(), cv2.error("(-4)"), _caused(MemoryError())]
)
def test_what_is_not_the_files_fault_may_pass(tmp_path, monkeypatch, error):
    def refuse(*_):
        raise error

    place = save(tmp_path / "clip.mp4", scene(12, 4))
    monkeypatch.setattr("bootstrap.sources.inspection.small_frames_of", refuse)
    assert inspect(place, "clip").transient


def test_a_still_picture_among_clips_is_told_by_looking_and_a_moving_one_is_a_clip(tmp_path, monkeypatch):
    moving = [Image.fromarray(frame) for frame in scene(12, 4)]
    moving[0].save(tmp_path / "moving.webp", save_all=True, append_images=moving[1:], duration=100)
    moving[0].save(tmp_path / "still.webp")
    assert inspect(str(tmp_path / "still.webp"), "clip") == Still() and inspect(str(tmp_path / "moving.webp"), "clip").frames == 12
    assert facts_from_json(json.loads(json.dumps(facts_to_json(Still())))) == Still()

    def stumble(*_):
        raise OSError(5, "stumbles")

    monkeypatch.setattr("models.images.read_bytes", stumble)
    assert inspect(str(tmp_path / "moving.webp"), "clip").transient
