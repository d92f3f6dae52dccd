"""
SQL by which records become another customer's, with everything that is theirs; all tables of a customer are named here, whatever room they belong to.

A table with `customer_id` stands in exactly one of these lists; a test reads them from the catalogue of the database.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from hoeksteen.storage.postgres import Row, Transaction

# Go where their product goes. In one statement, so that what refers to a product is checked when all of them have gone.
WITH_PRODUCT = (
    "product.product", "product.product_term", "product.price_alteration", "product.resource", "product.cap_lifted", "product.roaming_stop",
    "product.block", "consolidation.source_product",
)  # fmt: skip
# The same, where a bill has nothing of the product; else a credit and a new bill take their place.
POSITIONS = ("billing.recurring_position",)
# What was counted and told of a product, by `scope_id`.
WITH_SCOPE = ("rating.counter", "rating.notice")
# Go where their record goes.
WITH_RECORD = (
    "consolidation.source_record", "consolidation.sealed_record", "party.agreement", "party.consent", "receivables.carried_item",
)  # fmt: skip
# Are written anew, from the records that a customer has then.
WRITTEN_ANEW = ("party.customer", "party.billing_account", "consolidation.former_customer", "consolidation.carried_record")
# Tell of what has been: they stay with the customer that it happened to, but for notes of former systems, which go with their record.
STAYS = (
    "consolidation.kept_number", "consolidation.wave_customer",  # how they stood when their wave came: what differs since was changed by people
    "billing.customer_bill", "billing.applied_customer_billing_rate", "billing.applied_bill_tax", "billing.credit_note", "billing.held_account",
    "billing.instalment_billed", "billing.leaving_bill", "care.interaction", "care.interaction_item", "care.note", "ledger.posting",
    "messages.message", "messages.attempt", "receivables.allocation", "receivables.bank_decision", "receivables.bank_entry", "receivables.deposit",
    "receivables.dunning_exception", "receivables.dunning_step", "receivables.fee", "receivables.fee_waiver", "receivables.interest_charge",
    "receivables.mandate_amendment", "receivables.payment", "receivables.payment_reversal", "receivables.plan_instalment", "receivables.plan_item",
    "receivables.refund", "receivables.write_off",
)  # fmt: skip
# Belong to a billing account, and say what is still to be done with it: which of them are, and what they are called. They stay, and stand in the way.
# What came with a record goes with it: a mandate that nobody used or changed here, and what was contested before.
OPEN = {
    "billing.account_charge": ("a charge or credit that no bill has", "state IN ('asked', 'granted') AND customer_bill_id IS NULL"),
    "billing.account_hold": ("a hold", "released_at IS NULL"),
    "billing.instalment_plan": ("a sale in parts", "NOT done"),
    "care.dispute": ("a contested bill", "settled_at IS NULL AND opened_by <> 'consolidation'"),
    "party.cycle_move": ("a move to another bill day", "NOT done"),
    "party.department": ("a department", "valid_to IS NULL"),
    "receivables.collection": ("a collection under way", "state IN ('due', 'sent')"),
    "receivables.dunning_case": ("reminders", "closed_on IS NULL"),
    "receivables.mandate": (
        "a mandate",
        "state = 'active' AND (added_by <> 'consolidation' OR amended_on IS NOT NULL OR EXISTS"
        " (SELECT FROM receivables.collection c WHERE c.mandate_id = mandate.mandate_id))",
    ),
    "receivables.payment_plan": ("a payment plan", "ended_on IS NULL"),
}


def move_products(
    tx: Transaction, *, old: UUID, new: UUID, billing_account_id: UUID, product_ids: Sequence[UUID], with_positions: bool
) -> None:  # fmt: skip
    """Let products be another customer's, in one statement."""
    tables = (*WITH_PRODUCT[1:], *(POSITIONS if with_positions else ()))
    moved = [
        f"m{number} AS (UPDATE {table} SET customer_id = %(new)s WHERE customer_id = %(old)s AND product_id = ANY(%(ids)s))"
        for number, table in enumerate(tables)
    ]
    moved += [
        f"s{number} AS (UPDATE {table} SET customer_id = %(new)s WHERE customer_id = %(old)s AND scope_id = ANY(%(ids)s))"
        for number, table in enumerate(WITH_SCOPE)
    ]
    parameters = {"old": old, "new": new, "ids": list(product_ids), "billing_account": billing_account_id}
    tx.execute(
        f"WITH {', '.join(moved)} UPDATE product.product SET customer_id = %(new)s, billing_account_id = %(billing_account)s"
        " WHERE customer_id = %(old)s AND product_id = ANY(%(ids)s)",
        parameters,
    )
    tx.execute(
        "UPDATE rating.counter SET billing_account_id = %(billing_account)s WHERE customer_id = %(new)s AND scope_id = ANY(%(ids)s)", parameters
    )  # fmt: skip
    if not with_positions:
        for table in POSITIONS:
            tx.execute(f"DELETE FROM {table} WHERE customer_id = %(old)s AND product_id = ANY(%(ids)s)", parameters)


