"""The audit file of the operator: the ledger's books, under the names that the rooms which book give to them."""

from collections.abc import Iterator
from datetime import date
from importlib.metadata import version

from hoeksteen.billing.bookkeeping import SOURCE as BILL
from hoeksteen.billing.legal_entity import LAGE_LANDEN
from hoeksteen.kernel.time_period import BillPeriod
from hoeksteen.ledger import xaf
from hoeksteen.receivables.bookkeeping import BANK
from hoeksteen.receivables.collecting import REJECTED
from hoeksteen.receivables.collecting import SOURCE as COLLECTION
from hoeksteen.receivables.dunning import SOURCE as COSTS
from hoeksteen.receivables.operations import SOURCE as PAYMENT
from hoeksteen.receivables.refunds import SOURCE as REFUND
from hoeksteen.receivables.settling import DEPOSIT, WRITTEN_OFF
from hoeksteen.storage.postgres import Transaction

_COMPANY = xaf.XafCompany(LAGE_LANDEN.chamber_of_commerce_number, LAGE_LANDEN.name, LAGE_LANDEN.country, LAGE_LANDEN.vat_number)
_JOURNALS = {
    BILL: xaf.XafJournal("Verkoopboek", "S"), PAYMENT: xaf.XafJournal("Bankboek", "B"), BANK: xaf.XafJournal("Bankafschriften", "B"),
    COLLECTION: xaf.XafJournal("Incasso's", "M"), REJECTED: xaf.XafJournal("Geweigerde incasso's", "M"),
    REFUND: xaf.XafJournal("Terugbetalingen", "M"), WRITTEN_OFF: xaf.XafJournal("Afboekingen", "M"), DEPOSIT: xaf.XafJournal("Waarborgsommen", "M"),
    COSTS: xaf.XafJournal("Incassokosten", "M"),
}  # fmt: skip


def audit_file(*, tx: Transaction, period: BillPeriod, today: date) -> Iterator[bytes]:
    """
    Give the XML Auditfile Financieel (XAF 3.2) of whole months of one year, piece by piece; no name of a customer is in it.

    :param tx: sees one moment (`Transaction.see_one_moment`)
    :raises InvalidInput: when the period is not whole months of one year, or something is booked in another currency
    """
    return xaf.audit_file(tx=tx, period=period, company=_COMPANY, journals=_JOURNALS, software_version=version("hoeksteen"), today=today)
