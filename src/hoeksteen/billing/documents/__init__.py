"""Documents of final bills, made on demand from frozen amounts and a fresh, logged disclosure; never stored in the clear."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from uuid import UUID

from hoeksteen.billing.documents.pdf import render_pages, render_pdf
from hoeksteen.billing.documents.ubl import render_ubl
from hoeksteen.billing.documents.view import Context, InvoiceView, invoice_views
from hoeksteen.disclosure import KeeperClient
from hoeksteen.kernel.errors import NotFound
from hoeksteen.storage.lake import Lake
from hoeksteen.storage.postgres import Transaction

__all__ = ["InvoiceView", "invoice_pdf", "invoice_pdfs", "invoice_ubl", "invoice_views", "render_pages", "render_pdf", "render_ubl"]

VIEWS_PER_DISCLOSURE = 500


def invoice_pdf(
    *, tx: Transaction, keeper: KeeperClient, customer_id: UUID, customer_bill_id: UUID, purpose: str, context: Context | None = None,
    lake: Lake | None = None, withhold_if_denied: bool = False, department: UUID | None = None,
) -> bytes:  # fmt: skip
    """
    Give a final bill as PDF, tagged for readers of the screen (PDF/UA-1), with the specification that its billing account chose.

    :param lake: where single records lie; without it no specification is made
    :param withhold_if_denied: who may see the bill and not the numbers called gets the bill, and is told that there is more
    :param department: draw that department's specification instead: its lines and their sum, and nothing to pay
    :raises NotFound: when the customer has no such bill, or no line of that department stands on it
    :raises WrongState: when it is a trial bill
    :raises AccessDenied: when the actor may not see `invoice_party` for this purpose
    """
    bills = [(customer_id, customer_bill_id)]
    views = invoice_views(tx=tx, keeper=keeper, bills=bills, purpose=purpose, context=context, lake=lake, withhold_if_denied=withhold_if_denied)
    if department is None:
        return render_pdf(views[0])
    only = views[0].departments.get(department)
    if only is None:
        raise NotFound("No line of this department stands on the bill.", remedy="`hoeksteen bill show` names its departments.")
    return render_pdf(replace(views[0], only=only))


def invoice_ubl(
    *, tx: Transaction, keeper: KeeperClient, customer_id: UUID, customer_bill_id: UUID, purpose: str, context: Context | None = None
) -> bytes:
    """
    Give a final bill as UBL 2.1 after EN 16931.

    :raises NotFound: when the customer has no such bill
    :raises WrongState: when it is a trial bill
    :raises AccessDenied: when the actor may not see `invoice_party` for this purpose
    """
    bills = [(customer_id, customer_bill_id)]
    return render_ubl(invoice_views(tx=tx, keeper=keeper, bills=bills, purpose=purpose, context=context)[0])


def invoice_pdfs(
    *, tx: Transaction, keeper: KeeperClient, bills: Sequence[tuple[UUID, UUID]], purpose: str, lake: Lake | None = None
) -> Iterator[tuple[UUID, bytes]]:
    """
    Give many final bills as PDF, one by one, with a disclosure per 500 bills.

    :param bills: pairs of customer and customer bill identifiers
    """
    for start in range(0, len(bills), VIEWS_PER_DISCLOSURE):
        for view in invoice_views(tx=tx, keeper=keeper, bills=bills[start : start + VIEWS_PER_DISCLOSURE], purpose=purpose, lake=lake):
            yield view.bill.customer_bill_id, render_pdf(view)
