"""The description of a repository: what is accepted, what every mistake is told, and where things are looked for."""

import subprocess
import sys
from dataclasses import fields

import pytest
import yaml

from models.animators.registry import ANIMATORS
from models.baselines.external import system
from models.baselines.external.changed_copy import changed_config, changed_python
from models.baselines.external.placeholders import command, expand
from models.baselines.external.places import code_mark
from models.baselines.external.reading import SYSTEMS, parse_spec, read_spec, shipped
from models.estimate import Workload
from models.stated import capabilities_of, estimate_of, options_of, read_options
from tests.models.external_fakes import external, once_repo, raw_spec, served_spec

SEVEN = ["animate_x", "mimic_motion", "mtvcrafter", "one_to_all", "scail2", "steady_dancer", "unianimate_dit"]


def test_the_seven_are_described():
    assert shipped() == SEVEN
    for name in SEVEN:
        spec = read_spec(name)
        assert spec.name == name and spec.repository.url.startswith("https://github.com/") and "20" in spec.repository.read
        assert spec.licence and spec.pitfall and spec.repository.files and spec.weights.get


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sumary": "x"}, "field: got 'sumary'.*did you mean summary"),
        ({"contract": 2}, "contract: got 2, expected 1"),
        ({"name": "Bad Name"}, "name: got 'Bad Name'"),
        ({"mode": "twice"}, "mode: got 'twice', expected once or serve"),
        ({"mode": "serve"}, "steps: got 1, expected none with mode serve"),
        ({"steps": []}, "steps: got 0"),
        ({"steps": "python x"}, "steps: got str, expected a list"),
        ({"steps": [{"run": "python x"}]}, "run: got 'python x', expected list"),
        ({"steps": [{"run": ["{python}", "{refrence}"]}]}, "got {refrence}.*did you mean .*reference"),
        ({"steps": [{"run": ["x"], "cwd": "{rep}"}]}, "got {rep}.*did you mean .*repo"),
        ({"steps": [{"run": ["x"], "shell": True}]}, "step 1: field: got 'shell'"),
        ({"needs": ["poses"]}, "needs, takes: got 'poses', expected one of driver, pose, face, prompt, first_frame$"),
        ({"needs": ["mask"]}, "contract 1 sends no mask"),
        ({"output": {}}, "video, frames"),
        ({"output": {"video": "../*.mp4"}}, "a way within the work folder"),
        ({"output": {"video": "x.mp4", "panel": [3, 2]}}, "panel"),
        ({"weights": {"files": ["/a.pt"]}}, "a way within the weights folder"),
        ({"options": {"steps": {"type": "int"}}}, "option steps: default: got no such field, expected one"),
        ({"options": {"steps": {"type": "int", "default": "4"}}}, "default: got '4', expected a value of type int"),
        ({"options": {"steps": {"type": "list", "default": []}}}, "type: got 'list', expected one of int"),
        ({"options": {"how": {"type": "str", "default": "a", "choices": ["b", "c"]}}}, "default: got 'a'"),
        ({"options": {"seed": {"type": "int", "default": 1}}}, "option: got 'seed', expected a name that is no placeholder"),
        ({"options": {"timeout_s": {"type": "int", "default": 1}}}, "option: got 'timeout_s'"),
        ({"size": {"multiple": 0}}, "size rule: multiple"),
        ({"frames": {"stepp": 4}}, "frames: field: got 'stepp'.*did you mean step"),
        ({"subjects": "one"}, "subjects: got 'one'"),
        ({"links": {"a": "{wieghts}"}}, "did you mean weights"),
        ({"licence": None}, "licence: got None"),
    ],
)
def test_a_mistake_is_told(changes, said):
    with pytest.raises(ValueError, match=said) as error:
        parse_spec(raw_spec(**changes), "mine.yaml")
    assert str(error.value).startswith("mine.yaml")


