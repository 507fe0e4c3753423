"""A round of the factory, from settings and sources to a finished dataset folder, without a word about processes.

    plan_round -> Round -> begin_round -> the items of units.Work (anywhere, in any order) -> manifest.finish_round
What decides a pair's bytes (`Recipe`) is fixed when a folder is begun; what decides which pairs come next (sources, limit, rules) may
change.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, Callable, Collection

from bootstrap.generations import DRIVING, REFERENCE, History, read_history, write_history
from bootstrap.growth import grow, unchanged
from bootstrap.ledger import Files, Ledger, plan_digest
from bootstrap.planned import Numbers, PlannedPair, Unit
from bootstrap.provenance import digest
from bootstrap.recipe import Recipe
from bootstrap.round_config import RoundConfig, RoundContext
from bootstrap.sidecar import Marker, sidecar_name
from bootstrap.sources.source import Listing, Source
from models import storage
from models.pair_records import MADE
from models.types import require


@dataclass(frozen=True, kw_only=True, eq=False)
class Round:
    """A planned round. `history`: all generations, those planned now among them; `since`: the first that is not recorded yet."""

    out: str
    config: RoundConfig
    driving: Listing
    references: Listing
    history: History
    since: int
    told: tuple[str, ...] = ()

    @property
    def recipe(self) -> Recipe:
        return self.config.recipe

    @property
    def ledger(self) -> Ledger:
        return Ledger(out=self.out)

    @property
    def context(self) -> RoundContext:
        config, seen = self.config, (self.driving.usable[:1], self.references.usable[:1])
        return RoundContext(
            out=self.out,
            recipe=self.recipe,
            filters=self.filters,
            keep_rejected=config.keep_rejected,
            shard_b=config.shard_mb << 20,
            plan=plan_digest(_plan(config)),
            seen=tuple(source.location for side in seen for source in side),
        )

    @property
    def total(self) -> int:
        """How many pairs are attempted in all."""
        return self.history.total

    @cached_property
    def filters(self) -> str:
        """Digest of what judges."""
        return digest(self.recipe.filters)

    @cached_property
    def ranges(self) -> list[tuple[int, int, int]]:
        """(generation, start, stop) of every unit."""
        return list(self.history.units(self.config.pairs_per_unit))

    def numbers(self, index: int) -> tuple[Numbers, ...]:
        """Windows and identities of a unit's pairs, as the generations count them."""
        generation, start, stop = self.ranges[index]
        return tuple((int(window), int(identity)) for window, identity in self.history.generations[generation].pairs[start:stop])

    def unit(self, index: int) -> Unit:
        """A unit with everything a worker needs to make it."""
        numbers = self.numbers(index)
        return Unit(index=index, numbers=numbers, pairs=tuple(self._pair(*pair) for pair in numbers))

    @cached_property
    def _here(self) -> tuple[dict[str, Source], dict[str, Source]]:
        return {one.sha256: one for one in self.driving.usable}, {one.sha256: one for one in self.references.usable}

    def _pair(self, window: int, identity: int) -> PlannedPair:
        (clip_hash, start_s), person_hash = self.history.windows[window], self.history.identities[identity]
        clip, person = self._here[0].get(clip_hash), self._here[1].get(person_hash)
        then = self.history.known[DRIVING][clip_hash], self.history.known[REFERENCE][person_hash]
        pair = self._planned(clip, person, start_s, then)
        if all(now is None or now.tags == known.tags for now, known in zip((clip, person), then)):
            return pair
        former = (now and replace(now, tags=known.tags) for now, known in zip((clip, person), then))
        return replace(pair, former=self._planned(*former, start_s, then))

    def _planned(self, clip: Source | None, person: Source | None, start_s: float, then: tuple[Source, Source]) -> PlannedPair:
        spec = self.recipe.spec(clip or then[0], start_s, person or then[1])
        return PlannedPair(spec=spec, driving=clip and replace(clip, starts_s=()), identity=person)

    def is_done(self, index: int, marker: Marker | None, files: Files) -> bool:
        """Whether nothing is left to try for a unit with that sidecar; `files`: what lies in the dataset."""
        if marker is None or marker.again or marker.filters != self.filters or any(map(self.config.retry.wants, marker.failed)):
            return False
        return marker.numbers == self.numbers(index) and self.ledger.is_whole(index, marker, files)

    def pending(self) -> list[int]:
        """Units that still have to be made, judged, tried again or sealed."""
        files, every = self.ledger.files(), range(len(self.ranges))
        recorded = {name.split("/")[2] for name in files if name.startswith(f"{MADE}/")}
        sealed = [index for index in every if sidecar_name(index) in files and f"{index:06d}" not in recorded]
        done = {index for index, marker in zip(sealed, self.ledger.markers(sealed)) if self.is_done(index, marker, files)}
        return [index for index in every if index not in done]


