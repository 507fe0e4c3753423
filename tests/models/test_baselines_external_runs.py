"""Repositories that answer and those that do anything else: each bad one is one failed case with a reason, and leaves nothing."""

import json
import os
import pickle
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest

from awbench.run_cases import _reason
from bootstrap.reasons import reason_of
from models.baselines.external.diverted import Diverted
from models.baselines.external.exchange import Failed
from models.baselines.external.processes import HEAD_B, TAIL_B, Late, Leashed, Log, telling
from models.runtime import Runtime
from tests.models.external_fakes import (
    FPS,
    FRAMES,
    SERVE,
    SIZE,
    alive,
    ask,
    canned,
    external,
    moving,
    once_repo,
    own_temporary,
    raw_spec,
    served_spec,
)  # fmt: skip


@pytest.fixture
def temporary(monkeypatch, tmp_path):
    folder = own_temporary(monkeypatch, tmp_path / "temporary")
    yield folder
    assert list(folder.iterdir()) == []


@pytest.fixture
def repo(tmp_path):
    return once_repo(tmp_path / "repo")


def test_an_answer_is_the_asked_clip(repo, temporary):
    answer = external(repo).animate(ask())
    assert answer.clip.size == SIZE and len(answer.clip) == FRAMES and answer.clip.fps == FPS
    assert np.abs(answer.clip.frames.astype(int) - moving()).max() <= 3
    assert answer.provenance["note"] == "" and answer.animator == "fake"


def test_a_result_names_its_video_and_notes(repo, temporary):
    answer = external(repo).animate(ask(prompt="told"))
    assert answer.provenance["note"] == "by a fake" and answer.provenance["system_s"] == 3.5


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("text", "cannot be read as a video"),
        ("empty", "is empty"),
        ("nothing", "it wrote no out/\\*.mp4"),
        ("outside", "lies outside of the work folder"),
        ("absolute", "lies outside of the work folder"),
        ("link", "is a link"),
        ("link_result", "is a link"),
        ("folder_link", "lies outside of the work folder"),
        ("pipe", "is no regular file"),
        ("huge", "has 3221225472 bytes, expected at most"),
        ("short", "has 3 frames, expected 5"),
        ("long", "has 8 frames, expected 5"),
        ("two", "wrote 2 files"),
        ("nan", "NaN is no JSON number"),
        ("list", "result is list, expected a JSON object"),
        ("deep", "not valid JSON"),
        ("contract", "contract 2, expected 1"),
        ("field", "unknown field 'vidoe'"),
        ("other", "answers request 'another', expected 'case-1'"),
        ("says_failed", "it says: no person found"),
        ("raises", "step 1 of 1 exited with 1; last it said: RuntimeError: CUDA out of memory"),
        ("segv", "died of signal 11"),
        ("killed", "out of memory, as a rule"),
    ],
)
def test_a_bad_answer_is_a_reason(repo, temporary, act, said):
    with pytest.raises(Failed, match=said) as failed:
        external(repo).animate(ask(prompt=act))
    assert str(temporary) not in str(failed.value) and "log " in str(failed.value)
    assert "act" in (repo.parent / "logs" / "case-1.log").read_text()


def late_when(monkeypatch, path, size):
    """The time of a request is over as soon as a file has that many bytes, on a machine as busy as it likes."""

    def wait(self, timeout_s):
        while not path.exists() or path.stat().st_size < size:
            assert self.code() is None
            time.sleep(0.01)
        raise Late

    monkeypatch.setattr(Leashed, "wait", wait)


@pytest.mark.parametrize("act", ["hang", "deaf", "daemon"])
def test_who_hangs_is_ended_with_all_it_started(repo, temporary, monkeypatch, act):
    monkeypatch.setattr("models.baselines.external.processes.GRACE_S", 0.3)
    late_when(monkeypatch, repo / "pids", 1)
    with pytest.raises(Failed, match="stopped after 60 s"):
        external(repo).animate(ask(prompt=act))
    pids = json.loads((repo / "pids").read_text())
    assert len(pids) >= 2 and not any(map(alive, pids))


def test_who_answers_leaves_no_process_either(repo, temporary):
    external(repo).animate(ask(prompt="leaves"))
    pids = json.loads((repo / "pids").read_text())
    assert len(pids) == 3 and not any(map(alive, pids))


def test_who_prints_without_end_fills_no_disk(repo, temporary, monkeypatch):
    late_when(monkeypatch, repo.parent / "logs" / "case-1.log", HEAD_B)
    with pytest.raises(Failed, match="stopped after 60 s"):
        external(repo).animate(ask(prompt="prints"))
    log = (repo.parent / "logs" / "case-1.log").read_bytes()
    assert HEAD_B <= len(log) <= HEAD_B + TAIL_B + 1000


