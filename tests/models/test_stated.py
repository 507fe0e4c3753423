"""What stands behind a name is known without making it; options are read as their types and refused by their names."""

import subprocess
import sys
from pathlib import Path

import pytest

from models.animators.load import SHIPPED, load_animator, placed_options, resolved_options
from models.animators.registry import ANIMATORS
from models.catalog import Catalog, Entry
from models.estimate import Workload
from models.option_values import absolute_options, parse_settings, record_options
from models.runtime import Runtime
from models.stated import capabilities_of, estimate_of, named, options_of, read_options
from tests.models.stated_systems import Options

HERE = "tests.models.stated_systems"
TABLE = {"open": f"{HERE}:create", "leaky": f"{HERE}:create", "plain": "tests.models.plain_system:create"}
CATALOG = Catalog(kind="animator", group="tests.none", entries={name: Entry(target=to, summary=name) for name, to in TABLE.items()})
WORK = Workload(size=(64, 48), num_frames=8, fps=12.0)


def read(**given):
    return read_options(Options, given, "animator open")


@pytest.mark.parametrize(
    "name, text, value",
    [
        ("steps", "5", 5),
        ("guidance", "2", 2.0),
        ("guidance", "1e-3", 0.001),
        ("flip", "True", True),
        ("flip", "off", False),
        ("mode", "good", "good"),
        ("prompt", "a, b = c", "a, b = c"),
        ("threshold", "0.5", 0.5),
        ("threshold", "none", None),
        ("layers", "1, 2,3", (1, 2, 3)),
        ("layers", "", ()),
        ("size", "32,16", (32, 16)),
        ("style", "a/b", Path("a/b")),
    ],
)
def test_a_value_is_read_as_its_fields_type(name, text, value):
    options = read(**{name: text})
    assert getattr(options, name) == value and type(getattr(options, name)) is type(value)


@pytest.mark.parametrize(
    "given, message",
    [
        ({"step": "5"}, "animator open: option: got 'step', expected one of steps, .*did you mean steps"),
        ({"steps": "2.5"}, "animator open: option steps: got '2.5', expected a whole number"),
        ({"guidance": "nan"}, "animator open: option guidance: got 'nan', expected a number"),
        ({"flip": "maybe"}, "animator open: option flip: got 'maybe', expected true or false"),
        ({"mode": "best"}, "animator open: option mode: got 'best', expected one of fast, good"),
        ({"size": "32"}, "animator open: option size: got '32', expected values between commas, each a whole number"),
        ({"threshold": "x"}, "animator open: option threshold: got 'x', expected a number or none"),
        ({"steps": "0", "prompt": "x"}, "animator open: option steps=0: system: steps: got 0, expected >= 1"),
        ({"mode": "fast", "guidance": "7"}, "animator open: option mode=fast, guidance=7: system: guidance: got 7"),
    ],
)
def test_what_is_no_value_is_refused_by_the_options_name(given, message):
    with pytest.raises(ValueError, match=message):
        read(**given)


def test_a_system_without_options_takes_none():
    assert read_options(None, {}, "animator plain") is None
    with pytest.raises(ValueError, match="animator plain: option: got steps, expected none"):
        read_options(None, {"steps": "2"}, "animator plain")


def test_settings_are_split_at_the_first_sign():
    assert parse_settings(("steps=2", "prompt=a=b", "cache-size=1")) == {"steps": "2", "prompt": "a=b", "cache_size": "1"}
    for words, message in ((("steps",), "--set: option: got 'steps'"), (("a=1", "a=2"), "--set: a: got two values")):
        with pytest.raises(ValueError, match=message):
            parse_settings(words)


def test_a_record_holds_no_place_and_nothing_that_is_no_identity():
    record = record_options(read(style="/data/styles/ink", prompt="recorded:/data/x", layers="1,2", logs="/tmp/logs"))
    assert record["style"] == "ink" and record["prompt"] == "recorded:x" and record["layers"] == [1, 2] and "logs" not in record
    assert record_options(read(prompt="https://host/a"))["prompt"] == "https://host/a" and record_options(None) == {}


def test_paths_in_options_are_made_absolute_for_workers(tmp_path, monkeypatch):
    (tmp_path / "pose").mkdir()
    monkeypatch.chdir(tmp_path)
    given = {"control": "recorded:pose", "mode": "pose", "style": "./pose", "url": "https://host/a"}
    expected = {"control": f"recorded:{tmp_path}/pose", "mode": "pose", "style": f"{tmp_path}/pose", "url": "https://host/a"}
    assert absolute_options(given) == expected


def test_links_in_options_stay_links_and_a_place_is_absolute_even_where_nothing_lies(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "python3").write_text("")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "python").symlink_to(tmp_path / "python3")  # as in a virtual environment
    given = {"python": "bin/python", "state": "jobs", "weights": "", "repo": "a\0b", "poll_s": "5"}
    placed = placed_options("kling_o1", {"state": "jobs", "upload": "s3://bucket/x", "mode": "pro"})
    assert placed == {"state": f"{tmp_path}/jobs", "upload": "s3://bucket/x", "mode": "pro"}
    assert absolute_options(given) == given | {"python": f"{tmp_path}/bin/python"}
    assert placed_options("scail2", {"repo": "it", "python": "python3"}) == {"repo": f"{tmp_path}/it", "python": "python3"}


