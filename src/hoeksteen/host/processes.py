"""Running a program as one of the OS users, with an environment that holds no secret."""

import os
import pwd
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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


def start_as(user: str, command: Sequence[str | Path], *, log: Path) -> subprocess.Popen[bytes]:
    """Start a program that goes on by itself as `user`, its output appended to `log`."""
    with log.open("ab") as sink:
        return subprocess.Popen(
            [str(part) for part in command],
            stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, cwd="/", env=environment(user), start_new_session=True, **credentials(user),
        )  # fmt: skip
