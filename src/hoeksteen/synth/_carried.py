"""
What a legacy system knows beside customer and products: open invoices, a balance, consents, contact persons, notes, a contract; with its dirt.

Drawn from chances of their own, so that names, products and amounts stay as they are without them.
"""

import random
from datetime import date
from typing import NamedTuple

from hoeksteen.synth._chance import plain_stream
from hoeksteen.synth._entries import Entry
from hoeksteen.synth._names import surnames
from hoeksteen.synth.model import BROADBAND, FIXED, SOURCES, SourceTotals

OPEN_SHARE, SECOND_SHARE = 0.16, 0.03
_MONTH_DAYS, _TERM_DAYS = 30, 14
_PURPOSES = ("marketing_email", "marketing_phone", "marketing_post", "profiling", "traffic_data", "directory")
CHANNELS = ("phone", "e_mail", "post", "shop", "web")
AUTHORS = ("agent", "sales", "collections", "billing", "technician")
_FUNCTIONS = ("administratie", "inkoop", "directie", "beheer", "receptie")
# kinds of fault, and the share of open invoices that has each
_FAULTS = (
    ("more_open_than_total", 0.010), ("signs_differ", 0.005), ("another_currency", 0.005), ("incomplete", 0.005), ("repeats", 0.005),
    ("due_before_bill_date", 0.010), ("no_due_date", 0.010),
)  # fmt: skip
_LEFT_BEHIND = {"more_open_than_total", "signs_differ", "another_currency", "incomplete", "repeats"}
_NOTES = (
    "Belt liever na zes uur terug.", "Wil de rekening voortaan per post.", "Monteur was aan de deur, niemand thuis.",
    "Heeft een tegoed beloofd gekregen voor de storing.", "Spreekt geen Nederlands, dochter belt.", "Betaalt altijd op de 25e.",
    "Klacht over wachttijd, excuses aangeboden.", "Aansluiting ligt achter het huis, sleutel bij de buren.", "Vraagt bij verhuizing om oude nummer.",
)  # fmt: skip


class OpenInvoice(NamedTuple):
    """
    One invoice; days are ordinals, 0 = unknown.

    :param fault: what is wrong with it, or ''
    """

    number: str
    billed: int
    due: int
    total_cents: int
    open_cents: int
    currency: str
    text: str
    disputed: bool
    fault: str


class Consent(NamedTuple):
    """A decision; `channel` '' where it is unknown."""

    purpose: str
    given: bool
    day: int
    channel: str


class Person(NamedTuple):
    """A contact person of a firm; '' where something is unknown."""

    name: str
    function: str
    phone: str
    email: str


class Carried(NamedTuple):
    """
    What one entry has beside customer and products.

    :param balance_cents: what the customer owes by the system's own reckoning
    :param mandate_day: 0 where the day was lost; `mandate_used` whether something was collected
    :param contract: months, first day and the first day after it; nothing where there is none
    """

    invoices: list[OpenInvoice]
    balance_cents: int
    consents: list[Consent]
    people: list[Person]
    notes: list[tuple[int, str, str]]
    mandate_day: int
    mandate_used: bool
    contract: tuple[int, int, int] | None


