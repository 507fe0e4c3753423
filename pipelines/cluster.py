"""The only generic Ray code: independent units of work on a few worker processes, results as they finish.

In: a picklable `make_worker() -> work` and a list of units; out: `(index, work(unit))` in completion order. With
`workers=0` the same loop runs in this process and ray is never imported. An exception of `work` is raised here, as in
process; a worker that *dies* (segfault, out of memory) costs its unit a bounded number of attempts, each told to
`on_death(index, error)`, and then yields `Lost`. Nothing here knows what a unit is, and results never depend on the
order in which they arrive.

Ray puts the folder in which it was started first on every worker's path. A local cluster is therefore started from
the source root; a remote one (environment variable RAY_ADDRESS) gets the four packages uploaded. Either way each
worker compares the hash of its source with the driver's before it works.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Callable, Iterator, Sequence, TypeVar

from awbench.catalog import ANIMATORS
from models.types import require

T = TypeVar("T")
R = TypeVar("R")
OnDeath = Callable[[int, str], None]

PACKAGES = ("models", "awbench", "bootstrap", "pipelines")
MAX_ATTEMPTS = 3
_OBJECT_STORE_BYTES = 128 << 20  # units and results are small: media travel as paths
_ONE_THREAD = {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """In place of a result: the unit's worker died `attempts` times."""

    reason: str
    attempts: int


def source_root() -> Path:
    """The folder that holds the four packages."""
    return Path(__file__).resolve().parents[1]


def source_hash(root: Path | None = None) -> str:
    """sha256 over the Python files of the four packages: paths below the root and contents."""
    root = root or source_root()
    digest = hashlib.sha256()
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            digest.update(f"{path.relative_to(root).as_posix()}\0".encode())
            digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()


def absolute_animator(name: str) -> str:
    """An animator's name with the path in it (`FOLDER`, `name:FOLDER`) made absolute: a worker has another working folder.

    Known names win over folders of the same name.
    """
    head, colon, argument = name.partition(":")
    if head in ANIMATORS.table():
        return f"{head}:{Path(argument).resolve()}" if colon and Path(argument).exists() else name
    return str(Path(name).resolve()) if Path(name).is_dir() else name


def run_units(
    make_worker: Callable[[], Callable[[T], R]], units: Sequence[T], workers: int, *, label: str, on_death: OnDeath = lambda *_: None
) -> Iterator[tuple[int, R | Lost]]:
    """Yield `(index, result)` for every unit in completion order.

    `make_worker` runs once per process and holds what is costly (a loaded model); paths in it must be absolute, a
    worker has another working folder. Closing the iterator early stops the workers.
    """
    require(isinstance(workers, int) and workers >= 0, label, "workers", workers, "a whole number >= 0", "0 runs in this process")
    if not units:
        return
    if workers == 0:
        _use_one_thread()
        work = make_worker()
        _use_one_thread()  # once more: make_worker may be what imports cv2 or torch
        for index, unit in enumerate(units):
            yield index, work(unit)
        return
    with cluster(workers):
        yield from _run_on_actors(make_worker, units, workers, label, on_death)


@contextlib.contextmanager
def cluster(workers: int) -> Iterator[None]:
    """Hold Ray open for several `run_units` calls; nested use and `workers=0` do nothing."""
    if workers == 0:
        yield
        return
    try:
        import ray
    except ModuleNotFoundError as error:
        raise ValueError(f"workers: got {workers}, expected 0 where ray is not installed; install ray, or use --workers 0") from error
    if ray.is_initialized():
        yield
        return
    sweep_orphans(_temporary_root())
    folder = tempfile.mkdtemp(prefix=f"af-{os.getpid()}-", dir=_temporary_root())
    try:
        _start(workers, folder)
        yield
    finally:
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


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


