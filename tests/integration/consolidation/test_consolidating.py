"""Three invented systems become one, in a real PostgreSQL under a real keeper."""

import json
import os
import re
import resource
import shutil
import sqlite3
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from factories.exports import CUTOVER, TABLES, bring_in, invent_exports, key_of, rows_of, sources
from factories.legacy import IBM_HEADER, fixed_row, write_fixed
from fixtures.invented_exports import Invented, digits
from fixtures.keeper import RunningKeeper
from hoeksteen.consolidation import _store, queries
from hoeksteen.consolidation.model import RecordState, Source
from hoeksteen.consolidation.report import Report
from hoeksteen.disclosure.queries import lookup, reveal
from hoeksteen.host.settings import Settings
from hoeksteen.interfaces.cli.consolidate_group import consolidate as command
from hoeksteen.kernel.errors import AccessDenied, Conflict, InvalidInput, WrongState
from hoeksteen.kernel.sealed import Category
from hoeksteen.party.queries import billing_accounts, list_customers
from hoeksteen.product.queries import alterations, resources_by_id
from hoeksteen.storage.postgres import Database

CUSTOMERS = 400


@pytest.fixture(scope="module")
def exports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return invent_exports(tmp_path_factory.mktemp("legacy") / "exports", customers=CUSTOMERS, seed=3)


def customers_in(database: Database) -> int:
    with database.transaction() as tx:
        return int(tx.value("SELECT count(*) FROM party.customer"))


def test_every_record_number_and_cent_is_accounted_for(database: Database, keeper: RunningKeeper, exports: Path) -> None:
    report = bring_in(database, keeper.client("bss"), exports, "whole")
    truth = json.loads((exports / "truth.json").read_text("utf-8"))["sources"]
    for source in report.sources:
        assert source.closes
        expected = truth[source.name]
        assert (source.records_in, source.states["rejected"]) == (expected["records"], expected["rejectable"])
        assert source.products_in == expected["products"]
    assert report.closes
    assert report.customers == customers_in(database)
    assert report.match is not None
    assert report.match.precision == 1.0
    assert report.match.household_merges == 0
    assert report.match.recall > 0.95
    assert {entry.code for entry in report.rejected} == {"no_name", "impossible_date", "unknown_product", "broken_line"}
    with database.transaction() as tx:
        assert len(queries.open_reviews(tx=tx, limit=1_000)) == report.reviews
        assert tx.value("SELECT count(*) FROM party.party") == report.customers
        assert Counter(row["code"] for row in queries.findings(tx=tx)) == Counter(entry.code for entry in report.findings)


def test_what_was_loaded_is_sealed_and_found_again(database: Database, keeper: RunningKeeper, exports: Path) -> None:
    bss = keeper.client("bss")
    bring_in(database, bss, exports, "sealed")
    entry = next(one for one in Invented(exports).mobile if one["type"] == "P" and one["surname"] and one["iban"] and one["email"])
    with database.transaction() as tx:
        (row,) = _store.known_records(tx, [key_of("sealed").record_id("mobile", entry["account_id"])])
        customer = next(one for one in list_customers(tx=tx, after=None, limit=10_000) if one.customer_id == row["customer_id"])
        found = {
            category: reveal(tx=tx, keeper=bss, purpose="migration", category=category, subjects=[customer.party_id])[customer.party_id].fields
            for category in (Category.IDENTITY, Category.CONTACT, Category.PAYMENT)
        }  # fmt: skip
        number = digits(entry["sims"][0]["msisdn"])
        (hits,) = lookup(keeper=bss, purpose="migration", index="number", values=[number])
        (hit,) = [one for one in hits if one.subject == customer.party_id]  # the keeper is shared with other tests' customers
        assert hit.ref is not None
        (resource,) = resources_by_id(tx=tx, resource_ids=[hit.ref])
        lineage = queries.lineage_of_customer(tx=tx, customer_id=customer.customer_id)
        records = queries.records_of_customer(tx=tx, customer_id=customer.customer_id)
        (billing_account,) = billing_accounts(tx=tx, customer_id=customer.customer_id)
    assert found[Category.IDENTITY]["kind"] == "individual"
    assert {"source": "mobile", "number": entry["account_id"]} in found[Category.IDENTITY]["legacy_numbers"]
    assert entry["email"].lower() in found[Category.CONTACT]["emails"]
    assert {"e164": number, "kind": "msisdn", "resource_id": str(hit.ref)} in found[Category.CONTACT]["phones"]
    assert entry["sims"][0]["iccid"] in [sim["iccid"] for sim in found[Category.CONTACT]["sims"]]
    assert found[Category.PAYMENT]["iban"]
    assert (hit.subject, resource.customer_id) == (customer.party_id, customer.customer_id)
    assert (billing_account.cycle_day, billing_account.tax_included) == (1, True)
    assert {entry["category"] for entry in lineage} >= {"identity", "contact", "payment"}
    assert {entry["source_key"] for entry in lineage} <= {one["source_key"] for one in records}


