"""What a change may change: each kind says what belongs to it, when it cannot come into force, and how it does."""

import re
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from hoeksteen_keeper.access.actors import ENDED, Actors, key_name, public_key_from_text
from hoeksteen_keeper.access.grants import Grants
from hoeksteen_keeper.access.model import ROLES, Actor, Facts, Organisation
from hoeksteen_keeper.access.policies import Policies, Shelf, policies_of
from hoeksteen_keeper.errors import KeeperInvalid, KeeperRefused

SIGNATURES_NEEDED = 2


@dataclass(frozen=True, slots=True)
class Reach:
    """What changes reach."""

    actors: Actors
    shelf: Shelf
    grants: Grants

    def officers(self, *, policies: Policies | None = None, instead: Actor | None = None) -> set[str]:
        """
        Name those who can sign changes.

        :param policies: under which; None for those in force
        :param instead: somebody as they would be, in place of how they are
        """
        deciding = policies or self.shelf.in_force()
        people = [instead if instead and instead.actor == one.actor else one for one in self.actors.signers()]
        return {one.actor for one in people if one.roles and deciding.decide(one, "change", "keeper", Facts(strong=True)).allowed}


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind"):
    """What a change changes."""

    def completed(self, reach: Reach) -> "Content":
        """Give it with what it rests on, so that this is signed as well."""
        return self

    def check(self, reach: Reach) -> None:
        """:raises KeeperError: when it cannot come into force; `change_over` and `last_officers` are refusals, what is wrong with it is invalid"""

    def put_in_force(self, reach: Reach) -> None:
        """Do it."""
        raise NotImplementedError

    def concerns(self) -> str:
        """Name who may not sign it, because it ends, raises or links them."""
        return ""

    def facts(self, reach: Reach) -> dict[str, Any]:
        """Give what those who sign should know besides, as it stands now: whose names these are, what a key is called."""
        return {}


class AboutActor(Content, frozen=True, forbid_unknown_fields=True):
    """What ends, raises or links somebody; they do not sign it themselves."""

    actor: str

    def concerns(self) -> str:
        return self.actor

    def facts(self, reach: Reach) -> dict[str, Any]:
        return _who(reach, self.actor)


class PolicyText(Content, frozen=True, forbid_unknown_fields=True, tag="policy"):
    """
    The whole text of the policies, in place of all that held before.

    :param replaces: the digest of those, so that nobody signs a difference and puts another one in force
    """

    text: str
    replaces: str = ""

    def completed(self, reach: Reach) -> "PolicyText":
        return PolicyText(self.text, self.replaces or reach.shelf.latest().digest)

    def check(self, reach: Reach) -> None:
        if self.replaces != reach.shelf.latest().digest:
            raise KeeperRefused("change_over", "Other policies came into force since it was proposed; propose it anew.")
        reach.shelf.check(self.text)
        _require_signers(reach.officers(policies=policies_of(self.text)))

    def put_in_force(self, reach: Reach) -> None:
        reach.shelf.put_in_force(self.text)

    def facts(self, reach: Reach) -> dict[str, Any]:
        return {"in_force": reach.shelf.text(self.replaces)}


class NewOrganisation(Content, frozen=True, forbid_unknown_fields=True, tag="organisation"):
    """An organisation that is not the operator."""

    organisation: str
    name: str
    country: str

    def check(self, reach: Reach) -> None:
        _require_names(self.organisation, self.name)
        if self.organisation in reach.actors.names():
            raise KeeperInvalid("change_invalid", "There is an organisation of that name already.")
        if not re.fullmatch(r"[A-Z]{2}", self.country):
            raise KeeperInvalid("change_invalid", "A country is two capital letters, such as NL.")

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
        _require_names(self.actor, self.name)
        reach.actors.refuse_shared(public_key_from_text(self.public_key))
        reach.actors.organisation(self.organisation)
        if self.actor.startswith("keeper-"):  # as the keeper's own pages are called, where a person's session says who carries it
            raise KeeperInvalid("change_invalid", "Names that begin with keeper- are the keeper's own.")
        if self.actor in reach.actors.names() or reach.actors.status(self.actor) == ENDED:  # a restore may have lost who left for good
            raise KeeperInvalid("actor_exists", "There is, or was, an actor of that name already. Choose another name.")
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
        _present(reach, self.actor)

    def put_in_force(self, reach: Reach) -> None:
        reach.actors.add_key(self.actor, public_key=public_key_from_text(self.public_key))

    def facts(self, reach: Reach) -> dict[str, Any]:
        return {**_who(reach, self.actor), "key": key_name("ed25519", public_key_from_text(self.public_key))}


