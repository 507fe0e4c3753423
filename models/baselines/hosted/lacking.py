"""What a service cannot be asked without, before the first case: keys, a place for uploads, a price for a cap. Nothing is contacted."""

from __future__ import annotations

from models.baselines.hosted.keys import missing_keys
from models.baselines.hosted.options import HostedOptions
from models.baselines.hosted.uploads import check_upload


def lacking(keys: tuple[str, ...], options: HostedOptions, *, uploads: bool, priced: bool) -> list[str]:
    """`uploads`: whether the driver goes as a link; `priced`: whether a case has a price."""
    lines = missing_keys(keys)
    if uploads:
        try:
            check_upload("upload", options.upload)
        except ValueError as error:
            lines.append(str(error).removeprefix("upload: "))
    if options.max_cost_usd is not None and not priced:
        lines.append(f"usd_per_s: none, and max_cost_usd={options.max_cost_usd:g} needs a price; --set usd_per_s=USD")
    return lines
