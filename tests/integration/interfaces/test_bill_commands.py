"""The commands that people type for bills and payments, against real parts."""

import base64
import hashlib
import json
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from click.testing import CliRunner, Result

from factories.billed_operator import NOW, BilledOperator, populate
from fixtures.keeper import RunningKeeper
from fixtures.signing import by_key
from hoeksteen.billing import approving
from hoeksteen.billing import queries as billing
from hoeksteen.interfaces.cli.bill import bill
from hoeksteen.interfaces.cli.payments import payment
from hoeksteen.kernel.errors import AccessDenied, Corrupt, InvalidInput, NotFound, WrongState
from hoeksteen.kernel.time_period import bill_period
from hoeksteen_keeper.client import load_key

OCTOBER = bill_period(date(2026, 10, 1))
LATER = NOW + timedelta(minutes=1)


def _call(data: Path, *words: str, group: Any = bill, as_json: bool = True) -> dict[str, Any]:
    done = _result(data, *words, group=group, as_json=as_json)
    if done.exception:
        raise done.exception
    return json.loads(done.stdout.strip().splitlines()[-1]) if as_json else {"told": done.stdout}


def _result(data: Path, *words: str, group: Any = bill, as_json: bool = True) -> Result:
    return CliRunner(env={"COLUMNS": "200"}).invoke(group, [*words, "--data", str(data), *(["--json"] if as_json else [])])


def test_from_a_trial_to_a_payment(operator: BilledOperator, data: Path, keeper: RunningKeeper, tmp_path: Path) -> None:
    populate(operator, customers=6, seed=4)
    operator.run(kind="trial", by="fenna.prins")
    approved = by_key(partial(_call, data), "approve", "--period", "2026-10", person="bram.visser", keeper=keeper)
    trial = {"bills": _totals(operator)}
    assert (approved["approved_by"], approved["gross"]) == ("bram.visser", trial["bills"]["gross"])
    final = _call(data, "run", "--period", "2026-10")
    assert final["bills"] == trial["bills"] | {"ledger_difference": "0.00"}
    assert set(final["bills"]) >= {"count", "net", "vat", "gross", "ledger_difference"}
    assert all(isinstance(final["bills"][name], str) and final["bills"][name][-3] == "." for name in ("net", "vat", "gross"))
    assert (final["bills"]["count"], final["kind"], final["bill_date"], final["held"]) == (6, "final", "2026-11-01", 0)
    number = final["sample"][0]
    audit = _call(data, "audit", "--period", "2026-10")
    assert (audit["differences"], audit["ledger_difference"], audit["usage"]) == (0, "0.00", audit["usage_lines"])
    shown = _call(data, "show", number)
    assert sum(int(line["net"].replace(".", "")) for line in shown["lines"]) == int(shown["net"].replace(".", ""))
    for kind, magic in (("pdf", b"%PDF"), ("ubl", b"<?xml")):
        out = tmp_path / "out" / f"{number}.{kind}"
        _call(data, kind, number, "--out", str(out), as_json=False)
        assert out.read_bytes().startswith(magic)
        assert out.stat().st_mode & 0o777 == 0o600, "it holds a name and an address"
    with operator.database.transaction() as tx:
        customer_number = tx.value(
            "SELECT c.customer_number FROM party.customer c JOIN billing.customer_bill b USING (customer_id) WHERE b.bill_number = %s", (number,)
        )
    paid = _call(data, "register", "--customer", customer_number, "--amount", shown["gross"], "--reference", number, group=payment)
    assert (paid["settled"], paid["left"], paid["balance"]) == (shown["gross"], "0.00", "0.00")
    again = _call(data, "run", "--period", "2026-10")
    assert (again["bills"]["count"], again["was_done"], final["was_done"]) == (6, True, False), "run again it only gives its figures"
    told = _call(data, "run", "--period", "2026-10", as_json=False)["told"]
    assert "were final already; nothing was done" in told and "a second" not in told
    straight = _result(data, "pdf", number, "--out", "-", as_json=False)
    assert straight.stdout_bytes.startswith(b"%PDF"), "and nothing else, so that it can be piped"
    with pytest.raises(WrongState):
        _call(data, "run", "--period", "2026-10", "--trial")


def _totals(operator: BilledOperator) -> dict[str, Any]:
    with operator.database.transaction() as tx:
        trial = approving.latest_trial(tx=tx, period=OCTOBER)
        found = billing.totals(tx=tx, bill_run_id=trial.bill_run_id)
    amounts = {name: str(getattr(found, name)) for name in ("net", "vat", "rounding", "gross")}
    return {"count": found.count, **amounts}


