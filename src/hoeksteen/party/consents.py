"""
What customers consented to: for which purpose, when, by which channel, and whether they withdrew it.

Decisions are added, never changed. The newest decides; of two at one instant the withdrawal. Of a purpose that nobody decided about nothing is
known, which is not consent (GDPR art. 4(11), 7(1)).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args
from uuid import UUID

from hoeksteen.kernel.errors import InvalidInput
from hoeksteen.party import _consent_store
from hoeksteen.storage.postgres import Transaction

Purpose = Literal["marketing_email", "marketing_phone", "marketing_sms", "marketing_post", "profiling", "traffic_data", "location_data", "directory"]
Decision = Literal["given", "withdrawn"]
ConsentChannel = Literal["phone", "e_mail", "post", "shop", "web", "app"]
PURPOSES: tuple[str, ...] = get_args(Purpose)
DECISIONS: tuple[str, ...] = get_args(Decision)
CHANNELS: tuple[str, ...] = get_args(ConsentChannel)


@dataclass(frozen=True, slots=True)
class Consent:
    """
    A customer's decision about a purpose.

    :param channel: how the customer told it; None where nobody knows
    :param source: the system that was told
    :param source_key: the pseudonym of the legacy record that brought it; None of what was told here
    """

    customer_id: UUID
    consent_id: UUID
    purpose: str
    decision: str
    decided_at: datetime
    channel: str | None
    source: str
    source_key: UUID | None = None


def add_consents(*, tx: Transaction, consents: Sequence[Consent], now: datetime) -> None:
    """
    Add decisions of existing customers, set-based with COPY.

    :raises InvalidInput: when a purpose, decision or channel is no word of its list, or a decision lies in the future
    :raises Conflict: (at the end of the transaction's block) when an identifier is taken
    """
    for one in consents:
        for field, value, words in (("purpose", one.purpose, PURPOSES), ("decision", one.decision, DECISIONS), ("channel", one.channel, CHANNELS)):
            if value not in words and not (field == "channel" and value is None):
                raise InvalidInput(f"The field {field} of consent {one.consent_id} is one of {', '.join(words)}.", remedy="Choose one.", field=field)
        if one.decided_at > now:
            raise InvalidInput(f"The consent {one.consent_id} is of the future: {one.decided_at}.", remedy="Correct its day.", field="decided_at")
    _consent_store.insert(tx, (
        (one.customer_id, one.consent_id, one.purpose, one.decision, one.decided_at, one.channel, one.source, one.source_key) for one in consents
    ))  # fmt: skip


def standing_consents(*, tx: Transaction, customer_ids: Sequence[UUID]) -> list[Consent]:
    """Give, per customer and purpose, the decision that holds; of a purpose that is absent nothing is known."""
    return [Consent(**row) for row in _consent_store.standing(tx, customer_ids)]


def count_consents(*, tx: Transaction, consent_ids: Sequence[UUID]) -> int:
    """Count those of some decisions that are here."""
    return _consent_store.count(tx, consent_ids)


def count_agreements(*, tx: Transaction, agreement_ids: Sequence[UUID]) -> int:
    """Count those of some agreements that are here."""
    return _consent_store.count_agreements(tx, agreement_ids)


def move_consents(*, tx: Transaction, source_keys: Sequence[UUID], customer_id: UUID) -> None:
    """Let the decisions that legacy records brought be another customer's, as when customers are merged or taken apart."""
    _consent_store.move(tx, source_keys, customer_id)


def take_back_consents(*, tx: Transaction, customer_ids: Sequence[UUID]) -> None:
    """Take the decisions away that legacy records brought, of customers who are taken back."""
    _consent_store.take_back(tx, customer_ids)
