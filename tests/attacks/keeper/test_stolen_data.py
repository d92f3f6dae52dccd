"""What is stolen from the business side or from the keeper's own database says nothing, and what is moved does not open."""

import json
import os
import subprocess
from pathlib import Path
from uuid import UUID

import pytest

from fixtures.keeper import COMMAND, RunningKeeper, new_subject
from hoeksteen.host.cluster import binaries
from hoeksteen_keeper.client import KeeperInvalid, KeeperRefused, SealItem, Term

SECRETS = ("Zwanenburg-Plantvalue", "31698765432", "NL18RABO0123459876", "planted.value@example.nl", "Plantvalstraat")


def seal_planted(keeper: RunningKeeper) -> tuple[UUID, bytes]:
    """Seal a person whose every value is planted, with tokens in every index."""
    subject, bss = new_subject(), keeper.client("bss")
    name, phone, iban, email, street = SECRETS
    identity = SealItem(
        subject, {"kind": "individual", "family_name": name, "birth_date": "1961-02-03"}, {"surname_postcode": [Term(f"{name}|9876ZX")]}
    )
    (blob,) = bss.seal(purpose="migration", category="identity", items=[identity])
    contact = {"phones": [{"e164": phone, "kind": "contact", "resource_id": None}], "emails": [email], "addresses": [{"street": street}]}
    bss.seal(purpose="migration", category="contact", items=[SealItem(subject, contact, {"phone": [Term(phone)], "email": [Term(email)]})])
    bss.seal(purpose="migration", category="payment", items=[SealItem(subject, {"iban": iban}, {"iban": [Term(iban)]})])
    return subject, blob


def test_a_dump_of_the_keepers_database_and_files_holds_no_plaintext(keeper: RunningKeeper) -> None:
    subject, blob = seal_planted(keeper)
    opened = keeper.client("bss").reveal(purpose="billing", category="identity", items=[(subject, blob)])
    assert opened[0].fields["family_name"] == SECRETS[0]
    keeper.as_person("anna.dekker").search(purpose="care", index="email", value=SECRETS[3], context={"ticket": "T-1"})
    keeper.client("bss").checkpoint()
    dump = subprocess.run(
        [str(binaries() / "pg_dump"), keeper.dsn], check=True, capture_output=True
    ).stdout.decode()  # fmt: skip
    assert "vault.subject_key" in dump and subject.hex in dump.replace("-", "")
    files = [
        path.read_bytes()
        for folder in (keeper.home, keeper.folder / "keeper.log")
        for path in ([folder] if folder.is_file() else folder.rglob("*"))
        if path.is_file()
    ]
    assert len(files) > 5
    for secret in SECRETS:
        for form in (secret, secret.casefold(), secret.encode().hex()):
            assert form not in dump
            assert not any(form.encode() in content for content in files)


def test_a_blob_moved_to_another_subject_or_category_does_not_open(keeper: RunningKeeper) -> None:
    bss, (one, other) = keeper.client("bss"), (new_subject(), new_subject())
    blobs = bss.seal(
        purpose="migration", category="identity", items=[SealItem(one, {"family_name": "One"}), SealItem(other, {"family_name": "Other"})]
    )
    bss.seal(purpose="migration", category="contact", items=[SealItem(one, {"emails": []})])
    with pytest.raises(KeeperInvalid, match="blob_invalid"):
        bss.reveal(purpose="billing", category="identity", items=[(one, blobs[1])])
    with pytest.raises(KeeperInvalid, match="blob_invalid"):
        bss.reveal(purpose="billing", category="contact", items=[(one, blobs[0])])
    with pytest.raises(KeeperInvalid, match="blob_invalid"):  # the category's number in the blob changed as well: the tag notices
        bss.reveal(purpose="billing", category="contact", items=[(one, blobs[0][:1] + b"\x02" + blobs[0][2:])])


def test_one_bad_blob_in_a_batch_opens_none_of_it(keeper: RunningKeeper) -> None:
    bss, subjects = keeper.client("bss"), [new_subject() for _ in range(5)]
    blobs = bss.seal(purpose="migration", category="identity", items=[SealItem(subject, {"family_name": "X"}) for subject in subjects])
    blobs[3] = blobs[3][:-1] + bytes([blobs[3][-1] ^ 1])
    with pytest.raises(KeeperInvalid, match="blob_invalid"):
        bss.reveal(purpose="billing", category="identity", items=list(zip(subjects, blobs, strict=True)))


@pytest.mark.parametrize("blob", [b"", b"\x01", b"\x01" * 40, b"\x02" + b"\x01" * 120, bytes(200)])
def test_bytes_that_are_no_blob(keeper: RunningKeeper, blob: bytes) -> None:
    with pytest.raises(KeeperInvalid, match="blob_invalid"):
        keeper.client("bss").reveal(purpose="billing", category="identity", items=[(new_subject(), blob)])


