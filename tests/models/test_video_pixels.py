"""Pixels as a player shows them: colours, alpha, HDR, turns and mirrors, covers, fields, damage, changing sizes."""

from __future__ import annotations

import io
import struct
import zlib
from itertools import product

import cv2
import numpy as np
import pytest
from PIL import Image

from models.images import MediaError, is_animated
from models.types import Clip, Grid
from models.video import encode_video, frames_of, hdr, read_video, read_window, small_frames_of
from tests.models.footage import film, rolling, song, with_matrix

FINE = {"crf": "2"}


# ---- display matrix


def corners() -> np.ndarray:
    """Red, green, blue and white quarters, 64x32."""
    image = np.zeros((32, 64, 3), np.uint8)
    image[:16, :32], image[:16, 32:], image[16:, :32], image[16:, 32:] = (220, 20, 20), (20, 220, 20), (20, 20, 220), (230, 230, 230)
    return image


MATRICES = [m for m in product((-1, 0, 1), repeat=4) if abs(m[0] * m[3] - m[1] * m[2]) == 1 and sum(map(abs, m)) == 2]


@pytest.mark.parametrize("matrix", MATRICES)
def test_every_turn_and_mirror_of_the_display_matrix_is_obeyed(matrix):
    """x' = a x + c y, y' = b x + d y, as ISO 14496-12 says."""
    a, b, c, d = matrix
    data = with_matrix(encode_video(Clip(frames=np.stack([corners()] * 2), fps=8.0)), a, b, c, d)
    shown = read_video(data).frames[0]
    quarter = {(-1, -1): (220, 20, 20), (1, -1): (20, 220, 20), (-1, 1): (20, 20, 220), (1, 1): (230, 230, 230)}
    height, width = shown.shape[:2]
    assert (width, height) == ((64, 32) if a else (32, 64))
    for (x, y), colour in quarter.items():
        place = ((2 + a * x + c * y) * width // 4, (2 + b * x + d * y) * height // 4)
        assert np.abs(shown[place[1], place[0]].astype(int) - colour).max() < 12, (x, y)
    assert frames_of(data).size == (0, 0)
    small = small_frames_of(data, long_side=16)
    assert max(next(small).image.shape) == 16 and small.size == (width, height)


def test_an_oblique_turn_is_left_out_and_said():
    data = bytearray(with_matrix(encode_video(Clip(frames=np.stack([corners()] * 2), fps=8.0)), 1, 0, 0, 1))
    at = data.index(b"tkhd") + 4 + 4 + 8 + 4 + 4 + 4 + 8 + 2 * 4
    for place, value in zip((0, 1, 3, 4), (56756, 32768, -32768, 56756)):  # 30 degrees
        data[at + 4 * place : at + 4 * place + 4] = struct.pack(">i", value)
    clip = read_video(bytes(data))
    assert clip.size == (64, 32) and clip.notes == ("an oblique turn is left out",)


# ---- which stream


def with_cover(mp4: bytes) -> bytes:
    """A JPEG cover before the film's own track, as phones and shops put it."""
    jpeg = cv2.imencode(".jpg", np.full((300, 300, 3), (0, 0, 255), np.uint8))[1].tobytes()

    def box(kind: bytes, payload: bytes) -> bytes:
        return struct.pack(">I4s", len(payload) + 8, kind) + payload

    item = box(b"covr", box(b"data", struct.pack(">II", 13, 0) + jpeg))
    meta = box(b"meta", bytes(4) + box(b"hdlr", bytes(8) + b"mdirappl" + bytes(9)) + box(b"ilst", item))
    at = mp4.index(b"moov") - 4
    size, first = struct.unpack(">I", mp4[at : at + 4])[0], struct.unpack(">I", mp4[at + 8 : at + 12])[0]
    moov = mp4[at + 8 : at + 8 + first] + box(b"udta", meta) + mp4[at + 8 + first : at + size]
    return mp4[:at] + box(b"moov", moov) + mp4[at + size :]


def test_a_cover_is_not_the_film():
    data = with_cover(film("mp4", "libx264", rolling(6), options=FINE))
    clip = read_video(data)
    assert len(clip) == 6 and clip.size == (48, 32) and clip.notes == ("cover picture passed over",)
    assert read_window(data, Grid(width=48, height=32, fps=10.0, num_frames=3), 0.2)[1].notes == clip.notes


def test_a_song_with_a_cover_is_no_film():
    with pytest.raises(MediaError, match="no video stream .streams: audio, cover picture"):
        read_video(with_cover(song()))


# ---- colours


@pytest.mark.parametrize(("told", "matrix"), [(1, "bt709"), (5, "bt601"), (6, "bt601"), (9, "bt2020"), (2, "bt601")])
@pytest.mark.parametrize("full", [False, True])
def test_matrix_and_range_are_those_of_the_file(told, matrix, full):
    kr, kb = {"bt709": (0.2126, 0.0722), "bt601": (0.299, 0.114), "bt2020": (0.2627, 0.0593)}[matrix]
    rgb = np.array([200, 60, 90]) / 255
    y = kr * rgb[0] + (1 - kr - kb) * rgb[1] + kb * rgb[2]
    cb, cr = (rgb[2] - y) / (2 - 2 * kb), (rgb[0] - y) / (2 - 2 * kr)
    codes = (255 * y, 128 + 255 * cb, 128 + 255 * cr) if full else (16 + 219 * y, 128 + 224 * cb, 128 + 224 * cr)
    planes = np.concatenate([np.full(n, round(code), np.uint8) for n, code in zip((32 * 48, 16 * 24, 16 * 24), codes)]).reshape(48, 48)
    data = film(
        "mp4", "libx264", [planes] * 2, given="yuv420p", options={"crf": "0"}, colorspace=told, color_range=2 if full else 1, height=32
    )
    assert np.abs(read_video(data).frames[0, 16, 24].astype(int) - [200, 60, 90]).max() <= 2


def test_without_a_word_large_pictures_are_bt709():
    for size, kr, kb in (((576, 720), 0.299, 0.114), ((720, 1280), 0.2126, 0.0722)):
        y, u = 16 + 219 * kr * 0.8, 128 + 224 * (-kr * 0.8) / (2 - 2 * kb)
        v = 128 + 224 * (0.8 - kr * 0.8) / (2 - 2 * kr)
        n = size[0] * size[1]
        planes = np.concatenate([np.full(count, round(code), np.uint8) for count, code in zip((n, n // 4, n // 4), (y, u, v))])
        data = film(
            "matroska",
            "libx264",
            [planes.reshape(size[0] * 3 // 2, size[1])],
            given="yuv420p",
            options={"crf": "1", "preset": "ultrafast"},
            height=size[0],
        )
        assert np.abs(read_video(data).frames[0, 100, 100].astype(int) - [204, 0, 0]).max() <= 3, size


# ---- alpha


def clear_around(colour=(220, 60, 30), beneath=(0, 255, 0)) -> list[np.ndarray]:
    """RGBA: an opaque block that moves; pure green lies beneath what is clear."""
    frames = []
    for t in range(5):
        frame = np.full((32, 48, 4), (*beneath, 0), np.uint8)
        frame[8:24, 8 + 4 * t : 24 + 4 * t] = (*colour, 255)
        frames.append(frame)
    return frames


@pytest.mark.parametrize(("fmt", "codec", "pix_fmt", "options"), [
    ("webm", "libvpx-vp9", "yuva420p", {"auto-alt-ref": "0", "crf": "4"}),
    ("webm", "libvpx", "yuva420p", {"auto-alt-ref": "0", "b:v": "2M"}),
    ("mov", "prores_ks", "yuva444p10le", {"profile": "4444"}), ("mov", "qtrle", "argb", {}), ("mov", "png", "rgba", {}),
    ("apng", "apng", "rgba", {}),
])  # fmt: skip
def test_what_is_clear_goes_over_white(fmt, codec, pix_fmt, options):
    clip = read_video(film(fmt, codec, clear_around(), given="rgba", pix_fmt=pix_fmt, options=options))
    assert len(clip) == 5 and "alpha over white" in clip.notes
    for t, frame in enumerate(clip.frames.astype(int)):
        assert (frame[2, 2] > 245).all() and np.abs(frame[16, 16 + 4 * t] - (220, 60, 30)).max() < 14, t


def test_alpha_is_kept_when_a_window_begins_late():
    data = film(
        "webm",
        "libvpx-vp9",
        clear_around() * 4,
        given="rgba",
        pix_fmt="yuva420p",
        gop=4,
        options={"auto-alt-ref": "0", "lag-in-frames": "0"},
    )
    clip, _ = read_window(data, Grid(width=48, height=32, fps=10.0, num_frames=4), 1.5)
    assert (clip.frames[:, 2, 2] > 245).all() and np.array_equal(clip.frames, read_video(data).frames[15:19])


def moving(kind: str) -> bytes:
    sink, pictures = io.BytesIO(), [Image.fromarray(frame) for frame in clear_around()]
    more = {"lossless": True} if kind == "WEBP" else {"quality": 100, "subsampling": "4:4:4"} if kind == "AVIF" else {"disposal": 2}
    pictures[0].save(sink, kind, save_all=True, append_images=pictures[1:], duration=[100, 100, 100, 300, 100], loop=0, **more)
    return sink.getvalue()


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def apng(frames: list[tuple[np.ndarray, int, int]], hidden: np.ndarray) -> bytes:
    """Opaque pictures at (x, y), each laid over those before, 0.1 s each, behind a picture that is none of them."""

    def packed(image: np.ndarray) -> bytes:
        return zlib.compress(b"".join(b"\0" + row.tobytes() for row in image))

    height, width = hidden.shape[:2]
    data = b"\x89PNG\r\n\x1a\n" + png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
    data += png_chunk(b"acTL", struct.pack(">II", len(frames), 0)) + png_chunk(b"IDAT", packed(hidden))
    for number, (image, x, y) in enumerate(frames):
        place = struct.pack(">IIIIIHHBB", 2 * number, *image.shape[1::-1], x, y, 1, 10, 0, 1)
        data += png_chunk(b"fcTL", place) + png_chunk(b"fdAT", struct.pack(">I", 2 * number + 1) + packed(image))
    return data + png_chunk(b"IEND", b"")


@pytest.mark.parametrize("first", [(32, 48), (16, 20)])
def test_an_apng_whose_default_picture_is_no_frame_shows_its_frames(first):
    def plain(size: tuple[int, int], colour: tuple[int, ...]) -> np.ndarray:
        return np.full((*size, 4), (*colour, 255), np.uint8)

    frames = [(plain(first, (200, 10, 10)), 0, 0), *((plain((8, 8), (10, 10, 40 * t)), 4 * t, 2 * t) for t in range(1, 6))]
    data, canvas = apng(frames, plain((32, 48), (0, 255, 0))), np.full((32, 48, 3), 255, np.uint8)
    clip = read_video(data)
    assert (len(clip), clip.fps) == (6, 10.0) and "cover picture passed over" in clip.notes and is_animated(data)
    for shown, (image, x, y) in zip(clip.frames, frames, strict=True):
        canvas[y : y + image.shape[0], x : x + image.shape[1]] = image[..., :3]
        assert np.array_equal(shown, canvas)
    late, _ = read_window(data, Grid(width=48, height=32, fps=10.0, num_frames=2), 0.4)
    assert np.array_equal(late.frames, clip.frames[4:])
    assert not is_animated(apng(frames[:1], plain((32, 48), (0, 255, 0))))


def test_a_damaged_apng_with_a_hidden_picture_is_told_as_damaged():
    whole = apng([(np.full((32, 48, 4), 9, np.uint8), 0, 0)] * 4, np.zeros((32, 48, 4), np.uint8))
    for cut in range(30, len(whole) - 12, 7):
        try:
            assert len(read_video(whole[:cut])) <= 4
        except MediaError:
            pass


@pytest.mark.parametrize("kind", ["WEBP", "AVIF", "GIF"])
def test_moving_pictures_are_clips(kind):
    film_read = frames_of(moving(kind))
    frames = list(film_read)
    assert [round(frame.time_s, 3) for frame in frames] == [0, 0.1, 0.2, 0.3, 0.6] and film_read.size == (48, 32)
    assert all(np.abs(frame.image[16, 16 + 4 * t].astype(int) - (220, 60, 30)).max() < 40 for t, frame in enumerate(frames))
    assert all((frame.image[2, 2] > 245).all() for frame in frames) and "alpha over white" in film_read.notes
    clip, window = read_window(moving(kind), Grid(width=24, height=16, fps=10.0, num_frames=6), 0.1)
    assert clip.size == (24, 16) and window.source_size == (48, 32)


# ---- HDR


def test_the_pq_curve_has_its_known_points():
    assert hdr.pq_to_nits(np.array([0.0, 0.58069, 0.75183, 1.0])) == pytest.approx([0, 203, 1000, 10000], rel=2e-3, abs=1e-6)
    assert hdr.nits_to_pq(hdr.pq_to_nits(np.linspace(0, 1, 50))) == pytest.approx(np.linspace(0, 1, 50), abs=1e-6)
    assert hdr.hlg_to_scene(np.array([0.0, 0.5, 1.0])) == pytest.approx([0, 1 / 12, 1], abs=1e-5)


def test_the_tone_curve_keeps_the_dark_bends_the_bright_and_never_turns_back():
    nits = np.linspace(0.01, 4000, 5000)
    mapped = hdr.mapped_nits(nits)
    assert np.all(np.diff(mapped) >= -1e-6) and mapped.max() == pytest.approx(hdr.REFERENCE_WHITE_NITS, rel=1e-3)
    dark = nits < 40
    assert mapped[dark] == pytest.approx(nits[dark], rel=1e-3) and 140 < float(hdr.mapped_nits(np.array(203.0))) < 180


@pytest.mark.parametrize("transfer", [hdr.PQ, hdr.HLG])
def test_grey_stays_grey_and_reference_white_is_a_light_grey(transfer):
    codes = np.repeat(np.arange(0, 65536, 64, dtype=np.uint16)[None, :, None], 3, 2)
    shown = hdr.to_sdr(codes, transfer).astype(int)
    assert np.ptp(shown, axis=-1).max() <= 1 and np.all(np.diff(shown[0, :, 1]) >= 0)
    white = round(65535 * (0.58069 if transfer == hdr.PQ else 0.75))
    assert 215 < hdr.to_sdr(np.full((1, 1, 3), white, np.uint16), transfer)[0, 0, 1] < 245
    assert shown[0, 0].max() == 0 and shown[0, -1].min() >= 254


@pytest.mark.parametrize(("transfer", "name"), [(hdr.PQ, "PQ"), (hdr.HLG, "HLG")])
def test_high_dynamic_range_footage_is_tone_mapped_and_it_is_said(transfer, name):
    ramp = np.repeat(np.linspace(0, 255, 48).astype(np.uint8)[None, :, None].repeat(32, 0), 3, 2)
    data = film("matroska", "ffv1", [ramp] * 3, pix_fmt="yuv420p10le", colorspace=9, color_primaries=9, color_trc=transfer)
    clip = read_video(data)
    assert clip.notes == (f"{name} tone-mapped to BT.709",)
    line = clip.frames[1, 16].astype(int)
    assert np.ptp(line, axis=-1).max() <= 4 and line[-2].min() > 245 and np.all(np.diff(line[:, 1]) >= -2)
    assert line[24, 1] != pytest.approx(128, abs=8)  # not the codes as they are
    assert small_frames_of(data, long_side=24).__next__().image.shape == (16, 24, 3)


# ---- fields, damage, sizes


def test_interlaced_footage_is_deinterlaced_and_it_is_said():
    wide = [np.full((64, 96, 3), 40, np.uint8) for _ in range(16)]
    for t, picture in enumerate(wide):
        picture[16:48, 4 + 5 * t : 12 + 5 * t] = 230
    odd = (np.arange(64) % 2)[:, None, None] == 1
    fields = [np.where(odd, wide[t + 1], wide[t]) for t in range(0, 16, 2)]
    data = film("mp4", "libx264", fields, pix_fmt="yuv420p", options={"crf": "4", "flags": "+ildct+ilme", "x264-params": "tff=1"})
    clip = read_video(data)

    def combs(frames) -> float:
        rows = np.stack(frames).astype(int)[:, 18:46, :, 1]
        return float(np.abs(rows[:, 1:-1] - (rows[:, :-2] + rows[:, 2:]) / 2).mean())

    assert len(clip) == len(fields) and clip.notes == ("deinterlaced (bwdif)",)
    assert combs(clip.frames) < 0.15 * combs(fields)
    late, window = read_window(data, Grid(width=96, height=64, fps=10.0, num_frames=3), 0.5)
    assert np.array_equal(late.frames, clip.frames[5:8]) and window.notes == clip.notes


def broken(data: bytes, places: int) -> bytes:
    changed = bytearray(data)
    start = data.index(b"mdat")
    for at in np.random.default_rng(0).integers(start + 3000, len(data) - 3000, places):
        changed[at] ^= 0xFF
    return bytes(changed)


def noisy(count: int) -> bytes:
    rng = np.random.default_rng(0)
    frames = [np.clip(image.astype(int) + rng.integers(-20, 20, image.shape), 0, 255).astype(np.uint8) for image in rolling(count)]
    return film("mp4", "libx264", frames, options={"crf": "8", "bf": "0"}, gop=12)


def test_a_little_concealed_damage_is_a_note_and_much_is_a_reason():
    data = noisy(96)
    assert read_video(data).notes == ()
    little = read_video(broken(data, 10))
    assert len(little) >= 95 and little.notes[-1].startswith("damaged: ") and "frames decode with errors" in little.notes[-1]
    with pytest.raises(MediaError, match=r"damaged: \d+ of \d+ frames decode with errors; copy or export the clip anew"):
        read_video(broken(data, 60))
    with pytest.raises(MediaError, match="damaged"):
        read_window(broken(data, 60), Grid(width=48, height=32, fps=10.0, num_frames=80))


def test_a_picture_that_changes_its_size_is_fitted_into_the_first():
    small, large = (film("mpegts", "libx264", [np.full((h, w, 3), 200, np.uint8)] * 8, options=FINE) for w, h in ((48, 32), (96, 64)))
    clip = read_video(small + large)
    assert clip.size == (48, 32) and len(clip) == 16 and abs(int(clip.frames[-1].mean()) - 200) < 3
    assert "frame size changes: later frames fitted into the first one's" in clip.notes


def test_pixels_that_are_not_square_are_made_so():
    data = film("mp4", "libx264", rolling(3), options={"crf": "8", "x264-params": "sar=2/1"})
    clip = read_video(data)
    assert clip.size == (96, 32) and clip.notes == ("pixels made square",)


def test_reduced_frames_are_the_frames_reduced():
    data = film("mp4", "libx264", [cv2.resize(image, (384, 256), interpolation=cv2.INTER_CUBIC) for image in rolling(5)], options=FINE)
    whole, small = list(frames_of(data)), list(small_frames_of(data, long_side=96))
    assert [frame.time_s for frame in whole] == [frame.time_s for frame in small]
    for one, other in zip(whole, small):
        reduced = cv2.resize(one.image, (96, 64), interpolation=cv2.INTER_AREA)
        assert np.abs(reduced.astype(int) - other.image).mean() < 1.5
