"""What of a standardised record is compared: columns for Splink, in memory, and the same facts for the guards."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa

from hoeksteen.consolidation.model import LegacyRecord
from hoeksteen.consolidation.standardise.companies import company_key
from hoeksteen.consolidation.standardise.names import initials_key, surname_keys
from hoeksteen.consolidation.standardise.text import fold, phonetic

# A phone, e-mail, account, door or KvK number that more records share is an office's or a clerk's, and says nothing about a person.
SHARED_BY_MAX = 20
BORN_TOGETHER_ONE_IN = 500  # a day of birth that more than one record in so many have is what a system writes for unknown


@dataclass(frozen=True, slots=True)
class Facts:
    """
    What the guards look at.

    :param surnames: folded: the whole name first, then each partner's name and the name at birth
    :param dwelling: postcode, house number and addition
    """

    organization: bool
    surnames: tuple[str, ...]
    initials: str
    given_name: str
    gender: str
    suffix: str
    birth_date: str
    dwelling: str
    phones: frozenset[str]
    emails: frozenset[str]
    iban: str
    company: str
    chamber_of_commerce_number: str


@dataclass(slots=True)
class _Shared:
    """How many records hold a value."""

    phones: Counter[str]
    emails: Counter[str]
    ibans: Counter[str]
    dwellings: Counter[str]
    birth_dates: Counter[str]
    chambers: Counter[str]
    born_together_max: int


def facts_of(records: Sequence[LegacyRecord]) -> list[Facts]:
    """Give the facts of each record, in order; what too many records share is left out."""
    shared = _Shared(
        phones=Counter(number for record in records for number in _numbers(record)),
        emails=Counter(address for record in records for address in record.emails),
        ibans=Counter(record.iban for record in records if record.iban),
        dwellings=Counter(_dwelling(record) for record in records),
        birth_dates=Counter(_born(record) for record in records),
        chambers=Counter(record.chamber_of_commerce_number or "" for record in records),
        born_together_max=max(SHARED_BY_MAX, len(records) // BORN_TOGETHER_ONE_IN),
    )
    return [_facts(record, shared) for record in records]


def _numbers(record: LegacyRecord) -> set[str]:
    return {*record.phones, *(product.number for product in record.products if product.number)}


def _dwelling(record: LegacyRecord) -> str:
    """A postcode without a house number is a street: who lives there has no door in common."""
    address = record.address
    if address is None or not address.postcode or not address.house_number:
        return ""
    return f"{address.postcode}|{address.house_number}|{address.house_number_addition or ''}"


def _born(record: LegacyRecord) -> str:
    return f"{record.birth_date:%Y%m%d}" if record.birth_date else ""


def _unless_shared(value: str, counts: Counter[str], at_most: int = SHARED_BY_MAX) -> str:
    return value if counts[value] <= at_most else ""


def _facts(record: LegacyRecord, shared: _Shared) -> Facts:
    name = record.name
    return Facts(
        organization=record.kind == "organization",
        surnames=tuple(surname_keys(name)) if name else (),
        initials=(initials_key(name.initials) or "") if name else "",
        given_name=fold(name.given_name) if name and name.given_name else "",
        gender=record.gender or "",
        suffix=(name.suffix or "") if name else "",
        birth_date=_unless_shared(_born(record), shared.birth_dates, shared.born_together_max),
        dwelling=_unless_shared(_dwelling(record), shared.dwellings),
        phones=frozenset(number for number in _numbers(record) if shared.phones[number] <= SHARED_BY_MAX),
        emails=frozenset(found for found in record.emails if shared.emails[found] <= SHARED_BY_MAX),
        iban=_unless_shared(record.iban or "", shared.ibans),
        company=company_key(record.trading_name) if record.trading_name else "",
        chamber_of_commerce_number=_unless_shared(record.chamber_of_commerce_number or "", shared.chambers),
    )


def table(facts: Sequence[Facts], places: Sequence[int]) -> pa.Table:
    """
    Lay the facts of some records out in columns for Splink.

    :param places: their positions, which become `unique_id`
    """
    chosen = [facts[place] for place in places]
    postcode = [fact.dwelling.split("|")[0] or None for fact in chosen]
    house = ["|".join(fact.dwelling.split("|")[:2]) or None for fact in chosen]

    def text(values: list[str]) -> pa.Array:
        return pa.array([value or None for value in values], pa.string())

    def several(values: list[list[str]]) -> pa.Array:
        return pa.array([value or None for value in values], pa.list_(pa.string()))

    return pa.table(
        {
            "unique_id": pa.array(places, pa.int64()),
            "surname": text([fact.surnames[0] if fact.surnames else "" for fact in chosen]),
            "surnames": several([list(fact.surnames) for fact in chosen]),
            "sound": text([phonetic(fact.surnames[0]) if fact.surnames else "" for fact in chosen]),
            "initials": text([fact.initials for fact in chosen]),
            "initial": text([fact.initials[:1] for fact in chosen]),
            "given_name": text([fact.given_name for fact in chosen]),
            "birth_date": text([fact.birth_date for fact in chosen]),
            "birth_year": text([fact.birth_date[:4] for fact in chosen]),
            "postcode": pa.array(postcode, pa.string()),
            "house": pa.array(house, pa.string()),
            "dwelling": text([fact.dwelling for fact in chosen]),
            "phones": several([sorted(fact.phones) for fact in chosen]),
            "emails": several([sorted(fact.emails) for fact in chosen]),
            "email": text([min(fact.emails, default="") for fact in chosen]),
            "iban": text([fact.iban for fact in chosen]),
            "company": text([fact.company for fact in chosen]),
            "chamber": text([fact.chamber_of_commerce_number for fact in chosen]),
        }
    )
