"""Policies, organisations, people and keys change when two people of the operator signed, and not before; then from the very next request."""

import base64
import hashlib
from pathlib import Path
from uuid import UUID

import pytest
import yaml
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fixtures.keeper import RunningKeeper, new_subject
from hoeksteen_keeper.access.policies import shipped
from hoeksteen_keeper.client import KeeperClient, KeeperCorrupt, KeeperInvalid, KeeperRefused, SealItem

BILLING = '@id("billing: who is billed and how they pay")'


def _without_billing() -> str:
    text = shipped().text
    start = text.index(BILLING)
    return text[:start] + text[text.index("};", start) + 2 :]


def _ways(keeper: RunningKeeper, subject: UUID) -> set[tuple[str, str]]:
    return {(row["actor"], row["purpose"]) for row in keeper.client("dewi.hoekstra").could_see(subject=subject)["actors"]}


def _digest(keeper: RunningKeeper, change: str) -> str:
    return hashlib.sha256(keeper.client("dewi.hoekstra").change(change=change)["canonical"].encode()).hexdigest()


def _signed(keeper: RunningKeeper, change: str, *people: str) -> str:
    return [keeper.client(person).approve_change(change=change, digest=_digest(keeper, change))["state"] for person in people][-1]


def test_policies_change_when_two_have_signed_and_at_the_next_request(own_keeper: RunningKeeper) -> None:
    keeper, subject = own_keeper, new_subject()
    [blob] = keeper.client("bss").seal(purpose="migration", category="identity", items=[SealItem(subject, {"family_name": "Berg"})])
    bram = keeper.as_person("bram.visser")

    def look() -> None:
        bram.reveal(purpose="billing", category="identity", items=[(subject, blob)])

    for _ in range(300):  # every process has decided this many times
        look()
    could_before = _ways(keeper, subject)
    change = keeper.client("chris.smit").propose_change(content={"kind": "policy", "text": _without_billing()}, reason="CHG-1")["id"]
    assert _signed(keeper, change, "chris.smit") == "proposed"
    look()
    with pytest.raises(KeeperRefused, match="already_approved"):
        _signed(keeper, change, "chris.smit")
    for outsider in ("w.lim", "anna.dekker"):
        with pytest.raises(KeeperRefused, match="no_permission"):
            keeper.client(outsider).approve_change(change=change, digest=_digest(keeper, change))
    other = keeper.client("chris.smit").propose_change(content={"kind": "policy", "text": shipped().text}, reason="CHG-2")["id"]
    with pytest.raises(KeeperRefused, match="digest_differs"):  # a signature for one change is none for another
        keeper.client("dewi.hoekstra").approve_change(change=change, digest=_digest(keeper, other))
    assert _signed(keeper, change, "dewi.hoekstra") == "in_force"
    for _ in range(10):  # whichever process answers
        with pytest.raises(KeeperRefused, match="no_grant"):
            look()
    assert could_before - _ways(keeper, subject) == {("bram.visser", "billing")}
    with pytest.raises(KeeperRefused, match="change_over"):
        _signed(keeper, change, "dewi.hoekstra")
    with pytest.raises(KeeperRefused, match="change_over"):  # it was written against policies that are not in force any more
        _signed(keeper, other, "dewi.hoekstra")

    keeper.stop()
    keeper.start()  # what the program ships changes nothing by itself
    with pytest.raises(KeeperRefused, match="no_grant"):
        look()
    findings = keeper.client("dewi.hoekstra").could_see(subject=subject)["findings"]
    assert "policies-changed: version 2 is in force, which is not what this program ships" in findings
    assert "other policies are in force" in (keeper.folder / "keeper.log").read_text("utf-8")
    as_chris = ("--as", "chris.smit", "--key", keeper.key("chris.smit"), "--socket", keeper.socket_path)
    as_dewi = ("--as", "dewi.hoekstra", "--key", keeper.key("dewi.hoekstra"), "--socket", keeper.socket_path)
    back = keeper.run("change", "policy", "--shipped", "--reason", "CHG-3", *as_chris).stdout.split()[0]
    shown = keeper.run("change", "approve", back, "--yes", *as_chris).stdout
    assert f"+{BILLING}" in shown and "proposed: 1 of 2 signatures" in shown
    assert "in_force: 2 of 2 signatures" in keeper.run("change", "approve", back, "--yes", *as_dewi).stdout
    look()
    assert keeper.run("change", "refuse", other, "--reason", "no use", *as_dewi).stdout.strip() == "refused"
    assert keeper.run("change", "list", *as_dewi).stdout.count("in_force  policy       2/2") == 2
    kinds = keeper.sql(
        "SELECT string_agg(convert_from(body, 'UTF8')::jsonb->>'action', ' ' ORDER BY index) FROM evidence.entry WHERE kind = 'change'"
    )
    assert kinds.split().count("change_signed") == 4 and kinds.split().count("change_in_force") == 2


