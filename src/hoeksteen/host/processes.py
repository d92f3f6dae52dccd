"""Running a program as one of the OS users, with an environment that holds no secret."""

import os
import pwd
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hoeksteen.kernel.errors import WrongState

_PASSED_ON = ("LANG", "LC_ALL", "TZ", "HOEKSTEEN_DATA", "NO_COLOR", "COLUMNS", "COVERAGE_PROCESS_START", "CI")


def environment(user: str) -> dict[str, str]:
    """Give the variables that a program of ours needs, and no others."""
    passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        "HOME": "/nonexistent",
        "USER": user,
        "PYTHONUTF8": "1",
        "OMP_NUM_THREADS": "2",
        **passed,
    }


def credentials(user: str) -> dict[str, Any]:
    """Give the arguments that make `subprocess` switch to `user`, where this process may."""
    if os.geteuid() != 0 or user == "root":
        return {}
    account = pwd.getpwnam(user)
    return {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}


def run_as(user: str, command: Sequence[str | Path], *, input_text: str | None = None, check: bool = False) -> subprocess.CompletedProcess[str]:
    """Run a program to its end as `user` and give what it printed."""
    return subprocess.run(
        [str(part) for part in command],
        input=input_text,
        capture_output=True,
        text=True,
        check=check,
        cwd="/",
        env=environment(user),
        **credentials(user),
    )


def copy_as(user: str, source: Path, to: Path) -> None:
    """
    Copy a file that this process may read to where `user` may write, with that user's rights there and for that user's eyes only.

    :raises WrongState: when `user` cannot write it
    """
    with source.open("rb") as file:
        done = subprocess.run(
            ["/bin/sh", "-c", 'umask 077; cat > "$0"', str(to)],
            stdin=file, capture_output=True, text=True, check=False, cwd="/", env=environment(user), **credentials(user),
        )  # fmt: skip
    if done.returncode != 0:
        raise WrongState(f"{user} cannot write {to}: {done.stderr.strip()}", remedy="Remove what is in its place, or free space.")


def start_as(user: str, command: Sequence[str | Path], *, log: Path) -> subprocess.Popen[bytes]:
    """Start a program that goes on by itself as `user`, its output appended to `log`, which lies in a directory of this process's own user."""
    with log.open("ab") as sink:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, cwd="/", env=environment(user), start_new_session=True, **credentials(user),
        )  # fmt: skip
