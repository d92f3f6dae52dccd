"""The one-off charges that the catalogue names, such as a new SIM: what they are called, what they usually cost, and their tax."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from hoeksteen.kernel.errors import NotFound, invariant
from hoeksteen.kernel.money import CENT
from hoeksteen.product import _store
from hoeksteen.product.fields import Faults, Fields
from hoeksteen.storage.postgres import Transaction

TAX_CATEGORIES = ("S", "Z", "E", "O")  # EN 16931 BT-151: taxed, at zero, exempt, out of scope
TAX_RATE_MAX = 50
TAX_RATES = (Decimal(21), Decimal(9))  # of category S, in the Netherlands (Wet op de omzetbelasting 1968, art. 9): for what no catalogue names
_FIELDS = {"id", "name", "amount", "tax_included", "tax_category", "tax_rate"}
_IDENTIFIER = re.compile(r"[a-z][a-z0-9-]{1,39}")


@dataclass(frozen=True, slots=True)
class ChargeKind:
    """
    A one-off charge that the catalogue names.

    :param amount: euros that it usually costs; None where whoever charges it always says
    :param tax_included: whether `amount` is what a consumer pays, tax and all
    :param tax_rate: percent, for `tax_category` (EN 16931 BT-151)
    """

    charge_kind_id: str
    name_nl: str
    name_en: str
    amount: Decimal | None
    tax_included: bool
    tax_category: str
    tax_rate: Decimal


def from_file_charge_kind(*, fields: Fields) -> ChargeKind:
    """Read one kind of charge; faults are noted in `fields.faults`."""
    fields.known_only(_FIELDS)
    kind_id, name = fields.text("id"), fields.mapping("name")
    if kind_id and not _IDENTIFIER.fullmatch(kind_id):
        fields.faults.add(fields.where, "id", "must be small letters, digits and hyphens, such as sim-replacement")
    category = fields.word("tax_category", TAX_CATEGORIES, "S")
    rate = fields.money("tax_rate", Decimal("21") if category == "S" else Decimal(0), least=0)
    if not tax_fits(category, rate):
        fields.faults.add(fields.where, "tax_rate", "must be above 0 for category S, 0 for the others, and have at most two decimals")
    amount = fields.money("amount", least=0) if "amount" in fields.values else None
    if amount is not None and (amount != amount.quantize(CENT) or not amount):
        fields.faults.add(fields.where, "amount", "must be euros and whole cents, and not 0")
    return ChargeKind(kind_id, name.text("nl"), name.text("en"), amount, fields.flag("tax_included"), category, rate)


def tax_fits(category: str, rate: Decimal) -> bool:
    """Say whether a tax category may have a rate, in percent with two decimals (EN 16931 BR-S-05, BR-Z-05, BR-E-05, BR-O-05)."""
    return rate == rate.quantize(CENT) and (0 < rate <= TAX_RATE_MAX if category == "S" else not rate)


def charge_kinds(*, tx: Transaction) -> list[ChargeKind]:
    """Give every kind of one-off charge that is loaded, by identifier."""
    faults = Faults("catalogue")
    found = [from_file_charge_kind(fields=Fields(faults, row["charge_kind_id"], row["definition"])) for row in _store.charge_kind_rows(tx)]
    invariant(not faults.found, "the loaded kinds of charge are valid")
    return found


def charge_kind(*, tx: Transaction, charge_kind_id: str) -> ChargeKind:
    """
    Give one kind of one-off charge.

    :raises NotFound: when the catalogue has none of this name
    """
    known = charge_kinds(tx=tx)
    found = next((one for one in known if one.charge_kind_id == charge_kind_id), None)
    if found is None:
        raise NotFound(
            f"The catalogue names no charge {charge_kind_id}.",
            remedy=f"Choose one of {', '.join(one.charge_kind_id for one in known)}, or write a text." if known else "Write a text instead.",
        )
    return found


def note_twice(*, kinds: Sequence[ChargeKind], faults: Faults) -> None:
    """Note every kind of charge that stands twice in the catalogue."""
    seen: set[str] = set()
    for kind in kinds:
        if kind.charge_kind_id in seen:
            faults.add(f"charge {kind.charge_kind_id}", "id", "stands twice in the catalogue")
        seen.add(kind.charge_kind_id)
