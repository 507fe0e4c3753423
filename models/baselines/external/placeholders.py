"""`{reference}`, `{seed}`, ... in the commands of a YAML, and what stands in their place.

No shell reads a command: an argument is one argument whatever stands in it. An argument with `:=` is meant for `changed_copy`, whose
expressions see the request themselves, and goes as it is.
"""

from __future__ import annotations

import difflib
import re
from typing import Any, Iterable, Mapping

GIVEN = (
    "reference", "driver", "pose", "pose_video", "prompt", "seed", "width", "height", "num_frames", "fps",
    "work", "out", "request", "result", "repo", "python", "weights", "changed_copy",
)  # fmt: skip
"""What each command may name, beside the options of its own YAML."""
VERBATIM = ":="
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")


def check_placeholders(text: str, known: Iterable[str], item: str) -> None:
    """Raises ValueError naming the placeholder that is not known, and near ones."""
    known = list(known)
    for name in [] if VERBATIM in text else _PLACEHOLDER.findall(text):
        if name not in known:
            near = difflib.get_close_matches(name, known, n=2)
            hint = f"; did you mean {' or '.join(near)}?" if near else ""
            raise ValueError(f"{item}: placeholder: got {{{name}}}, expected one of {', '.join(known)}{hint}")


def expand(text: str, values: Mapping[str, Any]) -> str:
    """`text` with its placeholders filled; one without a value is empty."""
    return text if VERBATIM in text else _PLACEHOLDER.sub(lambda match: told(values.get(match[1])), text)


def command(run: Iterable[Any], values: Mapping[str, Any]) -> list[str]:
    """The arguments of a command. A group (tuple) stands only where every placeholder in it has a value that is not empty."""
    done: list[str] = []
    for entry in run:
        if not isinstance(entry, tuple):
            done.append(expand(str(entry), values))
        elif all(told(values.get(name)) for part in entry for name in _PLACEHOLDER.findall(str(part))):
            done += [expand(str(part), values) for part in entry]
    return done


def told(value: Any) -> str:
    """A value as a command line takes it: true and false, whole numbers without a point."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:.10g}" if isinstance(value, float) else str(value)
