"""Fake repositories: small scripts of the standard library that answer, or misbehave, as they are told."""

from __future__ import annotations

import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from models.baselines.external.animator import External
from models.baselines.external.reading import parse_spec
from models.baselines.external.system import _capabilities, options_kind
from models.types import AnimationRequest, Clip
from models.video import encode_video

SIZE, FRAMES, FPS = (32, 48), 5, 8.0


def moving(frames=FRAMES, size=SIZE):
    ramp = np.linspace(0, 200, frames).astype(np.uint8)
    return np.ascontiguousarray(np.broadcast_to(ramp[:, None, None, None], (frames, size[1], size[0], 3)))


def ask(id="case-1", prompt="", seed=7, size=SIZE, frames=FRAMES, **more):
    reference = np.full((size[1], size[0], 3), 90, np.uint8)
    driving = Clip(frames=moving(frames, size), fps=FPS)
    return AnimationRequest(id=id, reference=reference, driving=driving, size=size, num_frames=frames, seed=seed, prompt=prompt, **more)


def canned(path: Path, frames=FRAMES, size=SIZE) -> Path:
    """A video that a fake hands out."""
    path.write_bytes(encode_video(Clip(frames=moving(frames, size), fps=FPS), pix_fmt="yuv420p"))
    return path


def raw_spec(**changes):
    """The least of a YAML, as it is parsed."""
    return {
        "contract": 1,
        "name": "fake",
        "summary": "a fake",
        "mode": "once",
        "repository": {"url": "https://example.org/fake", "read": "today", "files": ["act.py"]},
        "steps": [{"run": ["{python}", "-S", "act.py", "{prompt}", "{out}", "{result}", "{request}"]}],
        "output": {"video": "out/*.mp4"},
        "needs": ["driver"],
        "licence": "none",
    } | changes


def served_spec(**changes):
    raw = raw_spec(mode="serve", serve={"run": ["{python}", "-S", "act.py"]}, output={"video": "out/*.mp4"})
    return {name: value for name, value in raw.items() if name != "steps"} | changes


def external(repo: Path, raw=None, spec=None, **options) -> External:
    """The animator over a fake repository; this test's interpreter runs it."""
    spec = spec or parse_spec(raw or raw_spec(), "fake.yaml")
    given = {"repo": str(repo), "python": sys.executable, "timeout_s": 60.0, "startup_timeout_s": 60.0, "logs": str(repo.parent / "logs")}
    return External(spec, _capabilities(spec), options_kind(spec)(**given | options))


def without_rules(spec):
    """A shipped description that takes small clips of any length."""
    from models.capabilities import FrameRule, SizeRule

    return replace(spec, size=SizeRule(), frames=FrameRule())


def alive(pid: int) -> bool:
    """Whether a process runs (one that has ended and is not reaped does not)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


ACT = """
import json, os, shutil, signal, subprocess, sys, time
here = os.path.dirname(os.path.abspath(__file__))
act, out, result, request = sys.argv[1:5]
work, answer = os.path.dirname(out), os.path.join(out, "answer.mp4")
def give(name="canned.mp4", to=answer):
    shutil.copyfile(os.path.join(here, name), to)
def say(**told):
    with open(result, "w") as file:
        file.write(json.dumps({"contract": 1, "status": "ok", **told}))
print("act", act)
if act in ("ok", ""):
    give()
elif act == "told":
    give(to=os.path.join(work, "else.mp4")); say(video="else.mp4", seconds=3.5, note="by a fake")
elif act == "environment":
    give(); say(note=json.dumps(dict(os.environ)))
elif act == "text":
    open(answer, "w").write("this is no video " * 20)
elif act == "empty":
    open(answer, "w").close()
elif act == "outside":
    give(to=os.path.join(os.path.dirname(work), "escaped.mp4")); say(video="../escaped.mp4")
elif act == "absolute":
    say(video=os.path.join(here, "canned.mp4"))
elif act == "link":
    os.symlink(os.path.join(here, "canned.mp4"), answer)
elif act == "link_result":
    os.symlink(os.path.join(here, "canned.mp4"), result)
elif act == "folder_link":
    os.symlink(here, os.path.join(work, "door")); say(video="door/canned.mp4")
elif act == "pipe":
    os.mkfifo(answer)
elif act == "huge":
    with open(answer, "wb") as file:
        file.truncate(3 << 30)
