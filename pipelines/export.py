"""`export`: a checkpoint folder -> what diffusers, ComfyUI and a model hub take.

    animator.json, model.safetensors ──▶ pytorch_lora_weights.safetensors | transformer/      diffusers
                                     ──▶ comfyui/NAME.safetensors                             ComfyUI, families that have such a file
                                     ──▶ export.json (first: whose folder it is), README.md (last: it is complete)

A finished export is left alone, so that its README may be edited by hand; another format or licence is added to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, Mapping

from models.animators.checkpoint import checked_weights, read_card
from models.animators.load import checkpoint_folder
from models.artifacts import read_json, write_json
from models.export.card import check_license, model_card, public_name
from models.export.comfy import comfy_state, write_comfy
from models.export.layouts import Layout, layout_of
from models.export.lora import LORA_FILE, alpha_of, check_lora, folded, write_diffusers_lora
from models.export.whole import TRANSFORMER, trained_transformer, write_transformer
from models.storage import write_bytes
from models.types import require

Format = Literal["diffusers", "comfyui", "both"]
RECORD, README = "export.json", "README.md"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What an export is made of. `formats`: all that the folder will hold, of earlier calls too; `license_id`: None is not chosen."""

    folder: Path
    card: Mapping[str, Any]
    layout: Layout
    formats: tuple[str, ...]
    license_id: str | None
    out: Path

    @property
    def name(self) -> str:
        return public_name(str(self.card.get("name", self.folder.resolve().name)))

    @property
    def comfy_file(self) -> str | None:
        return f"comfyui/{self.name}.safetensors" if "comfyui" in self.formats else None

    def record(self) -> dict[str, Any]:
        return {"checkpoint": self.card["sha256"], "name": self.name, "formats": list(self.formats), "license": self.license_id}

    def files(self) -> list[str]:
        weights = LORA_FILE if self.card.get("adapter") else f"{TRANSFORMER}/config.json"
        return [weights] * ("diffusers" in self.formats) + [self.comfy_file] * bool(self.comfy_file) + [README]


def export(checkpoint: str, *, out: Path, format: Format = "both", license_id: str | None = None) -> str:
    """Export a checkpoint folder, or a shipped one by name; returns the line to print. `both`: every format its family has.

    Raises ValueError for a checkpoint that has no such format, and for an `out` that holds anything but an export of it.
    """
    check_license(license_id)
    plan = _plan(checkpoint, out, format, license_id)
    if _record(out) == plan.record() and all((out / name).is_file() for name in plan.files()):
        return f"{out}: already exported"
    weights, _ = checked_weights(plan.folder, plan.card)
    write = _write_lora if plan.card.get("adapter") else _write_whole
    write(plan, weights)
    text = model_card(plan.card, name=plan.name, layout=plan.layout, comfy_file=plan.comfy_file, license_id=plan.license_id)
    write_bytes(out / README, text.encode())
    return f"{out}: {', '.join(plan.files())}" + _left_out(plan, format)


def _plan(checkpoint: str, out: Path, format: Format, license_id: str | None) -> Plan:
    folder = checkpoint_folder(checkpoint)
    card = read_card(folder)
    layout = layout_of(card, str(folder))
    there = ("diffusers", "comfyui") if card.get("adapter") and layout.comfy_layers else ("diffusers",)
    kind = f"a {card['backbone']['family']} {'LoRA' if card.get('adapter') else 'transformer trained whole'}"
    require(format in (*there, "both"), "export", "--format", format, f"{' or '.join(there)}, which is what {kind} has")
    _check_out(out, card["sha256"])
    before = _record(out)
    formats = {*(there if format == "both" else (format,)), *before.get("formats", ())}
    chosen = before.get("license") if license_id is None else license_id
    return Plan(folder=folder, card=card, layout=layout, formats=tuple(sorted(formats)), license_id=chosen, out=out)


def _check_out(out: Path, digest: str) -> None:
    """Refuse a folder that holds anything but an export of this checkpoint."""
    if not out.exists():
        return
    require(out.is_dir(), "export", "--out", out, "a folder, new or of the same checkpoint")
    others = sorted(path.name for path in out.iterdir() if not path.name.startswith("."))
    record = _record(out)
    got = f"{out} with {', '.join(others[:4])}"
    require(not others or bool(record), "export", "--out", got, "a new folder, or an earlier export of this checkpoint")
    got = str(record.get("checkpoint", digest))
    require(got == digest, "export", "--out", f"{out}, an export of weights {got[:12]}", f"one of {digest[:12]}", "use another folder")


def _record(out: Path) -> dict[str, Any]:
    found = read_json(out / RECORD) if (out / RECORD).is_file() else {}
    return found if isinstance(found, dict) and "checkpoint" in found else {}


def _begin(plan: Plan) -> None:
    """From here until README.md is written again the folder is ours and not complete."""
    plan.out.mkdir(parents=True, exist_ok=True)
    (plan.out / README).unlink(missing_ok=True)
    write_json(plan.out / RECORD, plan.record())


def _write_lora(plan: Plan, weights: Mapping[str, Any]) -> None:
    adapter, item = plan.card["adapter"], str(plan.folder)
    rank, alpha = int(adapter["rank"]), alpha_of(adapter)
    check_lora(weights, rank, item)
    comfy = comfy_state(weights, alpha, plan.layout.comfy_layers, item) if plan.comfy_file else {}
    _begin(plan)
    if "diffusers" in plan.formats:
        write_diffusers_lora(plan.out, plan.layout, folded(weights, rank, alpha))
    if plan.comfy_file:
        write_comfy(plan.out / plan.comfy_file, comfy)


def _write_whole(plan: Plan, weights: Mapping[str, Any]) -> None:
    transformer = trained_transformer(plan.folder, plan.card, weights)
    _begin(plan)
    write_transformer(plan.out, transformer)


def _left_out(plan: Plan, format: Format) -> str:
    missing = format == "both" and not plan.comfy_file
    return f" (no ComfyUI file: there is none for {plan.card['backbone']['family']})" if missing else ""
