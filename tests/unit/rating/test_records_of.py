"""The records of one billing account come back complete, and from a few stretches of the files only."""

from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest

from factories.rated_usage import NOW, PLANS, RatedLake, Used, record_id
from hoeksteen.kernel.identifiers import derived
from hoeksteen.rating.queries import records_of
from hoeksteen.rating.tables import CHARGE
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database
from hoeksteen.usage.tables import GUIDED

OCTOBER = date(2026, 10, 1)
# 600,000 records of 6,000 billing accounts, all in one bucket: several row groups in one file.
_MANY = """
SELECT 202610 AS month, 7 AS bucket, (lpad(hex(account * 715827), 8, '0') || '-0000-7000-8000-000000000007')::UUID AS billing_account_id,
    md5('product' || account)::UUID AS product_id, TIMESTAMPTZ '2026-10-02 10:00:00+00' + to_minutes(n::INTEGER) AS start,
    md5(account || ' ' || n)::UUID AS record_id, md5('customer' || account)::UUID AS customer_id,
    '00000000-0000-0000-0000-000000000001'::UUID AS usage_file_id, (account * 100 + n)::INTEGER AS line, 'voice' AS service, 'NL' AS zone,
    'HOME' AS roaming, 60 AS units, 0 AS generation, DATE '2026-10-01' AS period_day, DATE '2026-10-01' AS bill_day, NULL::BLOB AS other_number
FROM range(6000) a(account), range(100) r(n)
"""


@pytest.fixture
def world(database: Database, lake: Lake) -> RatedLake:
    world = RatedLake(database, lake)
    world.offer(PLANS)
    return world


def test_each_account_has_its_own_records_with_their_charges(world: RatedLake) -> None:
    world.hold("sim", [("plan-none", date(2026, 8, 1))])
    world.hold("other", [("plan-none", date(2026, 8, 1))])
    start = datetime(2026, 10, 15, 12, tzinfo=UTC)
    world.use([Used("call", "sim", start, "voice", "NL", 61), Used("sms", "sim", start, "sms", "NL", 1)])
    world.use([Used("call of other", "other", start, "voice", "NL", 9)], file="of other")
    world.rate(OCTOBER)
    found = records_of(lake=world.lake, billing_account_id=derived("account of sim"), month=OCTOBER)
    charges = world.charges()
    assert {one.record_id for one in found} == {record_id("call"), record_id("sms")}
    assert all(one.amount_micro == charges[one.record_id].amount_micro > 0 for one in found)
    assert records_of(lake=world.lake, billing_account_id=derived("account of sim"), month=date(2026, 11, 1)) == []
    assert records_of(lake=world.lake, billing_account_id=UUID(int=3), month=OCTOBER) == []


def test_most_of_the_files_is_passed_over(world: RatedLake) -> None:
    with world.lake.write(database=world.database, write_id=world.identifiers.new(NOW)) as write, Duck() as duck:
        query = f"{_MANY} ORDER BY {', '.join(GUIDED.sort)}"
        write.append(GUIDED, duck.write_partition(GUIDED, query, write.folder(GUIDED) / "many.parquet"))
    assert world.rate(OCTOBER).records == 600_000
    account = UUID(f"{4321 * 715827:08X}-0000-7000-8000-000000000007")
    assert len(records_of(lake=world.lake, billing_account_id=account, month=OCTOBER)) == 100
    for table in (GUIDED, CHARGE):
        [file] = world.lake.files(table)
        groups, touched = row_groups(Path(file), account)
        assert groups >= 4 and touched <= 2, f"{touched} of {groups} row groups of {table.name} may hold the account"


def row_groups(file: Path, account: UUID) -> tuple[int, int]:
    with Duck() as duck:
        rows = duck.rows(
            f"SELECT stats_min_value::UUID AS least, stats_max_value::UUID AS most FROM parquet_metadata('{file}')"
            " WHERE path_in_schema = 'billing_account_id'"
        )
    return len(rows), sum(row["least"] <= account <= row["most"] for row in rows)
