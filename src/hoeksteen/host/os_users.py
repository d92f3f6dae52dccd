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

from hoeksteen.host.processes import run_as
from hoeksteen.kernel.errors import Unavailable, WrongState

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
    """
    Make a directory that belongs to `user`, with exactly this mode.

    Root never acts by name inside a directory that somebody else may write: a link planted there would hand over any
    file of the machine. Such a directory is made by its owner itself.

    :raises WrongState: when a link, a file or a directory of somebody else's is in its place
    """
    account = pwd.getpwnam(user)
    if os.geteuid() == 0 and account.pw_uid != 0 and path.parent.exists() and path.parent.stat().st_uid != 0:
        made = run_as(user, ["install", "-d", "-m", f"{mode:04o}", path])
        if made.returncode != 0:
            raise WrongState(f"{user} cannot make the directory {path}: {made.stderr.strip()}", remedy="Remove what is in its place.")
        return path
    try:
        path.mkdir(parents=True, exist_ok=True)
        handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except (FileExistsError, NotADirectoryError) as error:
        raise WrongState(f"{path} is a link or no directory.", remedy="Remove it, or name another --data.") from error
    try:
        if (owner := os.fstat(handle).st_uid) not in (os.geteuid(), account.pw_uid):
            raise WrongState(f"{path} belongs to another user (number {owner}).", remedy="Remove it, or name another --data.")
        os.fchmod(handle, mode)
        if os.geteuid() == 0:
            os.fchown(handle, account.pw_uid, account.pw_gid)
    finally:
        os.close(handle)
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
