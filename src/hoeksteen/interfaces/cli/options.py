"""Options that many commands share, and the one way in which a command reports."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from hoeksteen.host.settings import default_data


def data_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--data DIR`, the installation that the command works on."""
    return click.option(
        "--data", type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
        default=default_data, show_default="HOEKSTEEN_DATA or the user's own", help="The installation's data directory.",
    )(command)  # fmt: skip


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--json`: the last line that the command prints is then one JSON object."""
    return click.option("--json", "as_json", is_flag=True, help="End with one JSON object on the last line.")(command)


def emit_json(figures: dict[str, Any]) -> None:
    """Print the figures as one line of JSON."""
    click.echo(json.dumps(figures, default=str, ensure_ascii=False))


def report_console(*, as_json: bool) -> Console:
    """Give where the report for people goes: beside the JSON object, so that whoever reads that object sees nothing else on its stream."""
    return Console(stderr=as_json)


def progress_bars() -> Progress:
    """Give bars that show how far a command is, and for how long still; on a terminal's standard error only, and gone at the end."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
