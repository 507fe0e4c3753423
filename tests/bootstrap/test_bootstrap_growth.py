"""A dataset that grows: what is new, what changed and what is gone; old shards keep their bytes."""

import json
from dataclasses import fields, replace

import pyarrow.parquet as pq
import pytest

from awbench.media.labels import TagRule
from bootstrap.filters.judging import JUDGE
from bootstrap.pair_rules import PairRules, Quota
from bootstrap.recipe import Teacher
from bootstrap.shards.validate import validate_dataset
from bootstrap.thresholds import Thresholds
from models.artifacts import read_json
from models.images import encode_image
from models.mllm.errors import Unreachable
from models.types import Grid
from models.video import read_video, write_video
from tests.bootstrap.factory_fakes import ShiftTeacher, cards_of, key_of, make_round, moving_square, plan, write_sources

NOTHING_ELSE = {one.name: 0.0 for one in fields(Thresholds) if one.type == "float" and one.name != "judge"}


@pytest.fixture
def folder(tmp_path):
    write_sources(tmp_path, clips=2, identities=2)
    return tmp_path


def _rows(folder, name="manifest"):
    return pq.read_table(folder / "out" / f"{name}.parquet").to_pylist()


def _shards(folder):
    return {path.name: path.read_bytes() for path in (folder / "out").glob("shard-*.tar")}


def _add_clip(folder, name="late.mp4", background=120):
    write_video(folder / "driving" / name, moving_square((40, 200, 90), background))


def test_a_new_clip_is_a_generation_of_its_own_pairs(folder):
    make_round(folder)
    before, keys = _shards(folder), {row["key"] for row in _rows(folder)}
    _add_clip(folder)
    asked = []

    class Noting(ShiftTeacher):
        def animate(self, request):
            asked.append(request.id)
            return super().animate(request)

    assert make_round(folder, teacher=Noting()).kept == 6
    new = [row for row in _rows(folder) if row["key"] not in keys]
    assert [row["key"] for row in new] == asked and {row["driving"] for row in new} == {"late.mp4"}
    assert {name: data for name, data in _shards(folder).items() if name in before} == before
    assert validate_dataset(folder / "out") == []
    assert {row["id"]: row["generation"] for row in _rows(folder, "sources") if row["role"] == "driving"}["late.mp4"] == 1
    assert read_json(folder / "out" / "run.json")["generations"] == [4, 2]
    assert plan(folder, folder / "out").pending() == []


def test_new_sources_at_the_limit_wait_and_are_told(folder, capsys):
    make_round(folder, limit=3)
    _add_clip(folder)
    assert make_round(folder, limit=3).attempted == 3
    assert "new sources wait (1 driving): all 3 pairs of --limit are planned" in capsys.readouterr().err
    assert make_round(folder, limit=5).attempted == 5
    assert [row["driving"] for row in _rows(folder)[3:]] == ["late.mp4"] * 2  # what is new comes first
    assert make_round(folder).attempted == 6


def test_growing_step_by_step_leaves_no_pair_out_and_makes_none_twice(folder):
    make_round(folder, limit=1)
    _add_clip(folder)
    make_round(folder, limit=3)
    (folder / "references" / "late.png").write_bytes(encode_image(moving_square((250, 250, 10), 10).frames[2]))
    assert make_round(folder).attempted == 9
    pairs = [(row["driving"], row["reference"]) for row in _rows(folder)]
    assert len(set(pairs)) == 9 and validate_dataset(folder / "out") == []
    assert make_round(folder).attempted == 9


def test_a_file_that_could_not_be_read_and_now_can_is_new(folder):
    (folder / "driving" / "late.mp4").write_bytes(b"half a downl")
    first = make_round(folder)
    assert (first.attempted, first.unreadable) == (4, 1)
    _add_clip(folder)
    second = make_round(folder)
    assert (second.attempted, second.unreadable) == (6, 0) and validate_dataset(folder / "out") == []


def test_a_changed_file_is_told_and_its_content_is_new(folder, capsys):
    make_round(folder)
    before = _shards(folder)
    _add_clip(folder, "clip0.mp4", background=90)
    assert make_round(folder).attempted == 6
    assert "driving: changed content: clip0.mp4" in capsys.readouterr().err
    rows = [row for row in _rows(folder) if row["driving"] == "clip0.mp4"]
    assert len(rows) == 4 and len({row["driving_sha256"] for row in rows}) == 2
    assert before.items() <= _shards(folder).items()


