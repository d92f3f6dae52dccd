"""An operator of any size that can be billed: customers, products and their history, sealed names, and a month of rated usage in a lake."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal
from uuid import UUID
from zlib import crc32

import pyarrow as pa

from hoeksteen.billing.leaving import bill_who_leaves
from hoeksteen.billing.model import BillRunProgress, BillRunResult, CustomerBill, Progress
from hoeksteen.billing.operations import run_bills
from hoeksteen.billing.queries import bill, bills_of
from hoeksteen.disclosure import KeeperClient, SealItem
from hoeksteen.disclosure.operations import store
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.sealed import Category
from hoeksteen.kernel.time_period import bill_period, start_of_day
from hoeksteen.party import operations as party
from hoeksteen.party.model import NewBillingAccount, NewCustomer
from hoeksteen.product import operations as product
from hoeksteen.product.model import NewAlteration, NewProduct, NewResource, NewTerm
from hoeksteen.rating.tables import CHARGE, PRICE
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.lake.engines.duckdb import Duck
from hoeksteen.storage.postgres import Database
from hoeksteen.usage.tables import GUIDED

NOW = datetime(2026, 11, 1, 6, tzinfo=UTC)
CUTOVER = date(2026, 11, 1)
_STREETS = ("Prinsengracht", "Oudegracht", "Coolsingel", "Vrijthof", "Grote Markt")
_USAGE = (
    ("voice", "NL", "HOME", "voice-nl", 20_000), ("voice", "EU", "HOME", "voice-eu", 350_000),
    ("voice", "NL-SERVICE", "HOME", "voice-service", 95_000),
    ("sms", "NL", "HOME", "sms-nl", 100_000), ("data", "NL", "HOME", "data", 1_501), ("data", "EU", "EU", "data", 333),
)  # fmt: skip


@dataclass(frozen=True)
class Held:
    """One product of one customer, as it was loaded."""

    customer_id: UUID
    party_id: UUID
    billing_account_id: UUID
    product_id: UUID
    offering: str


@dataclass
class BilledOperator:
    """
    Customers that can be billed.

    :param keeper: speaks as `bss`
    """

    database: Database
    keeper: KeeperClient
    lake: Lake
    identifiers: Identifiers
    held: list[Held] = field(default_factory=list)

    def add(
        self,
        *offerings: str,
        segment: str = "consumer",
        language: str = "nl",
        payment_method: str = "transfer",
        start: date = date(2024, 5, 1),
        billed_to: date = CUTOVER,
        alterations: Sequence[NewAlteration] = (),
        named: bool = True,
    ) -> list[Held]:
        """Add one customer with these products."""
        return self.add_many(
            [(offerings, start, alterations)], segment=segment, language=language, payment_method=payment_method, billed_to=billed_to, named=named
        )

    def add_many(
        self,
        holdings: Sequence[tuple[Sequence[str], date, Sequence[NewAlteration]]],
        *,
        segment: str = "consumer",
        language: str = "nl",
        payment_method: str = "transfer",
        billed_to: date = CUTOVER,
        named: bool = True,
    ) -> list[Held]:
        """Add a customer for each holding: products, the day they started, and alterations of the first product."""
        customers, accounts, products, found, people = [], [], [], [], []
        for number, (offerings, start, alterations) in enumerate(holdings, start=len(self.held)):
            customer_id, party_id, account_id = (self.identifiers.new(NOW) for _ in range(3))
            kind = "individual" if segment == "consumer" else "organization"
            customers.append(NewCustomer(customer_id, party_id, kind, segment, start, language=language))  # type: ignore[arg-type]
            accounts.append(NewBillingAccount(customer_id, account_id, payment_method, segment == "consumer"))  # type: ignore[arg-type]
            resources = []
            for index, offering in enumerate(offerings):
                product_id, resource_id = self.identifiers.new(NOW), self.identifiers.new(NOW)
                term = NewTerm(start_of_day(start), None, offering)
                resource = NewResource(resource_id, "msisdn", start_of_day(start))
                opening = max(start, billed_to)
                products.append(
                    NewProduct(customer_id, product_id, account_id, start, opening, (term,), tuple(alterations) if not index else (), (resource,))
                )
                found.append(Held(customer_id, party_id, account_id, product_id, offering))
                resources.append((resource_id, f"316{number:06d}{index:02d}"))
            people.append((party_id, kind, number, resources))
        with self.database.transaction() as tx:
            party.add_customers(tx=tx, customers=customers, now=NOW)
            party.add_billing_accounts(tx=tx, billing_accounts=accounts)
            product.add_products(tx=tx, products=products)
            if named:
                identities = [SealItem(subject, _identity(kind, number)) for subject, kind, number, _ in people]
                contacts = [SealItem(subject, _contact(number, resources)) for subject, _, number, resources in people]
                store(tx=tx, keeper=self.keeper, purpose="migration", category=Category.IDENTITY, items=identities)
                store(tx=tx, keeper=self.keeper, purpose="migration", category=Category.CONTACT, items=contacts)
        self.held += found
        return found

    def charge(
        self, held: Sequence[Held], *, month: date, records: int, micro: int | None = None, bill_month: date | None = None,
        called: Sequence[int] = (),
    ) -> None:  # fmt: skip
        """
        Put rated usage of these products into the lake, `records` of each kind and product; late, when it is billed in a later month.

        :param called: other parties' numbers, which calls and messages have in turn, sealed; without it they have none
        """
        rows = [
            (one, service, zone, roaming, f"{one.offering}/{price}", amount if micro is None else micro)
            for one in held
            for service, zone, roaming, price, amount in _USAGE
        ]
        table = pa.table(
            {
                "billing_account_id": [str(row[0].billing_account_id) for row in rows],
                "product_id": [str(row[0].product_id) for row in rows],
                "customer_id": [str(row[0].customer_id) for row in rows],
                "product_offering_id": [row[0].offering for row in rows],
                **{name: [row[index] for row in rows] for index, name in enumerate(("service", "zone", "roaming", "price_id"), start=1)},
                "price_no": pa.array([crc32(row[4].encode()) % 2**31 for row in rows], pa.int32()),
                "amount": pa.array([row[5] for row in rows], pa.int64()),
                "bucket": pa.array([row[0].billing_account_id.int % 16 for row in rows], pa.int32()),
            }
        )
        with Duck() as duck, self.lake.write(database=self.database, write_id=self.identifiers.new(NOW)) as write:
            duck.put("kind", table)
            number = month.year * 100 + month.month
            query = f"""
            SELECT {number} AS month, bucket, billing_account_id, product_id, TIMESTAMPTZ '{month} 10:00:00+00' + to_minutes(r::INTEGER) AS start,
                md5(product_id || price_id || zone || r || '{month}' || '{bill_month}')::UUID AS record_id, customer_id,
                '00000000-0000-0000-0000-000000000001' AS usage_file_id, r AS line, service, zone, roaming, 60 + r AS units, 0 AS generation,
                DATE '{month}' AS period_day, DATE '{bill_month or month}' AS bill_day, NULL AS other_number,
                price_no, 0 AS outcome, r % 7 AS free_units, amount + r * 7 AS amount_micro
            FROM kind CROSS JOIN range({records}) AS record (r)
            """
            guided = query
            if called:
                duck.put(
                    "block", self._sealed(duck.arrow(f"SELECT record_id::VARCHAR AS id, customer_id, service, line FROM ({query})"), month, called)
                )
                guided = f"SELECT q.* REPLACE (b.block AS other_number) FROM ({query}) q LEFT JOIN block b ON b.id = q.record_id::VARCHAR"
            write.append(GUIDED, duck.write_parquet(GUIDED, guided, write.folder(GUIDED)))
            write.append(CHARGE, duck.write_parquet(CHARGE, query, write.folder(CHARGE)))
            duck.view_of_files("known", PRICE, self.lake.files(PRICE))
            new = (
                "SELECT DISTINCT price_no, product_offering_id, price_id, TIMESTAMPTZ '2026-01-01 00:00:00+00' AS valid_from FROM kind"
                " WHERE price_no NOT IN (SELECT price_no FROM known)"
            )
            write.append(PRICE, duck.write_parquet(PRICE, new, write.folder(PRICE)))

    def _sealed(self, records: pa.Table, month: date, called: Sequence[int]) -> pa.Table:
        party_of = {str(one.customer_id): one.party_id for one in self.held}
        rows = [row for row in records.to_pylist() if row["service"] != "data"]
        blocks = self.keeper.traffic_seal(
            month=f"{month:%Y-%m}", column="other_number", records=b"".join(UUID(row["id"]).bytes for row in rows),
            subjects=b"".join(party_of[str(row["customer_id"])].bytes for row in rows),
            values=b"".join(called[row["line"] % len(called)].to_bytes(8, "little") for row in rows),
        )  # fmt: skip
        sealed = [blocks[at : at + 24] for at in range(0, len(blocks), 24)]
        return pa.table({"id": pa.array([row["id"] for row in rows], pa.string()), "block": pa.array(sealed, pa.binary())})

    def run(
        self, month: date = date(2026, 10, 1), *, bill_date: date | None = None, kind: Literal["trial", "final"] = "final",
        told: list[BillRunProgress] | None = None, now: datetime | None = None, by: str = "", unapproved: bool = True,
        progress: Progress | None = None, parts: int = 1, batch: int = 2_500,
    ) -> BillRunResult:  # fmt: skip
        """Bill the period of the cycle that begins on a day, dated on the first day after it unless said, with or without an approved trial."""
        period = bill_period(month, cycle_day=month.day)
        dated_on = bill_date or period.end_day
        return run_bills(
            by=by,
            unapproved=unapproved,
            database=self.database,
            keeper=self.keeper,
            lake=self.lake,
            period=period,
            bill_date=dated_on,
            kind=kind,
            now=now or start_of_day(max(dated_on, period.end_day)),
            parts=parts,
            batch=batch,
            identifiers=self.identifiers,
            progress=progress or (told if told is not None else []).append,
        )

    def bills(self, one: Held) -> list[CustomerBill]:
        """Give a customer's final bills with their lines, the oldest first."""
        with self.database.transaction() as tx:
            found = reversed(bills_of(tx=tx, customer_id=one.customer_id))
            return [bill(tx=tx, customer_id=one.customer_id, customer_bill_id=each.customer_bill_id) for each in found]

    def charged(self, one: Held) -> list[tuple[date, date, Decimal]]:
        """Give what is charged by days on a customer's final bills: the first day, the day after the last, the amount."""
        return [(rate.period.first_day, rate.period.end_day, rate.amount) for bill in self.bills(one) for rate in bill.rates if rate.period]

    def leave(self, one: Held, on: date, *, now: datetime | None = None) -> list[BillRunResult]:
        """Bill an account whose products have ended, at once."""
        return bill_who_leaves(
            database=self.database, keeper=self.keeper, lake=self.lake, billing_account_id=one.billing_account_id, bill_date=on, by="anna",
            now=now or start_of_day(on), identifiers=self.identifiers,
        )  # fmt: skip


