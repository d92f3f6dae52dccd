"""What each entry holds: products with their dates, numbers and amounts, as the legacy systems know them."""

from dataclasses import dataclass
from datetime import date

import numpy as np

from hoeksteen.kernel.time_period import add_months
from hoeksteen.synth._chance import Flags, Ints, pick, sample, stream
from hoeksteen.synth._people import People
from hoeksteen.synth._records import Records
from hoeksteen.synth.model import BROADBAND, FIXED, MOBILE, PRODUCT_BY_CODE, PRODUCTS, REJECTS

ACTIVATED_SHARE = 0.02
TERMINATED_SHARE = 0.015
SUSPENDED_SHARE = 0.01
_OF_AGE_DAYS = 6576  # eighteen years
_UNKNOWN = REJECTS.index("unknown_product")
_LINES_MAX = 8


@dataclass(slots=True)
class Contracts:
    """
    All products of all records, ordered by record.

    :param product: index in `PRODUCTS`; `start`, `end`, `suspended`, `billed_to`: ordinals of days, 0 = none; `end` and `billed_to` are exclusive
    :param first: index of each record's first product, and at its end the number of products
    """

    record: Ints
    product: Ints
    start: Ints
    end: Ints
    suspended: Ints
    billed_to: Ints
    first: Ints

    def __len__(self) -> int:
        return len(self.record)

    def of_source(self, records: Records, source: int) -> Ints:
        """Give the products of one source's records."""
        return np.flatnonzero(records.source[self.record] == source)


def draw_contracts(*, seed: int, people: People, records: Records, month: date) -> Contracts:
    """Draw the products of every record; most are older than the month, some begin, end or pause in it."""
    chance = stream(seed, "contracts")
    firm = records.customer >= len(people)
    counts = _counts(chance, records, firm)
    record = np.repeat(np.arange(len(records)), counts)
    place = np.arange(len(record)) - np.repeat(np.cumsum(counts) - counts, counts)
    product = _products(chance, records, record, place, firm[record])
    start = _starts(chance, people, records, record, month)
    end, suspended = np.zeros(len(record), np.int64), np.zeros(len(record), np.int64)
    mixed = chance.permutation(np.flatnonzero(records.reject[record] == 0))
    activated, terminated, paused = (round(len(mixed) * share) for share in (ACTIVATED_SHARE, TERMINATED_SHARE, SUSPENDED_SHARE))
    first_day, next_month = month.toordinal(), add_months(month, 1).toordinal()
    days = next_month - first_day
    begins, ends, pauses, _ = np.split(mixed, np.cumsum([activated, terminated, paused]))
    start[begins] = first_day + chance.integers(1, days, size=len(begins))
    end[ends] = first_day + chance.integers(1, days, size=len(ends))
    earlier = chance.random(len(pauses)) < 0.5
    suspended[pauses] = first_day + np.where(earlier, -chance.integers(0, 60, size=len(pauses)), chance.integers(1, days, size=len(pauses)))
    start[pauses] = np.minimum(start[pauses], suspended[pauses] - 30)
    billed_to = np.where(start >= first_day, start, next_month)
    return Contracts(record, product, start, end, suspended, billed_to, np.concatenate([[0], np.cumsum(counts)]).astype(np.int64))


def _counts(chance: np.random.Generator, records: Records, firm: Flags) -> Ints:
    size = len(records)
    counts = np.ones(size, np.int64)
    for source, persons, firms in (
        (FIXED, (0.94, 0.06), (0.45, 0.25, 0.15, 0.10, 0.05)),
        (MOBILE, (0.68, 0.20, 0.08, 0.04), (0.25, 0.25, 0.15, 0.10, 0.10, 0.05, 0.05, 0.05)),
        (BROADBAND, (0.5, 0.5), (1.0,)),
    ):
        for of_firms, shares in ((False, persons), (True, firms)):
            here = np.flatnonzero((records.source == source) & (firm == of_firms))
            counts[here] += pick(chance, shares, len(here))
    counts[records.reject > 0] = 1
    return np.minimum(counts, _LINES_MAX)


def _products(chance: np.random.Generator, records: Records, record: Ints, place: Ints, firm: Flags) -> Ints:
    source = records.source[record]
    product = np.zeros(len(record), np.int64)
    for where, codes, shares in (
        ((source == FIXED) & ~firm, ("TEL-B", "TEL-P"), (0.6, 0.4)),
        ((source == FIXED) & firm, ("ZAK-V",), (1.0,)),
        ((source == MOBILE) & ~firm, ("MS", "MM", "ML", "MD"), (0.35, 0.37, 0.20, 0.08)),
        ((source == MOBILE) & firm, ("ZM",), (1.0,)),
        ((source == BROADBAND) & ~firm & (place == 0), ("101", "102", "103"), (0.45, 0.35, 0.20)),
        ((source == BROADBAND) & ~firm & (place == 1), ("201", "202"), (0.6, 0.4)),
        ((source == BROADBAND) & firm, ("301",), (1.0,)),
    ):
        here = np.flatnonzero(where)
        product[here] = np.array([PRODUCT_BY_CODE[code] for code in codes])[pick(chance, shares, len(here))]
    unknown = np.flatnonzero(records.reject[record] == _UNKNOWN)
    product[unknown] = np.array([PRODUCT_BY_CODE[code] for code in ("TEL-X", "MX", "999")])[source[unknown]]
    return product


def _starts(chance: np.random.Generator, people: People, records: Records, record: Ints, month: date) -> Ints:
    first_day = month.toordinal()
    start = first_day - np.clip(chance.exponential(1500.0, len(record)).astype(np.int64), 1, 6300)
    customer = records.customer[record]
    person = np.flatnonzero(customer < len(people))
    start[person] = np.minimum(np.maximum(start[person], people.birth[customer[person]] + _OF_AGE_DAYS), first_day - 1)
    return start.astype(np.int64)


def draw_discounts(*, seed: int, contracts: Contracts, records: Records, month: date) -> list[tuple[int, int, int, int]]:
    """
    Draw discounts on one in five internet subscriptions: product, code, first day, end day (0 = none).

    Those with an end may have ended before the month, end in it, or run on.
    """
    chance = stream(seed, "discounts")
    internet = np.array([product.code in ("101", "102", "103", "301") for product in PRODUCTS])
    eligible = np.flatnonzero(internet[contracts.product] & (records.reject[contracts.record] == 0))
    chosen = sample(chance, eligible, round(len(eligible) * 0.2))
    codes = np.array([11, 12, 13, 14])[pick(chance, (0.3, 0.5, 0.05, 0.15), len(chosen))]
    first_day = month.toordinal()
    ends = first_day + chance.integers(-120, 700, size=len(chosen))
    in_month = chance.random(len(chosen)) < 0.1
    ends[in_month] = first_day + chance.integers(1, 28, size=int(in_month.sum()))
    begins = contracts.start[chosen]
    ends = np.where(np.isin(codes, (12, 13)), np.maximum(ends, begins + 30), 0)
    return list(zip(chosen.tolist(), codes.tolist(), begins.tolist(), ends.tolist(), strict=True))
