"""Requests brought within a system's rules and answers brought back: the same size, count and moments, whatever the rules are."""

from dataclasses import replace

import numpy as np
import pytest

from models.adaptation import adapt
from models.capabilities import Capabilities, FrameRule, SizeRule
from models.lengths import count_within, frames_at
from models.nearest_size import content_box, is_allowed, nearest_size, shape_off
from models.types import AnimationRequest, Clip, Origin, PoseTrack

SIZES = [(1, 1), (17, 17), (1, 40), (64, 48), (48, 64), (100, 37), (33, 100), (256, 144)]
SIZE_RULES = [
    SizeRule(),
    SizeRule(multiple=16),
    SizeRule(multiple=8, min_side_px=24, max_side_px=96),
    SizeRule(min_side_px=30, max_ratio=2.5, max_side_px=200),
    SizeRule(multiple=16, max_area_px=64 * 64),
    SizeRule(sizes=((83, 48), (48, 83), (60, 60))),
]
RATES = [1.0, 7.5, 12.0, 24000 / 1001, 24.0, 25.0, 30.0, 60.0]
FRAME_RULES = [
    FrameRule(),
    FrameRule(step=4, offset=1),
    FrameRule(step=8, offset=1, least=9, fps=16.0),
    FrameRule(fps=24.0, least_s=3.0, most_s=90.0),
    FrameRule(fps=7.5),
    FrameRule(step=5, fps=30.0),
]


def numbered(count, size=(16, 12), fps=24.0, **more):
    """Every frame a plain grey that says which one it is."""
    frames = np.repeat(np.arange(count, dtype=np.uint8), size[0] * size[1] * 3).reshape(count, size[1], size[0], 3)
    return Clip(frames=frames, fps=fps, **more)


def asked(size=(16, 12), count=10, fps=24.0, driving=None, reference=None, **more):
    reference = np.zeros((size[1], size[0], 3), np.uint8) if reference is None else reference
    driving = driving or numbered(count, size, fps)
    return AnimationRequest(id="a", reference=reference, driving=driving, size=size, num_frames=count, seed=0, **more)


def within(size=None, frames=None):
    return Capabilities(kind="local", size=size or SizeRule(), frames=frames or FrameRule())


@pytest.mark.parametrize("rule", SIZE_RULES, ids=str)
def test_any_size_becomes_an_allowed_one_and_comes_back(rule):
    for size in SIZES:
        request = asked(size, count=2)
        adapted = adapt(request, within(rule))
        canvas = adapted.request.size
        assert is_allowed(canvas, rule) and adapted.request.driving.size == canvas and adapted.request.reference.shape[1::-1] == canvas
        back = adapted.undo(adapted.request.driving)
        assert back.size == size and np.array_equal(back.frames[:, 0, 0, 0], [0, 1])
        assert bool(adapted.note) == (canvas != size)


@pytest.mark.parametrize("rule", FRAME_RULES, ids=str)
@pytest.mark.parametrize("fps", RATES)
def test_any_length_becomes_an_allowed_one_and_shows_the_right_moments_again(rule, fps):
    for count in (1, 2, 3, 10, 25, 61):
        adapted = adapt(asked(count=count, fps=fps), within(frames=rule))
        request = adapted.request
        own = rule.fps or fps
        assert len(request.driving) == request.num_frames == count_within(request.num_frames, rule, fps)
        assert request.driving.fps == (own if abs(own - fps) > 1e-3 * fps else fps)
        back = adapted.undo(request.driving)
        assert len(back) == count and back.fps == fps
        wrong_by = np.abs(back.frames[:, 0, 0, 0].astype(int) - np.arange(count)) / fps
        assert wrong_by.max() <= 0.5 / own + 0.5 / fps + 1e-6  # the nearest there and the nearest back
        assert fps != own or wrong_by.max() == 0


def test_a_faster_answer_of_the_right_moments_is_right_to_half_a_frame():
    adapted = adapt(asked(count=24, fps=24.0), within(frames=FrameRule(fps=30.0)))
    answer = numbered(adapted.request.num_frames, fps=30.0)  # frame k shows k / 30 s
    moments = adapted.undo(answer).frames[:, 0, 0, 0] / 30.0
    assert np.abs(moments - np.arange(24) / 24).max() <= 0.5 / 30 + 1e-6


def test_a_request_within_the_rules_is_not_touched():
    request = asked()
    adapted = adapt(request, within())
    assert adapted.note == "" and adapted.request.driving.frames is not None and adapted.request.num_frames == 10
    assert np.array_equal(adapted.request.driving.frames, request.driving.frames)
    clip = numbered(10)
    assert np.array_equal(adapted.undo(clip).frames, clip.frames) and adapted.undo(clip).notes == ()


