"""A name without where its folder lies on this machine: what is recorded is published."""

from __future__ import annotations

import re
from pathlib import PurePath

_MODULE = re.compile(r"([A-Za-z_][\w.]*:[A-Za-z_]\w*):(/(?!/).*)", re.DOTALL)


def placeless(animator: str) -> str:
    """`name:FOLDER`, `module:function:FOLDER` or a folder, its absolute path cut down to its own name; any other text as it is."""
    head, colon, argument = animator.partition(":")
    if module := _MODULE.fullmatch(animator):
        head, argument = module.groups()
    place = PurePath(argument if colon else head)
    if not place.is_absolute():
        return animator
    kept = place.parent.name if place.name == "videos" else place.name
    return f"{head}:{kept}" if colon else kept
