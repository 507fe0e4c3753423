"""From what a user writes after --animator to an Animator: a name, `name:argument`, a checkpoint folder, or a `module:attribute`."""

from __future__ import annotations

from inspect import isclass, signature
from pathlib import Path
from typing import Any, Callable, Collection, Mapping

from models.animators.registry import ANIMATORS
from models.animators.unknown import refuse_unknown
from models.catalog import Catalog
from models.option_values import absolute_options
from models.protocols import Animator
from models.raised import is_told, raised_at
from models.runtime import Runtime
from models.stated import CHECKPOINT_FILE, Named, is_checkpoint, named, options_of, read_options
from models.types import require

SHIPPED = Path(__file__).resolve().parents[1] / "weights"


def checkpoint_folder(name_or_path: str) -> Path:
    """The folder of a checkpoint, given as such or by the name of a shipped one. Raises ValueError naming what there is."""
    for folder in (Path(name_or_path), SHIPPED / name_or_path):
        if is_checkpoint(folder):
            return folder
    shipped = ", ".join(sorted(path.parent.name for path in SHIPPED.glob(f"*/{CHECKPOINT_FILE}")))
    expected = f"a finished checkpoint folder or one of {shipped}"
    raise ValueError(f"checkpoint {name_or_path}: got no {CHECKPOINT_FILE} there, expected {expected}")


def load_animator(
    name_or_path: str, catalog: Catalog = ANIMATORS, runtime: Runtime = Runtime(), options: Mapping[str, str] | None = None
) -> Animator:
    """The animator of that name (`still`), name and argument (`recorded:DIR`), checkpoint folder or `module:attribute`.

    `runtime` is for those that run a network, `options` (words of --set) for those that state some: both are handed to factories that
    have a parameter for them. Raises ValueError with the nearest known names, or saying what a folder lacks.
    """
    refuse_unknown(name_or_path, catalog)
    found = named(name_or_path, catalog)
    factory, read = found.factory(), resolved_options(name_or_path, catalog, options or {})
    told, taken = {"name": found.name, "runtime": runtime, "options": read}, _parameters(factory)
    fits = not options or "options" in taken
    require(fits, f"animator {name_or_path}", "options", ", ".join(options or {}), "none", "its factory has no parameter `options`")
    made = _made(found, factory, {key: value for key, value in told.items() if key in taken})
    has = {"name": isinstance(getattr(made, "name", None), str), "animate": callable(getattr(made, "animate", None))}
    lacks = [part for part, there in has.items() if not there]
    got = f"{type(made).__name__} without {' and '.join(lacks)}"
    require(not lacks, f"animator {name_or_path}", "factory", got, "an Animator: a text `name` and a method `animate(request)`")
    return made


def _parameters(factory: Callable[..., Any]) -> Collection[str]:
    try:
        return signature(factory).parameters
    except ValueError:  # of something built in
        return ()


def _made(found: Named, factory: Callable[..., Any], told: Mapping[str, Any]) -> Any:
    """Raises ValueError for a plug-in's factory that cannot be called so, or raises, with the place in its code."""
    item = f"animator {found.name}"
    try:
        signature(factory).bind(found.argument, **told)
    except TypeError:
        got = f"{'the class ' if isclass(factory) else ''}{found.attribute}{_bare(factory)}"
        expected = f"{'a function ' if isclass(factory) else ''}create(argument=None, *, name, runtime, options)"
        advice = "of the keywords those it wants; argument is what follows the second colon"
        raise ValueError(f"{item}: {found.attribute}: got {got}, expected {expected}; {advice}") from None
    except ValueError:  # it has no signature to be read, as some of C: the call itself will tell
        pass
    try:
        return factory(found.argument, **told)
    except (Exception, SystemExit) as error:
        if found.is_ours or is_told(error):
            raise
        raise ValueError(f"{item}: {found.attribute}: got {raised_at(error)}, expected an animator") from error


def _bare(factory: Callable[..., Any]) -> str:
    """Its parameters without annotations."""
    plain = signature(factory)
    names = [each.replace(annotation=each.empty) for each in plain.parameters.values()]
    return str(plain.replace(parameters=names, return_annotation=plain.empty))


def resolved_options(name_or_path: str, catalog: Catalog = ANIMATORS, given: Mapping[str, str] | None = None) -> Any:
    """An animator's options with what was given, an instance of what it states; None where it states none.

    `models.option_values.record_options` makes a record of it. Raises ValueError naming the option.
    """
    return read_options(options_of(name_or_path, catalog), given or {}, f"animator {name_or_path}")


def placed_options(name_or_path: str, given: Mapping[str, str], catalog: Catalog = ANIMATORS) -> dict[str, str]:
    """Words for an animator's options with the paths in them made absolute, as `absolute_animator` does its name."""
    return absolute_options(given, options_of(name_or_path, catalog) if given else None)


def absolute_animator(name: str, catalog: Catalog = ANIMATORS) -> str:
    """An animator's name with the path in it (`FOLDER`, `name:FOLDER`) made absolute: a worker has another working folder.

    Known names win over folders of the same name.
    """
    found = named(name, catalog)
    if found is None or found.argument == name:
        return str(Path(name).resolve()) if Path(name).is_dir() else name
    argument = found.argument
    return f"{found.name}:{Path(argument).resolve()}" if argument is not None and Path(argument).exists() else name
