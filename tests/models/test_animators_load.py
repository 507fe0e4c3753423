"""Animators by name: where and how they run is told to those that run a network, or refused with the reason."""

import json
from importlib import metadata

import pytest

from awbench.catalog import ANIMATORS as WITH_TRUTH
from models import catalog as catalogs
from models.animators.code import code_of
from models.animators.load import SHIPPED, load_animator, refuse_unknown
from models.animators.registry import ANIMATORS
from models.animators.unknown import PIPELINES
from models.catalog import Catalog, Entry
from models.runtime import Runtime
from models.stated import capabilities_of, missing_of, options_of


class Told:
    """An animator that keeps what its factory was told."""

    name = "told"

    def __init__(self, *told):
        self.told = told

    def animate(self, request): ...


def create_running(argument=None, runtime=None):
    return Told(argument, runtime)


def create_plain(argument=None):
    return Told(argument)


def test_a_factory_with_a_runtime_is_told_it_and_one_without_is_not():
    entries = {name: Entry(target=f"{__name__}:create_{name}", summary=name) for name in ("running", "plain")}
    catalog, runtime = Catalog(kind="animator", group="tests.none", entries=entries), Runtime(device="cpu")
    assert load_animator("running:x", catalog, runtime).told == ("x", runtime) and load_animator("plain:x", catalog, runtime).told == ("x",)


def test_the_shipped_method_in_small_runs_by_name_as_its_folder_does():
    runtime = Runtime(device="cpu", attention="native")
    named, folder = (load_animator(text, runtime=runtime) for text in ("short_pose", str(SHIPPED / "short_pose")))
    assert named.runtime == folder.runtime and named.runtime.attention == "native" and named.weights_hash == folder.weights_hash
    with pytest.raises(ValueError, match="animator short_pose: argument: got 'x', expected none; write just short_pose"):
        load_animator("short_pose:x")


@pytest.mark.parametrize("name", ["tiny_prior", "tiny_pose", "tiny_e2e"])
def test_the_warps_run_on_the_cpu_and_say_so(name):
    assert load_animator(name, runtime=Runtime(device="cpu", dtype="float32")).name == name
    for runtime, message in (
        (Runtime(device="cuda"), "--runtime.device: got cuda, expected auto or cpu; the shipped warps"),
        (Runtime(dtype="bfloat16"), "--runtime.dtype: got bfloat16, expected auto or float32"),
        (Runtime(compiled=True, block_cache=0.1), "--runtime: got compiled, block-cache, expected device and dtype alone"),
    ):
        for text in (name, str(SHIPPED / name)):
            with pytest.raises(ValueError, match=f"animator {name}: {message}"):
                load_animator(text, runtime=runtime)


STRANGE = {
    "none": (
        "def create(): ...",
        r"none:create: create: got create\(\), expected create\(argument=None, \*, name, runtime, options\); of the",
    ),
    "asks": ("def create(argument, *, folder: str): ...", r"create: got create\(argument, \*, folder\), expected create\(argument=None"),
    "kind": (
        "class create:\n    def __init__(self, name, options=None): ...",
        r"got the class create\(name, options=None\), expected a function",
    ),
    "raises": (
        "def read(table):\n    return table['x']\n\ndef create(argument=None):\n    return read({})",
        r"create: got KeyError: 'x' at strange_raises.py:5 in create: return read\({}\), then strange_raises.py:2 in read: ",
    ),
    "words": (
        "def create(argument=None):\n    return float('a')",
        r"got ValueError: could not .* at strange_words.py:2 in create: return float",
    ),
    "leaves": ("import sys\ndef create(argument=None):\n    sys.exit(3)", r"create: got SystemExit: 3 at strange_leaves.py:3 in create"),
    "told": (
        "from models.types import require\ndef create(argument=None):\n    require(False, 'strange', 'folder', 'none', 'DIR')",
        "^strange: folder: got none, expected DIR$",
    ),
    "import": (
        "from json import no_such\ndef create(argument=None): ...",
        r"got ImportError: .* at strange_import.py:1 in <module>: from json",
    ),
    "states": (
        "def create(argument=None): ...\ndef options(name):\n    return name.x",
        r"options: got AttributeError.* at strange_states.py:3 in",
    ),
}


