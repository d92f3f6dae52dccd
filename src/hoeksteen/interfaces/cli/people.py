"""
The people of a demonstration: who they are, their log-ins, and the keys that they hold.

Their secrets lie in `DATA/people`, which only the user who started the installation may enter. The keeper keeps the hash of a
password and public keys.
"""

import base64
import json
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from hoeksteen.host.installation import SERVICES, Installation
from hoeksteen.host.processes import run_as
from hoeksteen.host.settings import replace_file
from hoeksteen.kernel.errors import InvalidInput, NotFound, Unavailable, WrongState

OPERATOR, VENDOR = "lage-landen", "meridian"
_GRANT_DAYS = 365
_SUBJECTS_MAX = 2_000_000_000  # more than this the keeper grants to no service
_BULK_TICKET = "PRG-1"
_MIGRATION = ("identity", "contact", "payment", "note")
_BILLING = ("identity", "contact", "payment", "invoice_party", "traffic")


@dataclass(frozen=True, slots=True)
class Person:
    """One of the demonstration's people, and what they do."""

    actor: str
    name: str
    organisation: str
    role: str
    job: str


PEOPLE = (
    Person("anna.dekker", "Anna Dekker", OPERATOR, "care_agent", "care: finds the caller, changes a plan"),
    Person("bram.visser", "Bram Visser", OPERATOR, "billing_manager", "billing: runs and explains the bills"),
    Person("fenna.prins", "Fenna Prins", OPERATOR, "billing_manager", "billing: approves the bills that others run"),
    Person("chris.smit", "Chris Smit", OPERATOR, "security_officer", "security: approves access, kill switch"),
    Person("dewi.hoekstra", "Dewi Hoekstra", OPERATOR, "privacy_officer", "privacy: approves access, asks who looked"),
    Person("emma.bakker", "Emma Bakker", OPERATOR, "migration_engineer", "migration: brings legacy systems in"),
    Person("m.tan", "M. Tan", VENDOR, "technician", "the vendor's technician"),
)


@dataclass(frozen=True, slots=True)
class LogIn:
    """What somebody types to log in."""

    actor: str
    password: str
    totp_secret: str
    job: str


def key_of(installation: Installation, person: str) -> Path:
    """Give the file of a person's own key."""
    return installation.settings.people / f"{person}.key"


def log_ins(installation: Installation) -> list[LogIn]:
    """
    Give the log-ins of this demonstration.

    :raises NotFound: when none were made, because the operator bootstrapped the keeper with people of its own
    """
    file = installation.settings.people / "log-ins.json"
    if not file.exists():
        raise NotFound(f"No log-ins in {installation.settings.people}.", remedy="Use those of your own bootstrap file.")
    return [LogIn(**entry) for entry in json.loads(file.read_text("utf-8"))]


def add_log_in(installation: Installation, log_in: LogIn) -> None:
    """Remember one more log-in, such as a customer's."""
    _remember(installation, [*(known for known in log_ins(installation) if known.actor != log_in.actor), log_in])


def new_log_in(actor: str, job: str) -> LogIn:
    """Make a log-in with a random password and a random secret for the authenticator app."""
    return LogIn(
        actor, f"{secrets.token_hex(2)}-{secrets.token_hex(2)}-{secrets.token_hex(2)}", base64.b32encode(secrets.token_bytes(20)).decode(), job
    )


def are_known(installation: Installation) -> bool:
    """Say whether the keeper was given its first people."""
    return (installation.settings.people / "log-ins.json").exists()


def ensure_bootstrapped(installation: Installation, *, own: Path | None = None) -> bool:
    """
    Give an empty keeper its first people and services; says whether it did.

    Keys of people are made as the people themselves, keys of services as the application; the keeper is handed public halves only.

    :param own: the operator's own organisations and people, in the keeper's bootstrap format, instead of the demonstration's; the services are added
    :raises WrongState: when it is given to a keeper that knows people already
    :raises InvalidInput: when it is no such file
    """
    if are_known(installation):
        if own is not None:
            raise WrongState("The keeper has its first people already.", remedy="Leave --people out; later changes go through the running keeper.")
        return False
    made = [] if own else [new_log_in(person.actor, person.job) for person in PEOPLE]
    document = _own_document(installation, own) if own else _document(installation, made)
    installation.bootstrap_keeper(yaml.safe_dump(document, allow_unicode=True))
    _remember(installation, made)
    return True


