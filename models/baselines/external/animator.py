"""Somebody's repository as an `Animator`: a request within its rules, written into a folder, asked for, looked at and brought back."""

from __future__ import annotations

import os
import re
import time
from contextlib import closing, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from models.adaptation import Adapted, adapt
from models.artifacts import cache_folder, sha256, to_json
from models.baselines.external.exchange import Failed, Result, read_answer, write_request
from models.baselines.external.places import Places, find_places, weights_parts
from models.baselines.external.processes import Log
from models.baselines.external.runs import Once, Served, reason
from models.baselines.external.spec import Spec
from models.capabilities import Capabilities
from models.runtime import Runtime
from models.types import AnimationRequest, AnimationResult, Clip, require

LOGS_KEPT = 200


class External:
    """`name`: of the system; `weights_hash`: of description, repository and weights, each of which
    has a hash of its own in `weights_parts`. Each instance has processes of its own.

    Raises ValueError where repository, interpreter or weights are not there.
    """

    def __init__(self, spec: Spec, capabilities: Capabilities, options: Any, runtime: Runtime = Runtime()) -> None:
        self.name, self._spec, self._capabilities, self._options, self._runtime = spec.name, spec, capabilities, options, runtime
        self._env = device_env(runtime, f"animator {spec.name}")
        self._places: Places = find_places(spec, options)
        parts = weights_parts(spec, self._places)
        self.weights_hash = sha256(to_json(list(parts.values())).encode())
        self.weights_parts = {name: sha256(to_json(part).encode()) for name, part in parts.items()}
        passed = tuple(name.strip() for name in options.pass_env.split(",") if name.strip())
        self._passed = passed
        way = (spec, self._places.python, passed, options.timeout_s)
        self._way = Served(*way, options.startup_timeout_s) if spec.mode == "serve" else Once(*way)
        self._estimator: Any = None

    def animate(self, request: AnimationRequest) -> AnimationResult:
        """Raises Failed with the reason where the repository gave no answer."""
        start_s = time.monotonic()
        adapted = adapt(request, self._capabilities)
        with closing(self._log(request.id)) as log, self._way.folder() as work:
            try:
                result, clip = self._asked(adapted, work, log)
            except Failed as error:
                raise Failed(reason(self._spec, str(error), log, {"WORK": work, "REPO": self._places.repo})) from None
        note = "; ".join(part for part in (adapted.note, result.note) if part)
        seconds = time.monotonic() - start_s
        provenance = {"note": note, "system": self._spec.name, "contract": self._spec.contract, "system_s": result.seconds or seconds}
        return AnimationResult(request_id=request.id, clip=adapted.undo(clip), animator=self.name, seconds=seconds, provenance=provenance)

    def _asked(self, adapted: Adapted, work: Path, log: Log) -> tuple[Result, Clip]:
        request = adapted.request
        wanted = {name for name in ("pose", "pose_video") if self._spec.wants(name) or (name in self._spec.needs)}
        if wanted and request.pose is None:
            request = replace(request, pose=self._estimated(request))
        own = {name: getattr(self._options, name) for name in self._spec.options}
        weights = str(self._places.weights or "")
        values = write_request(work, request, wanted, {"weights": weights, "options": own, "repo": str(self._places.repo)})
        ours = {"repo": self._places.repo, "python": self._places.python, "weights": weights}
        values |= {**own, **ours, "changed_copy": Path(__file__).with_name("changed_copy.py")}
        result = self._way.ask(request.id, work, values, log, self._env)
        clip = read_answer(work, result.video, self._spec.output, request.driving.fps)
        return result, counted(clip, request.num_frames, self._spec.output.count)

    def _estimated(self, request: AnimationRequest) -> Any:
        from models.pose.catalog import load_pose_estimator

        if self._estimator is None:
            self._estimator = load_pose_estimator(self._options.pose)
        return self._estimator.estimate(request.driving)

    def _log(self, case: str) -> Log:
        own = self._options.logs
        folder = Path(own).expanduser() if own else cache_folder() / "external" / self.name
        log = Log(folder / f"{re.sub(r'[^A-Za-z0-9._-]', '_', case)[:120]}.log", _values(self._passed))
        if not own:
            keep_newest(folder, LOGS_KEPT)
        return log

    def close(self) -> None:
        """End what still runs."""
        self._way.close()

    def __reduce__(self) -> tuple:
        return _rebuilt, (self._spec, self._capabilities, asdict(self._options), self._runtime)


def _rebuilt(spec: Spec, capabilities: Capabilities, options: dict[str, Any], runtime: Runtime) -> External:
    from models.baselines.external.system import options_kind

    return External(spec, capabilities, options_kind(spec)(**options), runtime)


def _values(names: tuple[str, ...]) -> list[str]:
    return [os.environ[name] for name in names if name in os.environ]


def keep_newest(folder: Path, count: int) -> None:
    """Delete the oldest logs of a folder but `count`; another process may do so at the same moment."""
    dated: list[tuple[float, Path]] = []
    for path in folder.glob("*.log"):
        with suppress(OSError):
            dated.append((path.stat().st_mtime, path))
    for _, path in sorted(dated)[:-count]:
        path.unlink(missing_ok=True)


def device_env(runtime: Runtime, item: str) -> dict[str, str]:
    """What of a runtime another process can be told: the device. Raises ValueError for the rest, which its own options decide."""
    plain = Runtime(device=runtime.device)
    changed = next(
        (name for name in ("dtype", "offload", "attention", "compiled", "block_cache") if getattr(runtime, name) != getattr(plain, name)),
        "",
    )
    require(
        not changed,
        item,
        f"runtime.{changed}",
        getattr(runtime, changed or "device"),
        "the default",
        "a repository has options of its own: --set",
    )
    if runtime.device == "cpu":
        return {"CUDA_VISIBLE_DEVICES": ""}
    _, colon, number = runtime.device.partition(":")
    if not colon:
        return {}
    visible = [name for name in os.environ.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    fits = number.isdigit() and (not visible or int(number) < len(visible))
    require(fits, item, "runtime.device", runtime.device, f"one of the visible devices {visible or ''}".strip())
    return {"CUDA_VISIBLE_DEVICES": visible[int(number)] if visible else number}


def counted(clip: Clip, asked: int, count: str) -> Clip:
    """Raises Failed for another number of frames than asked, unless the YAML allows it; what is longer is cut."""
    got = len(clip)
    if (count == "exact" and got != asked) or (count == "longer" and got < asked):
        raise Failed(f"its video has {got} frames, expected {asked}" + (" or more" if count == "longer" else ""))
    return clip if got <= asked else Clip(frames=clip.frames[:asked], fps=clip.fps)
