"""What the module behind an animator's name states of it, without loading a weight.

A module of the table may define, beside its factory:

    capabilities(name) -> Capabilities                      inputs, sizes, lengths, licence
    options(name) -> type                                    a frozen dataclass of what --set may change, with its defaults
    estimate(name, workload, options) -> Estimate            tokens and passes, or money, of one request
    missing(name, options) -> list[str]                      what is not there and how to give it, a line each
    strays(name, cases) -> list[str]                         files that answer none of these cases
    paints(name, workload, options) -> str                   at which size of its own it paints, "" at the asked one

and its factory may have the keyword parameters `name` (the name it was asked by), `runtime` and `options` (an instance).
An outsider's module states the same; nothing is loaded or contacted for it. `name` is that of the table, without what follows its colon;
each of these is told that too where it has a parameter `argument`, and the ids of the cases to do where it has a parameter `left`, or
`cases` for those of which each that lacks something is to be named; `reference_of` then gives the picture of one, where that can be had.
A checkpoint folder is stated by `models.animators.checkpoint_stated`.
"""

from __future__ import annotations

import importlib
import re
from dataclasses import dataclass, fields, is_dataclass
from importlib.util import find_spec
from inspect import signature
from pathlib import Path
from types import ModuleType
from typing import Any, Callable, Iterable, Mapping

from models.capabilities import Capabilities
from models.catalog import Catalog
from models.estimate import Estimate, Workload
from models.option_values import read_fields
from models.raised import PACKAGES, is_told, raised, raised_at
from models.types import require

