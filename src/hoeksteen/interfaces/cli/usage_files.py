"""`hoeksteen usage`: files in, by hand or from the drop folder, and the formats that they may have."""

import re
import signal
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import counted, data_option, emit_json, json_option, progress_bars, report_console, report_table
from hoeksteen.interfaces.runtime import Runtime, open_runtime
from hoeksteen.kernel.errors import InvalidInput, NotFound, Refused, Unavailable
from hoeksteen.rating.counters import refresh
from hoeksteen.usage import operations as collection
from hoeksteen.usage.adapters import adapters as known_adapters
from hoeksteen.usage.adapters import named, of_ending
from hoeksteen.usage.adapters.base import Adapter, LineAdapter
from hoeksteen.usage.dropping import KEPT, SETTLED, Swept, sweep
from hoeksteen.usage.model import FileBalance, UsageState
from hoeksteen.usage.retrying import carry_out

_SERVICE = "bss"


@click.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, resolve_path=True))
@click.option("--adapter", metavar="NAME", help="The format (`hoeksteen usage adapters` lists them); by default by the files' ending.")
@click.option("--again", is_flag=True, help="Take files that were taken before; their records are duplicates.")
@data_option
@json_option
def collect(paths: tuple[Path, ...], adapter: str | None, again: bool, data: Path, as_json: bool) -> None:
    """Take usage files (or all files of directories) into the lake: each record in exactly one state."""
    began, settings = time.monotonic(), read_settings(data)
    known = known_adapters(settings.layouts)
    chosen = None if adapter is None else named(adapter, settings.layouts)
    files = [(file, chosen or _adapter_of(file, known)) for file in _files_of(paths, known, chosen)]
    balances: list[FileBalance] = []
    with open_runtime(settings, service=_SERVICE) as runtime, shown_progress("files") as (bars, task):
        bars.update(task, total=len(files))
        for file, one in files:
            bars.update(task, description=escape(file.name))
            balances.append(
                collection.collect(
                    database=runtime.database, keeper=runtime.keeper, lake=runtime.lake, path=file, adapter=one.name, now=runtime.clock.now(),
                    identifiers=runtime.identifiers, again=again, layouts=settings.layouts,
                )
            )  # fmt: skip
            bars.advance(task)
        _merge_files(runtime)
    seconds = round(time.monotonic() - began, 2)
    _show_collected(report_console(as_json=as_json), balances, seconds)
    if as_json:
        emit_json({"usage": _collected(balances), "files": [_file_figures(balance) for balance in balances], "seconds": seconds})


def _merge_files(runtime: Runtime) -> None:
    """Keep the lake in few files, a bounded piece of work after each delivery."""
    collection.merge_files(database=runtime.database, lake=runtime.lake, now=runtime.clock.now(), identifiers=runtime.identifiers)


@click.command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False, resolve_path=True),
    default=None,
    help="The drop folder; by default the installation's.",
)
@click.option("--once", is_flag=True, help="Take what is whole now, and end.")
@click.option("--poll", type=click.FloatRange(0.1, 3600), default=5.0, show_default=True, help="Seconds between two looks.")
@click.option(
    "--settled",
    type=click.FloatRange(0, 86_400),
    default=SETTLED.total_seconds(),
    show_default=True,
    help="Seconds without a change.",
)
@click.option("--kept", type=click.IntRange(0, 3650), default=KEPT.days, show_default=True, help="Days for which taken files stay in the archive.")
@data_option
@json_option
def watch(folder: Path | None, once: bool, poll: float, settled: float, kept: int, data: Path, as_json: bool) -> None:
    """
    Take files from the drop folder as they come, put them into its archive, and count on for their customers; try suspended usage
    again when somebody at the desk asked for it. `hoeksteen up` starts this.
    """
    settings, ended = read_settings(data), threading.Event()
    to_count: list[UUID] = []
    told: tuple[str, ...] = ()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: ended.set())
    with open_runtime(settings, service=_SERVICE) as runtime:
        while not ended.is_set():
            try:
                swept = sweep(
                    database=runtime.database, keeper=runtime.keeper, lake=runtime.lake, folder=folder or settings.drop, now=runtime.clock.now(),
                    identifiers=runtime.identifiers, layouts=settings.layouts, settled=timedelta(seconds=settled), kept=timedelta(days=kept),
                    stop=ended.is_set,
                )  # fmt: skip
                to_count += [file.usage_file_id for file in swept.taken if not file.already_taken]
                if to_count:
                    now = runtime.clock.now()
                    refresh(database=runtime.database, lake=runtime.lake, usage_file_ids=to_count, now=now, identifiers=runtime.identifiers)
                    to_count = []
                    _merge_files(runtime)  # after the customers were told
                tried = carry_out(
                    database=runtime.database, keeper=runtime.keeper, lake=runtime.lake, now=runtime.clock.now(), identifiers=runtime.identifiers
                )  # fmt: skip
            except (Refused, Unavailable, OSError) as error:  # a layout with faults, a grant that ended, a full disk: somebody can mend it
                if once:
                    raise
                click.echo(f"{runtime.clock.now():%Y-%m-%d %H:%M:%S} {error}", err=True)
            else:
                _tell(runtime, swept, told)
                told = swept.passed_over
                if tried is not None:
                    click.echo(f"{runtime.clock.now():%Y-%m-%d %H:%M:%S} tried again: {tried:,} that waited can be rated now", err=True)
                if once:
                    if as_json:
                        refused = [asdict(file) for file in swept.refused]
                        emit_json({"usage": _collected(swept.taken), "refused": refused, "waiting": swept.waiting, "passed_over": swept.passed_over})
                    return
            ended.wait(poll)


