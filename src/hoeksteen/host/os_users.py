"""
The OS users that keep the parts of the system apart.

The application, the business database, the keeper and the people of the demonstration each have their own user where
this process may create them (root). Elsewhere every part runs under the one user, and that is reported as a finding.
"""

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from hoeksteen.kernel.errors import Unavailable

APPLICATION = "hoeksteen-app"
BUSINESS_DATABASE = "hoeksteen-db"
KEEPER = "hoeksteen-keeper"
BASTION = "hoeksteen-bastion"


@dataclass(frozen=True, slots=True)
class OsUsers:
    """
    Who runs what.

    :param separated: whether each part has a user of its own
    """

    application: str
    business_database: str
    keeper: str
    bastion: str
    people: str
    separated: bool


def os_users() -> OsUsers:
    """
    Give the OS users of this machine, creating them where this process is root.

    :raises Unavailable: when a user cannot be created
    """
    me = pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() != 0:
        return OsUsers(me, me, me, me, me, separated=False)
    for name in (APPLICATION, BUSINESS_DATABASE, KEEPER, BASTION):
        _ensure(name)
    return OsUsers(APPLICATION, BUSINESS_DATABASE, KEEPER, BASTION, me, separated=True)


def own(path: Path, user: str, *, mode: int) -> Path:
    """Make a directory that belongs to `user`, with exactly this mode."""
    path.mkdir(parents=True, exist_ok=True)
    path.chmod(mode)
    if os.geteuid() == 0:
        account = pwd.getpwnam(user)
        os.chown(path, account.pw_uid, account.pw_gid)
    return path


def _ensure(name: str) -> None:
    try:
        pwd.getpwnam(name)
    except KeyError:
        made = subprocess.run(
            ["useradd", "--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", name],
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        if made.returncode not in (0, 9):  # 9: another process made it meanwhile
            raise Unavailable(
                f"The OS user {name} could not be created: {made.stderr.strip()}", remedy="Create it, or run as an ordinary user."
            ) from None
