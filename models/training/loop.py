"""The training loop: batches of pictures, the canvas' loss asked of any backbone, a resumable checkpoint.

    Batch ──compose──▶ Canvas ──condition──▶ Condition ┐
    target beside driver ──encode──▶ clean latents ────┴──canvas_loss──▶ step

Everything random at step s depends on (config.seed, s) alone, so a run killed anywhere and started again goes on as if
nothing had happened.
"""

from __future__ import annotations

import json
import signal
import threading
import time
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from functools import reduce
from math import isfinite
from operator import add
from pathlib import Path
from typing import Any, Callable, Iterator, Mapping

import torch

from models.animators.checkpoint import LOSSES, OPTIMIZER, WEIGHTS, read_card, save_checkpoint
from models.artifacts import sha256_file
from models.backbones.backbone import Backbone, canvas_loss, check_grid, keep_driver, target_latents
from models.canvas import compose
from models.pixels import clips_to_signed, to_signed
from models.progress import Progress
from models.rectified_flow import sample_times
from models.seeds import item_seed
from models.shards import DamagedShard
from models.storage import publish, write_bytes
from models.training.batches import Batch, Batches
from models.training.config import TrainConfig
from models.training.lora import add_lora, load_lora, lora_state
from models.training.optimizers import build_optimizers, flatten_state, restore_state, set_rates
from models.types import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What a finished run reports: steps done, the mean loss of its last tenth, examples that could not be used and why."""

    folder: Path
    steps: int
    loss: float
    skipped: Mapping[str, str]


_SAVE_EVERY_S, _FETCH_EVERY_S = 300.0, 2.0

Watch = Callable[["TrainState"], None]
"""Called after every step: logging, validation."""


def initialised(config: TrainConfig, build: Callable[[], Backbone]) -> Backbone:
    """What `build` makes, its fresh weights drawn from the run's seed."""
    with torch.random.fork_rng():
        torch.manual_seed(item_seed(config.seed, config.recipe, "init") % 2**31)
        return build()


