"""`hoeksteen bench consolidation`: an invented operator of any size brought in, beside plain Splink on the same records."""

import sys
import time
from typing import Any

import click
from rich.console import Console

from hoeksteen.host.memory import peak_memory
from hoeksteen.host.processes import run_as
from hoeksteen.interfaces.cli import people as bootstrapped
from hoeksteen.interfaces.cli.bench_parts import installation_of_its_own, run_part, show
from hoeksteen.interfaces.cli.options import emit_json, json_option, report_console
from hoeksteen.kernel.errors import Unavailable

_MODULE = "hoeksteen.consolidation.bench"
_SEED = 1


@click.command()
@click.option("--people", type=click.IntRange(1_000), default=20_000, show_default=True, help="How many customers the invented operator has.")
@click.option("--seed", type=click.IntRange(0), default=_SEED, show_default=True, help="The same seed gives the same operator.")
@click.option("--plain/--no-plain", default=True, show_default=True, help="Also run plain Splink on the same records.")
@click.option("--samples/--no-samples", default=True, show_default=True, help="Also measure on FEBRL 3 and 4.")
@json_option
def consolidation(people: int, seed: int, plain: bool, samples: bool, as_json: bool) -> None:
    """Measure consolidation: three exports read, matched, sealed, loaded and reconciled; how right the matching is."""
    console, began = Console(stderr=True), time.monotonic()
    with installation_of_its_own(console) as installation:
        bootstrapped.ensure_bootstrapped(installation)
        bootstrapped.approve_standing_grants(installation, customers=2 * people)
        settings, user = installation.settings, installation.users.application
        folder = settings.application / "invented"
        console.print(f"  an operator of {people:,} customers, in three exports")
        _invent(user, people, seed, str(folder))
        console.print("  brought in: read, matched, sealed, loaded, reconciled")
        where = ("--dsn", settings.business_dsn, "--socket", settings.keeper_socket, "--key", settings.service_keys / "bss.key")
        with peak_memory(settings.data) as peak:
            figures: dict[str, Any] = run_part(user, "load", *where, "--folder", folder, module=_MODULE)
        figures = {"people": people, **figures, "peak_memory_bytes": peak.bytes}
        console.print("  the customers of the most records taken apart again")
        figures |= run_part(user, "take_apart", *where, "--warehouse", settings.lake, module=_MODULE)
        if plain:
            console.print("  plain Splink on the same standardised records")
            figures["plain_splink"] = run_part(user, "plain", "--folder", folder, module=_MODULE)
        if samples:
            console.print("  the samples FEBRL 3 and 4")
            figures |= run_part(user, "samples", module=_MODULE)
    figures["bench_seconds"] = round(time.monotonic() - began, 1)
    shown = {name: value for name, value in figures.items() if name != "plain_splink"}
    shown |= {f"plain Splink: {name}": value for name, value in figures.get("plain_splink", {}).items()}
    show(report_console(as_json=as_json), shown, "Consolidation on this machine")
    if as_json:
        emit_json(figures)


def _invent(user: str, people: int, seed: int, folder: str) -> None:
    # usage is not measured here: as little as can be invented
    wanted = ("--customers", str(people), "--seed", str(seed), "--records-per-line", "1", "--out", folder)
    done = run_as(user, [sys.executable, "-m", "hoeksteen", "synth", *wanted])
    if done.returncode != 0:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise Unavailable(f"No operator could be invented: {last}", remedy="Free memory and disk space, or measure less.")
