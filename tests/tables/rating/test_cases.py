"""The worked cases of docs/rating.md that concern rating, and those of the rules around them: one text table, rated at once."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from conftest import BusinessCluster
from factories.rated_usage import NOW, PLANS, Charged, RatedLake, Used, record_id
from hoeksteen.kernel.money import euros
from hoeksteen.kernel.time_period import OPERATOR_ZONE, bill_period
from hoeksteen.storage.postgres import Database
from hoeksteen.usage.operations import close_period

FOLDER = Path(__file__).parent
MONTHS = (date(2026, 10, 1), date(2026, 11, 1), date(2026, 12, 1))
_HOLD = re.compile(
    r"hold (?P<plan>\S+)(?: then (?P<then>\S+) from (?P<change>\S+))?(?: from (?P<start>\S+))?(?: until (?P<until>\S+))?(?: (?P<name>\w+))?"
)


@dataclass
class Case:
    title: str
    holds: list[dict[str, str | None]] = field(default_factory=list)
    records: list[Used] = field(default_factory=list)
    expected: dict[str, tuple[str, str, int, int, Decimal]] = field(default_factory=dict)


def read_cases() -> list[Case]:
    cases: list[Case] = []
    for line in (FOLDER / "cases.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            cases.append(Case(line))
        elif line.startswith("hold"):
            match = _HOLD.fullmatch(line)
            assert match, line
            cases[-1].holds.append(match.groupdict())
        elif line.startswith(" "):
            _read_record(cases[-1], line)
    return cases


def _read_record(case: Case, line: str) -> None:
    left, right = line.split("->")
    name, start_text, service, place, units, *late = left.split()
    state, all_units, free_units, amount = right.split()
    start = datetime.fromisoformat(start_text)
    start = (start if start.tzinfo else start.replace(tzinfo=OPERATOR_ZONE)).astimezone(UTC)
    zone, _, roaming = place.partition("/")
    product, _, name = name.rpartition(".")
    name, _, times = name.partition("*")
    for _ in range(int(times or 1)):
        full = f"{case.title} {product} {name} {len(case.records)}"
        record = Used(full, f"{case.title} {product}", start, service, zone, int(units), roaming or "HOME", generation=1 if late else 0)
        case.records.append(record)
        case.expected[full] = (*(state.split(":") if ":" in state else (state, "")), int(all_units), int(free_units), Decimal(amount))


CASES = read_cases()


@pytest.fixture(scope="module")
def charged(business_cluster: BusinessCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[Any, Charged]]:
    business_cluster.cluster.as_superuser("CREATE DATABASE rating_cases TEMPLATE template_hoeksteen OWNER hoeksteen_owner;")
    business_cluster.cluster.as_superuser("GRANT CONNECT ON DATABASE rating_cases TO hoeksteen_app;")
    dsn = business_cluster.cluster.dsn(role="hoeksteen_app", database="rating_cases")
    with Database(dsn) as database, RatedLake.open(database, dsn, tmp_path_factory.mktemp("rating")) as world:
        world.offer(PLANS)
        for case in CASES:
            for hold in case.holds:
                terms = [(str(hold["plan"]), date.fromisoformat(hold["start"] or "2026-01-01"))]
                if hold["then"]:
                    terms.append((hold["then"], date.fromisoformat(str(hold["change"]))))
                until = date.fromisoformat(hold["until"]) if hold["until"] else None
                world.hold(f"{case.title} {hold['name'] or ''}", terms, account=f"account of {case.title}", until=until)
        world.use(list(itertools.chain.from_iterable(case.records for case in CASES)))
        for month in MONTHS:
            world.rate(month)
            if month < MONTHS[-1]:  # what is left rolls over at the close
                with database.transaction() as tx:
                    close_period(tx=tx, period=bill_period(month), now=NOW)
        yield world.charges()


@pytest.mark.parametrize("case", CASES, ids=[case.title for case in CASES])
def test_case(case: Case, charged: dict[Any, Charged]) -> None:
    for name, expected in case.expected.items():
        found = charged[record_id(name)]
        assert (found.state, found.reason, found.units, found.free_units, euros(found.amount_micro)) == expected, name


def test_every_record_has_one_charge(charged: dict[Any, Charged]) -> None:
    assert len(charged) == sum(len(case.records) for case in CASES)


def test_a_million_small_records_add_up_to_two_euros(charged: dict[Any, Charged]) -> None:
    [byte] = [record.name for case in CASES if case.title.startswith("[8]") for record in case.records if record.units == 1]
    assert euros(charged[record_id(byte)].amount_micro * 1_000_000) == Decimal("2.00")
