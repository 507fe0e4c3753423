"""A module of one's own through `generate`: where it raised is kept and told, mended it goes on, edited after an answer it does not."""

import pytest

from awbench.suites.from_media import write_suite_from_media
from models.types import Grid
from pipelines.cli import main
from tests.bootstrap.factory_fakes import write_sources

SWAYS = """
from models.types import AnimationResult
class Sways:
    name = "sways"
    def animate(self, request):
        return AnimationResult(request_id=request.id, clip=CLIP, animator="sways", seconds=0)
def create(argument=None):
    return Sways()
"""


@pytest.fixture
def suite(tmp_path):
    driving, references = write_sources(tmp_path, clips=2, identities=1)
    write_suite_from_media(driving, references, tmp_path / "suite", Grid(width=32, height=32, fps=8.0, num_frames=4), pairs=2)
    return tmp_path / "suite"


def loaded_anew(monkeypatch, name):
    """As the next command of a user loads it."""
    import sys

    monkeypatch.delitem(sys.modules, name, raising=False)


def test_a_module_is_mended_where_it_raised_and_refused_once_it_has_answered(suite, tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(tmp_path)
    module, name, out = tmp_path / "sways_module.py", "sways_module:create", tmp_path / "run"
    command = ["generate", "--animator", name, "--suite", str(suite), "--out", str(out)]
    module.write_text(SWAYS)
    assert main(command) == 1
    told = capsys.readouterr().out
    assert "2 failed: NameError: name 'CLIP' is not defined (first: " in told and ", traceback in tracebacks/" in told
    assert "the same command tries them anew" in told and "another --out" not in told
    assert 'File "sways_module.py", line 6, in animate' in next((out / "tracebacks").iterdir()).read_text()
    half = SWAYS.replace("CLIP", "request.driving if request.id == FIRST else None").replace("class S", f"FIRST = '{_first(out)}'\nclass S")
    module.write_text(half)
    loaded_anew(monkeypatch, "sways_module")
    assert main(command) == 0
    assert "with another --out where it was the animator's module" in capsys.readouterr().out
    module.write_text(SWAYS.replace("CLIP", "request.driving"))
    loaded_anew(monkeypatch, "sways_module")
    assert main(command) == 2
    assert f"({name} is edited, or another module of that name)" in capsys.readouterr().err
    assert main([*command[:-1], str(tmp_path / "other")]) == 0 and not (tmp_path / "other" / "tracebacks").exists()


def _first(out):
    return min(path.stem for path in (out / "records").iterdir())
