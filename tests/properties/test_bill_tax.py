"""What holds for the tax of every bill."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from hoeksteen.billing.tax import TaxKey, net_of_gross, spread_net, tax_bill
from hoeksteen.kernel.money import divide_half_up, spread_cents

KEYS = st.sampled_from([TaxKey("S", 2100), TaxKey("S", 900), TaxKey("AE", 0)])
LINES = st.lists(st.tuples(KEYS, st.integers(-1_000_000, 1_000_000)), min_size=1, max_size=30)


@given(LINES, st.booleans())
def test_the_sums_of_en_16931_hold(lines: list[tuple[TaxKey, int]], tax_included: bool) -> None:
    bill = tax_bill(keys=[key for key, _ in lines], amounts=[cents for _, cents in lines], tax_included=tax_included)
    assert sum(bill.line_nets) == bill.net == sum(part.taxable for part in bill.parts)  # BR-CO-10, BR-S-08
    assert bill.vat == sum(part.tax for part in bill.parts)  # BR-CO-14
    assert all(part.tax == divide_half_up(part.taxable * part.key.rate, 10_000) for part in bill.parts)  # BR-CO-17
    assert bill.net + bill.vat + bill.rounding == bill.gross  # BR-CO-15, BR-CO-16
    for part in bill.parts:
        assert sum(net for (key, _), net in zip(lines, bill.line_nets, strict=True) if key == part.key) == part.taxable


@given(LINES)
def test_consumers_pay_their_prices_and_businesses_their_nets(lines: list[tuple[TaxKey, int]]) -> None:
    keys, amounts = [key for key, _ in lines], [cents for _, cents in lines]
    consumer, business = tax_bill(keys=keys, amounts=amounts, tax_included=True), tax_bill(keys=keys, amounts=amounts, tax_included=False)
    assert consumer.gross == sum(amounts)
    assert abs(consumer.rounding) <= len(consumer.parts)
    assert (business.line_nets, business.rounding) == (amounts, 0)


@given(LINES, st.booleans())
def test_a_reversal_is_the_exact_negative(lines: list[tuple[TaxKey, int]], tax_included: bool) -> None:
    keys, amounts = [key for key, _ in lines], [cents for _, cents in lines]
    bill = tax_bill(keys=keys, amounts=amounts, tax_included=tax_included)
    reverse = tax_bill(keys=keys, amounts=[-cents for cents in amounts], tax_included=tax_included)
    assert (reverse.net, reverse.vat, reverse.rounding, reverse.gross) == (-bill.net, -bill.vat, -bill.rounding, -bill.gross)
    assert reverse.line_nets == [-net for net in bill.line_nets]


@given(st.lists(st.integers(-100_000, 100_000), min_size=1, max_size=40), st.sampled_from([2100, 900, 0]))
def test_spreading_in_integers_is_spreading_in_decimals(grosses: list[int], rate: int) -> None:
    taxable = net_of_gross(sum(grosses), rate)
    shares = [Decimal(gross) * 100 / (10_000 + rate) for gross in grosses]
    assert spread_net(taxable, grosses, rate) == [int(part.scaleb(2)) for part in spread_cents(Decimal(taxable).scaleb(-2), shares)]
