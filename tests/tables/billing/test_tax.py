"""Play `tax.txt`."""

from decimal import Decimal
from pathlib import Path

import pytest

from hoeksteen.billing.assembly import euros_of_cents
from hoeksteen.billing.tax import TaxKey, tax_bill

TABLE = Path(__file__).with_name("tax.txt")


def _cases() -> list[list[str]]:
    lines = [line for line in TABLE.read_text("utf-8").splitlines() if line and not line.startswith("#")]
    return [[cell.strip() for cell in line.split("|")] for line in lines]


@pytest.mark.parametrize("cells", _cases(), ids=[cells[0] for cells in _cases()])
def test_case(cells: list[str]) -> None:
    _, mode, lines, *expected = cells
    amounts, keys = [], []
    for word in lines.split():
        amount, _, rate = word.partition("@")
        amounts.append(int(Decimal(amount).scaleb(2)))
        keys.append(TaxKey("S", int(rate or "21") * 100))
    bill = tax_bill(keys=keys, amounts=amounts, tax_included=mode == "gross")
    found = [
        "nets " + " ".join(str(euros_of_cents(net)) for net in bill.line_nets),
        f"net {euros_of_cents(bill.net)}",
        f"vat {euros_of_cents(bill.vat)}",
        f"rounding {euros_of_cents(bill.rounding)}",
        f"pays {euros_of_cents(bill.gross)}",
    ]
    assert found == expected
