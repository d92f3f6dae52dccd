"""
Commands by which a person decides: `--as NAME --key FILE` proves who they are.

The command runs twice as the application, which may not read the key: once to say what is to be signed, and once to do it. In
between, with the rights of whoever typed it, the text is compared with what they typed, shown, and signed once they say so: nobody's key signs what
the application thinks of. The keeper checks the signature, and keeps it in its log.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure.decisions import Signer, decision_text, read_decision, sign, signer_of
from hoeksteen.interfaces.cli.application import ask_application, let_application
from hoeksteen.interfaces.cli.options import emit_json
from hoeksteen.kernel.errors import InvalidInput

BILLING_MANAGER = "billing_manager"
_HOW = "Say who you are with --as NAME, and prove it with --key FILE: the key that the keeper knows you by. On the desk, the log-in proves it."


@dataclass(frozen=True, slots=True)
class Deciding:
    """
    Who decides, and how that is proven.

    :param person: whoever typed the command, whose key is in `key`
    :param yes: whether they want to be asked nothing
    :param signed_by: the same, told to the application, with the `signature` once there is one
    """

    person: str
    key: Path | None
    yes: bool
    signed_by: str
    signature: str

    @property
    def is_asked(self) -> bool:
        """Whether a person's command asks the application; else the person typed this one."""
        return bool(self.signed_by)

    @property
    def is_named(self) -> bool:
        """Whether somebody wants to prove who they are."""
        return bool(self.person or self.key or self.signed_by)

    def decide(self, *words: str, what: str, said: Mapping[str, str], data: Path, as_json: bool) -> None:
        """
        Let the application word what is decided, sign it if it is what was typed, and let it do that.

        :param words: the command and its options, without those of this module
        :param what: what the person decides, as `signer` says it
        :param said: the facts of it that they typed
        :raises InvalidInput: when it is not proven who decides; it says how
        :raises AccessDenied: when the application words something else; nothing is signed
        """
        if not self.person or self.key is None:
            raise unproven("Nobody proved who decides.")
        asked = ask_application(*words, "--signed-by", self.person, data=data)
        text, more = str(asked.get("text")), [str(word) for word in asked.get("more", ())]
        self._ask(what, read_decision(text=text, what=what, by=self.person, said=said), said)
        signature = base64.b64encode(sign(text=text.encode(), key_path=self.key)).decode()
        signed = ("--signed-by", self.person, "--signature", signature, *more)
        let_application(*words, *signed, *(["--json"] if as_json else []), data=data)

    def _ask(self, what: str, facts: Mapping[str, str], said: Mapping[str, str]) -> None:
        """Show what is about to be signed, and ask whether it shall be."""
        click.echo(f"You sign as {self.person}: {what}", err=True)
        for name, value in facts.items():
            whose = "" if name in said else "    (the application says so)"
            click.echo(f"  {name.replace('_', ' ')}: {value}{whose}", err=True)
        if not self.yes:
            click.confirm("Sign this?", abort=True, err=True)

    def signer(
        self, keeper: KeeperClient, *, what: str, facts: Mapping[str, str], more: Sequence[str] = (), role: str = BILLING_MANAGER
    ) -> Signer | None:  # fmt: skip
        """
        Give who signed what is decided; where nobody has yet, say what is to be signed, and give None.

        :param more: options that the second call needs to decide the same
        :param role: what they must be, to decide this
        :raises AccessDenied: when it was not signed, or by somebody whose work it is not
        """
        text = decision_text(what=what, by=self.signed_by, facts=facts)
        if not self.signature:
            emit_json({"text": text.decode(), "more": list(more)})
            return None
        try:
            signature = base64.b64decode(self.signature, validate=True)
        except ValueError:
            raise InvalidInput("The signature is no base64.", remedy=_HOW) from None
        return signer_of(keeper=keeper, text=text, signature=signature, role=role)


def unproven(message: str) -> InvalidInput:
    """Give the error of a command that has to prove who typed it, with how that is done."""
    return InvalidInput(message, remedy=_HOW)


def deciding(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--as`, `--key` and `--yes`, and give the command `decides`, a `Deciding`."""

    @wraps(command)
    def run(*, person: str, key_path: Path | None, yes: bool, signed_by: str, signature: str, **options: Any) -> Any:
        return command(decides=Deciding(person, key_path, yes, signed_by, signature), **options)

    wrapped: Callable[..., Any] = run
    for option in (
        click.option("--signature", default="", hidden=True),
        click.option("--signed-by", default="", hidden=True),
        click.option("--yes", is_flag=True, help="Sign without asking, if it is what was typed; for scripts."),
        click.option("--key", "key_path", type=click.Path(path_type=Path, dir_okay=False), help="Your own key, which proves it."),
        click.option("--as", "person", default="", metavar="NAME", help="Who you are, such as anna.dekker."),
    ):
        wrapped = option(wrapped)
    return wrapped
