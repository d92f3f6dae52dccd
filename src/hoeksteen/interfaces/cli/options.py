"""Options that many commands share, and the one way in which a command reports."""

import json
import os
import pwd
import re
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from hoeksteen.host.settings import default_data
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.kernel.time_period import OPERATOR_ZONE

_YEARS = (1990, 2100)  # days beyond them are typing errors
DESK_PORT = 8420
KEEPER_PORT = 8421


def data_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--data DIR`, the installation that the command works on."""
    return click.option(
        "--data", type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
        default=default_data, show_default="HOEKSTEEN_DATA or the user's own", help="The installation's data directory.",
    )(command)  # fmt: skip


def port_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--desk-port` and `--keeper-port`, for a new installation."""
    port = click.IntRange(1, 65_535)
    command = click.option("--keeper-port", type=port, default=None, help=f"Port of the keeper's own origin ({KEEPER_PORT}).")(command)
    return click.option("--desk-port", type=port, default=None, help=f"Port of the desk on 127.0.0.1 ({DESK_PORT}).")(command)


def json_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--json`: the last line that the command prints is then one JSON object."""
    return click.option("--json", "as_json", is_flag=True, help="End with one JSON object on the last line.")(command)


def background_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--background`: the command puts the work into the queue and ends, and the worker does it."""
    return click.option("--background", is_flag=True, help="Let the worker do it; `hoeksteen jobs` shows how far it is.")(command)


def tell_in_background(what: str, figures: dict[str, Any], *, as_json: bool) -> None:
    """
    Say that the worker does something now, and where to see how far it is.

    :param figures: what `--json` gives, such as the job
    """
    if as_json:
        emit_json(figures)
    else:
        click.echo(f"{what} is the worker's now: `hoeksteen jobs` shows how far it is, and what came of it.")


def by_option(name: str = "who") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add `--by NAME`, who does it: it stands beside what was done."""
    return click.option("--by", name, required=True, help="Who does it; it stands beside what was done.")


def emit_json(figures: dict[str, Any]) -> None:
    """Print the figures as one line of JSON."""
    click.echo(json.dumps(figures, default=str, ensure_ascii=False))


def require_writable(path: Path) -> None:
    """
    Refuse a file that cannot be written, before anything is disclosed for it; make its folder where that may be.

    :raises InvalidInput: saying as whom this process writes, because root's commands go on as the application
    """
    me = pwd.getpwuid(os.geteuid()).pw_name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        may = os.access(path if path.exists() and not path.is_file() else path.parent, os.W_OK)  # a file is replaced in its folder
    except OSError:
        may = False
    if not may:
        what = f"may not write {path}" if os.path.isdir(path.parent) else f"cannot make the folder {path.parent}"
        raise InvalidInput(f"--out: this command runs as {me}, who {what}.", remedy=f"Name a file in a folder of {me}'s, or write `--out - > FILE`.")


def a_month(_context: click.Context, _option: click.Parameter, value: str | None) -> date | None:
    """Read a month such as 2026-10 from an option, as its first day."""
    return None if value is None else _read_day(value, f"{value}-01", "a month; write it as 2026-10")


def a_day(_context: click.Context, _option: click.Parameter, value: str | None) -> date | None:
    """Read a day such as 2026-11-01 from an option."""
    return None if value is None else _read_day(value, value, "a day; write it as 2026-11-01")


def a_euro_amount(_context: click.Context, _option: click.Parameter, value: str | None) -> Decimal | None:
    """Read euros and cents such as 54.95 from an option."""
    if value is not None and not re.fullmatch(r"\d{1,9}(\.\d{1,2})?", value, re.ASCII):
        raise click.BadParameter(f"{value[:40]!r} is no amount; write euros and cents as 54.95")
    return None if value is None else Decimal(value)


def _read_day(value: str, day: str, what: str) -> date:
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", day):
        raise click.BadParameter(f"{value!r} is not {what}")
    try:
        found = date.fromisoformat(day)
    except ValueError:
        raise click.BadParameter(f"{value!r} is not {what}") from None
    if not _YEARS[0] <= found.year <= _YEARS[1]:
        raise click.BadParameter(f"{value} lies outside the years {_YEARS[0]} to {_YEARS[1]}")
    return found


class _ReportTable(Table):
    """A table that breaks what is too wide over lines: what is cut off with an ellipsis cannot be read or copied."""

    def add_column(self, *args: Any, **options: Any) -> None:
        super().add_column(*args, **{"overflow": "fold", **options})


def report_table(title: str | None = None) -> Table:
    """Give an empty table, narrow enough that figures stay whole on a terminal of 80 columns."""
    return _ReportTable(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, collapse_padding=True, show_edge=False)


def print_table(console: Console, table: Table, *, nothing: str) -> None:
    """
    Print a table, or say in a sentence that there is nothing to show: an empty table leaves open whether the question was understood.

    :param nothing: that sentence
    """
    if table.row_count:
        console.print(table)
    else:
        console.print(nothing, soft_wrap=True, markup=False)


def counted(number: int, one: str, more: str | None = None) -> str:
    """Give a number with its noun, as in `1 record` and `2 records`."""
    return f"{number:,} {one if number == 1 else more or one + 's'}"


def in_euros(amount: Decimal) -> str:
    """Give an amount of euros as tables show it."""
    return f"{amount:,.2f}"


def report_pairs(title: str | None = None) -> Table:
    """Give an empty table of names and their values, without headings."""
    table = report_table(title)
    table.show_header = False
    table.add_column("name")
    table.add_column("value")
    return table


def at_local(instant: datetime) -> str:
    """Give an instant as the clocks of the operator showed it, to the minute."""
    return f"{instant.astimezone(OPERATOR_ZONE):%Y-%m-%d %H:%M}"


def report_console(*, as_json: bool) -> Console:
    """Give where the report for people goes: beside the JSON object, so that whoever reads that object sees nothing else on its stream."""
    return Console(stderr=as_json)


def progress_bars() -> Progress:
    """Give bars that show how far a command is, and for how long still; on a terminal's standard error only, and gone at the end."""
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
