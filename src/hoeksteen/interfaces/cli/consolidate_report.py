"""`hoeksteen consolidate runs`, `report` and `sign`: what was run, what came of it, and who put their name under it."""

from pathlib import Path
from typing import Any
from uuid import UUID

import click
from rich.console import Console

from hoeksteen.consolidation import runs as run_list
from hoeksteen.consolidation import signoff
from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.deciding import Deciding, deciding
from hoeksteen.interfaces.cli.options import (
    at_local,
    data_option,
    emit_json,
    json_option,
    print_table,
    report_console,
    report_pairs,
    report_table,
    require_writable,
)
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.interfaces.web.standalone import reconciliation_page
from hoeksteen.kernel.errors import InvalidInput, NotFound

_SERVICE = "bss"


@click.command()
@click.option("--limit", type=click.IntRange(1, run_list.RUNS_LISTED_MAX), default=50, show_default=True, help="How many at most.")
@data_option
@json_option
def runs(limit: int, data: Path, as_json: bool) -> None:
    """List runs, the newest first: rehearsals, copies, deltas, roll backs, with who began them and what came of them."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        found = run_list.runs(tx=tx, limit=limit)
    table = report_table("Runs")
    for heading in ("run", "kind", "wave", "state", "begun by", "begun", "customers", ""):
        table.add_column(heading, justify="right" if heading == "customers" else "left")
    for one in found:
        customers = one.figures.get("customers")
        closes = {True: "[green]closes[/]", False: "[red]open[/]"}.get(one.figures.get("closes", ""), "")
        state = f"[red]{one.state}[/]" if one.state == "failed" else one.state
        table.add_row(
            str(one.run_id), str(one.kind), one.wave or "everything", state, one.started_by, at_local(one.started_at),
            "" if customers is None else f"{customers:,}", closes,
        )  # fmt: skip
    print_table(report_console(as_json=as_json), table, nothing="Nothing was run yet.")
    if as_json:
        emit_json({"runs": [one.as_json() for one in found]})


@click.command()
@click.option("--run", "run_id", type=click.UUID, help="Of this run; by default the newest that wrote something.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write it: a page if the name ends with .html, else JSON.")
@click.option("--check", type=click.Path(path_type=Path, dir_okay=False), help="Look at a report in a file: is it whole, is it ours, who signed it?")
@data_option
@json_option
def report(run_id: UUID | None, out: Path | None, check: Path | None, data: Path, as_json: bool) -> None:
    """Write the reconciliation of a run as a page or as JSON, to be signed off; or check one that somebody has."""
    if out is not None:
        require_writable(out)
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        if check is not None:
            document = signoff.read_document(_text(check))
            signoff.ours(tx=tx, sha256=document["sha256"])
        else:
            document = signoff.report_of(tx=tx, run_id=run_id)
        signed = signoff.signatures(tx=tx, document=document)
    if out is not None:
        page = reconciliation_page(document=document, signatures=signed) if out.suffix in (".html", ".htm") else signoff.as_text(document)
        out.write_text(page, "utf-8")
    _show(report_console(as_json=as_json), document, signed)
    if as_json:
        emit_json({"report": document, "signatures": [_signature(one) for one in signed]})


@click.command()
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False))
@click.option("--digest", default="", hidden=True)
@deciding
@data_option
@json_option
def sign(file: Path | None, digest: str, decides: Deciding, data: Path, as_json: bool) -> None:
    """Sign the reconciliation in FILE off, with a key of your own; the keeper's log keeps it."""
    if not decides.is_asked:
        if file is None:
            raise click.UsageError("Name the report: the file that `hoeksteen consolidate report --out FILE.json` wrote.")
        said = signoff.facts_of(signoff.read_document(_text(file)))
        words = ("consolidate", "sign", "--digest", said["report_sha256"])
        decides.decide(*words, what=signoff.WHAT, said=said, data=data, as_json=as_json)
        return
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        document = signoff.ours(tx=tx, sha256=digest)
        signer = decides.signer(runtime.keeper, what=signoff.WHAT, facts=signoff.facts_of(document), role=signoff.SIGNS)
        if signer is None:
            return
        signoff.sign_off(tx=tx, document=document, signer=signer, now=runtime.clock.now())
        signed = signoff.signatures(tx=tx, document=document)
    _show(report_console(as_json=as_json), document, signed)
    if as_json:
        emit_json({"report_sha256": document["sha256"], "signatures": [_signature(one) for one in signed]})


def _text(file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except FileNotFoundError as error:
        raise NotFound(f"There is no file {file}.", remedy="Write the report with `hoeksteen consolidate report --out FILE.json`.") from error
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} cannot be read as text.", remedy="Name the JSON file of the report.") from error


def _show(console: Console, document: dict[str, Any], signed: list[signoff.Signature]) -> None:
    table = report_pairs("Reconciliation")
    for name, value in signoff.facts_of(document).items():
        table.add_row(name.replace("_", " "), value)
    for one in signed:
        table.add_row("signed by", f"{one.signed_by} on {at_local(one.signed_at)}")
    console.print(table)
    if not signed:
        console.print("Nobody has signed it yet: `hoeksteen consolidate sign FILE --as NAME --key KEY`.", highlight=False)


def _signature(one: signoff.Signature) -> dict[str, Any]:
    return {"signed_by": one.signed_by, "signed_at": one.signed_at.isoformat(), "text_sha256": one.text_sha256}


commands = [runs, report, sign]