def new_operator(database: Database, keeper: KeeperClient, lake: Lake, *, seed: int) -> BilledOperator:
    """Give an operator with the catalogue that is shipped and no customers."""
    with database.transaction() as tx:
        product.load_catalogue(tx=tx, now=NOW)
    return BilledOperator(database, keeper, lake, Identifiers(random.Random(seed)))


def populate(operator: BilledOperator, *, customers: int, seed: int, records: int = 10) -> None:
    """Add many customers with three products each, some new, some discounted, one in ten a business; and a month of usage."""
    source = random.Random(seed)
    consumers: list[tuple[Sequence[str], date, Sequence[NewAlteration]]] = []
    businesses: list[tuple[Sequence[str], date, Sequence[NewAlteration]]] = []
    for _ in range(customers):
        start = date(2026, 10, source.randint(2, 31)) if source.random() < 0.05 else date(2023, 1, 1 + source.randrange(28))
        if source.random() < 0.1:
            businesses.append((("business-mobile", "business-mobile", "business-internet"), start, ()))
            continue
        discount = NewAlteration(operator.identifiers.new(NOW), "loyalty discount", "percentage", Decimal("-10.00"), date(2026, 1, 1))
        offerings = (source.choice(("mobile-s", "mobile-m", "mobile-l")), source.choice(("internet-100", "internet-500")), "tv-basic")
        consumers.append((offerings, start, (discount,) if source.random() < 0.2 else ()))
    for begin in range(0, len(consumers), 5_000):
        operator.add_many(consumers[begin : begin + 5_000])
    for begin in range(0, len(businesses), 5_000):
        operator.add_many(businesses[begin : begin + 5_000], segment="business")
    metered = [one for one in operator.held if "mobile" in one.offering]
    if records:
        operator.charge(metered, month=date(2026, 10, 1), records=records)


