"""Who the teacher is: asked of a process that loads it, remembered, and held against what every worker loads."""

import json
import sys
from contextlib import ExitStack, contextmanager
from importlib import metadata, reload

import pyarrow.parquet as pq
import pytest

from bootstrap.recipe import RECORDED, Teacher
from models import catalog
from pipelines import factory, synthesize, teachers
from pipelines.cli import main
from pipelines.stations import Staff
from pipelines.synthesize import GridFlags, run
from pipelines.teachers import Asked, Described, describe, described, load_teacher, remember, remembered
from tests.bootstrap.factory_fakes import GRID, ShiftTeacher, write_sources

PLUGIN = """
from tests.bootstrap.factory_fakes import ShiftTeacher
class Plugged(ShiftTeacher):
    pass
def create(argument=None):
    return Plugged(name="plugged", weights_hash="")
"""
WITH_OPTIONS = """
from dataclasses import dataclass, field
from tests.bootstrap.factory_fakes import ShiftTeacher
@dataclass(frozen=True, kw_only=True)
class Options:
    freeze: bool = False
    sides: tuple[int, ...] = (1, 2)
    waits_s: float = field(default=1.0, metadata={"identity": False})
def options(name):
    return Options
def create(argument=None, *, options=Options()):
    return ShiftTeacher(name="plugged", weights_hash="", freeze=options.freeze)
"""


@pytest.fixture
def folder(tmp_path):
    write_sources(tmp_path, clips=2, identities=2)
    return tmp_path


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """An installed plug-in `plugged`; its module's file."""
    file = tmp_path / "plug" / "plugged_teacher.py"
    file.parent.mkdir()
    file.write_text(PLUGIN)
    monkeypatch.syspath_prepend(str(file.parent))
    point = metadata.EntryPoint(name="plugged", value="plugged_teacher:create", group="actorforge.animators")
    real = catalog._plugged
    monkeypatch.setattr(catalog, "_plugged", lambda group: (*real(group), *[point] * (group == point.group)))
    yield file
    sys.modules.pop("plugged_teacher", None)


def _run(folder, teacher, **flags):
    sources = {"driving": folder / "driving", "references": folder / "references"}
    return run(**sources, teacher=teacher, out=folder / "out", grid=GridFlags(size=(32, 32), num_frames=4), limit=2, **flags)


def test_a_name_has_its_argument_and_of_a_path_the_last_part(folder, plugin):
    from plugged_teacher import create

    names = [describe(create(), asked).teacher.name for asked in ("plugged", "plugged:segv,37", f"plugged:{folder / 'driving'}")]
    assert names == ["plugged", "plugged:segv,37", "plugged:driving"]
    assert describe(ShiftTeacher(), f"recorded:{folder}").teacher == Teacher(name=RECORDED)
    assert describe(ShiftTeacher()).teacher == Teacher(name="shift", code=describe(ShiftTeacher()).teacher.code)


def test_a_plug_in_has_the_digest_of_its_code_and_ours_have_none(folder, plugin):
    import plugged_teacher

    first = describe(plugged_teacher.create(), "plugged").teacher
    plugin.write_text(PLUGIN + "\nSTRENGTH = 2\n")
    second = describe(reload(plugged_teacher).create(), "plugged").teacher
    assert len(first.code) == 64 and first.code != second.code
    known, _ = described(Asked(name="flow_warp"), Staff(), str(folder / "out"), ExitStack())
    assert known.teacher == Teacher(name="flow_warp")


def test_other_code_under_the_same_name_is_another_teacher(folder, plugin):
    assert _run(folder, "plugged").attempted == 2
    plugin.write_text(PLUGIN + "\n# another\n")
    with pytest.raises(ValueError, match="out: teacher: got .*code.*expected"):
        _run(folder, "plugged")
    with pytest.raises(ValueError, match="out: teacher: got .*plugged:2"):
        _run(folder, "plugged:2")


def _keys(folder):
    return sorted(row["key"] for row in pq.read_table(folder / "out" / "manifest.parquet").to_pylist())


