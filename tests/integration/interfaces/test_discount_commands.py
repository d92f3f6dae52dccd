"""`hoeksteen discount` gives, shows and ends a discount; without a reason nothing is done."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from factories.billed_operator import NOW, BilledOperator
from fixtures.commands import figures_and_text
from hoeksteen.care import queries as care
from hoeksteen.interfaces.cli.discounts import discount
from hoeksteen.kernel.clock import SystemClock
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.kernel.time_period import local_day
from hoeksteen.product import operations as product

PLAN: dict[str, Any] = {
    "id": "plan", "family": "mobile", "name": {"nl": "Plan", "en": "Plan"}, "segment": "consumer", "tax_included": True,
    "prices": [{"id": "sms", "kind": "usage", "service": "sms", "versions": [{"valid_from": "2026-01-01", "amount": "0.10"}]}],
    "discounts": [{"id": "texts", "name": "smskorting", "percentage": "25", "of": ["sms"]}],
}  # fmt: skip


def test_a_discount_is_given_shown_and_ended(operator: BilledOperator, data: Path) -> None:
    with operator.database.transaction() as tx:
        product.load_catalogue(tx=tx, mapping={"offerings": [PLAN]}, now=NOW)
    [held] = operator.add("plan")
    today = local_day(SystemClock().now())
    day, later, who = str(today + timedelta(days=3)), str(today + timedelta(days=9)), [str(held.customer_id), str(held.product_id)]
    with pytest.raises(InvalidInput, match="ticket"):
        figures_and_text(discount, data, "grant", *who, "plan/texts", "--from", day, "--by", "anna")
    granted, told = figures_and_text(discount, data, "grant", *who, "plan/texts", "--from", day, "--by", "anna", "--ticket", "CARE-12")
    assert (granted["valid_from"], granted["usage_prices"]) == (day, ["plan/sms"])
    assert told.startswith("smskorting (")
    shown, told = figures_and_text(discount, data, "show", str(held.customer_id), width=200)
    assert [one["price_alteration_id"] for one in shown["alterations"]] == [granted["price_alteration_id"]]
    assert "-25.00 %" in told and granted["price_alteration_id"] in told
    ended, told = figures_and_text(discount, data, "end", *who, granted["price_alteration_id"], "--from", later, "--by", "bob", "--phone")
    assert ended["valid_to"] == later and later in told
    with operator.database.transaction() as tx:
        interactions = care.interactions(tx=tx, customer_id=held.customer_id)
    assert sorted((one.actor, item.kind) for one in interactions for item in one.items) == [("anna", "grant_discount"), ("bob", "end_discount")]
