"""The metered lines of an invented operator as products held, each of a customer of its own; their numbers sealed in a real keeper."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from uuid import UUID

from fixtures.invented_exports import Invented, digits
from hoeksteen.disclosure import KeeperClient, SealItem, Term
from hoeksteen.disclosure.operations import store
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.sealed import Category
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.party import operations as party
from hoeksteen.party.model import NewBillingAccount, NewCustomer
from hoeksteen.product import operations as product
from hoeksteen.product.model import NewProduct, NewResource, NewTerm, ProductStatus
from hoeksteen.storage.postgres import Database

_NOW = datetime(2026, 11, 1, tzinfo=UTC)
_OFFERINGS = {
    "MS": "mobile-s", "MM": "mobile-m", "ML": "mobile-l", "MD": "mobile-data", "ZM": "business-mobile",
    "TEL-B": "fixed-basic", "TEL-P": "fixed-plus", "ZAK-V": "business-voice",
}  # fmt: skip


@dataclass(frozen=True)
class Line:
    number: str
    offering: str
    start: date
    suspended: date | None
    end: date | None

    @property
    def customer_id(self) -> UUID:
        return derived("customer", self.number)

    @property
    def billing_account_id(self) -> UUID:
        return derived("billing account", self.number)

    @property
    def terms(self) -> tuple[NewTerm, ...]:
        changes = [(self.start, ProductStatus.ACTIVE), (self.suspended, ProductStatus.SUSPENDED), (self.end, ProductStatus.TERMINATED)]
        known = [(start_of_day(day), status) for day, status in changes if day is not None]
        ends = [*(instant for instant, _ in known[1:]), None]
        return tuple(NewTerm(instant, end, self.offering, status) for (instant, status), end in zip(known, ends, strict=True))


def lines_of(invented: Invented) -> list[Line]:
    """Give every connection and SIM that the exports describe rightly."""
    found = {line.number: line for line in _all_lines(invented)}
    return [found[number] for number in sorted(found)]


def load_lines(*, database: Database, keeper: KeeperClient, lines: list[Line], salt: str = "") -> None:
    """Load customers, accounts, products and resources, and tell the keeper which number is which resource's."""
    with database.transaction() as tx:
        product.load_catalogue(tx=tx, now=_NOW)
        party.add_customers(
            tx=tx,
            now=_NOW,
            customers=[NewCustomer(line.customer_id, _party(line, salt), "individual", "consumer", date(2020, 1, 1)) for line in lines],
        )
        accounts = [NewBillingAccount(line.customer_id, line.billing_account_id, "transfer", True) for line in lines]
        party.add_billing_accounts(tx=tx, billing_accounts=accounts)
        product.add_products(tx=tx, products=[_product(line, salt) for line in lines])
        items = [
            SealItem(
                _party(line, salt),
                {
                    "addresses": [],
                    "phones": [{"e164": line.number, "kind": "msisdn", "resource_id": str(_resource(line, salt))}],
                    "sims": [],
                    "emails": [],
                },
                {"number": [Term(line.number, _resource(line, salt))]},
            )
            for line in lines
        ]
        store(tx=tx, keeper=keeper, purpose="migration", category=Category.CONTACT, items=items)


def _all_lines(invented: Invented) -> Iterator[Line]:
    for row in invented.mobile:
        for sim in row["sims"]:
            try:
                yield Line(digits(sim["msisdn"]), _OFFERINGS[sim["product"]], *(_iso(sim[name]) for name in ("start", "suspended", "end")))  # type: ignore[arg-type]
            except (KeyError, ValueError):
                continue
    for row in invented.fixed:
        try:
            dates = [_dutch(row[name]) for name in ("INGANG", "OPGESCHORT", "EINDE")]
            yield Line(digits(row["NUMMER"]), _OFFERINGS[row["PRODUCT"]], *dates)  # type: ignore[arg-type]
        except (KeyError, ValueError):
            continue


def _iso(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _dutch(text: str) -> date | None:
    return None if not text else datetime.strptime(text, "%d-%m-%Y").date()


def _party(line: Line, salt: str) -> UUID:
    return derived("party", salt, line.number)


def _resource(line: Line, salt: str) -> UUID:
    return derived("resource", salt, line.number)


def _product(line: Line, salt: str) -> NewProduct:
    resource = NewResource(_resource(line, salt), "msisdn", start_of_day(line.start))
    return NewProduct(
        line.customer_id, derived("product", line.number), line.billing_account_id, line.start, date(2026, 11, 1), line.terms, (), (resource,)
    )
