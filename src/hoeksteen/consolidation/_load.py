"""Loading clusters: a batch is one transaction, and what is there already is never made again."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from hoeksteen.consolidation import _store
from hoeksteen.consolidation._sealing import contact_item, identity_item, payment_item
from hoeksteen.consolidation.model import Cluster, LegacyProduct, LegacyRecord, RecordState, Rejected
from hoeksteen.consolidation.pseudonyms import customer_id_of, product_id_of, resource_id_of
from hoeksteen.consolidation.survivorship import Golden, survive
from hoeksteen.disclosure import KeeperClient, SealItem
from hoeksteen.disclosure.operations import store
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.money import round_half_up
from hoeksteen.kernel.sealed import Category
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.party.model import Agreement, NewBillingAccount, NewCustomer
from hoeksteen.party.operations import add_agreements, add_billing_accounts, add_customers
from hoeksteen.product.model import NewAlteration, NewProduct, NewResource, NewTerm, ProductStatus
from hoeksteen.product.operations import add_products
from hoeksteen.storage.postgres import Transaction

PURPOSE = "migration"


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What all batches of a run share.

    :param tax_included: per source, whether its individuals' amounts hold VAT
    :param list_prices: offering → euros per month at the cutover
    """

    trust: dict[str, int]
    tax_included: dict[str, bool]
    titles: dict[str, str]
    list_prices: dict[str, Decimal]
    cutover: date
    now: datetime


@dataclass(slots=True)
class Batch:
    """What one transaction writes."""

    customers: list[NewCustomer] = field(default_factory=list)
    billing_accounts: list[NewBillingAccount] = field(default_factory=list)
    agreements: list[Agreement] = field(default_factory=list)
    products: list[NewProduct] = field(default_factory=list)
    items: dict[Category, list[SealItem]] = field(default_factory=dict)
    records: list[_store.RecordRow] = field(default_factory=list)
    source_products: list[_store.ProductRow] = field(default_factory=list)
    lineage: list[_store.LineageRow] = field(default_factory=list)
    touched: list[UUID] = field(default_factory=list)


def load_batch(*, tx: Transaction, keeper: KeeperClient, clusters: Sequence[Cluster], records: Sequence[LegacyRecord], plan: Plan) -> int:
    """Load some clusters in one transaction, and give the number of records that were new."""
    keys = [records[place].record_id for cluster in clusters for place in cluster.members]
    known = {row["source_key"]: row["customer_id"] for row in _store.known_records(tx, keys)}
    batch = Batch()
    for cluster in clusters:
        _add_cluster(batch, cluster, [records[place] for place in cluster.members], known, plan)
    _write(tx, keeper, batch, plan.now)
    return len(batch.records)


def load_rejected(*, tx: Transaction, source: str, rejected: Iterable[Rejected], now: datetime) -> None:
    """Note the records of a source that are rejected now; one that was rejected before and has been mended is no longer among them."""
    found = list(rejected)
    _store.forget_rejected(tx, source)
    known = {row["source_key"] for row in _store.known_records(tx, [entry.record_id for entry in found])}
    rows = (
        (entry.source, entry.record_id, entry.digest, entry.row, str(RecordState.REJECTED), entry.finding.code, None)
        for entry in found
        if entry.record_id not in known
    )
    _store.add_records(tx, rows, now)


def _add_cluster(batch: Batch, cluster: Cluster, members: list[LegacyRecord], known: dict[UUID, UUID | None], plan: Plan) -> None:
    fresh = [record for record in members if record.record_id not in known]
    if not fresh:
        return
    standing = [owner for record in members if (owner := known.get(record.record_id)) is not None]
    if standing:
        # the customer is there from an earlier run: new records join it, what it was is written anew from all of them
        customer_id = standing[0]
        members = [record for record in members if known.get(record.record_id, customer_id) == customer_id]
    else:
        customer_id = customer_id_of(members[0])
    golden = survive(records=members, trust=plan.trust)
    party_id, billing_account_id = derived("party", str(customer_id)), derived("billing_account", str(customer_id))
    if not standing:
        _add_customer(batch, golden, customer_id, party_id, billing_account_id, plan)
    for position, record in enumerate(members):
        if record.record_id in known:
            continue
        state = RecordState.MERGED if standing or position else (RecordState.IN_REVIEW if cluster.in_review else RecordState.LOADED)
        batch.records.append((record.source, record.record_id, record.digest, record.row, str(state), "", customer_id))
        for product in record.products:
            batch.products.append(_new_product(record, product, customer_id, billing_account_id, plan))
            batch.source_products.append((customer_id, product_id_of(record, product), record.source, record.record_id, product.monthly))
    for item, category in (
        (identity_item(golden, party_id, customer_id), Category.IDENTITY),
        (contact_item(golden, party_id, customer_id), Category.CONTACT),
        (payment_item(golden, party_id, customer_id), Category.PAYMENT),
    ):
        if item is not None:
            batch.items.setdefault(category, []).append(item)
    batch.touched.append(customer_id)
    for (category_name, field_name), kept in golden.kept.items():
        batch.lineage += [(customer_id, category_name, field_name, record.source, record.record_id, record.row, kept.rule) for record in kept.records]