def test_nothing_personal_lies_in_the_business_database(database: Database, keeper: RunningKeeper, exports: Path) -> None:
    bring_in(database, keeper.client("bss"), exports, "dark")
    invented = Invented(exports)
    planted = {row["KLANTNR"] for row in invented.fixed} | {row["NAAM"].split(" ")[0] for row in invented.fixed if len(row["NAAM"].split(" ")[0]) > 5}
    for entry in invented.mobile:
        planted |= {entry["account_id"], *(digits(sim["msisdn"]) for sim in entry["sims"]), *(sim["iccid"] for sim in entry["sims"])}
        planted |= {value for value in (entry["email"], entry["iban"]) if value}
    with database.transaction() as tx:
        stored = "\n".join(row["line"] for table in TABLES for row in tx.rows(f"SELECT t::text AS line FROM {table} t"))
    words = set(re.split(r"[^A-Z0-9@.]+", stored.upper()))
    assert len(words) > 10_000
    assert [value for value in planted if value.upper() in words] == []
    assert resource.getrlimit(resource.RLIMIT_CORE) == (0, 0), "a crash would write what is in memory to disk"
    assert "@" not in stored


def test_running_again_makes_nothing_twice(database: Database, keeper: RunningKeeper, exports: Path) -> None:
    first = bring_in(database, keeper.client("bss"), exports, "again")
    before = rows_of(database)
    assert bring_in(database, keeper.client("bss"), exports, "again") == first
    assert rows_of(database) == before


def test_a_source_that_comes_later_joins_the_customers_that_are_there(database: Database, keeper: RunningKeeper, exports: Path) -> None:
    first = bring_in(database, keeper.client("bss"), exports, "later", ["mobile", "broadband"])
    with database.transaction() as tx:
        numbers = {one.customer_id: one.customer_number for one in list_customers(tx=tx, after=None, limit=10_000)}
    report = bring_in(database, keeper.client("bss"), exports, "later")
    assert report.closes
    assert first.customers < report.customers < first.customers + report.sources[0].records_in / 2
    with database.transaction() as tx:
        now = {one.customer_id: one.customer_number for one in list_customers(tx=tx, after=None, limit=10_000)}
    assert numbers.items() <= now.items()


def test_what_was_loaded_before_must_be_given_again_under_the_same_key(database: Database, keeper: RunningKeeper, exports: Path) -> None:
    bring_in(database, keeper.client("bss"), exports, "once", ["fixed"])
    before = rows_of(database)
    with pytest.raises(WrongState, match="fixed was loaded earlier"):
        bring_in(database, keeper.client("bss"), exports, "once", ["mobile"])
    with pytest.raises(WrongState, match="key of the pseudonyms"):
        bring_in(database, keeper.client("bss"), exports, "another key", ["fixed"])
    assert rows_of(database) == before


def test_two_runs_at_once_are_refused(database: Database, keeper: RunningKeeper, exports: Path) -> None:
    with database.transaction() as tx:
        assert _store.lock(tx)
        with pytest.raises(Conflict, match="Another consolidation"):
            bring_in(database, keeper.client("bss"), exports, "two")


def test_without_a_grant_no_customer_is_loaded(database: Database, keeper: RunningKeeper, exports: Path) -> None:
    with pytest.raises(AccessDenied):
        bring_in(database, keeper.client("desk"), exports, "ungranted")
    assert customers_in(database) == 0


def _cut(folder: Path) -> None:
    file = folder / "mobile.jsonl"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])


def _recoded(folder: Path) -> None:
    file = folder / "fixed.csv"
    file.write_bytes(file.read_bytes().decode("latin-1").replace("MEVR", "MËVR").encode("utf-8"))


def _widened(folder: Path) -> None:
    with sqlite3.connect(folder / "broadband.sqlite") as connection:
        connection.execute("ALTER TABLE klant ADD COLUMN fax TEXT")


