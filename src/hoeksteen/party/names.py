"""How a party is called, from its revealed identity; nothing of it is kept."""

from collections.abc import Mapping
from typing import Any


def full_name(identity: Mapping[str, Any]) -> str | None:
    """
    Give a name as it stands on a letter: `J.P. van den Berg`, or an organisation's trading name; None where nothing is known.

    :param identity: the fields of the category `identity`
    """
    if identity.get("kind") == "organization":
        return identity.get("trading_name") or None
    parts = [identity.get("initials") or identity.get("given_name"), identity.get("family_name_prefix"), identity.get("family_name")]
    return " ".join(part for part in parts if part) or None
