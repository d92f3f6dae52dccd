"""How bills speak, and what their numbers are."""

import textwrap
from datetime import date
from decimal import Decimal
from uuid import UUID

import pytest
from stdnum import iso11649
from stdnum.nl import btw

from hoeksteen.billing.documents.pdf import telephone
from hoeksteen.billing.invoice_party import invoice_party
from hoeksteen.billing.legal_entity import LAGE_LANDEN, bill_number, due_date, number_in_reference, payment_reference
from hoeksteen.billing.wording import money, percent, period_text, units_text
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.party.model import Customer


@pytest.mark.parametrize(
    ("amount", "nl", "en"),
    [
        ("1234.5", "1.234,50", "1,234.50"),
        ("-0.01", "\u22120,01", "\u22120.01"),
        ("0", "0,00", "0.00"),
        ("1234567.89", "1.234.567,89", "1,234,567.89"),
    ],
)
def test_money(amount: str, nl: str, en: str) -> None:
    assert (money(Decimal(amount), language="nl"), money(Decimal(amount), language="en")) == (nl, en)


def test_periods_name_their_last_day() -> None:
    assert period_text(BillPeriod(date(2026, 11, 1), date(2026, 12, 1)), "nl") == "1 – 30 nov 2026"
    assert period_text(BillPeriod(date(2026, 10, 15), date(2026, 11, 15)), "en") == "15 Oct 2026 – 14 Nov 2026"
    assert period_text(BillPeriod(date(2026, 10, 25), date(2026, 10, 26)), "nl") == "25 okt 2026"


@pytest.mark.parametrize(
    ("service", "units", "nl", "en"),
    [
        ("voice", 5_712, "1:35:12 uur", "1:35:12 h"),
        ("voice", 61, "1:01 min", "1:01 min"),
        ("sms", 1, "1 sms", "1 message"),
        ("sms", 12, "12 sms’en", "12 messages"),
        ("data", 3_420_000_000, "3,42 GB", "3.42 GB"),
        ("data", 2_000_000_000, "2 GB", "2 GB"),
        ("data", 1_500, "1,50 kB", "1.50 kB"),
        ("data", 12, "12 B", "12 B"),
    ],
)
def test_units(service: str, units: int, nl: str, en: str) -> None:
    assert (units_text(service=service, units=units, language="nl"), units_text(service=service, units=units, language="en")) == (nl, en)


def test_rates_without_needless_zeros() -> None:
    assert [percent(Decimal(rate), language="nl") for rate in ("21.00", "9.50", "0.00")] == ["21\u202f%", "9,5\u202f%", "0\u202f%"]


@pytest.mark.parametrize("sequence", [1, 99_999_999])
def test_a_payment_reference_can_be_checked(sequence: int) -> None:
    number = bill_number(entity=LAGE_LANDEN, year=2026, sequence=sequence)
    assert iso11649.is_valid(payment_reference(number))
    assert number_in_reference(payment_reference(number)) == number


@pytest.mark.parametrize(
    ("written", "number"),
    [
        ("LLT-2026-00000002", "LLT-2026-00000002"),
        ("betreft factuur llt 2026 00000002, dank!", "LLT-2026-00000002"),
        ("LLT202600000002", "LLT-2026-00000002"),
        (" ".join(textwrap.wrap(payment_reference("LLT-2026-00000002"), 4)), "LLT-2026-00000002"),
        ("RF00LLT202600000002 oktober", "LLT-2026-00000002"),
        ("RF00 LLT2 0260 0000 002", None),  # its check digits are wrong
        ("LLT-2026-000000021", None),
        ("abonnement oktober", None),
        ("RF", None),
        ("", None),
    ],
)
def test_a_bill_number_is_read_from_what_payers_write(written: str, number: str | None) -> None:
    assert number_in_reference(written) == number


def test_the_seller_and_the_term() -> None:
    assert btw.is_valid(LAGE_LANDEN.vat_number)
    assert due_date(date(2026, 12, 31)) == date(2027, 1, 14)


@pytest.mark.parametrize(
    ("digits", "written"),
    [("31612345678", "06 1234 5678"), ("31201234567", "020 123 4567"), ("3225551234", "+3225551234"), (None, ""), ("•••••678", "•••••678")],
)
def test_telephone_numbers(digits: str | None, written: str) -> None:
    assert telephone(digits) == written


def _customer(kind: str) -> Customer:
    return Customer(UUID(int=1), UUID(int=2), kind, "10000042", "consumer", "active", "en", date(2020, 1, 1))  # type: ignore[arg-type]


def test_the_buyer_is_who_and_where() -> None:
    residential = {"role": "residential", "street": "A", "city": "Utrecht"}
    billing = {"role": "billing", "street": "Postbus", "city": "Zeist"}
    identity = {"kind": "individual", "initials": "J.", "family_name_prefix": "de", "family_name": "Vries"}
    found = invoice_party(identity=identity, contact={"addresses": [residential, billing]}, customer=_customer("individual"))
    assert found is not None
    assert (found["name"], found["street"], found["city"], found["postcode"]) == ("J. de Vries", "Postbus", "Zeist", None)


def test_a_person_needs_no_name_and_a_company_does() -> None:
    person = invoice_party(identity={}, contact=None, customer=_customer("individual"))
    assert person is not None
    assert person["name"] == "Customer 10000042"
    assert invoice_party(identity={"kind": "organization", "trading_name": ""}, contact=None, customer=_customer("organization")) is None
