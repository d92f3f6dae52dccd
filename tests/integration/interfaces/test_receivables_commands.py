"""The commands that people type for bank statements, direct debit and refunds, against real parts."""

import json
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner

from factories.bank_files import Answer, Statement, camt, pain002, receipt
from factories.billed_operator import NOW, BilledOperator
from fixtures.commands import figures_of, result_of, text_of
from fixtures.keeper import RunningKeeper
from fixtures.signing import by_key
from hoeksteen.interfaces.cli.bank import bank
from hoeksteen.interfaces.cli.collect import collect, mandate, refund
from hoeksteen.interfaces.cli.dunning import dispute, dun
from hoeksteen.interfaces.cli.receivables import receivables
from hoeksteen.kernel.bank_days import bank_day_on_or_after
from hoeksteen.kernel.errors import AccessDenied, InvalidInput
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.receivables import outlook, refunds
from hoeksteen.receivables.model import OpenItem
from hoeksteen.receivables.operations import register_payment
from hoeksteen.receivables.queries import open_items_of


def _number(operator: BilledOperator) -> str:
    with operator.database.transaction() as tx:
        return str(tx.value("SELECT customer_number FROM party.customer LIMIT 1"))


def test_bank_statements(operator: BilledOperator, data: Path, tmp_path: Path) -> None:
    (one,) = operator.add("mobile-m")
    operator.run(date(2026, 10, 1))
    number = str(operator.bills(one)[0].bill_number)
    assert "Nothing waits" in text_of(bank, data, "unmatched")
    assert "No statement was taken yet" in text_of(bank, data, "statements")
    day = date(2026, 11, 10)
    bookings = (receipt("5.00", "A1", text=number, day=day), receipt("7.00", "A2", iban="NL20INGB0001234567", name="T. Ester", day=day))
    file = camt(tmp_path / "f.xml", Statement(bookings))
    taken = figures_of(bank, data, "take", str(file))["files"][0]
    assert (taken["already_taken"], taken["count"]["payment"], taken["count"]["half_paid"], taken["amount"]["payment"]) == (False, 1, 1, "5.00")
    assert "was taken before; nothing changed" in text_of(bank, data, "take", str(file))
    assert "1,012.00" in text_of(bank, data, "statements")
    waiting = figures_of(bank, data, "unmatched")
    [entry] = waiting["unmatched"]
    assert (entry["amount"], entry["way"], waiting["waiting"][0]["count"]) == ("7.00", "unknown_payer", 1)
    assert "T. Ester" not in text_of(bank, data, "unmatched")
    assert figures_of(bank, data, "payer", entry["bank_entry_id"])["account_holder"] == "T. Ester"
    done = figures_of(bank, data, "assign", entry["bank_entry_id"], "--customer", _number(operator), "--by", "bram.visser")
    assert (done["settled"], done["balance"]) == ("7.00", "8.00")


