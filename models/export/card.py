"""The model card of an export: `README.md` with Hugging Face's front matter, made from `animator.json` alone.

Nothing of the machine it was trained on goes into it: of a path only its last part is told, of base weights their name and fingerprint.
"""

from __future__ import annotations

import re
from typing import Any, Iterable, Mapping

from models.export.layouts import Layout
from models.export.lora import LORA_FILE, alpha_of
from models.export.whole import TRANSFORMER
from models.types import require

_NOT_RECIPE = ("recipe", "backbone", "motion", "grid", "gap_frames", "sampling", "lora")
"""Told elsewhere in the card."""

_USE = """\
## Intended use

Animating characters that you made, or people who agreed to it: film, games, teaching, research on controllable video.

**Consent.** Animate a real person only with that person's consent, given for this use; the same holds for whoever performs in the driving
clip. Not for impersonation, deception, harassment or intimate imagery.

**Synthetic media.** What comes out is synthetic. Say so where it is shown, keep the provenance record beside the file, and remove no
watermark or content credential.

**Limits.** Nothing is promised beyond what was measured. Hands, small faces, several people and long clips are where models of this kind
err. The checks named under *filter metrics* chose the training pairs, so they should not be the only judges of the results."""


def model_card(card: Mapping[str, Any], *, name: str, layout: Layout, comfy_file: str | None, license_id: str | None) -> str:
    """The text of README.md. `comfy_file`: where the ComfyUI file lies in the export, None where there is none."""
    parts = [
        _front_matter(card, layout, license_id),
        f"# {name}",
        _what_it_is(card),
        _table("what", "value", _facts(card)),
        "## Training recipe",
        _table("setting", "value", _recipe(card)),
        "## Files",
        _table("file", "what", _files(card, comfy_file)),
        *_loading(card, name, layout, comfy_file),
        _USE,
        _licence(license_id),
    ]
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def place_free(text: str) -> str:
    """Of a path (`rtmlib:/home/me/models`) the kind and the last part (`rtmlib:models`)."""
    return re.sub(r"^([^\\/:]*:)?.*[\\/]", r"\1", text.strip().rstrip("\\/"), flags=re.DOTALL)


def public_name(text: str) -> str:
    """A name that may be a file's: letters, digits, dot, dash and underscore."""
    return re.sub(r"[^A-Za-z0-9._-]+", "-", place_free(text)).strip("-.") or "animator"


def check_license(license_id: str | None) -> None:
    """Raise ValueError unless it looks like Hugging Face's identifier of a licence."""
    ok = license_id is None or re.fullmatch(r"[a-z0-9][a-z0-9.+-]*", license_id) is not None
    require(ok, "export", "--license", repr(license_id), "Hugging Face's identifier", "in lower case, such as apache-2.0, mit or other")


def _front_matter(card: Mapping[str, Any], layout: Layout, license_id: str | None) -> str:
    import yaml

    base, adapter = _base(card), card.get("adapter")
    fields: dict[str, Any] = {"license": license_id or "unknown", "library_name": "diffusers", "pipeline_tag": "image-to-video"}
    if base:
        fields |= {"base_model": base, "base_model_relation": "adapter" if adapter else "finetune"}
    kind = [] if not adapter else ["lora"]
    fields["tags"] = ["actorforge", "character-animation", "image-to-video", "in-context", str(card["motion"]["kind"]), *kind]
    return "---\n" + yaml.safe_dump(fields, sort_keys=False, allow_unicode=True) + "---"


def _base(card: Mapping[str, Any]) -> str:
    return place_free(str((card["backbone"].get("weights") or {}).get("name", "")))


def _what_it_is(card: Mapping[str, Any]) -> str:
    adapter, base = card.get("adapter"), _base(card)
    trained = (
        f"a LoRA of rank {adapter['rank']} (alpha {alpha_of(adapter):g}) on its {' and '.join(_words(adapter['layers']))} layers"
        if adapter
        else "a transformer trained whole"
    )
    signal = {
        "raw": "the pixels of a driving clip, with no pose in between",
        "skeleton": "skeletons drawn from the pose of a driving clip",
        "blank": "nothing (image to video from the reference alone)",
    }.get(card["motion"]["kind"], f"the motion signal {card['motion']['kind']}")
    return (
        "Brings a character in one picture to life by the motion of another clip, in context: reference and driver lie side by side on one"
        " canvas of double width, `[reference | blank], [0 | driver frame]`, and the model paints the left half. The right half shows "
        f"{signal}.\n\nThis is {trained}" + (f", for `{base}`" if base else "") + ". Made with ActorForge, after DreamActor-M2's recipe."
    )


