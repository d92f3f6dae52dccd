"""SQL of the product room."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from hoeksteen.kernel.time_period import OPERATOR_ZONE
from hoeksteen.product.model import (
    CapLifted,
    NewAlteration,
    NewProduct,
    PriceAlteration,
    Product,
    ProductHeld,
    ProductHistory,
    ProductStatus,
    ProductTerm,
    RecurringPrice,
    Resource,
    RoamingStop,
    UsagePrice,
)
from hoeksteen.product.sums import Groups
from hoeksteen.storage.postgres import Row, Transaction, as_json

_PRODUCT = "SELECT customer_id, product_id, billing_account_id, start_day, recurring_billed_to FROM product.product "
_TERM = "SELECT customer_id, product_id, valid_from, valid_to, product_offering_id, status FROM product.product_term "
_HISTORY = """
SELECT p.customer_id, p.product_id, p.billing_account_id, p.start_day, p.recurring_billed_to,
       t.valid_from, t.valid_to, t.product_offering_id, t.status = 'active'
FROM product.product p JOIN product.product_term t USING (customer_id, product_id)
WHERE customer_id = ANY(%s) ORDER BY product_id, valid_from
"""
_RESOURCE = "SELECT customer_id, resource_id, product_id, kind, valid_from, valid_to FROM product.resource "
_DAY = f"AT TIME ZONE '{OPERATOR_ZONE.key}')::date"
_ALTERATION = f"""
SELECT customer_id, product_id, price_alteration_id, name, kind, value, valid_from, usage_prices,
       least(valid_to, (
           SELECT (min(t.valid_from) {_DAY} FROM product.product_term t
           WHERE t.customer_id = a.customer_id AND t.product_id = a.product_id AND t.product_offering_id <> a.product_offering_id
             AND (t.valid_to IS NULL OR (t.valid_to {_DAY} > a.valid_from)
       )) AS valid_to
FROM product.price_alteration a
"""
_HELD = """
SELECT p.customer_id, p.product_id, p.billing_account_id, p.start_day, p.recurring_billed_to,
       t.product_offering_id, t.status, t.valid_from, t.valid_to
FROM product.product p
JOIN LATERAL (
    SELECT * FROM product.product_term t
    WHERE t.customer_id = p.customer_id AND t.product_id = p.product_id AND (t.valid_from <= %(at)s OR %(at)s IS NULL)
    ORDER BY t.valid_from DESC LIMIT 1
) t ON true
WHERE p.customer_id = %(customer_id)s
ORDER BY p.start_day, p.product_id
"""


def from_row_term(row: Row) -> ProductTerm:
    return ProductTerm(**{**row, "status": ProductStatus(row["status"])})


def upsert_offering(tx: Transaction, offering_id: str, family: str, name_nl: str, name_en: str, definition: Any) -> None:
    tx.execute(
        """
        INSERT INTO product.product_offering (product_offering_id, family, name_nl, name_en, definition) VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (product_offering_id) DO UPDATE
        SET family = excluded.family, name_nl = excluded.name_nl, name_en = excluded.name_en, definition = excluded.definition
        """,
        (offering_id, family, name_nl, name_en, as_json(definition)),
    )


def upsert_zone(tx: Transaction, zone_id: str, within: str, definition: Any) -> None:
    tx.execute(
        "INSERT INTO product.zone (zone_id, within, definition) VALUES (%s, %s, %s)"
        " ON CONFLICT (zone_id) DO UPDATE SET definition = excluded.definition",
        (zone_id, within, as_json(definition)),
    )


def zone_rows(tx: Transaction) -> list[Row]:
    return tx.rows("SELECT zone_id, definition FROM product.zone ORDER BY zone_id")


def upsert_charge_kind(tx: Transaction, charge_kind_id: str, definition: Any) -> None:
    tx.execute(
        "INSERT INTO product.charge_kind (charge_kind_id, definition) VALUES (%s, %s)"
        " ON CONFLICT (charge_kind_id) DO UPDATE SET definition = excluded.definition",
        (charge_kind_id, as_json(definition)),
    )


def charge_kind_rows(tx: Transaction) -> list[Row]:
    return tx.rows("SELECT charge_kind_id, definition FROM product.charge_kind ORDER BY charge_kind_id")


def catalogue_rows(tx: Transaction) -> tuple[list[Row], list[Row]]:
    """Give the offerings and the zones, by one statement."""
    rows = tx.rows(
        "SELECT product_offering_id, NULL AS zone_id, definition FROM product.product_offering"
        " UNION ALL SELECT NULL, zone_id, definition FROM product.zone ORDER BY product_offering_id, zone_id"
    )
    return [row for row in rows if row["zone_id"] is None], [row for row in rows if row["zone_id"] is not None]


def offering_rows(tx: Transaction) -> list[Row]:
    return tx.rows("SELECT product_offering_id, definition FROM product.product_offering ORDER BY product_offering_id")


def price_rows(tx: Transaction) -> list[Row]:
    return tx.rows(
        "SELECT product_offering_id, price_id, valid_from, definition FROM product.product_offering_price"
        " ORDER BY product_offering_id, price_id, valid_from"
    )


def upsert_price(tx: Transaction, price: RecurringPrice | UsagePrice, kind: str, definition: Any) -> None:
    tx.execute(
        """
        INSERT INTO product.product_offering_price (product_offering_id, price_id, valid_from, kind, definition) VALUES (%s, %s, %s, %s, %s)
        ON CONFLICT (price_id, valid_from) DO UPDATE SET definition = excluded.definition
        """,
        (price.product_offering_id, price.price_id, price.valid_from, kind, as_json(definition)),
    )


def offerings_held(tx: Transaction, product_offering_ids: Sequence[str]) -> list[str]:
    """Give those offerings that some product is, was or will be."""
    sql = "SELECT o FROM unnest(%s::text[]) o WHERE EXISTS (SELECT 1 FROM product.product_term t WHERE t.product_offering_id = o)"
    return [row["o"] for row in tx.rows(sql, (list(product_offering_ids),))]


def count_held_beyond(tx: Transaction, product_offering_id: str, end: datetime) -> int:
    sql = """
    SELECT count(*) FROM product.product_term
    WHERE product_offering_id = %s AND status <> 'terminated' AND (valid_to IS NULL OR valid_to > %s)
    """
    return int(tx.value(sql, (product_offering_id, end)))


def insert_products(tx: Transaction, products: Sequence[NewProduct]) -> None:
    tx.copy_in(
        "product.product",
        ("customer_id", "product_id", "billing_account_id", "start_day", "recurring_billed_to"),
        ((p.customer_id, p.product_id, p.billing_account_id, p.start_day, p.recurring_billed_to) for p in products),
    )
    tx.copy_in(
        "product.product_term",
        ("customer_id", "product_id", "valid_from", "valid_to", "product_offering_id", "status"),
        ((p.customer_id, p.product_id, t.valid_from, t.valid_to, t.product_offering_id, t.status) for p in products for t in p.terms),
    )
    tx.copy_in(
        "product.price_alteration",
        ("customer_id", "product_id", "price_alteration_id", "name", "kind", "value", "valid_from", "valid_to", "product_offering_id"),
        (
            (p.customer_id, p.product_id, a.price_alteration_id, a.name, a.kind, a.value, a.valid_from, a.valid_to, a.product_offering_id)
            for p in products
            for a in p.alterations
        ),
    )
    tx.copy_in(
        "product.resource",
        ("customer_id", "resource_id", "product_id", "kind", "valid_from", "valid_to"),
        ((p.customer_id, r.resource_id, p.product_id, r.kind, r.valid_from, r.valid_to) for p in products for r in p.resources),
    )


def lock_product(tx: Transaction, customer_id: UUID, product_id: UUID) -> Product | None:
    row = tx.row(_PRODUCT + "WHERE customer_id = %s AND product_id = %s FOR UPDATE", (customer_id, product_id))
    return None if row is None else Product(**row)


def products(tx: Transaction, customer_ids: Sequence[UUID]) -> list[Product]:
    return [Product(**row) for row in tx.rows(_PRODUCT + "WHERE customer_id = ANY(%s) ORDER BY product_id", (list(customer_ids),))]


def histories(tx: Transaction, customer_ids: Sequence[UUID]) -> list[ProductHistory]:
    found: list[ProductHistory] = []
    for row in tx.tuples(_HISTORY, (list(customer_ids),)):
        if found and found[-1].product_id == row[1]:
            found[-1] = found[-1]._replace(terms=(*found[-1].terms, row[5:]))
        else:
            found.append(ProductHistory(row[0], row[1], row[2], row[3], row[4], (row[5:],)))
    return found


def all_products(tx: Transaction) -> list[Product]:
    return [Product(**row) for row in tx.rows(_PRODUCT + "ORDER BY product_id")]


def terms_of_product(tx: Transaction, customer_id: UUID, product_id: UUID) -> list[ProductTerm]:
    sql = _TERM + "WHERE customer_id = %s AND product_id = %s ORDER BY valid_from"
    return [from_row_term(row) for row in tx.rows(sql, (customer_id, product_id))]


def terms(tx: Transaction, customer_ids: Sequence[UUID] | None) -> list[ProductTerm]:
    if customer_ids is None:
        return [from_row_term(row) for row in tx.rows(_TERM + "ORDER BY product_id, valid_from")]
    return [from_row_term(row) for row in tx.rows(_TERM + "WHERE customer_id = ANY(%s) ORDER BY product_id, valid_from", (list(customer_ids),))]


def active_terms_of_offerings(tx: Transaction, offering_ids: Sequence[str], begin: datetime, end: datetime) -> list[ProductTerm]:
    sql = _TERM + (
        "WHERE product_offering_id = ANY(%s) AND status = 'active' AND valid_from < %s AND (valid_to IS NULL OR valid_to > %s)"
        " ORDER BY product_id, valid_from"
    )
    return [from_row_term(row) for row in tx.rows(sql, (list(offering_ids), end, begin))]


def active_terms_binary(tx: Transaction, offering_ids: Sequence[str], customer_ids: Sequence[UUID] | None) -> bytes:
    # Every column has a fixed width and a value, so that the rows are read as one array. By the primary key, so that a product's lie together.
    sql = """
    SELECT t.product_id, p.billing_account_id, coalesce(array_position(%s::text[], t.product_offering_id), 0) AS offering_no, t.valid_from,
        coalesce(t.valid_to, 'infinity') AS valid_to
    FROM product.product_term t JOIN product.product p USING (customer_id, product_id)
    WHERE t.status = 'active' {} ORDER BY t.customer_id, t.product_id, t.valid_from
    """
    if customer_ids is None:
        return tx.copy_out(sql.format(""), (list(offering_ids),))
    return tx.copy_out(sql.format("AND t.customer_id = ANY(%s)"), (list(offering_ids), list(customer_ids)))


def resource_terms_binary(tx: Transaction, resource_ids: str) -> bytes:
    # Every column has a fixed width and a value, so that the rows are read as one array.
    sql = """
    SELECT r.resource_id, r.customer_id, p.billing_account_id, r.product_id, (t.status = 'suspended')::int AS suspended,
        greatest(r.valid_from, t.valid_from) AS valid_from, coalesce(least(r.valid_to, t.valid_to), 'infinity') AS valid_to
    FROM product.resource r
    JOIN product.product p USING (customer_id, product_id)
    JOIN product.product_term t USING (customer_id, product_id)
    WHERE r.resource_id = ANY(%s::uuid[]) AND t.status <> 'terminated'
        AND greatest(r.valid_from, t.valid_from) < coalesce(least(r.valid_to, t.valid_to), 'infinity')
    """
    return tx.copy_out(sql, (resource_ids,))


def product_terms_binary(tx: Transaction, product_ids: Sequence[UUID]) -> bytes:
    sql = """
    SELECT t.product_id, t.customer_id, p.billing_account_id, (t.status = 'suspended')::int AS suspended, t.valid_from,
        coalesce(t.valid_to, 'infinity') AS valid_to
    FROM product.product_term t JOIN product.product p USING (customer_id, product_id)
    WHERE t.product_id = ANY(%s) AND t.status <> 'terminated'
    """
    return tx.copy_out(sql, (list(product_ids),))


def replace_terms(tx: Transaction, customer_id: UUID, product_id: UUID, new: Iterable[ProductTerm]) -> None:
    tx.execute("DELETE FROM product.product_term WHERE customer_id = %s AND product_id = %s", (customer_id, product_id))
    tx.execute_many(
        "INSERT INTO product.product_term (customer_id, product_id, valid_from, valid_to, product_offering_id, status)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        [(t.customer_id, t.product_id, t.valid_from, t.valid_to, t.product_offering_id, t.status) for t in new],
    )


def alterations(tx: Transaction, customer_ids: Sequence[UUID]) -> list[PriceAlteration]:
    sql = _ALTERATION + "WHERE customer_id = ANY(%s) ORDER BY product_id, valid_from, price_alteration_id"
    return [_from_row_alteration(row) for row in tx.rows(sql, (list(customer_ids),))]


def sums(tx: Transaction, groups: Groups, prices: Mapping[str, Decimal], at: datetime, day: date) -> list[Row]:
    sql = f"""
    WITH grouped AS NOT MATERIALIZED ({groups.sql}),
    price AS (SELECT * FROM unnest(%(offerings)s::text[], %(amounts)s::numeric[]) AS p (product_offering_id, amount)),
    known AS (SELECT DISTINCT g.name, g.product_id FROM grouped g JOIN product.product_term USING (product_id)),
    active AS (
        SELECT g.name, t.product_id, p.amount FROM grouped g JOIN product.product_term t USING (product_id) JOIN price p USING (product_offering_id)
        WHERE t.status = 'active' AND t.valid_from <= %(at)s AND (t.valid_to IS NULL OR %(at)s < t.valid_to)
    ),
    altered AS (
        SELECT a.name, sum(CASE WHEN c.kind = 'percentage' THEN round(a.amount * c.value / 100, 2) ELSE c.value END) AS amount
        FROM active a JOIN ({_ALTERATION}) c USING (product_id)
        WHERE c.usage_prices IS NULL AND c.valid_from <= %(day)s AND (c.valid_to IS NULL OR %(day)s < c.valid_to) GROUP BY a.name
    ),
    resource AS (
        SELECT name, count(*) FILTER (WHERE number) AS numbers, count(*) FILTER (WHERE sim) AS sims
        FROM (
            SELECT g.name, bool_or(r.kind <> 'sim') AS number, bool_or(r.kind = 'sim') AS sim
            FROM grouped g JOIN product.resource r USING (product_id) GROUP BY g.name, g.product_id
        ) of_product GROUP BY name
    )
    SELECT name, count(*) AS products, coalesce(max(r.numbers), 0) AS numbers, coalesce(max(r.sims), 0) AS sims,
        coalesce((SELECT sum(amount) FROM active a WHERE a.name = k.name), 0)
        + coalesce((SELECT amount FROM altered c WHERE c.name = k.name), 0) AS monthly
    FROM known k LEFT JOIN resource r USING (name) GROUP BY name
    """
    # right after a load nothing is known of these tables, and millions of rows would be looked up one by one
    tx.execute("SET LOCAL enable_nestloop = off")
    found = tx.rows(sql, {"offerings": list(prices), "amounts": list(prices.values()), "at": at, "day": day, **groups.values})
    tx.execute("SET LOCAL enable_nestloop = on")
    return found


def usage_discount_days(tx: Transaction) -> list[tuple[UUID, date]]:
    """Give the products that have a discount on usage, and each day on which one begins or ends."""
    sql = f"""
    SELECT DISTINCT product_id, day FROM ({_ALTERATION} WHERE a.usage_prices IS NOT NULL) d, LATERAL (VALUES (d.valid_from), (d.valid_to)) e(day)
    WHERE day IS NOT NULL ORDER BY product_id, day
    """
    return [(row["product_id"], row["day"]) for row in tx.rows(sql)]


def end_alteration(tx: Transaction, customer_id: UUID, product_id: UUID, price_alteration_id: UUID, valid_to: date) -> None:
    tx.execute(
        "UPDATE product.price_alteration SET valid_to = %s WHERE customer_id = %s AND product_id = %s AND price_alteration_id = %s",
        (valid_to, customer_id, product_id, price_alteration_id),
    )


def _from_row_alteration(row: Row) -> PriceAlteration:
    usage_prices = row["usage_prices"]
    return PriceAlteration(**{**row, "usage_prices": None if usage_prices is None else tuple(usage_prices)})


def resources_by_id(tx: Transaction, resource_ids: Sequence[UUID]) -> list[Resource]:
    return [Resource(**row) for row in tx.rows(_RESOURCE + "WHERE resource_id = ANY(%s)", (list(resource_ids),))]


def resources_of_customer(tx: Transaction, customer_id: UUID) -> list[Resource]:
    return [Resource(**row) for row in tx.rows(_RESOURCE + "WHERE customer_id = %s ORDER BY product_id, valid_from, resource_id", (customer_id,))]


def held(tx: Transaction, customer_id: UUID, at: datetime | None) -> list[ProductHeld]:
    resources = resources_of_customer(tx, customer_id)
    return [
        ProductHeld(**{**row, "status": ProductStatus(row["status"])}, resources=tuple(r for r in resources if r.product_id == row["product_id"]))
        for row in tx.rows(_HELD, {"customer_id": customer_id, "at": at})
    ]


def customer_of_product(tx: Transaction, product_id: UUID) -> UUID | None:
    row = tx.row("SELECT customer_id FROM product.product WHERE product_id = %s", (product_id,))
    return None if row is None else UUID(str(row["customer_id"]))


def first_day(tx: Transaction) -> date | None:
    row = tx.row("SELECT min(recurring_billed_to) AS day FROM product.product")
    return None if row is None else row["day"]


def count_products(tx: Transaction) -> int:
    return int(tx.value("SELECT count(*) FROM product.product"))


_LIFTED = "SELECT customer_id, product_id, cap_id, valid_from, valid_to FROM product.cap_lifted "


def caps_lifted(tx: Transaction, customer_ids: Sequence[UUID] | None) -> list[CapLifted]:
    if customer_ids is None:
        return [CapLifted(**row) for row in tx.rows(_LIFTED + "ORDER BY product_id, cap_id, valid_from")]
    return [
        CapLifted(**row) for row in tx.rows(_LIFTED + "WHERE customer_id = ANY(%s) ORDER BY product_id, cap_id, valid_from", (list(customer_ids),))
    ]


def insert_cap_lifted(tx: Transaction, lifted: CapLifted) -> None:
    tx.execute(
        "INSERT INTO product.cap_lifted (customer_id, product_id, cap_id, valid_from, valid_to) VALUES (%s, %s, %s, %s, %s)",
        (lifted.customer_id, lifted.product_id, lifted.cap_id, lifted.valid_from, lifted.valid_to),
    )


def end_cap_lifted(tx: Transaction, customer_id: UUID, product_id: UUID, cap_id: str, at: datetime) -> None:
    tx.execute(
        "UPDATE product.cap_lifted SET valid_to = %(at)s WHERE customer_id = %(customer)s AND product_id = %(product)s AND cap_id = %(cap)s"
        " AND valid_from < %(at)s AND (valid_to IS NULL OR valid_to > %(at)s)",
        {"customer": customer_id, "product": product_id, "cap": cap_id, "at": at},
    )


def insert_roaming_stop(tx: Transaction, stop: RoamingStop) -> bool:
    sql = """
    INSERT INTO product.roaming_stop (customer_id, product_id, cap_id, period_day, stopped_at) VALUES (%s, %s, %s, %s, %s)
    ON CONFLICT (customer_id, product_id, cap_id, period_day) DO UPDATE SET stopped_at = excluded.stopped_at, resumed_at = NULL
        WHERE roaming_stop.resumed_at IS NOT NULL
    RETURNING true AS new
    """
    return bool(tx.rows(sql, (stop.customer_id, stop.product_id, stop.cap_id, stop.period_day, stop.stopped_at)))


def end_roaming_stops(tx: Transaction, keys: Sequence[tuple[UUID, UUID, str, date]], now: datetime) -> list[tuple[UUID, UUID, str, date]]:
    sql = """
    UPDATE product.roaming_stop s SET resumed_at = %s
    FROM unnest(%s::uuid[], %s::uuid[], %s::text[], %s::date[]) k(customer_id, product_id, cap_id, period_day)
    WHERE (s.customer_id, s.product_id, s.cap_id, s.period_day) = (k.customer_id, k.product_id, k.cap_id, k.period_day) AND s.resumed_at IS NULL
    RETURNING s.customer_id, s.product_id, s.cap_id, s.period_day
    """
    rows = tx.rows(sql, (now, *(list(column) for column in zip(*keys, strict=True)))) if keys else []
    return [(row["customer_id"], row["product_id"], row["cap_id"], row["period_day"]) for row in rows]


def roaming_stops(tx: Transaction, customer_id: UUID, since: date) -> list[RoamingStop]:
    sql = """
    SELECT customer_id, product_id, cap_id, period_day, stopped_at FROM product.roaming_stop s
    WHERE customer_id = %s AND period_day >= %s AND resumed_at IS NULL AND NOT EXISTS (
        SELECT FROM product.cap_lifted l
        WHERE l.customer_id = s.customer_id AND l.product_id = s.product_id AND l.cap_id = s.cap_id
          AND (l.valid_to IS NULL OR l.valid_to > s.stopped_at)
    )
    ORDER BY product_id, cap_id, period_day
    """
    return [RoamingStop(**row) for row in tx.rows(sql, (customer_id, since))]


def insert_alteration(tx: Transaction, customer_id: UUID, product_id: UUID, alteration: NewAlteration) -> None:
    tx.execute(
        "INSERT INTO product.price_alteration"
        " (customer_id, product_id, price_alteration_id, name, kind, value, valid_from, valid_to, product_offering_id, usage_prices)"
        " VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            customer_id, product_id, alteration.price_alteration_id, alteration.name, alteration.kind, alteration.value, alteration.valid_from,
            alteration.valid_to, alteration.product_offering_id, None if alteration.usage_prices is None else list(alteration.usage_prices),
        ),
    )  # fmt: skip


def remove_products_of(tx: Transaction, customer_ids: Sequence[UUID]) -> int:
    ids = (list(customer_ids),)
    for table in ("resource", "price_alteration", "product_term"):
        tx.execute(f"DELETE FROM product.{table} WHERE customer_id = ANY(%s)", ids)
    return tx.execute("DELETE FROM product.product WHERE customer_id = ANY(%s)", ids)


def open_from(tx: Transaction, customer_ids: Sequence[UUID], was: date, becomes: date) -> int:
    sql = """
    UPDATE product.product SET recurring_billed_to = greatest(%(becomes)s, start_day)
    WHERE customer_id = ANY(%(ids)s) AND recurring_billed_to = greatest(%(was)s, start_day)
    """
    return tx.execute(sql, {"ids": list(customer_ids), "was": was, "becomes": becomes})
