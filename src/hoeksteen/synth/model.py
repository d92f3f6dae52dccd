"""What the invented operator sells, how its three systems call that, and the summary of what was invented."""

from dataclasses import asdict, dataclass, field
from typing import Any

FIXED, MOBILE, BROADBAND = range(3)
SOURCES = ("fixed", "mobile", "broadband")
REJECTS = ("", "no_name", "impossible_date", "unknown_product", "broken_line")


@dataclass(frozen=True, slots=True)
class LegacyProduct:
    """
    One product of a legacy system.

    :param monthly_cents: the catalogue's list price, VAT included except for business products
    :param offering: the offering's id in the catalogue; none for a code that nobody knows
    """

    source: int
    code: str
    offering: str | None
    monthly_cents: int


PRODUCTS = (
    LegacyProduct(FIXED, "TEL-B", "fixed-basic", 1250),
    LegacyProduct(FIXED, "TEL-P", "fixed-plus", 2250),
    LegacyProduct(FIXED, "ZAK-V", "business-voice", 1500),
    LegacyProduct(FIXED, "TEL-X", None, 999),
    LegacyProduct(MOBILE, "MS", "mobile-s", 1000),
    LegacyProduct(MOBILE, "MM", "mobile-m", 2000),
    LegacyProduct(MOBILE, "ML", "mobile-l", 3500),
    LegacyProduct(MOBILE, "MD", "mobile-data", 750),
    LegacyProduct(MOBILE, "ZM", "business-mobile", 1800),
    LegacyProduct(MOBILE, "MX", None, 999),
    LegacyProduct(BROADBAND, "101", "internet-100", 3900),
    LegacyProduct(BROADBAND, "102", "internet-500", 4900),
    LegacyProduct(BROADBAND, "103", "internet-1000", 6400),
    LegacyProduct(BROADBAND, "201", "tv-basic", 1200),
    LegacyProduct(BROADBAND, "202", "tv-plus", 2200),
    LegacyProduct(BROADBAND, "301", "business-internet", 6900),
    LegacyProduct(BROADBAND, "999", None, 999),
)
PRODUCT_BY_CODE = {product.code: index for index, product in enumerate(PRODUCTS)}
# code, name, kind (P percent, B cents off the monthly amount), value
DISCOUNTS = ((11, "Trouwe klant", "P", 10), (12, "Combinatiekorting", "B", 500), (13, "Welkom", "P", 50), (14, "Service", "B", 250))


@dataclass(slots=True)
class SourceTotals:
    """
    What a reconciliation must find in one export.

    :param records: customer entries, rejectable ones included; `rows`: lines of the file (or of `klant`)
    :param monthly_cents: sum over all products of records that are not rejectable, before discounts
    :param open_items: of these records as well: invoices and balances that are owed; `credits` those that are owed to the customer
    :param net_cents: what is owed less what is owed to customers; invoices with faults (`invoices_left_behind`) are not in it
    """

    records: int = 0
    rows: int = 0
    rejectable: int = 0
    products: int = 0
    monthly_cents: int = 0
    open_items: int = 0
    open_cents: int = 0
    credits: int = 0
    credit_cents: int = 0
    net_cents: int = 0
    invoices_left_behind: int = 0
    mandates: int = 0
    consents: int = 0
    contacts: int = 0
    notes: int = 0
    contracts: int = 0


@dataclass(slots=True)
class UsageFileTruth:
    """
    How many records of each kind one usage file holds.

    records = normal + late + duplicate + no_zone + no_product + rejected; the rest are among them.
    """

    name: str
    records: int = 0
    normal: int = 0
    late: int = 0
    duplicate: int = 0
    no_zone: int = 0
    no_product: int = 0
    rejected: int = 0
    zero_duration: int = 0
    dst_pairs: int = 0
    rejected_by: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Truth:
    """The summary of an invented operator, as in `truth.json` and `usage_truth.json`."""

    customers: int
    individuals: int
    organizations: int
    households: int
    seed: int
    month: str
    records: int
    counts: dict[str, int]
    shares: dict[str, float]
    sources: dict[str, SourceTotals]
    usage: list[UsageFileTruth]

    def exports(self) -> dict[str, Any]:
        """Give the part of `truth.json`: everything but the usage."""
        content = asdict(self)
        del content["usage"]
        return content

    def usage_totals(self) -> UsageFileTruth:
        """Add up the usage files."""
        total = UsageFileTruth("all")
        for file in self.usage:
            for name in ("records", "normal", "late", "duplicate", "no_zone", "no_product", "rejected", "zero_duration", "dst_pairs"):
                setattr(total, name, getattr(total, name) + getattr(file, name))
            for kind, count in file.rejected_by.items():
                total.rejected_by[kind] = total.rejected_by.get(kind, 0) + count
        return total
