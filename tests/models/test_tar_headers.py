"""Headers of anybody's tars: found where tarfile finds them, nothing declared is believed."""

import io
import tarfile

import pytest

from models.tar_headers import BrokenTar, headers_of


def tar_of(*members, form=tarfile.USTAR_FORMAT, **fields):
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w", format=form) as tar:
        for name, data in members:
            header = tarfile.TarInfo(name)
            header.size = len(data)
            for field, value in fields.items():
                setattr(header, field, value)
            tar.addfile(header, io.BytesIO(data))
    return sink.getvalue()


def found(data):
    return list(headers_of(io.BytesIO(data), len(data)))


@pytest.mark.parametrize("form", [tarfile.USTAR_FORMAT, tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_plain_members_lie_where_tarfile_finds_them(form):
    data = tar_of(("a.json", b"x" * 700), ("sub/b.json", b""), form=form, mtime=1.5 if form == tarfile.PAX_FORMAT else 1, uname="me")
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        expected = [(header.name, header.offset_data, header.size) for header in tar.getmembers()]
    assert [(header.name, header.at_b, header.size_b) for header in found(data)] == expected
    assert not any(header.fault for header in found(data))


def test_long_names_of_ustar_and_pax_are_whole():
    long = "d" * 90 + "/" + "n" * 90 + ".json"
    assert [header.name for header in found(tar_of((long, b"1")))] == [long]
    assert [h.name for h in found(tar_of(("n" * 300, b"1"), ("b", b"2"), form=tarfile.PAX_FORMAT))] == ["n" * 300, "b"]


@pytest.mark.parametrize("kind", [tarfile.LNKTYPE, tarfile.SYMTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE])
def test_whatever_is_no_plain_file_has_a_fault(kind):
    (header,) = found(tar_of(("a", b""), type=kind, linkname="/etc/passwd"))
    assert header.fault.startswith("a ") and header.size_b == 0


def spoilt(data, at, new):
    """A header with other bytes and a sum that fits."""
    data = bytearray(data)
    data[at : at + len(new)] = new
    data[148:156] = b" " * 8
    data[148:156] = b"%06o\0 " % sum(data[:512])
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (spoilt(tar_of(("a", b"1")), 124, b"77777777777\0"), "cut inside a"),
        (spoilt(tar_of(("a", b"1")), 124, b"\x80" + bytes(7) + b"\x7f\xff\xff\xff"), "a: size: got .*octal"),
        (spoilt(tar_of(("a", b"1")), 124, b"-0000000001\0"), "a: size: got .*octal"),
        (tar_of(("a", b"1"), form=tarfile.PAX_FORMAT, pax_headers={"GNU.sparse.realsize": "1610612736"}), "pax record GNU.sparse.realsize"),
        (tar_of(("a", b"1"), form=tarfile.PAX_FORMAT, pax_headers={"size": "99999999999"}), "pax record size"),
        (tar_of(("a", b"1"), form=tarfile.PAX_FORMAT, pax_headers={"comment": "x" * 100_000}), "pax records: got"),
        (tar_of(("a", b"1"))[:700], "cut"),
        (tar_of(("a", b"1"))[:1024] + b"\xff" * 512, "broken header"),
        (tar_of(("a", b"1"))[:1024] + bytes(2 << 20), "bytes after its end"),
        (b"no tar at all" * 100, "no tar header at its beginning"),
        (b"", "cut"),
    ],
)
def test_what_cannot_be_followed_ends_the_walk(data, said):
    with pytest.raises(BrokenTar, match=said):
        found(data)


def test_a_gnu_sparse_file_is_no_plain_file():
    (header,) = found(spoilt(tar_of(("a", b"")), 156, b"S"))
    assert header.fault == "a sparse file"
