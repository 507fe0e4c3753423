"""Who may import whom, what an import may cost, and where Ray lives: the contract of the house, held by `ast`."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
ORDER = ("models", "awbench", "bootstrap", "pipelines")
RAY_FILES = {f"pipelines/executor/{name}.py" for name in ("actors", "meters", "session", "worker")}
FORBIDDEN_NAMES = {"utils.py", "helpers.py", "common.py", "misc.py"}


def sources(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imported(path: Path, top_level_only: bool = False) -> set[str]:
    tree = ast.parse(path.read_text())
    nodes = tree.body if top_level_only else ast.walk(tree)
    names: set[str] = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; import from the defining module"
            names.add(node.module or "")
    return names


@pytest.mark.parametrize("room", ORDER)
def test_imports_point_left_only(room):
    right = set(ORDER[ORDER.index(room) + 1 :]) | {"tests", "notebooks"}
    wrong = {str(p.relative_to(ROOT)): bad for p in sources(room) if (bad := {n for n in imported(p) if n.split(".")[0] in right})}
    assert sources(room) and not wrong


def test_ray_is_imported_in_its_own_files_and_never_at_the_top():
    users = {str(p.relative_to(ROOT)) for room in ORDER for p in sources(room) if any(n.split(".")[0] == "ray" for n in imported(p))}
    eager = {str(p.relative_to(ROOT)) for room in ORDER for p in sources(room) if any(n.split(".")[0] == "ray" for n in imported(p, True))}
    assert users <= RAY_FILES and users and not eager


def test_no_room_without_a_purpose_and_no_empty_module_docstring():
    for room in ORDER:
        for path in sources(room):
            assert path.name not in FORBIDDEN_NAMES, path
            assert ast.get_docstring(ast.parse(path.read_text())), f"{path}: no module docstring"


def test_nothing_is_ever_unpickled():
    for room in ORDER:
        for path in sources(room):
            text = path.read_text()
            assert "pickle" not in imported(path) and "allow_pickle=True" not in text and "torch.load(" not in text, path


def loaded_by(statement: str, *modules: str) -> list[str]:
    code = f"{statement}\nimport sys\nprint([m for m in {modules!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return ast.literal_eval(done.stdout.strip().splitlines()[-1])


def test_importing_the_referee_costs_no_torch_and_no_ray():
    assert (
        loaded_by("import awbench, awbench.runs, awbench.scoring, awbench.suites.load, awbench.report.write", "torch", "ray", "diffusers")
        == []
    )


def test_the_command_line_is_lazy():
    assert loaded_by("import pipelines.cli", "torch", "ray", "diffusers", "cv2", "pandas", "av") == []
