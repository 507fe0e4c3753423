"""Learned metrics through the command line: models travel to the workers, what is unscored says why."""

from __future__ import annotations

import pytest

from awbench.runs import Run
from awbench.suites.from_media import write_suite_from_media
from models.types import Grid
from pipelines.cli import main
from pipelines.generate import generate
from pipelines.score import score
from tests.awbench.tiny_learned import write_clip, write_dino
from tests.bootstrap.factory_fakes import write_sources


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    pytest.importorskip("open_clip")
    pytest.importorskip("timm")
    path = tmp_path_factory.mktemp("learned")
    driving, references = write_sources(path, clips=2, identities=2)
    write_suite_from_media(driving, references, path / "suite", Grid(width=32, height=32, fps=8.0, num_frames=4), pairs=2)
    write_clip(path / "clip")
    write_dino(path / "dino")
    generate("still", str(path / "suite"), path / "run")
    return path


def test_models_given_are_scored_by_default_and_the_rest_says_why(place, capsys):
    generate("still", str(place / "suite"), place / "all")
    assert main(["score", str(place / "all"), "--clip", str(place / "clip"), "--dino", str(place / "dino")]) == 0
    told, table = capsys.readouterr().out, Run.open(place / "all").scores()
    assert "  clip_t: 2 unscored: the case has no prompt" in told
    scored = set(table[table["status"] == "ok"]["metric"])
    assert {"clip_appearance", "clip_iqa", "dino_i", "imaging_quality"} <= scored
    versions = table.set_index("metric")["metric_version"]
    assert versions["clip_appearance"].unique()[0].startswith("2+")


def test_without_a_model_the_reason_is_printed_once(place, capsys):
    generate("still", str(place / "suite"), place / "none")
    assert main(["score", str(place / "none"), "--metrics", "clip_appearance"]) == 1
    assert "  clip_appearance: 2 unscored: no model, give --clip DIR\n" in capsys.readouterr().out


def test_a_missing_folder_is_wrong_use(place, capsys):
    assert main(["score", str(place / "run"), "--clip", str(place / "nowhere")]) == 2
    assert "nowhere: folder: got no such folder" in capsys.readouterr().err


def test_workers_get_the_models_from_another_folder(place, two_workers, monkeypatch):
    from awbench.metrics.learned.models import LearnedModels

    monkeypatch.chdir(place)
    models, names = LearnedModels(clip="clip"), ("clip_appearance", "clip_iqa")
    tables = []
    for workers in (0, 2):
        run = generate("still", str(place / "suite"), place / f"run{workers}")
        tables.append(score([run.path], names, models=models, workers=workers)[0].scores())
    assert tables[0].equals(tables[1]) and (tables[0]["status"] == "ok").all()
    with pytest.raises(ValueError, match="one GPU serves one process"):
        score([run.path], names, models=LearnedModels(device="cuda"), workers=2)