@pytest.mark.parametrize("text", ["1_0", "9" * 30, "1e3", "٣", ""])
def test_a_whole_number_is_written_plainly(text):
    with pytest.raises(ValueError, match="expected a whole number"):
        resolved_options("wan_animate", given={"steps": text})


def test_a_module_states_itself_and_one_that_does_not_is_none():
    assert capabilities_of("open:x", CATALOG).note == "open x" and options_of("open", CATALOG) is Options
    assert estimate_of("open", WORK, read(steps="3"), CATALOG).passes == 3
    assert capabilities_of("nobody", CATALOG) is None and options_of("nobody", CATALOG) is None
    with pytest.raises(ValueError, match="animator leaky: options: got api_key, expected no key, secret, token or password"):
        options_of("leaky", CATALOG)


def test_anybodys_module_is_a_name_too():
    found = named(f"{HERE}:create:FOLDER", CATALOG)
    assert (found.module, found.attribute, found.argument) == (HERE, "create", "FOLDER")
    assert capabilities_of(f"{HERE}:create", CATALOG).size.multiple == 16
    assert named("no.such_module:create", CATALOG) is None and named("a b:c", CATALOG) is None
    assert load_animator(f"{HERE}:create_plain:X", CATALOG).argument == "X"
    with pytest.raises(ValueError, match=f"animator {HERE}:missing: factory: got no missing in {HERE}"):
        load_animator(f"{HERE}:missing", CATALOG)


def test_a_factory_is_told_what_it_has_parameters_for():
    made = load_animator("open:x", CATALOG, Runtime(device="cpu"), options={"steps": "3"})
    assert made.argument == "x" and made.told == {"name": "open", "runtime": Runtime(device="cpu"), "options": read(steps="3")}
    with pytest.raises(ValueError, match="animator open: option: got 'step'"):
        load_animator("open", CATALOG, options={"step": "3"})


def test_options_of_a_factory_that_takes_none_are_refused():
    with pytest.raises(ValueError, match="create_plain: options: got prompt, expected none"):
        load_animator(f"{HERE}:create_plain", CATALOG, options={"prompt": "x"})


@pytest.mark.parametrize(("count", "tail"), [(1, 0), (6, 0), (7, 0), (40, 0), (40, 3)])
def test_a_checkpoints_estimate_counts_the_windows_that_are_painted(count, tail):
    animator = load_animator("short_pose", options={"tail_frames": str(tail), "steps": "3", "guidance": "2"})
    plan = animator.plan(count, animator.sampling)
    options = read_options(options_of("short_pose", ANIMATORS), {"tail_frames": str(tail), "steps": "3", "guidance": "2"}, "short_pose")
    told = estimate_of("short_pose", Workload(size=(96, 96), num_frames=count, fps=8.0), options, ANIMATORS)
    assert told.tokens == sum(window.length for window in plan) * 2 * 6 * 6 and told.passes == 6


def test_every_known_animator_is_stated_without_torch():
    code = (
        "from awbench.catalog import ANIMATORS\nfrom models.stated import capabilities_of, options_of\nimport sys\n"
        "names = ANIMATORS.table()\nprint([n for n in names if capabilities_of(n, ANIMATORS) is None])\n"
        "[options_of(n, ANIMATORS) for n in names]\nprint([m for m in ('torch', 'diffusers', 'ray') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]


def test_checkpoints_take_the_fields_of_sampling():
    folder = str(SHIPPED / "short_pose")
    plain, other = load_animator(folder), load_animator(folder, options={"steps": "2"})
    assert other.sampling.steps == 2 != plain.sampling.steps
    assert load_animator("short_pose", options={"steps": "2"}).sampling == other.sampling
    with pytest.raises(ValueError, match="option steps=0"):
        load_animator("short_pose", options={"steps": "0"})


ODD = {
    "raises": ("raise RuntimeError('boom')", "module .*: got RuntimeError: boom"),
    "leaves": ("import sys; sys.exit(7)", "module .*: got SystemExit: 7"),
    "other": ("def capabilities(name): return {}", "capabilities: got dict, expected Capabilities"),
    "fails": ("def capabilities(name): raise KeyError('x')", "capabilities: got KeyError: 'x'"),
    "number": ("def estimate(name, workload, options): return 5", "estimate: got int, expected an Estimate"),
    "typed": (
        "from dataclasses import dataclass\n@dataclass\nclass O:\n    a: 'Nope' = 1\ndef options(name): return O",
        "options: got NameError",
    ),
}


@pytest.mark.parametrize("name", ODD)
def test_a_strangers_module_that_is_none_is_told_by_name(name, tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    source, message = ODD[name]
    (tmp_path / f"odd_{name}.py").write_text(f"{source}\ndef create(argument=None): ...\n")
    with pytest.raises(ValueError, match=f"odd_{name}:create: {message}"):
        capabilities_of(f"odd_{name}:create", ANIMATORS)
        estimate_of(f"odd_{name}:create", WORK, None, ANIMATORS)
        resolved_options(f"odd_{name}:create")