@click.command()
@data_option
@json_option
def adapters(data: Path, as_json: bool) -> None:
    """List the formats that usage files may have: those of installed packages, and the operator's own layouts."""
    try:
        layouts = read_settings(data).layouts
    except NotFound:
        layouts = None  # no installation yet: the formats that come with the program
    rows = [
        {
            "name": adapter.name,
            "source": adapter.source,
            "endings": list(adapter.endings),
            "reads": "lines" if isinstance(adapter, LineAdapter) else "records",
            "from": type(adapter).__module__.partition(".")[0],
        }
        for _, adapter in sorted(known_adapters(layouts).items())
    ]
    table = report_table("Formats of usage files")
    for heading in ("name", "source", "endings", "reads", "from"):
        table.add_column(heading)
    for row in rows:
        table.add_row(*(" ".join(value) if isinstance(value, list) else str(value) for value in row.values()))
    report_console(as_json=as_json).print(table)
    if as_json:
        emit_json({"adapters": rows})


@contextmanager
def shown_progress(what: str) -> Iterator[tuple[Progress, Any]]:
    """Show bars with one task, whose total is not known yet."""
    with progress_bars() as bars:
        yield bars, bars.add_task(what, total=None)


def _tell(runtime: Runtime, swept: Swept, told: Collection[str]) -> None:
    """
    Say what a sweep did.

    :param told: what it passed over and was said before
    """
    for balance in swept.taken:
        counts = ", ".join(f"{balance.records(state):,} {state}" for state in UsageState if balance.records(state))
        what = "already taken" if balance.already_taken else f"{counted(balance.records_in, 'record')}: {counts or 'none'}"
        click.echo(f"{runtime.clock.now():%Y-%m-%d %H:%M:%S} {balance.name}: {what}", err=True)
    for file in swept.refused:
        click.echo(f"{runtime.clock.now():%Y-%m-%d %H:%M:%S} refused: {file.why}", err=True)
    for what in swept.passed_over:
        if what not in told:
            click.echo(f"{runtime.clock.now():%Y-%m-%d %H:%M:%S} not taken: {what}", err=True)


def _files_of(paths: Sequence[Path], known: Mapping[str, Adapter], chosen: Adapter | None) -> list[Path]:
    """Give the files, those of a directory in the order of the numbers in their names."""
    endings = tuple(ending for adapter in ([chosen] if chosen else known.values()) for ending in adapter.endings)
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise NotFound(f"{path} is not there.", remedy="Name usage files, or directories that hold them.")
        inside = [path]
        if path.is_dir():
            inside = sorted((file for file in path.iterdir() if file.is_file() and file.name.endswith(endings)), key=_natural)
        if not inside:
            raise InvalidInput(f"{path} holds no usage file.", remedy=f"Files end in {' or '.join(sorted(set(endings)))}; or name each file.")
        files += inside
    return files


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if re.fullmatch("[0-9]{1,18}", part) else (-1, part) for part in re.split(r"([0-9]{1,18})", path.name)]


def _adapter_of(file: Path, known: Mapping[str, Adapter]) -> Adapter:
    adapter = of_ending(file.name, known)
    if adapter is None:
        raise InvalidInput(f"{file.name}: file: its ending tells no format.", remedy="Name one with --adapter.")
    return adapter


def _collected(balances: Sequence[FileBalance]) -> dict[str, int]:
    new = [entry for entry in balances if not entry.already_taken]
    figures = {"records_in": sum(entry.records_in for entry in new), "files": len(new), "already_taken": len(balances) - len(new)}
    return {**figures, **{str(state): sum(entry.records(state) for entry in new) for state in UsageState}}


def _file_figures(entry: FileBalance) -> dict[str, Any]:
    states = [{"state": str(count.state), "reason": count.reason, "records": count.records, "units": count.units} for count in entry.states]
    return {
        "usage_file_id": entry.usage_file_id,
        "name": entry.name,
        "already_taken": entry.already_taken,
        "records_in": entry.records_in,
        "states": states,
    }


def _show_collected(console: Console, balances: Sequence[FileBalance], seconds: float) -> None:
    table = report_table("Collected")
    for heading in ("file", "records", *UsageState):
        table.add_column(str(heading), justify="left" if heading == "file" else "right")
    for entry in balances:
        if entry.already_taken:
            table.add_row(escape(entry.name), "already taken", *("" for _ in UsageState))
        else:
            table.add_row(escape(entry.name), f"{entry.records_in:,}", *(f"{entry.records(state):,}" for state in UsageState))
    console.print(table)
    reasons: dict[tuple[str, str], int] = {}
    for entry in balances:
        for count in entry.states:
            if count.reason and not entry.already_taken:
                reasons[(str(count.state), count.reason)] = reasons.get((str(count.state), count.reason), 0) + count.records
    for (state, reason), records in sorted(reasons.items()):
        console.print(f"  {state} {reason}: {records:,}")
    console.print(f"In {seconds} s.")
