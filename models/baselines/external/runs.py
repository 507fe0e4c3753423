"""Two ways of asking a repository: `Once`, its commands anew for every request; `Served`, one process that answers many.

Both leave a result and the words that were said; whatever goes wrong is a `Failed` with what the process said last.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import tempfile
import threading
import time
import weakref
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ContextManager, Iterator, Mapping, Sequence

from models.baselines.external.diverted import Diverted
from models.baselines.external.exchange import MAX_RESULT_B, Failed, Result, parse_result, read_result
from models.baselines.external.placeholders import command, expand
from models.baselines.external.processes import SLICE_S, Late, Leashed, Log, scrubbed, telling
from models.baselines.external.spec import CONTRACT, Spec, Step
from models.types import require

_PREFIX = "af-external-"
ENDS_S = 2.0
"""How long a process that closed its pipe has to end; one that does not has only closed it."""
MISPLACED_S = 2.0
"""How long the pipe is listened to after a line that belongs there was printed: some print a copy of what they answer."""


def new_folder(parent: Path | None = None) -> Path:
    """A folder of `parent`, else of the system's temporary ones; its name is fit for a shell, as some repositories build commands of it."""
    folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent)).resolve()
    fit = all(sign.isalnum() or sign in "/._-+" for sign in str(folder))
    if not fit:
        shutil.rmtree(folder)
    require(fit, "external", "temporary folder", str(folder.parent), "a path of letters, digits and /._-+", "set TMPDIR to one")
    return folder


@contextmanager
def work_folder(parent: Path | None = None) -> Iterator[Path]:
    """A folder in a folder, so that what is written beside it by mistake goes with it."""
    folder = new_folder(parent)
    try:
        (folder / "work").mkdir()
        yield folder / "work"
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def make_links(spec: Spec, work: Path, values: Mapping[str, Any]) -> None:
    for name, target in spec.links.items():
        link, target = work / name, Path(expand(target, values))
        require(link.resolve().is_relative_to(work), f"system {spec.name}", "links", name, "a name within the work folder")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(target)


def reason(spec: Spec, said: str, log: Log, folders: Mapping[str, Path]) -> str:
    """A case's reason: what happened, what the process said last, without this machine's folders, and where the rest is.

    What speaks of an error is introduced as `last it said`; what may be anything, and tells no cause, as `last words`.
    """
    last, tells = telling(log.tail())
    for name, folder in folders.items():
        said, last = said.replace(str(folder), name), last.replace(str(folder), name)
    home = str(Path.home())
    place = str(log.path).replace(home, "~", 1) if str(log.path).startswith(home + "/") else str(log.path)
    words = (f"; last it said: {last}" if tells else f"; last words: {last}") if last else ""
    return f"{spec.name}: {said}{words}; log {place}"


def ended(code: int) -> str:
    """How a process ended, in words."""
    if code == 128 + 9:
        return "was killed (signal 9; out of memory, as a rule)"
    return f"died of signal {code - 128}" if 128 < code < 160 else f"exited with {code}"


class Once:
    """Runs the steps of a spec in order. Holds nothing between requests."""

    def __init__(self, spec: Spec, python: str, passed: Sequence[str], timeout_s: float) -> None:
        self._spec, self._python, self._passed, self._timeout_s = spec, python, passed, timeout_s

    def ask(self, id: str, work: Path, values: Mapping[str, Any], log: Log, env: Mapping[str, str]) -> Result:
        make_links(self._spec, work, values)
        end_s = time.monotonic() + self._timeout_s
        for at, step in enumerate(self._spec.steps, 1):
            self._run(step, f"step {at} of {len(self._spec.steps)}", work, values, log, env, end_s)
        return read_result(work, id) or Result()

    def _run(self, step: Step, name: str, work: Path, values: Mapping[str, Any], log: Log, env: Mapping[str, str], end_s: float) -> None:
        line = command(step.run, values)
        log.note(f"{name}: {json.dumps(line, ensure_ascii=False)}")
        own = {key: expand(str(value), values) for key, value in step.env.items()}
        temporary = work.parent / "tmp"
        temporary.mkdir(exist_ok=True)
        process = started(self._spec, line, step, values, scrubbed(self._python, temporary, self._passed, {**env, **own}), work.parent, log)
        try:
            code = process.wait(max(0.0, end_s - time.monotonic()))
        except Late:
            raise Failed(f"{name} was stopped after {self._timeout_s:g} s (option timeout_s)") from None
        finally:
            process.stop()
        if code:
            raise Failed(f"{name} {ended(code)}")
        for made in step.makes:
            if not (work / made).exists():
                raise Failed(f"{name} exited with 0 but made no {made}")

    def folder(self) -> ContextManager[Path]:
        """A work folder for one request; the leash of a step knows of it, in case this program is killed."""
        return work_folder()

    def close(self) -> None:
        pass


