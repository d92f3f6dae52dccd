"""From the raw text of an export to standardised records, by its mapping; faults become findings or rejections, never crashes."""

from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any
from uuid import UUID

from hoeksteen.consolidation._beside import Beside
from hoeksteen.consolidation._carried_columns import CarriedReader
from hoeksteen.consolidation._expected import Expected
from hoeksteen.consolidation._plans import Plan
from hoeksteen.consolidation._staging import Staged
from hoeksteen.consolidation.carried_over import NOTHING_CARRIED
from hoeksteen.consolidation.carried_targets import CARRIED
from hoeksteen.consolidation.columns import Draft
from hoeksteen.consolidation.mapping import Column, Mapping
from hoeksteen.consolidation.model import Charges, Discount, Extract, Finding, LegacyProduct, LegacyRecord, Rejected, Source
from hoeksteen.consolidation.pseudonyms import KEY_BYTES, Pseudonyms
from hoeksteen.consolidation.readers import PRODUCT_ROWS, RawRecord, Tally, digest_of, read
from hoeksteen.consolidation.readers.raw import Values
from hoeksteen.consolidation.standardise import addresses, companies, contact, dates, names
from hoeksteen.kernel.errors import Conflict, InvalidInput

RECORDS_PER_PIECE = 1_000
REJECTED_FREELY_MAX = 20
MOST_PERCENT = 50  # of a small file, too
_ORDERS_MAX = 1_000  # in which a record's columns come: a JSON line leaves out what it likes


@dataclass(slots=True)
class Translated:
    """
    A piece of an export, standardised.

    :param ids: 16 bytes per record of the piece, in its order: the pseudonyms, also of those that are rejected
    :param offerings: that its products are, and the first row with each
    """

    records: Staged = field(default_factory=Staged)
    expected: Expected = field(default_factory=Expected)
    beside: Beside = field(default_factory=Beside)
    rejected: list[Rejected] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    ids: list[bytes] = field(default_factory=list)
    offerings: dict[str, int] = field(default_factory=dict)


Pieces = Iterator[list[RawRecord]]
Translating = Callable[[Pieces], Iterator[tuple[list[RawRecord], Translated]]]


def extract(
    *, source: Source, mapping: Mapping, pseudonyms: Pseudonyms, today: date, cutover: date, plausible_only: bool = True,
    translating: Translating | None = None,
) -> Extract:  # fmt: skip
    """
    Read one export whole and standardise it, in memory.

    :param today: birth dates after it are findings
    :param cutover: the first day that is billed here, for products whose source does not say it
    :param plausible_only: refuse a file of which so many records are rejected that the mapping must be wrong; a profile shows them
    :param translating: standardises pieces of the export, in their order, in other processes; without it that is done here
    :raises InvalidInput: when the file is not what the mapping says, or when so many records are rejected that the mapping must be wrong
    :raises Conflict: when the file changed while it was read
    """
    beside = Beside()
    found = Extract(
        source=mapping.source, matched=mapping.match, trust=mapping.trust, file=source.input, records=Staged(), expected=Expected(),
        beside=beside,
    )  # fmt: skip
    translator = Translator(mapping, source.input, pseudonyms, today, cutover)
    found.digest = digest_of(source.input)
    seen: set[bytes] = set()
    tally = Tally()

    def here(pieces: Pieces) -> Iterator[tuple[list[RawRecord], Translated]]:
        return ((piece, translator.piece(piece, seen)) for piece in pieces)

    for piece, done in (translating or here)(_pieces(read(mapping=mapping, file=source.input, tally=tally))):
        # who stands in two pieces is known here only: then the piece is done again
        known = done if seen.isdisjoint(done.ids) else translator.piece(piece, seen)
        seen.update(known.ids)
        found.records.extend(known.records)
        found.expected.extend(known.expected)
        beside.extend(known.beside)
        found.rejected += known.rejected
        found.findings += known.findings
        found.offerings = {**known.offerings, **found.offerings}
    if digest_of(source.input) != found.digest:
        raise Conflict(f"{source.input} changed while it was read.", remedy="Wait until it is written whole, then run this again.")
    found.digest = found.digest or tally.digest
    found.findings += [Finding(mapping.source, source.input.name, field, code) for field, code in tally.notes]
    if plausible_only:
        _require_plausible(found, source, mapping)
    return found


