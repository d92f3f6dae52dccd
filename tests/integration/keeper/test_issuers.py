"""People log in at the operator's own identity provider: linked by two officers, for log-in alone, and afresh only where the operator says so."""

import signal
import time
from pathlib import Path

import httpx
import pytest

from fixtures.issuer import CLIENT, SECRET, Issuers, sign
from fixtures.keeper import RETURN_TO, RunningKeeper, new_subject
from fixtures.pages import Browser
from hoeksteen_keeper.client import KeeperInvalid, KeeperRefused, SealItem
from hoeksteen_keeper.errors import KeeperInvalid as Invalid
from hoeksteen_keeper.pages.issuers import read_issuers


def go(browser: Browser, path: str, *, name: str = "office") -> httpx.Response:
    """Follow a log-in from the button to the keeper's answer, as a browser does."""
    begun = browser.get(path)
    assert begun.status_code == 303, begun.text
    answered = httpx.get(begun.headers["location"])
    return came_back(browser, answered.headers["location"])


def came_back(browser: Browser, address: str) -> httpx.Response:
    assert address.startswith(browser.keeper.origin)
    return browser.get(address.removeprefix(browser.keeper.origin))


def to_desk(keeper: RunningKeeper, *, afresh: bool = False) -> str:
    back = f"service=desk&return_to={RETURN_TO}&state=s"
    return f"/login/issuer/office?{back}{'&afresh=1' if afresh else ''}"


def code_of(answer: httpx.Response) -> str:
    assert answer.status_code == 303 and answer.headers["location"].startswith(RETURN_TO), answer.text
    return str(httpx.URL(answer.headers["location"]).params["code"])


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
def test_somebody_linked_logs_in_at_the_keeper_and_for_a_service(linked_keeper: RunningKeeper, issuers: Issuers, algorithm: str) -> None:
    keeper, browser = linked_keeper, Browser(linked_keeper)
    issuers.tell(alg=algorithm)
    assert 'href="/login/issuer/office?' in browser.get("/login").text and "issuer/office" in browser.get("/step-up").text
    assert "issuer/other" in browser.get("/login").text and "issuer/other" not in browser.get("/step-up").text  # it proves nothing afresh
    arrived = go(browser, "/login/issuer/office")
    assert arrived.status_code == 200 and 'content="0; url=/approvals"' in arrived.text
    session = next(cookie for cookie in arrived.headers.get_list("set-cookie") if cookie.startswith("keeper_session="))
    assert "HttpOnly" in session and "samesite=strict" in session.casefold()
    assert "Anna Dekker" in browser.get("/approvals").text
    desk = keeper.client("desk").exchange(code=code_of(go(browser, to_desk(keeper))))
    assert desk.actor == "anna.dekker"
    assert '"proof":"oidc"' in keeper.sql("SELECT convert_from(body, 'UTF8') FROM evidence.entry WHERE kind = 'session' ORDER BY index DESC LIMIT 1")


def test_it_counts_as_log_in_alone_and_afresh_only_where_it_is_said(linked_keeper: RunningKeeper, issuers: Issuers) -> None:
    keeper, subject = linked_keeper, new_subject()
    keeper.client("bss").seal(purpose="migration", category="identity", items=[SealItem(subject, {"family_name": "Berg"})])

    def glass(afresh: bool) -> str:
        session = keeper.client("desk").exchange(code=code_of(go(Browser(keeper), to_desk(keeper, afresh=afresh))))
        try:
            taken = keeper.client("desk").as_actor(session.token).break_glass(
                purpose="support", categories=["identity"], subjects=[subject], reason="outage", minutes=5
            )  # fmt: skip
        except KeeperRefused as error:
            return error.reason
        return str(taken["state"])

    issuers.tell()
    assert glass(False) == glass(True) == "step_up_needed"
    issuers.tell(claims={"acr": "mfa", "auth_time": {"from_now": -3600}})
    assert glass(True) == "step_up_needed"  # strong, but an hour ago
    issuers.tell(claims={"acr": "password"})
    assert glass(True) == "step_up_needed"
    issuers.tell(claims={"acr": "mfa"})
    assert glass(True) == "running"

    issuers.tell(1, claims={"sub": "dewi-at-work", "acr": "mfa"})
    dewi = Browser(keeper)
    assert go(dewi, "/login/issuer/other").status_code == 200
    change = keeper.client("chris.smit").propose_change(
        content={"kind": "organisation", "organisation": "field-force", "name": "F", "country": "BE"}, reason="CHG"
    )
    page = dewi.get(f"/changes/{change['id']}")
    assert page.status_code == 200 and 'id="approve"' not in page.text
    assert dewi.json(f"/changes/{change['id']}/approve", digest=change["digest"], credential={}).json()["reason"] == "signature_invalid"
    assert dewi.json("/passkeys/options", ticket="made up").status_code == 403  # nor does it register a passkey


