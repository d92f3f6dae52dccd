"""Whatever happens to a product between the runs, what was billed is what should have been, and billing in pieces is billing at once."""

from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from factories.recurring_story import BOOK, Story
from hoeksteen.billing.recurring import Calendar, charges_due
from hoeksteen.kernel.time_period import add_months, bill_period

MONTHS = [f"{add_months(date(2026, 6, 1), months):%Y-%m}" for months in range(8)]
LAST = bill_period(date.fromisoformat(f"{MONTHS[-1]}-01"))
CHANGES = st.lists(
    st.tuples(st.sampled_from(["change M", "change L", "change S", "change RISING", "suspend", "resume"]), st.integers(0, 240), st.integers(0, 7)),
    max_size=6,
)


def _act(story: Story, what: str, day: date) -> None:
    """Do what can be done: the day must come after the last change, and something must change by it."""
    assert story.product
    last = story.product.terms[-1]
    word, _, offering = what.partition(" ")
    if day.toordinal() <= last.first or (word == "suspend") == (not last.active) and word != "change":
        return
    if word == "change" and (not last.active or offering == last.product_offering_id):
        return
    story.step([word, day.isoformat(), *([offering] if offering else [])])


def _play(changes: list[tuple[str, int, int]], *, opening: str, months: list[str]) -> Story:
    story = Story()
    story.step(["product", "2026-03-10", "M", "opening", opening])
    for index, month in enumerate(MONTHS):
        for what, days, at in changes:
            if at == index:
                _act(story, what, date(2026, 6, 1) + timedelta(days=days))
        if month in months:
            story.run(month)
    return story


def _sums(story: Story) -> dict[tuple[str, int], int]:
    sums: dict[tuple[str, int], int] = {}
    for charge in story.billed:
        key = (charge.key.product_offering_id, charge.key.month)
        sums[key] = sums.get(key, 0) + charge.cents
    return {key: cents for key, cents in sums.items() if cents}


@given(CHANGES, st.sampled_from(["2026-06-01", "2026-07-01"]))
def test_what_was_billed_is_what_should_have_been(changes: list[tuple[str, int, int]], opening: str) -> None:
    story = _play(changes, opening=opening, months=MONTHS)
    assert story.product
    fresh = charges_due(product=story.product, position=None, billed=None, book=BOOK, calendar=Calendar(LAST), tax_included=False)
    wanted: dict[tuple[str, int], int] = {}
    for charge in fresh:
        key = (charge.key.product_offering_id, charge.key.month)
        wanted[key] = wanted.get(key, 0) + charge.cents
    assert _sums(story) == {key: cents for key, cents in wanted.items() if cents}


@given(CHANGES, st.lists(st.sampled_from(MONTHS[:-1]), max_size=6))
def test_billing_in_pieces_is_billing_at_once(changes: list[tuple[str, int, int]], left_out: list[str]) -> None:
    every = _play(changes, opening="2026-06-01", months=MONTHS)
    some = _play(changes, opening="2026-06-01", months=[month for month in MONTHS if month not in left_out])
    assert _sums(every) == _sums(some)
