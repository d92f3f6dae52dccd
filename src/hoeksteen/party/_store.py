"""SQL of the party room."""

from collections.abc import Sequence
from datetime import date, datetime
from uuid import UUID

from hoeksteen.party.model import Agreement, BillingAccount, Customer, CycleMove, Language, NewBillingAccount, NewCustomer, PaymentMethod
from hoeksteen.storage.postgres import Row, Transaction

_CUSTOMER = """
SELECT c.customer_id, c.party_id, p.kind AS party_kind, c.customer_number, c.segment, c.status, c.language, c.customer_since
FROM party.customer c JOIN party.party p USING (party_id)
"""
_BILLING_ACCOUNT = """
SELECT customer_id, billing_account_id, billing_account_number, cycle_day, payment_method, tax_included, status, payment_term_days, itemisation,
       buyer_reference, tax_treatment
FROM party.billing_account
"""
# A rehearsal is rolled back, and a number from a sequence would be lost by that.
_NUMBERS = """
SELECT CASE WHEN current_setting('hoeksteen.rehearsal', true) = 'on' THEN gen_random_uuid()::text ELSE nextval('{}')::text END AS number
FROM generate_series(1, %s)
"""


def from_row_customer(row: Row) -> Customer:
    return Customer(**row)


def from_row_billing_account(row: Row) -> BillingAccount:
    return BillingAccount(**row)


def customer(tx: Transaction, customer_id: UUID) -> Customer | None:
    row = tx.row(_CUSTOMER + "WHERE c.customer_id = %s", (customer_id,))
    return None if row is None else from_row_customer(row)


def customers(tx: Transaction, customer_ids: Sequence[UUID]) -> list[Customer]:
    return [from_row_customer(row) for row in tx.rows(_CUSTOMER + "WHERE c.customer_id = ANY(%s) ORDER BY c.customer_id", (list(customer_ids),))]


def customers_of_parties(tx: Transaction, party_ids: Sequence[UUID]) -> list[Customer]:
    sql = _CUSTOMER + "WHERE c.party_id = ANY(%s) ORDER BY c.party_id, c.customer_id"
    return [from_row_customer(row) for row in tx.rows(sql, (list(party_ids),))]


def customer_by_number(tx: Transaction, customer_number: str) -> Customer | None:
    row = tx.row(_CUSTOMER + "WHERE c.customer_number = %s", (customer_number,))
    return None if row is None else from_row_customer(row)


def customers_after(tx: Transaction, after: UUID | None, limit: int) -> list[Customer]:
    sql = _CUSTOMER + "WHERE %(after)s::uuid IS NULL OR c.customer_id > %(after)s ORDER BY c.customer_id LIMIT %(limit)s"
    return [from_row_customer(row) for row in tx.rows(sql, {"after": after, "limit": limit})]


def count_customers(tx: Transaction) -> int:
    return int(tx.value("SELECT count(*) FROM party.customer"))


def billing_accounts(tx: Transaction, customer_ids: Sequence[UUID]) -> list[BillingAccount]:
    sql = _BILLING_ACCOUNT + "WHERE customer_id = ANY(%s) ORDER BY billing_account_id"
    return [from_row_billing_account(row) for row in tx.rows(sql, (list(customer_ids),))]


def count_billing_accounts_of_cycle(tx: Transaction, cycle_day: int) -> int:
    return int(tx.value("SELECT count(*) FROM party.billing_account WHERE cycle_day = %s AND status = 'active'", (cycle_day,)))


def billing_accounts_by_id(tx: Transaction, billing_account_ids: Sequence[UUID]) -> list[BillingAccount]:
    sql = _BILLING_ACCOUNT + "WHERE billing_account_id = ANY(%s) ORDER BY billing_account_id"
    return [from_row_billing_account(row) for row in tx.rows(sql, (list(billing_account_ids),))]


def cycle_days_in_use(tx: Transaction) -> list[int]:
    sql = """
    SELECT day FROM generate_series(1, 28) AS day
    WHERE EXISTS (SELECT FROM party.billing_account WHERE cycle_day = day AND status = 'active') ORDER BY day
    """
    return [row["day"] for row in tx.rows(sql)]


def billing_accounts_by_number(tx: Transaction, numbers: Sequence[str]) -> list[BillingAccount]:
    sql = _BILLING_ACCOUNT + "WHERE billing_account_number = ANY(%s) ORDER BY billing_account_id"
    return [from_row_billing_account(row) for row in tx.rows(sql, (list(numbers),))]


