"""Loading clusters: a batch is one transaction, and what is there already is never made again."""

from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from hoeksteen.consolidation import _store
from hoeksteen.consolidation._carried import load_carried
from hoeksteen.consolidation._lineage import lineage_by_record
from hoeksteen.consolidation._records import PURPOSE, party_of
from hoeksteen.consolidation._sealing import contact_item, identity_item, payment_item
from hoeksteen.consolidation.model import Cluster, LegacyProduct, LegacyRecord, RecordState, Rejected
from hoeksteen.consolidation.pseudonyms import customer_id_of, product_id_of, resource_id_of
from hoeksteen.consolidation.scope import Scope
from hoeksteen.consolidation.survivorship import Golden, survive
from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure.operations import store
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.money import round_half_up
from hoeksteen.kernel.sealed import Category
from hoeksteen.kernel.time_period import start_of_day
from hoeksteen.party.model import NewBillingAccount, NewCustomer
from hoeksteen.party.operations import add_billing_accounts, add_customers
from hoeksteen.product.model import NewAlteration, NewProduct, NewResource, NewTerm, ProductStatus
from hoeksteen.product.operations import add_products
from hoeksteen.storage.postgres import Transaction

Records = Sequence[LegacyRecord] | Mapping[int, LegacyRecord]  # by their places


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
class Here:
    """
    Which records are here already, and whose they are; kept up to date while loading.

    :param members_of: per customer the places of its records among those of this run
    :param altered: customers that cannot be written anew from this run: a record of theirs changed, is rejected by now, or is given no more
    """

    owner_of: dict[UUID, UUID]
    members_of: dict[UUID, list[int]]
    altered: set[UUID]


@dataclass(slots=True)
class Batch:
    """What one transaction writes."""

    customers: list[NewCustomer] = field(default_factory=list)
    billing_accounts: list[NewBillingAccount] = field(default_factory=list)
    products: list[NewProduct] = field(default_factory=list)
    records: list[_store.RecordRow] = field(default_factory=list)
    source_products: list[_store.ProductRow] = field(default_factory=list)
    reviews: list[_store.ReviewRow] = field(default_factory=list)
    golden: dict[UUID, Golden] = field(default_factory=dict)


def load_batch(
    *, tx: Transaction, keeper: KeeperClient, clusters: Sequence[Cluster], records: Records, plan: Plan, here: Here, scope: Scope
) -> list[UUID]:  # fmt: skip
    """Load some clusters in one transaction, and give the customers that had something new."""
    batch = Batch()
    for cluster in clusters:
        _add_cluster(batch, cluster, records, plan, here)
    scope.arriving(tx=tx, record_ids=[row[1] for row in batch.records], customers=batch.customers, billing_accounts=batch.billing_accounts)
    _write(tx, keeper, batch, plan.now)
    fresh = {row[1] for row in batch.records}
    load_carried(tx=tx, keeper=keeper, golden=batch.golden, fresh=fresh, titles=plan.titles, cutover=plan.cutover, now=plan.now)
    return list(batch.golden)


def load_rejected(*, tx: Transaction, source: str, rejected: Iterable[Rejected], known: Container[UUID], now: datetime) -> None:
    """
    Note the records of a source that are rejected now; one that was rejected before and has been mended is no longer among them.

    :param known: records that were loaded earlier; they stay
    """
    _store.forget_rejected(tx, source)
    rows = (
        (entry.source, entry.record_id, entry.digest, entry.row, str(RecordState.REJECTED), entry.finding.code, None)
        for entry in rejected
        if entry.record_id not in known
    )
    _store.add_records(tx, rows, now)


