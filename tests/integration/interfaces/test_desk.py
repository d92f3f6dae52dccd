"""The desk's pages on a real database and a real keeper: what they show, what they refuse, and exactly how many statements they cost."""

import re
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from fixtures.sites import NOW, Browser, World
from hoeksteen.billing import queries as billing
from hoeksteen.care import queries as care
from hoeksteen.interfaces.desk.usage import RECORDS_SHOWN_MAX
from hoeksteen.rating import queries as rating
from hoeksteen.rating.model import RatedRecord

ON_THE_LINE = {"channel": "phone"}


def opened(world: World, agent: Browser, customer_number: str) -> str:
    """Find a customer by number and give the address of their page."""
    found = agent.post("/search", {"q": customer_number, **ON_THE_LINE})
    assert found.status_code == 303, found.text
    return found.headers["location"]


# --- log-in


def test_nobody_sees_a_page_without_a_log_in(world: World) -> None:
    stranger = world.browser("desk")
    for path in ("/", "/bills", "/evidence", "/customers/01890000-0000-7000-8000-000000000000"):
        answer = stranger.get(path)
        assert (answer.status_code, answer.headers["location"]) == (303, f"/login?next={path}")
    assert stranger.get("/", hx_request="true").headers["hx-redirect"] == "/login?next=/"


def test_log_in_leads_to_the_keepers_own_origin_and_back(world: World) -> None:
    stranger = world.browser("desk")
    to_keeper = stranger.get("/login?next=/bills")
    assert to_keeper.headers["location"].startswith(f"{world.keeper.origin}/login?service=desk&return_to=")
    state = re.search(r"state=([\w-]+)", to_keeper.headers["location"])
    assert state
    code = world.keeper.log_in("emma.bakker")
    back = stranger.get(f"/login/back?code={code}&state={state[1]}")
    assert (back.status_code, back.headers["location"]) == (303, "/bills")
    cookie = next(value for value in back.headers.get_list("set-cookie") if value.startswith("desk_session"))
    assert "HttpOnly" in cookie
    assert "samesite=lax" in cookie.lower()
    assert stranger.get("/").status_code == 200


def test_a_log_in_that_another_browser_started_is_refused(world: World) -> None:
    code = world.keeper.log_in("w.lim")
    victim = world.browser("desk")
    assert victim.get(f"/login/back?code={code}&state=guessed").status_code == 400
    assert "desk_session" not in victim.jar


@pytest.mark.parametrize("elsewhere", ["//evil.example", "https://evil.example", "/\\evil.example", "/login"])
def test_log_in_never_leads_elsewhere(world: World, elsewhere: str) -> None:
    stranger = world.browser("desk")
    stranger.get(f"/login?next={elsewhere}")
    assert stranger.jar["login_state"].strip('"').endswith("~/")


def test_a_log_out_ends_the_session_at_the_keeper_too(world: World) -> None:
    session = world.keeper.client("desk").exchange(code=world.keeper.log_in("chris.smit"))
    officer = Browser(world.hosts, "desk", {"desk_session": session.token})
    kept = dict(officer.jar)
    gone = officer.post("/logout")
    assert gone.headers["location"] == "/goodbye"
    assert "max-age=0" in gone.headers["set-cookie"].lower()
    assert "logged out" in officer.get("/goodbye").text
    assert Browser(world.hosts, "desk", kept).get("/").status_code == 303


# --- forged changes


def test_a_change_that_no_page_of_ours_made_is_refused(world: World) -> None:
    agent = world.staff("anna.dekker")
    form = {"q": "10000001", **ON_THE_LINE}
    assert agent.post("/search", form, csrf="").status_code == 403
    assert agent.post("/search", form, csrf="0" * 64).status_code == 403
    assert agent.post("/search", form, origin="http://evil.example").status_code == 403


# --- finding


