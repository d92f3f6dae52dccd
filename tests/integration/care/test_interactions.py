"""Why somebody looks, and what they did, in a real PostgreSQL; notes with a real keeper."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from hoeksteen.care import operations, queries
from hoeksteen.care.model import Interaction, Reason
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.kernel.identifiers import Identifiers, derived
from hoeksteen.storage.postgres import Database

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)
CUSTOMER = derived("customer", "care")
IDENTIFIERS = Identifiers(Random(3))
ON_THE_LINE = Reason("phone")


def opened(database: Database, *, actor: str = "anna.dekker", reason: Reason = ON_THE_LINE, at: datetime = NOW) -> Interaction:
    with database.transaction() as tx:
        return operations.record_interaction(tx=tx, customer_id=CUSTOMER, actor=actor, reason=reason, now=at, identifiers=IDENTIFIERS)


def test_a_reason_holds_for_half_an_hour_and_for_one_person(database: Database) -> None:
    mine = opened(database)
    with database.transaction() as tx:
        assert queries.open_interaction(tx=tx, customer_id=CUSTOMER, actor="anna.dekker", now=NOW + timedelta(minutes=29)) == mine
        assert queries.open_interaction(tx=tx, customer_id=CUSTOMER, actor="anna.dekker", now=NOW + timedelta(minutes=30)) is None
        assert queries.open_interaction(tx=tx, customer_id=CUSTOMER, actor="b.visser", now=NOW) is None
        assert queries.open_interaction(tx=tx, customer_id=derived("customer", "other"), actor="anna.dekker", now=NOW) is None


def test_the_newest_reason_counts(database: Database) -> None:
    opened(database)
    later = opened(database, reason=Reason("ticket", "CARE-7"), at=NOW + timedelta(minutes=5))
    with database.transaction() as tx:
        assert queries.open_interaction(tx=tx, customer_id=CUSTOMER, actor="anna.dekker", now=NOW + timedelta(minutes=6)) == later
        assert [one.reason for one in queries.interactions(tx=tx, customer_id=CUSTOMER)] == [Reason("ticket", "CARE-7"), Reason("phone")]


def test_what_was_done_is_kept_in_order(database: Database) -> None:
    interaction = opened(database)
    with database.transaction() as tx:
        for kind in ("suspend", "resume"):
            operations.record_item(tx=tx, interaction=interaction, kind=kind, product_id=derived("p"), detail={"from_day": "2026-12-01"}, now=NOW)
    with database.transaction() as tx:
        [found] = queries.interactions(tx=tx, customer_id=CUSTOMER)
    assert [(item.kind, item.detail["from_day"], item.done_at) for item in found.items] == [
        ("suspend", "2026-12-01", NOW),
        ("resume", "2026-12-01", NOW),
    ]


def test_the_application_cannot_rewrite_a_reason(database: Database) -> None:
    opened(database)
    for statement in ("UPDATE care.interaction SET actor = 'x'", "DELETE FROM care.interaction", "TRUNCATE care.interaction"):
        with pytest.raises(Exception, match="permission denied"), database.transaction() as tx:
            tx.execute(statement)


@pytest.mark.parametrize(
    ("channel", "ticket", "context"),
    [
        ("phone", "", {"customer_on_the_line": True}),
        ("phone", "ignored", {"customer_on_the_line": True}),
        ("ticket", " care-12 ", {"ticket": "CARE-12"}),
    ],
)
def test_a_reason_becomes_what_the_keeper_weighs(channel: str, ticket: str, context: dict[str, object]) -> None:
    assert operations.reason_given(channel=channel, ticket=ticket).context == context


@pytest.mark.parametrize(("channel", "ticket"), [("", ""), ("ticket", ""), ("ticket", "J. van den Berg"), ("ticket", "X" * 21), ("mail", "CARE-1")])
def test_no_reason_is_refused_and_a_name_does_not_fit(channel: str, ticket: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        operations.reason_given(channel=channel, ticket=ticket)
    assert refused.value.fields["field"] == "ticket"
    assert "Berg" not in str(refused.value)
