"""What a system lacks is told before it is loaded, a line each, with the way to give it; its options are described."""

import subprocess
import sys
from dataclasses import dataclass, field

import pytest

from models.animators.load import resolved_options
from models.animators.registry import ANIMATORS
from models.baselines.local.wan_vace import WanVaceOptions
from models.baselines.weightless.puppet.animator import PuppetOptions
from models.estimate import Workload
from models.option_help import described
from models.pose.catalog import load_pose_estimator
from models.stated import missing_of, options_of, paints_of, strays_of

KEYS = ("KLING_ACCESS_KEY", "KLING_SECRET_KEY", "VOLC_ACCESS_KEY_ID", "VOLC_SECRET_ACCESS_KEY", "FAL_KEY", "ARK_API_KEY")


@pytest.fixture(autouse=True)
def no_keys(monkeypatch):
    for name in (*KEYS, *(f"ACTORFORGE_SCAIL2_{what}" for what in ("REPO", "PYTHON", "WEIGHTS"))):
        monkeypatch.delenv(name, raising=False)


def missing(name, cases=(), **given):
    return missing_of(name, resolved_options(name, ANIMATORS, given), ANIMATORS, cases)


@pytest.mark.parametrize(
    "name, given, heads",
    [
        ("kling_o1", {}, ["KLING_ACCESS_KEY", "KLING_SECRET_KEY", "upload"]),
        ("kling_motion_control", {"upload": "s3://b/in", "max_cost_usd": "3"}, ["KLING_ACCESS_KEY", "KLING_SECRET_KEY", "usd_per_s"]),
        ("dreamactor_m1", {}, ["VOLC_ACCESS_KEY_ID", "VOLC_SECRET_ACCESS_KEY", "upload"]),
        ("dreamactor_m2", {"via": "fal", "upload": "fal"}, ["FAL_KEY"]),
        ("dreamactor_m2", {"via": "fal"}, ["FAL_KEY", "upload"]),
        ("seedance_i2v", {"region": "intl"}, ["ARK_API_KEY", "model"]),
        ("scail2", {}, ["repo", "weights"]),
        ("external", {}, ["argument"]),
        ("wan_animate", {}, ["folder"]),
        ("wan_vace:/nowhere", {"estimator": "rtmlib:/no/onnx"}, ["folder", "estimator"]),
        ("wan_fun_control:/nowhere", {"control": "recorded:/no/depth"}, ["folder", "control"]),
        ("wan_animate2:/nowhere", {}, ["folder"]),
        ("puppet", {"pose": "tracks:/no/motion"}, ["joints of references", "pose"]),
        ("recorded:/nowhere", {}, ["folder"]),
        ("still", {}, []),
    ],
)
def test_each_kind_says_what_it_lacks(name, given, heads):
    lines = missing(name, **given)
    assert [line.partition(":")[0] for line in lines] == heads and all("\n" not in line for line in lines)


def test_what_is_there_is_not_missing(tmp_path, monkeypatch):
    monkeypatch.setenv("KLING_ACCESS_KEY", "a"), monkeypatch.setenv("KLING_SECRET_KEY", "b")
    assert missing("kling_o1", upload="s3://bucket/in") == []
    assert "credentials" in missing("kling_o1", upload="https://me:hunter2@host/in")[0]
    assert "hunter2" not in missing("kling_o1", upload="https://me:hunter2@host/in")[0]
    assert "model_index.json" in missing(f"wan_animate:{tmp_path}")[0]
    (tmp_path / "model_index.json").write_text("{}"), (tmp_path / "transformer").mkdir()
    (tmp_path / "transformer/config.json").write_text('{"_class_name": "WanAnimateTransformer3DModel"}')
    assert missing(f"wan_animate:{tmp_path}") == []
    repo, weights = tmp_path / "repo", tmp_path / "weights"
    repo.mkdir(), weights.mkdir()
    heads = [line.partition(":")[0] for line in missing("scail2", repo=str(repo), weights=str(weights), python=sys.executable)]
    assert set(heads) == {"repo", "weights"}  # folders that hold nothing


def test_recorded_names_cases_without_an_answer_and_files_without_a_case(tmp_path):
    for name in ("a.mp4", "b.mov", "b.mp4", "notes.txt"):
        (tmp_path / name).write_bytes(b"no video")
    lines = missing(f"recorded:{tmp_path}", ("a", "b", "c"))
    assert len(lines) == 2 and "2 videos" in lines[0] and lines[1].startswith("c.mp4: got no such file")
    assert missing(f"recorded:{tmp_path}") == [], "no case was asked for"
    assert strays_of(f"recorded:{tmp_path}", ANIMATORS, ("a", "b")) == ["notes.txt"]
    assert strays_of("still", ANIMATORS, ("a",)) == []


@pytest.mark.parametrize("name", ["wan_animate", "wan_animate2", "wan_animate2_distilled", "wan_vace", "wan_fun_control"])
def test_local_systems_say_where_they_paint(name):
    read = resolved_options(name, ANIMATORS)
    told = paints_of(name, Workload(size=(320, 448), num_frames=9, fps=16.0), read, ANIMATORS)
    assert told.startswith("painted at ") and told.endswith("brought back to 320x448")
    asked = resolved_options(name, ANIMATORS, {"area_px": "0"})
    assert paints_of(name, Workload(size=(320, 448), num_frames=9, fps=16.0), asked, ANIMATORS) == ""


def test_what_is_missing_is_told_without_torch():
    code = (
        "import sys\nfrom models.animators.load import resolved_options\nfrom models.animators.registry import ANIMATORS\n"
        "from models.stated import missing_of\n"
        "for name in ('kling_o1', 'scail2', 'wan_animate:/nowhere', 'wan_animate2:/nowhere'):\n"
        "    assert missing_of(name, resolved_options(name, ANIMATORS), ANIMATORS), name\n"
        "assert 'torch' not in sys.modules and 'diffusers' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@dataclass(frozen=True, kw_only=True)
class Base:
    """`near`: from the text; more of it. `far`: as the base says."""

    near: int = 3
    far: float | None = None
    told: str = field(default="", metadata={"help": "from the field"})


@dataclass(frozen=True, kw_only=True)
class Derived(Base):
    """Said.

    Args:
        far: As the class itself says,
            over two lines.
        flip: Whether.
    """

    flip: bool = True
    bare: int


def test_options_are_described_from_fields_and_docstrings():
    found = {each.name: (each.help, each.default) for each in described(Derived)}
    assert found == {
        "near": ("from the text; more of it", "3"),
        "far": ("As the class itself says, over two lines.", "none"),
        "told": ("from the field", "none"),
        "flip": ("Whether.", "true"),
        "bare": ("", "to be given"),
    }
    for kind in (WanVaceOptions, PuppetOptions):
        assert all(each.help for each in described(kind)), kind


@pytest.mark.parametrize("name", sorted(ANIMATORS.table()))
def test_no_option_of_a_listed_system_is_without_words(name):
    kind = options_of(name, ANIMATORS)
    assert kind is None or [each.name for each in described(kind) if not each.help.strip()] == []


@pytest.mark.parametrize("text", ["bvh:motion/dab.bvh", "motion/dab.bvh"])
def test_a_bvh_is_no_estimator_and_the_way_is_told(text):
    with pytest.raises(ValueError, match="a BVH is motion.*tracks:DIR"):
        load_pose_estimator(text)
