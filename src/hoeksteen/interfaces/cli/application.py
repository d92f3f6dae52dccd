"""What the application does for a command that a person runs with a key of their own: each half has only its own rights."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from hoeksteen.host.os_users import os_users
from hoeksteen.host.processes import credentials, environment, run_as
from hoeksteen.kernel.errors import NotFound, Unavailable

_EXIT_NOT_FOUND = 66


def ask_application(*words: str, data: Path) -> dict[str, Any]:
    """
    Run a command as the application's OS user and give the JSON object that it prints.

    :raises NotFound: when it finds nothing
    :raises Unavailable: when it fails
    """
    command: list[str | Path] = [sys.executable, "-m", "hoeksteen", *words, "--data", data]
    done = run_as(os_users().application, command)
    if done.returncode != 0:
        message = done.stderr.strip().splitlines() or ["no message"]
        error = NotFound if done.returncode == _EXIT_NOT_FOUND else Unavailable
        raise error(message[0].removeprefix("hoeksteen: "), remedy=message[-1].strip().removeprefix("what to do: "))
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def let_application(*words: str, data: Path) -> None:
    """Run a command as the application's OS user, which prints what it prints and ends as it ends."""
    user = os_users().application
    command = [sys.executable, "-m", "hoeksteen", *words, "--data", str(data)]
    done = subprocess.run(command, check=False, cwd="/", stdin=subprocess.DEVNULL, env=environment(user), **credentials(user))
    if done.returncode != 0:
        sys.exit(done.returncode)