class CarriedDraws:
    """Draws what the entries of one source have, and adds up what a reconciliation must find."""

    def __init__(self, seed: int, source: int, totals: SourceTotals) -> None:
        self._chance = plain_stream(seed, f"carried {SOURCES[source]}")
        self._source, self._totals = source, totals
        self._number = 100_000
        self._last = ""

    def of(self, entry: Entry) -> Carried:
        """Give what an entry has."""
        chance, now = self._chance, max(line.billed_to for line in entry.lines)
        monthly = sum(line.monthly_cents for line in entry.lines if not line.end)
        invoices = [self._invoice(chance, now - _MONTH_DAYS * turn, monthly) for turn in range(self._open(chance)) if now - _MONTH_DAYS > entry.since]
        owed = sum(one.open_cents for one in invoices)
        balance, draw = owed, chance.random()
        if draw < 0.01:  # paid twice, once
            balance -= max(500, monthly)
        elif draw < 0.015:
            balance += 250
        consents = self._consents(chance, entry, now)
        people = self._people(chance, entry) if entry.firm else []
        count = 1 if chance.random() < 0.10 else 0
        notes = [(self._day(chance, entry, now), chance.choice(AUTHORS), chance.choice(_NOTES)) for _ in range(count)]
        mandate_day = 0 if chance.random() < 0.01 else max(entry.since, min(entry.mandate_day, now - 1))
        used = chance.random() < 0.95
        contract = None
        if chance.random() < 0.45:
            months = chance.choice((12, 24))
            contract = (months, entry.since, _months_after(entry.since, months))
        found = Carried(invoices, balance, consents, people, notes, mandate_day, used, contract)
        if not entry.reject:
            self._add_up(entry, found)
        return found

    def _open(self, chance: random.Random) -> int:
        draw = chance.random()
        return 2 if draw < SECOND_SHARE else 1 if draw < OPEN_SHARE else 0

    def _day(self, chance: random.Random, entry: Entry, now: int) -> int:
        return entry.since + chance.randrange(max(1, now - entry.since))

    def _invoice(self, chance: random.Random, now: int, monthly: int) -> OpenInvoice:
        self._number += chance.randrange(1, 9)
        number = self._written(self._number)
        billed = now - chance.randrange(1, _MONTH_DAYS)
        total = max(500, monthly) + chance.randrange(0, 900)
        opened = total if chance.random() < 0.8 else chance.randrange(1, total)
        due, currency, fault, draw = billed + _TERM_DAYS, "EUR", "", chance.random()
        for name, share in _FAULTS:
            if draw < share:
                fault = name
                break
            draw -= share
        if not fault and draw < 0.04:
            total, opened = -total, -opened  # a credit note that was not paid out
        if fault == "more_open_than_total":
            opened = total + 1_000
        elif fault == "signs_differ":
            opened = -opened
        elif fault == "another_currency":
            currency = "GBP"
        elif fault == "incomplete":
            number = ""
        elif fault == "repeats":
            fault, number = ("repeats", self._last) if self._last else ("", number)
        elif fault == "due_before_bill_date":
            due = billed - 3
        elif fault == "no_due_date":
            due = 0
        if not fault or fault not in _LEFT_BEHIND:
            self._last = number
        text = "Kosten monteur, afgesproken met de klant" if chance.random() < 0.05 else ""
        return OpenInvoice(number, billed, due, total, opened, currency, text, chance.random() < 0.04, fault)

    def _written(self, number: int) -> str:
        return f"2610{number:07d}" if self._source == FIXED else f"F{number:08d}" if self._source == BROADBAND else f"MF-26-{number:07d}"

    def _consents(self, chance: random.Random, entry: Entry, now: int) -> list[Consent]:
        purposes = chance.sample(_PURPOSES, 2 if chance.random() < 0.3 else 1) if chance.random() < 0.4 else []
        if self._source == FIXED:
            purposes = ["marketing_phone"] if purposes else []
        found = []
        for purpose in purposes:
            day = 0 if chance.random() < 0.02 else self._day(chance, entry, now)
            found.append(Consent(purpose, chance.random() < 0.6, day, chance.choice(CHANNELS) if chance.random() < 0.7 else ""))
        return found

    def _people(self, chance: random.Random, entry: Entry) -> list[Person]:
        count = chance.choice((0, 1, 1)) if self._source == FIXED else chance.choice((0, 1, 1, 2))
        names = surnames().names
        found = []
        for _ in range(count):
            name = f"{chance.choice('ABCDEFGHJKLMNPRSTW')}. {names[chance.randrange(min(400, len(names)))]}"
            own = bool(entry.email) and chance.random() < 0.5
            found.append(Person(name, chance.choice(_FUNCTIONS), entry.phone if chance.random() < 0.3 else "", entry.email if own else ""))
        return found

    def _add_up(self, entry: Entry, found: Carried) -> None:
        totals = self._totals
        shown = found.invoices[:1] if self._source == FIXED else found.invoices
        whole = [one for one in shown if one.fault not in _LEFT_BEHIND]
        amounts = [one.open_cents for one in whole]
        net = sum(amounts)
        if self._source == FIXED and found.balance_cents != net:
            amounts.append(found.balance_cents - net)
            net = found.balance_cents
        totals.open_items += sum(cents > 0 for cents in amounts)
        totals.open_cents += sum(cents for cents in amounts if cents > 0)
        totals.credits += sum(cents < 0 for cents in amounts)
        totals.credit_cents += sum(cents for cents in amounts if cents < 0)
        totals.net_cents += net
        totals.invoices_left_behind += len(shown) - len(whole)
        totals.mandates += entry.direct_debit and bool(entry.iban) and bool(found.mandate_day)
        totals.consents += sum(bool(one.day) or not one.given for one in found.consents)
        totals.contacts += len(found.people)
        totals.notes += len(found.notes) + sum(bool(one.text) for one in whole)
        totals.contracts += found.contract is not None


def _months_after(ordinal: int, months: int) -> int:
    """Give the day so many months later; of a day that not every month has, the 28th."""
    day = date.fromordinal(ordinal)
    index = day.year * 12 + day.month - 1 + months
    return date(index // 12, index % 12 + 1, min(day.day, 28)).toordinal()
