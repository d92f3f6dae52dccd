"""Sessions: shared, stolen, replayed and forged; and the kill switch."""

import secrets
import threading
import time
from datetime import datetime, timedelta

import msgspec
import pytest

from fixtures.keeper import PASSWORD, RETURN_TO, RunningKeeper, new_subject, new_totp_secret
from hoeksteen_keeper._link import UnixConnection
from hoeksteen_keeper.client import KeeperClient, KeeperInvalid, KeeperRefused, KeeperUnavailable, SealItem, assertion, load_key
from hoeksteen_keeper.service.clock import now


def raw(keeper: RunningKeeper, path: str, body: object, **headers: str) -> tuple[int, dict[str, str]]:
    connection = UnixConnection(keeper.socket_path)
    connection.request("POST", f"/v1/{path}", msgspec.msgpack.encode(body), headers)
    answer = connection.getresponse()
    parsed = answer.status, msgspec.msgpack.decode(answer.read())
    connection.close()
    return parsed


def proof(keeper: RunningKeeper, actor: str, *, signed_by: str | None = None, at: datetime | None = None, nonce: str = "") -> dict[str, object]:
    stated, fresh = (at or now()).isoformat(), nonce or secrets.token_hex(16)
    return {
        "actor": actor,
        "time": stated,
        "nonce": fresh,
        "signature": load_key(keeper.key(signed_by or actor)).sign(assertion(actor, stated, fresh)),
    }


def test_a_token_is_of_use_only_to_the_service_it_was_issued_to(keeper: RunningKeeper) -> None:
    token = keeper.session("anna.dekker", "desk").token
    for service in ("mydata", "api", "bss"):
        with pytest.raises(KeeperRefused, match="token_not_yours"):
            keeper.client(service).as_actor(token).grants()
        with pytest.raises(KeeperRefused, match="token_not_yours"):
            keeper.client(service).session(token)
    with pytest.raises(KeeperRefused, match="token_not_yours"):
        keeper.client("chris.smit").as_actor(token).grants()
    assert raw(keeper, "grants/list", {}, Authorization=f"Bearer {token}")[1]["reason"] == "token_not_yours"


def test_a_code_counts_once_and_for_its_own_service(keeper: RunningKeeper) -> None:
    code = keeper.log_in("anna.dekker", "desk")
    with pytest.raises(KeeperRefused, match="code_invalid"):
        keeper.client("mydata").exchange(code=code)
    with pytest.raises(KeeperRefused, match="code_invalid"):  # the wrong service used it up
        keeper.client("desk").exchange(code=code)
    code = keeper.log_in("anna.dekker", "desk")
    assert keeper.client("desk").exchange(code=code).actor == "anna.dekker"
    with pytest.raises(KeeperRefused, match="code_invalid"):
        keeper.client("desk").exchange(code=code)
    with pytest.raises(KeeperRefused, match="no_permission"):
        keeper.client("chris.smit").exchange(code="whatever")


def test_an_assertion_that_is_replayed_old_forged_or_for_somebody_else(keeper: RunningKeeper) -> None:
    good = proof(keeper, "desk")
    assert raw(keeper, "token", good)[0] == 200
    moment = now()
    for bad in (
        good,
        proof(keeper, "desk", at=moment - timedelta(minutes=2)),
        proof(keeper, "desk", at=moment + timedelta(minutes=2)),
        proof(keeper, "desk", signed_by="mydata"),
        {**proof(keeper, "desk"), "actor": "bss"},
        {**proof(keeper, "desk"), "nonce": "short"},
        {**proof(keeper, "desk"), "time": "yesterday"},
        {**proof(keeper, "desk"), "signature": bytes(64)},
        {**proof(keeper, "desk"), "actor": "nobody"},
    ):
        status, answer = raw(keeper, "token", bad)
        assert (status, answer["reason"]) == (403, "assertion_invalid")