class TrainState:
    """The mutable state of one run: what trains of a backbone, its running average, optimizers, losses so far.

    `steps` done; their `losses` stay on the device, where fetching one would wait for all work under way, until somebody asks for them.
    """

    def __init__(self, backbone: Backbone, config: TrainConfig, init: Mapping[str, torch.Tensor] | None, inputs: Mapping[str, Any]) -> None:
        check_grid(backbone, config.grid)
        self.backbone, self.config, self.inputs = backbone, config, dict(inputs)
        transformer = backbone.transformer
        if config.lora is not None:
            initialised(config, lambda: add_lora(backbone, config.lora) or backbone)
        else:
            transformer.requires_grad_(True).float()
        if init is not None:
            self.load(init, "train: --init")
        if config.gradient_checkpointing:
            transformer.enable_gradient_checkpointing()
        self.trainable = {name: p for name, p in transformer.named_parameters() if p.requires_grad}
        self.optimizers = build_optimizers(self.trainable, config)
        self.average = {name: p.detach().clone() for name, p in self.trainable.items()}
        self.fetched: list[float] = []
        self._waiting: list[torch.Tensor] = []
        self.skipped: dict[str, str] = {}

    @property
    def steps(self) -> int:
        """Optimizer steps done."""
        return len(self.fetched) + len(self._waiting)

    @property
    def losses(self) -> list[float]:
        """The loss of every step, those that wait on the device fetched. Raises ValueError naming the first step that went wrong."""
        waiting, self._waiting = self._waiting, []
        for *parts, norm in torch.stack(waiting).tolist() if waiting else []:
            loss, step = reduce(add, parts), len(self.fetched) + 1
            advice = "lower the learning rate or look at the data; what was saved before stays"
            for name, value in (("loss", loss), ("gradient norm", norm)):
                require(isfinite(value), f"train: step {step}", name, value, "a finite number", advice)
            self.fetched.append(loss)
        return self.fetched

    def step(self, batches: list[Batch], steps: int) -> None:
        """One optimizer step over `accumulate` batches."""
        step, config = self.steps, self.config
        set_rates(self.optimizers, config, step, steps)
        self.backbone.transformer.train()
        figures = []
        for part, batch in enumerate(batches):
            self.skipped.update(batch.skipped)
            loss = self.loss(batch, step * config.accumulate + part) / len(batches)
            loss.backward()
            figures.append(loss.detach())
        figures.append(torch.nn.utils.clip_grad_norm_(self.trainable.values(), config.max_grad_norm))
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        decay = min(config.ema_decay, (1 + step) / (10 + step))
        for name, value in self.trainable.items():
            self.average[name].lerp_(value.detach(), 1 - decay)
        self._waiting.append(torch.stack(figures))

    def loss(self, batch: Batch, part: int) -> torch.Tensor:
        """The loss of the run's `part`-th batch; its noise and times depend on (seed, part) and the kind of device."""
        backbone, config = self.backbone, self.config
        device = backbone.device
        target = clips_to_signed(batch.target, device)
        canvas = compose(
            to_signed(batch.reference, device),
            None if batch.driver is None else clips_to_signed(batch.driver, device),
            config.grid.num_frames,
            gap_frames=1 if batch.tail_frames else config.gap_frames,
            tail_B3nHW=target[:, :, 1 : 1 + batch.tail_frames] if batch.tail_frames else None,
        )
        with torch.no_grad():
            condition = backbone.condition(canvas, batch.prompts)
            condition = keep_driver(condition) if config.sampling.driver_half == "clean" else condition
            clean = target_latents(backbone, target, canvas)
        generator = torch.Generator(device).manual_seed(item_seed(config.seed, config.recipe, "noise", part))
        times = sample_times(len(clean), generator, mean=config.time_mean, std=config.time_std, shift=backbone.shift)
        noise = torch.randn(clean.shape, generator=generator, device=device)
        bf16 = config.precision == "bfloat16" or (config.precision == "auto" and device.type != "cpu")
        with torch.autocast(device.type, torch.bfloat16) if bf16 else nullcontext():
            return canvas_loss(backbone, clean, condition, noise, times, driver_weight=config.driver_weight)

    def weights(self) -> dict[str, torch.Tensor]:
        """The averaged weights under the names a checkpoint keeps."""
        kept = self.swap()
        try:
            state = lora_state(self.backbone.transformer) if self.config.lora is not None else self.backbone.transformer.state_dict()
            return {name: tensor.detach().clone() for name, tensor in state.items()}
        finally:
            self.swap(kept)

    def swap(self, values: Mapping[str, torch.Tensor] | None = None) -> dict[str, torch.Tensor]:
        """Put the averaged weights (or `values`) into the network and return what stood there."""
        before = {name: p.detach().clone() for name, p in self.trainable.items()}
        with torch.no_grad():
            for name, p in self.trainable.items():
                p.copy_((self.average if values is None else values)[name])
        return before

    def load(self, weights: Mapping[str, torch.Tensor], item: str) -> None:
        """Start from a checkpoint's weights. Raises ValueError naming the first that does not fit."""
        from models.animators.checkpoint import load_trained

        if self.config.lora is not None:
            load_lora(self.backbone.transformer, weights, item)
        else:
            load_trained(self.backbone, weights, None, item)

    def save(self, folder: Path) -> None:
        """The resume point: one file, so it is never half old and half new."""
        from safetensors.torch import save_file

        tensors = {f"model.{k}": v.detach().cpu().contiguous() for k, v in self.trainable.items()}
        tensors |= {f"average.{k}": v.cpu().contiguous() for k, v in self.average.items()}
        tensors |= {k: v.cpu().contiguous() for k, v in flatten_state(self.optimizers).items()}
        losses = [round(loss, 7) for loss in self.losses]
        about = {"config": self.config.identity(), "inputs": self.inputs, "losses": losses, "skipped": self.skipped}
        with publish(folder / OPTIMIZER) as draft:
            save_file(tensors, draft, metadata={"about": json.dumps(about)})
        rows = "".join(f"{i},{loss:.7f}\n" for i, loss in enumerate(self.losses))
        write_bytes(folder / LOSSES, ("step,loss\n" + rows).encode())

    def resume(self, folder: Path) -> None:
        """Go on from the resume point. Raises ValueError when it is damaged or belongs to other settings, data or parents."""
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(folder / OPTIMIZER, framework="pt") as file:
                about = json.loads(file.metadata()["about"])
                _refuse_changes(folder, self.config.identity(), about["config"])
                _refuse_changes(folder, json.loads(json.dumps(self.inputs)), about["inputs"])
                tensors = {name: file.get_tensor(name) for name in file.keys()}
        except SafetensorError as error:
            raise ValueError(f"{folder / OPTIMIZER}: damaged ({error}); delete the folder and train anew") from error
        self.swap({k[6:]: v for k, v in tensors.items() if k.startswith("model.")})
        self.average = {k[8:]: v.to(self.backbone.device) for k, v in tensors.items() if k.startswith("average.")}
        restore_state(self.optimizers, {k: v for k, v in tensors.items() if k.startswith("optimizer")})
        self.fetched, self._waiting, self.skipped = list(about["losses"]), [], dict(about.get("skipped", {}))


