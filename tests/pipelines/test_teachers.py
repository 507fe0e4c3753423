"""Who the teacher is: asked of a process that loads it, remembered, and held against what every worker loads."""

import sys
from importlib import metadata, reload

import pytest

from bootstrap.recipe import RECORDED, Teacher
from models import catalog
from models.runtime import Runtime
from pipelines import teachers
from pipelines.stations import Staff
from pipelines.synthesize import GridFlags, run
from pipelines.teachers import Described, describe, described, load_teacher, remember, remembered
from tests.bootstrap.factory_fakes import GRID, ShiftTeacher, write_sources

PLUGIN = """
from tests.bootstrap.factory_fakes import ShiftTeacher
class Plugged(ShiftTeacher):
    pass
def create(argument=None):
    return Plugged(name="plugged", weights_hash="")
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
    known, _ = described("flow_warp", Runtime(), Staff(), str(folder / "out"))
    assert known.teacher == Teacher(name="flow_warp")


def test_other_code_under_the_same_name_is_another_teacher(folder, plugin):
    assert _run(folder, "plugged").attempted == 2
    plugin.write_text(PLUGIN + "\n# another\n")
    with pytest.raises(ValueError, match="out: teacher: got .*code.*expected"):
        _run(folder, "plugged")
    with pytest.raises(ValueError, match="out: teacher: got .*plugged:2"):
        _run(folder, "plugged:2")


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
    assert remembered(out, name) is None
    remember(out, name, known)
    assert remembered(out, name) == known and remembered(out, f"{name}2") is None
    (tmp_path / "checkpoint" / "model.safetensors").write_bytes(b"22")
    assert remembered(out, name) is None


def test_a_worker_that_loads_another_teacher_stops_the_run():
    with pytest.raises(ValueError, match="teacher: weights_hash: got , expected abc; every worker needs the same files"):
        load_teacher("flow_warp", Runtime(), Teacher(name="flow_warp", weights_hash="abc"))


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