def approve_standing_grants(installation: Installation, *, customers: int) -> list[dict[str, Any]]:
    """
    Ask, as the batch service, for the standing grants of migration and billing, and have two people approve each.

    :param customers: about how many there will be; the ceilings follow from it (of billing a fifth a day, of migration all)
    """
    grants = []
    for purpose, categories, each, days in (("migration", _MIGRATION, 20, 1), ("billing", _BILLING, 2_000, 5)):
        openings = min(max(each * customers, 1_000_000), _SUBJECTS_MAX)
        bss = installation.settings.service_keys / "bss.key"
        asked = _keeper(
            installation, installation.users.application, "grant", "request", "--as", "bss", "--key", bss, "--purpose", purpose,
            *[part for category in categories for part in ("--category", category)],
            "--ticket", _BULK_TICKET, "--minutes", str(_GRANT_DAYS * 24 * 60), "--subjects-max", str(openings),
            "--per-day", str(openings // days),
        )  # fmt: skip
        grant = asked.split()[0]
        for person in ("chris.smit", "dewi.hoekstra"):
            state = _keeper(
                installation, installation.users.people, "grant", "approve", grant, "--yes", "--as", person, "--key", key_of(installation, person)
            )
        grants.append({"grant": grant, "purpose": purpose, "categories": list(categories), "state": state.splitlines()[-1]})
    return grants


def _own_document(installation: Installation, file: Path) -> dict[str, Any]:
    try:
        document = yaml.safe_load(file.read_text("utf-8"))
        operator = next(entry["organisation"] for entry in document["organisations"] if entry.get("operator"))
    except (yaml.YAMLError, UnicodeDecodeError, LookupError, TypeError, AttributeError, StopIteration) as error:
        raise InvalidInput(
            f"{file} names no organisations of which one is the operator.", remedy="Write it as docs/operations.md shows, section People."
        ) from error
    return {"services": _services(installation, operator), **document}


def _document(installation: Installation, made: list[LogIn]) -> dict[str, Any]:
    users = installation.users
    return {
        "organisations": [
            {"organisation": OPERATOR, "name": "Lage Landen Telecom B.V.", "country": "NL", "operator": True},
            {"organisation": VENDOR, "name": "Meridian Systems", "country": "SG"},
        ],
        "people": [
            {
                "actor": person.actor, "name": person.name, "organisation": person.organisation, "roles": [person.role],
                "password": log_in.password, "totp_secret": log_in.totp_secret,
                "approval_key": _keygen(installation, users.people, key_of(installation, person.actor)),
            }
            for person, log_in in zip(PEOPLE, made, strict=True)
        ],
        "services": _services(installation, OPERATOR),
    }  # fmt: skip


def _services(installation: Installation, operator: str) -> list[dict[str, Any]]:
    settings = installation.settings
    origins = {"desk": [settings.desk_origin], "mydata": [settings.mydata_origin], "api": [settings.api_origin]}
    return [
        {
            "actor": service, "name": f"Hoeksteen {service}", "organisation": operator, "origins": origins.get(service, []),
            "public_key": _keygen(installation, installation.users.application, settings.service_keys / f"{service}.key"),
        }
        for service in SERVICES
    ]  # fmt: skip


def _keygen(installation: Installation, user: str, path: Path) -> str:
    program = installation.program("hoeksteen-keeper")
    command: list[str | Path] = [program, "public", "--key", path] if path.exists() else [program, "keygen", "--out", path]
    done = run_as(user, command)
    if done.returncode != 0:
        raise Unavailable(f"The key {path} cannot be made: {done.stderr.strip()}", remedy="Look at the directory's owner and mode.")
    return done.stdout.strip()


def _keeper(installation: Installation, user: str, *arguments: str | Path) -> str:
    done = run_as(user, [installation.program("hoeksteen-keeper"), *arguments, "--socket", installation.settings.keeper_socket])
    if done.returncode != 0:
        raise Unavailable(f"The keeper refuses: {done.stderr.strip()}", remedy="Read its log in the data directory.")
    return done.stdout.strip()


def _remember(installation: Installation, made: list[LogIn]) -> None:
    text = json.dumps([{name: getattr(log_in, name) for name in LogIn.__slots__} for log_in in made], indent=1)
    replace_file(installation.settings.people / "log-ins.json", text, mode=0o600)
