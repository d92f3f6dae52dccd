"""
Commands by which a person decides: `--as NAME --key FILE` proves who they are.

The command runs twice as the application, which may not read the key: once to say what is to be signed, and once to do it. In
between, with the rights of whoever typed it, the text is signed. The keeper checks the signature, and keeps it in its log.
"""

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import Any

import click

from hoeksteen.disclosure import KeeperClient
from hoeksteen.disclosure.decisions import Signer, decision_text, sign, signer_of
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
    :param signed_by: the same, told to the application, with the `signature` once there is one
    """

    person: str
    key: Path | None
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

    def decide(self, *words: str, data: Path, as_json: bool) -> None:
        """
        Let the application say what is to be signed, sign it, and let it do that.

        :param words: the command and its options, without those of this module
        :raises InvalidInput: when it is not proven who decides; it says how
        """
        if not self.person or self.key is None:
            raise unproven("Nobody proved who decides.")
        asked = ask_application(*words, "--signed-by", self.person, data=data)
        click.echo(f"You sign: {asked['text']}", err=True)
        signature = base64.b64encode(sign(text=asked["text"].encode(), key_path=self.key)).decode()
        signed = ("--signed-by", self.person, "--signature", signature, *asked["more"])
        let_application(*words, *signed, *(["--json"] if as_json else []), data=data)

    def signer(self, keeper: KeeperClient, *, what: str, facts: Mapping[str, str], more: Sequence[str] = ()) -> Signer | None:
        """
        Give who signed what is decided; where nobody has yet, say what is to be signed, and give None.

        :param more: options that the second call needs to decide the same
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
        return signer_of(keeper=keeper, text=text, signature=signature, role=BILLING_MANAGER)


def unproven(message: str) -> InvalidInput:
    """Give the error of a command that has to prove who typed it, with how that is done."""
    return InvalidInput(message, remedy=_HOW)


def deciding(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add `--as` and `--key`, and give the command `decides`, a `Deciding`."""

    @wraps(command)
    def run(*, person: str, key_path: Path | None, signed_by: str, signature: str, **options: Any) -> Any:
        return command(decides=Deciding(person, key_path, signed_by, signature), **options)

    wrapped: Callable[..., Any] = run
    for option in (
        click.option("--signature", default="", hidden=True),
        click.option("--signed-by", default="", hidden=True),
        click.option("--key", "key_path", type=click.Path(path_type=Path, dir_okay=False), help="Your own key, which proves it."),
        click.option("--as", "person", default="", metavar="NAME", help="Who you are, such as anna.dekker."),
    ):
        wrapped = option(wrapped)
    return wrapped
