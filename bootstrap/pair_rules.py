"""Which pairs are wanted: rules by tag that every pair keeps, and shares of kinds of pairs.

by_tag   "framing"  "subject=human:animal"     labels agree, or are so (driver first)
quotas   "subject=human:animal 0.3"            of every ten pairs three are of this kind, the others of kinds that no quota names
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Mapping

from awbench.media.labels import TagRule
from models.types import require

_REST = "rest"


@dataclass(frozen=True, slots=True, kw_only=True)
class Quota:
    """`share` of all pairs, 0-1, are of the kind that `rule` allows."""

    rule: TagRule
    share: float

    @classmethod
    def parse(cls, text: str) -> Quota:
        """`RULE SHARE`, such as `subject=human:animal 0.3` or `framing 50%`."""
        rule, _, written = text.strip().rpartition(" ")
        expected = "RULE SHARE with a share in 0-1, such as 'subject=human:animal 0.3'"
        try:
            share = float(written[:-1]) / 100 if written.endswith("%") else float(written)
        except ValueError:
            share = -1.0
        require(bool(rule) and 0 < share <= 1, "synthesize", "quota", repr(text)[:80], expected)
        return cls(rule=TagRule.parse(rule, "--quota"), share=share)


@dataclass(frozen=True, slots=True, kw_only=True)
class PairRules:
    """`by_tag`: rules that every pair keeps; `quotas`: shares of kinds, the first that fits counts; what they leave is for all others."""

    by_tag: tuple[TagRule, ...] = ()
    quotas: tuple[Quota, ...] = ()

    def __post_init__(self) -> None:
        shares = sum(quota.share for quota in self.quotas)
        require(shares <= 1 + 1e-9, "synthesize", "quota", f"shares that add up to {shares:g}", "at most 1 in all")

    @property
    def names(self) -> tuple[str, ...]:
        """The labels that matter."""
        return tuple(sorted({rule.name for rule in (*self.by_tag, *(quota.rule for quota in self.quotas))}))

    @property
    def shares(self) -> dict[str, float]:
        """Kind of pair -> its share of all; the rest last, where there is one."""
        named = {f"{number}": quota.share for number, quota in enumerate(self.quotas)}
        rest = 1 - sum(named.values())
        return named | ({_REST: rest} if rest > 1e-9 else {})

    def kind_of(self, driving: Mapping[str, str], identity: Mapping[str, str]) -> str:
        """Which kind a pair of such labels is, "" where it is none to attempt."""
        if not all(rule.allows(driving, identity) for rule in self.by_tag):
            return ""
        kind = next((f"{n}" for n, quota in enumerate(self.quotas) if quota.rule.allows(driving, identity)), _REST)
        return kind if kind in self.shares else ""
