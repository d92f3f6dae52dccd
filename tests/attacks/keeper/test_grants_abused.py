"""Grants: approved by the wrong people, by forged or replayed signatures, used past their time, purpose, people or ceiling."""

import hashlib
from typing import Any
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fixtures.keeper import RunningKeeper, new_subject
from hoeksteen_keeper.client import KeeperInvalid, KeeperRefused, Revealed, SealItem, load_key
from hoeksteen_keeper.errors import KeeperCorrupt


def sealed(keeper: RunningKeeper, count: int = 1, category: str = "identity") -> list[tuple[UUID, bytes]]:
    subjects = [new_subject() for _ in range(count)]
    fields = {
        "identity": {"kind": "individual", "given_name": "Jan", "family_name": "Jansen", "birth_date": "1970-01-31"},
        "contact": {"emails": ["jan@voorbeeld.nl"]}, "credential": {"puk": "12345678"},
    }  # fmt: skip
    items = [SealItem(subject, fields[category]) for subject in subjects]
    return list(zip(subjects, keeper.client("bss").seal(purpose="migration", category=category, items=items), strict=True))


def ask(keeper: RunningKeeper, subjects: list[UUID], *, actor: str = "m.tan", **more: Any) -> str:
    options: dict[str, Any] = {"purpose": "support", "categories": ["identity"], "ticket": "T-1001", "minutes": 30, "subjects": subjects, **more}
    return str(keeper.client(actor).request_grant(**options)["id"])


def look(keeper: RunningKeeper, items: list[tuple[UUID, bytes]], grant: str | None = None, **more: Any) -> list[Revealed]:
    options: dict[str, Any] = {"purpose": "support", "category": "identity", "items": items, "grant": grant, **more}
    return keeper.client("m.tan").reveal(**options)


def digest_of(keeper: RunningKeeper, grant: str) -> bytes:
    return hashlib.sha256(keeper.client("chris.smit").grant(grant=grant)["canonical"].encode()).digest()


def send(keeper: RunningKeeper, approver: str, grant: str, digest: bytes, signature: bytes) -> object:
    return keeper.client(approver)._call("grants/approve", {"grant": grant, "digest": digest, "signature": signature})


def test_a_technician_sees_masked_what_two_people_approved_and_nothing_else(keeper: RunningKeeper) -> None:
    mine, others = sealed(keeper), sealed(keeper)
    with pytest.raises(KeeperRefused, match="grant"):
        look(keeper, mine)
    grant = ask(keeper, [mine[0][0]])
    with pytest.raises(KeeperRefused, match="grant_not_approved"):
        look(keeper, mine, grant)
    assert keeper.approve(grant, "chris.smit")["state"] == "requested"
    with pytest.raises(KeeperRefused, match="grant_not_approved"):
        look(keeper, mine, grant)
    assert keeper.approve(grant, "dewi.hoekstra")["state"] == "running"
    (seen,) = look(keeper, mine)
    assert seen.masked and seen.fields == {"kind": "individual", "given_name": "J.", "family_name": "J••••", "birth_date": "1970"}
    with pytest.raises(KeeperRefused, match="grant_covers_others"):
        look(keeper, others, grant)
    with pytest.raises(KeeperRefused, match="grant_covers_others"):
        look(keeper, [*mine, *others], grant)
    with pytest.raises(KeeperRefused, match="no_permission"):  # a purpose that is not a technician's work
        look(keeper, mine, grant, purpose="fraud")
    with pytest.raises(KeeperRefused, match="no_grant"):
        keeper.client("m.tan").reveal(purpose="support", category="contact", items=sealed(keeper, category="contact"), grant=grant)
    with pytest.raises(KeeperRefused, match="no_permission"):
        keeper.client("m.tan").search(purpose="support", index="surname_postcode", value="Jansen|1234AB", grant=grant)


def test_nobody_uses_the_grant_of_another(keeper: RunningKeeper) -> None:
    items = sealed(keeper)
    grant = ask(keeper, [items[0][0]])
    keeper.approve(grant)
    with pytest.raises(KeeperRefused, match="no_permission|no_grant"):
        keeper.client("w.lim").reveal(purpose="support", category="identity", items=items, grant=grant)
    with pytest.raises(KeeperInvalid, match="unknown_grant"):
        keeper.client("w.lim").grant(grant=grant)
    assert keeper.client("w.lim").grants() == []


