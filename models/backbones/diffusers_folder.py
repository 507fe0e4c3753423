"""Local diffusers folders: checked before they are loaded, fingerprinted, and put on a device.

diffusers fills what a file lacks with random numbers and a warning; here a weight that is missing, left over or of another
shape is an error with its name, before gigabytes are read. Text and image encoders are transformers' models, whose files may hold
older names and more than is used: of these every weight must be found. Nothing is fetched and nothing is unpickled: safetensors and
json only.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Mapping

import torch

from models.artifacts import read_json, sha256, sha256_file
from models.runtime import Runtime
from models.types import require

INDEX, MODULAR_INDEX = "model_index.json", "modular_model_index.json"
_NO_MODELS = ("scheduler", "tokenizer", "tokenizer_2", "image_processor", "feature_extractor", "processor", "guider")
_VOCABULARIES = (".model", ".txt")
"""Of tokenizers: sentencepiece models, merges and word lists."""
_WHOLE_BYTES, _BLOCKS, _BLOCK_BYTES = 1 << 28, 64, 1 << 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """What an adapter asks of a component: the class in its config.json. `needed`: whether the folder may leave it out (null)."""

    classes: tuple[str, ...]
    needed: bool = True


def check_folder(folder: Path, family: str, components: Mapping[str, Component]) -> dict[str, Any]:
    """The folder's `model_index.json`, after checking that every component it lists is there and of the family's class."""
    item = f"weights {folder.name}"
    advice = "give the local folder of a diffusers pipeline (model_index.json, transformer/, vae/, ...)"
    require((folder / INDEX).is_file(), item, INDEX, "no such file", "a diffusers pipeline folder", advice)
    index = read_json(folder / INDEX)
    check_components(folder, index, family, components)
    return index


def check_components(folder: Path, index: Mapping[str, Any], family: str, components: Mapping[str, Component]) -> None:
    """Raise ValueError unless everything `index` (component -> [library, class]) lists is there, and of the family's classes."""
    item = f"weights {folder.name}"
    for name, wanted in components.items():
        listed = index.get(name)
        there = isinstance(listed, list) and len(listed) == 2 and listed[1] is not None
        require(there or not wanted.needed, item, name, "not in " + INDEX, f"a {wanted.classes[0]}", f"family {family} needs it")
        if there:
            require((folder / name).is_dir(), item, name, "no such folder", f"{name}/ as {INDEX} says", "copy the folder whole")
            _check_class(folder / name, name, wanted, family)
    for name, listed in index.items():
        if isinstance(listed, list) and len(listed) == 2 and listed[1] is not None:
            require((folder / name).is_dir(), item, name, "no such folder", f"{name}/ as {INDEX} says", "copy the folder whole")
            if name not in _NO_MODELS:
                stored_shapes(folder / name)


def _check_class(folder: Path, name: str, wanted: Component, family: str) -> None:
    config = folder / "config.json"
    require(config.is_file(), f"weights {folder.parent.name}", f"{name}/config.json", "no such file", "present", "copy the folder whole")
    got = read_json(config).get("_class_name") or ", ".join(read_json(config).get("architectures") or ["unnamed"])
    advice = f"these are weights of another family than {family}; see `actorforge ls backbones`"
    require(got in wanted.classes, f"weights {folder.parent.name}", f"{name} class", got, " or ".join(wanted.classes), advice)


def absent(index: Mapping[str, Any]) -> dict[str, None]:
    """The components a folder leaves out, as arguments that tell diffusers not to look for them."""
    return {name: None for name, listed in index.items() if isinstance(listed, list) and (len(listed) != 2 or listed[1] is None)}


