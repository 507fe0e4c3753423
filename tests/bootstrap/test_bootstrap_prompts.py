"""The two prompts of a pair: whose looks, whose word, what a failing guide costs, what lands in the card."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from bootstrap.prompts import NO_PROMPTS, GuideMark, PairPrompts, Prompt, write_prompts
from bootstrap.rounds import begin_round
from bootstrap.shards.reader import read_examples
from models.artifacts import read_json
from models.framing import fit_image
from models.guidance.template import TemplateGuide
from models.mllm.errors import CostCapReached, Refused, Unparsed, Unreachable
from tests.bootstrap.factory_fakes import (
    GRID,
    ShiftTeacher,
    WordGuide,
    cards_of,
    key_of,
    make_round,
    moving_square,
    plan,
    work_off,
    write_sources,
)

CLIP = moving_square((200, 60, 30), 40, frames=4)
IDENTITY = moving_square((20, 90, 120), 220).frames[0]
TAGS = {"driving": {"subject": "human", "camera": "static"}, "reference": {"subject": "bird"}}
TEXTS = {"motion", "appearance", "prompt", "guide", "version"}


class ListeningTeacher(ShiftTeacher):
    """Keeps the prompts it is asked with."""

    def animate(self, request):
        heard[request.id] = request.prompt
        return super().animate(request)


heard: dict[str, str] = {}


@pytest.fixture
def folder(tmp_path):
    heard.clear()
    driving, references = write_sources(tmp_path, clips=2, identities=2)
    (driving / "clips.csv").write_text("file,subject,motion\nclip0.mp4,human,waving\nclip1.mp4,robot,\n")
    (references / "clips.csv").write_text("file,subject\nwho0.png,bird\n")
    return tmp_path


def make(folder, guide, out="out", **changes):
    return make_round(folder, out, make_teacher=ListeningTeacher, make_guide=lambda: guide, **changes)


def test_the_teacher_is_told_of_the_identity_and_the_pair_of_the_clips_own_subject():
    prompts = write_prompts(WordGuide(), CLIP, IDENTITY, TAGS)
    motion = f"motion of {CLIP.frames[0].mean():.1f}"
    assert prompts.teacher.prompt == f"bird instead of human: looks of {IDENTITY.mean():.1f}, {motion}"
    assert prompts.pair.prompt == f"human instead of human: looks of {CLIP.frames[0].mean():.1f}, {motion}"
    assert (prompts.pair.guide, prompts.pair.version, prompts.pair.motion) == ("words", "w-1", motion)


def test_an_untagged_identity_is_not_called_by_the_drivers_name():
    text = write_prompts(TemplateGuide(), CLIP, IDENTITY, {"driving": {"subject": "human"}, "reference": {}})
    assert "human" not in text.teacher.prompt and text.pair.prompt.startswith("A human performs")


def test_the_users_word_stands_in_both_places_and_no_guide_is_asked():
    tags = {**TAGS, "driving": {**TAGS["driving"], "prompt": "waves, twice"}}
    own = Prompt(prompt="waves, twice", guide="user")
    for guide in (None, WordGuide(error=Refused("asked"))):
        assert write_prompts(guide, CLIP, IDENTITY, tags) == PairPrompts(teacher=own, pair=own)
    blank = {**TAGS, "driving": {"prompt": "  "}}
    assert write_prompts(None, CLIP, IDENTITY, blank) == NO_PROMPTS and write_prompts(WordGuide(), CLIP, IDENTITY, blank).pair.guide


def test_both_prompts_land_in_the_card_and_the_pairs_own_is_read_by_training(folder):
    assert make(folder, WordGuide()).kept == 4
    cards = cards_of(folder / "out")
    for key, card in cards.items():
        teacher, pair = card["guidance"]["teacher"], card["guidance"]["pair"]
        clip = moving_square((200, 60 + 40 * int(card["driving"][4]), 30), 40 + 20 * int(card["driving"][4])).frames[0]
        assert heard[key] == teacher["prompt"] != pair["prompt"] == card["prompt"]
        assert abs(float(pair["appearance"].split()[-1]) - clip.mean()) < 2
        assert ("bird instead of" in teacher["prompt"]) == (card["reference"] == "who0.png")
    assert {card["prompt"].split()[0] for card in cards.values()} == {"human", "robot"}
    assert {example.id: example.prompt for example in read_examples(folder / "out")} == {key: card["prompt"] for key, card in cards.items()}


@pytest.mark.parametrize("guide", [None, WordGuide(), TemplateGuide()])
def test_every_card_has_the_same_texts(folder, guide):
    (folder / "driving" / "clips.csv").write_text("file,subject,prompt\nclip0.mp4,human,my word\n")
    make(folder, guide)
    for card in cards_of(folder / "out").values():
        assert set(card["guidance"]) == {"teacher", "pair"} and all(set(part) == TEXTS for part in card["guidance"].values())
        assert all(isinstance(text, str) for part in card["guidance"].values() for text in part.values())
        assert card["prompt"] == card["guidance"]["pair"]["prompt"]
        assert (card["prompt"] == "my word") == (card["driving"] == "clip0.mp4") and bool(card["prompt"]) == (
            card["driving"] == "clip0.mp4" or guide is not None
        )


def test_the_motion_the_user_names_is_in_the_template(folder):
    make(folder, TemplateGuide())
    assert all(("waving" in card["prompt"]) == (card["driving"] == "clip0.mp4") for card in cards_of(folder / "out").values())


def test_the_guide_is_a_setting_of_the_round(folder):
    make(folder, WordGuide(), limit=2)
    assert read_json(folder / "out" / "run.json")["config"]["guide"] == {"name": "words", "version": "w-1"}
    for other in (None, WordGuide(version="w-2"), TemplateGuide()):
        with pytest.raises(ValueError, match="out: guide: got .*, expected .*; repeat"):
            make(folder, other, limit=2)
    plans = [plan(folder, folder / "plan", guide=GuideMark.of(guide)) for guide in (None, WordGuide())]
    assert key_of(plans[0], 0) != key_of(plans[1], 0) and plans[0].recipe.settings["guide"] == {"name": "", "version": ""}


@pytest.mark.parametrize("error", [Refused("no, never"), Unparsed("no JSON"), Unreachable("HTTP 503"), CostCapReached("2 USD spent")])
def test_a_guide_that_fails_fails_its_pair_by_its_kind(folder, error):
    outcome = make(folder, WordGuide(error=error), limit=2)
    rows = pq.read_table(folder / "out" / "manifest.parquet").to_pylist()
    assert (outcome.kept, outcome.failed) == (0, 2) and heard == {}
    assert {(row["status"], row["reason"]) for row in rows} == {("failed", f"guidance: {error.kind}: {error}")}


@pytest.mark.parametrize("error", [Unreachable("HTTP 503"), CostCapReached("spent"), Refused("no")])
def test_a_guide_that_failed_is_asked_again_by_a_later_run(folder, error):
    make(folder, WordGuide(), "whole")
    make(folder, WordGuide(error=error))
    assert make(folder, WordGuide()).kept == 4 and _bytes(folder / "out") == _bytes(folder / "whole")


def test_one_pair_without_a_prompt_costs_the_others_nothing(folder):
    round_ = plan(folder, folder / "out", guide=GuideMark.of(WordGuide()))
    first, *_ = begin_round(round_)
    unit = round_.unit(first)
    identity = fit_image(_picture(folder / "references" / unit.pairs[0].spec.identity), GRID.size)

    class Choosy(WordGuide):
        def guide(self, driving, reference, tags):
            if np.array_equal(reference, identity):
                raise Unreachable("HTTP 503")
            return super().guide(driving, reference, tags)

    work_off(round_, [first], ShiftTeacher(), Choosy())
    marker, rows = round_.ledger.marker(first), round_.ledger.rows(first)
    failed = [row.known.row["reason"] for row in rows if row.known.failed]
    assert failed == ["guidance: unreachable: HTTP 503"] * len(failed) and len(failed) >= 1
    assert marker.failed == ("guidance: unreachable: HTTP 503",) and not round_.is_done(first, marker, round_.ledger.files())
    assert bool(marker.shards) == (len(failed) < 2)


def test_the_runtime_of_the_teacher_is_an_event(folder):
    class Network(ShiftTeacher):
        runtime = property(lambda self: self)

        def record(self):
            return {"device": "cpu", "dtype": "float32"}

    make_round(folder, make_teacher=Network, limit=2)
    make_round(folder, "plain", limit=2)
    for out, runtime in (("out", {"device": "cpu", "dtype": "float32"}), ("plain", {})):
        events = [json.loads(line) for line in (folder / out / "work" / "events.jsonl").read_text().splitlines()]
        assert [event["runtime"] for event in events if event["event"] == "pair"] == [runtime] * 2
    assert _bytes(folder / "out") == _bytes(folder / "plain")


def _picture(path):
    from models.images import read_image

    return read_image(path).image


def _bytes(out):
    return {path.name: path.read_bytes() for path in [*out.glob("shard-*.tar"), out / "manifest.parquet"]}
