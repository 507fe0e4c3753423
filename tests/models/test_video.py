"""Frame-exact video in and out: rates, rotation, odd sizes, broken and hostile files; images of every kind."""

import io
import struct
import zlib
from contextlib import suppress
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from models import video
from models.images import MediaError, centred_crop, encode_image, read_image
from models.types import Clip, Grid, Origin
from models.video import TimedFrame, encode_video, fit_clip, frames_of, probe, read_video, read_window, write_video


def numbered(count: int, size=(48, 32), fps: float = 10.0) -> Clip:
    """Frames that carry their number as a grey level, 8 levels apart, so that a wrong frame cannot hide."""
    frames = np.repeat(np.arange(count, dtype=np.uint8) * 8 + 10, size[0] * size[1] * 3).reshape(count, size[1], size[0], 3)
    return Clip(frames=frames, fps=fps)


def numbers(clip: Clip) -> list[int]:
    return [round((float(frame.mean()) - 10) / 8) for frame in clip.frames]


def with_times(times: list[int], base: int = 100) -> bytes:
    """An mp4 whose frame k (number k) is shown from times[k]/base s on."""
    sink = io.BytesIO()
    with av.open(sink, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=base)
        stream.width, stream.height, stream.pix_fmt = 48, 32, "yuv444p"
        stream.codec_context.time_base = Fraction(1, base)
        stream.options = {"crf": "4", "bf": "0"}
        for time, image in zip(times, numbered(len(times)).frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            frame.pts, frame.time_base = time, Fraction(1, base)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return sink.getvalue()


def test_a_clip_comes_back_frame_by_frame_with_its_rate():
    clip = read_video(encode_video(numbered(12, fps=29.97)))
    assert numbers(clip) == list(range(12)) and clip.fps == pytest.approx(29.97, abs=0.01)


@pytest.mark.parametrize("size", [(48, 32), (51, 33), (16, 16), (47, 48)])
def test_odd_sizes_survive_in_444_and_are_padded_by_one_in_420(size):
    clip = numbered(3, size)
    assert read_video(encode_video(clip)).size == size
    assert read_video(encode_video(clip, pix_fmt="yuv420p")).size == (size[0] + size[0] % 2, size[1] + size[1] % 2)


def test_equal_clips_give_equal_bytes_and_loss_stays_small():
    noise = np.random.default_rng(0).integers(60, 190, (5, 32, 48, 3), dtype=np.uint8)
    clip = Clip(frames=noise, fps=8.0)
    assert encode_video(clip) == encode_video(clip)
    assert np.abs(read_video(encode_video(clip)).frames.astype(int) - noise).mean() < 3


def test_variable_rate_follows_presentation_times():
    data = with_times([0, 10, 20, 60, 70, 80])  # frame 2 is shown for 0.4 s
    clip, _ = read_window(data, Grid(width=48, height=32, fps=10.0, num_frames=8))
    assert numbers(clip) == [0, 1, 2, 2, 2, 3, 3, 4] or numbers(clip) == [0, 1, 2, 2, 3, 3, 3, 4]


def test_windows_take_the_nearest_frames_up_and_down():
    data = encode_video(numbered(20, fps=20.0))
    half, window = read_window(data, Grid(width=48, height=32, fps=10.0, num_frames=5), start_s=0.2)
    assert numbers(half) == [4, 6, 8, 10, 12] and window.source_fps == pytest.approx(20, abs=0.01)
    double, _ = read_window(data, Grid(width=48, height=32, fps=40.0, num_frames=6))
    assert numbers(double)[::2] == [0, 1, 2]


def test_the_last_frame_may_be_used_to_its_end_and_no_longer():
    data = encode_video(numbered(6, fps=8.0))
    assert numbers(read_window(data, Grid(width=48, height=32, fps=8.0, num_frames=6))[0]) == list(range(6))
    with pytest.raises(MediaError, match="too short: ends at 0.62 s, the window needs 0.88 s"):
        read_window(data, Grid(width=48, height=32, fps=8.0, num_frames=8))


def test_the_crop_is_centred_and_recorded():
    assert centred_crop((160, 90), (48, 48)) == (35, 0, 90, 90)
    assert centred_crop((90, 160), (2, 1)) == (0, 57, 90, 45)
    clip, window = read_window(encode_video(numbered(3, (64, 32))), Grid(width=16, height=16, fps=10.0, num_frames=2))
    assert clip.size == (16, 16) and window.crop == (16, 0, 32, 32) and window.source_size == (64, 32)


def turned(mp4: bytes) -> bytes:
    """The same file, to be shown a quarter turn clockwise."""
    data = bytearray(mp4)
    at = data.index(b"tkhd") + 4 + 4 + 8 + 4 + 4 + 4 + 8 + 2 * 4  # version/flags, times, id, reserved, duration, reserved, layer..volume
    turn = [0, 0x10000, 0, -0x10000 & 0xFFFFFFFF, 0, 0, 0, 0, 0x40000000]  # 90 degrees clockwise
    data[at : at + 36] = b"".join(v.to_bytes(4, "big") for v in turn)
    return bytes(data)


def test_rotation_metadata_is_applied():
    frames = np.zeros((2, 32, 64, 3), np.uint8)
    frames[:, :, :32] = 255
    image = read_video(turned(encode_video(Clip(frames=frames, fps=8.0)))).frames[0]
    assert image.shape == (64, 32, 3) and image[:28].mean() > 240 and image[36:].mean() < 15


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
    sink = io.BytesIO()
    with av.open(sink, "w", format="mp4") as container:
        stream = container.add_stream("aac", rate=8000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 2048), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(MediaError, match="no video stream.*audio"):
        read_video(sink.getvalue())


def test_one_frame_is_a_clip_and_too_short_for_any_window():
    data = encode_video(numbered(1))
    assert len(read_video(data)) == 1 and probe(data).size == (48, 32)
    with pytest.raises(MediaError, match="too short"):
        read_window(data, Grid(width=48, height=32, fps=8.0, num_frames=6))


def test_images_of_every_kind_become_8_bit_rgb(tmp_path):
    red = np.zeros((6, 8, 3), np.uint8)
    red[..., 2] = 200  # OpenCV writes BGR

    def png(array):
        return cv2.imencode(".png", array)[1].tobytes()

    assert read_image(png(red)).image[0, 0].tolist() == [200, 0, 0] and read_image(png(red)).notes == ()
    deep = read_image(png(red.astype(np.uint16) * 257))
    assert deep.image[0, 0].tolist() == [200, 0, 0] and "uint16 to 8 bit" in deep.notes
    clear = read_image(png(np.dstack([red, np.zeros((6, 8), np.uint8)])))
    assert clear.image[0, 0].tolist() == [255, 255, 255] and "alpha over white" in clear.notes
    assert read_image(png(red[..., 2])).image.shape == (6, 8, 3)
    assert read_image(png(np.zeros((4000, 4000, 3), np.uint8))).image.shape == (4000, 4000, 3)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA"])
def test_exif_rotation_is_applied_to_every_kind_of_image(mode):
    upright = np.zeros((20, 40), np.uint8)
    upright[:, :20] = 255
    for orientation in range(1, 9):
        sink, exif = io.BytesIO(), Image.Exif()
        exif[0x0112] = orientation
        Image.fromarray(upright).convert(mode).save(sink, "PNG" if mode == "RGBA" else "JPEG", exif=exif)
        expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(sink.getvalue()))).convert("L")).astype(int)
        picture = read_image(sink.getvalue())
        assert picture.image.shape[:2] == expected.shape and np.abs(picture.image[..., 0] - expected).mean() < 2, (mode, orientation)
        assert ("EXIF rotation applied" in picture.notes) == (orientation > 1)


