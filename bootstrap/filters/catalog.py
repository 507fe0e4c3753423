"""The filters by name, in the order in which they are asked: cheap ones first, those that need optical flow later, a model last.

Loaded only when asked for. One more row here needs a field of the same name in `bootstrap.thresholds` and a row in the table of
docs/filters.md. Outsiders' filters are `--thresholds.more NAME=T`: NAME is "module:attribute", or an entry point of the group
`actorforge.filters`; an installed one is not asked before somebody names it.
"""

from __future__ import annotations

from importlib import import_module

from awbench.catalog import METRICS
from bootstrap.filters.filter import Filter
from bootstrap.thresholds import Thresholds
from models.catalog import Catalog, Entry
from models.types import require

STRUCTURE = ("decodable", "length")
"""Asked of every candidate; without them nothing else can be."""
FILTERS = Catalog(
    kind="filter",
    group="actorforge.filters",
    entries={
        "moving": Entry(target="bootstrap.filters.motion:MOVING", summary="moves where the source moves: static, frozen, stuttering"),
        "distinct": Entry(target="bootstrap.filters.distinct:DISTINCT", summary="differs from the source: copies"),
        "light": Entry(target="bootstrap.filters.light:LIGHT", summary="every frame has contrast: black, white, empty frames"),
        "palette": Entry(target="bootstrap.filters.palette:PALETTE", summary="has the identity's colours: noise, other looks, channels"),
        "steady": Entry(target="bootstrap.filters.likeness:STEADY", summary="the identity is found in every frame: switches, fades"),
        "upright": Entry(target="bootstrap.filters.likeness:UPRIGHT", summary="the identity is not found better upside down"),
        "identity": Entry(target="bootstrap.filters.referee:IDENTITY", summary="looks like the identity, not the source"),
        "imaging": Entry(target="bootstrap.filters.referee:IMAGING", summary="as crisp and clean as the identity"),
        "consistency": Entry(target="bootstrap.filters.referee:CONSISTENCY", summary="no flicker beyond the source's own"),
        "smoothness": Entry(target="bootstrap.filters.referee:SMOOTHNESS", summary="no jitter, stutter or shuffled frames"),
        "motion_agreement": Entry(target="bootstrap.filters.motion:MOTION_AGREEMENT", summary="moves as the source does"),
        "forward": Entry(target="bootstrap.filters.motion:FORWARD", summary="more like the source than like the source backwards"),
        "unblended": Entry(target="bootstrap.filters.unblended:UNBLENDED", summary="the source does not shine through: ghosts, blends"),
        "articulated": Entry(
            target="bootstrap.filters.articulated:ARTICULATED", summary="moves in its parts, as the source does: panned, zoomed, shaken"
        ),
        "judge": Entry(target="bootstrap.filters.judging:JUDGE", summary="a multimodal model's mean score, 1-5; off by default"),
    },
)
"""Name -> a Filter."""


def load_filter(name: str) -> Filter:
    """A filter of the table, a plug-in, or the one at "module:attribute". Raises ValueError where that is no filter."""
    module, colon, attribute = name.partition(":")
    try:
        found = getattr(import_module(module), attribute) if colon else FILTERS.load(name)
    except (ImportError, AttributeError) as error:
        raise ValueError(f"filter {name!r}: got {error}, expected module:attribute of a Filter") from error
    require(isinstance(found, Filter), f"filter {name!r}", "object", type(found).__name__, "a bootstrap.filters.filter.Filter")
    return found


def in_use(thresholds: Thresholds) -> list[tuple[Filter, float]]:
    """The filters that are asked, in their order, each with its threshold: the table's, then plug-ins, then the judge."""
    named = [(name, getattr(thresholds, name)) for name in FILTERS.entries]
    ordered = [*named[:-1], *thresholds.plugged, named[-1]]
    return [] if thresholds.off else [(load_filter(name), threshold) for name, threshold in ordered if threshold > 0]


def filter_versions(thresholds: Thresholds) -> list[dict[str, str]]:
    """{check, metric, version} of every check that is made, in their order: what gives its value, for records and for reports."""
    made = [(name, name, "1") for name in STRUCTURE] + [(one.name, *_version(one)) for one, _ in in_use(thresholds)]
    return [{"check": check, "metric": metric, "version": version} for check, metric, version in made]


def filter_metrics(thresholds: Thresholds) -> tuple[str, ...]:
    """What of the referee chose the pairs, sorted: metrics, and the judge as "judge:MODEL"."""
    return tuple(sorted(_version(one)[0] for one, _ in in_use(thresholds) if one.metric or one.name == "judge"))


def _version(one: Filter) -> tuple[str, str]:
    if one.name == "judge":
        from bootstrap.filters.judging import judge_name, judge_version

        return judge_name(), judge_version()
    return (one.metric, METRICS.load(one.metric).version) if one.metric else (one.name, one.version)
