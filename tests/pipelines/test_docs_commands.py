"""Every command line in README.md and docs/*.md is one that the real parser takes; nothing is executed."""

from __future__ import annotations

import functools
import re
import shlex
from importlib import import_module
from pathlib import Path

import pytest

from pipelines.cli import SUMMARIES, main

ROOT = Path(__file__).parents[2]
PROGRAM = re.compile(r"^(?:actorforge|\$BIN|\.venv/bin/actorforge)\s+(.*)$")
FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def commands_of(text: str) -> list[list[str]]:
    """The arguments of the commands in fenced blocks: lines joined at `\\`, comments and the ends of loops off, [optional | ones] taken."""
    blocks = "\n".join(FENCE.findall(text)).replace("\\\n", " ")
    found = (PROGRAM.match(line.strip()) for line in blocks.splitlines())
    lines = (re.sub(r";\s*done$", "", one[1]) for one in found if one)
    return [shlex.split(re.sub(r"[][|]", " ", line), comments=True) for line in lines]


def documented() -> list[tuple[str, list[str]]]:
    files = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
    return [(file.name, words) for file in files for words in commands_of(file.read_text(encoding="utf-8"))]


def parse(monkeypatch: pytest.MonkeyPatch, words: list[str]) -> int:
    """The exit status of the command line, its verb replaced by one of the same arguments that does nothing."""
    for verb in SUMMARIES:
        module = import_module(f"pipelines.verbs.{verb}")
        real = getattr(module, verb)
        monkeypatch.setattr(module, verb, functools.wraps(real)(lambda *given, **named: 0))
    try:
        return main(words)
    except SystemExit as end:  # argparse's way to refuse
        return int(end.code or 0)


@pytest.mark.parametrize(("file", "words"), documented(), ids=lambda value: value if isinstance(value, str) else " ".join(value[:2]))
def test_a_documented_command_is_one_the_parser_takes(file, words, monkeypatch, capsys):
    assert parse(monkeypatch, words) == 0, f"{file}: actorforge {shlex.join(words)}: {''.join(capsys.readouterr())[-600:]}"


def test_commands_are_found_and_wrong_ones_are_refused(monkeypatch):
    text = "$BIN no\n```sh\n$BIN score runs/* [--device cuda | --workers 4]  # why\n# $BIN no\n```\n"
    text += "```\nfor a in x; do\n  .venv/bin/actorforge ls \\\n suites; done\n```\n$BIN no\n"
    assert commands_of(text) == [["score", "runs/*", "--device", "cuda", "--workers", "4"], ["ls", "suites"]]
    assert len(documented()) >= 20 and {"README.md", "judge.md", "results.md"} <= {file for file, _ in documented()}
    assert parse(monkeypatch, ["ls", "suites"]) == 0 and parse(monkeypatch, ["score", "runs/a", "--nonsense", "1"]) == 2
    assert parse(monkeypatch, ["compare", "a", "--basline", "b"]) == 2
