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
        # what is wrong with it would repeat a part of it: `*secret` is an alias that is not defined
        raise KeeperInvalid("bootstrap_invalid", f"{file}, line {line}: no YAML; put what begins or holds special characters in quotes.") from None
    except msgspec.ValidationError as error:
        raise KeeperInvalid("bootstrap_invalid", f"{file}: {error}") from error
    except (yaml.YAMLError, ValueError, RecursionError):  # a date that is none, or ten thousand brackets: the error would show the value
        raise KeeperInvalid("bootstrap_invalid", f"{file}: a value is none that YAML can read, or lies too deep.") from None
    _check(file, entries)
    return entries


def bootstrap(keeper: Keeper, entries: Bootstrap) -> None:
    """
    Add everybody who is not there yet: one that was cut off is finished by doing it again with the same file.

    :raises KeeperInvalid: when the keeper knows somebody who is not in the file, or everybody in it
    """
    known = keeper.actors.names()
    holders = {actor for actor in known if keeper.actors.ed25519_keys(actor)}
    actors: list[PersonEntry | ServiceEntry] = [*entries.people, *entries.services]
    everybody = {entry.organisation for entry in entries.organisations} | {entry.actor for entry in actors}
    keys = {entry.actor: _key(entry) for entry in actors if _key(entry)}
    if known - everybody or known == everybody and holders >= set(keys):
        raise KeeperInvalid("not_empty", "The keeper has been bootstrapped already; later changes go through the running service.")
    of = {entry.organisation: Organisation(entry.organisation, entry.name, entry.country, entry.operator) for entry in entries.organisations}
    for name in [name for name in of if name not in known]:
        keeper.actors.add_organisation(of[name])
    for entry in [entry for entry in actors if entry.actor not in known]:
        if isinstance(entry, PersonEntry):
            person = Actor(entry.actor, entry.name, of[entry.organisation], "person", tuple(entry.roles))
            keeper.actors.add(person, password_hash=hash_password(entry.password), totp_secret=totp_secret(entry.totp_secret))
        else:
            keeper.actors.add(Actor(entry.actor, entry.name, of[entry.organisation], "service", ("service",), None, tuple(entry.origins)))
    for name in [name for name in keys if name not in holders]:
        keeper.actors.add_key(name, public_key=public_key_from_text(keys[name]))


def _key(entry: PersonEntry | ServiceEntry) -> str:
    return entry.public_key if isinstance(entry, ServiceEntry) else entry.approval_key or ""


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
    for entry in actors:
        try:
            if isinstance(entry, PersonEntry):
                hash_password(entry.password)
                totp_secret(entry.totp_secret)
            public_key_from_text(_key(entry)) if _key(entry) or isinstance(entry, ServiceEntry) else None
        except KeeperInvalid as error:
            faults.append(f"{entry.actor}: {error.detail}")
    if faults:
        raise KeeperInvalid("bootstrap_invalid", f"{file}: {'; '.join(faults)}. Nothing was added.")
