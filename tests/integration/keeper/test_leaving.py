"""People leave for good or get other roles, when two officers signed: at the next request, in could-see, and after a restore from before."""

import base64
from datetime import datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fixtures.keeper import RunningKeeper, new_subject
from fixtures.pages import Browser
from hoeksteen_keeper.client import KeeperClient, KeeperInvalid, KeeperRefused, SealItem
from hoeksteen_keeper.service.clock import now

OFFICERS = ("chris.smit", "dewi.hoekstra")


def _sign(keeper: RunningKeeper, change: str, *people: str) -> str:
    signed = [keeper.client(person).approve_change(change=change, digest=keeper.client(person).change(change=change)["digest"]) for person in people]
    return str(signed[-1]["state"])


def _as(keeper: RunningKeeper, person: str) -> tuple[object, ...]:
    return ("--reason", "CHG-1", "--as", person, "--key", keeper.key(person), "--socket", keeper.socket_path)


def _third_officer(keeper: RunningKeeper) -> str:
    name = "fleur.mulder"
    public = keeper.run("keygen", "--out", keeper.key(name)).stdout.strip()
    content = {"kind": "actor", "actor": name, "name": "F. Mulder", "organisation": "lage-landen", "public_key": public}
    change = keeper.client("chris.smit").propose_change(content={**content, "roles": ["security_officer"]}, reason="CHG")["id"]
    assert _sign(keeper, change, *OFFICERS) == "in_force"
    return name


def test_somebody_leaves_and_somebody_gets_other_roles_also_after_a_restore(own_keeper: RunningKeeper, tmp_path: Path) -> None:
    keeper, subject, backup = own_keeper, new_subject(), tmp_path / "yesterday"
    tmp_path.chmod(0o777)
    own = ("--home", keeper.home, "--dsn", keeper.dsn)
    (blob,) = keeper.client("bss").seal(purpose="migration", category="identity", items=[SealItem(subject, {"family_name": "Berg"})])

    def look(actor: str, purpose: str, ticket: str) -> None:
        keeper.as_person(actor).reveal(purpose=purpose, category="identity", items=[(subject, blob)], context={"ticket": ticket})

    def ways(at: datetime | None = None) -> set[tuple[str, str]]:
        return {(row["actor"], row["purpose"]) for row in keeper.client("dewi.hoekstra").could_see(subject=subject, at=at)["actors"]}

    tan = Browser(keeper)
    passkey = tan.with_passkey("m.tan")
    grant = keeper.client("m.tan").request_grant(purpose="support", categories=["identity"], subjects=[subject], ticket="INC-1", minutes=60)
    waits = keeper.client("m.tan").request_grant(purpose="support", categories=["contact"], subjects=[subject], ticket="INC-2", minutes=60)
    keeper.approve(grant["id"])
    look("m.tan", "support", "INC-1")
    look("anna.dekker", "care", "T-1")
    keeper.run("backup", *own, "--out", backup)
    before = now()
    assert ("m.tan", "support") in ways(before)

    roles = keeper.run("change", "roles", "anna.dekker", "billing_manager", *_as(keeper, "chris.smit")).stdout.split()[0]
    ends = keeper.run("change", "end", "m.tan", *_as(keeper, "chris.smit")).stdout.split()[0]
    assert _sign(keeper, roles, "chris.smit") == _sign(keeper, ends, "chris.smit") == "proposed"
    look("m.tan", "support", "INC-1")
    look("anna.dekker", "care", "T-1")
    assert _sign(keeper, roles, "dewi.hoekstra") == _sign(keeper, ends, "dewi.hoekstra") == "in_force"

    def has_left() -> None:
        assert keeper.sql("SELECT string_agg(state, ' ') FROM access.access_grant WHERE asker = 'm.tan'").split() == ["revoked", "revoked"]
        assert keeper.sql("SELECT count(*) FROM access.key WHERE actor = 'm.tan' AND revoked_at IS NULL").strip() == "0"
        assert keeper.sql("SELECT roles FROM access.actor WHERE actor = 'anna.dekker'").strip() == "{billing_manager}"
        by_key = KeeperClient(socket_path=keeper.socket_path, service="m.tan", key_path=keeper.key("m.tan"))
        with by_key, pytest.raises(KeeperRefused, match="assertion_invalid"):
            by_key.checkpoint()
        options = Browser(keeper).json("/login/passkey/options").json()
        credential = passkey.get(options["challenge"])
        assert tan.json("/login/passkey", credential=credential).status_code == 403
        assert ways().isdisjoint({("m.tan", "support"), ("anna.dekker", "care")}) and ("anna.dekker", "billing") in ways()
        assert ("m.tan", "support") in ways(before) and ("anna.dekker", "care") in ways(before)
        for content, reason in (
            ({"kind": "end_actor", "actor": "m.tan"}, "actor_ended"),
            ({"kind": "roles", "actor": "m.tan", "roles": ["technician", "care_agent"]}, "actor_ended"),
            ({"kind": "key", "actor": "m.tan", "public_key": _public()}, "actor_ended"),
            ({"kind": "actor", "actor": "m.tan", "name": "M.", "organisation": "meridian", "public_key": _public(), "roles": ["technician"]},
             "actor_exists"),
        ):  # fmt: skip
            with pytest.raises(KeeperInvalid, match=reason):
                keeper.client("chris.smit").propose_change(content=content, reason="CHG")

    with pytest.raises(KeeperRefused, match="no_permission|no_grant"):  # the session runs on, with the new roles
        look("anna.dekker", "care", "T-1")
    look("anna.dekker", "billing", "T-1")
    with pytest.raises(KeeperRefused, match="actor_blocked"):
        look("m.tan", "support", "INC-1")
    assert tan.get("/approvals").status_code == 403 and "stopped" in tan.get("/approvals").text
    has_left()
    assert keeper.client("chris.smit").grant(grant=waits["id"])["state"] == "revoked"

    keeper.stop()
    keeper.cluster.as_superuser("DROP DATABASE keeper", database="postgres")
    keeper.cluster.as_superuser("CREATE DATABASE keeper OWNER keeper", database="postgres")
    keeper.run("restore", backup, *own)
    keeper.start()
    has_left()
    assert keeper.client("chris.smit").fsck()["ok"]


