"""Play `minimum.txt`: what usage lacks of a minimum spend, run by run."""

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import pytest

from hoeksteen.billing.minimum_spend import MinimumBilled, minimum_lines
from hoeksteen.billing.prices import FOREVER, PriceBook
from hoeksteen.billing.recurring import Calendar, HeldProduct, Position, Term
from hoeksteen.kernel.money import euros, micros
from hoeksteen.kernel.time_period import bill_period
from hoeksteen.product.model import MinimumSpend, ProductOffering

TABLE = Path(__file__).with_name("minimum.txt")


def _offering(name: str, minimum: MinimumSpend | None) -> ProductOffering:
    return ProductOffering(name, "mobile", name, name, "business", False, "S", Decimal(21), minimum_spend=minimum)


BOOK = PriceBook(
    [
        _offering("MIN", MinimumSpend(Decimal("25.00"))), _offering("CALLS", MinimumSpend(Decimal("10.00"), ("calls",))),
        _offering("ODD", MinimumSpend(Decimal("0.10"))), _offering("OTHER", None),
    ]
)  # fmt: skip


class Used(NamedTuple):
    """Usage of a period."""

    product_offering_id: str
    price_id: str | None
    amount_micro: int
    period_day: date


@dataclass
class Story:
    """One product, its usage that waits for a bill, and what its bills had so far."""

    product: HeldProduct | None = None
    position: Position | None = None
    waiting: list[Used] = field(default_factory=list)
    earlier: dict[tuple[str, int], MinimumBilled] = field(default_factory=dict)

    def step(self, words: list[str]) -> None:
        match words:
            case ["product", start, offering, *opening]:
                first = _day(start)
                since = _day(opening[1]) if opening else first
                self.product = HeldProduct(UUID(int=1), UUID(int=2), first, since, (Term(first, FOREVER, offering, True),), ())
            case ["use", month, price, amount, *offering]:
                assert self.product is not None
                held = offering[0] if offering else self.product.terms[0].product_offering_id
                self.waiting.append(Used(held, price, micros(Decimal(amount)), date.fromisoformat(f"{month}-01")))
            case ["note", month, offering, amount]:
                key = (offering, _day(f"{month}-01"))
                self.earlier[key] = self.earlier[key]._replace(noted=int(Decimal(amount).scaleb(2)))
            case [what, day, *offering]:
                self._change(what, _day(day), offering[0] if offering else None)

    def _change(self, what: str, day: int, offering: str | None) -> None:
        assert self.product is not None
        last = self.product.terms[-1]
        new = Term(day, FOREVER, offering or last.product_offering_id, what in ("resume", "change"))
        self.product = self.product._replace(terms=(*self.product.terms[:-1], last._replace(end=day), new))

    def run(self, month: str) -> list[str]:
        assert self.product is not None
        calendar = Calendar(bill_period(date.fromisoformat(f"{month}-01")))
        found = list(
            minimum_lines(
                product=self.product, position=self.position, earlier=list(self.earlier.values()), totals=self.waiting, book=BOOK, calendar=calendar,
                tax_included=False,
            )
        )  # fmt: skip
        for one in found:
            begin = date.fromordinal(one.first).replace(day=1).toordinal()
            before = self.earlier.get((one.product_offering_id, begin), MinimumBilled(one.product_offering_id, begin, 0, one.whole, 0, 0))
            self.earlier[one.product_offering_id, begin] = before._replace(days=one.days, spent=one.spent, cents=before.cents + one.cents)
        self.position, self.waiting = Position(calendar.end, 0), []
        return [
            f"{'corrects' if one.corrects else 'minimum'} {one.product_offering_id} {date.fromordinal(one.first)} {date.fromordinal(one.end)}"
            f" spent {euros(one.spent).normalize():f} {Decimal(one.cents).scaleb(-2)}"
            for one in found
        ]


def _day(text: str) -> int:
    return date.fromisoformat(text).toordinal()


def _cases() -> list[tuple[str, list[str]]]:
    blocks = [block.splitlines() for block in TABLE.read_text("utf-8").split("\n\n")]
    return [(lines[0], lines[1:]) for lines in blocks if not lines[0].startswith("#")]


@pytest.mark.parametrize(("name", "lines"), _cases(), ids=[name for name, _ in _cases()])
def test_case(name: str, lines: list[str]) -> None:
    story, expected, found = Story(), [], []
    for line in lines:
        if line.startswith("  "):
            expected.append(line.strip())
        elif line.startswith("run "):
            expected.append(line)
            found += [line, *story.run(line.split()[1])]
        else:
            story.step(line.split())
    assert found == expected


def test_the_table_is_read_whole() -> None:
    assert len(_cases()) == TABLE.read_text("utf-8").count("\nproduct ")
