"""
A witness as a program of its own: C2SP tlog-witness over HTTP, for any log whose key it was given.

Whoever runs it is another organisation than the log's; it needs no database, and nothing of the keeper but its formats.
"""

import socket
from collections.abc import Callable
from pathlib import Path

import anyio.to_thread
import uvicorn

from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.evidence.errors import InvalidNote, WitnessRefused
from hoeksteen_keeper.evidence.keys import NoteSigner
from hoeksteen_keeper.evidence.notes import COSIGNATURE, VerifierKey
from hoeksteen_keeper.evidence.witness import REQUEST_BYTES_MAX, Witness
from hoeksteen_keeper.service.asgi import Asgi, Receive, Scope, Send, body_of, respond
from hoeksteen_keeper.service.clock import now

_KEY = "witness-signing"
_PATH = "/add-checkpoint"


def make_witness(home: Path, *, name: str) -> str:
    """
    Make the key of a witness, and give its public half, which logs and verifiers are configured with.

    :raises KeeperInvalid: when it has one already
    """
    if (home / _KEY).exists():
        raise KeeperInvalid("key_exists", f"{home / _KEY} exists, and keys are never overwritten. Choose another --home.")
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
    signer = NoteSigner.generate(name, algorithm=COSIGNATURE)
    signer.save(home / _KEY)
    return str(signer.verifier)


def read_verifier(text: str) -> VerifierKey:
    """
    Read a public key, or the file that holds it.

    :raises KeeperInvalid: when it is neither
    """
    if "+" not in text or Path(text).exists():
        try:
            text = Path(text).read_text("utf-8")
        except (OSError, UnicodeDecodeError):
            raise KeeperInvalid("key_unreadable", f"{text} is no public key, and no file that can be read.") from None
    try:
        return VerifierKey.parse(text)
    except InvalidNote as error:
        raise KeeperInvalid("not_a_key", f"What was given is no public key of a log or witness: {error.detail}") from error


def serve_witness(home: Path, *, logs: list[VerifierKey], address: str, port: int, on_ready: Callable[[str], object]) -> None:
    """
    Cosign checkpoints of these logs, each only where it extends the last one, until SIGTERM.

    :param on_ready: is given the address once it is taken
    :raises KeeperInvalid: when the witness has no key, or the port is taken
    """
    try:
        signer = NoteSigner.load(home / _KEY)
    except OSError as error:
        raise KeeperInvalid("key_unreadable", f"{home / _KEY} cannot be read: {error.strerror}. Run `hoeksteen-keeper witness-key`.") from error
    witness = Witness(signer=signer, home=home / "logs", logs={key.name: key for key in logs}, now=now)
    config = uvicorn.Config(witness_app(witness), http="h11", lifespan="off", ws="none", log_config=None, server_header=False)
    try:
        taken = socket.create_server((address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET)
    except OSError as error:
        raise KeeperInvalid("port_taken", f"{address}:{port} cannot be listened on: {error.strerror}. Name another --port.") from error
    with taken:
        on_ready(f"http://{address}:{port}{_PATH}")
        uvicorn.Server(config).run(sockets=[taken])


def witness_app(witness: Witness) -> Asgi:
    """Give the application that answers add-checkpoint."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        body = await body_of(receive, bytes_max=REQUEST_BYTES_MAX)
        kind = b"text/plain; charset=utf-8"
        if not scope["path"].endswith(_PATH):
            status, answer = 404, b"This is a witness: POST to /add-checkpoint (c2sp.org/tlog-witness).\n"
        elif scope["method"] != "POST":
            status, answer = 405, b"POST only.\n"
        elif body is None:
            status, answer = 413, b"The request is too large.\n"
        else:
            try:
                status, answer = 200, await anyio.to_thread.run_sync(witness.add_checkpoint, body)
            except WitnessRefused as refused:
                status, answer = refused.status, refused.body or f"{refused.detail}\n".encode()
                kind = b"text/x.tlog.size" if refused.status == 409 else kind
        await respond(send, status, kind, answer)

    return call
