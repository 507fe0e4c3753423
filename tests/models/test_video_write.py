"""What is written plays everywhere, says what its colours mean, and comes back as it was."""

import io
import struct

import av
import numpy as np
import pytest

from models.types import Clip
from models.video import PIX_FMTS, encode_video, read_video, write_video
from models.video.comment import comment_for, shown_size
from tests.models.footage import numbered, numbers, rolling


@pytest.mark.parametrize("pix_fmt", PIX_FMTS)
@pytest.mark.parametrize("size", [(48, 32), (51, 33), (16, 16), (47, 48), (48, 47)])
def test_every_size_comes_back_in_both_formats(size, pix_fmt):
    clip = read_video(encode_video(numbered(3, size), pix_fmt=pix_fmt))
    assert clip.size == size and numbers(clip) == [0, 1, 2] and clip.notes == ()


def test_an_odd_picture_lies_in_an_even_raster_filled_up_by_its_edge():
    image = np.zeros((33, 51, 3), np.uint8)
    image[-1], image[:, -1] = 200, 200
    with av.open(io.BytesIO(encode_video(Clip(frames=np.stack([image] * 2), fps=8.0), pix_fmt="yuv420p"))) as container:
        frame = next(container.decode(video=0)).to_ndarray(format="rgb24")
    assert frame.shape == (34, 52, 3) and frame[-1].min() > 150 and frame[:, -1].min() > 150


def test_a_comment_shows_less_by_one_row_or_column_only():
    assert shown_size(comment_for((51, 33)), (52, 34)) == (51, 33)
    assert shown_size("", (52, 34)) == shown_size(comment_for((20, 10)), (52, 34)) == shown_size("show 1x1", (52, 34)) == (52, 34)


@pytest.mark.parametrize("pix_fmt", PIX_FMTS)
def test_matrix_primaries_transfer_and_range_are_tagged_and_meant(pix_fmt):
    colours = np.array([[220, 30, 40], [30, 200, 60], [40, 60, 210], [128, 128, 128]], np.uint8)
    frames = np.stack([np.full((32, 48, 3), colour, np.uint8) for colour in colours])
    data = encode_video(Clip(frames=frames, fps=8.0), pix_fmt=pix_fmt)
    with av.open(io.BytesIO(data)) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_primaries, context.color_trc, context.color_range) == (1, 1, 1, 1)
        assert context.pix_fmt == pix_fmt
        luma = [frame.to_ndarray(format=pix_fmt).ravel()[:100].mean() for frame in container.decode(video=0)]
    r, g, b = colours.astype(float).T / 255
    assert luma == pytest.approx(16 + 219 * (0.2126 * r + 0.7152 * g + 0.0722 * b), abs=1.5)
    assert np.abs(read_video(data).frames.mean((1, 2)) - colours).max() < 3


@pytest.mark.parametrize("pix_fmt", PIX_FMTS)
def test_the_index_lies_before_the_pictures_and_equal_clips_give_equal_bytes(pix_fmt):
    clip = Clip(frames=np.stack(rolling(6)), fps=8.0)
    data = encode_video(clip, pix_fmt=pix_fmt)
    assert data == encode_video(clip, pix_fmt=pix_fmt)
    at, kinds = 0, []
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at : at + 8])
        kinds.append(kind)
        at += size
    assert kinds.index(b"moov") < kinds.index(b"mdat") and at == len(data)


def test_loss_stays_small_and_colour_loses_more_in_420():
    noise = np.random.default_rng(0).integers(60, 190, (5, 32, 48, 3), dtype=np.uint8)
    lost = [
        np.abs(read_video(encode_video(Clip(frames=noise, fps=8.0), pix_fmt=kind)).frames.astype(int) - noise).mean() for kind in PIX_FMTS
    ]
    assert lost[0] < 3 < lost[1]


def test_another_pixel_format_is_refused():
    with pytest.raises(ValueError, match="pix_fmt: got 'rgb24', expected one of yuv444p, yuv420p"):
        encode_video(numbered(2), pix_fmt="rgb24")


def test_writing_leaves_no_draft_behind(tmp_path):
    write_video(tmp_path / "a" / "b.mp4", numbered(2))
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.mp4"]
