"""What the benchmarks have in common: an installation of their own, a part in a process of its own, figures as a table."""

import json
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console

from hoeksteen.host.installation import Installation, embedded_settings, free_port
from hoeksteen.host.processes import run_as
from hoeksteen.interfaces.cli.options import report_table
from hoeksteen.kernel.errors import Unavailable


@contextmanager
def installation_of_its_own(console: Console) -> Iterator[Installation]:
    """Give an empty installation of its own that runs, and leaves nothing."""
    data = Path(tempfile.mkdtemp(prefix="hoeksteen-"))
    settings = embedded_settings(data, desk_port=free_port(), keeper_port=free_port())
    installation = Installation(settings, progress=lambda text: console.print(f"  {text}"))
    try:
        installation.up()
        yield installation
    finally:
        installation.down()
        shutil.rmtree(data, ignore_errors=True)


def run_part(user: str, part: str, *options: object, module: str = "hoeksteen_keeper.bench") -> dict[str, Any]:
    """
    Run a part of a measurement to its end as an OS user, and give its figures.

    :raises Unavailable: when it ends otherwise; the message is its last line
    """
    done = run_as(user, [sys.executable, "-m", module, part, *(str(option) for option in options)])
    if done.returncode != 0:
        last = (done.stderr.strip() or "no message").splitlines()[-1]
        raise Unavailable(f"The measurement {part} ended: {last}", remedy="Free memory and disk space, or measure less.")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def show(console: Console, figures: dict[str, Any], title: str) -> None:
    """Print figures as a table."""
    table = report_table(title)
    table.add_column("figure")
    table.add_column("value", justify="right")
    for name, value in figures.items():
        table.add_row(name.replace("_", " "), value if isinstance(value, str) else f"{value:,}")
    console.print(table)
