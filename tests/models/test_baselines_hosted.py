"""Hosted systems against servers on this machine that speak each contract, lose calls, and count what was billed."""

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from models.animators.registry import ANIMATORS
from models.baselines.hosted.address import may_fetch
from models.baselines.hosted.costs import Costs
from models.baselines.hosted.machine import HostedError
from models.baselines.hosted.outcomes import Reply
from models.baselines.hosted.pace import Pace
from models.baselines.hosted.records import Jobs
from models.estimate import Workload
from models.stated import capabilities_of, estimate_of, options_of, read_options
from tests.models.hosted_servers import ark, fal, kling, volcengine
from tests.models.hosted_servers.client import animator, request
from tests.models.hosted_servers.contract import Faults
from tests.models.hosted_servers.settings import KEYS, settings

ROOT = Path(__file__).resolve().parents[2]
NAMES = ("kling_motion_control", "kling_o1", "dreamactor_m2", "dreamactor_m1", "seedance_i2v")
SECRETS = [kling.SECRET, volcengine.SECRET, fal.KEY, ark.KEY]


@pytest.fixture(autouse=True)
def keys(monkeypatch):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


def records(tmp_path, name):
    return [json.loads(path.read_text()) for path in (tmp_path / "state" / name / "jobs").glob("*.json")]


def kept_text(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def failure(system, asked) -> HostedError:
    with pytest.raises(HostedError) as told:
        system.animate(asked)
    return told.value


def test_a_hundred_jobs_through_faults_and_a_client_killed_again_and_again(tmp_path):
    faults = Faults(
        busy=0.10, expired=0.02, dropped=0.03, lost=0.03, truncated=0.10,
        fails=frozenset({7, 41, 83}), late=frozenset({15, 60, 90}), dying=frozenset({3, 33, 63}),
    )  # fmt: skip
    rng = random.Random(5)
    with kling.KlingServer(faults, duration_s=(0.15, 0.35), seed=3) as server:
        options = settings(server, tmp_path, concurrency=6, poll_s=0.1, usd_per_s=0.1, usd_per_unit=0.1)
        command = [sys.executable, "-m", "tests.models.hosted_servers.client", "kling_motion_control", "100", json.dumps(options)]
        said = b""
        for killed in (True, True, True, False):
            client = subprocess.Popen(
                command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=os.environ | {"OMP_NUM_THREADS": "1"}
            )
            if killed:
                before = len(server.tasks)
                while len(server.tasks) < before + 8:  # it is at work, in whatever place
                    time.sleep(0.01)
                time.sleep(rng.uniform(0, 0.4))
                client.kill()
            out, err = client.communicate(timeout=120)
            said += out + err
        assert client.returncode == 0 and server.wrong == []
        told = [json.loads(line) for line in out.splitlines()]
    jobs = records(tmp_path, "kling_motion_control")
    assert Counter(job["state"] for job in jobs) == {"finished": 97, "failed": 3} and len(told) == 100
    assert {row["ok"] for row in told if row["index"] not in {int(j["label"][4:]) for j in jobs if j["state"] == "failed"}} == {True}
    assert all(row["frames"] == 6 and row["usd"] == pytest.approx(0.25) for row in told if row["ok"])
    assert Counter(task.own_id for task in server.tasks.values()).most_common(1)[0][1] == 1 and len(server.tasks) == 100
    assert len({task.content for task in server.tasks.values()}) == 100
    assert server.most_running <= 6
    status_calls = server.calls["GET /v1/videos/motion-control"]
    assert status_calls <= 1.2 * server.ideal_polls(0.1)
    costs = Costs(tmp_path / "state", time.sleep)
    assert costs.spent_usd() == pytest.approx(97 * 0.25 + 3 * 0.3)
    everything = kept_text(tmp_path / "state") + said
    assert not [secret for secret in (*SECRETS, kling.ACCESS, "Bearer", "of-the-link") if secret.encode() in everything]
    assert not list((tmp_path / "state").rglob("*.part"))


def test_two_processes_share_jobs_and_slots(tmp_path):
    with kling.KlingServer(Faults(lost=0.1), duration_s=(0.3, 0.5)) as server:
        command = [sys.executable, "-m", "tests.models.hosted_servers.client", "kling_motion_control", "14"]
        command.append(json.dumps(settings(server, tmp_path, concurrency=3)))
        clients = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(2)]
        told = [json.loads(line) for client in clients for line in client.communicate(timeout=120)[0].splitlines()]
        assert len(told) == 28 and all(row["ok"] for row in told)
        assert len(server.tasks) == len({task.content for task in server.tasks.values()}) == 14 and server.most_running <= 3