@pytest.mark.parametrize(
    ("damage", "what"),
    [(_cut, "mobile.jsonl line"), (_recoded, "fixed.csv line"), (_widened, "broadband.sqlite, table klant, field fax")],
)
def test_a_file_that_is_wrong_loads_nothing_and_once_mended_everything(
    database: Database, keeper: RunningKeeper, exports: Path, tmp_path: Path, damage: Any, what: str
) -> None:
    folder = tmp_path / "damaged"
    shutil.copytree(exports, folder, ignore=shutil.ignore_patterns("usage"))
    damage(folder)
    with pytest.raises(InvalidInput, match=what):
        bring_in(database, keeper.client("bss"), folder, what)
    assert all(not rows for rows in rows_of(database).values())
    assert bring_in(database, keeper.client("bss"), exports, what).closes


def test_a_record_that_changed_since_is_a_finding_and_stays(database: Database, keeper: RunningKeeper, tmp_path: Path) -> None:
    bring_in(database, keeper.client("bss"), tmp_path, "changed", given=[Source(Path("fixed"), write_fixed(tmp_path, fixed_row()))])
    before = rows_of(database)
    report = bring_in(
        database, keeper.client("bss"), tmp_path, "changed", given=[Source(Path("fixed"), write_fixed(tmp_path, fixed_row(PLAATS="ZUIDBEEK")))]
    )
    assert [(entry.code, entry.first_place) for entry in report.findings] == [("changed_since_loaded", "fixed.csv:2")]
    after = rows_of(database)
    assert {table: rows for table, rows in after.items() if table != "consolidation.finding"} == {
        table: rows for table, rows in before.items() if table != "consolidation.finding"
    }


def test_a_rejected_record_loads_once_it_is_mended(database: Database, keeper: RunningKeeper, tmp_path: Path) -> None:
    whole = fixed_row("10000002", "A1000002", NUMMER="030-2123457")

    def bring(row: str) -> Report:
        return bring_in(database, keeper.client("bss"), tmp_path, "mended", given=[Source(Path("fixed"), write_fixed(tmp_path, whole, row))])

    broken = bring(fixed_row(PRODUCT="TEL-X"))
    assert broken.closes and broken.sources[0].states[RecordState.REJECTED] == 1
    assert bring(fixed_row(PRODUCT="TEL-X")).sources[0].states == broken.sources[0].states, "the same again changes nothing"
    mended = bring(fixed_row())
    assert mended.closes
    assert (mended.sources[0].states[RecordState.REJECTED], sum(mended.sources[0].states.values())) == (0, 2)
    worse = bring(fixed_row(PRODUCT="TEL-X"))
    assert worse.closes, "what is here stays, whatever the source says since"
    assert "changed_since_loaded" in [entry.code for entry in worse.findings]


def test_a_record_that_is_given_no_more_is_a_finding_and_stays(database: Database, keeper: RunningKeeper, tmp_path: Path) -> None:
    other = fixed_row("10000002", "A1000002", NUMMER="030-2123457", NAAM="VISSER K. MEVR", GEBDAT="01-02-1970")

    def bring(*rows: str) -> Report:
        return bring_in(database, keeper.client("bss"), tmp_path, "gone", given=[Source(Path("fixed"), write_fixed(tmp_path, *rows))])

    whole = bring(other, fixed_row())
    less = bring(other)
    assert less.closes
    assert (less.sources[0].records_in, less.sources[0].states["loaded"], less.customers) == (1, 1, 2)
    assert [(entry.code, entry.first_place) for entry in less.findings] == [("gone_since_loaded", "fixed.csv:3")]
    assert bring(other, fixed_row()) == whole, "it came back"


@pytest.mark.parametrize(
    "change", [{"MAANDBEDR": "13,75"}, {"AANSLNR": "A1000009"}, {"NUMMER": "030-2123499"}, {"STATUS": "B", "EINDE": "01-06-2026"}]
)
def test_what_a_changed_record_holds_by_now_leaves_the_balance_closed(
    database: Database, keeper: RunningKeeper, tmp_path: Path, change: dict[str, str]
) -> None:
    def bring(row: str) -> Report:
        return bring_in(database, keeper.client("bss"), tmp_path, str(change), given=[Source(Path("fixed"), write_fixed(tmp_path, row))])

    bring(fixed_row())
    changed = bring(fixed_row(**change))
    assert changed.closes
    assert [entry.code for entry in changed.findings] == ["changed_since_loaded"]


