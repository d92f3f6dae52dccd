"""What the operator offers, at which prices, and what customers hold; frozen values without I/O."""

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from math import gcd, lcm
from typing import NamedTuple
from uuid import UUID

from hoeksteen.kernel.money import micros
from hoeksteen.kernel.time_period import OPERATOR_ZONE


class ProductStatus(StrEnum):
    ACTIVE = "active"
    SUSPENDED = "suspended"
    TERMINATED = "terminated"


class PriceKind(StrEnum):
    RECURRING = "recurring"
    ONE_TIME = "one_time"
    USAGE = "usage"


class Service(StrEnum):
    """What is used; units are seconds, messages, bytes, and micro-euros of what is bought."""

    VOICE = "voice"
    SMS = "sms"
    DATA = "data"
    PURCHASE = "purchase"


class Zone(StrEnum):
    """Where the other party is; for data, where the customer is."""

    NL = "NL"
    EU = "EU"
    WORLD = "WORLD"
    NL_SERVICE = "NL-SERVICE"
    NL_FREE = "NL-FREE"


@dataclass(frozen=True, slots=True)
class NamedZone:
    """
    A zone that price lists refine a built-in one with: prices for `within` are for it too, but for those that name it.

    :param countries: ISO 3166-1 alpha-2; of the other party by their prefixes, and of the customer for data
    :param prefixes: E.164 digits of the other party's number; the longest prefix decides
    """

    zone_id: str
    within: Zone
    name_nl: str
    name_en: str
    countries: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()


class Roaming(StrEnum):
    """Where the customer is: at home, in the European Economic Area, or elsewhere."""

    HOME = "HOME"
    EU = "EU"
    WORLD = "WORLD"


@dataclass(frozen=True, slots=True)
class RecurringPrice:
    """
    One version of a charge that returns every bill period, or once when `kind` is `one_time`.

    :param amount: euros per bill period, including tax where the offering's prices do
    :param in_arrears: billed after the period; by default before it
    :param days_in_period: what a part of a period is divided by: `actual`, `30`, or `first` (the first month's days)
    """

    price_id: str
    product_offering_id: str
    valid_from: datetime
    valid_to: datetime | None
    kind: PriceKind
    amount: Decimal
    in_arrears: bool
    days_in_period: str


@dataclass(frozen=True, slots=True)
class Tier:
    """
    A stretch of the period's units up to and including `up_to_units` (None: without end), and its price per unit size.

    :param block_units: the amount is per begun block of so many units instead
    :param flat: euros that are due once when the period's count reaches the tier; of the first tier also when nothing is used
    """

    up_to_units: int | None
    amount: Decimal
    block_units: int | None = None
    flat: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True)
class Block:
    """
    A stretch of one record's units, `units` wide (None: without end): rounded up to whole `step`s, at `amount` euros per `unit_size`.
    """

    units: int | None
    step: int
    amount: Decimal
    unit_size: int


@dataclass(frozen=True, slots=True)
class FirstFree:
    """
    The first use of a period is free: so many records, or so many units, whichever is used up first (None: no such limit).

    The record that reaches the limit of units is free up to there, and pays its connection fee.
    """

    records: int | None
    units: int | None


@dataclass(frozen=True, slots=True)
class EndRounding:
    """How a record's charge, fee included, is rounded at the end: `up`, `half_up` or `down` to `digits` decimals of a euro."""

    mode: str
    digits: int


@dataclass(frozen=True, slots=True)
class Band:
    """
    A time band: local days (1 Monday to 7 Sunday, 8 a public holiday) and minutes of the day, and its price per unit size.

    Bands are read in the order of the file; the first that contains the instant gives the price, and a record outside
    every band takes the price's own amount.

    :param connection_fee: of records that start in it; None for the price's own
    """

    name: str
    days: tuple[int, ...]
    from_minute: int
    to_minute: int
    amount: Decimal
    connection_fee: Decimal | None = None


