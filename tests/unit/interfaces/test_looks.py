"""What one actor did in one go, for one reason, is one line; nothing of the log is lost by it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hoeksteen.interfaces.web.looks import Deed, looks

NOW = datetime(2026, 11, 25, 9, tzinfo=UTC)


def entry(seconds: int, category: str = "identity", **changes: Any) -> dict[str, Any]:
    who = {"actor": "anna.dekker", "name": "Anna Dekker", "organisation": "lage-landen", "country": "NL"}
    what = {"action": "reveal", "category": category, "masked": False, "outcome": "allowed", "count": 1}
    why = {"purpose": "care", "grant": None, "ticket": ""}
    return {"index": seconds, "time": NOW + timedelta(seconds=seconds), **who, **what, **why, **changes}


def test_one_visit_is_one_line() -> None:
    [look] = looks([entry(0, action="search"), entry(1), entry(2, "contact"), entry(3, "payment", masked=True), entry(60)])
    assert look.deeds == [
        Deed("reveal", "identity", False),
        Deed("reveal", "payment", True),
        Deed("reveal", "contact", False),
        Deed("search", "", False),
    ]
    assert (look.entries, look.time, look.oldest) == (5, NOW + timedelta(seconds=60), NOW)


def test_another_reason_outcome_or_actor_is_another_line() -> None:
    for changes in ({"ticket": "CARE-1"}, {"purpose": "billing"}, {"outcome": "refused"}, {"actor": "m.tan"}, {"grant": "g"}):
        assert len(looks([entry(0), entry(1, **changes)])) == 2


def test_a_question_to_the_log_joins_the_visit_that_it_was_part_of() -> None:
    for order in ([entry(0), entry(1, action="did_see", purpose="")], [entry(0, action="did_see", purpose=""), entry(1)]):
        [look] = looks(order)
        assert (look.purpose, look.entries) == ("care", 2)


def test_a_later_visit_is_another_line_and_comes_first() -> None:
    first, second = looks([entry(0), entry(121)])
    assert first.time > second.time


def test_no_entry_is_lost() -> None:
    entries = [entry(n * 50, action=("did_see", "reveal", "export")[n % 3]) for n in range(30)]
    assert sum(look.entries for look in looks(entries)) == 30