@pytest.mark.parametrize("index", ["phone", "email", "name and postcode", "name and birth date", "number"])
def test_a_caller_is_found_by_what_they_say(world: World, index: str) -> None:
    customer = world.customer(surname="Kwikstaart" + index.replace(" ", ""), number="31687654321" if index == "phone" else "31687654322")
    said = {
        "phone": "06-87654321",
        "email": f"kwikstaart{index.replace(' ', '')}@voorbeeld.nl",
        "name and postcode": "van den Kwikstaartnameandpostcode 3511 AW",
        "name and birth date": "Kwikstaartnameandbirthdate 17-6-1984",
        "number": customer.customer_number,
    }[index]
    agent = world.staff("anna.dekker")
    found = agent.post("/search", {"q": said, **ON_THE_LINE}, hx_request="true")
    assert found.headers["hx-redirect"] == f"/customers/{customer.customer_id}"
    with world.database.transaction() as tx:
        interaction = care.open_interaction(tx=tx, customer_id=customer.customer_id, actor="anna.dekker", now=NOW)
    assert interaction is not None


def test_several_who_fit_are_told_apart(world: World) -> None:
    world.customer(surname="Tweelingx", number="31611110001")
    world.customer(surname="Tweelingx", number="31611110002")
    agent = world.staff("anna.dekker")
    found = agent.post("/search", {"q": "Tweelingx 3511AW", **ON_THE_LINE}, hx_request="true")
    assert found.status_code == 200
    assert found.text.count("Johanna van den Tweelingx") == 2
    assert "17 Jun 1984" in found.text
    assert "<html" not in found.text


def test_a_search_needs_a_reason_and_something_to_search_for(world: World) -> None:
    agent = world.staff("anna.dekker")
    assert "Name the ticket" in agent.post("/search", {"q": "10000001"}).text
    wrong = agent.post("/search", {"q": "Jansen", **ON_THE_LINE})
    assert wrong.status_code == 422
    assert "surname with a postcode" in wrong.text
    assert "Jansen" not in wrong.text
    assert "Nobody fits" in agent.post("/search", {"q": "0699999999", **ON_THE_LINE}).text


def test_only_those_whose_work_it_is_may_search(world: World) -> None:
    assert world.staff("dewi.hoekstra").post("/search", {"q": "10000001", **ON_THE_LINE}).status_code == 403


# --- the customer's page


def test_a_reason_comes_first(world: World) -> None:
    customer = world.customer()
    agent = world.staff("anna.dekker")
    page = agent.get(f"/customers/{customer.customer_id}")
    assert "Why do you look" in page.text
    assert "Johanna" not in page.text
    agent.post(f"/customers/{customer.customer_id}/interactions", {"channel": "ticket", "ticket": "CARE-12"})
    assert "Johanna" in agent.get(f"/customers/{customer.customer_id}").text
    world.clock.instant = NOW + timedelta(minutes=31)
    assert "Why do you look" in agent.get(f"/customers/{customer.customer_id}").text


def test_the_page_shows_everything_at_once(world: World) -> None:
    customer = world.customer(surname="Alleskunner", number="31655554444")
    agent = world.staff("anna.dekker")
    page = agent.get(opened(world, agent, customer.customer_number)).text
    personal = ["Johanna van den Alleskunner", "17 Jun 1984", "Oudegracht 112 bis", "3511 AW Utrecht", "alleskunner@voorbeeld.nl"]
    numbers = ["+31 6 55554444", "+31 30 234 5678", "••••4300"]
    for shown in [*personal, *numbers, "Mobile M", "Internet 500", "€20.00 a month", "Customer on the line", "New customer"]:
        assert shown in page, shown
    assert "NL91" not in page


def test_the_page_costs_this_many_statements(world: World) -> None:
    customer = world.customer()
    agent = world.staff("anna.dekker")
    where = opened(world, agent, customer.customer_number)
    with world.counting() as statements:
        assert agent.get(where).status_code == 200
    assert len(statements) == 22, statements


def test_somebody_elses_reason_does_not_open_the_page(world: World) -> None:
    customer = world.customer()
    opened(world, world.staff("anna.dekker"), customer.customer_number)
    page = world.staff("bram.visser").get(f"/customers/{customer.customer_id}").text
    assert "Customer on the line" not in page.partition('aria-labelledby="talked"')[0]


def test_who_looked_names_the_agent_and_the_reason(world: World) -> None:
    customer = world.customer()
    agent = world.staff("anna.dekker")
    where = opened(world, agent, customer.customer_number)
    agent.get(where)
    looked = agent.get(f"{where}/looked", hx_request="true").text
    assert "Anna Dekker" in looked
    assert "name and birth date" in looked
    assert "<html" not in looked


