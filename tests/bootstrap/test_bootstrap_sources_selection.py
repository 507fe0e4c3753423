"""Which of the listed files are used: every one accounted for, doubles once, whatever is not known said."""

from dataclasses import replace

import numpy as np

from awbench.media.listing import Entry
from bootstrap.sources.facts import Still, Unread
from bootstrap.sources.inspection import facts_of_image
from bootstrap.sources.selection import own_pictures, select_clips, select_images
from bootstrap.sources.windows import WindowRules
from models.storage import FileFacts
from models.types import Grid
from tests.bootstrap.made_footage import HEIGHT, WIDTH, facts, ground, scene

GRID = Grid(width=WIDTH, height=HEIGHT, fps=12.0, num_frames=12)


def _entry(name: str, **more) -> Entry:
    return Entry(id=name, location=f"/there/{name}", kind="clip", facts=FileFacts(size_b=1, mark="1"), **more)


def _at(**found) -> dict:
    return {f"/there/{name}.x": one for name, one in found.items()}


def _reasons(listing) -> dict[str, str]:
    return {one.id: one.reason for one in listing.unusable}


def test_every_clip_is_used_or_named_with_a_reason():
    good, other = facts(scene(96, 1), sha256="1"), facts(scene(96, 2), sha256="2")
    known = _at(b=good, a=other, copy=replace(good, notes=("copied",)), short=facts(scene(4), sha256="3"), bad=Unread(reason="no stream"))
    entries = [_entry(f"{name}.x") for name in ("bad", "short", "copy", "b", "a", "new")]
    listing = select_clips(entries, known, GRID, WindowRules())
    assert [source.id for source in listing.usable] == ["a.x", "b.x"] and all(source.starts_s for source in listing.usable)
    reasons = _reasons(listing)
    assert reasons["copy.x"] == "double of b.x: the same bytes" and reasons["bad.x"] == "no stream"
    assert reasons["short.x"].startswith("too short") and reasons["new.x"] == "not inspected"


def test_footage_that_comes_again_is_used_once_the_longest_or_what_was_used_before():
    video = scene(120, 1)
    known = _at(trimmed=facts(video[24:], sha256="1"), whole=facts(video, sha256="2"))
    entries = [_entry("trimmed.x"), _entry("whole.x")]
    listing = select_clips(entries, known, GRID, WindowRules())
    assert _reasons(listing) == {"trimmed.x": "double of whole.x: the same footage"}
    assert _reasons(select_clips(entries, known, GRID, WindowRules(), prior={"1"})) == {"whole.x": "double of trimmed.x: the same footage"}
    assert not select_clips(entries, known, GRID, WindowRules(near_doubles=True)).unusable


def test_tags_prompt_and_notes_travel_along():
    known = _at(a=replace(facts(scene(96), sha256="1"), notes=("deinterlaced",)))
    (source,) = select_clips([_entry("a.x", tags={"subject": "human"}, prompt="she waves")], known, GRID, WindowRules()).usable
    assert source.tags == {"subject": "human", "prompt": "she waves"} and source.notes == ("deinterlaced",)
    assert (source.sha256, source.location, source.size) == ("1", "/there/a.x", (WIDTH, HEIGHT))


def test_pictures_are_used_once_and_black_ones_never():
    known = _at(a=facts_of_image(ground(1), "1"), b=facts_of_image(np.ascontiguousarray(ground(1)[::2, ::2]), "2"))
    known |= _at(c=facts_of_image(ground(2), "3"), dark=facts_of_image(np.zeros((9, 9, 3), np.uint8), "4"))
    listing = select_images([_entry(f"{name}.x") for name in ("a", "b", "c", "dark")], known)
    assert [source.id for source in listing.usable] == ["a.x", "c.x"]
    assert _reasons(listing) == {"b.x": "double of a.x: the same picture", "dark.x": "black picture"}


def test_an_identity_taken_from_a_clip_is_told():
    video = scene(96, 1)
    known = _at(clip=facts(video, sha256="1"), other=facts(scene(96, 2), sha256="2"))
    known |= _at(still=facts_of_image(video[36], "3"), who=facts_of_image(ground(7), "4"))
    clips = select_clips([_entry("clip.x"), _entry("other.x")], known, GRID, WindowRules())
    images = select_images([_entry("still.x"), _entry("who.x")], known)
    assert own_pictures(clips, images, known, known) == (("clip.x", "still.x"),)


def test_still_pictures_among_clips_are_passed_over_in_one_line():
    known = _at(a=facts(scene(96), sha256="1"), thumb=Still(), thumb2=Still())
    listing = select_clips([_entry(f"{name}.x") for name in ("a", "thumb", "thumb2")], known, GRID, WindowRules())
    assert [source.id for source in listing.usable] == ["a.x"] and listing.unusable == ()
    assert listing.notes == ("2 file(s) of another kind passed over: .x 2; first thumb.x",)


def test_doubles_left_out_are_counted_and_can_be_used_all_the_same():
    one = replace(facts_of_image(ground(1)), sha256="1")
    known, entries = _at(a=one, b=replace(one, sha256="2")), [_entry("a.x"), _entry("b.x")]
    listing = select_images(entries, known)
    assert len(listing.usable) == 1 and "1 file(s) left out as doubles" in listing.notes[0] and "near-doubles" in listing.notes[0]
    assert len(select_images(entries, known, near_doubles=True).usable) == 2


def test_of_equal_files_the_used_one_has_the_labels_of_both_and_what_they_contradict_is_told():
    known = _at(aa=facts(scene(96), sha256="1"), zz=facts(scene(96), sha256="1"))
    entries = [_entry("aa.x", tags={"licence": "CC0"}), _entry("zz.x", tags={"licence": "CC-BY", "consent": "yes"}, prompt="she waves")]
    listing = select_clips(entries, known, GRID, WindowRules())
    assert [dict(source.tags) for source in listing.usable] == [{"licence": "CC0", "consent": "yes", "prompt": "she waves"}]
    assert listing.notes == ("aa.x: licence: 'CC0' is used, its double zz.x says 'CC-BY'",)
