"""Which candidates become training pairs: filters with a value, a threshold and a reason each.

    Candidate ──decide──▶ Pair | Rejection, with the verdict of every filter that was asked
Read `decide` for the order, `filter` for what a filter is, `catalog` for the table and how to add one, docs/filters.md for what each is
right about.
"""

from bootstrap.filters.catalog import FILTERS, STRUCTURE, filter_metrics, filter_versions
from bootstrap.filters.decide import Pair, Rejection, decide, judge
from bootstrap.filters.verdict import Verdict

__all__ = ["FILTERS", "STRUCTURE", "Pair", "Rejection", "Verdict", "decide", "filter_metrics", "filter_versions", "judge"]