def cycle_days_binary(tx: Transaction, billing_account_ids: str) -> bytes:
    sql = "SELECT billing_account_id, cycle_day FROM party.billing_account WHERE billing_account_id = ANY(%s::uuid[])"
    return tx.copy_out(sql, (billing_account_ids,))


def billing_accounts_of_cycle(
    tx: Transaction, day: date, after: UUID | None, limit: int, also: Sequence[UUID], part: int, parts: int, not_a_department: str
) -> list[BillingAccount]:  # fmt: skip
    who = "(status = 'active' OR billing_account_id = ANY (%(also)s))" if also else "status = 'active'"
    sql = _BILLING_ACCOUNT + (
        f"WHERE {not_a_department} AND {who} AND cycle_day = %(cycle_day)s"
        " AND get_byte(uuid_send(billing_account_id), 15) %% %(parts)s = %(part)s"
        " AND (%(after)s::uuid IS NULL OR (customer_id, billing_account_id) >"
        " (SELECT customer_id, billing_account_id FROM party.billing_account WHERE billing_account_id = %(after)s))"
        " ORDER BY customer_id, billing_account_id LIMIT %(limit)s"
    )
    asked = {"cycle_day": day.day, "day": day, "after": after, "limit": limit, "also": list(also), "part": part, "parts": parts}
    return [from_row_billing_account(row) for row in tx.rows(sql, asked)]


def closed_of_cycle(tx: Transaction, cycle_day: int) -> list[UUID]:
    rows = tx.rows("SELECT billing_account_id FROM party.billing_account WHERE status = 'closed' AND cycle_day = %s", (cycle_day,))
    return [row["billing_account_id"] for row in rows]


def set_status(tx: Transaction, billing_account_id: UUID, status: str) -> int:
    """Set the state of a billing account, and of its customer, who is closed where all accounts are."""
    changed = tx.execute("UPDATE party.billing_account SET status = %s WHERE billing_account_id = %s", (status, billing_account_id))
    tx.execute(
        "UPDATE party.customer c SET status = CASE WHEN EXISTS (SELECT FROM party.billing_account b WHERE b.customer_id = c.customer_id"
        " AND b.status = 'active') THEN 'active' ELSE 'closed' END"
        " WHERE c.customer_id = (SELECT customer_id FROM party.billing_account WHERE billing_account_id = %s)",
        (billing_account_id,),
    )
    return changed


def take_customer_numbers(tx: Transaction, count: int) -> list[str]:
    rows = tx.tuples(_NUMBERS.format("party.customer_number"), (count,))
    return [number for (number,) in rows]


def take_billing_account_numbers(tx: Transaction, count: int) -> list[str]:
    rows = tx.tuples(_NUMBERS.format("party.billing_account_number"), (count,))
    return [number for (number,) in rows]


def add_parties(tx: Transaction, customers: Sequence[NewCustomer], now: datetime) -> None:
    kinds = {new.party_id: new.party_kind for new in customers}
    known = {row["party_id"] for row in tx.rows("SELECT party_id FROM party.party WHERE party_id = ANY(%s)", (list(kinds),))}
    rows = ((party_id, kind, now) for party_id, kind in kinds.items() if party_id not in known)
    tx.copy_in("party.party", ("party_id", "kind", "created_at"), rows)


def add_customers(tx: Transaction, customers: Sequence[NewCustomer], numbers: Sequence[str], now: datetime) -> None:
    columns = ("customer_id", "party_id", "customer_number", "segment", "status", "language", "customer_since", "created_at")
    rows = (
        (new.customer_id, new.party_id, number, new.segment, new.status, new.language, new.customer_since, now)
        for new, number in zip(customers, numbers, strict=True)
    )
    tx.copy_in("party.customer", columns, rows)


def add_billing_accounts(tx: Transaction, accounts: Sequence[NewBillingAccount], numbers: Sequence[str]) -> None:
    columns = ("customer_id", "billing_account_id", "billing_account_number", "cycle_day", "payment_method", "tax_included", "status")
    rows = (
        (new.customer_id, new.billing_account_id, number, new.cycle_day, new.payment_method, new.tax_included, new.status)
        for new, number in zip(accounts, numbers, strict=True)
    )
    tx.copy_in("party.billing_account", columns, rows)


