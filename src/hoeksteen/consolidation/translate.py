"""From the raw text of an export to standardised records, by its mapping; faults become findings or rejections, never crashes."""

import re
from collections.abc import Callable, Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from hoeksteen.consolidation.mapping import Column, Mapping
from hoeksteen.consolidation.model import Charges, Discount, Extract, Finding, LegacyProduct, LegacyRecord, Rejected, Source
from hoeksteen.consolidation.pseudonyms import Pseudonyms
from hoeksteen.consolidation.readers import PRODUCT_ROWS, RawRecord, digest_of, read
from hoeksteen.consolidation.standardise import addresses, companies, contact, dates, names
from hoeksteen.consolidation.standardise.text import tidy
from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.kernel.money import CENT

REJECTED_FREELY_MAX = 20
# what a customer holds and whether it is in service is money: nothing is assumed where the mapping does not know the code
_CODES_THAT_MUST_BE_KNOWN = {"offering": "unknown_product", "status": "unknown_status"}


class Draft:
    """What is known of one record while its columns are read."""

    __slots__ = ("addresses", "emails", "faults", "notes", "parts", "phones")

    def __init__(self) -> None:
        self.parts: dict[str, Any] = {}
        self.addresses: dict[str, dict[str, Any]] = {}
        self.phones: list[str] = []
        self.emails: list[str] = []
        self.notes: list[tuple[str, str]] = []
        self.faults: list[tuple[str, str]] = []


Setter = Callable[[Draft, dict[str, Any], Column, str, str], None]


