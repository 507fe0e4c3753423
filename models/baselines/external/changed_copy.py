"""Writes a copy of a script or a configuration with other values in it: for repositories whose inputs stand in the source.

    python changed_copy.py REQUEST SOURCE TARGET NAME:=EXPRESSION ...

REQUEST is the request.json, which an expression sees as `request`. NAME is, in a Python file,

    max_frames                a variable that is assigned at the top of the file
    inference.seed            one that is assigned in that function
    pipe(prompt), seed_all(0) the keyword, or the positional argument, of every call of that name

and in a YAML or JSON file the way to a value: `UNet.seq_len`, new or not. A Python name that is not found is an error: the repository has
changed since its description was written. Run by the repository's own Python (3.9 or later), so nothing but the standard library,
and PyYAML for YAML.
"""

from __future__ import annotations

import ast
import json
import os
import re
import sys

_CALL = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\(([A-Za-z0-9_]+)\)")


def main(argv: list[str]) -> None:
    with open(argv[0], encoding="utf-8") as file:
        request = json.load(file)
    source, target = argv[1], argv[2]
    values = {}
    for pair in argv[3:]:
        name, _, expression = pair.partition(":=")
        values[name.strip()] = eval(expression, {"request": request, "os": os})  # the description's own words, never a request's
    with open(source, encoding="utf-8") as file:
        text = file.read()
    changed = changed_python(text, values, source) if source.endswith(".py") else changed_config(text, values, source)
    with open(target, "w", encoding="utf-8") as file:
        file.write(changed)


def changed_config(text: str, values: dict, source: str) -> str:
    """A YAML or JSON file with values set."""
    as_json = source.endswith(".json")
    if not as_json:
        import yaml
    config = json.loads(text) if as_json else yaml.safe_load(text)
    for name, value in values.items():
        place, parts = config, name.split(".")
        for part in parts[:-1]:
            place = place.setdefault(part, {})
        place[parts[-1]] = value
    return json.dumps(config, indent=1) if as_json else yaml.safe_dump(config, sort_keys=False)


def changed_python(text: str, values: dict, source: str) -> str:
    """A script with assignments and arguments of calls replaced. Raises SystemExit naming what was not found."""
    tree = ast.parse(text)
    for name, value in values.items():
        new = ast.parse(repr(value), mode="eval").body
        call = _CALL.fullmatch(name)
        found = _in_calls(tree, call[1], call[2], new) if call else _in_assignments(tree, name, new)
        if not found:
            sys.exit(f"{os.path.basename(source)}: nothing named {name} to change; the repository is not the one described")
    return ast.unparse(ast.fix_missing_locations(tree))


def _in_assignments(tree: ast.Module, name: str, new: ast.expr) -> int:
    function, _, variable = name.rpartition(".")
    scopes = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name == function] if function else [tree]
    found = 0
    for scope in scopes:
        for node in ast.walk(scope) if function else scope.body:
            if isinstance(node, ast.Assign) and any(isinstance(each, ast.Name) and each.id == variable for each in node.targets):
                node.value, found = new, found + 1
    return found


def _in_calls(tree: ast.Module, name: str, argument: str, new: ast.expr) -> int:
    found = 0
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or name not in (getattr(node.func, "id", ""), getattr(node.func, "attr", "")):
            continue
        if argument.isdigit() and int(argument) < len(node.args):
            node.args[int(argument)], found = new, found + 1
        for keyword in node.keywords:
            if keyword.arg == argument:
                keyword.value, found = new, found + 1
    return found


if __name__ == "__main__":
    main(sys.argv[1:])
