"""Holding what is here against what came in, source by source: records, products, numbers, SIMs, and recurring revenue to the cent."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from uuid import UUID

from hoeksteen.consolidation import _store
from hoeksteen.consolidation._carried_reconcile import carried_balances
from hoeksteen.consolidation._expected import altered, monthly_in
from hoeksteen.consolidation.model import Extract, RecordState
from hoeksteen.consolidation.pseudonyms import product_id_of, resource_id_of
from hoeksteen.consolidation.report import SourceBalance
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.product import queries as product_queries
from hoeksteen.product.model import ProductStatus, Resource
from hoeksteen.storage.postgres import Transaction

_CUSTOMERS_PER_QUERY = 10_000
_ZERO = Decimal("0.00")


def balances(*, tx: Transaction, extracts: Sequence[Extract], titles: dict[str, str], cutover: date) -> list[SourceBalance]:
    """
    Give each source's balance, read back from what was loaded.

    Records that are given no more count on neither side; what a record that changed since holds is not compared: both are findings.

    :param cutover: the day whose recurring revenue is compared
    """
    states: dict[str, dict[str, int]] = defaultdict(dict)
    for row in _store.counts(tx, [record_id for extract in extracts for record_id in extract.gone]):
        states[row["source"]][row["state"]] = row["records"]
    loaded = _store.source_products(tx, [extract.source for extract in extracts])
    monthly = _monthly_out(tx, {row["customer_id"] for row in loaded}, cutover)
    standing = {row["product_id"] for row in loaded} & set(monthly)
    carried = carried_balances(tx=tx, extracts=extracts)
    found = [_balance(tx, extract, titles[extract.source], states[extract.source], standing, monthly, cutover) for extract in extracts]
    return [replace(one, carried=carried[one.name]) for one in found]


def _balance(
    tx: Transaction, extract: Extract, title: str, states: dict[str, int], standing: set[UUID], monthly: dict[UUID, Decimal], cutover: date
) -> SourceBalance:
    elsewhere = extract.changed | extract.waiting
    products = [(record, product) for record in extract.records if record.record_id not in elsewhere for product in record.products]
    ids = [product_id_of(record, product) for record, product in products]
    expected: Counter[str] = Counter()
    wanted: list[UUID] = []
    for record, product in products:
        if product.end is not None and product.end <= product.start:
            continue
        if product.number and product.number_kind:
            expected["number"] += 1
            wanted.append(resource_id_of(record, product, product.number_kind))
        if product.iccid:
            expected["sim"] += 1
            wanted.append(resource_id_of(record, product, "sim"))
    found = Counter("sim" if resource.kind == "sim" else "number" for resource in _resources(tx, wanted))
    return SourceBalance(
        name=extract.source,
        title=title,
        records_in=len(extract.records) + len(extract.rejected),
        states={str(state): states.get(state, 0) for state in RecordState},
        products_in=len(products),
        products_out=sum(product_id in standing for product_id in ids),
        numbers_in=expected["number"],
        numbers_out=found["number"],
        sims_in=expected["sim"],
        sims_out=found["sim"],
        monthly_in=sum((monthly_in(product, cutover) for _, product in products), _ZERO),
        monthly_out=sum((monthly.get(product_id, _ZERO) for product_id in ids), _ZERO),
    )


def _monthly_out(tx: Transaction, customer_ids: set[UUID], day: date) -> dict[UUID, Decimal]:
    """Give per product what it costs per month on a day, by catalogue and alterations; nothing when it is not active."""
    at = start_of_day(day)
    prices = {
        price.product_offering_id: price.amount
        for price in product_queries.recurring_prices(tx=tx)
        if price.valid_from <= at and (price.valid_to is None or at < price.valid_to)
    }
    found: dict[UUID, Decimal] = {}
    ordered = sorted(customer_ids)
    for start in range(0, len(ordered), _CUSTOMERS_PER_QUERY):
        some = ordered[start : start + _CUSTOMERS_PER_QUERY]
        changes: dict[UUID, list[tuple[str, Decimal, date, date | None]]] = defaultdict(list)
        for alteration in product_queries.alterations(tx=tx, customer_ids=some):
            if alteration.usage_prices is None:
                changes[alteration.product_id].append((alteration.kind, alteration.value, alteration.valid_from, alteration.valid_to))
        for term in product_queries.terms(tx=tx, customer_ids=some):
            current = term.valid_from <= at and (term.valid_to is None or at < term.valid_to)
            found.setdefault(term.product_id, _ZERO)
            if current and term.status is ProductStatus.ACTIVE:
                found[term.product_id] = altered(prices[term.product_offering_id], changes[term.product_id], day)
    return found


def _resources(tx: Transaction, wanted: Sequence[UUID]) -> Iterable[Resource]:
    for start in range(0, len(wanted), _CUSTOMERS_PER_QUERY):
        yield from product_queries.resources_by_id(tx=tx, resource_ids=wanted[start : start + _CUSTOMERS_PER_QUERY])