def set_language(tx: Transaction, customer_id: UUID, language: Language) -> int:
    return tx.execute("UPDATE party.customer SET language = %s WHERE customer_id = %s", (language, customer_id))


def set_payment_method(tx: Transaction, customer_id: UUID, billing_account_id: UUID, payment_method: PaymentMethod) -> int:
    sql = "UPDATE party.billing_account SET payment_method = %s WHERE customer_id = %s AND billing_account_id = %s"
    return tx.execute(sql, (payment_method, customer_id, billing_account_id))


def set_itemisation(tx: Transaction, customer_id: UUID, billing_account_id: UUID, itemisation: str) -> int:
    sql = "UPDATE party.billing_account SET itemisation = %s WHERE customer_id = %s AND billing_account_id = %s"
    return tx.execute(sql, (itemisation, customer_id, billing_account_id))


def set_terms(tx: Transaction, terms: BillingAccount) -> int:
    return tx.execute(
        """
        UPDATE party.billing_account SET payment_term_days = %s, buyer_reference = %s, tax_treatment = %s, itemisation = %s
        WHERE customer_id = %s AND billing_account_id = %s
        """,
        (
            terms.payment_term_days,
            terms.buyer_reference,
            terms.tax_treatment,
            terms.itemisation,
            terms.customer_id,
            terms.billing_account_id,
        ),
    )


def add_agreements(tx: Transaction, agreements: Sequence[Agreement]) -> None:
    columns = ("customer_id", "agreement_id", "commitment_months", "valid_from", "valid_to")
    rows = ((new.customer_id, new.agreement_id, new.commitment_months, new.valid_from, new.valid_to) for new in agreements)
    tx.copy_in("party.agreement", columns, rows)


def agreements(tx: Transaction, customer_id: UUID) -> list[Agreement]:
    sql = """
        SELECT customer_id, agreement_id, commitment_months, valid_from, valid_to FROM party.agreement
        WHERE customer_id = %s ORDER BY valid_from, agreement_id
    """
    return [Agreement(**row) for row in tx.rows(sql, (customer_id,))]


def cycle_moves(tx: Transaction, billing_account_ids: Sequence[UUID]) -> list[CycleMove]:
    sql = """
        SELECT customer_id, billing_account_id, from_day, day_before, day_after, moved_by, moved_at, done FROM party.cycle_move
        WHERE billing_account_id = ANY (%s) ORDER BY billing_account_id, from_day
    """
    return [CycleMove(**row) for row in tx.rows(sql, (list(billing_account_ids),))]


def insert_cycle_move(tx: Transaction, move: CycleMove) -> None:
    columns = ("customer_id", "billing_account_id", "from_day", "day_before", "day_after", "moved_by", "moved_at")
    tx.copy_in("party.cycle_move", columns, [tuple(getattr(move, name) for name in columns)])


def delete_cycle_move(tx: Transaction, billing_account_id: UUID) -> int:
    return tx.execute("DELETE FROM party.cycle_move WHERE billing_account_id = %s AND NOT done", (billing_account_id,))


def finish_cycle_moves(tx: Transaction, billing_account_ids: Sequence[UUID]) -> int:
    """Let accounts belong to their new cycle from now on."""
    ids = list(billing_account_ids)
    tx.execute(
        "UPDATE party.billing_account b SET cycle_day = m.day_after FROM party.cycle_move m"
        " WHERE m.billing_account_id = b.billing_account_id AND NOT m.done AND b.billing_account_id = ANY (%s)",
        (ids,),
    )
    return tx.execute("UPDATE party.cycle_move SET done = true WHERE NOT done AND billing_account_id = ANY (%s)", (ids,))


def remove_customers(tx: Transaction, customer_ids: Sequence[UUID]) -> int:
    ids = (list(customer_ids),)
    for table in ("cycle_move", "department", "agreement", "billing_account"):
        tx.execute(f"DELETE FROM party.{table} WHERE customer_id = ANY(%s)", ids)
    parties = [row["party_id"] for row in tx.rows("DELETE FROM party.customer WHERE customer_id = ANY(%s) RETURNING party_id", ids)]
    sql = "DELETE FROM party.party p WHERE party_id = ANY(%s) AND NOT EXISTS (SELECT FROM party.customer c WHERE c.party_id = p.party_id)"
    tx.execute(sql, (parties,))
    return len(parties)
