"""Who is known to which system, and what each entry has wrong: the fixed shares of dirt, drawn exactly."""

from dataclasses import dataclass

import numpy as np

from hoeksteen.synth._chance import Flags, Ints, pick, sample, stream
from hoeksteen.synth._people import People
from hoeksteen.synth.model import BROADBAND, FIXED, MOBILE, REJECTS, SOURCES

SEVERAL_SYSTEMS_SHARE = 0.60
MOVED_SHARE = 0.12
MAIDEN_NAME_SHARE = 0.02
SURNAME_TYPO_SHARE = 0.04
NO_BIRTH_DATE_SHARE = 0.03
BIRTH_DATE_TYPO_SHARE = 0.01
DUPLICATE_SHARE = 0.02
_THREE_SYSTEMS_SHARE = 0.10
_KEY_BASE = 1_000_017
# which faults make a record rejectable; a row of SQLite cannot be cut short
_REJECTABLE = tuple((source, kind) for source in (FIXED, MOBILE, BROADBAND) for kind in range(1, len(REJECTS)) if (source, kind) != (BROADBAND, 4))


@dataclass(slots=True)
class Records:
    """
    All customer entries, ordered by source and key.

    :param customer: index of the person or firm; `source` 0 to 2; `key` the number from which the source's key is written
    :param reject: index in `REJECTS`, 0 for a record that can be loaded
    """

    customer: Ints
    source: Ints
    key: Ints
    moved: Flags
    surname_typo: Flags
    no_birth_date: Flags
    birth_date_typo: Flags
    maiden_name: Flags
    duplicate: Flags
    reject: Ints

    def __len__(self) -> int:
        return len(self.customer)

    def of_source(self, source: int) -> tuple[int, int]:
        """Give the half-open range of records of one source."""
        return int(np.searchsorted(self.source, source)), int(np.searchsorted(self.source, source, side="right"))

    def source_key(self, index: int) -> str:
        """Give a record's key as its export writes it."""
        source, key = int(self.source[index]), int(self.key[index])
        return (f"{key + 9_000_000}", f"M-{key}", f"{key - _KEY_BASE + 501}")[source]


def rejectable_count(customers: int) -> int:
    """Give how many rejectable records an operator of this size has: each kind at least once."""
    return len(_REJECTABLE) * max(1, round(customers / 8000))


def draw_records(*, seed: int, people: People, firms: int) -> Records:
    """Draw the systems that know each customer, the entries made twice, and the dirt."""
    chance = stream(seed, "records")
    individuals, total = len(people), len(people) + firms
    true = np.concatenate([np.arange(individuals - people.rejectable), np.arange(individuals, total)])
    customer, source = _memberships(chance, true)
    entered_twice = _one_record_each(chance, customer, sample(chance, true, round(len(true) * DUPLICATE_SHARE)))
    rejects = np.arange(individuals - people.rejectable, individuals)
    kinds = np.array(_REJECTABLE)[np.arange(people.rejectable) % len(_REJECTABLE)]
    fates = _fates(chance, people, customer)
    padding = len(entered_twice) + len(rejects)
    moved, maiden = (np.concatenate([flag, np.zeros(padding, np.bool_)]) for flag in fates)
    duplicate = np.zeros(len(customer) + padding, np.bool_)
    duplicate[len(customer) : len(customer) + len(entered_twice)] = True
    # an entry made twice is made by the same hand, so it shares the address of the first
    moved[len(customer) : len(customer) + len(entered_twice)] = fates[0][entered_twice]
    reject = np.concatenate([np.zeros(len(customer) + len(entered_twice), np.int64), kinds[:, 1]])
    source = np.concatenate([source, source[entered_twice], kinds[:, 0]])
    customer = np.concatenate([customer, customer[entered_twice], rejects])
    personal = np.flatnonzero((customer < individuals) & (reject == 0))
    typo = sample(chance, personal, round(len(personal) * SURNAME_TYPO_SHARE))
    no_birth = sample(chance, personal, round(len(personal) * NO_BIRTH_DATE_SHARE))
    birth_typo = sample(chance, np.setdiff1d(personal, no_birth), round(len(personal) * BIRTH_DATE_TYPO_SHARE))
    order = np.lexsort((chance.random(len(customer)), source))
    counts = np.bincount(source, minlength=len(SOURCES))
    key = _KEY_BASE + np.arange(len(customer)) - np.repeat(np.cumsum(counts) - counts, counts)
    return Records(
        customer[order],
        source[order],
        key,
        moved=moved[order],
        surname_typo=_flags(len(customer), typo)[order],
        no_birth_date=_flags(len(customer), no_birth)[order],
        birth_date_typo=_flags(len(customer), birth_typo)[order],
        maiden_name=maiden[order],
        duplicate=duplicate[order],
        reject=reject[order],
    )


def maiden_name_persons(records: Records) -> Ints:
    """Give the persons of whom one record is under the name at birth."""
    return np.unique(records.customer[records.maiden_name])


def _memberships(chance: np.random.Generator, true: Ints) -> tuple[Ints, Ints]:
    mixed = chance.permutation(true)
    several = round(len(true) * SEVERAL_SYSTEMS_SHARE)
    three = round(len(true) * _THREE_SYSTEMS_SHARE)
    pairs = np.array([(FIXED, MOBILE), (MOBILE, BROADBAND), (FIXED, BROADBAND)])[pick(chance, (0.28, 0.47, 0.25), several - three)]
    alone = pick(chance, (0.28, 0.47, 0.25), len(true) - several)
    customer = np.concatenate([np.repeat(mixed[:three], 3), np.repeat(mixed[three:several], 2), mixed[several:]])
    source = np.concatenate([np.tile(np.arange(3), three), pairs.ravel(), alone])
    order = np.lexsort((source, customer))
    return customer[order].astype(np.int64), source[order].astype(np.int64)


def _one_record_each(chance: np.random.Generator, customer: Ints, chosen: Ints) -> Ints:
    """Give, for each of the chosen customers, one of their records; `customer` is sorted."""
    first = np.searchsorted(customer, chosen)
    counts = np.searchsorted(customer, chosen, side="right") - first
    return np.asarray(first + (chance.random(len(chosen)) * counts).astype(np.int64), np.int64)


def _fates(chance: np.random.Generator, people: People, customer: Ints) -> tuple[Flags, Flags]:
    """Draw who moved and who married, and the record that did not hear of it; so it befalls only people in several systems."""
    known, counts = np.unique(customer[customer < len(people)], return_counts=True)
    several = known[counts > 1]
    moved = sample(chance, several, round(len(known) * MOVED_SHARE))
    brides = np.intersect1d(several, people.married_partner)
    renamed = sample(chance, brides, round(len(known) * MAIDEN_NAME_SHARE))
    return _flags(len(customer), _one_record_each(chance, customer, moved)), _flags(len(customer), _one_record_each(chance, customer, renamed))


def _flags(size: int, chosen: Ints) -> Flags:
    marked = np.zeros(size, np.bool_)
    marked[chosen] = True
    return marked
