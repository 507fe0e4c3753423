"""Scanning folders: what is usable, what is not and why."""

import os
from pathlib import Path

import pytest

from bootstrap.clip_examples import SkippedClips, clip_examples
from bootstrap.sources import files_below, read_tags, scan_driving, scan_references
from models.video import write_video
from tests.bootstrap.factory_fakes import GRID, moving_square, write_bad_clips, write_odd_pictures, write_sources


def test_every_bad_clip_is_one_row_with_a_reason(tmp_path):
    driving, _ = write_sources(tmp_path)
    bad = write_bad_clips(driving)
    (driving / "what.xyz").write_bytes(b"123")
    (driving / "notes.txt").write_text("a sidecar")
    (driving / ".hidden.mp4").write_bytes(b"")
    listing = scan_driving(driving, GRID)
    assert [source.id for source in listing.usable] == ["clip0.mp4", "clip1.mp4", "clip2.mp4"]
    reasons = {item.id: item.reason for item in listing.unreadable}
    assert set(reasons) == {*bad, "what.xyz"}
    assert "0 bytes" in reasons["empty.mp4"] and "too short" in reasons["one_frame.mp4"] and "audio" in reasons["sound.mp4"]
    assert listing.ignored == ("notes.txt",)


def test_latest_start_leaves_room_for_a_window(tmp_path):
    driving, _ = write_sources(tmp_path, clips=1)
    assert scan_driving(driving, GRID).usable[0].latest_start_s == pytest.approx(2 / 8)  # 6 frames, a window takes 4


def test_odd_pictures_are_usable_and_say_how_they_were_adapted(tmp_path):
    _, references = write_sources(tmp_path, identities=1)
    write_odd_pictures(references)
    (references / "text.png").write_text("no picture")
    write_video(references / "walker.mp4", moving_square((9, 9, 9), 200))
    listing = scan_references(references)
    notes = {source.id: source.notes for source in listing.usable}
    assert set(notes) == {"who0.png", "deep.png", "glass.png", "huge.jpg", "walker.mp4"}
    assert notes["deep.png"] and notes["glass.png"] and notes["walker.mp4"] == ("first frame of the clip",) and notes["who0.png"] == ()
    assert [item.id for item in listing.unreadable] == ["text.png"]


def test_tags_come_from_clips_csv_and_missing_files_are_told(tmp_path):
    driving, _ = write_sources(tmp_path)
    (driving / "clips.csv").write_text("file,subject,licence,shot\nclip0.mp4,human,CC0-1.0,secret\ngone.mp4,human,,\n")
    listing = scan_driving(driving, GRID)
    assert listing.usable[0].tags == {"subject": "human", "licence": "CC0-1.0"} and listing.usable[1].tags == {}
    assert [(item.id, item.reason) for item in listing.unreadable] == [("gone.mp4", "listed in clips.csv but missing")]


def test_pipes_and_dangling_links_are_never_opened(tmp_path):
    driving, _ = write_sources(tmp_path, clips=1)
    os.mkfifo(driving / "pipe.mp4")
    (driving / "gone.mp4").symlink_to(tmp_path / "nowhere.mp4")
    (driving / "self.mp4").symlink_to(driving / "self.mp4")
    listing = scan_driving(driving, GRID)
    assert [source.id for source in listing.usable] == ["clip0.mp4"]
    assert {item.id: item.reason for item in listing.unreadable} == dict.fromkeys(
        ["gone.mp4", "pipe.mp4", "self.mp4"], "not a regular file"
    )
    skipped = SkippedClips()
    assert len(list(clip_examples(driving, GRID, 4, skipped))) == 1 and set(skipped.reasons) == {"gone.mp4", "pipe.mp4", "self.mp4"}


def test_links_are_followed_but_never_in_a_circle(tmp_path):
    driving, _ = write_sources(tmp_path, clips=1)
    (driving / "a").mkdir()
    (driving / "b").mkdir()
    (driving / "clip0.mp4").rename(driving / "b" / "clip.mp4")
    for link, target in (("a/up", "."), ("a/other", "b"), ("b/other", "a"), ("b/here", "b")):
        (driving / link).symlink_to(driving / target)
    found = [path.relative_to(driving).as_posix() for path in files_below(driving)]
    assert found == ["a/other/clip.mp4", "b/clip.mp4"]  # the same clip on the only two paths without a circle


def test_a_folder_that_cannot_be_listed_is_a_row(tmp_path, monkeypatch):
    driving, _ = write_sources(tmp_path, clips=1)
    (driving / "closed").mkdir()
    listdir = os.listdir

    def refuse(folder):
        if Path(folder).name == "closed":
            raise PermissionError(13, "Permission denied", str(folder))
        return listdir(folder)

    monkeypatch.setattr("os.listdir", refuse)
    listing = scan_driving(driving, GRID)
    assert [(item.id, item.reason) for item in listing.unreadable] == [("closed", "a folder that cannot be listed")]


def test_reasons_carry_no_path_and_no_odd_bytes(tmp_path, monkeypatch):
    driving, _ = write_sources(tmp_path, clips=1)
    os.rename(driving / "clip0.mp4", os.fsencode(driving) + b"/odd\xff.mp4")
    write_video(driving / "shut.mp4", moving_square((9, 9, 200), 90))

    def denied(path, grid):
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("bootstrap.sources._latest_start", denied)
    reasons = {item.id: item.reason for item in scan_driving(driving, GRID).unreadable}
    assert reasons == {"odd\ufffd.mp4": "file name is not valid UTF-8; rename it", "shut.mp4": "PermissionError: Permission denied"}
    skipped = SkippedClips()
    assert [example.id for example in clip_examples(driving, GRID, 6, skipped)] == ["shut.mp4#0"]
    assert set(skipped.reasons) == {"odd\ufffd.mp4"}


@pytest.mark.parametrize("content", ["file,subject\nclip0.mp4,café\n".encode("latin-1"), b"file\n" + b"x" * 200_000])
def test_a_table_that_cannot_be_read_is_named(tmp_path, content):
    (tmp_path / "clips.csv").write_bytes(content)
    with pytest.raises(ValueError, match=r"clips\.csv: content: got .*expected a table in UTF-8"):
        read_tags(tmp_path)


def test_a_table_without_its_key_column_is_refused(tmp_path):
    (tmp_path / "clips.csv").write_text("name,subject\na,b\n")
    with pytest.raises(ValueError, match="columns: got .*expected a column 'file'"):
        read_tags(tmp_path)


def test_a_missing_folder_is_wrong_use(tmp_path):
    with pytest.raises(ValueError, match="driving: folder"):
        scan_driving(tmp_path / "nowhere", GRID)
