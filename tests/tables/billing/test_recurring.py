"""Play `recurring.txt`: each case moves the months on and states every line that the runs must give."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from hoeksteen.billing.model import RateKind
from hoeksteen.billing.prices import FOREVER, NoPrice, PriceBook
from hoeksteen.billing.recurring import Alteration, Calendar, Charge, HeldProduct, Position, Term, charges_due, fingerprint
from hoeksteen.kernel.money import to_cents
from hoeksteen.kernel.time_period import bill_period, start_of_day
from hoeksteen.product.model import PriceKind, ProductOffering, RecurringPrice

TABLE = Path(__file__).with_name("recurring.txt")
START = date(2015, 1, 1)


def _price(
    offering: str,
    amount: str,
    *,
    name: str = "month",
    start: date = START,
    end: date | None = None,
    kind: PriceKind = PriceKind.RECURRING,
    arrears: bool = False,
    days: str = "actual",
) -> RecurringPrice:
    return RecurringPrice(
        f"{offering}/{name}", offering, start_of_day(start), None if end is None else start_of_day(end), kind, Decimal(amount), arrears, days
    )


def _offering(name: str, *prices: RecurringPrice) -> ProductOffering:
    return ProductOffering(name, "mobile", name, name, "business", False, "S", Decimal(21), prices=prices)


CATALOGUE = [
    _offering("S", _price("S", "10.00")),
    _offering("M", _price("M", "20.00")),
    _offering("L", _price("L", "35.00")),
    _offering("ARREARS", _price("ARREARS", "9.00", arrears=True)),
    _offering("FEE", _price("FEE", "10.00"), _price("FEE", "25.00", name="once", kind=PriceKind.ONE_TIME)),
    _offering("THIRTY", _price("THIRTY", "30.00", days="30")),
    _offering("FIRST", _price("FIRST", "31.00", days="first")),
    _offering("RISING", _price("RISING", "10.00", end=date(2026, 11, 15)), _price("RISING", "12.00", start=date(2026, 11, 15))),
    _offering("UNPRICED", _price("UNPRICED", "10.00", end=date(2026, 11, 15))),
]
BOOK = PriceBook(CATALOGUE)


def _day(text: str) -> int:
    return date.fromisoformat(text).toordinal()


@dataclass
class Story:
    """One product, what is known of it, and what its bills said so far."""

    product: HeldProduct | None = None
    position: Position | None = None
    billed: list[Charge] = field(default_factory=list)

    def step(self, words: list[str]) -> None:
        match words:
            case ["product", start, offering, *rest]:
                opening = _day(rest[1]) if rest else _day(start)
                term = Term(_day(start), FOREVER, offering, True)
                self.product = HeldProduct(UUID(int=1), UUID(int=2), _day(start), opening, (term,), ())
            case ["change", day, offering]:
                self._term(day, offering, True)
            case ["suspend" | "terminate", day]:
                self._term(day, None, False)
            case ["resume", day]:
                self._term(day, None, True)
            case ["alteration", name, kind, value, first, *end]:
                scale = 100 if kind == "percentage" else 1_000_000
                alteration = Alteration(name, name, kind == "percentage", int(Decimal(value) * scale), _day(first), _day(end[0]) if end else FOREVER)
                assert self.product
                self.product = self.product._replace(alterations=(*self.product.alterations, alteration))
            case _:
                raise AssertionError(f"unknown step {words}")

    def _term(self, day: str, offering: str | None, active: bool) -> None:
        assert self.product
        *before, last = self.product.terms
        changed = Term(_day(day), FOREVER, offering or last.product_offering_id, active)
        self.product = self.product._replace(terms=(*before, last._replace(end=changed.first), changed))

    def run(self, month: str) -> list[str]:
        assert self.product
        calendar = Calendar(bill_period(date.fromisoformat(f"{month}-01")))
        known = fingerprint(self.product, BOOK)
        changed = self.position is not None and self.position.fingerprint != known
        try:
            due = charges_due(
                product=self.product,
                position=self.position,
                billed=self.billed if changed else None,
                book=BOOK,
                calendar=calendar,
                tax_included=False,
            )
        except NoPrice:
            return ["no_price"]
        self.position = Position(max(self.product.opening, calendar.end, self.position.billed_to if self.position else 0), known)
        # what is read back from a bill's lines knows nothing of days in service
        self.billed += [charge._replace(days=charge.end - charge.first, divisor=1, corrects=False) for charge in due]
        return [
            _line(charge)
            for charge in sorted(due, key=lambda one: (one.key.month, not one.corrects, one.first, one.alteration is not None, one.once))
        ]


def _line(charge: Charge) -> str:
    if charge.alteration is not None:
        kind = RateKind.DISCOUNT
    else:
        kind = RateKind.CREDIT if charge.cents < 0 else RateKind.ONE_TIME if charge.once else RateKind.RECURRING
    price = (charge.key.price_id or "").removesuffix("/month")
    name = f"{price}:{charge.alteration}" if charge.alteration else price
    first, end = date.fromordinal(charge.first), date.fromordinal(charge.end)
    return f"{kind.value} {name} {first} {end} {to_cents(charge.cents * 10_000)}"


def _cases() -> list[tuple[str, list[str]]]:
    blocks = [block.splitlines() for block in TABLE.read_text("utf-8").split("\n\n")]
    return [(lines[0], lines[1:]) for lines in blocks if not lines[0].startswith("#")]


@pytest.mark.parametrize(("name", "lines"), _cases(), ids=[name for name, _ in _cases()])
def test_case(name: str, lines: list[str]) -> None:
    story = Story()
    expected: list[str] = []
    found: list[str] = []
    for line in lines:
        if line.startswith("  "):
            expected.append(line.strip())
        else:
            words = line.split()
            if words[0] == "run":
                expected.append(line)
                found.append(line)
                found += story.run(words[1])
            else:
                story.step(words)
    assert found == expected


def test_the_table_is_read_whole() -> None:
    assert len(_cases()) == TABLE.read_text("utf-8").count("\nproduct ")


def test_a_run_again_after_nothing_changed_bills_nothing_twice() -> None:
    story = Story()
    story.step(["product", "2026-10-16", "M"])
    assert len(story.run("2026-10")) == 2
    assert story.run("2026-10") == []
    assert story.product
    story.product = replace_start(story.product)
    assert story.run("2026-10") == []


def replace_start(product: HeldProduct) -> HeldProduct:
    """Change the fingerprint and nothing that has a price."""
    return product._replace(alterations=(Alteration("x", "x", True, -100, _day("2030-01-01"), FOREVER),))
