"""`hoeksteen consolidate plan`, `rehearse`, `copy`, `switch`, `rollback`, `waves`: customers come over in waves, and may go back."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from functools import wraps
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.markup import escape

from hoeksteen.consolidation import delta as changes
from hoeksteen.consolidation import rollback as rolling_back
from hoeksteen.consolidation import waves as in_waves
from hoeksteen.consolidation.carrying import Carried, Work
from hoeksteen.consolidation.pseudonyms import Pseudonyms, read_or_make_key
from hoeksteen.consolidation.verifying import SAMPLES
from hoeksteen.consolidation.verifying import verify as verify_wave
from hoeksteen.consolidation.wave_rules import read_waves
from hoeksteen.host.settings import Settings, read_settings
from hoeksteen.interfaces.cli.consolidate import print_report, progress_of_stages
from hoeksteen.interfaces.cli.consolidate_shared import cutover_option, input_option, mapping_option, sources_of
from hoeksteen.interfaces.cli.options import (
    a_day,
    at_local,
    by_option,
    counted,
    data_option,
    emit_json,
    json_option,
    print_table,
    report_console,
    report_table,
)
from hoeksteen.interfaces.runtime import Runtime, open_runtime
from hoeksteen.kernel.errors import Corrupt
from hoeksteen.kernel.time_period import local_day
from hoeksteen.party.queries import customers
from hoeksteen.storage.postgres import Database

_SERVICE = "bss"
_WAVE = click.option("--wave", required=True, help="Its name, as the file of the waves has it.")
_KEPT_SHOWN_MAX = 50


def _exports(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a command that reads exports, and give it a function that opens what it needs."""

    @wraps(command)
    def run(*, mappings: tuple[Path, ...], inputs: tuple[Path, ...], cutover: date | None, who: str, data: Path, **options: Any) -> Any:
        sources = sources_of(mappings, inputs, {})

        @contextmanager
        def opened() -> Iterator[Work]:
            settings = read_settings(data)
            with open_runtime(settings, service=_SERVICE) as runtime, progress_of_stages() as tell:
                day = cutover or _cutover_of(runtime, options.get("wave")) or local_day(runtime.clock.now()).replace(day=1)
                yield Work(
                    database=runtime.database, keeper=runtime.keeper, identifiers=runtime.identifiers, clock=runtime.clock, sources=sources,
                    pseudonyms=_pseudonyms(settings), cutover=day, by=who, progress=tell,
                )  # fmt: skip

        return command(opened=opened, **options)

    wrapped: Callable[..., Any] = run
    for option in (json_option, data_option, by_option("who"), cutover_option, input_option, mapping_option):
        wrapped = option(wrapped)
    return wrapped


def _numbers(database: Database, customer_ids: Sequence[UUID]) -> dict[UUID, str]:
    with database.transaction() as tx:
        return {one.customer_id: one.customer_number for one in customers(tx=tx, customer_ids=customer_ids)}


def _cutover_of(runtime: Runtime, wave: str | None) -> date | None:
    """Give the cutover that a wave was copied or switched with: what follows keeps to it."""
    with runtime.database.transaction() as tx:
        return next((one.cutover for one in in_waves.waves(tx=tx) if one.wave == wave), None)


def _pseudonyms(settings: Settings) -> Pseudonyms:
    return Pseudonyms(read_or_make_key(settings.service_keys / "consolidation.key"))


