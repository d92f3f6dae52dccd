"""
Telling a demonstration step by step: headings, the commands that are run, what they print, and the figures they give.

A finished step is remembered in the data directory, so that an interrupted demonstration goes on where it stopped.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rich.console import Console

from hoeksteen.host.installation import Installation
from hoeksteen.host.processes import credentials, environment
from hoeksteen.host.settings import replace_file
from hoeksteen.kernel.errors import Unavailable, WrongState

Figures = dict[str, Any]


class CommandFailed(Unavailable):
    """A step's command ended with an error; its own message was printed already."""


class Story:
    """
    One demonstration.

    :param installation: on which its commands work
    :param console: where it is told; never the stream on which the JSON object ends
    """

    def __init__(self, installation: Installation, console: Console) -> None:
        self.installation = installation
        self.console = console
        self._memory = installation.settings.data / "demonstration.json"
        self._finished: dict[str, Figures] = json.loads(self._memory.read_text("utf-8")) if self._memory.exists() else {}

    def step(self, name: str, title: str, tell: Callable[[], Figures]) -> Figures:
        """Tell one step under a heading, or say that it was told before; give its figures with the `seconds` it took."""
        self.console.print()
        self.console.rule(f"[bold]{title}[/]", align="left", style="dim")
        if name in self._finished:
            self.console.print("  done before; going on")
            return self._finished[name]
        began = time.monotonic()
        figures = tell()
        figures["seconds"] = round(time.monotonic() - began, 1)
        self._finished[name] = figures
        replace_file(self._memory, json.dumps(self._finished, indent=1, default=str), mode=0o600)
        return figures

    def require_same(self, wish: object) -> None:
        """
        Refuse to go on with a demonstration that was begun with other wishes.

        :raises WrongState: when it was
        """
        begun = self._finished.setdefault("wish", {"wish": repr(wish), "seconds": 0})
        if begun["wish"] != repr(wish):
            raise WrongState(
                f"{self._memory.parent} holds another demonstration.", remedy="Add --fresh to make this one anew, or name another --data."
            )

    def remembered(self, name: str) -> Figures:
        """Give the figures of a step that was told, or none."""
        return self._finished.get(name, {})

    def seconds_by_step(self) -> dict[str, float]:
        """Give how long each step took."""
        return {name: figures["seconds"] for name, figures in self._finished.items() if name != "wish"}

    @property
    def seconds(self) -> float:
        """The time that all finished steps took together."""
        return round(float(sum(figures["seconds"] for figures in self._finished.values())), 1)

    def say(self, text: str) -> None:
        """Print one line of the story."""
        self.console.print(f"  {text}", highlight=False)

    def run(self, *arguments: str | Path, user: str | None = None, program: str = "hoeksteen", fails: bool = False) -> tuple[int, list[str]]:
        """
        Run one of our programs as an OS user, printing the command and what it prints, and give its exit status and lines.

        :param user: by default the application's
        :param fails: whether a failure is what the story wants to show
        :raises CommandFailed: when it fails and should not
        """
        shown = " ".join(_shown(argument) for argument in arguments if argument != "--json")
        self.console.print(f"[bold green]$[/] [bold]{program} {shown}[/]", highlight=False, soft_wrap=True)
        user = user or self.installation.users.application
        look = {"COLUMNS": str(self.console.width - 4), **({"FORCE_COLOR": "1"} if self.console.is_terminal else {})}
        process = subprocess.Popen(
            [str(Path(sys.executable).parent / program), *(str(argument) for argument in arguments)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd="/",
            env={**environment(user), **look, "HOEKSTEEN_DATA": str(self.installation.settings.data)}, **credentials(user),
        )  # fmt: skip
        assert process.stdout is not None
        lines: list[str] = []
        held = ""  # a JSON object on the last line is for this program, not for the reader
        for line in process.stdout:
            lines.append(line.rstrip("\n"))
            self._show(held)
            held = line if line.startswith("{") else ""
            if not held:
                self._show(line)
        status = process.wait()
        if status != 0 and not fails:
            raise CommandFailed(
                f"`{program} {shown}` ended with exit status {status}.", remedy="Mend what it names, and run the demonstration again."
            )
        return status, lines

    def _show(self, line: str) -> None:
        if line:
            self.console.file.write(f"  {line}" if line.strip() else "\n")
            self.console.file.flush()

    def by_key(self, *arguments: str | Path, person: str) -> None:
        """Run a command of ours by which a person of the demonstration decides, with the key that only they hold."""
        key = self.installation.settings.people / f"{person}.key"
        self.run(*arguments, "--as", person, "--key", key, "--yes", "--json", user=self.installation.users.people)

    def figures(self, *arguments: str | Path) -> Figures:
        """Run a command of ours that ends with a JSON object, and give that object."""
        _, lines = self.run(*arguments, "--json")
        try:
            return dict(json.loads(next(line for line in reversed(lines) if line.startswith("{"))))
        except (StopIteration, ValueError) as error:
            raise Unavailable(f"`hoeksteen {arguments[0]}` did not end with a JSON object.", remedy="Run it by hand.") from error


def _shown(argument: str | Path) -> str:
    text = str(argument)
    return f"'{text}'" if " " in text else text.replace(os.path.expanduser("~"), "~")
