"""A Ray session of our own on this machine, or the cluster that is joined; held open over any number of runs.

Our own has no dashboard, sends no statistics, keeps a small object store and its files in `/tmp/af-PID-*`, which are removed at the end,
and by the next session where the process was killed. Children of its workers die with them.
"""

from __future__ import annotations

import contextlib
import math
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from models.types import require
from pipelines.executor.pools import Cluster, Pool
from pipelines.executor.source import PACKAGES, source_root
from pipelines.executor.threads import ONE_THREAD

_OWN = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_process_group_cleanup_enabled": "true",  # what a worker has started ends with it
}
_ANY = {
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # a worker that occupies no accelerator sees what its machine has
    "RAY_OVERRIDE_JOB_RUNTIME_ENV": "1",  # inside a submitted job our own upload counts
}
ANSWER_S = 30.0
_QUIET: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}


def needs(pools: Sequence[Pool]) -> tuple[float, float]:
    """CPUs and accelerators that all workers of `pools` occupy together."""
    return sum(pool.workers * pool.cpus for pool in pools), sum(pool.workers * pool.gpus for pool in pools)


def address_of(cluster: Cluster) -> str:
    """Of the cluster that is joined, "" where a session of our own is begun."""
    return cluster.address or os.environ.get("RAY_ADDRESS", "")


@contextlib.contextmanager
def session(cpus: float, gpus: float = 0.0, cluster: Cluster = Cluster()) -> Iterator[None]:
    """Hold Ray open for runs that occupy so much together. Nested use, and use for nothing, do nothing.

    Raises ValueError where ray is missing, the cluster does not answer, or this machine has too few accelerators.
    """
    if not cpus + gpus:
        yield
        return
    ray = _ray(cpus)
    if ray.is_initialized():
        yield
        return
    address = address_of(cluster)
    with _joined(ray, address, cluster) if address else _own(ray, cpus, gpus, cluster):
        yield


def _ray(cpus: float) -> Any:
    for name, value in _ANY.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray._private.worker as printing
    except ModuleNotFoundError as error:
        got = f"workers: got {cpus:g}, expected 0 where ray is not installed"
        raise ValueError(f"{got}; install ray, or use --workers 0") from error
    printing._worker_logs_enabled = False  # else Ray tells of dead workers on our standard output, in spite of log_to_driver
    return ray


@contextlib.contextmanager
def _own(ray: Any, cpus: float, gpus: float, cluster: Cluster) -> Iterator[None]:
    for name, value in _OWN.items():
        os.environ.setdefault(name, value)
    sweep_orphans(_temporary_root())
    folder = tempfile.mkdtemp(prefix=f"af-{os.getpid()}-", dir=_temporary_root())
    size: dict[str, Any] = {"num_cpus": max(1, math.ceil(cpus)), "object_store_memory": cluster.store_b, "_temp_dir": folder}
    try:
        with contextlib.chdir(source_root()), _environment(ONE_THREAD | cluster.env):
            ray.init(address="local", include_dashboard=False, **size, **_QUIET)
        here = ray.cluster_resources().get("GPU", 0.0)
        advice = "--gpus-per-worker 0 occupies none"
        require(gpus <= here, "workers", "accelerators", f"{gpus:g} occupied in all", f"at most {here:g}, as this machine has", advice)
        yield
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)
        sweep_orphans(_temporary_root())  # once more: what a killed run had started may have written on while we began


@contextlib.contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """For processes that are begun meanwhile. Workers inherit it from Ray's own: those it boots ahead fit then, which they would not if the
    variables came as a `runtime_env`.
    """
    former = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in former.items():
            os.environ.pop(name, None) if value is None else os.environ.__setitem__(name, value)


@contextlib.contextmanager
def _joined(ray: Any, address: str, cluster: Cluster) -> Iterator[None]:
    advice = "HOST:PORT or auto; from outside the cluster use `ray job submit`"
    require("://" not in address, "cluster", "address", address, advice)
    token = _use_token(address)
    root = source_root()
    others = [f"/{entry.name}" for entry in root.iterdir() if entry.name not in PACKAGES]
    upload = {"working_dir": str(root), "excludes": [*others, "__pycache__"], "env_vars": ONE_THREAD | cluster.env}
    try:
        ray.init(address=address, runtime_env=upload, **_QUIET)
    except (ConnectionError, RuntimeError, ray.exceptions.RayError) as error:
        got = f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"
        raise ValueError(f"cluster: {address}: got {got}, expected a Ray cluster that answers; {token}") from error
    try:
        yield
    finally:
        ray.shutdown()


def _use_token(address: str) -> str:
    """Present a token where nothing is said about it, Ray would find one and the cluster asks for one: where it does not, its workers could
    not answer a head that presents one. Returns advice for where the cluster does not answer.
    """
    mode = os.environ.get("RAY_AUTH_MODE")
    found = next((place for place, there in _token_places().items() if there), "")
    if mode is not None:
        return f"RAY_AUTH_MODE={mode}, token {'of ' + found if found else 'none'}"
    if not found:
        return f"where the cluster asks for a token, put it into one of {', '.join(_token_places())}"
    os.environ["RAY_AUTH_MODE"] = "disabled" if _answers_without_token(address) else "token"
    _read_settings_again()
    return f"RAY_AUTH_MODE={os.environ['RAY_AUTH_MODE']} was found out, token of {found}"


def _read_settings_again() -> None:
    """Ray has read them when it was imported."""
    from ray._raylet import Config

    Config.initialize("")


def _answers_without_token(address: str) -> bool:
    command = [sys.executable, "-m", "ray.scripts.scripts", "health-check", *([] if address == "auto" else ["--address", address])]
    environment = {**os.environ, "RAY_AUTH_MODE": "disabled"}
    try:
        return subprocess.run(command, env=environment, capture_output=True, timeout=ANSWER_S, check=False).returncode == 0
    except subprocess.TimeoutExpired:
        return False


def _token_places() -> dict[str, bool]:
    """Where Ray looks for a token, in its order, and whether there is something. Nothing is read."""
    home = Path(os.path.expanduser("~")) / ".ray" / "auth_token"
    named = {name: bool(os.environ.get(name)) for name in ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")}
    return named | {"~/.ray/auth_token": home.is_file()}


def _temporary_root() -> Path:
    """Where Ray keeps its sockets: near the root, as their paths end at 107 bytes."""
    return Path("/tmp") if os.path.isdir("/tmp") else Path(tempfile.gettempdir())


def sweep_orphans(root: Path) -> None:
    """Remove Ray's temporary folders (`af-PID-*`) of our own processes that were killed."""
    for folder in root.glob("af-*-*"):
        pid = folder.name.split("-")[1]
        if pid.isdecimal() and len(pid) < 9 and folder.lstat().st_uid == os.getuid() and not _is_alive(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError as error:
        return not isinstance(error, ProcessLookupError)
    return True