@pytest.mark.parametrize(
    ("altered", "reviewed"), [({}, []), ({"PLAATS": "ZUIDBEEK"}, ["record_altered"]), ({"PRODUCT": "TEL-X"}, [])], ids=["same", "changed", "rejected"]
)
def test_a_new_record_joins_a_customer_only_if_nothing_of_theirs_is_lost(
    database: Database, keeper: RunningKeeper, tmp_path: Path, altered: dict[str, str], reviewed: list[str]
) -> None:
    bss = keeper.client("bss")
    first, again = fixed_row(), fixed_row("10000002", "A1000002", NUMMER="030-2123457")
    stranger = fixed_row("10000003", "A1000003", NUMMER="030-2123458", NAAM="VISSER K. MEVR", GEBDAT="01-02-1970", CONTACT="", EMAIL="", REKENING="")

    def bring(*rows: str) -> Report:
        return bring_in(database, bss, tmp_path, f"join {altered}", given=[Source(Path("fixed"), write_fixed(tmp_path, *rows, stranger))])

    bring(first)
    report = bring(fixed_row(**altered), again)
    assert report.closes
    assert report.customers == (3 if altered else 2)
    with database.transaction() as tx:
        parties = [one.party_id for one in list_customers(tx=tx, after=None, limit=10)]
        contacts = reveal(tx=tx, keeper=bss, purpose="migration", category=Category.CONTACT, subjects=parties)
        reasons = [row["reason"] for row in queries.open_reviews(tx=tx, limit=10)]
    lines = sorted(sorted(phone["e164"] for phone in found.fields["phones"] if phone["kind"] == "line") for found in contacts.values())
    joined, apart = [["31302123456", "31302123457"], ["31302123458"]], [["31302123456"], ["31302123457"], ["31302123458"]]
    assert lines == (apart if altered else joined)
    assert reasons == reviewed


def test_nobodys_price_changes_by_moving(database: Database, keeper: RunningKeeper, exports: Path, tmp_path: Path) -> None:
    folder = tmp_path / "dearer"
    shutil.copytree(exports, folder, ignore=shutil.ignore_patterns("usage"))
    with sqlite3.connect(folder / "broadband.sqlite") as connection:
        connection.execute("UPDATE abonnement SET maandbedrag_cent = maandbedrag_cent + 137")
    report = bring_in(database, keeper.client("bss"), folder, "dearer", ["broadband"])
    assert report.closes
    with database.transaction() as tx:
        found = alterations(tx=tx, customer_ids=[one.customer_id for one in list_customers(tx=tx, after=None, limit=10_000)])
    assert {one.value for one in found if one.name == "price kept from Broadband"} == {Decimal("1.37")}


def test_products_keep_their_history(database: Database, keeper: RunningKeeper, tmp_path: Path) -> None:
    rows = (
        fixed_row(STATUS="O", OPGESCHORT="01-06-2026"),
        fixed_row("10000002", "A1000002", NUMMER="030-2123457", STATUS="B", EINDE="10-10-2026"),
        fixed_row("10000003", "A1000003", NUMMER="030-2123458", INGANG="15-10-2026", GEFACT_TOT="15-10-2026"),
    )
    bring_in(database, keeper.client("bss"), tmp_path, "history", given=[Source(Path("fixed"), write_fixed(tmp_path, *rows))])
    with database.transaction() as tx:
        terms = tx.rows(
            "SELECT p.recurring_billed_to, t.status, t.valid_from::text FROM product.product p"
            " JOIN product.product_term t USING (customer_id, product_id)"
            " ORDER BY p.start_day, p.recurring_billed_to, t.status, t.valid_from"
        )
    assert [(str(row["recurring_billed_to"]), row["status"], row["valid_from"][:16]) for row in terms] == [
        ("2026-11-01", "active", "2019-02-28 23:00"),
        ("2026-11-01", "active", "2019-02-28 23:00"),
        ("2026-11-01", "suspended", "2026-05-31 22:00"),
        ("2026-11-01", "terminated", "2026-10-09 22:00"),
        ("2026-10-15", "active", "2026-10-14 22:00"),
    ]


def _ibm_row(number: int, held: dict[str, str], charge: str) -> str:
    services = [
        "PhoneService",
        "MultipleLines",
        "InternetService",
        "OnlineSecurity",
        "OnlineBackup",
        "DeviceProtection",
        "TechSupport",
        "StreamingTV",
    ]
    values = [held.get(name, "No") for name in [*services, "StreamingMovies"]]
    return ",".join([f"{number:04d}-ABCDE", "Female", "0", "No", "No", "7", *values, "Two year", "Yes", "Mailed check", charge, "100.00", "No"])