@pytest.mark.parametrize("name", ["name", "summary", "mode", "repository", "output", "needs", "licence"])
def test_a_missing_field_is_told(name):
    raw = raw_spec()
    del raw[name]
    with pytest.raises(ValueError, match=f"mine.yaml: {name}: got no such field, expected one; .*external_contract.md"):
        parse_spec(raw, "mine.yaml")


def test_a_file_that_is_no_description(tmp_path):
    file = tmp_path / "mine.yaml"
    for text, said in (
        ("a: [", "not valid YAML"), ("- 1", "got list, expected a mapping"), ("name: a\nname: b", "'name' is given twice"),
        ("!!python/object/apply:os.system ['x']", "not valid YAML"), ("a: &a [*a]", "field: got 'a'|not valid YAML"),
    ):  # fmt: skip
        file.write_text(text)
        with pytest.raises(ValueError, match=said):
            read_spec(f"external:{file}")
    with pytest.raises(ValueError, match="expected an existing YAML file"):
        read_spec(f"external:{tmp_path / 'none.yaml'}")
    with pytest.raises(ValueError, match="write external:FILE.yaml"):
        read_spec("external:")
    file.write_text((SYSTEMS / "scail2.yaml").read_text())
    with pytest.raises(
        ValueError, match="mine.yaml: name: got scail2, which is another system's, expected a free name; write one of its own"
    ):
        read_spec(f"external:{file}")


def test_placeholders():
    values = {"prompt": "a {seed}", "seed": 3, "fps": 24.0, "flag": True, "lora": ""}
    assert expand("--p={prompt}", values) == "--p=a {seed}" and expand("{fps} {flag} {none}", values) == "24 true "
    assert command(["x", ("--lora={lora}", "--alpha"), ("--seed", "{seed}")], values) == ["x", "--seed", "3"]
    assert expand("a:={'b': 1}", values) == "a:={'b': 1}"


def test_options_of_a_description():
    options = {"steps": {"type": "int", "default": 4, "least": 1}, "how": {"type": "str", "default": "a", "choices": ["a", "b"]}}
    spec = parse_spec(raw_spec(options=options | {"scale": {"type": "float", "default": 2}}), "mine.yaml")
    kind = system.options_kind(spec)
    assert (kind().steps, kind().scale, kind().how) == (4, 2.0, "a") and kind(steps=9).steps == 9
    assert kind is system.options_kind(spec)
    apart = {field.name for field in fields(kind) if field.metadata.get("identity") is False}
    assert apart == {"repo", "python", "weights", "logs", "pass_env", "timeout_s", "startup_timeout_s"}
    for wrong, said in (({"steps": 0}, ">= 1"), ({"how": "c"}, "one of a, b"), ({"steps": "x"}, "int"), ({"timeout_s": -1.0}, "seconds")):
        with pytest.raises(ValueError, match=said):
            kind(**wrong)


def test_stated_of_a_shipped_name_and_of_a_strangers(tmp_path):
    stated = system.capabilities("scail2")
    assert stated.kind == "external" and "driver" in stated.needs and stated.size.multiple == 32 and "Apache" in stated.licence
    told = system.estimate("scail2", Workload(size=(896, 512), num_frames=81, fps=16.0), system.options("scail2")())
    assert told.tokens == round(56 * 32 * 21 * 1.25) and told.passes == 80
    small = system.estimate("mtvcrafter", Workload(size=(48, 48), num_frames=6, fps=8.0), system.options("mtvcrafter")())
    assert small.tokens == 32 * 32 * 13  # as it paints: 512x512, held to 49 frames
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(raw_spec(subjects=1)))
    assert capabilities_of(f"external:{file}", ANIMATORS).subjects == 1 and system.capabilities("external").kind == "external"
    assert {"repo", "python"} <= {field.name for field in fields(options_of(f"external:{file}", ANIMATORS))}
    assert "repo" in {field.name for field in fields(system.options("external"))}
    assert estimate_of(f"external:{file}", Workload(size=(8, 8), num_frames=2, fps=1.0), None, ANIMATORS).tokens is None


