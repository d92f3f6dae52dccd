"""Backup and restore: to one instant while others work, all or nothing, and everything that is damaged is found."""

import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from conftest import BusinessCluster
from factories.billed_operator import BilledOperator, populate
from hoeksteen.billing.documents import invoice_ubl
from hoeksteen.billing.model import BillRunProgress
from hoeksteen.billing.queries import bills_of_run
from hoeksteen.journeys import safekeeping
from hoeksteen.journeys.balance import audit_month
from hoeksteen.journeys.closing import close_books
from hoeksteen.kernel.errors import Conflict, Corrupt, InvalidInput, WrongState
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.time_period import bill_period
from hoeksteen.rating.tables import CHARGE
from hoeksteen.storage.backup import check
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Database
from hoeksteen.usage.tables import GUIDED
from simulation.desk_of_receivables import Desk

WORKER = Path(__file__).with_name("backup_worker.py")
NOW = datetime(2026, 12, 1, 6, tzinfo=UTC)
OCTOBER = bill_period(date(2026, 10, 1))
CUSTOMERS = 40


def faults(database: Database, lake: Lake) -> list[str]:
    """What `fsck` finds, but for the usage that was put into the lake without a file that it came in."""
    return [one for one in safekeeping.faults(database=database, lake=lake) if "00000000-0000-0000-0000-000000000001" not in one]


class Place:
    """An empty installation: a migrated database and a lake of its own."""

    def __init__(self, dsn: str, warehouse: Path, stack: ExitStack) -> None:
        self.dsn = dsn
        self.database = stack.enter_context(Database(dsn))
        self.lake = stack.enter_context(Lake(warehouse=warehouse, catalogue_dsn=dsn))

    def restore(self, folder: Path) -> None:
        safekeeping.restore(database=self.database, lake=self.lake, folder=folder, write_id=Identifiers(random.Random(1)).new(NOW))

    def is_empty(self) -> bool:
        with self.database.transaction() as tx:
            counts = [
                tx.value(f"SELECT count(*) FROM {name}") for name in ("party.customer", "ledger.journal_entry", "lake.head", "disclosure.sealed")
            ]
        return counts == [0, 0, 0, 0]

    def faults(self) -> list[str]:
        return faults(self.database, self.lake)


@pytest.fixture
def new_place(business_cluster: BusinessCluster, tmp_path: Path) -> Iterator[Callable[[], Place]]:
    with ExitStack() as stack:

        def made() -> Place:
            number = next(business_cluster.names)
            business_cluster.cluster.as_superuser(
                f"CREATE DATABASE t{number} TEMPLATE template_hoeksteen OWNER hoeksteen_owner; GRANT CONNECT ON DATABASE t{number} TO hoeksteen_app;"
            )
            return Place(business_cluster.cluster.dsn(role="hoeksteen_app", database=f"t{number}"), tmp_path / f"lake{number}", stack)

        yield made


@pytest.fixture
def full(operator: BilledOperator) -> BilledOperator:
    """An operator with bills, books and a closed month."""
    populate(operator, customers=CUSTOMERS, seed=6, records=2)
    operator.run()
    with operator.database.transaction() as tx:
        close_books(tx=tx, period=OCTOBER, by="x", now=NOW)
        close_books(tx=tx, period=bill_period(date(2026, 11, 1)), by="x", now=NOW)
    return operator


def _back_up(operator: BilledOperator, folder: Path) -> Path:
    safekeeping.back_up(database=operator.database, lake=operator.lake, folder=folder, now=NOW)
    return folder


