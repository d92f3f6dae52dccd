"""What the billing manager starts on the desk: trials, final runs, announcing, documents, audits; done here by the worker's own functions."""

import threading
from datetime import date, timedelta
from random import Random
from typing import Any

import httpx
import pytest

from fixtures.sites import NOW, SEEDS, Browser, World
from fixtures.worker import do_jobs
from hoeksteen.billing import approving
from hoeksteen.billing import queries as billing
from hoeksteen.billing.leaving import bill_who_leaves
from hoeksteen.billing.model import BillRun
from hoeksteen.billing.operations import begin_run, stop_run
from hoeksteen.kernel.identifiers import Identifiers
from hoeksteen.kernel.time_period import bill_period, local_day
from hoeksteen.party.queries import billing_accounts
from hoeksteen.product.operations import terminate
from hoeksteen.product.queries import products_held
from hoeksteen.storage import jobs

OCTOBER = bill_period(date(2026, 10, 1))
TRIAL = {"month": "2026-10", "cycle_day": "1"}


def started(browser: Browser, form: dict[str, str] | None = None) -> str:
    """Start a trial, and give where its page is."""
    answer = browser.post("/bills/trial", form or TRIAL)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def approved(world: World) -> None:
    """Let a second person approve the newest trial."""
    with world.database.transaction() as tx:
        trial = approving.latest_trial(tx=tx, period=OCTOBER)
        approving.approve_run(tx=tx, bill_run_id=trial.bill_run_id, by="fenna.prins", now=NOW)


def known(world: World) -> list[jobs.Job]:
    with world.database.transaction() as tx:
        return jobs.latest_jobs(tx=tx)


def test_a_month_from_its_trial_to_its_audit(world: World) -> None:
    world.customer(start_day=date(2026, 9, 1))
    bram = world.staff("bram.visser")
    where = started(bram)
    page = bram.get(where).text
    assert "begun by bram.visser" in page and "It waits for the worker" in page and f'hx-get="{where}/work"' in page
    assert "Stop after this batch" in page and "hx-refresh" not in bram.get(f"{where}/work", hx_request="true").headers
    do_jobs(world)
    still = bram.get(f"{where}/work", hx_request="true")
    assert still.headers["hx-refresh"] == "true" and "hx-get" not in still.text, "the page comes anew, whole"
    assert "Make these bills final" not in bram.get(where).text, "before anybody approved them"
    assert bram.post(f"{where}/final", {}).status_code == 409
    approved(world)
    assert "Make these bills final" in bram.get(where).text
    final = str(bram.post(f"{where}/final", {}).headers["location"])
    assert final != where
    do_jobs(world)
    page = bram.get(final).text
    assert "Announce these bills" in page and "Write PDF and UBL" in page and "Make these bills final" not in bram.get(where).text
    assert [bram.post(f"{final}/{what}", {}).status_code for what in ("announce", "documents", "audit")] == [303, 303, 303]
    page = bram.get(final).text
    assert page.count("waiting") >= 3 and "Announce these bills" not in page, "what is asked for is not offered again"
    do_jobs(world)
    page = bram.get(final).text
    assert "1 bill announced" in page and "2 documents written" in page and "Nothing differs, from usage to open items" in page
    assert "Announce these bills" not in page
    refused = bram.post(f"{final}/announce", {})
    assert refused.status_code == 409 and "This cannot be done so" in refused.text
    assert "Documents · 2026-10" in bram.get("/bills").text


