"""What every interface works with: one installation's database, keeper, lake, clock and identifiers."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from hoeksteen.host.settings import Settings
from hoeksteen.kernel.clock import Clock, SystemClock
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.migrations import require_current_schema
from hoeksteen.storage.postgres import Database
from hoeksteen_keeper.client import KeeperClient


@dataclass(frozen=True, slots=True)
class Runtime:
    """
    The parts of one installation, opened.

    :param keeper: speaks to the keeper as the service that this process is
    """

    settings: Settings
    database: Database
    keeper: KeeperClient
    lake: Lake
    clock: Clock
    identifiers: Identifiers


@contextmanager
def open_runtime(settings: Settings, *, service: str, seed: int | None = None, clock: Clock | None = None) -> Iterator[Runtime]:
    """
    Open an installation as one of its services.

    :param service: `bss` for batch work, `desk`, `mydata` or `api`
    :param seed: makes identifiers repeatable, for simulations
    :param clock: gives the time; the machine's own where none is named
    :raises Unavailable: when the database or the keeper does not answer
    :raises WrongState: when the schema is older or newer than this program
    """
    source = random.SystemRandom() if seed is None else random.Random(seed)
    with (
        Database(settings.business_dsn) as database,
        KeeperClient(socket_path=settings.keeper_socket, service=service, key_path=settings.service_keys / f"{service}.key") as keeper,
        Lake(warehouse=settings.lake, catalogue_dsn=settings.business_dsn) as lake,
    ):
        require_current_schema(database=database)
        yield Runtime(settings, database, keeper, lake, clock or SystemClock(), Identifiers(source))