def _add_cluster(batch: Batch, cluster: Cluster, records: Records, plan: Plan, here: Here) -> None:
    """
    Add what is new of a cluster.

    New records join a customer who is here from an earlier run, and what is sealed of them is written anew from all their records. Where these
    are not as they were, that would lose what only the earlier ones knew: then the new ones become a customer of their own, in review.
    """
    fresh = [place for place in cluster.members if records[place].record_id not in here.owner_of]
    if not fresh:
        return
    standing = [place for place in cluster.members if records[place].record_id in here.owner_of]
    joined = next((owner for place in standing if (owner := here.owner_of[records[place].record_id]) not in here.altered), None)
    customer_id = joined or customer_id_of(records[fresh[0]])
    members = here.members_of.setdefault(customer_id, [])
    members += fresh
    members.sort(key=lambda place: (plan.trust[records[place].source], place))
    golden = batch.golden[customer_id] = survive(records=[records[place] for place in members], trust=plan.trust)
    customer, billing_account = new_customer(golden=golden, customer_id=customer_id, tax_included=plan.tax_included)
    if joined is None:
        batch.customers.append(customer)
        batch.billing_accounts.append(billing_account)
        batch.reviews += [(records[place].record_id, records[fresh[0]].record_id, Decimal(0), "record_altered") for place in standing[:1]]
    for place in fresh:
        record = records[place]
        here.owner_of[record.record_id] = customer_id
        founds = joined is None and place == fresh[0]
        state = RecordState.MERGED if not founds else RecordState.IN_REVIEW if cluster.in_review or standing else RecordState.LOADED
        batch.records.append((record.source, record.record_id, record.digest, record.row, str(state), "", customer_id))
        for product in record.products:
            new = _new_product(record, product, customer_id, billing_account.billing_account_id, plan)
            batch.products.append(new)
            batch.source_products.append((customer_id, new.product_id, record.source, record.record_id, product.monthly))


def new_customer(*, golden: Golden, customer_id: UUID, tax_included: Mapping[str, bool]) -> tuple[NewCustomer, NewBillingAccount]:
    """
    Give a customer as it survived, with its billing account.

    :param tax_included: per source, whether its individuals' amounts hold VAT
    """
    first = golden.records[0]
    organization = first.kind == "organization"
    customer = NewCustomer(
        customer_id=customer_id,
        party_id=party_of(customer_id),
        party_kind="organization" if organization else "individual",
        segment="business" if organization else "consumer",
        customer_since=min(record.customer_since for record in golden.records),
        language="en" if golden.value("party", "language") == "en" else "nl",
    )
    billing_account = NewBillingAccount(
        customer_id=customer_id,
        billing_account_id=derived("billing_account", str(customer_id)),
        payment_method="direct_debit" if _pays_by_debit(golden, golden.value("payment", "payment")) else "transfer",
        tax_included=not organization and tax_included[first.source],
    )
    return customer, billing_account


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
    add_products(tx=tx, products=batch.products)
    _store.add_records(tx, batch.records, now, lineage_by_record(golden.kept for golden in batch.golden.values()))
    _store.add_products(tx, batch.source_products)
    if batch.reviews:
        _store.add_reviews(tx, batch.reviews)
    _write_lineage_of_joined(tx, batch)
    for category, item_of in ((Category.IDENTITY, identity_item), (Category.CONTACT, contact_item), (Category.PAYMENT, payment_item)):
        items = [item for customer_id, golden in batch.golden.items() if (item := item_of(golden, party_of(customer_id), customer_id)) is not None]
        store(tx=tx, keeper=keeper, purpose=PURPOSE, category=category, items=items)


def _write_lineage_of_joined(tx: Transaction, batch: Batch) -> None:
    """Records that are here from an earlier run have another lineage once others join their customer."""
    new = {customer.customer_id for customer in batch.customers}
    joined = {customer_id: golden for customer_id, golden in batch.golden.items() if customer_id not in new}
    if joined:
        lineage = (
            (customer_id, category, name, record.source, record.record_id, record.row, kept.rule)
            for customer_id, golden in joined.items()
            for (category, name), kept in golden.kept.items()
            for record in kept.records
        )
        _store.replace_lineage(tx, list(joined), lineage)