def test_who_begins_and_who_approves_is_proven(operator: BilledOperator, data: Path, keeper: RunningKeeper) -> None:
    populate(operator, customers=2, seed=4)
    words, call = ("run", "--period", "2026-10", "--trial"), partial(_call, data)
    for refused in (_result(data, *words, "--by", "bram.visser"), _result(data, "approve", "--period", "2026-10")):
        assert isinstance(refused.exception, InvalidInput) and "--key FILE" in refused.exception.remedy, "and it says how"
    trial = by_key(call, *words, person="bram.visser", keeper=keeper)
    assert "ledger_difference" not in trial["bills"] and trial["bills"]["count"] == 2
    with operator.database.transaction() as tx:
        assert approving.latest_trial(tx=tx, period=OCTOBER).started_by == "bram.visser"
    approve = ("approve", "--period", "2026-10")
    with pytest.raises(WrongState, match="Who began a run"):
        by_key(call, *approve, person="bram.visser", keeper=keeper)
    with pytest.raises(AccessDenied, match="signature_invalid"):  # somebody else's name, with the key that is at hand
        by_key(call, *approve, person="chris.smit", keeper=keeper, signer="bram.visser")
    with pytest.raises(AccessDenied, match="Your role"):
        by_key(call, *approve, person="anna.dekker", keeper=keeper)
    with pytest.raises(AccessDenied, match="approver_not_operator"):
        by_key(call, *approve, person="m.tan", keeper=keeper)
    operator.run(kind="trial", now=NOW + timedelta(days=365))
    with pytest.raises(WrongState, match="Nobody proved who began"):
        by_key(call, *approve, person="bram.visser", keeper=keeper)
    with operator.database.transaction() as tx:
        assert approving.approvals(tx=tx, bill_run_ids=[one.bill_run_id for one in billing.runs(tx=tx)]) == {}


def test_a_signature_is_for_one_trial_and_its_bills(operator: BilledOperator, data: Path, keeper: RunningKeeper) -> None:
    [one] = operator.add("mobile-m")
    operator.run(kind="trial", by="fenna.prins")
    words, call = ("approve", "--period", "2026-10"), partial(_call, data)
    asked = call(*words, "--signed-by", "bram.visser")
    facts = json.loads(asked["text"])["facts"]
    assert (facts["begun_by"], facts["bills"], len(facts["content_sha256"])) == ("fenna.prins", "1", 64)
    signature = base64.b64encode(load_key(keeper.key("bram.visser")).sign(hashlib.sha256(asked["text"].encode()).digest())).decode()
    operator.charge([one], month=date(2026, 10, 1), records=3, micro=50_000)
    operator.run(kind="trial", by="fenna.prins", now=LATER)
    with pytest.raises(AccessDenied, match="signature_invalid"):
        call(*words, "--signed-by", "bram.visser", "--signature", signature)
    done = by_key(call, *words, person="bram.visser", keeper=keeper)
    with operator.database.transaction() as tx:
        [approval] = approving.approvals(tx=tx, bill_run_ids=[UUID(done["run"])]).values()
    assert approval.signed_digest and approval.signed_digest.hex() == done["signed_sha256"]
    assert done["content_sha256"] in keeper.sql("SELECT convert_from(body, 'UTF8') FROM evidence.entry WHERE kind = 'decision'")


def test_what_people_do_with_a_run(operator: BilledOperator, data: Path, keeper: RunningKeeper) -> None:
    populate(operator, customers=4, seed=11)
    with operator.database.transaction() as tx:
        numbers = [row["customer_number"] for row in tx.rows("SELECT customer_number FROM party.customer ORDER BY customer_number")]
    operator.run(kind="trial", by="fenna.prins")
    assert isinstance(_result(data, "difference", "--period", "2026-10").exception, NotFound), "there is nothing before it"
    _call(data, "hold", numbers[0], "--by", "anna", "--why", "asks for another address", as_json=False)
    assert [one["why"] for one in _call(data, "holds")["holds"]] == ["asks for another address"]
    assert "asks for another address" in _call(data, "holds", as_json=False)["told"]
    assert operator.run(kind="trial", by="fenna.prins", now=LATER).held == 1
    told = _call(data, "difference", "--period", "2026-10", as_json=False)["told"]
    assert "3 the same, 0 changed, 0 new, 1 gone" in told and "now no bill" in told
    compared = _call(data, "difference", "--period", "2026-10")
    assert (compared["same"], compared["gone"], len(compared["largest"])) == (3, 1, 1)
    by_key(partial(_call, data), "approve", "--period", "2026-10", person="bram.visser", keeper=keeper)
    final = _call(data, "run", "--period", "2026-10", "--no-send")
    assert (final["bills"]["count"], final["held"]) == (3, 1)
    assert (_call(data, "send", "--period", "2026-10")["messages"], _call(data, "send", "--period", "2026-10")["messages"]) == (3, 0)
    _call(data, "release", numbers[0], "--by", "anna", as_json=False)
    assert _call(data, "again", numbers[0], "--period", "2026-10", "--by", "anna")["bills"]["count"] == 1
    assert _call(data, "audit", "--period", "2026-10")["differences"] == 0
    assert "No billing account is held" in _call(data, "holds", as_json=False)["told"]
    listed = _call(data, "runs")["runs"]
    assert [(one["kind"], one["approved_by"], one["sent"]) for one in listed] == [
        ("off_cycle", "", True), ("final", "", True), ("trial", "bram.visser", False), ("trial", "", False)
    ]  # fmt: skip
    assert "off_cycle" in _call(data, "runs", as_json=False)["told"]
    narrow = CliRunner(env={"COLUMNS": "80"}).invoke(bill, ["runs", "--data", str(data)]).stdout
    assert [one["run"] in narrow for one in listed] == [True] * 4, "an identifier is never broken: it is copied"
    stopped = CliRunner().invoke(bill, ["stop", "--period", "2026-10", "--data", str(data)])
    assert isinstance(stopped.exception, NotFound) and "under way" in stopped.exception.message