class EndActor(AboutActor, frozen=True, forbid_unknown_fields=True, tag="end_actor"):
    """Somebody or a service leaves for good, with all sessions, keys and grants."""

    def check(self, reach: Reach) -> None:
        _require_signers(reach.officers(instead=replace(_present(reach, self.actor), roles=())))

    def put_in_force(self, reach: Reach) -> None:
        reach.grants.end_of(self.actor, reason="the asker left for good")
        reach.actors.end(self.actor)

    def facts(self, reach: Reach) -> dict[str, Any]:
        return {**super().facts(reach), "running": len(reach.grants.listing(asker=self.actor, state="running"))}


class NewRoles(AboutActor, frozen=True, forbid_unknown_fields=True, tag="roles"):
    """The roles of a person, in place of all that they had before."""

    roles: tuple[str, ...]

    def check(self, reach: Reach) -> None:
        actor = _present(reach, self.actor)
        _require_roles(self.roles)
        if actor.kind != "person" or not self.roles or len(set(self.roles)) < len(self.roles) or set(self.roles) == set(actor.roles):
            raise KeeperInvalid("change_invalid", "A person has roles, each once, and other ones than before. Whoever is to have none, ends.")
        _require_signers(reach.officers(instead=replace(actor, roles=self.roles)))

    def put_in_force(self, reach: Reach) -> None:
        reach.actors.set_roles(self.actor, self.roles)


class IssuerLink(AboutActor, frozen=True, forbid_unknown_fields=True, tag="issuer_link"):
    """Whoever an identity provider of the operator names so, logs in as this person."""

    issuer: str
    subject: str

    def check(self, reach: Reach) -> None:
        if _present(reach, self.actor).kind != "person" or not self.issuer.startswith(("https://", "http://127.0.0.1:")):
            raise KeeperInvalid("change_invalid", "A person is linked to whom an issuer names; an issuer begins with https://.")
        if not (1 <= len(self.subject) <= 255 and len(self.issuer) <= 200) or "\0" in self.subject + self.issuer:
            raise KeeperInvalid("change_invalid", "An issuer has at most 200 characters, and whom it names 1 to 255.")
        if (self.issuer, self.subject) in reach.actors.links():
            raise KeeperInvalid("change_invalid", "Whom that issuer names so is linked already; unlink them first.")

    def put_in_force(self, reach: Reach) -> None:
        reach.actors.link("linked", actor=self.actor, issuer=self.issuer, subject=self.subject)


class IssuerUnlink(AboutActor, frozen=True, forbid_unknown_fields=True, tag="issuer_unlink"):
    """Whoever an identity provider names so, logs in as nobody any more."""

    issuer: str
    subject: str

    def check(self, reach: Reach) -> None:
        if reach.actors.links().get((self.issuer, self.subject)) != self.actor:
            raise KeeperInvalid("change_invalid", "Whom that issuer names so is not linked to that person.")

    def put_in_force(self, reach: Reach) -> None:
        reach.actors.link("unlinked", actor=self.actor, issuer=self.issuer, subject=self.subject)

    def concerns(self) -> str:
        return ""  # it takes something away that they may well want gone


KINDS = PolicyText | NewOrganisation | NewActor | NewKey | EndActor | NewRoles | IssuerLink | IssuerUnlink


def _require_names(name: str, shown: str) -> None:
    """So that no two names look alike, and none hides a part of itself."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9._@-]{0,99}", name) or not 1 <= len(shown.strip()) <= 100 or not shown.isprintable():
        raise KeeperInvalid("change_invalid", "A name is of a-z, 0-9, dot, dash, _ and @; what is shown, of up to 100 characters that can be seen.")


def _require_roles(roles: tuple[str, ...]) -> None:
    if set(roles) - (of_people := ROLES - {"service", "data_subject"}):
        raise KeeperInvalid("unknown_role", f"There is no such role for a person; there are {', '.join(sorted(of_people))}.")


def _require_signers(left: set[str]) -> None:
    if len(left) < SIGNATURES_NEEDED:
        raise KeeperRefused("last_officers", "Fewer than two people could sign changes then, and nobody could mend it. Add another first.")


def _present(reach: Reach, name: str) -> Actor:
    found = reach.actors.find(name)
    if reach.actors.status(name) == ENDED:
        raise KeeperInvalid("actor_ended", "That actor has left for good. Whoever comes back gets another name.")
    return found


def _who(reach: Reach, name: str) -> dict[str, Any]:
    actor = reach.actors.find(name)
    known = {"name": actor.name, "service": actor.kind == "service", "roles": list(actor.roles), "keys": reach.actors.keys(name)}
    return {**known, **_of(actor.organisation)}


def _of(organisation: Organisation) -> dict[str, Any]:
    return {"organisation_name": organisation.name, "country": organisation.country}
