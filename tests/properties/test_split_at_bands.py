"""A record that is cut at band boundaries: each of its units has one price, whatever the fractions of its start and of the boundaries."""

import itertools
from datetime import UTC, datetime, timedelta

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from hoeksteen.rating import _charging
from hoeksteen.storage.lake.engines.duckdb import Duck

BASE = datetime(2026, 11, 2, 18, tzinfo=UTC)
SECOND = 1_000_000


@st.composite
def records(draw: st.DrawFn) -> tuple[int, int, int, int, list[int], list[int]]:
    """Draw (start in microseconds, delivered, units, free, boundaries in microseconds, price of each stretch)."""
    start = draw(st.integers(0, 3 * SECOND))
    delivered = draw(st.integers(1, 12))
    units = delivered + draw(st.integers(0, 5))
    free = draw(st.integers(0, units - 1))
    whole = st.integers(1, 15).map(lambda second: second * SECOND)
    near = (
        st.integers(0, 12)
        .flatmap(lambda second: st.sampled_from([-1, 0, 1]).map(lambda off: start + second * SECOND + off))
        .filter(lambda at: at > 0)
    )
    boundaries = sorted(draw(st.sets(st.one_of(whole, near, st.integers(1, 15 * SECOND)), min_size=1, max_size=4)))
    prices = [draw(st.integers(0, 9)) * 10**number for number in range(len(boundaries) + 1)]
    return start, delivered, units, free, boundaries, prices


def plainly(start: int, delivered: int, units: int, free: int, boundaries: list[int], prices: list[int]) -> int:
    """Price each unit by the stretch in which it begins; those that minimum and step add begin with the last one that was delivered."""
    total = 0
    for unit in range(free, units):
        begins = start + min(unit, delivered - 1) * SECOND
        total += prices[sum(boundary <= begins for boundary in boundaries)]
    return total


@settings(max_examples=60, deadline=None)
@given(drawn=st.lists(records(), min_size=20, max_size=60))
def test_each_unit_has_the_price_of_the_stretch_in_which_it_begins(drawn: list[tuple[int, int, int, int, list[int], list[int]]]) -> None:
    priced, bands = [], []
    for number, (start, delivered, units, free, boundaries, prices) in enumerate(drawn):
        row = {"record_id": number, "price_no": number, "start": BASE + timedelta(microseconds=start), "delivered_units": delivered, "units": units}
        priced.append({**row, "free_units": free, "priced_units": units - free, "split": True})
        edges = [-86_400 * SECOND, *boundaries, 86_400 * SECOND]
        for (begins, ends), price in zip(itertools.pairwise(edges), prices, strict=True):
            instants = {"begins_at": BASE + timedelta(microseconds=begins), "ends_at": BASE + timedelta(microseconds=ends)}
            bands.append({"price_no": number, **instants, "band_micro": price})
    with Duck(threads=1) as duck:
        duck.put("priced", pa.Table.from_pylist(priced))
        duck.put("band", pa.Table.from_pylist(bands))
        found = {row["record_id"]: row["numerator"] for row in duck.rows(_charging.SPLIT)}
        duck.execute("UPDATE band SET band_micro = 1")
        counted = {row["record_id"]: row["numerator"] for row in duck.rows(_charging.SPLIT)}
    assert counted == {number: units - free for number, (_, _, units, free, _, _) in enumerate(drawn)}, "each priced unit once"
    assert found == {number: plainly(*record) for number, record in enumerate(drawn)}