def test_an_older_version_of_the_policies_cannot_be_planted(own_keeper: RunningKeeper) -> None:
    keeper, subject = own_keeper, new_subject()
    [blob] = keeper.client("bss").seal(purpose="migration", category="identity", items=[SealItem(subject, {"family_name": "Berg"})])
    change = keeper.client("chris.smit").propose_change(content={"kind": "policy", "text": _without_billing()}, reason="CHG-1")["id"]
    assert _signed(keeper, change, "chris.smit", "dewi.hoekstra") == "in_force"
    bram = keeper.as_person("bram.visser")
    with pytest.raises(KeeperRefused, match="no_grant"):
        bram.reveal(purpose="billing", category="identity", items=[(subject, blob)])
    keeper.sql(  # by somebody who may write the keeper's database: the entry that once put the shipped ones in force, after all others
        "INSERT INTO evidence.entry SELECT 1000000000, time, kind, actor, organisation, indexed, leaf, body, chunk "
        "FROM evidence.entry WHERE kind = 'policy' ORDER BY index LIMIT 1"
    )
    with pytest.raises(KeeperCorrupt, match="entry_outside"):
        bram.reveal(purpose="billing", category="identity", items=[(subject, blob)])


def test_the_signature_of_somebody_who_was_stopped_counts_no_more(own_keeper: RunningKeeper) -> None:
    keeper = own_keeper
    change = keeper.client("chris.smit").propose_change(content={"kind": "policy", "text": _without_billing()}, reason="CHG-1")["id"]
    grant = keeper.client("w.lim").request_grant(purpose="support", categories=["identity"], subjects=[new_subject()], ticket="T-1", minutes=30)["id"]
    assert _signed(keeper, change, "chris.smit") == "proposed"
    keeper.approve(grant, "chris.smit")
    keeper.client("dewi.hoekstra").kill(scope="actor", target="chris.smit", reason="his key was stolen")
    with pytest.raises(KeeperRefused, match="last_officers"):  # nor may she decide alone from now on
        _signed(keeper, change, "dewi.hoekstra")
    assert keeper.approve(grant, "dewi.hoekstra")["state"] == "requested"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("permit (principal, action", "do not parse"),
        ('@id("x") @limits("grant") permit (principal == Actor::"m.tan", action == Action::"reveal", resource);', "single actor"),
        ('@id("x") permit (principal, action == Action::"reveal", resource);', "without @per_hour"),
        ('@id("x") @limits("grant") permit (principal in Role::"service", action == Action::"seal", resource);', "no officer could"),
        ('@id("x") @limits("grant") permit (principal, action == Action::"fly", resource);', "fit the schema"),
    ],
)
def test_policies_that_cannot_be(keeper: RunningKeeper, text: str, said: str) -> None:
    with pytest.raises(KeeperInvalid, match=said):
        keeper.client("chris.smit").propose_change(content={"kind": "policy", "text": text}, reason="CHG")


def test_an_organisation_a_person_and_a_key_are_added(keeper: RunningKeeper, tmp_path: Path) -> None:
    chris, key = keeper.client("chris.smit"), tmp_path / "new.key"
    public = keeper.run("keygen", "--out", key).stdout.strip()
    organisation = chris.propose_change(
        content={"kind": "organisation", "organisation": "integrator", "name": "Integrator", "country": "BE"}, reason="x"
    )
    assert _signed(keeper, organisation["id"], "chris.smit", "dewi.hoekstra") == "in_force"
    person = {"kind": "actor", "actor": "p.maes", "name": "P. Maes", "organisation": "integrator", "public_key": public, "roles": ["technician"]}
    (tmp_path / "person.yaml").write_text(yaml.safe_dump(person))
    as_chris = ("--as", "chris.smit", "--key", keeper.key("chris.smit"), "--socket", keeper.socket_path)
    change = keeper.run("change", "propose", tmp_path / "person.yaml", "--reason", "CHG-4", *as_chris).stdout.split()[0]
    with KeeperClient(socket_path=keeper.socket_path, service="p.maes", key_path=key) as maes:
        with pytest.raises(KeeperRefused, match="assertion_invalid"):
            maes.checkpoint()
        assert _signed(keeper, change, "chris.smit", "dewi.hoekstra") == "in_force"
        assert maes.request_grant(purpose="support", categories=["identity"], subjects=[new_subject()], ticket="T", minutes=5)["country"] == "BE"
    second = base64.b64encode(Ed25519PrivateKey.generate().public_key().public_bytes_raw()).decode()
    more = chris.propose_change(content={"kind": "key", "actor": "p.maes", "public_key": second}, reason="lost the first")
    assert _signed(keeper, more["id"], "chris.smit", "dewi.hoekstra") == "in_force"
    with pytest.raises(KeeperInvalid, match="key_shared"):
        chris.propose_change(content={**person, "actor": "somebody.else", "roles": ["technician"]}, reason="the same key")


NEW = {"kind": "actor", "actor": "new", "name": "N", "organisation": "meridian", "public_key": "A" * 43 + "=", "roles": ["technician"]}


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({**NEW, "actor": "anna.dekker"}, "actor_exists"),
        ({**NEW, "organisation": "nowhere"}, "unknown_target"),
        ({**NEW, "public_key": "no"}, "key_invalid"),
        ({**NEW, "roles": ["king"]}, "unknown_role"),
        ({**NEW, "roles": []}, "change_invalid"),
        ({"kind": "organisation", "organisation": "meridian", "name": "M", "country": "SG"}, "change_invalid"),
        ({"kind": "nothing"}, "change_invalid"),
        ({"kind": "key", "actor": "anna.dekker", "public_key": NEW["public_key"], "more": 1}, "change_invalid"),
    ],
)
def test_what_is_no_change(keeper: RunningKeeper, content: dict[str, object], reason: str) -> None:
    with pytest.raises(KeeperInvalid, match=reason):
        keeper.client("chris.smit").propose_change(content=content, reason="CHG")
