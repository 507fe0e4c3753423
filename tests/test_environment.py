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


TRAIN = """
from dataclasses import replace
from pathlib import Path
import numpy as np
from models.animators.motion import build_motion
from models.backbones.families import build_backbone
from models.runtime import Runtime
from models.training.batches import Batches
from models.training.loop import fit
from models.types import Clip, TrainingExample
from pipelines.recipes import tiny_e2e
backbone = {"family": "tiny", "width": 32, "layers": 1, "heads": 2}
config = replace(tiny_e2e(), backbone=backbone, batch_size=2)
noise = Clip(frames=np.random.default_rng(0).integers(0, 255, (9, 64, 64, 3), dtype=np.uint8), fps=8.0)
examples = [TrainingExample(id="a", reference=noise.frames[0], driver=noise, target=noise)]
batches = Batches(examples=examples, config=config, motion=build_motion(config.motion))
"""


def test_train_generate_score_and_report_work_without_ray(tmp_path):
    code = (
        without("ray")
        + TRAIN
        + f"""
from awbench.report.write import write_report
from pipelines.generate import generate
from pipelines.score import score
out = Path({str(tmp_path)!r})
fit(build_backbone(backbone, None, Runtime(device="cpu")), batches, steps=1, out=out / "net", card={{"name": "net"}})
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


def test_training_from_memory_needs_no_video_library_and_no_factory(tmp_path):
    """What a leg on a borrowed GPU has: torch, diffusers, opencv, numpy, pillow."""
    absent = ("ray", "av", "pandas", "pyarrow", "fsspec", "rich", "tyro", "webdataset", "peft", "tensorboard", "open_clip")
    fit = f"fit(build_backbone(backbone, None, Runtime(device='cpu')), batches, steps=1, out={str(tmp_path)!r})"
    done = python(without(*absent) + TRAIN + fit)
    assert done.returncode == 0, done.stderr[-3000:]
    assert (tmp_path / "animator.json").is_file()


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb")))
def test_a_notebook_runs_and_is_kept_without_outputs(name):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    notebook = nbformat.read(ROOT / "notebooks" / name, as_version=4)
    cells = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert cells and not any(cell.outputs for cell in cells)
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(ROOT)}}).execute()
    assert any("image/png" in output.get("data", {}) for cell in cells for output in cell.outputs)
