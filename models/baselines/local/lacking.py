"""What a local pipeline cannot paint without, told before anything is loaded: its folder, and who finds the people.

Looked at are names and the small JSON files alone; the loader reads the weights themselves and says more.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Sequence

from models.artifacts import read_json
from models.baselines.estimators import lacking_estimator

INDEXES = ("model_index.json", "modular_model_index.json")


def lacking(name: str, argument: str | None, weights: str, transformers: Sequence[str], options: Any) -> list[str]:
    """`weights`: how to get the folder, in words; `transformers`: classes its network may have.

    `options` may have estimator, control, mask and relight_lora.
    """
    return _folder(name, argument, weights, transformers) + _places(options)


def _folder(name: str, argument: str | None, weights: str, transformers: Sequence[str]) -> list[str]:
    if not argument:
        return [f"folder: none; {weights}, then write {name}:DIR"]
    folder = Path(argument).expanduser()
    if not folder.is_dir():
        return [f"folder: {argument} does not exist; {weights}"]
    index = next((folder / each for each in INDEXES if (folder / each).is_file()), None)
    if index is None:
        return [f"folder: {argument} has no {' or '.join(INDEXES)}; {weights}, whole"]
    try:
        said = _class(folder, transformers) or _absent(folder, read_json(index))
    except ValueError as error:  # no JSON
        said = str(error)
    return [f"folder: {argument} {said}; {weights}, whole"] if said else []


def _class(folder: Path, wanted: Sequence[str]) -> str:
    """What is wrong with the network's class, "" where nothing is."""
    config = folder / "transformer" / "config.json"
    if not config.is_file():
        return "has no transformer/config.json"
    got = read_json(config).get("_class_name", "unnamed")
    return "" if got in wanted else f"holds a {got}, expected {' or '.join(wanted)}"


def _absent(folder: Path, index: dict[str, Any]) -> str:
    """The first component that an index lists, or file of weights that a component lists, and is not there."""
    listed = [name for name, entry in index.items() if isinstance(entry, list) and len(entry) > 1 and entry[1] is not None]
    for name in listed:
        if not (folder / name).is_dir():
            return f"lacks {name}/, which its index lists"
        for shards in (folder / name).glob("*.safetensors.index.json"):
            files = sorted(set(read_json(shards).get("weight_map", {}).values()))
            gone = next((file for file in files if not (folder / name / file).is_file()), None)
            if gone is not None:
                return f"lacks {name}/{gone}, which {shards.name} lists"
    return ""


def _places(options: Any) -> list[str]:
    control, estimator = getattr(options, "control", "pose"), getattr(options, "estimator", "")
    lines = lacking_estimator("estimator", estimator) if estimator and control == "pose" else []
    head, _, place = control.partition(":")
    if head == "recorded" and not Path(place).expanduser().is_dir():
        lines.append(f"control: folder {place} of {control} does not exist; --set control=recorded:DIR")
    for option in ("mask", "relight_lora"):
        text = getattr(options, option, "")
        if text and not Path(text).expanduser().exists():
            lines.append(f"{option}: {text} does not exist; --set {option}=PATH")
    return lines
