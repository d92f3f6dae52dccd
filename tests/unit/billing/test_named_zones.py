"""A bill shows a zone that price lists name where a price names it, in words; elsewhere what was used there stands under the zone around it."""

from datetime import date
from typing import Any

from hoeksteen.billing.assembly import assemble, to_bill
from hoeksteen.billing.prices import PriceBook
from hoeksteen.billing.recurring import Calendar
from hoeksteen.billing.wording import line_text
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.party.model import BillingAccount
from hoeksteen.product.price_list import read_mapping
from hoeksteen.rating.model import UsageTotal

NOVEMBER = BillPeriod(date(2026, 11, 1), date(2026, 12, 1))


def plan(name: str, *prices: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    versions = [{"valid_from": "2026-01-01", "amount": "0.30"}]
    return {
        "id": name, "family": "mobile", "name": {"nl": name, "en": name}, "segment": "consumer", "tax_included": True,
        "prices": [{"id": price, "kind": "usage", "service": "voice", "versions": versions, **scope} for price, scope in prices],
    }  # fmt: skip


OFFERINGS = [
    entry.offering
    for entry in read_mapping(
        {
            "zones": [{"id": "TURKEY", "within": "WORLD", "name": {"nl": "Turkije", "en": "Turkey"}, "countries": ["TR"]}],
            "offerings": [plan("knows", ("voice", {}), ("turkey", {"zones": ["TURKEY"]})), plan("plain", ("voice", {}))],
        }
    ).offerings
]


DAYS = {"bill_date": date(2026, 12, 1), "due_date": date(2026, 12, 15)}


def lines(offering: str, *used: tuple[str, str, int]) -> list[tuple[str, str]]:
    account = BillingAccount(derived("customer"), derived("account"), "1", 1, "transfer", True, "active")
    usage = [
        UsageTotal(
            derived("customer"), derived("account"), derived("product"), offering, "voice", zone, f"{offering}/{price}", records=1, units=60,
            free_units=0, amount_micro=micro, roaming="HOME", period_day=date(2026, 11, 1),
        )
        for zone, price, micro in used
    ]  # fmt: skip
    draft = assemble(billing_account=account, products=(), usage=usage, book=PriceBook(OFFERINGS), calendar=Calendar(NOVEMBER), period=NOVEMBER)
    bill = to_bill(
        draft=draft, billing_account=account, customer_bill_id=derived("bill"), period=NOVEMBER, **DAYS
    )  # fmt: skip
    names = {one.product_offering_id: one for one in OFFERINGS}
    return [(line_text(rate=rate, offerings=names, language="nl").description, str(rate.amount)) for rate in bill.rates]


def test_a_price_that_names_a_zone_has_a_line_of_its_own() -> None:
    assert lines("knows", ("WORLD", "voice", 304_000), ("TURKEY", "turkey", 304_000)) == [
        ("Bellen naar de rest van de wereld", "0.30"),
        ("Bellen naar Turkije", "0.30"),
    ]


def test_elsewhere_it_is_added_to_the_zone_around_it_before_the_line_is_rounded() -> None:
    assert lines("plain", ("WORLD", "voice", 304_000), ("TURKEY", "voice", 304_000)) == [("Bellen naar de rest van de wereld", "0.61")]