def test_a_note_is_kept_and_shown(world: World) -> None:
    customer = world.customer()
    agent = world.staff("anna.dekker")
    where = opened(world, agent, customer.customer_number)
    agent.post(f"{where}/notes", {"text": "Belt liever na 17 uur <b>"})
    page = agent.get(where).text
    assert "Belt liever na 17 uur &lt;b&gt;" in page


def test_a_page_of_nobody_is_not_found(world: World) -> None:
    missing = world.staff("anna.dekker").get("/customers/01890000-0000-7000-8000-000000000000")
    assert missing.status_code == 404
    assert "Page not found" in missing.text


# --- changing


def mobile(page: str, kind: str) -> str:
    """Give the address of a change of the mobile product."""
    article = next(part for part in page.split("<article")[1:] if "Mobile" in part)
    found = re.search(rf'href="(/customers/[^"]+/{kind})"', article)
    assert found, f"no {kind}"
    return found[1]


def test_a_plan_changes_after_its_effect_was_shown(world: World) -> None:
    customer = world.customer()
    agent = world.staff("anna.dekker")
    where = opened(world, agent, customer.customer_number)
    change = mobile(agent.get(where).text, "change_plan")
    form = agent.get(change).text
    assert [plan in form for plan in ("Mobile S", "Mobile L", "Internet 100")] == [True, True, False]
    choice = (
        {"product_offering_id": "mobile-l", "from_day": "2026-12-01"}
        if "mobile-l" in form
        else {"product_offering_id": "internet-1000", "from_day": "2026-12-01"}
    )
    effect = agent.post(f"{change}/effect", choice, hx_request="true")
    assert effect.status_code == 200
    assert "€15.00 more" in effect.text
    assert "planned" not in agent.get(where).text
    done = agent.post(change, choice)
    assert (done.status_code, done.headers["location"]) == (303, f"{where}?done=change_plan")
    page = agent.get(done.headers["location"]).text
    assert "Change plan: done" in re.sub(r"\s+", " ", page)
    assert "Mobile L from 1 Dec 2026" in re.sub(r"\s+", " ", page)


@pytest.mark.parametrize(
    ("choice", "said"),
    [
        ({"from_day": "2026-11-24", "product_offering_id": "mobile-l"}, "has passed"),
        ({"from_day": "", "product_offering_id": "mobile-l"}, "is not a day"),
        ({"from_day": "2026-12-01", "product_offering_id": "mobile-m"}, "It is so already"),
        ({"from_day": "2026-12-01", "product_offering_id": "tv-plus"}, "cannot be done"),
    ],
)
def test_a_change_that_cannot_be_is_said_in_its_place(world: World, choice: dict[str, str], said: str) -> None:
    customer = world.customer()
    agent = world.staff("anna.dekker")
    where = opened(world, agent, customer.customer_number)
    change = mobile(agent.get(where).text, "change_plan")
    refused = agent.post(f"{change}/effect", choice, hx_request="true")
    assert refused.status_code == 422
    assert said in refused.text
    assert "<html" not in refused.text


def test_only_care_changes_what_a_customer_has(world: World) -> None:
    customer = world.customer()
    agent, manager = world.staff("anna.dekker"), world.staff("bram.visser")
    change = mobile(agent.get(opened(world, agent, customer.customer_number)).text, "suspend")
    assert "change_plan" not in manager.get(f"/customers/{customer.customer_id}").text
    assert manager.post(change, {"from_day": "2026-12-01"}).status_code == 403


# --- usage, bills, evidence


def test_usage_shows_the_allowance(world: World) -> None:
    customer = world.customer()
    agent = world.staff("anna.dekker")
    part = agent.get(f"{opened(world, agent, customer.customer_number)}/usage", hx_request="true").text
    assert "100 min" in part
    assert "Nothing was used" in part