def test_an_issuer_that_is_away_keeps_nobody_from_logging_in_otherwise(linked_keeper: RunningKeeper, issuers: Issuers) -> None:
    keeper, browser = linked_keeper, Browser(linked_keeper)
    away = browser.get(f"/login/issuer/away?service=desk&return_to={RETURN_TO}&state=s")
    assert away.status_code == 503 and "cannot be reached" in away.text and 'name="password"' in away.text and RETURN_TO in away.text
    issuers.tell()
    begun = httpx.get(browser.get("/login/issuer/office").headers["location"]).headers["location"]
    issuers.process.send_signal(signal.SIGSTOP)
    try:
        browser.http.timeout = 30
        started = time.monotonic()
        answer = came_back(browser, begun)
        assert answer.status_code == 503 and "cannot be reached" in answer.text and time.monotonic() - started < 15
        assert keeper.session("bram.visser", fresh=True).actor == "bram.visser"
    finally:
        issuers.process.send_signal(signal.SIGCONT)
    secret = keeper.home / "issuer-secret"
    secret.chmod(0o644)  # others can read it: it is not used
    assert go(browser, "/login/issuer/office").status_code == 503
    secret.chmod(0o600)
    assert go(browser, "/login/issuer/office").status_code == 200
    assert "issuer_unreachable" in (keeper.folder / "keeper.log").read_text("utf-8")
    assert SECRET not in (keeper.folder / "keeper.log").read_text("utf-8")


def test_nobody_is_made_an_actor_and_a_link_is_taken_back(linked_keeper: RunningKeeper, issuers: Issuers) -> None:
    keeper, browser = linked_keeper, Browser(linked_keeper)
    issuers.tell(claims={"sub": "somebody-else"})
    refused = go(browser, "/login/issuer/office")
    assert refused.status_code == 403 and "linked to nobody" in refused.text
    assert keeper.sql("SELECT count(*) FROM access.actor WHERE actor LIKE '%somebody%'").strip() == "0"
    mine = {"actor": "bram.visser", "issuer": issuers.url(), "subject": "bram-at-work"}
    sign(keeper, {"kind": "issuer_link", **mine})
    with pytest.raises(KeeperInvalid, match="change_invalid"):  # one name there is one actor here
        keeper.client("chris.smit").propose_change(content={"kind": "issuer_link", **mine, "actor": "emma.bakker"}, reason="CHG")
    issuers.tell(claims={"sub": "bram-at-work"})
    assert go(browser, "/login/issuer/office").status_code == 200
    issuers.tell(1, claims={"sub": "bram-at-work"})
    assert go(Browser(keeper), "/login/issuer/other").status_code == 403  # the same name at another issuer is somebody else
    content = {"kind": "issuer_link", **mine, "actor": "dewi.hoekstra", "subject": "dewi-at-home"}
    own = keeper.client("dewi.hoekstra").propose_change(content=content, reason="CHG")
    with pytest.raises(KeeperRefused, match="own_change"):
        keeper.client("dewi.hoekstra").approve_change(change=own["id"], digest=own["digest"])
    assert "dewi-at-home" in Browser(keeper).log_in("chris.smit").get(f"/changes/{own['id']}").text
    sign(keeper, {"kind": "issuer_unlink", **mine})
    assert go(browser, "/login/issuer/office").status_code == 403


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[issuer]]\nname = 1", "name"),
        ("issuers = 1", "issuer"),
        ("[[issuer", "issuers.toml"),
        ('[[issuer]]\nname = "a"\nissuer = "http://id.example"\nclient_id = "c"\nclient_secret_file = "f"', "https://"),
        ('[[issuer]]\nname = "a"\nissuer = "http://127.0.0.1.evil.example"\nclient_id = "c"\nclient_secret_file = "f"', "https://"),
        ('[[issuer]]\nname = "a"\nissuer = "https://a"\nclient_id = "c"\nclient_secret_file = "f"\n' * 2, "twice"),
        ('[[issuer]]\nname = "a/b"\nissuer = "https://a"\nclient_id = "c"\nclient_secret_file = "f"', "name"),
        ('[[issuer]]\nname = "a"\nissuer = "https://a"\nclient_id = "c"\nclient_secret_file = "f"\nclient_secret = "s"', "client_secret"),
    ],
)
def test_a_file_that_names_no_issuers(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "issuers.toml").write_text(text)
    with pytest.raises(Invalid, match=f"issuers_invalid.*{said}"):
        read_issuers(tmp_path)
    (tmp_path / "issuers.toml").unlink()
    assert read_issuers(tmp_path) == [] and CLIENT