def test_nonsense_on_the_socket(keeper: RunningKeeper) -> None:
    token = raw(keeper, "token", proof(keeper, "desk"))[1]["token"]
    authorised = {"Authorization": f"Bearer {token}"}
    assert raw(keeper, "grants/list", {}, Authorization="Bearer nonsense")[0] == 401
    assert raw(keeper, "grants/list", {})[0] == 401
    assert raw(keeper, "no/such/call", {}, **authorised)[1]["reason"] == "unknown_call"
    for path, body in (
        ("reveal", {}),
        ("reveal", []),
        ("reveal", 7),
        ("grants/list", {"state": 3}),
        ("seal", {"purpose": "x" * 10_000}),
        ("grants/list", {"more": 1}),
        ("did-see", {"actor": "anna\0"}),
        ("did-see", {"organisation": "\0"}),
        ("did-see", {"actor": "anna", "since": datetime(2026, 1, 1)}),  # noqa: DTZ001 the naive instant is what is refused
        ("kill", {"scope": "actor", "target": "\0", "reason": "r"}),
        ("actors/confirm", {"actor": "\0"}),
    ):
        assert raw(keeper, path, body, **authorised)[1]["reason"] == "body_invalid"
    assert raw(keeper, "grants/show", {"grant": "'; DROP TABLE"}, **authorised)[1]["reason"] == "unknown_grant"
    officer = {"Authorization": f"Bearer {raw(keeper, 'token', proof(keeper, 'dewi.hoekstra'))[1]['token']}"}
    instants = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00")
    first, last = (raw(keeper, "could-see", {"actor": "anna.dekker", "at": instant}, **officer) for instant in instants)
    assert first[1]["reason"] == "value_invalid" and last[0] == 200  # what has not been yet is asked of now


def test_a_logged_out_token(keeper: RunningKeeper) -> None:
    session = keeper.session("bram.visser", "desk", fresh=True)
    desk = keeper.client("desk")
    assert desk.session(session.token).roles == ("billing_manager",)
    desk.logout(session.token)
    desk.logout(session.token)
    with pytest.raises(KeeperRefused, match="token_expired"):
        desk.session(session.token)
    keeper._sessions.pop(("bram.visser", "desk"))


def test_guessing_a_password_locks_out(keeper: RunningKeeper) -> None:
    keeper.add_customer("guessed", new_subject())
    right = keeper.totp("guessed")
    for _ in range(5):
        with pytest.raises(AssertionError, match="klopt niet|is wrong"):
            keeper.log_in("guessed", "mydata", password="a wrong password", code=right)
    with pytest.raises(AssertionError, match="klopt niet|is wrong"):  # the right one too, and nothing says that the name exists
        keeper.log_in("guessed", "mydata", code=right)
    keeper.sql("UPDATE access.actor SET locked_until = now() - interval '1 s' WHERE actor = 'guessed'")
    assert keeper.log_in("guessed", "mydata", code=right)
    with pytest.raises(AssertionError, match="klopt niet|is wrong"):  # a code counts once
        keeper.log_in("guessed", "mydata", code=right)


def test_one_officer_alone_gives_nobody_a_log_in(keeper: RunningKeeper) -> None:
    subject, chris, dewi = new_subject(), keeper.client("chris.smit"), keeper.client("dewi.hoekstra")
    keeper.totp_secrets["accomplice"] = new_totp_secret()
    shared = {"subject": subject, "password": PASSWORD, "totp_secret": keeper.totp_secrets["accomplice"]}
    chris.add_data_subject(actor="accomplice", name="accomplice", **shared)
    with pytest.raises(AssertionError, match="wacht nog op bevestiging"):
        keeper.log_in("accomplice", "mydata")
    assert "accomplice" not in {row["actor"] for row in dewi.could_see(subject=subject)["actors"]}
    for actor, reason in (("chris.smit", "same_person"), ("anna.dekker", "no_permission"), ("m.tan", "no_permission")):
        with pytest.raises(KeeperRefused, match=reason):
            keeper.client(actor).confirm_actor(actor="accomplice")
    dewi.confirm_actor(actor="accomplice")
    assert keeper.log_in("accomplice", "mydata")
    assert "accomplice" in {row["actor"] for row in dewi.could_see(subject=subject)["actors"]}
    with pytest.raises(KeeperInvalid, match="unknown_actor"):
        dewi.confirm_actor(actor="accomplice")
    told = [(entry["actor"], entry["action"], entry["outcome"]) for entry in dewi.did_see(subject=subject)]
    for step in (
        ("chris.smit", "request_log_in", "allowed"),
        ("chris.smit", "confirm_log_in", "refused"),
        ("dewi.hoekstra", "confirm_log_in", "allowed"),
    ):
        assert step in told, "the customer whose data it opens is told"