def in_use(out: str) -> dict[str, frozenset[str]]:
    """Role -> contents (sha256) of the sources that the dataset at `out` already uses."""
    return {role: frozenset(known) for role, known in read_history(Ledger(out=out).folder).known.items()}


def check_folder(config: RoundConfig, out: str) -> None:
    """Raise ValueError where `out` is no folder of ours, or was begun with other settings; names the field."""
    ledger = Ledger(out=out)
    previous = ledger.plan()
    old = storage.exists(storage.join(ledger.folder, "unit-000000.json"))
    require(not old, "synthesize", "out", f"{out} as an earlier version wrote it", "a dataset of this one", "choose another --out")
    if previous is None:
        lost = storage.exists(storage.join(ledger.folder, "generation-000000.pairs.parquet"))
        advice = "restore it from a copy, or choose another --out; the pairs that are there can be read all the same"
        require(not lost, out, "work/plan.json", "none", "the settings that the dataset was begun with", advice)
        require(not _occupied(out), "synthesize", "out", f"{out} holds other files", "a new, empty or earlier synthesize folder")
    else:
        _refuse_changes(previous, config, out)


def plan_round(config: RoundConfig, out: str, driving: Listing, references: Listing, apart: Collection[tuple[str, str]] = ()) -> Round:
    """Plan the pairs that come next in `out`; writes nothing. `apart`: contents that never meet. Hold the lock, if it is to be begun.

    Raises ValueError naming the field as `check_folder` does, and where the limit is below what is planned.
    """
    check_folder(config, out)
    for name, listing, advice in (("driving", driving, "a folder of clips"), ("references", references, "images")):
        require(bool(listing.usable or listing.unusable), "synthesize", name, "nothing that could be used", advice)
    history = read_history(Ledger(out=out).folder)
    limit, planned = config.limit, history.total
    advice = "repeat the first command, or choose another --out"
    if config.retry_filters:  # judges what there is and plans nothing
        growth = unchanged(history, driving, references)
    else:
        require(limit is None or limit >= planned, out, "limit", limit, f">= {planned}, as planned", advice)
        growth = grow(history, driving, references, config.rules, config.recipe.seed, limit, apart)
    return Round(
        out=out, config=config, driving=driving, references=references, history=growth.history, since=growth.since, told=growth.told
    )


def begin_round(round_: Round, ready: Callable[[], object] = lambda: None) -> list[int]:
    """Record the plan, clear what a killed run left, and return the units to make; none for a finished folder. Hold the lock.

    `ready`: called where there are any, before anything is changed; what it raises leaves a finished folder finished.
    """
    pending = round_.pending()
    if pending:
        ready()
    if pending or _is_new(round_):  # an extended or mended folder is unfinished until its new end
        storage.delete(storage.join(round_.out, "run.json"))
    record_plan(round_)
    round_.ledger.sweep()
    return pending


def record_plan(round_: Round) -> None:
    """Keep the plan, so that later runs go on with it; what was made is left as it is. Hold the lock."""
    if _is_new(round_):
        round_.ledger.write_plan(_plan(round_.config))
        write_history(round_.ledger.folder, round_.history, round_.since)


def _is_new(round_: Round) -> bool:
    return round_.ledger.plan() != _plan(round_.config) or round_.since < len(round_.history.generations)


def _occupied(out: str) -> bool:
    return next(iter(storage.walk(out)), None) is not None if storage.exists(out) or storage.is_url(out) else False


def _plan(config: RoundConfig) -> dict[str, Any]:
    return {**config.recipe.settings, "pairs_per_unit": config.pairs_per_unit, "shard_mb": config.shard_mb}


def _refuse_changes(previous: dict[str, Any], config: RoundConfig, out: str) -> None:
    record, advice = _plan(config), "repeat the first command, or choose another --out"
    for name in sorted(previous.keys() | record.keys(), key=lambda name: (name == "filter_metrics", name)):  # thresholds say it better
        before, now = previous.get(name), record.get(name)
        if name in config.recipe.filters:
            free, how = config.retry_filters, "--retry-filters judges again what was made"
            require(before == now or free, out, name, _difference(now, before), _difference(before, now), f"{advice}; {how}")
        else:
            require(before == now, out, name, _difference(now, before), _difference(before, now), advice)


def _difference(one: Any, other: Any) -> str:
    """The part of `one` that `other` does not share, short enough for one line."""
    if isinstance(one, dict) and isinstance(other, dict):
        one = {key: value for key, value in one.items() if other.get(key) != value} or "nothing else"
    text = str(one)
    return text if len(text) <= 200 else text[:200] + " ..."
