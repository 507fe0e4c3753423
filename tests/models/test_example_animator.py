"""The example package is installed as anybody's would be, without touching the repository, and runs by name and by module."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from awbench.suites.from_media import write_suite_from_media
from models.types import Grid
from tests.bootstrap.factory_fakes import write_sources

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = Path(__file__).with_name("example_animator")
DIST = "actorforge_tinted-1.0.dist-info"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the example installed: by pip, or by hand where there is nothing to build with."""
    place, copy = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("source") / "example"
    shutil.copytree(EXAMPLE, copy, ignore=shutil.ignore_patterns("__pycache__"))
    words = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "-q",
        "--no-index",
        "--no-build-isolation",
        "--no-deps",
        "--target",
        str(place),
        str(copy),
    ]
    if subprocess.run(words, capture_output=True).returncode != 0:
        shutil.copy(EXAMPLE / "tinted_animator.py", place)
        (place / DIST).mkdir()
        (place / DIST / "METADATA").write_text("Metadata-Version: 2.1\nName: actorforge-tinted\nVersion: 1.0\n")
        (place / DIST / "entry_points.txt").write_text("[actorforge.animators]\ntinted = tinted_animator:create\n")
    return place


@pytest.fixture(scope="module")
def suite(tmp_path_factory):
    path = tmp_path_factory.mktemp("line")
    driving, references = write_sources(path, clips=1, identities=1)
    write_suite_from_media(driving, references, path / "suite", Grid(width=32, height=32, fps=8.0, num_frames=4), pairs=1)
    return path / "suite"


def actorforge(site, *words):
    code = "import sys; from pipelines.cli import main; sys.exit(main())"
    paths = os.pathsep.join([str(site), str(ROOT)])
    env = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    return subprocess.run([sys.executable, "-c", code, *map(str, words)], cwd=site, env=env, capture_output=True, text=True)


def test_the_example_is_listed_with_all_it_states(site):
    said = actorforge(site, "ls", "animators", "--long").stdout
    block = next(part for part in said.split("\n\n") if part.startswith("tinted "))
    for words in (
        "tinted (weightless): plug-in from actorforge-tinted",
        "multiples of 32, sides from 64",
        "4n+1, 12 fps",
        "MIT",
        "strength, mode",
    ):
        assert words in block
    assert all(len(line) <= 100 for line in said.splitlines())
    assert any(line.startswith("tinted ") for line in actorforge(site, "ls", "animators").stdout.splitlines())


@pytest.mark.parametrize("name", ["tinted", "tinted_animator:create"])
def test_the_example_runs_with_its_options_and_is_adapted(site, suite, tmp_path, name):
    run = actorforge(site, "generate", "--animator", name, "--suite", suite, "--out", tmp_path / "run", "--set", "strength=0.25")
    assert run.returncode == 0, run.stderr
    config = json.loads((tmp_path / "run" / "run.json").read_text())
    assert config["options"] == {"strength": 0.25, "mode": "add"} and config["terms"]["licence"] == "MIT"
    row = json.loads(next((tmp_path / "run" / "records").iterdir()).read_text())
    assert "painted at 64x64 px; driver at 12 fps" in row["adaptation"]
    assert row["cost_usd"] == 0.005 and (row["given_frames"], row["given_fps"], row["given_width"]) == (4, 8.0, 32)
