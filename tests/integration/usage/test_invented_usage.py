"""An invented month of usage, from its files to charges, with a real keeper: every record is accounted for as the truth says."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest

from conftest import BusinessCluster
from factories.invented_lines import Line, lines_of, load_lines
from fixtures.invented_exports import Invented
from fixtures.keeper import RunningKeeper
from hoeksteen.kernel.errors import NotFound
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.rating import queries as rated
from hoeksteen.rating._charges import view_charges
from hoeksteen.rating.model import RatingRun
from hoeksteen.rating.operations import rate_month
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database
from hoeksteen.synth.operator import invent
from hoeksteen.usage.model import FileBalance, UsageState
from hoeksteen.usage.operations import collect
from hoeksteen.usage.tables import GUIDED, SUSPENDED

NOW = datetime(2026, 11, 1, 4, tzinfo=UTC)
MONTH = date(2026, 10, 1)
PERIOD = BillPeriod(date(2026, 10, 1), date(2026, 11, 1))


@dataclass
class Operator:
    database: Database
    lake: Lake
    keeper: RunningKeeper
    invented: Invented
    lines: list[Line]
    balances: list[FileBalance]
    identifiers: Identifiers
    run: RatingRun

    def collect(self, path: Path, *, again: bool = False) -> FileBalance:
        return _collect(self.database, self.lake, self.keeper, path, self.identifiers, again=again)

    def rate(self, month: date = MONTH) -> RatingRun:
        return rate_month(database=self.database, lake=self.lake, month=month, now=NOW, identifiers=self.identifiers)


def _collect(database: Database, lake: Lake, keeper: RunningKeeper, path: Path, identifiers: Identifiers, *, again: bool = False) -> FileBalance:
    adapter = "voice_sms_csv" if path.suffix == ".csv" else "sessions_jsonl"
    return collect(
        database=database, keeper=keeper.client("bss"), lake=lake, path=path, adapter=adapter, now=NOW, identifiers=identifiers, again=again
    )


@pytest.fixture(scope="module")
def operator(business_cluster: BusinessCluster, keeper: RunningKeeper, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    folder = tmp_path_factory.mktemp("invented")
    invent(directory=folder / "operator", customers=80, seed=3, month=MONTH)
    invented = Invented(folder / "operator")
    business_cluster.cluster.as_superuser("CREATE DATABASE invented_usage TEMPLATE template_hoeksteen OWNER hoeksteen_owner;")
    business_cluster.cluster.as_superuser("GRANT CONNECT ON DATABASE invented_usage TO hoeksteen_app;")
    dsn = business_cluster.cluster.dsn(role="hoeksteen_app", database="invented_usage")
    with Database(dsn) as database, Lake(warehouse=folder / "lake", catalogue_dsn=dsn) as lake:
        lines = lines_of(invented)
        load_lines(database=database, keeper=keeper.client("bss"), lines=lines, salt="invented usage")
        identifiers = Identifiers(random.Random(5))
        files = [folder / "operator" / "usage" / entry["name"] for entry in invented.usage_truth["files"]]
        balances = [_collect(database, lake, keeper, file, identifiers) for file in files]
        run = rate_month(database=database, lake=lake, month=date(2026, 9, 1), now=NOW, identifiers=identifiers)
        run = rate_month(database=database, lake=lake, month=MONTH, now=NOW, identifiers=identifiers)
        yield Operator(database, lake, keeper, invented, lines, balances, identifiers, run)


def test_each_file_is_accounted_for_as_the_truth_says(operator: Operator) -> None:
    for truth, balance in zip(operator.invented.usage_truth["files"], operator.balances, strict=True):
        assert balance.closes
        reasons = Counter({(count.state, count.reason): count.records for count in balance.states})
        assert {
            "records": balance.records_in,
            "guided": balance.records(UsageState.GUIDED),
            "duplicate": balance.records(UsageState.DUPLICATE),
            "no_zone": reasons[(UsageState.SUSPENDED, "no_zone")],
            "no_product": reasons[(UsageState.SUSPENDED, "no_product")],
            "rejected": balance.records(UsageState.REJECTED),
        } == {
            **{name: truth[name] for name in ("records", "duplicate", "no_zone", "no_product", "rejected")},
            "guided": truth["normal"] + truth["late"],
        }
        assert {reason: count for (state, reason), count in reasons.items() if state is UsageState.REJECTED} == truth["rejected_by"]


def test_every_record_of_every_file_has_one_final_state(operator: Operator) -> None:
    with operator.database.transaction() as tx:
        balances = rated.balance(tx=tx)
    assert all(entry.closes for entry in balances)
    assert sum(entry.records_in for entry in balances) == sum(entry["records"] for entry in operator.invented.usage_truth["files"])
    assert sum(entry.zero_rated for entry in balances) >= sum(entry["zero_duration"] for entry in operator.invented.usage_truth["files"])
    assert operator.run.rated > 0


def test_the_same_file_again_is_already_taken_and_with_again_all_duplicates(operator: Operator) -> None:
    file = operator.invented.directory / "usage" / operator.balances[0].name
    before = operator.rate().digest
    same = operator.collect(file)
    assert same.already_taken and same.usage_file_id == operator.balances[0].usage_file_id
    again = operator.collect(file, again=True)
    assert again.closes and not again.already_taken
    assert again.records(UsageState.DUPLICATE) == again.records_in - again.records(UsageState.REJECTED)
    assert operator.rate().digest == before


def test_rating_again_gives_the_same_digest(operator: Operator) -> None:
    assert operator.rate().digest == operator.rate().digest


def test_totals_for_bills_are_the_sums_of_the_charges(operator: Operator) -> None:
    totals = rated.usage_totals(lake=operator.lake, period=PERIOD, billing_account_ids=None)
    with Duck() as duck:
        view_charges(duck, operator.lake)
        [sums] = duck.rows("SELECT count(*) AS records, sum(amount_micro)::BIGINT AS amount_micro FROM charge WHERE bill_day = DATE '2026-10-01'")
        types = {row["column_name"]: row["column_type"] for row in duck.rows("DESCRIBE charge")}
    assert (sum(total.records for total in totals), sum(total.amount_micro for total in totals)) == (sums["records"], sums["amount_micro"])
    assert {types[name] for name in ("amount_micro", "units", "free_units", "delivered_units")} == {"BIGINT"}
    account = totals[0].billing_account_id
    of_account = rated.usage_totals(lake=operator.lake, period=PERIOD, billing_account_ids=[account])
    assert of_account == [total for total in totals if total.billing_account_id == account]


def test_a_charge_is_explained_by_the_amount_that_was_charged(operator: Operator) -> None:
    with Duck() as duck:
        view_charges(duck, operator.lake)
        rows = duck.rows(
            "SELECT record_id, units, free_units, amount_micro FROM charge ORDER BY free_units > 0 AND free_units < units DESC, record_id"
        )
    for row in [rows[0], rows[len(rows) // 2], rows[-1]]:
        with operator.database.transaction() as tx:
            explanation = rated.explain(tx=tx, lake=operator.lake, record_id=row["record_id"])
        assert (explanation.units, explanation.free_units, explanation.amount_micro) == (row["units"], row["free_units"], row["amount_micro"])
        assert sum(step.units_taken for step in explanation.allowances) == row["free_units"]
        assert explanation.sentence_nl and explanation.sentence_en
    with pytest.raises(NotFound), operator.database.transaction() as tx:
        rated.explain(tx=tx, lake=operator.lake, record_id=UUID(int=1))


def test_no_number_stands_in_the_lake_in_clear(operator: Operator) -> None:
    own = {line.number for line in operator.lines}
    with Duck() as duck:
        for name, table in (("guided", GUIDED), ("suspended", SUSPENDED)):
            duck.view_of_files(name, table, operator.lake.files(table))
        blocks = duck.rows("SELECT other_number AS block FROM guided WHERE other_number IS NOT NULL UNION ALL SELECT own_number FROM suspended")
        texts = {
            str(value) for row in duck.rows("SELECT * FROM guided UNION ALL BY NAME SELECT * FROM suspended LIMIT 2000") for value in row.values()
        }
    assert blocks and {len(row["block"]) for row in blocks} == {24}
    assert len({row["block"] for row in blocks}) == len(blocks), "equal numbers give different blocks"
    assert not own & texts
    for file in operator.lake.warehouse.rglob("*.parquet"):
        content = file.read_bytes()
        assert not any(number.encode() in content for number in own), file