def test_options_decide_what_is_made_are_recorded_and_must_stay(folder, plugin, capsys):
    plugin.write_text(WITH_OPTIONS)
    sources = ["--driving", str(folder / "driving"), "--references", str(folder / "references")]
    command = ["synthesize", *sources, "--teacher", "plugged", "--out", str(folder / "out"), "--size", "32x32", "--num-frames", "4"]
    command.append("--keep-rejected")  # none is kept
    given = ["--set", "sides=3,4", "--set", "waits-s=2"]
    assert main([*command, "--limit", "2", *given]) == 1
    run_json = json.loads((folder / "out" / "run.json").read_text())
    assert run_json["teacher"]["options"] == '{"freeze":false,"sides":[3,4]}'
    keys = _keys(folder)
    assert main([*command, "--limit", "2", "--set", "sides=3,4", "--set", "freeze=no"]) == 1 and _keys(folder) == keys
    capsys.readouterr()
    assert main([*command, "--limit", "2", "--set", "sides=3,4", "--set", "freeze=yes"]) == 2
    assert '"freeze":true' in (err := capsys.readouterr().err) and '"freeze":false' in err and "teacher: got" in err
    assert main([*command, "--set", "size=3"]) == 2 and "option: got 'size', expected one of freeze, sides" in capsys.readouterr().err
    assert main(["explain", keys[0], "--data", str(folder / "out")]) == 0
    told = capsys.readouterr().out
    assert "freeze false, sides 3,4" in told and "--teacher plugged --set freeze=false --set sides=3,4" in told
    again = ["explain", keys[0], "--data", str(folder / "out"), "--remake", str(folder / "one"), *sources, "--teacher", "plugged"]
    assert main([*again, "--set", "sides=3,4"]) == 0 and "the same pair, byte for byte" in capsys.readouterr().out
    assert main(again) == 2 and "teacher: options: got" in capsys.readouterr().err


LACKING = """
import os
from dataclasses import dataclass, field
from tests.bootstrap.factory_fakes import ShiftTeacher
from models.capabilities import Capabilities
LOADED = []
@dataclass(frozen=True, kw_only=True)
class Options:
    base: str = field(default="", metadata={"place": True})
def capabilities(name):
    return Capabilities(kind="hosted", licence="its terms", needs=("driver", "prompt"))
def options(name):
    return Options
def missing(name, options):
    return [] if os.path.isdir(options.base) else [f"base: no folder {options.base}; --set base=DIR"]
def create(argument=None, *, options=Options()):
    LOADED.append(options.base)
    return ShiftTeacher(name="plugged", weights_hash="")
"""


@pytest.mark.parametrize("workers", [0, 2])
def test_what_a_teacher_lacks_is_said_before_it_is_loaded_or_anything_begun(folder, plugin, monkeypatch, workers):
    plugin.write_text(LACKING)
    monkeypatch.setattr(teachers, "session", None)  # no worker is started to find it out
    with pytest.raises(ValueError, match="animator plugged: missing: base: no folder .*/weights; --set base=DIR"):
        _run(folder, "plugged", workers=workers, options={"base": "weights"})
    assert not (folder / "out").exists() and not sys.modules["plugged_teacher"].LOADED
    (folder / "weights").mkdir()
    with pytest.raises(ValueError, match="missing: prompt: this system is told in words, and --guide none writes none; --guide template"):
        _run(folder, "plugged", options={"base": str(folder / "weights")}, guide="none")


def test_a_finished_folder_needs_nothing_and_stays_finished_where_more_is_asked_in_vain(folder, plugin, monkeypatch):
    plugin.write_text(LACKING)
    monkeypatch.chdir(folder)
    (folder / "weights").mkdir()
    options = {"base": "weights"}
    first = _run(folder, "plugged", options=options)
    assert sys.modules["plugged_teacher"].LOADED == [str(folder / "weights")]  # a place of one word: workers have another working folder
    (folder / "weights").rmdir()
    assert _run(folder, "plugged", options=options) == first and (folder / "out" / "run.json").exists()
    monkeypatch.setattr(factory, "make_pairs", None)
    sources = {"driving": folder / "driving", "references": folder / "references", "grid": GridFlags(size=(32, 32), num_frames=4)}
    for workers in (0, 2):
        with pytest.raises(ValueError, match="missing: base"):
            run(**sources, teacher="plugged", out=folder / "out", limit=3, options=options, workers=workers)
        assert (folder / "out" / "run.json").exists()


def test_a_module_is_a_teacher_that_explain_names_as_it_is_typed(folder, plugin, capsys):
    name = "plugged_teacher:create"
    first = _run(folder, name)
    plan = json.loads((folder / "out" / "run.json").read_text())
    assert (plan["teacher"]["name"], plan["teacher"]["asked"]) == ("plugged", name)
    keys = _keys(folder)
    assert main(["explain", keys[0], "--data", str(folder / "out")]) == 0
    assert capsys.readouterr().out.rstrip().endswith(f"--teacher {name}")
    assert (
        _run(folder, name) == first
        and describe(teachers.Asked.of(name, {}).load(), "plugged_teacher:create:x").teacher.asked == f"{name}:x"
    )
    for place in ("run.json", "work/plan.json"):  # as one that was begun before this was recorded
        file = folder / "out" / place
        told = json.loads(file.read_text())
        del told["teacher"]["asked"]
        file.write_text(json.dumps(told))
    _run(folder, name)
    assert _keys(folder) == keys
    plugin.write_text(PLUGIN + "# edited")
    with pytest.raises(ValueError, match="out: teacher: got .*code.*expected"):
        _run(folder, name)


