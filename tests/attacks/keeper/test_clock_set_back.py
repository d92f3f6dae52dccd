"""The machine's clock is set back, so that what expired may run again."""

from datetime import UTC, datetime, timedelta

import pytest

from fixtures.keeper import RunningKeeper, new_subject
from hoeksteen_keeper.client import KeeperRefused, SealItem
from hoeksteen_keeper.service.clock import SteadyClock


def test_a_clock_that_is_set_back_stands_still() -> None:
    shown = [datetime(2026, 10, 1, 12, tzinfo=UTC)]
    clock = SteadyClock(lambda: shown[-1])
    assert clock() == shown[0]
    shown.append(shown[0] - timedelta(days=1))
    assert clock() == shown[0]
    shown.append(shown[0] + timedelta(seconds=1))
    assert clock() == shown[2]
    clock.not_before(shown[0] + timedelta(hours=1))  # what the log says at start-up
    assert clock() == shown[0] + timedelta(hours=1)


def test_a_grant_that_expired_stays_so(own_keeper: RunningKeeper) -> None:
    keeper, subject = own_keeper, new_subject()
    (blob,) = keeper.client("bss").seal(purpose="migration", category="identity", items=[SealItem(subject, {"family_name": "X"})])
    grant = keeper.client("m.tan").request_grant(purpose="support", categories=["identity"], subjects=[subject], ticket="T", minutes=5)
    keeper.approve(grant["id"])
    keeper.later("6 minutes")
    assert keeper.client("m.tan").grant(grant=grant["id"])["state"] == "expired"
    # as if the clock were set back an hour: its end lies ahead again, and the entry `expired` stands
    keeper.sql(f"UPDATE access.access_grant SET state = 'running', valid_to = now() + interval '1 hour' WHERE grant_id = '{grant['id']}'")
    with pytest.raises(KeeperRefused, match="grant_expired|no_grant"):
        keeper.client("m.tan").reveal(purpose="support", category="identity", items=[(subject, blob)])


def test_a_log_that_lies_ahead_of_the_clock_holds_it(own_keeper: RunningKeeper) -> None:
    """After a restart with the clock set back, decisions are made at the time of the last entry, not before it."""
    keeper = own_keeper
    keeper.stop()
    keeper.sql("UPDATE evidence.head SET time = time + interval '3 days'")
    keeper.start()
    keeper.client("chris.smit").grants()
    keeper.stop()
    keeper.start()
    with pytest.raises(KeeperRefused, match="no_grant|grant_expired"):  # the standing grant of 24 hours lies in the past
        keeper.client("bss").seal(purpose="migration", category="identity", items=[SealItem(new_subject(), {"family_name": "X"})])
