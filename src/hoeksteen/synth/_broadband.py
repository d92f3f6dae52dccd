"""Writes `broadband.sqlite`: a database file with codes and integer dates of its own."""

import random
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from itertools import islice
from pathlib import Path

from hoeksteen.synth._carried import AUTHORS, CHANNELS, Carried, CarriedDraws
from hoeksteen.synth._chance import plain_stream
from hoeksteen.synth._entries import Entry, Operator, entries
from hoeksteen.synth._firms import LEGAL_FORMS
from hoeksteen.synth._letters import base_letters
from hoeksteen.synth._numbers import written_iban, written_phone
from hoeksteen.synth._spelling import short_street, stray_spaces, written_postcode
from hoeksteen.synth.model import BROADBAND, DISCOUNTS, PRODUCTS, SourceTotals

_SCHEMA = """
CREATE TABLE klant (klant_id INTEGER PRIMARY KEY, soort INTEGER, voorletters TEXT, voornaam TEXT, tussenvoegsel TEXT, achternaam TEXT,
    geboortenaam TEXT, geslacht INTEGER, geboortedatum INTEGER, bedrijfsnaam TEXT, rechtsvorm INTEGER, kvk INTEGER, telefoon TEXT, mobiel TEXT,
    email TEXT, iban TEXT, betaalwijze INTEGER, mandaat TEXT, mandaatdatum INTEGER, klant_sinds INTEGER, mandaat_gebruikt INTEGER,
    contract_maanden INTEGER, contract_van INTEGER, contract_tot INTEGER);
CREATE TABLE adres (adres_id INTEGER PRIMARY KEY, klant_id INTEGER, soort INTEGER, straat TEXT, huisnummer INTEGER, toevoeging TEXT,
    postcode TEXT, plaats TEXT);
CREATE TABLE abonnement (abonnement_id INTEGER PRIMARY KEY, klant_id INTEGER, product INTEGER, status INTEGER, ingangsdatum INTEGER,
    einddatum INTEGER, opgeschort_per INTEGER, gefactureerd_tot INTEGER, maandbedrag_cent INTEGER);
CREATE TABLE abonnement_korting (abonnement_id INTEGER, kortingcode INTEGER, geldig_van INTEGER, geldig_tot INTEGER);
CREATE TABLE kortingcode (kortingcode INTEGER PRIMARY KEY, omschrijving TEXT, soort TEXT, waarde INTEGER);
CREATE TABLE productcode (product INTEGER PRIMARY KEY, omschrijving TEXT);
CREATE TABLE factuur (factuur_id INTEGER PRIMARY KEY, klant_id INTEGER, factuurnummer TEXT, datum INTEGER, vervaldatum INTEGER, bedrag_cent INTEGER,
    open_cent INTEGER, valuta TEXT, omschrijving TEXT, betwist INTEGER);
CREATE TABLE toestemming (toestemming_id INTEGER PRIMARY KEY, klant_id INTEGER, doel INTEGER, stand INTEGER, datum INTEGER, kanaal INTEGER);
CREATE TABLE contactpersoon (contact_id INTEGER PRIMARY KEY, klant_id INTEGER, naam TEXT, functie TEXT, telefoon TEXT, email TEXT);
CREATE TABLE notitie (notitie_id INTEGER PRIMARY KEY, klant_id INTEGER, datum INTEGER, rol INTEGER, tekst TEXT);
"""
_IMPOSSIBLE_DAY = 20190231
_FIRST_SUBSCRIPTION = 700_001
_BATCH = 10_000
_BILLED_ELSEWHERE_SHARE = 0.03
_WIDTHS = {"klant": 24, "adres": 8, "abonnement": 9, "factuur": 10, "toestemming": 6, "contactpersoon": 6, "notitie": 5}
_PURPOSES = ("marketing_email", "marketing_phone", "marketing_post", "profiling", "traffic_data", "directory")

Row = tuple[str | int | None, ...]


def write_broadband(*, path: Path, operator: Operator) -> SourceTotals:
    """Write the database of the broadband system, and give what it holds."""
    totals, chance = SourceTotals(), plain_stream(operator.seed, "broadband")
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        # the file is made once, by us alone: no journal to write
        connection.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA)
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO kortingcode VALUES (?, ?, ?, ?)", DISCOUNTS)
        known = [(int(product.code), product.offering) for product in PRODUCTS if product.source == BROADBAND and product.offering]
        connection.executemany("INSERT INTO productcode VALUES (?, ?)", known)
        draws = CarriedDraws(operator.seed, BROADBAND, totals)
        subscriptions = _write_entries(connection, entries(operator, BROADBAND), chance, totals, draws)
        discounts = [(subscriptions[product], code, _day(first), _day(end)) for product, code, first, end in operator.discounts]
        connection.executemany("INSERT INTO abonnement_korting VALUES (?, ?, ?, ?)", discounts)
        connection.execute("COMMIT")
    finally:
        connection.close()
    return totals