def stored_shapes(folder: Path) -> dict[str, tuple[int, ...]]:
    """Name -> shape of every tensor in the safetensors files of a component."""
    from safetensors import SafetensorError, safe_open

    shapes: dict[str, tuple[int, ...]] = {}
    files = sorted(folder.glob("*.safetensors"))
    advice = "pickled weights are not read: convert them, or copy the folder whole"
    require(bool(files), f"weights {folder.parent.name}", f"{folder.name}/*.safetensors", "none", "one or more", advice)
    for file in files:
        try:
            with safe_open(file, framework="pt") as opened:
                shapes |= {name: tuple(opened.get_slice(name).get_shape()) for name in opened.keys()}
        except SafetensorError as error:
            raise ValueError(f"{file}: damaged weights ({error}); copy the file again") from error
    return shapes


def check_weights(module: torch.nn.Module, folder: Path) -> None:
    """Raise ValueError unless the files hold exactly the module's weights; diffusers only warns, and goes on with random ones."""
    stored, item = stored_shapes(folder), f"weights {folder.parent.name}"
    stray = sorted(name for name in stored if ".base_layer." in name or ".lora_" in name)
    advice = "unload the LoRA (unload_lora) before save_pretrained"
    require(not stray, item, f"{folder.name} weights", stray[:1], "plain names without base_layer", advice)
    ignored = tuple(getattr(module, "_keys_to_ignore_on_load_unexpected", None) or ())
    wanted = {name: tuple(tensor.shape) for name, tensor in module.state_dict().items()}
    left_over = [name for name in stored if name not in wanted and not any(part in name for part in ignored)]
    first = next(iter([*sorted(wanted.keys() - stored.keys()), *sorted(left_over)]), None)
    require(first is None, item, f"{folder.name} weight {first}", stored.get(first), str(wanted.get(first)), "config.json and files differ")
    other = next((name for name in wanted if stored[name] != wanted[name]), None)
    require(other is None, item, f"{folder.name} weight {other}", stored.get(other), str(wanted.get(other)), "config.json and files differ")


def load_pipeline(
    kind: type, folder: Path, index: Mapping[str, Any], runtime: Runtime, given: Mapping[str, torch.nn.Module] | None = None
) -> Any:
    """The pipeline of a checked folder, on its device. VAEs stay float32; every network's weights are checked.

    `given`: networks the caller has loaded and checked itself.
    """
    dtypes, given = {"default": runtime.torch_dtype(), "vae": torch.float32}, dict(given or {})
    for name in ("transformer", "vae"):
        if name not in given:
            check_weights(unfilled(folder / name, index[name][1]), folder / name)
    try:
        given |= {name: load_encoder(folder / name, listed[1], dtypes["default"]) for name, listed in encoders_of(index).items()}
        given |= absent(index)
        pipe = kind.from_pretrained(str(folder), torch_dtype=dtypes, local_files_only=True, use_safetensors=True, **given)
    except (OSError, TypeError, RuntimeError) as error:
        got = " ".join(str(error).split())[:400]
        raise ValueError(f"weights {folder.name}: got {got}, expected a {kind.__name__}; copy the folder whole") from error
    pipe.set_progress_bar_config(disable=True)
    return prepare(pipe, runtime)


def unfilled(folder: Path, class_name: str) -> torch.nn.Module:
    """A diffusers network of the folder's config without storage: names and shapes alone."""
    import diffusers

    kind = getattr(diffusers, class_name)
    with torch.device("meta"):
        return kind.from_config(read_json(folder / "config.json"))


def encoders_of(index: Mapping[str, Any]) -> dict[str, list[str]]:
    """Text and image encoders an index lists: name -> [library, class]."""
    listed = {name: entry for name, entry in index.items() if isinstance(entry, list) and len(entry) == 2 and entry[0] == "transformers"}
    return {name: entry for name, entry in listed.items() if name not in _NO_MODELS and entry[1] is not None}