def _public() -> str:
    return base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({"kind": "end_actor", "actor": "nobody"}, "unknown_actor"),
        ({"kind": "roles", "actor": "anna.dekker", "roles": []}, "change_invalid"),
        ({"kind": "roles", "actor": "anna.dekker", "roles": ["care_agent"]}, "change_invalid"),
        ({"kind": "roles", "actor": "anna.dekker", "roles": ["technician", "technician"]}, "change_invalid"),
        ({"kind": "roles", "actor": "anna.dekker", "roles": ["service"]}, "unknown_role"),
        ({"kind": "roles", "actor": "bss", "roles": ["care_agent"]}, "change_invalid"),
    ],
)
def test_what_is_no_ending_and_are_no_roles(keeper: RunningKeeper, content: dict[str, object], reason: str) -> None:
    with pytest.raises(KeeperInvalid, match=reason):
        keeper.client("chris.smit").propose_change(content=content, reason="CHG")


def test_officers_neither_end_nor_raise_themselves_and_two_always_stay(own_keeper: RunningKeeper) -> None:
    keeper, chris = own_keeper, own_keeper.client("chris.smit")
    for content in ({"kind": "end_actor", "actor": "dewi.hoekstra"}, {"kind": "roles", "actor": "dewi.hoekstra", "roles": ["care_agent"]}):
        with pytest.raises(KeeperRefused, match="last_officers"):
            chris.propose_change(content=content, reason="CHG")
    fleur = _third_officer(keeper)
    for content in (
        {"kind": "end_actor", "actor": fleur}, {"kind": "roles", "actor": fleur, "roles": ["security_officer", "privacy_officer"]},
    ):  # fmt: skip
        change = keeper.client(fleur).propose_change(content=content, reason="CHG")["id"]
        with pytest.raises(KeeperRefused, match="own_change"):
            _sign(keeper, change, fleur)
        shown = Browser(keeper).log_in("chris.smit").get(f"/changes/{change}").text
        assert "F. Mulder" in shown and "security officer" in shown

    # two changes that would each leave two officers, but not both of them
    one, two = (chris.propose_change(content={"kind": "end_actor", "actor": actor}, reason="CHG")["id"] for actor in (fleur, "dewi.hoekstra"))
    pending = chris.propose_change(
        content={"kind": "organisation", "organisation": "field-force", "name": "Field Force", "country": "BE"}, reason="CHG"
    )["id"]
    assert _sign(keeper, pending, fleur) == "proposed"
    assert _sign(keeper, one, *OFFICERS) == "in_force"
    with pytest.raises(KeeperRefused, match="last_officers"):
        _sign(keeper, two, "chris.smit")
    assert _sign(keeper, pending, "chris.smit") == "proposed"  # who has left since signs for nothing
    assert _sign(keeper, pending, "dewi.hoekstra") == "in_force"