def test_direct_debit_and_refunds(operator: BilledOperator, data: Path, keeper: RunningKeeper, tmp_path: Path) -> None:
    (one,) = operator.add("mobile-m", payment_method="direct_debit")
    operator.run(date(2026, 10, 1))
    number = _number(operator)
    assert "pays by transfer" in text_of(mandate, data, "show", number)
    words = ("add", number, "--iban-from", "-", "--holder", "J. Berg", "--signed-on", "2026-11-01", "--by", "bram")
    [made] = figures_of(mandate, data, *words, says="NL20 INGB 0001 2345 67\n")["mandates"]
    assert (made["state"], "NL20" in json.dumps(made)) == ("active", False)
    assert "No run yet" in text_of(collect, data, "show")
    with operator.database.transaction() as tx:
        today = tx.value("SELECT (now() AT TIME ZONE 'Europe/Amsterdam')::date")
    day = bank_day_on_or_after(today + timedelta(days=14))
    run = figures_of(collect, data, "prepare", "--day", day.isoformat(), "--by", "bram")["run"]
    filed = figures_of(collect, data, "file", run["collection_run_id"], "--out", str(tmp_path / "c.xml"))
    assert (filed["run"]["amount"], filed["repeated"]) == ("20.00", False)
    assert filed["run"]["sha256"] in text_of(collect, data, "file", run["collection_run_id"], "--out", str(tmp_path / "d.xml"))
    assert "filed" in text_of(collect, data, "show")
    narrow = CliRunner(env={"COLUMNS": "80"}).invoke(collect, ["show", "--data", str(data)]).stdout
    assert run["collection_run_id"] in narrow, "an identifier is never broken: it is copied"
    file = camt(tmp_path / "f.xml", Statement([receipt("30.00", "A1", text=str(operator.bills(one)[0].bill_number), day=date(2026, 11, 10))]))
    figures_of(bank, data, "take", str(file))
    call, words = partial(figures_of, refund, data), ("ask", number, "--amount", "30.00", "--why", "te veel")
    assert isinstance(result_of(refund, data, *words).exception, InvalidInput), "whoever asks says so with a key"
    [asked] = by_key(call, *words, person="bram.visser", keeper=keeper)["refunds"]
    assert asked["asked_by"] == "bram.visser"
    with pytest.raises(AccessDenied, match="does not decide"):
        by_key(call, "approve", asked["refund_id"], person="bram.visser", keeper=keeper)
    with pytest.raises(AccessDenied, match="signature_invalid"):
        by_key(call, "approve", asked["refund_id"], person="chris.smit", keeper=keeper, signer="bram.visser")
    with operator.database.transaction() as tx:
        later = refunds.ask(
            tx=tx, customer_id=one.customer_id, amount=Decimal("1.00"), reason="x", by="fenna.prins", now=NOW, identifiers=operator.identifiers
        )
        refunds.decide(tx=tx, refund_id=UUID(asked["refund_id"]), approve=True, by="fenna.prins", now=NOW, identifiers=operator.identifiers)
    [declined] = by_key(call, "approve", str(later.refund_id), "--decline", person="bram.visser", keeper=keeper)["refunds"]
    assert (declined["state"], declined["decided_by"]) == ("declined", "bram.visser")
    paid = figures_of(refund, data, "file", "--out", str(tmp_path / "r.xml"), "--by", "anna")
    assert paid["amount"] == "30.00"
    assert "sent" in text_of(refund, data, "list")
    assert result_of(refund, data, "ask", number, "--amount", "1,00", "--why", "x").exit_code == 2
    about = f"LLT{paid['refund_file_id'].replace('-', '')[:20].upper()}"
    report = pain002(tmp_path / "p.xml", Answer(asked["end_to_end_id"], "RJCT", "AC04", f"{about}-R"), about=about)
    assert figures_of(bank, data, "report", str(report))["files"][0]["refused"] == {"AC04": 1}
    assert "was taken before; nothing changed" in text_of(bank, data, "report", str(report))
    assert "refused (AC04)" in text_of(refund, data, "list")
    assert isinstance(result_of(refund, data, "again", asked["refund_id"]).exception, InvalidInput), "a name alone does not do"
    said = call("again", asked["refund_id"], "--signed-by", "fenna.prins")["text"]
    assert json.loads(said)["facts"]["refused_end_to_end_id"] == asked["end_to_end_id"], "so that a signature is good for once"
    with pytest.raises(AccessDenied, match="does not decide"):
        by_key(call, "again", asked["refund_id"], person="bram.visser", keeper=keeper)
    with pytest.raises(AccessDenied, match="Your role"):
        by_key(call, "again", asked["refund_id"], person="anna.dekker", keeper=keeper)
    with operator.database.transaction() as tx:  # as if somebody else had asked: one billing manager has a key here
        tx.execute("UPDATE receivables.refund SET asked_by = 'chris.smit' WHERE refund_id = %s", (asked["refund_id"],))
    [again] = by_key(call, "again", asked["refund_id"], person="bram.visser", keeper=keeper)["refunds"]
    assert again["state"] == "approved" and again["end_to_end_id"] != asked["end_to_end_id"]
    about = f"LLT{run['collection_run_id'].replace('-', '')[:20].upper()}"
    told = text_of(bank, data, "report", str(pain002(tmp_path / "q.xml", about=about, message="R-2", group=("RJCT", "FF01"))))
    assert "FF01" in told and "20.00 in all" in told
    words = ("amend", number, made["mandate_id"], "--iban-from", "-", "--by", "bram")
    [amended] = figures_of(mandate, data, *words, says="NL91 ABNA 0417 1643 00\n")["mandates"]
    assert (amended["reference"], amended["amended_on"] is None, "NL91" in json.dumps(amended)) == (made["reference"], False, False)
    assert "amended" in text_of(mandate, data, "show", number)
    [ended] = figures_of(mandate, data, "revoke", number, made["mandate_id"], "--why", "asked")["mandates"]
    assert ended["state"] == "revoked"