def test_an_approver_of_the_askers_organisation(keeper: RunningKeeper) -> None:
    grant = ask(keeper, [new_subject()])
    key = load_key(keeper.key("w.lim"))  # a security officer, of the vendor
    with pytest.raises(KeeperRefused, match="no_permission"):
        send(keeper, "w.lim", grant, digest_of(keeper, grant), key.sign(digest_of(keeper, grant)))
    assert keeper.client("chris.smit").grant(grant=grant)["approvals"] == []


def test_the_asker_approves_their_own_grant(keeper: RunningKeeper) -> None:
    grant = ask(keeper, [new_subject()], actor="chris.smit")
    with pytest.raises(KeeperRefused, match="approver_is_asker"):
        keeper.approve(grant, "chris.smit")
    assert keeper.approve(grant, "dewi.hoekstra")["state"] == "requested"
    with pytest.raises(KeeperRefused, match="no_permission"):
        send(keeper, "m.tan", grant, digest_of(keeper, grant), load_key(keeper.key("m.tan")).sign(digest_of(keeper, grant)))


def test_one_person_approves_twice(keeper: RunningKeeper) -> None:
    grant = ask(keeper, [new_subject()])
    keeper.approve(grant, "chris.smit")
    with pytest.raises(KeeperRefused, match="already_approved"):
        keeper.approve(grant, "chris.smit")
    assert keeper.client("chris.smit").grant(grant=grant)["state"] == "requested"


def test_a_signature_of_another_person_is_replayed_as_ones_own(keeper: RunningKeeper) -> None:
    grant = ask(keeper, [new_subject()])
    digest = digest_of(keeper, grant)
    signature = load_key(keeper.key("dewi.hoekstra")).sign(digest)
    with pytest.raises(KeeperRefused, match="signature_invalid"):
        send(keeper, "chris.smit", grant, digest, signature)


def test_a_signature_is_replayed_for_another_grant(keeper: RunningKeeper) -> None:
    first, second = ask(keeper, [new_subject()]), ask(keeper, [new_subject()])
    digest = digest_of(keeper, first)
    signature = load_key(keeper.key("chris.smit")).sign(digest)
    with pytest.raises(KeeperRefused, match="digest_differs"):
        send(keeper, "chris.smit", second, digest, signature)
    with pytest.raises(KeeperRefused, match="signature_invalid"):
        send(keeper, "chris.smit", second, digest_of(keeper, second), signature)


def test_a_forged_signature(keeper: RunningKeeper) -> None:
    grant = ask(keeper, [new_subject()])
    digest = digest_of(keeper, grant)
    for signature in (Ed25519PrivateKey.generate().sign(digest), bytes(64), b""):
        with pytest.raises(KeeperRefused, match="signature_invalid"):
            send(keeper, "chris.smit", grant, digest, signature)


def test_the_desk_shows_one_grant_and_submits_another(keeper: RunningKeeper) -> None:
    """The approver signs the digest of what they read; a grant that differs by one subject has another."""
    harmless, hidden = new_subject(), new_subject()
    shown, submitted = ask(keeper, [harmless]), ask(keeper, [hidden])
    signature = load_key(keeper.key("chris.smit")).sign(digest_of(keeper, shown))
    for digest in (digest_of(keeper, shown), digest_of(keeper, submitted)):
        with pytest.raises(KeeperRefused, match="digest_differs|signature_invalid"):
            send(keeper, "chris.smit", submitted, digest, signature)


def test_a_grant_changed_in_the_database_is_not_what_was_signed(own_keeper: RunningKeeper) -> None:
    keeper = own_keeper
    grant = ask(keeper, [new_subject()])
    digest = digest_of(keeper, grant)
    keeper.sql(
        f"UPDATE access.access_grant SET canonical = replace(convert_from(canonical, 'UTF8'), 'T-1001', 'T-9999')::bytea WHERE grant_id = '{grant}'"
    )
    assert digest_of(keeper, grant) != digest  # the page shows, and the approver's own machine hashes, what would be used
    with pytest.raises(KeeperCorrupt, match="grant_changed"):
        send(keeper, "chris.smit", grant, digest_of(keeper, grant), load_key(keeper.key("chris.smit")).sign(digest_of(keeper, grant)))


def test_a_grant_after_its_time(own_keeper: RunningKeeper) -> None:
    keeper = own_keeper
    items = sealed(keeper)
    grant = ask(keeper, [items[0][0]])
    keeper.approve(grant)
    look(keeper, items, grant)
    keeper.later("2 hours")
    with pytest.raises(KeeperRefused, match="grant_expired"):
        look(keeper, items, grant)
    with pytest.raises(KeeperRefused, match="grant_expired"):
        look(keeper, items)


