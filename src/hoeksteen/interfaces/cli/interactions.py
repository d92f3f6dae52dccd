"""Why a command works on a customer: a telephone call or a ticket, recorded as care records it."""

from collections.abc import Callable
from typing import Any

import click

from hoeksteen.care import operations as care
from hoeksteen.care.model import Interaction
from hoeksteen.interfaces.cli.whom import meant_customer
from hoeksteen.interfaces.runtime import Runtime
from hoeksteen.storage.postgres import Transaction


def reason_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--ticket` and `--phone`, of which one is given."""
    command = click.option("--phone", is_flag=True, help="The customer is on the line.")(command)
    return click.option("--ticket", default="", help="The ticket that asks for it, such as CARE-1234.")(command)


def recorded_interaction(*, runtime: Runtime, tx: Transaction, customer: str, actor: str, ticket: str, phone: bool) -> Interaction:
    """
    Record why somebody works on a customer.

    :param customer: as the command names them
    :raises InvalidInput: when neither a ticket nor a call is the reason
    :raises NotFound: when there is no such customer
    """
    reason = care.reason_given(channel="phone" if phone else "ticket", ticket=ticket)
    whose = meant_customer(tx=tx, named=customer).customer_id
    return care.record_interaction(tx=tx, customer_id=whose, actor=actor, reason=reason, now=runtime.clock.now(), identifiers=runtime.identifiers)
