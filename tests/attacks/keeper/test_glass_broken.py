"""Access that is taken without approval: for those who may, for few people and an hour; seen by all, and reviewed by somebody else."""

import pytest

from fixtures.keeper import RunningKeeper, new_subject
from hoeksteen_keeper.client import KeeperInvalid, KeeperRefused, SealItem


def test_it_is_taken_seen_reviewed_and_not_taken_again_unreviewed(own_keeper: RunningKeeper) -> None:
    keeper = own_keeper
    emma, dewi, subject = keeper.client("emma.bakker"), keeper.client("dewi.hoekstra"), new_subject()
    [blob] = keeper.client("bss").seal(purpose="migration", category="payment", items=[SealItem(subject, {"iban": "NL91ABNA0417164300"})])
    wanted = {
        "purpose": "support",
        "categories": ["payment"],
        "subjects": [subject],
        "reason": "P1: direct debits fail",
        "minutes": 30,
        "unmasked": True,
    }
    with pytest.raises(KeeperRefused, match="no_grant"):
        emma.reveal(purpose="support", category="payment", items=[(subject, blob)])
    assert any(row["actor"] == "emma.bakker" and row["purpose"] == "break_glass" for row in dewi.could_see(subject=subject)["actors"])
    grant = emma.break_glass(**wanted)
    assert grant["break_glass"] and grant["state"] == "running" and '"break_glass":true' in grant["canonical"] and grant["approvals"] == []
    [seen] = emma.reveal(purpose="support", category="payment", items=[(subject, blob)])
    assert seen.fields["iban"] == "NL91ABNA0417164300" and not seen.masked
    assert dewi.did_see(subject=subject)[-1]["grant"] == grant["id"]
    other = new_subject()
    [another] = keeper.client("bss").seal(purpose="migration", category="payment", items=[SealItem(other, {"iban": "NL02RABO0123456789"})])
    with pytest.raises(KeeperRefused, match="grant_covers_others"):
        emma.reveal(purpose="support", category="payment", items=[(other, another)])
    with pytest.raises(KeeperRefused, match="limit_reached"):  # one after the other they are as many as at once
        emma.break_glass(**{**wanted, "subjects": [new_subject() for _ in range(50)]})
    keeper.client("chris.smit").request_grant(purpose="support", categories=["note"], subjects=[subject], ticket="later", minutes=5)
    assert dewi.grants()[0]["id"] == grant["id"]  # first, although another was asked for later
    as_dewi = ("--as", "dewi.hoekstra", "--key", keeper.key("dewi.hoekstra"), "--socket", keeper.socket_path)
    assert "BREAK-GLASS, review due" in keeper.run("grant", "list", *as_dewi).stdout.splitlines()[0]

    keeper.later("73 hours")
    with pytest.raises(KeeperRefused, match="review_overdue"):
        emma.break_glass(**wanted)
    assert any("emma.bakker took access without approval" in finding for finding in dewi.could_see(subject=subject)["findings"])
    with pytest.raises(KeeperRefused, match="no_permission"):  # who takes does not review
        emma.review_break_glass(grant=grant["id"], verdict="ok", reason="fine")
    assert keeper.run("grant", "review", grant["id"], "--verdict", "ok", "--reason", "there was a P1", *as_dewi).stdout == "ok\n"
    with pytest.raises(KeeperRefused, match="review_done"):
        dewi.review_break_glass(grant=grant["id"], verdict="misuse", reason="on second thoughts")
    second = emma.break_glass(**wanted)
    dewi.review_break_glass(grant=second["id"], verdict="misuse", reason="no P1 this time")
    with pytest.raises(KeeperRefused, match="actor_blocked"):
        emma.checkpoint()


def test_who_may_not_and_what_is_too_much(keeper: RunningKeeper) -> None:
    few = {"purpose": "care", "categories": ["payment"], "subjects": [new_subject()], "reason": "now", "minutes": 10}
    for actor in ("m.tan", "w.lim", "chris.smit", "bss"):
        with pytest.raises(KeeperRefused, match="no_permission"):
            keeper.client(actor).break_glass(**few)
    with pytest.raises(KeeperRefused, match="step_up_needed"):  # a desk that was taken over holds tokens from passwords
        keeper.as_person("anna.dekker").break_glass(**few)
    for more in ({"minutes": 61}, {"subjects": [new_subject() for _ in range(51)]}, {"subjects": []}, {"reason": " "}):
        with pytest.raises(KeeperInvalid, match="grant_invalid"):
            keeper.client("anna.dekker").break_glass(**{**few, **more})
