"""Tables as people save them: separators, encodings, broken rows, types; and what is no table at all."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from awbench.media.tables import read_table


def read(tmp_path: Path, data: bytes, name: str = "t.csv"):
    (tmp_path / name).write_bytes(data)
    return read_table(str(tmp_path / name))


def cells(table) -> list[dict[str, str]]:
    return [dict(row.cells) for row in table.rows]


@pytest.mark.parametrize("comma", [",", ";", "\t"])
@pytest.mark.parametrize("coding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_separators_encodings_and_line_ends_make_no_difference(tmp_path: Path, comma: str, coding: str, end: str) -> None:
    lines = [["file", " Sub-Ject ", "own column"], ["a.mp4", "Größe", "unknown"], ["b.mp4", f'"x{comma} y"', ""], ["", "", ""]]
    text = end.join(comma.join(line) for line in lines) + end
    table = read(tmp_path, (("\ufeff" if coding == "utf-16-le" else "") + text).encode(coding))
    assert table.columns == ("file", "sub_ject", "own_column") and table.notes == ()
    assert cells(table) == [{"file": "a.mp4", "sub_ject": "Größe"}, {"file": "b.mp4", "sub_ject": f"x{comma} y"}]
    assert [row.place for row in table.rows] == ["t.csv line 2", "t.csv line 3"]


def test_a_spreadsheet_may_say_its_separator(tmp_path: Path) -> None:
    assert cells(read(tmp_path, b"sep=|\nfile|note\na|x,y;z\n")) == [{"file": "a", "note": "x,y;z"}]


def test_broken_rows_are_notes_and_cost_no_other(tmp_path: Path) -> None:
    rows = [b"file,prompt", b'a,"two', b'lines"', b'b,"never closed', b"c,fine", b"d,too,many", b"e," + b"x" * 200_000, b"f,fine,"]
    table = read(tmp_path, b"\n".join(rows))
    assert cells(table) == [{"file": "a", "prompt": "two\nlines"}, {"file": "c", "prompt": "fine"}, {"file": "f", "prompt": "fine"}]
    assert [note.split(":")[0] for note in table.notes] == ["t.csv line 4", "t.csv line 6", "t.csv line 7"]


def test_a_table_of_rubbish_costs_no_time_for_ever(tmp_path: Path) -> None:
    table = read(tmp_path, b"file\n" + b'"a\n' * 20_000)
    assert len(table.notes) < 200 and "nothing is read after" in table.notes[-1]


@pytest.mark.parametrize("data", [b"", b"\xff\x00\x12", b"a\0b,c\n", "file\nGröße\n".encode("latin-1")])
def test_what_is_no_table_is_named(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ValueError, match=r"t\.csv: content: got .*expected"):
        read(tmp_path, data)


@pytest.mark.parametrize("data", [b"PAR1 no parquet PAR1", b""])
def test_what_is_no_parquet_is_named(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ValueError, match=r"t\.parquet: content: got .*expected a parquet table"):
        read(tmp_path, data, "t.parquet")


def test_values_of_any_type_become_text_and_bulk_stays_out(tmp_path: Path) -> None:
    table = pa.table({"URL": ["a", "b"], "n": [1.0, float("nan")], "yes": [True, None], "jpg": [b"1", b"2"], "box": [[1, 2], None]})
    pq.write_table(table, tmp_path / "t.parquet")
    read_ = read_table(str(tmp_path / "t.parquet"))
    assert read_.columns == ("url", "n", "yes") and cells(read_) == [{"url": "a", "n": "1", "yes": "yes"}, {"url": "b"}]
    lines = b'{"URL": "a", "n": 1.0, "yes": true, "box": [1, 2]}\n\n[1]\nno json\n{"URL": "\\ud800"}\n' + b"[" * 100_000
    read_ = read(tmp_path, lines, "t.jsonl")
    assert cells(read_) == [{"url": "a", "n": "1", "yes": "yes", "box": "[1, 2]"}, {"url": "?"}]
    assert [note.split(":")[0] for note in read_.notes] == ["t.jsonl line 3", "t.jsonl line 4", "t.jsonl line 6"]


@pytest.mark.parametrize("header", ["x" * 200_000, '"never closed' + "x" * 200_000, "file" + "," * 2000])
def test_a_header_that_is_none_is_no_table(tmp_path: Path, header: str) -> None:
    (tmp_path / "clips.csv").write_text(f"{header}\na.mp4\n")
    with pytest.raises(ValueError, match="clips.csv"):
        read_table(str(tmp_path / "clips.csv"))


def test_a_small_file_of_huge_texts_is_refused_before_it_is_unfolded(tmp_path: Path) -> None:
    pq.write_table(pa.table({"file": ["a.mp4"] * 2000, "note": ["x" * 100_000] * 2000}), tmp_path / "t.parquet", compression="zstd")
    with pytest.raises(ValueError, match="column note: got a text of 100000 characters"):
        read_table(str(tmp_path / "t.parquet"))


def test_what_is_spelled_otherwise_is_the_same_column(tmp_path: Path) -> None:
    assert read(tmp_path, b"file,License\na.mp4,CC0\n").rows[0].cells == {"file": "a.mp4", "licence": "CC0"}
