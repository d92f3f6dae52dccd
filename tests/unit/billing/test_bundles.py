"""A plan costs less on the days on which the billing account holds the others of its bundle, to the day, and whatever is changed when."""

from datetime import date

import pytest

from hoeksteen.billing.bundles import BundleDiscount, Offered, with_bundles
from hoeksteen.billing.prices import FOREVER, PriceBook
from hoeksteen.billing.recurring import Calendar, HeldProduct, Position, Term, charges_due, fingerprint
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.product.price_list import read_mapping

COMBI = BundleDiscount("mobile/combi", "combivoordeel", (("mobile", 1), ("broadband", 1)), False, 5_000_000)
THREE = BundleDiscount("mobile/three", "gezin", (("mobile", 3),), True, 1_000)
OFFERED = {"mobile": Offered("mobile", (COMBI, THREE)), "internet": Offered("broadband", ())}


def day(text: str) -> int:
    return date.fromisoformat(text).toordinal()


def product(name: str, *terms: Term) -> HeldProduct:
    return HeldProduct(derived("customer"), derived(name), terms[0].first, terms[0].first, terms, ())


def held(name: str, offering: str, first: str, end: str | None = None, *, active: bool = True) -> HeldProduct:
    return product(name, Term(day(first), FOREVER if end is None else day(end), offering, active))


def stretches(*products: HeldProduct) -> list[tuple[str, int, int, int]]:
    return [(one.name, one.value, one.first, one.end) for one in with_bundles(products, OFFERED)[0].alterations]


def test_a_plan_alone_has_no_discount() -> None:
    assert stretches(held("sim", "mobile", "2026-01-01")) == []


def test_it_lasts_as_long_as_both_are_held() -> None:
    sim, line = held("sim", "mobile", "2026-01-01"), held("line", "internet", "2026-03-10", "2026-09-01")
    assert stretches(sim, line) == [("combivoordeel", -5_000_000, day("2026-03-10"), day("2026-09-01"))]


def test_a_line_that_is_suspended_does_not_count() -> None:
    line = product(
        "line",
        Term(day("2026-01-01"), day("2026-02-01"), "internet", True),
        Term(day("2026-02-01"), day("2026-03-01"), "internet", False),
        Term(day("2026-03-01"), FOREVER, "internet", True),
    )
    found = stretches(held("sim", "mobile", "2026-01-01"), line)
    assert [(first, end) for _, _, first, end in found] == [(day("2026-01-01"), day("2026-02-01")), (day("2026-03-01"), FOREVER)]


def test_a_family_needs_as_many_as_the_bundle_says() -> None:
    sims = [held(f"sim {number}", "mobile", f"2026-0{number}-01") for number in (1, 2, 3)]
    assert stretches(*sims[:2]) == []
    assert stretches(*sims) == [("gezin", -1_000, day("2026-03-01"), FOREVER)]


OFFERINGS = [
    {
        "id": name, "family": family, "name": {"nl": name, "en": name}, "segment": "consumer", "tax_included": True,
        "prices": [{"id": "month", "kind": "recurring", "versions": [{"valid_from": "2026-01-01", "amount": "30.00"}]}],
        **({"bundles": [{"id": "combi", "name": "combivoordeel", "together": {"mobile": 1, "broadband": 1}, "amount": "6.00"}]} if bundled else {}),
    }
    for name, family, bundled in (("mobile", "mobile", True), ("internet", "broadband", False))
]  # fmt: skip


def test_the_discount_is_prorated_and_corrected_on_the_next_bill() -> None:
    book = PriceBook([entry.offering for entry in read_mapping({"offerings": OFFERINGS}).offerings])
    offered = {name: Offered(one.family, (COMBI,) if one.bundles else ()) for name, one in book.bundled.items()}
    november = Calendar(BillPeriod(date(2026, 11, 1), date(2026, 12, 1)))
    sim, line = held("sim", "mobile", "2026-11-01"), held("line", "internet", "2026-11-16")
    [alone] = with_bundles([sim], offered)
    first = charges_due(product=alone, position=None, billed=None, book=book, calendar=november, tax_included=True)
    assert [charge.cents for charge in first] == [3000, 3000], "November, and December in advance"
    together = with_bundles([sim, line], offered)[0]
    assert fingerprint(together, book) != fingerprint(alone, book), "so that the next run looks again"
    december = Calendar(BillPeriod(date(2026, 12, 1), date(2027, 1, 1)))
    due = charges_due(
        product=together,
        position=Position(day("2027-01-01"), fingerprint(alone, book)),
        billed=first,
        book=book,
        calendar=december,
        tax_included=True,
    )
    assert [(charge.alteration, charge.cents) for charge in due] == [
        ("combivoordeel", -250), ("combivoordeel", -500), (None, 3000), ("combivoordeel", -500),
    ]  # fmt: skip


def test_a_bundle_of_a_family_that_nobody_offers_is_a_fault() -> None:
    bad = [{**OFFERINGS[0], "bundles": [{"id": "b", "name": "b", "together": {"satellite": 1}, "amount": "1.00"}]}]
    with pytest.raises(InvalidInput, match="names the family satellite, which no offering has"):
        read_mapping({"offerings": bad})
    with pytest.raises(InvalidInput, match="together: must say how many products of which families"):
        read_mapping({"offerings": [{**OFFERINGS[0], "bundles": [{"id": "b", "name": "b", "amount": "1.00"}]}]})