@pytest.mark.parametrize("name, server_of", [
    ("kling_o1", kling.KlingServer), ("dreamactor_m2", volcengine.VolcengineServer), ("dreamactor_m1", volcengine.VolcengineServer),
    ("seedance_i2v", ark.ArkServer),
])  # fmt: skip
def test_each_contract_from_body_to_clip(tmp_path, name, server_of):
    with server_of(Faults(busy=0.2)) as server:
        if name == "dreamactor_m1":
            server.req_key = "jimeng_dream_actor_m1_gen_video_cv"
        system = animator(name, **settings(server, tmp_path))
        first, again = system.animate(request(1)), system.animate(request(1))
    assert server.wrong == [] and len(server.tasks) == 1
    assert first.clip.size == (24, 24) and first.clip.fps == 2 and len(first.clip) == 6
    assert np.array_equal(first.clip.frames, again.clip.frames) and first.provenance["note"]
    assert not any(secret.encode() in kept_text(tmp_path) for secret in SECRETS)


def test_fal_takes_the_driver_into_its_own_storage_and_asks_three_times(tmp_path):
    with fal.FalServer(Faults(fails=frozenset({1}))) as server:
        system = animator("dreamactor_m2", via="fal", **settings(server, tmp_path) | {"upload": "fal"}, rest_url=server.url)
        result = system.animate(request(0))
        error = failure(system, request(1))
    assert server.wrong == [] and len(server.tasks) == 2 and result.provenance["cost_usd"] == pytest.approx(0.2)
    assert error.kind == "failed" and "no face in the picture" in str(error)
    assert server.tasks["task-0"].body["trim_first_second"] is True and len(server.stored) == 2


def test_fal_sends_its_key_nowhere_but_to_the_named_host(tmp_path):
    with fal.FalServer() as server, fal.FalServer() as other:
        own = server.route

        def misled(method, parts, headers, body):
            status, more, answer = own(method, parts, headers, body)
            return status, more, answer | {"response_url": f"{other.url}/steal", "status_url": f"{other.url}/steal"}

        server.route = misled
        animator("dreamactor_m2", via="fal", **settings(server, tmp_path)).animate(request(0))
        assert not other.calls and len(server.tasks) == 1


def test_a_submit_nobody_saw_the_end_of_is_not_submitted_again_where_nobody_can_be_asked(tmp_path):
    with volcengine.VolcengineServer(Faults(lost=1.0)) as server:
        system = animator("dreamactor_m2", **settings(server, tmp_path))
        assert "submit_unknown" in str(failure(system, request(0)))
        told = failure(system, request(0))
        assert told.kind == "unknown" and "resubmit=unknown" in str(told) and len(server.tasks) == 1
        server.faults = Faults()
        animator("dreamactor_m2", **settings(server, tmp_path, resubmit="unknown")).animate(request(0))
    (job,) = records(tmp_path, "dreamactor_m2")
    assert len(server.tasks) == 2 and job["state"] == "finished" and job["attempt"] == 2


def test_a_task_that_the_list_shows_late_is_found(tmp_path):
    with kling.KlingServer(Faults(lost=1.0)) as server:
        server.list_lags = 1
        system = animator("kling_motion_control", **settings(server, tmp_path))
        system.animate(request(0))
        assert len(server.tasks) == 1 and server.list_lags == 0