def test_an_interrupt_ends_the_process(repo, temporary):
    """Ctrl-C in a program of its own, so that it reaches no other test."""
    code = textwrap.dedent(f"""
        import sys, tempfile
        tempfile.tempdir = {str(temporary)!r}
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from pathlib import Path
        from tests.models.external_fakes import ask, external
        external(Path({str(repo)!r})).animate(ask(prompt="hang"))
    """)
    program = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE)
    while not (repo / "pids").exists() or not (repo / "pids").read_text():
        assert program.poll() is None, program.stderr.read()
        time.sleep(0.02)
    program.send_signal(2)
    assert b"KeyboardInterrupt" in program.communicate()[1]
    assert not any(map(alive, json.loads((repo / "pids").read_text())))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nothing_outlives_a_starter_that_is_killed(tmp_path):
    """Not even the work folder: who was killed cannot clean up."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    said = (
        "import subprocess; p = subprocess.Popen(['sleep', '1000'], start_new_session=True); print(p.pid, file=open('pid', 'w')); p.wait()"
    )
    code = textwrap.dedent(f"""
        import sys, time
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from pathlib import Path
        from models.baselines.external.processes import Leashed, Log
        scratch = Path({str(scratch)!r})
        line, log = [sys.executable, "-S", "-c", {said!r}], Log(scratch / "log")
        Leashed(line, cwd=scratch.parent, env={{"PATH": "/usr/bin:/bin"}}, scratch=scratch, log=log)
        time.sleep(1000)
    """)
    program = subprocess.Popen([sys.executable, "-c", code])
    pid = tmp_path / "pid"
    while not pid.exists() or not pid.read_text():
        assert program.poll() is None
        time.sleep(0.02)
    program.kill()
    program.wait()
    end_s = time.monotonic() + 60
    while (alive(int(pid.read_text())) or scratch.exists()) and time.monotonic() < end_s:
        time.sleep(0.02)
    assert not alive(int(pid.read_text())) and not scratch.exists()


def test_the_environment_holds_no_secrets_and_none_of_ours(repo, temporary, monkeypatch):
    for name in ("OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "HF_TOKEN", "PYTHONPATH", "VIRTUAL_ENV", "LD_PRELOAD_X", "CUDA_MODULE_TOKEN"):
        monkeypatch.setenv(name, "secret-of-mine")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    raw = raw_spec(steps=[{"run": ["{python}", "-S", "-c", "import json, os; print('seen', json.dumps(dict(os.environ)))"]}])
    for passed, token in (("", None), ("HF_TOKEN", "***")):
        with pytest.raises(Failed, match="it wrote no"):
            external(repo, raw, pass_env=passed).animate(ask())
        text = (repo.parent / "logs" / "case-1.log").read_text()
        seen = json.loads(text.partition("seen ")[2])
        assert "secret-of-mine" not in text and seen["CUDA_VISIBLE_DEVICES"] == "3,5"
        assert seen.get("HF_TOKEN") == token and not {"PYTHONPATH", "VIRTUAL_ENV", "OPENAI_API_KEY"} & set(seen)
        assert seen["PATH"].startswith(os.path.dirname(sys.executable)) and seen["TMPDIR"].startswith(str(temporary))


def test_a_device_is_told_by_its_number_among_the_visible(repo, temporary, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    from models.baselines.external.animator import device_env

    assert device_env(Runtime(device="cuda:1"), "x") == {"CUDA_VISIBLE_DEVICES": "5"}
    assert device_env(Runtime(device="cpu"), "x") == {"CUDA_VISIBLE_DEVICES": ""} and device_env(Runtime(), "x") == {}
    with pytest.raises(ValueError, match="runtime.device: got cuda:2"):
        device_env(Runtime(device="cuda:2"), "x")
    with pytest.raises(ValueError, match="runtime.offload: got model"):
        device_env(Runtime(offload="model"), "x")


def test_words_a_shell_would_obey_stay_words(repo, temporary):
    raw = raw_spec(steps=[{"run": ["{python}", "-S", "act.py", "ok", "{out}", "{result}", "{request}", "--prompt={prompt}"]}])
    prompt = "--version; rm -rf $HOME `id` {seed} \n\"quoted\" 'so' 日本"
    external(repo, raw).animate(ask(prompt=prompt))
    first = (repo.parent / "logs" / "case-1.log").read_text().splitlines()[0]
    assert json.loads(first.partition(": ")[2])[-1] == f"--prompt={prompt}"
    with pytest.raises(Failed, match="cannot start"):
        external(repo, raw).animate(ask(prompt="zero\0byte"))


def test_an_answer_of_another_size_is_brought_back_and_said(repo, temporary):
    canned(repo / "canned.mp4", size=(64, 96))
    answer = external(repo).animate(ask())
    assert answer.clip.size == SIZE and answer.clip.notes == ("answered at 64x96 px",)


def test_a_panel_and_pictures_as_answers(repo, temporary):
    wide = np.concatenate([moving(), moving() // 2, 255 - moving()], axis=2)
    from models.types import Clip
    from models.video import encode_video

    (repo / "canned.mp4").write_bytes(encode_video(Clip(frames=wide, fps=30.0), pix_fmt="yuv420p"))
    answer = external(repo, raw_spec(output={"video": "out/*.mp4", "panel": [3, 3]})).animate(ask())
    assert np.abs(answer.clip.frames.astype(int) - (255 - moving())).mean() < 4 and answer.clip.fps == FPS
    save = (
        "import sys; from PIL import Image; [Image.new('RGB', (32, 48), (t, 0, 0)).save(f'{sys.argv[1]}/f_{t:03d}.png') for t in range(5)]"
    )
    raw = raw_spec(steps=[{"run": ["{python}", "-c", save, "{out}"]}], output={"frames": "out/f_*.png"})
    frames = external(repo, raw).animate(ask()).clip.frames
    assert frames[:, 0, 0, 0].tolist() == [0, 1, 2, 3, 4]


def test_more_frames_than_asked_where_the_description_allows_it(repo, temporary):
    answer = external(repo, raw_spec(output={"video": "out/*.mp4", "count": "longer"})).animate(ask(prompt="long"))
    assert len(answer.clip) == FRAMES


@pytest.fixture
def server(tmp_path):
    return once_repo(tmp_path / "server", SERVE)


def note(answer):
    _, pid, _, served = answer.provenance["note"].split()
    return int(pid), int(served)


def test_a_server_loads_once_and_stray_prints_do_no_harm(server, temporary):
    animator = external(server, served_spec())
    (first, one), (second, two) = note(animator.animate(ask("a"))), note(animator.animate(ask("b")))
    assert first == second and (one, two) == (1, 2) and alive(first)
    with pytest.raises(Failed, match="it says: no person found"):
        animator.animate(ask("c", prompt="fails"))
    assert note(animator.animate(ask("d"))) == (first, 4)
    animator.close()
    assert not alive(first)


@pytest.mark.parametrize(
    ("act", "said"),
    [
        ("die", "died of signal 11 instead of answering; last it said: RuntimeError: CUDA error"),
        ("mute", "closed its answers"),
        ("junk", "not valid JSON"),
        ("flood", "longer than 1 MiB"),
        ("other", "answers request 'another'"),
        ("hang", "no answer within 0.3 s"),
    ],
)
def test_a_server_that_fails_costs_one_case(server, temporary, monkeypatch, act, said):
    animator = external(server, served_spec())
    before, _ = note(animator.animate(ask("a")))
    if act == "hang":
        monkeypatch.setattr(animator._way, "_timeout_s", 0.3)
    if act == "mute":
        monkeypatch.setattr("models.baselines.external.runs.ENDS_S", 0.1)
    with pytest.raises(Failed, match=said):
        animator.animate(ask("b", prompt=act))
    monkeypatch.undo()
    assert not alive(before)
    after, served = note(animator.animate(ask("c")))
    assert after != before and served == 1
    animator.close()


@pytest.mark.parametrize(
    ("how", "said"), [("dies", "exited with 1.*mmcv._ext"), ("hangs", "startup_timeout_s"), ("unready", "its first line")]
)
def test_a_server_that_does_not_start(server, temporary, how, said):
    (server / "start").write_text(how)
    animator = external(server, served_spec(), startup_timeout_s=0.3 if how == "hangs" else 60.0)
    with pytest.raises(Failed, match=said):
        animator.animate(ask())
    (server / "start").unlink()
    animator._way._startup_timeout_s = 60.0
    assert note(animator.animate(ask()))[1] == 1
    animator.close()


@pytest.mark.parametrize("how", ["ready", "answer"])
def test_who_prints_what_the_pipe_should_bring_is_told_so_at_once(server, temporary, monkeypatch, how):
    monkeypatch.setattr("models.baselines.external.runs.MISPLACED_S", 0.1)
    if how == "ready":
        (server / "start").write_text("prints")
    animator = external(server, served_spec())
    with pytest.raises(Failed, match='it printed {"contract": 1, .*} to standard output.*ACTORFORGE_ANSWERS'):
        animator.animate(ask(prompt="prints"))
    animator.close()


def test_a_copy_of_an_earlier_answer_that_is_printed_is_only_log():
    words = Diverted(None)
    words.add(b'{"contract": 1, "ready": true}\nloading\n')
    assert words.misplaced(0.0) == '{"contract": 1, "ready": true}' and words.misplaced(1e3) == ""
    words.divert(None, "b")
    words.add(b'{"contract": 1, "ready": true}\n{"contract": 1, "id": "a", "status": "ok"}\n{"contract": 1, "id": "b", "sta')
    assert words.misplaced(0.0) == ""
    words.add(b'tus": "ok"}\n')
    assert words.misplaced(0.0) == '{"contract": 1, "id": "b", "status": "ok"}'


def test_words_that_tell_no_cause_are_not_called_one(repo, temporary):
    for act, said in (("raises", "; last it said: RuntimeError: CUDA"), ("nothing", "; last words: act nothing; log ")):
        with pytest.raises(Failed, match=said):
            external(repo).animate(ask(prompt=act))
    assert _reason(Failed("fake: said")) == reason_of(Failed("fake: said")) == "fake: said", "without a class before it"


def test_a_copy_for_another_process_starts_its_own(server, temporary):
    animator = external(server, served_spec())
    copy = pickle.loads(pickle.dumps(animator))
    assert note(animator.animate(ask()))[0] != note(copy.animate(ask()))[0] and copy.weights_hash == animator.weights_hash
    animator.close()
    copy.close()


def test_who_forgets_to_close_leaves_nothing(server, temporary):
    animator = external(server, served_spec())
    pid, _ = note(animator.animate(ask()))
    del animator
    import gc

    gc.collect()
    assert not alive(pid)


def test_telling_lines():
    assert telling("loading\n 10%|#  |\r 20%|## |\nTraceback (most recent call last):\n  x\nValueError: no \x1b[31mpose\x1b[0m\n") == (
        "ValueError: no pose",
        True,
    )
    assert telling("one\ntwo\nthree\n") == ("two | three", False) and telling("") == ("", False)
    assert len(telling("error " * 500)[0]) <= 300


def test_a_log_keeps_both_ends_within_bounds(tmp_path):
    log = Log(tmp_path / "log", secrets=["hidden-value"])
    log.add(b"first hidden-value\n")
    for _ in range(40):
        log.add(b"x" * 50_000)
    log.add(b"last")
    log.close()
    text = (tmp_path / "log").read_bytes()
    assert text.startswith(b"first ***\n") and text.endswith(b"last") and len(text) < HEAD_B + TAIL_B + 100


def test_logs_lie_in_the_cache_and_do_not_grow_for_ever(repo, temporary, monkeypatch, tmp_path):
    monkeypatch.setenv("ACTORFORGE_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("models.baselines.external.animator.LOGS_KEPT", 2)
    animator = external(repo, logs="")
    for at, id in enumerate(("a", "../b", "c")):
        animator.animate(ask(id))
        newest = max((tmp_path / "cache/external/fake").iterdir(), key=lambda path: path.stat().st_mtime_ns)
        os.utime(newest, (1e9 + at, 1e9 + at))
    animator.animate(ask("d"))
    assert sorted(path.name for path in (tmp_path / "cache/external/fake").iterdir()) == ["c.log", "d.log"]


def test_nothing_is_left_where_what_waits_for_the_leash_is_killed(tmp_path, temporary):
    """As Ray does to the children of a worker it ends."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    line = ["sh", "-c", "setsid sleep 1000 & echo $! > pid; wait"]
    process = Leashed(line, cwd=tmp_path, env={"PATH": "/usr/bin:/bin"}, scratch=scratch, log=Log(tmp_path / "log"))
    while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
        time.sleep(0.01)
    os.kill(process._process.pid, 9)
    assert process.wait(60.0) == -9
    process.stop()
    end_s = time.monotonic() + 60
    while alive(int((tmp_path / "pid").read_text())) and time.monotonic() < end_s:
        time.sleep(0.01)
    assert not alive(int((tmp_path / "pid").read_text()))


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_nothing_is_left_of_a_worker_that_is_killed_within_a_served_request(server, temporary):
    code = textwrap.dedent(f"""
        import sys, tempfile
        tempfile.tempdir = {str(temporary)!r}
        sys.path.insert(0, {str(Path(__file__).parents[2])!r})
        from pathlib import Path
        from tests.models.external_fakes import ask, external, served_spec
        animator = external(Path({str(server)!r}), served_spec())
        print(animator.animate(ask()).provenance["note"], flush=True)
        animator.animate(ask("b", prompt="hang"))
    """)
    program = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    pid = int(program.stdout.readline().split()[1])
    while not (server.parent / "logs/b.log").exists():
        time.sleep(0.01)
    children = [int(path.parent.name) for path in Path("/proc").glob("[0-9]*/stat") if _parent(path) == program.pid]
    for each in (*children, program.pid):
        os.kill(each, 9)
    program.wait()
    end_s = time.monotonic() + 60
    while (alive(pid) or list(temporary.iterdir())) and time.monotonic() < end_s:
        time.sleep(0.02)
    assert children and not alive(pid) and list(temporary.iterdir()) == []


def _parent(stat: Path) -> int:
    try:
        return int(stat.read_text().rpartition(")")[2].split()[1])
    except OSError:
        return 0
