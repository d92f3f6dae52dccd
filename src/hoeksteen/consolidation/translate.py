"""From the raw text of an export to standardised records, by its mapping; faults become findings or rejections, never crashes."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from hoeksteen.consolidation._carried_columns import CarriedReader
from hoeksteen.consolidation.carried_over import NOTHING_CARRIED
from hoeksteen.consolidation.carried_targets import CARRIED
from hoeksteen.consolidation.columns import Draft, read_column
from hoeksteen.consolidation.mapping import Column, Mapping
from hoeksteen.consolidation.model import Charges, Discount, Extract, Finding, LegacyProduct, LegacyRecord, Rejected, Source
from hoeksteen.consolidation.pseudonyms import Pseudonyms
from hoeksteen.consolidation.readers import PRODUCT_ROWS, RawRecord, digest_of, read
from hoeksteen.consolidation.standardise import addresses, companies, contact, dates, names
from hoeksteen.kernel.errors import Conflict, InvalidInput

REJECTED_FREELY_MAX = 20
MOST_PERCENT = 50  # of a small file, too


def extract(*, source: Source, mapping: Mapping, pseudonyms: Pseudonyms, today: date, cutover: date, plausible_only: bool = True) -> Extract:
    """
    Read one export whole and standardise it, in memory.

    :param today: birth dates after it are findings
    :param cutover: the first day that is billed here, for products whose source does not say it
    :param plausible_only: refuse a file of which so many records are rejected that the mapping must be wrong; a profile shows them
    :raises InvalidInput: when the file is not what the mapping says, or when so many records are rejected that the mapping must be wrong
    :raises Conflict: when the file changed while it was read
    """
    found = Extract(source=mapping.source, matched=mapping.match, trust=mapping.trust, file=source.input)
    translator = _Translator(mapping, source.input, pseudonyms, today, cutover)
    found.digest = digest_of(source.input)
    seen: set[str] = set()
    for raw in read(mapping=mapping, file=source.input):
        key = raw.key or f"line {raw.row}"
        if key in seen:
            raw.fault, key = (mapping.key, "key_repeats"), f"{key} again in line {raw.row}"
        seen.add(key)
        result = translator.record(raw, key)
        if isinstance(result, Rejected):
            found.rejected.append(result)
        else:
            found.records.append(result)
        found.findings += translator.findings
    if digest_of(source.input) != found.digest:
        raise Conflict(f"{source.input} changed while it was read.", remedy="Wait until it is written whole, then run this again.")
    if plausible_only:
        _require_plausible(found, source, mapping)
    return found


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


class _Translator:
    """Turns raw records of one mapping into standardised ones; `findings` are those of the last record."""

    def __init__(self, mapping: Mapping, file: Path, pseudonyms: Pseudonyms, today: date, cutover: date) -> None:
        self.mapping, self.file, self.pseudonyms, self.today, self.cutover = mapping, file, pseudonyms, today, cutover
        self.findings: list[Finding] = []
        apart = {"product", "balance", "mandate_iban", *CARRIED}
        self._record_plan = [(name, column) for name, column in mapping.record_columns.items() if (column.to or "").partition(".")[0] not in apart]
        self._carried = CarriedReader(mapping)
        rows = {name: column for name, column in mapping.record_columns.items() if (column.to or "").startswith("product.")}
        self._child_plans: dict[str, tuple[str, list[tuple[str, Column]]]] = {
            name: (child.of, list(child.columns.items())) for name, child in mapping.lists.items() if child.of not in CARRIED
        }
        if rows:
            self._child_plans[PRODUCT_ROWS] = ("product", list(rows.items()))
        self._offerings = {(service.column, service.value): service.offering for service in mapping.services.offerings} if mapping.services else {}
        self._name_field = next((name for name, column in self._record_plan if column.to in ("name", "family_name")), mapping.key)

    def record(self, raw: RawRecord, key: str) -> LegacyRecord | Rejected:
        draft = Draft()
        if raw.fault:
            draft.faults.append(raw.fault)
        products: list[LegacyProduct] = []
        if not draft.faults:
            for name, column in self._record_plan:
                read_column(draft, draft.parts, column, name, raw.values.get(name))
            products = self._products(draft, raw)
            self._check(draft, raw, products)
        if not draft.faults:
            draft.parts["carried"] = self._carried.read(draft, raw, key, today=self.today, cutover=self.cutover)
        digest = self.pseudonyms.digest(_flat(raw))
        record_id = self.pseudonyms.record_id(self.mapping.source, key)
        place = f"{self.file.name}:{raw.row}"
        self.findings = [Finding(self.mapping.source, place, field, code) for field, code in draft.notes]
        if draft.faults:
            field, code = draft.faults[0]
            return Rejected(record_id, self.mapping.source, key, raw.row, digest, Finding(self.mapping.source, place, field, code))
        return self._assembled(draft, raw, key, record_id, digest, products)

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
            draft.notes.append((next(name for name, column in self._record_plan if column.to == "birth_date"), fault))
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
        drafted: list[dict[str, Any]] = []
        for list_name, (of, plan) in self._child_plans.items():
            for _, values in raw.children.get(list_name, []):
                parts: dict[str, Any] = {}
                for name, column in plan:
                    read_column(draft, parts, column, name, values.get(name), group=of)
                if draft.faults:
                    return []
                if of == "product":
                    if any(parts["key"] == other["key"] for other in drafted):
                        draft.faults.append((_leading_to("key", plan), "key_repeats"))
                    drafted.append(parts)
                elif of == "address":
                    self._add_address(draft, list_name, parts)
                else:
                    discount = Discount(
                        parts.get("name", ""), parts["kind"], parts["value"], parts.get("valid_from", date.min), parts.get("valid_to")
                    )
                    discounts.setdefault(parts["product_key"], []).append(discount)
        if set(discounts) - {parts["key"] for parts in drafted}:
            plan = next(plan for of, plan in self._child_plans.values() if of == "discount")
            draft.faults.append((_leading_to("product_key", plan), "of_no_product"))
        products = [product for parts in drafted if (product := self._product(draft, parts, tuple(discounts.get(parts["key"], ())))) is not None]
        return products + self._services(draft, raw)

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

    def _assembled(self, draft: Draft, raw: RawRecord, key: str, record_id: Any, digest: bytes, products: list[LegacyProduct]) -> LegacyRecord:
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


def _flat(raw: RawRecord) -> Iterator[str]:
    for name, value in sorted(raw.values.items()):
        yield f"{name}={value}"
    for list_name, entries in raw.children.items():
        for _, values in entries:
            yield list_name
            for name, value in sorted(values.items()):
                yield f"{name}={value}"


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
