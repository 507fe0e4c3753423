"""Where a repository, its interpreter and its weights lie on this machine; and the mark of what they hold.

By option (`--set repo=DIR`), else by environment (ACTORFORGE_SCAIL2_REPO, ..._PYTHON, ..._WEIGHTS), the interpreter else in the
repository's own .venv or venv. All is looked at before the first case; what is missing is said with the way to get it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import asdict, dataclass
from itertools import dropwhile, takewhile
from pathlib import Path
from typing import Any

from models.artifacts import sha256
from models.baselines.external.spec import Spec, Step
from models.types import require

_PYTHONS = (".venv/bin/python", "venv/bin/python", ".venv/Scripts/python.exe")
_CHANGES = ("diff", "HEAD", "--no-ext-diff", "--no-textconv", "--", ".", ":(exclude)*.pyc")
"""Some repositories hold compiled files, which change by being run."""
_SKIPPED = {".git", ".venv", "venv", "node_modules", "__pycache__"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """`weights`: None where the commands name no weights folder."""

    repo: Path
    python: str
    weights: Path | None


def find_places(spec: Spec, options: Any) -> Places:
    """Raises ValueError naming what is missing and how to get it."""
    repo = _repo(spec, options.repo)
    return Places(repo=repo, python=_python(spec, options.python, repo), weights=_weights(spec, options.weights, repo))


def missing_places(spec: Spec, options: Any) -> list[str]:
    """One line for each that is not there; without a repository its interpreter is not looked for."""
    lines, repo = [], None
    try:
        repo = _repo(spec, options.repo)
        lines += _absent_scripts(spec, repo)
    except ValueError as error:
        lines.append(str(error))
    for find, told in ((_python, options.python), (_weights, options.weights)):
        try:
            if repo is not None or (find is _python and _told(spec, "python", told)) or find is _weights:
                find(spec, told, repo or Path())
        except ValueError as error:
            lines.append(str(error))
    return [line.removeprefix(f"animator {spec.name}: ") for line in lines]


def _absent_scripts(spec: Spec, repo: Path) -> list[str]:
    """A line for each command whose script is not in the repository, as far as it is known before a request."""
    lines = []
    for at, step in enumerate(spec.commands, 1):
        script, folder = _script(step), step.cwd.replace("{repo}", str(repo))
        if not script or "{" in folder:
            continue
        if not (repo / folder / script).exists():
            what = "serve: it" if spec.serve else f"steps: step {at}"
            lines.append(f"{what} runs {script}, which is not in the repository {repo}")
    return lines


def _script(step: Step) -> str:
    """The file that a command runs, "" where it is a program, a module, or lies where a request's files do."""
    words = [word for word in step.run if isinstance(word, str)]
    if words and words[0] == "{python}":
        words = words[1:]
        if any(word in ("-c", "-m") for word in takewhile(lambda word: word.startswith("-"), words)):
            return ""
        words = list(dropwhile(lambda word: word.startswith("-"), words))
        words = words[2:] if words[:1] == ["{changed_copy}"] else words  # CHANGED_COPY REQUEST SCRIPT COPY
    elif words and "/" not in words[0]:
        return ""
    script = words[0].removeprefix("{repo}/") if words else ""
    return script if Path(script).suffix and "{" not in script and not script.startswith("/") else ""


def variable(spec: Spec, what: str) -> str:
    """The name of the environment variable that says where it lies: ACTORFORGE_SCAIL2_REPO."""
    return f"ACTORFORGE_{spec.name.upper()}_{what.upper()}"


def _told(spec: Spec, what: str, option: str) -> str:
    return option or os.environ.get(variable(spec, what), "")