def test_a_submit_that_never_arrived_is_made_again(tmp_path):
    with kling.KlingServer(Faults(dropped=1.0)) as server:
        threading.Timer(0.3, lambda: setattr(server, "faults", Faults())).start()
        animator("kling_motion_control", **settings(server, tmp_path)).animate(request(0))
        assert len(server.tasks) == 1


def test_failed_jobs_are_made_again_only_on_request(tmp_path):
    with kling.KlingServer(Faults(fails=frozenset({0}))) as server:
        system = animator("kling_motion_control", **settings(server, tmp_path))
        assert failure(system, request(0)).kind == failure(system, request(0)).kind == "failed"
        assert len(server.tasks) == 1
        animator("kling_motion_control", **settings(server, tmp_path, resubmit="failed")).animate(request(0))
    (job,) = records(tmp_path, "kling_motion_control")
    assert len(server.tasks) == 2 and job["attempt"] == 2 and job["task"] == "task-1"


def test_a_task_that_outlasts_our_patience_is_polled_on_by_the_next_call(tmp_path):
    with kling.KlingServer(duration_s=(0.6, 0.6)) as server:
        early = animator("kling_motion_control", **settings(server, tmp_path) | {"timeout_s": 0.1})
        assert failure(early, request(0)).kind == "late"
        animator("kling_motion_control", **settings(server, tmp_path)).animate(request(0))
        assert len(server.tasks) == 1


def test_a_task_that_the_service_has_forgotten_has_failed(tmp_path):
    with volcengine.VolcengineServer() as server:
        server.forgets = frozenset({0})
        error = failure(animator("dreamactor_m2", **settings(server, tmp_path)), request(0))
        assert error.kind == "failed" and "not_found" in str(error)


@pytest.mark.parametrize("status, code, kind, calls", [(401, 1000, "refused", 1), (429, 1102, "refused", 1), (400, 1301, "refused", 1),
                                                       (401, 1004, "refused", 4), (429, 1303, "unreachable", None)])  # fmt: skip
def test_only_what_may_be_tried_again_is(tmp_path, status, code, kind, calls):
    with kling.KlingServer() as server:
        server.route = lambda *_: (status, {}, kling.envelope(code, "no"))
        system = animator("kling_motion_control", **settings(server, tmp_path) | {"patience_s": 0.3})
        assert failure(system, request(0)).kind == kind
        assert sum(server.calls.values()) == calls or (calls is None and sum(server.calls.values()) > 1)
        del server.route
        system.animate(request(0))  # nothing was billed, so nothing stands in the way
        assert len(server.tasks) == 1


