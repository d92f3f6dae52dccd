"""Somebody who may write the keeper's tables gives themselves rights: they open nothing, and the scan finds each row that the log does not know."""

import hashlib
import secrets
import time
from datetime import timedelta

import pytest

from fixtures.keeper import RunningKeeper, new_subject
from hoeksteen_keeper.access.policies import shipped
from hoeksteen_keeper.client import KeeperClient, KeeperRefused, SealItem
from hoeksteen_keeper.errors import KeeperCorrupt
from hoeksteen_keeper.evidence.entries import Scribe
from hoeksteen_keeper.evidence.model import Event
from hoeksteen_keeper.service.clock import now

UNLIMITED = """
@id("no ceiling") @limits("grant") permit (principal in Role::"care_agent", action == Action::"reveal", resource)
when { context.purpose == "support" };
"""


def test_rows_that_the_log_does_not_know_open_nothing_and_are_found(own_keeper: RunningKeeper) -> None:
    keeper, subject = own_keeper, new_subject()
    dewi, tan = keeper.client("dewi.hoekstra"), keeper.client("m.tan")
    [blob] = keeper.client("bss").seal(purpose="migration", category="identity", items=[SealItem(subject, {"family_name": "Berg"})])
    grant = tan.request_grant(purpose="support", categories=["identity"], subjects=[subject], ticket="T", minutes=30)["id"]
    assert not [finding for finding in dewi.exposure() if "differs-from-log" in finding]
    keeper.sql("UPDATE access.actor SET roles = '{billing_manager}' WHERE actor = 'anna.dekker'")
    keeper.sql("UPDATE access.actor SET organisation = 'lage-landen' WHERE actor = 'm.tan'")
    public = keeper.run("keygen", "--out", keeper.folder / "people" / "mine.key").stdout.strip()
    row = f"'mine', 'chris.smit', 'ed25519', decode('{public}', 'base64'), now()"
    keeper.sql(f"INSERT INTO access.key (key, actor, kind, public_key, added_at) VALUES ({row})")
    runs = "state = 'running', unmasked = true, valid_from = now(), valid_to = now() + interval '1 hour'"
    keeper.sql(f"UPDATE access.access_grant SET {runs} WHERE grant_id = '{grant}'")
    lim = keeper.client("w.lim")
    lim.grants()
    keeper.client("chris.smit").kill(scope="actor", target="w.lim", reason="x")
    keeper.sql("UPDATE access.actor SET blocked_at = NULL WHERE actor = 'w.lim'; UPDATE access.session SET ended_at = NULL, ended_by = NULL")

    assert keeper.session("anna.dekker").roles == ("care_agent",)
    with pytest.raises(KeeperRefused, match="no_grant"):
        tan.reveal(purpose="support", category="identity", items=[(subject, blob)])
    with pytest.raises(KeeperRefused, match="actor_blocked"):
        lim.grants()
    mine = KeeperClient(socket_path=keeper.socket_path, service="chris.smit", key_path=keeper.key("mine"))
    with pytest.raises(KeeperRefused, match="assertion_invalid"):
        mine.grants()

    deadline = time.monotonic() + 60
    while not any("m.tan is person" in finding for finding in dewi.could_see(actor="m.tan")["findings"]) and time.monotonic() < deadline:
        time.sleep(0.5)  # found and attested by itself
    found = [finding for finding in dewi.exposure() if "differs-from-log" in finding]
    for part in (
        "anna.dekker is person of lage-landen with the roles billing_manager", "m.tan is person of lage-landen", "chris.smit has the key mine",
        f"the grant {grant} runs", "w.lim is not stopped",
    ):  # fmt: skip
        assert sum(part in finding for finding in found) == 1, part
    assert set(found) <= set(dewi.could_see(actor="anna.dekker")["findings"])
    keeper.stop()
    keeper.start()
    assert keeper.sql("SELECT roles FROM access.actor WHERE actor = 'anna.dekker'").strip() == "{care_agent}"
    with pytest.raises(KeeperRefused, match="no_grant"):
        tan.reveal(purpose="support", category="identity", items=[(subject, blob)])


