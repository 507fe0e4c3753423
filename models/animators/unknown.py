"""What to write instead of a text that names no animator: a name that comes near, a module where Python finds it, `name:FOLDER`."""

from __future__ import annotations

import difflib
import re
from pathlib import Path

from models.animators.registry import ANIMATORS
from models.artifacts import read_json
from models.catalog import Catalog
from models.stated import CHECKPOINT_FILE, importable, named
from models.types import require

INDEXES = ("model_index.json", "modular_model_index.json")
PIPELINES = {
    "WanAnimatePipeline": "wan_animate",
    "WanAnimate2ModularPipeline": "wan_animate2",
    "WanAnimate2DistilledModularPipeline": "wan_animate2_distilled",
    "WanVACEPipeline": "wan_vace",
    "WanImageToVideoPipeline": "wan_fun_control",
}
"""Class of a diffusers folder -> the animator that runs it."""
_SEE = "see `actorforge ls animators`"
_MODULE = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")


def refuse_unknown(name_or_path: str, catalog: Catalog = ANIMATORS) -> None:
    """Raises ValueError for what names no animator, with what may have been meant; nothing is loaded."""
    if named(name_or_path, catalog) is not None:
        return
    path, item = Path(name_or_path), f"animator {name_or_path}"
    if path.is_dir():
        _refuse_folder(path, item)
    meant = _module_file(name_or_path) or _module(name_or_path)
    if meant:
        raise ValueError(f"{item}: {meant}")
    is_place = len(path.parts) > 1 and ":" not in name_or_path
    require(not is_place, item, "folder", "no such folder", f"a checkpoint folder or a known name, {_SEE}")
    near = _near(name_or_path, catalog)
    hint = f"; did you mean {near}?" if near else ""
    own, colon, _ = name_or_path.partition(":")
    lacks = f", and no module {own} on Python's path" if colon and _MODULE.fullmatch(own) else ""
    reach = f", or MODULE:create with {_reach(own)}" if lacks else ""
    raise ValueError(f"animator: got {name_or_path!r}, no known name{lacks}, expected one of `actorforge ls animators`{reach}{hint}")


def _near(name: str, catalog: Catalog) -> str:
    head, colon, argument = name.partition(":")
    return " or ".join(f"{one}{colon}{argument}" for one in difflib.get_close_matches(head, catalog.table(), n=3))


def _refuse_folder(folder: Path, item: str) -> None:
    index = next((folder / each for each in INDEXES if (folder / each).is_file()), None)
    if index is None:
        got = f"a folder without {CHECKPOINT_FILE}"
        raise ValueError(f"{item}: folder: got {got}, expected a checkpoint folder or a known name, {_SEE}")
    try:
        known = read_json(index)
    except ValueError:
        known = None
    kind = str(known.get("_class_name", "")) if isinstance(known, dict) else ""
    got = f"a diffusers folder of {kind or 'no named class'}"
    if kind in PIPELINES:
        raise ValueError(f"{item}: folder: got {got}, expected a checkpoint folder; write {PIPELINES[kind]}:{folder}")
    runs = ", ".join(f"{name}:FOLDER ({each})" for each, name in PIPELINES.items())
    raise ValueError(f"{item}: folder: got {got}, expected a checkpoint folder, or one of {runs}")


def _module_file(text: str) -> str:
    """For `sway.py`, `lib/sway.py:create` and a bare `sway` that is a module."""
    place, colon, attribute = text.partition(":")
    file = Path(place)
    written = file.suffix == ".py" and _MODULE.fullmatch(file.stem)
    bare = not colon and _MODULE.fullmatch(text) and (importable(text) or _beside(text) is not None)
    if not (written or bare):
        return ""
    module = file.stem if written else text
    found = file if written and file.is_file() else _beside(module)
    got = "a file" if written else "a module without its function"
    path = "" if importable(module) else f", where Python finds it: {_reach(module, found)}"
    return f"module: got {got}, expected MODULE:FUNCTION; write {module}:{attribute or 'create'}{path}"


def _module(text: str) -> str:
    """For `sway:create` where sway.py lies here and Python does not look here."""
    module, colon, _ = text.partition(":")
    if not colon or not _MODULE.fullmatch(module) or _beside(module) is None:
        return ""
    return f"module: got no module {module} on Python's path, expected one; it lies here: {_reach(module, _beside(module))}"


def _beside(module: str) -> Path | None:
    """The module's file or package below the working folder."""
    place = Path(*module.split("."))
    return next((each for each in (place.with_suffix(".py"), place / "__init__.py") if each.is_file()), None)


def _reach(module: str, found: Path | None = None) -> str:
    """How a command is told where modules lie."""
    folder = "FOLDER" if found is None else "."
    if found is not None and found != _beside(module):
        folder = found.parent.as_posix()
    return f"PYTHONPATH={folder} actorforge ..."