@pytest.mark.parametrize("name", STRANGE)
def test_a_factory_that_cannot_make_it_is_told_with_the_place_in_its_own_code(name, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    source, message = STRANGE[name]
    (tmp_path / f"strange_{name}.py").write_text(source + "\n")
    with pytest.raises(ValueError, match=message) as caught:
        load_animator(f"strange_{name}:create")
    assert "\n" not in str(caught.value) and str(tmp_path) not in str(caught.value) and "load.py" not in str(caught.value)


@pytest.mark.parametrize(
    "text, message",
    [
        ("away_sway:create", "no module away_sway on Python's path, .*or MODULE:create with PYTHONPATH=FOLDER"),
        ("near_sway:create", r"animator near_sway:create: module: got no module near_sway on .*; it lies here: PYTHONPATH=\. actorforge"),
        ("near_sway.py:create", r"write near_sway:create, where Python finds it: PYTHONPATH=\. actorforge"),
        ("lib/far_sway.py:make", r"write far_sway:make, where Python finds it: PYTHONPATH=lib actorforge"),
        ("lib/far_sway.py", "write far_sway:create"),
        ("near_sway", r"module without its function, .*write near_sway:create, where"),
        ("found_sway", r"module without its function, expected MODULE:FUNCTION; write found_sway:create$"),
        ("lib.near:create", r"it lies here: PYTHONPATH=\. actorforge"),
        ("stil:x", "did you mean still:x"),
        ("stil", r"animator: got 'stil', no known name, expected one of `actorforge ls animators`; did you mean still"),
    ],
)
def test_what_is_no_name_is_told_what_to_write(text, message, tmp_path, monkeypatch):
    (tmp_path / "here" / "lib").mkdir(parents=True)
    for place in ("here/near_sway", "here/lib/far_sway", "here/lib/near", "found_sway"):
        (tmp_path / f"{place}.py").write_text("raise RuntimeError('imported')")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ValueError, match=message) as caught:
        refuse_unknown(text)
    assert "unianimate_dit" not in str(caught.value)  # no list of all there are


@pytest.mark.parametrize("index", ["model_index.json", "modular_model_index.json"])
def test_a_diffusers_folder_is_told_who_runs_it(index, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "weights").mkdir()
    (tmp_path / "weights" / index).write_text(json.dumps({"_class_name": "WanAnimatePipeline"}))
    with pytest.raises(ValueError, match="got a diffusers folder of WanAnimatePipeline, .*; write wan_animate:weights$"):
        refuse_unknown("weights")
    (tmp_path / "weights" / index).write_text(json.dumps({"_class_name": "StableDiffusionPipeline"}))
    with pytest.raises(ValueError, match=r"folder of StableDiffusionPipeline, .* or one of wan_animate:FOLDER \(WanAnimatePipeline\), "):
        refuse_unknown("weights")
    (tmp_path / "weights" / index).write_text("[")
    with pytest.raises(ValueError, match="a diffusers folder of no named class"):
        refuse_unknown("weights")


def test_the_pipelines_named_are_those_that_are_run():
    from models.baselines.local.wan_animate2_pipeline import PIPELINES as modular

    assert set(PIPELINES.values()) <= set(ANIMATORS.entries) and {name: kind for kind, name in PIPELINES.items()}.items() >= modular.items()


@pytest.mark.parametrize("name", [name for name, entry in WITH_TRUTH.entries.items() if not entry.argument])
def test_an_argument_of_a_name_that_takes_none_is_refused_where_it_is_stated(name):
    for ask in (capabilities_of, options_of, lambda text, table: missing_of(text, None, table)):
        with pytest.raises(ValueError, match=f"animator {name}: argument: got 'foo', expected none; write just {name}"):
            ask(f"{name}:foo", WITH_TRUTH)


def test_every_name_says_rightly_whether_it_takes_an_argument():
    """One that takes one says so in its line: `puppet:DIR`."""
    assert {name for name, entry in WITH_TRUTH.entries.items() if entry.argument} == {
        name for name, entry in WITH_TRUTH.entries.items() if f"{name}:" in entry.summary
    }


class Point:
    """An installed entry point."""

    def __init__(self, name, package, value="theirs:create"):
        self.name, self.value, self.dist = name, value, type("Dist", (), {"name": package})


def test_a_name_that_is_taken_twice_is_refused_alone_and_its_package_told(monkeypatch):
    points = (
        Point("flow_warp", "blendit"),
        Point("other", "one"),
        Point("other", "two"),
        Point("fine", "three", f"{__name__}:create_plain"),
    )
    monkeypatch.setattr(catalogs, "_plugged", lambda group: points if group == ANIMATORS.group else metadata.entry_points(group=group))
    assert load_animator("still").name == "still" and load_animator("fine").told == (None,)
    for name, both in (
        ("flow_warp", r"package blendit \(theirs:create\) and from ActorForge itself"),
        ("other", "package two .* and from one"),
    ):
        with pytest.raises(ValueError, match=f"animator {name}: name: got it from {both}, expected from one; uninstall the package"):
            load_animator(name)
        with pytest.raises(ValueError, match=f"animator {name}: name: got it from"):
            capabilities_of(f"{name}:x", ANIMATORS)
        assert ANIMATORS.table()[name].summary.startswith("refused: got it from package")


def test_a_plug_ins_code_is_that_of_its_factory_and_its_class(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "coded_class.py").write_text("class Coded:\n    name = 'coded'\n    def animate(self, request): ...\n")
    factory, source = tmp_path / "coded_factory.py", "from coded_class import Coded\ndef create(argument=None): return Coded()\n"
    factory.write_text(source)
    loaded = load_animator("coded_factory:create")

    def code():
        return code_of(loaded, "coded_factory:create", ANIMATORS)

    first = code()
    factory.write_text(source + "# edited\n")
    second = code()
    (tmp_path / "coded_class.py").write_text("class Coded: ...\n")
    assert len({first, second, code()}) == 3 and all(len(each) == 64 for each in (first, second))
    assert code_of(load_animator("still"), "still", ANIMATORS) == ""