def extract(*, source: Source, mapping: Mapping, pseudonyms: Pseudonyms, today: date, cutover: date, plausible_only: bool = True) -> Extract:
    """
    Read one export whole and standardise it, in memory.

    :param today: birth dates after it are findings
    :param cutover: the first day that is billed here, for products whose source does not say it
    :param plausible_only: refuse a file of which so many records are rejected that the mapping must be wrong; a profile shows them
    :raises InvalidInput: when the file is not what the mapping says, or when so many records are rejected that the mapping must be wrong
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
    if not found.records or len(found.rejected) > max(REJECTED_FREELY_MAX, total * mapping.rejected_percent_max // 100):
        first = found.rejected[0].finding
        raise InvalidInput(
            f"{source.input} line {found.rejected[0].row}, field {first.field}: {first.code}, and {len(found.rejected) - 1:,} more of {total:,}"
            f" records cannot be loaded: the mapping {mapping.file} does not fit this file.",
            remedy="Correct that field in the mapping (`hoeksteen consolidate profile` shows its values), or raise rejected_percent_max.",
        )


class _Translator:
    """Turns raw records of one mapping into standardised ones; `findings` are those of the last record."""

    def __init__(self, mapping: Mapping, file: Path, pseudonyms: Pseudonyms, today: date, cutover: date) -> None:
        self.mapping, self.file, self.pseudonyms, self.today, self.cutover = mapping, file, pseudonyms, today, cutover
        self.findings: list[Finding] = []
        self._record_plan = [(name, column) for name, column in mapping.record_columns.items() if not (column.to or "").startswith("product.")]
        rows = {name: column for name, column in mapping.record_columns.items() if (column.to or "").startswith("product.")}
        self._child_plans: dict[str, tuple[str, list[tuple[str, Column]]]] = {
            name: (child.of, list(child.columns.items())) for name, child in mapping.lists.items()
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
                _read_column(draft, draft.parts, column, name, raw.values.get(name))
            products = self._products(draft, raw)
            self._check(draft, raw, products)
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
                    _read_column(draft, parts, column, name, values.get(name), group=of)
                if draft.faults:
                    return []
                if of == "product":
                    drafted.append(parts)
                elif of == "address":
                    draft.addresses.setdefault(parts.get("role", "residential"), {}).update(parts)
                elif missing := [part for part in ("product_key", "kind", "value") if part not in parts]:
                    draft.faults.append((f"{list_name}: {missing[0]}", "incomplete_discount"))
                else:
                    discount = Discount(
                        parts.get("name", ""), parts["kind"], parts["value"], parts.get("valid_from", date.min), parts.get("valid_to")
                    )
                    discounts.setdefault(parts["product_key"], []).append(discount)
        products = [product for parts in drafted if (product := self._product(draft, parts, tuple(discounts.get(parts["key"], ())))) is not None]
        return products + self._services(draft, raw)

    def _product(self, draft: Draft, parts: dict[str, Any], discounts: tuple[Discount, ...]) -> LegacyProduct | None:
        start, end, suspended = parts.get("start"), parts.get("end"), parts.get("suspended")
        status = parts.get("status", "active")
        if "offering" not in parts:
            draft.faults.append(("product", "unknown_product"))
        elif start is None or (end is not None and end < start) or (suspended is not None and suspended < start):
            draft.faults.append(("start", "impossible_date"))
        elif (status == "terminated" and end is None) or (status == "suspended" and suspended is None):
            draft.faults.append(("status", "no_day_of_change"))
        else:
            number = parts.get("number")
            if end is not None and status != "terminated" and end <= self.cutover:
                draft.notes.append(("end", "ended_yet_in_service"))
                end = None
            return LegacyProduct(
                item_key=parts["key"],
                product_offering_id=parts["offering"],
                start=start,
                end=end,
                suspended=suspended if status != "active" else None,
                billed_to=parts.get("billed_to"),
                monthly=parts.get("monthly", Decimal(0)),
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
        )


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


# one column ----------------------------------------------------------------------------------------------------------


def _read_column(draft: Draft, parts: dict[str, Any], column: Column, name: str, raw: str | None, *, group: str = "") -> None:
    value = tidy(raw) if raw else ""
    if value in column.empty:
        value = ""
    if not value:
        if column.required is not None:
            draft.faults.append((name, column.required))
        elif column.default is not None and column.to is not None:
            parts[column.to.removeprefix("product.")] = column.default
        elif column.to == "total_charge":
            draft.notes.append((name, "blank"))
        return
    if column.matches is not None and not _matches(column.matches, value):
        draft.notes.append((name, "another_form"))
    if column.to is None:
        return
    target = column.to.removeprefix("product.")
    role, _, part = target.partition(".")
    if part:
        _set_address(draft.addresses.setdefault(role, {}), draft, part, name, value)
    elif group == "address" and target != "role":
        _set_address(parts, draft, target, name, value)
    else:
        # a discount's name is only a text; a record's is a person's or a company's
        setter = _set_text if group and target == "name" else _SETTERS.get(target, _set_text)
        setter(draft, parts, column, name, value)


def _matches(pattern: str, value: str) -> bool:
    return re.fullmatch(pattern, value) is not None


def _set_address(found: dict[str, Any], draft: Draft, part: str, name: str, value: str) -> None:
    if part == "street_line":
        found["street"], found["house_number"], found["addition"] = addresses.street_line(value)
    elif part == "street":
        found["street"] = addresses.street_name(value)
    elif part == "city":
        found["city"] = addresses.city_name(value)
    elif part == "postcode":
        found["postcode"] = addresses.postcode(value)
        if found["postcode"] is None:
            draft.notes.append((name, "not_a_postcode"))
    else:
        found[part] = value


def _set_text(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    parts[(column.to or "").removeprefix("product.")] = value


def _set_name(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    parts["name_text"], parts["name_order"] = value, column.order


def _set_code(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    target = (column.to or "").removeprefix("product.")
    word = (column.codes or {}).get(value)
    if word is not None:
        parts[target] = word or None
    elif target in _CODES_THAT_MUST_BE_KNOWN:
        draft.faults.append((name, _CODES_THAT_MUST_BE_KNOWN[target]))
    else:
        draft.notes.append((name, "unknown_code"))


def _set_legal_form(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    if column.codes is not None:
        _set_code(draft, parts, column, name, value)
    else:
        parts["legal_form"] = companies.legal_form(value)


def _set_day(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    target = (column.to or "").removeprefix("product.")
    found = dates.day(value, column.format or "")
    if found is not None:
        parts[target] = found
        if column.format == "local_midnight_utc" and dates.depends_on_time_zone_build(value):
            draft.notes.append((name, "time_zone_before_1940"))
    elif target in ("start", "end", "suspended", "billed_to"):
        draft.faults.append((name, "impossible_date"))
    else:
        draft.notes.append((name, "impossible_date"))


def _set_money(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    target = (column.to or "").removeprefix("product.")
    try:
        if column.decimal == "comma":
            value = value.replace(".", "").replace(",", ".")
        amount = Decimal(value)
        amount = amount.scaleb(-2) if column.decimal == "cents" else amount
        exact = amount.quantize(CENT)
    except InvalidOperation:
        exact = amount = Decimal("NaN")
    if exact.is_nan() or exact != amount:
        draft.faults.append((name, "not_an_amount"))
    else:
        parts[target] = exact


def _set_months(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    text = (column.codes or {}).get(value, "") if column.codes is not None else value
    if not text.isdigit() or int(text) > 1200:
        draft.faults.append((name, "not_a_number_of_months"))
        return
    parts[column.to or ""] = int(text)
    if column.to == "tenure_months" and int(text) == 0:
        draft.notes.append((name, "zero"))


def _set_phone(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    number, wrong = contact.phone(value)
    if number is not None:
        draft.phones.append(number)
    elif wrong:
        draft.notes.append((name, wrong))


def _set_number(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    number, wrong = contact.phone(value)
    if number is None:
        draft.faults.append((name, wrong or "no_number"))
    else:
        parts["number"] = number


def _set_email(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    address, wrong = contact.email(value)
    if address is not None:
        draft.emails.append(address)
    elif wrong:
        draft.notes.append((name, wrong))


def _set_iban(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    parts["iban"], wrong = contact.iban(value)
    if wrong:
        draft.notes.append((name, wrong))


def _set_chamber_number(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    parts["chamber_of_commerce_number"] = companies.chamber_of_commerce_number(value)
    if parts["chamber_of_commerce_number"] is None:
        draft.notes.append((name, "not_a_kvk_number"))


def _set_iccid(draft: Draft, parts: dict[str, Any], column: Column, name: str, value: str) -> None:
    if value.isdigit() and 18 <= len(value) <= 20:
        parts["iccid"] = value
    else:
        draft.notes.append((name, "not_an_iccid"))


_SETTERS: dict[str, Setter] = {
    "name": _set_name,
    **dict.fromkeys(("kind", "gender", "language", "payment_method", "offering", "status", "role"), _set_code),
    **dict.fromkeys(("birth_date", "mandate_date", "customer_since", "start", "end", "suspended", "billed_to", "valid_from", "valid_to"), _set_day),
    **dict.fromkeys(("monthly", "value", "monthly_charge", "total_charge"), _set_money),
    **dict.fromkeys(("tenure_months", "contract_months"), _set_months),
    "legal_form": _set_legal_form,
    "chamber_of_commerce_number": _set_chamber_number,
    "phone": _set_phone,
    "number": _set_number,
    "email": _set_email,
    "iban": _set_iban,
    "iccid": _set_iccid,
}
