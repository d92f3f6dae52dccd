"""What a change may change: each kind says what belongs to it, when it cannot come into force, and how it does."""

from dataclasses import dataclass
from typing import Any

import msgspec

from hoeksteen_keeper.access.actors import Actors, key_name, public_key_from_text
from hoeksteen_keeper.access.model import ROLES, Actor, Organisation
from hoeksteen_keeper.access.policies import Shelf
from hoeksteen_keeper.errors import KeeperInvalid


@dataclass(frozen=True, slots=True)
class Reach:
    """What changes reach."""

    actors: Actors
    shelf: Shelf


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """What a change changes."""

    def check(self, reach: Reach) -> None:
        """:raises KeeperInvalid: when it cannot come into force"""

    def put_in_force(self, reach: Reach) -> None:
        """Do it."""
        raise NotImplementedError

    def facts(self, reach: Reach) -> dict[str, Any]:
        """Give what those who sign should know besides, as it stands now: whose names these are, what a key is called."""
        return {}


class PolicyText(Content, frozen=True, forbid_unknown_fields=True, tag="policy"):
    """The whole text of the policies, in place of all that held before."""

    text: str

    def check(self, reach: Reach) -> None:
        reach.shelf.check(self.text)

    def put_in_force(self, reach: Reach) -> None:
        reach.shelf.put_in_force(self.text)


class NewOrganisation(Content, frozen=True, forbid_unknown_fields=True, tag="organisation"):
    """An organisation that is not the operator."""

    organisation: str
    name: str
    country: str

    def check(self, reach: Reach) -> None:
        if self.organisation in reach.actors.names() or not self.organisation.strip() or len(self.country) != 2:
            raise KeeperInvalid("change_invalid", "An organisation has a name that is not taken, and a country of two letters.")

    def put_in_force(self, reach: Reach) -> None:
        reach.actors.add_organisation(Organisation(self.organisation, self.name, self.country, False))


class NewActor(Content, frozen=True, forbid_unknown_fields=True, tag="actor"):
    """A person or a service, with a key of their own; a person makes a passkey from it, and gets no password."""

    actor: str
    name: str
    organisation: str
    public_key: str
    roles: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    service: bool = False

    def check(self, reach: Reach) -> None:
        reach.actors.refuse_shared(public_key_from_text(self.public_key))
        reach.actors.organisation(self.organisation)
        if self.actor in reach.actors.names() or not self.actor.strip() or "\0" in self.actor + self.name:
            raise KeeperInvalid("actor_exists", f"There is, or was, an actor {self.actor!r} already, or the name is none. Choose another.")
        if bool(self.roles) == self.service:
            raise KeeperInvalid("change_invalid", "A person has roles; a service has none to choose.")
        _require_roles(self.roles)

    def put_in_force(self, reach: Reach) -> None:
        kind, roles = ("service", ("service",)) if self.service else ("person", self.roles)
        reach.actors.add(Actor(self.actor, self.name, reach.actors.organisation(self.organisation), kind, roles, None, self.origins))
        reach.actors.add_key(self.actor, public_key=public_key_from_text(self.public_key))

    def facts(self, reach: Reach) -> dict[str, Any]:
        return {**_of(reach.actors.organisation(self.organisation)), "key": key_name("ed25519", public_key_from_text(self.public_key))}


class NewKey(Content, frozen=True, forbid_unknown_fields=True, tag="key"):
    """A further key of somebody, such as in place of one that was lost."""

    actor: str
    public_key: str

    def check(self, reach: Reach) -> None:
        reach.actors.refuse_shared(public_key_from_text(self.public_key))
        reach.actors.find(self.actor)

    def put_in_force(self, reach: Reach) -> None:
        reach.actors.add_key(self.actor, public_key=public_key_from_text(self.public_key))

    def facts(self, reach: Reach) -> dict[str, Any]:
        return {**_who(reach, self.actor), "key": key_name("ed25519", public_key_from_text(self.public_key))}


KINDS = PolicyText | NewOrganisation | NewActor | NewKey


def _require_roles(roles: tuple[str, ...]) -> None:
    if unknown := set(roles) - (ROLES - {"service", "data_subject"}):
        raise KeeperInvalid("unknown_role", f"There is no role {min(unknown)[:40]!r} for a person.")


def _who(reach: Reach, name: str) -> dict[str, Any]:
    actor = reach.actors.find(name)
    return {"name": actor.name, "roles": list(actor.roles), "keys": reach.actors.keys(name), **_of(actor.organisation)}


def _of(organisation: Organisation) -> dict[str, Any]:
    return {"organisation_name": organisation.name, "country": organisation.country}
