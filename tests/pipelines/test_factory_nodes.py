"""The factory on a cluster of two nodes that is joined, one of which goes on the way."""

import os
import subprocess
import sys

import pytest

from bootstrap.shards.validate import validate_dataset
from pipelines.executor.source import source_root
from tests.bootstrap.factory_fakes import make_round, write_sources

pytest.importorskip("ray")
NODES = """
import sys, threading, time
from functools import partial
from pathlib import Path
from ray.cluster_utils import Cluster
from pipelines.stations import Staff
from tests.bootstrap.factory_fakes import ShiftTeacher, make_round
folder = Path(sys.argv[1])
events = folder / "nodes" / "work" / "events.jsonl"

def remove():
    told = ""
    while told.count('"worker_started"') < 2 or told.count('"pair"') < 4:
        time.sleep(0.05)
        told = events.read_text() if events.exists() else ""
    cluster.remove_node(other, allow_graceful=False)
    print("removed")

if __name__ == "__main__":
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    other = cluster.add_node(num_cpus=1)
    threading.Thread(target=remove, daemon=True).start()
    staff = Staff(workers=3, address=cluster.address)
    outcome = make_round(folder, "nodes", workers=staff, make_teacher=partial(ShiftTeacher, slowest_s=1.0), pairs_per_unit=4)
    print(f"kept {outcome.kept}")
    cluster.shutdown()
"""


def test_a_node_goes_while_more_workers_are_asked_for_than_there_are_cpus(tmp_path):
    write_sources(tmp_path, clips=4, identities=5)
    make_round(tmp_path, "peace", pairs_per_unit=4)
    (tmp_path / "job.py").write_text(NODES)
    environment = {**os.environ, "PYTHONPATH": str(source_root())}
    command = [sys.executable, str(tmp_path / "job.py"), str(tmp_path)]
    done = subprocess.run(command, check=False, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=200)
    assert done.returncode == 0 and "removed" in done.stdout and "kept 20" in done.stdout, done.stderr[-3000:]
    peace, nodes = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir() if path.is_file()} for name in ("peace", "nodes"))
    assert nodes == peace and validate_dataset(tmp_path / "nodes") == []
    told = (tmp_path / "nodes" / "work" / "events.jsonl").read_text()
    assert '"worker_lost"' in told or '"worker_died"' in told
