"""The commands that people type for one-off charges and credits, against real parts."""

from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from factories.billed_operator import NOW, BilledOperator
from fixtures.commands import figures_of, result_of
from fixtures.keeper import RunningKeeper
from fixtures.signing import by_key
from hoeksteen.billing import charges
from hoeksteen.interfaces.cli.bill import bill
from hoeksteen.interfaces.cli.charges import charge
from hoeksteen.interfaces.cli.instalments import instalment
from hoeksteen.kernel.errors import AccessDenied, InvalidInput


def test_charge_commands(operator: BilledOperator, data: Path, keeper: RunningKeeper) -> None:
    (one,) = operator.add("mobile-m")
    with operator.database.transaction() as tx:
        number = str(tx.value("SELECT customer_number FROM party.customer"))
    by = ("--by", "anna", "--why", "card lost")
    assert "No charges or credits." in result_of(charge, data, "list", as_json=False).stdout
    assert {kind["charge_kind_id"] for kind in figures_of(charge, data, "kinds")["kinds"]} >= {"sim-replacement", "compensation"}
    assert "SIM replacement" in result_of(charge, data, "kinds", as_json=False).stdout
    [made] = figures_of(charge, data, "add", number, "--kind", "sim-replacement", *by)["charges"]
    assert (made["state"], made["amount"], made["why"]) == ("granted", "9.95", "card lost")
    beyond = ("credit", number, "--text", "Storing", "--tax", "O", "--amount", "60.00", "--from", "2026-10-05", "--why", "card lost")
    for more in (("--by", "anna"), ()):
        assert isinstance(result_of(charge, data, *beyond, *more).exception, InvalidInput), "whoever asks says so with a key"
    assert "both say who" in str(result_of(charge, data, *beyond, "--by", "anna", "--as", "bram.visser").exception)
    call = partial(figures_of, charge, data)
    with pytest.raises(AccessDenied, match="signature_invalid"):
        by_key(call, *beyond, person="chris.smit", keeper=keeper, signer="bram.visser")
    assert len(call("list")["charges"]) == 1, "what nobody proved left nothing"
    [asked] = by_key(call, *beyond, person="bram.visser", keeper=keeper)["charges"]
    assert (asked["state"], asked["amount"], asked["tax_category"]) == ("asked", "-60.00", "O")
    assert "waits for a second person" in result_of(charge, data, "list", "--state", "asked", as_json=False).stdout
    approve = ("approve", asked["account_charge_id"])
    with pytest.raises(AccessDenied, match="does not decide"):
        by_key(call, *approve, person="bram.visser", keeper=keeper)
    with pytest.raises(AccessDenied, match="signature_invalid"):
        by_key(call, *approve, person="chris.smit", keeper=keeper, signer="bram.visser")
    assert isinstance(result_of(charge, data, *approve).exception, InvalidInput)
    said = {"billing_account_id": one.billing_account_id, "text": "Storing", "why": "w", "by": "fenna.prins", "identifiers": operator.identifiers}
    with operator.database.transaction() as tx:
        charges.decide(tx=tx, account_charge_id=UUID(asked["account_charge_id"]), approve=True, by="fenna.prins", now=NOW)
        other, third = (charges.grant(tx=tx, amount=Decimal(amount), now=NOW, **said) for amount in ("-70.00", "-80.00"))
    [approved] = by_key(call, "approve", str(other.account_charge_id), person="bram.visser", keeper=keeper)["charges"]
    assert (approved["state"], approved["asked_by"], approved["decided_by"]) == ("granted", "fenna.prins", "bram.visser")
    [declined] = by_key(call, "approve", str(third.account_charge_id), "--decline", person="bram.visser", keeper=keeper)["charges"]
    assert declined["state"] == "declined"
    assert call("withdraw", str(other.account_charge_id), "--by", "bas")["charges"][0]["state"] == "withdrawn"
    [gone] = figures_of(charge, data, "add", number, "--text", "Mistake", "--tax-rate", "9", "--amount", "1.00", *by)["charges"]
    assert figures_of(charge, data, "withdraw", gone["account_charge_id"], "--by", "bas")["charges"][0]["state"] == "withdrawn"
    assert result_of(charge, data, "add", number, "--text", "x", "--tax-rate", "much", "--amount", "1.00", *by).exit_code == 2
    operator.run(date(2026, 10, 1))
    listed = {
        entry["text_en"]: entry
        for entry in figures_of(charge, data, "list", "--customer", number)["charges"]
        if entry["state"] != "declined" and entry["amount"] != "-70.00"
    }
    assert (listed["Storing"]["billed"], listed["Mistake"]["billed"]) == ("-60.00", None)
    shown = figures_of(bill, data, "show", listed["Storing"]["bill_number"])["lines"]
    assert [(line["text"], line["kind"]) for line in shown[-2:]] == [("SIM replacement", "one_time"), ("Storing", "credit")]
    facts = figures_of(bill, data, "explain", listed["Storing"]["bill_number"], str(shown[-1]["line"]))["facts"]
    assert (facts["granted by"], facts["approved by"], facts["why"], facts["VAT"]) == ("bram.visser", "fenna.prins", "card lost", "O 0.00 %")
    assert one.billing_account_id


def test_instalment_commands(operator: BilledOperator, data: Path) -> None:
    (one,) = operator.add("mobile-m")
    with operator.database.transaction() as tx:
        number = str(tx.value("SELECT customer_number FROM party.customer"))
    words = (number, "--kind", "device", "--text", "Toestel X", "--amount", "240.00", "--parts", "24", "--by", "anna", "--why", "order 12")
    assert "Nothing was sold in parts." in result_of(instalment, data, "list", as_json=False).stdout
    [made] = figures_of(instalment, data, "agree", *words, "--product", str(one.product_id), "--on-end", "falls-due")["plans"]
    assert (made["total"], made["on_end"], made["state"], made["left"]) == ("240.00", "falls_due", "open", "240.00")
    [other] = figures_of(instalment, data, "agree", *words)["plans"]
    assert figures_of(instalment, data, "take-back", other["instalment_plan_id"], "--by", "bas")["plans"][0]["state"] == "withdrawn"
    assert figures_of(instalment, data, "settle", made["instalment_plan_id"], "--by", "bas")["plans"][0]["ending"] == "settled"
    assert len(figures_of(instalment, data, "list", "--customer", number)["plans"]) == 2
    assert "Toestel X" in result_of(instalment, data, "list", as_json=False).stdout
