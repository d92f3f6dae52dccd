"""Over a whole run: PDF, UBL, API resource and ledger, each parsed back, say the same amounts; and every UBL keeps its rules."""

from datetime import date
from decimal import Decimal
from uuid import UUID

from factories.billed_operator import BilledOperator, populate, terminate
from fixtures.en16931 import NLCIUS, PEPPOL, Document, faults
from fixtures.four_faces import Face, of_ledger, of_pdf, of_resource, of_ubl
from hoeksteen.billing.documents import InvoiceView, invoice_views, render_pdf, render_ubl
from hoeksteen.billing.model import CustomerBill
from hoeksteen.billing.queries import bills_of_run
from hoeksteen.disclosure import SealItem
from hoeksteen.disclosure.operations import store
from hoeksteen.interfaces.api.resources import to_api_bill
from hoeksteen.kernel.sealed import Category
from hoeksteen.ledger.queries import sums_by_reference


def _register(operator: BilledOperator) -> None:
    """Give the operator a registered business, one on a network and a government body, beside those that there are."""
    for fields in (
        {"chamber_of_commerce_number": "81000021"},
        {"chamber_of_commerce_number": "81000032", "electronic_address": "0106:81000032"},
        {"government_number": "00000001810000200000", "electronic_address": "0190:00000001810000200000"},
    ):
        (one, *_) = operator.add("business-mobile", "business-internet", segment="business")
        identity = {"kind": "organization", "trading_name": "Waterschap Laagveen", **fields}
        with operator.database.transaction() as tx:
            store(tx=tx, keeper=operator.keeper, purpose="migration", category=Category.IDENTITY, items=[SealItem(one.party_id, identity)])


def _views(operator: BilledOperator, bill_run_id: UUID) -> tuple[list[InvoiceView], dict[UUID, dict[str, Decimal]]]:
    with operator.database.transaction() as tx:
        listed = bills_of_run(tx=tx, bill_run_id=bill_run_id)
        keys = [(one.customer_id, one.customer_bill_id) for one in listed]
        views = invoice_views(tx=tx, keeper=operator.keeper, bills=keys, purpose="billing")
        return views, sums_by_reference(tx=tx, source="bill", references=[bill_id for _, bill_id in keys])


def _frozen(bill: CustomerBill) -> Face:
    return Face(str(bill.bill_number), bill.net, bill.vat, bill.gross, tuple(rate.amount for rate in bill.rates))


def test_four_faces_of_every_bill_agree(operator: BilledOperator) -> None:
    populate(operator, customers=40, seed=23, records=4)
    operator.add("mobile-l", language="en", payment_method="direct_debit")
    _register(operator)
    gone = operator.add("mobile-m")[0]
    first = operator.run()
    terminate(operator, gone, from_day=date(2026, 11, 10))
    views, booked = _views(operator, first.bill_run_id)
    later, booked_later = _views(operator, operator.run(date(2026, 11, 1)).bill_run_id)
    assert len(views) > 40
    assert sum(view.bill.gross < 0 for view in later) == 1
    profiles = set()
    for view in (*views, *later):
        frozen, ubl = _frozen(view.bill), render_ubl(view)
        assert of_pdf(render_pdf(view)) == frozen
        assert of_ubl(ubl) == Face(frozen.number, frozen.net, frozen.vat, frozen.gross, tuple(rate.net for rate in view.bill.rates))
        bare = Face(frozen.number, frozen.net, frozen.vat, frozen.gross)
        assert of_resource(to_api_bill(view.bill, remaining=view.bill.gross)) == bare
        assert of_ledger(frozen.number, (booked | booked_later)[view.bill.customer_bill_id]) == bare
        assert faults(ubl) == []
        profiles.add(Document(ubl).customization)
    assert {NLCIUS, PEPPOL} < profiles
    credit = next(view for view in later if view.bill.gross < 0)
    (earlier,) = credit.refers_to
    assert earlier.bill_number == next(view.bill.bill_number for view in views if view.bill.customer_id == gone.customer_id)
