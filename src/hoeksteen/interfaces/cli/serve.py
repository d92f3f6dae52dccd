"""`hoeksteen serve`: the desk, the customers' pages and the API, in one process on 127.0.0.1."""

import asyncio
import logging
import signal
from contextlib import ExitStack
from pathlib import Path

import click
from granian.constants import Interfaces
from granian.server.embed import Server

from hoeksteen.host.settings import Settings, read_settings
from hoeksteen.interfaces.api.app import api_application
from hoeksteen.interfaces.cli.options import data_option
from hoeksteen.interfaces.desk.app import desk_application
from hoeksteen.interfaces.mydata.app import mydata_application
from hoeksteen.interfaces.runtime import open_runtime
from hoeksteen.interfaces.web.assets import Assets
from hoeksteen.interfaces.web.hosts import Hosts


@click.command()
@data_option
def serve(data: Path) -> None:
    """Serve the desk, my data and the API until told to stop."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = read_settings(data)
    with ExitStack() as stack:
        sites = open_sites(settings, stack)
        for origin in (settings.desk_origin, settings.mydata_origin, settings.api_origin):
            click.echo(origin)
        asyncio.run(_run(sites, settings.desk_port))


def open_sites(settings: Settings, stack: ExitStack) -> Hosts:
    """
    Open an installation as each of its web services, and give the sites by their names.

    :param stack: closes what was opened
    :raises Unavailable: when the database, the keeper or the assets are not there
    """
    assets = Assets()
    runtimes = {name: stack.enter_context(open_runtime(settings, service=name)) for name in ("desk", "mydata", "api")}
    return Hosts(
        {
            "desk.localhost": desk_application(runtime=runtimes["desk"], assets=assets),
            "my.localhost": mydata_application(runtime=runtimes["mydata"], assets=assets),
            "api.localhost": api_application(runtime=runtimes["api"]),
        },
        login_origin=settings.keeper_origin,
    )


async def _run(sites: Hosts, port: int) -> None:
    server = Server(sites, address="127.0.0.1", port=port, interface=Interfaces.ASGINL, websockets=False, log_access=False, log_enabled=False)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, server.stop)
    await server.serve()


commands: list[click.Command] = [serve]
