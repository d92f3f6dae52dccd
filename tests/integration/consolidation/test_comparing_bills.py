"""Charges of a legacy export against the lines that a real bill run wrote."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest

from factories.billed_operator import NOW, BilledOperator
from hoeksteen.consolidation.comparing import Comparison, compare_bills
from hoeksteen.consolidation.model import Source
from hoeksteen.consolidation.pseudonyms import Pseudonyms
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.kernel.time_period import bill_period
from hoeksteen.product.model import NewAlteration

PSEUDONYMS = Pseudonyms(bytes(range(32)))
HEAD = (
    "customerID,gender,SeniorCitizen,Partner,Dependents,tenure,PhoneService,MultipleLines,InternetService,OnlineSecurity,OnlineBackup,"
    "DeviceProtection,TechSupport,StreamingTV,StreamingMovies,Contract,PaperlessBilling,PaymentMethod,MonthlyCharges,TotalCharges,Churn"
)
ROW = "{key},Female,0,Yes,No,{tenure},Yes,No,DSL,No,Yes,No,No,No,No,Month-to-month,Yes,Mailed check,{charge},29.85,No"


def _export(folder: Path, charges: dict[str, str]) -> Path:
    file = folder / "customers.csv"
    file.write_text("\n".join([HEAD, *(ROW.format(key=key, charge=charge, tenure=7) for key, charge in charges.items())]) + "\n", "utf-8")
    return file


def _came_from(operator: BilledOperator, key: str, customer_id: UUID) -> None:
    with operator.database.transaction() as tx:
        tx.execute(
            "INSERT INTO consolidation.source_record (source, source_key, digest, source_row, state, customer_id, loaded_at)"
            " VALUES ('ibm', %s, '', 1, 'loaded', %s, %s)",
            (PSEUDONYMS.record_id("ibm", key), customer_id, NOW),
        )


def _compare(operator: BilledOperator, mapping: str, file: Path) -> Comparison:
    source, period = Source(Path(mapping), file), bill_period(date(2026, 10, 1))
    return compare_bills(database=operator.database, source=source, pseudonyms=PSEUDONYMS, period=period, today=date(2026, 11, 1))


def test_every_customer_to_the_cent(operator: BilledOperator, tmp_path: Path) -> None:
    adjustment = NewAlteration(UUID(int=5), "contract adjustment", "amount", Decimal("-2.15"), date(2024, 5, 1))
    right, _ = operator.add("business-internet", "business-voice", segment="business", alterations=[adjustment])
    (wrong,) = operator.add("business-internet", segment="business")
    (unbilled,) = operator.add("business-internet", segment="business", named=False)
    for key, one in (("0001-RIGHT", right), ("0002-WRONG", wrong), ("0003-UNBIL", unbilled)):
        _came_from(operator, key, one.customer_id)
    operator.run()
    file = _export(tmp_path, {"0001-RIGHT": "81.85", "0002-WRONG": "69.01", "0003-UNBIL": "69.00", "0004-NOONE": "1.00"})
    found = _compare(operator, "ibm.yaml", file)
    assert (found.customers, found.lines, found.recurring_total, found.adjustment_abs_max) == (4, 4, Decimal("150.85"), Decimal("2.15"))
    assert [(one.row, str(one.charged), one.billed) for one in found.mismatches] == [
        (3, "69.01", Decimal("69.00")),
        (4, "69.00", None),
        (5, "1.00", None),
    ]


def test_a_source_without_charges_cannot_be_compared(operator: BilledOperator, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput):
        _compare(operator, "fixed.yaml", _export(tmp_path, {"0001-RIGHT": "81.85"}))
