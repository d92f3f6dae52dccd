"""`hoeksteen consolidate seen`: which run came to hold whose data, as the keeper's log says it; asked with a key of one's own."""

from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import click

from hoeksteen.consolidation import runs as run_list
from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure.queries import seen_within
from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.application import ask_application
from hoeksteen.interfaces.cli.options import counted, data_option, emit_json, json_option, print_table, report_console, report_table
from hoeksteen.interfaces.cli.whom import meant_customer
from hoeksteen.interfaces.runtime import open_runtime

_SERVICE = "bss"
_CLOCKS_APART = timedelta(minutes=5)  # at most, between ours and the keeper's; which entries are the run's, their reference says


@click.command()
@click.option("--run", "run_id", required=True, type=click.UUID, help="The run, as `hoeksteen consolidate runs` lists it.")
@click.option("--customer", help="Only what concerns this customer.")
@click.option("--as", "person", required=True, metavar="NAME", help="Who asks: a security or privacy officer.")
@click.option("--key", "key_path", required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Their own key.")
@data_option
@json_option
def seen(run_id: UUID, customer: str | None, person: str, key_path: Path, data: Path, as_json: bool) -> None:
    """Show what a run sealed, opened and looked for, by the keeper's own log; the question is an entry of it, too."""
    words = ["consolidate", "run-facts", str(run_id), *(["--customer", customer] if customer else [])]
    run = ask_application(*words, data=data)
    since = datetime.fromisoformat(run["started_at"]) - _CLOCKS_APART
    until = datetime.fromisoformat(run["finished_at"]) + _CLOCKS_APART if run["finished_at"] else None
    subject = UUID(run["subject"]) if run.get("subject") else None
    with KeeperClient(socket_path=read_settings(data).keeper_socket, service=person, key_path=key_path) as keeper:
        entries = seen_within(keeper=keeper, actor=_SERVICE, reference=str(run_id), since=since, until=until, subject=subject)
    times = Counter((entry["action"], entry["category"], entry["outcome"], entry["grant"]) for entry in entries)
    people: Counter[tuple[str, str, str, str | None]] = Counter()
    for entry in entries:
        people[entry["action"], entry["category"], entry["outcome"], entry["grant"]] += entry["count"]
    table = report_table(f"What the {run['kind']} by {run['started_by']} came to hold")
    for heading in ("action", "category", "outcome", "entries", "people", "grant"):
        table.add_column(heading, justify="right" if heading in ("entries", "people") else "left")
    for what, count in sorted(times.items(), key=lambda item: item[0][:3]):
        action, category, outcome, grant = what
        table.add_row(action, category, outcome, f"{count:,}", f"{people[what]:,}", grant or "")
    console = report_console(as_json=as_json)
    print_table(console, table, nothing="The keeper's log has no entry of this run" + (" about this customer." if customer else "."))
    console.print(f"{counted(len(entries), 'entry', 'entries')} of the keeper's log")
    if as_json:
        rows = [
            {"action": what[0], "category": what[1], "outcome": what[2], "grant": what[3], "entries": count, "people": people[what]}
            for what, count in times.items()
        ]
        emit_json({"run": run, "entries": len(entries), "seen": rows})


@click.command("run-facts", hidden=True)
@click.argument("run_id", type=click.UUID)
@click.option("--customer")
@data_option
def run_facts(run_id: UUID, customer: str | None, data: Path) -> None:
    """Print when a run was, and the pseudonym of a customer."""
    with open_runtime(read_settings(data), service=_SERVICE) as runtime, runtime.database.transaction() as tx:
        run = run_list.run(tx=tx, run_id=run_id).as_json()
        whose = {"subject": str(meant_customer(tx=tx, named=customer).party_id)} if customer else {}
    emit_json({name: run[name] for name in ("run_id", "kind", "wave", "started_by", "started_at", "finished_at")} | whose)


commands = [seen, run_facts]
