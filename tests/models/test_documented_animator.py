"""The guide's own code runs as written: the animator of yours, and drivers drawn from motion capture."""

import re
from pathlib import Path

import numpy as np

from models.animators.load import load_animator
from models.animators.registry import ANIMATORS
from models.option_help import described
from models.stated import capabilities_of, options_of
from models.types import AnimationRequest, Clip
from models.video import read_video
from tests.models.test_pose_tracks import bvh

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "animators.md"


def block(mark: str) -> str:
    return next(text for text in re.findall(r"```python\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL) if mark in text)


def test_the_animator_of_the_guide_runs_as_written(tmp_path, monkeypatch):
    (tmp_path / "guide_tinted.py").write_text(block("def create"))
    monkeypatch.syspath_prepend(str(tmp_path))
    name = "guide_tinted:create"
    stated = capabilities_of(name, ANIMATORS)
    assert (stated.kind, stated.size.multiple, stated.frames.fps, stated.subjects) == ("weightless", 32, 12.0, 1)
    assert [(each.name, each.help) for each in described(options_of(name, ANIMATORS))] == [
        ("strength", "share of the reference's colour, 0 to 1")
    ]
    animator = load_animator(name, ANIMATORS, options={"strength": "0.25"})
    driving = Clip(frames=np.full((4, 32, 32, 3), 100, np.uint8), fps=8.0)
    reference = np.full((32, 32, 3), 200, np.uint8)
    answer = animator.animate(AnimationRequest(id="a", reference=reference, driving=driving, size=(32, 32), num_frames=4, seed=0))
    assert (len(answer.clip), answer.clip.size, answer.clip.fps) == (4, (32, 32), 8.0)
    assert (answer.clip.frames == 125).all() and "painted at 64x64 px; driver at 12 fps" in answer.provenance["note"]


def test_drivers_are_drawn_from_motion_capture_as_written(tmp_path, monkeypatch):
    (tmp_path / "motion").mkdir()
    (tmp_path / "motion" / "wave.bvh").write_text(bvh(turns=({}, {}, {})))
    monkeypatch.chdir(tmp_path)
    exec(compile(block("mocap_track"), "guide", "exec"), {})
    clip = read_video("drivers/wave.mp4")
    assert (len(clip), clip.size) == (3, (512, 512)) and clip.frames.max() > 100
