"""Usage files of a small operator, collected, tried again and rated by the product's own operations."""

import random
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from factories.invented_lines import Line, load_lines
from fixtures.keeper import RunningKeeper
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.rating._charges import view_charges
from hoeksteen.rating.model import RatingRun
from hoeksteen.rating.operations import rate_month
from hoeksteen.rating.tables import CHARGE
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database
from hoeksteen.usage import operations, queries
from hoeksteen.usage.model import Difference, FileBalance

NOW = datetime(2026, 12, 1, 4, tzinfo=UTC)
OWN = "31699900001"


@dataclass
class House:
    """Customers with one mobile line each, whose usage comes in files, through a real keeper."""

    database: Database
    lake: Lake
    keeper: RunningKeeper
    folder: Path
    identifiers: Identifiers = field(default_factory=lambda: Identifiers(random.Random(1)))

    held: list[str] = field(default_factory=list)

    def hold(self, number: str, *, offering: str = "mobile-m", suspended: date | None = None) -> None:
        self.held.append(number)
        line = Line(number, offering, date(2026, 9, 1), suspended, None)
        load_lines(database=self.database, keeper=self.keeper.client("bss"), lines=[line], salt=str(self.folder))

    def take(self, name: str, *lines: str) -> FileBalance:
        path, calls = self.folder / name, name.endswith(".csv")
        framed = [f"H;voice_sms;1;2026-11-01T03:00:00+01:00;{len(lines)}", *lines, f"T;{len(lines)}"] if calls else lines
        path.write_text("\n".join([*framed, ""]), "utf-8")
        return self.take_file(path, "voice_sms_csv" if calls else "sessions_jsonl")

    def take_file(self, path: Path, adapter: str) -> FileBalance:
        return operations.collect(
            database=self.database,
            keeper=self.keeper.client("bss"),
            lake=self.lake,
            path=path,
            adapter=adapter,
            now=NOW,
            identifiers=self.identifiers,
        )

    def recycle(self) -> int:
        return operations.recycle(
            database=self.database, keeper=self.keeper.client("bss"), lake=self.lake, now=NOW, identifiers=self.identifiers
        )  # fmt: skip

    def rate(self, month: date = date(2026, 10, 1)) -> RatingRun:
        return rate_month(database=self.database, lake=self.lake, month=month, now=NOW, identifiers=self.identifiers)

    def rows(self, table: Any) -> list[dict[str, Any]]:
        with Duck() as duck:
            if table is CHARGE:
                view_charges(duck, self.lake)
                return duck.rows("SELECT * FROM charge ORDER BY usage_file_id, line")
            duck.view_of_files("t", table, self.lake.files(table))
            return duck.rows("SELECT * FROM t ORDER BY usage_file_id, line")

    def differences(self) -> list[Difference]:
        with self.database.transaction() as tx:
            return queries.differences(tx=tx, lake=self.lake)

    def states(self, number: int = 0) -> dict[str, int]:
        with self.database.transaction() as tx:
            balance = queries.balances(tx=tx)[number]
        assert balance.closes
        return {f"{count.state}:{count.reason}".rstrip(":"): count.records for count in balance.states}


def call(number: int, *, own: str = OWN, other: str = "31201234567", start: str = "2026-10-03T12:00:00+02:00", seconds: int = 60) -> str:
    return f"R;{number};V;{own};{other};{start};{seconds}"


def session(own: str, *, start: str = "2026-10-03T12:00:00+02:00", volume_bytes: int = 1000, country: str = "NL") -> str:
    return f'{{"own_number":"{own}","start":"{start}","uplink_bytes":{volume_bytes},"downlink_bytes":0,"visited_country":"{country}"}}'
