"""The examples of docs/cluster.md: a RayJob that KubeRay takes, a Slurm script that bash takes, and commands that the parser takes.

No package ships KubeRay's CRD. `RAY_JOB` is written from its API reference (ray.io/v1: RayJobSpec, RayClusterSpec, HeadGroupSpec,
WorkerGroupSpec, read in November 2026), with the required fields and types of what the example uses; any other field is refused.
"""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.pipelines.test_docs_commands import parse

EXAMPLES = Path(__file__).parents[2] / "docs/examples"
TEXT, WHOLE = {"type": "string", "minLength": 1}, {"type": "integer", "minimum": 0}
TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
QUANTITY = {"type": "string", "pattern": r"^[0-9]+(\.[0-9]+)?(m|[kMGTPE]i?)?$"}
NAME = {"type": "string", "pattern": "^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$"}


def record(required: tuple[str, ...] = (), **fields: dict) -> dict:
    return {"type": "object", "properties": fields, "required": list(required), "additionalProperties": False}


def many(items: dict) -> dict:
    return {"type": "array", "items": items, "minItems": 1}


AMOUNTS = {"type": "object", "propertyNames": {"pattern": "^(cpu|memory|[a-z.]+/[a-z]+)$"}, "additionalProperties": QUANTITY}
CONTAINER = record(
    ("name", "image"),
    name=NAME,
    image=TEXT,
    resources=record(requests=AMOUNTS, limits=AMOUNTS),
    envFrom=many(record(secretRef=record(("name",), name=NAME))),
    volumeMounts=many(record(("name", "mountPath"), name=NAME, mountPath=TEXT, readOnly={"type": "boolean"})),
)
CLAIM = record(("claimName",), claimName=NAME, readOnly={"type": "boolean"})
VOLUME = record(("name",), name=NAME, persistentVolumeClaim=CLAIM)
TEMPLATE = record(("spec",), spec=record(("containers",), containers=many(CONTAINER), volumes=many(VOLUME)))
WORKERS = record(
    ("groupName", "template", "minReplicas", "maxReplicas", "rayStartParams"),
    groupName=NAME,
    replicas=WHOLE,
    minReplicas=WHOLE,
    maxReplicas=WHOLE,
    rayStartParams=TEXTS,
    template=TEMPLATE,
)
CLUSTER = record(
    ("headGroupSpec",),
    rayVersion=TEXT,
    authOptions=record(mode={"enum": ["disabled", "token"]}),
    headGroupSpec=record(("template", "rayStartParams"), rayStartParams=TEXTS, template=TEMPLATE),
    workerGroupSpecs=many(WORKERS),
)
RAY_JOB = record(
    ("apiVersion", "kind", "metadata", "spec"),
    apiVersion={"const": "ray.io/v1"},
    kind={"const": "RayJob"},
    metadata=record(("name",), name=NAME),
    spec=record(
        ("rayClusterSpec", "entrypoint"),
        entrypoint=TEXT,
        backoffLimit=WHOLE,
        shutdownAfterJobFinishes={"type": "boolean"},
        ttlSecondsAfterFinished=WHOLE,
        rayClusterSpec=CLUSTER,
    ),
)


@pytest.fixture
def job() -> dict:
    return yaml.safe_load((EXAMPLES / "rayjob.yaml").read_text())


def test_the_ray_job_is_one_by_kuberays_rules(job):
    jsonschema.validate(job, RAY_JOB)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda job: job["spec"].pop("rayClusterSpec"),
        lambda job: job["spec"]["rayClusterSpec"]["workerGroupSpecs"][0].pop("groupName"),
        lambda job: job["spec"]["rayClusterSpec"]["headGroupSpec"]["rayStartParams"].update({"num-cpus": 0}),
        lambda job: job["spec"].update({"shutdownAfterJobFinished": True}),
        lambda job: job.update({"kind": "Rayjob"}),
    ],
)
def test_a_broken_one_is_not(job, wrong):
    wrong(job)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(job, RAY_JOB)


def test_what_it_asks_for_fits_into_what_it_starts(job, monkeypatch):
    words = shlex.split(job["spec"]["entrypoint"])
    assert words[0] == "actorforge" and parse(monkeypatch, words[1:]) == 0
    asked = {flag: int(words[words.index(flag) + 1]) for flag in ("--gpu-workers", "--cpu-workers")}
    groups = job["spec"]["rayClusterSpec"]["workerGroupSpecs"]
    has = {"gpu": 0, "cpu": 0}
    for group in groups:
        (container,) = group["template"]["spec"]["containers"]
        has["gpu"] += group["replicas"] * int(container["resources"]["limits"].get("nvidia.com/gpu", 0))
        has["cpu"] += group["replicas"] * int(container["resources"]["limits"]["cpu"])
    assert asked["--gpu-workers"] <= has["gpu"] and asked["--cpu-workers"] <= has["cpu"]
    assert all(group["minReplicas"] <= group["replicas"] <= group["maxReplicas"] for group in groups)


def test_the_slurm_script_is_ten_lines_of_bash_with_a_command_of_ours(monkeypatch):
    script = EXAMPLES / "slurm.sh"
    text = script.read_text()
    assert subprocess.run(["bash", "-n", script], check=True).returncode == 0 and len(text.splitlines()) <= 10
    found = re.search(r"actorforge (synthesize .*)", text.replace("\\\n", " "))
    assert parse(monkeypatch, shlex.split(found[1])) == 0