@pytest.mark.parametrize(
    ("run", "lacks"),
    [
        (["{python}", "-S", "blnd.py", "{out}"], "blnd.py"),
        (["{python}", "{repo}/tools/run.py"], "tools/run.py"),
        (["tools/run.sh"], "tools/run.sh"),
        (["{python}", "{changed_copy}", "{request}", "infer.py", "{work}/copy.py"], "infer.py"),
        (["{python}", "act.py"], ""),
        (["{python}", "-m", "tools.run"], ""),
        (["{python}", "-c", "print('a.py')"], ""),
        (["{python}", "{work}/copy.py"], ""),
        (["bash", "-c", "true"], ""),
    ],
)
def test_a_script_that_is_not_in_the_repository_is_missing(tmp_path, run, lacks):
    repo = once_repo(tmp_path / "repo")
    file = tmp_path / "mine.yaml"
    file.write_text(yaml.safe_dump(raw_spec(steps=[{"run": run}])))
    kind = system.options("external", str(file))
    lines = system.missing("external", kind(repo=str(repo), python=sys.executable), str(file))
    assert lines == ([f"steps: step 1 runs {lacks}, which is not in the repository {repo}"] if lacks else [])


def test_options_are_read_from_words():
    for name in SEVEN:
        kind = options_of(name, ANIMATORS)
        read = read_options(kind, {"steps": "3", "timeout_s": "5", "repo": "/somewhere"}, name)
        assert (read.steps, read.timeout_s, read.repo) == (3, 5.0, "/somewhere")
    assert read_options(options_of("unianimate_dit", ANIMATORS), {"teacache": "true"}, "x").teacache is True
    with pytest.raises(ValueError, match="model.*one of 1.3b, 14b"):
        read_options(options_of("one_to_all", ANIMATORS), {"model": "7b"}, "one_to_all")


def test_what_is_missing_is_told_with_the_way_to_get_it(tmp_path, monkeypatch):
    for what in ("REPO", "PYTHON", "WEIGHTS"):
        monkeypatch.delenv(f"ACTORFORGE_SCAIL2_{what}", raising=False)
    kind = system.options("scail2")

    def told(**given):
        with pytest.raises(ValueError) as error:
            system.create(name="scail2", options=kind(**given))
        return str(error.value)

    assert "git clone https://github.com/zai-org/SCAIL-2" in told() and "ACTORFORGE_SCAIL2_REPO" in told()
    repo = tmp_path / "repo"
    assert "expected an existing folder" in told(repo=str(repo))
    (repo / "SCAIL-Pose/NLFPoseExtract").mkdir(parents=True)
    assert "without generate.py" in told(repo=str(repo))
    for name in ("generate.py", "SCAIL-Pose/NLFPoseExtract/process_animation_aio.py"):
        (repo / name).write_text("")
    assert "ACTORFORGE_SCAIL2_PYTHON" in told(repo=str(repo))
    assert "python: got nowhere" in told(repo=str(repo), python="nowhere")
    assert "hf download" in told(repo=str(repo), python=sys.executable)
    weights = tmp_path / "weights"
    weights.mkdir()
    assert "without SCAIL-2" in told(repo=str(repo), python=sys.executable, weights=str(weights))
    (weights / "SCAIL-2").mkdir()
    for name in ("SCAIL-2.safetensors", "sam3.pt"):
        (weights / name).write_text("x")
    monkeypatch.setenv("ACTORFORGE_SCAIL2_REPO", str(repo))
    monkeypatch.setenv("ACTORFORGE_SCAIL2_WEIGHTS", str(weights))
    (repo / ".venv/bin").mkdir(parents=True)
    (repo / ".venv/bin/python").symlink_to(sys.executable)
    assert system.create(name="scail2").name == "scail2"
    with pytest.raises(ValueError, match="expected none; write just scail2"):
        system.create("DIR", name="scail2")


