"""Guides: the template says what tags and differences tell, the model's fusion re-maps to the target, failures keep their kind."""

import json

import numpy as np
import pytest

from models.guidance.catalog import GUIDES, load_guide
from models.guidance.guide import Guidance, Guide, described
from models.guidance.mllm import MllmGuide
from models.guidance.prompts import VERSION, appearance_question, fusion_question, motion_question
from models.guidance.template import TemplateGuide, measure_motion
from models.mllm.client import Client
from models.mllm.endpoint import KEY_VARIABLE, Endpoint
from models.mllm.errors import Refused, Unparsed, Unreachable
from models.types import Clip
from tests.models.test_mllm import FakeServer, completion

REFERENCE = np.full((8, 8, 3), 90, np.uint8)
BIRD = {"subject": "bird", "driver_subject": "human", "framing": "full", "count": "1", "camera": "static", "licence": "CC0"}


def box_clip(step=(0, 6), count=9, fps=4.0, side=10, size=64):
    """A white square on black that moves `step` = (down, right) px a frame, from where it has room."""
    frames = np.zeros((count, size, size, 3), np.uint8)
    start = [0 if d >= 0 else size - side for d in step]
    for t in range(count):
        y, x = (np.clip(s + d * t, 0, size - side) for s, d in zip(start, step))
        frames[t, y : y + side, x : x + side] = 255
    return Clip(frames=frames, fps=fps)


# ---- the record


def test_guidance_survives_its_dict_and_refuses_others():
    made = Guidance(motion="m", appearance="a", prompt="p", guide="g", version="1")
    assert Guidance.from_dict(json.loads(json.dumps(made.to_dict()))) == made
    for record in ({}, {**made.to_dict(), "more": "x"}, {**made.to_dict(), "prompt": " "}, {**made.to_dict(), "motion": None}):
        with pytest.raises(ValueError, match="guidance: "):
            Guidance.from_dict(record)


def test_tags_that_say_nothing_are_left_out():
    assert described({"subject": " robot\n dog ", "motion": "jump_up", "camera": "", "framing": "unknown", "licence": "CC0"}) == {
        "subject": "robot dog",
        "motion": "jump up",
    }


# ---- template


@pytest.mark.parametrize(
    "step, word", [((0, 6), "right"), ((0, -6), "left"), ((6, 0), "down"), ((-6, 0), "up"), ((6, 6), "right and down")]
)
def test_the_template_sees_which_way_the_change_travels(step, word):
    guidance = TemplateGuide().guide(box_clip(step), REFERENCE, BIRD)
    assert f"travelling {word} in the picture" in guidance.motion and guidance.motion in guidance.prompt


def test_the_sentence_is_fixed_and_the_same_again():
    twice = [TemplateGuide().guide(box_clip(), REFERENCE, dict(reversed(BIRD.items()))) for _ in range(2)]
    assert twice[0] == twice[1] and (twice[0].guide, twice[0].version) == ("template", "template-2")
    assert twice[0].prompt == (
        "A bird performs the driving motion with its own body: small motion, travelling right in the picture; full shot, static camera."
    )


def test_measured_travel_and_share_have_the_planted_size():
    motion = measure_motion(box_clip((0, 6)))
    assert motion.travel[0] == pytest.approx(48 / 64, abs=0.12) and abs(motion.travel[1]) < 1e-6  # 8 steps of 6 px in 64
    assert motion.share == pytest.approx(2 * 6 * 10 / 64**2, rel=0.2)


def test_more_change_gives_a_stronger_word():
    noise = np.random.default_rng(0).integers(0, 255, (5, 32, 32, 3), dtype=np.uint8)
    words = [TemplateGuide().guide(c, REFERENCE, {}).motion for c in (box_clip((0, 0)), box_clip(), Clip(frames=noise, fps=4.0))]
    assert words == ["hardly any motion", "small motion", "large motion"]


def test_the_template_claims_no_more_than_it_can_know():
    guide = TemplateGuide()
    assert "travelling" not in guide.guide(box_clip(), REFERENCE, {"subject": "bird"}).prompt  # the camera may move
    assert guide.guide(box_clip(), REFERENCE, {"camera": "moving"}).motion == "not measured, the camera moves"
    one = Clip(frames=np.zeros((1, 8, 8, 3), np.uint8), fps=8.0)
    assert guide.guide(one, REFERENCE, {}).motion == "one frame, no motion to see"
    back_and_forth = Clip(frames=np.concatenate([box_clip().frames, box_clip().frames[::-1]]), fps=4.0)
    assert "travelling" not in guide.guide(back_and_forth, REFERENCE, BIRD).prompt
    untagged = guide.guide(box_clip(), REFERENCE, {})
    assert untagged.appearance == "the character of the reference image" and "human" not in untagged.prompt


def test_a_clip_shorter_than_a_step_is_still_measured():
    two = Clip(frames=box_clip().frames[[0, 8]], fps=30.0)
    assert measure_motion(two).share > 0 and measure_motion(two).travel is None


def test_several_characters_are_several():
    prompt = TemplateGuide().guide(box_clip(), REFERENCE, {**BIRD, "subject": "elf", "count": "2"}).prompt
    assert prompt.startswith("2 characters, each an elf, perform the driving motion with their own bodies: small motion, travelling")
    many = TemplateGuide().guide(box_clip(), REFERENCE, {"count": "many"}).prompt
    assert many.startswith("The many characters of the reference image perform the driving motion with their own bodies: small motion")


# ---- the model's guide


