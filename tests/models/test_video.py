"""Frame-exact video in and out: clips, windows, rates; broken and hostile files."""

import io
import os
from contextlib import suppress

import av
import numpy as np
import pytest

from models import storage
from models.box import centred_crop
from models.images import MediaError
from models.types import Clip, Grid, Origin
from models.video import (
    count_frames,
    encode_video,
    fit_clip,
    frames_of,
    read_first_frame,
    read_video,
    read_window,
    small_frames_of,
    write_video,
)
from models.video.stack import FrameStack
from tests.models.footage import film, numbered, numbers, song


def test_a_clip_comes_back_frame_by_frame_with_its_rate():
    clip = read_video(encode_video(numbered(12, fps=29.97)))
    assert numbers(clip) == list(range(12)) and clip.fps == pytest.approx(29.97, abs=0.01)


def test_the_first_frame_alone_is_that_of_the_whole_clip():
    data = encode_video(numbered(7, (51, 33)), pix_fmt="yuv420p")
    assert np.array_equal(read_first_frame(data), read_video(data).frames[0])


def test_frames_are_counted_with_and_without_decoding_them():
    data = encode_video(numbered(7))
    assert count_frames(data) == count_frames(data, decode=False) == 7
    spoilt = bytearray(data)
    begin = data.index(b"mdat") + 4
    spoilt[begin + 4 :] = b"\xff" * (len(spoilt) - begin - 4)
    with pytest.raises(MediaError):
        count_frames(bytes(spoilt))
    for read in (count_frames, read_first_frame):
        with pytest.raises(MediaError):
            read(b"no film")


def test_variable_rate_follows_presentation_times():
    data = film("mp4", "libx264", numbered(6).frames, rate=100, times=[0, 10, 20, 60, 70, 80], options={"crf": "4", "bf": "0"})
    clip, _ = read_window(data, Grid(width=48, height=32, fps=10.0, num_frames=8))
    assert numbers(clip) == [0, 1, 2, 2, 2, 3, 3, 4]  # frame 2 stands for 0.4 s, of two equally near the earlier


def test_windows_take_the_nearest_frames_up_and_down():
    data = encode_video(numbered(20, fps=20.0))
    half, window = read_window(data, Grid(width=48, height=32, fps=10.0, num_frames=5), start_s=0.2)
    assert numbers(half) == [4, 6, 8, 10, 12] and window.source_fps == pytest.approx(20, abs=0.01)
    double, _ = read_window(data, Grid(width=48, height=32, fps=40.0, num_frames=6))
    assert numbers(double)[::2] == [0, 1, 2]


def test_the_last_frame_may_be_used_to_its_end_and_no_longer():
    data = encode_video(numbered(6, fps=8.0))
    assert numbers(read_window(data, Grid(width=48, height=32, fps=8.0, num_frames=6))[0]) == list(range(6))
    with pytest.raises(MediaError, match="too short: ends at 0.75 s, the window needs 0.75 s"):
        read_window(data, Grid(width=48, height=32, fps=8.0, num_frames=7))


def test_the_crop_is_centred_and_recorded():
    assert centred_crop((160, 90), (48, 48)) == (35, 0, 90, 90)
    assert centred_crop((90, 160), (2, 1)) == (0, 57, 90, 45)
    clip, window = read_window(encode_video(numbered(3, (64, 32))), Grid(width=16, height=16, fps=10.0, num_frames=2))
    assert clip.size == (16, 16) and window.crop == (16, 0, 32, 32) and window.source_size == (64, 32)


def test_fit_clip_holds_the_last_frame_of_a_short_clip():
    grid = Grid(width=48, height=32, fps=10.0, num_frames=6)
    assert numbers(fit_clip(numbered(4), grid)) == [0, 1, 2, 3, 3, 3]


