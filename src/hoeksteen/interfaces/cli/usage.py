"""`hoeksteen usage`: collect files, rate a month, explain a charge."""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import a_month, data_option, emit_json, json_option, progress_bars, report_console, report_pairs, report_table
from hoeksteen.interfaces.runtime import Runtime, open_runtime
from hoeksteen.kernel.errors import AccessDenied, Corrupt, InvalidInput, NotFound
from hoeksteen.kernel.money import euros
from hoeksteen.kernel.time_period import OPERATOR_ZONE
from hoeksteen.rating import operations as rating
from hoeksteen.rating import queries as rated
from hoeksteen.rating.model import Explanation, RatedBalance
from hoeksteen.usage import operations as collection
from hoeksteen.usage import queries as collected
from hoeksteen.usage.model import FileBalance, UsageState

_SERVICE = "bss"
_ADAPTER_OF_SUFFIX = {".csv": "voice_sms_csv", ".jsonl": "sessions_jsonl"}
_HEADINGS = {  # no wider than their figures, so that a file's name keeps its room on 80 columns
    "records_in": "records", "zero_rated": "zero", "unrated": "not yet", "duplicate": "dupl.", "suspended": "susp.", "rejected": "rej.",
}  # fmt: skip
_FINAL = ("rated", "zero_rated", "duplicate", "suspended", "rejected")


@click.group()
def usage() -> None:
    """Collect, rate and explain usage."""


@usage.command()
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path, resolve_path=True))
@click.option("--adapter", type=click.Choice(sorted(collection.ADAPTERS)), help="The format; by default by the files' ending.")
@click.option("--again", is_flag=True, help="Take files that were taken before; their records are duplicates.")
@data_option
@json_option
def collect(paths: tuple[Path, ...], adapter: str | None, again: bool, data: Path, as_json: bool) -> None:
    """Take usage files (or all files of directories) into the lake: each record in exactly one state."""
    began = time.monotonic()
    files = [(file, adapter or _adapter_of(file)) for file in _files_of(paths)]
    balances: list[FileBalance] = []
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, _progress("files") as (bars, task):
        bars.update(task, total=len(files))
        for file, name in files:
            bars.update(task, description=escape(file.name))
            balances.append(
                collection.collect(
                    database=runtime.database, keeper=runtime.keeper, lake=runtime.lake, path=file, adapter=name, now=runtime.clock.now(),
                    identifiers=runtime.identifiers, again=again,
                )
            )  # fmt: skip
            bars.advance(task)
    seconds = round(time.monotonic() - began, 2)
    _show_collected(report_console(as_json=as_json), balances, seconds)
    if as_json:
        emit_json({"usage": _collected(balances), "files": [_file_figures(balance) for balance in balances], "seconds": seconds})


@usage.command()
@click.option("--month", callback=a_month, required=True, help="The month in which the bill periods begin, such as 2026-10.")
@data_option
@json_option
def rate(month: date, data: Path, as_json: bool) -> None:
    """Try suspended usage again, rate every record of a month's bill periods, and show that every record of every file has one final state."""
    began = time.monotonic()
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, _progress("rating") as (bars, task):
        recycled, refusal = _recycle(runtime)
        run = rating.rate_month(
            database=runtime.database,
            lake=runtime.lake,
            month=month,
            now=runtime.clock.now(),
            identifiers=runtime.identifiers,
            progress=lambda step, records: bars.update(task, description=f"{step}: {records:,} records"),
        )
        balances, reasons = _balance(runtime)
    seconds = round(time.monotonic() - began, 2)
    console = report_console(as_json=as_json)
    _show_balance(console, balances)
    _show_reasons(console, reasons)
    if recycled or refusal:
        console.print(refusal or f"\n{recycled:,} records that were suspended are rateable now.", soft_wrap=True)
    console.print(f"\n{run.records:,} records of {run.month:%Y-%m} rated in {seconds} s; digest {run.digest.hex()}", soft_wrap=True)
    if as_json:
        figures = {"month": f"{run.month:%Y-%m}", "records": run.records, "digest": run.digest.hex(), "recycled": recycled, "seconds": seconds}
        emit_json({"usage": _totals(balances), **figures})
    _require_closed(balances)


@usage.command()
@data_option
@json_option
def balance(data: Path, as_json: bool) -> None:
    """Show what became of the records of every file."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        balances, reasons = _balance(runtime)
        with runtime.database.transaction() as tx:
            refused = collected.refused_files(tx=tx)
    console = report_console(as_json=as_json)
    _show_balance(console, balances)
    _show_reasons(console, reasons)
    for file in refused:
        console.print(f"Refused, nothing taken: {escape(file.why)}", soft_wrap=True)
    if as_json:
        files = [asdict(entry) for entry in balances]
        emit_json({"usage": _totals(balances), "files": files, "refused": [asdict(file) for file in refused]})


@usage.command()
@click.argument("record", type=click.UUID)
@data_option
@json_option
def explain(record: UUID, data: Path, as_json: bool) -> None:
    """Explain one charge: price, allowance before and after, rounding."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        explanation = rated.explain(tx=tx, lake=runtime.lake, record_id=record)
    if as_json:
        emit_json(asdict(explanation))
        return
    _show_explanation(explanation)


