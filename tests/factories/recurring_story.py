"""A product whose recurring charges are billed run by run, and what happens to it in between; pure, without a database."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from uuid import UUID

from hoeksteen.billing.model import RateKind
from hoeksteen.billing.prices import FOREVER, NoPrice, PriceBook
from hoeksteen.billing.recurring import Alteration, Calendar, Charge, HeldProduct, Position, Term, charges_due, fingerprint
from hoeksteen.kernel.money import to_cents
from hoeksteen.kernel.time_period import bill_period, start_of_day
from hoeksteen.product.model import PriceKind, ProductOffering, RecurringPrice

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


def day_of(text: str) -> int:
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
                opening = day_of(rest[1]) if rest else day_of(start)
                term = Term(day_of(start), FOREVER, offering, True)
                self.product = HeldProduct(UUID(int=1), UUID(int=2), day_of(start), opening, (term,), ())
            case ["change", day, offering]:
                self._term(day, offering, True)
            case ["suspend" | "terminate", day]:
                self._term(day, None, False)
            case ["resume", day]:
                self._term(day, None, True)
            case ["alteration", name, kind, value, first, *end]:
                scale = 100 if kind == "percentage" else 1_000_000
                alteration = Alteration(
                    name, name, kind == "percentage", int(Decimal(value) * scale), day_of(first), day_of(end[0]) if end else FOREVER
                )
                assert self.product
                self.product = self.product._replace(alterations=(*self.product.alterations, alteration))
            case _:
                raise AssertionError(f"unknown step {words}")

    def _term(self, day: str, offering: str | None, active: bool) -> None:
        assert self.product
        *before, last = self.product.terms
        changed = Term(day_of(day), FOREVER, offering or last.product_offering_id, active)
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
                billed=[charge for charge in self.billed if charge.first >= calendar.months[0].first] if changed else None,
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