def test_the_note_says_what_was_done():
    size = SizeRule(sizes=((832, 480),))
    note = adapt(asked((808, 480), count=6, fps=24.0), within(size, FrameRule(step=8, offset=1))).note
    assert note == "painted at 832x480 px, stretched there and back; 3 last frames held"
    note = adapt(asked((400, 250), count=10, fps=12.0), within(size, FrameRule(step=8, offset=1, fps=24.0))).note
    assert note == "painted at 832x480 px, padded 32 px left and right; driver at 24 fps, 6 last frames held"
    note = adapt(asked(count=100, driving=numbered(90)), within(frames=FrameRule(most=81))).note
    assert note == "driver of 90 frames held to 100; cut to 81 of 100 frames"
    odd = adapt(asked((100, 37), count=2), within(SizeRule(sizes=((100, 44),)))).note
    assert odd == "painted at 100x44 px, padded 3 px above and 4 px below"


def test_a_cut_answer_stays_short_a_longer_one_is_cut_and_a_shorter_one_is_not_filled_up():
    cut = adapt(asked(count=100), within(frames=FrameRule(step=4, offset=1, most=83)))
    assert cut.request.num_frames == 81 and len(cut.undo(cut.request.driving)) == 81
    plain = adapt(asked(count=10), within())
    assert [len(plain.undo(numbered(count))) for count in (1, 7, 10, 13)] == [1, 7, 10, 10]
    slow = adapt(asked(count=24, fps=24.0), within(frames=FrameRule(fps=12.0)))
    assert len(slow.undo(numbered(6, fps=12.0))) == 12  # up to the moment its last frame is nearest to


def test_an_answer_of_another_rate_than_it_was_asked_at_shows_the_same_moments():
    adapted = adapt(asked(count=24, fps=24.0), within())
    back = adapted.undo(numbered(48, fps=48.0))
    assert np.array_equal(back.frames[:, 0, 0, 0], np.arange(24) * 2)


