"""A worker whose tasks do next to nothing; tests start, end and kill it."""

import os
import sys
import time
from pathlib import Path

from hoeksteen.kernel.errors import Unavailable, WrongState
from hoeksteen.storage.job_worker import Station, Tell, work
from hoeksteen.storage.jobs import Arguments
from hoeksteen.storage.postgres import Database


def say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main(dsn: str, folder: str) -> None:
    tries = Path(folder) / "tries"

    def count(arguments: Arguments, tell: Tell) -> dict[str, int]:
        to = int(arguments["to"])
        for number in range(to):
            tell(number + 1, to)
        return {"counted": to}

    def refuse(_: Arguments, __: Tell) -> dict[str, int]:
        raise WrongState("No.", remedy="Ask again.")

    def broken(_: Arguments, __: Tell) -> dict[str, int]:
        raise ValueError("secret")

    def away(_: Arguments, __: Tell) -> dict[str, int]:
        with tries.open("a") as file:
            file.write("x")
        if len(tries.read_text()) < 2:
            raise Unavailable("Away.")
        return {"tries": len(tries.read_text())}

    def long(_: Arguments, tell: Tell) -> dict[str, int]:
        again = (Path(folder) / "begun").exists()
        (Path(folder) / "begun").touch()
        for number in range(1 if again else 600):
            tell(number + 1, 600)
            time.sleep(0.1)
        return {}

    tasks = {"count": count, "refuse": refuse, "break": broken, "away": away, "long": long}
    parent = os.getppid()
    with Database(dsn) as database:
        station = Station(dsn, database, tasks, lambda error: type(error).__name__, lambda _: None, lambda: os.getppid() != parent)
        work(station=station, on_ready=lambda: say("ready"))


if __name__ == "__main__":
    main(*sys.argv[1:])
