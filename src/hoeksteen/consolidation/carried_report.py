"""What else one source brought, before and after: open items and credits to the cent, mandates, consents, contact persons, notes, contracts."""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

_NOTHING = Decimal("0.00")


@dataclass(frozen=True, slots=True)
class Counted:
    """
    How many of a kind came in, are here, or stand with another record of the same customer.

    :param left_behind: those of the export that cannot be carried over; each is a finding, and not among `into`
    """

    into: int = 0
    out: int = 0
    superseded: int = 0
    left_behind: int = 0

    @property
    def closes(self) -> bool:
        return self.into == self.out + self.superseded

    def as_json(self) -> dict[str, int]:
        """Give the figures."""
        return {"in": self.into, "out": self.out, "superseded": self.superseded, "left_behind": self.left_behind}


@dataclass(frozen=True, slots=True)
class Summed:
    """How many items and how many euros came in, and are here."""

    into: int = 0
    out: int = 0
    amount_in: Decimal = _NOTHING
    amount_out: Decimal = _NOTHING

    @property
    def closes(self) -> bool:
        return (self.into, self.amount_in) == (self.out, self.amount_out)

    def as_json(self) -> dict[str, Any]:
        """Give the figures; amounts are texts with two decimals."""
        return {"in": self.into, "out": self.out, "amount_in": str(self.amount_in), "amount_out": str(self.amount_out)}


@dataclass(frozen=True, slots=True)
class CarriedBalance:
    """
    One source's.

    :param open_items: what customers owe; `credits` what they have to their credit, as less than nothing
    :param net_in: what the source's customers owe, less their credit: of each record the balance or the sum of its invoices, whichever counts
    :param left_behind: euros that are open of invoices that are not carried over, as far as they are known
    """

    open_items: Summed = field(default_factory=Summed)
    credits: Summed = field(default_factory=Summed)
    net_in: Decimal = _NOTHING
    net_out: Decimal = _NOTHING
    invoices_left_behind: int = 0
    left_behind: Decimal = _NOTHING
    mandates: Counted = field(default_factory=Counted)
    consents: Counted = field(default_factory=Counted)
    contacts: Counted = field(default_factory=Counted)
    notes: Counted = field(default_factory=Counted)
    contracts: Counted = field(default_factory=Counted)

    @property
    def counted(self) -> dict[str, Counted]:
        """The kinds that are counted, by name."""
        return {name: getattr(self, name) for name in ("mandates", "consents", "contacts", "notes", "contracts")}

    @property
    def closes(self) -> bool:
        """Say whether all of it is accounted for."""
        return (
            self.open_items.closes and self.credits.closes and self.net_in == self.net_out and all(one.closes for one in self.counted.values())
        )  # fmt: skip

    def as_json(self) -> dict[str, Any]:
        """Give the balance as figures; amounts are texts with two decimals."""
        return {
            "open_items": self.open_items.as_json(),
            "credits": self.credits.as_json(),
            "net_balance": {"in": str(self.net_in), "out": str(self.net_out)},
            "invoices_left_behind": {"count": self.invoices_left_behind, "amount": str(self.left_behind)},
            **{name: one.as_json() for name, one in self.counted.items()},
        }
