"""From runs (or a dataset of pairs) to something a person reads: tables in five formats and one static page."""
