"""Runs a command and keeps hold of all it starts: when the command ends, when it is told to, and when whoever started it is no more,
nothing of it is left.

    python -I -S leash.py LEASH_FD SCRATCH GRACE_S COMMAND...

The other end of the pipe LEASH_FD is held by the starter. `q` in it: stop; `k`: keep the folder SCRATCH, the starter looks after it. Its
end without that: the starter died, stop and remove the folder as well. Exits with the command's code, 128 + N where signal N ended it.
Nothing but the standard library. On Linux orphans come back to this process (PR_SET_CHILD_SUBREAPER), so that also a daemon of two forks
in a session of its own is found.

The starter's child only waits for the leash, which is its child: Ray ends the children of a worker it ends, before they could clean up.
"""

from __future__ import annotations

import os
import select
import shutil
import signal
import subprocess
import sys
import time

_SUBREAPER, _PATIENCE_S = 36, 5.0


def main(argv: list[str]) -> int:
    told, tell = os.pipe()
    if os.fork() == 0:
        os.close(told)
        hold(argv, tell)
        return 0
    for held in (tell, argv[0], os.environ.get("ACTORFORGE_ANSWERS")):
        if held:
            os.close(int(held))  # their ends must tell of others
    code = os.read(told, 16)
    return int(code) if code else 128 + signal.SIGKILL


def hold(argv: list[str], tell: int) -> None:
    """The leash itself. It tells the command's code, and stays until it knows whether the starter is still there to clean up."""
    leash, scratch = int(argv[0]), argv[1]
    code, word = run(argv, leash)
    _end_all(0.0)
    try:
        os.write(tell, str(code).encode())
    except BrokenPipeError:  # who waited was ended before
        pass
    for held in (tell, 0, 1, 2):
        os.close(held)
    while word not in (b"", b"k"):
        word = os.read(leash, 1)
    if word == b"":
        shutil.rmtree(scratch, ignore_errors=True)


def run(argv: list[str], leash: int) -> tuple[int, bytes | None]:
    """Run the command to its end: its code, and the starter's word where that ended it."""
    grace_s, command = float(argv[2]), argv[3:]
    _adopt_orphans()
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # a handler, as SIG_IGN would be handed on to the command
    answers = os.environ.get("ACTORFORGE_ANSWERS")
    try:
        child = subprocess.Popen(command, pass_fds=(int(answers),) if answers else ())
    except OSError as error:
        print(f"cannot run {command[0]}: {error.strerror}", file=sys.stderr)
        return 127, None
    finally:
        if answers:
            os.close(int(answers))  # its end must tell of the command alone
    return _watch(child.pid, leash, woken, grace_s)


def _watch(pid: int, leash: int, woken: int, grace_s: float) -> tuple[int, bytes | None]:
    while True:
        ready, _, _ = select.select([leash, woken], [], [])
        code = _reaped(pid)
        if code is not None:
            return code, None
        if leash in ready:
            word, code = os.read(leash, 1), _end_all(grace_s, pid)
            return (128 + signal.SIGKILL if code is None else code), word
        os.read(woken, 64)


def _reaped(pid: int) -> int | None:
    """Reap what has ended; the code of `pid` where it is among it."""
    code = None
    while True:
        try:
            ended, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return code
        if ended == 0:
            return code
        if ended == pid:
            code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def _end_all(grace_s: float, pid: int = 0) -> int | None:
    """Ask everything below this process to end, then end it. The code of `pid` where it was still running."""
    code, start_s = None, time.monotonic()
    asked = not grace_s
    while time.monotonic() - start_s < grace_s + _PATIENCE_S:
        ended = _reaped(pid)
        code = ended if ended is not None else code
        left = _descendants() or ([pid] if pid and code is None else [])
        if not left:
            return code
        late = time.monotonic() - start_s >= grace_s
        if late or not asked:
            for each in left:
                _send(each, signal.SIGKILL if late else signal.SIGTERM)
            asked = True
        time.sleep(0.01)
    return code


def _send(pid: int, number: int) -> None:
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):  # it is gone already, or its number is another user's by now
        pass


def _descendants() -> list[int]:
    """Processes below this one, those that have ended but are not reaped left out."""
    below: dict[int, list[int]] = {}
    for name in os.listdir("/proc") if os.path.isdir("/proc") else []:
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat") as file:
                    state, parent = file.read().rpartition(")")[2].split()[:2]
            except (OSError, ValueError):
                continue
            if state != "Z":
                below.setdefault(int(parent), []).append(int(name))
    found, line = [], [os.getpid()]
    while line:
        children = below.get(line.pop(), [])
        found += children
        line += children
    return found


def _adopt_orphans() -> None:
    try:
        import ctypes

        ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)
    except (ImportError, OSError, AttributeError):  # no Linux: what leaves the family is not found
        pass


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
