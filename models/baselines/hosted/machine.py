"""Submit once, poll, fetch, keep: what every hosted system shares. It knows no service; `outcomes.Provider` speaks for one.

    with the job's lock:  finished? ─▶ its video
                          slot ─▶ estimate ─▶ `asked` on disk ─▶ submit ─▶ `running` on disk ─▶ poll ... ─▶ video on disk ─▶ `finished`

A job found `asked` was cut off between the two writes, as was one whose submit broke off: the task is looked for at the service by the id
we gave it, and submitted again only where the service surely does not have it. Where a service cannot be asked, the job is `unknown` and
fails until somebody says so (`resubmit=unknown`). A job found `running` is polled on. `failed` ones are submitted again on request only.
"""

from __future__ import annotations

import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, Literal, Mapping

from models.artifacts import sha256_file
from models.baselines.hosted.address import publishable
from models.baselines.hosted.asking import SIGNINGS, Asker
from models.baselines.hosted.costs import Costs
from models.baselines.hosted.fetching import DeadLink, NotFetched, fetch
from models.baselines.hosted.keys import read_keys
from models.baselines.hosted.orders import Bounds, Delivery, HostedError, Order
from models.baselines.hosted.outcomes import Accepted, Busy, Done, Failed, Listed, Provider, Refused, Running, Unclear, Unsigned
from models.baselines.hosted.pace import Pace, Patience
from models.baselines.hosted.records import Job, Jobs
from models.baselines.hosted.slots import Slots
from models.mllm.budget import CapReached

_LINKS, _PAGES = 4, 50
_OLDER_S = 600.0


