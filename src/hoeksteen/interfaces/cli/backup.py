"""`hoeksteen backup | restore | fsck`: the business database and the lake, kept, brought back and looked over."""

import time
from pathlib import Path

import click

from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import counted, data_option, emit_json, json_option, report_console, require_writable
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.journeys import safekeeping
from hoeksteen.kernel.errors import Corrupt
from hoeksteen.storage.backup import BackupResult, check

_SERVICE = "bss"
_SHOWN_MAX = 50


@click.command()
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The directory to make; it must not exist.")
@data_option
@json_option
def backup(out: Path, data: Path, as_json: bool) -> None:
    """Write the business database and the lake, as at one instant, while others work on; take the keeper's backup after it."""
    began, console = time.monotonic(), report_console(as_json=True)
    require_writable(out)
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        done = safekeeping.back_up(
            database=runtime.database, lake=runtime.lake, folder=out, now=runtime.clock.now(), tell=lambda text: console.print(f"  {text}")
        )
    _say(f"Backed up into {out}", done, out, time.monotonic() - began, as_json=as_json)
    if not as_json:
        click.echo("Now back up the keeper: `hoeksteen-keeper backup` (docs/operations.md).")


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@data_option
@json_option
def restore(folder: Path, data: Path, as_json: bool) -> None:
    """Put a backup into an empty installation, all of it or nothing, and look it over."""
    began, console = time.monotonic(), report_console(as_json=True)
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        now = runtime.clock.now()
        done = safekeeping.restore(
            database=runtime.database, lake=runtime.lake, folder=folder, write_id=runtime.identifiers.new(now),
            tell=lambda text: console.print(f"  {text}"),
        )  # fmt: skip
        found = safekeeping.faults(database=runtime.database, lake=runtime.lake)
    _say(f"Restored from {folder}", done, folder, time.monotonic() - began, as_json=as_json)
    _require_none(found)


@click.command()
@click.option("--backup", "folder", type=click.Path(path_type=Path), help="Look over this backup instead: every file against its SHA-256.")
@data_option
@json_option
def fsck(folder: Path | None, data: Path, as_json: bool) -> None:
    """Look the business database and the lake over: files, records, ledger, bill numbers; it changes nothing."""
    began = time.monotonic()
    if folder is not None:
        held = check(folder=folder)
        rows = sum(one["rows"] for one in held["tables"].values())
        if as_json:
            emit_json({"folder": folder, "taken_at": held["taken_at"], "rows": rows, "faults": []})
        else:
            click.echo(f"{folder} is whole: {counted(rows, 'row')} of {held['taken_at']}.")
        return
    with open_runtime(read_settings(data), service=_SERVICE) as runtime:
        found = safekeeping.faults(database=runtime.database, lake=runtime.lake)
        sealed = safekeeping.sealed_blobs(database=runtime.database)
    seconds = round(time.monotonic() - began, 2)
    console = report_console(as_json=as_json)
    for fault in found[:_SHOWN_MAX]:
        console.print(f"  [red]fault[/] {fault}", highlight=False, soft_wrap=True)
    for category, blobs in sealed.items():
        console.print(f"{counted(blobs, 'sealed blob')} of {category}; only the keeper can say whether they open.", soft_wrap=True)
    console.print(f"{counted(len(found), 'fault')}, {seconds} s")
    if as_json:
        emit_json({"faults": found, "sealed": sealed, "seconds": seconds})
    _require_none(found)


def _require_none(found: list[str]) -> None:
    if found:
        raise Corrupt(
            f"{counted(len(found), 'fault')}, the first: {found[0]}.", remedy="Stop, keep the data directory, and restore a backup into a new one."
        )


def _say(what: str, done: BackupResult, folder: Path, seconds: float, *, as_json: bool) -> None:
    if as_json:
        emit_json(
            {"folder": folder, "rows": sum(done.tables.values()), "tables": dict(done.tables), "lake_files": done.lake_files,
             "lake_rows": done.lake_rows, "bytes": done.size_bytes, "digest": done.digest, "seconds": round(seconds, 2)}
        )  # fmt: skip
        return
    rows, files = counted(sum(done.tables.values()), "row"), counted(done.lake_files, "file")
    click.echo(
        f"{what}: {rows} of {counted(len(done.tables), 'table')}, {files} of the lake with {done.lake_rows:,} rows, {done.size_bytes:,} bytes."
    )
    click.echo(f"SHA-256 of its manifest: {done.digest}")


commands = [backup, restore, fsck]
