"""What consolidation works with: records of legacy systems, standardised, and what became of each."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from uuid import UUID

from hoeksteen.consolidation.carried_over import NOTHING_CARRIED, CarriedOver
from hoeksteen.consolidation.standardise.addresses import Address
from hoeksteen.consolidation.standardise.names import PersonName

if TYPE_CHECKING:  # they hold what is declared here
    from hoeksteen.consolidation._beside import Beside
    from hoeksteen.consolidation._expected import Expected
    from hoeksteen.consolidation._staging import Staged


class RecordState(StrEnum):
    """What became of a record; each has exactly one state."""

    LOADED = "loaded"
    MERGED = "merged"
    IN_REVIEW = "in_review"
    REJECTED = "rejected"
    WAITING = "waiting"  # in a wave that has not come yet


@dataclass(frozen=True, slots=True)
class Source:
    """
    One legacy export.

    :param mapping: the YAML file that declares it
    :param input: the export itself
    :param records_expected: what the legacy system says it exported, where it says so
    """

    mapping: Path
    input: Path
    records_expected: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """
    Something wrong in a record that did not stop it, or the reason why it was rejected; never holds a value.

    :param place: `file:line` (a line of text, or the row of a query)
    :param field: the column of the legacy system
    :param code: what is wrong, such as `filler` or `unknown_product`
    """

    source: str
    place: str
    field: str
    code: str


@dataclass(frozen=True, slots=True)
class Discount:
    """
    A reduction (negative) of the monthly amount, or a surcharge: `percentage`, or `amount` in euros.

    :param keeps_price: it makes the list price what the customer paid, and ends when the product becomes another
    """

    name: str
    kind: str
    value: Decimal
    valid_from: date
    valid_to: date | None
    keeps_price: bool = False


@dataclass(frozen=True, slots=True)
class LegacyProduct:
    """
    One connection, SIM or subscription of a record.

    :param number: its own number, E.164 digits
    :param suspended: first day without service; `end` likewise (both exclusive ends of service)
    :param billed_to: first day that the legacy system has not billed
    :param monthly: list price in euros per month, before discounts
    """

    item_key: str
    product_offering_id: str
    start: date
    end: date | None
    suspended: date | None
    billed_to: date | None
    monthly: Decimal
    number: str | None = None
    number_kind: str | None = None
    iccid: str | None = None
    discounts: tuple[Discount, ...] = ()


@dataclass(frozen=True, slots=True)
class Charges:
    """What a source says of a customer's charges where its products have no prices; euros, as the source has them."""

    tenure_months: int
    monthly: Decimal
    total: Decimal | None


@dataclass(frozen=True, slots=True)
class LegacyRecord:
    """
    One customer entry of one legacy system, standardised.

    :param record_id: a keyed pseudonym of (source, source_key); nothing outside this run can compute it
    :param digest: keyed digest of all its values, to see whether the source changed
    :param row: line of the file, or row of the query
    :param carried: what else it brings: open invoices, balance, consents, contact persons, notes, contract
    """

    record_id: UUID
    source: str
    source_key: str
    row: int
    digest: bytes
    kind: str
    name: PersonName | None
    trading_name: str | None
    legal_form: str | None
    chamber_of_commerce_number: str | None
    birth_date: date | None
    gender: str | None
    language: str | None
    addresses: Mapping[str, Address]
    phones: tuple[str, ...]
    emails: tuple[str, ...]
    iban: str | None
    payment_method: str
    mandate_reference: str | None
    mandate_date: date | None
    customer_since: date
    products: tuple[LegacyProduct, ...]
    contract_months: int | None = None
    charges: "Charges | None" = None
    carried: CarriedOver = NOTHING_CARRIED

    @property
    def address(self) -> Address | None:
        """Where the customer lives or is established."""
        return self.addresses.get("residential") or self.addresses.get("billing")


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that cannot be loaded, with what stands in its way."""

    record_id: UUID
    source: str
    source_key: str
    row: int
    digest: bytes
    finding: Finding


@dataclass(slots=True)
class Extract:
    """
    All records of one source, read and standardised in memory.

    :param records: packed, in the order of the export
    :param expected: what each of them holds; `beside` what else each brings
    :param offerings: that their products are, and the first row with each
    :param changed: records that were loaded earlier and say something else by now: what was loaded stays
    :param gone: records that were loaded earlier and are given no more, likewise
    :param waiting: records of waves that have not come yet: they are here by their state only
    """

    source: str
    matched: bool
    trust: int
    file: Path
    records: "Staged"
    expected: "Expected"
    beside: "Beside | None" = None
    offerings: dict[str, int] = field(default_factory=dict)
    rejected: list[Rejected] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    digest: str = ""
    changed: set[UUID] = field(default_factory=set)
    gone: set[UUID] = field(default_factory=set)
    waiting: set[UUID] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two records that may be one customer, with Splink's match weight (log2 of the Bayes factor)."""

    left: int
    right: int
    weight: float


class Step(NamedTuple):
    """
    One step of how a pair's weight came about: what was compared, on which level it was found, and what that is worth; never a value.

    :param bits: log2 of the Bayes factor; the steps of a pair add up to its weight
    """

    comparison: str
    level: str
    bits: float


@dataclass(frozen=True, slots=True)
class Decided:
    """What a person said of a pair of records: one customer, or two."""

    left: int
    right: int
    same: bool


@dataclass(frozen=True, slots=True)
class Doubt:
    """A pair that people must decide, with the reason, and how its weight came about."""

    left: int
    right: int
    weight: float
    reason: str
    steps: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Cluster:
    """
    Records that are one customer; the first is its founder, whose pseudonym the customer's identifiers come from.

    :param in_review: the founder is in a pair that people must decide
    """

    members: tuple[int, ...]
    in_review: bool = False
