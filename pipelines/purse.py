"""What a run may still cost, by its own estimate and what answers then say."""

from __future__ import annotations

from dataclasses import dataclass


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