elif act == "short":
    give("short.mp4")
elif act == "long":
    give("long.mp4")
elif act == "two":
    give(); give(to=os.path.join(out, "second.mp4"))
elif act == "nan":
    give(); open(result, "w").write('{"contract": 1, "status": "ok", "seconds": NaN}')
elif act == "list":
    give(); open(result, "w").write("[]")
elif act == "deep":
    give(); open(result, "w").write("[" * 100000)
elif act == "contract":
    give(); say(contract=2)
elif act == "field":
    give(); say(vidoe="answer.mp4")
elif act == "other":
    give(); say(id="another")
elif act == "says_failed":
    say(status="failed", error="no person found")
elif act == "raises":
    raise RuntimeError("CUDA out of memory. Tried to allocate 2.00 GiB")
elif act == "segv":
    os.kill(os.getpid(), signal.SIGSEGV)
elif act == "killed":
    os.kill(os.getpid(), signal.SIGKILL)
elif act in ("hang", "deaf", "daemon", "leaves"):
    if act == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = subprocess.Popen(["sleep", "1000"])
    pids = [os.getpid(), child.pid]
    if act in ("daemon", "leaves"):
        line = "import os; from subprocess import *; os.fork() and os._exit(0); os.setsid(); "
        line += "print(Popen(['sleep', '1000'], env={}, stdout=DEVNULL, stderr=DEVNULL).pid)"
        pids.append(int(subprocess.run([sys.executable, "-S", "-c", line], capture_output=True, text=True).stdout))
    with open(os.path.join(here, "pids"), "w") as file:
        json.dump(pids, file)
    if act == "leaves":
        give()
    else:
        time.sleep(1000)
elif act == "prints":
    chunk = "progress " * 7000
    while True:
        print(chunk)
"""


def once_repo(folder: Path, script=ACT) -> Path:
    folder.mkdir()
    (folder / "act.py").write_text(script)
    canned(folder / "canned.mp4")
    canned(folder / "short.mp4", frames=3)
    canned(folder / "long.mp4", frames=8)
    return folder


SERVE = """
import json, os, shutil, signal, sys, time
here = os.path.dirname(os.path.abspath(__file__))
start = os.path.join(here, "start")
how = open(start).read() if os.path.exists(start) else ""
answers = os.fdopen(int(os.environ["ACTORFORGE_ANSWERS"]), "w")
def tell(**told):
    answers.write(json.dumps({"contract": 1, **told}) + "\\n")
    answers.flush()
print("loading", flush=True)
if how == "dies":
    sys.exit("ModuleNotFoundError: No module named 'mmcv._ext'")
if how == "hangs":
    time.sleep(1000)
if how == "prints":
    print(json.dumps({"contract": 1, "ready": True}), flush=True); time.sleep(1000)
tell(ready="soon" if how == "unready" else True)
served = 0
for line in sys.stdin:
    asked = json.loads(line)
    request = json.load(open(asked["request"]))
    act, served = request["prompt"], served + 1
    print('{"contract": 1, "status": "ok"}', "noise", flush=True)
    if act == "die":
        print("RuntimeError: CUDA error: an illegal memory access", flush=True)
        os.kill(os.getpid(), signal.SIGSEGV)
    if act == "hang":
        time.sleep(1000)
    if act == "prints":
        print(json.dumps({"contract": 1, "id": asked["id"], "status": "ok"}), flush=True); time.sleep(1000)
    if act == "mute":
        answers.close(); time.sleep(1000)
    if act == "junk":
        answers.write("ok!\\n"); answers.flush(); continue
    if act == "flood":
        answers.write("x" * (3 << 20)); answers.flush(); continue
    if act == "other":
        tell(id="another", status="ok"); continue
    if act == "fails":
        tell(id=asked["id"], status="failed", error="no person found"); continue
    shutil.copyfile(os.path.join(here, "canned.mp4"), os.path.join(request["out"], "answer.mp4"))
    tell(id=asked["id"], status="ok", note=f"pid {os.getpid()} served {served}")
"""


def own_temporary(monkeypatch, folder: Path) -> Path:
    """All temporary folders of a test lie here, so that it can see that none is left."""
    folder.mkdir(exist_ok=True)
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setitem(os.environ, "TMPDIR", str(folder))
    return folder