def test_a_vanished_file_is_told_and_its_pairs_stay(folder, capsys):
    make_round(folder)
    before = _shards(folder)
    (folder / "driving" / "clip1.mp4").unlink()
    assert make_round(folder).kept == 4 and _shards(folder) == before
    assert "driving: gone: clip1.mp4; its pairs stay" in capsys.readouterr().err
    assert {row["id"]: row["status"] for row in _rows(folder, "sources")}["clip1.mp4"] == "gone"


def test_a_renamed_file_is_no_new_one(folder):
    make_round(folder)
    (folder / "driving" / "clip0.mp4").rename(folder / "driving" / "other.mp4")
    assert make_round(folder).attempted == 4


def test_a_source_that_vanishes_before_its_pair_is_made_fails_and_is_tried_again(folder):
    make_round(folder, limit=1)
    hidden = {path: path.read_bytes() for path in (folder / "driving").iterdir()}

    class Thief(ShiftTeacher):
        def animate(self, request):
            for path in hidden:
                path.unlink(missing_ok=True)
            return super().animate(request)

    outcome = make_round(folder, teacher=Thief())
    assert outcome.failed >= 2 and all(reason.startswith("sources: ") for reason in outcome.reasons)
    for path, data in hidden.items():
        path.write_bytes(data)
    assert make_round(folder).kept == 4 and validate_dataset(folder / "out") == []


def test_labels_that_change_are_told_and_reach_the_pairs_still_to_be_made(folder, capsys):
    table = folder / "driving" / "clips.csv"
    table.write_text("file,licence,prompt\nclip0.mp4,CC0,a cat\nclip1.mp4,CC0,a cat\n")
    make_round(folder, limit=2)
    first = [row["key"] for row in _rows(folder)]
    unchanged = plan(folder, folder / "fresh", limit=4)
    table.write_text("file,licence,prompt\nclip0.mp4,none,a dog\nclip1.mp4,none,a dog\n")
    make_round(folder, limit=4)
    assert "driving: other labels than before: clip0.mp4, clip1.mp4; pairs already made keep the old ones" in capsys.readouterr().err
    keys = [row["key"] for row in _rows(folder)]
    assert keys[:2] == first and not set(keys[2:]) & {key_of(unchanged, place) for place in range(4)}
    cards = cards_of(folder / "out")
    assert {cards[key]["prompt"] for key in keys[:2]} == {"a cat"} and {cards[key]["prompt"] for key in keys[2:]} == {"a dog"}
    assert {cards[key]["tags"]["driving"]["licence"] for key in keys[2:]} == {"none"}


def test_more_windows_of_known_clips_are_new(folder):
    write_video(folder / "driving" / "long.mp4", moving_square((10, 200, 200), 70, frames=9))
    make_round(folder)
    known = {(row["driving"], row["window"][0]) for row in _rows(folder)}
    make_round(folder, windows={"stride_s": 0.125})
    rows = _rows(folder)
    assert {(row["driving"], row["window"][0]) for row in rows} > known and len({row["key"] for row in rows}) == len(rows)


@pytest.mark.parametrize("spoiled", [("driving",), ("references",), ("driving", "references")])
def test_sources_that_are_all_unusable_are_rows_and_a_later_run_begins(folder, spoiled):
    good = {path: path.read_bytes() for side in spoiled for path in (folder / side).iterdir()}
    for path in good:
        path.write_bytes(b"not any more")
    first = make_round(folder)
    assert (first.attempted, first.unreadable) == (0, 2 * len(spoiled)) and validate_dataset(folder / "out") == []
    for path, data in good.items():
        path.write_bytes(data)
    second = make_round(folder)
    assert (second.kept, second.unreadable) == (4, 0)


def test_rules_that_leave_no_pair_say_which_labels_there_are(folder, capsys):
    (folder / "driving" / "clips.csv").write_text("file,framing\nclip0.mp4,full body\n")
    outcome = make_round(folder, rules=PairRules(by_tag=(TagRule.parse("framing"),)))
    assert outcome.attempted == 0
    assert "no pair fits the rules: framing: driving full 1, none 1; references none 2" in capsys.readouterr().err