def test_open_items_and_ledger_are_read_at_one_moment(operator: BilledOperator, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A payment that comes in between makes no difference, which would be told as damage."""
    (one,) = operator.add("mobile-m")
    operator.run(date(2026, 10, 1))
    pay: dict[str, Any] = {"customer_id": one.customer_id, "billing_account_id": operator.bills(one)[0].billing_account_id}

    def read_and_be_paid(**asked: Any) -> dict[UUID, list[OpenItem]]:
        found = open_items_of(**asked)
        with operator.database.transaction() as tx:
            register_payment(
                tx=tx, amount=Decimal("20.00"), received_on=date(2026, 11, 20), reference="", now=start_of_day(date(2026, 11, 21)),
                identifiers=operator.identifiers, **pay,
            )  # fmt: skip
        return found

    monkeypatch.setattr(outlook, "open_items_of", read_and_be_paid)
    assert figures_of(receivables, data, "ageing", "--day", "2026-11-20")["difference"] == "0.00"


def test_who_owes_what(operator: BilledOperator, data: Path) -> None:
    (one,) = operator.add("mobile-m")
    operator.run(date(2026, 10, 1))
    number, bill = _number(operator), str(operator.bills(one)[0].bill_number)
    found = figures_of(receivables, data, "ageing", "--day", "2026-11-20")
    assert (found["owed"], found["amounts"]["1_30"], found["difference"]) == ("20.00", "20.00", "0.00")
    assert "difference with the ledger" in text_of(receivables, data, "ageing")
    assert figures_of(receivables, data, "forecast", "--day", "2026-11-16", "--weeks", "2")["weeks"][0]["transfers"] == "20.00"
    assert "direct debit" in text_of(receivables, data, "forecast")
    assert bill in text_of(receivables, data, "open", number)
    assert "No payment plan" in text_of(receivables, data, "plan", number)
    with operator.database.transaction() as tx:
        first = str(tx.value("SELECT ((now() AT TIME ZONE 'Europe/Amsterdam') + interval '1 month')::date"))[:8] + "15"
    [agreed] = figures_of(receivables, data, "plan", number, "--parts", "2", "--first", first, "--by", "anna")["plans"]
    assert [one["amount"] for one in agreed["instalments"]] == ["10.00", "10.00"]
    assert figures_of(receivables, data, "write-off", bill, "--why", "bankrupt", "--by", "bram")["vat"] == "3.47"
    assert "Nothing is open" in text_of(receivables, data, "open", number)
    with pytest.raises(InvalidInput, match="nothing to their credit"):
        figures_of(receivables, data, "hold-deposit", number, "--amount", "10.00", "--why", "security", "--by", "bram")


def test_late_and_contested_bills(operator: BilledOperator, data: Path, tmp_path: Path) -> None:
    (one,) = operator.add("mobile-m")
    operator.run(date(2026, 10, 1))
    number, bill = _number(operator), str(operator.bills(one)[0].bill_number)
    assert "Nothing was asked" in text_of(dun, data, "show", number)
    assert "Nobody is late." in text_of(dun, data, "run", "--day", "2026-11-16")
    assert "nothing asked: no step due today" in text_of(dun, data, "run", "--day", "2026-11-18")
    assert figures_of(dun, data, "run", "--day", "2026-11-23")["steps"] == {"reminder": 1}
    assert "reminder" in text_of(dun, data, "show", number)
    [due] = figures_of(dun, data, "show", number)["interest"]
    assert (due["since"], due["principal"], due["amount"] > "0.00") == ("2026-11-17", "20.00", True)
    assert f"Interest on {bill}, not charged" in text_of(dun, data, "show", number)
    assert "interest, not charged" in text_of(receivables, data, "ageing", "--day", "2026-12-20")
    [charged] = figures_of(dun, data, "interest", number, "--by", "anna")["charged"]
    [fee] = [item["customer_bill_id"] for item in figures_of(receivables, data, "open", number)["open"] if item["kind"] == "interest"]
    assert f"Fee {fee}" in text_of(receivables, data, "open", number)
    assert charged["amount"] in text_of(dun, data, "waive", number, fee, "--why", "goodwill", "--by", "anna")
    assert figures_of(dispute, data, "open", bill, "--about", "amount", "--by", "anna")["outcome"] is None
    assert "disputed or collected" in text_of(dun, data, "run", "--day", "2026-11-29")
    assert "rejected" in text_of(dispute, data, "settle", bill, "--outcome", "rejected", "--by", "anna")
    assert figures_of(dun, data, "except", number, "--kind", "other", "--by", "anna")["until_day"] is None
    shown = figures_of(dun, data, "show", number)
    assert (len(shown["cases"][0]["steps"]), len(shown["exceptions"]), shown["disputes"][0]["about"]) == (1, 1, "amount")
    with pytest.raises(InvalidInput, match="future"):
        figures_of(dun, data, "run", "--day", "2099-01-01")
    policy = tmp_path / "policy.yaml"
    policy.write_text("{minimum: 5, steps: [{kind: collection_costs, after_days: 7}]}")
    with pytest.raises(InvalidInput, match="without the letter"):
        figures_of(dun, data, "run", "--policy", str(policy))
