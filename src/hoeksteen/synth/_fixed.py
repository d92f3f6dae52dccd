"""Writes `fixed.csv`: the oldest system, upper case, one name field, one row per connection."""

import random
from datetime import date
from functools import lru_cache
from pathlib import Path

from hoeksteen.synth._carried import Carried, CarriedDraws
from hoeksteen.synth._chance import plain_stream
from hoeksteen.synth._entries import Entry, Line, Operator, entries
from hoeksteen.synth._letters import base_letters, latin_letters
from hoeksteen.synth._names import MAN
from hoeksteen.synth._numbers import written_iban, written_phone
from hoeksteen.synth._spelling import short_prefix, short_street, stray_spaces, written_postcode
from hoeksteen.synth.model import FIXED, SourceTotals

_CUSTOMER_COLUMNS = "KLANTNR;NAAM;ADRES;POSTCODE;PLAATS;GEBDAT;CONTACT;EMAIL;REKENING;BETAALWIJZE;MACHTIGING;MACHT_DAT;KVK"
_CARRIED_COLUMNS = (
    "GEINCASSEERD;CONTR_MND;CONTR_VAN;CONTR_TOT;SALDO;FACTUUR;FACT_DAT;VERVALDAT;FACT_BEDR;OPEN_BEDR;VALUTA;BETWIST;FACT_TEKST;BELLEN;BELLEN_DAT;"
    "CONTACTPERS;CP_FUNCTIE;CP_TEL;MEMO_DAT;MEMO_DOOR;MEMO"
)
_CONNECTION_COLUMNS = "AANSLNR;NUMMER;PRODUCT;STATUS;INGANG;EINDE;OPGESCHORT;GEFACT_TOT;MAANDBEDR"
_STATES = "AOB"
_IMPOSSIBLE_DAY = "31-02-2019"
_FIRST_CONNECTION = 1_000_001
_MANDATE_DAY = 11
_AUTHORS = {"agent": "KS", "sales": "VK", "collections": "DEB", "billing": "FAC", "technician": "TD"}


def write_fixed(*, path: Path, operator: Operator) -> SourceTotals:
    """Write the export of the fixed line system, and give what it holds."""
    chance, totals, connection = plain_stream(operator.seed, "fixed"), SourceTotals(), _FIRST_CONNECTION
    with path.open("w", encoding="latin-1", newline="") as file:
        file.write(f"{_CUSTOMER_COLUMNS};{_CARRIED_COLUMNS};{_CONNECTION_COLUMNS}\r\n")
        draws = CarriedDraws(operator.seed, FIXED, totals)
        for entry in entries(operator, FIXED):
            customer = _customer(entry, chance)
            carried = draws.of(entry)
            customer[_MANDATE_DAY] = _day(carried.mandate_day) if entry.direct_debit else ""
            customer += _carried(entry, carried)
            totals.records += 1
            totals.rejectable += bool(entry.reject)
            for line in entry.lines:
                row = [*customer, *_connection(entry, line, connection, chance)]
                connection += 1
                totals.rows += 1
                if entry.reject == "broken_line":
                    row = row[: chance.randrange(4, 12)]
                elif not entry.reject:
                    totals.products += 1
                    totals.monthly_cents += line.monthly_cents
                file.write(";".join(row) + "\r\n")
    return totals


def _customer(entry: Entry, chance: random.Random) -> list[str]:
    name = "" if entry.reject == "no_name" else _firm_name(entry, chance) if entry.firm else _person_name(entry, chance)
    plain_accents = chance.random() < 0.5
    address = entry.address
    street = short_street(address.street) if chance.random() < 0.3 else address.street
    # 12 and 2 in one would be number 122
    joint = chance.choice("-- " if address.addition.isdigit() else ("-", "-", " ", " ", " ", "")) if address.addition else ""
    texts = [name, f"{street} {address.number}{joint}{address.addition}", written_postcode(address.postcode, chance), address.city]
    texts = [(base_letters(text) if plain_accents else latin_letters(text)).upper() for text in texts]
    kvk = entry.firm.kvk if entry.firm and chance.random() < 0.85 else ""
    return [
        entry.key,
        latin_letters(stray_spaces(texts[0], chance)),
        *texts[1:],
        _day(entry.birth),
        written_phone(entry.phone, chance) if entry.phone else "",
        entry.email.upper(),
        written_iban(entry.iban, chance).upper() if entry.iban else "",
        "A" if entry.direct_debit else "O",
        f"LF{entry.key}" if entry.direct_debit else "",
        _day(entry.mandate_day) if entry.direct_debit else "",
        kvk,
    ]


def _person_name(entry: Entry, chance: random.Random) -> str:
    prefix = short_prefix(entry.prefix, chance) if chance.random() < 0.15 else entry.prefix
    if chance.random() < 0.05:
        prefix = prefix.replace(".", "").replace("/", "")
    letters, draw = entry.initials, chance.random()
    if draw < 0.06:
        letters = letters[:2]
    elif draw < 0.20:
        letters = letters.replace(".", "")
    elif draw < 0.25:
        letters = letters.replace(".", " ").strip()
    elif draw < 0.30:
        letters = letters.rstrip(".")
    salutation = "" if chance.random() < 0.05 else "DHR" if entry.gender == MAN else "MEVR"
    # a double name sorts under its first part, its prefix stands behind the whole
    return " ".join(filter(None, (entry.surname, prefix, letters, salutation)))


def _firm_name(entry: Entry, chance: random.Random) -> str:
    assert entry.firm is not None
    name = entry.firm.name
    return name.replace("B.V.", "BV").replace("V.O.F.", "VOF") if chance.random() < 0.35 else name


def _carried(entry: Entry, carried: Carried) -> list[str]:
    """What is known of the customer beside: the system holds the last open invoice only, one consent and one note."""
    months, begins, ends = carried.contract or (0, 0, 0)
    found = [
        ("J" if carried.mandate_used else "N") if entry.direct_debit else "", f"{months}" if months else "", _day(begins), _day(ends),
        _amount(carried.balance_cents),
    ]  # fmt: skip
    for one in carried.invoices[:1]:
        amounts = _amount(one.total_cents), _amount(one.open_cents)
        found += [one.number, _day(one.billed), _day(one.due), *amounts, one.currency, "J" if one.disputed else "N", one.text]
    found += [""] * (13 - len(found))
    consent = carried.consents[0] if carried.consents else None
    found += ["J" if consent.given else "N", _day(consent.day)] if consent else ["", ""]
    found += [carried.people[0].name, carried.people[0].function, carried.people[0].phone] if carried.people else ["", "", ""]
    found += [_day(carried.notes[0][0]), _AUTHORS[carried.notes[0][1]], carried.notes[0][2]] if carried.notes else ["", "", ""]
    return [latin_letters(base_letters(text)).upper() for text in found]


def _amount(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100},{abs(cents) % 100:02d}"


def _connection(entry: Entry, line: Line, connection: int, chance: random.Random) -> list[str]:
    return [
        f"A{connection}",
        written_phone(line.number, chance),
        line.code,
        _STATES[line.state],
        _IMPOSSIBLE_DAY if entry.reject == "impossible_date" else _day(line.start),
        _day(line.end),
        _day(line.suspended),
        _day(line.billed_to),
        f"{line.monthly_cents // 100},{line.monthly_cents % 100:02d}",
    ]


@lru_cache(maxsize=65_536)
def _day(ordinal: int) -> str:
    return date.fromordinal(ordinal).strftime("%d-%m-%Y") if ordinal else ""
