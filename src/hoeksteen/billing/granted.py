"""
What people decided that a billing account pays or gets beside its products: as lines of its next bill. Pure.

`_granted_reading` gives them for a batch of accounts, `assembly` makes lines of them, `_writing` notes that a final bill has them.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

from hoeksteen.billing.model import RateKind
from hoeksteen.billing.prices import OfferingPrices
from hoeksteen.billing.tax import TaxKey

CHARGE = "charge"  # in a line's detail: what somebody granted, with its identifier and its text in both languages
INSTALMENT = "instalment"
CHARGED_FAMILY, INSTALMENT_FAMILY = "charge", "instalment"  # the family decides about the ledger account (`bookkeeping`)


class Granted(NamedTuple):
    """
    One line to come.

    :param source: `charge` or `instalment`; with `source_id` and `parts` it is billed once
    :param parts: the first and the last part of a plan that the line is; (0, 0) for the sale, and for what has no parts
    :param taxed: its tax, and whether `cents` hold it
    :param day: ordinal of the day that it is of
    """

    source: str
    source_id: UUID
    parts: tuple[int, int]
    kind: RateKind
    taxed: OfferingPrices
    detail: Mapping[str, Any]
    day: int
    cents: int


def taxed_as(*, family: str, category: str, rate: Decimal, tax_included: bool) -> OfferingPrices:
    """Give what a line of no offering needs to know of tax and books; `rate` in percent."""
    return OfferingPrices("", family, TaxKey(category, int(rate * 100)), tax_included, (), "")