def test_a_second_log_in_of_a_person_ends_the_first(keeper: RunningKeeper) -> None:
    subject, dewi = new_subject(), keeper.client("dewi.hoekstra")
    keeper.add_customer("first-phone", subject)
    session = keeper.session("first-phone", "mydata")
    keeper.client("chris.smit").add_data_subject(
        actor="second-phone", name="second-phone", subject=subject, password=PASSWORD, totp_secret=new_totp_secret()
    )
    assert keeper.client("mydata").session(session.token), "what was only asked for ends nothing"
    dewi.confirm_actor(actor="second-phone")
    with pytest.raises(KeeperRefused, match="actor_blocked"):
        keeper.client("mydata").session(session.token)
    could = {row["actor"] for row in dewi.could_see(subject=subject)["actors"]}
    assert could & {"first-phone", "second-phone"} == {"second-phone"}
    with pytest.raises(KeeperInvalid, match="actor_exists"):  # a name is one log-in's for ever
        keeper.client("chris.smit").add_data_subject(
            actor="first-phone", name="first-phone", subject=subject, password=PASSWORD, totp_secret=new_totp_secret()
        )


def refusals(keeper: RunningKeeper, actor: str) -> list[tuple[str, str, int]]:
    """What the log holds about log-ins that were refused to somebody: action, reason and how often."""
    found = keeper.sql(
        "SELECT body->>'action' || ' ' || (body->'detail'->>'reason') || ' ' || (body->'detail'->>'count') "
        "FROM (SELECT index, convert_from(body, 'UTF8')::jsonb AS body FROM evidence.entry WHERE kind = 'session') AS told "
        f"WHERE body->>'outcome' = 'refused' AND body->>'actor' = '{actor}' ORDER BY index"
    )
    return [(action, reason, int(count)) for action, reason, count in (line.split() for line in found.splitlines())]


def test_refused_log_ins_stand_in_the_log_and_cannot_fill_it(own_keeper: RunningKeeper) -> None:
    keeper = own_keeper
    keeper.add_customer("guessed", new_subject())
    for name in ("guessed", "my-own-password"):
        keeper.totp_secrets.setdefault(name, new_totp_secret())
        for _ in range(3):
            with pytest.raises(AssertionError, match="klopt niet|is wrong"):
                keeper.log_in(name, "mydata", password="a wrong password")
    code = keeper.log_in("anna.dekker", "desk")
    with pytest.raises(KeeperRefused, match="code_invalid"):
        keeper.client("mydata").exchange(code=code)
    with pytest.raises(KeeperRefused, match="no_permission"):
        keeper.client("m.tan").exchange(code=code)
    keeper.client("chris.smit").kill(scope="actor", target="bram.visser", reason="test")
    with pytest.raises(AssertionError, match="stopgezet|stopped"):
        keeper.log_in("bram.visser")
    assert refusals(keeper, "guessed")[0] == ("log_in", "login_failed", 1), "the first at once, the others counted together"
    assert refusals(keeper, "")[0] == ("log_in", "login_failed", 1) and not refusals(keeper, "my-own-password")
    assert refusals(keeper, "anna.dekker") == [("exchange", "code_invalid", 1)]
    assert refusals(keeper, "m.tan") == [("exchange", "no_permission", 1)]
    assert refusals(keeper, "bram.visser") == [("log_in", "actor_blocked", 1)]
    deadline = time.monotonic() + 30
    while len(refusals(keeper, "guessed")) < 2:
        assert time.monotonic() < deadline
        time.sleep(0.5)
    assert refusals(keeper, "guessed")[1] == ("log_in", "login_failed", 2)


def test_an_unknown_name_is_answered_as_a_wrong_password(keeper: RunningKeeper) -> None:
    for actor in ("nobody", "desk"):
        keeper.totp_secrets.setdefault(actor, new_totp_secret())
        with pytest.raises(AssertionError, match="klopt niet|is wrong"):
            keeper.log_in(actor, "desk")


def test_a_password_alone_never_approves(keeper: RunningKeeper) -> None:
    """Log-in gives a token; an approval needs a signature, and a passkey needs the proof of a key."""
    grant = keeper.client("m.tan").request_grant(purpose="support", categories=["identity"], subjects=[new_subject()], ticket="T", minutes=5)
    chris = keeper.as_person("chris.smit", "desk")
    for signature in (b"", bytes(64), PASSWORD.encode()):
        with pytest.raises(KeeperRefused, match="signature_invalid"):
            chris._call("grants/approve", {"grant": grant["id"], "digest": bytes.fromhex(grant["digest"]), "signature": signature})
    with pytest.raises(KeeperRefused, match="no_permission"):
        chris.passkey_ticket()