def _facts(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    weights, grid, data = card["backbone"].get("weights") or {}, card["grid"], card.get("data") or {}
    motion = ", ".join(f"{key} {_said(value)}" for key, value in card["motion"].items() if key != "kind")
    rows = [
        ("backbone family", card["backbone"]["family"]),
        ("base weights", f"{_base(card)}, fingerprint {weights.get('fingerprint')}" if weights else "none"),
        ("trained weights", f"sha256 {card['sha256']}"),
        ("motion signal", card["motion"]["kind"] + (f" ({motion})" if motion else "")),
        ("grid", f"{grid['width']}x{grid['height']} px, {grid['fps']:g} fps, {grid['num_frames']} frames, the start gap within"),
        ("start gap", f"{card.get('gap_frames', 1)} blank driver frame(s) before the clip"),
        ("prediction", card.get("prediction", "not recorded")),
        ("sampling", _said(card.get("sampling") or "not recorded")),
        ("steps", str(card.get("steps", "not recorded"))),
        ("data", f"{data.get('kind', 'not recorded')}, {data.get('examples', card.get('examples', 'unknown'))} examples"),
        ("teacher of the data", _said(data.get("teacher", "none"))),
        ("parents", _said(card.get("parents") or "none")),
        ("filter metrics", ", ".join(card.get("filter_metrics", ())) or "none"),
    ]
    return [(name, str(value)) for name, value in rows]


def _recipe(card: Mapping[str, Any]) -> list[tuple[str, str]]:
    recipe = card.get("recipe") or {}
    rows = [("recipe", _said(recipe.get("recipe", "not recorded")))]
    return rows + [(key, _said(value)) for key, value in sorted(recipe.items()) if key not in _NOT_RECIPE]


def _said(value: Any) -> str:
    """A value of the card as words, without places."""
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_said(item)}" for key, item in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_said, value))
    return place_free(value) or "none" if isinstance(value, str) else str(value)


def _words(names: Iterable[str]) -> list[str]:
    return [name.replace("_", "-") for name in names]


def _files(card: Mapping[str, Any], comfy_file: str | None) -> list[tuple[str, str]]:
    record = [("export.json", "which checkpoint this is an export of")]
    if not card.get("adapter"):
        return [(f"{TRANSFORMER}/", "weights and configuration, diffusers layout"), *record]
    rows = [(LORA_FILE, "the LoRA for diffusers; alpha is within the weights, so that its strength is 1 wherever it is loaded")]
    comfy = [(comfy_file, "the same LoRA for ComfyUI, the trained weights with their alpha")] if comfy_file else []
    return rows + comfy + record


def _table(left: str, right: str, rows: Iterable[tuple[str, str]]) -> str:
    cells = [(name, value.replace("|", "\\|").replace("\n", " ")) for name, value in rows]
    return "\n".join([f"| {left} | {right} |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in cells)])


def _loading(card: Mapping[str, Any], name: str, layout: Layout, comfy_file: str | None) -> list[str]:
    comfy = (
        ["### ComfyUI", f"Put `{comfy_file}` into `models/loras` and load it with the node *LoraLoaderModelOnly*."] if comfy_file else []
    )
    return ["## How to load it", _CANVAS, "### ActorForge", _actorforge(card, name), "### diffusers", _diffusers(card, layout), *comfy]


_CANVAS = """\
The model expects the canvas, not a single first frame: ActorForge builds it, and other programs must be given the condition it makes
(double width; left half as in stock image to video, right half given). A stock pipeline called with one picture shows it no driver."""


def _actorforge(card: Mapping[str, Any], name: str) -> str:
    base = _base(card)
    given = f', weights="{base}"' if base else ""
    return (
        f"With the checkpoint folder this was exported from, `{name}` (`model.safetensors` of sha256 `{card['sha256'][:12]}`):\n\n"
        "```python\n"
        "from models.export.pipeline import InContextPipeline\n\n"
        f'pipe = InContextPipeline.from_pretrained("{name}"{given})\n'
        'frames = pipe("character.png", "driving.mp4", output_type="pil").frames[0]\n'
        "```\n\n"
        f"or, over a benchmark suite, `actorforge generate --animator {name} --suite world-mini --out run`."
        + (f" The folder that holds `{base}` is looked for in `ACTORFORGE_WEIGHTS`." if base else "")
    )


def _diffusers(card: Mapping[str, Any], layout: Layout) -> str:
    base = _base(card) or "BASE"
    if card.get("adapter"):
        by_name = f'pipe.transformer.load_lora_adapter("THIS_FOLDER", weight_name="{LORA_FILE}")'
        call = 'pipe.load_lora_weights("THIS_FOLDER")' if layout.loads_lora else by_name
        lines = [f"from diffusers import {layout.pipeline}", "", f'pipe = {layout.pipeline}.from_pretrained("{base}")']
        lines += [call]
    else:
        load = f'transformer = {layout.transformer}.from_pretrained("THIS_FOLDER", subfolder="{TRANSFORMER}")'
        lines = [f"from diffusers import {layout.transformer}", "", load]
        lines += layout.after_loading.format(**card["backbone"]).splitlines()
        if layout.stock:
            lines += [f"# then {layout.pipeline}.from_pretrained({base!r}, transformer=transformer)"]
    return "```python\n" + "\n".join(lines) + "\n```"


def _licence(license_id: str | None) -> str:
    text = license_id or "not chosen yet: whoever publishes this sets it (`actorforge export --license`)"
    return f"## Licence\n\n{text}. The licences of the base weights and of the training data apply as well."
