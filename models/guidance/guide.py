"""What a guide must offer, and the three texts it gives.

In: the driving clip, the reference image, and tags. Out: a `Guidance`, whose `prompt` goes to an animator as its ordinary text prompt,
and whose other fields say where that prompt comes from. Both ends of the method use it: made pairs and training.

Tags are those of suites and of `clips.csv`: `subject` is who the *reference* shows; `framing`, `count`, `camera` and, where known,
`driver_subject` and `motion` belong to the driving clip.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any, Mapping, Protocol, runtime_checkable

import numpy as np

from models.types import Clip, require

TAG_KEYS = ("subject", "driver_subject", "motion", "framing", "count", "camera")
"""The tags guides read; all others (licence, consent, split) are nobody's description."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Guidance:
    """`motion` of the driver, `appearance` of the target, and the `prompt` that joins them; `guide` and `version` made it."""

    motion: str
    appearance: str
    prompt: str
    guide: str
    version: str

    def __post_init__(self) -> None:
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            require(isinstance(value, str) and bool(value.strip()), "guidance", name, repr(value), "a text that is not blank")

    def to_dict(self) -> dict[str, str]:
        """Plain texts by field name, for KEY.json and cards."""
        return asdict(self)

    @classmethod
    def from_dict(cls, record: Mapping[str, Any]) -> Guidance:
        """The inverse of `to_dict`. Raises ValueError naming a field that is missing, unknown or blank."""
        names = {field.name for field in fields(cls)}
        require(set(record) == names, "guidance", "fields", sorted(record), f"{sorted(names)}")
        return cls(**record)


@runtime_checkable
class Guide(Protocol):
    """Describes a target performing a driver's motion. `name` and `version` are recorded with every text.

    `guide` raises what its source raises (`models.mllm.errors`: Refused, Unparsed, Unreachable,
    CostCapReached); it never makes up a text instead.
    """

    name: str
    version: str

    def guide(self, driving: Clip, reference: np.ndarray, tags: Mapping[str, str]) -> Guidance: ...


def described(tags: Mapping[str, str]) -> dict[str, str]:
    """The tags guides read, in their fixed order, white space collapsed; blank ones and "unknown" say nothing and are left out."""
    texts = {key: " ".join(str(tags.get(key, "")).replace("_", " ").split()) for key in TAG_KEYS}
    return {key: text for key, text in texts.items() if text and text.lower() != "unknown"}
