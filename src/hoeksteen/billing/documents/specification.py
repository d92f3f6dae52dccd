"""The specification of a bill, written out: pages behind the invoice, and a table as CSV."""

import csv
import io
from decimal import Decimal
from typing import Any
from uuid import UUID

from hoeksteen.billing.documents.view import InvoiceView
from hoeksteen.billing.itemisation import ItemisedLine, ItemisedRecord
from hoeksteen.billing.wording import amount_exact, line_text, local_minute, money, place_text, telephone, units_text
from hoeksteen.kernel.money import euros
from hoeksteen.kernel.time_period import OPERATOR_ZONE

COLUMNS = ("bill_number", "line", "product", "start", "service", "zone", "roaming", "number", "units", "units_included", "amount")
_TEXTS = {
    "nl": {
        "title": "Gespecificeerd gebruik", "when": "Wanneer", "what": "Wat", "number": "Nummer", "use": "Gebruik", "amount": "Bedrag",
        "sum": "Samen {exact}, op de factuur {amount}", "fees": "Vaste kosten van de periode",
        "tariff": "Bedragen zijn exact, zoals het tarief ze geeft.",
        "masked": "De laatste vier cijfers van nummers zijn verborgen, zoals u koos.",
        "unlisted": "Gratis nummers en hulplijnen staan er nooit bij.",
        "gone": "Een specificatie kan niet meer worden gemaakt: de nummers of de gegevens ervan zijn volgens plan vernietigd.",
        "early": "Van gebruik dat bij een vertrek werd afgerekend is er geen specificatie.",
        "denied": "Bij deze factuur hoort een specificatie. Wie dit exemplaar opvroeg mag haar niet zien.",
    },
    "en": {
        "title": "Itemised usage", "when": "When", "what": "What", "number": "Number", "use": "Use", "amount": "Amount",
        "sum": "Together {exact}, on the invoice {amount}", "fees": "Fixed fees of the period",
        "tariff": "Amounts are exact, as the tariff gives them.",
        "masked": "The last four digits of numbers are hidden, as you chose.",
        "unlisted": "Free numbers and helplines are never listed.",
        "gone": "A specification can be made no more: its numbers or records were destroyed as planned.",
        "early": "Usage that was billed when somebody left has no specification.",
        "denied": "A specification belongs to this invoice. Who asked for this copy may not see it.",
    },
}  # fmt: skip


def note(view: InvoiceView) -> str:
    """Say why an invoice whose account chose a specification has none; empty where there is nothing to say."""
    found = view.specification
    return "" if found is None or not found.withheld else _TEXTS[view.language][found.withheld if found.withheld in ("gone", "early") else "denied"]


def fill_specification(view: InvoiceView) -> dict[str, Any] | None:
    """Give everything that the template prints of the specification, as text in the customer's language; None where there is none."""
    found = view.specification
    only = None if view.only is None else view.only.billing_account_id
    lines = [line for line in found.lines if only is None or line.rate.department == only] if found is not None else []
    if not lines:
        return None
    texts = _TEXTS[view.language]
    masked = any("x" in record.number for line in lines for record in line.records)
    notes = [texts["tariff"], *([texts["masked"]] if masked else []), texts["unlisted"]]
    sections = [_section(view, line, texts) for line in lines if line.records or line.fees_micro]
    return {
        "title": texts["title"],
        "headings": [texts[name] for name in ("when", "what", "number", "use", "amount")],
        "sections": sections,
        "notes": notes,
    }


def _section(view: InvoiceView, line: ItemisedLine, texts: dict[str, str]) -> dict[str, Any]:
    language, number = view.language, _own_number(view, line.rate.product_id)
    description = line_text(rate=line.rate, offerings=view.offerings, language=language).description
    rows = [_row(view, line, record) for record in line.records]
    if line.fees_micro:
        rows.append(["", texts["fees"], "", "", amount_exact(line.fees_micro, language=language)])
    exact = amount_exact(line.records_micro + line.fees_micro, language=language)
    total = texts["sum"].format(exact=exact, amount=money(line.rate.amount, language=language))
    return {"name": description, "number": telephone(number), "rows": rows, "sum": total}


def _row(view: InvoiceView, line: ItemisedLine, record: ItemisedRecord) -> list[str]:
    language = view.language
    offering = view.offerings.get(line.rate.product_offering_id or "")
    return [
        local_minute(record.start, language=language),
        place_text(zone=record.zone, roaming=record.roaming, zones=offering.zones if offering is not None else (), language=language),
        telephone(record.number),
        units_text(service=record.service, units=record.units, language=language),
        amount_exact(record.amount_micro, language=language),
    ]


def _own_number(view: InvoiceView, product_id: UUID | None) -> str:
    return view.numbers.get(product_id, "") if product_id is not None else ""


def specification_csv(view: InvoiceView) -> str:
    """
    Give the records of a bill as CSV (RFC 4180), one line each, by the lines of the bill; amounts are exact euros as the tariff holds them.

    :param view: whose specification is there and not withheld
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for line in view.specification.lines if view.specification is not None else ():
        product = _own_number(view, line.rate.product_id) or str(line.rate.product_offering_id)
        for record in line.records:
            start = record.start.astimezone(OPERATOR_ZONE).isoformat(timespec="seconds")
            writer.writerow(
                (
                    view.bill.bill_number, line.rate.line, product, start, record.service, record.zone, record.roaming, record.number, record.units,
                    record.free_units, _plain(euros(record.amount_micro)),
                )
            )  # fmt: skip
        if line.fees_micro:
            writer.writerow((view.bill.bill_number, line.rate.line, product, "", "fee", "", "", "", "", "", _plain(euros(line.fees_micro))))
    return text.getvalue()


def _plain(amount: Decimal) -> str:
    return f"{amount:.6f}"
