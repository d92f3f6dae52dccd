"""`hoeksteen bill explain`: a line of a bill, down to the records that made it."""

from dataclasses import asdict
from pathlib import Path

import click

from hoeksteen.billing.explaining import explain_line
from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import data_option, emit_json, json_option, report_console, report_pairs, report_table
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.kernel.money import euros
from hoeksteen.kernel.time_period import OPERATOR_ZONE

_SERVICE = "bss"


@click.command()
@click.argument("bill_number")
@click.argument("line", type=click.IntRange(1))
@click.option("--limit", type=click.IntRange(0, 100_000), default=50, show_default=True, help="How many records to show, the first ones.")
@data_option
@json_option
def explain(bill_number: str, line: int, limit: int, data: Path, as_json: bool) -> None:
    """Say what made a line of a bill: price, days, exact amount, and its records; `usage explain RECORD` goes on from there."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found = explain_line(tx=tx, lake=runtime.lake, bill_number=bill_number, line=line)
    console, shown = report_console(as_json=as_json), found.records[:limit]
    pairs = report_pairs()
    for name, value in found.facts:
        pairs.add_row(name, value)
    console.print(pairs)
    if found.records:
        table = report_table()
        for heading in ("record", "start", "units", "free", "EUR"):
            right = heading in ("units", "free", "EUR")
            table.add_column(heading, justify="right" if right else "left", no_wrap=True)
        for one in shown:
            start = f"{one.start.astimezone(OPERATOR_ZONE):%m-%d %H:%M}"
            table.add_row(str(one.record_id), start, f"{one.units:,}", f"{one.free_units:,}", f"{euros(one.amount_micro):.6f}")
        console.print(table)
        console.print(f"{len(shown):,} of {len(found.records):,} records, which come to {found.of_records:f}.")
    if as_json:
        emit_json(
            {
                "bill_number": bill_number, "line": line, "amount": found.rate.amount, "exact": found.exact, "records_total": len(found.records),
                "of_records": found.of_records, "without_record": found.flat, "credited": found.credited, "facts": dict(found.facts),
                "records": [asdict(one) for one in shown],
            }
        )  # fmt: skip


commands: list[click.Command] = [explain]
