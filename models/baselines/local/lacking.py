"""What a local pipeline cannot paint without, told before anything is loaded: its folder, and who finds the people."""

from __future__ import annotations

from pathlib import Path
from typing import Any

INDEXES = ("model_index.json", "modular_model_index.json")


def lacking(name: str, argument: str | None, weights: str, options: Any) -> list[str]:
    """`weights`: what the folder holds, in words; `options` may have estimator, control, mask and relight_lora."""
    return _folder(name, argument, weights) + _places(options)


def _folder(name: str, argument: str | None, weights: str) -> list[str]:
    if not argument:
        return [f"folder: none; write {name}:DIR with {weights}"]
    folder, advice = Path(argument).expanduser(), f"expected {weights}"
    if not folder.is_dir():
        return [f"folder: {argument} does not exist; {advice}"]
    there = any((folder / index).is_file() for index in INDEXES)
    return [] if there else [f"folder: {argument} has no {' or '.join(INDEXES)}; {advice}, copied whole"]


def _places(options: Any) -> list[str]:
    lines, control = [], getattr(options, "control", "pose")
    estimator = getattr(options, "estimator", "") if control == "pose" else ""
    for option, text in (("estimator", estimator), ("control", control)):
        head, colon, place = text.partition(":")
        if colon and head in ("rtmlib", "tracks", "tiny", "recorded") and not Path(place).expanduser().is_dir():
            lines.append(f"{option}: folder {place} of {text} does not exist; --set {option}={head}:DIR")
    for option in ("mask", "relight_lora"):
        text = getattr(options, option, "")
        if text and not Path(text).expanduser().exists():
            lines.append(f"{option}: {text} does not exist; --set {option}=PATH")
    return lines