CHECKPOINT_FILE = "animator.json"
CHECKPOINT_STATED = "models.animators.checkpoint_stated"
_TARGET = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*)(?::(.*))?", re.DOTALL)
_SECRET = re.compile(r"(?:.*_)?(key|secret|token|password)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a name stands for: `module` and, but for a checkpoint folder, the `attribute` of it that makes the animator."""

    name: str
    argument: str | None
    module: str
    attribute: str

    @property
    def is_ours(self) -> bool:
        """Whether it lies in one of our packages; else it is a plug-in."""
        return self.module.partition(".")[0] in PACKAGES

    def imported(self) -> ModuleType:
        """Raises ValueError where the module raises, or ends the program, while it is imported."""
        try:
            return importlib.import_module(self.module)
        except (Exception, SystemExit) as error:
            raise ValueError(f"animator {self.name}: module {self.module}: got {raised_at(error)}, expected one that imports") from error

    def factory(self) -> Callable[..., Any]:
        """Raises ValueError where the module has no such attribute."""
        made = getattr(self.imported(), self.attribute, None)
        require(callable(made), f"animator {self.name}", "factory", f"no {self.attribute} in {self.module}", "a function that makes it")
        return made


def is_checkpoint(path: str | Path) -> bool:
    """Whether `path` is a checkpoint folder: one with animator.json in it."""
    return (Path(path) / CHECKPOINT_FILE).is_file()


def named(text: str, catalog: Catalog) -> Named | None:
    """A name of the table (with `:argument`), a checkpoint folder, or `module:attribute` of anybody's (with `:argument`), in this order.

    None for what is none of them. Raises ValueError for an argument of a name that takes none, and for a name that is taken twice.
    """
    head, colon, argument = text.partition(":")
    entry = catalog.entry(head)
    if entry is not None:
        stray = colon and not entry.argument
        require(not stray, f"animator {head}", "argument", repr(argument), f"none; write just {head}")
        module, _, attribute = entry.target.partition(":")
        return Named(name=head, argument=argument if colon else None, module=module, attribute=attribute)
    if is_checkpoint(text):
        return Named(name=Path(text).name, argument=text, module=CHECKPOINT_STATED, attribute="create")
    match = _TARGET.fullmatch(text)
    if match is None or not importable(match[1]):
        return None
    return Named(name=f"{match[1]}:{match[2]}", argument=match[3], module=match[1], attribute=match[2])


def importable(module: str) -> bool:
    """Whether Python finds it. Looks for the file; of a dotted name the packages above are imported."""
    try:
        return find_spec(module) is not None
    except (ImportError, ValueError):
        return False


def capabilities_of(name: str, catalog: Catalog) -> Capabilities | None:
    """None where nothing is stated."""
    found = named(name, catalog)
    stated = None if found is None else _stated(found, "capabilities")
    require(isinstance(stated, Capabilities | None), f"animator {name}", "capabilities", type(stated).__name__, "Capabilities")
    return stated


def options_of(name: str, catalog: Catalog) -> type | None:
    """The dataclass of a name's options; None where it takes none. Raises ValueError for one that would be a secret."""
    found = named(name, catalog)
    kind = None if found is None else _stated(found, "options")
    if kind is None:
        return None
    require(isinstance(kind, type) and is_dataclass(kind), f"animator {name}", "options", repr(kind), "a dataclass")
    secret = next((each.name for each in fields(kind) if _SECRET.fullmatch(each.name)), None)
    advice = "secrets come from the environment, options are recorded"
    require(secret is None, f"animator {name}", "options", secret, "no key, secret, token or password", advice)
    return kind


def read_options(kind: type | None, given: Mapping[str, str], item: str) -> Any:
    """An instance of `kind` with what was given, each value read as its field's type. Raises ValueError naming option, got and expected.

    None where there are no options.
    """
    if kind is None:
        require(not given, item, "option", ", ".join(sorted(given)), "none", "it takes no options")
        return None
    try:
        values = read_fields(kind, given, item)
    except (NameError, TypeError) as error:
        raise ValueError(f"{item}: options: got {raised(error)}, expected fields whose types are known") from error
    try:
        return kind(**values)
    except (ValueError, TypeError) as error:
        blamed = ", ".join(f"{name}={given[name]}" for name in _blamed(kind, values)) or "the defaults"
        raise ValueError(f"{item}: option {blamed}: {error}") from error


def _blamed(kind: type, values: Mapping[str, Any]) -> list[str]:
    """The options that are refused alone, or all of them where it is how they go together."""

    def refused(name: str) -> bool:
        try:
            kind(**{name: values[name]})
        except (ValueError, TypeError):
            return True
        return False

    return [name for name in values if refused(name)] or list(values)


def estimate_of(name: str, workload: Workload, options: Any, catalog: Catalog) -> Estimate:
    """What one request takes; an empty estimate where nothing is stated."""
    found = named(name, catalog)
    estimate = None if found is None else _stated(found, "estimate", workload, options)
    require(isinstance(estimate, Estimate | None), f"animator {name}", "estimate", type(estimate).__name__, "an Estimate")
    return Estimate(basis="not stated") if estimate is None else estimate


def missing_of(
    name: str,
    options: Any,
    catalog: Catalog,
    cases: Iterable[str] = (),
    left: Iterable[str] = (),
    reference_of: Callable[[str], Any] | None = None,
) -> list[str]:
    """What is not there and how to give it, a line each; without `cases` only what every case needs.

    `left`: the cases to do, so that who has an answer to each of them on disk lacks nothing. `reference_of`: the reference of a case, uint8
    RGB `[H,W,3]`, or None where it cannot be read.
    """
    return _lines(name, "missing", catalog, options, cases=tuple(cases), left=tuple(left), reference_of=reference_of)


def strays_of(name: str, catalog: Catalog, cases: Iterable[str]) -> list[str]:
    """Names of recorded files that answer none of these cases."""
    return _lines(name, "strays", catalog, cases=tuple(cases))


def paints_of(name: str, workload: Workload, options: Any, catalog: Catalog) -> str:
    """At which size of its own it paints, in words; "" where it paints as asked, or does not say."""
    found = named(name, catalog)
    return ("" if found is None else _stated(found, "paints", workload, options)) or ""


def _lines(name: str, what: str, catalog: Catalog, *more: Any, **of_run: Any) -> list[str]:
    found = named(name, catalog)
    stated = None if found is None else _stated(found, what, *more, **of_run)
    ok = stated is None or (isinstance(stated, list | tuple) and all(isinstance(line, str) for line in stated))
    require(ok, f"animator {name}", what, repr(stated)[:100], "a list of lines")
    return [" ".join(line.split()) for line in stated or ()]


def _stated(found: Named, what: str, *more: Any, **of_run: Any) -> Any:
    stated = getattr(found.imported(), what, None)
    if stated is None:
        return None
    require(callable(stated), f"animator {found.name}", what, type(stated).__name__, "a function of the name")
    told = {"argument": found.argument, "cases": (), "left": (), "reference_of": None, **of_run}
    taken = signature(stated).parameters
    try:
        return stated(found.name, *more, **{key: value for key, value in told.items() if key in taken})
    except Exception as error:
        if is_told(error) or (found.is_ours and isinstance(error, ValueError | OSError)):
            raise
        raise ValueError(f"animator {found.name}: {what}: got {raised_at(error)}, expected what models/stated.py describes") from error
