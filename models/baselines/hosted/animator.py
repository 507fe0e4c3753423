"""A service as an Animator: the request within its rules, one job of the machine, the answer brought back.

The answer is read from the kept file, so a job made once is a clip for ever.
"""

from __future__ import annotations

import threading
import time
from dataclasses import fields
from pathlib import Path
from typing import Any, Callable

from models.baselines.hosted.inputs import job_key
from models.baselines.hosted.machine import Machine
from models.baselines.hosted.options import HostedOptions
from models.baselines.hosted.orders import Bounds, Delivery, Order
from models.baselines.hosted.outcomes import Done
from models.capabilities import Capabilities
from models.estimate import Estimate, Workload
from models.types import AnimationRequest, AnimationResult, Clip, require


class Service:
    """What a provider adds to the machine's `Provider`: what is asked of it and what its answers show. Those below override what differs.

    `sees_driver`: whether its pixels are sent; `rtf`: seconds a second of video is likely to take; `expires_s`: how long a task is known.
    """

    name: str
    base_url: str
    sees_driver = True
    can_look_up = False
    rtf: float | None = None
    expires_s = 86400.0
    body: Callable[[AnimationRequest, str], dict[str, Any]]
    """The submit's fields for a request and its name in errors; uploads happen there. Every system defines it."""

    def asked(self) -> dict[str, Any]:
        """Settings that decide pixels."""
        return {}

    def check(self, request: AnimationRequest, item: str) -> None:
        """Raises ValueError, before anything is sent, where it cannot be asked."""

    def usd_of(self, done: Done) -> float | None:
        """What it cost by the reply; None: as estimated."""
        return None

    def sent(self, request: AnimationRequest) -> AnimationRequest:
        """The request as it goes to the service."""
        return request

    def shows(self, asked: AnimationRequest, answer: Clip) -> tuple[Clip, float | None, str]:
        """(the answer without what the driver does not have, moment of the driver that its first frame shows, words); None and "" where
        nothing is to be said. `asked`: before `sent`.
        """
        return answer, None, ""


class Hosted:
    """One system; threads may share it, `concurrency` of them to a purpose."""

    weights_hash = ""

    def __init__(
        self,
        name: str,
        options: HostedOptions,
        able: Capabilities,
        service: Any,
        estimate: Callable[[str, Workload, Any], Estimate],
    ) -> None:
        self.name, self.options, self.capabilities, self.concurrency = name, options, able, options.concurrency
        self._service, self._estimate = service, estimate
        self._machine: Machine | None = None
        self._lock = threading.Lock()

    def animate(self, request: AnimationRequest) -> AnimationResult:
        """Raises ValueError (HostedError) with the reason; a job that was paid for is kept and gone on with by the next call."""
        from models.adaptation import adapt  # imports PyAV and OpenCV

        start_s, item = time.monotonic(), f"{self.name}: request {request.id}"
        adapted = adapt(request, self.capabilities)
        order = self._order(adapted.request, item)
        delivery = self._engine(adapted.request).run(order)
        answer, offset_s, told = self._service.shows(adapted.request, _read(delivery.video))
        clip = adapted.undo(answer)
        note = "; ".join(part for part in (adapted.note, *clip.notes, told) if part)
        return AnimationResult(
            request_id=request.id,
            clip=clip,
            animator=self.name,
            seconds=time.monotonic() - start_s,
            provenance=self._provenance(delivery, note, offset_s),
        )

    def _provenance(self, delivery: Delivery, note: str, offset_s: float | None) -> dict[str, Any]:
        job = delivery.job
        facts = {"note": note, "cost_usd": job.usd, "offset_s": offset_s}
        made = {"job": job.key, "task": job.task, "attempt": job.attempt, "service_seconds": job.seconds, "sha256": job.sha256}
        return {name: value for name, value in facts.items() if value not in (None, "")} | made

    def _order(self, request: AnimationRequest, item: str) -> Order:
        service, options = self._service, self.options
        workload = Workload(size=request.size, num_frames=len(request.driving), fps=request.driving.fps)
        usd = self._estimate(self.name, workload, options).usd
        priced = options.max_cost_usd is None or usd is not None
        sent, asked = service.sent(request), {"name": self.name, "base_url": service.base_url, **service.asked()}

        def body() -> dict[str, Any]:
            require(priced, item, "max_cost_usd", f"{options.max_cost_usd} USD, and no price", "a price with it")
            service.check(sent, item)
            return service.body(sent, item)

        return Order(
            key=job_key(sent, asked, service.sees_driver),
            label=request.id,
            body=body,
            usd=usd,
            usd_of=service.usd_of,
            check=_read,
        )

    def _engine(self, request: AnimationRequest) -> Machine:
        """Made with the first request, so that loading an animator touches no disk."""
        with self._lock:
            if self._machine is None:
                options, service = self.options, self._service
                folder = options.folder
                taken = {field.name for field in fields(Bounds)} - {"expires_s"}
                bounds = Bounds(expires_s=service.expires_s, **{name: getattr(options, name) for name in taken})
                likely_s = None if service.rtf is None else service.rtf * request.driving.duration_s
                self._machine = Machine(service, service.base_url, folder, bounds, likely_s)
            return self._machine


def hosted(
    name: str,
    argument: str | None,
    options: HostedOptions,
    able: Capabilities,
    service: Any,
    estimate: Callable[[str, Workload, Any], Estimate],
) -> Hosted:
    """The animator; it takes no argument."""
    require(argument is None, f"animator {name}", "argument", repr(argument), f"none; write just {name}", "settings go with --set")
    return Hosted(name, options, able, service, estimate)


def _read(path: Path) -> Clip:
    from models.video import read_video

    return read_video(path)
