"""What the measurement draws are bills as real ones are: ten lines, amounts that add up, rules kept."""

from dataclasses import replace

import pytest

from fixtures.en16931 import faults
from fixtures.four_faces import of_pdf, of_ubl
from hoeksteen.billing.documents import render_pdf, render_ubl
from hoeksteen.billing.documents.bench import invented_views, measure
from hoeksteen.kernel.errors import WrongState


def test_invented_bills_are_bills() -> None:
    views = invented_views(count=24, seed=3)
    assert {len(view.bill.rates) for view in views} == {10}
    for view in views[:4]:
        drawn, said, bill = of_pdf(render_pdf(view)), of_ubl(render_ubl(view)), view.bill
        assert (drawn.net, drawn.vat, drawn.gross) == (said.net, said.vat, said.gross) == (bill.net, bill.vat, bill.gross)
        assert faults(render_ubl(view)) == []
    figures = measure(views)
    assert figures.bills == 4 and figures.lines == 10
    assert figures.pdfs_per_second > 0 and figures.pdf_bytes > 20_000


def test_a_character_that_the_font_lacks_is_told_without_it() -> None:
    [view] = invented_views(count=1, seed=1)
    name = next(key for key, value in view.buyer.items() if isinstance(value, str))
    odd = replace(view, buyer={**view.buyer, name: "T １２ 日本"})
    with pytest.raises(WrongState, match=f"Bill {view.bill.bill_number} has a character that the font cannot show") as refused:
        render_pdf(odd)
    assert "日" not in str(refused.value)
    assert b"\xe6\x97\xa5" in render_ubl(odd)