class TestKillSwitch:
    """One keeper, stopped piece by piece."""

    def test_sessions_actors_and_organisations_stop_at_the_next_request(self, own_keeper: RunningKeeper) -> None:
        keeper, chris = own_keeper, own_keeper.client("chris.smit")
        subject = new_subject()
        (blob,) = keeper.client("bss").seal(purpose="migration", category="identity", items=[SealItem(subject, {"family_name": "Jansen"})])
        grant = keeper.client("m.tan").request_grant(purpose="support", categories=["identity"], subjects=[subject], ticket="T", minutes=5)
        keeper.approve(grant["id"])
        anna, tan = keeper.as_person("anna.dekker"), keeper.client("m.tan")

        def care() -> object:
            return anna.reveal(purpose="care", category="identity", items=[(subject, blob)], context={"ticket": "T"})

        def support() -> object:
            return tan.reveal(purpose="support", category="identity", items=[(subject, blob)])

        care(), support()
        session = keeper.sql("SELECT session FROM access.session WHERE actor = 'anna.dekker' AND ended_at IS NULL")
        chris.kill(scope="session", target=session, reason="test")
        with pytest.raises(KeeperRefused, match="session_killed"):
            care()
        anna = keeper.client("desk").as_actor(keeper.session("anna.dekker", fresh=True).token)
        care()
        chris.kill(scope="actor", target="anna.dekker", reason="test")
        with pytest.raises(KeeperRefused, match="actor_blocked"):
            care()
        with pytest.raises(AssertionError, match="stopgezet|stopped"):  # and cannot log in on the keeper's pages either
            keeper.log_in("anna.dekker")
        chris.kill(scope="organisation", target="meridian", reason="test")
        with pytest.raises(KeeperRefused, match="organisation_blocked"):
            support()
        with pytest.raises(KeeperRefused, match="organisation_blocked"):
            KeeperClient(socket_path=keeper.socket_path, service="w.lim", key_path=keeper.key("w.lim")).grants()
        kept = {row["actor"] for row in keeper.client("dewi.hoekstra").could_see(subject=subject)["actors"]}
        assert "bss" in kept and not kept & {"anna.dekker", "m.tan"}
        with pytest.raises(KeeperRefused, match="operator_kept"):
            chris.kill(scope="organisation", target="lage-landen", reason="test")

    def test_a_kill_takes_effect_within_two_seconds_under_load(self, own_keeper: RunningKeeper) -> None:
        keeper = own_keeper
        subject = new_subject()
        (blob,) = keeper.client("bss").seal(purpose="migration", category="identity", items=[SealItem(subject, {"family_name": "Jansen"})])
        anna = keeper.as_person("anna.dekker")
        last_seen: list[float] = []
        stop = threading.Event()

        def hammer() -> None:
            while not stop.is_set():
                try:
                    anna.reveal(purpose="care", category="identity", items=[(subject, blob)], context={"ticket": "T"})
                    last_seen.append(time.monotonic())
                except (KeeperRefused, KeeperUnavailable):
                    return

        threads = [threading.Thread(target=hammer) for _ in range(8)]
        for thread in threads:
            thread.start()
        time.sleep(1)
        keeper.client("chris.smit").kill(scope="actor", target="anna.dekker", reason="test")
        killed = time.monotonic()
        for thread in threads:
            thread.join(5)
        stop.set()
        assert len(last_seen) > 50 and max(last_seen) - killed < 2.0

    def test_who_may_not(self, keeper: RunningKeeper) -> None:
        for actor in ("anna.dekker", "w.lim", "m.tan", "bss"):
            with pytest.raises(KeeperRefused, match="no_permission"):
                keeper.client(actor).kill(scope="actor", target="chris.smit", reason="coup")


def test_the_log_in_page_leads_back_to_listed_origins_only(keeper: RunningKeeper) -> None:
    import httpx

    for service, return_to in (
        ("desk", "http://evil.example/session"), ("desk", "http://desk.localhost:8400@evil.example/"), ("desk", "http://desk.localhost:8401/session"),
        ("desk", "javascript:alert(1)"), ("chris.smit", RETURN_TO), ("nobody", RETURN_TO), ("desk", ""),
    ):  # fmt: skip
        answer = httpx.get(
            f"http://127.0.0.1:{keeper.port}/login", params={"service": service, "return_to": return_to},
            headers={"Host": f"keeper.localhost:{keeper.port}"}
        )  # fmt: skip
        assert answer.status_code == 400 and "location" not in answer.headers and 'name="password"' not in answer.text