@click.command()
@click.option("--waves", "file", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The rules of the waves.")
@_exports
def plan(file: Path, opened: Any, as_json: bool) -> None:
    """Plan waves: read the exports and show how many customers are in each; nobody is loaded, and every record waits."""
    began = time.monotonic()
    with opened() as work:
        carried, planned = in_waves.plan(work=work, waves=read_waves(file, work.pseudonyms))
    console = report_console(as_json=as_json)
    table = report_table("Who would come over in which wave")
    for heading in ("wave", "customers", "records", "consumers", "businesses"):
        table.add_column(heading, justify="left" if heading == "wave" else "right")
    for name, counts in planned.items():
        shown = (counts[what] for what in ("customers", "records", "consumer", "business"))
        table.add_row(name or "none: they wait", *(f"{count:,}" for count in shown))
    print_table(console, table, nothing="Everybody is here already.")
    _tell(console, carried, began, as_json=as_json, waves=planned)


@click.command()
@click.option("--wave", help="Its name; everything at once where none is named.")
@_exports
def rehearse(wave: str | None, opened: Any, as_json: bool) -> None:
    """Do all that a copy would do, and leave nothing of it: same report, same counts, and what would change."""
    began = time.monotonic()
    with opened() as work:
        carried = in_waves.rehearse(work=work, wave=wave)
    console = report_console(as_json=as_json)
    console.print("[bold]A rehearsal[/]: nothing was kept but the run itself.")
    _tell(console, carried, began, as_json=as_json)


@click.command()
@_WAVE
@_exports
def copy(wave: str, opened: Any, as_json: bool) -> None:
    """Load the customers of a wave; the old system goes on billing them until the switch."""
    began = time.monotonic()
    with opened() as work:
        carried = in_waves.copy(work=work, wave=wave)
    _tell(report_console(as_json=as_json), carried, began, as_json=as_json)


def _tell(console: Console, carried: Carried, began: float, *, as_json: bool, **more: Any) -> None:
    seconds = round(time.monotonic() - began, 2)
    table = report_table("What changed since")
    for heading in ("source", "new", "changed", "gone"):
        table.add_column(heading, justify="left" if heading == "source" else "right")
    titles = {source.name: source.title for source in carried.report.sources}
    for source, counts in carried.changes.items():
        table.add_row(escape(titles.get(source, source)), *(f"{counts[what]:,}" for what in ("new", "changed", "gone")))
    console.print(table)
    print_report(console, carried.report, seconds)
    if as_json:
        emit_json(
            {"run_id": str(carried.run.run_id), "changes": carried.changes, **carried.report.as_json(), **more, "seconds": seconds}
        )  # fmt: skip
    if not carried.report.closes:
        raise Corrupt("The balance of a source does not close.", remedy="Keep the data directory; the table above names what is missing.")


@click.command()
@_WAVE
@_exports
def delta(wave: str, opened: Any, as_json: bool) -> None:
    """Take over what changed in the old systems since the copy: who is new, changed or gone; what was changed here stays, and is named."""
    _take_over(changes.delta, wave, opened, as_json=as_json)


@click.command()
@_WAVE
@_exports
def freeze(wave: str, opened: Any, as_json: bool) -> None:
    """Take the last delta of a wave, and refuse any more; the old systems change nothing from here on."""
    _take_over(changes.freeze, wave, opened, as_json=as_json)


def _take_over(step: Callable[..., tuple[Carried, changes.TakenOver]], wave: str, opened: Any, *, as_json: bool) -> None:
    began = time.monotonic()
    with opened() as work:
        carried, taken = step(work=work, wave=wave)
        numbers = _numbers(work.database, (*taken.changed_here[:_KEPT_SHOWN_MAX], *taken.left[:_KEPT_SHOWN_MAX]))
    console = report_console(as_json=as_json)
    for name, said in (
        ("renewed", "taken over as they are now"), ("ended", "with products that ended"), ("removed", "without what is given no more"),
        ("changed_here", "changed there and here: look at them at the desk"), ("left", "changed there in a way that cannot be taken over"),
    ):  # fmt: skip
        some = getattr(taken, name)
        if some:
            console.print(f"[bold]{counted(len(some), 'customer')}[/] {said}", highlight=False)
            if name in ("changed_here", "left"):
                console.print("  " + ", ".join(numbers.get(one, str(one)) for one in some[:_KEPT_SHOWN_MAX]), highlight=False)
    _tell(console, carried, began, as_json=as_json, taken=taken.as_json())


@click.command()
@_WAVE
@click.option("--samples", type=click.IntRange(0, 1_000), default=SAMPLES, show_default=True, help="How many customers are read back.")
@_exports
def verify(wave: str, samples: int, opened: Any, as_json: bool) -> None:
    """Reconcile a switched wave again, and read numbers and SIMs of samples back through the keeper."""
    began = time.monotonic()
    with opened() as work:
        done = verify_wave(work=work, wave=wave, samples=samples)
    console = report_console(as_json=as_json)
    console.print(f"[bold]{counted(done.samples, 'customer')}[/] read back, {len(done.wrong)} wrong", highlight=False)
    _tell(console, done.carried, began, as_json=as_json, samples=done.samples, wrong=[str(one) for one in done.wrong])
    if done.wrong:
        raise Corrupt(
            f"The numbers of {counted(len(done.wrong), 'customer')} are not those of the exports, {done.wrong[0]} first.",
            remedy="Look at them at the desk, or roll the wave back.",
        )


@click.command()
@_WAVE
@click.option("--cutover", required=True, callback=a_day, help="The first day that is billed here.")
@by_option("who")
@data_option
@json_option
def switch(wave: str, cutover: date, who: str, data: Path, as_json: bool) -> None:
    """Let the customers of a frozen wave be billed here from the cutover on."""
    with _opened(data) as runtime:
        count = in_waves.switch(database=runtime.database, wave=wave, cutover=cutover, by=who, clock=runtime.clock)
    report_console(as_json=as_json).print(f"[bold]{counted(count, 'customer')}[/] of the wave {wave} are billed here from {cutover} on.")
    if as_json:
        emit_json({"wave": wave, "customers": count, "cutover": cutover})


@click.command()
@_WAVE
@click.option("--force", is_flag=True, help="Keep the customers with whom something happened here, and take the others away.")
@by_option("who")
@data_option
@json_option
def rollback(wave: str, force: bool, who: str, data: Path, as_json: bool) -> None:
    """Take the customers of a wave away again, as if they had never come; stopped by who called, paid or was billed meanwhile."""
    began = time.monotonic()
    with _opened(data) as runtime:
        done = rolling_back.roll_back(
            database=runtime.database, keeper=runtime.keeper, wave=wave, by=who, force=force, clock=runtime.clock, identifiers=runtime.identifiers,
        )  # fmt: skip
        numbers = _numbers(runtime.database, [one.customer_id for one in done.kept[:_KEPT_SHOWN_MAX]])
    seconds = round(time.monotonic() - began, 2)
    console = report_console(as_json=as_json)
    console.print(f"[bold]{counted(done.customers, 'customer')}[/] taken away, {counted(done.records, 'record')} wait again, in {seconds} s")
    for one in done.kept[:_KEPT_SHOWN_MAX]:
        console.print(f"  kept {numbers.get(one.customer_id, one.customer_id)}: {', '.join((*one.changed, *one.happened))}", highlight=False)
    if done.credited:
        console.print(f"[bold]{counted(len(done.credited), 'credit note')}[/]: {', '.join(done.credited[:_KEPT_SHOWN_MAX])}", highlight=False)
    if done.not_credited:
        console.print(f"[red]not credited[/], look at them: {', '.join(done.not_credited[:_KEPT_SHOWN_MAX])}", highlight=False)
    if as_json:
        kept = [{"customer_id": str(one.customer_id), "changed": one.changed, "happened": one.happened} for one in done.kept]
        emit_json(
            {
                "run_id": str(done.run_id), "wave": wave, "customers": done.customers, "records": done.records, "kept": kept,
                "credited": done.credited, "not_credited": done.not_credited, "seconds": seconds,
            }
        )  # fmt: skip


@click.command()
@data_option
@json_option
def waves(data: Path, as_json: bool) -> None:
    """List the waves: how far each is, who is in it, and who took each step when."""
    with _opened(data) as runtime, runtime.database.transaction() as tx:
        found, nowhere = in_waves.waves(tx=tx), in_waves.waiting_in_no_wave(tx=tx)
    console = report_console(as_json=as_json)
    table = report_table("Waves")
    for heading in ("wave", "state", "cutover", "customers", "records", "waiting", "last step"):
        table.add_column(heading, justify="right" if heading in ("customers", "records", "waiting") else "left")
    for one in found:
        last = f"{one.steps[-1][0].replace('_', ' ')} by {one.steps[-1][1]}, {at_local(one.steps[-1][2])}" if one.steps else ""
        counts = (f"{one.customers:,}", f"{one.records:,}", f"{one.waiting:,}")
        table.add_row(one.wave, one.state.replace("_", " "), str(one.cutover or ""), *counts, last)
    print_table(console, table, nothing="No wave is planned: `hoeksteen consolidate plan --waves FILE`.")
    if nowhere:
        console.print(f"{counted(nowhere, 'record is', 'records are')} in no wave, and wait.")
    if as_json:
        emit_json({"waves": [one.as_json() for one in found], "waiting_in_no_wave": nowhere})


@contextmanager
def _opened(data: Path) -> Iterator[Runtime]:
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        yield runtime


commands = [plan, rehearse, copy, delta, freeze, switch, verify, rollback, waves]
