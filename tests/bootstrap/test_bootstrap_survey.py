"""From flags to clips with windows and identities: many inputs, looked at once, doubles, own pictures, nesting."""

from contextlib import ExitStack, nullcontext
from functools import partial

import numpy as np
import pytest

from bootstrap.sources.catalog import Catalog
from bootstrap.sources.inspection import inspect
from bootstrap.sources.windows import WindowRules
from bootstrap.survey import Footage, refuse_nesting, survey
from models.images import encode_image
from models.video import read_video, write_video
from pipelines import inspection
from pipelines.executor.pools import Lost
from tests.bootstrap.factory_fakes import GRID, moving_square, write_sources
from tests.bootstrap.made_footage import save, scene


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


def test_of_two_files_of_one_content_the_first_by_name_is_used(folder):
    data = (folder / "driving" / "clip1.mp4").read_bytes()
    (folder / "driving" / "a_copy.mp4").write_bytes(data)
    found = _survey(folder, "driving")
    assert {item.id for item in found.driving.unusable} == {"clip1.mp4"}  # the first by name is used
    assert "double of a_copy.mp4" in found.driving.unusable[0].reason


def _tracks(folder, count, *names):
    """Known motion: so many people in each clip, all through."""
    folder.mkdir(exist_ok=True)
    for name in names:
        points = np.random.default_rng(1).uniform(0, 16, (40, count, 17, 2))
        np.savez(folder / f"{name}.npz", points=points, confidence=np.ones((40, count, 17)), fps=20.0)
    return f"tracks:{folder}"


def test_clips_with_another_number_of_people_are_rows_and_an_estimator_looks_once(folder):
    estimator = _tracks(folder / "tracks", 1, "clip0")
    _tracks(folder / "tracks", 2, "clip1")
    found = _survey(folder, "driving", subjects=1, estimator=estimator).driving
    assert [source.id for source in found.usable] == ["clip0.mp4"] and looked.count("clip1.mp4") == 2  # as a clip, and for people
    assert [row.id for row in found.unusable] == ["clip1.mp4"] and found.unusable[0].reason.endswith("of any window; it finds 2")
    assert str(folder) not in found.unusable[0].reason
    assert _survey(folder, "driving", subjects=2, estimator=estimator).driving.usable[0].id == "clip1.mp4" and looked == []
    other = _tracks(folder / "other", 1, "clip0", "clip1")
    assert len(_survey(folder, "driving", subjects=1, estimator=other).driving.usable) == 2 and sorted(looked) == ["clip0.mp4", "clip1.mp4"]


def test_an_estimator_that_is_not_there_is_refused_and_one_that_fails_is_a_row_tried_again(folder):
    with pytest.raises(ValueError, match="tiny"):
        _survey(folder, "driving", subjects=1, estimator="tyni")
    assert looked == []
    estimator = _tracks(folder / "tracks", 1, "clip0")
    for _ in range(2):
        rows = _survey(folder, "driving", subjects=1, estimator=estimator).driving.unusable
        assert [row.id for row in rows] == ["clip1.mp4"] and rows[0].reason.startswith("people: ") and looked.count("clip1.mp4") >= 1


def test_what_is_in_use_already_stays_and_its_longer_double_gives_way(folder):
    video = scene(120, 1)
    save(folder / "takes" / "trimmed.mp4", video[24:])
    used = {"driving": [source.sha256 for source in _survey(folder, "takes").driving.usable]}
    save(folder / "takes" / "whole.mp4", video)
    fresh, grown = (_survey(folder, "takes", prior=prior, near_doubles=False).driving for prior in (None, used))
    assert [source.id for source in fresh.usable] == ["whole.mp4"] and [source.id for source in grown.usable] == ["trimmed.mp4"]
    assert [item.reason for item in grown.unusable] == ["double of trimmed.mp4: the same footage"]


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


@pytest.mark.parametrize(("glob", "nested"), [("*", True), ("dr*", True), ("**/*", True), ("driving/*.mp4", False), ("**/*.mp4", False)])
def test_a_glob_that_finds_the_dataset_is_refused_and_one_that_does_not_is_not(folder, glob, nested):
    def check():
        refuse_nesting((str(folder / glob),), str(folder / "driving" / "out"), "--driving")

    if nested:
        with pytest.raises(ValueError, match="out: got .* with --driving .*neither inside the other"):
            check()
    else:
        check()


def test_nesting_through_a_link_is_seen_and_neighbours_are_none(folder):
    (folder / "alias").symlink_to(folder / "driving")
    with pytest.raises(ValueError, match="neither inside the other"):
        refuse_nesting((str(folder / "driving"),), str(folder / "alias" / "out"), "driving")
    refuse_nesting((str(folder / "driving"),), str(folder / "driving2"), "driving")


def test_a_file_whose_worker_died_is_looked_at_again_by_the_next_run(folder, monkeypatch):
    died = Lost(reason="worker died", attempts=3)
    with monkeypatch.context() as patched:
        patched.setattr(inspection, "run_items", lambda make, files, *_, **__: ((n, died) for n in range(len(files))))
        patched.setattr(inspection, "session", lambda workers, **_: nullcontext())
        with ExitStack() as held:
            given = Footage(driving=(str(folder / "driving"),), references=(str(folder / "references"),))
            lost = survey(given, GRID, partial(inspection.inspected, workers=1, held=held), Catalog(folder / "catalog.sqlite"))
    assert {item.reason for item in lost.driving.unusable} == {"worker died"}
    assert len(_survey(folder, "driving").driving.usable) == 2
