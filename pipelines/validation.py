"""What is looked at while a model trains: the loss, and now and then fixed cases of a suite, painted and scored.

A validation is a run folder like any other (`validation/step-000200/`: videos, scores.parquet; `report` reads it). Scored are the
weight-free metrics. Curves go to TensorBoard (`tensorboard/`) where it is installed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any

from models.runtime import Runtime
from models.training.batches import Batches
from models.types import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """The first `cases` cases of `suite` (name or folder), every `every` steps and at the end."""

    suite: str
    every: int = 500
    cases: int = 4

    def __post_init__(self) -> None:
        require(min(self.every, self.cases) >= 1, "validation", "every, cases", (self.every, self.cases), "whole numbers >= 1")


class Watcher:
    """Called by the training loop after every step. Losses reach the board once the loop has fetched them from the device."""

    def __init__(self, out: Path, batches: Batches, steps: int, validation: Validation | None, runtime: Runtime) -> None:
        self.out, self.batches, self.steps, self.validation, self.runtime = out, batches, steps, validation, runtime
        self.suite = None if validation is None else _first_cases(validation)
        self._board: Any = None
        self._run: Any = None
        self._logged = 0

    def __enter__(self) -> Watcher:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._board is not None:
            self._log_losses()
            self._board.close()

    def __call__(self, run: Any) -> None:
        step = run.steps
        if self._run is None:
            self._run, self._logged = run, step - 1
        self._log_losses()
        self._log("learning rate", run.optimizers[0].param_groups[0]["lr"], step)
        if self.validation is not None and (step % self.validation.every == 0 or step == self.steps):
            for metric, value in self._validate(run, step).items():
                self._log(f"validation/{metric}", value, step)

    def _log_losses(self) -> None:
        fetched = self._run.fetched
        for step in range(self._logged, len(fetched)):
            self._log("loss", fetched[step], step + 1)
        self._logged = max(self._logged, len(fetched))

    def _log(self, name: str, value: float, step: int) -> None:
        if self._board is None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ModuleNotFoundError:
                self._board = _Nowhere()
            else:
                self._board = SummaryWriter(str(self.out / "tensorboard"), purge_step=self._run.steps)
        self._board.add_scalar(name, value, step)

    def _validate(self, run: Any, step: int) -> dict[str, float]:
        """Mean of every metric that could be scored, of the averaged weights."""
        from awbench.runs import finish_generation, generate_case, pending, start_run
        from awbench.scoring import load_metrics, score_run
        from pipelines.generate import guide_of

        kept, transformer = run.swap(), run.backbone.transformer
        transformer.eval()
        try:
            animator, guide = self._animator(run, step), guide_of(run.config.guide)
            folder = start_run(self.out / "validation" / f"step-{step:06d}", self.suite, animator.name, animator, 0, guide=guide)
            for case in pending(folder):
                generate_case(folder, case, animator, guide)
            table = score_run(finish_generation(folder), load_metrics())
        finally:
            run.swap(kept)
            transformer.train()
        good = table[table["status"] == "ok"]
        return {str(name): float(value) for name, value in good.groupby("metric")["value"].mean().items()}

    def _animator(self, run: Any, step: int) -> Any:
        from models.animators.in_context import InContextAnimator

        config = run.config
        return InContextAnimator(
            backbone=run.backbone,
            motion=self.batches.motion,
            grid=config.grid,
            gap_frames=config.gap_frames,
            name=f"{self.out.resolve().name}-{step:06d}",
            weights_hash=f"step{step}",
            sampling=config.sampling,
            runtime=self.runtime,
        )


class _Nowhere:
    """Stands for TensorBoard where it is not installed."""

    def add_scalar(self, name: str, value: float, step: int) -> None:
        return

    def close(self) -> None:
        return


def _first_cases(validation: Validation) -> Any:
    from awbench.suites.load import load_suite

    suite = load_suite(validation.suite)
    return replace(suite, cases=suite.cases[: validation.cases])
