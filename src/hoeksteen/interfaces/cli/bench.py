"""`hoeksteen bench`: measurements on real parts, each beside the physical limit of the machine, taken in the same run."""

import shutil
import tempfile
import time
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from hoeksteen.billing.documents.bench import invented_views, measure
from hoeksteen.host.installation import Installation, embedded_settings, free_port
from hoeksteen.host.memory import peak_memory
from hoeksteen.host.os_users import own
from hoeksteen.interfaces.cli import people
from hoeksteen.interfaces.cli.bench_consolidation import consolidation
from hoeksteen.interfaces.cli.bench_documents import documents
from hoeksteen.interfaces.cli.bench_parts import installation_of_its_own, run_part, show
from hoeksteen.interfaces.cli.options import emit_json, json_option, report_console

_CUSTOMERS = 10_000  # the standing grants' ceilings follow from it
_INGESTED, _NUMBERS = 1_000_000, 20_000  # records of the file that is collected, and the numbers that they are of

_DRAWN, _SEED = 1_000, 6  # invoices whose PDFs are measured


@click.group()
def bench() -> None:
    """Measure the system on this machine."""


@bench.command()
@click.option("--subjects", type=click.IntRange(20_000), default=400_000, show_default=True, help="How many people are sealed and opened in bulk.")
@click.option("--rate", type=click.IntRange(1), default=2_000, show_default=True, help="Single openings that are due each second.")
@click.option("--seconds", type=click.FloatRange(1), default=20.0, show_default=True, help="How long single openings go on.")
@click.option("--entries", type=click.IntRange(5_000), default=500_000, show_default=True, help="How many entries are appended and verified.")
@click.option("--proof-size", type=click.IntRange(1_000), default=10_000_000, show_default=True, help="The log whose inclusion is proven.")
@click.option("--actors", type=click.IntRange(100), default=10_000, show_default=True, help="Of whom could-see decides.")
@json_option
def keeper(subjects: int, rate: int, seconds: float, entries: int, proof_size: int, actors: int, as_json: bool) -> None:
    """Measure the keeper: openings, sealing, the log, its verifier, could-see."""
    console, began = Console(stderr=True), time.monotonic()
    data = Path(tempfile.mkdtemp(prefix="hoeksteen-"))
    settings = embedded_settings(data, desk_port=free_port(), keeper_port=free_port())
    installation = Installation(settings, progress=lambda text: console.print(f"  {text}"))
    users = installation.users
    try:
        installation.up()
        people.ensure_bootstrapped(installation)
        people.approve_standing_grants(installation, customers=_CUSTOMERS)
        console.print(f"  single openings at {rate:,} a second, then {subjects:,} people sealed and opened in bulk")
        figures = run_part(
            users.application, "service", "--socket", settings.keeper_socket, "--key", settings.service_keys / "bss.key", "--subjects", subjects,
            "--rate", rate, "--seconds", seconds,
        )  # fmt: skip
        console.print(f"  the parts by themselves: {entries:,} entries, a proof in {proof_size:,}, {actors:,} actors")
        for name in ("bench_log", "bench_years"):
            installation.keeper_database.ensure_database(name, owner="keeper")
        folder = own(settings.keeper / "bench", users.keeper, mode=0o700)
        dsns = [settings.keeper_dsn.replace("dbname=keeper ", f"dbname={name} ") for name in ("bench_log", "bench_years")]
        figures |= run_part(
            users.keeper, "core", "--dsn", dsns[0], "--second-dsn", dsns[1], "--folder", folder, "--subjects", subjects, "--entries", entries,
            "--proof-size", proof_size, "--actors", actors,
        )  # fmt: skip
    finally:
        installation.down()
        shutil.rmtree(data, ignore_errors=True)
    figures |= {"subjects": subjects, "seconds": round(time.monotonic() - began, 1)}
    show(report_console(as_json=as_json), figures, "The keeper on this machine")
    if as_json:
        emit_json(figures)


@bench.command()
@click.option("--records", type=click.IntRange(10_000), default=2_000_000, show_default=True, help="How many guided records are rated.")
@click.option("--ingest/--no-ingest", default=True, show_default=True, help="Also measure how fast files are collected.")
@json_option
def rating(records: int, ingest: bool, as_json: bool) -> None:
    """Measure rating: guided records of the lake to one charge each, beside plain scans of the same files."""
    console, began = Console(stderr=True), time.monotonic()
    with installation_of_its_own(console) as installation:
        figures = _rate(installation, console, records)
    if ingest:
        with installation_of_its_own(console) as installation:
            figures |= _ingest(installation, console)
    figures |= {"seconds": round(time.monotonic() - began, 1)}
    show(report_console(as_json=as_json), figures, "Rating on this machine")
    if as_json:
        emit_json(figures)