def test_a_bomb_is_refused_by_its_header():
    ihdr = b"IHDR" + (30000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    data = b"\x89PNG\r\n\x1a\n" + (13).to_bytes(4, "big") + ihdr + zlib.crc32(ihdr).to_bytes(4, "big") + b"\0" * 40
    with pytest.raises(MediaError, match="too large|not a readable image"):
        read_image(data)


@pytest.mark.parametrize("data", [b"", b"no image", b"\x89PNG\r\n\x1a\n" + b"\0" * 30])
def test_what_is_no_image_is_refused(data):
    with pytest.raises(MediaError):
        read_image(data)


def test_png_round_trip_is_exact():
    image = np.random.default_rng(0).integers(0, 255, (9, 7, 3), dtype=np.uint8)
    assert np.array_equal(read_image(encode_image(image)).image, image)


def test_writing_leaves_no_draft_behind(tmp_path):
    write_video(tmp_path / "a" / "b.mp4", numbered(2))
    assert [p.name for p in (tmp_path / "a").iterdir()] == ["b.mp4"]


# ---- windows that begin late: decoded from a key frame, equal to decoding from the start


def filmed(fmt: str, codec: str, times: list[int], base: int, gop: int, **options: str) -> bytes:
    """A moving texture, frame k shown from times[k]/base s on, a key frame every `gop` frames at least."""
    sink, texture = io.BytesIO(), np.random.default_rng(1).integers(0, 255, (32, 48, 3), dtype=np.uint8) // 2
    with av.open(sink, "w", format=fmt) as container:
        stream = container.add_stream(codec, rate=base)
        stream.width, stream.height = 48, 32
        stream.pix_fmt = {"gif": "bgr8", "mjpeg": "yuvj420p"}.get(codec, "yuv420p")
        stream.codec_context.time_base, stream.codec_context.gop_size = Fraction(1, base), gop
        stream.codec_context.options = options
        for number, time in enumerate(times):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(np.roll(texture, 3 * number, 1)), format="rgb24")
            frame = frame.reformat(format="bgr8") if codec == "gif" else frame
            frame.pts, frame.time_base = time, Fraction(1, base)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return sink.getvalue()