def test_a_grant_that_was_revoked_or_refused(keeper: RunningKeeper) -> None:
    items = sealed(keeper)
    grant = ask(keeper, [items[0][0]])
    keeper.approve(grant)
    look(keeper, items, grant)
    keeper.client("chris.smit").revoke_grant(grant=grant, reason="done")
    with pytest.raises(KeeperRefused, match="grant_revoked"):
        look(keeper, items, grant)
    refused = ask(keeper, [items[0][0]])
    keeper.client("dewi.hoekstra").refuse_grant(grant=refused, reason="no need")
    with pytest.raises(KeeperRefused, match="grant_not_requested"):
        keeper.approve(refused, "chris.smit")
    with pytest.raises(KeeperRefused, match="grant_over"):
        keeper.client("dewi.hoekstra").revoke_grant(grant=refused, reason="again")
    with pytest.raises(KeeperRefused, match="no_permission"):
        keeper.client("anna.dekker").revoke_grant(grant=grant, reason="not hers")


def test_a_grants_ceiling(keeper: RunningKeeper) -> None:
    items = sealed(keeper, 3)
    grant = ask(keeper, [subject for subject, _ in items], subjects_max=4)
    keeper.approve(grant)
    look(keeper, items, grant)
    with pytest.raises(KeeperRefused, match="limit_reached"):
        look(keeper, items, grant)
    look(keeper, items[:1], grant)
    with pytest.raises(KeeperRefused, match="limit_reached"):
        look(keeper, items[:1], grant)
    assert keeper.client("m.tan").grant(grant=grant)["used"] == 4


def test_a_grants_ceiling_per_hour(keeper: RunningKeeper) -> None:
    items = sealed(keeper, 3)
    grant = ask(keeper, [subject for subject, _ in items], per_hour=2)
    assert '"per_day":300,"per_hour":2' in keeper.client("chris.smit").grant(grant=grant)["canonical"]
    keeper.approve(grant)
    look(keeper, items[:2], grant)
    with pytest.raises(KeeperRefused, match="limit_reached.*grant:hour"):
        look(keeper, items[2:], grant)
    unasked = keeper.client("m.tan").grant(grant=ask(keeper, [new_subject() for _ in range(7)]))
    assert (unasked["per_hour"], unasked["per_day"], unasked["subjects_max"]) == (120, 600, 700)


def test_unmasked_only_where_that_was_approved(keeper: RunningKeeper) -> None:
    items = sealed(keeper)
    grant = ask(keeper, [items[0][0]], unmasked=True)
    assert '"unmasked":true' in keeper.client("chris.smit").grant(grant=grant)["canonical"]
    keeper.approve(grant)
    (seen,) = look(keeper, items, grant)
    assert not seen.masked and seen.fields["family_name"] == "Jansen"


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"minutes": 0}, "minutes"), ({"minutes": 60 * 24 + 1}, "minutes"), ({"ticket": " "}, "ticket"), ({"categories": []}, "category"),
        ({"categories": ["shoes"]}, "unknown_category"), ({"purpose": "fun"}, "unknown_purpose"), ({"subjects": []}, "list 1 to"),
        ({"subjects": None}, "ceiling"), ({"subjects_max": 10_001}, "subjects_max"),
        ({"per_day": 101}, "per_day"), ({"per_hour": 9, "per_day": 8}, "per_hour"), ({"per_hour": 0}, "per_hour"),
    ],
)  # fmt: skip
def test_a_grant_that_cannot_be_asked_for(keeper: RunningKeeper, wrong: dict[str, Any], why: str) -> None:
    options = {"subjects": [new_subject()], **wrong}
    with pytest.raises(KeeperInvalid, match=why):
        ask(keeper, options.pop("subjects"), **options)


def test_a_compromised_application_asks_for_everything(keeper: RunningKeeper) -> None:
    """The application has a person's token and the batch service's key; what it gets is what those may have, and no more."""
    items = sealed(keeper, 200)
    anna = keeper.as_person("anna.dekker", "desk")
    with pytest.raises(KeeperRefused, match="limit_reached"):
        anna.reveal(purpose="care", category="identity", items=items, context={"customer_on_the_line": True})
    with pytest.raises(KeeperRefused, match="no_grant"):
        anna.reveal(purpose="care", category="credential", items=sealed(keeper, category="credential"), context={"customer_on_the_line": True})
    with pytest.raises(KeeperRefused, match="no_permission"):
        keeper.client("bss").reveal(purpose="fraud", category="identity", items=items)
    with pytest.raises(KeeperRefused, match="no_grant"):
        keeper.client("desk").reveal(purpose="care", category="identity", items=items, context={"customer_on_the_line": True})