def load_encoder(folder: Path, class_name: str, dtype: torch.dtype) -> torch.nn.Module:
    """A text or image encoder. Raises ValueError naming the first weight that is missing or of another shape; transformers only warns."""
    import transformers

    kind, item = getattr(transformers, class_name), f"weights {folder.parent.name}"
    options = {"local_files_only": True, "use_safetensors": True, "output_loading_info": True, "ignore_mismatched_sizes": True}
    model, found = kind.from_pretrained(str(folder), dtype=dtype, **options)
    missing, other = sorted(found["missing_keys"]), sorted(map(str, found["mismatched_keys"]))
    require(not missing, item, f"{folder.name} weights", f"none of {missing[:1]}", "all that config.json asks for", "copy the folder whole")
    require(not other, item, f"{folder.name} weights", other[:1], "the shapes that config.json asks for", "config.json and files differ")
    return model


def prepare(pipe: Any, runtime: Runtime) -> Any:
    """Freeze a pipeline's networks and put it where and how the runtime says."""
    device = runtime.torch_device()
    for module in pipe.components.values():
        if isinstance(module, torch.nn.Module):
            module.requires_grad_(False).eval()
    if runtime.offload == "model":
        pipe.enable_model_cpu_offload(device=device)
    elif runtime.offload == "group":
        pipe.to(device) if device.type == "cpu" else _offload_groups(pipe, device)
    else:
        pipe.to(device)
    prepare_transformer(pipe.transformer, runtime)
    return pipe


def _offload_groups(pipe: Any, device: torch.device) -> None:
    for name, module in pipe.components.items():
        if isinstance(module, torch.nn.Module) and name != "transformer":
            module.to(device)
    pipe.transformer.enable_group_offload(onload_device=device, offload_device=torch.device("cpu"), offload_type="leaf_level")


def prepare_transformer(transformer: Any, runtime: Runtime) -> None:
    """Attention backend, FirstBlockCache and regional compilation of a diffusers transformer."""
    if runtime.attention:
        transformer.set_attention_backend(runtime.attention)
    if runtime.block_cache:
        from diffusers import FirstBlockCacheConfig

        transformer.enable_cache(FirstBlockCacheConfig(threshold=runtime.block_cache))
    if runtime.compiled:
        transformer.compile_repeated_blocks()


def fingerprint(folder: Path) -> str:
    """A sha256 of a pipeline folder's models: the pipeline's own settings (`expand_timesteps`), every config, vocabulary and tensor name,
    every byte of weights files up to 256 MiB, and 64 blocks of 64 KiB of larger ones.

    Reading 60 GB whole at every start would cost minutes. Other weights of the same shapes differ in every block; a few changed numbers
    between the blocks of a large file go unseen.
    """
    parts = []
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".json" and path.is_file() and name not in (INDEX, MODULAR_INDEX):
            parts.append([name, json.dumps(_without_paths(read_json(path)), sort_keys=True)])
        elif name == INDEX:
            settings = {key: value for key, value in read_json(path).items() if not isinstance(value, list)}
            parts.append([name, json.dumps(_without_paths(settings), sort_keys=True)])
        elif path.suffix in _VOCABULARIES and path.parent.name.startswith("tokenizer"):
            parts.append([name, sha256_file(path)])
        elif path.suffix == ".safetensors":
            whole = path.stat().st_size <= _WHOLE_BYTES
            parts.append([name, path.stat().st_size, sha256_file(path) if whole else _sampled(path)])
    return sha256(json.dumps(parts).encode())


def _without_paths(config: Any) -> Any:
    return {k: v for k, v in config.items() if k not in ("_name_or_path", "_diffusers_version")} if isinstance(config, dict) else config


def _sampled(path: Path) -> str:
    size, data = path.stat().st_size, []
    with open(path, "rb") as file:
        header = int.from_bytes(file.read(8), "little")
        data.append(file.read(min(header, size)))
        for k in range(_BLOCKS):
            file.seek(size * k // _BLOCKS)
            data.append(file.read(_BLOCK_BYTES))
    return sha256(b"".join(data))
