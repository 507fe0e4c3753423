"""Windows that begin late are decoded from a key frame before them, and are what decoding from the start gives."""

import io
import struct
from contextlib import suppress
from fractions import Fraction

import av
import numpy as np
import pytest
from PIL import Image

from models.images import MediaError
from models.types import Grid, Origin
from models.video import TimedFrame, fit_clip, frames_of, read_video, read_window, seeking, shown
from tests.models.footage import film, numbered, rolling, with_matrix


def filmed(fmt: str, codec: str, times: list[int], base: int, gop: int, **options: str) -> bytes:
    """A moving texture, frame k shown from times[k]/base s on, a key frame every `gop` frames at least."""
    pix_fmt = {"gif": "bgr8", "mjpeg": "yuvj420p"}.get(codec, "yuv420p")
    return film(fmt, codec, rolling(len(times)), rate=base, pix_fmt=pix_fmt, times=times, gop=gop, options=options)


def from_the_start(frames: list[TimedFrame], grid: Grid, start_s: float) -> tuple[np.ndarray, float] | str:
    """The pictures of a window and the source's rate by the rule itself: of two frames the nearer in time, the last one for one gap."""
    times = [frame.time_s for frame in frames]
    limits = [(a + b) / 2 for a, b in zip(times, times[1:])]
    places = []
    for wanted in start_s + np.arange(grid.num_frames) / grid.fps:
        places.append(next((i for i, limit in enumerate(limits) if wanted <= limit + 1e-6), len(times) - 1))
    last = times[-1] - times[-2]
    if wanted > times[-1] + last - 1e-6:
        return f"too short: ends at {times[-1] + last:.2f} s"
    gaps = np.diff(times)[places[0] : places[-1] + 1]
    gap = np.sort(gaps)[(len(gaps) - 1) // 2] if len(gaps) else last
    return np.stack([frames[place].image for place in places]), round(1 / gap, 3)


def late_window(data: bytes, grid: Grid, start_s: float) -> tuple[np.ndarray, float] | str:
    try:
        clip, window = read_window(data, grid, start_s)
    except MediaError as error:
        return str(error).partition(",")[0]
    return clip.frames, window.source_fps


def differing(data: bytes, starts_s: np.ndarray, rates: tuple[float, ...] = (9.0, 30.0)) -> list[tuple]:
    """Windows that are not what decoding from the start gives."""
    frames, wrong = list(frames_of(data)), []
    for fps in rates:
        grid = Grid(width=48, height=32, fps=fps, num_frames=3)
        for start_s in starts_s:
            got, expected = late_window(data, grid, float(start_s)), from_the_start(frames, grid, float(start_s))
            same = got == expected if isinstance(got, str) or isinstance(expected, str) else got[1] == expected[1]
            if not same or not (isinstance(got, str) or np.array_equal(got[0], expected[0])):
                wrong.append((fps, start_s))
    return wrong


@pytest.fixture
def found(monkeypatch):
    """Whether each late window found a key frame to begin at."""
    answers, late = [], seeking.late_frames
    monkeypatch.setattr(seeking, "late_frames", lambda *given: (lambda got: (answers.append(got is not None), got)[1])(late(*given)))
    return answers


STEADY, HELD = list(range(40)), [0, 1, 2, 9, 10, 11, 12, 13, 20, 21, 22, 30, 31, 33, 34, 35, 36, 37, 38, 39, 40, 41]


@pytest.mark.parametrize(("fmt", "codec", "options", "seeks"), [
    ("mp4", "libx264", {}, True), ("mp4", "libx264", {"bf": "0"}, True), ("matroska", "libx264", {}, True),
    ("mp4", "libx264", {"x264-params": "open-gop=1:bframes=3"}, True), ("mp4", "libx264", {"x264-params": "intra-refresh=1"}, False),
    # x265's cutree writes outside its memory on pictures this small
    ("mp4", "libx265", {"x265-params": "log-level=none:open-gop=1:cutree=0:aq-mode=0"}, True),
    ("matroska", "mpeg2video", {"bf": "2"}, True),
    ("webm", "libvpx", {"deadline": "realtime"}, True), ("avi", "mpeg4", {}, True), ("avi", "mpeg4", {"bf": "2"}, True),
    ("avi", "libx264", {}, False), ("gif", "gif", {}, False), ("mpegts", "libx264", {}, True), ("mpegts", "libx264", {"bf": "0"}, True),
])  # fmt: skip
def test_a_late_window_is_what_decoding_from_the_start_gives(found, fmt, codec, options, seeks):
    if codec not in av.codecs_available:
        pytest.skip(f"PyAV without {codec}")
    for times, base, gop in ((STEADY, 10, 7), ([time + 37 for time in STEADY], 30, 2), (HELD, 10, 5)):
        data, end_s = filmed(fmt, codec, times, base, gop, **options), (times[-1] - times[0]) / base
        starts_s = np.append(np.linspace(0.05, end_s, 5), end_s - np.array([2, 1]) / 9)
        assert differing(data, starts_s) == [], (base, gop)
    assert any(found) == seeks


def with_edits(data: bytes, edits: list[tuple[int, int]]) -> bytes:
    """The mp4 with another edit list: (duration in ms, first tick of the medium or -1 for nothing)."""
    changed, at = bytearray(data), data.index(b"elst") - 4
    old = struct.unpack(">I", data[at : at + 4])[0]
    box = struct.pack(">I4sII", 16 + 12 * len(edits), b"elst", 0, len(edits))
    box += b"".join(struct.pack(">IiI", *edit, 1 << 16) for edit in edits)
    for outer in (b"moov", b"trak", b"edts"):
        place = data.index(outer) - 4
        changed[place : place + 4] = struct.pack(">I", struct.unpack(">I", data[place : place + 4])[0] + len(box) - old)
    changed[at : at + old] = box
    return bytes(changed)


@pytest.mark.parametrize("edits_frames", [[(30, 7)], [(7, None), (30, 3)], [(15, 20), (25, 5)], [(12, 10), (12, 10), (12, 10)]])
def test_edit_lists_change_nothing(found, edits_frames):
    for options in ({}, {"bf": "0"}):
        data = filmed("mp4", "libx264", list(range(50)), 10, 5, **options)
        with av.open(io.BytesIO(data)) as container:
            ticks = int(1 / container.streams.video[0].time_base) // 10
        edited = with_edits(data, [(100 * length, -1 if first is None else ticks * first) for length, first in edits_frames])
        assert len(list(frames_of(edited))) < 50 and differing(edited, np.linspace(0.1, 4, 14), (9.0,)) == []
    assert any(found)


def remuxed(fmt: str, data: bytes, change) -> bytes:
    sink = io.BytesIO()
    with av.open(io.BytesIO(data)) as source, av.open(sink, "w", format=fmt) as to:
        stream = to.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(packet for packet in source.demux(video=0) if packet.size):
            packet.stream = stream
            change(number, packet)
            with suppress(av.error.FFmpegError):  # of stamps that go back a muxer refuses some
                to.mux(packet)
    return sink.getvalue()


def jump(number, packet):
    packet.pts += (number == 10) * 2 * packet.time_base.denominator


def go_back(number, packet):
    if number >= 20:
        packet.pts, packet.dts = packet.pts - packet.time_base.denominator, None


@pytest.mark.parametrize("change", [jump, go_back])
def test_time_stamps_that_jump_or_go_back_change_nothing(change):
    data = remuxed("matroska", filmed("matroska", "libx264", STEADY, 10, 5, bf="0"), change)
    assert differing(data, np.linspace(0.1, 5, 16), (9.0,)) == []


@pytest.mark.parametrize("fmt", ["matroska", "mpegts"])
def test_clips_one_behind_the_other_in_one_file_change_nothing(fmt):
    data = 2 * filmed(fmt, "libx264", STEADY, 10, 7)
    assert len(list(frames_of(data))) > 40 and differing(data, np.linspace(0.1, 8, 20), (9.0,)) == []


@pytest.mark.parametrize("key", [seeking._Key(pts=1, dts=0, before=3), seeking._Key(pts=10**9, dts=10**9, before=3)])
def test_where_seeking_misses_or_fails_the_clip_is_decoded_from_its_start(found, monkeypatch, key):
    scan = seeking._scan
    monkeypatch.setattr(seeking, "_scan", lambda *given: (scan(*given)[0], key))
    assert differing(filmed("mp4", "libx264", STEADY, 10, 5), np.array([2.0, 3.1]), (9.0,)) == [] and found == [False, False]


def test_a_late_window_decodes_its_own_group_of_pictures_and_no_more(monkeypatch):
    pictures, show = [], shown.Screen.show
    monkeypatch.setattr(shown.Screen, "show", lambda *given: (pictures.append(1), show(*given))[1])
    read_window(filmed("mp4", "libx264", list(range(200)), 10, 10, bf="0"), Grid(width=48, height=32, fps=10.0, num_frames=4), 18.5)
    assert len(pictures) <= 1 + 10 + 5


def test_a_late_window_is_turned_and_says_where_it_lies(tmp_path):
    frames = np.zeros((30, 32, 64, 3), np.uint8)
    frames[:, :, :32] = 255
    path = tmp_path / "turned.mp4"
    path.write_bytes(with_matrix(film("mp4", "libx264", frames, gop=5), 0, 1, -1, 0))
    clip, window = read_window(path, Grid(width=16, height=32, fps=10.0, num_frames=3), start_s=2.5)
    assert clip.frames[:, :14].mean() > 240 and clip.frames[:, 18:].mean() < 15
    assert clip.origin == Origin(file="turned.mp4", start_s=2.5, crop=window.crop, source_size=(32, 64))


def test_one_frame_that_hangs_does_not_make_a_slow_source():
    times = [*range(20), *range(29, 40)]
    data = film("mp4", "libx264", rolling(len(times)), rate=25, times=times)
    _, window = read_window(data, Grid(width=48, height=32, fps=5.0, num_frames=5), 0.0)
    assert window.source_fps == pytest.approx(25, abs=0.01)


def test_pixels_that_are_not_square_make_a_picture_too_large(monkeypatch):
    monkeypatch.setattr("models.video.decode.MAX_PIXELS", 48 * 32 * 4)
    data = film("matroska", "libx264", rolling(3), sample_aspect_ratio=Fraction(9))
    with pytest.raises(MediaError, match="frame too large: 432x32"):
        read_window(data, Grid(width=16, height=16, fps=10.0, num_frames=2))


def test_a_moving_picture_with_rounded_durations_shows_the_same_by_every_road(tmp_path):
    frames = [Image.fromarray(frame) for frame in numbered(37).frames]
    frames[0].save(tmp_path / "a.webp", save_all=True, append_images=frames[1:], duration=[*[83, 83, 84] * 12, 83], lossless=True)
    grid = Grid(width=48, height=32, fps=24.0, num_frames=70)
    window, clip = read_window(tmp_path / "a.webp", grid)[0], fit_clip(read_video(tmp_path / "a.webp", at_fps=24.0), grid)
    assert np.array_equal(window.frames, clip.frames)
