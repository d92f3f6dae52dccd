"""What a billing account agreed on shows on its bills: when it is due, what is quoted, who accounts for the VAT."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from factories.billed_operator import BilledOperator, Held
from fixtures.en16931 import Document, faults
from hoeksteen.billing.documents import invoice_ubl
from hoeksteen.billing.queries import held as held_accounts
from hoeksteen.disclosure import SealItem
from hoeksteen.disclosure.operations import store
from hoeksteen.interfaces.cli.bill import bill
from hoeksteen.kernel.errors import InvalidInput, NotFound
from hoeksteen.kernel.sealed import Category


def _terms(data: Path, one: Held, *words: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(bill, ["terms", str(one.customer_id), *words, "--data", str(data), "--json"])
    if done.exception:
        raise done.exception
    return list(json.loads(done.stdout.strip().splitlines()[-1])["billing_accounts"])


def _name(operator: BilledOperator, one: Held, **more: str) -> None:
    identity = {"kind": "organization", "trading_name": "Wevers NV", **more}
    with operator.database.transaction() as tx:
        store(tx=tx, keeper=operator.keeper, purpose="migration", category=Category.IDENTITY, items=[SealItem(one.party_id, identity)])


def test_a_term_and_a_reference(operator: BilledOperator, data: Path) -> None:
    (one,) = operator.add("business-mobile", segment="business")
    (other,) = operator.add("mobile-s")
    assert [(account["payment_term_days"], account["buyer_reference"]) for account in _terms(data, one)] == [(14, None)]
    (told,) = _terms(data, one, "--days", "30", "--reference", "PO 4711/A")
    assert (told["payment_term_days"], told["buyer_reference"]) == (30, "PO 4711/A")
    operator.run()
    (billed,), (ordinary,) = operator.bills(one), operator.bills(other)
    assert (billed.due_date, ordinary.due_date) == (date(2026, 12, 1), date(2026, 11, 16)), "the fourteenth day is a Sunday"
    with operator.database.transaction() as tx:
        key = {"customer_id": billed.customer_id, "customer_bill_id": billed.customer_bill_id}
        assert Document(invoice_ubl(tx=tx, keeper=operator.keeper, purpose="billing", **key)).text("cbc:BuyerReference") == "PO 4711/A"
    (back,) = _terms(data, one, "--days", "0", "--reference", "")
    assert (back["payment_term_days"], back["buyer_reference"]) == (14, None)
    with pytest.raises(InvalidInput, match="buyer_reference"):
        _terms(data, one, "--reference", "<b>")
    with pytest.raises(NotFound, match="has these active billing accounts"):
        _terms(data, one, "--billing-account", "1", "--days", "3")
    with pytest.raises(InvalidInput, match="hold VAT"):
        _terms(data, other, "--vat", "reverse-charge")


def test_a_business_in_another_member_state_accounts_for_the_tax(operator: BilledOperator, data: Path) -> None:
    (belgian,) = operator.add("business-internet", segment="business")
    (unknown,) = operator.add("business-internet", segment="business")
    for one in (belgian, unknown):
        _terms(data, one, "--vat", "reverse-charge")
    _name(operator, belgian, vat_number="BE0123456749")
    _name(operator, unknown)
    run = operator.run()
    (billed,) = operator.bills(belgian)
    assert (billed.vat, billed.gross) == (Decimal("0.00"), billed.net)
    assert [(tax.tax_category, tax.tax_rate) for tax in billed.taxes] == [("AE", Decimal("0.00"))]
    with operator.database.transaction() as tx:
        (held,) = held_accounts(tx=tx, bill_run_id=run.bill_run_id)
        key = {"customer_id": billed.customer_id, "customer_bill_id": billed.customer_bill_id}
        ubl = invoice_ubl(tx=tx, keeper=operator.keeper, purpose="billing", **key)
    assert (held.billing_account_id, held.reason) == (unknown.billing_account_id, "no_invoice_party")
    assert faults(ubl) == []
    assert Document(ubl).text("cac:TaxTotal/cac:TaxSubtotal/cac:TaxCategory/cbc:TaxExemptionReasonCode") == "VATEX-EU-AE"
