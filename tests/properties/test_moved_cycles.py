"""An account that is billed on other days of the month: over all bills each day is charged once, by a plain reckoning of days and cents."""

from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from factories.recurring_story import BOOK
from hoeksteen.billing.prices import FOREVER
from hoeksteen.billing.recurring import Calendar, Charge, ChargeKey, HeldProduct, Move, Position, Term, charges_due, fingerprint
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.time_period import add_months, bill_period

PRICES = {"S": Decimal(10), "M": Decimal(20), "L": Decimal(35), "ARREARS": Decimal(9)}
START = date(2026, 1, 7)
DAYS = st.integers(1, 28)


def plain_periods(moves: list[Move], day: int, until: date) -> list[tuple[date, date, int]]:
    """Give first day, end and the days that a whole price is for, walked a day at a time."""
    edges, today, cycle = [], START - timedelta(days=31), day
    left = list(moves)
    while today < until:
        if left and today == left[0].from_day:
            cycle = left.pop(0).day_after
            around = bill_period(today, cycle_day=cycle)
            edges.append((today, around.days))
        elif today.day == cycle:
            edges.append((today, (add_months(today, 1) - today).days))
        today += timedelta(days=1)
    return [(first, end, days) for (first, days), (end, _) in pairwise(edges)]


def reckoned(moves: list[Move], day: int, terms: list[tuple[date, date, str]], until: date, arrears_until: date) -> Decimal:
    """Give what is to be charged for every period that begins before a day, in arrears for those that end by another."""
    total = Decimal(0)
    for first, end, days in plain_periods(moves, day, until + timedelta(days=62)):
        for since, stop, offering in terms:
            held = (min(end, stop) - max(first, since)).days
            bound = arrears_until if offering == "ARREARS" else until
            if held > 0 and (end <= bound if offering == "ARREARS" else first < bound):
                total += (PRICES[offering] * held / days).quantize(Decimal("0.01"), ROUND_HALF_UP)
    return total


@settings(max_examples=60)
@given(
    DAYS,
    st.lists(st.tuples(DAYS, st.integers(1, 4)), min_size=1, max_size=3),
    st.lists(st.tuples(st.integers(0, 330), st.sampled_from(["S", "M", "L", "ARREARS", "END"])), max_size=3),
)
def test_each_day_is_charged_once(day: int, wanted: list[tuple[int, int]], changes: list[tuple[int, str]]) -> None:
    moves: list[Move] = []
    cycle, first = day, bill_period(START, cycle_day=day).first_day
    for day_after, after in wanted:
        from_day = add_months(first, after)
        if day_after != cycle:
            moves.append(Move(from_day, cycle, day_after))
            cycle, first = day_after, bill_period(from_day, cycle_day=day_after).end_day
    terms = [(START, date.max, "M")]
    for days, what in sorted(changes):
        on = START + timedelta(days=days + 1)
        if on > terms[-1][0] and terms[-1][2] not in ("END", what):
            terms[-1:] = [(terms[-1][0], on, terms[-1][2]), (on, date.max, what)]
    billed: list[Charge] = []
    position: Position | None = None
    usage = bill_period(START, cycle_day=day)
    for _ in range(14):
        known = tuple(one for one in moves if one.from_day <= usage.end_day + timedelta(days=40))  # entered shortly before
        calendar = Calendar(usage).moved(known)
        told = [one for one in terms if one[0] <= usage.end_day + timedelta(days=20)]  # changes are entered from their day on, or a little ahead
        ended = [one for one in told if one[2] != "END"]
        held = tuple(Term(since.toordinal(), FOREVER if one is ended[-1] and told[-1][2] != "END" else stop.toordinal(), offering, True)
                     for one in ended for since, stop, offering in [one])  # fmt: skip
        product = HeldProduct(derived("customer"), derived("product"), START.toordinal(), START.toordinal(), held, ())
        print_now = fingerprint(product, BOOK)
        before = [
            one._replace(key=ChargeKey(*one.key[:3], calendar.months[calendar.index(one.first)].first))
            for one in billed
            if one.first < calendar.end
        ] if position is not None and position.fingerprint != print_now else None  # fmt: skip
        due = charges_due(product=product, position=position, billed=before, book=BOOK, calendar=calendar, tax_included=False)
        billed += due
        position = Position(max(calendar.end, position.billed_to if position else 0), print_now)
        move = next((one for one in moves if one.from_day == usage.end_day), None)
        last = usage
        usage = bill_period(usage.end_day, cycle_day=move.day_after if move else usage.end_day.day)
    until = date.fromordinal(calendar.end)
    seen = [one for one in terms if one[0] <= last.end_day + timedelta(days=20)]
    stops = [(since, stop if index + 1 < len(seen) else date.max, what) for index, (since, stop, what) in enumerate(seen) if what != "END"]
    assert sum(one.cents for one in billed) == 100 * reckoned(moves, day, stops, until, last.end_day)
