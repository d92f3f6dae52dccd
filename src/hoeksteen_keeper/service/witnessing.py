"""
A witness as a program of its own: C2SP tlog-witness over HTTP, for any log whose key it was given.

Whoever runs it is another organisation than the log's; it needs no database, and nothing of the keeper but its formats.
"""

from pathlib import Path

import anyio.to_thread
import uvicorn

from hoeksteen_keeper.errors import KeeperInvalid
from hoeksteen_keeper.evidence.errors import WitnessRefused
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


def serve_witness(home: Path, *, logs: list[str], address: str, port: int) -> None:
    """
    Cosign checkpoints of these logs, each only where it extends the last one, until SIGTERM.

    :param logs: their verifier keys
    :raises KeeperInvalid: when the witness has no key, or a log's key is none
    """
    try:
        signer = NoteSigner.load(home / _KEY)
    except OSError as error:
        raise KeeperInvalid("key_unreadable", f"{home / _KEY} cannot be read: {error.strerror}. Run `hoeksteen-keeper witness-key`.") from error
    keys = [VerifierKey.parse(log) for log in logs]
    witness = Witness(signer=signer, home=home / "logs", logs={key.name: key for key in keys}, now=now)
    uvicorn.run(witness_app(witness), host=address, port=port, http="h11", lifespan="off", ws="none", log_config=None, server_header=False)


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
