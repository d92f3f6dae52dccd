"""Invented customers, made the way customers are made: through the journey that onboards them."""

from datetime import date, datetime
from random import Random
from typing import Any

from hoeksteen.care.model import Reason
from hoeksteen.disclosure import KeeperClient
from hoeksteen.journeys import operations as journeys
from hoeksteen.journeys.model import Newcomer, Ordered
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.party.model import Customer
from hoeksteen.product import operations as product
from hoeksteen.product import queries as product_queries
from hoeksteen.storage.postgres import Database

IBAN = "NL91ABNA0417164300"


def newcomer(*, surname: str = "Berg", number: str = "31612345678", start_day: date = date(2026, 11, 1), **changes: Any) -> Newcomer:
    """Johanna van den Berg of Utrecht, with plan M and internet, or somebody like her."""
    values: dict[str, Any] = {
        "segment": "consumer",
        "language": "nl",
        "identity": {
            "kind": "individual", "given_name": "Johanna", "initials": "J.M.", "family_name_prefix": "van den", "family_name": surname,
            "birth_date": "1984-06-17", "gender": "female", "maiden_name": None,
        },
        "contact": {
            "addresses": [
                {
                    "role": "residential", "street": "Oudegracht", "house_number": "112", "house_number_addition": "bis", "postcode": "3511AW",
                    "city": "Utrecht", "country": "NL",
                }
            ],
            "phones": [{"e164": "31302345678", "kind": "contact", "resource_id": None}],
            "emails": [f"{surname.lower()}@voorbeeld.nl"],
        },
        "payment": {"iban": IBAN, "account_holder": f"J.M. van den {surname}", "mandate_reference": "M-1", "mandate_date": "2026-11-01"},
        "products": (Ordered("mobile-m", number), Ordered("internet-500")),
        "start_day": start_day,
    }  # fmt: skip
    return Newcomer(**{**values, **changes})


def onboard(database: Database, keeper: KeeperClient, *, now: datetime, seed: int, who: Newcomer | None = None) -> Customer:
    """
    Make a customer, loading the catalogue first where it is not there.

    :param keeper: as a care agent sees it
    :param seed: another one for each customer: subjects of one keeper must differ
    """
    with database.transaction() as tx:
        if not product_queries.offerings(tx=tx):
            product.load_catalogue(tx=tx, now=now)
        return journeys.onboard(
            tx=tx,
            keeper=keeper,
            newcomer=who or newcomer(),
            actor="s.verkoop",
            reason=Reason("ticket", "SALES-1"),
            now=now,
            identifiers=Identifiers(Random(seed)),
        )