def _contents(database: Database) -> dict[str, object]:
    with database.transaction() as tx:
        names = [
            row["n"] for row in tx.rows("SELECT schemaname || '.' || tablename AS n FROM pg_tables WHERE schemaname !~ '^(pg_|information|lake)'")
        ]
        shown = [name for name in sorted(names) if not name.startswith(("ledger.unchecked", "storage.migration"))]
        return {name: tx.value(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {name} t") for name in shown}


def test_everything_comes_back_and_works_on(full: BilledOperator, new_place: Callable[[], Place], tmp_path: Path) -> None:
    Desk(full, random.Random(6), tmp_path).month(date(2026, 12, 1))
    folder = _back_up(full, tmp_path / "backup")
    assert {oct(one.stat().st_mode & 0o777) for one in folder.rglob("*") if one.is_file()} == {"0o600"}
    assert folder.stat().st_mode & 0o777 == 0o700
    content = b"".join(one.read_bytes() for one in folder.rglob("*") if one.is_file())
    assert b"Molenaar" not in content and b"Prinsengracht" not in content, "what is sealed stays sealed"
    place = new_place()
    place.restore(folder)
    assert _contents(place.database) == _contents(full.database)
    assert place.faults() == []
    for month in (10, 12):
        assert audit_month(database=place.database, lake=place.lake, period=bill_period(date(2026, month, 1))).differences == ()
    there = BilledOperator(place.database, full.keeper, place.lake, Identifiers(random.Random(2)), list(full.held))
    with place.database.transaction() as tx:
        run_id = tx.value("SELECT bill_run_id FROM billing.bill_run")
        bill = bills_of_run(tx=tx, bill_run_id=run_id, limit=1)[0]
        assert b"Invoice" in invoice_ubl(
            tx=tx, keeper=full.keeper, customer_id=bill.customer_id, customer_bill_id=bill.customer_bill_id, purpose="billing"
        ), "the keeper opens what was restored"
    there.add("mobile-m")  # customer numbers go on where they were
    there.charge(there.held[:2], month=date(2026, 11, 1), records=2)
    there.run(date(2026, 11, 1))
    assert audit_month(database=place.database, lake=place.lake, period=bill_period(date(2026, 11, 1))).differences == ()
    with place.database.transaction() as tx:
        assert tx.value("SELECT count(DISTINCT right(bill_number, 8)) = max(right(bill_number, 8)::int) FROM billing.customer_bill")


def test_a_backup_in_the_middle_of_work_is_of_one_instant(operator: BilledOperator, new_place: Callable[[], Place], tmp_path: Path) -> None:
    """A bill run writes, a delivery of usage is not committed yet: the backup has the batches that were, and the run goes on where it is restored."""
    populate(operator, customers=CUSTOMERS, seed=7, records=2)
    trial = operator.run(kind="trial")
    folder = tmp_path / "backup"

    def in_the_middle(done: BillRunProgress) -> None:
        if not folder.exists() and done.bills >= 15:
            _back_up(operator, folder)

    operator.run(batch=5, progress=in_the_middle)
    with operator.lake.write(database=operator.database, write_id=operator.identifiers.new(NOW)) as write:
        write.append(CHARGE, [])
        _back_up(operator, tmp_path / "while writing")
    place = new_place()
    place.restore(folder)
    with place.database.transaction() as tx:
        bills = tx.value("SELECT count(*) FROM billing.customer_bill WHERE bill_number IS NOT NULL")
    assert 15 <= bills < CUSTOMERS, "it is of the middle of the run"
    assert place.faults() == []
    there = BilledOperator(place.database, operator.keeper, place.lake, Identifiers(random.Random(3)), list(operator.held))
    assert there.run().totals == trial.totals, "the run goes on, and ends as it would have"
    assert audit_month(database=place.database, lake=place.lake, period=OCTOBER).differences == ()
    assert place.faults() == []


def test_usage_that_was_not_committed_is_not_in_it(operator: BilledOperator, new_place: Callable[[], Place], tmp_path: Path) -> None:
    populate(operator, customers=4, seed=7, records=2)
    heads = operator.lake.files(GUIDED)
    done: list[Path] = []
    original = operator.lake.write

    class Watched:
        """Take a backup when the files of a delivery lie there and do not count yet."""

        def __enter__(self) -> object:
            self.inner = original(database=operator.database, write_id=operator.identifiers.new(NOW))
            return self.inner.__enter__()

        def __exit__(self, *error: object) -> object:
            done.append(_back_up(operator, tmp_path / "backup"))
            return self.inner.__exit__(*error)  # type: ignore[arg-type]

    operator.lake.write = lambda **_: Watched()  # type: ignore[method-assign, assignment]
    metered = [one for one in operator.held if "mobile" in one.offering]
    operator.charge(metered, month=date(2026, 10, 1), records=3)
    operator.lake.write = original  # type: ignore[method-assign]
    assert len(operator.lake.files(GUIDED)) > len(heads)
    place = new_place()
    place.restore(done[0])
    assert len(place.lake.files(GUIDED)) == len(heads)
    assert place.faults() == []


@pytest.mark.parametrize("what", ["a table", "a file of the lake", "the manifest", "a missing file", "a missing table", "cut off"])
def test_a_backup_that_is_damaged_restores_nothing(full: BilledOperator, new_place: Callable[[], Place], tmp_path: Path, what: str) -> None:
    folder = _back_up(full, tmp_path / "backup")
    lake_file = next(iter(sorted((folder / "lake" / CHARGE.name).iterdir())))
    table = folder / "database/ledger.posting.copy"
    victim = {"a table": table, "a missing table": table, "the manifest": folder / "backup.json"}.get(what, lake_file)
    whole = victim.read_bytes()
    if "missing" in what:
        victim.unlink()
    elif what == "the manifest":
        victim.write_bytes(whole.replace(b'"rows": 40', b'"rows": 41', 1))
    else:
        changed = bytearray(whole)
        changed[len(changed) // 2] ^= 1
        victim.write_bytes(changed[:-1] if what == "cut off" else changed)
    place = new_place()
    with pytest.raises(Corrupt, match="was changed|cut off or changed|is missing"):
        place.restore(folder)
    assert place.is_empty() and not list(place.lake.warehouse.rglob("*.parquet")), "nothing half-done"
    victim.write_bytes(whole)
    place.restore(folder)
    assert place.faults() == []


def test_only_whole_backups_and_empty_installations_fit(full: BilledOperator, new_place: Callable[[], Place], tmp_path: Path) -> None:
    folder = _back_up(full, tmp_path / "backup")
    with pytest.raises(InvalidInput, match="never overwritten"):
        _back_up(full, folder)
    place = new_place()
    with pytest.raises(InvalidInput, match="no whole backup"):
        place.restore(tmp_path / "nowhere")
    unfinished = folder.rename(tmp_path / "backup.unfinished")
    with pytest.raises(InvalidInput, match="no whole backup"):
        place.restore(unfinished)
    unfinished.rename(folder)
    place.restore(folder)
    with pytest.raises(WrongState, match="not empty"):
        place.restore(folder)
    with psycopg.connect(place.dsn.replace("user=hoeksteen_app", "user=hoeksteen_owner")) as owner:
        owner.execute("INSERT INTO storage.migration (room, name, digest) VALUES ('usage', '9999_later', 'x')")
    with pytest.raises(WrongState, match="another release"):
        place.restore(folder)


def _killed(mode: str, place: tuple[str, Path], folder: Path, chance: random.Random) -> None:
    """Start a worker and kill it at some instant."""
    arguments = [mode, place[0], str(place[1]), str(folder)]
    worker = subprocess.Popen([sys.executable, str(WORKER), *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert worker.stdout is not None and worker.stdout.readline().strip() == "working"
    for _ in range(chance.randrange(5)):
        worker.stdout.readline()
    time.sleep(chance.uniform(0.0, 0.12))
    worker.send_signal(signal.SIGKILL)
    worker.communicate()


def test_two_backups_to_one_place_do_not_harm_each_other(full: BilledOperator, tmp_path: Path) -> None:
    folder, refused = tmp_path / "backup", list[Conflict]()
    (tmp_path / "backup.unfinished" / "lake").mkdir(parents=True)
    (tmp_path / "backup.unfinished" / "lake" / "left").touch()

    def meanwhile(_: str) -> None:
        with pytest.raises(Conflict, match="Another backup is writing") as told:
            _back_up(full, folder)
        refused.append(told.value)

    safekeeping.back_up(database=full.database, lake=full.lake, folder=folder, now=NOW, tell=meanwhile)
    assert refused and not (folder / "lake" / "left").exists()
    check(folder=folder)
    with pytest.raises(InvalidInput, match="never overwritten"):
        _back_up(full, folder)


@pytest.mark.slow
def test_killed_while_it_is_made(full: BilledOperator, business_dsn: str, tmp_path: Path) -> None:
    chance, whole = random.Random(4), 0
    for number in range(6):
        folder = tmp_path / f"backup{number}"
        _killed("backup", (business_dsn, full.lake.warehouse), folder, chance)
        if folder.exists():
            whole += bool(check(folder=folder))
        else:
            with pytest.raises(InvalidInput):
                check(folder=folder.with_name(f"{folder.name}.unfinished"))
    assert whole < 6, "the kills came too late to mean anything"
    _back_up(full, tmp_path / "last")
    assert check(folder=tmp_path / "last")


@pytest.mark.slow
def test_killed_while_it_is_restored(full: BilledOperator, new_place: Callable[[], Place], tmp_path: Path) -> None:
    chance, folder = random.Random(5), _back_up(full, tmp_path / "backup")
    cut_off = 0
    for _ in range(4):
        place = new_place()
        _killed("restore", (place.dsn, place.lake.warehouse), folder, chance)
        deadline = time.monotonic() + 20
        while True:  # the server notices within moments that the killed client is gone
            with place.database.transaction() as tx:
                if tx.value("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'") == 0:
                    break
            assert time.monotonic() < deadline
            time.sleep(0.05)
        if place.is_empty():
            cut_off += 1
            place.restore(folder)
        assert place.faults() == []
        assert len(list(place.lake.warehouse.rglob("*.parquet"))) == len(list((folder / "lake").rglob("*.parquet"))), "no litter either"
        assert _contents(place.database) == _contents(full.database)
    assert cut_off, "the kills came too late to mean anything"


@pytest.mark.parametrize("what", ["missing", "cut off", "garbled", "a posting", "a bill number", "a blob", "a month"])
def test_fsck_finds_what_does_not_hold_together(full: BilledOperator, owner_dsn: str, what: str) -> None:
    assert faults(full.database, full.lake) == []
    file = Path(full.lake.files(CHARGE)[0])
    content = file.read_bytes()
    sql = {
        "a posting": "DELETE FROM ledger.posting WHERE (journal_entry_id, line) = (SELECT journal_entry_id, line FROM ledger.posting LIMIT 1)",
        "a bill number": "UPDATE billing.invoice_counter SET last_number = last_number + 1",
        "a blob": "UPDATE disclosure.sealed SET blob = '' WHERE subject_id = (SELECT subject_id FROM disclosure.sealed LIMIT 1)",
        "a month": "UPDATE ledger.journal_entry SET reference = reference || 'x'",
    }.get(what)
    if sql is not None:
        with psycopg.connect(owner_dsn) as owner:
            owner.execute(sql)
    elif what == "missing":
        file.unlink()
    else:
        file.write_bytes(content[:-9] if what == "cut off" else content[: len(content) // 3] + b"\0" * 64 + content[len(content) // 3 + 64 :])
    says = {
        "missing": "is missing", "cut off": "bytes, not", "garbled": f"{CHARGE.name}: ", "a posting": "no balanced entry",
        "a bill number": "are used",
        "a blob": "blobs are empty", "a month": "not the one that was closed",
    }[what]  # fmt: skip
    found = faults(full.database, full.lake)
    assert any(says in one for one in found), found


def test_files_stay_while_a_backup_reads_them(full: BilledOperator) -> None:
    with Lake(warehouse=full.lake.warehouse, catalogue_dsn=full.database._dsn, kept=timedelta(0)) as lake:
        with full.database.transaction() as reading:
            reading.see_one_moment()
            files = [one.path for of_table in lake.files_of_heads(reading).values() for one in of_table]
            for _ in range(2):
                with lake.write(database=full.database, write_id=full.identifiers.new(NOW)) as write:
                    write.replace(CHARGE, {"month": [202610]}, [])
            assert all(file.exists() for file in files)
        with lake.write(database=full.database, write_id=full.identifiers.new(NOW)):
            pass
        assert not all(file.exists() for file in files), "once it is done they go"


def test_nothing_that_the_application_keeps_is_left_out(full: BilledOperator, tmp_path: Path) -> None:
    """A new table is in every backup, or is named here with the reason why it need not be."""
    made_anew = {"rating.open_rating", "rating.rating_step", "usage.identity_run", "usage.identity_file"}
    lies_in_a_queue = {
        "jobs.procrastinate_events",
        "jobs.procrastinate_jobs",
        "jobs.procrastinate_periodic_defers",
        "jobs.procrastinate_workers",
        "jobs.report",
    }
    by_migrations_and_triggers = {
        "storage.migration", "ledger.ledger_account", "ledger.books", "ledger.unchecked_entries", "consolidation.lineage_field",
        "consolidation.lineage_rule",
    }  # fmt: skip
    kept = set(check(folder=_back_up(full, tmp_path / "backup"))["tables"])
    assert set(_contents(full.database)) - kept <= made_anew | lies_in_a_queue | by_migrations_and_triggers
    assert not kept & (made_anew | lies_in_a_queue | by_migrations_and_triggers)
