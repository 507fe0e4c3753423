"""The demo's whole line, smaller: every part leaves what it promises, and a second call does nothing again."""

import pandas as pd
import pytest

import pipelines.demo as module


@pytest.fixture
def small(monkeypatch):
    for name, value in {"CLIPS": 2, "IDENTITIES": 5, "PAIRS": 6, "STEPS": 2, "LARGE_CASES": 1}.items():
        monkeypatch.setattr(module, name, value)


def test_the_line_from_footage_to_report_and_again(small, tmp_path, capsys):
    page = module.demo(tmp_path, workers=0)
    assert page.is_file() and (tmp_path / "pairs.html").is_file() and (tmp_path / "world-v1.html").is_file()
    text = page.read_text()
    for system in ("still", "echo_driver", "flow_warp", "tiny_pose", "short_pose", "demo_e2e", "ground_truth"):
        assert system in text, system
        scores = pd.read_parquet(tmp_path / "runs" / system / "scores.parquet")
        assert (scores[scores.metric == "psnr"].status == "ok").all() and len(scores[scores.metric == "psnr"]) == 16
    assert (tmp_path / "demo_e2e" / "animator.json").is_file()
    stamps = {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.mp4")}
    assert module.demo(tmp_path, workers=0) == page
    assert {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.mp4")} == stamps


def test_a_folder_of_other_things_is_refused(tmp_path):
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(ValueError, match="--out: got .* with thesis.tex, expected a new folder"):
        module.demo(tmp_path, workers=0)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]
