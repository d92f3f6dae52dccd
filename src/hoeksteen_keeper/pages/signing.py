"""What the pages of grants and of changes share: the challenge is the digest of what is shown, and only a passkey's answer to it signs."""

from collections.abc import Callable, Mapping
from typing import Any

from hoeksteen_keeper.access.model import Caller
from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.pages import passkeys
from hoeksteen_keeper.pages.shared import Page, rooms_of


def options_for(request: Page, caller: Caller, shown: Mapping[str, Any]) -> dict[str, Any]:
    """Give the browser the challenge: the digest of what was shown to this caller."""
    return passkeys.approval_options(rooms_of(request).actors, caller.actor, digest=bytes.fromhex(shown["digest"]))


def signature_in(request: Page, caller: Caller, data: Mapping[str, Any]) -> tuple[bytes, Callable[[], tuple[str, Mapping[str, str]]]]:
    """
    Give the digest that the page showed, and what checks that a passkey of the caller signed it.

    :raises KeeperInvalid: when there is no digest
    """
    rooms = rooms_of(request)
    try:
        digest = bytes.fromhex(str(data.get("digest", "")))
    except ValueError as error:
        raise KeeperInvalid("digest_differs", "The digest is no hexadecimal number.") from error
    return digest, lambda: passkeys.verified_by_passkey(
        rooms.actors, caller.actor, digest=digest, credential=data.get("credential") or {}, origin=rooms.origin
    )
