"""How customers are reached and pay: addresses, mail, bank accounts, phones; one truth per customer."""

from dataclasses import dataclass

import numpy as np

from hoeksteen.synth import _words
from hoeksteen.synth._chance import Ints, plain_stream, stream
from hoeksteen.synth._contracts import Contracts
from hoeksteen.synth._firms import Firm
from hoeksteen.synth._letters import base_letters
from hoeksteen.synth._names import surnames
from hoeksteen.synth._numbers import ibans, line_numbers, mobile_numbers
from hoeksteen.synth._people import People, calling_names
from hoeksteen.synth._places import Atlas, draw_atlas
from hoeksteen.synth._records import Records
from hoeksteen.synth.model import FIXED, MOBILE

_JOINT_BANKING_SHARE = 0.55
_CAME_AFTER_OTHERS_SHARE = 0.3
STRANGE_NUMBERS = 1000
_MAIL_SHAPES = ("{called}.{family}", "{letters}{family}", "{called}{family}{year}", "{family}.{letters}", "{called}_{family}")


@dataclass(slots=True)
class Customers:
    """
    One row per customer: first the people, then the firms.

    :param address: index in the atlas; `former` likewise, -1 for those who did not move
    :param mobile: a number to be reached at, E.164 digits: an own SIM, or one of another operator
    :param household_line: the fixed number of each household, or ''
    """

    atlas: Atlas
    household: Ints
    address: Ints
    former: Ints
    email: list[str]
    former_email: list[str]
    iban: list[str]
    former_iban: list[str]
    mobile: list[str]
    household_line: list[str]


@dataclass(slots=True)
class Numbers:
    """Each product's own number as E.164 digits ('' where it has none), and numbers that nobody holds."""

    of_product: list[str]
    nobody: list[str]


def draw_customers(*, seed: int, people: People, firms: list[Firm], records: Records, contracts: Contracts) -> tuple[Customers, Numbers]:
    """Draw where customers live, how they are reached, and the numbers of their products."""
    chance = stream(seed, "customers")
    atlas, household, address, former = _dwellings(chance, seed, people, firms, records)
    numbers, others = _numbers(chance, atlas, address, former, records, contracts)
    total = len(household)
    emails = _emails(seed, people, firms, total)
    accounts = ibans(chance, 2 * total)
    own = np.arange(total)
    joint = (people.role == 1) & (chance.random(len(people)) < _JOINT_BANKING_SHARE)
    own[: len(people)][joint] = people.head_of()[joint]
    mobile = others[STRANGE_NUMBERS : STRANGE_NUMBERS + total]
    for place, firm in enumerate(firms, start=len(people)):
        if firm.owner >= 0:
            mobile[place] = mobile[firm.owner]
    lines = [""] * (int(household.max()) + 1)
    record_of, source_of = contracts.record.tolist(), records.source.tolist()
    customer_of, households = records.customer.tolist(), household.tolist()
    for index in range(len(contracts) - 1, -1, -1):
        record = record_of[index]
        if source_of[record] == MOBILE:
            mobile[customer_of[record]] = numbers[index]
        elif source_of[record] == FIXED:
            lines[households[customer_of[record]]] = numbers[index]
    return (
        Customers(
            atlas,
            household,
            address,
            former,
            emails,
            [mail.replace(".example", "-oud.example") for mail in emails],
            [accounts[index] for index in own.tolist()],
            accounts[total:],
            mobile,
            lines,
        ),
        Numbers(numbers, others[:STRANGE_NUMBERS]),
    )


def _dwellings(chance: np.random.Generator, seed: int, people: People, firms: list[Firm], records: Records) -> tuple[Atlas, Ints, Ints, Ints]:
    """An address for every household and firm; and the former one of those who moved, sometimes now another customer's."""
    homes = int(people.household.max()) + 1
    owners = np.array([firm.owner for firm in firms], np.int64)
    atlas, order = draw_atlas(seed=seed, households=homes + len(firms))
    firm_household = np.where(owners >= 0, people.household[owners], homes + np.arange(len(firms)))
    household = np.concatenate([people.household, firm_household]).astype(np.int64)
    address = order[household]
    taken = homes + len(firms)
    former_home = np.where(chance.random(homes) < _CAME_AFTER_OTHERS_SHARE, order[chance.permutation(homes)], order[taken : taken + homes])
    moved = np.unique(records.customer[records.moved])
    former = np.full(len(household), -1, np.int64)
    former[moved] = former_home[household[moved]]
    # who drew their own address as the former one came from the next free one
    same = np.flatnonzero(former == address)
    former[same] = order[taken + homes : taken + homes + len(same)]
    return atlas, household, address, former


def _numbers(
    chance: np.random.Generator, atlas: Atlas, address: Ints, former: Ints, records: Records, contracts: Contracts
) -> tuple[list[str], list[str]]:
    lines, sims = contracts.of_source(records, FIXED), contracts.of_source(records, MOBILE)
    at = np.where(records.moved, former[records.customer], address[records.customer])[contracts.record[lines]]
    fixed = line_numbers(chance, [atlas.address(index).area_code for index in at.tolist()])
    mobile = mobile_numbers(chance, len(sims) + len(address) + STRANGE_NUMBERS)
    numbers = np.full(len(contracts), "", object)
    numbers[lines] = fixed
    numbers[sims] = mobile[: len(sims)]
    return numbers.tolist(), mobile[len(sims) :]


def _emails(seed: int, people: People, firms: list[Firm], total: int) -> list[str]:
    """A mail address each, all different: a second one of the same name gets a number, as providers do."""
    plain, table, calling = plain_stream(seed, "emails"), surnames(), calling_names()
    choices = [item.split(",") for item in _words.MAIL_DOMAINS.split()]
    domains = plain.choices([domain for domain, _ in choices], [int(weight) for _, weight in choices], k=total)
    shapes = plain.choices(_MAIL_SHAPES, (45, 25, 15, 10, 5), k=total)
    taken: dict[str, int] = {}
    mails = []
    columns = zip(people.given.tolist(), people.initials.tolist(), people.birth_surname.tolist(), people.birth.tolist(), strict=True)
    for place, (given, letters, surname, birth) in enumerate(columns):
        family = _mail_letters(table.prefixes[surname] + table.names[surname])
        year = f"{int(birth / 365.2425 + 1) % 100:02d}"
        local = shapes[place].format(called=_mail_letters(calling[given]), letters=_mail_letters(letters), family=family, year=year)
        mails.append(_unused(taken, local, domains[place]))
    for place, firm in enumerate(firms):
        local = plain.choice(("info", "administratie", "post")) + "." + _mail_letters(firm.name)[:40]
        mails.append(_unused(taken, local, domains[len(people) + place]))
    return mails


def _unused(taken: dict[str, int], local: str, domain: str) -> str:
    mail = f"{local}@{domain}"
    count = taken.get(mail, 0)
    taken[mail] = count + 1
    # the hyphen keeps a counted address apart from one that ends in a year
    return f"{local}-{count + 1}@{domain}" if count else mail


def _mail_letters(text: str) -> str:
    return "".join(letter for letter in base_letters(text).lower() if letter.isalnum())