def _refuse_changes(folder: Path, mine: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    for key in sorted({*mine, *before}):
        got, expected = mine.get(key), before.get(key)
        require(got == expected, str(folder), key, got, f"{expected} as in the started run", "use another --out")


def fit(
    backbone: Backbone,
    batches: Batches,
    *,
    steps: int,
    out: str | Path,
    init: Mapping[str, torch.Tensor] | None = None,
    card: Mapping[str, Any] | None = None,
    watch: Watch | None = None,
    processes: int = 0,
) -> Fitted:
    """Train to `steps` steps in all (a finished run is a no-op) and leave a checkpoint folder that is an animator.

    The learning rate follows `steps`: legs of one run share it, and a kill anywhere changes nothing. A larger `steps` on a
    finished run goes on from its weights with a schedule of its own.
    `processes` read examples beside the network (0: one thread); they change nothing but the time.
    `init`: weights to start from. `card`: further fields for `animator.json` (name, parents, data). Raises ValueError when
    `out` holds a run of another configuration, other data or other parents.
    """
    folder, config, card = Path(out), batches.config, dict(card or {})
    require(steps >= 1, "train", "steps", steps, ">= 1")
    run = TrainState(backbone, config, init, {name: card.get(name, {}) for name in ("parents", "data")})
    if (folder / OPTIMIZER).is_file():
        run.resume(folder)
    if run.steps < steps:
        _train(run, batches, steps, folder, card, watch, processes)
    if not _published(folder, run.steps):  # killed between the resume point and the checkpoint
        publish_checkpoint(run, folder, card, len(batches.examples))
    tail = run.losses[-max(1, len(run.losses) // 10) :]
    return Fitted(folder=folder, steps=run.steps, loss=sum(tail) / len(tail), skipped=dict(run.skipped))


def _train(
    run: TrainState, batches: Batches, steps: int, folder: Path, card: Mapping[str, Any], watch: Watch | None, processes: int
) -> None:
    """Steps until there are `steps`; the state is saved every `save_every` steps, every few minutes, and when Ctrl-C asks to stop.

    Losses are fetched before a save and every few seconds in between.
    """
    config, done, saved_s, fetched_s = run.config, run.steps, time.monotonic(), float("-inf")
    stream = batches.stream(done * config.accumulate, processes=processes)
    try:
        with Progress(f"train {config.recipe}", total=steps, already=done) as bar, _asked_to_stop() as stop:
            while run.steps < steps:
                run.step([next(stream) for _ in range(config.accumulate)], steps)
                full, now_s = run.steps % config.save_every == 0 or run.steps == steps, time.monotonic()
                due = full or now_s - saved_s > _SAVE_EVERY_S
                if due or now_s - fetched_s > _FETCH_EVERY_S:
                    fetched_s, loss = now_s, run.losses[-1]
                bar.step(note=f"loss {loss:.4f}" + (f", {len(run.skipped)} examples skipped" if run.skipped else ""))
                if watch is not None:
                    watch(run)
                if due or stop.is_set():
                    run.save(folder)
                    saved_s = time.monotonic()
                if full:
                    publish_checkpoint(run, folder, card, len(batches.examples))
                if stop.is_set():
                    raise KeyboardInterrupt
    except DamagedShard:  # once it is mended the run goes on from here
        if run.steps > done:
            run.save(folder)
        raise
    finally:
        stream.close()


@contextmanager
def _asked_to_stop() -> Iterator[threading.Event]:
    """Set by the first Ctrl-C, so that the step under way ends and is saved; the second stops at once."""
    event = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield event
        return
    before = signal.getsignal(signal.SIGINT)

    def ask(number: int, frame: Any) -> None:
        event.set()
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, ask)
    try:
        yield event
    finally:
        signal.signal(signal.SIGINT, before)


def _published(folder: Path, steps: int) -> bool:
    try:
        card = read_card(folder)
    except ValueError:
        return False
    return card.get("steps") == steps and (folder / WEIGHTS).is_file() and sha256_file(folder / WEIGHTS) == card["sha256"]


def publish_checkpoint(run: TrainState, folder: Path, extra: Mapping[str, Any], examples: int) -> None:
    """Write the averaged weights and their card."""
    config, described = run.config, run.backbone.describe()
    if "weights" in described and "weights" in config.backbone:
        described["weights"] = {**described["weights"], **config.backbone["weights"]}
    card = {
        "backbone": described,
        "adapter": None if config.lora is None else asdict(config.lora),
        "motion": dict(config.motion),
        "grid": asdict(config.grid),
        "gap_frames": config.gap_frames,
        "prediction": run.backbone.prediction,
        "sampling": asdict(config.sampling),
        "recipe": config.identity(),
        "steps": run.steps,
        "examples": examples,
        **extra,
    }
    save_checkpoint(folder, weights=run.weights(), card=card, half=config.stored == "float16")
