"""The paper's own comparison as docs/animators.md writes it: hosted systems against local servers, Wan2.2-Animate with tiny weights."""

from __future__ import annotations

import glob
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from pipelines.cli import main
from tests.models.hosted_servers import kling, volcengine
from tests.models.hosted_servers.contract import small_video
from tests.models.tiny_wan_animate import save_animate
from tests.pipelines.test_docs_commands import commands_of

ROOT = Path(__file__).parents[2]
SUITE, CASES = "world-v1:48x48x24@8", 2
KEYS = {"KLING_ACCESS_KEY": kling.ACCESS, "KLING_SECRET_KEY": kling.SECRET}
KEYS |= {"VOLC_ACCESS_KEY_ID": volcengine.ACCESS, "VOLC_SECRET_ACCESS_KEY": volcengine.SECRET}
HOSTED = ("dreamactor_m2", "kling_motion_control", "kling_o1")


def written() -> list[list[str]]:
    """The commands of the section, but for the suite's and the judge's, which need footage and a model."""
    _, _, section = (ROOT / "docs" / "animators.md").read_text(encoding="utf-8").partition("\n## The paper's own comparison\n")
    found = commands_of(section.partition("\n## ")[0])
    assert [words[0] for words in found] == ["suite", *["generate"] * 4, "score", "judge", "compare", "report"]
    return [words for words in found if words[0] not in ("suite", "judge")]


def here(words: list[str], settings: dict[str, list[str]]) -> list[str]:
    """A written command for this machine: a suite that is there, its first cases, local servers in place of the bucket."""
    words = [each for word in words for each in (sorted(glob.glob(word)) if "*" in word else [word])]
    if words[0] != "generate":
        return ["tiny" if word.startswith("rtmlib:") else word for word in words]
    system = words[words.index("--animator") + 1].partition(":")[0]
    kept = [SUITE if word == "my_suite" else word for word in words if not word.startswith(("upload=", "estimator="))]
    at = kept.index("--set") + 1
    return [*kept[:at], *settings[system], *kept[at:], "--limit", str(CASES)]


def hosted_settings(server) -> list[str]:
    return [f"base_url={server.url}", f"upload={server.url}/files", "state=state", "poll_s=0.05", "timeout_s=30"]


def test_the_table_of_the_page_is_what_the_modules_state():
    made = subprocess.run([sys.executable, "docs/list_animators.py"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert made.count("\n") > 20 and made in (ROOT / "docs" / "animators.md").read_text(encoding="utf-8")


def test_the_four_systems_of_the_paper_on_one_suite(tmp_path, monkeypatch, capsys):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    save_animate(tmp_path / "Wan2.2-Animate-14B-Diffusers")
    with kling.KlingServer(video=small_video(fps=8)) as for_kling, volcengine.VolcengineServer(video=small_video(fps=8)) as for_volc:
        settings = {name: hosted_settings(for_kling) for name in ("kling_motion_control", "kling_o1")}
        settings |= {"dreamactor_m2": hosted_settings(for_volc), "wan_animate": ["estimator=tiny", "steps=1", "area_px=1024"]}
        commands = written()
        for words in commands[:4]:
            assert main([*here(words, settings), "--dry-run"]) == 0
        assert not for_kling.tasks and not for_volc.tasks and not (tmp_path / "runs").exists()
        for words in commands:
            assert main(here(words, settings)) == 0, capsys.readouterr().err[-2000:]
        assert len(for_kling.tasks) == 2 * CASES and len(for_volc.tasks) == CASES and not for_kling.wrong + for_volc.wrong
    rows = {path.name: pd.read_parquet(path / "generation.parquet") for path in sorted((tmp_path / "runs").iterdir())}
    assert sorted(rows) == sorted([*HOSTED, "wan_animate"])
    for name, table in rows.items():
        assert (table.status == "ok").all() and len(table) == CASES and table.adaptation.str.len().min() > 0, (name, table.reason.tolist())
        assert (table.cost_usd > 0).all() if name in HOSTED else table.cost_usd.isna().all()
        assert len(pd.read_parquet(tmp_path / "runs" / name / "scores.parquet")) >= 2 * CASES
    page = (tmp_path / "paper.html").read_text(encoding="utf-8")
    assert all(name in page for name in rows)


@pytest.fixture(autouse=True)
def no_keys_left(monkeypatch):
    """What a developer has in the environment reaches no server."""
    for name in (*KEYS, "FAL_KEY", "ARK_API_KEY"):
        monkeypatch.delenv(name, raising=False)