def test_a_picture_of_the_only_clip_is_no_pair_and_that_is_said(folder, capsys):
    for path in [*(folder / "references").iterdir(), folder / "driving" / "clip1.mp4"]:
        path.unlink()
    still = read_video(folder / "driving" / "clip0.mp4").frames[0]
    (folder / "references" / "still.png").write_bytes(encode_image(still))
    assert make_round(folder).attempted == 0
    assert "no pair: still.png shows a moment of clip0.mp4" in capsys.readouterr().err


def test_a_card_says_what_was_enlarged_and_held(folder):
    make_round(folder, limit=1, grid=Grid(width=64, height=64, fps=24.0, num_frames=9))
    (card,) = cards_of(folder / "out").values()
    assert card["window"]["notes"] == "enlarged 2x; each frame shown 3x"


def test_quotas_hold_over_a_dataset_that_grows(folder):
    (folder / "references" / "clips.csv").write_text("file,subject\nwho0.png,cat\nwho1.png,dog\n")
    rules = PairRules(quotas=(Quota.parse("subject=human:cat 50%"),))
    (folder / "driving" / "clips.csv").write_text("file,subject\nclip0.mp4,human\nclip1.mp4,human\n")
    make_round(folder, limit=2, rules=rules)
    assert sorted(row["reference"] for row in _rows(folder)) == ["who0.png", "who1.png"]
    make_round(folder, limit=4, rules=rules)
    assert sorted(row["reference"] for row in _rows(folder)) == ["who0.png"] * 2 + ["who1.png"] * 2


def test_quotas_count_pairs_of_footage_that_is_gone(folder):
    (folder / "references" / "clips.csv").write_text("file,subject\nwho0.png,cat\nwho1.png,dog\n")
    labels = folder / "driving" / "clips.csv"
    labels.write_text("file,subject\nclip0.mp4,human\nclip1.mp4,human\n")
    rules = PairRules(quotas=(Quota.parse("subject=human:cat 50%"), Quota.parse("subject=human:dog 50%")))
    make_round(folder, limit=1, rules=rules)
    (first,) = _rows(folder)
    (folder / "driving" / first["driving"]).unlink()
    make_round(folder, limit=2, rules=rules)
    assert {row["reference"] for row in _rows(folder) if row["reference"]} == {"who0.png", "who1.png"}


def test_keys_depend_on_contents_and_not_on_names_or_thresholds(folder):
    base = key_of(plan(folder, folder / "out"), 0)
    assert key_of(plan(folder, folder / "out", thresholds=Thresholds(moving=0)), 0) == base
    assert key_of(plan(folder, folder / "out", pairs_per_unit=5), 0) == base
    for change in ({"seed": 1}, {"fit": "pad"}, {"pix_fmt": "yuv420p"}, {"teacher": Teacher(name="other")}):
        assert base not in {key_of(plan(folder, folder / "out", **change), place) for place in range(4)}


def test_nothing_personal_stands_in_what_is_published(folder, monkeypatch):
    def unreachable(evidence):
        raise Unreachable(f"got ConnectError from http://box-of-anna:9/v1 for {folder}/cache/x.json", transient=True)

    monkeypatch.setattr("socket.gethostname", lambda: "box-of-anna")
    monkeypatch.setenv("ACTORFORGE_JUDGE", "http://box-of-anna:9/v1#m")
    monkeypatch.setattr("bootstrap.filters.judging.JUDGE", replace(JUDGE, function=unreachable))
    make_round(folder, "judged", thresholds=Thresholds(judge=4.5, **NOTHING_ELSE))
    (folder / "driving" / "empty.mp4").write_bytes(b"")
    make_round(folder, teacher=ShiftTeacher(freeze=True), keep_rejected=True)
    outs = (folder / "out", folder / "judged")
    every = [(path, path.relative_to(out).parts) for out in outs for path in out.rglob("*") if path.is_file()]
    published = [path for path, parts in every if "work" not in parts]
    assert {path.name for path in published} >= {"run.json", "manifest.parquet", "sources.parquet"}
    assert "box-of-anna" in (folder / "out" / "work" / "events.jsonl").read_text()
    reasons = {row["reason"] for row in pq.read_table(folder / "judged" / "manifest.parquet").to_pylist()}
    assert reasons == {"filters: unreachable: got ConnectError from (an address) for x.json"}
    for path in published:
        text = path.read_bytes() if path.suffix != ".parquet" else json.dumps(pq.read_table(path).to_pylist()).encode()
        assert str(folder).encode() not in text and b"box-of-anna" not in text