@bench.command()
@click.option("--accounts", type=click.IntRange(100), default=20_000, show_default=True, help="How many billing accounts are billed.")
@json_option
def billrun(accounts: int, as_json: bool) -> None:
    """Measure a final bill run: products, prices and rated usage to numbered bills in the books, beside COPY of the same rows."""
    console, began = Console(stderr=True), time.monotonic()
    with installation_of_its_own(console) as installation:
        people.ensure_bootstrapped(installation)
        people.approve_standing_grants(installation, customers=5 * accounts)  # a fifth of whom may be opened a day
        figures = _bill(installation, console, accounts)
    console.print(f"  {_DRAWN:,} invoices of ten lines drawn on one core")
    figures["pdfs_per_second"] = round(measure(invented_views(count=_DRAWN, seed=_SEED)).pdfs_per_second, 1)
    figures |= {"seconds": round(time.monotonic() - began, 1)}
    show(report_console(as_json=as_json), figures, "A bill run on this machine")
    if as_json:
        emit_json(figures)


@bench.command()
@click.option("--entries", type=click.IntRange(1_000), default=100_000, show_default=True, help="How many entries the statement has.")
@json_option
def camt(entries: int, as_json: bool) -> None:
    """Measure bank statements: one camt.053, read, matched and posted, beside reading it alone and a plain COPY."""
    console, began = Console(stderr=True), time.monotonic()
    with installation_of_its_own(console) as installation:
        people.ensure_bootstrapped(installation)
        people.approve_standing_grants(installation, customers=entries)
        console.print(f"  {entries:,} customers with a bill each, and a statement with a payment of each")
        settings = installation.settings
        figures = run_part(
            installation.users.application, "--dsn", settings.business_dsn, "--socket", settings.keeper_socket, "--key",
            settings.service_keys / "bss.key", "--folder", settings.application, "--entries", entries, module="hoeksteen.receivables.bench",
        )  # fmt: skip
    figures |= {"seconds": round(time.monotonic() - began, 1)}
    show(report_console(as_json=as_json), figures, "Bank statements on this machine")
    if as_json:
        emit_json(figures)


def _rate(installation: Installation, console: Console, records: int) -> dict[str, Any]:
    settings = installation.settings

    def part(name: str, *options: object) -> dict[str, Any]:
        where = ("--dsn", settings.business_dsn, "--warehouse", settings.lake)
        return run_part(installation.users.application, name, *where, *options, module="hoeksteen.rating.bench")

    console.print(f"  {records:,} guided records of an invented operator")
    figures = part("make", "--records", records)
    console.print("  rated, from guided records to the commit of one charge each")
    with peak_memory(settings.data) as peak:
        figures |= part("rate")
    console.print("  the same files scanned and grouped, and one billing account rated again")
    return {**figures, "peak_memory_bytes": peak.bytes, **part("scan"), **part("account")}


def _bill(installation: Installation, console: Console, accounts: int) -> dict[str, Any]:
    settings = installation.settings

    def part(name: str, *options: object) -> dict[str, Any]:
        where = ("--dsn", settings.business_dsn, "--warehouse", settings.lake)
        keeper = ("--socket", settings.keeper_socket, "--key", settings.service_keys / "bss.key")
        return run_part(installation.users.application, name, *where, *keeper, *options, module="hoeksteen.billing.bench")

    console.print(f"  {accounts:,} billing accounts of invented customers, and a month of rated usage")
    figures = part("make", "--accounts", accounts)
    console.print("  billed for good: lines, tax, numbers and books")
    with peak_memory(settings.data) as peak:
        figures |= part("run")
    installation.business.as_superuser("CREATE SCHEMA bench AUTHORIZATION hoeksteen_app;", database="hoeksteen")
    console.print("  the same rows loaded once more with COPY")
    return {**figures, "peak_memory_bytes": peak.bytes, **part("copy")}


def _ingest(installation: Installation, console: Console) -> dict[str, Any]:
    """Measure collection of one file through the real keeper."""
    people.ensure_bootstrapped(installation)
    people.approve_standing_grants(installation, customers=_INGESTED)
    settings = installation.settings
    console.print(f"  a file of {_INGESTED:,} records of {_NUMBERS:,} numbers, collected through the keeper")
    return run_part(
        installation.users.application, "--dsn", settings.business_dsn, "--warehouse", settings.lake, "--socket", settings.keeper_socket, "--key",
        settings.service_keys / "bss.key", "--folder", settings.application, "--records", _INGESTED, "--numbers", _NUMBERS,
        module="hoeksteen.usage.bench",
    )  # fmt: skip


bench.add_command(documents)
bench.add_command(consolidation)
commands = [bench]