def _start(workers: int, folder: str) -> None:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # keep the accelerators of the driver visible
    import ray

    quiet: dict[str, Any] = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}
    if os.environ.get("RAY_ADDRESS"):
        root = source_root()
        others = [f"/{entry.name}" for entry in root.iterdir() if entry.name not in PACKAGES]
        upload = {"working_dir": str(root), "excludes": [*others, "__pycache__"], "env_vars": _ONE_THREAD}
        ray.init(runtime_env=upload, log_to_driver=False, logging_level="ERROR")
        return
    with contextlib.chdir(source_root()):
        ray.init(
            num_cpus=workers, object_store_memory=_OBJECT_STORE_BYTES, _temp_dir=folder, runtime_env={"env_vars": _ONE_THREAD}, **quiet
        )


def _use_one_thread() -> None:
    """Units are the parallelism; thread pools below them would oversubscribe the cores and change some results."""
    if "cv2" in sys.modules:
        sys.modules["cv2"].setNumThreads(1)
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)


class _Worker:
    """Lives in a worker process. `make_worker` runs on the first unit, so its exceptions reach the driver as themselves."""

    def __init__(self, make_worker: Callable[[], Callable[[Any], Any]], driver_root: str, driver_hash: str) -> None:
        self._make_worker, self._driver = make_worker, (driver_root, driver_hash)
        self._work: Callable[[Any], Any] | None = None

    def run(self, unit: Any) -> Any:
        if self._work is None:
            _check_source(*self._driver)
            self._work = self._make_worker()
            _use_one_thread()
        return self._work(unit)


def _check_source(driver_root: str, driver_hash: str) -> None:
    here = source_hash()
    require(
        here == driver_hash,
        "cluster worker",
        "source",
        f"{source_root()} (hash {here[:12]})",
        f"the driver's {driver_root} (hash {driver_hash[:12]})",
        "run driver and workers from one unchanged source folder",
    )


class _Actors:
    """Worker processes of one `run_units` call; `stop` ends them all, also those an exception's traceback still holds."""

    def __init__(self, make_worker: Callable[[], Callable]) -> None:
        import ray

        self._remote = ray.remote(num_cpus=1, max_restarts=0)(_Worker)
        self._arguments = (make_worker, str(source_root()), source_hash())
        self._started: list[Any] = []

    def start(self) -> Any:
        self._started.append(self._remote.remote(*self._arguments))
        return self._started[-1]

    def stop(self) -> None:
        import ray

        for actor in self._started if ray.is_initialized() else ():
            ray.kill(actor)


def _run_on_actors(make_worker: Callable, units: Sequence[T], workers: int, label: str, on_death: OnDeath) -> Iterator[tuple[int, Any]]:
    import ray

    actors = _Actors(make_worker)
    attempts = [0] * len(units)
    waiting = list(range(len(units)))[::-1]
    running: dict[Any, tuple[int, Any]] = {}

    def submit(actor: Any) -> None:
        index = waiting.pop()
        attempts[index] += 1
        running[actor.run.remote(units[index])] = (index, actor)

    try:
        for _ in range(min(workers, len(units))):
            submit(actors.start())
        while running:
            done, _ = ray.wait(list(running), num_returns=1)
            index, actor = running.pop(done[0])
            try:
                result = ray.get(done[0])
            except ray.exceptions.RayTaskError as error:
                raise error.cause from error
            except ray.exceptions.RayError as error:  # the process is gone; the next unit gets a fresh one
                on_death(index, type(error).__name__)
                reason = f"worker died in {attempts[index]} of {MAX_ATTEMPTS} attempts"
                print(f"{label}: unit {index}: {reason} ({type(error).__name__})", file=sys.stderr)
                actor = None
                result = Lost(reason=reason, attempts=attempts[index])
            again = actor is None and attempts[index] < MAX_ATTEMPTS
            waiting += [index] * again
            if waiting:
                submit(actor or actors.start())
            if not again:
                yield index, result
    finally:
        actors.stop()