def from_the_start(frames: list[TimedFrame], grid: Grid, start_s: float) -> tuple[np.ndarray, float] | str:
    """The pictures of a window and the source's rate by the rule itself: of two frames the nearer in time, the last one for one gap."""
    times = [frame.time_s for frame in frames]
    limits = [(a + b) / 2 for a, b in zip(times, times[1:])]
    places = []
    for wanted in start_s + np.arange(grid.num_frames) / grid.fps:
        places.append(next((i for i, limit in enumerate(limits) if wanted <= limit + 1e-9), len(times) - 1))
    gap = times[min(places[-1], len(times) - 2) + 1] - times[min(places[-1], len(times) - 2)]
    if wanted > times[-1] + gap + 1e-9:
        return f"too short: ends at {times[-1]:.2f} s"
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
    answers, late = [], video._late_frames
    monkeypatch.setattr(video, "_late_frames", lambda *given: (lambda got: (answers.append(got is not None), got)[1])(late(*given)))
    return answers


STEADY, HELD = list(range(40)), [0, 1, 2, 9, 10, 11, 12, 13, 20, 21, 22, 30, 31, 33, 34, 35, 36, 37, 38, 39, 40, 41]


@pytest.mark.parametrize(("fmt", "codec", "options", "seeks"), [
    ("mp4", "libx264", {}, True), ("mp4", "libx264", {"bf": "0"}, True), ("matroska", "libx264", {}, True),
    ("mp4", "libx264", {"x264-params": "open-gop=1:bframes=3"}, True), ("mp4", "libx264", {"x264-params": "intra-refresh=1"}, False),
    # x265's cutree writes outside its memory on pictures this small
    ("mp4", "libx265", {"x265-params": "log-level=none:open-gop=1:cutree=0:aq-mode=0"}, True),
    ("matroska", "mpeg2video", {"bf": "2"}, True),
    ("webm", "libvpx", {"deadline": "realtime"}, True), ("avi", "mpeg4", {}, True), ("avi", "mpeg4", {"bf": "2"}, True),
    ("avi", "libx264", {}, False), ("gif", "gif", {}, False), ("mpegts", "libx264", {}, False),
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


@pytest.mark.parametrize("key", [video._Key(pts=1, dts=0, before=3), video._Key(pts=10**9, dts=10**9, before=3)])
def test_where_seeking_misses_or_fails_the_clip_is_decoded_from_its_start(found, monkeypatch, key):
    scan = video._scan
    monkeypatch.setattr(video, "_scan", lambda *given: (scan(*given)[0], key))
    assert differing(filmed("mp4", "libx264", STEADY, 10, 5), np.array([2.0, 3.1]), (9.0,)) == [] and found == [False, False]


def test_a_late_window_decodes_its_own_group_of_pictures_and_no_more(monkeypatch):
    shown, square = [], video._square_pixels
    monkeypatch.setattr(video, "_square_pixels", lambda *given: (shown.append(1), square(*given))[1])
    read_window(filmed("mp4", "libx264", list(range(200)), 10, 10, bf="0"), Grid(width=48, height=32, fps=10.0, num_frames=4), 18.5)
    assert len(shown) <= 1 + 10 + 5


def test_a_late_window_is_turned_and_says_where_it_lies(tmp_path):
    frames = np.zeros((30, 32, 64, 3), np.uint8)
    frames[:, :, :32] = 255
    path = tmp_path / "turned.mp4"
    path.write_bytes(turned(filmed_clip(Clip(frames=frames, fps=10.0))))
    clip, window = read_window(path, Grid(width=16, height=32, fps=10.0, num_frames=3), start_s=2.5)
    assert clip.frames[:, :14].mean() > 240 and clip.frames[:, 18:].mean() < 15
    assert clip.origin == Origin(file="turned.mp4", start_s=2.5, crop=window.crop, source_size=(32, 64))


def filmed_clip(clip: Clip) -> bytes:
    """`clip` with a key frame every five frames."""
    sink = io.BytesIO()
    with av.open(sink, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=int(clip.fps))
        (stream.width, stream.height), stream.pix_fmt, stream.codec_context.gop_size = clip.size, "yuv420p", 5
        for image in clip.frames:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")))
        container.mux(stream.encode(None))
    return sink.getvalue()


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
