"""
`hoeksteen demo`: a whole operator on real parts, from three legacy exports to a proof of who saw whom.

Each step runs the command that a person would type, as the OS user who would run it, and prints it.
"""

import shutil
import sys
import tempfile
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.panel import Panel
from rich.table import Table

from hoeksteen.host.installation import Installation, free_port, require_free_directory
from hoeksteen.host.os_users import APPLICATION, BASTION, BUSINESS_DATABASE, KEEPER, own
from hoeksteen.host.processes import copy_as
from hoeksteen.host.settings import default_data, demonstration_data, read_settings
from hoeksteen.interfaces.cli import people
from hoeksteen.interfaces.cli.installation import settings_for
from hoeksteen.interfaces.cli.options import a_month, emit_json, port_options, report_table
from hoeksteen.interfaces.cli.story import Figures, Story
from hoeksteen.interfaces.cli.story_evidence import tell_access, tell_proof
from hoeksteen.kernel.errors import Corrupt, InvalidInput
from hoeksteen.kernel.time_period import add_months

SOURCES = (("fixed", "fixed.csv"), ("mobile", "mobile.jsonl"), ("broadband", "broadband.sqlite"))
SAMPLE_DOCUMENTS = 3


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for on the command line."""

    customers: int
    seed: int
    month: str
    ibm: Path | None

    @property
    def cutover(self) -> str:
        """The first day that is billed here: the one after the month of usage."""
        return add_months(date.fromisoformat(f"{self.month}-01"), 1).isoformat()


@click.command()
@click.option("--customers", type=click.IntRange(100, 5_000_000), default=2_000, show_default=True, help="How many people and companies to invent.")
@click.option("--seed", type=int, default=1, show_default=True, help="The same seed invents the same operator.")
@click.option("--month", callback=a_month, default="2026-10", show_default=True, help="The month of usage that is billed.")
@click.option("--ibm", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Bring in this sample of a real operator instead.")
@click.option("--serve/--no-serve", default=True, show_default=True, help="Leave the desk open at the end.")
@click.option("--keep-running", is_flag=True, help="With --no-serve: leave the databases and the keeper running.")
@click.option("--fresh", is_flag=True, help="Remove an earlier demonstration in the same directory first.")
@click.option("--data", type=click.Path(path_type=Path, file_okay=False, resolve_path=True), help="Where; kept at the end.")
@port_options
@click.option("--json", "as_json", is_flag=True, help="End with one JSON object on the last line.")
def demo(
    customers: int, seed: int, month: date, ibm: Path | None, serve: bool, keep_running: bool, fresh: bool, data: Path | None,
    desk_port: int | None, keeper_port: int | None, as_json: bool,
) -> None:  # fmt: skip
    """Invent an operator, bring its legacy systems in, rate and bill a month, and prove who saw whom."""
    console = Console(stderr=as_json, width=None if Console().is_terminal else 120)
    temporary = data is None and not serve
    if data is None:
        data = Path(tempfile.mkdtemp(prefix="hoeksteen-")) if temporary else demonstration_data(default_data())
    if fresh:
        _remove(data)
    require_free_directory(data)
    if not serve and not (data / "settings.toml").exists():
        desk_port, keeper_port = desk_port or free_port(), keeper_port or free_port()
    installation = Installation(settings_for(data, desk_port, keeper_port), progress=lambda text: console.print(f"  {text}"))
    wish = Wish(customers, seed, f"{month:%Y-%m}", ibm)
    try:
        story = Story(installation, console)
        story.require_same(wish)
        if story.remembered("house"):
            installation.up()
        figures = _tell_ibm(story, wish) if ibm else _tell(story, wish)
        if serve:
            installation.start_web()
            installation.start_watch()
            installation.start_worker()
            _leave_open(story, figures)
    finally:
        if not serve and not keep_running:
            installation.down()
        if temporary:
            shutil.rmtree(data, ignore_errors=True)
    if as_json:
        emit_json(figures)
    _require_balance(figures)


def _tell(story: Story, wish: Wish) -> Figures:
    data = story.installation.settings.data
    legacy, truth = data / "app" / "legacy", data / "app" / "legacy" / "truth.parquet"
    story.step("house", "1  The house: two databases, the keeper, each under its own OS user", lambda: _tell_house(story, wish))
    synth = story.step(
        "synth", f"2  An invented operator of {wish.customers:,} customers, in three legacy systems",
        lambda: story.figures("synth", "--customers", str(wish.customers), "--seed", str(wish.seed), "--month", wish.month, "--out", legacy),
    )  # fmt: skip
    mapped: list[str | Path] = [part for name, file in SOURCES for part in ("--mapping", name, "--input", legacy / file)]
    consolidation = story.step(
        "consolidation", "3  Three systems become one: map, standardise, match, guard, load, reconcile",
        lambda: story.figures("consolidate", *mapped, "--cutover", wish.cutover, "--truth", truth),
    )  # fmt: skip
    access = story.step("access", "4  An outside technician asks for access", lambda: tell_access(story))
    usage = story.step("usage", "5  A month of usage: collected, accounted for, rated", lambda: _tell_usage(story, wish, legacy))
    bills = story.step("bills", "6  The bills of the month", lambda: _tell_bills(story, wish))
    evidence = story.step("evidence", "7  Who could see, who did see, and the proof", lambda: tell_proof(story, access))
    return {
        "customers": consolidation["customers"], "invented": synth.get("customers", wish.customers), "seconds": story.seconds,
        "sources": consolidation["sources"], "match": consolidation["match"], "usage": usage["usage"],
        "bills": bills["bills"], "evidence": _untimed(evidence),
        "findings": story.installation.findings(), "steps": story.seconds_by_step(),
    }  # fmt: skip


def _tell_ibm(story: Story, wish: Wish) -> Figures:
    assert wish.ibm is not None
    staged = story.installation.settings.application / "legacy" / wish.ibm.name
    story.step("house", "1  The house", lambda: _tell_house(story, wish))
    own(staged.parent, story.installation.users.application, mode=0o700)
    copy_as(story.installation.users.application, wish.ibm, staged)
    consolidation = story.step(
        "consolidation",
        "2  A real sample, with nothing but a mapping file",
        lambda: story.figures("consolidate", "--mapping", "ibm", "--input", staged, "--cutover", wish.cutover),
    )
    bills = story.step("bills", "3  A month's bills", lambda: _tell_bills(story, wish))
    compared = story.step(
        "compared", "4  The lines that the bill run wrote, against the column MonthlyCharges",
        lambda: story.figures("bill", "compare", "--period", wish.month, "--mapping", "ibm", "--input", staged),
    )  # fmt: skip
    return {
        "customers": consolidation["customers"], "seconds": story.seconds, "sources": consolidation["sources"], "bills": bills["bills"],
        "ibm": {**_untimed(compared), "blank_total_charges": consolidation["blank_total_charges"]},
    }  # fmt: skip


def _tell_house(story: Story, wish: Wish) -> Figures:
    with story.installation.alone():
        story.installation.up()
        people.ensure_bootstrapped(story.installation)
    story.say("standing grants for migration and billing, each approved by two people:")
    grants = people.approve_standing_grants(story.installation, customers=wish.customers)
    for grant in grants:
        story.say(f"  {grant['purpose']}: {', '.join(grant['categories'])} · {grant['state']}")
    for finding in story.installation.findings():
        story.console.print(f"  [yellow]finding[/] {finding}")
    return {"grants": [grant["grant"] for grant in grants]}


def _tell_usage(story: Story, wish: Wish, legacy: Path) -> Figures:
    story.figures("usage", "collect", legacy / "usage")
    return story.figures("usage", "rate", "--month", wish.month)


def _tell_bills(story: Story, wish: Wish) -> Figures:
    if not any(run["kind"] == "final" and run["period"] == wish.month for run in story.figures("bill", "runs")["runs"]):
        story.by_key("bill", "run", "--period", wish.month, "--trial", person="bram.visser")
        story.by_key("bill", "approve", "--period", wish.month, person="fenna.prins")
    figures = story.figures("bill", "run", "--period", wish.month, "--by", "bram.visser")
    documents = story.installation.settings.application / "documents"
    for number in figures.get("sample", [])[:SAMPLE_DOCUMENTS]:
        story.run("bill", "pdf", number, "--out", documents / f"{number}.pdf")
        story.run("bill", "ubl", number, "--out", documents / f"{number}.xml")
    audit = story.figures("bill", "audit", "--period", wish.month)
    return {**figures, "audit": audit}


def _leave_open(story: Story, figures: Figures) -> None:
    console, settings = story.console, story.installation.settings
    access = story.remembered("access")
    console.print()
    console.rule("[bold]The desk is open[/]", align="left", style="dim")
    addresses = Table(show_header=False, box=None, padding=(0, 2))
    addresses.add_row("desk", f"[link={settings.desk_origin}]{settings.desk_origin}[/link]")
    addresses.add_row("keeper", f"{settings.keeper_origin}  (log-in and approvals; the only pages that see a secret)")
    addresses.add_row("my data", settings.mydata_origin)
    console.print(addresses)
    table = report_table("Log-ins")
    for heading in ("name", "password", "what they do"):
        table.add_column(heading, no_wrap=True)
    for log_in in people.log_ins(story.installation):
        table.add_row(log_in.actor, log_in.password, log_in.job)
    console.print(table)
    console.print(f"The code of this moment: [bold].venv/bin/hoeksteen code NAME --data {settings.data}[/]")
    if access:
        console.print(f"A customer to look for, who logs in to my data by this number: [bold]{access['customer_number']}[/]")
    for line in _typed(story, settings.data):
        console.print(line, highlight=False, soft_wrap=True)
    console.print(Panel(f"Stop it:  .venv/bin/hoeksteen down --data {settings.data}", expand=False))


def _typed(story: Story, data: Path) -> list[str]:
    """Say how the commands above are typed, and how nothing of the demonstration stays."""
    programs = Path(sys.executable).parent
    lines = [f"To type commands yourself:  export PATH={programs}:$PATH HOEKSTEEN_DATA={data}", f"Remove it, stopped:  rm -r {data}"]
    if story.installation.users.separated:
        users = " ".join((APPLICATION, BUSINESS_DATABASE, KEEPER, BASTION))
        lines.append(f"  and its OS users, where no other installation is:  for user in {users}; do userdel $user; done")
    return lines


def _require_balance(figures: Figures) -> None:
    """
    End with an error where something does not add up.

    :raises Corrupt: with what does not close
    """
    open_balances = [
        f"source {source['name']}"
        for source in figures["sources"]
        if source["records_in"] != source["loaded"] + source["merged"] + source["in_review"] + source["rejected"]
    ]
    usage: dict[str, Any] | None = figures.get("usage")
    if usage and usage["records_in"] != sum(usage[state] for state in ("rated", "zero_rated", "duplicate", "suspended", "rejected")):
        open_balances.append("usage records")
    if figures["bills"]["ledger_difference"] != "0.00":
        open_balances.append("bills and ledger")
    evidence = figures.get("evidence")
    if evidence and not (evidence["verified"] and not evidence["tampered_copy_verified"]):
        open_balances.append("evidence")
    ibm = figures.get("ibm")
    if ibm and ibm["mismatches"]:
        open_balances.append("bill lines and MonthlyCharges")
    if open_balances:
        raise Corrupt(f"These do not balance: {', '.join(open_balances)}.", remedy="Keep the data directory and run `hoeksteen bill audit`.")


def _untimed(figures: Figures) -> Figures:
    return {name: value for name, value in figures.items() if name != "seconds"}


def _remove(data: Path) -> None:
    if not data.exists():
        return
    if not (data / "settings.toml").exists():
        raise InvalidInput(f"{data} is no installation.", remedy="Name its directory with --data.")
    Installation(read_settings(data)).down()
    shutil.rmtree(data)


commands = [demo]