def test_a_session_is_neither_made_nor_turned_into_another_in_the_tables(own_keeper: RunningKeeper) -> None:
    keeper, token = own_keeper, secrets.token_urlsafe(32)
    held = keeper.session("anna.dekker")
    hashed = hashlib.sha256(token.encode()).hexdigest()
    copied = f"gen_random_uuid(), decode('{hashed}', 'hex'), actor, service, opened_at, expires_at, proof, seal"
    columns = "session, token_hash, actor, service, opened_at, expires_at, proof, seal"
    keeper.sql(f"INSERT INTO access.session ({columns}) SELECT {copied} FROM access.session WHERE actor = 'anna.dekker' AND ended_at IS NULL LIMIT 1")
    with pytest.raises(KeeperRefused, match="token_expired"):
        keeper.client("desk").as_actor(token).grants()
    assert keeper.client("desk").as_actor(held.token).grants() == []
    keeper.sql("UPDATE access.session SET actor = 'dewi.hoekstra' WHERE actor = 'anna.dekker'")
    with pytest.raises(KeeperRefused, match="token_expired"):
        keeper.client("desk").as_actor(held.token).grants()
    code = keeper.log_in("bram.visser")
    keeper.sql("UPDATE access.login_code SET actor = 'dewi.hoekstra'")
    with pytest.raises(KeeperRefused, match="code_invalid"):
        keeper.client("desk").exchange(code=code)


def test_what_waits_for_a_signature_is_not_altered(own_keeper: RunningKeeper) -> None:
    keeper, chris = own_keeper, own_keeper.client("chris.smit")
    change = chris.propose_change(content={"kind": "organisation", "organisation": "north", "name": "North", "country": "US"}, reason="CHG-2")
    assert chris.approve_change(change=change["id"], digest=change["digest"])["state"] == "proposed"
    other = change["canonical"].replace("north", "south").encode()
    digest = hashlib.sha256(other).hexdigest()
    keeper.sql(f"UPDATE access.change SET canonical = '\\x{other.hex()}', digest = '\\x{digest}' WHERE change_id = '{change['id']}'")
    with pytest.raises(KeeperCorrupt, match="change_changed"):
        keeper.client("dewi.hoekstra").approve_change(change=change["id"], digest=digest)

    more = keeper.client("m.tan").request_grant(purpose="support", categories=["identity"], subjects=[new_subject()], ticket="T", minutes=30)["id"]
    keeper.approve(more, "chris.smit")
    keeper.sql(f"UPDATE access.access_grant SET unmasked = true WHERE grant_id = '{more}'")
    with pytest.raises(KeeperCorrupt, match="grant_changed"):
        keeper.approve(more, "dewi.hoekstra")


def test_what_waits_is_not_swapped_before_anybody_signs_nor_named_otherwise_when_it_ends(own_keeper: RunningKeeper) -> None:
    keeper, tan, (meant, other) = own_keeper, own_keeper.client("m.tan"), (new_subject(), new_subject())
    grant = tan.request_grant(purpose="support", categories=["identity"], subjects=[meant], ticket="T", minutes=30)
    swapped = grant["canonical"].replace(str(meant), str(other)).encode()
    digest = hashlib.sha256(swapped).hexdigest()
    keeper.sql(f"UPDATE access.access_grant SET canonical = '\\x{swapped.hex()}', digest = '\\x{digest}' WHERE grant_id = '{grant['id']}'")
    keeper.sql(f"UPDATE access.grant_subject SET subject = '{other}' WHERE grant_id = '{grant['id']}'")
    with pytest.raises(KeeperCorrupt, match="grant_changed"):
        keeper.client("chris.smit").approve_grant(grant=grant["id"], digest=digest)

    kept = tan.request_grant(purpose="support", categories=["identity"], subjects=[meant], ticket="T", minutes=30)["id"]
    keeper.approve(kept)
    keeper.sql(f"UPDATE access.access_grant SET asker = 'emma.bakker', categories = '{{note}}', valid_to = now() WHERE grant_id = '{kept}'")
    keeper.client("chris.smit").revoke_grant(grant=kept, reason="done")
    could = keeper.client("dewi.hoekstra").could_see(subject=meant, since=now() - timedelta(hours=1))["actors"]
    assert {(row["actor"], *row["categories"]) for row in could if row["grant"] == kept} == {("m.tan", "identity")}