@dataclass(frozen=True, slots=True)
class UsagePrice:
    """
    One version of the price of a kind of usage.

    :param amount: euros per `unit_size` units (60 seconds, 1,000,000 bytes, 1 message)
    :param minimum: least units of a record; then rounded up to whole `step`s
    :param connection_fee: euros per record of which a unit is priced
    :param tier_mode: `graduated`, `volume`, or None when there are no tiers
    :param tiers_shared: tiers count the units of every product of the billing account that has this price, not of each alone
    :param zones: built-in ones, and those that price lists name (`NamedZone`); a named one goes before the one that it lies within
    :param time_zone: in which its bands are read
    """

    price_id: str
    product_offering_id: str
    valid_from: datetime
    valid_to: datetime | None
    service: Service
    zones: tuple[str, ...]
    roaming: tuple[Roaming, ...]
    amount: Decimal
    unit_size: int
    minimum: int
    step: int
    connection_fee: Decimal
    fee_waived_in_allowance: bool
    tier_mode: str | None = None
    tiers: tuple[Tier, ...] = ()
    bands: tuple[Band, ...] = ()
    split_at_band: bool = False
    tiers_shared: bool = False
    blocks: tuple[Block, ...] = ()
    first_free: FirstFree | None = None
    end_rounding: EndRounding | None = None
    time_zone: str = OPERATOR_ZONE.key

    @property
    def common_factor(self) -> int:
        """What unit size and amounts per unit size can be divided by, so that a charge is reckoned in the smallest numbers."""
        rates = [tier.amount for tier in self.tiers if tier.block_units is None] if self.tiers else [self.amount]
        return gcd(self.unit_size, *(micros(amount) for amount in [*rates, *(band.amount for band in self.bands)]))

    @property
    def blocks_denominator(self) -> int:
        """The denominator that the charges of all blocks have in common."""
        return lcm(*(block.unit_size // gcd(block.unit_size, micros(block.amount)) for block in self.blocks))


@dataclass(frozen=True, slots=True)
class Allowance:
    """
    Units that a plan includes in every bill period.

    :param units: seconds, messages or bytes per period
    :param shared: one pool for every product of the billing account that carries it, however many do (rating.md, case 14)
    :param roll_over: what is left at a close lives one period longer
    :param prorate: fewer units in a partial period
    :param except_zones: named zones that it is not for, though it is for those that they lie within
    """

    allowance_id: str
    product_offering_id: str
    service: Service
    zones: tuple[str, ...]
    roaming: tuple[Roaming, ...]
    units: int
    shared: bool
    roll_over: bool
    prorate: bool
    except_zones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cap:
    """
    The most that a kind of usage may cost per product and bill period; what would go beyond is zero-rated.

    :param amount: euros, in the offering's own tax convention
    :param shared: for all products of the billing account that carry it together
    :param except_zones: named zones that it is not for, though it is for those that they lie within
    """

    cap_id: str
    product_offering_id: str
    service: Service
    zones: tuple[str, ...]
    roaming: tuple[Roaming, ...]
    amount: Decimal
    shared: bool = False
    except_zones: tuple[str, ...] = ()

    @property
    def is_roaming(self) -> bool:
        """Whether it bounds use abroad only, so that reaching it stops roaming until the customer lifts it."""
        return Roaming.HOME not in self.roaming


@dataclass(frozen=True, slots=True)
class Discount:
    """
    A discount that an offering may be sold with, for so many bill periods (None: as long as it is held).

    :param kind: `percentage` of what it lowers, or `amount` in euros per period; `value` is what is taken off
    :param usage_prices: identifiers of the prices of usage that it lowers, all of them where it names none; None where it lowers recurring charges
    """

    discount_id: str
    name: str
    kind: str
    value: Decimal
    periods: int | None
    usage_prices: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Bundle:
    """
    A discount on an offering's recurring charges on the days on which the billing account holds others beside it.

    :param together: families, and how many active products of each there must be, this one counted
    :param kind: `percentage` or `amount`, as of a discount
    """

    bundle_id: str
    name: str
    together: tuple[tuple[str, int], ...]
    kind: str
    value: Decimal


@dataclass(frozen=True, slots=True)
class MinimumSpend:
    """
    The least that usage of a product comes to per bill period; what it lacks is charged.

    :param amount: euros per whole bill period, in the offering's own tax convention
    :param usage_prices: identifiers of the prices of usage that count; all of them where it names none
    """

    amount: Decimal
    usage_prices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProductOffering:
    """
    What can be bought.

    :param tax_included: prices are what a consumer pays, tax and all
    :param tax_rate: percent, for `tax_category` (EN 16931 BT-151)
    :param zones: every zone that the catalogue names, whether or not a price here does
    """

    product_offering_id: str
    family: str
    name_nl: str
    name_en: str
    segment: str
    tax_included: bool
    tax_category: str
    tax_rate: Decimal
    resource_kind: str | None = None
    prices: tuple[RecurringPrice, ...] = ()
    usage_prices: tuple[UsagePrice, ...] = ()
    allowances: tuple[Allowance, ...] = ()
    caps: tuple[Cap, ...] = ()
    discounts: tuple[Discount, ...] = ()
    bundles: tuple[Bundle, ...] = ()
    zones: tuple[NamedZone, ...] = ()
    minimum_spend: MinimumSpend | None = None

    def name(self, language: str) -> str:
        """Give the name in `nl` or `en`."""
        return self.name_nl if language == "nl" else self.name_en


@dataclass(frozen=True, slots=True)
class NewTerm:
    """What is held from `valid_from` up to but not including `valid_to`; UTC instants."""

    valid_from: datetime
    valid_to: datetime | None
    product_offering_id: str
    status: ProductStatus = ProductStatus.ACTIVE


@dataclass(frozen=True, slots=True)
class NewAlteration:
    """
    A discount (negative) or surcharge on a product's recurring charge, or a discount on its usage.

    :param kind: `percentage` of the charge, or `amount` in euros per period
    :param product_offering_id: whose price it keeps, so that it ends when the product becomes another offering; None for one that stays
    :param usage_prices: as of a discount
    """

    price_alteration_id: UUID
    name: str
    kind: str
    value: Decimal
    valid_from: date
    valid_to: date | None = None
    product_offering_id: str | None = None
    usage_prices: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class NewResource:
    """A number, line or SIM; its value is sealed with the party's contact data and found through the keeper's index `number`."""

    resource_id: UUID
    kind: str
    valid_from: datetime
    valid_to: datetime | None = None


@dataclass(frozen=True, slots=True)
class NewProduct:
    """
    A product to be added with its whole history.

    :param recurring_billed_to: recurring charges were billed up to but not including this day, here or by the system it came from
    """

    customer_id: UUID
    product_id: UUID
    billing_account_id: UUID
    start_day: date
    recurring_billed_to: date
    terms: tuple[NewTerm, ...]
    alterations: tuple[NewAlteration, ...] = ()
    resources: tuple[NewResource, ...] = ()


@dataclass(frozen=True, slots=True)
class Product:
    """The lasting part of a product held."""

    customer_id: UUID
    product_id: UUID
    billing_account_id: UUID
    start_day: date
    recurring_billed_to: date


@dataclass(frozen=True, slots=True)
class ProductTerm:
    """What a product was, or will be, from `valid_from` up to but not including `valid_to`."""

    customer_id: UUID
    product_id: UUID
    valid_from: datetime
    valid_to: datetime | None
    product_offering_id: str
    status: ProductStatus


class ProductHistory(NamedTuple):
    """
    A product with its terms, as a bill run reads millions of them.

    :param terms: valid_from, valid_to, offering, and whether it was active, oldest first
    """

    customer_id: UUID
    product_id: UUID
    billing_account_id: UUID
    start_day: date
    recurring_billed_to: date
    terms: tuple[tuple[datetime, datetime | None, str, bool], ...]


@dataclass(frozen=True, slots=True)
class PriceAlteration:
    """
    A discount or surcharge as it holds.

    :param valid_to: the first day without it, by its own end or by a change of the plan whose price it keeps
    :param usage_prices: as of a discount
    """

    customer_id: UUID
    product_id: UUID
    price_alteration_id: UUID
    name: str
    kind: str
    value: Decimal
    valid_from: date
    valid_to: date | None
    usage_prices: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Resource:
    customer_id: UUID
    resource_id: UUID
    product_id: UUID
    kind: str
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class ProductHeld:
    """
    A product as it stands at one instant.

    :param valid_from: since when it is what it is; `valid_to` until when, as known now
    """

    customer_id: UUID
    product_id: UUID
    billing_account_id: UUID
    start_day: date
    recurring_billed_to: date
    product_offering_id: str
    status: ProductStatus
    valid_from: datetime
    valid_to: datetime | None
    resources: tuple[Resource, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class CapLifted:
    """A cap that does not hold for a product's use that begins from `valid_from` up to but not including `valid_to`; UTC instants."""

    customer_id: UUID
    product_id: UUID
    cap_id: str
    valid_from: datetime
    valid_to: datetime | None


@dataclass(frozen=True, slots=True)
class RoamingStop:
    """Roaming that ended for the rest of a bill period, because a cap was reached, and neither lifted nor left since by a correction."""

    customer_id: UUID
    product_id: UUID
    cap_id: str
    period_day: date
    stopped_at: datetime
