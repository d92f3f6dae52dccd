"""The single records behind a bill: as its account chose, through the keeper, never of free numbers, and exactly what the bill says."""

import csv
import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from pypdf import PdfReader

from factories.billed_operator import BilledOperator, Held
from fixtures.keeper import RunningKeeper
from hoeksteen.billing.approving import hold, release
from hoeksteen.billing.documents import InvoiceView, invoice_pdf, invoice_views, render_pdf
from hoeksteen.billing.documents.specification import specification_csv
from hoeksteen.billing.explaining import explain_line
from hoeksteen.billing.model import RateKind
from hoeksteen.kernel.errors import AccessDenied, Corrupt
from hoeksteen.kernel.time_period import bill_period
from hoeksteen.party.model import Itemisation
from hoeksteen.party.operations import set_terms
from hoeksteen.party.queries import billing_accounts
from hoeksteen.rating.retaining import retain

OCTOBER = date(2026, 10, 1)
CALLED = (31612345678, 4930123456, 112, 3188767000)
_FREE = 318002000


def _choose(operator: BilledOperator, one: Held, itemisation: Itemisation) -> None:
    with operator.database.transaction() as tx:
        (account,) = billing_accounts(tx=tx, customer_id=one.customer_id)
        set_terms(tx=tx, billing_account=replace(account, itemisation=itemisation))


def _billed(operator: BilledOperator, itemisation: Itemisation, *, called: tuple[int, ...] = CALLED, language: str = "nl") -> Held:
    one = operator.add("mobile-m", language=language)[0]
    _choose(operator, one, itemisation)
    operator.charge([one], month=OCTOBER, records=len(called), called=called)
    operator.charge([one], month=date(2026, 9, 1), records=2, bill_month=OCTOBER, called=called)
    operator.run()
    return one


def _views(operator: BilledOperator, *held: Held) -> list[InvoiceView]:
    keys = [(one.customer_id, operator.bills(one)[0].customer_bill_id) for one in held]
    with operator.database.transaction() as tx:
        return invoice_views(tx=tx, keeper=operator.keeper, bills=keys, purpose="billing", lake=operator.lake)


def _looks(keeper: RunningKeeper, one: Held) -> list[dict[str, Any]]:
    entries = keeper.client("dewi.hoekstra").did_see(subject=one.party_id)
    return [entry for entry in entries if entry["category"] == "traffic" and entry["action"] == "reveal"]


def _text(pdf: bytes) -> str:
    pages = [re.sub(r"\s+", " ", page.extract_text().replace("\u202f", " ")) for page in PdfReader(io.BytesIO(pdf)).pages]
    return " ".join(pages)


def _rows(view: InvoiceView) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(specification_csv(view))))


def test_records_in_full_come_to_each_line(operator: BilledOperator) -> None:
    (view,) = _views(operator, _billed(operator, "full"))
    rows = _rows(view)
    usage = [rate for rate in view.bill.rates if rate.kind is RateKind.USAGE]
    assert len(usage) == 12, "late usage has lines of its own"
    for rate in usage:
        mine = [row for row in rows if int(row["line"]) == rate.line]
        assert sum(Decimal(row["amount"]) for row in mine) == Decimal(rate.detail["amount_micro"]) / 1_000_000
        assert sum(int(row["units"]) for row in mine) == rate.detail["units"]
        assert {row["service"] for row in mine} == {rate.detail["service"]}
    assert {row["number"] for row in rows if row["service"] != "data"} == {"31612345678", "4930123456", "", "3188767000"}
    text = _text(render_pdf(view))
    assert "Gespecificeerd gebruik" in text and "06 1234 5678" in text and "+4930123456" in text
    assert "112" not in {row["number"] for row in rows}, "an emergency number that cost something stands there without number"


def test_masked_hides_the_last_digits(operator: BilledOperator) -> None:
    (view,) = _views(operator, _billed(operator, "masked", language="en"))
    assert {row["number"] for row in _rows(view)} == {"3161234xxxx", "493012xxxx", "318876xxxx", ""}
    text = _text(render_pdf(view))
    assert "06 1234 xxxx" in text and "last four digits" in text and "5678" not in text


def test_who_chose_none_gets_none_and_nothing_is_opened(operator: BilledOperator, keeper: RunningKeeper) -> None:
    one = _billed(operator, "none")
    (view,) = _views(operator, one)
    assert view.specification is None and "Gespecificeerd" not in _text(render_pdf(view))
    assert _looks(keeper, one) == []
    _choose(operator, one, "full")
    (view,) = _views(operator, one)
    assert view.specification is not None, "the choice of now decides: it can be asked for later"