def _repo(spec: Spec, option: str) -> Path:
    told, item = _told(spec, "repo", option), f"animator {spec.name}"
    advice = f"git clone {spec.repository.url} DIR, install it into an environment of its own as its README says"
    advice += f", then --set repo=DIR or {variable(spec, 'repo')}=DIR"
    require(bool(told), item, "repo", "nothing", "the folder of the repository", advice)
    repo = Path(told).expanduser().resolve()
    require(repo.is_dir(), item, "repo", told, "an existing folder", advice)
    lacking = next((name for name in spec.repository.files if not (repo / name).exists()), None)
    require(
        lacking is None, item, "repo", f"{told} without {lacking}", f"a clone of {spec.repository.url} ({spec.repository.read})", advice
    )
    return repo


def _python(spec: Spec, option: str, repo: Path) -> str:
    told, item = _told(spec, "python", option), f"animator {spec.name}"
    advice = f"--set python=PATH or {variable(spec, 'python')}=PATH: the interpreter its requirements are installed for"
    own = next((str(repo / name) for name in _PYTHONS if (repo / name).exists()), "")
    require(bool(told or own), item, "python", f"none in {_PYTHONS[0]} of the repository", "an interpreter", advice)
    found = shutil.which(os.path.expanduser(told or own))
    require(found is not None, item, "python", told or own, "an executable file", advice)
    return os.path.abspath(found)  # not resolved: a virtual environment's interpreter is a link


def _weights(spec: Spec, option: str, repo: Path) -> Path | None:
    told, item = _told(spec, "weights", option), f"animator {spec.name}"
    if not told and not spec.weights.files and not spec.wants("weights"):
        return None
    advice = f"{spec.weights.get or 'see its README'}; then --set weights=DIR or {variable(spec, 'weights')}=DIR"
    require(bool(told), item, "weights", "nothing", "the folder of its weights", advice)
    folder = Path(told).expanduser().resolve()
    require(folder.is_dir(), item, "weights", told, "an existing folder", advice)
    lacking = next((name for name in spec.weights.files if not any(folder.glob(name))), None)
    require(lacking is None, item, "weights", f"{told} without {lacking}", "the files its commands read", advice)
    return folder


def weights_parts(spec: Spec, places: Places) -> dict[str, Any]:
    """What answers come of: the description, the repository's state, and names and sizes in the weights folder."""
    weights = _listed(places.weights) if places.weights else []
    return {"YAML": asdict(spec), "repository": code_mark(places.repo), "weights": weights}


def code_mark(repo: Path) -> str:
    """The commit, with a hash of what was changed since; outside of git, of all its Python files."""
    top = _git(repo, "rev-parse", "--show-toplevel")
    if top is not None and Path(top.decode().strip()).resolve() == repo:  # not one that merely lies within another's checkout
        commit, changed = _git(repo, "rev-parse", "HEAD"), _git(repo, *_CHANGES)
        if commit is not None:
            return commit.decode().strip() + (f"+{sha256(changed)[:16]}" if changed else "")
    files = sorted(path for path in _walk(repo) if path.suffix == ".py")
    return sha256("".join(f"{path.relative_to(repo).as_posix()} {sha256(path.read_bytes())}\n" for path in files).encode())


def _git(repo: Path, *words: str) -> bytes | None:
    quiet = ("-c", "core.fsmonitor=false", "-c", "core.hooksPath=/dev/null")
    env = {"PATH": os.environ.get("PATH", os.defpath), "GIT_OPTIONAL_LOCKS": "0", "GIT_CONFIG_NOSYSTEM": "1", "HOME": os.devnull}
    try:
        done = subprocess.run(["git", *quiet, "-C", str(repo), *words], capture_output=True, timeout=60, env=env, stdin=subprocess.DEVNULL)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout if done.returncode == 0 else None


def _listed(folder: Path) -> list[list[Any]]:
    return [[path.relative_to(folder).as_posix(), path.stat().st_size] for path in sorted(_walk(folder))]


def _walk(folder: Path) -> list[Path]:
    found = []
    for top, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if name not in _SKIPPED)
        found += [path for name in names if (path := Path(top) / name).is_file() and not name.endswith((".pyc", ".lock"))]
    return found