def test_threads_and_animators_that_ask_the_same_share_one_task(tmp_path):
    with kling.KlingServer() as server:
        systems = [animator("kling_motion_control", **settings(server, tmp_path)) for _ in range(3)]
        threads = [threading.Thread(target=system.animate, args=(request(0),)) for system in systems for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(server.tasks) == 1


def test_a_cap_stops_before_the_submit_that_would_break_it(tmp_path):
    with kling.KlingServer() as server:
        options = settings(server, tmp_path, usd_per_s=0.1, max_cost_usd=0.7)
        system = animator("kling_motion_control", **options)
        for index in range(2):
            system.animate(request(index))
        assert failure(system, request(2)).kind == "cost" and len(server.tasks) == 2
        settled = animator("kling_motion_control", **settings(server, tmp_path / "b", usd_per_s=0.1, usd_per_unit=0.04, max_cost_usd=0.5))
        for index in range(3):
            settled.animate(request(index))  # 0.1 each by the reply, so the third still fits
    assert Costs(tmp_path / "b" / "state", time.sleep).spent_usd() == pytest.approx(0.3)
    with pytest.raises(ValueError, match="max_cost_usd"):
        animator("kling_motion_control", **settings(server, tmp_path, max_cost_usd=1.0)).animate(request(9))


def test_nothing_is_sent_without_key_upload_or_prompt(tmp_path, monkeypatch):
    with kling.KlingServer() as server, ark.ArkServer() as other:
        with pytest.raises(ValueError, match="upload: got none.*upload=s3"):
            animator("kling_motion_control", **settings(server, tmp_path) | {"upload": ""}).animate(request(0))
        with pytest.raises(ValueError, match="prompt.*--guide"):
            animator("seedance_i2v", **settings(other, tmp_path)).animate(request(0, prompt=" "))
        monkeypatch.delenv("KLING_SECRET_KEY")
        with pytest.raises(ValueError, match="KLING_SECRET_KEY"):
            animator("kling_motion_control", **settings(server, tmp_path)).animate(request(0))
        assert not server.calls and not other.calls and not server.stored


def test_a_finished_job_needs_neither_key_nor_service(tmp_path, monkeypatch):
    with kling.KlingServer() as server:
        options = settings(server, tmp_path)
        made = animator("kling_motion_control", **options).animate(request(0))
    for name in KEYS:
        monkeypatch.delenv(name)
    again = animator("kling_motion_control", **options).animate(request(0))
    assert np.array_equal(made.clip.frames, again.clip.frames)


def test_a_kept_video_that_was_damaged_is_not_handed_out(tmp_path):
    with kling.KlingServer() as server:
        system = animator("kling_motion_control", **settings(server, tmp_path))
        system.animate(request(0))
        (video,) = (tmp_path / "state").rglob("*.mp4")
        video.write_bytes(video.read_bytes()[:-100])
        system.animate(request(0))
        assert video.stat().st_size == len(server.video) and len(server.tasks) == 1  # the task is still known: fetched again, not billed


def test_a_download_that_breaks_off_is_taken_up_and_a_dead_link_asked_for_anew(tmp_path):
    with kling.KlingServer(Faults(truncated=1.0, dying=frozenset({0}))) as server:
        animator("kling_motion_control", **settings(server, tmp_path)).animate(request(0))
        ranges = [row.get("range") for row in server.download_headers]
        (video,) = (tmp_path / "state").rglob("*.mp4")
    assert ranges == [None, None, f"bytes={len(server.video) // 2}-"] and video.read_bytes() == server.video
    assert len(server.tasks) == 1 and server.tasks["task-0"].links == 2


def test_a_key_that_a_server_echoes_comes_into_no_message(tmp_path, monkeypatch):
    wrong = "ark-wrong-key-123456789"
    monkeypatch.setenv("ARK_API_KEY", wrong)
    with ark.ArkServer() as server:
        error = failure(animator("seedance_i2v", **settings(server, tmp_path)), request(0))
    assert "ARK_API_KEY" in str(error) and "[key]" in str(error) and wrong not in str(error)
    assert wrong.encode() not in kept_text(tmp_path)


def test_credentials_do_not_follow_redirects_nor_go_to_downloads(tmp_path):
    with kling.KlingServer() as server, kling.KlingServer() as other:
        animator("kling_motion_control", **settings(server, tmp_path)).animate(request(0))
        assert server.download_headers and not any("uthorization" in name for row in server.download_headers for name in row)
        server.route = lambda *_: (307, {"location": other.url + "/v1/videos/motion-control"}, {})
        assert failure(animator("kling_motion_control", **settings(server, tmp_path)), request(1)).kind == "refused"
        assert not other.calls


@pytest.mark.parametrize("url, good", [
    ("https://api.example.org/v1", True), ("http://127.0.0.1:9/x", True), ("http://api.example.org", False),
    ("https://user:word@api.example.org", False), ("https://api.example.org?key=1", False), ("ftp://api.example.org", False),
    ("http://127.0.0.1.example.org", False),
])  # fmt: skip
def test_keys_travel_encrypted_or_not_at_all(url, good):
    if good:
        options_of("kling_o1", ANIMATORS)(base_url=url)
    else:
        with pytest.raises(ValueError, match="base_url"):
            options_of("kling_o1", ANIMATORS)(base_url=url)


@pytest.mark.parametrize("link", [
    "file:///etc/passwd", "http://169.254.169.254/latest", "http://localhost/x", "http://a:b@example.org/x", "http://127.1/x",
    "http://2130706433/x", "http://0x7f000001/x", "http://localhost./x", "http://api.localhost/x", "http://[::ffff:127.0.0.1]/x",
    "http://metadata.invalid/x", "http://home.invalid/x",
])  # fmt: skip
def test_a_service_cannot_send_us_anywhere(link, monkeypatch):
    names = {"metadata.invalid": "169.254.169.254", "home.invalid": "127.0.0.1"}

    def resolved(host, port):
        if host not in names:
            raise OSError("not known")
        return [(0, 0, 0, "", (names[host], 0))]

    monkeypatch.setattr("models.baselines.hosted.address.socket.getaddrinfo", resolved)
    assert not may_fetch(link, "https://api.example.org") and may_fetch("https://cdn.example.org/x", "https://api.example.org")
    assert not may_fetch("http://169.254.169.254/latest", "http://127.0.0.1:8000") and may_fetch(
        "http://127.0.0.1/x", "http://127.0.0.1:8000"
    )


@pytest.mark.parametrize("data", [[], "x", {"task_id": "a\n"}, {"task_id": "\ud800"}])
def test_an_odd_reply_to_a_submit_is_looked_into_and_never_a_crash(tmp_path, monkeypatch, data):
    monkeypatch.setattr(kling.KlingServer, "submit", lambda self, path, body: (200, {}, kling.envelope(0, "SUCCEED", data)))
    with kling.KlingServer() as server:
        told = failure(animator("kling_motion_control", **settings(server, tmp_path, patience_s=0.1)), request(0))
    assert told.kind == "unreachable" and records(tmp_path, "kling_motion_control")[0]["state"] == "new"


@pytest.mark.parametrize("units", ["nan", "-5", "1e400", [1], True])
def test_a_bill_that_is_no_amount_counts_as_estimated(tmp_path, monkeypatch, units):
    monkeypatch.setattr(kling.KlingServer, "price_units", units)
    with kling.KlingServer() as server:
        system = animator("kling_motion_control", **settings(server, tmp_path, usd_per_unit=2.0, usd_per_s=0.1))
        assert system.animate(request(0)).provenance["cost_usd"] == pytest.approx(0.3)


def test_words_of_a_service_do_not_move_the_cursor_and_an_escaped_key_is_found(tmp_path, monkeypatch):
    secret = 'SK+abc/def"9876543210'
    monkeypatch.setenv("KLING_SECRET_KEY", secret)
    said = "\x1b[2J\nbad key " + secret
    monkeypatch.setattr(kling.KlingServer, "route", lambda self, *_: (400, {}, kling.envelope(1201, said)))
    with kling.KlingServer() as server:
        told = str(failure(animator("kling_motion_control", **settings(server, tmp_path)), request(0)))
    assert "?[2J bad key [key]" in told and secret.encode() not in kept_text(tmp_path)


def test_a_clock_set_back_makes_nobody_wait():
    pace = Pace(0.5, [4.0])
    assert pace.wait_s(-7200.0) == pace.wait_s(0.0) <= 4.0 and pace.first_wait_s(-7200.0, False) <= 4.0


def test_a_damaged_record_of_another_job_in_a_slot_stops_nobody(tmp_path):
    with kling.KlingServer() as server:
        system = animator("kling_motion_control", **settings(server, tmp_path, concurrency=1))
        system.animate(request(0))
        path = next((tmp_path / "state" / "kling_motion_control" / "jobs").glob("*.json"))
        path.write_text("{")
        assert len(system.animate(request(1)).clip) and len(server.tasks) == 2
        with pytest.raises(ValueError, match="not valid JSON"):
            system.animate(request(0))
    assert len(server.tasks) == 2


def test_a_file_that_is_told_to_be_endless_is_not_begun(tmp_path, monkeypatch):
    monkeypatch.setattr(kling.KlingServer, "result", lambda self, path, headers: (200, {"promised": 10 << 30}, b"x" * 100))
    with kling.KlingServer() as server:
        told = failure(animator("kling_motion_control", **settings(server, tmp_path)), request(0))
    assert "a file of more than 2048 MiB" in str(told) and not list((tmp_path / "state").rglob("*.part"))


def test_drivers_go_to_the_named_bucket_under_a_signed_link(tmp_path, monkeypatch):
    pytest.importorskip("s3fs")
    from tests.models.faulty_s3 import BUCKET, faulty_s3

    with faulty_s3() as s3, kling.KlingServer() as server:
        links = []
        server.stored_video = links.append
        for name, value in getattr(s3, "environment", {}).items():
            monkeypatch.setenv(name, value)
        place = f"s3://{BUCKET}/drivers"
        animator("kling_motion_control", **settings(server, tmp_path) | {"upload": place}).animate(request(0))
    (link,) = links
    assert f"{BUCKET}/drivers/" in link and ".mp4?" in link and "Signature" in link
    assert b"Signature" not in kept_text(tmp_path)


@pytest.mark.parametrize("place", ["s3://nobody/in", "https"])
def test_a_place_that_takes_no_driver_is_told_as_the_option_in_the_same_words_for_every_case(tmp_path, monkeypatch, place):
    with kling.KlingServer() as server:
        if place == "https":
            place = f"{server.url}/closed"
            monkeypatch.setattr("models.baselines.hosted.uploads.send", lambda call, timeout_s: Reply(status=403, text=""))
            expected = "upload: got HTTP 403, expected 200, 201 or 204 to a PUT; see whether that address takes files"
        else:

            def exists(location):
                raise OSError(5, f"EndpointConnectionError: no endpoint for {location}")

            monkeypatch.setattr("models.storage.exists", exists)
            expected = r"upload: got OSError \(EndpointConnectionError: no endpoint for s3://nobody/in\), expected a bucket .*nobody/in; "
        system, told = animator("kling_motion_control", **settings(server, tmp_path) | {"upload": place}), set()
        for number in range(2):
            with pytest.raises(ValueError, match=expected) as error:
                system.animate(request(number))
            told.add(str(error.value).replace(request(number).id, "CASE"))
        assert len(told) == 1 and told.pop().endswith("(option upload); no job was submitted") and not server.tasks


@pytest.mark.parametrize("name", NAMES)
def test_every_system_states_what_it_can_do_without_being_made(name):
    able, kind = capabilities_of(name, ANIMATORS), options_of(name, ANIMATORS)
    assert able.kind == "hosted" and able.licence and able.weights and able.note
    estimate = estimate_of(
        name, Workload(size=(720, 1280), num_frames=120, fps=24), read_options(kind, {"usd_per_s": "0.1"}, name), ANIMATORS
    )
    assert estimate.usd == pytest.approx(0.6 if name == "dreamactor_m2" else 0.5) and "usd_per_s" in estimate.basis
    assert estimate_of(name, Workload(size=(720, 1280), num_frames=120, fps=24), kind(), ANIMATORS).usd is None
    with pytest.raises(ValueError, match="argument"):
        ANIMATORS.load(name)("x", name=name)
    with pytest.raises(ValueError, match="concurrency"):
        read_options(kind, {"concurrency": "0"}, name)


def test_stating_costs_no_heavy_import():
    code = "import sys, models.baselines.hosted.kling, models.baselines.hosted.dreamactor, models.baselines.hosted.seedance as s\n"
    code += "s.capabilities('seedance_i2v'); print([m for m in ('torch', 'av', 'httpx', 'pandas', 'diffusers') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_record_of_another_kind_is_refused_by_name(tmp_path):
    jobs = Jobs(tmp_path)
    jobs.path("k").parent.mkdir()
    jobs.path("k").write_text("{}")
    with pytest.raises(ValueError, match="k.json"):
        jobs.read("k")
