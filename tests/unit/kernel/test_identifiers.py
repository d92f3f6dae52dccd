"""Identifiers are ordered, repeatable and well-formed."""

import pickle
import random
from datetime import UTC, datetime, timedelta

from hoeksteen.kernel.errors import AccessDenied, Code, Corrupt, invariant
from hoeksteen.kernel.identifiers import Identifiers, derived

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def test_identifiers_sort_by_time_and_repeat_by_seed() -> None:
    first, second = Identifiers(random.Random(7)), Identifiers(random.Random(7))
    made = [first.new(NOW + timedelta(milliseconds=i)) for i in range(100)]
    assert made == sorted(made)
    assert made == [second.new(NOW + timedelta(milliseconds=i)) for i in range(100)]
    assert {identifier.version for identifier in made} == {7}
    assert {identifier.variant for identifier in made} == {"specified in RFC 4122"}


def test_derived_identifiers_depend_on_each_part_and_its_place() -> None:
    assert derived("run", "a", "b") == derived("run", "a", "b")
    assert len({derived("run", "a", "b"), derived("run", "b", "a"), derived("run", "ab"), derived("run", "a", "b", "")}) == 4
    assert derived("x").version == 8


def test_a_broken_invariant_stops_with_a_remedy() -> None:
    invariant(True, "nothing")
    try:
        invariant(False, "one is two")
    except Corrupt as error:
        assert error.code is Code.CORRUPT
        assert "one is two" in str(error)
        assert error.remedy
    else:
        raise AssertionError("an invariant that does not hold must raise")


def test_a_denial_carries_its_reason() -> None:
    error = AccessDenied("The keeper refuses: no_grant.", reason="no_grant", remedy="Ask for a grant.", customer="x")
    assert error.reason == "no_grant"
    assert str(error) == "The keeper refuses: no_grant. Ask for a grant."
    assert error.fields == {"customer": "x"}
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again), again.reason, again.fields) == (AccessDenied, str(error), "no_grant", {"customer": "x"})


def test_a_series_lies_together_and_in_order() -> None:
    made = Identifiers(random.Random(1)).series(datetime(2026, 11, 1, tzinfo=UTC), 300)
    assert [one.int - made[0].int for one in made] == list(range(300))
    assert {one.version for one in made} == {7}