def fake_mllm(body):
    """Looks (at what it is shown) and answers as a model would: the fusion maps arms to what the appearance text can move."""
    name = body["response_format"]["json_schema"]["name"]
    texts = " ".join(part["text"] for part in body["messages"][1]["content"] if part["type"] == "text")
    if name == "motion":
        return completion(json.dumps({"motion": "the subject waves the right hand twice"}))
    if name == "appearance":
        return completion(json.dumps({"appearance": "a small brown bird.", "movable_parts": ["wings", "tail"]}))
    part = "wing" if "Can move: wings" in texts and "right hand" in texts else "hand"
    mapping = [{"driver_part": "right hand", "target_part": f"right {part}"}]
    return completion(json.dumps({"mapping": mapping, "prompt": f"The bird waves its right {part} twice."}))


@pytest.fixture
def serve(monkeypatch):
    monkeypatch.delenv(KEY_VARIABLE, raising=False)
    servers = []

    def start(*steps):
        servers.append(FakeServer(*steps))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def mllm_guide(server, folder):
    return MllmGuide(client=Client(Endpoint(base_url=server.url, model="fake", max_attempts=1), folder))


def asked(server):
    return [body["response_format"]["json_schema"]["name"] for body in server.bodies]


def test_the_fused_prompt_speaks_of_the_targets_anatomy(serve, tmp_path):
    server = serve(fake_mllm)
    made = mllm_guide(server, tmp_path).guide(box_clip(), REFERENCE, BIRD)
    assert "waves its right wing" in made.prompt and "hand" not in made.prompt
    assert made.motion == "the subject waves the right hand twice"
    assert made.appearance == "a small brown bird. Can move: wings, tail."
    assert (made.guide, made.version) == ("mllm:fake", VERSION) and asked(server) == ["motion", "appearance", "fusion"]


def test_a_product_costs_n_and_m_questions_with_pictures_and_fusions_of_text(serve, tmp_path):
    server = serve(fake_mllm)
    guide = mllm_guide(server, tmp_path)
    clips = [box_clip((0, step)) for step in (1, 2, 3)]
    images = [REFERENCE, REFERENCE + 40]
    for clip in clips:
        for number, image in enumerate(images):  # texts that differ, so that fusions do
            guide.guide(clip, image, {"subject": f"bird {number}", "motion": f"wave {clip.frames.sum()}"})
    names = asked(server)
    assert (names.count("motion"), names.count("appearance")) == (3, 2)
    pictures = [any(part["type"] == "image_url" for part in body["messages"][1]["content"]) for body in server.bodies]
    assert pictures == [name != "fusion" for name in names]
    before = len(names)
    guide.guide(clips[0], images[0], {"subject": "bird 0", "motion": f"wave {clips[0].frames.sum()}"})
    assert len(server.bodies) == before


def test_each_question_sees_its_own_side_only():
    motion, appearance = motion_question(box_clip(count=30)), appearance_question(REFERENCE)
    fusion = fusion_question("waves a hand", "a bird", described(BIRD))
    assert len(motion.parts) == 9 and motion.parts[-1].caption == "frame 8, t=7.25 s" and len(appearance.parts) == 2
    text = "\n".join(fusion.parts)
    assert "waves a hand" in text and "a bird" in text and "subject: bird" in text and "CC0" not in text
    assert {q.version for q in (motion, appearance, fusion)} == {VERSION}


@pytest.mark.parametrize(
    "step, kind, question",
    [
        (completion(None, refusal="no"), Refused, "motion"),
        (completion("{}"), Unparsed, "motion"),
        ((500, "down"), Unreachable, "motion"),
    ],
)
def test_failures_keep_their_kind_and_name_the_question(serve, tmp_path, step, kind, question):
    with pytest.raises(kind, match=f"question {question}"):
        mllm_guide(serve(step), tmp_path).guide(box_clip(), REFERENCE, BIRD)


def test_a_failed_fusion_keeps_the_texts_already_paid_for(serve, tmp_path):
    server = serve(lambda body: fake_mllm(body) if len(server.bodies) != 3 else completion(None, refusal="no"))
    guide = mllm_guide(server, tmp_path)
    with pytest.raises(Refused, match="question fusion"):
        guide.guide(box_clip(), REFERENCE, BIRD)
    guide.guide(box_clip(), REFERENCE, BIRD)
    assert asked(server) == ["motion", "appearance", "fusion", "fusion"]


# ---- the catalog


def test_guides_load_by_name(tmp_path, monkeypatch):
    monkeypatch.setenv("ACTORFORGE_CACHE", str(tmp_path))
    guides = [load_guide("template"), load_guide("mllm:http://localhost:8000/v1#Qwen/Qwen3-VL-8B")]
    assert [g.name for g in guides] == ["template", "mllm:Qwen/Qwen3-VL-8B"] and all(isinstance(g, Guide) for g in guides)
    assert guides[1].client.endpoint.base_url == "http://localhost:8000/v1" and guides[1].client.cache == tmp_path / "mllm"
    assert list(tmp_path.iterdir()) == [] and set(GUIDES.table()) >= {"template", "mllm"}


@pytest.mark.parametrize(
    "name, words",
    [
        ("templat", "did you mean template"),
        ("template:x", "argument"),
        ("mllm", "BASE_URL#MODEL"),
        ("mllm:http://localhost/v1", "BASE_URL#MODEL"),
        ("mllm:ftp://host#m", "base_url"),
    ],
)
def test_wrong_names_say_what_was_expected(name, words):
    with pytest.raises(ValueError, match=words):
        load_guide(name)
