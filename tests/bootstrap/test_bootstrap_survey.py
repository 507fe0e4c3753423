"""From flags to clips with windows and identities: many inputs, looked at once, doubles, own pictures, nesting."""

import pytest

from bootstrap.sources.catalog import Catalog
from bootstrap.sources.inspection import inspect
from bootstrap.sources.windows import WindowRules
from bootstrap.survey import Footage, refuse_nesting, survey
from models.images import encode_image
from models.video import read_video, write_video
from tests.bootstrap.factory_fakes import GRID, moving_square, write_sources


@pytest.fixture
def folder(tmp_path):
    write_sources(tmp_path, clips=2, identities=2)
    return tmp_path


looked: list[str] = []


def _look(files):
    for location, kind in files:
        looked.append(location.rpartition("/")[2])
        yield location, inspect(location, kind)


def _survey(folder, *driving, references=("references",), prior=None, **windows):
    looked.clear()
    given = {"driving": tuple(str(folder / each) for each in driving), "references": tuple(str(folder / each) for each in references)}
    rules = WindowRules(**{"near_doubles": True, **windows})
    return survey(Footage(**given, windows=rules), GRID, _look, Catalog(folder / "catalog.sqlite"), prior)


def test_a_file_is_looked_at_once_and_again_when_it_changes(folder):
    found = _survey(folder, "driving")
    assert sorted(looked) == ["clip0.mp4", "clip1.mp4", "who0.png", "who1.png"]
    assert [source.starts_s for source in found.driving.usable] == [(0.0,), (0.0,)] and len(found.references.usable) == 2
    assert _survey(folder, "driving") == found and looked == []
    write_video(folder / "driving" / "clip1.mp4", moving_square((1, 200, 90), 200))
    _survey(folder, "driving")
    assert looked == ["clip1.mp4"]


def test_folders_globs_and_tables_are_taken_together(folder):
    write_video(folder / "more" / "extra.mp4", moving_square((90, 10, 200), 90))
    (folder / "wanted.csv").write_text("uri;subject\nmore/extra.mp4;human\n")
    found = _survey(folder, "driving/*0.mp4", "wanted.csv")
    assert [source.id for source in found.driving.usable] == ["clip0.mp4", "more/extra.mp4"]
    assert [dict(source.tags) for source in found.driving.usable][1] == {"subject": "human"}


def test_unusable_files_are_told_with_those_that_were_never_listed(folder):
    (folder / "driving" / "empty.mp4").write_bytes(b"")
    (folder / "driving" / "text.mp4").write_text("no video at all" * 50)
    (folder / "driving" / "Thumbs.db").write_bytes(b"x")
    listing = _survey(folder, "driving").driving
    assert [item.id for item in listing.unusable] == ["empty.mp4", "text.mp4"] and all(item.reason for item in listing.unusable)
    assert listing.passed_over == ("Thumbs.db",)


def test_what_is_in_use_already_stays_and_its_double_gives_way(folder):
    data = (folder / "driving" / "clip1.mp4").read_bytes()
    (folder / "driving" / "a_copy.mp4").write_bytes(data)
    found = _survey(folder, "driving")
    assert {item.id for item in found.driving.unusable} == {"clip1.mp4"}  # the first by name is used
    assert "double of a_copy.mp4" in found.driving.unusable[0].reason


def test_an_identity_that_shows_a_moment_of_a_clip_is_kept_apart_from_it(folder):
    clip = folder / "driving" / "clip0.mp4"
    (folder / "references" / "still.png").write_bytes(encode_image(read_video(clip).frames[0]))
    found = _survey(folder, "driving")
    hashes = {source.id: source.sha256 for source in (*found.driving.usable, *found.references.usable)}
    assert (hashes["clip0.mp4"], hashes["still.png"]) in found.apart


@pytest.mark.parametrize("out", ["driving", "driving/out", "references/out", "."])
def test_a_dataset_and_its_sources_do_not_lie_inside_each_other(folder, out):
    with pytest.raises(ValueError, match="out: got .*neither inside the other"):
        for flag in ("driving", "references"):
            refuse_nesting((str(folder / flag),), str(folder / out), flag)


def test_nesting_through_a_link_is_seen_and_neighbours_are_none(folder):
    (folder / "alias").symlink_to(folder / "driving")
    with pytest.raises(ValueError, match="neither inside the other"):
        refuse_nesting((str(folder / "driving"),), str(folder / "alias" / "out"), "driving")
    refuse_nesting((str(folder / "driving"),), str(folder / "driving2"), "driving")
