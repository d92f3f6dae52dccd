"""Writes `fixed.csv`: the oldest system, upper case, one name field, one row per connection."""

import random
from datetime import date
from functools import lru_cache
from pathlib import Path

from hoeksteen.synth._chance import plain_stream
from hoeksteen.synth._entries import Entry, Line, Operator, entries
from hoeksteen.synth._letters import base_letters, latin_letters
from hoeksteen.synth._names import MAN
from hoeksteen.synth._numbers import written_iban, written_phone
from hoeksteen.synth._spelling import short_prefix, short_street, stray_spaces, written_postcode
from hoeksteen.synth.model import FIXED, SourceTotals

_CUSTOMER_COLUMNS = "KLANTNR;NAAM;ADRES;POSTCODE;PLAATS;GEBDAT;CONTACT;EMAIL;REKENING;BETAALWIJZE;MACHTIGING;MACHT_DAT;KVK"
_CONNECTION_COLUMNS = "AANSLNR;NUMMER;PRODUCT;STATUS;INGANG;EINDE;OPGESCHORT;GEFACT_TOT;MAANDBEDR"
_STATES = "AOB"
_IMPOSSIBLE_DAY = "31-02-2019"
_FIRST_CONNECTION = 1_000_001


def write_fixed(*, path: Path, operator: Operator) -> SourceTotals:
    """Write the export of the fixed line system, and give what it holds."""
    chance, totals, connection = plain_stream(operator.seed, "fixed"), SourceTotals(), _FIRST_CONNECTION
    with path.open("w", encoding="latin-1", newline="") as file:
        file.write(f"{_CUSTOMER_COLUMNS};{_CONNECTION_COLUMNS}\r\n")
        for entry in entries(operator, FIXED):
            customer = _customer(entry, chance)
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
