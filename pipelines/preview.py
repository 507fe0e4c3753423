"""`actorforge preview`: a dataset, finished or in the making -> one page; nothing is written inside the dataset.

In: the location of the dataset and where the page goes: a file, a folder, or nothing for a page beside the dataset (of one on object
storage, in the folder one is in). The page is that of `report`, with how far the run is.
"""

from __future__ import annotations

from pathlib import Path

from models import storage
from models.types import require


def preview(dataset: str, *, out: str | None = None, single_file: bool = False) -> Path:
    """Write the page of the dataset; returns where it is. Raises ValueError for no dataset, and for a place inside it."""
    from awbench.report.write import write_preview

    place = storage.resolve(dataset)
    return write_preview(place, page_of(place, out), single_file=single_file)


def page_of(place: str, out: str | None) -> Path:
    """Where the page of the dataset at `place` goes."""
    name = f"{storage.name_of(place)}_preview.html"
    if out is None:
        return Path(name) if storage.is_url(place) else Path(place).parent / name
    page = Path(out) if out.endswith(".html") else Path(out) / name
    inside = not storage.is_url(place) and page.resolve().is_relative_to(Path(place).resolve())
    require(not inside, "preview", "--out", out, "a place outside the dataset")
    return page