def _write_entries(
    connection: sqlite3.Connection, source: Iterator[Entry], chance: random.Random, totals: SourceTotals, draws: CarriedDraws
) -> dict[int, int]:
    subscriptions: dict[int, int] = {}
    addresses, last = 0, Counter[str]()
    while batch := list(islice(source, _BATCH)):
        rows: dict[str, list[Row]] = {table: [] for table in _WIDTHS}
        for entry in batch:
            totals.records += 1
            totals.rows += 1
            totals.rejectable += bool(entry.reject)
            carried = draws.of(entry)
            rows["klant"].append((*_customer(entry, chance, carried), *_contract(carried)))
            for table, own in _carried(carried):
                last[table] += 1
                rows[table].append((last[table], int(entry.key), *own))
            for address in _addresses(entry, chance):
                addresses += 1
                rows["adres"].append((addresses, *address))
            for line in entry.lines:
                subscriptions[line.place] = number = _FIRST_SUBSCRIPTION + len(subscriptions)
                start = _IMPOSSIBLE_DAY if entry.reject == "impossible_date" else _day(line.start)
                days = start, _day(line.end), _day(line.suspended), _day(line.billed_to)
                rows["abonnement"].append((number, int(entry.key), int(line.code), line.state + 1, *days, line.monthly_cents))
                if not entry.reject:
                    totals.products += 1
                    totals.monthly_cents += line.monthly_cents
        for table, content in rows.items():
            _insert(connection, table, content)
    return subscriptions


def _insert(connection: sqlite3.Connection, table: str, rows: Iterable[Row]) -> None:
    connection.executemany(f"INSERT INTO {table} VALUES ({', '.join('?' * _WIDTHS[table])})", rows)


def _contract(carried: Carried) -> Row:
    months, begins, ends = carried.contract or (0, 0, 0)
    return (1 if carried.mandate_used else 0, months, _day(begins), _day(ends))


def _carried(carried: Carried) -> Iterator[tuple[str, Row]]:
    """What is known of the customer beside, by table and without its number and the customer's."""
    for one in carried.invoices:
        days = _day(one.billed), _day(one.due)
        yield "factuur", (one.number, *days, one.total_cents, one.open_cents, one.currency, one.text or None, int(one.disputed))
    for said in carried.consents:
        channel = CHANNELS.index(said.channel) + 1 if said.channel else 0
        yield "toestemming", (_PURPOSES.index(said.purpose) + 1, 1 if said.given else 2, _day(said.day), channel)
    for person in carried.people:
        yield "contactpersoon", (person.name, person.function, person.phone or None, person.email or None)
    for day, author, text in carried.notes:
        yield "notitie", (_day(day), AUTHORS.index(author) + 1, text)


def _customer(entry: Entry, chance: random.Random, carried: Carried) -> Row:
    firm, unnamed = entry.firm, entry.reject == "no_name"
    draw = chance.random()
    letters = entry.initials.replace(".", "") if draw < 0.3 else entry.initials
    surname = base_letters(entry.surname) if draw > 0.85 else entry.surname
    if firm and draw < 0.4:
        unnamed = True
    prefix = entry.prefix.capitalize() if 0.4 < draw < 0.45 else entry.prefix
    birth_name = ", ".join(filter(None, entry.birth_name)) if entry.birth_name[0] and chance.random() < 0.3 else None
    return (
        int(entry.key),
        2 if firm else 1,
        None if unnamed else letters,
        entry.calling if entry.calling and not unnamed and chance.random() < 0.5 else None,
        None if unnamed else prefix or ("" if chance.random() < 0.5 else None),
        "" if unnamed else stray_spaces(surname, chance),
        birth_name,
        0 if unnamed or chance.random() < 0.05 else entry.gender,
        _day(entry.birth),
        firm.name if firm else None,
        LEGAL_FORMS.index(firm.legal_form) + 1 if firm else 0,
        int(firm.kvk) if firm and chance.random() < 0.9 else 0,
        written_phone(entry.line, chance) if entry.line and chance.random() < 0.4 else None,
        written_phone(entry.phone, chance) if entry.phone else None,
        entry.email or None,
        written_iban(entry.iban, chance) if entry.iban else None,
        1 if entry.direct_debit else 2,
        f"LB{entry.key}" if entry.direct_debit else None,
        _day(carried.mandate_day) if entry.direct_debit else 0,
        _day(entry.since),
    )


def _addresses(entry: Entry, chance: random.Random) -> list[Row]:
    address = entry.address
    street = short_street(address.street) if chance.random() < 0.1 else address.street
    home: Row = (
        int(entry.key),
        1,
        stray_spaces(street, chance),
        address.number,
        address.addition or None,
        written_postcode(address.postcode, chance),
        address.city if chance.random() < 0.97 else address.city.upper(),
    )
    if chance.random() >= _BILLED_ELSEWHERE_SHARE:
        return [home]
    return [home, (int(entry.key), 2, "Postbus", chance.randrange(100, 9999), None, f"{address.postcode[:4]} AA", address.city)]


@lru_cache(maxsize=65_536)
def _day(ordinal: int) -> int:
    return int(date.fromordinal(ordinal).strftime("%Y%m%d")) if ordinal else 0
