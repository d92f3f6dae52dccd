"""A command that a document, a docstring or a remedy names can be typed: it exists, and has the options that stand behind it."""

import ast
import re
import shlex
import subprocess
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import click
import pytest

from hoeksteen.interfaces.cli.main import cli
from hoeksteen_keeper.service.cli.main import PARTS
from hoeksteen_keeper.service.cli.main import cli as keeper

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS: dict[str, click.Command] = {"hoeksteen": cli, "hoeksteen-keeper": keeper}
# what docs/formats.md hashes: labels that begin with the product's name
LABELS = re.compile(r"hoeksteen (seal|epoch|key|kek name|named key|log tags|grant|change|decision)|hoeksteen-keeper \w+ v\d.*")
QUOTED = re.compile(r"`((?:\.venv/bin/)?hoeksteen(?:-keeper)? [^`]+)`")
TYPED = re.compile(r"^(?: {4,}|\$ )((?:\.venv/bin/)?hoeksteen(?:-keeper)? .+)$", re.MULTILINE)


def _texts(tree: ast.AST) -> Iterator[str]:
    """Every text of a module; what an f-string fills in is some word."""
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in ast.walk(node) if part is not node}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "WORD" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in inside:
            yield node.value


def _named() -> Iterator[tuple[str, str]]:
    listed = subprocess.run(["git", "ls-files", "-z", "*.py", "*.md", "*.html"], cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in listed.split("\0"):
        path = ROOT / name
        if not path.is_file() or name.startswith("tests/tidy/"):
            continue
        text = path.read_text("utf-8")
        for part in _texts(ast.parse(text)) if path.suffix == ".py" else [text]:
            yield from ((name, found) for found in QUOTED.findall(part))
            if path.suffix == ".md":
                yield from ((name, found.partition("#")[0]) for found in TYPED.findall(part))


def _fault(line: str) -> str | None:
    """Say why a command line cannot be typed; a value may be missing where only the option is meant."""
    words = [word for word in shlex.split(line.rstrip("\\")) if word not in ("…", "...")]
    program, *rest = words
    command = PROGRAMS[program.removeprefix(".venv/bin/")]
    context = click.Context(command, info_name=program)
    while isinstance(command, click.Group) and rest and not rest[0].startswith("-") and rest[0] != "WORD":
        found = command.get_command(context, rest[0])
        if found is None:
            return f"there is no command {rest[0]}"
        command, rest = found, rest[1:]
        context = click.Context(command, parent=context, info_name=command.name)
    if isinstance(command, click.Group) and rest == ["WORD"]:
        return None
    try:
        _, left, _ = command.make_parser(context).parse_args(list(rest))
    except click.NoSuchOption as error:
        return error.message
    except click.BadOptionUsage:
        return None
    return f"what is {left[0]}?" if left else None


def _alternatives(line: str) -> list[str]:
    """`hoeksteen up | down` are two commands."""
    first, *others = line.split(" | ")
    return [first, *(f"{first.split()[0]} {other}" for other in others)]


def test_every_command_that_is_named_can_be_typed() -> None:
    named = [(where, line) for where, found in _named() for line in _alternatives(" ".join(found.split())) if not LABELS.fullmatch(line)]
    assert len(named) > 50
    assert [f"{where}: `{line}`: {fault}" for where, line in named if (fault := _fault(line))] == []


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("hoeksteen bill print", "there is no command print"),
        ("hoeksteen consolidate --mappings fixed", "No such option"),
        ("hoeksteen down now", "what is now?"),
        ("hoeksteen-keeper grand approve GRANT", "there is no command grand"),
        ("hoeksteen consolidate profile --mapping fixed --input fixed.csv", None),
        ("hoeksteen consolidate --cutover", None),
    ],
)
def test_what_cannot_be_typed_is_found(line: str, fault: str | None) -> None:
    found = _fault(line)
    assert found is None if fault is None else found is not None and found.startswith(fault)


def test_each_part_of_the_keepers_command_line_is_listed_with_its_commands() -> None:
    for part, names in PARTS.items():
        assert tuple(command.name for command in import_module(f"hoeksteen_keeper.service.cli.{part}").commands) == names
    parts = {path.stem for path in (ROOT / "src/hoeksteen_keeper/service/cli").glob("*.py")}
    assert parts - set(PARTS) == {"__init__", "main", "options"}