def test_usage_names_single_records_by_what_an_explanation_takes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    customer = world.customer()
    start = datetime(2026, 11, 3, 11, 5, tzinfo=UTC)
    some = [
        RatedRecord(UUID(int=n), UUID(int=1), start, "voice", "NL", "HOME", "rated", "priced", "p", date(2026, 11, 1), 75, 75, 0, 1_250_000)
        for n in range(1, RECORDS_SHOWN_MAX + 2)
    ]
    monkeypatch.setattr(rating, "records_of", lambda **_: some)
    agent = world.staff("anna.dekker")
    part = agent.get(f"{opened(world, agent, customer.customer_number)}/usage", hx_request="true").text
    assert f"<code>{UUID(int=1)}</code>" in part and "1:15 min" in part and "12:05" in part and "€1.25" in part
    assert f"The first {RECORDS_SHOWN_MAX} of {RECORDS_SHOWN_MAX + 1}." in part and str(UUID(int=RECORDS_SHOWN_MAX + 1)) not in part


def test_usage_shows_what_was_used_so_far_and_where_roaming_stopped(world: World) -> None:
    customer = world.customer()
    world.count_so_far(customer.customer_id)
    agent = world.staff("anna.dekker")
    part = agent.get(f"{opened(world, agent, customer.customer_number)}/usage", hx_request="true").text
    assert "So far in November 2026" in part
    assert "80 %</progress>" in part
    assert "€60.50" in part
    assert "Mobile data abroad has stopped" in part


def test_bills_are_shown_line_by_line_and_as_pdf(world: World) -> None:
    customer = world.customer(start_day=date(2026, 9, 1))
    world.bill(date(2026, 9, 1), date(2026, 10, 1))
    agent = world.staff("anna.dekker")
    where = opened(world, agent, customer.customer_number)
    page = agent.get(where).text
    assert "€207.00" in page  # two months in the first bill, one in the second, 69.00 each
    bill = re.search(r'href="(/customers/[^"]+/bills/[^"/]+)"', page)
    assert bill
    lines = agent.get(bill[1]).text
    assert "Internet 500" in lines
    assert "To pay" in lines
    pdf = agent.get(f"{bill[1]}/pdf")
    assert pdf.content.startswith(b"%PDF")
    assert re.fullmatch(r'attachment; filename="LLT-2026-\d{8}\.pdf"', pdf.headers["content-disposition"])
    for path in ("/bills", "/"):
        assert "October 2026" in world.staff("bram.visser").get(path).text


def test_a_bill_needs_a_reason_too(world: World) -> None:
    customer = world.customer(start_day=date(2026, 10, 1))
    world.bill(date(2026, 10, 1))
    with world.database.transaction() as tx:
        [bill] = billing.bills_of(tx=tx, customer_id=customer.customer_id)
    where = f"/customers/{customer.customer_id}/bills/{bill.customer_bill_id}"
    agent = world.staff("anna.dekker")
    assert "Why do you look" in agent.get(where).text
    assert agent.get(f"{where}/pdf").status_code == 403


@pytest.mark.parametrize(("path", "statements"), [("/", 0), ("/evidence", 0), ("/bills", 7)])
def test_the_first_pages_cost_this_many_statements(world: World, path: str, statements: int) -> None:
    who = {"/": "anna.dekker", "/evidence": "dewi.hoekstra", "/bills": "bram.visser"}[path]
    browser = world.staff(who)
    with world.counting() as counted:
        assert browser.get(path).status_code == 200
    assert len(counted) == statements, counted


def test_parts_and_changes_cost_this_many_statements(world: World) -> None:
    customer = world.customer()
    agent = world.staff("anna.dekker")
    where = opened(world, agent, customer.customer_number)
    change = mobile(agent.get(where).text, "change_plan")
    choice = {"product_offering_id": "mobile-l", "from_day": "2026-12-01", "csrf": agent.csrf()}
    counts = {}
    for name, ask in {
        "usage": lambda: agent.get(f"{where}/usage", hx_request="true"),
        "looked": lambda: agent.get(f"{where}/looked", hx_request="true"),
        "change": lambda: agent.get(change),
        "effect": lambda: agent.post(f"{change}/effect", choice, csrf=choice["csrf"], hx_request="true"),
    }.items():
        with world.counting() as counted:
            assert ask().status_code == 200
        counts[name] = len(counted)
    assert counts == {"usage": 9, "looked": 1, "change": 10, "effect": 41}