def _files_of(paths: Sequence[Path]) -> list[Path]:
    """Give the files, those of a directory in the order of the numbers in their names."""
    files: list[Path] = []
    for path in paths:
        if not path.exists():
            raise NotFound(f"{path} is not there.", remedy="Name usage files, or directories that hold them.")
        inside = sorted((file for file in path.iterdir() if file.suffix in _ADAPTER_OF_SUFFIX), key=_natural) if path.is_dir() else [path]
        if not inside:
            raise InvalidInput(f"{path} holds no usage file.", remedy=f"Files end in {' or '.join(sorted(_ADAPTER_OF_SUFFIX))}.")
        files += inside
    return files


def _natural(path: Path) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.name)]


def _adapter_of(file: Path) -> str:
    if file.suffix not in _ADAPTER_OF_SUFFIX:
        raise InvalidInput(f"{file.name}: file: its ending tells no format.", remedy="Name one with --adapter.")
    return _ADAPTER_OF_SUFFIX[file.suffix]


@contextmanager
def _progress(what: str) -> Iterator[tuple[Progress, Any]]:
    with progress_bars() as bars:
        yield bars, bars.add_task(what, total=None)


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


def _recycle(runtime: Runtime) -> tuple[int, str]:
    """Give how many suspended records can be rated now; or none and why, because rating need not wait for the keeper's permission."""
    try:
        guided = collection.recycle(
            database=runtime.database, keeper=runtime.keeper, lake=runtime.lake, now=runtime.clock.now(), identifiers=runtime.identifiers
        )
    except AccessDenied as error:
        return 0, f"\nSuspended records were not tried again. {error}"
    return guided, ""


def _balance(runtime: Runtime) -> tuple[list[RatedBalance], list[dict[str, Any]]]:
    with runtime.database.transaction() as tx:
        return rated.balance(tx=tx), rated.reasons(tx=tx)


def _totals(balances: Sequence[RatedBalance]) -> dict[str, int]:
    return {name: sum(getattr(entry, name) for entry in balances) for name in ("records_in", *_FINAL, "unrated")}


def _require_closed(balances: Sequence[RatedBalance]) -> None:
    """
    Stop when records of a file have no state, or two.

    :raises Corrupt: naming the file; records that wait for the rating of another month are none of these
    """
    for entry in balances:
        if entry.records_in != entry.unrated + sum(getattr(entry, name) for name in _FINAL):
            raise Corrupt(f"The balance of {entry.name} does not close.", remedy="Stop, keep the data directory, and report it.")


def _show_balance(console: Console, balances: Sequence[RatedBalance]) -> None:
    totals = _totals(balances)
    shown = ("records_in", *_FINAL, *(["unrated"] if totals["unrated"] else []))
    table = report_table("Every record has one state")
    for name in ("file", *shown, "EUR"):
        figure = name != "file"
        table.add_column(_HEADINGS.get(name, name), justify="right" if figure else "left", no_wrap=figure)
    for entry in balances:
        counts = (f"{getattr(entry, name):,}" for name in shown)
        table.add_row(escape(entry.name), *counts, f"{euros(entry.amount_micro):,.2f}")
    amount = euros(sum(entry.amount_micro for entry in balances))
    table.add_section()
    table.add_row("all", *(f"{totals[name]:,}" for name in shown), f"{amount:,.2f}")
    console.print(table)
    unclosed = sum(not entry.closes for entry in balances)
    console.print(f"[bold]{unclosed} of {len(balances)} files do not close yet.[/]" if unclosed else "Every file closes.")


def _show_reasons(console: Console, reasons: Sequence[dict[str, Any]]) -> None:
    table = report_table("What rating made of the guided records")
    for heading in ("state", "reason", "records", "EUR"):
        table.add_column(heading, justify="left" if heading in ("state", "reason") else "right")
    for row in reasons:
        table.add_row(row["state"], row["reason"] or "priced", f"{row['records']:,}", f"{euros(row['amount_micro']):,.6f}")
    console.print(table)


def _show_explanation(explanation: Explanation) -> None:
    console = Console()
    console.print(explanation.sentence_en, soft_wrap=True)
    console.print(explanation.sentence_nl, soft_wrap=True, style="dim")
    table = report_pairs()
    valid_from = f"{explanation.price_valid_from.astimezone(OPERATOR_ZONE):%Y-%m-%d}" if explanation.price_valid_from else ""
    rows = {
        "record": explanation.record_id,
        "product": f"{explanation.product_id} ({explanation.product_offering_id})",
        "start": explanation.start.astimezone(OPERATOR_ZONE).isoformat(),
        "service, zone, roaming": f"{explanation.service} {explanation.zone} {explanation.roaming}",
        "state": f"{explanation.state} {explanation.reason}".strip(),
        "units delivered, rounded, free": f"{explanation.delivered_units:,} · {explanation.units:,} · {explanation.free_units:,}",
        "price": f"{explanation.price_id} valid from {valid_from}",
        "amount": f"EUR {euros(explanation.amount_micro):.6f}",
    }
    for name, value in rows.items():
        table.add_row(name, escape(str(value)))
    for step in explanation.allowances:
        table.add_row(f"allowance {step.allowance_id}", f"{step.units_before:,} before, {step.units_after:,} after")
    console.print(table)


commands = [usage]