def test_a_mark_changes_with_what_decides_a_pixel_and_with_nothing_else(tmp_path):
    repo = once_repo(tmp_path / "repo")
    before = external(repo)
    first = before.weights_hash
    (repo / "readme.md").write_text("words")
    (repo / "__pycache__").mkdir()
    (repo / "__pycache__/act.py").write_text("x")
    assert external(repo, timeout_s=5.0, logs="").weights_hash == first
    assert external(repo, raw_spec(needs=["driver", "prompt"])).weights_hash != first
    (repo / "act.py").write_text("pass")
    other = external(repo)
    changed = other.weights_hash
    assert [name for name, part in other.weights_parts.items() if part != before.weights_parts[name]] == ["repository"]
    weights = tmp_path / "weights"
    weights.mkdir()
    (weights / "a.pt").write_text("x")
    raw = raw_spec(weights={"get": "them", "files": ["a.pt"]})
    with_weights = external(repo, raw, weights=str(weights)).weights_hash
    (weights / "a.pt").write_text("xy")
    assert len({first, changed, with_weights, external(repo, raw, weights=str(weights)).weights_hash}) == 4


def test_a_mark_of_a_git_repository_is_its_commit_and_what_was_changed(tmp_path):
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@b.invalid", "-c", "init.defaultBranch=main", "-C", str(tmp_path)]
    (tmp_path / "a.py").write_text("1")
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner/b.py").write_text("1")
    (tmp_path / "a.pyc").write_text("1")
    for words in (["init", "-q"], ["add", "-A", "-f"], ["commit", "-qm", "x"]):
        subprocess.run([*git, *words], check=True)
    commit = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True).stdout.strip()
    inner = code_mark(tmp_path / "inner")
    assert code_mark(tmp_path) == commit and inner != commit
    (tmp_path / "a.pyc").write_text("2")  # compiled anew by being run
    assert code_mark(tmp_path) == commit
    (tmp_path / "a.py").write_text("2")
    assert code_mark(tmp_path).startswith(f"{commit}+") and code_mark(tmp_path / "inner") == inner


def test_changed_copies():
    text = "a = 1\nb, c = 2, 3\ndef f(x):\n    a = 4\n    pipe(x, steps=5)\n    return g.seed_all(6)\n"
    values = {"a": [1, "it's"], "f.a": None, "pipe(steps)": 50, "seed_all(0)": 7}
    done = changed_python(text, values, "s.py")
    assert done == 'a = [1, "it\'s"]\nb, c = (2, 3)\n\ndef f(x):\n    a = None\n    pipe(x, steps=50)\n    return g.seed_all(7)'
    for name in ("z", "f.z", "pipe(other)", "seed_all(4)", "g.a"):
        with pytest.raises(SystemExit, match="nothing named"):
            changed_python(text, {name: 1}, "s.py")
    config = yaml.safe_load(changed_config("a: {b: 1}\nlr: 0.00001\n", {"a.c": 2, "d.e": [1]}, "c.yaml"))
    assert config == {"a": {"b": 1, "c": 2}, "lr": 1e-05, "d": {"e": [1]}}
    assert changed_config('{"a": 1}', {"a": 2}, "c.json") == '{\n "a": 2\n}'


def test_a_description_that_serves():
    spec = parse_spec(served_spec(), "mine.yaml")
    assert spec.serve and not spec.steps and spec.commands == (spec.serve,)
    with pytest.raises(ValueError, match="a command with mode serve"):
        parse_spec({key: value for key, value in served_spec().items() if key != "serve"}, "mine.yaml")


def test_what_is_stated_costs_no_torch():
    code = "import sys; from models.baselines.external import system; system.capabilities('scail2'); system.options('scail2'); "
    code += "print([m for m in ('torch', 'diffusers', 'cv2', 'av') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