def test_free_numbers_are_never_told(operator: BilledOperator) -> None:
    one = operator.add("mobile-m")[0]
    _choose(operator, one, "full")
    operator.charge([one], month=OCTOBER, records=1, micro=0, called=(_FREE,))
    operator.run()
    (view,) = _views(operator, one)
    assert view.specification is not None
    assert sum(line.left_out for line in view.specification.lines) == 4, "three calls and a message"
    assert {row["service"] for row in _rows(view)} == {"data"} and "800" not in {row["number"] for row in _rows(view)}


def test_one_look_per_subject_and_month(operator: BilledOperator, keeper: RunningKeeper) -> None:
    held = [operator.add("mobile-m")[0] for _ in range(3)]
    for one in held:
        _choose(operator, one, "full")
    operator.charge(held, month=OCTOBER, records=4, called=CALLED)
    operator.run()
    _views(operator, *held)
    for one in held:
        looks = _looks(keeper, one)
        assert len(looks) == 1 and looks[0]["purpose"] == "billing"


def test_what_the_keeper_refuses_makes_no_half_document(operator: BilledOperator, keeper: RunningKeeper) -> None:
    one = _billed(operator, "full")
    (bill,) = operator.bills(one)
    key = {"customer_id": one.customer_id, "customer_bill_id": bill.customer_bill_id}
    manager = keeper.as_person("bram.visser")
    with operator.database.transaction() as tx:
        with pytest.raises(AccessDenied):
            invoice_pdf(tx=tx, keeper=manager, purpose="billing", lake=operator.lake, **key)
        drawn = _text(invoice_pdf(tx=tx, keeper=manager, purpose="billing", lake=operator.lake, withhold_if_denied=True, **key))
        assert "Wie dit exemplaar opvroeg mag haar niet zien" in drawn and "06 1234" not in drawn
        pdf = invoice_pdf(
            tx=tx, keeper=keeper.as_person("anna.dekker"), purpose="care", context={"customer_on_the_line": True}, lake=operator.lake,
            withhold_if_denied=True, **key,
        )  # fmt: skip
        assert "Wie dit exemplaar opvroeg mag haar niet zien" in _text(pdf), "the last digits alone are no specification"


def test_a_bill_outlives_its_specification(operator: BilledOperator) -> None:
    one = _billed(operator, "full")
    for day in (date(2026, 11, 1), date(2026, 12, 1)):
        retain(database=operator.database, lake=operator.lake, write_id=operator.identifiers.new(datetime(2027, 5, 1, tzinfo=UTC)),
               traffic_from=day, records_from=OCTOBER.replace(month=9) if day.month == 11 else day)  # fmt: skip
        (view,) = _views(operator, one)
        assert view.specification is not None and (view.specification.withheld, view.specification.lines) == ("gone", ())
        assert "kan niet meer worden gemaakt" in _text(render_pdf(view))


def test_records_that_do_not_come_to_the_bill_are_no_specification(operator: BilledOperator) -> None:
    one = _billed(operator, "full")
    operator.charge([one], month=date(2026, 8, 1), records=1, bill_month=OCTOBER, called=CALLED)
    with pytest.raises(Corrupt, match="does not come to its bill"):
        _views(operator, one)


def test_a_bill_that_makes_up_for_a_month_specifies_it(operator: BilledOperator) -> None:
    one = operator.add("mobile-m")[0]
    _choose(operator, one, "full")
    with operator.database.transaction() as tx:
        hold(tx=tx, billing_account_id=one.billing_account_id, why="w", by="b", now=datetime(2026, 10, 30, tzinfo=UTC))
    operator.charge([one], month=OCTOBER, records=3, called=CALLED)
    operator.run()
    with operator.database.transaction() as tx:
        release(tx=tx, billing_account_id=one.billing_account_id, by="b", now=datetime(2026, 11, 30, tzinfo=UTC))
    operator.charge([one], month=date(2026, 11, 1), records=2, called=CALLED)
    operator.run(date(2026, 11, 1))
    (view,) = _views(operator, one)
    assert view.bill.period == bill_period(date(2026, 11, 1)) and view.specification is not None
    assert {row["start"][:7] for row in _rows(view)} == {"2026-10", "2026-11"}
    made_up = [rate for rate in view.bill.rates if rate.kind is RateKind.USAGE and rate.period == bill_period(OCTOBER)]
    assert made_up
    with operator.database.transaction() as tx:
        for rate in made_up:
            found = explain_line(tx=tx, lake=operator.lake, bill_number=str(view.bill.bill_number), line=rate.line)
            assert found.of_records == found.exact and len(found.records) == rate.quantity
