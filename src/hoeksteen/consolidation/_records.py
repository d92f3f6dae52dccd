"""
What a record of a legacy system said itself, sealed by category, so that it can be taken out of its customer without the exports.

Only records of clusters of more than one, or of pairs that people decide, are kept: of the others the customer says the same.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from hoeksteen.consolidation import _record_store, _review_store
from hoeksteen.consolidation._staging import Staged
from hoeksteen.consolidation.carried_over import CarriedOver, ContactPerson
from hoeksteen.consolidation.model import Cluster, Doubt, LegacyProduct, LegacyRecord
from hoeksteen.consolidation.standardise.addresses import Address
from hoeksteen.consolidation.standardise.names import PersonName
from hoeksteen.disclosure import KeeperClient, SealItem
from hoeksteen.disclosure.operations import seal
from hoeksteen.disclosure.queries import open_each
from hoeksteen.kernel.identifiers import derived
from hoeksteen.kernel.sealed import Category
from hoeksteen.storage.postgres import Row, Transaction

PURPOSE = "migration"
RECORDS_PER_CALL = 1_000
# Where each field of a record lies; a test fails when one is in none of these.
IDENTITY = ("source_key", "name", "trading_name", "legal_form", "chamber_of_commerce_number", "birth_date", "gender")
CONTACT = ("addresses", "phones", "emails", "carried")  # of what else it brought the contact persons; the rest stands in rows of its own
NAME = ("given_name", "initials", "family_name_prefix", "family_name", "maiden_name")  # of a person; the suffix stands in the clear
PAYMENT = ("iban", "mandate_reference", "mandate_date")
IN_THE_CLEAR = (
    "record_id", "source", "row", "digest", "kind", "language", "payment_method", "customer_since", "contract_months", "products",
)  # fmt: skip
NOT_KEPT = ("charges",)  # of a whole source, for its list prices
OF_PRODUCTS = ("item_key", "number", "iccid")  # sealed with the contact data
PRODUCTS_IN_THE_CLEAR = ("product_offering_id", "start", "end", "suspended", "billed_to", "monthly", "number_kind")
PRODUCTS_NOT_KEPT = ("discounts",)  # the product here has them

Blobs = tuple[bytes, bytes, bytes | None]


@dataclass(frozen=True, slots=True)
class KeptRecord:
    """
    A record as it is kept, opened.

    :param place: among the records of its run; `trust` of its source, 1 is believed first
    :param tax_included: whether the amounts of its source's individuals hold VAT
    """

    record: LegacyRecord
    customer_id: UUID
    trust: int
    place: int
    tax_included: bool

    @property
    def rank(self) -> tuple[int, int]:
        """What decides who founds a customer: the least does."""
        return self.trust, self.place


def party_of(customer_id: UUID) -> UUID:
    """Give the subject under which a customer that came from a legacy system is sealed."""
    return derived("party", str(customer_id))


def places_to_keep(*, clusters: Sequence[Cluster], doubts: Sequence[Doubt]) -> list[int]:
    """Say which records are kept: those of clusters of more than one, and those of pairs that people decide."""
    several = {place for cluster in clusters if len(cluster.members) > 1 for place in cluster.members}
    return sorted(several.union(*((doubt.left, doubt.right) for doubt in doubts)))


def explain_doubts(*, tx: Transaction, records: Staged, doubts: Sequence[Doubt]) -> None:
    """Keep how the weight of each doubtful pair came about: comparison, level and bits, never a value."""
    rows = [(records.record_id(doubt.left), records.record_id(doubt.right), [list(step) for step in doubt.steps]) for doubt in doubts if doubt.steps]
    _review_store.keep_steps(tx, rows)


def seal_records(
    *, tx: Transaction, keeper: KeeperClient, records: Staged, places: Iterable[int], tax_included: Mapping[str, bool]
) -> int:  # fmt: skip
    """
    Keep what some records said, each under the customer that it belongs to, and give how many were new.

    A record that is kept already stays as it is, so that doing this again does nothing.

    :param places: of the records to keep; those that were not loaded are passed over
    :param tax_included: per source, whether its individuals' amounts hold VAT
    """
    wanted = {records.record_id(place): place for place in places}
    owners = _record_store.owners_of(tx, list(wanted))
    known = _record_store.sealed_already(tx, list(wanted))
    fresh = [(place, records[place], owners[key]) for key, place in wanted.items() if key in owners and key not in known]
    for start in range(0, len(fresh), RECORDS_PER_CALL):
        some = fresh[start : start + RECORDS_PER_CALL]
        blobs = sealed_blobs(keeper=keeper, records=[(record, owner) for _, record, owner in some])
        rows = (
            (
                owner, record.source, record.record_id, place, record.kind, record.language, record.payment_method, record.customer_since,
                record.contract_months, record.name.suffix if record.name else None, tax_included[record.source],
                [_clear_product(product) for product in record.products], *sealed,
            )
            for (place, record, owner), sealed in zip(some, blobs, strict=True)
        )  # fmt: skip
        _record_store.add_sealed(tx, rows)
    return len(fresh)


def sealed_blobs(*, keeper: KeeperClient, records: Sequence[tuple[LegacyRecord, UUID]]) -> list[Blobs]:
    """Have the keeper seal what records said, each under the party of a customer, in one call per category; no search terms come of it."""
    made: dict[Category, list[bytes | None]] = {}
    for category, fields_of in ((Category.IDENTITY, _identity), (Category.CONTACT, _contact), (Category.PAYMENT, _payment)):
        fields = [fields_of(record) for record, _ in records]
        items = [SealItem(party_of(owner), said) for said, (_, owner) in zip(fields, records, strict=True) if said is not None]
        blobs = iter(seal(keeper=keeper, purpose=PURPOSE, category=category, items=items))
        made[category] = [None if said is None else next(blobs) for said in fields]
    return list(zip(made[Category.IDENTITY], made[Category.CONTACT], made[Category.PAYMENT], strict=True))  # type: ignore[arg-type]  # these two always are


def open_records(*, tx: Transaction, keeper: KeeperClient, source_keys: Sequence[UUID]) -> dict[UUID, KeptRecord]:
    """
    Open records that are kept; those that are not are absent.

    :raises AccessDenied: when the grant for `migration` does not cover this, or the customer was erased
    """
    rows = _record_store.sealed_of(tx, source_keys)
    opened: dict[str, list[dict[str, Any]]] = {}
    for category in ("identity", "contact", "payment"):
        blobs = [(party_of(row["customer_id"]), bytes(row[category])) for row in rows if row[category] is not None]
        found = iter(open_each(keeper=keeper, purpose=PURPOSE, category=Category(category), blobs=blobs) if blobs else [])
        opened[category] = [{} if row[category] is None else next(found).fields for row in rows]
    return {
        row["source_key"]: KeptRecord(record_of(row, *said), row["customer_id"], row["trust"], row["place"], row["tax_included"])
        for row, *said in zip(rows, opened["identity"], opened["contact"], opened["payment"], strict=True)
    }


def record_of(row: Row, identity: Mapping[str, Any], contact: Mapping[str, Any], payment: Mapping[str, Any]) -> LegacyRecord:
    """Put a record together again: `charges`, discounts, and the gender that a title said (the record has it) are not kept."""
    parts = {name: identity.get(name) for name in NAME}
    return LegacyRecord(
        record_id=row["source_key"],
        source=row["source"],
        source_key=identity["legacy_numbers"][0],
        row=row["source_row"],
        digest=bytes(row["digest"]),
        kind=row["kind"],
        name=PersonName(**parts, suffix=row["suffix"]) if parts["family_name"] is not None else None,  # type: ignore[arg-type]  # it is not None
        trading_name=identity["trading_name"],
        legal_form=identity["legal_form"],
        chamber_of_commerce_number=identity["chamber_of_commerce_number"],
        birth_date=_day(identity["birth_date"]),
        gender=identity["gender"],
        language=row["language"],
        addresses={one["role"]: Address(**{name: value for name, value in one.items() if name != "role"}) for one in contact["addresses"]},
        phones=tuple(contact["phones"]),
        emails=tuple(contact["emails"]),
        iban=payment.get("iban"),
        payment_method=row["payment_method"],
        mandate_reference=payment.get("mandate_reference"),
        mandate_date=_day(payment.get("mandate_date")),
        customer_since=row["customer_since"],
        products=tuple(_product(clear, sealed) for clear, sealed in zip(row["products"], contact["sims"], strict=True)),
        contract_months=row["contract_months"],
        carried=CarriedOver(
            contacts=tuple(ContactPerson(**one) for one in contact.get("contact_persons", ())),
            has_mandate=row["has_mandate"],
            mandate_was_used=row["mandate_was_used"],
        ),
    )


def _identity(record: LegacyRecord) -> dict[str, Any]:
    name = record.name
    return {
        "kind": record.kind,
        "legacy_numbers": [record.source_key],
        "trading_name": record.trading_name,
        "legal_form": record.legal_form,
        "chamber_of_commerce_number": record.chamber_of_commerce_number,
        "birth_date": _iso(record.birth_date),
        "gender": record.gender,
        **({part: getattr(name, part) for part in NAME} if name is not None else {}),
    }


def _contact(record: LegacyRecord) -> dict[str, Any]:
    return {
        "addresses": [{"role": role, **asdict(address)} for role, address in record.addresses.items()],
        "phones": list(record.phones),
        "emails": list(record.emails),
        "contact_persons": [asdict(one) for one in record.carried.contacts],
        "sims": [{name: getattr(product, name) for name in OF_PRODUCTS} for product in record.products],
    }


def _payment(record: LegacyRecord) -> dict[str, Any] | None:
    if not (record.iban or record.mandate_reference or record.mandate_date):
        return None
    return {"iban": record.iban, "mandate_reference": record.mandate_reference, "mandate_date": _iso(record.mandate_date)}


def _clear_product(product: LegacyProduct) -> dict[str, Any]:
    said = {name: getattr(product, name) for name in PRODUCTS_IN_THE_CLEAR}
    return {name: str(value) if isinstance(value, date | Decimal) else value for name, value in said.items()}


def _product(clear: Mapping[str, Any], sealed: Mapping[str, Any]) -> LegacyProduct:
    days = {name: _day(clear[name]) for name in ("start", "end", "suspended", "billed_to")}
    return LegacyProduct(**{**clear, **sealed, **days, "monthly": Decimal(clear["monthly"])})


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
