"""Somebody who may write the keeper's tables gives themselves rights: the scan finds each row that the log does not know; a start ends some."""

import base64
import os
import time

import pytest

from fixtures.keeper import RunningKeeper, new_subject
from hoeksteen_keeper.access.policies import shipped
from hoeksteen_keeper.client import KeeperRefused, SealItem

UNLIMITED = """
@id("no ceiling") @limits("grant") permit (principal in Role::"care_agent", action == Action::"reveal", resource)
when { context.purpose == "support" };
"""


def test_rows_that_the_log_does_not_know_are_found(own_keeper: RunningKeeper) -> None:
    keeper = own_keeper
    dewi = keeper.client("dewi.hoekstra")
    grant = keeper.client("m.tan").request_grant(purpose="support", categories=["identity"], subjects=[new_subject()], ticket="T", minutes=30)["id"]
    assert not [finding for finding in dewi.exposure() if "differs-from-log" in finding]
    planted = base64.b64encode(os.urandom(32)).decode()
    keeper.sql("UPDATE access.actor SET roles = '{billing_manager}' WHERE actor = 'anna.dekker'")
    keeper.sql("UPDATE access.actor SET organisation = 'lage-landen' WHERE actor = 'm.tan'")
    key = f"'mine', 'chris.smit', 'ed25519', decode('{planted}', 'base64'), now()"
    keeper.sql(f"INSERT INTO access.key (key, actor, kind, public_key, added_at) VALUES ({key})")
    runs = "state = 'running', unmasked = true, valid_from = now(), valid_to = now() + interval '1 hour'"
    keeper.sql(f"UPDATE access.access_grant SET {runs} WHERE grant_id = '{grant}'")
    keeper.client("chris.smit").kill(scope="actor", target="w.lim", reason="x")
    keeper.sql("UPDATE access.actor SET blocked_at = NULL WHERE actor = 'w.lim'")
    hide = "UPDATE evidence.entry SET kind = 'session' WHERE index = (SELECT max(index) FROM evidence.entry WHERE kind = 'kill')"
    keeper.sql(f"SET session_replication_role = replica; {hide}")
    deadline = time.monotonic() + 60
    while not any("m.tan is person" in finding for finding in dewi.could_see(actor="m.tan")["findings"]) and time.monotonic() < deadline:
        time.sleep(0.5)  # found and attested by itself
    assert any("m.tan is person" in finding for finding in dewi.could_see(actor="m.tan")["findings"])
    found = [finding for finding in dewi.exposure() if "differs-from-log" in finding]
    for part in (
        "anna.dekker is person of lage-landen with the roles billing_manager", "m.tan is person of lage-landen", "chris.smit has the key mine",
        f"the grant {grant} runs", "1 entries of the log pose as another kind",
    ):  # fmt: skip
        assert sum(part in finding for finding in found) == 1, part
    assert set(found) <= set(dewi.could_see(actor="anna.dekker")["findings"])
    keeper.stop()
    keeper.start()
    assert keeper.sql("SELECT roles FROM access.actor WHERE actor = 'anna.dekker'").strip() == "{care_agent}"


def test_no_policy_lets_anything_out_without_a_ceiling(own_keeper: RunningKeeper) -> None:
    keeper, subject = own_keeper, new_subject()
    [blob] = keeper.client("bss").seal(purpose="migration", category="identity", items=[SealItem(subject, {"family_name": "Berg"})])
    change = keeper.client("chris.smit").propose_change(content={"kind": "policy", "text": f"{shipped().text}\n{UNLIMITED}"}, reason="CHG-1")
    for person in ("chris.smit", "dewi.hoekstra"):
        keeper.client(person).approve_change(change=change["id"], digest=change["digest"])
    with pytest.raises(KeeperRefused, match="no_grant"):
        keeper.as_person("anna.dekker").reveal(purpose="support", category="identity", items=[(subject, blob)])
    assert "no ceiling" not in str(keeper.client("dewi.hoekstra").could_see(subject=subject)["actors"])
