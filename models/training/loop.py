"""The training loop: batches from the cache, rectified-flow loss on the canvas' output region, a resumable checkpoint.

Everything random at step s depends on (config.seed, s) alone, so a run killed anywhere and started again goes on as if
nothing had happened. Needs torch, diffusers, safetensors and numpy.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Callable, Mapping

import torch

from models.animators.checkpoint import LOSSES, OPTIMIZER, WEIGHTS, build_backbone, read_card, save_checkpoint
from models.artifacts import publish, sha256_file, write_bytes
from models.backbones.tiny import Seen, TinyBackbone
from models.canvas import compose
from models.pixels import to_signed
from models.progress import Progress
from models.rectified_flow import interpolate, sample_times
from models.seeds import item_seed
from models.training.cache import Batch, FrameCache
from models.training.config import TrainConfig
from models.training.losses import FIGURE, MATCH, clip_loss, figure_loss, match_loss
from models.training.optimizers import build_optimizers, flatten_state, learning_rate, restore_state
from models.types import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Fitted:
    """What a finished run reports: steps done and the mean loss of its last tenth."""

    folder: Path
    steps: int
    loss: float


class TrainState:
    """The mutable state of one run: network, averaged weights, optimizers, losses so far."""

    def __init__(self, config: TrainConfig, init: Mapping[str, torch.Tensor] | None, device: str, inputs: Mapping[str, Any]) -> None:
        torch.manual_seed(item_seed(config.seed, config.recipe, "init") % 2**31)
        self.config, self.device, self.inputs = config, device, dict(inputs)
        self.backbone: TinyBackbone = build_backbone({"family": "tiny", **asdict(config.backbone)}).to(device)
        self.heads: Callable[..., tuple[torch.Tensor, Seen | None]] = self.backbone.heads
        if init is not None:
            _load_init(self.backbone, init)
        self.optimizers = build_optimizers(self.backbone, config)
        self.average = {name: p.detach().clone() for name, p in self.backbone.state_dict().items()}
        self.losses: list[float] = []

    def step(self, batch: Batch, steps: int) -> float:
        step, config = len(self.losses), self.config
        for optimizer, base in zip(self.optimizers, (config.muon_lr, config.adam_lr)):
            optimizer.param_groups[0]["lr"] = base * learning_rate(config, step, steps)
        loss = self._loss(batch, step, matcher_alone=step < config.matcher_share * steps)
        loss.backward()
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        decay = min(config.ema_decay, (1 + step) / (10 + step))
        for name, value in self.backbone.state_dict().items():
            self.average[name].lerp_(value.to(self.average[name].dtype), 1 - decay)
        self.losses.append(float(loss.detach()))
        return self.losses[-1]

    def _loss(self, batch: Batch, step: int, *, matcher_alone: bool) -> torch.Tensor:
        config, backbone = self.config, self.backbone
        shown, given = (to_signed(pictures).to(self.device) for pictures in (batch.target, batch.reference))
        driver = None if batch.motion is None else to_signed(batch.motion).to(self.device)
        fields = (batch.origins, batch.since_first, batch.moves)
        origins, since_first, moves = (None if x is None else torch.from_numpy(x).movedim(-1, 2).to(self.device) for x in fields)
        labels = torch.from_numpy(batch.figures).to(self.device)
        bf16 = config.precision == "bfloat16"
        mixed = torch.autocast(self.device.split(":")[0], torch.bfloat16) if bf16 else nullcontext()
        skeleton = config.motion == "skeleton"  # it lies over the target's own body; a raw driver is another one, elsewhere
        with mixed:
            own = backbone.matcher(shown)
        taught = MATCH * match_loss(own, shown, since_first) + FIGURE * self._figures(shown, labels)
        if skeleton:
            taught = taught + FIGURE * self._figures(driver, labels)
        if matcher_alone:
            if not skeleton:
                return taught
            with mixed:
                matches = backbone.matcher(driver)
            return taught + MATCH * match_loss(matches, shown, since_first)
        generator = torch.Generator().manual_seed(item_seed(config.seed, config.recipe, "noise", step))
        target, reference = backbone.encode(shown), backbone.encode(given[:, None])[:, :, 0]
        t = sample_times(len(target), generator, mean=config.time_mean, std=config.time_std).to(self.device)
        noise = torch.randn(target.shape, generator=generator).to(self.device)
        noisy = interpolate(target, noise, t)
        canvas = compose(reference, None if driver is None else backbone.encode(driver), target.shape[2], batch.slots)
        with mixed:
            heads, seen = self.heads(noisy, t, canvas, moves)
        if seen is None:
            return clip_loss(backbone.parts(heads, None, canvas), shown, given, origins) + taught
        if skeleton:
            taught = taught + MATCH * match_loss(seen.matches, shown, since_first)
        with torch.no_grad():
            figure = backbone.figure(shown.flatten(0, 1)).sigmoid().unflatten(0, shown.shape[:2])
        return clip_loss(backbone.parts(heads, seen, canvas), shown, given, origins, figure) + taught

    def _figures(self, pictures_BT3HW: torch.Tensor, labels_BTHW: torch.Tensor) -> torch.Tensor:
        """Of one picture a sample: those of a clip are much alike."""
        return figure_loss(self.backbone.figure(pictures_BT3HW[:, -1])[:, None], labels_BTHW[:, -1:])

    def save(self, folder: Path) -> None:
        """The resume point: one file, so it is never half old and half new."""
        from safetensors.torch import save_file

        tensors = {f"model.{k}": v.detach().cpu().contiguous() for k, v in self.backbone.state_dict().items()}
        tensors |= {f"average.{k}": v.cpu().contiguous() for k, v in self.average.items()}
        tensors |= {k: v.cpu().contiguous() for k, v in flatten_state(self.optimizers).items()}
        about = {"config": _identity(self.config), "inputs": self.inputs, "losses": [round(x, 7) for x in self.losses]}
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
                tensors = {name: file.get_tensor(name).to(self.device) for name in file.keys()}
        except SafetensorError as error:
            raise ValueError(f"{folder / OPTIMIZER}: damaged ({error}); delete the folder and train anew") from error
        for name, mine in (("config", _identity(self.config)), ("inputs", json.loads(json.dumps(self.inputs)))):
            _refuse_changes(folder, mine, about[name])
        self.backbone.load_state_dict({k[6:]: v for k, v in tensors.items() if k.startswith("model.")})
        self.average = {k[8:]: v for k, v in tensors.items() if k.startswith("average.")}
        restore_state(self.optimizers, {k: v.cpu() if k.endswith(".step") else v for k, v in tensors.items() if k.startswith("optimizer")})
        self.losses = list(about["losses"])


def _refuse_changes(folder: Path, mine: Mapping[str, Any], before: Mapping[str, Any]) -> None:
    for key in sorted({*mine, *before}):
        got, expected = mine.get(key), before.get(key)
        require(got == expected, str(folder), key, got, f"{expected} as in the started run", "use another --out")


def _load_init(backbone: TinyBackbone, init: Mapping[str, torch.Tensor]) -> None:
    mine = {name: tuple(value.shape) for name, value in backbone.state_dict().items()}
    theirs = {name: tuple(value.shape) for name, value in init.items()}
    other = sorted(name for name in {*mine, *theirs} if mine.get(name) != theirs.get(name))
    first = other[0] if other else ""
    require(
        not other,
        "train",
        f"--init: weight {first}",
        theirs.get(first),
        f"{mine.get(first)}",
        "start from a checkpoint of the same backbone",
    )
    backbone.load_state_dict(init)


def _identity(config: TrainConfig) -> dict[str, Any]:
    """What must not change between the legs of a run."""
    fields = json.loads(json.dumps(asdict(config)))
    return {key: value for key, value in fields.items() if key != "save_every"}


def fit(
    cache: FrameCache,
    config: TrainConfig,
    *,
    steps: int,
    out: str | Path,
    init: Mapping[str, torch.Tensor] | None = None,
    card: Mapping[str, Any] | None = None,
    device: str = "cpu",
    compiled: bool = False,
) -> Fitted:
    """Train to `steps` steps in all (a finished run is a no-op) and leave a checkpoint folder that is an animator.

    The learning rate follows `steps`: legs of one run share it, and a kill anywhere changes nothing. A larger `steps` on a
    finished run goes on from its weights with a schedule of its own.
    `compiled`: run the network through torch.compile (needs a C++ compiler; faster on CPU, other rounding).
    `init`: weights to start from. `card`: further fields for `animator.json` (name, parents, data). Raises ValueError when
    `out` holds a run of another configuration, other data or other parents.
    """
    folder = Path(out)
    require(steps >= 1, "train", "steps", steps, ">= 1")
    require(cache.grid == config.grid, "train", "cache grid", cache.grid, str(config.grid), "export the cache with this recipe")
    cell = f"{config.backbone.cell_px} px as the backbone's cell_px"
    require(cache.cell_px == config.backbone.cell_px, "train", "cache cells", cache.cell_px, cell, "export the cache with this recipe")
    wanted = {"raw": cache.drivers, "skeleton": cache.points}.get(config.motion, cache.targets)
    require(
        wanted is not None,
        "train",
        "cache",
        "no drivers or poses",
        f"what motion {config.motion} needs",
        "export the cache with this recipe",
    )
    card = dict(card or {})
    run = TrainState(config, init, device, {name: card.get(name, {}) for name in ("parents", "data")})
    if compiled:
        run.heads = torch.compile(run.backbone.heads)
    if (folder / OPTIMIZER).is_file():
        run.resume(folder)
    if len(run.losses) < steps:
        ahead = ThreadPoolExecutor(1)  # the next batch is drawn while the network works
        with ahead, Progress(f"train {config.recipe}", total=steps, already=len(run.losses)) as bar:
            coming = ahead.submit(cache.batch, config, len(run.losses))
            while len(run.losses) < steps:
                batch, coming = coming.result(), ahead.submit(cache.batch, config, len(run.losses) + 1)
                loss = run.step(batch, steps)
                bar.step(note=f"loss {loss:.4f}")
                if len(run.losses) % config.save_every == 0 or len(run.losses) == steps:
                    run.save(folder)
                    save_checkpoint(folder, weights=run.average, card=_card(run, cache, card))
    if not _published(folder, len(run.losses)):  # killed between the resume point and the checkpoint
        save_checkpoint(folder, weights=run.average, card=_card(run, cache, card))
    tail = run.losses[-max(1, len(run.losses) // 10) :]
    return Fitted(folder=folder, steps=len(run.losses), loss=sum(tail) / len(tail))


def _published(folder: Path, steps: int) -> bool:
    try:
        card = read_card(folder)
    except ValueError:
        return False
    return card.get("steps") == steps and (folder / WEIGHTS).is_file() and sha256_file(folder / WEIGHTS) == card["sha256"]


def _card(run: TrainState, cache: FrameCache, extra: Mapping[str, Any]) -> dict[str, Any]:
    config = run.config
    return {
        "backbone": run.backbone.describe(),
        "motion": config.motion,
        "grid": asdict(config.grid),
        "prediction": run.backbone.prediction,
        "recipe": _identity(config),
        "steps": len(run.losses),
        "examples": len(cache),
        "filter_metrics": list(cache.filter_metrics),
        **extra,
    }
