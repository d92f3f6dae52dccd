"""No log entry, no data: a keeper that cannot make an entry durable opens nothing."""

from uuid import UUID

import pytest

from fixtures.keeper import RunningKeeper, new_subject
from hoeksteen_keeper.client import KeeperError, SealItem, Term

CARE = {"ticket": "T-1"}


def test_a_log_that_cannot_be_written(own_keeper: RunningKeeper) -> None:
    keeper, bss, subject = own_keeper, own_keeper.client("bss"), new_subject()
    terms = {"phone": [Term("31612345678")]}
    (blob,) = bss.seal(purpose="migration", category="contact", items=[SealItem(subject, {"emails": ["a@b.nl"]}, terms)])
    anna = keeper.as_person("anna.dekker")
    assert anna.reveal(purpose="care", category="contact", items=[(subject, blob)], context=CARE)
    keys = keeper.sql("SELECT count(*) FROM vault.subject_key")
    keeper.sql("ALTER TABLE evidence.entry ADD CONSTRAINT full_disk CHECK (false) NOT VALID")
    newcomer = new_subject()
    for call in (
        lambda: anna.reveal(purpose="care", category="contact", items=[(subject, blob)], context=CARE),
        lambda: anna.search(purpose="care", index="phone", value="0612345678", context=CARE),
        lambda: bss.seal(purpose="migration", category="contact", items=[SealItem(newcomer, {"emails": []})]),
        lambda: bss.lookup(purpose="billing", index="phone", values=["0612345678"]),
        lambda: bss.traffic_seal(month="2026-10", column="cell", records=bytes(16), subjects=bytes(16), values=bytes(8)),
        lambda: keeper.client("dewi.hoekstra").shred(subject=subject, category=None, reason="x"),
        lambda: keeper.client("dewi.hoekstra").did_see(subject=subject),
        lambda: keeper.client("m.tan").request_grant(purpose="support", categories=["contact"], subjects=[subject], ticket="T", minutes=5),
    ):
        with pytest.raises(KeeperError, match="log_unavailable|store_unavailable"):
            call()
    keeper.sql("ALTER TABLE evidence.entry DROP CONSTRAINT full_disk")
    assert keeper.sql("SELECT count(*) FROM vault.subject_key") == keys  # nothing half-done: no key of the newcomer, no shred
    assert anna.reveal(purpose="care", category="contact", items=[(subject, blob)], context=CARE)[0].fields == {"emails": ["a@b.nl"]}


def test_each_opening_seal_search_and_refusal_is_an_entry_about_its_subject(keeper: RunningKeeper) -> None:
    subject, bss, dewi = new_subject(), keeper.client("bss"), keeper.client("dewi.hoekstra")
    (blob,) = bss.seal(purpose="migration", category="identity", items=[SealItem(subject, {"family_name": "X"}, {"customer_number": [Term("K-77")]})])
    keeper.as_person("anna.dekker").reveal(purpose="care", category="identity", items=[(subject, blob)], context={"ticket": "T-9"})
    keeper.as_person("anna.dekker").search(purpose="care", index="customer_number", value="k77", context={"ticket": "T-9"})
    with pytest.raises(KeeperError, match="grant"):
        keeper.client("m.tan").reveal(purpose="support", category="identity", items=[(subject, blob)])
    with pytest.raises(KeeperError, match="no_reason"):
        keeper.as_person("anna.dekker").reveal(purpose="care", category="identity", items=[(subject, blob)])
    found = dewi.did_see(subject=subject)
    facts = [(entry["actor"], entry["action"], entry["outcome"], entry["country"]) for entry in found]
    assert facts == [
        ("bss", "seal", "allowed", "NL"), ("anna.dekker", "reveal", "allowed", "NL"), ("anna.dekker", "search", "allowed", "NL"),
        ("m.tan", "reveal", "refused", "SG"), ("anna.dekker", "reveal", "refused", "NL"),
    ]  # fmt: skip
    assert [entry["time"] for entry in found] == sorted(entry["time"] for entry in found)
    assert found[1]["ticket"] == "T-9" and found[1]["name"] == "Anna Dekker"
    assert [entry["action"] for entry in dewi.did_see(subject=subject)][-1] == "did_see"  # the question is an entry too
    assert any(entry["actor"] == "m.tan" for entry in dewi.did_see(organisation="meridian"))


