"""The parts that are easily broken by an install: one process with torch's whole family, and a process without ray."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def without(*names: str) -> str:
    """Code after which importing any of these packages fails as if it were not installed."""
    return f"import sys\nsys.modules.update(dict.fromkeys({names!r}))\n"


def python(code: str) -> subprocess.CompletedProcess:
    return subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=300)


def test_torch_and_everything_that_imports_torchvision_live_in_one_process():
    done = python("import torch, torchvision, open_clip, timm, transformers, diffusers; print(torch.__version__)")
    assert done.returncode == 0, done.stderr[-2000:]


def test_train_generate_score_and_report_work_without_ray(tmp_path):
    code = (
        without("ray")
        + f"""
from pathlib import Path
import numpy as np
from dataclasses import replace
from awbench.report.write import write_report
from models.types import Grid
from models.training.cache import FrameCache
from models.training.loop import fit
from pipelines.recipes import tiny_e2e
from models.backbones.tiny import TinyConfig
from pipelines.generate import generate
from pipelines.score import score
out = Path({str(tmp_path)!r})
config = replace(tiny_e2e(), backbone=TinyConfig(width=32, layers=1, heads=2), batch_size=2, precision="float32")
noise = np.random.default_rng(0).integers(0, 255, (2, 6, 48, 48, 3), dtype=np.uint8)
origins = np.zeros((2, 6, 6, 12, 12, 2), np.float16)
facts = dict(targets=noise, origins=origins, figures=noise[..., 0], drivers=noise, driver_origins=origins)
cache = FrameCache(grid=config.grid, ids=("a", "b"), **facts)
fit(cache, config, steps=1, out=out / "net", card={{"name": "net"}})
runs = [generate(name, "world-mini", out / label).path for name, label in ((str(out / "net"), "n"), ("still", "s"))]
score(runs)
print(write_report(runs, out / "report.html"))
try:
    generate("still", "world-mini", out / "w", workers=1)
except ValueError as error:
    assert "ray is not installed" in str(error), error
else:
    raise SystemExit("workers=1 without ray went through")
"""
    )
    done = python(code)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "report.html").is_file()


@pytest.mark.parametrize(
    "recipe,arrays",
    [("tiny_e2e", "drivers=noise, driver_origins=origins"), ("tiny_pose", "points=points, confidence=points[..., 0] * 0 + 1")],
)
def test_training_from_a_cache_needs_torch_diffusers_safetensors_and_numpy_alone(tmp_path, recipe, arrays):
    code = (
        without("ray", "cv2", "av", "pandas", "pyarrow", "fsspec", "rich", "tyro", "webdataset")
        + f"""
from dataclasses import replace
from pathlib import Path
import numpy as np
import pipelines.recipes as recipes
from models.backbones.tiny import TinyConfig
from models.training.cache import FrameCache
from models.training.loop import fit
config = replace(recipes.{recipe}(), backbone=TinyConfig(width=32, layers=1, heads=2), batch_size=2, precision="float32")
rng = np.random.default_rng(0)
noise = rng.integers(0, 255, (2, 6, 48, 48, 3), dtype=np.uint8)
origins = np.zeros((2, 6, 6, 12, 12, 2), np.float16)
points = rng.uniform(5, 40, (2, 6, 1, 17, 2)).astype(np.float32)
cache = FrameCache(grid=config.grid, ids=("a", "b"), targets=noise, origins=origins, figures=noise[..., 0], {arrays})
cache.save({str(tmp_path / "cache.safetensors")!r})
fit(FrameCache.load({str(tmp_path / "cache.safetensors")!r}), config, steps=1, out={str(tmp_path / "net")!r})
"""
    )
    done = python(code)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "net" / "animator.json").is_file()


def test_the_quickstart_notebook_runs_and_is_kept_without_outputs(tmp_path):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.read(ROOT / "notebooks" / "01_quickstart.ipynb", as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert cells and not any(cell.outputs for cell in cells)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT)}}).execute()
    assert any("image/png" in output.get("data", {}) for cell in cells for output in cell.outputs)