def test_a_generation_that_never_was(keeper: RunningKeeper) -> None:
    bss, subject = keeper.client("bss"), new_subject()
    (blob,) = bss.seal(purpose="migration", category="identity", items=[SealItem(subject, {"family_name": "X"})])
    with pytest.raises(KeeperInvalid, match="unknown_key"):
        bss.reveal(purpose="billing", category="identity", items=[(subject, blob[:2] + b"\x00\x00\x00\x02" + blob[6:])])
    with pytest.raises(KeeperInvalid, match="unknown_key"):
        bss.reveal(purpose="billing", category="identity", items=[(new_subject(), blob)])


def test_a_wrapped_key_moved_to_another_row_by_the_database_administrator(own_keeper: RunningKeeper) -> None:
    keeper, bss = own_keeper, own_keeper.client("bss")
    victim, accomplice = new_subject(), new_subject()
    blobs = bss.seal(
        purpose="migration", category="identity", items=[SealItem(victim, {"family_name": "Victim"}), SealItem(accomplice, {"family_name": "A"})]
    )
    keeper.sql(
        f"UPDATE vault.subject_key a SET wrapped = v.wrapped, epoch = v.epoch FROM vault.subject_key v "
        f"WHERE a.subject = '{accomplice}' AND v.subject = '{victim}'"
    )
    for items in ([(accomplice, blobs[0])], [(accomplice, blobs[1])]):
        with pytest.raises(Exception, match="key_unwrap_failed"):
            bss.reveal(purpose="billing", category="identity", items=items)
    assert bss.reveal(purpose="billing", category="identity", items=[(victim, blobs[0])])[0].fields == {"family_name": "Victim"}


def test_equality_is_not_seen_by_planting_a_customer(keeper: RunningKeeper) -> None:
    """Whoever plants a customer with a known number gets blobs: no two are alike, and no token comes back."""
    bss, fields = keeper.client("bss"), {"phones": [{"e164": "31612121212", "kind": "contact", "resource_id": None}]}
    items = [SealItem(new_subject(), fields, {"phone": [Term("31612121212")]}) for _ in range(3)]
    blobs = bss.seal(purpose="migration", category="contact", items=items)
    bodies = [blob[6:] for blob in blobs]
    pieces = {body[i : i + 16] for body in bodies for i in range(len(body) - 15)}
    assert len(pieces) == sum(len(body) - 15 for body in bodies)


class TestShredding:
    def test_what_was_shredded_never_opens_again_and_is_found_no_more(self, keeper: RunningKeeper) -> None:
        subject, blob = seal_planted(keeper)
        keeper.client("dewi.hoekstra").shred(subject=subject, category=None, reason="request of the data subject")
        bss = keeper.client("bss")
        with pytest.raises(KeeperRefused, match="shredded"):
            bss.reveal(purpose="billing", category="identity", items=[(subject, blob)])
        with pytest.raises(KeeperRefused, match="shredded"):
            bss.seal(purpose="migration", category="identity", items=[SealItem(subject, {"family_name": "Again"})])
        assert keeper.sql(f"SELECT count(*) FROM vault.subject_key WHERE subject = '{subject}'") == "0"
        assert keeper.sql(f"SELECT count(*) FROM vault.blind_token WHERE subject = '{subject}'") == "0"
        refused = [entry for entry in keeper.client("dewi.hoekstra").did_see(subject=subject) if entry["outcome"] == "refused"]
        assert [entry["action"] for entry in refused] == ["reveal", "seal"]

    def test_one_category_leaves_the_others(self, keeper: RunningKeeper) -> None:
        subject, blob = seal_planted(keeper)
        keeper.client("dewi.hoekstra").shred(subject=subject, category="contact", reason="objection")
        bss = keeper.client("bss")
        assert bss.reveal(purpose="billing", category="identity", items=[(subject, blob)])[0].fields["family_name"] == SECRETS[0]
        assert bss.lookup(purpose="billing", index="email", values=[SECRETS[3]])[0] == [] or all(
            hit.subject != subject for hit in bss.lookup(purpose="billing", index="email", values=[SECRETS[3]])[0]
        )  # fmt: skip
        assert any(hit.subject == subject for hit in bss.lookup(purpose="billing", index="iban", values=[SECRETS[2]])[0])
        with pytest.raises(KeeperRefused, match="shredded"):
            bss.seal(purpose="migration", category="contact", items=[SealItem(subject, {"emails": []})])

    def test_others_may_not(self, keeper: RunningKeeper) -> None:
        for actor in ("anna.dekker", "chris.smit", "m.tan", "bss"):
            with pytest.raises(KeeperRefused, match="no_permission"):
                keeper.client(actor).shred(subject=new_subject(), category=None, reason="no")

    def test_a_restored_backup_is_shredded_again_before_anything_is_served(self, own_keeper: RunningKeeper) -> None:
        keeper, bss = own_keeper, own_keeper.client("bss")
        subject, kept = new_subject(), new_subject()
        blobs = bss.seal(
            purpose="migration", category="identity", items=[SealItem(s, {"family_name": "X"},
            {"customer_number": [Term("K1")]}) for s in (subject, kept)]
        )  # fmt: skip
        bss.seal(purpose="migration", category="contact", items=[SealItem(subject, {"emails": []})])
        keeper.sql("CREATE TABLE keys AS SELECT * FROM vault.subject_key; CREATE TABLE tokens AS SELECT * FROM vault.blind_token")
        keeper.client("dewi.hoekstra").shred(subject=subject, category="identity", reason="request")
        keeper.stop()
        keeper.sql(
            "DELETE FROM vault.shredded; DELETE FROM vault.subject_key; INSERT INTO vault.subject_key SELECT * FROM keys; "
            "DELETE FROM vault.blind_token; INSERT INTO vault.blind_token SELECT * FROM tokens"
        )
        keeper.start()
        with pytest.raises(KeeperRefused, match="shredded"):
            bss.reveal(purpose="billing", category="identity", items=[(subject, blobs[0])])
        assert [hit.subject for hit in bss.lookup(purpose="billing", index="customer_number", values=["k1"])[0]] == [kept]
        assert bss.reveal(purpose="billing", category="identity", items=[(kept, blobs[1])])[0].fields == {"family_name": "X"}
        assert keeper.sql(f"SELECT count(*) FROM vault.subject_key WHERE subject = '{subject}'") == "1"  # contact was not shredded


