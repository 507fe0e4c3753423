"""How many workers a pool still gets: places that are filled anew when their worker is gone, and given up where every worker falls ill.

A place whose worker was exchanged is doubted until a worker in it manages an item. One in which `FRESH` workers in a row fell ill on the
same machine, or could not be made, is given up, so that a broken machine or accelerator costs its place, not the run. Decisions only.
"""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.executor.health import FRESH, IN_A_ROW


@dataclass(slots=True)
class _Slot:
    ill: int = 0
    died: int = 0
    node: str = ""
    is_given_up: bool = False


class Slots:
    """The places of one pool, by number."""

    def __init__(self, workers: int) -> None:
        self._slots = [_Slot() for _ in range(workers)]

    def free(self, taken: set[int]) -> list[int]:
        """Places that want a worker."""
        return [number for number, slot in enumerate(self._slots) if number not in taken and not slot.is_given_up]

    def managed(self, number: int) -> None:
        """A worker there has managed an item."""
        slot = self._slots[number]
        slot.ill = slot.died = 0

    def died(self, number: int) -> None:
        """A worker there has died over an item."""
        self._slots[number].died += 1

    def fell_ill(self, number: int, node: str) -> bool:
        """Whether the place is given up for it. `node`: "" where the worker did not get so far as to tell."""
        slot = self._slots[number]
        slot.ill = slot.ill + 1 if node in ("", slot.node) else 1
        slot.node, slot.is_given_up = node or slot.node, slot.ill >= FRESH
        return slot.is_given_up

    def is_doubted(self, number: int) -> bool:
        """Whether a fresh worker there is to be asked before it gets work."""
        return self._slots[number].ill > 0 or self._slots[number].died >= IN_A_ROW

    @property
    def are_given_up(self) -> bool:
        """Whether the pool gets no worker any more."""
        return all(slot.is_given_up for slot in self._slots)

    @property
    def are_hopeless(self) -> bool:
        """Whether no place is left that is not doubted: nobody is there to go on."""
        return all(slot.is_given_up or slot.ill for slot in self._slots)