def test_many_clicks_at_once_start_one_run(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the first of them begins it, the others are told so at once, and nobody waits for a connection."""
    world.customer(start_day=date(2026, 9, 1))
    browsers = [world.staff("bram.visser") for _ in range(10)]
    tokens, answers, all_but_one_answered = [one.csrf() for one in browsers], list[httpx.Response](), threading.Event()
    begin = begin_run

    def slowly(**given: Any) -> BillRun:
        assert all_but_one_answered.wait(30)
        return begin(**given)

    monkeypatch.setattr("hoeksteen.journeys.work.begin_run", slowly)

    def click(browser: Browser, csrf: str) -> None:
        answers.append(browser.post("/bills/trial", TRIAL, csrf=csrf))
        if len(answers) == len(browsers) - 1:
            all_but_one_answered.set()

    together = [threading.Thread(target=click, args=pair) for pair in zip(browsers, tokens, strict=True)]
    for one in together:
        one.start()
    for one in together:
        one.join()
    refused = [one for one in answers if one.status_code == 409]
    assert (len(answers), len(refused), len(known(world))) == (10, 9, 1)
    assert "Somebody else begins the run" in refused[0].text
    assert started(browsers[0]) == str(answers[-1].headers["location"]), "nor does another start a second"


def test_a_stopped_final_run_goes_on_and_a_stopped_trial_begins_anew(world: World) -> None:
    world.customer(start_day=date(2026, 9, 1))
    bram = world.staff("bram.visser")
    first = started(bram)
    assert bram.post(f"{first}/stop", {}).status_code == 303
    assert "start another one" in bram.get(first).text
    second = started(bram)
    assert second != first and bram.get(first).status_code == 404
    do_jobs(world)
    approved(world)
    final = str(bram.post(f"{second}/final", {}).headers["location"])
    with world.database.transaction() as tx:
        stop_run(tx=tx, period=OCTOBER)
    do_jobs(world)
    assert "Go on" in bram.get(final).text
    assert str(bram.post(f"{final}/final", {}).headers["location"]) == final
    do_jobs(world)
    with world.database.transaction() as tx:
        assert [(one.kind, one.state) for one in billing.runs(tx=tx) if one.kind == "final"] == [("final", "done")]
    assert bram.post(f"{final}/stop", {}).status_code == 303, "a moment too late"


@pytest.mark.parametrize(
    ("form", "status", "said"),
    [
        ({"month": "october", "cycle_day": "1"}, 422, "That is no month and cycle day"),
        ({"month": "2026-10", "cycle_day": "31"}, 422, "That is no month and cycle day"),
        ({"month": "2026-10", "cycle_day": "17"}, 409, "No billing account has bill periods that begin on day 17"),
        ({"month": "2026-10", "cycle_day": "1", "bill_date": "soon"}, 422, "bill_date is not a day"),
    ],
)
def test_what_cannot_be_is_said_and_started_by_nobody(world: World, form: dict[str, str], status: int, said: str) -> None:
    world.customer(start_day=date(2026, 9, 1))
    answer = world.staff("bram.visser").post("/bills/trial", form)
    assert (answer.status_code, said in answer.text) == (status, True)
    assert known(world) == []


def test_only_the_billing_manager_starts_and_only_from_the_page(world: World) -> None:
    world.customer(start_day=date(2026, 9, 1))
    bram, anna = world.staff("bram.visser"), world.staff("anna.dekker")
    where = started(bram)
    csrf = anna.csrf()
    for path in ("/bills/trial", *(f"{where}/{what}" for what in ("final", "stop", "announce", "documents", "audit"))):
        assert anna.post(path, TRIAL, csrf=csrf).status_code == 403
        assert bram.post(path, TRIAL, csrf="0" * 64).status_code == 403
    assert anna.get(f"{where}/work").status_code == 403
    assert len(known(world)) == 1
    with world.database.transaction() as tx:
        assert not billing.runs(tx=tx)[0].stop_asked


def test_a_job_that_failed_says_why(world: World) -> None:
    world.customer(start_day=date(2026, 9, 1))
    bram = world.staff("bram.visser")
    world.trial(date(2026, 10, 1), by="fenna.prins", now=NOW - timedelta(minutes=1))
    with world.database.transaction() as tx:
        job = jobs.put_in(tx=tx, task="audit_month", about="audit_month 2020-01", lock="x", arguments={"month": "2020-01"})
    do_jobs(world)
    page = bram.get("/bills").text
    assert "failed" in page and "audit" in page.lower()
    with world.database.transaction() as tx:
        found: Any = jobs.job(tx=tx, job_id=job.job_id)
    assert found.state == "failed" and found.problem and found.problem in page


def test_a_leaver_after_the_approval_takes_nothing_from_the_page(world: World) -> None:
    """Somebody's final bill between the approval and the final run; and stopping on a page that shows another run stops none."""
    _, leaves = world.customer(start_day=date(2026, 9, 1)), world.customer(start_day=date(2026, 9, 1))
    world.bill(date(2026, 9, 1))
    bram = world.staff("bram.visser")
    trial = started(bram)
    do_jobs(world)
    approved(world)
    with world.database.transaction() as tx:
        [account] = billing_accounts(tx=tx, customer_id=leaves.customer_id)
        for one in products_held(tx=tx, customer_id=leaves.customer_id):
            terminate(tx=tx, customer_id=leaves.customer_id, product_id=one.product_id, from_day=local_day(NOW), now=NOW)
    bill_who_leaves(
        database=world.database, keeper=world.keeper.client("bss"), lake=world.lake, billing_account_id=account.billing_account_id,
        bill_date=local_day(NOW), by="anna", now=NOW + timedelta(minutes=5), identifiers=Identifiers(Random(SEEDS.randrange(2**60))),
    )  # fmt: skip
    with world.database.transaction() as tx:
        [of_leaver] = [one for one in billing.runs_of_final_bills(tx=tx, period=OCTOBER) if one.kind == "leaving"]
        assert [one.kind for one in billing.runs(tx=tx)] == ["trial", "final"]
    assert "Make these bills final" in bram.get(trial).text
    assert ">who leaves<" not in bram.get("/bills").text
    final = str(bram.post(f"{trial}/final", {}).headers["location"])
    for page in (trial, f"/bills/runs/{of_leaver.bill_run_id}"):
        assert bram.post(f"{page}/stop", {}).status_code == 303
        assert "Stop after this batch" in bram.get(final).text, "that was another run's page"
