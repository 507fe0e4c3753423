"""What names promise."""

from __future__ import annotations

import subprocess
import sys

import pytest

from models.endings import IMAGE_SUFFIXES, MAY_MOVE, VIDEO_SUFFIXES, advice_for, kind_of, suffix_of


@pytest.mark.parametrize(("name", "kind"), [
    ("a.MP4", "clip"), ("b/c.m2ts", "clip"), ("x.3gp", "clip"), ("s3://b/a.WebM?versionId=2", "clip"), ("a.gif", "clip"),
    ("a.jfif", "image"), ("a.webp", "image"), ("dir.mp4/a.AVIF", "image"), ("a.mp4.part", "unknown"),
    ("noending", "unknown"), (".mp4", "unknown"), ("a.heic", "unknown"),
])  # fmt: skip
def test_kinds(name, kind):
    assert kind_of(name) == kind


def test_every_ending_is_small_has_a_dot_and_no_ending_is_both_known_and_advised():
    for suffix in IMAGE_SUFFIXES | VIDEO_SUFFIXES | MAY_MOVE:
        assert suffix == suffix.lower() and suffix[0] == "." and advice_for(suffix) == ""
    assert MAY_MOVE <= IMAGE_SUFFIXES | VIDEO_SUFFIXES


def test_advice_names_a_command():
    assert "magick" in advice_for(".HEIC") and "djxl" in advice_for(".jxl") and "ffmpeg" in advice_for(".m3u8") and advice_for(".xyz") == ""
    assert suffix_of("a\\b.MOV") == ".mov" and suffix_of("what?.mp4") == ".mp4"


def test_names_are_looked_at_without_loading_decoders():
    code = "import sys, models.endings; print(sorted({'av', 'cv2', 'PIL', 'torch'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
