"""Under which purpose and for which reason a member of staff looks at a customer, and what the keeper then shows."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from hoeksteen.care import queries as care
from hoeksteen.care.model import Interaction
from hoeksteen.disclosure import queries as disclosure
from hoeksteen.interfaces.web.login import SESSION_ENDED
from hoeksteen.interfaces.web.site import Visit
from hoeksteen.interfaces.web.words import Known
from hoeksteen.kernel.errors import AccessDenied
from hoeksteen.kernel.sealed import Category
from hoeksteen.storage.postgres import Transaction

CARE_AGENT, BILLING_MANAGER, PRIVACY_OFFICER, SECURITY_OFFICER = "care_agent", "billing_manager", "privacy_officer", "security_officer"


@dataclass(frozen=True, slots=True)
class Look:
    """
    What the keeper is told with each request.

    :param interaction: the reason that a care agent gave; other work needs none
    """

    purpose: str
    context: dict[str, str | bool]
    interaction: Interaction | None = None


@dataclass(frozen=True, slots=True)
class Shown:
    """
    One category of a person as this visitor may see it.

    :param fields: empty when there is nothing, or nothing that may be seen
    :param refused: the keeper's reason, or empty
    """

    fields: Known
    masked: bool = False
    refused: str = ""


def look_at(*, tx: Transaction, visit: Visit, customer_id: UUID) -> Look | None:
    """
    Give the purpose and reason under which the visitor looks at a customer; None when a care agent has to give one first.

    :raises AccessDenied: with the reason `no_role`, when their work has no business with customers
    """
    visit.require(CARE_AGENT, BILLING_MANAGER)
    if visit.may(CARE_AGENT):
        interaction = care.open_interaction(tx=tx, customer_id=customer_id, actor=visit.person.actor, now=visit.now)
        return None if interaction is None else Look("care", interaction.reason.context, interaction)
    return Look("billing", {})


def shown(*, tx: Transaction, visit: Visit, look: Look, category: Category, subjects: Sequence[UUID]) -> dict[UUID, Shown]:
    """
    Give what the keeper shows of each subject; what it refuses is said, and does not break the page.

    :raises AccessDenied: when the whole session has ended
    """
    try:
        opened = disclosure.reveal(tx=tx, keeper=visit.keeper, purpose=look.purpose, category=category, subjects=subjects, context=look.context)
    except AccessDenied as error:
        if error.reason in SESSION_ENDED:
            raise
        return {subject: Shown(Known(), refused=error.reason) for subject in subjects}
    found = {subject: opened.get(subject) for subject in subjects}
    return {subject: Shown(Known()) if one is None else Shown(Known(one.fields), one.masked) for subject, one in found.items()}
