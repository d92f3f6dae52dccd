"""The audit file: of its published form, complete, without a name, and found out where it is not."""

import re
from datetime import date
from decimal import Decimal

import pytest
from lxml import etree

from factories.billed_operator import BilledOperator, populate
from fixtures.xaf import NAMESPACE, faults, schema, schema_faults
from hoeksteen.journeys.audit_file import audit_file
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.kernel.time_period import BillPeriod, start_of_day
from hoeksteen.ledger.queries import trial_balance
from hoeksteen.receivables.operations import register_payment

NOVEMBER = BillPeriod(date(2026, 11, 1), date(2026, 12, 1))
DECEMBER = BillPeriod(date(2026, 12, 1), date(2027, 1, 1))
YEAR = BillPeriod(date(2026, 1, 1), date(2027, 1, 1))
_X = {"x": NAMESPACE}


@pytest.fixture
def booked(operator: BilledOperator) -> BilledOperator:
    """Bills in November and December, and payments in December."""
    populate(operator, customers=8, seed=3, records=2)
    operator.run(date(2026, 10, 1))
    operator.run(date(2026, 11, 1))
    day = date(2026, 12, 9)
    for one in operator.held[:3]:
        with operator.database.transaction() as tx:
            register_payment(
                tx=tx, customer_id=one.customer_id, billing_account_id=one.billing_account_id, amount=Decimal("12.34"), received_on=day,
                bank_reference=one.product_id.hex, reference="", now=start_of_day(day), identifiers=operator.identifiers,
            )  # fmt: skip
    return operator


def _file(operator: BilledOperator, period: BillPeriod) -> bytes:
    with operator.database.transaction() as tx:
        tx.see_one_moment()
        return b"".join(audit_file(tx=tx, period=period, today=date(2027, 1, 4)))


def _balances(content: bytes) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = {}
    for line in etree.fromstring(content).iterfind(".//x:trLine", _X):
        side = 1 if line.findtext("x:amntTp", namespaces=_X) == "D" else -1
        code = line.findtext("x:accID", "", _X)
        sums[code] = sums.get(code, Decimal(0)) + side * Decimal(line.findtext("x:amnt", "", _X))
    return {code: amount for code, amount in sums.items() if amount}


@pytest.mark.parametrize(
    "period", [NOVEMBER, DECEMBER, YEAR, BillPeriod(date(2026, 3, 1), date(2026, 4, 1))], ids=["first", "second", "year", "empty"]
)
def test_it_is_of_its_form(booked: BilledOperator, period: BillPeriod) -> None:
    assert faults(_file(booked, period)) == []


if (published := schema()) is not None:

    def test_the_published_schema_takes_it(booked: BilledOperator) -> None:
        assert [schema_faults(_file(booked, period), published) for period in (NOVEMBER, DECEMBER, YEAR)] == [[], [], []]


def test_it_holds_all_that_is_booked(booked: BilledOperator) -> None:
    with booked.database.transaction() as tx:
        wanted = {row.ledger_account_code: row.balance for row in trial_balance(tx=tx) if row.balance}
    assert _balances(_file(booked, YEAR)) == wanted
    december = etree.fromstring(_file(booked, DECEMBER))
    opening = {line.findtext("x:accID", "", _X): line.findtext("x:amnt", "", _X) for line in december.iterfind(".//x:obLine", _X)}
    assert opening == {code: str(abs(amount)) for code, amount in _balances(_file(booked, NOVEMBER)).items()}, (
        "a month begins where the last one ended"
    )
    assert [one.text for one in december.iterfind(".//x:jrnTp", _X)] == ["S", "B"]
    assert [one.text for one in december.iterfind(".//x:periodNumber", _X)][0] == "12"


def test_no_name_is_in_it(booked: BilledOperator) -> None:
    assert not re.search(rb"Berg\d|Molenaar|klant\d|Prinsengracht|0612|custSupName", _file(booked, YEAR))


@pytest.mark.parametrize(
    ("pattern", "instead", "says"),
    [
        (rb"<amnt>[\d.]+</amnt>(?=<amntTp>D</amntTp><custSupID>)", b"<amnt>0.01</amnt>", "totals of transactions"),
        (rb"<accID>1600</accID><accDesc>", b"<accID>1601</accID><accDesc>", "accID 1600 is nowhere"),
        (rb"(<customerSupplier>).*?</customerSupplier>\n", b"", "is nowhere"),
        (rb"<linesCount>\d+</linesCount>(?=<totalDebit>[1-9])", b"<linesCount>1</linesCount>", "totals of"),
        (rb"(<docRef>.*?</docRef>)(<effDate>.*?</effDate>)", rb"\2\1", "is not the order"),
        (rb"<jrnTp>S</jrnTp>", b"<jrnTp></jrnTp>", "jrnTp is empty"),
        (rb"<periodNumber>11</periodNumber><periodDesc>", b"<periodNumber>10</periodNumber><periodDesc>", "periodNumber 11 is nowhere"),
    ],
)
def test_what_is_wrong_is_found(booked: BilledOperator, pattern: bytes, instead: bytes, says: str) -> None:
    changed, count = re.subn(pattern, instead, _file(booked, NOVEMBER), count=1)
    assert count == 1
    assert any(says in fault for fault in faults(changed)), faults(changed)


def test_what_cannot_be_in_one_is_refused(booked: BilledOperator) -> None:
    with pytest.raises(InvalidInput, match="whole months of one year"):
        _file(booked, BillPeriod(date(2026, 10, 8), date(2026, 11, 8)))
    with pytest.raises(InvalidInput, match="whole months of one year"):
        _file(booked, BillPeriod(date(2026, 12, 1), date(2027, 2, 1)))
    with booked.database.transaction() as tx:
        tx.execute("INSERT INTO ledger.journal_entry VALUES ('00000000-0000-0000-0000-000000000001', '2026-11-01', 'raw', 'x', now())")
        tx.execute(
            "INSERT INTO ledger.posting (journal_entry_id, line, ledger_account_code, amount, currency)"
            " SELECT '00000000-0000-0000-0000-000000000001', n, '1300', 3 - 2 * n, 'USD' FROM generate_series(1, 2) n"
        )
    with pytest.raises(InvalidInput, match="USD"):
        _file(booked, NOVEMBER)
