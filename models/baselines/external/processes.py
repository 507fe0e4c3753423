"""One command of somebody's repository: started on a leash, its words kept within bounds, ended with all it started.

It gets an environment of its own (`scrubbed`), no shell and no terminal. What it prints goes to a log file, the first 256 KiB and the last
64; a reason quotes the lines of it that tell most.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import IO, Any, Iterable, Mapping, Sequence

HEAD_B, TAIL_B = 256 << 10, 64 << 10
GRACE_S = 3.0
"""How long a process that is asked to end may take."""
SLICE_S = 0.05
"""Waits are cut this short, so that an interrupt raised into the waiting thread is seen."""

_LEASH = Path(__file__).with_name("leash.py")
_PASSED = (
    "PATH", "HOME", "USER", "LOGNAME", "LANG", "LANGUAGE", "TZ", "SHELL", "LD_LIBRARY_PATH", "CPATH", "CC", "CXX", "SYSTEMROOT",
    "XDG_CACHE_HOME", "TORCH_HOME", "HF_HOME", "HF_HUB_CACHE", "HF_HUB_OFFLINE", "HF_ENDPOINT", "TRANSFORMERS_OFFLINE", "TRITON_CACHE_DIR",
    "TORCHINDUCTOR_CACHE_DIR", "PYTORCH_CUDA_ALLOC_CONF", "PYTORCH_ALLOC_CONF", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE",
    "OMP_NUM_THREADS", "MKL_NUM_THREADS", "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES",
)  # fmt: skip
_PASSED_FAMILIES = ("CUDA_", "NVIDIA_", "LC_", "NCCL_")
_SECRET = re.compile(r"KEY|TOKEN|SECRET|PASSWORD|CREDENTIAL", re.IGNORECASE)
_TELLING = re.compile(r"error|exception|killed|out of memory|no such file|not found|failed|cannot", re.IGNORECASE)
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]|[\x00-\x08\x0b-\x1f\x7f]")


class Late(Exception):
    """A process took longer than it may."""


def scrubbed(python: str, scratch: Path, passed: Iterable[str] = (), extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of a command: names on a list, those the user passes on, and none of ours (keys, PYTHONPATH, VIRTUAL_ENV).

    Programs of the interpreter's own environment come first on PATH; temporary files lie in `scratch`.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in _PASSED or (name.startswith(_PASSED_FAMILIES) and not _SECRET.search(name))
    }
    kept |= {name: os.environ[name] for name in passed if name in os.environ}
    folder = os.path.dirname(os.path.abspath(python)) if os.path.dirname(python) else ""
    kept["PATH"] = os.pathsep.join(part for part in (folder, kept.get("PATH", os.defpath)) if part)
    return {**kept, "TMPDIR": str(scratch), "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8", **(extra or {})}


class Log:
    """The words of one case in a file; `secrets` are left out."""

    def __init__(self, path: Path, secrets: Sequence[str] = ()) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self._secrets = path, [secret.encode() for secret in secrets if len(secret) >= 4]
        self._file = path.open("wb")
        self._written = self._dropped = self._kept = 0
        self._tail: deque[bytes] = deque()
        self._lock = threading.Lock()

    def add(self, chunk: bytes) -> None:
        for secret in self._secrets:
            chunk = chunk.replace(secret, b"***")
        with self._lock:
            if not self._file.closed and self._written < HEAD_B:
                self._file.write(chunk[: HEAD_B - self._written])
                self._file.flush()
            over = chunk[max(0, HEAD_B - self._written) :]
            self._dropped += len(over)
            self._written += len(chunk)
            self._tail.append(chunk)
            self._kept += len(chunk)
            while self._kept - len(self._tail[0]) >= TAIL_B:
                self._kept -= len(self._tail.popleft())

    def note(self, line: str) -> None:
        """A line of ours, which is nothing the process said."""
        with self._lock:
            self._file.write(f"--- {line}\n".encode())

    def tail(self) -> str:
        with self._lock:
            return b"".join(self._tail).decode("utf-8", "replace")

    def close(self) -> None:
        with self._lock:
            if self._dropped and not self._file.closed:
                shown = b"".join(self._tail)[-min(TAIL_B, self._dropped) :]
                self._file.write(b"\n... %d bytes left out ...\n" % (self._dropped - len(shown)) + shown)
            self._file.close()


def telling(text: str, most: int = 300) -> tuple[str, bool]:
    """The end of an output in one line, and whether it speaks of an error: from the last line that does on, else the last two lines."""
    lines = [_CONTROL.sub("", line).strip() for line in text.replace("\r", "\n").splitlines()]
    lines = [line for line in lines if line][-40:]
    at = next((at for at in range(len(lines) - 1, -1, -1) if _TELLING.search(lines[at])), None)
    said = " | ".join(lines[-2:] if at is None else lines[at:][:3])
    return said if len(said) <= most else said[: most - 3] + "...", at is not None


class Leashed:
    """A running command. `log`: has `add(bytes)`. `stop` may be called any number of times; nothing of the command is left after."""

    def __init__(self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], scratch: Path, log: Any, talks: bool = False) -> None:
        leash, self._leash = os.pipe()
        answers, tell = os.pipe() if talks else (None, None)
        self.answers = answers
        line = [sys.executable, "-I", "-S", str(_LEASH), str(leash), str(scratch), str(GRACE_S), *command]
        extra = {"ACTORFORGE_ANSWERS": str(tell)} if talks else {}
        try:
            self._process = subprocess.Popen(
                line, cwd=cwd, env={**env, **extra}, stdin=subprocess.PIPE if talks else subprocess.DEVNULL, stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT, pass_fds=(leash, tell) if talks else (leash,), start_new_session=True, bufsize=0,
            )  # fmt: skip
        except BaseException:
            os.close(self._leash)
            if talks:
                os.close(answers)
            raise
        finally:
            os.close(leash)
            if talks:
                os.close(tell)
        self._reader = threading.Thread(target=_drain, args=(self._process.stdout, log), daemon=True)
        self._reader.start()

    @property
    def stdin(self) -> IO[bytes]:
        return self._process.stdin

    def code(self) -> int | None:
        """The exit code, 128 + N after signal N; None while it runs."""
        return self._process.poll()

    def wait(self, timeout_s: float) -> int:
        """Raises Late, with the command still running."""
        end_s = time.monotonic() + timeout_s
        while (code := self._process.poll()) is None:
            if time.monotonic() > end_s:
                raise Late
            time.sleep(min(SLICE_S, 0.005 + (time.monotonic() - end_s + timeout_s) / 20))
        return code

    def stop(self) -> None:
        leash, self._leash = self._leash, None
        if leash is not None:
            _told(leash, b"q")
            self._ended(GRACE_S + 7.0)
            _told(leash, b"k")
            os.close(leash)
            if self.answers is not None:
                os.close(self.answers)
            for stream in (self._process.stdin, self._process.stdout):
                if stream:
                    _closed(stream)

    def _ended(self, patience_s: float) -> None:
        try:
            self._process.wait(patience_s)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._reader.join(patience_s if self._process.returncode < 0 else 2.0)  # until all have let go of its output
        if self._process.returncode < 0:  # ended from outside: its session holds what is left
            try:
                os.killpg(self._process.pid, 9)
            except (ProcessLookupError, PermissionError):  # nothing is left of it
                pass


def _drain(stream: IO[bytes], log: Any) -> None:
    try:
        while chunk := stream.read(1 << 16):
            log.add(chunk)
    except (OSError, ValueError):  # closed under its reader
        pass


def _told(leash: int, word: bytes) -> None:
    try:
        os.write(leash, word)
    except OSError:  # it ended by itself
        pass


def _closed(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except OSError:  # what it still held has nobody to go to
        pass