def test_a_fact_that_somebody_plants_closes_the_keeper_before_it_is_signed(own_keeper: RunningKeeper) -> None:
    keeper = own_keeper
    public = keeper.run("keygen", "--out", keeper.key("mine")).stdout.strip()
    detail = {"event": "added", "key": "ed25519:mine", "holder": "chris.smit", "public_key": public}
    draft = Scribe(secrets.token_bytes(32), secrets.token_bytes).draft(Event(kind="key", actor="chris.smit", action="add_key", detail=detail))
    leaf = draft.leaf(f"{now():%Y-%m-%dT%H:%M:%S.%fZ}".encode(), None)
    columns = "index, time, kind, actor, organisation, indexed, leaf, body, seal"
    planted = (
        f"size, time, 'key', 'chris.smit', '', true, '\\x{leaf.hex()}'::bytea, '\\x{draft.body.hex()}'::bytea, '\\x{secrets.token_hex(32)}'::bytea"
    )
    keeper.sql(f"INSERT INTO evidence.entry ({columns}) SELECT {planted} FROM evidence.head; UPDATE evidence.head SET size = size + 1")
    mine = KeeperClient(socket_path=keeper.socket_path, service="chris.smit", key_path=keeper.key("mine"))
    with pytest.raises(KeeperCorrupt, match="fact_planted"):
        mine.grants()


@pytest.mark.parametrize("how", ["called another kind", "another entry in its place", "gone"])
def test_a_kill_that_is_hidden_closes_the_keeper_and_keeps_it_closed(own_keeper: RunningKeeper, how: str) -> None:
    keeper, dewi = own_keeper, own_keeper.client("dewi.hoekstra")
    keeper.client("chris.smit").kill(scope="actor", target="w.lim", reason="x")
    dewi.exposure()
    dewi.checkpoint()
    the_kill = "index = (SELECT max(index) FROM evidence.entry WHERE kind = 'kill')"
    columns = "kind, actor, organisation, leaf, body"
    another = f"SELECT {columns} FROM evidence.entry o WHERE o.kind = 'session' LIMIT 1"
    hide = {
        "called another kind": f"UPDATE evidence.entry SET kind = 'session' WHERE {the_kill}",
        "another entry in its place": f"UPDATE evidence.entry e SET ({columns}) = ({another}) WHERE {the_kill}",
        "gone": f"DELETE FROM evidence.entry WHERE {the_kill}",
    }
    keeper.sql(f"SET session_replication_role = replica; {hide[how]}")
    keeper.stop()
    with pytest.raises(AssertionError, match="entry_changed"):
        keeper.start()


def test_an_entry_that_is_changed_while_it_is_written_is_found_at_once(own_keeper: RunningKeeper) -> None:
    keeper, chris = own_keeper, own_keeper.client("chris.smit")
    keeper.sql(
        "CREATE FUNCTION evidence.hide() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.kind = 'kill' THEN NEW.kind := 'session'; END IF; "
        "RETURN NEW; END $$; CREATE TRIGGER hide BEFORE INSERT ON evidence.entry FOR EACH ROW EXECUTE FUNCTION evidence.hide()"
    )
    chris.kill(scope="actor", target="w.lim", reason="x")
    deadline = time.monotonic() + 30
    with pytest.raises(KeeperCorrupt, match=r"entry_changed|fact_planted"):
        while time.monotonic() < deadline:
            chris.exposure()
            time.sleep(0.5)


def test_no_policy_lets_anything_out_without_a_ceiling(own_keeper: RunningKeeper) -> None:
    keeper, subject = own_keeper, new_subject()
    [blob] = keeper.client("bss").seal(purpose="migration", category="identity", items=[SealItem(subject, {"family_name": "Berg"})])
    change = keeper.client("chris.smit").propose_change(content={"kind": "policy", "text": f"{shipped().text}\n{UNLIMITED}"}, reason="CHG-1")
    for person in ("chris.smit", "dewi.hoekstra"):
        keeper.client(person).approve_change(change=change["id"], digest=change["digest"])
    with pytest.raises(KeeperRefused, match="no_grant"):
        keeper.as_person("anna.dekker").reveal(purpose="support", category="identity", items=[(subject, blob)])
    assert "no ceiling" not in str(keeper.client("dewi.hoekstra").could_see(subject=subject)["actors"])
