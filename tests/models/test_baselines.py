"""Weight-free animators: what they copy, how they move it, and how they refuse."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.animators.load import is_checkpoint, load_animator
from models.animators.registry import ANIMATORS
from models.baselines.weightless import recorded
from models.framing import fit_image
from models.images import MediaError
from models.optical_flow import backward_warp, chain, since_first
from models.protocols import Animator
from models.types import AnimationRequest, Clip
from models.video import read_video, write_video
from tests.models.footage import film, numbered, numbers

SIZE, FRAMES = (64, 48), 5


def texture(seed: int, height: int, width: int) -> np.ndarray:
    """A smooth random picture: what optical flow can follow."""
    coarse = np.random.default_rng(seed).integers(0, 255, (height // 6 + 2, width // 6 + 2, 3), np.uint8)
    return fit_image(coarse, (width, height))


def sliding(step_px: int, frames: int = FRAMES) -> Clip:
    """A texture that moves right by `step_px` per frame."""
    wide = texture(1, SIZE[1], SIZE[0] + 64)
    return Clip(frames=np.stack([wide[:, 40 - step_px * t :][:, : SIZE[0]] for t in range(frames)]), fps=8)


def request(driving: Clip, reference: np.ndarray | None = None, **changes: object) -> AnimationRequest:
    reference = texture(2, SIZE[1], SIZE[0]) if reference is None else reference
    fields: dict = {"id": "a", "reference": reference, "driving": driving, "size": SIZE, "num_frames": FRAMES, "seed": 0}
    return AnimationRequest(**(fields | changes))


@pytest.mark.parametrize("name", ["still", "echo_driver", "flow_warp"])
@pytest.mark.parametrize(("size", "num_frames"), [(SIZE, FRAMES), ((33, 50), 9), ((80, 80), 2), (SIZE, 1)])
def test_every_baseline_answers_in_the_requested_form(name: str, size: tuple[int, int], num_frames: int) -> None:
    animator = load_animator(name)
    result = animator.animate(request(sliding(2), size=size, num_frames=num_frames))
    assert isinstance(animator, Animator) and animator.name == name and animator.weights_hash == ""
    assert (result.clip.size, len(result.clip), result.clip.fps) == (size, num_frames, 8)
    assert (result.request_id, result.animator) == ("a", name)


def test_still_repeats_the_reference_exactly() -> None:
    asked = request(sliding(3))
    frames = load_animator("still").animate(asked).clip.frames
    assert all(np.array_equal(frame, asked.reference) for frame in frames)


def test_echo_driver_hands_the_driver_back_and_holds_its_last_frame() -> None:
    driver = sliding(3, frames=3)
    frames = load_animator("echo_driver").animate(request(driver)).clip.frames
    assert np.array_equal(frames[:3], driver.frames)
    assert np.array_equal(frames[4], driver.frames[2])


def test_flow_warp_of_the_drivers_own_first_frame_follows_the_driver() -> None:
    driver = sliding(2)
    frames = load_animator("flow_warp").animate(request(driver, reference=driver.frames[0])).clip.frames
    inner = (slice(None), slice(8, -8), slice(16, -8))
    error = np.abs(frames[inner].astype(int) - driver.frames[inner]).mean()
    unmoved = np.abs(driver.frames[:1][inner].astype(int) - driver.frames[inner]).mean()
    assert np.array_equal(frames[0], driver.frames[0])
    assert error < 0.15 * unmoved


def test_flow_warp_moves_another_reference_by_the_drivers_shift() -> None:
    reference = texture(5, SIZE[1], SIZE[0])
    frames = load_animator("flow_warp").animate(request(sliding(2), reference=reference)).clip.frames
    shifted = np.roll(reference, 2 * (FRAMES - 1), axis=1).astype(int)
    inner = (slice(8, -8), slice(18, -10))
    assert np.abs(frames[-1][inner] - shifted[inner]).mean() < 0.2 * np.abs(reference[inner] - shifted[inner]).mean()


def test_composed_backward_steps_of_different_places_equal_one_warp() -> None:
    y, x = np.mgrid[:40, :40].astype(np.float32)
    scale = np.stack([0.1 * (x - 20), 0.1 * (y - 20)], -1)  # x -> 1.1 x around the centre
    shift = np.broadcast_to(np.float32([2, 0]), scale.shape).copy()
    both = chain(shift, scale)  # first the step (t -> t-1), then what is known of t-1
    expected = 2 + 0.1 * (x + 2 - 20)
    assert np.allclose(both[:, :37, 0], expected[:, :37], atol=1e-4)
    assert not np.allclose(both[:, :37, 0], (shift + scale)[:, :37, 0], atol=0.1)


def test_origins_of_a_still_driver_are_zero_and_of_one_frame_is_one_field() -> None:
    frames = np.repeat(texture(3, 48, 64)[None], 3, 0)
    assert np.abs(np.stack(list(since_first(frames)))).max() < 0.05
    assert len(list(since_first(frames[:1]))) == 1
    assert np.array_equal(backward_warp(frames[0], next(since_first(frames))), frames[0])


def test_recorded_plays_the_file_of_the_request(tmp_path: Path) -> None:
    write_video(tmp_path / "videos" / "a.mp4", sliding(2))
    animator = load_animator(f"recorded:{tmp_path / 'videos'}")
    clip = animator.animate(request(sliding(1))).clip
    assert np.array_equal(clip.frames, read_video(tmp_path / "videos" / "a.mp4").frames)
    assert animator.name == f"recorded:{tmp_path.name}"


def test_recorded_knows_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "answers").mkdir(), write_video(tmp_path / "answers" / "a.mp4", numbered(2))
    assert load_animator("recorded:~/answers").folder == tmp_path / "answers"
    assert recorded.missing("recorded", recorded.RecordedOptions(), "~/answers", ("a",)) == []
    assert recorded.strays("recorded", "~/answers", ("b",)) == ["a.mp4"]


def test_recorded_says_which_file_is_missing_broken_or_outside(tmp_path: Path) -> None:
    (tmp_path / "b.mp4").write_bytes(b"no video")
    animator = load_animator(f"recorded:{tmp_path}")
    with pytest.raises(ValueError, match="a.mp4: got no such file"):
        animator.animate(request(sliding(1)))
    with pytest.raises(MediaError, match="not a readable video"):
        animator.animate(request(sliding(1), id="b"))
    with pytest.raises(ValueError, match="plain file name"):
        animator.animate(request(sliding(1), id="../b"))


@pytest.mark.parametrize("ending", ["MP4", "mkv", "MOV", "avi", "gif", "webm"])
def test_recorded_takes_any_video_ending_and_case(tmp_path: Path, ending: str) -> None:
    write_video(tmp_path / "answer.mp4", sliding(2))
    (tmp_path / "answer.mp4").rename(tmp_path / f"A-1.{ending}")
    animator = load_animator(f"recorded:{tmp_path}")
    assert len(animator.animate(request(sliding(1), id="a-1")).clip) == FRAMES


def test_a_moving_picture_answers_where_there_is_no_video_and_a_poster_beside_one_does_not(tmp_path: Path) -> None:
    pictures = [Image.fromarray(frame) for frame in sliding(2).frames]
    pictures[0].save(tmp_path / "a.webp", save_all=True, append_images=pictures[1:], duration=125, lossless=True)
    animator = load_animator(f"recorded:{tmp_path}")
    assert np.array_equal(animator.animate(request(sliding(1), id="a")).clip.frames, sliding(2).frames)
    write_video(tmp_path / "b.mp4", sliding(3))
    pictures[0].save(tmp_path / "b.png")
    assert len(animator.animate(request(sliding(1), id="b")).clip) == FRAMES and animator.strays(["a", "b"]) == []


def test_an_answer_of_variable_rate_comes_at_the_drivers(tmp_path: Path) -> None:
    frames, times = numbered(6), [0, 10, 20, 60, 70, 80]
    (tmp_path / "a.mp4").write_bytes(film("mp4", "libx264", frames.frames, rate=100, times=times, options={"crf": "4", "bf": "0"}))
    clip = load_animator(f"recorded:{tmp_path}").animate(request(Clip(frames=sliding(1).frames, fps=10.0), id="a")).clip
    assert clip.fps == 10 and numbers(clip) == [0, 1, 2, 2, 2, 3, 3, 4, 5] and clip.notes == ("variable rate resampled to 10 fps",)


def test_recorded_names_near_misses_doubles_and_strays(tmp_path: Path) -> None:
    for name in ("0001-run-cat.webm.part", "0002-run-cat.mp4", "0002-run-cat.mov", "kling 0003_run_cat (1).mp4", "0004.mp4", "x.mp4", ".h"):
        (tmp_path / name).write_bytes(b"no video")
    animator = load_animator(f"recorded:{tmp_path}")
    near = {"0001-run-cat": "0001-run-cat.webm.part", "0003-run-cat": "kling 0003_run_cat (1).mp4", "0004-run-cat": "0004.mp4"}
    for case_id, name in near.items():
        with pytest.raises(ValueError) as caught:
            animator.animate(request(sliding(1), id=case_id))
        assert str(caught.value).endswith(f"add it to the folder, or rename what was meant; found {name}")
    with pytest.raises(ValueError, match=r"got 2 videos \(0002-run-cat.mov, 0002-run-cat.mp4\).*keep one"):
        animator.animate(request(sliding(1), id="0002-run-cat"))
    with pytest.raises(ValueError, match="add it to the folder$"):
        animator.animate(request(sliding(1), id="0005-run-cat"))
    strays = animator.strays(["0002-RUN-cat", "0004"])
    assert strays == ["0001-run-cat.webm.part", "kling 0003_run_cat (1).mp4", "x.mp4"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("stil", "did you mean still"),
        ("still:3", "still: argument: got '3'"),
        ("flow_warp:", "flow_warp: argument"),
        ("recorded", "recorded: argument: got None"),
        ("recorded:/no/such", "expected an existing folder"),
    ],
)
def test_wrong_names_and_arguments_are_refused(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        load_animator(name)


def test_a_folder_is_an_animator_only_with_its_json(tmp_path: Path) -> None:
    assert not is_checkpoint(tmp_path)
    with pytest.raises(ValueError, match="without animator.json"):
        load_animator(str(tmp_path))
    (tmp_path / "animator.json").write_text("{}")
    assert is_checkpoint(tmp_path)


def test_every_registered_name_has_a_one_line_summary() -> None:
    table = ANIMATORS.table()
    assert {"still", "echo_driver", "flow_warp", "recorded", "tiny_pose", "tiny_e2e"} <= set(table)
    assert all(entry.summary and "\n" not in entry.summary for entry in table.values())


def test_a_folder_of_answers_is_listed_once_and_again_when_it_changes(tmp_path, monkeypatch):
    for name in ("a.mp4", "b.mp4"):
        (tmp_path / name).write_bytes(b"x")
    listed, honest = [], recorded._files
    monkeypatch.setattr(recorded, "_files", lambda folder: listed.append(folder) or honest(folder))
    answers = recorded.create(str(tmp_path))
    assert [answers.video_of(name).name for name in ("a", "B", "a")] == ["a.mp4", "b.mp4", "a.mp4"] and len(listed) == 1
    with pytest.raises(ValueError, match="no such file"):
        answers.video_of("late")
    (tmp_path / "late.mp4").write_bytes(b"x")
    assert answers.video_of("late").name == "late.mp4"


def test_an_answer_that_is_no_file_is_not_called_missing(tmp_path):
    (tmp_path / "a.mp4").mkdir()
    with pytest.raises(ValueError, match="a.mp4: got no regular file"):
        recorded.create(str(tmp_path)).video_of("a")


@pytest.mark.parametrize("name", ["case 01.mp4", "case-01_output.mp4", "CASE_01 (1).MOV", "case1.webm", "my_case_01_final.mkv"])
def test_recorded_suggests_what_was_nearly_the_name(tmp_path: Path, name: str) -> None:
    for file in (name, "case_010.mp4", "other_01.mp4"):
        (tmp_path / file).touch()
    with pytest.raises(ValueError, match=f"case_01.mp4: got no such file.*; found {re.escape(name)}$"):
        recorded.create(str(tmp_path)).video_of("case_01")


def test_recorded_declares_lags_by_case_and_for_all(tmp_path: Path) -> None:
    for case in ("a", "b"):
        write_video(tmp_path / f"{case}.mp4", sliding(1))
    plain = recorded.create(str(tmp_path))
    (tmp_path / "lags.csv").write_text("\ufeffcase, offset_s\nA, 1.25\nnobody,0.5\n", encoding="utf-8")
    own = recorded.create(str(tmp_path))
    all_ = recorded.create(str(tmp_path), options=recorded.RecordedOptions(offset_s=-0.5))

    def told(animator: recorded.Recorded, case: str) -> float | None:
        return animator.animate(request(sliding(1), id=case)).provenance.get("offset_s")

    assert [told(plain, "a"), told(own, "a"), told(own, "b"), told(all_, "a"), told(all_, "b")] == [None, 1.25, None, 1.25, -0.5]
    assert own.strays(["a", "b"]) == ["lags.csv: nobody"] and own.weights_hash != plain.weights_hash == ""
    (tmp_path / "lags.csv").write_text("case;offset_s\na;1.25\n")
    assert recorded.create(str(tmp_path)).lags == {"a": 1.25}
    assert recorded.options("recorded") is recorded.RecordedOptions and recorded.capabilities("recorded").kind == "weightless"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("case,lag\na,1\n", "columns: got case, lag, expected case and offset_s"),
        ("", "columns: got none"),
        ("case,offset_s\na,soon\n", "line 2: offset_s: got 'soon'"),
        ("case,offset_s\na,nan\n", "line 2: offset_s"),
        ("case,offset_s\na\n", "line 2: offset_s: got None"),
        ("case,offset_s\na,1e9\n", "line 2: offset_s"),
        ("case,offset_s\na,1\nA,2\n", "line 3: case: got 'A', expected a case, once"),
        ("case,offset_s\n,2\n", "line 2: case: got ''"),
    ],
)
def test_recorded_names_the_line_of_a_wrong_lag(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "lags.csv").write_text(text)
    with pytest.raises(ValueError, match=f"lags.csv.*{re.escape(said)}"):
        recorded.create(str(tmp_path))
    with pytest.raises(ValueError, match="offset_s"):
        recorded.RecordedOptions(offset_s=float("inf"))