def test_could_see_as_things_stood(keeper: RunningKeeper) -> None:
    subject, dewi = new_subject(), keeper.client("dewi.hoekstra")
    keeper.client("bss").seal(purpose="migration", category="identity", items=[SealItem(subject, {"family_name": "X"})])
    before = dewi.could_see(subject=subject)
    grant = keeper.client("m.tan").request_grant(purpose="support", categories=["identity", "contact"], subjects=[subject], ticket="T-5", minutes=30)
    keeper.approve(grant["id"])
    during = dewi.could_see(subject=subject)
    keeper.client("m.tan").revoke_grant(grant=grant["id"], reason="done")
    after = dewi.could_see(subject=subject)
    assert [_rows(answer, "m.tan") for answer in (before, after)] == [[], []]
    assert _rows(during, "m.tan") == [
        {
            "actor": "m.tan", "name": "M. Tan", "organisation": "meridian", "country": "SG", "categories": ["contact", "identity"],
            "purpose": "support",
            "because": "grant: people see masked data", "masked": True, "ceiling_per_hour": 100, "ceiling_per_day": 100, "grant": grant["id"],
            "reach": 1,
        }
    ]  # fmt: skip
    other = new_subject()
    keeper.client("bss").seal(purpose="migration", category="identity", items=[SealItem(other, {"family_name": "Y"})])
    assert _rows(dewi.could_see(subject=other, at=during["at"]), "m.tan") == []
    assert _rows(dewi.could_see(subject=subject, at=during["at"]), "m.tan") == _rows(during, "m.tan")
    care = {(row["purpose"], tuple(row["categories"]), row["masked"]) for row in _rows(during, "anna.dekker")}
    assert care == {
        ("care", ("identity", "contact", "note", "invoice_party"), False), ("care", ("payment", "traffic"), True),
        ("break_glass", ("identity", "contact", "payment", "note", "credential", "traffic", "invoice_party"), False),
    }  # fmt: skip
    assert {row["actor"] for row in during["actors"]} & {"chris.smit", "dewi.hoekstra", "desk", "w.lim"} == set()
    assert any(finding.startswith("root") for finding in during["findings"])
    dewi.shred(subject=subject, category="identity", reason="x")
    assert all("identity" not in row["categories"] for row in dewi.could_see(subject=subject)["actors"])
    dewi.shred(subject=subject, category=None, reason="x")
    assert dewi.could_see(subject=subject)["actors"] == []


def _rows(answer: dict[str, object], actor: str) -> list[dict[str, object]]:
    assert isinstance(answer["actors"], list)
    return [row for row in answer["actors"] if row["actor"] == actor]


def test_nobody_asks_the_log_who_may_not(keeper: RunningKeeper) -> None:
    subject: UUID = new_subject()
    for actor in ("m.tan", "emma.bakker", "bss", "w.lim"):
        for call in (
            lambda client: client.did_see(subject=subject),
            lambda client: client.did_see(actor="anna.dekker"),
            lambda client: client.could_see(subject=subject),
            lambda client: client.export_bundle(subject=subject),
            lambda client: client.fsck(),
        ):
            with pytest.raises(KeeperError, match="no_permission"):
                call(keeper.client(actor))
    other = new_subject()
    keeper.client("bss").seal(purpose="migration", category="identity", items=[SealItem(other, {"family_name": "X"})])
    assert [entry["action"] for entry in keeper.as_person("anna.dekker").did_see(subject=other)] == ["seal"]
    with pytest.raises(KeeperError, match="no_permission"):
        keeper.as_person("anna.dekker").did_see(actor="bram.visser")