def test_bill_runs_are_the_billing_managers(world: World) -> None:
    assert "No bills were run yet" in world.staff("bram.visser").get("/bills").text
    assert world.staff("anna.dekker").get("/bills").status_code == 403


def test_a_second_billing_manager_approves_a_trial(world: World) -> None:
    world.customer()
    trials = [world.trial(date(2026, 11, 1), by=by, now=NOW + timedelta(minutes=n)) for n, by in enumerate(("bram.visser", "somebody"))]
    bram = world.staff("bram.visser")
    listed = bram.get("/bills").text
    assert all(f"/bills/runs/{trial.bill_run_id}" in listed for trial in trials)
    own, others = (f"/bills/runs/{trial.bill_run_id}" for trial in trials)
    assert "Somebody other than who began it can approve it" in bram.get(own).text
    refused = bram.post(f"{own}/approve", {})
    assert (refused.status_code, "You began it yourself" in refused.text) == (409, True)
    page = bram.get(others).text
    assert "Approve these bills" in page and "begun by somebody" in page and "Against the trial of" in page
    assert bram.post(f"{others}/approve", {}).status_code == 303
    approved = bram.get(others).text
    assert "Approved by bram.visser" in approved and "Approve these bills" not in approved
    assert "It is approved already" in bram.post(f"{others}/approve", {}).text
    assert world.staff("anna.dekker").get(others).status_code == 403
    assert bram.get("/bills/runs/00000000-0000-0000-0000-000000000000").status_code == 404


def test_the_privacy_officer_asks_about_any_moment(world: World) -> None:
    customer = world.customer()
    agent, officer = world.staff("anna.dekker"), world.staff("dewi.hoekstra")
    agent.get(opened(world, agent, customer.customer_number))
    # the keeper's own clock stamps the look, and the desk's stands still here: so a moment that is later by either
    chosen = officer.post("/evidence", {"customer_number": customer.customer_number, "at": "2099-12-31T12:00"})
    page = officer.get(chosen.headers["location"])
    assert page.status_code == 200
    assert page.text.count("Anna Dekker") >= 2
    assert "Johanna" not in page.text
    assert world.staff("anna.dekker").get("/evidence").status_code == 403


def test_an_unknown_number_is_said_on_the_form(world: World) -> None:
    answer = world.staff("dewi.hoekstra").post("/evidence", {"customer_number": "99999999"})
    assert answer.status_code == 422
    assert "No customer has this number" in answer.text


def test_the_separate_verifier_checks_the_proof(world: World) -> None:
    customer = world.customer()
    officer = world.staff("dewi.hoekstra")
    answer = officer.post(f"/evidence/{customer.customer_id}/proof", hx_request="true")
    assert "The proof holds" in answer.text
    assert "unwitnessed" in answer.text
    bundle = officer.get(f"/evidence/{customer.customer_id}/bundle")
    assert bundle.headers["content-disposition"] == f'attachment; filename="evidence-{customer.customer_number}.bundle"'
    assert len(bundle.content) > 1_000


# --- language


def test_the_language_is_chosen_and_kept(world: World) -> None:
    agent = world.staff("anna.dekker")
    assert "Find a customer" in agent.get("/").text
    assert agent.post("/language", {"language": "nl", "next": "/"}).headers["location"] == "/"
    assert "Klant zoeken" in agent.get("/").text


def test_no_address_and_no_log_holds_what_was_typed(world: World, caplog: pytest.LogCaptureFixture) -> None:
    customer = world.customer(surname="Geheimenaam")
    agent = world.staff("anna.dekker")
    found = agent.post("/search", {"q": "van den Geheimenaam 3511AW", **ON_THE_LINE})
    assert "Geheimenaam" not in str(found.headers)
    assert str(customer.customer_id) in found.headers["location"]
    assert "Geheimenaam" not in caplog.text


def test_whoever_has_no_pages_here_is_led_to_the_keeper(world: World) -> None:
    page = world.staff("m.tan").get("/").text
    assert "hoeksteen-keeper grant request" in page
    assert re.search(r'href="http://keeper\.localhost:\d+/approvals"', page)
