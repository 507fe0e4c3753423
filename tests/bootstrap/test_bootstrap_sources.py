"""Scanning folders: what is usable, what is not and why."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from bootstrap.sources import read_tags, scan_driving, scan_references
from models.video import encode_video, write_video
from tests.bootstrap.factory_fakes import GRID, moving_square, write_sources


def _audio_only(path: Path) -> None:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        stream.layout = "mono"
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.rate = 8000
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def test_every_bad_clip_is_one_row_with_a_reason(tmp_path):
    driving, _ = write_sources(tmp_path)
    data = encode_video(moving_square((9, 9, 200), 90))
    (driving / "cut.mp4").write_bytes(data[: len(data) // 2])
    (driving / "empty.mp4").write_bytes(b"")
    (driving / "text.mp4").write_text("not a video at all\n" * 50)
    write_video(driving / "one_frame.mp4", moving_square((9, 9, 200), 90, frames=1))
    _audio_only(driving / "sound.mp4")
    (driving / "what.xyz").write_bytes(b"123")
    (driving / "notes.txt").write_text("a sidecar")
    (driving / ".hidden.mp4").write_bytes(b"")
    listing = scan_driving(driving, GRID)
    assert [source.id for source in listing.usable] == ["clip0.mp4", "clip1.mp4", "clip2.mp4"]
    reasons = {item.id: item.reason for item in listing.unreadable}
    assert set(reasons) == {"cut.mp4", "empty.mp4", "text.mp4", "one_frame.mp4", "sound.mp4", "what.xyz"}
    assert "0 bytes" in reasons["empty.mp4"] and "too short" in reasons["one_frame.mp4"] and "audio" in reasons["sound.mp4"]
    assert listing.ignored == ("notes.txt",)


def test_latest_start_leaves_room_for_a_window(tmp_path):
    driving, _ = write_sources(tmp_path, clips=1)
    assert scan_driving(driving, GRID).usable[0].latest_start_s == pytest.approx(2 / 8)  # 6 frames, a window takes 4


def test_odd_pictures_are_usable_and_say_how_they_were_adapted(tmp_path):
    _, references = write_sources(tmp_path, identities=1)
    cv2.imwrite(str(references / "deep.png"), np.full((8, 8, 3), 40000, np.uint16))
    cv2.imwrite(str(references / "glass.png"), np.full((8, 8, 4), 90, np.uint8))
    cv2.imwrite(str(references / "huge.jpg"), np.full((60, 4000, 3), 90, np.uint8))
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


def test_a_table_without_its_key_column_is_refused(tmp_path):
    (tmp_path / "clips.csv").write_text("name,subject\na,b\n")
    with pytest.raises(ValueError, match="columns: got .*expected a column 'file'"):
        read_tags(tmp_path)


def test_a_missing_folder_is_wrong_use(tmp_path):
    with pytest.raises(ValueError, match="driving: folder"):
        scan_driving(tmp_path / "nowhere", GRID)
