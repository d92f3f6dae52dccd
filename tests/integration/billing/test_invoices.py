"""Invoices of a real run: the same amounts in PDF, UBL, database and ledger, and nobody sees the buyer without a right to."""

import io
import re
from datetime import date
from decimal import Decimal

import pytest
from lxml import etree
from pypdf import PdfReader

from factories.billed_operator import BilledOperator, populate
from fixtures.keeper import RunningKeeper
from hoeksteen.billing.documents import invoice_pdf, invoice_pdfs, invoice_ubl
from hoeksteen.billing.queries import bill, bills_of_run
from hoeksteen.billing.wording import money
from hoeksteen.kernel.errors import AccessDenied, NotFound, WrongState
from hoeksteen.kernel.identifiers import derived
from hoeksteen.ledger.queries import balance_of_customer

_CBC = "{urn:oasis:names:specification:ubl:schema:xsd:CommonBasicComponents-2}"


def _text(pdf: bytes) -> str:
    return re.sub(r"\s+", " ", " ".join(page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages).replace("\u202f", " "))


def test_one_amount_everywhere(operator: BilledOperator) -> None:
    populate(operator, customers=12, seed=11, records=3)
    operator.add("mobile-l", language="en", payment_method="direct_debit")
    result = operator.run()
    with operator.database.transaction() as tx:
        listed = bills_of_run(tx=tx, bill_run_id=result.bill_run_id)
        keys = [(one.customer_id, one.customer_bill_id) for one in listed]
        drawn = dict(invoice_pdfs(tx=tx, keeper=operator.keeper, bills=keys, purpose="billing"))
        assert list(drawn) == [one.customer_bill_id for one in listed]
        for one in listed:
            found = bill(tx=tx, customer_id=one.customer_id, customer_bill_id=one.customer_bill_id)
            ubl = etree.fromstring(
                invoice_ubl(tx=tx, keeper=operator.keeper, customer_id=one.customer_id, customer_bill_id=one.customer_bill_id, purpose="billing")
            )
            assert Decimal(str(ubl.findtext(f".//{_CBC}PayableAmount"))) == found.gross
            assert [Decimal(str(line.findtext(f"{_CBC}LineExtensionAmount"))) for line in ubl.findall("{*}InvoiceLine")] == [
                rate.net for rate in found.rates
            ]
            assert balance_of_customer(tx=tx, customer_id=one.customer_id) == found.gross
            text = _text(drawn[one.customer_bill_id])
            language = "en" if "Invoice" in text else "nl"
            assert f"€ {money(found.gross, language=language)}" in text
            assert all(money(rate.amount, language=language) in text for rate in found.rates)
            assert str(found.bill_number) in text
    number = next(one for one in operator.held if "mobile" in one.offering)
    own = _text(drawn[next(one.customer_bill_id for one in listed if one.customer_id == number.customer_id)])
    assert re.search(r"06 \d{4} \d{4}", own), "a product shows its number"


def test_who_may_not_see_the_buyer_gets_no_invoice(operator: BilledOperator, keeper: RunningKeeper) -> None:
    (one,) = operator.add("mobile-s")
    operator.run()
    (found,) = operator.bills(one)
    with operator.database.transaction() as tx:
        for actor, purpose in (("anna.dekker", "care"), ("m.tan", "support")):
            with pytest.raises(AccessDenied):
                invoice_pdf(
                    tx=tx, keeper=keeper.as_person(actor), customer_id=one.customer_id, customer_bill_id=found.customer_bill_id, purpose=purpose
                )
        seen = invoice_pdf(
            tx=tx, keeper=keeper.as_person("bram.visser"), customer_id=one.customer_id, customer_bill_id=found.customer_bill_id, purpose="billing"
        )
    assert "J. van den Berg0" in _text(seen)


def test_a_trial_bill_is_no_invoice(operator: BilledOperator) -> None:
    (one,) = operator.add("mobile-s")
    trial = operator.run(date(2026, 10, 1), kind="trial")
    with operator.database.transaction() as tx:
        (listed,) = bills_of_run(tx=tx, bill_run_id=trial.bill_run_id)
        key = {"customer_id": one.customer_id, "customer_bill_id": listed.customer_bill_id}
        with pytest.raises(WrongState, match="trial"):
            invoice_pdf(tx=tx, keeper=operator.keeper, purpose="billing", **key)
        with pytest.raises(NotFound):
            invoice_ubl(tx=tx, keeper=operator.keeper, purpose="billing", customer_id=one.customer_id, customer_bill_id=derived("no bill"))