def move_agreement(tx: Transaction, old: UUID, new: UUID, agreement_id: UUID) -> None:
    tx.execute("UPDATE party.agreement SET customer_id = %s WHERE customer_id = %s AND agreement_id = %s", (new, old, agreement_id))


def products_of(tx: Transaction, customer_ids: Sequence[UUID]) -> list[Row]:
    """Give each product with the record that it came from; none of one that was sold here."""
    sql = """
        SELECT p.customer_id, p.product_id, p.billing_account_id, s.source_key
        FROM product.product p LEFT JOIN consolidation.source_product s USING (customer_id, product_id)
        WHERE p.customer_id = ANY(%s) ORDER BY p.product_id
    """
    return tx.rows(sql, (list(customer_ids),))


def open_work(tx: Transaction, customer_id: UUID) -> list[str]:
    """Name what is still to be done with the billing accounts of a customer."""
    parts = " UNION ALL ".join(
        f"SELECT {number} AS place WHERE EXISTS (SELECT FROM {table} WHERE customer_id = %(customer)s AND {condition})"
        for number, (table, (_, condition)) in enumerate(OPEN.items())
    )
    names = [name for name, _ in OPEN.values()]
    return [names[row["place"]] for row in tx.rows(f"{parts} ORDER BY place", {"customer": customer_id})]


def holds(tx: Transaction, customer_id: UUID) -> list[str]:
    """Give why billing accounts of a customer are held."""
    sql = "SELECT DISTINCT why FROM billing.account_hold WHERE customer_id = %s AND released_at IS NULL ORDER BY 1"
    return [row["why"] for row in tx.rows(sql, (customer_id,))]


def customers(tx: Transaction, customer_ids: Sequence[UUID]) -> dict[UUID, Row]:
    sql = """
        SELECT c.customer_id, c.party_id, p.kind AS party_kind, c.segment, c.status, c.language, c.customer_since, c.customer_number, c.created_at
        FROM party.customer c JOIN party.party p USING (party_id) WHERE c.customer_id = ANY(%s) FOR UPDATE OF c
    """
    return {row["customer_id"]: row for row in tx.rows(sql, (list(customer_ids),))}


def set_customer(tx: Transaction, customer_id: UUID, values: dict[str, Any]) -> None:
    sql = """
        UPDATE party.customer SET segment = %(segment)s, language = %(language)s, customer_since = %(customer_since)s, status = 'active'
        WHERE customer_id = %(customer_id)s
    """
    tx.execute(sql, {**values, "customer_id": customer_id})
    tx.execute(
        "UPDATE party.party SET kind = %(party_kind)s WHERE party_id = (SELECT party_id FROM party.customer WHERE customer_id = %(customer_id)s)",
        {**values, "customer_id": customer_id},
    )


def set_billing_account(tx: Transaction, customer_id: UUID, billing_account_id: UUID, payment_method: str, tax_included: bool) -> None:
    sql = """
        UPDATE party.billing_account SET payment_method = %s, tax_included = %s, status = 'active' WHERE customer_id = %s AND billing_account_id = %s
    """
    tx.execute(sql, (payment_method, tax_included, customer_id, billing_account_id))


def close(tx: Transaction, customer_id: UUID) -> None:
    tx.execute("UPDATE party.customer SET status = 'closed' WHERE customer_id = %s", (customer_id,))
    tx.execute("UPDATE party.billing_account SET status = 'closed' WHERE customer_id = %s", (customer_id,))


def billed_lines(tx: Transaction, customer_id: UUID, product_ids: Sequence[UUID]) -> list[Row]:
    """Give the lines about some products on a customer's final bills, not on credit notes; `credit_bill` knows what was credited before."""
    sql = """
        SELECT b.customer_bill_id, b.bill_number, b.bill_date, l.line, l.kind, l.product_id, l.tax_category, l.tax_rate, b.tax_included,
               coalesce(l.gross, l.net) AS amount, l.detail, b.billing_account_id
        FROM billing.customer_bill b JOIN billing.applied_customer_billing_rate l USING (customer_id, customer_bill_id)
        LEFT JOIN billing.credit_note n USING (customer_id, customer_bill_id)
        WHERE b.customer_id = %s AND b.bill_number IS NOT NULL AND n.customer_bill_id IS NULL AND l.product_id = ANY(%s)
        ORDER BY b.bill_date, b.bill_number, l.line
    """
    return tx.rows(sql, (customer_id, list(product_ids)))


def payments_of(tx: Transaction, customer_id: UUID, bill_ids: Sequence[UUID]) -> list[Row]:
    """Give what was paid or settled of some bills."""
    sql = """
        SELECT a.customer_bill_id, a.source_id, a.amount, p.received_on FROM receivables.allocation a
        LEFT JOIN receivables.payment p ON p.customer_id = a.customer_id AND p.payment_id = a.source_id
        WHERE a.customer_id = %s AND a.customer_bill_id = ANY(%s) ORDER BY p.received_on, a.source_id
    """
    return tx.rows(sql, (customer_id, list(bill_ids)))


def all_tables() -> tuple[str, ...]:
    """Give every table that these lists name."""
    return (*WITH_PRODUCT, *POSITIONS, *WITH_SCOPE, *WITH_RECORD, *WRITTEN_ANEW, *STAYS, *OPEN)
