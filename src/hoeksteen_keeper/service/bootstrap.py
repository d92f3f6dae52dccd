"""The first people: read from one YAML file into an empty keeper, all of it or nothing."""

from pathlib import Path
from typing import Any

import msgspec
import yaml

from hoeksteen_keeper.access.actors import public_key_from_text
from hoeksteen_keeper.access.model import ROLES, Actor, Organisation
from hoeksteen_keeper.access.passwords import hash_password, totp_secret
from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.service.keeper import Keeper


class OrganisationEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    organisation: str
    name: str
    country: str
    operator: bool = False


class PersonEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    actor: str
    name: str
    organisation: str
    roles: list[str]
    password: str
    totp_secret: str
    approval_key: str | None = None


class ServiceEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    actor: str
    name: str
    organisation: str
    public_key: str
    origins: list[str] = []


class Bootstrap(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The whole file."""

    organisations: list[OrganisationEntry]
    people: list[PersonEntry]
    services: list[ServiceEntry]


def read_bootstrap(file: Path) -> Bootstrap:
    """
    Read and check a bootstrap file.

    :raises KeeperInvalid: with the field that is wrong; never with its value
    """
    try:
        parsed: Any = yaml.safe_load(file.read_text("utf-8"))
        entries = msgspec.convert(parsed, Bootstrap)
    except OSError as error:
        raise KeeperInvalid("bootstrap_invalid", f"{file} cannot be read: {error.strerror}.") from error
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 0
        raise KeeperInvalid("bootstrap_invalid", f"{file}, line {line}: {error.problem}.") from error
    except (yaml.YAMLError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise KeeperInvalid("bootstrap_invalid", f"{file}: {error}") from error
    _check(file, entries)
    return entries


def bootstrap(keeper: Keeper, entries: Bootstrap) -> None:
    """
    Add everybody who is not there yet: one that was cut off is finished by doing it again with the same file.

    :raises KeeperInvalid: when the keeper knows somebody who is not in the file, or everybody in it
    """
    known = keeper.actors.names()
    actors: list[PersonEntry | ServiceEntry] = [*entries.people, *entries.services]
    everybody = {entry.organisation for entry in entries.organisations} | {entry.actor for entry in actors}
    missing = everybody - known | {entry.actor for entry in entries.services if not keeper.actors.ed25519_keys(entry.actor)}
    if known - everybody or not missing:
        raise KeeperInvalid("not_empty", "The keeper has been bootstrapped already; later changes go through the running service.")
    organisations = {
        entry.organisation: Organisation(entry.organisation, entry.name, entry.country, entry.operator) for entry in entries.organisations
    }
    for organisation in organisations.values():
        if organisation.organisation not in known:
            keeper.actors.add_organisation(organisation)
    for person in entries.people:
        actor = Actor(person.actor, person.name, organisations[person.organisation], "person", tuple(person.roles))
        if person.actor not in known:
            keeper.actors.add(actor, password_hash=hash_password(person.password), totp_secret=totp_secret(person.totp_secret))
        if person.approval_key and not keeper.actors.ed25519_keys(person.actor):
            keeper.actors.add_key(person.actor, public_key=public_key_from_text(person.approval_key))
    for service in entries.services:
        if service.actor not in known:
            keeper.actors.add(
                Actor(service.actor, service.name, organisations[service.organisation], "service", ("service",), None, tuple(service.origins))
            )
        if not keeper.actors.ed25519_keys(service.actor):
            keeper.actors.add_key(service.actor, public_key=public_key_from_text(service.public_key))


def _check(file: Path, entries: Bootstrap) -> None:
    """Find every fault before anything is added, so that a wrong file leaves nothing half-done."""
    known = {entry.organisation for entry in entries.organisations}
    actors: list[PersonEntry | ServiceEntry] = [*entries.people, *entries.services]
    names = [entry.actor for entry in actors]
    faults = [f"{entry.actor}: there is no organisation {entry.organisation}" for entry in actors if entry.organisation not in known]
    faults += [f"{person.actor}: there is no role {role}" for person in entries.people for role in person.roles if role not in ROLES - {"service"}]
    faults += [f"{name}: appears twice" for name in sorted({name for name in names if names.count(name) > 1})]
    if sum(entry.operator for entry in entries.organisations) != 1:
        faults.append("organisations: exactly one is the operator")
    for person in entries.people:
        try:
            hash_password(person.password)
            totp_secret(person.totp_secret)
            public_key_from_text(person.approval_key) if person.approval_key else None
        except KeeperInvalid as error:
            faults.append(f"{person.actor}: {error.detail}")
    for service in entries.services:
        try:
            public_key_from_text(service.public_key)
        except KeeperInvalid as error:
            faults.append(f"{service.actor}: {error.detail}")
    if faults:
        raise KeeperInvalid("bootstrap_invalid", f"{file}: {'; '.join(faults)}. Nothing was added.")