def half_and_half(size):
    picture = np.zeros((size[1], size[0], 3), np.uint8)
    picture[:, size[0] // 2 :] = 200
    return picture


@pytest.mark.parametrize("answer", [(60, 60), (120, 120), (61, 60), (90, 60), (30, 30)])
def test_an_answer_of_another_size_is_brought_to_the_canvas_first(answer):
    request = asked((40, 20), count=1, reference=half_and_half((40, 20)))
    adapted = adapt(request, within(SizeRule(sizes=((60, 60),))))
    assert adapted.note == "painted at 60x60 px, padded 15 px above and below"
    picture = np.zeros((answer[1], answer[0], 3), np.uint8)
    margin = (answer[0] - answer[1]) // 2 if answer == (90, 60) else 0
    square = answer[0] - 2 * margin
    picture[:, margin + square // 2 :] = 200
    back = adapted.undo(Clip(frames=picture[None], fps=24.0))
    assert back.size == (40, 20)
    assert np.abs(back.frames[0].astype(int) - half_and_half((40, 20))).mean() < 4
    said = {(60, 60): (), (90, 60): ("answered at 90x60 px, cropped to the shape of 60x60",)}
    assert back.notes == said.get(answer, (f"answered at {answer[0]}x{answer[1]} px",))


def test_the_pad_is_the_pictures_own_edge_and_is_cut_off_again():
    reference = np.random.default_rng(0).integers(0, 256, (20, 40, 3), np.uint8)
    adapted = adapt(asked((40, 20), count=1, reference=reference), within(SizeRule(sizes=((40, 30),))))
    canvas = adapted.request.reference
    assert np.array_equal(canvas[5:25], reference) and (canvas[:5] == reference[0]).all() and (canvas[25:] == reference[-1]).all()
    back = adapted.undo(Clip(frames=canvas[None], fps=24.0))
    assert np.array_equal(back.frames[0], reference)


def test_a_reference_of_another_shape_is_cropped_to_what_is_asked_for():
    reference = np.zeros((30, 90, 3), np.uint8)
    reference[:, 30:60] = 200  # the middle third
    adapted = adapt(asked((16, 16), count=1, driving=numbered(1, (16, 16)), reference=reference), within(SizeRule(sizes=((32, 32),))))
    assert (adapted.request.reference == 200).all()


@pytest.mark.parametrize("rule", [SizeRule(sizes=((40, 30),)), SizeRule(sizes=((20, 10),)), SizeRule(sizes=((100, 100),))], ids=str)
def test_pose_and_origin_go_where_the_pixels_go(rule):
    driver = np.zeros((6, 20, 60, 3), np.uint8)
    driver[:, 8:12, 28:32] = 255
    joints = np.full((6, 1, 17, 2), (29.5, 9.5), np.float32)
    pose = PoseTrack(points=joints, confidence=np.ones((6, 1, 17)), skeleton="coco17", fps=24.0)
    origin = Origin(file="a.mp4", start_s=1.0, crop=(100, 200, 600, 200), source_size=(1000, 1000))
    clip = Clip(frames=driver, fps=24.0, origin=origin)
    request = asked((40, 20), count=6, driving=clip, pose=pose)
    adapted = adapt(request, within(rule, FrameRule(fps=12.0, step=4, offset=1))).request
    x, y = adapted.pose.points[0, 0, 0]
    rows, columns = np.nonzero(adapted.driving.frames[0, :, :, 0] > 127)
    assert abs(rows.mean() - y) < 0.51 and abs(columns.mean() - x) < 0.51
    assert len(adapted.pose) == len(adapted.driving) == 5 and adapted.pose.fps == adapted.driving.fps == 12.0
    left, top, width, height = adapted.driving.origin.crop
    in_source = left + (x + 0.5) / adapted.size[0] * width, top + (y + 0.5) / adapted.size[1] * height
    assert np.allclose(in_source, (100 + 30 * 10, 200 + 10 * 10), atol=2.0) and adapted.driving.origin.start_s == 1.0


def test_held_frames_are_the_drivers_last_one():
    adapted = adapt(asked(count=6), within(frames=FrameRule(step=8, offset=1))).request
    assert adapted.driving.frames[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4, 5, 5, 5, 5]
    longer = replace(asked(count=4), driving=numbered(9))
    assert adapt(longer, within(frames=FrameRule(step=6))).request.driving.frames[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 3, 3]


def test_the_nearest_size_keeps_the_shape_before_the_area():
    sizes = SizeRule(sizes=((832, 480), (480, 832), (1280, 720), (960, 960)))
    assert nearest_size((850, 480), sizes) == (832, 480) and nearest_size((500, 500), sizes) == (960, 960)
    assert nearest_size((90, 160), sizes) == (480, 832) and nearest_size((1920, 1080), sizes) == (1280, 720)
    assert nearest_size((854, 480), SizeRule(multiple=16)) == (848, 480)
    assert nearest_size((64, 64), SizeRule(min_side_px=340)) == (340, 340)
    narrow = nearest_size((1000, 100), SizeRule(min_side_px=300, max_ratio=2.5, max_side_px=3850))
    assert is_allowed(narrow, SizeRule(min_side_px=300, max_ratio=2.5)) and narrow[0] / narrow[1] == 2.5
    assert nearest_size((3840, 2160), SizeRule(multiple=16, max_area_px=1280 * 720)) == (1280, 720)
    for size in SIZES:
        x, y, w, h = content_box(size, (96, 64))
        assert (
            0 <= x
            and 0 <= y
            and x + w <= 96
            and y + h <= 64
            and (w == 96 or h == 64)
            and (min(w, h) < 12 or shape_off((w, h), size) < 0.07)
        )


def test_counts_and_spans():
    rule = FrameRule(step=4, offset=1, least=5, most=81)
    assert [count_within(frames, rule) for frames in (1, 5, 6, 80, 81, 300)] == [5, 5, 9, 81, 81, 81]
    assert count_within(1, FrameRule(step=8)) == 8 and count_within(50, FrameRule(step=8, most=50)) == 48
    assert count_within(10, FrameRule(least_s=3.0, most_s=30.0), fps=24.0) == 72
    assert count_within(1000, FrameRule(least_s=3.0, most_s=30.0, fps=24.0), fps=60.0) == 720
    assert [frames_at(24, 24.0, own) for own in (12.0, 16.0, 24.0, 30.0)] == [12, 16, 24, 30]
    assert frames_at(1, 24.0, 7.5) == 1


def test_rules_that_allow_nothing_say_so():
    with pytest.raises(ValueError, match="frame rule: counts: got none from 6 to 7"):
        count_within(6, FrameRule(step=10, offset=1, least=6, most=7))
    with pytest.raises(ValueError, match="frame rule: fps: got none"):
        count_within(6, FrameRule(most_s=1.0))
    with pytest.raises(ValueError, match="size rule: sizes: got none for 64x48 px"):
        adapt(asked((64, 48), count=2), within(SizeRule(multiple=64, max_side_px=63)))
