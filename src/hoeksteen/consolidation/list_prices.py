"""
List prices for sources that know only a customer's charge: least squares over all customers, in exact fractions, rounded to cents.

What a customer's charge differs from the sum of list prices becomes an alteration of one of their products, so that the bill's lines add up
to the charge to the cent.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hoeksteen.consolidation.mapping import Mapping, Services
from hoeksteen.consolidation.model import Discount, LegacyRecord
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.kernel.money import CENT, round_half_up

_DISTRIBUTION_STEPS = (0, 1, 5, 10, 25, 50, 75, 90, 95, 99, 100)


@dataclass(frozen=True, slots=True)
class Estimate:
    """
    What was estimated from a source.

    :param prices: offering → euros per month
    :param adjustments: per record, in order: charge less the sum of list prices
    """

    services: Services
    prices: dict[str, Decimal]
    adjustments: tuple[Decimal, ...]

    @property
    def catalogue(self) -> dict[str, Any]:
        """The offerings as a catalogue file would declare them, for `product.operations.load_catalogue`."""
        declared = self.services
        return {
            "offerings": [
                {
                    "id": service.offering,
                    "family": declared.family,
                    "name": dict(service.name),
                    "segment": declared.segment,
                    "tax_included": declared.tax_included,
                    "tax_category": declared.tax_category,
                    "tax_rate": declared.tax_rate,
                    "prices": [
                        {
                            "id": "month",
                            "kind": "recurring",
                            "versions": [{"valid_from": declared.valid_from, "amount": str(self.prices[service.offering])}],
                        }
                    ],
                }
                for service in declared.offerings
            ]
        }


def estimate(*, records: Sequence[LegacyRecord], mapping: Mapping) -> Estimate:
    """
    Estimate a list price per service from what customers pay.

    :raises InvalidInput: when services cannot be told apart, or a charge is further from the list prices than the mapping allows
    """
    services = mapping.services
    if services is None or not records:
        raise InvalidInput(f"{mapping.file}, field services: there is nothing to estimate prices from.", remedy="Declare services, or give records.")
    offerings = [service.offering for service in services.offerings]
    place = {offering: i for i, offering in enumerate(offerings)}
    size = len(offerings)
    together = [[Fraction(0)] * size for _ in range(size)]
    charged = [Fraction(0)] * size
    for record in records:
        held = [place[product.product_offering_id] for product in record.products]
        charge = Fraction(_charge(record))
        for i in held:
            charged[i] += charge
            for j in held:
                together[i][j] += 1
    solved = _solve(together, charged, offerings, mapping)
    prices = {
        offering: round_half_up(Decimal(found.numerator) / Decimal(found.denominator)) for offering, found in zip(offerings, solved, strict=True)
    }
    adjustments = tuple(_charge(record) - sum((prices[product.product_offering_id] for product in record.products), Decimal(0)) for record in records)
    bound = Decimal(services.adjustment_at_most)
    for record, adjustment in zip(records, adjustments, strict=True):
        if abs(adjustment) > bound:
            raise InvalidInput(
                f"Source {mapping.source} row {record.row}, field charge: it is {abs(adjustment)} from the list prices, and {bound} is allowed.",
                remedy="Declare the service that explains it, or raise services.adjustment_at_most in the mapping.",
            )
    return Estimate(services, prices, adjustments)


def with_prices(record: LegacyRecord, adjustment: Decimal, estimated: Estimate) -> LegacyRecord:
    """Give a record's products their list prices, and its dearest product the adjustment, where there is one."""
    priced = [replace(product, monthly=estimated.prices[product.product_offering_id]) for product in record.products]
    if adjustment and priced:
        dearest = max(range(len(priced)), key=lambda i: (priced[i].monthly, -i))
        product = priced[dearest]
        entry = Discount(estimated.services.adjustment_name, "amount", adjustment, product.start, None, keeps_price=True)
        priced[dearest] = replace(product, discounts=(*product.discounts, entry))
    return replace(record, products=tuple(priced))


def distribution(values: Sequence[Decimal]) -> dict[str, str]:
    """Give minimum, percentiles and maximum of some amounts, for a profile; amounts are texts with two decimals."""
    ordered = sorted(values)
    if not ordered:
        return {}
    last = len(ordered) - 1
    return {f"p{step}": str(ordered[(last * step + 50) // 100].quantize(CENT)) for step in _DISTRIBUTION_STEPS}


def _charge(record: LegacyRecord) -> Decimal:
    if record.charges is None:
        raise InvalidInput(f"Source {record.source} row {record.row}, field charge: it is missing.", remedy="Declare monthly_charge in the mapping.")
    return record.charges.monthly


def _solve(matrix: list[list[Fraction]], right: list[Fraction], names: Sequence[str], mapping: Mapping) -> list[Fraction]:
    """Solve the normal equations by Gauss's elimination, exactly."""
    size = len(right)
    rows = [[*matrix[i], right[i]] for i in range(size)]
    for column in range(size):
        pivot = next((i for i in range(column, size) if rows[i][column] != 0), None)
        if pivot is None:
            raise InvalidInput(
                f"{mapping.file}, field services.offerings: the price of {names[column]} cannot be told from the others'"
                " (no customer has it, or all have it with the same others).",
                remedy="Join services that always go together, or leave out those that nobody has.",
            )
        rows[column], rows[pivot] = rows[pivot], rows[column]
        scale = rows[column][column]
        rows[column] = [value / scale for value in rows[column]]
        for i in range(size):
            if i != column and rows[i][column] != 0:
                factor = rows[i][column]
                rows[i] = [value - factor * own for value, own in zip(rows[i], rows[column], strict=True)]
    return [row[size] for row in rows]
