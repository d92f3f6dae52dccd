"""The list of grants, one grant rendered with the bytes that are signed, and the decision."""

from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from hoeksteen_keeper.pages.shared import Form, Page, caller_of, in_thread, page, rooms_of
from hoeksteen_keeper.pages.signing import options_for, signature_in


@get("/approvals")
@in_thread
def approvals(request: Page) -> Template:
    """List what waits for a decision, and what was decided."""
    rooms, caller = rooms_of(request), caller_of(request)
    grants = rooms.approvals.listing(caller)
    return page(request, "approvals.html", caller=caller, grants=grants)


@get("/approvals/{grant:uuid}")
@in_thread
def approval(request: Page, grant: UUID) -> Template:
    """Render one grant: its facts, and the bytes that are signed."""
    rooms, caller = rooms_of(request), caller_of(request)
    found = rooms.approvals.show(caller, grant)
    return page(
        request, "approval.html", caller=caller, grant=found, held=rooms.actors.passkeys(caller.actor.actor),
        decides=rooms.approvals.decides(caller),
        masked=rooms.approvals.masked(rooms.actors.find(found["asker"]), found),
    )  # fmt: skip


@post("/approvals/{grant:uuid}/options", status_code=200)
@in_thread
def approval_options(request: Page, grant: UUID) -> dict[str, Any]:
    """Give the browser the challenge: the grant's digest."""
    caller = caller_of(request)
    return options_for(request, caller, rooms_of(request).approvals.show(caller, grant))


@post("/approvals/{grant:uuid}/approve", status_code=200)
@in_thread
def approve(request: Page, grant: UUID, data: dict[str, Any]) -> dict[str, str]:
    """Approve with a passkey's signature over the digest that the page showed."""
    caller = caller_of(request)
    digest, verify = signature_in(request, caller, data)
    return {"state": rooms_of(request).approvals.approve(caller, grant, digest=digest, verify=verify)["state"]}


@post("/approvals/{grant:uuid}/refuse", status_code=303)
@in_thread
def refuse(request: Page, grant: UUID, data: Form) -> Redirect:
    """Refuse a grant."""
    rooms_of(request).approvals.refuse(caller_of(request), grant, reason=data.get("reason", ""))
    return Redirect(f"/approvals/{grant}", status_code=303)


@post("/approvals/{grant:uuid}/revoke", status_code=303)
@in_thread
def revoke(request: Page, grant: UUID, data: Form) -> Redirect:
    """Revoke a running grant."""
    rooms_of(request).approvals.revoke(caller_of(request), grant, reason=data.get("reason", ""))
    return Redirect(f"/approvals/{grant}", status_code=303)


@post("/approvals/{grant:uuid}/review", status_code=303)
@in_thread
def review(request: Page, grant: UUID, data: Form) -> Redirect:
    """Review access that was taken at once."""
    approvals_of = rooms_of(request).approvals
    approvals_of.review(caller_of(request), grant, verdict=data.get("verdict", ""), reason=data.get("reason", ""))
    return Redirect(f"/approvals/{grant}", status_code=303)