@pytest.mark.parametrize("data,reason", [
    (b"", "empty file|not a readable video"), (b"plain text, renamed" * 40, "not a readable video"),
    (b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/hostname\n", "not a readable video"),
    (b"ffconcat version 1.0\nfile /etc/hostname\n", "not a readable video"),
])  # fmt: skip
def test_what_is_no_video_is_refused_with_a_reason(tmp_path, data, reason):
    path = tmp_path / "x.mp4"
    path.write_bytes(data)
    for source in (path, data):
        with pytest.raises(MediaError, match=reason) as caught:
            read_video(source)
        assert str(tmp_path) not in str(caught.value)


def test_truncated_files_are_refused_or_end_early_never_hang(tmp_path):
    data = encode_video(numbered(20))
    write_video(tmp_path / "moov_last.mp4", numbered(20))
    with (
        av.open(str(tmp_path / "moov_last.mp4")) as source,
        av.open(str(tmp_path / "moov_first.mp4"), "w", options={"movflags": "+faststart"}) as to,
    ):
        stream = to.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                to.mux(packet)
    for whole in (data, (tmp_path / "moov_first.mp4").read_bytes()):
        for share in (0.1, 0.5, 0.9):
            with pytest.raises(MediaError):
                read_window(whole[: int(len(whole) * share)], Grid(width=48, height=32, fps=10.0, num_frames=20))


def test_audio_only_is_refused_with_its_streams():
    with pytest.raises(MediaError, match="no video stream.*audio"):
        read_video(song())


def test_one_frame_is_a_clip_and_too_short_for_any_window():
    data = encode_video(numbered(1))
    assert len(read_video(data)) == 1 and read_video(data).size == (48, 32)
    with pytest.raises(MediaError, match="too short"):
        read_window(data, Grid(width=48, height=32, fps=8.0, num_frames=6))


def test_writing_leaves_no_draft_behind(tmp_path):
    write_video(tmp_path / "a" / "b.mp4", numbered(2))
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b.mp4"]


@pytest.mark.parametrize("crop", [(0, 0, 640, 480), (100, 40, 320, 240)])
def test_fit_clip_says_its_crop_in_pixels_of_the_source(crop):
    origin = Origin(file="a.mp4", start_s=1.5, crop=crop, source_size=(640, 480))
    clip = Clip(frames=numbered(4, (64, 48)).frames, fps=10.0, origin=origin)
    fitted = fit_clip(clip, Grid(width=24, height=24, fps=10.0, num_frames=3))
    x, y, w, h = crop
    assert fitted.origin == Origin(file="a.mp4", start_s=1.5, crop=(x + w // 8, y, h, h), source_size=(640, 480))
    assert fit_clip(numbered(4), Grid(width=24, height=24, fps=10.0, num_frames=3)).origin is None
    whole = fit_clip(clip, Grid(width=64, height=48, fps=5.0, num_frames=2))
    assert whole.origin == origin


# ---- any place, any kind of source


def test_a_film_is_read_from_a_path_its_bytes_an_open_file_and_a_url(tmp_path):
    data, path = encode_video(numbered(8)), tmp_path / "a b:c.mp4"
    path.write_bytes(data)
    storage.write_bytes("memory://clips/a.mp4", data)
    grid = Grid(width=48, height=32, fps=10.0, num_frames=3)
    for source in (path, str(path), f"file://{path}", data, io.BytesIO(data), "memory://clips/a.mp4"):
        assert numbers(read_video(source)) == list(range(8))
        assert numbers(read_window(source, grid, 0.4)[0]) == [4, 5, 6]
    assert read_video("memory://clips/a.mp4").origin.file == "a.mp4" and read_video(data).origin is None


def test_pipes_devices_and_folders_are_refused_at_once(tmp_path):
    os.mkfifo(tmp_path / "pipe.mp4")
    for source, reason in ((tmp_path / "pipe.mp4", "not a regular file"), ("/dev/zero", "not a regular file"), (tmp_path, "a folder")):
        with pytest.raises(MediaError, match=reason) as caught:
            read_video(source)
        assert str(tmp_path) not in str(caught.value)
    with pytest.raises(FileNotFoundError):
        read_video(tmp_path / "nothing.mp4")


def test_a_file_cannot_make_another_one_open(tmp_path):
    """A QuickTime file may refer to its samples in another file; they are not fetched."""
    secret = tmp_path / "secret.mp4"
    write_video(secret, numbered(3))
    (tmp_path / "list.mp4").write_text(f"ffconcat version 1.0\nfile {secret.name}\n")
    (tmp_path / "list.ts").write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{secret.name}\n#EXT-X-ENDLIST\n")
    (tmp_path / "s%d.mp4").write_text("<?xml version='1.0'?><MPD xmlns='urn:mpeg:dash:schema:mpd:2011'></MPD>")
    for name in ("list.mp4", "list.ts", "s%d.mp4"):
        with pytest.raises(MediaError):
            read_video(tmp_path / name)


def test_a_file_nobody_here_decodes_says_how_to_convert_it(tmp_path):
    path = tmp_path / "a.m3u8"
    path.write_text("#EXTM3U\n")
    with pytest.raises(MediaError, match="not a readable video .*; convert it with: ffmpeg -i FILE out.mp4"):
        read_video(path)


@pytest.mark.parametrize(("fmt", "codec", "ending"), [
    ("mpegts", "libx264", "m2ts"), ("3gp", "libx264", "3gp"), ("asf", "wmv2", "wmv"), ("flv", "flv", "flv"), ("vob", "mpeg2video", "vob"),
    ("mxf", "mpeg2video", "mxf"), ("yuv4mpegpipe", "wrapped_avframe", "y4m"), ("ivf", "libvpx", "ivf"), ("avi", "mjpeg", "avi"),
    ("nut", "ffv1", "nut"), ("h264", "libx264", "h264"), ("apng", "apng", "apng"), ("gif", "gif", "gif"),
])  # fmt: skip
def test_whatever_the_decoder_knows_is_read(fmt, codec, ending, tmp_path):
    pix_fmt = {"mjpeg": "yuvj420p", "apng": "rgb24", "gif": "bgr8"}.get(codec, "yuv420p")
    path = tmp_path / f"a.{ending}"
    path.write_bytes(film(fmt, codec, [np.full((64, 96, 3), 20 * k, np.uint8) for k in range(10)], rate=25, pix_fmt=pix_fmt))
    clip = read_video(path)
    assert len(clip) == 10 and clip.size == (96, 64) and np.abs(clip.frames.mean((1, 2, 3)) - 20 * np.arange(10)).max() < 6


def test_a_film_knows_its_size_rate_and_end_once_it_is_read():
    data = encode_video(numbered(6, fps=8.0))
    for read in (frames_of(data), small_frames_of(data, long_side=24)):
        assert len(list(read)) == read.frames_seen == 6
        assert (read.size, read.fps, read.end_s, read.notes) == ((48, 32), 8.0, 0.75, ())


@pytest.mark.parametrize(("fmt", "begun", "said"), [("mp4", 0, "40 frames of"), ("matroska", 29, "30 frames or more of")])
def test_a_clip_too_heavy_is_refused_before_it_is_held_where_the_header_says_so(fmt, begun, said, monkeypatch):
    data = film(fmt, "libx264", [np.full((64, 96, 3), k, np.uint8) for k in range(40)])
    monkeypatch.setenv("ACTORFORGE_MAX_CLIP_GIB", str(29.5 * 64 * 96 * 3 / 2**30))
    held, add = [], FrameStack.add
    monkeypatch.setattr(FrameStack, "add", lambda stack, image: (held.append(image), add(stack, image)))
    with pytest.raises(MediaError, match=f"^{said} 96x64 px are .* GiB decoded, at most .*; cut the film, or raise ACTORFORGE_MAX"):
        read_video(data)
    assert len(held) == begun and len(read_window(data, Grid(width=96, height=64, fps=5.0, num_frames=4))[0]) == 4
    monkeypatch.setenv("ACTORFORGE_MAX_CLIP_GIB", "much")
    with pytest.raises(ValueError, match="ACTORFORGE_MAX_CLIP_GIB: got 'much', expected GiB > 0"):
        read_video(data)


@pytest.mark.parametrize(("fmt", "codec"), [("mp4", "libx264"), ("mpegts", "libx264"), ("avi", "mjpeg"), ("asf", "wmv2"), ("apng", "apng")])
def test_whatever_damage_provokes_is_a_reason(fmt, codec):
    """Bytes overwritten at random, in the header above all: a clip comes out, or a MediaError, and nothing else."""
    pix_fmt, rng = {"mjpeg": "yuvj420p", "apng": "rgb24"}.get(codec, "yuv420p"), np.random.default_rng(5)
    data = film(fmt, codec, numbered(6).frames, pix_fmt=pix_fmt)
    for trial in range(25):
        broken = bytearray(data[: rng.integers(1, len(data)) if trial % 5 == 0 else None])
        for at in rng.integers(0, min(len(broken), 500 if trial % 2 else len(broken)), 6):
            broken[at] = rng.integers(256)
        for read in (read_video, lambda given: read_window(given, Grid(width=16, height=16, fps=10.0, num_frames=3), 0.2)):
            with suppress(MediaError):
                read(bytes(broken))