def test_a_dataset_of_before_its_teacher_had_options_keeps_its_keys(folder, plugin, monkeypatch):
    monkeypatch.setattr(teachers, "code_of", lambda *_: "")
    _run(folder, "plugged")
    keys = _keys(folder)
    plugin.write_text(WITH_OPTIONS)
    sys.modules.pop("plugged_teacher")
    _run(folder, "plugged")
    assert _keys(folder) == keys
    with pytest.raises(ValueError, match="out: teacher: got .*freeze"):
        _run(folder, "plugged", options={"freeze": "yes"})


def test_a_finished_folder_needs_no_teacher_while_its_files_are_as_they_were(folder, plugin, monkeypatch):
    first = _run(folder, "plugged")

    def load(*_, **__):
        raise AssertionError("loaded")

    monkeypatch.setattr(teachers, "load_animator", load)
    assert _run(folder, "plugged", workers=2) == first
    plugin.write_text(PLUGIN + "\n# another\n")
    with pytest.raises(AssertionError, match="loaded"):
        _run(folder, "plugged")


def test_what_is_remembered_holds_for_the_same_name_and_files(tmp_path):
    (tmp_path / "checkpoint").mkdir()
    (tmp_path / "checkpoint" / "model.safetensors").write_bytes(b"1")
    out, name = str(tmp_path / "out"), str(tmp_path / "checkpoint")
    known = Described(teacher=Teacher(name="checkpoint", weights_hash="ab", filter_metrics=("a", "b")), grid=GRID)
    asked = Asked(name=name)
    assert remembered(out, asked) is None
    remember(out, asked, known)
    others = [Asked(name=f"{name}2"), Asked(name=name, options={"steps": "3"})]
    assert remembered(out, asked) == known and [remembered(out, other) for other in others] == [None, None]
    (tmp_path / "checkpoint" / "model.safetensors").write_bytes(b"22")
    assert remembered(out, asked) is None


def test_a_worker_that_loads_another_teacher_stops_the_run():
    with pytest.raises(ValueError, match="teacher: weights_hash: got , expected abc; every worker, .* needs the same files"):
        load_teacher(Asked(name="flow_warp"), Teacher(name="flow_warp", weights_hash="abc"))


def test_a_worker_that_does_not_see_the_answers_stops_the_run_by_its_host(tmp_path):
    name, expected = f"recorded:{tmp_path}", Teacher(name=RECORDED)
    (tmp_path / ".hidden").touch()
    assert teachers._answers(name) == teachers._answers("still") == ()
    (tmp_path / "a.mp4").touch()
    seen = teachers._answers(name)
    assert teachers.load_on_worker(Asked(name=name), expected, seen).folder == tmp_path
    (tmp_path / "a.mp4").unlink()  # the folder is there, and nothing mounted in it
    with pytest.raises(ValueError, match="worker on .*a.mp4: got No such file or directory, expected an answer that the head sees; every"):
        teachers.load_on_worker(Asked(name=name), expected, seen)
    with pytest.raises(ValueError, match="worker on .*: animator recorded:.*/gone: missing: folder: .*does not exist"):
        teachers.load_on_worker(Asked(name=f"{name}/gone"), expected, ())


def test_one_session_is_held_for_telling_and_making(folder, two_workers, monkeypatch, capfd):
    told, real = [], synthesize.synthesize

    @contextmanager
    def session(*needs):
        told.append(needs[:2])
        yield
        told.append("closed")

    monkeypatch.setattr(teachers, "session", session)
    monkeypatch.setattr(synthesize, "synthesize", lambda *given, **named: (real(*given, **named), told.append("made"))[0])
    assert _run(folder, "flow_warp", staff=Staff(cpu=1, gpu=1)).attempted == 2 and told == [(2, 0), "made", "closed"]
    err = capfd.readouterr().err
    assert "starting workers; the first loads flow_warp" in err and "synthesize: starting workers: 1 cpu, 1 teacher" in err


def test_the_head_never_loads_the_teacher_of_workers(folder, two_workers, monkeypatch):
    def load(*_, **__):
        raise AssertionError("loaded in the head")

    monkeypatch.setattr(teachers, "load_animator", load)
    assert _run(folder, "flow_warp", staff=Staff(cpu=1, gpu=1)).attempted == 2


MIXED = [({"workers": 1, "cpu": 1, "gpu": 1}, "workers"), ({"cpu": 2}, "cpu_workers"), ({"address": "auto"}, "address")]


@pytest.mark.parametrize(("staff", "field"), MIXED)
def test_workers_of_one_kind_and_of_two_are_not_mixed(staff, field):
    with pytest.raises(ValueError, match=f"synthesize: {field}: got .*--cpu-workers and --gpu-workers"):
        Staff(**staff)


def test_the_store_grows_with_grid_and_workers():
    assert Staff(workers=8).cluster(GRID).store_b == Staff().cluster(GRID).store_b == 128 << 20
    from models.types import Grid

    large = Grid(width=1280, height=720, fps=24.0, num_frames=49)
    assert Staff(cpu=2, gpu=1).cluster(large).store_b > 128 << 20
