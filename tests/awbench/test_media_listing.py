"""Listing media: folders, globs, tables, what lies beside, what is passed over, and ids that stay."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from awbench.media import inputs
from awbench.media.inputs import may_hold
from awbench.media.listing import list_media
from awbench.media.names import FileNames
from models.storage import write_bytes

NFD, NFC = (unicodedata.normalize(form, "Größe 1.mp4") for form in ("NFD", "NFC"))


def put(folder: Path | str, *names: str, data: bytes = b"x") -> None:
    for name in names:
        write_bytes(f"{folder}/{name}", data)


def ids(listing) -> list[str]:
    return [entry.id for entry in listing.entries]


def told(listing) -> dict[str, str]:
    return {row.id: row.reason for row in listing.unusable}


def test_a_folder_gives_its_media_by_name_and_passes_over_what_is_no_fault(tmp_path: Path) -> None:
    put(tmp_path, "b.MP4", "sub/a.mp4", ".hidden.mp4", "._a.mp4", "half.mp4.part", "x.crdownload", "Thumbs.db", "a.txt.tmp", "notes.md")
    put(tmp_path, "still.jpg", "what.xyz", "p.heic")
    clips = list_media([tmp_path], "clip")
    assert ids(clips) == ["b.MP4", "sub/a.mp4"] and clips.entries[0].location == str(tmp_path / "b.MP4")
    assert set(told(clips)) == {"p.heic", "what.xyz"} and "magick" in told(clips)["p.heic"]
    assert clips.notes == ("1 file(s) of another kind passed over: .jpg 1; first still.jpg",)
    images = list_media([tmp_path], "image")
    assert {entry.id: entry.kind for entry in images.entries} == {"b.MP4": "clip", "sub/a.mp4": "clip", "still.jpg": "image"}


def test_what_cannot_be_opened_is_a_row_and_never_waited_for(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4")
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "gone.mp4").symlink_to("nowhere.mp4")
    (tmp_path / "self.mp4").symlink_to("self.mp4")
    (tmp_path / "dev.mp4").symlink_to("/dev/zero")
    (tmp_path / "loop").symlink_to(tmp_path)
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/bad\xff.mp4")).write_bytes(b"x")
    (tmp_path / "line\nbreak.mp4").write_bytes(b"x")
    listing = list_media([tmp_path], "clip")
    assert ids(listing) == ["a.mp4", "line\ufffdbreak.mp4"]
    assert set(told(listing)) == {"pipe.mp4", "gone.mp4", "self.mp4", "dev.mp4", "bad\ufffd.mp4"}
    assert told(listing)["pipe.mp4"] == "not a regular file" and "UTF-8" in told(listing)["bad\ufffd.mp4"]


def test_links_to_folders_are_followed_once_each(tmp_path: Path) -> None:
    put(tmp_path / "elsewhere", "far.mp4")
    put(tmp_path / "in", "b/near.mp4")
    for name in ("a", "z"):
        (tmp_path / "in" / name).symlink_to(tmp_path / "elsewhere")
    (tmp_path / "in" / "0").symlink_to(tmp_path / "in" / "b")
    assert ids(list_media([tmp_path / "in"], "clip")) == ["a/far.mp4", "b/near.mp4"]


def test_one_cause_in_many_files_is_told_once(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4", *(f"{number}.heic" for number in range(40)))
    listing = list_media([tmp_path], "image")
    assert len(listing.unusable) == 40 and len(listing.notes) == 1
    assert listing.notes[0].startswith("40 files: .heic:")


def test_rows_find_their_files_as_people_write_them(tmp_path: Path) -> None:
    put(tmp_path, NFD, "b.MP4", "sub/c.mp4", "d.mp4", "a.mp4")
    rows = ["File;Subject;Own column", f"{NFC};Person;1", "B.mp4;person;2", "sub\\c.mp4;human;3", "./d.mp4;man;4", " a.mp4 ;woman;5"]
    rows.append("gone.mp4;human;")
    (tmp_path / "clips.csv").write_bytes("\n".join(rows).encode("utf-16"))
    listing = list_media([tmp_path], "clip")
    assert {entry.tags["subject"] for entry in listing.entries} == {"human"}
    assert sorted(entry.tags["own_column"] for entry in listing.entries) == ["1", "2", "3", "4", "5"] and NFC in ids(listing)
    assert told(listing) == {"gone.mp4": "listed in clips.csv line 7 but missing"}


def test_the_deeper_table_has_the_last_word_and_one_above_speaks_of_other_folders_too(tmp_path: Path) -> None:
    put(tmp_path / "driving", "a.mp4", "sub/b.mp4")
    (tmp_path / "manifest.csv").write_text("file,camera,age\ndriving/a.mp4,fixed,kid\nreference/x.png,fixed,\ndriving/gone.mp4,,\n")
    (tmp_path / "driving" / "clips.csv").write_text("file,camera\na.mp4,pan\n")
    (tmp_path / "driving" / "sub" / "clips.csv").write_text("file,prompt\nb.mp4,she waves\n")
    listing = list_media([tmp_path / "driving"], "clip")
    assert {entry.id: (dict(entry.tags), entry.prompt) for entry in listing.entries} == {
        "a.mp4": ({"camera": "moving", "age": "child"}, ""),
        "sub/b.mp4": ({}, "she waves"),
    }
    assert list(told(listing)) == ["gone.mp4"]


def test_a_broken_table_or_prompt_costs_no_clip(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4", "b.mp4", "c.mp4", "d.mp4")
    (tmp_path / "clips.csv").write_bytes(b'file,subject\na.mp4,human\nb.mp4,"never closed\nc.mp4,animal,too,many\nd.mp4,dog\n')
    (tmp_path / "a.txt").write_text("a child\njumps\n")
    (tmp_path / "b.txt").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "c.TXT").write_text("x" * 3000)
    os.mkfifo(tmp_path / "d.txt")
    listing = list_media([tmp_path], "clip")
    assert [(entry.id, entry.tags.get("subject"), entry.prompt) for entry in listing.entries] == [
        ("a.mp4", "human", "a child jumps"),
        ("b.mp4", None, ""),
        ("c.mp4", None, ""),
        ("d.mp4", "dog", ""),
    ]
    assert len(listing.notes) == 5 and all(name in "".join(listing.notes) for name in ("line 3", "line 4", "b.txt", "3000", "d.txt"))
    (tmp_path / "clips.csv").write_bytes(b"\x00\xff\x00")
    assert len(list_media([tmp_path], "clip").entries) == 4


def test_globs_mean_files_or_folders(tmp_path: Path) -> None:
    put(tmp_path, "2024a/x.mp4", "2024b/deep/y.mp4", "2023/z.mp4", "2024.mp4", "[odd]/q.mp4")
    assert ids(list_media([f"{tmp_path}/2024*"], "clip")) == ["2024.mp4", "2024a/x.mp4", "2024b/deep/y.mp4"]
    assert ids(list_media([f"{tmp_path}/**/y.mp4"], "clip")) == ["2024b/deep/y.mp4"]
    assert ids(list_media([f"{tmp_path}/[odd]"], "clip")) == ["q.mp4"]
    for bad in ("nowhere", "nowhere/*.mp4"):
        with pytest.raises(ValueError, match="expected an existing"):
            list_media([tmp_path / bad], "clip")


@pytest.mark.parametrize("ending", ["csv", "parquet", "jsonl"])
def test_a_table_of_locations_is_an_input(tmp_path: Path, ending: str) -> None:
    put(tmp_path / "t", "in/a.mp4", NFD)
    put(tmp_path / "far", "b.mp4")
    put("memory://h2-bucket", "c/d.mp4")
    files = ["in/a.mp4", NFC, str(tmp_path / "far" / "b.mp4"), "memory://h2-bucket/c/d.mp4", "in/gone.mp4", "memory://h2-bucket/gone.mp4"]
    table = pa.table({"URI": files, "subject": ["Person"] * 6, "prompt": ["runs"] * 6, "id": [None, None, None, "mine.mp4", None, None]})
    if ending == "parquet":
        pq.write_table(table, tmp_path / "t" / "list.parquet")
    elif ending == "csv":
        lines = ["URI,subject,prompt,id", *(f"{row['URI']},Person,runs,{row['id'] or ''}" for row in table.to_pylist())]
        (tmp_path / "t" / "list.csv").write_text("\n".join(lines))
    else:
        table.to_pandas().to_json(tmp_path / "t" / "list.jsonl", orient="records", lines=True)
    listing = list_media([tmp_path / "t" / f"list.{ending}"], "clip")
    assert ids(listing) == [NFC, "b.mp4", "in/a.mp4", "mine.mp4"]
    assert all((entry.tags, entry.prompt) == ({"subject": "human"}, "runs") for entry in listing.entries)
    assert set(told(listing)) == {"in/gone.mp4", "h2-bucket/gone.mp4"} and "no such file" in told(listing)["in/gone.mp4"]
    assert not any(str(tmp_path) in each.id for each in (*listing.entries, *listing.unusable))


def test_a_table_without_locations_is_refused(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("name,subject\na,b\n")
    with pytest.raises(ValueError, match="columns: got name, subject, expected one of file"):
        list_media([tmp_path / "list.csv"], "clip")


def test_ids_are_the_same_wherever_it_lies_and_whatever_is_added_later(tmp_path: Path) -> None:
    for place in (tmp_path / "one", tmp_path / "two", "memory://h2-ids"):
        put(place, "a.mp4", "sub/b.mp4")
    put(tmp_path / "two", "c.mp4")
    (tmp_path / "one" / "clips.csv").write_text("file,subject\na.mp4,dog\n")
    assert ids(list_media(["memory://h2-ids"], "clip")) == ids(list_media([tmp_path / "one"], "clip")) == ["a.mp4", "sub/b.mp4"]
    both = list_media([tmp_path / "one", tmp_path / "two", tmp_path / "one" / "sub"], "clip")
    assert ids(both) == ["a.mp4", "c.mp4", "sub/b.mp4", "two/a.mp4", "two/sub/b.mp4"]
    assert both.entries[0].tags == {"subject": "dog"} and both.entries[3].tags == {}


def test_a_single_file_brings_its_prompt(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4", "b.mp4")
    (tmp_path / "a.txt").write_text("she waves")
    (tmp_path / "clips.csv").write_text("file,subject\na.mp4,human\nb.mp4,dog\n")
    (entry,) = list_media([tmp_path / "a.mp4"], "clip").entries
    assert (entry.id, entry.prompt) == ("a.mp4", "she waves")


def test_a_name_that_means_two_files_is_refused_and_an_exact_one_is_not() -> None:
    names = FileNames(["a.mp4", "A.mp4", "x/b.mp4", "y/b.mp4"])
    assert names.find("a.mp4") == "a.mp4" and names.find("./x/b.mp4") == "x/b.mp4"
    assert names.find_by_part("clips/Y/B") == "y/b.mp4" and names.find("b.mp4") is None
    for name in ("a.MP4", "b", "b.mp4"):
        with pytest.raises(ValueError, match="2 files"):
            names.find_by_part(name)


def test_a_glob_looks_only_where_it_may_find_something(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "top.mp4", "2024a/x.mp4", "2024a/sub/y.mp4", "private/deep/z.mp4")
    looked, honest = set(), os.scandir
    monkeypatch.setattr("models.local_files.os.scandir", lambda path: looked.add(os.path.relpath(path, tmp_path)) or honest(path))
    assert ids(list_media([f"{tmp_path}/*.mp4"], "clip")) == ["top.mp4"] and looked == {"."}
    looked.clear()
    assert ids(list_media([f"{tmp_path}/2024*/*.mp4"], "clip")) == ["2024a/x.mp4"] and looked == {".", "2024a"}
    assert ids(list_media([f"{tmp_path}/2024*"], "clip")) == ["2024a/sub/y.mp4", "2024a/x.mp4"]
    assert may_hold("a/b", "a/**/x.mp4") and may_hold("a/b/c", "a/*") and not may_hold("b", "a/**")


def test_a_folder_with_brackets_before_a_glob_is_a_folder(tmp_path: Path) -> None:
    put(tmp_path, "[2024] shoot/a.mp4", "2/b.mp4")
    assert ids(list_media([f"{tmp_path}/[[]2024] shoot/*.mp4"], "clip")) == ["[2024] shoot/a.mp4"]
    assert ids(list_media([f"{tmp_path}/[2024] shoot/*.mp4"], "clip")) == ["a.mp4"]


def test_whole_paths_in_a_table_find_their_files_and_are_never_told(tmp_path: Path) -> None:
    folder = tmp_path / "clips"
    put(folder, "a.mp4", "sub/b.mp4", "c.mp4")
    rows = ["file,subject,url", f"{folder}/a.mp4,human,https://bob:pw@host/a.mp4?X-Sig=secret", "C:\\old\\clips\\sub\\b.mp4,animal,"]
    rows += [f"{tmp_path}/else/gone.mp4,human,", "https://bob:pw@host/clips/x.mp4?X-Sig=secret,human,", "file:///data/clips/c.mp4,object,"]
    (folder / "clips.csv").write_text("\n".join(rows))
    (tmp_path / "clips.csv").write_text(f"file,licence\n{folder}/c.mp4,CC0\n{tmp_path}/other/c.mp4,none\n")
    listing = list_media([folder], "clip")
    assert {entry.id: entry.tags["subject"] for entry in listing.entries} == {"a.mp4": "human", "sub/b.mp4": "animal", "c.mp4": "object"}
    assert {entry.id: entry.tags.get("licence") for entry in listing.entries}["c.mp4"] == "CC0"
    assert told(listing) == {"gone.mp4": "listed in clips.csv line 4 but missing", "x.mp4": "listed in clips.csv line 5 but missing"}
    said = repr([(entry.id, entry.tags) for entry in listing.entries] + list(listing.unusable) + list(listing.notes))
    assert str(tmp_path) not in said and "secret" not in said and "pw@" not in said


def test_a_row_that_cannot_be_had_does_not_tell_where_it_lies(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "t/list.csv", data=b"file\n/far/a.mp4\n")
    honest = inputs.facts_of

    def refuse(location: str):
        return stumble(PermissionError(13, "Permission denied", location)) if location == "/far/a.mp4" else honest(location)

    monkeypatch.setattr(inputs, "facts_of", refuse)
    assert told(list_media([tmp_path / "t" / "list.csv"], "clip")) == {"a.mp4": "list.csv line 2: file: Permission denied"}


def test_rows_below_a_table_in_a_bucket_are_asked_many_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(f"memory://{tmp_path.name}", "in/a.mp4", "b.mp4")
    put(f"memory://{tmp_path.name}", "list.csv", data=b"file\nin/a.mp4\nB.mp4\n")
    asked, honest = [], inputs.ask_each
    monkeypatch.setattr(inputs, "ask_each", lambda ask, locations: asked.extend(locations) or honest(ask, locations))
    assert ids(list_media([f"memory://{tmp_path.name}/list.csv"], "clip")) == ["b.mp4", "in/a.mp4"]
    assert all(location.startswith("memory://") for location in asked) and len(asked) == 2


def test_pictures_that_may_move_are_not_opened_to_be_listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put(tmp_path, "a.webp", "b.png", "c.gif", "d.jpg")
    monkeypatch.setattr("models.images.read_bytes", lambda source: stumble(OSError(5, "stumbles")))
    assert ids(list_media([tmp_path], "clip")) == ["a.webp", "b.png", "c.gif"]


def stumble(error: Exception):
    raise error


def test_rows_of_one_file_that_contradict_each_other_are_told(tmp_path: Path) -> None:
    put(tmp_path, "a.mp4")
    (tmp_path / "clips.csv").write_text("file,licence,subject\na.mp4,CC0,human\na.mp4,CC-BY,person\n")
    listing = list_media([tmp_path], "clip")
    assert listing.entries[0].tags == {"licence": "CC-BY", "subject": "human"}
    assert listing.notes == ("clips.csv line 3: a.mp4: licence: 'CC-BY' in place of 'CC0', which was said before",)


def test_motion_without_a_clip_of_its_name_is_told(tmp_path):
    for name in ("dab.bvh", "wave.bvh", "wave.mp4"):
        (tmp_path / name).write_bytes(b"x")
    notes = [note for note in list_media([tmp_path], "clip").notes if "motion" in note]
    assert len(notes) == 1 and "first dab.bvh" in notes[0] and "tracks:DIR" in notes[0]
    assert any("dab.bvh" in note for note in list_media([tmp_path / "dab.bvh"], "clip").notes)
    assert not any("motion" in note for note in list_media([tmp_path], "image").notes)