def terminate(operator: BilledOperator, *held: Held, from_day: date, now: datetime = NOW) -> None:
    """End products."""
    with operator.database.transaction() as tx:
        for one in held:
            product.terminate(tx=tx, customer_id=one.customer_id, product_id=one.product_id, from_day=from_day, now=now)


def change(operator: BilledOperator, one: Held, offering: str, *, from_day: date) -> None:
    """Let a product be another offering."""
    with operator.database.transaction() as tx:
        product.change_offering(
            tx=tx, customer_id=one.customer_id, product_id=one.product_id, product_offering_id=offering, from_day=from_day, now=NOW
        )


def _identity(kind: str, number: int) -> dict[str, object]:
    if kind == "organization":
        return {
            "kind": kind,
            "trading_name": f"Molenaar {number} B.V.",
            "legal_form": "B.V.",
            "contact_person": "S. Molenaar",
            "chamber_of_commerce_number": None,
        }
    return {
        "kind": kind,
        "given_name": "Jan",
        "initials": "J.",
        "family_name_prefix": "van den",
        "family_name": f"Berg{number}",
        "birth_date": "1970-01-01",
    }


def _contact(number: int, resources: Sequence[tuple[UUID, str]]) -> dict[str, object]:
    address = {
        "role": "residential", "street": _STREETS[number % len(_STREETS)], "house_number": str(1 + number % 300), "house_number_addition": None,
        "postcode": f"{1000 + number % 9000}AB", "city": "Utrecht", "country": "NL",
    }  # fmt: skip
    phones = [{"e164": digits, "kind": "msisdn", "resource_id": str(resource_id)} for resource_id, digits in resources]
    return {"addresses": [address], "phones": phones, "sims": [], "emails": [f"klant{number}@voorbeeld.nl"]}