def test_what_was_ended_stays_so_when_the_store_is_restored_from_before(own_keeper: RunningKeeper) -> None:
    """The vendor's technician, whose grant was revoked, has yesterday's backup restored."""
    keeper, bss, tan = own_keeper, own_keeper.client("bss"), own_keeper.client("m.tan")
    subject, records = new_subject(), os.urandom(16)
    (blob,) = bss.seal(purpose="migration", category="identity", items=[SealItem(subject, {"family_name": "X"})])
    traffic = {"month": "2026-10", "column": "cell", "records": records}
    blocks = bss.traffic_seal(**traffic, subjects=subject.bytes, values=bytes(8))
    grant = tan.request_grant(purpose="support", categories=["identity"], subjects=[subject], ticket="T", minutes=60)["id"]
    other = tan.request_grant(purpose="support", categories=["identity"], subjects=[subject], ticket="T", minutes=60, subjects_max=2)["id"]
    for asked in (grant, other):
        keeper.approve(asked)
    assert tan.reveal(purpose="support", category="identity", items=[(subject, blob)], grant=grant)[0].masked
    keeper.sql("CREATE TABLE kept_meter AS SELECT * FROM access.meter")
    for _ in range(2):
        tan.reveal(purpose="support", category="identity", items=[(subject, blob)], grant=other)
    tables = ("access.access_grant", "access.actor", "vault.named_key")
    for number, table in enumerate(tables):
        keeper.sql(f"CREATE TABLE kept_{number} AS SELECT * FROM {table}")
    keeper.client("chris.smit").revoke_grant(grant=grant, reason="done")
    keeper.client("chris.smit").kill(scope="actor", target="w.lim", reason="left")
    keeper.client("dewi.hoekstra").destroy_month(month="2026-10")
    keeper.stop()
    keeper.sql("UPDATE access.access_grant g SET state = k.state FROM kept_0 k WHERE k.grant_id = g.grant_id")
    keeper.sql("UPDATE access.actor a SET blocked_at = k.blocked_at FROM kept_1 k WHERE k.actor = a.actor")
    keeper.sql("UPDATE vault.named_key n SET wrapped = k.wrapped, destroyed_at = NULL FROM kept_2 k WHERE k.name = n.name")
    keeper.sql("DELETE FROM access.meter; INSERT INTO access.meter SELECT * FROM kept_meter")
    keeper.start()
    with pytest.raises(KeeperRefused, match="grant_revoked"):
        tan.reveal(purpose="support", category="identity", items=[(subject, blob)], grant=grant)
    with pytest.raises(KeeperRefused, match="limit_reached"):  # what was used stays used
        tan.reveal(purpose="support", category="identity", items=[(subject, blob)], grant=other)
    assert bss.grant(grant=keeper.grants["billing"])["sealed"] == 1
    with pytest.raises(KeeperRefused, match="actor_blocked"):
        keeper.client("w.lim").grants()
    with pytest.raises(KeeperRefused, match="key_destroyed"):
        bss.traffic_open(purpose="billing", **traffic, blocks=blocks, subject=subject)


def test_no_secret_is_on_a_command_line_or_in_the_settings_of_the_keeper(own_keeper: RunningKeeper) -> None:
    keeper = own_keeper
    keeper.stop()
    with subprocess.Popen([*COMMAND, *keeper.serving], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None and process.stdout.readline().startswith(b"The keeper serves")
        arguments = Path(f"/proc/{process.pid}/cmdline").read_bytes()
        environment = Path(f"/proc/{process.pid}/environ").read_bytes()
        process.terminate()
    kek = (keeper.home / "keys" / "kek").read_bytes()
    assert kek not in arguments and kek not in environment and kek.hex().encode() not in environment
    assert b"password" not in arguments.lower()
    assert json.loads(json.dumps({"mode": oct((keeper.home / "keys" / "kek").stat().st_mode & 0o777)})) == {"mode": "0o600"}
