"""What a consolidation reports: per source in and out, to the record, the number and the cent; and, where the truth is known, how well it matched."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from hoeksteen.consolidation.carried_report import CarriedBalance
from hoeksteen.consolidation.model import RecordState


@dataclass(frozen=True, slots=True)
class SourceBalance:
    """
    One source, before and after.

    :param monthly_in: euros per month, after discounts, of what is in service on the cutover day, by the source's own amounts
    :param monthly_out: the same, by the catalogue and the alterations that were loaded
    :param carried: what else its records brought
    """

    name: str
    title: str
    records_in: int
    states: dict[str, int]
    products_in: int
    products_out: int
    numbers_in: int
    numbers_out: int
    sims_in: int
    sims_out: int
    monthly_in: Decimal
    monthly_out: Decimal
    carried: CarriedBalance = CarriedBalance()

    @property
    def closes(self) -> bool:
        """Say whether everything that came in is accounted for."""
        pairs = (
            (self.records_in, sum(self.states.values())),
            (self.products_in, self.products_out),
            (self.numbers_in, self.numbers_out),
            (self.sims_in, self.sims_out),
        )
        return all(one == other for one, other in pairs) and self.monthly_in == self.monthly_out and self.carried.closes

    def as_json(self) -> dict[str, Any]:
        """Give the balance as figures; amounts are texts with two decimals."""
        return {
            "name": self.name,
            "records_in": self.records_in,
            **{str(state): self.states.get(state, 0) for state in RecordState},
            "products": {"in": self.products_in, "out": self.products_out},
            "numbers": {"in": self.numbers_in, "out": self.numbers_out},
            "sims": {"in": self.sims_in, "out": self.sims_out},
            "monthly": {"in": str(self.monthly_in), "out": str(self.monthly_out)},
            **self.carried.as_json(),
            "closes": self.closes,
        }


@dataclass(frozen=True, slots=True)
class MatchQuality:
    """
    How well records were matched, over pairs of records; only automatic merges count.

    :param household_merges: pairs that were merged although they are two people of one household
    """

    pairs_true: int
    pairs_merged: int
    pairs_right: int
    household_merges: int

    @property
    def precision(self) -> float:
        return self.pairs_right / self.pairs_merged if self.pairs_merged else 1.0

    @property
    def recall(self) -> float:
        return self.pairs_right / self.pairs_true if self.pairs_true else 1.0

    def as_json(self) -> dict[str, Any]:
        """Give the figures; shares have five decimals."""
        return {
            "precision": round(self.precision, 5),
            "recall": round(self.recall, 5),
            "household_merges": self.household_merges,
            "pairs_true": self.pairs_true,
            "pairs_merged": self.pairs_merged,
        }


@dataclass(frozen=True, slots=True)
class FindingCount:
    """How often something is wrong in a column, and where it is so first."""

    source: str
    field: str
    code: str
    records: int
    first_place: str


@dataclass(frozen=True, slots=True)
class Prices:
    """
    List prices that were estimated for a source, with what customers' charges differ from them.

    :param adjustments: minimum, percentiles and maximum in euros
    :param total_differences: likewise, of the source's total less tenure times charge
    """

    source: str
    prices: dict[str, Decimal]
    adjustment_abs_max: Decimal
    adjustments: dict[str, str]
    total_differences: dict[str, str]
    blank_totals: int


@dataclass(frozen=True, slots=True)
class Report:
    """
    A consolidation's outcome.

    :param customers: customers that the given sources have here now
    :param reviews: pairs that wait for a person's decision
    """

    sources: tuple[SourceBalance, ...]
    customers: int
    reviews: int
    rejected: tuple[FindingCount, ...]
    findings: tuple[FindingCount, ...]
    match: MatchQuality | None = None
    prices: tuple[Prices, ...] = ()

    @property
    def closes(self) -> bool:
        """Say whether every source's balance closes."""
        return all(source.closes for source in self.sources)

    def as_json(self) -> dict[str, Any]:
        """Give every figure for `--json`."""
        records = sum(source.records_in for source in self.sources)
        in_review = sum(source.states.get(RecordState.IN_REVIEW, 0) for source in self.sources)
        return {
            "customers": self.customers,
            "sources": [source.as_json() for source in self.sources],
            **({"match": self.match.as_json()} if self.match else {}),
            "reviews": self.reviews,
            "review_share": round(in_review / records, 5) if records else 0.0,
            "rejected": _as_json(self.rejected),
            "findings": _as_json(self.findings),
            **({"prices": [_prices_as_json(found) for found in self.prices]} if self.prices else {}),
            "closes": self.closes,
        }


def _as_json(found: Sequence[FindingCount]) -> list[dict[str, Any]]:
    return [
        {"source": entry.source, "field": entry.field, "code": entry.code, "records": entry.records, "first_place": entry.first_place}
        for entry in found
    ]


def _prices_as_json(found: Prices) -> dict[str, Any]:
    return {
        "source": found.source,
        "prices": {offering: str(price) for offering, price in found.prices.items()},
        "adjustment_abs_max": str(found.adjustment_abs_max),
        "adjustments": found.adjustments,
        "total_differences": found.total_differences,
        "blank_total_charges": found.blank_totals,
    }
