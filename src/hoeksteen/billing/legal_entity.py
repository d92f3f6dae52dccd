"""The operator as the seller on its bills (EN 16931 BG-4), and what follows from it: numbers, payment references, terms."""

import re
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from hoeksteen.kernel.bank_days import bank_day_on_or_after

PAYMENT_TERM_DAYS = 14  # where a billing account agreed on nothing else


@dataclass(frozen=True, slots=True)
class LegalEntity:
    """A company that sends bills; each has its own series of bill numbers per year."""

    code: str
    name: str
    trading_name: str
    street: str
    postcode: str
    city: str
    country: str
    chamber_of_commerce_number: str
    vat_number: str
    iban: str
    bic: str
    creditor_identifier: str
    email: str
    website: str
    telephone: str


LAGE_LANDEN = LegalEntity(
    code="LLT",
    name="Lage Landen Telecom B.V.",
    trading_name="Lage Landen",
    street="Waterlandplein 1",
    postcode="1024 LL",
    city="Amsterdam",
    country="NL",
    chamber_of_commerce_number="81000003",
    vat_number="NL810000003B01",
    iban="NL02ABNA0123456789",
    bic="ABNANL2A",
    creditor_identifier="NL57ZZZ810000030000",
    email="facturen@lagelanden.example",
    website="lagelanden.example",
    telephone="0800 0810",
)


def bill_number(*, entity: LegalEntity, year: int, sequence: int) -> str:
    """Give a bill number: `LLT-2026-00000001`, sequential without gaps per legal entity and year (VAT directive art. 226(2))."""
    return f"{entity.code}-{year}-{sequence:08d}"


def payment_reference(bill_number: str) -> str:
    """Give the structured creditor reference of a bill (ISO 11649): `RF` and two check digits over its number."""
    reference = bill_number.replace("-", "")
    digits = "".join(str(int(character, 36)) for character in f"{reference}RF00")
    return f"RF{98 - int(digits) % 97:02d}{reference}"


def number_in_reference(text: str) -> str | None:
    """Give the bill number in what a payer wrote, as a number in any writing or as a payment reference; None when there is none."""
    upper = text.upper()
    found = re.search(rf"{LAGE_LANDEN.code}[ -]?(\d{{4}})[ -]?(\d{{8}})(?!\d)", upper)
    if found is not None:
        return f"{LAGE_LANDEN.code}-{found[1]}-{found[2]}"
    plain = re.sub(r"[^0-9A-Z]", "", upper)
    found = re.fullmatch(rf"RF\d\d{LAGE_LANDEN.code}(\d{{4}})(\d{{8}})", plain)
    number = f"{LAGE_LANDEN.code}-{found[1]}-{found[2]}" if found is not None else None
    return number if number is not None and payment_reference(number) == plain else None


@lru_cache(maxsize=4_096)
def due_date(bill_date: date, term_days: int | None = None) -> date:
    """
    Give the last day on which a bill is to be paid: on which banks are open, so that who pays on it pays in time.

    :param term_days: what the billing account agreed on; None means the operator's own term
    """
    return bank_day_on_or_after(bill_date + timedelta(days=term_days or PAYMENT_TERM_DAYS))
