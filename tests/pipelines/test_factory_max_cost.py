"""A dataset made by a teacher that costs something: the bound holds over all runs, and what it stopped goes on under a higher one."""

import json

import pyarrow.parquet as pq
import pytest

from pipelines.cli import main
from tests.bootstrap.factory_fakes import write_sources
from tests.pipelines.priced_systems import NAME


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("priced")
    write_sources(path)
    return path


def command(folder, out, *more):
    sources = ["--driving", folder / "driving", "--references", folder / "references", "--windows.near-doubles", "--thresholds.off"]
    grid = ["--size", "48x48", "--fps", 8, "--num-frames", 5]
    asked = ["synthesize", *sources, *grid, "--teacher", NAME, "--out", folder / out, "--pairs-per-shard", 2, *more]
    return [str(each) for each in asked]


def costs(out):
    lines = map(json.loads, (out / "work" / "events.jsonl").read_text().splitlines())
    return [line["cost_usd"] for line in lines if line["event"] == "pair"]


def published(out):
    return {path.name: path.read_bytes() for path in out.iterdir() if path.is_file()}


@pytest.mark.parametrize("workers", [0, 2])
def test_the_money_is_never_passed_and_the_same_command_goes_on_under_more(folder, workers, capfd):
    if workers:
        pytest.importorskip("ray")
    out = folder / f"bound{workers}"
    assert main(command(folder, out.name, "--workers", workers, "--max-cost", 2.6)) == 1
    said = capfd.readouterr().err
    assert "stopped at 2.50 of 2.6 USD with pairs to make: raise --max-cost; what was made is kept, the same command continues" in said
    assert costs(out) == [0.5] * 5 and not (out / "run.json").exists() and len(list(out.glob("shard-*.tar"))) == 2
    assert main(command(folder, out.name, "--max-cost", 2.6)) == 1  # what was spent before counts
    assert costs(out) == [0.5] * 5
    assert main(command(folder, out.name, "--max-cost", 4.5)) == 0
    assert costs(out) == [0.5] * 9 and pq.read_table(out / "manifest.parquet").num_rows == 9
    if not (folder / "whole").exists():
        main(command(folder, "whole"))
    assert published(out) == published(folder / "whole")


def test_an_answer_that_fails_is_paid_for_too_and_a_price_must_be_known(folder, capsys):
    assert main(command(folder, "unsaid", "--max-cost", 1, "--set", "say_usd=none")) == 2
    assert "--max-cost: got no price of an answer" in capsys.readouterr().err and not (folder / "unsaid").exists()
    assert main(command(folder, "odd", "--size", "32x32", "--max-cost", 1.3, "--set", "say_usd=0.1", "--set", "usd=0.6")) == 1
    assert costs(folder / "odd") == [0.6, 0.6]