def test_a_file_that_cannot_be_written_is_refused_before_anything_is_disclosed(operator: BilledOperator, data: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = _result(data, "pdf", "LLT-2026-00000001", "--out", str(tmp_path / "file" / "x.pdf"), as_json=False)
    assert isinstance(result.exception, InvalidInput) and "cannot make the folder" in result.exception.message
    assert "--out - > FILE" in (result.exception.remedy or "")


def test_people_read_tables(operator: BilledOperator, data: Path) -> None:
    operator.add("mobile-m", "internet-500")
    (held,) = operator.add("business-mobile", segment="business", named=False)
    operator.add()
    told = _call(data, "run", "--period", "2026-10", "--unapproved", as_json=False)["told"]
    assert "1 billing account without any charge: no bill." in told
    assert "ledger difference" in told
    assert "69.00" in told
    with operator.database.transaction() as tx:
        number = tx.value("SELECT customer_number FROM party.customer WHERE customer_id = %s", (held.customer_id,))
    assert f"held, customer {number}: no_invoice_party" in told
    assert "0 differences" in _call(data, "audit", "--period", "2026-10", as_json=False)["told"]
    shown = _call(data, "show", "LLT-2026-00000001", as_json=False)["told"]
    assert "Internet 500" in shown
    assert "VAT 21" in shown
    with operator.database.transaction() as tx:
        tx.execute("UPDATE billing.customer_bill SET net = net + 1, gross = gross + 1")
    broken = _result(data, "audit", "--period", "2026-10", as_json=False)
    assert isinstance(broken.exception, Corrupt)
    assert "bill = ledger LLT-2026-00000001" in broken.stdout


@pytest.mark.parametrize(
    ("words", "error", "says"),
    [
        (("show", "LLT-2026-99999999"), NotFound, "LLT-2026-99999999"),
        (("audit", "--period", "2026-10"), NotFound, "2026-10"),
    ],
)
def test_wrong_words_are_named(operator: BilledOperator, data: Path, words: tuple[str, ...], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        _call(data, *words)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--period", "october"), "'october' is not a month"),
        (("--period", "2026-13"), "'2026-13' is not a month"),
        (("--period", "9999-12"), "9999-12 lies outside the years"),
        (("--period", "0001-01"), "0001-01 lies outside the years"),
        (("--period", "2026-10", "--bill-date", "1-11-2026"), "'1-11-2026' is not a day"),
    ],
    ids=lambda value: value[-1] if isinstance(value, tuple) else "",
)
def test_a_day_that_is_none_is_named(data: Path, words: tuple[str, ...], says: str) -> None:
    done = _result(data, "run", *words)
    assert (done.exit_code, says in done.stderr) == (2, True)


def test_wrong_payments_are_named(operator: BilledOperator, data: Path) -> None:
    (one,) = operator.add("mobile-m", start=date(2026, 1, 1))
    with operator.database.transaction() as tx:
        number = tx.value("SELECT customer_number FROM party.customer WHERE customer_id = %s", (one.customer_id,))
    for words, says in (
        (("--customer", number, "--amount", "ten"), "--amount is ten"),
        (("--customer", number, "--amount", "1e30"), "--amount is 1e30"),
        (("--customer", number, "--amount", "-5"), "--amount is -5"),
        (("--customer", number, "--amount", "99999999999.00"), "--amount is 99999999999.00"),
        (("--customer", "x", "--amount", "1.00"), "nobody has the number x"),
        (("--customer", number, "--amount", "1.00", "--billing-account", "9"), "has no 9"),
    ):
        with pytest.raises(InvalidInput, match=says):
            _call(data, "register", *words, group=payment)
