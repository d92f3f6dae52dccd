"""`hoeksteen code`: what an authenticator app would show now for one of the demonstration's people."""

from pathlib import Path

import click
import pyotp

from hoeksteen.host.installation import Installation
from hoeksteen.host.settings import read_settings
from hoeksteen.interfaces.cli.options import data_option
from hoeksteen.interfaces.cli.people import log_ins
from hoeksteen.kernel.errors import NotFound


@click.command()
@click.argument("name")
@data_option
def code(name: str, data: Path) -> None:
    """Print the six digits that NAME's authenticator app would show at this moment."""
    installation = Installation(read_settings(data))
    secret = next((log_in.totp_secret for log_in in log_ins(installation) if log_in.actor == name), None)
    if secret is None:
        raise NotFound(
            f"There is no log-in {name} in this demonstration.", remedy=f"One of: {', '.join(one.actor for one in log_ins(installation))}."
        )
    click.echo(pyotp.TOTP(secret).now())


commands = [code]