def translate_one(*, raw: RawRecord, mapping: Mapping, today: date, cutover: date) -> tuple[LegacyRecord | Rejected, list[Finding]]:
    """Standardise one record that stands in no file, such as a worked example, and give what was found."""
    translator = Translator(mapping, mapping.file, Pseudonyms(bytes(KEY_BYTES)), today, cutover)
    return translator.record(raw, raw.key or "", UUID(int=0)), translator.findings


def _pieces(raw_records: Iterator[RawRecord]) -> Pieces:
    while piece := list(islice(raw_records, RECORDS_PER_PIECE)):
        yield piece


def _require_plausible(found: Extract, source: Source, mapping: Mapping) -> None:
    total = len(found.records) + len(found.rejected)
    if source.records_expected is not None and total != source.records_expected:
        raise InvalidInput(
            f"{source.input} holds {total:,} records, and {source.records_expected:,} were expected: it was cut off or is another export.",
            remedy="Export it again, or correct the expected number.",
        )
    if not total:
        raise InvalidInput(f"{source.input} holds no records.", remedy="Export it again, or leave this source out.")
    rejected, allowed = len(found.rejected), mapping.rejected_percent_max
    if not found.records or rejected * 100 > total * max(MOST_PERCENT, allowed) or rejected > max(REJECTED_FREELY_MAX, total * allowed // 100):
        first = found.rejected[0].finding
        raise InvalidInput(
            f"{source.input} line {found.rejected[0].row}, field {first.field}: {first.code}, and {rejected - 1:,} more of {total:,}"
            f" records cannot be loaded: the mapping {mapping.file} does not fit this file.",
            remedy="Correct that field in the mapping (`hoeksteen consolidate profile` shows what it holds)"
            + (", or raise rejected_percent_max." if found.records else ", or name the export that it describes."),
        )


class Translator:
    """Turns raw records of one mapping into standardised ones; `findings` are those of the last record."""

    def __init__(self, mapping: Mapping, file: Path, pseudonyms: Pseudonyms, today: date, cutover: date) -> None:
        self.mapping, self.file, self.pseudonyms, self.today, self.cutover = mapping, file, pseudonyms, today, cutover
        self.findings: list[Finding] = []
        apart = {"product", "balance", "mandate_iban", *CARRIED}
        self._record_columns = [(name, column) for name, column in mapping.record_columns.items() if (column.to or "").partition(".")[0] not in apart]
        self._carried = CarriedReader(mapping)
        self._record_plan = Plan(self._record_columns)
        rows = {name: column for name, column in mapping.record_columns.items() if (column.to or "").startswith("product.")}
        self._child_plans: dict[str, tuple[str, Plan, list[tuple[str, Column]]]] = {
            name: (child.of, Plan(child.columns.items(), group=child.of), list(child.columns.items()))
            for name, child in mapping.lists.items()
            if child.of not in CARRIED
        }
        if rows:
            self._child_plans[PRODUCT_ROWS] = ("product", Plan(rows.items(), group="product"), list(rows.items()))
        self._orders: dict[tuple[str, ...], list[tuple[str, str]]] = {}
        self._offerings = {(service.column, service.value): service.offering for service in mapping.services.offerings} if mapping.services else {}
        self._name_field = next((name for name, column in self._record_columns if column.to in ("name", "family_name")), mapping.key)

    def piece(self, raw_records: Sequence[RawRecord], seen: Container[bytes] = frozenset()) -> Translated:
        """
        Standardise some records, one after another.

        :param seen: pseudonyms of the export's records before these: who comes again is rejected
        """
        done, own = Translated(), set[bytes]()
        for raw in raw_records:
            key = raw.key or f"line {raw.row}"
            record_id = self.pseudonyms.record_id(self.mapping.source, key)
            if record_id.bytes in own or record_id.bytes in seen:
                raw.fault, key = (self.mapping.key, "key_repeats"), f"{key} again in line {raw.row}"
                record_id = self.pseudonyms.record_id(self.mapping.source, key)
            own.add(record_id.bytes)
            done.ids.append(record_id.bytes)
            result = self.record(raw, key, record_id)
            done.findings += self.findings
            if isinstance(result, Rejected):
                done.rejected.append(result)
                continue
            done.records.append(result)
            done.expected.add(result, self.cutover)
            done.beside.add(result)
            for product in result.products:
                done.offerings.setdefault(product.product_offering_id, result.row)
        return done

    def record(self, raw: RawRecord, key: str, record_id: UUID) -> LegacyRecord | Rejected:
        draft = Draft()
        draft.notes += raw.notes
        if raw.fault:
            draft.faults.append(raw.fault)
        products: list[LegacyProduct] = []
        if not draft.faults:
            self._record_plan.read(draft, draft.parts, raw.values)
            products = self._products(draft, raw)
            self._check(draft, raw, products)
        if not draft.faults:
            draft.parts["carried"] = self._carried.read(draft, raw, key, today=self.today, cutover=self.cutover)
        digest = self.pseudonyms.digest(self._flat(raw))
        place = f"{self.file.name}:{raw.row}"
        self.findings = [Finding(self.mapping.source, place, name, code) for name, code in draft.notes]
        if draft.faults:
            name, code = draft.faults[0]
            return Rejected(record_id, self.mapping.source, key, raw.row, digest, Finding(self.mapping.source, place, name, code))
        return self._assembled(draft, raw, key, record_id, digest, products)

    def _flat(self, raw: RawRecord) -> list[str]:
        """Give every value with its name, those of one record or entry in the order of their names."""
        flat = self._named(raw.values)
        for list_name, entries in raw.children.items():
            for _, values in entries:
                flat.append(list_name)
                flat += self._named(values)
        return flat

    def _named(self, values: Values) -> list[str]:
        names = tuple(values)
        order = self._orders.get(names)
        if order is None:
            if len(self._orders) >= _ORDERS_MAX:
                self._orders.clear()
            order = self._orders[names] = [(name, f"{name}=") for name in sorted(names)]
        return [f"{prefix}{values[name]}" for name, prefix in order]

    def _is_organization(self, raw: RawRecord, draft: Draft) -> bool:
        if "kind" in draft.parts:
            return bool(draft.parts["kind"] == "organization")
        rule = self.mapping.organization_when
        values = raw.values
        return (
            any((values.get(name) or "").strip() for name in rule.filled)
            or any(companies.has_legal_form(values.get(name) or "") for name in rule.legal_form_in)
            or any((values.get(name) or "").strip() in allowed for name, allowed in rule.one_of.items())
        )

    def _check(self, draft: Draft, raw: RawRecord, products: list[LegacyProduct]) -> None:
        parts = draft.parts
        parts["kind"] = "organization" if self._is_organization(raw, draft) else "individual"
        born = parts.get("birth_date")
        if born is not None and (fault := dates.birth_date_fault(born, self.today)):
            draft.notes.append((next(name for name, column in self._record_columns if column.to == "birth_date"), fault))
            parts["birth_date"] = None
        if parts["kind"] == "organization":
            parts["birth_date"] = None
            text = parts.get("company_name") or parts.get("name_text")
            parts["company"] = companies.company(text) if text else (None, None)
            if parts["company"][0] is None:
                draft.faults.append((self._name_field, "no_name"))
            return
        if "name_text" in parts:
            parts["person"] = names.single_field(parts["name_text"], order=parts["name_order"])
        else:
            parts["person"] = _person_in_parts(parts)
        if parts["person"] is None and self.mapping.match:
            draft.faults.append((self._name_field, "no_name"))

    def _products(self, draft: Draft, raw: RawRecord) -> list[LegacyProduct]:
        discounts: dict[str, list[Discount]] = {}
        drafted: dict[str, dict[str, Any]] = {}
        for list_name, (of, plan, columns) in self._child_plans.items():
            for _, values in raw.children.get(list_name, []):
                parts: dict[str, Any] = {}
                plan.read(draft, parts, values)
                if draft.faults:
                    return []
                if of == "product":
                    if parts["key"] in drafted:
                        draft.faults.append((_leading_to("key", columns), "key_repeats"))
                    drafted[parts["key"]] = parts
                elif of == "address":
                    self._add_address(draft, list_name, parts)
                else:
                    discount = Discount(
                        parts.get("name", ""), parts["kind"], parts["value"], parts.get("valid_from", date.min), parts.get("valid_to")
                    )
                    discounts.setdefault(parts["product_key"], []).append(discount)
        if set(discounts) - set(drafted):
            columns = next(columns for of, _, columns in self._child_plans.values() if of == "discount")
            draft.faults.append((_leading_to("product_key", columns), "of_no_product"))
        made = (self._product(draft, parts, tuple(discounts.get(key, ()))) for key, parts in drafted.items())
        return [product for product in made if product is not None] + self._services(draft, raw)

    def _add_address(self, draft: Draft, list_name: str, parts: dict[str, Any]) -> None:
        """The last of several addresses in one role is the address; one whose role is unknown is left out, with a finding."""
        role = parts.get("role", "residential")
        if role is None:
            return
        if role in draft.addresses:
            draft.notes.append((list_name, "several_addresses"))
        draft.addresses[role] = parts

    def _product(self, draft: Draft, parts: dict[str, Any], discounts: tuple[Discount, ...]) -> LegacyProduct | None:
        start, end, suspended = parts["start"], parts.get("end"), parts.get("suspended")
        status = parts.get("status") or ("terminated" if end else "suspended" if suspended else "active")
        if (end is not None and end < start) or (suspended is not None and suspended < start):
            draft.faults.append(("start", "impossible_date"))
        elif (status == "terminated" and end is None) or (status == "suspended" and suspended is None):
            draft.faults.append(("status", "no_day_of_change"))
        else:
            number = parts.get("number")
            if end is not None and status != "terminated" and end <= self.cutover:
                draft.notes.append(("end", "ended_yet_in_service"))
                end = None
            if suspended is not None and status == "active" and suspended <= self.cutover:
                draft.notes.append(("suspended", "suspended_yet_in_service"))
                suspended = None
            return LegacyProduct(
                item_key=parts["key"],
                product_offering_id=parts["offering"],
                start=start,
                end=end,
                suspended=suspended,
                billed_to=parts.get("billed_to"),
                monthly=parts["monthly"],
                number=number,
                number_kind=contact.phone_kind(number) if number else None,
                iccid=parts.get("iccid"),
                discounts=discounts,
            )
        return None

    def _services(self, draft: Draft, raw: RawRecord) -> list[LegacyProduct]:
        """Products that stand as columns; their prices are estimated later, from all records."""
        if not self._offerings:
            return []
        start = _months_before(self.cutover, draft.parts.get("tenure_months", 0))
        return [
            LegacyProduct(offering, offering, start, None, None, self.cutover, Decimal(0))
            for (column, value), offering in self._offerings.items()
            if (raw.values.get(column) or "").strip() == value
        ]

    def _assembled(self, draft: Draft, raw: RawRecord, key: str, record_id: UUID, digest: bytes, products: list[LegacyProduct]) -> LegacyRecord:
        parts = draft.parts
        trading_name, form = parts.get("company", (None, None))
        person = parts.get("person") if parts["kind"] == "individual" else _person_in_parts(parts)
        starts = [product.start for product in products]
        charges = None
        if "monthly_charge" in parts:
            charges = Charges(parts.get("tenure_months", 0), parts["monthly_charge"], parts.get("total_charge"))
        return LegacyRecord(
            record_id=record_id,
            source=self.mapping.source,
            source_key=key,
            row=raw.row,
            digest=digest,
            kind=parts["kind"],
            name=person,
            trading_name=trading_name,
            legal_form=parts.get("legal_form") or form,
            chamber_of_commerce_number=parts.get("chamber_of_commerce_number"),
            birth_date=parts.get("birth_date"),
            gender=parts.get("gender") or (person.gender if person else None),
            language=parts.get("language"),
            addresses={role: address for role, found in draft.addresses.items() if (address := _address(found)) is not None},
            phones=tuple(dict.fromkeys(draft.phones)),
            emails=tuple(dict.fromkeys(draft.emails)),
            iban=parts.get("iban"),
            payment_method=parts.get("payment_method", "transfer"),
            mandate_reference=parts.get("mandate_reference"),
            mandate_date=parts.get("mandate_date"),
            customer_since=parts.get("customer_since") or min(starts, default=self.cutover),
            products=tuple(products),
            contract_months=parts.get("contract_months"),
            charges=charges,
            carried=parts.get("carried") or NOTHING_CARRIED,
        )


def _leading_to(target: str, plan: list[tuple[str, Column]]) -> str:
    return next(name for name, column in plan if (column.to or "").removeprefix("product.") == target)


def _person_in_parts(parts: dict[str, Any]) -> names.PersonName | None:
    return names.in_parts(
        family_name=parts.get("family_name"),
        family_name_prefix=parts.get("prefix"),
        initials=parts.get("initials"),
        given_name=parts.get("given_name"),
        maiden_name=parts.get("maiden_name"),
        gender=parts.get("gender"),
    )


def _address(found: dict[str, Any]) -> addresses.Address | None:
    number, addition = found.get("house_number"), found.get("addition")
    if isinstance(number, str):
        number, addition = addresses.house_number(number, addition)
    elif addition:
        addition = addresses.addition_text(addition)
    address = addresses.Address(found.get("street"), number, addition, found.get("postcode"), found.get("city"))
    return address if address.street or address.postcode else None


def _months_before(day: date, months: int) -> date:
    index = day.year * 12 + day.month - 1 - months
    return date(index // 12, index % 12 + 1, min(day.day, 28))
