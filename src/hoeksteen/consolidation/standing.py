"""How the customers of a wave stand: as digests when they were taken over, and what differs since, which people here changed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from hoeksteen.billing import holding
from hoeksteen.care import queries as care
from hoeksteen.consolidation import _wave_store
from hoeksteen.disclosure import queries as disclosure
from hoeksteen.messages import queries as messages
from hoeksteen.party import queries as party
from hoeksteen.product import queries as product
from hoeksteen.receivables import queries as receivables
from hoeksteen.storage.postgres import Row, Transaction, as_json

CUSTOMERS_PER_QUERY = 1_000
FINAL_BILLS = "final bills"


@dataclass(frozen=True, slots=True)
class Standing:
    """One customer as digests of what each room holds, and how much there is of what happened with them."""

    customer_id: UUID
    party: str
    products: str
    sealed: str
    activity: dict[str, int]


@dataclass(frozen=True, slots=True)
class Touched:
    """
    A customer who is not as they were when they were taken over.

    :param changed: which of party, products and sealed data were changed here
    :param happened: what there is more of by now: interactions, payments, final bills …
    """

    customer_id: UUID
    changed: tuple[str, ...]
    happened: tuple[str, ...]

    @property
    def billed(self) -> bool:
        """Say whether a final bill was made."""
        return FINAL_BILLS in self.happened


def stand(tx: Transaction, customer_ids: Sequence[UUID]) -> dict[UUID, Standing]:
    """Give how some customers stand now."""
    ids = list(customer_ids)
    party_of = {one.customer_id: one.party_id for one in party.customers(tx=tx, customer_ids=ids)}
    parties, products = party.fingerprints(tx=tx, customer_ids=ids), product.fingerprints(tx=tx, customer_ids=ids)
    sealed = disclosure.fingerprints(tx=tx, subjects=list(party_of.values()))
    happened: dict[UUID, dict[str, int]] = {}
    for activity in (care.activity, messages.activity, receivables.activity, holding.activity):
        for customer_id, counts in activity(tx=tx, customer_ids=ids).items():
            happened.setdefault(customer_id, {}).update(counts)
    sealed_of = {customer_id: sealed.get(party_id, "") for customer_id, party_id in party_of.items()}
    return {one: Standing(one, parties.get(one, ""), products.get(one, ""), sealed_of.get(one, ""), happened.get(one, {})) for one in ids}


def keep(tx: Transaction, wave: str, customer_ids: Sequence[UUID]) -> None:
    """Note how some customers of a wave stand now; what differs later was changed by others."""
    rows = [(one.customer_id, wave, one.party, one.products, one.sealed, as_json(one.activity)) for one in stand(tx, customer_ids).values()]
    _wave_store.keep_standing(tx, rows)


def touched(tx: Transaction, rows: Sequence[Row]) -> dict[UUID, Touched]:
    """
    Give who of some customers is not as they were; the others are absent.

    :param rows: how they stood, as `_wave_store.standing` gives it
    """
    now = stand(tx, [row["customer_id"] for row in rows])
    found = {}
    for row in rows:
        one = now[row["customer_id"]]
        names = (("party", "customer"), ("products", "products"), ("sealed", "personal data"))
        changed = tuple(said for name, said in names if getattr(one, name) != row[name])
        happened = tuple(what for what, count in sorted(one.activity.items()) if count != row["activity"].get(what, 0))
        if changed or happened:
            found[one.customer_id] = Touched(one.customer_id, changed, happened)
    return found


def pages(tx: Transaction, wave: str, *, size: int = CUSTOMERS_PER_QUERY) -> Iterator[list[Row]]:
    """Give the customers of a wave as they stood, page by page."""
    after = None
    while rows := _wave_store.standing(tx, wave, after, size):
        yield rows
        after = rows[-1]["customer_id"]