def test_a_source_without_prices_bills_what_it_billed(database: Database, keeper: RunningKeeper, tmp_path: Path) -> None:
    yes = ("OnlineSecurity", "OnlineBackup", "DeviceProtection", "TechSupport", "StreamingTV", "StreamingMovies")
    rows = [_ibm_row(number, {"PhoneService": "Yes", "InternetService": "DSL", one: "Yes"}, f"{50 + number}.45") for number, one in enumerate(yes)]
    rows += [_ibm_row(10, {"PhoneService": "Yes"}, "20.05"), _ibm_row(11, {"PhoneService": "Yes", "MultipleLines": "Yes"}, "25.00")]
    rows += [_ibm_row(12, {"InternetService": "DSL"}, "24.80"), _ibm_row(13, {"InternetService": "Fiber optic"}, "50.10")]
    rows += [_ibm_row(14, {"PhoneService": "Yes"}, "19.20"), _ibm_row(15, {"InternetService": "DSL"}, "25.30")]
    file = tmp_path / "customers.csv"
    file.write_text("\n".join([IBM_HEADER, *rows]) + "\n", "utf-8")
    report = bring_in(database, keeper.client("bss"), tmp_path, "ibm", given=[Source(Path("ibm"), file)])
    assert report.closes
    assert (report.customers, report.sources[0].products_in) == (12, 25)
    assert report.sources[0].monthly_out == sum((Decimal(row.split(",")[-3]) for row in rows), Decimal(0))
    with database.transaction() as tx:
        assert tx.value("SELECT bool_and(NOT tax_included) FROM party.billing_account")
        assert tx.value("SELECT count(*) FROM party.agreement WHERE commitment_months = 24") == 12
        assert tx.value("SELECT count(DISTINCT start_day) FROM product.product WHERE start_day = '2026-04-01'") == 1


if "HOEKSTEEN_REFERENCE" in os.environ:

    def test_the_real_sample_to_the_cent(database: Database, keeper: RunningKeeper, tmp_path: Path) -> None:
        file = Path(os.environ["HOEKSTEEN_REFERENCE"]) / "data/ibm-telco/customers.csv"
        report = bring_in(database, keeper.client("bss"), tmp_path, "reference", given=[Source(Path("ibm"), file)], batch=1_000)
        assert (report.customers, str(report.sources[0].monthly_out), report.closes) == (7_043, "456116.60", True)
        assert report.prices[0].adjustment_abs_max <= Decimal("5.00")
        assert report.prices[0].blank_totals == 11


@pytest.fixture
def data(business_dsn: str, keeper: RunningKeeper, tmp_path: Path) -> Path:
    folder = tmp_path / "installation"
    (folder / "app" / "keys").mkdir(parents=True)
    shutil.copy(keeper.key("bss"), folder / "app" / "keys" / "bss.key")
    Settings(folder, business_dsn, business_dsn, "", keeper.socket_path, 0, 0).write()
    return folder


def test_the_command_ends_with_its_figures(database: Database, exports: Path, data: Path) -> None:
    words = [part for source in sources(exports) for part in ("--mapping", str(source.mapping), "--input", str(source.input))]
    words += ["--cutover", CUTOVER.isoformat(), "--truth", str(exports / "truth.parquet"), "--data", str(data), "--json"]
    done = CliRunner(env={"COLUMNS": "200"}).invoke(command, words)
    assert done.exception is None, done.output
    figures = json.loads(done.stdout.strip().splitlines()[-1])
    assert figures["customers"] == customers_in(database)
    assert set(figures["match"]) >= {"precision", "recall", "household_merges"}
    for source in figures["sources"]:
        assert source["records_in"] == source["loaded"] + source["merged"] + source["in_review"] + source["rejected"]
    assert "Every record has one state" in done.stderr
    expecting = CliRunner().invoke(command, [*words, "--expect", "fixed=1"])
    assert isinstance(expecting.exception, InvalidInput)
    assert "1 were expected" in str(expecting.exception)


@pytest.mark.parametrize("words", [[], ["--mapping", "fixed"], ["--mapping", "fixed", "--input", "x", "--expect", "mobile=1"], ["--cutover", "soon"]])
def test_the_command_says_what_is_missing(data: Path, words: list[str]) -> None:
    assert CliRunner().invoke(command, [*words, "--data", str(data)]).exit_code == 2


def test_the_profile_command_needs_no_installation(exports: Path) -> None:
    done = CliRunner(env={"COLUMNS": "200"}).invoke(command, ["profile", "--mapping", "mobile", "--input", str(exports / "mobile.jsonl"), "--json"])
    assert done.exception is None, done.output
    (found,) = json.loads(done.stdout.strip().splitlines()[-1])["profiles"]
    assert found["records"] == json.loads((exports / "truth.json").read_text("utf-8"))["sources"]["mobile"]["records"]