def _add_customer(batch: Batch, golden: Golden, customer_id: UUID, party_id: UUID, billing_account_id: UUID, plan: Plan) -> None:
    first = golden.records[0]
    organization = first.kind == "organization"
    payment = golden.value("payment", "payment")
    batch.customers.append(
        NewCustomer(
            customer_id=customer_id,
            party_id=party_id,
            party_kind="organization" if organization else "individual",
            segment="business" if organization else "consumer",
            customer_since=min(record.customer_since for record in golden.records),
            language="en" if golden.value("party", "language") == "en" else "nl",
        )
    )
    batch.billing_accounts.append(
        NewBillingAccount(
            customer_id=customer_id,
            billing_account_id=billing_account_id,
            payment_method="direct_debit" if _pays_by_debit(golden, payment) else "transfer",
            tax_included=not organization and plan.tax_included[first.source],
        )
    )
    for record in golden.records:
        if record.contract_months:
            batch.agreements.append(
                Agreement(customer_id, derived("agreement", str(record.record_id)), record.contract_months, record.customer_since)
            )


def _pays_by_debit(golden: Golden, payment: Any) -> bool:
    """Say whether bills are collected; a source without bank accounts is believed as it stands."""
    if payment is not None:
        return bool(payment[0] == "direct_debit")
    return any(record.payment_method == "direct_debit" for record in golden.records)


def _new_product(record: LegacyRecord, product: LegacyProduct, customer_id: UUID, billing_account_id: UUID, plan: Plan) -> NewProduct:
    product_id = product_id_of(record, product)
    begins = start_of_day(product.start)
    ends = start_of_day(product.end) if product.end else None
    kinds = [product.number_kind] if product.number and product.number_kind else []
    kinds += ["sim"] if product.iccid else []
    return NewProduct(
        customer_id=customer_id,
        product_id=product_id,
        billing_account_id=billing_account_id,
        start_day=product.start,
        recurring_billed_to=max(product.billed_to or plan.cutover, product.start),
        terms=_terms(product),
        alterations=tuple(_alterations(record, product, product_id, plan)),
        resources=tuple(NewResource(resource_id_of(record, product, kind), kind, begins, ends) for kind in kinds if ends is None or ends > begins),
    )


def _terms(product: LegacyProduct) -> tuple[NewTerm, ...]:
    """Active, then suspended, then terminated: each begins where the one before it ends, and none is empty."""
    changes = [(product.start, ProductStatus.ACTIVE)]
    if product.suspended:
        changes.append((product.suspended, ProductStatus.SUSPENDED))
    if product.end:
        changes.append((product.end, ProductStatus.TERMINATED))
    terms = []
    for position, (day, status) in enumerate(changes):
        until = changes[position + 1][0] if position + 1 < len(changes) else None
        if until is None or until > day:
            terms.append(NewTerm(start_of_day(day), start_of_day(until) if until else None, product.product_offering_id, status))
    return tuple(terms)


def _alterations(record: LegacyRecord, product: LegacyProduct, product_id: UUID, plan: Plan) -> Iterable[NewAlteration]:
    """The discounts that the customer has, and the difference where they pay another price than the list's: moving house changes no one's price."""
    listed = plan.list_prices[product.product_offering_id]
    if product.monthly != listed:
        name = f"price kept from {plan.titles[record.source]}"
        kept = derived("alteration", str(product_id), "kept")
        yield NewAlteration(kept, name, "amount", product.monthly - listed, product.start, None, product.product_offering_id)
    for number, discount in enumerate(product.discounts):
        valid_from = max(discount.valid_from, product.start)
        if discount.valid_to is not None and discount.valid_to <= valid_from:
            continue
        identifier = derived("alteration", str(product_id), str(number))
        plan_of = product.product_offering_id if discount.keeps_price else None
        yield NewAlteration(identifier, discount.name, discount.kind, discount.value, valid_from, discount.valid_to, plan_of)
        if discount.kind == "percentage" and product.monthly != listed:
            # a percentage is of the list price here, and was of the kept price there
            more = round_half_up(product.monthly * discount.value / 100) - round_half_up(listed * discount.value / 100)
            identifier = derived("alteration", str(product_id), str(number), "kept")
            yield NewAlteration(identifier, discount.name, "amount", more, valid_from, discount.valid_to, product.product_offering_id)


def _write(tx: Transaction, keeper: KeeperClient, batch: Batch, now: datetime) -> None:
    if not batch.records:
        return
    add_customers(tx=tx, customers=batch.customers, now=now)
    add_billing_accounts(tx=tx, billing_accounts=batch.billing_accounts)
    add_agreements(tx=tx, agreements=batch.agreements)
    add_products(tx=tx, products=batch.products)
    _store.add_records(tx, batch.records, now)
    _store.add_products(tx, batch.source_products)
    _store.replace_lineage(tx, batch.touched, batch.lineage)
    for category, items in batch.items.items():
        store(tx=tx, keeper=keeper, purpose=PURPOSE, category=category, items=items)
