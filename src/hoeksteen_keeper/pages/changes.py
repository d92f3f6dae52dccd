"""The list of changes, one change rendered with what it changes and the bytes that are signed, and the decision."""

from typing import Any
from uuid import UUID

from litestar import get, post
from litestar.response import Redirect, Template

from hoeksteen_keeper.access.changes import difference
from hoeksteen_keeper.pages.shared import Form, Page, caller_of, in_thread, page, rooms_of
from hoeksteen_keeper.pages.signing import options_for, signature_in

_MARKS = {"+": "added", "-": "removed", "@": "place"}


@get("/changes")
@in_thread
def changes(request: Page) -> Template:
    """List what waits for a signature, and what was decided."""
    caller = caller_of(request)
    return page(request, "changes.html", caller=caller, changes=rooms_of(request).changes.listing(caller))


@get("/changes/{change:uuid}")
@in_thread
def change(request: Page, change: UUID) -> Template:
    """Render one change: what it changes, and the bytes that are signed."""
    rooms, caller = rooms_of(request), caller_of(request)
    found = rooms.changes.show(caller, change)
    lines = [(_MARKS.get(line[:1], "same"), line) for line in difference(found["in_force"], found["content"].get("text", ""))]
    return page(request, "change.html", caller=caller, change=found, lines=lines, held=rooms.actors.passkeys(caller.actor.actor))


@post("/changes/{change:uuid}/options", status_code=200)
@in_thread
def change_options(request: Page, change: UUID) -> dict[str, Any]:
    """Give the browser the challenge: the change's digest."""
    caller = caller_of(request)
    return options_for(request, caller, rooms_of(request).changes.show(caller, change))


@post("/changes/{change:uuid}/approve", status_code=200)
@in_thread
def approve(request: Page, change: UUID, data: dict[str, Any]) -> dict[str, str]:
    """Sign with a passkey's signature over the digest that the page showed."""
    caller = caller_of(request)
    digest, verify = signature_in(request, caller, data)
    return {"state": rooms_of(request).changes.approve(caller, change, digest=digest, verify=verify)["state"]}


@post("/changes/{change:uuid}/refuse", status_code=303)
@in_thread
def refuse(request: Page, change: UUID, data: Form) -> Redirect:
    """Refuse a change."""
    rooms_of(request).changes.refuse(caller_of(request), change, reason=data.get("reason", ""))
    return Redirect(f"/changes/{change}", status_code=303)