class Machine:
    """One system's jobs in `folder`; threads may share it. `service`: its base URL."""

    def __init__(self, provider: Provider, service: str, folder: Path, bounds: Bounds, likely_s: float | None = None) -> None:
        self._provider, self._service, self._bounds, self._sleep = provider, service, bounds, time.sleep
        self._jobs = Jobs(folder / provider.name)
        self._slots = Slots(self._jobs, bounds.concurrency, self._sleep)
        self._costs = Costs(folder, self._sleep)
        self._asker = Asker(provider, bounds.poll_s, bounds.patience_s, self._sleep)
        self._pace = Pace(bounds.poll_s, self._costs.seconds_of(provider.name), likely_s)

    def run(self, order: Order) -> Delivery:
        """The answer, made or found. Raises HostedError; ValueError of the order's own making before anything is sent."""
        with self._jobs.alone(order.key, self._sleep):
            job = self._jobs.read(order.key, order.label)
            if self._jobs.delivered(job):
                return Delivery(video=self._jobs.video(order.key), job=job)
            job = self._allowed(job)
            read_keys(self._provider.name, self._provider.key_names)
            body = {} if job.in_flight else order.body()
            with self._slots.held(order.key):
                if job.state == "asked":
                    job = self._found(job, "the client ended while it submitted", forget=self._bounds.resubmit in ("unknown", "any"))
                    body = {} if job.state == "running" else order.body()
                fresh = job.state != "running"
                return self._delivered(self._submitted(job, order, body) if fresh else job, order, fresh)

    def _allowed(self, job: Job) -> Job:
        """The job as it may go on: one that came to nothing as a new attempt, where that is wanted. Raises HostedError."""
        again = self._bounds.resubmit
        if job.state in ("failed", "unknown") and again not in (job.state, "any"):
            raise self._error(
                job, job.state, f"{job.reason}, before", f"--set resubmit={job.state} submits it anew, and may be billed anew"
            )
        if job.state == "finished":  # its video is gone or damaged here: the service may still have it
            return replace(job, state="running")
        return replace(job, state="new", task="", attempt=job.attempt + 1) if job.state in ("failed", "unknown") else job

    # -- submitting

    def _submitted(self, job: Job, order: Order, body: Mapping[str, Any]) -> Job:
        job = replace(job, attempt=max(job.attempt, 1), usd=order.usd, label=order.label, reason="", sha256="")
        self._reserve(job)
        patience, signings = Patience(self._bounds.poll_s, self._bounds.patience_s), 0
        while True:
            job = self._jobs.write(replace(job, state="asked", asked_s=time.time()))
            outcome = self._asker.once(partial(self._provider.submit, body, job.own_id), self._provider.read_submit)
            if isinstance(outcome, Accepted):
                return self._jobs.write(replace(job, state="running", task=outcome.task, submitted_s=time.time()))
            if isinstance(outcome, Unclear):
                job = self._found(job, outcome.reason)
                if job.state == "running":
                    return job
                outcome = Busy(reason=outcome.reason)
            job = self._jobs.write(replace(job, state="new"))
            signings += isinstance(outcome, Unsigned)
            if isinstance(outcome, Unsigned) and signings < SIGNINGS:
                continue
            wait_s = patience.wait_s(outcome.retry_after_s) if isinstance(outcome, Busy) else None
            if wait_s is None:
                self._costs.note(self._provider.name, job, "released")
                kind = "unreachable" if isinstance(outcome, Busy) else "refused"
                raise self._error(job, kind, outcome.reason, "nothing was submitted; the same command tries again")
            self._sleep(wait_s)

    def _reserve(self, job: Job) -> None:
        try:
            self._costs.reserve(self._provider.name, job, self._bounds.max_cost_usd)
        except CapReached as reached:
            got = f"{reached.spent_usd:.4f} USD spent in this state folder and {job.usd or 0:.4f} for this job"
            advice = f"at most max_cost_usd {self._bounds.max_cost_usd:g}; raise it, or count anew with another state folder"
            raise self._error(job, "cost", got, advice) from None

    def _found(self, job: Job, reason: str, forget: bool = False) -> Job:
        """The job of a submit nobody saw the end of: running where the service has it, new where it has not. Raises HostedError.

        `forget`: where a service cannot be asked, do as if it had not.
        """
        if self._provider.can_look_up:
            for look in range(2):  # a list may lag behind
                if task := self._look_up(job):
                    return self._jobs.write(replace(job, state="running", task=task, submitted_s=job.asked_s))
                self._sleep(self._bounds.poll_s * (1 - look))
            return self._jobs.write(replace(job, state="new"))
        if forget:
            return self._jobs.write(replace(job, state="new", attempt=job.attempt + 1))
        raise self._over(job, "unknown", f"{reason}: the service may have the task and bill it, and cannot be asked for it")

    def _look_up(self, job: Job) -> str | None:
        """The task's id at the service, page by page; None where it surely is not there."""
        for page in range(1, _PAGES + 1):
            listed = self._asker.patiently(partial(self._provider.look_up, page), self._provider.read_look_up)
            if not isinstance(listed, Listed):
                raise self._error(job, "unreachable", getattr(listed, "reason", "no list of tasks"), "the same command looks again")
            if task := next((task for own_id, task, _ in listed.tasks if own_id == job.own_id), None):
                return task
            if listed.last or _all_older(listed, job.asked_s - _OLDER_S):
                return None
        raise self._over(job, "unknown", f"not among the {_PAGES} first pages of the service's list of tasks")

    # -- waiting and fetching

    def _delivered(self, job: Job, order: Order, fresh: bool) -> Delivery:
        """Poll until the task is done and its video here. `fresh`: submitted by us just now, so that its duration is worth learning."""
        waited_from_s, polls = time.monotonic(), 0
        self._sleep(self._pace.first_wait_s(time.time() - job.submitted_s, fresh))
        for _ in range(_LINKS):
            done, polls = self._done(job, waited_from_s, polls)
            seconds = max(0.0, time.time() - job.submitted_s)
            try:
                fetch(done.url, self._jobs.video(job.key), self._service, self._sleep)
                order.check(self._jobs.video(job.key))
            except (DeadLink, NotFetched, ValueError) as error:
                trouble = f"its video could not be fetched ({publishable(str(error))[:200]})"
                self._sleep(self._bounds.poll_s)
                continue
            return self._kept(job, order, done, polls, seconds, fresh)
        if job.submitted_s + self._bounds.expires_s < time.time():
            raise self._over(job, "failed", trouble)
        raise self._error(job, "unreachable", trouble, "the task is done; the same command fetches it again")

    def _done(self, job: Job, waited_from_s: float, polls: int) -> tuple[Done, int]:
        poll, read = partial(self._provider.poll, job.task), partial(self._provider.read_poll, job.task)
        while True:
            outcome, calls = self._asker.counted(poll, read)
            polls, now_s = polls + calls, time.time()
            if isinstance(outcome, Done):
                return outcome, polls
            if isinstance(outcome, Failed):
                self._costs.note(self._provider.name, job, "failed")
                raise self._over(job, "failed", outcome.reason)
            if not isinstance(outcome, Running):
                kind = "refused" if isinstance(outcome, Refused) else "unreachable"
                raise self._error(job, kind, outcome.reason, "the task is kept; the same command polls on")
            if now_s - job.submitted_s > self._bounds.expires_s:
                raise self._over(job, "failed", f"still running {self._bounds.expires_s:g} s after it was submitted")
            if time.monotonic() - waited_from_s > self._bounds.timeout_s:
                got = f"still running after {self._bounds.timeout_s:g} s"
                raise self._error(job, "late", got, "the task is kept; the same command polls on, or raise timeout_s")
            self._sleep(self._pace.wait_s(now_s - job.submitted_s))

    def _kept(self, job: Job, order: Order, done: Done, polls: int, seconds: float, fresh: bool) -> Delivery:
        video = self._jobs.video(job.key)
        usd = order.usd_of(done)
        job = replace(job, polls=polls, seconds=round(seconds, 3), usd=job.usd if usd is None else usd)
        facts = {"units": done.units, "tokens": done.tokens, "polls": polls} | ({"seconds": job.seconds} if fresh else {})
        self._costs.note(self._provider.name, job, "settled", **facts)
        if fresh:
            self._pace.learn(seconds)
        kept = replace(job, state="finished", sha256=sha256_file(video), size_b=video.stat().st_size)
        return Delivery(video=video, job=self._jobs.write(kept))

    def _over(self, job: Job, kind: Literal["failed", "unknown"], reason: str) -> HostedError:
        """Write down that a job came to nothing, and say so."""
        self._jobs.write(replace(job, state=kind, reason=publishable(reason)[:500]))
        return self._error(job, kind, reason, f"--set resubmit={kind} submits it anew, and may be billed anew")

    def _error(self, job: Job, kind: str, got: str, advice: str) -> HostedError:
        kind_told = "submit_unknown" if kind == "unknown" else kind
        return HostedError(kind, f"{self._provider.name} job {job.key[:12]}: {kind_told}: {publishable(got)[:500]}; {advice}")


def _all_older(listed: Listed, than_s: float) -> bool:
    """Whether a page says that what follows was made earlier still: it is ordered so, and its last task is old."""
    times = [made_s for _, _, made_s in listed.tasks]
    return len(times) > 1 and times == sorted(times, reverse=True) and times[0] > times[-1] and 0 < times[-1] < than_s
