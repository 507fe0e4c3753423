"""Images of every kind become 8-bit RGB, upright and opaque, in sRGB; hostile ones are refused."""

from __future__ import annotations

import io
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms, ImageOps

from models import storage
from models.images import MediaError, encode_image, is_animated, read_image

BLOCKS = np.kron(np.array([[[220, 30, 40], [30, 200, 60]], [[40, 60, 210], [235, 235, 225]]], np.uint8), np.ones((16, 24, 1), np.uint8))


def saved(image: Image.Image, kind: str, **more) -> bytes:
    sink = io.BytesIO()
    image.save(sink, kind, **more)
    return sink.getvalue()


def off(data: bytes) -> float:
    return float(np.abs(read_image(data).image.astype(int) - BLOCKS).mean())


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


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "TIFF", "AVIF"])
def test_exif_rotation_is_applied_once_in_every_format(kind):
    for orientation in range(1, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        data = saved(Image.fromarray(BLOCKS), kind, exif=exif, **({"quality": 100} if kind in ("JPEG", "WEBP", "AVIF") else {}))
        expected = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))).convert("RGB")).astype(int)
        picture = read_image(data)
        assert picture.image.shape == expected.shape and np.abs(picture.image - expected).mean() < 3, (kind, orientation)
        assert ("EXIF rotation applied" in picture.notes) == (orientation > 1)


@pytest.mark.parametrize("mode", ["CMYK", "I;16", "RGBA"])
def test_exif_rotation_is_applied_once_to_every_kind_of_tiff(mode):
    grey = BLOCKS[..., 0].astype(np.uint16) * 257
    image = Image.fromarray(grey) if mode == "I;16" else Image.fromarray(BLOCKS).convert(mode)
    upright = read_image(saved(image, "TIFF")).image
    for orientation in range(2, 9):
        exif = Image.Exif()
        exif[0x0112] = orientation
        mirrored, quarters = {2: (1, 0), 3: (0, 2), 4: (1, 2), 5: (1, 1), 6: (0, 3), 7: (1, 3), 8: (0, 1)}[orientation]
        assert np.array_equal(
            read_image(saved(image, "TIFF", exif=exif)).image, np.rot90(upright[:, ::-1] if mirrored else upright, quarters)
        )


@pytest.mark.parametrize(("kind", "more"), [
    ("GIF", {}), ("AVIF", {"quality": 95}), ("JPEG2000", {}), ("PPM", {}), ("ICO", {}), ("PCX", {}), ("SGI", {}), ("BMP", {}), ("QOI", {}),
])  # fmt: skip
def test_every_picture_somebody_here_decodes_is_read(kind, more):
    picture = Image.fromarray(BLOCKS).resize((48, 48), 0) if kind == "ICO" else Image.fromarray(BLOCKS)
    data = saved(picture, kind, **more)
    expected = np.asarray(picture).astype(int)
    assert np.abs(read_image(data).image[:32, :48] - expected[:32, :48]).mean() < 6


def test_palettes_and_their_clear_entries():
    image = Image.fromarray(BLOCKS).convert("P", palette=Image.Palette.ADAPTIVE)
    assert off(saved(image, "PNG")) < 2 and off(saved(image, "GIF")) < 2
    clear = saved(image, "PNG", transparency=image.getpixel((0, 0)))
    picture = read_image(clear)
    assert picture.image[2, 2].tolist() == [255, 255, 255] and picture.notes == ("alpha over white",)


def test_cmyk_is_brought_to_rgb_and_it_is_said():
    data = saved(Image.fromarray(BLOCKS).convert("CMYK"), "JPEG", quality=98)
    assert off(data) < 4 and read_image(data).notes == ("CMYK to RGB",)


def test_deep_pictures_keep_their_levels():
    ramp = np.repeat(np.linspace(0, 65535, 64).astype(np.uint16)[None], 8, 0)
    for data in (cv2.imencode(".png", ramp)[1].tobytes(), cv2.imencode(".tif", np.dstack([ramp] * 3))[1].tobytes()):
        picture = read_image(data)
        assert np.abs(picture.image[0, :, 0] - np.linspace(0, 255, 64)).max() <= 0.51 and "uint16 to 8 bit" in picture.notes


def test_a_colour_profile_is_obeyed_and_that_of_srgb_changes_nothing():
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    plain = read_image(saved(Image.fromarray(BLOCKS), "PNG", icc_profile=srgb))
    assert np.array_equal(plain.image, BLOCKS) and plain.notes == ()
    swapped = bytearray(srgb)  # a profile whose red and blue are exchanged, and that does not call itself sRGB
    tags = {bytes(srgb[at : at + 4]): at for at in range(132, 132 + 12 * int.from_bytes(srgb[128:132], "big"), 12)}
    red, blue = tags[b"rXYZ"], tags[b"bXYZ"]
    swapped[red + 4 : red + 12], swapped[blue + 4 : blue + 12] = srgb[blue + 4 : blue + 12], srgb[red + 4 : red + 12]
    swapped = bytes(swapped).replace("sRGB".encode("utf-16-be"), "Test".encode("utf-16-be")).replace(b"sRGB built-in", b"Test built-in")
    picture = read_image(saved(Image.fromarray(BLOCKS), "PNG", icc_profile=swapped))
    assert np.abs(picture.image.astype(int) - BLOCKS[..., ::-1]).mean() < 2 and picture.notes == ("colour profile to sRGB",)
    broken = read_image(saved(Image.fromarray(BLOCKS), "PNG", icc_profile=b"no profile at all"))
    assert np.array_equal(broken.image, BLOCKS) and broken.notes == ()


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
def test_of_moving_pictures_the_first_is_read_and_they_are_told_apart(kind):
    first, second = Image.fromarray(BLOCKS), Image.fromarray(BLOCKS[::-1])
    more = {"lossless": True} if kind == "WEBP" else {"quality": 95} if kind == "AVIF" else {}
    data = saved(first, kind, save_all=True, append_images=[second, first], duration=100, **more)
    assert is_animated(data) and not is_animated(saved(first, kind, **more))
    assert off(data) < 5 and "first of several pictures" in read_image(data).notes


def test_an_image_is_read_from_any_location(tmp_path):
    data = saved(Image.fromarray(BLOCKS), "PNG")
    (tmp_path / "a.png").write_bytes(data)
    storage.write_bytes("memory://pictures/a.png", data)
    for source in (tmp_path / "a.png", str(tmp_path / "a.png"), "memory://pictures/a.png", data):
        assert np.array_equal(read_image(source).image, BLOCKS)


def test_what_cannot_be_decoded_says_how_to_convert_it(tmp_path):
    for name, advice in (("a.heic", "magick FILE out.png"), ("a.jxl", "djxl FILE out.png"), ("a.NEF", "develop it")):
        (tmp_path / name).write_bytes(b"\0\0\0\x18ftypheic" + bytes(200))
        with pytest.raises(MediaError, match=f"not a readable image.*{advice}"):
            read_image(tmp_path / name)


def test_formats_that_run_other_programs_are_not_opened():
    with pytest.raises(MediaError):
        read_image(b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\n%%EndComments\nshowpage\n")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.95])
@pytest.mark.parametrize("kind", ["GIF", "AVIF", "PNG"])
def test_a_picture_cut_short_is_refused_or_read_never_more(kind, share):
    data = saved(Image.fromarray(np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)), kind)
    try:
        assert read_image(data[: int(share * len(data))]).image.shape == (64, 64, 3)
    except MediaError as error:
        assert "not a readable image" in str(error)
