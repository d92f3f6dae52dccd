"""`hoeksteen bench documents`: how fast invoices are drawn on one core of this machine."""

import click

from hoeksteen.billing.documents.bench import invented_views, measure
from hoeksteen.interfaces.cli.options import emit_json, json_option, report_console, report_table

_SEED = 6


@click.command()
@click.option("--bills", type=click.IntRange(50), default=1_000, show_default=True, help="How many invoices of ten lines are drawn.")
@json_option
def documents(bills: int, as_json: bool) -> None:
    """Measure documents: PDF and UBL of invented invoices, a second of one core's time."""
    found = measure(invented_views(count=bills, seed=_SEED))
    table = report_table(f"{found.bills:,} invoices of {found.lines:.0f} lines on one core")
    for heading in ("PDF a second", "UBL a second", "bytes of a PDF"):
        table.add_column(heading, justify="right")
    table.add_row(f"{found.pdfs_per_second:,.1f}", f"{found.ubl_per_second:,.0f}", f"{found.pdf_bytes:,}")
    report_console(as_json=as_json).print(table)
    if as_json:
        emit_json(
            {
                "bills": found.bills, "lines_per_bill": round(found.lines, 1), "pdfs_per_second": round(found.pdfs_per_second, 1),
                "ubl_per_second": round(found.ubl_per_second, 1), "pdf_bytes": found.pdf_bytes, "seconds": round(found.seconds, 2),
            }
        )  # fmt: skip
