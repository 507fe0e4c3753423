"""`scail2`, `one_to_all`, ... and `external:FILE.yaml`: other people's repositories, each described by one YAML (`spec`).

Light: capabilities and options are known without a repository on this machine.
"""

from __future__ import annotations

from dataclasses import field, make_dataclass
from functools import lru_cache
from typing import Any

from models.baselines.external.reading import read_spec
from models.baselines.external.spec import TYPES, Spec
from models.capabilities import Capabilities
from models.estimate import Estimate, Workload
from models.runtime import Runtime
from models.types import require

_PLACES = {
    "repo": ("", "folder of the repository"),
    "python": ("", "interpreter its requirements are installed for; default: its own .venv"),
    "weights": ("", "folder of its weights"),
    "logs": ("", "folder that keeps what it prints, one file a case; default: the cache"),
    "pass_env": ("", "names of environment variables it is to see, separated by commas (HF_TOKEN)"),
    "timeout_s": (3600.0, "seconds a request may take"),
    "startup_timeout_s": (1800.0, "seconds until a process that serves is ready"),
}
"""Where things lie and how long to wait: no part of what is made."""


def _spec_of(name: str, argument: str | None) -> Spec | None:
    """None for `external` without a file."""
    return (read_spec(f"external:{argument}") if argument else None) if name == "external" else read_spec(name)


def capabilities(name: str, argument: str | None = None) -> Capabilities:
    """What a repository takes, by its YAML."""
    spec = _spec_of(name, argument)
    return _capabilities(spec) if spec else Capabilities(kind="external", note="external:FILE.yaml says")


def _capabilities(spec: Spec) -> Capabilities:
    return Capabilities(
        kind="external", needs=spec.needs, takes=spec.takes, size=spec.size, frames=spec.frames, subjects=spec.subjects,
        licence=spec.licence, weights=spec.weights.get, note=spec.pitfall,
    )  # fmt: skip


def options(name: str, argument: str | None = None) -> type:
    """The options of a YAML, and those that every repository has."""
    spec = _spec_of(name, argument)
    return options_kind(spec) if spec else _kind("External", ())


def options_kind(spec: Spec) -> type:
    """A frozen dataclass; raises ValueError for a value that is none of an option's choices."""
    own = tuple((name, each.type, each.default, each.help, each.choices, each.least) for name, each in spec.options.items())
    if spec.wants("pose") or spec.wants("pose_video") or "pose" in spec.needs:
        own += (("pose", "str", "tiny", "pose estimator for a driver that comes without keypoints", (), None),)
    return _kind("".join(part.title() for part in spec.name.split("_")), own)


@lru_cache(maxsize=64)
def _kind(title: str, own: tuple[tuple[Any, ...], ...]) -> type:
    fields: list[Any] = []
    for name, kind, default, told, _, _ in own:
        fields.append((name, TYPES[kind], field(default=default, metadata={"help": told})))
    for name, (default, told) in _PLACES.items():
        place = name in ("repo", "weights", "logs")  # python may be a command's name
        fields.append((name, type(default), field(default=default, metadata={"help": told, "identity": False, "place": place})))

    def check(self: Any) -> None:
        for name, kind, _, _, choices, least in own:
            value = getattr(self, name)
            right = isinstance(value, TYPES[kind]) and (kind == "bool" or not isinstance(value, bool))
            require(right or (kind == "float" and type(value) is int), "option", name, repr(value), kind)
            require(not choices or value in choices, "option", name, repr(value), f"one of {', '.join(map(str, choices))}")
            require(least is None or value >= least, "option", name, value, f">= {least:g}" if least is not None else "")
        for name in ("timeout_s", "startup_timeout_s"):
            require(0 < getattr(self, name) < 1e7, "option", name, getattr(self, name), "seconds > 0")

    return make_dataclass(f"{title}Options", fields, namespace={"__post_init__": check}, frozen=True, kw_only=True, slots=True)


def estimate(name: str, workload: Workload, options: Any, argument: str | None = None) -> Estimate:
    """Tokens of the size and length it paints, and passes, by the YAML's own `cost`; nothing where it states none."""
    spec = _spec_of(name, argument)
    if spec is None or spec.cost is None:
        return Estimate(basis="the repository's YAML states no cost")
    from models.adaptation import fitted

    painted = fitted(workload, _capabilities(spec)).within
    cost, (width, height) = spec.cost, painted.size
    moments = -(-(painted.num_frames - 1) // cost.frame_stride) + 1
    tokens = round(-(-width // cost.patch_px) * -(-height // cost.patch_px) * moments * cost.factor)
    steps = getattr(options, "steps", None)
    return Estimate(tokens=tokens, passes=steps and steps * cost.passes, basis=f"cost of {spec.name}.yaml, windows not counted")


def missing(name: str, options: Any, argument: str | None = None) -> list[str]:
    """Of the repository, its interpreter and its weights."""
    from models.baselines.estimators import lacking_estimator
    from models.baselines.external.places import missing_places

    spec = _spec_of(name, argument)
    if spec is None:
        return ["argument: none; write external:FILE.yaml, a YAML that describes a repository"]
    pose = getattr(options, "pose", "")
    return missing_places(spec, options) + (lacking_estimator("pose", pose) if pose else [])


def create(argument: str | None = None, *, name: str = "", runtime: Runtime = Runtime(), options: Any = None) -> Any:
    """The animator. `name`: what it was asked by; `external` takes the YAML as its argument."""
    from models.baselines.external.animator import External

    head = name.partition(":")[0] or "external"
    require(head == "external" or argument is None, f"animator {head}", "argument", repr(argument), f"none; write just {head}")
    spec = read_spec(f"external:{argument or ''}" if head == "external" else head)
    return External(spec, _capabilities(spec), options_kind(spec)() if options is None else options, runtime)
