"""What a filter says of a candidate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from models.types import require


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One check's answer. `value` is None where the check does not apply; it passes then, with the reason."""

    check: str
    value: float | None
    threshold: float
    passed: bool
    reason: str = ""

    def __post_init__(self) -> None:
        finite = self.value is None or np.isfinite(self.value)
        require(bool(finite), f"check {self.check}", "value", self.value, "a finite number")

    def to_json(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__}
