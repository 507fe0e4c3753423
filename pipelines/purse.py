"""What a run may still cost, by its own estimate and what answers then say."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, log10

from models.capabilities import Capabilities


def usd_words(usd: float) -> str:
    """An amount without its unit, to the cent, and finer where that would round it: "3.00", "0.015", "0.00004"."""
    digits = 4 if usd == 0 or usd >= 0.01 else 1 - floor(log10(usd))
    whole, _, part = f"{usd:,.{digits}f}".partition(".")
    return f"{whole}.{part.rstrip('0'):0<2}"


def priced(usd: float | None, stated: Capabilities | None) -> float | None:
    """What an answer is expected to cost: nothing where no service is asked; None where a service's price is not known."""
    return 0.0 if usd is None and stated is not None and stated.kind != "hosted" else usd


@dataclass(slots=True, kw_only=True)
class Purse:
    """What a run may still cost. `each_usd`: expected of a case or pair, or what the dearest so far cost; `most_usd`: None for no bound."""

    most_usd: float | None
    each_usd: float = 0.0
    spent_usd: float = 0.0

    def pay(self, usd: float | None) -> None:
        usd = usd or 0.0
        self.spent_usd, self.each_usd = self.spent_usd + usd, max(self.each_usd, usd)

    def may_begin(self, under_way: int = 0) -> bool:
        """Whether one more fits, with those under way."""
        if self.most_usd is None:
            return True
        return self.spent_usd + (under_way + 1) * self.each_usd <= self.most_usd + 1e-9 and self.spent_usd < self.most_usd
