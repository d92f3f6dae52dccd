"""One customer entry as a legacy system has it: the truth with that entry's dirt, before the system's own way of writing."""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from hoeksteen.synth._chance import plain_stream
from hoeksteen.synth._contracts import Contracts
from hoeksteen.synth._customers import Customers, Numbers
from hoeksteen.synth._firms import Firm
from hoeksteen.synth._names import surnames
from hoeksteen.synth._people import People, calling_names
from hoeksteen.synth._places import Address
from hoeksteen.synth._records import Records
from hoeksteen.synth._spelling import misspelt, mistyped_day
from hoeksteen.synth.model import PRODUCTS, REJECTS, SOURCES

# how well each system knows its customers: mail address, contact phone
_KNOWN = ((0.55, 0.60), (0.92, 0.50), (0.88, 0.80))
_FORMER_EMAIL_SHARE = 0.06
_FORMER_IBAN_SHARE = 0.06
_DIRECT_DEBIT_SHARE = 0.88


@dataclass(frozen=True, slots=True)
class Operator:
    """Everything that was drawn."""

    seed: int
    people: People
    firms: list[Firm]
    customers: Customers
    records: Records
    contracts: Contracts
    numbers: Numbers
    discounts: list[tuple[int, int, int, int]]


class Line(NamedTuple):
    """One product of an entry; days are ordinals, 0 = none; `place` numbers the product in the whole operator."""

    place: int
    code: str
    start: int
    end: int
    suspended: int
    billed_to: int
    monthly_cents: int
    number: str

    @property
    def state(self) -> int:
        """Give 0 for active, 1 for suspended, 2 for terminated."""
        return 2 if self.end else 1 if self.suspended else 0


class Entry(NamedTuple):
    """
    One customer entry.

    :param birth_name: surname and prefix at birth, for a woman who carries her partner's; else ''
    :param birth: ordinal of the birth day as this system has it, 0 = unknown
    :param email: '' where this system does not know it; `phone` and `iban` likewise
    :param line: the household's fixed number, or ''
    """

    key: str
    firm: Firm | None
    gender: int
    initials: str
    calling: str
    prefix: str
    surname: str
    birth_name: tuple[str, str]
    birth: int
    address: Address
    email: str
    phone: str
    line: str
    iban: str
    direct_debit: bool
    since: int
    mandate_day: int
    reject: str
    lines: list[Line]


def entries(operator: Operator, source: int) -> Iterator[Entry]:
    """Give the entries of one source in the order of its export."""
    chance = plain_stream(operator.seed, f"entries {SOURCES[source]}")
    first, end = operator.records.of_source(source)
    for index in range(first, end):
        yield _entry(operator, source, index, chance)


def _entry(operator: Operator, source: int, index: int, chance: random.Random) -> Entry:
    records, customers, people = operator.records, operator.customers, operator.people
    customer = int(records.customer[index])
    lines = _lines(operator, index)
    since = min(line.start for line in lines)
    knows_mail, knows_phone = _KNOWN[source]
    mail = customers.former_email[customer] if chance.random() < _FORMER_EMAIL_SHARE else customers.email[customer]
    iban = customers.former_iban[customer] if chance.random() < _FORMER_IBAN_SHARE else customers.iban[customer]
    direct_debit = chance.random() < _DIRECT_DEBIT_SHARE
    contact = (
        operator.customers.atlas.address(int(customers.former[customer] if records.moved[index] else customers.address[customer])),
        mail if chance.random() < knows_mail else "",
        customers.mobile[customer] if chance.random() < knows_phone else "",
        customers.household_line[int(customers.household[customer])],
        iban if direct_debit or chance.random() < 0.4 else "",
        direct_debit,
        since,
        since + chance.randrange(20),
        REJECTS[int(records.reject[index])],
        lines,
    )
    if customer >= len(people):
        firm = operator.firms[customer - len(people)]
        return Entry(records.source_key(index), firm, firm.gender, firm.initials, "", firm.prefix, firm.surname, ("", ""), 0, *contact)
    prefix, surname, birth_name = _surname(operator, index, customer, chance)
    birth = 0 if records.no_birth_date[index] else int(people.birth[customer])
    if records.birth_date_typo[index]:
        birth = mistyped_day(birth, chance)
    calling = calling_names()[int(people.given[customer])]
    gender, letters = int(people.gender[customer]), people.initials[customer]
    return Entry(records.source_key(index), None, gender, letters, calling, prefix, surname, birth_name, birth, *contact)


def _surname(operator: Operator, index: int, customer: int, chance: random.Random) -> tuple[str, str, tuple[str, str]]:
    """Prefix and surname as this entry has them, and the name at birth where another one is in use."""
    people, table = operator.people, surnames()
    used, born = int(people.surname[customer]), int(people.birth_surname[customer])
    if operator.records.maiden_name[index]:
        used = born
    surname = table.names[used]
    if operator.records.surname_typo[index]:
        surname = misspelt(surname, chance)
    double = int(people.double[customer])
    if double >= 0:
        surname += "-" + f"{table.prefixes[double]} {table.names[double]}".strip()
    return table.prefixes[used], surname, (table.names[born], table.prefixes[born]) if used != born else ("", "")


def _lines(operator: Operator, index: int) -> list[Line]:
    contracts = operator.contracts
    lines = []
    for place in range(int(contracts.first[index]), int(contracts.first[index + 1])):
        product = PRODUCTS[int(contracts.product[place])]
        lines.append(
            Line(
                place,
                product.code,
                int(contracts.start[place]),
                int(contracts.end[place]),
                int(contracts.suspended[place]),
                int(contracts.billed_to[place]),
                product.monthly_cents,
                operator.numbers.of_product[place],
            )
        )
    return lines
