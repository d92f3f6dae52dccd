"""A person's passkeys, and registering one on proof of a key."""

from typing import Any

from litestar import get, post
from litestar.response import Template

from hoeksteen_keeper.access.sessions import PASSKEY_TICKET
from hoeksteen_keeper.errors import KeeperRefused
from hoeksteen_keeper.pages import passkeys
from hoeksteen_keeper.pages.passkeys import challenge_of
from hoeksteen_keeper.pages.shared import Page, caller_of, in_thread, page, rooms_of


@get("/passkeys")
@in_thread
def own_passkeys(request: Page) -> Template:
    """List a person's passkeys, and offer to register one."""
    rooms, caller = rooms_of(request), caller_of(request)
    return page(request, "passkeys.html", caller=caller, held=rooms.actors.passkeys(caller.actor.actor))


@post("/passkeys/options", status_code=200)
@in_thread
def passkey_options(request: Page, data: dict[str, Any]) -> dict[str, Any]:
    """Give the browser a challenge for a new passkey, for a ticket that only the proof of an approval key gives."""
    rooms, caller = rooms_of(request), caller_of(request)
    ticket_of, _ = rooms.sessions.redeem(str(data.get("ticket", "")), service=PASSKEY_TICKET)
    if ticket_of != caller.actor.actor:
        raise KeeperRefused("code_invalid", "The proof is somebody else's.")
    challenge = rooms.challenges.make(str(caller.session))
    return passkeys.registration_options(rooms.actors, caller.actor, challenge=challenge)


@post("/passkeys/register", status_code=200)
@in_thread
def register_passkey(request: Page, data: dict[str, Any]) -> dict[str, str]:
    """Register the passkey that the browser made."""
    rooms, caller = rooms_of(request), caller_of(request)
    credential = data.get("credential") or {}
    challenge = challenge_of(credential)
    if not rooms.challenges.use(str(caller.session), challenge):
        raise KeeperRefused("code_invalid", "The registration took too long; begin again.")
    key = passkeys.register(rooms.actors, caller.actor, credential=credential, challenge=challenge, origin=rooms.origin)
    return {"key": key}