def started(
    spec: Spec, line: list[str], step: Step, values: Mapping[str, Any], env: Mapping[str, str], scratch: Path, log: Any, talks: bool = False
) -> Leashed:
    cwd = Path(expand(step.cwd, values))
    if not cwd.is_dir():
        raise Failed(f"no folder {cwd.name} to run {Path(line[0]).name} in")
    try:
        return Leashed(line, cwd=cwd, env=env, scratch=scratch, log=log, talks=talks)
    except (OSError, ValueError) as error:  # an argument too long, or with a zero byte
        raise Failed(f"cannot start {Path(line[0]).name}: {error}") from error


class Served:
    """One process for many requests: a line of JSON to its standard input, a line of JSON back by the pipe ACTORFORGE_ANSWERS.

    It says `{"contract": 1, "ready": true}` first. One that dies, or is late, costs the request it had, and the next one starts another.
    """

    def __init__(self, spec: Spec, python: str, passed: Sequence[str], timeout_s: float, startup_timeout_s: float) -> None:
        self._spec, self._python, self._passed = spec, python, passed
        self._timeout_s, self._startup_timeout_s = timeout_s, startup_timeout_s
        self._process: Leashed | None = None
        self._scratch: Path | None = None
        self._words, self._rest, self._lock = Diverted(None), b"", threading.Lock()
        self._ender: weakref.finalize | None = None

    def ask(self, id: str, work: Path, values: Mapping[str, Any], log: Log, env: Mapping[str, str]) -> Result:
        with self._lock:
            make_links(self._spec, work, values)
            try:
                if self._process is None or self._process.code() is not None:
                    self._start(values, log, env)
                self._words.divert(log, id)
                line = json.dumps({"contract": CONTRACT, "id": id, "request": values["request"]}) + "\n"
                try:
                    self._process.stdin.write(line.encode())
                except OSError:
                    raise Failed("its process " + self._end()) from None
                return parse_result(self._line(self._timeout_s, "timeout_s"), id)
            except BaseException as error:
                if not (isinstance(error, Failed) and str(error).startswith("it says:")):  # one that says so itself goes on
                    self.close()
                raise
            finally:
                self._words.divert(None)

    def folder(self) -> ContextManager[Path]:
        """A work folder for one request, below the server's own: its leash knows of that, in case this program is killed."""
        if self._scratch is None:
            self._scratch = new_folder()
            self._ender = weakref.finalize(self, _stopped, None, self._scratch)
        return work_folder(self._scratch)

    def _start(self, values: Mapping[str, Any], log: Log, env: Mapping[str, str]) -> None:
        step, self._words, self._rest = self._spec.serve, Diverted(log), b""
        own = {key: expand(str(value), values) for key, value in step.env.items()}
        line = command(step.run, values)
        log.note(f"start: {json.dumps(line, ensure_ascii=False)}")
        environment = scrubbed(self._python, self._scratch, self._passed, {**env, **own})
        if self._process is not None:
            self._process.stop()
        self._process = started(self._spec, line, step, values, environment, self._scratch, self._words, talks=True)
        self._ender.detach()
        self._ender = weakref.finalize(self, _stopped, self._process, self._scratch)
        text = self._line(self._startup_timeout_s, "startup_timeout_s")
        try:
            ready = json.loads(text)
        except (ValueError, RecursionError):
            ready = None
        if not isinstance(ready, dict) or ready.get("ready") is not True or ready.get("contract") != CONTRACT:
            raise Failed(f"its first line was {text[:80]!r}, expected {{'contract': {CONTRACT}, 'ready': true}}")

    def _line(self, timeout_s: float, option: str) -> str:
        """The next line of the answers' pipe."""
        end_s, pipe = time.monotonic() + timeout_s, self._process.answers
        while b"\n" not in self._rest:
            if len(self._rest) > MAX_RESULT_B:
                raise Failed("its answer is longer than 1 MiB")
            if time.monotonic() > end_s:
                raise Failed(f"no answer within {timeout_s:g} s (option {option})")
            if not select.select([pipe], [], [], SLICE_S)[0]:
                printed = self._words.misplaced(MISPLACED_S)
                if printed:
                    where = "standard output, which is only log: write to the pipe whose number is in ACTORFORGE_ANSWERS"
                    raise Failed(f"it printed {printed[:80]} to {where}")
                continue
            chunk = os.read(pipe, 1 << 16)
            if not chunk:
                raise Failed("its process " + self._end())
            self._rest += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        return line.decode("utf-8", "replace")

    def _end(self) -> str:
        """How the process ended; one that only closed its pipe is ended."""
        try:
            return ended(self._process.wait(ENDS_S)) + " instead of answering"
        except Late:
            return "closed its answers"

    def close(self) -> None:
        ender, self._ender, self._process, self._scratch = self._ender, None, None, None
        if ender is not None:
            ender()


def _stopped(process: Leashed | None, scratch: Path) -> None:
    if process is not None:
        process.stop()
    shutil.rmtree(scratch, ignore_errors=True)
