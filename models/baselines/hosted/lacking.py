"""What a service cannot be asked without, before the first case: keys, a place for uploads, a price for a cap. Nothing is contacted.

Where every case has its answer on disk nothing has to be sent, and nothing lacks.
"""

from __future__ import annotations

from typing import Iterable

from models.baselines.hosted.keys import missing_keys
from models.baselines.hosted.options import HostedOptions
from models.baselines.hosted.records import Jobs
from models.baselines.hosted.uploads import check_upload


def lacking(
    name: str, keys: tuple[str, ...], options: HostedOptions, *, uploads: bool, priced: bool, left: Iterable[str] = ()
) -> list[str]:
    """`uploads`: whether the driver goes as a link; `priced`: whether a case has a price; `left`: ids of the cases to do.

    A case counts as answered where a record of this system bears its id; whether it was asked with these pixels and settings is known when
    they are read, and a case that was not fails then, by itself, with the key that it lacks.
    """
    to_do = set(left)
    if to_do and to_do <= Jobs(options.folder / name).answered():
        return []
    lines = missing_keys(keys)
    if uploads:
        try:
            check_upload("upload", options.upload)
        except ValueError as error:
            lines.append(str(error).removeprefix("upload: "))
    if options.max_cost_usd is not None and not priced:
        lines.append(f"usd_per_s: none, and max_cost_usd={options.max_cost_usd:g} needs a price; --set usd_per_s=USD")
    return lines
