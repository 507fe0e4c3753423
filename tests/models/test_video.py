"""Frame-exact video in and out: rates, rotation, odd sizes, broken and hostile files; images of every kind."""

import io
import zlib
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from PIL import Image, ImageOps

from models.images import MediaError, centred_crop, encode_image, read_image
from models.types import Clip, Grid
from models.video import encode_video, fit_clip, probe, read_video, read_window, write_video


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


def test_rotation_metadata_is_applied(tmp_path):
    frames = np.zeros((2, 32, 64, 3), np.uint8)
    frames[:, :, :32] = 255
    data = bytearray(encode_video(Clip(frames=frames, fps=8.0)))
    at = data.index(b"tkhd") + 4 + 4 + 8 + 4 + 4 + 4 + 8 + 2 * 4  # version/flags, times, id, reserved, duration, reserved, layer..volume
    turn = [0, 0x10000, 0, -0x10000 & 0xFFFFFFFF, 0, 0, 0, 0, 0x40000000]  # 90 degrees clockwise
    data[at : at + 36] = b"".join(v.to_bytes(4, "big") for v in turn)
    image = read_video(bytes(data)).frames[0]
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
